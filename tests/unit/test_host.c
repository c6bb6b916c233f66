/*
 * test_host.c - struct host from a JSON file, from this machine, and the arithmetic on maps.
 */
#include "host/host.h"
#include "host/probe.h"

#include "base/cleanup.h"
#include "tap.h"

#include <pwd.h>
#include <unistd.h>

static int load(struct arena *a, const char *text, struct host *ret, struct err *err)
{
	char path[] = "/tmp/bryo-test-host.XXXXXX";
	auto_fd int fd = mkstemp(path);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int rc;

	if (n != (ssize_t)strlen(text)) {
		perror("temporary file");
		exit(EXIT_FAILURE);
	}
	rc = host_load(a, path, ret, err);
	(void)unlink(path);
	return rc;
}

static void test_defaults(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct host h;

	ok(load(&a, "{}", &h, &err) == 0 && h.faked, "an empty object is an ordinary user");
	ok(h.uid == 1000 && h.gid == 1000 && strcmp(h.user, "alice") == 0 && !h.privileged &&
		   !h.in_userns,
	   "alice, 1000:1000, no rights");
	ok(h.uid_map.n == 1 && h.uid_map.v[0].count == UINT32_MAX && h.gid_map.n == 1,
	   "maps of the first namespace");
	ok(h.subuids.n == 1 && h.subuids.v[0].first == 100000 && h.subuids.v[0].count == 65536 &&
		   h.subgids.n == 1,
	   "subordinate IDs");
	ok(h.newuidmap.state == HELPER_OK && h.newuidmap.path && h.newgidmap.state == HELPER_OK,
	   "both helpers");
	ok(h.kernel_major == 6 && h.kernel_minor == 1 && h.cgroup == HOST_CGROUP_V2,
	   "kernel 6.1, cgroup v2");
	h.subuids.n = 0;
	ok(host_need_subids(&h, &err) == 0 && host_need_cgroup(&h, &err) == 0 &&
		   host_need_limits(&h, &err) == 0 && h.subuids.n == 0,
	   "a host from a file is never probed");
}

static void test_all_keys(void)
{
	static const char text[] =
		"{\"uid\": 0, \"gid\": 5, \"user\": \"root\", \"groups\": [0, 27], \"privileged\": true,"
		" \"in_userns\": true, \"has_sys_admin\": true, \"setgroups_denied\": true,"
		" \"uid_map\": [{\"inside\": 0, \"outside\": 1000, \"count\": 1},"
		"               {\"inside\": 1, \"outside\": 100000, \"count\": 65536}], \"gid_map\": [],"
		" \"kernel_major\": 5, \"kernel_minor\": 14, \"machine\": \"aarch64\", \"no_new_privs\": true,"
		" \"cgroup\": \"hybrid\", \"cgroup_controllers\": [\"cpu\"], \"subid_source\": \"getsubids\","
		" \"subuids\": [{\"first\": 7, \"count\": 8}], \"subgids\": [],"
		" \"newuidmap\": {\"state\": \"nosuid\", \"path\": \"/x\"}, \"newgidmap\": {\"state\": \"missing\"},"
		" \"max_user_namespaces\": 0, \"unprivileged_userns_clone\": 0, \"apparmor_restrict_userns\": 1}";
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char buf[ERR_TEXT];
	struct host h;

	if (!ok(load(&a, text, &h, &err) == 0, "every key is known")) {
		printf("# %s\n", err_format(&err, buf, sizeof(buf)));
		return;
	}
	ok(h.uid == 0 && h.gid == 5 && strcmp(h.user, "root") == 0, "uid, gid, user");
	ok(h.groups.n == 2 && h.groups.v[1] == 27, "groups");
	ok(h.privileged && h.in_userns && h.has_sys_admin && h.setgroups_denied && h.no_new_privs,
	   "flags");
	ok(h.uid_map.n == 2 && h.uid_map.v[1].outside == 100000 && h.gid_map.n == 0, "maps");
	ok(h.kernel_major == 5 && h.kernel_minor == 14 && strcmp(h.machine, "aarch64") == 0,
	   "kernel");
	ok(h.cgroup == HOST_CGROUP_HYBRID && h.cgroup_controllers.n == 1 &&
		   strcmp(h.cgroup_controllers.v[0], "cpu") == 0,
	   "cgroup");
	ok(h.subuids.n == 1 && h.subuids.v[0].count == 8 && h.subgids.n == 0 &&
		   strcmp(h.subid_source, "getsubids") == 0,
	   "subordinate IDs");
	ok(h.newuidmap.state == HELPER_NOSUID && strcmp(h.newuidmap.path, "/x") == 0 &&
		   h.newgidmap.state == HELPER_MISSING,
	   "helpers");
	ok(h.max_user_namespaces == 0 && h.unprivileged_userns_clone == 0 &&
		   h.apparmor_restrict_userns == 1,
	   "limits");
}

