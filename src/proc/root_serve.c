/* root_serve.c - both ends of the conversation in root_serve.h. */
#include "root_serve.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "proc/sync.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define ANSWER_MS 10000

struct layered { /* the payload of `layered` */
	int kind, why_not_first;
};

bool root_is_served(const struct plan *plan)
{
	return plan->rootfs.kinds[plan->rootfs.n_kinds - 1] == ROOTFS_FUSE_OVERLAYFS;
}

/* *ret stays -1 where the container has none of its own; EPERM is -1 too, so it is not returned. */
static int open_userns(const struct plan *plan, pid_t pid, int *ret, struct err *err)
{
	char path[40];

	if (!(plan->ns.differ & CLONE_NEWUSER))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret >= 0 ? 0 : err_sys(err, "open '%s'", path);
}

static int serve(const struct plan *plan, pid_t pid, int fuse, struct fuse_overlayfs *ret,
		 struct err *err)
{
	auto_fd int userns = -1;
	int rc = open_userns(plan, pid, &userns, err);
	struct fuse_overlayfs_request q = {
		.plan = &plan->rootfs.overlay,
		.ids = &plan->idmap,
		.user = &plan->process.user,
		.userns = userns,
		.fuse = fuse,
	};

	if (fuse < 0)
		return err_set(err, EPROTO, "'layered' brings no descriptor");
	return rc < 0 ? rc : fuse_overlayfs_serve_outside(&q, ret, err);
}

static int expect_answer(int sock, struct fuse_overlayfs *fuse, struct err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n == 0 ? fuse_overlayfs_late(fuse, ANSWER_MS, err)
		      : sync_expect(sock, SYNC_ANSWERED, "container init", NULL, err);
}

int root_serve_outside(const struct plan *plan, int sock, pid_t pid, struct root_served *ret,
		       struct err *err)
{
	struct sync_packet p = { .fds = { -1, -1 } };
	struct layered said;
	int rc = sync_expect(sock, SYNC_LAYERED, "container init", &p, err);

	if (rc < 0)
		return rc;
	auto_fd int fuse = p.fds[0];

	if (p.len != sizeof(said))
		return err_set(err, EPROTO, "malformed 'layered'");
	memcpy(&said, p.payload, sizeof(said));
	ret->kind = said.kind == ROOTFS_FUSE_OVERLAYFS ? ROOTFS_FUSE_OVERLAYFS : ROOTFS_OVERLAY;
	ret->why_not_first = said.why_not_first;
	if (ret->kind == ROOTFS_FUSE_OVERLAYFS)
		rc = serve(plan, pid, fuse, &ret->fuse, err);
	fd_closep(&fuse); /* the program's alone: its end is an answer too */
	if (rc == 0)
		rc = sync_send(sock, SYNC_SERVED, err);
	return rc == 0 && ret->kind == ROOTFS_FUSE_OVERLAYFS ? expect_answer(sock, &ret->fuse, err)
							     : rc;
}

int root_serve_inside(void *arg, enum rootfs_kind kind, int why_not_first, int fuse,
		      struct err *err)
{
	const int *sock = arg;
	struct layered say = { (int)kind, why_not_first };
	int rc;

	/* who waits for a program that hangs does not see the end of file */
	if (fuse >= 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	rc = sync_send_with(*sock, SYNC_LAYERED, &say, sizeof(say), fuse, err);
	return rc < 0 ? rc : sync_expect(*sock, SYNC_SERVED, "runtime", NULL, err);
}

int root_answered_inside(void *arg, struct err *err)
{
	const int *sock = arg;

	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	return sync_send(*sock, SYNC_ANSWERED, err);
}
