/*
 * mount.h - mounts[] as an ordered list of operations, and its execution in init.
 *
 * Theory. Planning turns every entry into one operation with all options resolved and every
 * rootless substitute chosen; init walks the list. Each mount is built detached (fsopen or
 * open_tree), gets its attributes while detached, and is attached last by descriptor, so
 * nothing half-configured is ever visible and no path string below the rootfs is ever resolved
 * by the host's rules.
 *
 * Bind sources are opened by init, first thing, while it still has the caller's identity and
 * groups (a right that comes from a supplementary group still counts), in its own mount
 * namespace: a descriptor from the runtime's namespace could not be cloned (EINVAL).
 *
 * Two limits of the kernel shape the code: an fsconfig value holds 255 bytes, so longer ones go
 * through mount(2); and nothing can be mounted on a detached tree before 6.15, so the list is
 * executed one attached mount at a time.
 *
 * mount.c walks the list, binds and remounts; mount_fs.c makes new file systems, mount_copyup.c
 * fills them, mount_data.c makes files from descriptors, mount_layers.c overlays that
 * forget, mount_idmap.c translates IDs, mount_explain.c finds who is in the way.
 *
 * Locked flags (nosuid, nodev, noexec, ro, atime of a mount that came from a more privileged
 * namespace) stay by themselves on a clone; only a config that clears one explicitly is refused
 * by the kernel, and the error names it.
 */
#ifndef BRYO_MOUNT_H
#define BRYO_MOUNT_H

#include "base/err.h"
#include "feature/idmap.h"
#include "feature/mount_idmap.h"
#include "feature/mount_opt.h"
#include "feature/note.h"
#include "feature/ns.h"
#include "oci/spec.h"

enum mount_kind {
	MOUNT_FS,	/* a new file system of .type */
	MOUNT_BIND,	/* clone of .source */
	MOUNT_REMOUNT,	/* attributes of an existing mount */
	MOUNT_DATA,	/* one file with the content of a descriptor: mount_data.h */
	MOUNT_LAYERS,	/* an overlay whose changes are thrown away: mount_layers.h */
	MOUNT_CGROUP,	/* cgroup2, else a read-only bind of /sys/fs/cgroup, else an empty tmpfs */
};

struct mount_data;
struct overlay_plan;

struct mount_op {
	enum mount_kind kind;
	const char *target, *type, *source; /* source: absolute for MOUNT_BIND */
	bool recursive;
	bool optional;			     /* a missing source is no error */
	bool lenient;			     /* nor is a mount point that cannot be made */
	struct mount_opts o;
	struct mount_idmap map;
	size_t index;			     /* in mounts[] */
	struct mount_data *content;	     /* of MOUNT_DATA, else NULL */
	struct overlay_plan *layers;	     /* of MOUNT_LAYERS, else NULL */
	const char *label;		     /* security.selinux of a file system that takes no context=, or NULL */
};

struct mount_plan {
	struct mount_op *v;
	size_t n;
	int *sources;		/* per op: O_PATH descriptor of a bind source, init's own; -1 elsewhere.
				 * With an ID map: the mapped tree, from the runtime (mount_idmap.h) */
	bool dev_is_ours;	/* /dev is not a bind of somebody's: default devices are made */
	bool in_userns;
};

/* bundle: absolute directory that relative bind sources start from. own_cgroup: the container gets
 * one, so its mount may be written. [pure] */
int mount_plan(struct arena *a, const struct spec *spec, const char *bundle, const struct ns_plan *ns,
	       const struct idmap_plan *ids, const struct host *host, bool own_cgroup,
	       struct notes *notes, struct mount_plan *ret, struct err *err);
/* One more operation, empty, at the end of the list; valid until the next addition. [pure] */
struct mount_op *mount_plan_add(struct arena *a, struct mount_plan *plan);
/* A bind of our own /proc is among them: what runs outside can be seen. [pure] */
bool mount_plan_shows_outer_proc(const struct mount_plan *plan);
/* [inside], first thing after clone. */
int mount_sources_inside(const struct mount_plan *plan, struct err *err);
/* [inside] rootfd: the attached rootfs. */
int mount_inside(const struct mount_plan *plan, int rootfd, struct err *err);

/* Shared with mount_fs.c and mount_idmap.c. The descriptor of a bind's source; [any] */
int mount_open_source(const struct mount_op *op, struct err *err);
/* Sets and clears attributes of one mount, or with AT_RECURSIVE of a tree; [inside] */
int mount_set_attr(int tree, unsigned flags, uint64_t set, uint64_t clr, struct err *err);
#define MOUNT_POINT_REMEDY                                                                   \
	"the mount point is missing, and the container may not make it there: make it in the " \
	"root file system, or give that a place for changes: --ephemeral"
/* The mount point in the rootfs, made where it is missing: a directory, or a file; [inside] */
int mount_target(const struct mount_op *op, bool dir, int rootfd, struct err *err);
/* Attaches and gives the propagation, which counts only when attached; [inside] */
int mount_finish(const struct mount_op *op, int tree, int target, struct err *err);
/* Shared with device.c and mask.c. [inside] */
int mount_attach(int tree, int target, struct err *err);
/* Clone of what fd refers to, with attributes (set) applied recursively when rec. */
int mount_clone(int fd, bool rec, uint64_t set, uint64_t clr, struct err *err);

#endif
