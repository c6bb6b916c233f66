/*
 * idmap_side.c - one of the two maps: what was asked, against what the caller has
 * (idmap_side.h). Runs in the runtime while the plan is built.
 *
 * Everything the kernel or newuidmap would refuse with a bare EPERM or EINVAL is checked here
 * first, by the same rules as theirs, because only here the user can be told which ID it was.
 */
#include "idmap_side.h"

#include "base/str.h"
#include "idmap_math.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ALWAYS_FITS 100 /* lines of at most 33 bytes in the smallest page, 4096 */

static const struct side_names uid_names = {
	"uid",		 "linux.uidMappings", "process.user.uid", "/etc/subuid",
	"--add-subuids", "newuidmap",	      "cap_setuid",
};
static const struct side_names gid_names = {
	"gid",		 "linux.gidMappings", "process.user.gid", "/etc/subgid",
	"--add-subgids", "newgidmap",	      "cap_setgid",
};

static int refuse_lines(const struct side *s, size_t lines, struct err *err)
{
	int rc = err_set(err, EINVAL, "%s: %zu mappings, the kernel takes at most %d",
			 s->names->field, lines, IDMAP_LINES);

	return err_hint(err, rc, "join neighbouring ranges, or map fewer");
}

static int refuse_missing(const struct side *s, uint32_t id, struct err *err)
{
	struct id_ranges have = { NULL, 0 };
	auto_arena struct arena a = ARENA_INIT;
	char text[160];
	int rc;

	ranges_of_map(&a, s->parent, &have);
	ranges_text(&have, text, sizeof(text));
	rc = err_set(err, EINVAL,
		     "%s: host %s %u does not exist in the user namespace that bryo runs in, which "
		     "has %s",
		     s->names->field, s->names->id, id, text);
	return err_hint(err, rc,
			"host IDs are counted as seen here; map only those, or give the outer "
			"container more");
}

static int refuse_unowned(const struct side *s, const struct id_extent *e, uint32_t id,
			  struct err *err)
{
	char text[160];
	int rc;

	if (id == s->own) {
		rc = err_set(err, EPERM,
			     "%s: host %s %u, the caller's own, is inside a mapping of %u IDs",
			     s->names->field, s->names->id, id, e->count);
		return err_hint(err, rc, "%s wants the caller's own ID in a mapping of size 1",
				s->names->helper);
	}
	ranges_text(s->subids, text, sizeof(text));
	rc = err_set(err, EPERM, "%s: host %s %u does not belong to %s, to whom %s gives %s",
		     s->names->field, s->names->id, id, side_login(s), side_source(s),
		     s->subids->n ? text : "nothing");
	return err_hint(err, rc, "sudo usermod %s %u-%u %s", s->names->option, e->outside,
			e->outside + (e->count - 1), s->host->user ? s->host->user : "USER");
}

static int check_line(const struct side *s, size_t i, struct err *err)
{
	const struct id_extent *e = &s->map.v[i];

	if (e->count == 0)
		return err_hint(err, err_set(err, EINVAL, "%s[%zu]: size 0", s->names->field, i),
				"a mapping holds at least one ID");
	if (e->count > UINT32_MAX - e->inside)
		return err_set(err, EINVAL, "%s[%zu]: containerID %u and size %u reach past %u",
			       s->names->field, i, e->inside, e->count, IDMAP_LAST);
	if (e->count > UINT32_MAX - e->outside)
		return err_set(err, EINVAL, "%s[%zu]: hostID %u and size %u reach past %u",
			       s->names->field, i, e->outside, e->count, IDMAP_LAST);
	return 0;
}

static int check_overlap(const struct side *s, bool outside, struct err *err)
{
	const struct id_extent *x, *y;
	uint32_t xf, yf;
	size_t i, j;

	if (!map_overlap(&s->map, outside, &i, &j))
		return 0;
	x = &s->map.v[i];
	y = &s->map.v[j];
	xf = outside ? x->outside : x->inside;
	yf = outside ? y->outside : y->inside;
	return err_hint(err,
			err_set(err, EINVAL, "%s: [%zu] and [%zu] both hold %s %s %u", s->names->field,
				i, j, outside ? "host" : "container", s->names->id, xf > yf ? xf : yf),
			"each ID can be mapped once");
}

/* The kernel takes a map as one write of less than a page. */
static int check_text(const struct side *s, struct err *err)
{
	long page;
	size_t len = 0;

	if (s->map.n <= ALWAYS_FITS)
		return 0;
	page = sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < s->map.n; i++) {
		const struct id_extent *e = &s->map.v[i];

		len += (size_t)snprintf(NULL, 0, "%u %u %u\n", e->inside, e->outside, e->count);
	}
	if (page <= 0 || len < (size_t)page)
		return 0;
	return err_hint(
		err,
		err_set(err, EINVAL,
			"%s: %zu mappings are %zu bytes of text, the kernel takes less than %ld",
			s->names->field, s->map.n, len, page),
		"join neighbouring ranges, or map fewer");
}

struct side side_uid(const struct spec *spec, const struct host *host)
{
	return (struct side){
		.names = &uid_names,
		.host = host,
		.want = &spec->linux_.uid_mappings,
		.inside = spec->has_process ? spec->process.user.uid : 0,
		.own = host->uid,
		.parent = &host->uid_map,
		.subids = &host->subuids,
		.helper = &host->newuidmap,
	};
}

