/*
 * doctor_subids.c - subordinate IDs: that there are ranges, that they are large enough for images,
 * and nobody else's: another user's, or IDs that somebody is (CVE-2024-56433). Runs in the process
 * that the user started; getent is started only where nsswitch.conf names directories of a network.
 *
 * The range that a remedy proposes was found free in both files, in /etc/passwd, in /etc/group and in
 * the caller's own map, so that it can be typed as it stands.
 */
#include "doctor_parts.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "rootless/rootless.h"
#include "rootless/subid.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GETENT_MS  5000
#define GETENT_MAX (8u << 20)

struct kind {
	const char *file, *option, *what;
	bool groups;
};

static const struct kind uids = { "/etc/subuid", "--add-subuids", "user IDs", false },
			 gids = { "/etc/subgid", "--add-subgids", "group IDs", true };

static const struct id_ranges *owned(const struct doctor *d, const struct kind *k)
{
	return k->groups ? &d->host.subgids : &d->host.subuids;
}

static uint64_t total(const struct id_ranges *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].count;
	return n;
}

static struct subid_lines lines_of(struct doctor *d, const char *file)
{
	const char *text = d->host.faked ? "" : read_text(d, file);
	struct subid_lines ret;

	subid_parse_lines(d->a, text, strlen(text), &ret);
	return ret;
}

static bool is_mine(const struct doctor *d, const struct subid_line *l)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", d->host.uid);
	return str_eq(l->owner, d->host.user) || str_eq(l->owner, number);
}

static void say_add(struct doctor *d, struct finding *f, const struct kind *k)
{
	uint32_t first = d->host.faked ? SUBID_FIRST_FREE : subid_free(SUBID_ENOUGH), outside;

	if (!id_to_outside(k->groups ? &d->host.gid_map : &d->host.uid_map,
			   first + SUBID_ENOUGH - 1, &outside)) {
		say_remedy(
			d, f,
			"this user namespace has too few IDs itself: start bryo outside of it, or give it more "
			"(podman run --userns=auto:size=200000; unshare --map-auto)");
		return;
	}
	say_remedy(d, f, "%susermod %s %u-%u %s", d->sudo, k->option, first,
		   first + SUBID_ENOUGH - 1, shell_word(d->host.user, "USER"));
}

/* Another range in the place of r. usermod adds, but takes none from a user who is logged in. */
static void say_replace(struct doctor *d, struct finding *f, const struct kind *k,
			struct id_range r)
{
	struct subid_lines all = lines_of(d, k->file);

	for (size_t i = 0; i < all.n; i++) {
		const struct subid_line *l = &all.v[i];
		const char *owner = shell_word(l->owner, "USER");

		if (!is_mine(d, l) || l->range.first != r.first || l->range.count != r.count)
			continue;
		say_remedy(
			d, f,
			"%ssed -i 's/^%s:%u:%u$/%s:%u:%u/' %s, then podman system migrate, and make anew "
			"what has the old IDs",
			d->sudo, owner, r.first, r.count, owner, subid_free(SUBID_ENOUGH),
			SUBID_ENOUGH, k->file);
		return;
	}
	say_remedy(d, f, "have others given to you by whoever keeps the directory");
}

/* root of a machine has all IDs anyway. */
static bool has_all(struct doctor *d, struct finding *f)
{
	if (d->host.privileged)
		say_ok(d, f, "root has all IDs");
	return d->host.privileged;
}

/* A range counts only as far as our own user namespace has its IDs: -1 where all of it does. */
static int64_t first_unmapped(const struct doctor *d, const struct kind *k)
{
	const struct id_extents *map = k->groups ? &d->host.gid_map : &d->host.uid_map;
	const struct id_ranges *r = owned(d, k);
	uint32_t outside;

	for (size_t i = 0; i < r->n; i++) {
		uint32_t last = r->v[i].first + r->v[i].count - 1;

		if (!id_to_outside(map, r->v[i].first, &outside))
			return r->v[i].first;
		if (!id_to_outside(map, last, &outside))
			return last;
	}
	return -1;
}

