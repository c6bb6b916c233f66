/*
 * mount_live.h - mounts in a container that runs already, from the same operations as mounts[]
 * (mount.h), in the joiner of proc/live.c. Theory.
 *
 * A source is a path of the host, a target one of the container, and no process sees both: a
 * descriptor of one mount namespace can be neither cloned from nor mounted on in another. What does
 * cross is a detached tree. So sources are cloned, with all their attributes, in a private copy of
 * the caller's mount namespace that belongs to the container's user namespace, which gives an
 * ordinary user the right to clone; then the joiner enters the container's mount namespace, becomes
 * its root, and attaches the trees to targets that are resolved inside the container's root.
 */
#ifndef BRYO_MOUNT_LIVE_H
#define BRYO_MOUNT_LIVE_H

#include "feature/mount.h"

/* What only a container that is being created can get: refused by name. [pure] */
int mount_live_check(const struct mount_plan *plan, struct err *err);
/* In the copy of the caller's namespace: sources become detached trees. [joiner] */
int mount_live_clone(const struct mount_plan *plan, struct err *err);
/* In the container's namespace. All or nothing, but for mount points that were made. [joiner] */
int mount_live_attach(const struct mount_plan *plan, int rootfd, struct err *err);
/* Detaches what is mounted topmost on target. [joiner] */
int mount_live_remove(const char *target, int rootfd, struct err *err);

#endif
