/*
 * overlay.h - a root file system of layers: its plan, and the kernel's overlay (theory in rootfs.h).
 *
 * Layers reach the kernel as descriptors that init opened in its own mount namespace, named by
 * number from a working directory of /proc/self/fd: "lowerdir=7:8:9". So colons, commas, blanks and
 * backslashes of paths need no escaping, nobody can change a path between our look and the
 * kernel's, the container's mount table tells no paths of the host, and 500 layers, which is what
 * the kernel takes, fit into mount(2)'s one page. What follows from a layer's own mount stays:
 * nosuid, nodev or noexec of one is the whole root's.
 */
#ifndef BRYO_OVERLAY_H
#define BRYO_OVERLAY_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "feature/idmap.h"
#include "host/host.h"
#include "oci/overlay_word.h"

#include <stdbool.h>
#include <stdint.h>

#define OVERLAY_LAYERS_MAX 500 /* OVL_MAX_STACK of the kernel */

struct overlay_plan {
	struct strv lower; /* absolute, topmost first */
	enum overlay_upper upper;
	const char *dir; /* absolute, of UPPER_KEPT, and of UPPER_DISK once it was made */
	bool userxattr;
	bool passing; /* of a rehearsal: changes need not be right, so no user.* attributes either */
	const char *spare; /* what fuse-overlayfs makes instead of UPPER_MEMORY; set with dir */
	const char *program; /* fuse-overlayfs, absolute, or NULL */
	const char *no_program; /* why that is not the second choice, or NULL */
	const char *uid_map, *gid_map; /* SEEN:SHOWN:SIZE[:...] of fuse-overlayfs, or NULL */
	int *fds; /* init's own: one per layer, then dir's */
};

/* Whether a tmpfs of this kernel has no user.* attributes (before 6.6). [pure] */
bool overlay_tmpfs_is_old(const struct host *h);
/*
 * Layers owned as with --idmap word, in a container whose map is mine: fills the maps of ret, or
 * leaves them NULL where both are the same. Pure but for subordinate IDs, which are read.
 */
int overlay_idmap(struct arena *a, const char *word, const struct idmap_plan *mine,
		  struct host *host, struct overlay_plan *ret, struct err *err);
/* One of them; false where nothing has another ID. [pure] */
bool overlay_idmap_text(const struct id_extents *mine, const struct id_extents *layers,
			struct str *ret);
/* Fills plan->fds; returns the lowest layer's, which the caller closes. [inside] */
int overlay_sources_inside(const struct overlay_plan *plan, struct err *err);
/* A detached tree of the layers. [inside] */
int overlay_mount_inside(const struct overlay_plan *plan, struct err *err);
/* What the mounts of layers and changes forbid, MOUNT_ATTR_*. [inside] */
int overlay_attributes(const struct overlay_plan *plan, uint64_t *ret, struct err *err);
/* upper and work in dir, made where they are missing, never through a link. As root inside. [any] */
int overlay_open_pair(const struct overlay_plan *plan, int dir, int *ret_upper, int *ret_work,
		      struct err *err);
/* Closes fds but the lowest layer's. [inside] */
void overlay_close_inside(const struct overlay_plan *plan);

/*
 * Whether the kernel's overlay works with changes in dir (an existing directory that the caller
 * may write; NULL: in a tmpfs): mounted in a throw-away user and mount namespace, written, and
 * gone again. userns false: as root, without a user namespace. -errno and the reason where it does
 * not. [outside]
 */
int overlay_try_outside(const char *dir, bool userns, struct err *err);

#endif
