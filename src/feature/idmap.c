/*
 * idmap.c - which IDs the container has and who writes the maps (policy in idmap.h). The plan
 * is made in the runtime and is pure but for looking up subordinate IDs; the maps are written
 * by the runtime too, while init waits for "mapped".
 *
 * Choices are made here; arithmetic is in idmap_math.c, checks and their words in idmap_side.c.
 */
#include "idmap.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "idmap_math.h"
#include "idmap_side.h"
#include "oci/idmap_style.h"
#include "rootless/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static bool caps_over_userns(const struct host *h)
{
	return h->privileged || (h->in_userns && h->has_sys_admin);
}

static int both(int (*check)(const struct side *, struct err *), const struct side *u,
		const struct side *g, struct err *err)
{
	int rc = check(u, err);

	return rc < 0 ? rc : check(g, err);
}

static void write_directly(const struct side *u, const struct side *g, bool with_caps,
			   struct idmap_plan *ret)
{
	ret->uid = u->map;
	ret->gid = g->map;
	ret->writer = IDMAP_DIRECT;
	/* Without capabilities the kernel wants "deny" first; a parent's "deny" is inherited. */
	ret->deny_setgroups = !with_caps || u->host->setgroups_denied;
}

static void write_by_helpers(const struct side *u, const struct side *g, struct idmap_plan *ret)
{
	ret->uid = u->map;
	ret->gid = g->map;
	ret->writer = IDMAP_HELPERS;
	ret->newuidmap = u->helper->path;
	ret->newgidmap = g->helper->path;
	ret->deny_setgroups = side_only_own(g) || u->host->setgroups_denied;
}

static int plan_wanted(struct arena *a, struct side *u, struct side *g, struct host *host,
		       struct idmap_plan *ret, struct err *err)
{
	struct err more = ERR_INIT;
	int rc = side_take_wanted(a, u, err);

	if (rc == 0)
		rc = side_take_wanted(a, g, err);
	else if (err && side_take_wanted(a, g, &more) < 0)
		rc = err_also(err, &more);
	if (rc < 0)
		return rc;
	if (caps_over_userns(host) || (side_only_own(u) && side_only_own(g))) {
		write_directly(u, g, caps_over_userns(host), ret);
		return 0;
	}
	rc = host_need_subids(host, err);
	if (rc == 0)
		rc = both(side_check_owned, u, g, err);
	if (rc == 0)
		rc = both(side_check_helper, u, g, err);
	if (rc < 0)
		return rc;
	write_by_helpers(u, g, ret);
	return 0;
}

static void note_side(struct notes *notes, const struct side *s, const char *why)
{
	struct id_ranges inside;
	auto_arena struct arena a = ARENA_INIT;
	char text[200];
	uint64_t total = 0;

	for (size_t i = 0; i < s->map.n; i++)
		total += s->map.v[i].count;
	if (total == 1) {
		note_add(notes, NOTE_ADAPTED, s->names->field, why,
			 "mapped container %s %u to the caller's %u, and no other", s->names->id,
			 s->inside, s->own);
		return;
	}
	ranges_of_map(&a, &s->map, &inside);
	ranges_text(&inside, text, sizeof(text));
	note_add(notes, NOTE_ADAPTED, s->names->field, why,
		 "mapped container %s %u to the caller's %u, and %llu others (container %ss %s)",
		 s->names->id, s->inside, s->own, (unsigned long long)total - 1, s->names->id,
		 text);
}

static bool has_others(const struct side *s)
{
	return s->map.n > 1 || s->map.v[0].count > 1;
}

/* The beginning of a reason, where nobody said which IDs. */
static const char *nothing_said(enum idmap_style style)
{
	return style == IDMAP_NOT_SAID ? "the config has no mappings; " : "";
}

/* All IDs of our own namespace: its root may hand on whatever it has. */
static int plan_nested(struct arena *a, struct side *u, struct side *g, enum idmap_style style,
		       struct notes *notes, struct idmap_plan *ret, struct err *err)
{
	const char *why = arena_printf(
		a, "%sthe caller is root of a user namespace, all of whose IDs it may use",
		nothing_said(style));
	struct id_ranges uids, gids;
	int rc;

	ranges_of_map(a, u->parent, &uids);
	ranges_of_map(a, g->parent, &gids);
	rc = side_fill(a, u, &uids, false, err);
	if (rc == 0)
		rc = side_fill(a, g, &gids, false, err);
	if (rc < 0)
		return rc;
	write_directly(u, g, true, ret);
	note_side(notes, u, why);
	note_side(notes, g, why);
	return 0;
}

