/*
 * mask.h - maskedPaths and readonlyPaths, after pivot_root while the old root is still there.
 *
 * A masked directory is covered by a clone of one empty read-only tmpfs (a superblock each
 * would cost); a masked file by a clone of the host's /dev/null, opened and checked (char 1:3)
 * by init before anything of the image was there: the container's own is never trusted
 * (CVE-2025-31133). Missing paths are ignored, as the spec says.
 */
#ifndef BRYO_MASK_H
#define BRYO_MASK_H

#include "base/err.h"
#include "base/json.h"

struct mask_plan {
	struct strv masked, readonly;
	int *null_source;	/* init's descriptor of the host's /dev/null; *-1 elsewhere */
};

int mask_plan(struct arena *a, const struct strv *masked, const struct strv *readonly, struct mask_plan *ret,
	      struct err *err);
int mask_source_inside(const struct mask_plan *plan, struct err *err);
int mask_inside(const struct mask_plan *plan, int rootfd, struct err *err);

#endif
