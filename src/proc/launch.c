/*
 * launch.c - the runtime's half of creation, a straight script whose steps line up with sync.h:
 *
 *	cgroup, start socket, sync pair, clone3 (through the joiner where namespaces are given by path)
 *	id maps, oom score, scope				-> send mapped
 *	[only with a network helper that needs it: wait for rooted]; helper, network devices
 *								-> send placed
 *	what the caller can do meanwhile: the record with the pid
 *	[only with layers that a program may serve: wait for layered; fuse-overlayfs -> send served,
 *	wait for answered]
 *	[only with such hooks: helper is ready; wait for mounted; prestart and createRuntime hooks
 *								-> send hooked]
 *	wait for ready, which brings the pty; helper is ready; the caller sends recorded
 *
 * A failure of init is the better story than what its death makes of our own step, so before an
 * error of ours is reported, init is asked.
 */
#include "launch.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/mount_data.h"
#include "proc/init.h"
#include "proc/join.h"
#include "proc/pid1.h"
#include "proc/start.h"
#include "proc/sync.h"
#include "rootless/rootless.h"

#include <poll.h>
#include <sys/wait.h>

#define INIT "container init"

/* Errors that mean the making of namespaces, not of something else on the way. */
static bool is_namespace_trouble(const struct plan *plan, int rc)
{
	return (plan->ns.create & CLONE_NEWUSER) && (rc == -EPERM || rc == -ENOSPC || rc == -EUSERS || rc == -ENOSYS);
}

