/*
 * test_idmap.c - the policy of feature/idmap.c as a table: host facts and config in, plan or
 * refusal out. Maps are written "inside:outside:count,...", ranges "first:count,...".
 */
#include "feature/idmap.h"
#include "feature/idmap_math.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#define ALL "0:0:4294967295"
#define R1  "100000:65536"

enum { NEW = 0, KEEP = 1, JOIN = 2 };

struct test_case {
	const char *what;
	uint32_t proc_uid, proc_gid;
	const char *uids, *gids; /* mappings of the config */
	const char *subuids, *subgids;
	uint32_t uid, gid; /* 0: 1000, unless root */
	bool root, privileged, in_userns, admin, denied;
	const char *parent_uid, *parent_gid; /* NULL: all */
	enum helper_state u, g;		     /* 0: ok */
	int ns;
	const char *want; /* rendered plan, or ... */
	const char *err;  /* ... part of the refusal */
	const char *err2; /* and another part */
	const char *note; /* part of the notes */
};

static size_t parse(struct arena *a, const char *text, size_t per, uint32_t **ret)
{
	size_t n = 0;

	*ret = arena_alloc(a, (text ? strlen(text) + 1 : 1) * sizeof(**ret));
	while (text && *text) {
		(*ret)[n++] = (uint32_t)strtoul(text, (char **)&text, 10);
		text += *text != '\0';
	}
	return n / per;
}

static struct id_extents extents(struct arena *a, const char *text)
{
	uint32_t *v;
	size_t n = parse(a, text, 3, &v);

	return (struct id_extents){ (struct id_extent *)(void *)v, n };
}

static struct id_ranges ranges(struct arena *a, const char *text)
{
	uint32_t *v;
	size_t n = parse(a, text, 2, &v);

	return (struct id_ranges){ (struct id_range *)(void *)v, n };
}

static struct spec_mappings mappings(struct arena *a, const char *text)
{
	struct id_extents e = extents(a, text);
	struct spec_mappings m = { arena_alloc(a, (e.n + 1) * sizeof(*m.v)), e.n };

	for (size_t i = 0; i < e.n; i++)
		m.v[i] = (struct spec_mapping){ e.v[i].inside, e.v[i].outside, e.v[i].count };
	return m;
}

static struct host make_host(struct arena *a, const struct test_case *c)
{
	return (struct host){
		.arena = a,
		.faked = true,
		.subids_probed = true,
		.user = "alice",
		.subid_source = "/etc/subuid",
		.uid = c->root	? 0
		       : c->uid ? c->uid
				: 1000,
		.gid = c->root	? 0
		       : c->gid ? c->gid
				: 1000,
		.privileged = c->privileged,
		.in_userns = c->in_userns,
		.has_sys_admin = c->admin || c->privileged,
		.setgroups_denied = c->denied,
		.uid_map = extents(a, c->parent_uid ? c->parent_uid : ALL),
		.gid_map = extents(a, c->parent_gid ? c->parent_gid : ALL),
		.subuids = ranges(a, c->subuids),
		.subgids = ranges(a, c->subgids),
		.newuidmap = { c->u ? c->u : HELPER_OK, "/usr/bin/newuidmap" },
		.newgidmap = { c->g ? c->g : HELPER_OK, "/usr/bin/newgidmap" },
	};
}

static void render(struct str *s, const char *name, const struct id_extents *m)
{
	str_addf(s, "%s ", name);
	for (size_t i = 0; i < m->n; i++)
		str_addf(s, "%s%u:%u:%u", i ? "," : "", m->v[i].inside, m->v[i].outside,
			 m->v[i].count);
}

static char *render_plan(const struct idmap_plan *p)
{
	struct str s = STR_INIT;

	if (!p->known)
		str_add(&s, "unknown");
	if (p->known) {
		render(&s, "u", &p->uid);
		render(&s, " g", &p->gid);
	}
	if (p->active)
		str_add(&s, p->writer == IDMAP_HELPERS ? " helpers" : " direct");
	if (p->deny_setgroups)
		str_add(&s, " deny");
	return s.p;
}

static bool notes_hold(const struct notes *n, const char *part)
{
	for (size_t i = 0; i < n->list.n; i++)
		if (strstr(n->list.v[i].what, part) || strstr(n->list.v[i].why, part))
			return true;
	return false;
}

