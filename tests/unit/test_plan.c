/*
 * test_plan.c - the whole plan of small documents, without a host: rules between features, all
 * violations at once, and features whose planning is pure (devices, sysctls, masks, mounts). What
 * a plan looks like when it is good is in tests/golden.
 */
#include "plan/dump.h"
#include "plan/plan.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/spec_load.h"
#include "tap.h"

#include <sys/mount.h>

#define HEAD \
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]}"
#define NS(list)    "\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}" list "]"
#define LINUX(rest) HEAD ",\"linux\":{" NS("") rest "}}"
#define MOUNT(m)    HEAD ",\"mounts\":[" m "],\"linux\":{" NS("") "}}"
#define DEVICE(d)   LINUX(",\"devices\":[" d "]")
#define TYPE(t)	    ",{\"type\":\"" t "\"}"

enum who { USER, ROOT };

static const struct {
	const char *what;
	enum who who;
	const char *json;
	const char *error; /* or NULL, and then: */
	const char *note;
} rows[] = {
	{ "the smallest", USER, LINUX(""), NULL, "added a user namespace" },
	{ "no process", USER,
	  "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"linux\":{" NS("") "}}",
	  "process is missing", NULL },
	{ "no root", USER,
	  "{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"linux\":{" NS(
		  "") "}}",
	  "root.path is missing", NULL },
	{ "hostname without uts", USER, HEAD ",\"hostname\":\"h\",\"linux\":{" NS("") "}}",
	  "hostname needs a uts namespace", NULL },
	{ "an empty hostname asks for nothing", USER,
	  HEAD ",\"hostname\":\"\",\"linux\":{" NS("") "}}", NULL, NULL },
	{ "no pid namespace is told", ROOT,
	  HEAD ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}", NULL,
	  "leaves behind cannot all be found" },
	/* limits */
	{ "a limit", USER,
	  LINUX(",\"resources\":{\"memory\":{\"limit\":5},\"pids\":{\"limit\":0}}"), NULL,
	  "not applied: memory.limit" },
	{ "unlimited is no limit", USER,
	  HEAD ",\"annotations\":{\"org.bryo.limits\":\"required\"},\"linux\":{" NS(
		  "") ",\"resources\":{\"memory\":{\"limit\":-1},\"cpu\":{\"shares\":0},\"blockIO\":{\"weight\":0}}}}",
	  NULL, NULL },
	{ "required limits", USER,
	  HEAD ",\"annotations\":{\"org.bryo.limits\":\"required\"},\"linux\":{" NS(
		  "") ",\"resources\":{\"cpu\":{\"quota\":7}}}}",
	  "cpu.quota cannot be enforced", NULL },
	{ "unknown limit policy", USER,
	  HEAD ",\"annotations\":{\"org.bryo.limits\":\"x\"},\"linux\":{" NS("") "}}",
	  "unknown value 'x'", NULL },
	/* devices */
	{ "a device by numbers", USER,
	  DEVICE("{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":3}"), NULL, NULL },
	{ "a mode without root", USER,
	  DEVICE("{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":3,\"fileMode\":384}"),
	  NULL, "bind of the host's node" },
	{ "a device without numbers", USER,
	  DEVICE("{\"type\":\"b\",\"path\":\"/dev/x\",\"major\":1}"),
	  "linux.devices[0]: a device of type 'b'", NULL },
	{ "a device of no type", USER, DEVICE("{\"type\":\"z\",\"path\":\"/dev/x\"}"),
	  "unknown device type 'z'", NULL },
	{ "a relative device", USER, DEVICE("{\"type\":\"p\",\"path\":\"x\"}"),
	  "path 'x' is not absolute", NULL },
	/* sysctls */
	{ "a sysctl of the host", USER, LINUX(",\"sysctl\":{\"vm.swappiness\":\"1\"}"),
	  "'vm.swappiness' does not belong", NULL },
	{ "a sysctl of a shared namespace", USER, LINUX(",\"sysctl\":{\"net.x\":\"1\"}"),
	  "'net.x' needs a network namespace", NULL },
	{ "a prefix is no namespace", USER, LINUX(",\"sysctl\":{\"network.x\":\"1\"}"),
	  "'network.x' does not belong", NULL },
	{ "a sysctl that climbs", USER,
	  HEAD ",\"linux\":{" NS(TYPE("network")) ",\"sysctl\":{\"net/../vm/x\":\"1\"}}}",
	  "is not the name", NULL },
	{ "a sysctl of one's own", USER,
	  HEAD ",\"linux\":{" NS(TYPE("network")) ",\"sysctl\":{\"net.x\":\"1\",\"net/y\":\"2\"}}}",
	  NULL, NULL },
	/* masks, clock, propagation */
	{ "a relative mask", USER, LINUX(",\"maskedPaths\":[\"/a\",\"b\"]"),
	  "linux.maskedPaths[1]: 'b'", NULL },
	{ "a relative read-only path", USER, LINUX(",\"readonlyPaths\":[\"b\"]"),
	  "linux.readonlyPaths[0]: 'b'", NULL },
	{ "offsets without a time namespace", USER,
	  LINUX(",\"timeOffsets\":{\"boottime\":{\"secs\":1}}"), "needs a new time namespace",
	  NULL },
	{ "unknown propagation", USER, LINUX(",\"rootfsPropagation\":\"x\""),
	  "linux.rootfsPropagation: unknown value 'x'", NULL },
	/* mounts */
	{ "sysfs without a network namespace", USER,
	  MOUNT("{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"s\"}"), NULL,
	  "bind of the host's /sys instead" },
	{ "sysfs for root", ROOT,
	  MOUNT("{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"s\"}"), NULL, NULL },
	{ "a tty group", USER,
	  MOUNT("{\"destination\":\"/p\",\"type\":\"devpts\",\"options\":[\"gid=99999\"]}"), NULL,
	  "dropped the option 'gid=99999'" },
	{ "another group", USER,
	  MOUNT("{\"destination\":\"/p\",\"type\":\"tmpfs\",\"options\":[\"gid=99999\"]}"),
	  "option 'gid=99999': that group", NULL },
	{ "another user", USER,
	  MOUNT("{\"destination\":\"/p\",\"type\":\"tmpfs\",\"options\":[\"uid=99999\"]}"),
	  "option 'uid=99999': that user", NULL },
	{ "a group that is none", USER,
	  MOUNT("{\"destination\":\"/p\",\"type\":\"tmpfs\",\"options\":[\"gid=x\"]}"),
	  "wants a number", NULL },
	{ "sync of a bind", ROOT,
	  MOUNT("{\"destination\":\"/p\",\"source\":\"/\",\"options\":[\"bind\",\"sync\"]}"), NULL,
	  "left out the option 'sync'" },
	{ "data of a bind's remount", ROOT,
	  MOUNT("{\"destination\":\"/p\",\"options\":[\"bind\",\"remount\",\"size=1\"]}"),
	  "not known for a bind", NULL },
	{ "a fake /proc", USER,
	  MOUNT("{\"destination\":\"/proc\",\"type\":\"tmpfs\",\"source\":\"t\"}"), "only a procfs",
	  NULL },
	{ "a fake /proc by another name", USER,
	  MOUNT("{\"destination\":\"/x/../proc/\",\"type\":\"tmpfs\",\"source\":\"t\"}"),
	  "only a procfs", NULL },
	{ "over the root", USER,
	  MOUNT("{\"destination\":\"/a/..\",\"type\":\"tmpfs\",\"source\":\"t\"}"), "over the root",
	  NULL },
};

