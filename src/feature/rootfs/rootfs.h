/*
 * rootfs.h - the root file system: where it comes from and how it becomes "/".
 *
 * Rows of kinds behind two functions: plain (a directory) and tmpfs (a new empty one, what the
 * sandbox builds its host view on; org.bryo.rootfs=tmpfs). init opens the source first thing,
 * clones it detached, attaches the clone onto its own directory in its private mount namespace
 * (nothing is ever attached on the host), and pivots into it at the end.
 */
#ifndef BRYO_ROOTFS_H
#define BRYO_ROOTFS_H

#include "base/err.h"
#include "feature/note.h"
#include "oci/spec.h"

#include <stdbool.h>

enum rootfs_kind { ROOTFS_PLAIN, ROOTFS_TMPFS };

struct rootfs_plan {
	enum rootfs_kind kind;
	const char *path;		/* absolute; for the tmpfs what is listed */
	bool readonly, no_pivot;
	unsigned long propagation;	/* MS_* of linux.rootfsPropagation; 0: slave */
	bool propagation_rec;
};

int rootfs_plan(struct arena *a, const struct spec *spec, const char *bundle, bool no_pivot, struct notes *notes,
		struct rootfs_plan *ret, struct err *err);
const char *rootfs_kind_name(enum rootfs_kind kind);
/* The O_PATH descriptor of the source; before any change of identity. [inside] */
int rootfs_source_inside(const struct rootfs_plan *plan, struct err *err);
/* Makes our mounts private to us, attaches the root; returns the descriptor of the attached root. */
int rootfs_attach_inside(const struct rootfs_plan *plan, int source, struct err *err);
/* pivot_root; the old root stays mounted over the new one until rootfs_finish_inside(). The
 * working directory is then the old root. */
int rootfs_pivot_inside(const struct rootfs_plan *plan, int rootfd, struct err *err);
/* Read-only, propagation, away with the old root; the working directory is the new root. */
int rootfs_finish_inside(const struct rootfs_plan *plan, int rootfd, struct err *err);

#endif