static void test_refused(void)
{
	static const struct {
		const char *what, *text, *want;
	} bad[] = {
		{ "an unknown cgroup word", "{\"cgroup\": \"v3\"}", "unknown word 'v3'" },
		{ "an unknown helper state", "{\"newuidmap\": {\"state\": \"fine\"}}",
		  "newuidmap.state" },
		{ "a group that is no number", "{\"groups\": [\"0\"]}", "groups[0]" },
		{ "a range without a count", "{\"subuids\": [{\"first\": 1}]}", "count" },
		{ "not an object", "[", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		char buf[ERR_TEXT] = "";
		struct host h;
		int rc = load(&a, bad[i].text, &h, &err);

		if (!ok(rc < 0 && strstr(err_format(&err, buf, sizeof(buf)), bad[i].want),
			"%s is refused", bad[i].what))
			printf("# rc %d: %s\n", rc, buf);
	}
}

static void test_this_machine(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct passwd *pw = getpwuid(geteuid());
	struct err err = ERR_INIT;
	struct host h;
	uint32_t out;

	ok(host_probe(&a, &h, &err) == 0 && !h.faked, "this machine can be looked at");
	ok(h.uid == geteuid() && h.gid == getegid(), "effective IDs");
	ok(!h.user, "no look-up of the login name");
	ok(h.groups.n == (size_t)getgroups(0, NULL), "groups");
	ok(!h.privileged || (h.uid == 0 && !h.in_userns),
	   "privileged means root of the first namespace");
	ok(h.kernel_major >= 5 && h.machine && *h.machine, "kernel");
	ok(h.in_userns || (id_to_outside(&h.uid_map, 4294967294u, &out) && out == 4294967294u),
	   "maps");
	ok(host_need_subids(&h, &err) == 0 && h.subids_probed, "subordinate IDs");
	ok(pw ? h.user && strcmp(h.user, pw->pw_name) == 0 : !h.user,
	   "the login name is the C library's");
	ok(h.newuidmap.state != HELPER_UNKNOWN && h.newgidmap.state != HELPER_UNKNOWN,
	   "helpers were looked for");
	ok(host_need_cgroup(&h, &err) == 0 && h.cgroup_probed, "cgroup");
	ok(host_need_limits(&h, &err) == 0 && h.max_user_namespaces >= -1, "limits");
}

static void test_maps(void)
{
	static const struct {
		const char *what;
		uint32_t inside, outside;
		bool found;
	} cases[] = {
		{ "root is the user", 0, 1000, true },
		{ "first subordinate ID", 1, 100000, true },
		{ "last subordinate ID", 65536, 165535, true },
		{ "one past the end", 65537, 165536, false },
		{ "2^32-1", UINT32_MAX, UINT32_MAX, false },
	};
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct id_extents map, none = { NULL, 0 };

	ok(probe_map_parse(&a,
			   "         0       1000          1\n         1     100000      65536\n",
			   &map, &err) == 0 &&
		   map.n == 2,
	   "the kernel's form is parsed");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t in = 7, out = 7;

		ok(id_to_outside(&map, cases[i].inside, &out) == cases[i].found &&
			   (!cases[i].found || out == cases[i].outside),
		   "%s, to outside", cases[i].what);
		ok(id_to_inside(&map, cases[i].outside, &in) == cases[i].found &&
			   (!cases[i].found || in == cases[i].inside),
		   "%s, to inside", cases[i].what);
	}
	ok(!id_to_outside(&none, 0, &(uint32_t){ 0 }), "an empty map has no IDs");
	ok(probe_map_parse(&a, "", &map, &err) == 0 && map.n == 0, "an unwritten map is empty");
	ok(probe_map_parse(&a, "0 0\n", &map, &err) < 0, "a short line is refused");
	ok(probe_map_parse(&a, "0 0 4294967296\n", &map, &err) < 0, "33 bits are refused");
	ok(probe_map_parse(&a, "0 0 1 1\n", &map, &err) < 0, "a long line is refused");
}

int main(void)
{
	test_defaults();
	test_all_keys();
	test_refused();
	test_this_machine();
	test_maps();
	return done();
}
