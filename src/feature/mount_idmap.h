/*
 * mount_idmap.h - ID-mapped mounts: a mount that shows the IDs of its file system translated.
 *
 * Theory. The kernel takes a map in the form of a user namespace that has it, so a namespace is
 * made with nobody in it. To set it, rights over the user namespace that owns the *file system*
 * are needed. For a bind that is the host's, or the one that bryo was started in: the container's
 * init has no rights there. So the runtime makes such trees detached before it clones init, which
 * inherits and attaches them. A new file system belongs to the container: init maps it itself.
 *
 * hostID of a mapping is counted as the caller sees IDs, like everywhere in config.json. Which
 * map is used: the mount's own uidMappings and gidMappings, else those in the option (crun:
 * "idmap=uids=FS-HOST-COUNT#...;gids=...", with "@" before a range HOST is an ID of the
 * container), else the container's. Without idmap or ridmap, own mappings mean idmap.
 */
#ifndef BRYO_MOUNT_IDMAP_H
#define BRYO_MOUNT_IDMAP_H

#include "base/err.h"
#include "feature/idmap.h"
#include "feature/mount_opt.h"
#include "feature/note.h"
#include "feature/ns.h"
#include "oci/spec.h"

struct mount_idmap {
	bool active;
	bool recursive;		    /* the mounts below, too */
	const char *ns;		    /* the user namespace, where the container's is joined by path */
	struct id_extents uid, gid; /* inside: ID on the file system; outside: as seen by who maps */
};

struct mount_plan;

/* fresh: a new file system, mapped by init; else a bind, mapped by the runtime. [pure] */
int mount_idmap_plan(struct arena *a, const struct spec_mount *m, const struct mount_opts *o, bool fresh,
		     const struct ns_plan *ns, const struct idmap_plan *ids, struct mount_idmap *ret, struct err *err);
/*
 * Makes the mapped trees of binds, before init is cloned; their descriptors take the place of
 * the sources, and mount_idmap_release() closes the runtime's copies. [outside]
 */
int mount_idmap_outside(const struct mount_plan *plan, struct err *err);
void mount_idmap_release(const struct mount_plan *plan);
/* Maps a detached tree. type: of the file system, for the error, or NULL to ask. [any] */
int mount_idmap_set(int tree, const struct mount_idmap *map, struct err *err);

#endif