static const struct test_case cases[] = {
	/* automatic maps of an ordinary user */
	{ "auto: process root is the caller, the rest from the range", .subuids = R1, .subgids = R1,
	  .want = "u 0:1000:1,1:100000:65536 g 0:1000:1,1:100000:65536 helpers",
	  .note = "and 65536 others" },
	{ "auto: a process user in the middle splits the range", 1000, 0, .subuids = R1,
	  .subgids = R1,
	  .want = "u 0:100000:1000,1000:1000:1,1001:101000:64536 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: a process user just behind the range", 65536, 65536, .subuids = R1, .subgids = R1,
	  .want = "u 0:100000:65536,65536:1000:1 g 0:100000:65536,65536:1000:1 helpers" },
	{ "auto: a process user far behind the range", 70000, 0, .subuids = R1, .subgids = R1,
	  .want = "u 0:100000:65536,70000:1000:1 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: the last possible process user", 4294967294u, 0, .subuids = R1, .subgids = R1,
	  .want = "u 0:100000:65536,4294967294:1000:1 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: process.user.uid 2^32-1 is refused", 4294967295u, 0, .subuids = R1, .subgids = R1,
	  .err = "process.user.uid: 4294967295 is not an ID" },
	{ "auto: process.user.gid 2^32-1 is refused", 0, 4294967295u, .subuids = R1, .subgids = R1,
	  .err = "process.user.gid: 4294967295 is not an ID" },
	{ "auto: all ranges in file order", .subuids = "300000:10,100000:10", .subgids = R1,
	  .want = "u 0:1000:1,1:300000:10,11:100000:10 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: neighbouring ranges become one line", .subuids = "100000:10,100010:10",
	  .subgids = R1, .want = "u 0:1000:1,1:100000:20 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: a range listed twice counts once", .subuids = R1 "," R1, .subgids = R1,
	  .want = "u 0:1000:1,1:100000:65536 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: overlapping ranges lose the overlap", .subuids = "100000:10,100005:10",
	  .subgids = R1, .want = "u 0:1000:1,1:100000:15 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: a range around an earlier one gives both ends", .subuids = "100005:2,100000:10",
	  .subgids = R1,
	  .want = "u 0:1000:1,1:100005:2,3:100000:5,8:100007:3 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: the caller's own ID inside a range is not mapped twice", .subuids = "990:20",
	  .subgids = R1,
	  .want = "u 0:1000:1,1:990:10,11:1001:9 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: own ID next to the range stays a line of its own (newuidmap)", .subuids = "1001:9",
	  .subgids = R1, .want = "u 0:1000:1,1:1001:9 g 0:1000:1,1:100000:65536 helpers" },
	{ "auto: a range of only the own ID is no range", .subuids = "1000:1", .subgids = R1,
	  .want = "u 0:1000:1 g 0:1000:1 direct deny", .note = "none of the IDs" },
	{ "auto: no uid ranges: a single ID, and why", .subgids = R1,
	  .want = "u 0:1000:1 g 0:1000:1 direct deny",
	  .note = "/etc/subuid gives alice no uids (sudo usermod --add-subuids" },
	{ "auto: no gid ranges: a single ID, and why", 5, 6, .subuids = R1,
	  .want = "u 5:1000:1 g 6:1000:1 direct deny", .note = "/etc/subgid gives alice no gids" },
	{ "auto: helper missing: a single ID with a warning", .subuids = R1, .subgids = R1,
	  .u = HELPER_MISSING, .want = "u 0:1000:1 g 0:1000:1 direct deny",
	  .note = "newuidmap is not in PATH" },
	{ "auto: newgidmap powerless: a single ID with a warning", .subuids = R1, .subgids = R1,
	  .g = HELPER_NO_PRIVILEGE, .want = "u 0:1000:1 g 0:1000:1 direct deny",
	  .note = "'/usr/bin/newgidmap' has neither the setuid bit" },
	{ "auto: setgroups denied outside stays denied", .subuids = R1, .subgids = R1,
	  .denied = true,
	  .want = "u 0:1000:1,1:100000:65536 g 0:1000:1,1:100000:65536 helpers deny" },
	{ "auto: a range that ends at 2^32-2", .subuids = "4294967290:5", .subgids = R1,
	  .want = "u 0:1000:1,1:4294967290:5 g 0:1000:1,1:100000:65536 helpers" },

	/* single ID from the config */
	{ "single: own ID is written directly, no helper looked at", .uids = "0:1000:1",
	  .gids = "0:1000:1", .u = HELPER_MISSING, .g = HELPER_MISSING,
	  .want = "u 0:1000:1 g 0:1000:1 direct deny" },
	{ "single: without root inside", .uids = "1000:1000:1", .gids = "7:1000:1",
	  .want = "u 1000:1000:1 g 7:1000:1 direct deny" },
	{ "single: somebody else's ID is refused", .uids = "0:1001:1", .gids = "0:1000:1",
	  .subuids = R1,
	  .err = "linux.uidMappings: host uid 1001 does not belong to alice, to whom /etc/subuid gives 100000-165535" },
	{ "single: somebody else's gid is refused", .uids = "0:1000:1", .gids = "0:27:1",
	  .err = "linux.gidMappings: host gid 27 does not belong to alice, to whom /etc/subgid gives nothing",
	  .err2 = "sudo usermod --add-subgids 27-27 alice" },
	{ "single uid, many gids: helpers, setgroups allowed", .uids = "0:1000:1",
	  .gids = "0:1000:1,1:100000:9", .subgids = R1,
	  .want = "u 0:1000:1 g 0:1000:1,1:100000:9 helpers" },
	{ "many uids, single gid: helpers, setgroups denied", .uids = "0:1000:1,1:100000:9",
	  .gids = "0:1000:1", .subuids = R1,
	  .want = "u 0:1000:1,1:100000:9 g 0:1000:1 helpers deny" },

	/* checks on the config's maps */
	{ "config: used as written, in its order", .uids = "1:100000:5,0:1000:1",
	  .gids = "0:1000:1", .subuids = R1,
	  .want = "u 1:100000:5,0:1000:1 g 0:1000:1 helpers deny" },
	{ "config: uid but no gid mappings", .uids = "0:1000:1", .err = "no gid mappings found" },
	{ "config: gid but no uid mappings", .gids = "0:1000:1", .err = "no uid mappings found" },
	{ "config: size 0", .uids = "0:1000:0", .gids = "0:1000:1",
	  .err = "linux.uidMappings[0]: size 0" },
	{ "config: container IDs wrap", .uids = "4294967295:1000:1", .gids = "0:1000:1",
	  .err = "containerID 4294967295 and size 1 reach past 4294967294" },
	{ "config: host IDs wrap", .uids = "0:4294967290:10", .gids = "0:1000:1",
	  .err = "hostID 4294967290 and size 10 reach past" },
	{ "config: container overlap", .uids = "0:1000:1,5:100000:5,9:100100:5", .gids = "0:1000:1",
	  .subuids = R1, .err = "linux.uidMappings: [1] and [2] both hold container uid 9" },
	{ "config: host overlap", .uids = "0:1000:1,5:100000:5,20:100004:5", .gids = "0:1000:1",
	  .subuids = R1, .err = "[1] and [2] both hold host uid 100004" },
	{ "config: neighbours do not overlap", .uids = "0:100000:5,5:100005:5", .gids = "0:1000:1",
	  .subuids = R1, .want = "u 0:100000:5,5:100005:5 g 0:1000:1 helpers deny" },
	{ "config: one past the range is named", .uids = "0:100000:65537", .gids = "0:1000:1",
	  .subuids = R1, .err = "host uid 165536 does not belong to alice",
	  .err2 = "--add-subuids 100000-165536 alice" },
	{ "config: a line may span two ranges of the caller", .uids = "0:100000:20",
	  .gids = "0:1000:1", .subuids = "100010:10,100000:10",
	  .want = "u 0:100000:20 g 0:1000:1 helpers deny" },
	{ "config: own ID swallowed by a longer line", .uids = "0:1000:10", .gids = "0:1000:1",
	  .subuids = "1001:9",
	  .err = "host uid 1000, the caller's own, is inside a mapping of 10 IDs" },
	{ "config: both sides wrong gives two lines", .uids = "0:1000:0", .gids = "0:1000:0",
	  .err = "linux.uidMappings[0]: size 0 [a mapping holds at least one ID]\n",
	  .err2 = "linux.gidMappings[0]: size 0" },

	/* helper states, each with its own words and remedy */
	{ "helper: missing", .uids = "0:100000:2", .gids = "0:1000:1", .subuids = R1,
	  .u = HELPER_MISSING, .err = "newuidmap is not in PATH",
	  .err2 = "install uidmap (Debian, Ubuntu)" },
	{ "helper: no privilege", .uids = "0:100000:2", .gids = "0:1000:1", .subuids = R1,
	  .g = HELPER_NO_PRIVILEGE,
	  .err = "'/usr/bin/newgidmap' has neither the setuid bit nor file capabilities",
	  .err2 = "setcap cap_setgid+ep /usr/bin/newgidmap" },
	{ "helper: nosuid", .uids = "0:100000:2", .gids = "0:1000:1", .subuids = R1,
	  .u = HELPER_NOSUID, .err = "mounted nosuid", .err2 = "without nosuid" },
	{ "helper: NoNewPrivs", .uids = "0:100000:2", .gids = "0:1000:1", .subuids = R1,
	  .u = HELPER_NO_NEW_PRIVS, .err = "NoNewPrivs is set for this process",
	  .err2 = "systemd unit" },

	/* root of the host */
	{ "privileged: no mappings are refused as runc does", .root = true, .privileged = true,
	  .err = "user namespaces enabled, but no uid mappings found" },
	{ "privileged: any map is written directly, setgroups allowed", .root = true,
	  .privileged = true, .uids = "0:500000:65536", .gids = "0:700000:10,10:5:1",
	  .want = "u 0:500000:65536 g 0:700000:10,10:5:1 direct" },
	{ "privileged: checks apply all the same", .root = true, .privileged = true,
	  .uids = "0:5:2,1:9:2", .gids = "0:0:1", .err = "both hold container uid 1" },
	{ "no user namespace: the identity", .root = true, .privileged = true, .ns = KEEP,
	  .want = "u 0:0:4294967295 g 0:0:4294967295" },
	{ "no user namespace, but mappings: refused as runc does", .root = true, .privileged = true,
	  .ns = KEEP, .uids = "0:0:1", .gids = "0:0:1",
	  .err = "no user namespace is enabled in the config" },
	{ "no user namespace, but gid mappings: refused", .root = true, .privileged = true,
	  .ns = KEEP, .gids = "0:0:1", .err = "linux.gidMappings" },
	{ "joined: nothing is known", .ns = JOIN, .want = "unknown" },
	{ "joined with mappings: said so", .ns = JOIN, .uids = "0:1:1", .gids = "0:1:1",
	  .want = "unknown", .note = "joined user namespace" },

	/* inside a user namespace */
	{ "unshare -r: automatic", .root = true, .in_userns = true, .admin = true, .denied = true,
	  .parent_uid = "0:1000:1", .parent_gid = "0:1000:1", .want = "u 0:0:1 g 0:0:1 direct deny",
	  .note = "root of a user namespace" },
	{ "unshare -r: 0 to 0 from the config", .root = true, .in_userns = true, .admin = true,
	  .denied = true, .parent_uid = "0:1000:1", .parent_gid = "0:1000:1", .uids = "0:0:1",
	  .gids = "0:0:1", .want = "u 0:0:1 g 0:0:1 direct deny" },
	{ "unshare -r: the outer number does not exist", .root = true, .in_userns = true,
	  .admin = true, .denied = true, .parent_uid = "0:1000:1", .parent_gid = "0:1000:1",
	  .uids = "0:1000:1", .gids = "0:0:1",
	  .err = "host uid 1000 does not exist in the user namespace that bryo runs in, which has 0" },
	{ "unshare -r: first missing ID is named", .root = true, .in_userns = true, .admin = true,
	  .parent_uid = "0:1000:1,1:100000:9", .parent_gid = "0:1000:1", .uids = "0:0:20",
	  .gids = "0:0:1", .err = "host uid 10 does not exist", .err2 = "which has 0-9" },
	{ "nested root: all IDs, split where the parent's lines end", .root = true,
	  .in_userns = true, .admin = true, .parent_uid = "0:1000:1,1:100000:65536",
	  .parent_gid = "0:1000:1,1:100000:65536",
	  .want = "u 0:0:1,1:1:65536 g 0:0:1,1:1:65536 direct" },
	{ "nested root: one parent line gives one line", .root = true, .in_userns = true,
	  .admin = true, .parent_uid = "0:100000:65536", .parent_gid = "0:100000:65536",
	  .want = "u 0:0:65536 g 0:0:65536 direct" },
	{ "nested root: process.user takes the caller's ID", 3, 0, .root = true, .in_userns = true,
	  .admin = true, .parent_uid = "0:100000:10", .parent_gid = "0:1000:1",
	  .want = "u 0:1:3,3:0:1,4:4:6 g 0:0:1 direct" },
	{ "nested root: parent lines in any order", .root = true, .in_userns = true, .admin = true,
	  .parent_uid = "5:200000:5,0:1000:5", .parent_gid = "0:1000:1",
	  .want = "u 0:0:5,5:5:5 g 0:0:1 direct" },
	{ "nested root in a namespace with all IDs", .root = true, .in_userns = true, .admin = true,
	  .want = "u 0:0:4294967295 g 0:0:4294967295 direct" },
	{ "nested root: a config line over two parent lines is split", .root = true,
	  .in_userns = true, .admin = true, .parent_uid = "0:1000:1,1:100000:9",
	  .parent_gid = "0:1000:1", .uids = "100:0:10", .gids = "0:0:1",
	  .want = "u 100:0:1,101:1:9 g 0:0:1 direct" },
	{ "nested user: ranges only as far as they exist here", .in_userns = true,
	  .parent_uid = "0:100000:65536", .parent_gid = "0:100000:65536", .subuids = "60000:10000",
	  .subgids = "60000:10000",
	  .want = "u 0:1000:1,1:60000:5536 g 0:1000:1,1:60000:5536 helpers",
	  .note = "as far as they exist" },
	{ "nested user: ranges that do not exist here", .in_userns = true,
	  .parent_uid = "0:100000:65536", .parent_gid = "0:100000:65536", .subuids = R1,
	  .subgids = R1, .want = "u 0:1000:1 g 0:1000:1 direct deny",
	  .note = "none of the IDs that /etc/subuid gives alice exist" },
	{ "nested user: range absent in the parent map is refused", .in_userns = true,
	  .parent_uid = "0:100000:65536", .parent_gid = "0:100000:65536", .subuids = R1,
	  .subgids = R1, .uids = "0:1000:1,1:100000:9", .gids = "0:1000:1",
	  .err = "host uid 100000 does not exist", .err2 = "which has 0-65535" },
	{ "nested user whose own uid is unmapped", .in_userns = true, .uid = 65534,
	  .parent_uid = "0:1000:1", .err = "host uid 65534 does not exist" },
	{ "no namespace of its own in a nested one: what exists there", .root = true,
	  .in_userns = true, .admin = true, .denied = true, .ns = KEEP, .parent_uid = "0:1000:1",
	  .parent_gid = "0:1000:1,5:9:2", .want = "u 0:0:1 g 0:0:1,5:5:2 deny" },
};