/* Only the caller's own IDs, which needs nobody's help. Says why it is no more. */
static void plan_single(struct arena *a, struct side *u, struct side *g, enum note_kind kind,
			const char *why, struct notes *notes, struct idmap_plan *ret)
{
	const struct id_ranges none = { NULL, 0 };

	map_fill(a, u->inside, u->own, &none, u->parent, false, &u->map);
	map_fill(a, g->inside, g->own, &none, g->parent, false, &g->map);
	write_directly(u, g, false, ret);
	note_add(notes, kind, "linux.uidMappings", why,
		 "mapped only container %u:%u to the caller's %u:%u; files of other owners show as "
		 "nobody",
		 u->inside, g->inside, u->own, g->own);
}

/* Looked for only where it is shown: without the word, one ID is what there is, and no warning. */
static const char *free_range(struct arena *a, const struct host *h, enum idmap_style style)
{
	uint32_t first;

	if (h->faked || style != IDMAP_SUBID)
		return "FIRST-LAST";
	first = subid_free(SUBID_ENOUGH);
	return arena_printf(a, "%u-%u", first, first + SUBID_ENOUGH - 1);
}

static const char *why_no_ranges(struct arena *a, const struct side *u, const struct side *g,
				 enum idmap_style style)
{
	const struct side *s = has_others(u) ? g : u;
	const struct host *h = s->host;

	if (s->subids->n)
		return arena_printf(
			a, "%snone of the IDs that %s gives %s exist in this user namespace",
			nothing_said(style), side_source(s), side_login(s));
	return arena_printf(a, "%s%s gives %s no %ss (sudo usermod %s %s %s)", nothing_said(style),
			    side_source(s), side_login(s), s->names->id, s->names->option,
			    free_range(a, h, style), h->user ? h->user : "USER");
}

static const char *why_ranges(struct arena *a, const struct side *s, enum idmap_style style)
{
	return arena_printf(a, "%sthe others come from %s%s", nothing_said(style), side_source(s),
			    s->host->in_userns ? ", as far as they exist in this user namespace"
					       : "");
}

static int plan_from_ranges(struct arena *a, struct side *u, struct side *g, enum idmap_style style,
			    struct host *host, struct notes *notes, struct idmap_plan *ret,
			    struct err *err)
{
	struct err broken = ERR_INIT;
	char text[1024];
	int rc = host_need_subids(host, err);

	if (rc == 0)
		rc = side_fill(a, u, u->subids, true, err);
	if (rc == 0)
		rc = side_fill(a, g, g->subids, true, err);
	if (rc < 0)
		return rc;
	if (!has_others(u) || !has_others(g)) {
		/* by policy in silence, but not where the word was given */
		plan_single(a, u, g, style == IDMAP_SUBID ? NOTE_WARNING : NOTE_ADAPTED,
			    why_no_ranges(a, u, g, style), notes, ret);
		return 0;
	}
	/* Nobody asked for these IDs by number, so a broken helper costs them, not the start. */
	if (!caps_over_userns(host) && both(side_check_helper, u, g, &broken) < 0) {
		plan_single(a, u, g, NOTE_WARNING, err_format(&broken, text, sizeof(text)), notes,
			    ret);
		return 0;
	}
	if (caps_over_userns(host))
		write_directly(u, g, true, ret);
	else
		write_by_helpers(u, g, ret);
	note_side(notes, u, why_ranges(a, u, style));
	note_side(notes, g, why_ranges(a, g, style));
	return 0;
}

static int plan_automatic(struct arena *a, struct side *u, struct side *g, enum idmap_style style,
			  struct host *host, struct notes *notes, struct idmap_plan *ret,
			  struct err *err)
{
	int rc;

	if (host->privileged && style == IDMAP_NOT_SAID)
		return err_hint(
			err,
			err_set(err, EINVAL, "user namespaces enabled, but no uid mappings found"),
			"add linux.uidMappings and linux.gidMappings, or run as an ordinary user");
	if (style == IDMAP_KEEP_ID) {
		u->inside = u->own;
		g->inside = g->own;
	}
	rc = both(side_check_own, u, g, err);
	if (rc < 0)
		return rc;
	if (style == IDMAP_SINGLE) {
		plan_single(a, u, g, NOTE_ADAPTED, "", NULL, ret);
		return 0;
	}
	if (caps_over_userns(host) && !host->privileged)
		return plan_nested(a, u, g, style, notes, ret, err);
	return plan_from_ranges(a, u, g, style, host, notes, ret, err);
}

/* No namespace of its own: the container has whatever IDs exist where bryo runs. */
static int plan_identity(struct arena *a, struct side *s, struct id_extents *ret, struct err *err)
{
	struct id_ranges have;

	if (s->want->n) {
		int rc = err_set(err, EINVAL,
				 "%s: user namespace mappings specified, but no user namespace is "
				 "enabled in the config",
				 s->names->field);

		return err_hint(
			err, rc,
			"add {\"type\": \"user\"} to linux.namespaces, or remove the mappings");
	}
	ranges_of_map(a, s->parent, &have);
	*ret = (struct id_extents){ arena_alloc(a, have.n * sizeof(*ret->v)), have.n };
	for (size_t i = 0; i < have.n; i++)
		ret->v[i] = (struct id_extent){ have.v[i].first, have.v[i].first, have.v[i].count };
	return 0;
}

