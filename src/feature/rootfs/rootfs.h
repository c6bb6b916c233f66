/*
 * rootfs.h - the root file system: where it comes from and how it becomes "/".
 *
 * Rows of kinds behind a few functions: plain (a directory), tmpfs (a new empty one, what the
 * sandbox builds its host view on; org.bryo.rootfs=tmpfs), and layers: overlay (the kernel's) or
 * fuse-overlayfs. init opens the sources first thing, makes a detached tree of them, attaches it
 * in its private mount namespace (nothing is ever attached on the host), and pivots into it at
 * the end.
 *
 * Layers. The words are annotations; the options of the command line write them:
 *
 *	org.bryo.rootfs			plain | tmpfs | overlay | fuse-overlayfs | auto; auto where
 *					one of the following is there and this is not
 *	org.bryo.overlay.lower		DIR[:DIR...], --overlay: what lies over root.path, topmost
 *					first, as mount(8) has it; "\:" is a colon, "\\" a backslash
 *	org.bryo.overlay.upper		DIR, --upper: changes are kept in DIR/upper (beside DIR/work)
 *	org.bryo.overlay.idmap		a word of --idmap: files of layers and changes are owned as in
 *					a container with that, and shown with the owners of this one
 *	org.bryo.overlay.ephemeral	true | memory | disk, --ephemeral: changes are thrown away
 *
 * root.path is the lowest layer. Without an upper the root cannot be written, and a single
 * directory is then simply bound. Any number of containers can share lower directories; an upper
 * belongs to one container at a time (lib/layers.h), because the kernel only warns about two.
 *
 * Which backend: the kernel's overlay first, in a user namespace with userxattr, as trusted.*
 * attributes are root's; fuse-overlayfs where that is installed and the kernel says EINVAL, EPERM,
 * EOPNOTSUPP or ENODEV at mount time: an upper on NFS or on another overlay, stacks that are too
 * deep, a kernel without it. That facts cannot tell this beforehand is why the plan holds an
 * ordered list, and init takes the first that works. A backend named in org.bryo.rootfs is the only
 * one. Layers with another ID mapping are for fuse-overlayfs alone: the kernel maps the IDs of a
 * file system only for who mounted that, which is root.
 *
 * Throw-away changes are in memory: a tmpfs that only init's mount namespace has, so that nothing
 * is left whatever dies. A tmpfs has user.* attributes from Linux 6.6 on; before that (with
 * "disk", and where fuse-overlayfs serves, which cannot see it) they are in a directory below
 * $TMPDIR or /var/tmp that the record names and delete removes.
 */
#ifndef BRYO_ROOTFS_H
#define BRYO_ROOTFS_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "feature/note.h"
#include "feature/rootfs/overlay.h"
#include "oci/spec.h"

#include <stdbool.h>

enum rootfs_kind { ROOTFS_PLAIN, ROOTFS_TMPFS, ROOTFS_OVERLAY, ROOTFS_FUSE_OVERLAYFS };

#define ROOTFS_KINDS 2

struct rootfs_plan {
	enum rootfs_kind kinds[ROOTFS_KINDS]; /* in this order, the first that works */
	size_t n_kinds;
	const char *path;	     /* absolute; for the tmpfs what is listed */
	struct overlay_plan overlay;	/* for the last two kinds */
	struct {			/* what `plan` found by trying */
		bool done;
		enum rootfs_kind kind;
		int why_not_first;	/* errno of the first kind, where that is not it */
	} tried;
	bool readonly, no_pivot;
	bool sealed; /* read-only from the first moment: of a rehearsal, nothing is made in it */
	unsigned long propagation; /* MS_* of linux.rootfsPropagation; 0: slave */
	bool propagation_rec;
};

struct rootfs_request {
	const struct spec *spec;
	const char *bundle;
	struct host *host;
	bool no_pivot;
	const struct idmap_plan *ids;
	bool userns;			/* mounts are made with the rights of a user namespace only */
};

int rootfs_plan(struct arena *a, const struct rootfs_request *q, struct notes *notes,
		struct rootfs_plan *ret, struct err *err);
const char *rootfs_kind_name(enum rootfs_kind kind);
/* The O_PATH descriptor of the source, -EAGAIN where there is none; before any change of identity. [inside] */
int rootfs_source_inside(const struct rootfs_plan *plan, struct err *err);

/* Who tells the runtime which layered backend works, with errno of the one before it, and waits
 * until the program of one that has one is started; then, that it has answered. */
struct rootfs_server {
	int (*serve)(void *arg, enum rootfs_kind kind, int why_not_first, int fuse,
		     struct err *err);
	int (*answered)(void *arg, struct err *err);
	void *arg;
};
/* Makes our mounts private to us, attaches the root; returns the descriptor of the attached root. */
int rootfs_attach_inside(const struct rootfs_plan *plan, int source,
			 const struct rootfs_server *server, struct err *err);
/* pivot_root; the old root stays mounted over the new one until rootfs_finish_inside(). The
 * working directory is then the old root. */
int rootfs_pivot_inside(const struct rootfs_plan *plan, int rootfd, struct err *err);
/* Read-only, propagation, away with the old root; the working directory is the new root. */
int rootfs_finish_inside(const struct rootfs_plan *plan, int rootfd, struct err *err);

/* The lines and members of `bryo plan` below the root's own. [pure] */
void rootfs_dump_text(const struct rootfs_plan *plan, struct str *s);
void rootfs_dump_json(const struct rootfs_plan *plan, struct json_out *o);

#endif
