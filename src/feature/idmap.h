/*
 * idmap.h - which IDs exist in the container, and who writes the maps.
 *
 * Policy (design.md, rootless policy):
 *  - mappings in the config are used as they are, after checks: no overlap on either side, no
 *    wrap past 2^32-1, at most 340 lines (kernel limit), every host ID owned by the caller (its
 *    own ID, or inside a subordinate range) and present in the caller's own map.
 *  - no mappings, new user namespace, caller not privileged: process.user <- caller; the other
 *    container IDs 0..N-1, N.. from every subordinate range of the caller in order; a single ID
 *    where there are no ranges for uid or none for gid.
 *  - no mappings and privileged: refused, as runc does.
 *  - a word for it (oci/idmap_style.h) instead of mappings: single, subid, keep-id or a list, for
 *    a privileged caller too.
 *  - a map of one ID that is the caller's own is written directly, setgroups denied first, and
 *    no helper program is looked for; a privileged caller (or one with CAP_SETUID over its
 *    user namespace) writes any map directly; all else goes through newuidmap and newgidmap,
 *    started side by side.
 *  - six different errors for a helper that cannot work, each with its remedy.
 */
#ifndef BRYO_IDMAP_H
#define BRYO_IDMAP_H

#include "base/err.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

#include <sys/types.h>

enum idmap_writer { IDMAP_DIRECT, IDMAP_HELPERS, IDMAP_JOINER /* who is in the parent namespace */ };

struct idmap_plan {
	bool active; /* a new user namespace is made and must be mapped */
	bool known; /* uid and gid describe the container's namespace (false when it is joined by path) */
	struct id_extents uid, gid; /* inside, outside (caller's numbering), count */
	struct id_extents nested_uid, nested_gid; /* for IDMAP_JOINER: the same in the parent's numbering */
	bool deny_setgroups;
	enum idmap_writer writer;
	const char *newuidmap, *newgidmap; /* absolute paths, for IDMAP_HELPERS */
};

/*
 * [pure] but for host_need_subids(), which only reads. new_userns: the namespace plan creates
 * one. joined: user namespace by path. Where neither, the map is the identity over all IDs and
 * known is true. Notes say which mapping was made up and why.
 */
int idmap_plan(struct arena *a, const struct spec *spec, struct host *host, bool new_userns,
	       bool joined, struct notes *notes, struct idmap_plan *ret, struct err *err);
/* Writes the maps of pid (init, which waits for "mapped"). [outside] */
int idmap_outside(const struct idmap_plan *plan, pid_t pid, struct err *err);
/* What IDMAP_JOINER writes, by whoever entered the parent user namespace; idmap_outside() then has
 * nothing to do. */
int idmap_nested(const struct idmap_plan *plan, pid_t pid, struct err *err);

#endif