static void run_case(const struct test_case *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct host h = make_host(&a, c);
	struct spec spec = { .has_process = true };
	struct notes notes = { .arena = &a };
	auto_free char *got = NULL;
	struct idmap_plan plan;
	struct err err = ERR_INIT;
	char text[ERR_TEXT] = "";
	int rc;

	spec.process.user.uid = c->proc_uid;
	spec.process.user.gid = c->proc_gid;
	spec.linux_.uid_mappings = mappings(&a, c->uids);
	spec.linux_.gid_mappings = mappings(&a, c->gids);
	rc = idmap_plan(&a, &spec, &h, c->ns == NEW, c->ns == JOIN, &notes, &plan, &err);
	if (c->err) {
		(void)err_format(&err, text, sizeof(text));
		if (!ok(rc < 0 && strstr(text, c->err) && (!c->err2 || strstr(text, c->err2)), "%s",
			c->what))
			printf("# rc %d: %s\n", rc, text);
		return;
	}
	got = rc < 0 ? mem_strdup(err_format(&err, text, sizeof(text))) : render_plan(&plan);
	ok_str(got, c->want, c->what);
	if (c->note && !ok(notes_hold(&notes, c->note), "%s: note", c->what))
		for (size_t i = 0; i < notes.list.n; i++)
			printf("# %s (%s)\n", notes.list.v[i].what, notes.list.v[i].why);
}