static struct id_extent all_ids = { 0, 0, UINT32_MAX };

static struct host host_of(struct arena *a, enum who who)
{
	struct host h = {
		.arena = a,
		.faked = true,
		.subids_probed = true,
		.cgroup_probed = true,
		.limits_probed = true,
		.uid = who == ROOT ? 0 : 1000,
		.gid = who == ROOT ? 0 : 1000,
		.privileged = who == ROOT,
		.has_sys_admin = who == ROOT,
		.uid_map = { &all_ids, 1 },
		.gid_map = { &all_ids, 1 },
		.user = "alice",
		.subid_source = "/etc/subuid",
	};

	return h;
}

static int build(struct arena *a, const char *json, enum who who, struct plan *plan,
		 struct err *err)
{
	struct host host = host_of(a, who);
	struct plan_request q = { .id = "x", .bundle = "/b", .seccomp_cache = -1 };
	struct spec *spec;
	int rc = spec_parse(a, "test", json, strlen(json), &spec, err);

	q.spec = spec;
	return rc < 0 ? rc : plan_build(a, &q, &host, plan, err);
}

static bool noted(const struct plan *plan, const char *what)
{
	for (size_t i = 0; i < plan->notes.list.n; i++)
		if (strstr(plan->notes.list.v[i].what, what) && *plan->notes.list.v[i].why &&
		    *plan->notes.list.v[i].field)
			return true;
	return false;
}

static void test_row(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct plan plan = { 0 };
	struct err err = ERR_INIT;
	char text[ERR_TEXT + 600];
	int rc = build(&a, rows[i].json, rows[i].who, &plan, &err);
	bool good;

	err_format(&err, text, sizeof(text));
	if (rows[i].error)
		good = rc < 0 && strstr(text, rows[i].error);
	else
		good = rc == 0 && (!rows[i].note || noted(&plan, rows[i].note));
	if (!ok(good, "plan: %s", rows[i].what))
		printf("#  got: %s\n", text);
}

