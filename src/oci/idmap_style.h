/*
 * idmap_style.h - how container IDs are laid out over the caller's, in a word: the value of
 * --idmap and of the annotation org.bryo.idmap, which is how the option reaches the plan.
 *
 *	single			process.user <- the caller, and nothing else
 *	subid			the same, and every subordinate ID that the caller owns (as without a word)
 *	keep-id			the caller's own ID is itself, the subordinate IDs are around it
 *	START:HOST:SIZE,...	as listed, for users and groups; a leading u or g: for one of them
 *
 * A word implies a user namespace of the container's own. [pure]
 */
#ifndef BRYO_IDMAP_STYLE_H
#define BRYO_IDMAP_STYLE_H

#include "base/err.h"
#include "oci/spec.h"

#define IDMAP_ANNOTATION "org.bryo.idmap"

enum idmap_style { IDMAP_NOT_SAID, IDMAP_SINGLE, IDMAP_SUBID, IDMAP_KEEP_ID, IDMAP_LIST };

struct idmap_words {
	enum idmap_style style;
	struct spec_mappings uid, gid; /* of IDMAP_LIST */
};

/* text NULL: nothing was said. -EINVAL names the part that is wrong. */
int idmap_style_parse(struct arena *a, const char *text, struct idmap_words *ret, struct err *err);
/* The annotation's; together with mappings in the config it is refused. */
int idmap_style_of(struct arena *a, const struct spec *spec, struct idmap_words *ret, struct err *err);
/* As if the config had this annotation and no mappings. */
void idmap_style_set(struct arena *a, struct spec *spec, const char *text);

#endif