/* n lines that cannot be joined, in the config or as ranges. */
static void test_lines(size_t n, bool config, size_t base, const char *want_err, const char *what)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str s = STR_INIT;
	struct test_case c = { .what = what, .subgids = R1, .err = want_err };
	struct host h;
	struct spec spec = { .has_process = true };
	struct idmap_plan plan;
	struct err err = ERR_INIT;
	char text[ERR_TEXT] = "";
	int rc;

	for (size_t i = 0; i < n; i++) {
		if (config)
			str_addf(&s, "%s%zu:%zu:1", i ? "," : "", i, base + i * 2);
		else
			str_addf(&s, "%s%zu:1", i ? "," : "", base + i * 2);
	}
	c.subuids = config ? NULL : s.p;
	c.root = c.privileged = config;
	h = make_host(&a, &c);
	if (config) {
		spec.linux_.uid_mappings = mappings(&a, s.p);
		spec.linux_.gid_mappings = mappings(&a, "0:0:1");
	}
	rc = idmap_plan(&a, &spec, &h, true, false, NULL, &plan, &err);
	(void)err_format(&err, text, sizeof(text));
	if (!ok(want_err ? rc < 0 && strstr(text, want_err) != NULL
			 : rc == 0 && plan.uid.n == n + !config,
		"%s", what))
		printf("# rc %d: %s\n", rc, text);
}

