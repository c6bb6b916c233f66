/*
 * root_serve.h - what the runtime and init say to each other about a layered root file system
 * (sync.h): `layered` tells which backend init could mount, and brings the descriptor of one that
 * a program outside serves; `served` says that it was started, `answered` that init got an answer from
 * it. Only with plans for which root_is_served() holds; all others cost no message.
 *
 * The runtime waits 10 s for `answered`, as for a network helper: an answer takes milliseconds, and
 * seconds only where a layer is on a network's file system that has to wake up. It is the runtime's clock,
 * because init stands still in the kernel meanwhile. Whoever takes the first question and hangs at
 * a later one is not found out here: hooks and mounts may take their time then.
 */
#ifndef BRYO_ROOT_SERVE_H
#define BRYO_ROOT_SERVE_H

#include "plan/plan.h"
#include "rootless/fuse_overlayfs.h"

struct root_served {
	enum rootfs_kind kind;
	int why_not_first;	/* errno of the kernel's overlay where that was tried before; 0 */
	struct fuse_overlayfs fuse;
};

#define ROOT_SERVED_INIT { .fuse = { .words = -1 } }

/* Whether the plan has a backend that needs a program. [pure] */
bool root_is_served(const struct plan *plan);
/* pid: init. On failure of what follows: fuse_overlayfs_explain(). [outside] */
int root_serve_outside(const struct plan *plan, int sock, pid_t pid, struct root_served *ret, struct err *err);
/* Init's side, for rootfs_attach_inside(). *arg is the sync socket. From serve with a program to answered
 * init ends with the runtime. [inside] */
int root_serve_inside(void *arg, enum rootfs_kind kind, int why_not_first, int fuse, struct err *err);
int root_answered_inside(void *arg, struct err *err);

#endif
