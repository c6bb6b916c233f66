/*
 * live.c - the joiner behind `bryo mounts` (live.h). live_mounts_outside() runs in the runtime, the
 * rest in the child, which is non-dumpable before it enters anything and never enters the
 * container's pid namespace: nobody inside can see it.
 */
#include "live.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "proc/sync.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHILD "joiner"

/* A mount namespace to clone sources in, with the rights of the container's user namespace. */
static int stage_outside(const struct live_request *q, struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "become non-dumpable");
	if ((q->namespaces & CLONE_NEWUSER) && setns(q->init, CLONE_NEWUSER) < 0)
		return err_hint(
			err, err_sys(err, "enter the container's user namespace"),
			"only who created the container, from the same user namespace, can enter it");
	if (!q->add)
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "make a mount namespace");
	/* What is cloned must not be a peer of the host's: a mount below it would show there. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(err, "make the mounts slaves of the host's");
	return mount_live_clone(q->add, err);
}

static int stage_inside(const struct live_request *q, struct err *err)
{
	uint32_t rest = q->namespaces & ~(uint32_t)(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME);
	auto_fd int root = -1;
	int rc;

	if (setns(q->init, (int)rest) < 0)
		return err_sys(err, "enter the container's namespaces");
	rc = user_become_root_inside(q->ids, q->user, err);
	if (rc < 0)
		return rc;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "open the container's root");
	(void)umask(022);
	if (q->add)
		return mount_live_attach(q->add, root, err);
	for (size_t i = q->n_remove; i > 0 && rc == 0; i--)
		rc = mount_live_remove(q->remove[i - 1], root, err);
	return rc;
}

/* This is the joiner: it lives until the mounts are there, or gone. */
static _Noreturn void joiner(const struct live_request *q, int sock)
{
	struct err err = ERR_INIT;
	int rc = stage_outside(q, &err);

	if (rc == 0)
		rc = stage_inside(q, &err);
	if (rc == 0)
		rc = sync_send(sock, SYNC_MOUNTED, &err);
	if (rc < 0)
		sync_fail(sock, &err);
	_exit(rc < 0);
}

int live_mounts_outside(const struct live_request *q, struct err *err)
{
	struct clone_args clone = { .exit_signal = SIGCHLD };
	int pair[2];
	int rc = sync_pair(pair, err);
	pid_t pid;

	if (rc < 0)
		return rc;
	auto_fd int mine = pair[0];
	auto_fd int theirs = pair[1];

	pid = sys_clone3(&clone);
	if (pid == 0)
		joiner(q, theirs);
	if (pid < 0)
		return err_sys(err, "start the joiner");
	fd_closep(&theirs);
	rc = sync_expect(mine, SYNC_MOUNTED, CHILD, NULL, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return rc;
}
