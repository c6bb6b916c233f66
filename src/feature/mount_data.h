/*
 * mount_data.h - a mount that is one file with given content: type "bryo-data" of mounts[].
 *
 *	{ "destination": "/run/token", "type": "bryo-data", "source": "fd:5", "options": ["mode=0400"] }
 *
 * For secrets and generated files that must not be on a disk. The content comes from a descriptor
 * of whoever calls bryo, never from config.json, which is kept as a file as long as the container
 * lives. The runtime reads it to its end (at most MOUNT_DATA_MAX bytes) before there is a
 * container, so that a pipe that never ends or a file that is too large costs nothing but an
 * error; init, a copy of the runtime, finds it in its memory, and the runtime wipes its own.
 *
 * The descriptor must not be close-on-exec: that tells what bryo was started with from what it has
 * opened itself. No program that bryo starts gets it.
 *
 * In the container it is the only file of a ramfs, whose pages are not swapped (a tmpfs in a user
 * namespace cannot forbid that), mounted read-only, nosuid and nodev. Its memory is charged to the
 * container. Nothing can be cloned from a detached tree before Linux 6.15, so the ramfs is attached
 * over the root for a moment, in which nobody else is in the mount namespace.
 *
 * Options: mode= (octal, default 444), uid= and gid= (default: process.user), attributes (noexec).
 */
#ifndef BRYO_MOUNT_DATA_H
#define BRYO_MOUNT_DATA_H

#include "base/err.h"
#include "feature/mount.h"

#define MOUNT_DATA_TYPE "bryo-data"
#define MOUNT_DATA_MAX	(8u << 20)

struct mount_data {
	int fd; /* of the runtime's caller */
	unsigned mode;
	uint32_t uid, gid; /* in the container; -1: as it is made */
	char *text;	   /* malloc'ed, from mount_data_outside() to mount_data_release() */
	size_t len;
};

/* op->source and op->o become op->content. IDs are checked by the caller. [pure] */
int mount_data_plan(struct arena *a, const struct spec_process *process, struct mount_op *op,
		    struct err *err);
/* That the descriptors are open; takes nothing from them. [outside] */
int mount_data_check(const struct mount_plan *plan, struct err *err);
/* Reads them to the end; before init is cloned. [outside] */
int mount_data_outside(const struct mount_plan *plan, struct err *err);
/* Wipes what was read, once init has its copy. [outside] */
void mount_data_release(const struct mount_plan *plan);
int mount_data_inside(const struct mount_op *op, int rootfd, struct err *err);

#endif