static void say_unmapped(struct doctor *d, struct finding *f, const struct kind *k, int64_t id)
{
	say_missing(
		d, f,
		"%s gives you %lld, which is not in the map of this user namespace: it cannot be mapped on",
		k->file, (long long)id);
	say_remedy(d, f,
		   "name IDs in %s that /proc/self/%s_map has, or give the outer container more",
		   k->file, k->groups ? "gid" : "uid");
}

static void check_range(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct kind *k = c->arg;
	const struct id_ranges *r = owned(d, k);
	uint64_t n = total(r);

	if (has_all(d, f))
		return;
	if (first_unmapped(d, k) >= 0) {
		say_unmapped(d, f, k, first_unmapped(d, k));
		return;
	}
	if (n >= SUBID_ENOUGH) {
		say_ok(d, f, "%llu subordinate %s from %u on (%s)", (unsigned long long)n, k->what,
		       r->v[0].first,
		       str_eq(d->host.subid_source, "getsubids") ? "getsubids" : k->file);
		return;
	}
	if (n == 0)
		say_missing(d, f, "%s gives %s no subordinate %s: only one ID can be mapped",
			    k->file, d->host.user ? d->host.user : "this user", k->what);
	else
		say_degraded(
			d, f,
			"only %llu subordinate %s: images that use IDs up to 65535 cannot be unpacked",
			(unsigned long long)n, k->what);
	say_add(d, f, k);
}

/* Of IDs that two users own, each may become the other's files. */
static void check_overlap(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct kind *k = c->arg;
	const struct id_ranges *r = owned(d, k);
	struct subid_lines all = lines_of(d, k->file);

	if (has_all(d, f))
		return;
	for (size_t i = 0; i < all.n; i++)
		for (size_t j = 0; j < r->n && !is_mine(d, &all.v[i]); j++) {
			if (!subid_overlap(all.v[i].range, r->v[j]))
				continue;
			say_degraded(
				d, f,
				"yours from %u on overlap those of %s from %u on: each may change the "
				"other's files",
				r->v[j].first, all.v[i].owner, all.v[i].range.first);
			say_replace(d, f, k, r->v[j]);
			return;
		}
	say_ok(d, f, "nobody else owns any of them");
}

/* Whether nsswitch.conf's line of that database names more than local files. */
static bool is_on_network(struct doctor *d, const char *database)
{
	static const char *const local[] = { "files", "compat",	  "systemd",
					     "db",    "altfiles", "extrausers" };
	const char *p = strstr(arena_printf(d->a, "\n%s", read_text(d, "/etc/nsswitch.conf")),
			       arena_printf(d->a, "\n%s:", database));

	p = p ? strchr(p, ':') + 1 : "";
	while (*p && *p != '\n' && *p != '#') {
		size_t n = strcspn(p, " \t\n#");
		bool known = n == 0 || *p == '[' || p[n - 1] == ']';

		for (size_t i = 0; i < ARRAY_LEN(local); i++)
			known = known || (strlen(local[i]) == n && strncmp(p, local[i], n) == 0);
		if (!known)
			return true;
		p += n;
		p += strspn(p, " \t");
	}
	return false;
}

/* "name:x:ID:..." lines of all whom the directory is willing to list. */
static const char *getent(struct doctor *d, const char *database)
{
	char *argv[] = { "getent", (char *)database, NULL };
	auto_fd int out = memfd_create("getent", MFD_CLOEXEC);
	struct child c = CHILD_INIT;
	auto_free char *text = NULL;
	size_t len;

	c.path = argv[0];
	c.argv = argv;
	c.out = out;
	c.timeout_ms = GETENT_MS;
	if (out < 0 || child_run(&c, NULL) < 0 || lseek(out, 0, SEEK_SET) < 0 ||
	    fd_read_all(out, GETENT_MAX, &text, &len, NULL) < 0) {
		child_release(&c);
		return "";
	}
	child_release(&c);
	return arena_strdup(d->a, text);
}

/* The first line whose ID is among the ranges, up to its first colon. */
static const char *somebody_in(struct doctor *d, const char *text, const struct id_ranges *r,
			       uint32_t *ret_id, struct id_range *ret_range)
{
	for (const char *line = text; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
		const char *name = line, *p = strchr(line, ':');
		unsigned long long id;

		p = p ? strchr(p + 1, ':') : NULL;
		if (!p++ || !str_next_u64(&p, UINT32_MAX, &id))
			continue;
		for (size_t i = 0; i < r->n; i++)
			if (id >= r->v[i].first && id - r->v[i].first < r->v[i].count) {
				*ret_id = (uint32_t)id;
				*ret_range = r->v[i];
				return arena_strndup(d->a, name, strcspn(name, ":\n"));
			}
	}
	return NULL;
}