/* Whatever the ranges: no overlap, sorted, nothing left to join, process.user is the caller. */
static void test_property(void)
{
	auto_arena struct arena a = ARENA_INIT;
	const struct id_extents parent = extents(&a, ALL);
	uint32_t seed = 12345;
	size_t bad = 0;

	for (int round = 0; round < 2000; round++) {
		struct id_range v[6];
		struct id_ranges in = { v, 6 }, distinct, within;
		struct id_extents map;
		uint32_t inside, own = 50;
		size_t i, j;

		for (i = 0; i < 6; i++) {
			seed = seed * 1103515245 + 12345;
			v[i] = (struct id_range){ (seed >> 16) % 100, 1 + (seed >> 8) % 20 };
		}
		inside = (seed >> 4) % 60;
		ranges_distinct(&a, &in, own, &distinct);
		ranges_within(&a, &distinct, &parent, &within);
		map_fill(&a, inside, own, &within, &parent, false, &map);
		bad += map_overlap(&map, false, &i, &j) || map_overlap(&map, true, &i, &j);
		for (i = 1; i < map.n; i++)
			bad += map.v[i].inside <= map.v[i - 1].inside ||
			       (map.v[i - 1].inside + map.v[i - 1].count == map.v[i].inside &&
				map.v[i - 1].outside + map.v[i - 1].count == map.v[i].outside);
		for (uint32_t id = 0; id < 130; id++) {
			uint32_t out;
			bool owned = id == own, found = id_to_inside(&map, id, &out);

			for (i = 0; i < 6; i++)
				owned |= id >= v[i].first && id - v[i].first < v[i].count;
			bad += owned != found || (id == own && out != inside);
		}
	}
	ok(bad == 0, "2000 random range lists: every owned ID once, sorted, joined (%zu bad)", bad);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
	test_lines(340, true, 0, NULL, "340 lines of the config are taken");
	test_lines(341, true, 0, "341 mappings, the kernel takes at most 340",
		   "341 lines of the config are refused");
	test_lines(200, false, 2000, NULL, "200 ranges make 201 lines");
	test_lines(400, false, 2000, "the kernel takes at most 340",
		   "an automatic map of over 340 lines is refused");
	if (sysconf(_SC_PAGESIZE) == 4096)
		test_lines(340, true, 1000000, "bytes of text, the kernel takes less than 4096",
			   "340 long lines are refused");
	else
		tap_skip("340 long lines are refused", "they fit a page of this machine");
	test_property();
	return done();
}
