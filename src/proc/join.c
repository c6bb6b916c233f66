/*
 * join.c - the joiner (theory in join.h). join_clone_outside() and join_exec_outside() run in the
 * runtime; joiner() in the throw-away child; exec_main() in the process that becomes the program.
 */
#include "join.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/sys.h"
#include "feature/keyring.h"
#include "feature/rlimit.h"
#include "proc/seal.h"
#include "proc/sync.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>

struct job {
	int sock;			/* the joiner's */
	int child_sock;			/* the exec child's; init has its own in init_args */
	const struct init_args *init;	/* either */
	const struct join_exec *exec;	/* or */
	bool outer;			/* the joiner itself goes into the cgroup */
};

static int open_pty(const struct process_plan *p, int *ret_slave, struct err *err)
{
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int ptmx = root < 0 ? -1 : path_open_in(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, err);
	struct statfs fs;
	int rc;

	if (ptmx < 0)
		return err_hint(err, ptmx, "a terminal needs a devpts on /dev/pts of the container");
	if (fstatfs(ptmx, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, EINVAL, "'/dev/pts/ptmx' of the container is not in a devpts");
	rc = terminal_open_inside(ptmx, &p->terminal, p->user.uid, ret_slave, err);
	return rc < 0 ? rc : take_fd(&ptmx);
}

/* This is the exec'd process: it lives until execve; it was cloned in the container's pid namespace. */
static _Noreturn void exec_main(const struct join_exec *j, int sock)
{
	const struct log_sink *log = log_get();
	const int keep[] = { sock, log->fd, log->mirror };
	auto_fd int master = -1;
	struct err err = ERR_INIT;
	int slave = -1, rc = 0;

	/* after the clone into the cgroup: from inside the namespace it could not be named */
	if (j->namespaces & CLONE_NEWCGROUP && setns(j->init, CLONE_NEWCGROUP) < 0)
		rc = err_sys(&err, "enter the container's cgroup namespace");
	fd_close_others((unsigned)(3 + j->process->preserve_fds), keep, ARRAY_LEN(keep));
	if (rc == 0)
		rc = sched_affinity_final(&j->process->sched, &err);
	if (rc == 0 && j->keyring)
		rc = keyring_inside(j->keyring, j->process->lsm.selinux, j->namespaces & CLONE_NEWUSER, &err);
	if (rc == 0 && j->process->terminal.wanted) {
		master = open_pty(j->process, &slave, &err);
		rc = master < 0 ? err_in(&err, master, "terminal") : 0;
	}
	if (rc == 0)
		rc = sync_send_with(sock, SYNC_READY, NULL, 0, master, &err);
	fd_closep(&master);
	if (rc == 0)
		rc = sync_expect(sock, SYNC_START, "runtime", NULL, &err);
	if (rc == 0)
		seal_and_exec(j->process, slave, sock, -1);
	sync_fail(sock, &err);
	_exit(126);
}

static int enter(const struct job *job, struct err *err)
{
	int rc;

	/* the clone inherits it; the files of what is not dumpable any more are root's */
	if (job->exec && rlimit_oom_outside(&job->exec->process->rlimits, getpid(), err) < 0)
		return -err->num;
	/* what it clones into a nested namespace must be mapped by it: net/net_join.h says who could look */
	if (!(job->init && job->init->plan->ns.nested) && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "become non-dumpable");
	if (job->exec && sched_affinity_initial(&job->exec->process->sched, err) < 0)
		return -err->num;
	if (job->init)
		return ns_join_inside(&job->init->plan->ns, err);
	if (setns(job->exec->init, (int)(job->exec->namespaces & ~(uint32_t)CLONE_NEWCGROUP)) == 0)
		return 0;
	rc = err_sys(err, "enter the container's namespaces");
	return err_hint(
		err, rc,
		rc == -ESRCH
			? "the container is ending"
			: "only who created the container, from the same user namespace, can enter it");
}

/* This is the joiner: it lives for milliseconds, between setns and clone. */
static _Noreturn void joiner(const struct job *job)
{
	struct err err = ERR_INIT;
	int pidfd = -1, rc = enter(job, &err);
	struct clone_args clone = {
		.flags = CLONE_PARENT | CLONE_PIDFD | (job->init ? job->init->plan->ns.create : 0),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	int cgroup = job->init ? job->init->cgroup : job->exec->cgroup;
	pid_t pid;

	if (cgroup >= 0 && !job->outer) {
		clone.flags |= CLONE_INTO_CGROUP;
		clone.cgroup = (uint64_t)cgroup;
	}
	if (rc == 0) {
		pid = sys_clone3(&clone);
		if (pid == 0 && job->init)
			init_main(job->init);
		if (pid == 0)
			exec_main(job->exec, job->child_sock);
		rc = pid < 0 ? err_sys(&err, "clone the process into the container") : 0;
		if (rc == 0 && job->init && job->init->plan->ns.nested)
			rc = idmap_nested(&job->init->plan->idmap, pid, &err);
		if (rc == 0)
			rc = sync_send_with(job->sock, SYNC_JOINED, &pid, sizeof(pid), pidfd, &err);
	}
	if (rc < 0)
		sync_fail(job->sock, &err);
	_exit(rc < 0);
}

/*
 * Starts the joiner and receives what it cloned, over a pair of its own: the child's messages
 * travel on another one, so neither can overtake the other.
 */
static int run_joiner(struct job *job, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
	struct clone_args clone = { .exit_signal = SIGCHLD };
	struct sync_packet joined;
	int pair[2], cgroup = job->init ? job->init->cgroup : job->exec->cgroup;
	int rc = sync_pair(pair, err);
	pid_t pid;

	if (rc < 0)
		return rc;
	auto_fd int mine = pair[0];
	auto_fd int theirs = pair[1];

	job->sock = theirs;
	if (job->outer) {
		clone.flags = CLONE_INTO_CGROUP;
		clone.cgroup = (uint64_t)cgroup;
	}
	pid = sys_clone3(&clone);
	if (pid == 0)
		joiner(job);
	if (pid < 0)
		return err_sys(err, "start the joiner");
	fd_closep(&theirs);
	rc = sync_expect(mine, SYNC_JOINED, "joiner", &joined, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (rc < 0)
		return rc;
	if (joined.len != sizeof(*ret_pid) || joined.fds[0] < 0)
		return err_set(err, EPROTO, "malformed 'joined' message");
	memcpy(ret_pid, joined.payload, sizeof(*ret_pid));
	*ret_pidfd = joined.fds[0];
	return 0;
}

/*
 * The clone into the cgroup is the joiner's: then it does not count there itself. In a user namespace
 * that does not map the cgroup's owner (root's container whose cgroup is its own) that is refused;
 * then the joiner goes there before it enters.
 */
static int enter_and_clone(struct job *job, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
	int cgroup = job->init ? job->init->cgroup : job->exec->cgroup;
	struct err why = ERR_INIT;
	int rc = run_joiner(job, ret_pid, ret_pidfd, &why);

	if (rc == -EACCES && cgroup >= 0) {
		job->outer = true;
		why = (struct err)ERR_INIT;
		rc = run_joiner(job, ret_pid, ret_pidfd, &why);
	}
	if (rc < 0)
		*err = why;
	return rc;
}

int join_clone_outside(const struct init_args *args, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
	struct job job = { .init = args };

	return enter_and_clone(&job, ret_pid, ret_pidfd, err);
}

int join_exec_outside(const struct join_exec *j, pid_t *ret_pid, int *ret_pidfd, int *ret_pty, int *ret_sock,
		      struct err *err)
{
	struct sync_packet ready;
	int pair[2];
	int rc = sync_pair(pair, err);
	struct job job = { .exec = j, .child_sock = rc < 0 ? -1 : pair[1] };

	if (rc < 0)
		return rc;
	auto_fd int mine = pair[0];
	auto_fd int theirs = pair[1];

	rc = enter_and_clone(&job, ret_pid, ret_pidfd, err);
	fd_closep(&theirs);
	if (rc == 0)
		rc = sync_expect(mine, SYNC_READY, "process", &ready, err);
	if (rc < 0)
		return rc;
	*ret_pty = ready.fds[0];
	*ret_sock = take_fd(&mine);
	return 0;
}