struct side side_gid(const struct spec *spec, const struct host *host)
{
	return (struct side){
		.names = &gid_names,
		.host = host,
		.want = &spec->linux_.gid_mappings,
		.inside = spec->has_process ? spec->process.user.gid : 0,
		.own = host->gid,
		.parent = &host->gid_map,
		.subids = &host->subgids,
		.helper = &host->newgidmap,
	};
}

bool side_only_own(const struct side *s)
{
	return s->map.n == 1 && s->map.v[0].count == 1 && s->map.v[0].outside == s->own;
}

const char *side_login(const struct side *s)
{
	return s->host->user ? s->host->user : "the caller";
}

const char *side_source(const struct side *s)
{
	return str_eq(s->host->subid_source, "getsubids") ? "getsubids" : s->names->file;
}

int side_take_wanted(struct arena *a, struct side *s, struct err *err)
{
	uint32_t missing;
	int rc = 0;

	if (!s->want->n)
		return err_hint(err,
				err_set(err, EINVAL,
					"user namespaces enabled, but no %s mappings found",
					s->names->id),
				"add %s", s->names->field);
	if (s->want->n > IDMAP_LINES)
		return refuse_lines(s, s->want->n, err);
	s->map = (struct id_extents){ arena_alloc(a, s->want->n * sizeof(*s->map.v)), s->want->n };
	for (size_t i = 0; i < s->want->n; i++) {
		const struct spec_mapping *m = &s->want->v[i];

		s->map.v[i] = (struct id_extent){ m->container_id, m->host_id, m->size };
		rc = check_line(s, i, err);
		if (rc < 0)
			return rc;
	}
	rc = check_overlap(s, false, err);
	if (rc == 0)
		rc = check_overlap(s, true, err);
	if (rc < 0)
		return rc;
	if (!map_split(a, &s->map, s->parent, &s->map, &missing))
		return refuse_missing(s, missing, err);
	if (s->map.n > IDMAP_LINES)
		return refuse_lines(s, s->map.n, err);
	return check_text(s, err);
}

int side_fill(struct arena *a, struct side *s, const struct id_ranges *from, bool own_apart,
	      struct err *err)
{
	struct id_ranges distinct, usable;

	ranges_distinct(a, from, s->own, &distinct);
	if (distinct.n > IDMAP_LINES)
		return refuse_lines(s, distinct.n, err);
	ranges_within(a, &distinct, s->parent, &usable);
	map_fill(a, s->inside, s->own, &usable, s->parent, own_apart, &s->map);
	if (s->map.n > IDMAP_LINES)
		return refuse_lines(s, s->map.n, err);
	return check_text(s, err);
}

int side_check_own(const struct side *s, struct err *err)
{
	uint32_t outside;

	if (s->inside > IDMAP_LAST)
		return err_set(err, EINVAL, "%s: %u is not an ID", s->names->user_field, s->inside);
	if (!id_to_outside(s->parent, s->own, &outside))
		return refuse_missing(s, s->own, err);
	return 0;
}

int side_check_owned(const struct side *s, struct err *err)
{
	for (size_t i = 0; i < s->map.n; i++) {
		const struct id_extent *e = &s->map.v[i];
		uint32_t missing;

		if (e->count == 1 && e->outside == s->own)
			continue;
		if (!ranges_cover(s->subids, e->outside, e->count, &missing))
			return refuse_unowned(s, e, missing, err);
	}
	return 0;
}

int side_check_helper(const struct side *s, struct err *err)
{
	const char *name = s->names->helper, *path = s->helper->path ? s->helper->path : name;
	int rc;

	switch (s->helper->state) {
	case HELPER_OK:
		return 0;
	case HELPER_NO_PRIVILEGE:
		rc = err_set(err, EPERM, "'%s' has neither the setuid bit nor file capabilities",
			     path);
		return err_hint(
			err, rc,
			"sudo chmod u+s %s, or sudo setcap %s+ep %s, or reinstall its package; "
			"copies and image layers lose both",
			path, s->names->file_cap, path);
	case HELPER_NOSUID:
		rc = err_set(
			err, EPERM,
			"'%s' is on a file system that is mounted nosuid, so it gains no privilege",
			path);
		return err_hint(err, rc,
				"install %s on a file system without nosuid and put that in PATH",
				name);
	case HELPER_NO_NEW_PRIVS:
		rc = err_set(
			err, EPERM,
			"'%s' cannot gain privilege, because NoNewPrivs is set for this process",
			path);
		return err_hint(
			err, rc,
			"NoNewPrivileges= or RestrictSUIDSGID= of a systemd unit, setpriv, or an "
			"outer container's no-new-privileges set it; switch it off there");
	case HELPER_MISSING:
	case HELPER_UNKNOWN:
		break;
	}
	rc = err_set(err, ENOENT, "%s is not in PATH; more than the caller's own ID needs it",
		     name);
	return err_hint(
		err, rc,
		"install uidmap (Debian, Ubuntu), shadow-utils (Fedora, RHEL), shadow (Arch, "
		"openSUSE) or shadow-subids (Alpine), or map only your own ID");
}