static void note_joined(const struct side *s, struct notes *notes)
{
	if (s->want->n)
		note_add(notes, NOTE_ADAPTED, s->names->field,
			 "the user namespace that is joined has its own, which nothing "
			 "can change",
			 "took the %ss of the joined user namespace", s->names->id);
}

static int write_map(pid_t pid, const char *file, const struct id_extents *map, struct err *err)
{
	auto_str struct str text = STR_INIT;
	char path[64];
	int rc;

	for (size_t i = 0; i < map->n; i++)
		str_addf(&text, "%u %u %u\n", map->v[i].inside, map->v[i].outside, map->v[i].count);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	rc = file_poke_at(AT_FDCWD, path, text.p, err);
	if (rc < 0)
		return err_in(err, rc, "write %s (%zu %s, first '%u %u %u')", file, map->n,
			      map->n == 1 ? "line" : "lines", map->v[0].inside, map->v[0].outside,
			      map->v[0].count);
	return 0;
}

/* Since 5.12 the parent's root can only be handed on by whoever has CAP_SETFCAP there. */
static bool maps_root(const struct id_extents *map)
{
	uint32_t inside;

	return id_to_inside(map, 0, &inside);
}

static int explain(const struct idmap_plan *plan, int rc, struct err *err)
{
	if (rc != -EPERM && rc != -EACCES)
		return rc;
	if (geteuid() == 0 && maps_root(&plan->uid))
		return err_hint(
			err, rc,
			"mapping uid 0 of the outer namespace needs CAP_SETUID, CAP_SETGID and "
			"CAP_SETFCAP there; an outer container must keep them");
	return userns_explain(NULL, -rc, rc, err);
}

int idmap_plan(struct arena *a, const struct spec *spec, struct host *host, bool new_userns,
	       bool joined, struct notes *notes, struct idmap_plan *ret, struct err *err)
{
	struct side u = side_uid(spec, host), g = side_gid(spec, host);
	struct idmap_words words;
	int rc = idmap_style_of(a, spec, &words, err);

	*ret = (struct idmap_plan){ .active = new_userns && !joined, .known = !joined };
	if (rc < 0)
		return rc;
	if (joined && words.style != IDMAP_NOT_SAID)
		return err_set(
			err, EINVAL,
			"idmap: the user namespace that is joined has its own mappings, which "
			"nothing can change");
	if (joined) {
		note_joined(&u, notes);
		note_joined(&g, notes);
		return 0;
	}
	if (!new_userns) {
		ret->deny_setgroups = host->setgroups_denied;
		rc = plan_identity(a, &u, &ret->uid, err);
		return rc < 0 ? rc : plan_identity(a, &g, &ret->gid, err);
	}
	if (words.style == IDMAP_LIST) {
		u.want = &words.uid;
		g.want = &words.gid;
	}
	if (u.want->n || g.want->n)
		rc = plan_wanted(a, &u, &g, host, ret, err);
	else
		rc = plan_automatic(a, &u, &g, words.style, host, notes, ret, err);
	return rc < 0 && words.style == IDMAP_LIST ? err_in(err, rc, "idmap") : rc;
}

int idmap_outside(const struct idmap_plan *plan, pid_t pid, struct err *err)
{
	char path[64];
	int rc = 0;

	if (!plan->active || plan->writer == IDMAP_JOINER)
		return 0;
	if (plan->deny_setgroups) {
		(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		rc = file_poke_at(AT_FDCWD, path, "deny", err);
	}
	if (rc == 0 && plan->writer == IDMAP_HELPERS)
		return newidmap_write(plan->newuidmap, plan->newgidmap, pid, &plan->uid, &plan->gid,
				      err);
	if (rc == 0)
		rc = write_map(pid, "uid_map", &plan->uid, err);
	if (rc == 0)
		rc = write_map(pid, "gid_map", &plan->gid, err);
	return rc < 0 ? explain(plan, rc, err) : 0;
}

int idmap_nested(const struct idmap_plan *plan, pid_t pid, struct err *err)
{
	char path[64];
	int rc = 0;

	if (plan->deny_setgroups) {
		(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		rc = file_poke_at(AT_FDCWD, path, "deny", err);
	}
	if (rc == 0)
		rc = write_map(pid, "uid_map", &plan->nested_uid, err);
	if (rc == 0)
		rc = write_map(pid, "gid_map", &plan->nested_gid, err);
	return rc;
}
