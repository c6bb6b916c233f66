/*
 * mount_layers.h - overlay mounts of mounts[] whose changes are thrown away: the option "ephemeral"
 * of type overlay, in place of upperdir= and workdir=.
 *
 *	{ "destination": "/home/u", "type": "overlay", "source": "overlay",
 *	  "options": ["lowerdir=/home/u", "ephemeral", "nosuid", "nodev"] }
 *
 * Layers are opened by init like the sources of binds and stacked as those of a root file system
 * (rootfs/overlay.h), so that changes are in a tmpfs that nobody else has, and no path needs
 * escaping but ':' and '\'. Before Linux 6.6, where a tmpfs has no user.* attributes, they are in a
 * directory that the record names and delete removes; there is room for one in a record, so
 * plan/check.c refuses a second one.
 */
#ifndef BRYO_MOUNT_LAYERS_H
#define BRYO_MOUNT_LAYERS_H

#include "base/err.h"
#include "feature/mount.h"
#include "host/host.h"

#include <stdbool.h>

/* Whether "ephemeral" is among the options. [pure] */
bool mount_layers_wanted(const struct mount_op *op);
/* op->o becomes op->layers. base: absolute, where relative layers start. [pure] */
int mount_layers_plan(struct arena *a, const char *base, bool userns, const struct host *host,
		      struct mount_op *op, struct err *err);
int mount_layers_inside(const struct mount_op *op, int rootfd, struct err *err);
/* The one whose changes go to a directory, or NULL. [pure] */
struct overlay_plan *mount_layers_on_disk(const struct mount_plan *plan);

#endif