static void test_all_at_once(void)
{
	static const char json[] = HEAD
		",\"hostname\":\"h\",\"mounts\":[{\"destination\":\"/m\"}],\"linux\":{" NS(
			"") ",\"sysctl\":{\"vm.x\":\"1\"},"
			    "\"maskedPaths\":[\"x\"],\"timeOffsets\":{\"boottime\":{\"secs\":1}},"
			    "\"rootfsPropagation\":\"x\"}}";
	auto_arena struct arena a = ARENA_INIT;
	struct plan plan = { 0 };
	struct err err = ERR_INIT;
	char text[ERR_TEXT + 600];
	size_t n = 1;

	ok(build(&a, json, USER, &plan, &err) < 0, "a document with six mistakes");
	err_format(&err, text, sizeof(text));
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	if (!ok(n == 6, "has six lines"))
		printf("#  got: %s\n", text);
}

static void test_details(void)
{
	static const char json[] = HEAD
		",\"mounts\":[{\"destination\":\"//dev/./\",\"type\":\"tmpfs\",\"source\":\"t\"},"
		"{\"destination\":\"/d\",\"source\":\"rel\",\"options\":[\"rbind\",\"ro\"]}],\"linux\":{" NS(
			"") ",\"devices\":["
			    "{\"type\":\"c\",\"path\":\"/dev/null\",\"major\":1,\"minor\":3,\"fileMode\":384},"
			    "{\"type\":\"p\",\"path\":\"/dev//fifo\"}]}}";
	auto_arena struct arena a = ARENA_INIT;
	struct plan user = { 0 }, root = { 0 };
	struct err err = ERR_INIT;
	bool user_ok = build(&a, json, USER, &user, &err) == 0,
	     root_ok = build(&a, json, ROOT, &root, &err) == 0;

	ok(user_ok && root_ok, "a document for both");
	ok(user.devices.n == 7 && str_eq(user.devices.v[0].path, "/dev/null") &&
		   user.devices.v[0].bind && !root.devices.v[0].bind,
	   "a default device that is listed is there once; bound for a user, made by root");
	ok(root.devices.v[0].mode == 0600, "with the mode of the config");
	ok(str_eq(user.devices.v[6].path, "/dev/fifo") && !user.devices.v[6].bind,
	   "a FIFO is made by everybody");
	ok(str_eq(user.mounts.v[0].target, "/dev") && str_eq(user.mounts.v[1].source, "/b/rel") &&
		   user.mounts.v[1].recursive,
	   "targets are clean, sources absolute");
	ok(user.rootfs.propagation == 0 && str_eq(user.rootfs.path, "/b/r"),
	   "the root's path starts at the bundle");
	ok(user.idmap.active && !root.idmap.active, "only the user gets a map");
}

/* As sysctl(8) has it: the first separator decides, the other one is a plain character. */
static void test_sysctl_names(void)
{
	static const struct {
		const char *key, *path;
	} names[] = {
		{ "net.ipv4.ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eth0/100.forwarding", "sys/net/ipv4/conf/eth0.100/forwarding" },
		{ "net/ipv4/conf/eth0.100/forwarding", "sys/net/ipv4/conf/eth0.100/forwarding" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct plan plan = { 0 };
		struct err err = ERR_INIT;
		const char *json = arena_printf(
			&a, HEAD ",\"linux\":{" NS(TYPE("network")) ",\"sysctl\":{\"%s\":\"1\"}}}",
			names[i].key);

		ok(build(&a, json, USER, &plan, &err) == 0 && plan.sysctl.n == 1 &&
			   str_eq(plan.sysctl.v[0].path, names[i].path) &&
			   str_eq(plan.sysctl.v[0].key, names[i].key),
		   "sysctl '%s'", names[i].key);
	}
}

static void test_bound_dev(void)
{
	static const char json[] = HEAD
		",\"mounts\":[{\"destination\":\"/dev\",\"source\":\"/dev\",\"options\":[\"rbind\"]}],\"linux\":{" NS(
			"") "}}";
	auto_arena struct arena a = ARENA_INIT;
	struct plan plan = { 0 };
	struct err err = ERR_INIT;

	ok(build(&a, json, USER, &plan, &err) == 0 && plan.devices.n == 0 && !plan.devices.links,
	   "a /dev from elsewhere gets neither devices nor links");
}

static void test_dump(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str text = STR_INIT, json = STR_INIT;
	struct plan plan = { 0 };
	struct err err = ERR_INIT;
	struct json *doc = NULL;

	ok(build(&a,
		 "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},"
		 "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\",\"a b\",\"\"],"
		 "\"env\":[\"TOKEN=hunter2\"]},\"linux\":{" NS("") "}}",
		 USER, &plan, &err) == 0,
	   "a document with a secret");
	plan_dump_text(&plan, &text);
	plan_dump_json(&plan, &json);
	ok(!strstr(text.p, "hunter2") && !strstr(json.p, "hunter2"),
	   "is in neither form of the plan");
	ok(strstr(text.p, " sh \"a b\" \"\"\n") != NULL, "arguments can be told apart");
	ok(json_parse(&a, "plan", json.p, json.len, &doc, &err) == 0, "the JSON form is JSON");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(i);
	test_all_at_once();
	test_details();
	test_sysctl_names();
	test_bound_dev();
	test_dump();
	return done();
}
