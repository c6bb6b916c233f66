/*
 * fuse_overlayfs.h - fuse-overlayfs as the backend of a layered root file system, where the kernel's
 * overlay cannot be had. Theory of operation.
 *
 * A FUSE mount is a descriptor of /dev/fuse. Init opens it in the container's user namespace, mounts
 * type fuse with it, and hands it to the runtime; the program answers it from outside: it joins
 * the user namespace, so that owners and rights are the container's, but neither the mount
 * namespace (which it would pin: it could never end) nor the pid namespace (where the container could
 * reach it). Its mount point is /dev/fd/N, libfuse's word for "mounted already". When init's mount
 * namespace dies, the kernel unmounts, and the program ends by itself, whoever was killed.
 *
 * It gets its layers by descriptor as well, opened by the runtime's child before it takes the
 * identity of the container's root: names that its option list could not hold (',' and ':') do
 * not matter. It has no descriptor besides, a session of its own so that a Ctrl-C is not its
 * business, and no new privileges.
 *
 * It cannot see the tmpfs of a mount namespace, so changes that are thrown away are in a directory
 * on disk here, which is made only now.
 */
#ifndef BRYO_FUSE_OVERLAYFS_H
#define BRYO_FUSE_OVERLAYFS_H

#include "base/err.h"
#include "feature/idmap.h"
#include "feature/rootfs/overlay.h"
#include "feature/user.h"

#include <sys/types.h>

/* A detached tree that nobody serves yet; *ret_fuse is its /dev/fuse. [inside] */
int fuse_overlayfs_mount_inside(const struct overlay_plan *plan, int *ret_fuse, struct err *err);

struct fuse_overlayfs_request {
	const struct overlay_plan *plan;
	const struct idmap_plan *ids;
	const struct user_plan *user;
	int userns;	/* init's user namespace, or -1 where that is the caller's own */
	int fuse;
};

struct fuse_overlayfs {
	pid_t pid;	/* a child of the caller; 0: none */
	int words;	/* what it printed, a memory file of limited size; -1: none */
	bool late;	/* it hangs: its end is not waited for, but made */
};

/* Returns when it is executed. [outside] */
int fuse_overlayfs_serve_outside(const struct fuse_overlayfs_request *q, struct fuse_overlayfs *ret,
				 struct err *err);
/* Its own words on what went wrong, as the hint of err, if it has ended by a failure; closes. Returns rc.
 * [outside] */
int fuse_overlayfs_explain(struct fuse_overlayfs *f, int rc, struct err *err);
/* The error that it has not answered within ms, with its own words. [outside] */
int fuse_overlayfs_late(struct fuse_overlayfs *f, int ms, struct err *err);
/* After the end of init: it has nothing to serve and ends too; reaps it. Keeps errno. [outside] */
void fuse_overlayfs_end(struct fuse_overlayfs *f);

#endif
