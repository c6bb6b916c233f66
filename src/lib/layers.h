/* layers.h - layers of a root file system, as the options name them and as delete finds them. */
#ifndef BRYO_LAYERS_H
#define BRYO_LAYERS_H

#include "base/err.h"
#include "feature/rootfs/overlay.h"
#include "lib/context.h"
#include "proc/launch.h"
#include "oci/spec.h"

#include <signal.h>

/* --rootfs, --overlay, --upper and --ephemeral, written over the config's. */
int layers_options(struct arena *a, struct spec *spec, const struct bryo_create_options *o,
		   struct err *err);

/*
 * Where changes go, before init is made. layers_place() only says where (UPPER_DISK: below $TMPDIR,
 * /var/tmp or the bundle), so that the record can name it first; layers_make_outside() makes it,
 * and for what is kept makes sure that no other container has it: *ret_lock is held until
 * layers_owned_outside() has written down whose it is, so that gc leaves it alone.
 */
int layers_place(struct arena *a, const char *id, const char *bundle, struct overlay_plan *plan,
		 struct err *err);
int layers_make_outside(struct arena *a, const struct overlay_plan *plan, int *ret_lock,
			struct err *err);
int layers_owned_outside(struct arena *a, int lock, const struct record *r, struct err *err);
/*
 * For plan: o becomes what leaves no trace. Changes that would be kept, or be on disk, are in a
 * directory of ours on the same file system instead, over those that are there already;
 * layers_scratch_end() removes it.
 */
struct layers_scratch {
	char *dir;	   /* malloc'ed, or NULL */
	int lock;	   /* of base/scratch.h, or -1 */
	sigset_t old_mask; /* with a lock: what ends us has to wait */
};
#define LAYERS_SCRATCH_INIT { .lock = -1 }
int layers_scratch(struct bryo_ctx *ctx, struct arena *a, const char *bundle, struct overlay_plan *o,
		   struct layers_scratch *ret, struct err *err);
void layers_scratch_end(struct bryo_ctx *ctx, struct layers_scratch *s);
/* Directories of thrown-away changes, below $TMPDIR and /var/tmp, that no delete will remove: of
 * another boot, whose records are gone, or of a start that never said whose they are. */
struct layers_lost {
	const char **v;
	size_t n, cap;
};
void layers_find_lost(struct arena *a, const struct bryo_ctx *ctx, struct layers_lost *ret);
int layers_remove_lost(struct bryo_ctx *ctx, const char *dir, struct err *err);
/* -EBUSY where a container has the directory for changes, whatever its state directory; one that is
 * none belongs to nobody. */
int layers_check_unowned(struct arena *a, int dirfd, const char *dir, struct err *err);
/* Says that a kept directory is open to others; lock: of it. */
void layers_warn(const struct bryo_ctx *ctx, const struct overlay_plan *plan, int lock);
/* Says that it is not the first choice that init took. */
void layers_notice(const struct bryo_ctx *ctx, const struct launched *l);
/* At the end of a container: changes that are thrown away go, kept ones are nobody's. */
int layers_release_outside(struct bryo_ctx *ctx, struct container *c, struct err *err);

#endif