static int clone_init(const struct init_args *args, struct host *host, struct launched *ret, struct err *err)
{
	int pidfd = -1, rc;
	struct clone_args clone = {
		.flags = args->plan->ns.create | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (args->cgroup >= 0) {
		clone.flags |= CLONE_INTO_CGROUP;
		clone.cgroup = (uint64_t)args->cgroup;
	}

	if (args->plan->ns.n_joins) {
		rc = join_clone_outside(args, &ret->pid, &ret->pidfd, err);
		return rc < 0 && is_namespace_trouble(args->plan, rc) ? userns_explain(host, -rc, rc, err) : rc;
	}
	pid = sys_clone3(&clone);
	if (pid == 0)
		init_main(args);
	if (pid < 0) {
		rc = err_sys(err, "make the container's namespaces");
		return args->plan->ns.create & CLONE_NEWUSER ? userns_explain(host, -rc, rc, err) : rc;
	}
	ret->pid = pid;
	ret->pidfd = pidfd;
	return 0;
}

static int run_runtime_hooks(const struct plan *plan, int sock, pid_t pid, struct err *err)
{
	int rc = sync_expect(sock, SYNC_MOUNTED, INIT, NULL, err);

	if (rc == 0)
		rc = hooks_run(&plan->hooks, HOOK_PRESTART, "creating", pid, err);
	if (rc == 0)
		rc = hooks_run(&plan->hooks, HOOK_CREATE_RUNTIME, "creating", pid, err);
	return rc < 0 ? rc : sync_send(sock, SYNC_HOOKED, err);
}

/* The cgroup is there, with systemd from now on. Init gets the directory where it has something to
 * do in it. */
static int place(const struct launch_request *q, int *cgroup, struct launched *l, struct err *err)
{
	const struct cgroup_plan *p = &q->plan->cgroup;

	l->cgroup = p->path;
	if (p->backend == CGROUP_SYSTEMD)
		*cgroup = cgroup_place_outside(q->arena, p, l->pid, &l->cgroup, err);
	if (*cgroup >= 0) {
		l->cgroup_ino = cgroup_ino(*cgroup);
		return cgroup_entered_outside(p, *cgroup, err);
	}
	if (p->backend == CGROUP_NONE || (*cgroup == -EAGAIN && p->optional))
		return 0;
	return *cgroup;
}

/* What serves the container from outside; it sets up while init mounts. */
static int start_helpers(const struct launch_request *q, struct launched *l, struct err *err)
{
	const struct net_plan *net = &q->plan->net;
	struct net_launch launch = { .pid = l->pid };
	struct helper_desc *desc;

	if (!net->backend)
		return 0;
	desc = arena_alloc(q->arena, sizeof(*desc));
	net->backend->describe(q->arena, net, &launch, desc);
	return helper_start_outside(&l->helpers, desc, l->pidfd, q->dirfd, err);
}

/* The network is there, and the ports of the host. */
static int finish_helpers(const struct launch_request *q, struct launched *l, struct err *err)
{
	const struct net_plan *net = &q->plan->net;
	int rc = helpers_ready_outside(&l->helpers, err);

	if (rc == 0 && net->backend && net->backend->publish)
		rc = net->backend->publish(net, q->dirfd, err);
	return rc;
}

/* A process that changes its ID cannot be entered until it says so: see stay_dumpable() in init.c. */
static int wait_rooted(const struct plan *plan, int sock, struct err *err)
{
	return plan->net.backend && !plan->net.early ? sync_expect(sock, SYNC_ROOTED, INIT, NULL, err) : 0;
}

/* The record that was staged knew no program yet. */
static int serve_root(const struct launch_request *q, int sock, struct launched *l, struct err *err)
{
	int rc = root_serve_outside(q->plan, sock, l->pid, &l->root, err);

	if (rc == 0 && q->meanwhile && l->root.kind == ROOTFS_FUSE_OVERLAYFS)
		rc = q->meanwhile(q->arg, l, err);
	return rc;
}

static int script(const struct launch_request *q, int sock, int *cgroup, struct launched *l, struct err *err)
{
	const struct plan *plan = q->plan;
	bool wanted = plan->cgroup.inner || (plan->cgroup.chown && plan->cgroup.owner_inside != (uid_t)-1);
	bool hooks = hooks_in_runtime(&plan->hooks);
	bool late = plan->ns.n_joins; /* its start is not dumpable: a /proc with hidepid= hides it */
	struct sync_packet ready;
	int rc = plan->idmap.active ? idmap_outside(&plan->idmap, l->pid, err) : 0;

	if (rc == 0 && plan->net.early)
		rc = start_helpers(q, l, err);
	if (rc == 0)
		rc = rlimit_oom_outside(&plan->process.rlimits, l->pid, err);
	/* while init still has the caller's IDs: of others' processes systemd keeps its hands */
	if (rc == 0)
		rc = place(q, cgroup, l, err);
	if (rc == 0)
		rc = sync_send(sock, SYNC_MAPPED, err);
	if (rc == 0)
		rc = wait_rooted(plan, sock, err);
	if (rc == 0 && !plan->net.early)
		rc = start_helpers(q, l, err);
	if (rc == 0)
		rc = netdev_outside(&plan->netdevs, l->pidfd, err);
	if (rc == 0)
		rc = rdt_outside(&plan->rdt, l->pid, err);
	if (rc == 0)
		rc = sync_send_with(sock, SYNC_PLACED, NULL, 0, wanted ? *cgroup : -1, err);
	if (rc == 0)
		rc = helpers_identify_outside(&l->helpers, err);
	if (rc == 0 && q->meanwhile && !late)
		rc = q->meanwhile(q->arg, l, err);
	if (rc == 0 && root_is_served(plan))
		rc = serve_root(q, sock, l, err);
	if (rc == 0 && hooks)
		rc = finish_helpers(q, l, err);
	if (rc == 0 && hooks)
		rc = run_runtime_hooks(plan, sock, l->pid, err);
	if (rc == 0)
		rc = sync_expect(sock, SYNC_READY, INIT, &ready, err);
	if (rc < 0)
		return rc;
	l->pty = ready.fds[0];
	if (q->meanwhile && late)
		rc = q->meanwhile(q->arg, l, err);
	return rc < 0 || hooks ? rc : finish_helpers(q, l, err);
}

/* What init has to say about a failure, if it has said something: it replaces our own error. */
static void ask_init(int sock, struct err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct err said = ERR_INIT;

	for (int i = 0; i < 4 && poll(&p, 1, 0) > 0; i++) {
		int rc = sync_expect(sock, SYNC_MOUNTED, INIT, NULL, &said);

		if (rc < 0 && rc != -EPIPE && rc != -EPROTO) {
			*err = said;
			return;
		}
		if (rc < 0)
			return;
	}
}

void launched_end(struct launched *l)
{
	int saved = errno;
	siginfo_t info;

	helpers_end(&l->helpers);
	if (l->pidfd >= 0)
		(void)sys_pidfd_send_signal(l->pidfd, SIGKILL, NULL, 0);
	/* first: not even SIGKILL ends who waits for it */
	fuse_overlayfs_end(&l->root.fuse);
	if (l->pidfd >= 0)
		(void)waitid(P_PIDFD, (id_t)l->pidfd, &info, WEXITED | __WALL);
	fd_closep(&l->pidfd);
	fd_closep(&l->pty);
	fd_closep(&l->sock);
	errno = saved;
}

int launch_outside(const struct launch_request *q, struct launched *ret, struct err *err)
{
	auto_fd int listener = q->dirfd < 0 ? -1 : start_listen_outside(q->dirfd, err);
	auto_fd int cgroup = -1;
	int pair[2], rc;
	struct init_args args = { .plan = q->plan, .listener = listener, .pid1 = -1 };
	auto_fd int pid1 = -1;

	if (listener < 0 && q->dirfd >= 0)
		return listener;
	rc = sync_pair(pair, err);
	if (rc < 0)
		return rc;
	auto_fd int mine = pair[0];
	auto_fd int theirs = pair[1];

	args.sock = theirs;
	if (q->plan->supervise.init) {
		args.pid1 = pid1 = pid1_open_outside(err);
		if (pid1 < 0)
			return pid1;
	}
	cgroup = cgroup_create_outside(&q->plan->cgroup, err);
	args.cgroup = cgroup;
	rc = q->plan->cgroup.backend == CGROUP_V2 && cgroup < 0 ? cgroup : 0;
	if (rc == 0)
		rc = mount_idmap_outside(&q->plan->mounts, err);
	if (rc == 0)
		rc = mount_data_outside(&q->plan->mounts, err);
	if (rc == 0)
		rc = clone_init(&args, q->host, ret, err);
	mount_idmap_release(&q->plan->mounts);
	mount_data_release(&q->plan->mounts);
	fd_closep(&theirs);
	if (rc < 0)
		return rc;
	rc = script(q, mine, &cgroup, ret, err);
	if (rc < 0) {
		ask_init(mine, err);
		(void)fuse_overlayfs_explain(&ret->root.fuse, rc, err);
		launched_end(ret);
		return -err->num;
	}
	fd_closep(&ret->root.fuse.words);
	ret->sock = take_fd(&mine);
	return 0;
}

int launch_release(struct launched *l, struct err *err)
{
	int rc = sync_send(l->sock, SYNC_RECORDED, err);

	fd_closep(&l->sock);
	return rc;
}
