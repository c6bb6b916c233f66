/*
 * overlay_word.h - how layers of a root file system are written down: annotations, and lists of
 * directories (theory in feature/rootfs/rootfs.h). [pure]
 */
#ifndef BRYO_OVERLAY_WORD_H
#define BRYO_OVERLAY_WORD_H

#include "base/err.h"
#include "base/json.h"
#include "oci/spec.h"

#include <stdbool.h>

#define OVERLAY_LOWER_ANNOTATION     "org.bryo.overlay.lower"
#define OVERLAY_UPPER_ANNOTATION     "org.bryo.overlay.upper"
#define OVERLAY_EPHEMERAL_ANNOTATION "org.bryo.overlay.ephemeral"
#define OVERLAY_IDMAP_ANNOTATION     "org.bryo.overlay.idmap"

enum overlay_upper { UPPER_NONE, UPPER_KEPT, UPPER_MEMORY, UPPER_DISK };

struct overlay_words { /* of the annotations; NULL and UPPER_NONE where there are none */
	const char *lower, *upper;
	enum overlay_upper ephemeral;
	bool any;
};

/* old_tmpfs: tmpfs has no user.* attributes here. */
int overlay_words(const struct spec *spec, bool old_tmpfs, struct overlay_words *ret,
		  struct err *err);
/* "a:b\:c" to a list of absolute paths, relative ones below base. */
int overlay_split(struct arena *a, const char *text, const char *base, struct strv *ret,
		  struct err *err);
/* The reverse. */
const char *overlay_join(struct arena *a, const struct strv *dirs);

#endif