static void check_people(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct kind *k = c->arg;
	const char *database = k->groups ? "group" : "passwd";
	const struct id_ranges *r = owned(d, k);
	bool network = is_on_network(d, database);
	struct id_range range;
	const char *name;
	uint32_t id;

	if (has_all(d, f))
		return;
	name = somebody_in(d, read_text(d, k->groups ? "/etc/group" : "/etc/passwd"), r, &id,
			   &range);
	if (!name && network)
		name = somebody_in(d, getent(d, database), r, &id, &range);
	if (!name) {
		say_ok(d, f, "no %s that %s knows is among them", k->groups ? "group" : "user",
		       network	   ? "the directory"
		       : k->groups ? "/etc/group"
				   : "/etc/passwd");
		return;
	}
	say_degraded(d, f, "%s (%u) is among them: a container of yours can act as that %s here",
		     name, id, k->groups ? "group" : "user");
	say_replace(d, f, k, range);
}

static void check_source(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (!subid_needs_nss("/etc/nsswitch.conf")) {
		say_ok(d, f, "/etc/subuid and /etc/subgid");
	} else if (str_eq(d->host.subid_source, "getsubids")) {
		say_ok(d, f, "getsubids, as nsswitch.conf says");
	} else {
		say_degraded(
			d, f,
			"nsswitch.conf has ranges elsewhere than in files, but getsubids does not tell "
			"them: the files are taken");
		say_remedy(d, f, "%s", distro_install(d, PACKAGE_GETSUBIDS));
	}
}

/* ID 0 is the caller's, what follows are the ranges in their order. */
static struct id_extents map_of(struct doctor *d, uint32_t own, const struct id_ranges *r)
{
	struct id_extents map = { arena_alloc(d->a, (r->n + 1) * sizeof(*map.v)), r->n + 1 };
	uint32_t next = 1;

	map.v[0] = (struct id_extent){ 0, own, 1 };
	for (size_t i = 0; i < r->n; i++) {
		map.v[i + 1] = (struct id_extent){ next, r->v[i].first, r->v[i].count };
		next += r->v[i].count;
	}
	return map;
}

/* What the rows above foretell, by newuidmap and newgidmap themselves. */
static void check_mapping(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct host *h = &d->host;
	struct id_extents uid = map_of(d, h->uid, &h->subuids),
			  gid = map_of(d, h->gid, &h->subgids);
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	(void)c;
	if (has_all(d, f))
		return;
	if (h->newuidmap.state != HELPER_OK || h->newgidmap.state != HELPER_OK || !h->subuids.n ||
	    !h->subgids.n || d->tryout.userns) {
		say_missing(d, f, "not tried: ranges, helpers or user namespaces are missing");
		return;
	}
	if (tryout_map(d, &uid, &gid, &err) == 0) {
		say_ok(d, f, "newuidmap and newgidmap map all of them");
		return;
	}
	say_missing(d, f, "%s", err_format(&err, text, sizeof(text)));
	say_remedy(d, f, "look at what it says, and at the rows of subids and helper");
}

const struct doctor_check doctor_subid_checks[] = {
	{ "subids.source", DOCTOR_PODMAN, false, check_source, NULL },
	{ "subids.uids", DOCTOR_PODMAN, true, check_range, &uids },
	{ "subids.gids", DOCTOR_PODMAN, true, check_range, &gids },
	{ "subids.uids-overlap", DOCTOR_PODMAN, false, check_overlap, &uids },
	{ "subids.gids-overlap", DOCTOR_PODMAN, false, check_overlap, &gids },
	{ "subids.uids-people", DOCTOR_PODMAN, false, check_people, &uids },
	{ "subids.gids-people", DOCTOR_PODMAN, false, check_people, &gids },
	{ "subids.mapping", DOCTOR_PODMAN, false, check_mapping, NULL },
	{ 0 },
};
