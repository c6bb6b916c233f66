/*
 * test_sandbox.c - what `bryo sandbox` lets become writable, and the document it runs: that must
 * be a config.json like any other, with nothing of the host in it that was not asked for.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "oci/sandbox_spec.h"
#include "oci/spec_load.h"

static const struct {
	const char *path, *home, *why; /* NULL: may become writable */
} refusals[] = {
	{ "/", "/home/u", "the root of the host" },
	{ "/home/u", "/home/u", "your home directory" },
	{ "/home", "/home/u", "above your home directory" },
	{ "/data", "/data/people/u", "above your home directory" },
	{ "/home/u/work", "/home/u", NULL },
	{ "/home/us", "/home/u", NULL },
	{ "/home/v/work", "/home/u", NULL },
	{ "/home/v", NULL, NULL },
	{ "/usr", "/home/u", "a system directory" },
	{ "/usr/src/linux", "/home/u", "a system directory" },
	{ "/usrlocal", "/home/u", NULL },
	{ "/etc/nginx", "/home/u", "a system directory" },
	{ "/lib64", "/home/u", "a system directory" },
	{ "/proc/1", "/home/u", "a system directory" },
	{ "/run/user/1000", "/home/u", "a system directory" },
	{ "/dev/shm", "/home/u", "a system directory" },
	{ "/tmp", "/home/u", "a system directory" },
	{ "/tmp/work", "/home/u", NULL },
	{ "/var", "/home/u", "a system directory" },
	{ "/var/lib", "/home/u", "a system directory" },
	{ "/var/www", "/home/u", NULL },
	{ "/opt/thing", "/home/u", NULL },
	{ "/root", "/home/u", "a system directory" },
	{ "/root/work", "/root", NULL },
};

static void test_refusals(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const char *why = sandbox_refusal(refusals[i].path, refusals[i].home);

		ok(str_eq(why, refusals[i].why), "%s with home %s: %s", refusals[i].path,
		   refusals[i].home ? refusals[i].home : "(none)", why ? why : "may");
	}
}

static const struct {
	const char *home;
	bool wanted;
} homes[] = {
	{ "/home/u", true }, { "/root", true },	      { "/tmp/u", true }, { "/var/lib/u", true },
	{ "/", false },	     { "/usr/games", false }, { "/etc", false },  { "/var", false },
	{ "/tmp", false },   { "/proc/u", false },    { "/dev", false },  { "/run/u", true },
};

static void test_homes(void)
{
	static const char *const dirs[] = { "/usr", "/etc", NULL };
	struct sandbox_spec s = { .system = { (const char **)dirs, 2 } };

	for (size_t i = 0; i < ARRAY_LEN(homes); i++)
		ok(sandbox_home_wanted(&s, homes[i].home) == homes[i].wanted, "home %s is %s",
		   homes[i].home, homes[i].wanted ? "made" : "not made");
}

static void test_binds(void)
{
	struct sandbox_mount binds[] = { { .path = "/a", .writable = true },
					 { .path = "/a/b" },
					 { .path = "/c", .writable = true } };
	struct sandbox_spec s = { .mounts = { binds, ARRAY_LEN(binds) } };

	ok(sandbox_mount_of(&s, "/a/x") == &binds[0], "the only bind above decides");
	ok(sandbox_mount_of(&s, "/a/b/x") == &binds[1], "the deepest bind decides");
	ok(sandbox_mount_of(&s, "/a/bc") == &binds[0], "a longer name is not below");
	ok(!sandbox_mount_of(&s, "/d"), "none");
}

static const struct spec_mount *mount_of(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->mounts.n; i++)
		if (str_eq(spec->mounts.v[i].destination, path))
			return &spec->mounts.v[i];
	return NULL;
}

static bool has_option(const struct spec_mount *m, const char *option)
{
	for (size_t i = 0; m && i < m->options.n; i++)
		if (str_eq(m->options.v[i], option))
			return true;
	return false;
}

