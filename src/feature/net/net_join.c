/*
 * net_join.c - the plan of a container that shares another one's network (theory in net/net_join.h). [pure]
 */
#include "net_join.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"

#include <string.h>

static bool is_joined(const struct ns_plan *ns, uint32_t flag)
{
	for (size_t i = 0; i < ns->n_joins; i++)
		if (ns->joins[i].flag == flag)
			return true;
	return false;
}

static int check(const struct net_target *t, const struct ns_plan *ns, bool nest, struct err *err)
{
	if (!(t->namespaces & CLONE_NEWNET))
		return err_hint(err,
				err_set(err, EINVAL,
					"container '%s' has no network of its own to join", t->id),
				"it runs in the host's: --net host is the same");
	if (nest && is_joined(ns, CLONE_NEWUSER))
		return err_set(
			err, EINVAL,
			"a user namespace given by path and the network of container '%s' exclude each "
			"other: that belongs to another one",
			t->id);
	if (nest && is_joined(ns, CLONE_NEWPID))
		return err_hint(
			err,
			err_set(err, EPERM,
				"a pid namespace given by path and the network of container '%s' exclude each "
				"other: its root could trace init while that sees the host's files",
				t->id),
			"give the container a pid namespace of its own");
	if (nest && (!(t->namespaces & CLONE_NEWPID) || t->sees_us))
		return err_hint(
			err,
			err_set(err, EPERM,
				"container '%s' sees the processes of the host, the one that would join it too",
				t->id),
			"give it a pid namespace, and no bind of this /proc");
	return 0;
}

/* In front of what the config joins: the user namespace gives the rights over the rest. */
static void prepend(struct arena *a, struct ns_plan *ns, const struct ns_join *more, size_t n)
{
	struct ns_join *joins = arena_alloc(a, (ns->n_joins + n) * sizeof(*joins));

	memcpy(joins, more, n * sizeof(*joins));
	if (ns->n_joins)
		memcpy(joins + n, ns->joins, ns->n_joins * sizeof(*joins));
	ns->joins = joins;
	ns->n_joins += n;
}

int net_join_ns(struct arena *a, const struct net_target *t, const struct host *host,
		struct notes *notes, struct ns_plan *ns, struct err *err)
{
	bool nest = (t->namespaces & CLONE_NEWUSER) && !host->privileged;
	const char *dir = arena_printf(a, "/proc/%d/ns", (int)t->pid);
	struct ns_join more[2];
	size_t n = 0;
	int rc = check(t, ns, nest, err);

	if (rc < 0)
		return rc;
	if (nest)
		more[n++] =
			(struct ns_join){ CLONE_NEWUSER, arena_printf(a, "%s/user", dir), t->user };
	more[n++] = (struct ns_join){ CLONE_NEWNET, arena_printf(a, "%s/net", dir), t->net };
	prepend(a, ns, more, n);
	ns->differ |= CLONE_NEWNET;
	if (!nest)
		return 0;
	ns->nested = true;
	ns->create |= CLONE_NEWUSER;
	ns->differ |= CLONE_NEWUSER;
	note_add(notes, NOTE_ADAPTED, "linux.namespaces",
		 arena_printf(a, "the network of container '%s' belongs to its user namespace",
			      t->id),
		 "the user namespace is nested in that of container '%s'", t->id);
	return 0;
}

/* The part of want's line that one line of the target has; false: its first ID is not there. */
static bool cut(const struct id_extent *want, const struct id_extents *target,
		struct id_extent *host, struct id_extent *nested)
{
	for (size_t i = 0; i < target->n; i++) {
		const struct id_extent *e = &target->v[i];
		uint32_t skip = want->outside - e->outside;

		if (want->outside < e->outside || skip >= e->count)
			continue;
		*host = *want;
		if (host->count > e->count - skip)
			host->count = e->count - skip;
		*nested = (struct id_extent){ want->inside, e->inside + skip, host->count };
		return true;
	}
	return false;
}

/* IDs from want's first on that the target has not. */
static uint32_t gap(const struct id_extent *want, const struct id_extents *target)
{
	uint32_t n = want->count;

	for (size_t i = 0; i < target->n; i++)
		if (target->v[i].outside > want->outside &&
		    target->v[i].outside - want->outside < n)
			n = target->v[i].outside - want->outside;
	return n;
}

static int refuse(const struct net_target *t, const char *what, uint32_t id, struct err *err)
{
	int rc = err_set(err, EINVAL,
			 "%s %u of the host is not in the user namespace of container '%s'", what,
			 id, t->id);

	return err_hint(err, rc, "what shares its network can have only the IDs that it has");
}

static int translate(struct arena *a, const struct net_target *t, const struct id_extents *target,
		     const char *what, bool strict, struct id_extents *map, struct id_extents *ret,
		     bool *ret_cut, struct err *err)
{
	VEC(struct id_extent) host = VEC_INIT, nested = VEC_INIT;

	for (size_t i = 0; i < map->n; i++) {
		struct id_extent left = map->v[i], h, n;

		while (left.count) {
			bool there = cut(&left, target, &h, &n);
			uint32_t count = there ? h.count : gap(&left, target);

			if (!there && strict)
				return refuse(t, what, left.outside, err);
			if (there) {
				*vec_add(a, &host) = h;
				*vec_add(a, &nested) = n;
			}
			*ret_cut |= !there;
			left.inside += count;
			left.outside += count;
			left.count -= count;
		}
	}
	*map = (struct id_extents){ host.v, host.n };
	*ret = (struct id_extents){ nested.v, nested.n };
	return nested.n ? 0
			: err_set(err, EINVAL, "container '%s' has no %s of the caller's", t->id,
				  what);
}

int net_join_ids(struct arena *a, const struct net_target *t, bool strict, struct notes *notes,
		 struct idmap_plan *ids, struct err *err)
{
	bool cut_off = false;
	int rc = translate(a, t, &t->uid, "user", strict, &ids->uid, &ids->nested_uid, &cut_off,
			   err);

	if (rc == 0)
		rc = translate(a, t, &t->gid, "group", strict, &ids->gid, &ids->nested_gid,
			       &cut_off, err);
	if (rc < 0)
		return rc;
	ids->writer = IDMAP_JOINER;
	ids->deny_setgroups |= t->setgroups_denied;
	if (cut_off)
		note_add(notes, NOTE_ADAPTED, "linux.uidMappings",
			 arena_printf(a, "the user namespace of container '%s' has no more", t->id),
			 "mapped only the IDs that both have");
	return 0;
}
