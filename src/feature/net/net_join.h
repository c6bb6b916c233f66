/*
 * net_join.h - the network of another container (--net join:ID).
 *
 * Theory. A network namespace belongs to a user namespace, and an ordinary user may enter it only
 * with the rights of that. So the joiner (proc/join.h) enters ID's user namespace and its network,
 * and clones init into a user namespace nested there: the new container has no rights over ID's
 * network or processes, while ID's root has all rights over what is nested below it. Real root, and
 * containers that share the caller's user namespace, need no nesting. Until init has left the host's
 * files behind it must be out of ID's sight: not in a pid namespace that is joined, and not
 * in a procfs of ours that ID has.
 *
 * The map of a nested namespace is in the numbers of its parent, and only somebody in the parent can
 * write it: the joiner. It is the map that the container would have had, translated: its files
 * belong to the same IDs of the host. What ID's namespace does not have cannot be in it: refused
 * where the config asks for it, else left out.
 *
 * What is entered is opened when ID was found, so that it is ID's for certain.
 */
#ifndef BRYO_NET_JOIN_H
#define BRYO_NET_JOIN_H

#include "feature/idmap.h"
#include "feature/note.h"
#include "feature/ns.h"

struct net_target { /* container ID, as it is */
	const char *id;
	pid_t pid;
	uint32_t namespaces;	    /* CLONE_NEW* that differ from the creator's */
	int user, net;		    /* its namespaces, opened; -1: shared with the caller */
	struct id_extents uid, gid; /* of its user namespace, in the caller's numbers */
	bool setgroups_denied;
	bool sees_us;		    /* the caller's /proc is mounted in it */
	const char *backend;	    /* as its record has it; "" for none */
	const char *resolv_conf;    /* what was made for it, or NULL */
};

/* After ns_plan(): adds what is entered, and the nested user namespace. [pure] */
int net_join_ns(struct arena *a, const struct net_target *t, const struct host *host,
		struct notes *notes, struct ns_plan *ns, struct err *err);
/* After idmap_plan(): translates. strict: the maps were asked for. [pure] */
int net_join_ids(struct arena *a, const struct net_target *t, bool strict, struct notes *notes,
		 struct idmap_plan *ids, struct err *err);

#endif