/* A path with a quote, a newline and a non-ASCII letter must come out as it went in. */
static void test_document(void)
{
	static const char *const dirs[] = { "/usr", "/bin", "/etc", NULL };
	static const char *const args[] = { "sh", "-c", "echo \"\\ \n\"", NULL };
	static const char *const env[] = { "A=b", NULL };
	static const char *const size[] = { "size=1", NULL };
	struct sandbox_mount binds[] = {
		{ .path = "/srv/a\"b\n\xc3\xa4", .source = "/srv/real", .writable = true },
		{ .path = "/srv/ro", .source = "/srv/ro" },
		{ .path = "/tmp", .kind = SANDBOX_TMPFS, .options = { (const char **)size, 1 } },
		{ .path = "/run/x", .kind = SANDBOX_DATA, .source = "fd:7", .options = { (const char **)env + 1, 0 } },
	};
	struct sandbox_spec s = {
		.uid = 4294967294u,
		.gid = 7,
		.cwd = "/srv/a\"b\n\xc3\xa4",
		.home = "/home/u",
		.args = { (const char **)args, 3 },
		.env = { (const char **)env, 1 },
		.system = { (const char **)dirs, 3 },
		.mounts = { binds, ARRAY_LEN(binds) },
		.limits = { .memory = 1 << 20, .cpu_quota = 150000, .pids = 5 },
	};
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct spec *spec;
	const struct spec_mount *m;
	char buf[ERR_TEXT];

	sandbox_spec_write(&s, &text);
	if (!ok(spec_parse(&a, "sandbox", text.p, text.len, &spec, &err) == 0,
		"the document is a config.json")) {
		printf("# %s\n", err_format(&err, buf, sizeof(buf)));
		return;
	}
	ok(str_eq(spec->process.cwd, s.cwd) && str_eq(spec->process.args.v[2], args[2]),
	   "strings come through");
	ok(spec->process.user.uid == s.uid && spec->linux_.uid_mappings.n == 1 &&
		   spec->linux_.uid_mappings.v[0].container_id == s.uid &&
		   spec->linux_.uid_mappings.v[0].host_id == s.uid &&
		   spec->linux_.uid_mappings.v[0].size == 1,
	   "the caller's uid is mapped to itself, alone");
	ok(spec->process.no_new_privileges && spec->process.capabilities.present &&
		   !spec->process.capabilities.bounding.n && !spec->process.capabilities.ambient.n,
	   "no capabilities, no new privileges");
	ok(spec->linux_.namespaces.n == 7, "seven namespaces");
	ok(spec->root.readonly && str_eq(spec_annotation(spec, "org.bryo.rootfs"), "tmpfs"),
	   "a read-only tmpfs root");
	ok(has_option(mount_of(spec, "/usr"), "rro") && has_option(mount_of(spec, "/etc"), "rro"),
	   "system is read-only");
	m = mount_of(spec, binds[0].path);
	ok(m && str_eq(m->source, "/srv/real") && !has_option(m, "rro"), "--rw is writable");
	ok(has_option(mount_of(spec, "/srv/ro"), "rro"), "--ro is not");
	ok(str_eq(mount_of(spec, "/home/u") ? mount_of(spec, "/home/u")->type : "", "tmpfs"),
	   "the home is a tmpfs");
	ok(!mount_of(spec, "/opt") && !mount_of(spec, "/sys"), "nothing that was not asked for");
	m = mount_of(spec, "/tmp");
	ok(has_option(m, "size=1") && !has_option(m, "mode=1777"), "a named tmpfs is the only one");
	m = mount_of(spec, "/run/x");
	ok(m && str_eq(m->type, "bryo-data") && str_eq(m->source, "fd:7"), "a file from a descriptor");
	ok(spec->linux_.resources.memory.limit.v == 1 << 20 &&
		   spec->linux_.resources.memory.swap.v == 1 << 20 &&
		   spec->linux_.resources.cpu.quota.v == 150000 &&
		   spec->linux_.resources.cpu.period.v == SANDBOX_CPU_PERIOD &&
		   spec->linux_.resources.pids.limit.v == 5,
	   "limits, swap among them");
	ok(!spec->linux_.seccomp, "no filter without one");
}

int main(void)
{
	test_refusals();
	test_homes();
	test_binds();
	test_document();
	return done();
}
