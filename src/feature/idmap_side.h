/*
 * idmap_side.h - one of the two maps (uid or gid) while it is planned: what was asked, what the
 * caller has, and the refusals. Private to idmap.c. [pure]
 */
#ifndef BRYO_IDMAP_SIDE_H
#define BRYO_IDMAP_SIDE_H

#include "base/err.h"
#include "host/host.h"
#include "oci/spec.h"

struct side_names {
	const char *id; /* "uid" or "gid", in messages */
	const char *field, *user_field;
	const char *file;   /* where ranges come from */
	const char *option; /* of usermod */
	const char *helper, *file_cap;
};

struct side {
	const struct side_names *names;
	const struct host *host;
	const struct spec_mappings *want;
	uint32_t inside, own; /* process.user's, the caller's */
	const struct id_extents *parent;
	const struct id_ranges *subids; /* valid after host_need_subids() */
	const struct helper *helper;	/* likewise */
	struct id_extents map;
};

struct side side_uid(const struct spec *spec, const struct host *host);
struct side side_gid(const struct spec *spec, const struct host *host);
/* The map is the caller's own ID and nothing else. */
bool side_only_own(const struct side *s);
const char *side_login(const struct side *s);
const char *side_source(const struct side *s); /* "/etc/subuid" or "getsubids" */

/* The config's mappings into s->map, after the kernel's own checks, each with its name. */
int side_take_wanted(struct arena *a, struct side *s, struct err *err);
/* The caller's own ID and the others that from holds into s->map (map_fill()). */
int side_fill(struct arena *a, struct side *s, const struct id_ranges *from, bool own_apart,
	      struct err *err);
/* process.user and the caller's own ID can be mapped to each other at all. */
int side_check_own(const struct side *s, struct err *err);
/* newuidmap's rule: each line is the caller's own ID alone, or all of it is subordinate. */
int side_check_owned(const struct side *s, struct err *err);
/* The helper program can work; five ways in which it cannot. */
int side_check_helper(const struct side *s, struct err *err);

#endif
