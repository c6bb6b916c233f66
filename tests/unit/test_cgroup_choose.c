/*
 * test_cgroup_choose.c - which cgroup a container gets, by the facts of the host (choose.c), and how
 * limits are written to a directory: on a fake tree, because what is tested here (rdma, bfq, hugetlb
 * with reservations, a kernel without CFS bandwidth) no machine of ours has.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "feature/cgroup/cgroup.h"
#include "oci/spec_load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char tmp[] = "/tmp/bryo-choose.XXXXXX";

struct row {
	const char *what;
	const char *host;   /* members of the facts, besides an ordinary user's in a session */
	const char *linux_; /* members of linux */
	const char *annotations;
	const char *manager;
	int rc;
	const char *want; /* "BACKEND PATH-OR-UNIT", or a part of the error */
	const char *note; /* a part of a note, or NULL for none about cgroups */
};

#define MEMORY "\"resources\":{\"memory\":{\"limit\":1048576}}"
#define CPU \
	"\"resources\":{\"cpu\":{\"quota\":50000},\"memory\":{\"limit\":1048576},\"blockIO\":{\"weight\":100}}"
#define NO_BUS "\"manager\":false,\"manager_why\":\"there is no user bus\""
#define OWN    "\"cgroup_own\":\"/u/a.service\",\"cgroup_writable\":true"
#define ROOT \
	"\"privileged\":true,\"uid\":0,\"cgroup_writable\":true,\"cgroup_top\":true,\"manager_cgroup\":\"\""

static const struct row rows[] = {
	/* the order */
	{ "a session's scope is not ours: the manager is asked", "", "", "", NULL, 0,
	  "systemd bryo-c.scope", NULL },
	{ "a writable cgroup is not a delegated one", OWN, "", "", NULL, 0, "systemd bryo-c.scope",
	  NULL },
	{ "a delegated one is used before any bus", OWN ",\"cgroup_delegated\":true", "", "", NULL,
	  0, "cgroupfs /u/a.service/bryo-c", NULL },
	{ "the root of a cgroup namespace",
	  "\"cgroup_own\":\"/\",\"cgroup_writable\":true,\"cgroup_delegated\":true", "", "", NULL,
	  0, "cgroupfs /bryo-c", NULL },
	{ "no place and no limit: none", NO_BUS, "", "", NULL, 0, "none", NULL },
	{ "no place, and a limit: the remedies", NO_BUS, MEMORY, "", NULL, -ENOTSUP,
	  "there is no user bus [`loginctl enable-linger`", NULL },
	{ "and they name the package", NO_BUS, MEMORY, "", NULL, -ENOTSUP, "dbus-user-session",
	  NULL },
	{ "and the way without linger", NO_BUS, MEMORY, "", NULL, -ENOTSUP,
	  "systemd-run --user --scope -p Delegate=yes", NULL },
	{ "best effort goes on with a warning", NO_BUS, MEMORY,
	  "\"org.bryo.limits\":\"best-effort\"", NULL, 0, "none", "not applied: memory.limit" },
	{ "root", ROOT, "", "", NULL, 0, "cgroupfs /bryo/c", NULL },
	{ "root, and a read-only hierarchy: none", "\"privileged\":true,\"uid\":0,\"manager\":true",
	  "", "", NULL, 0, "none", NULL },
	{ "a limit is an error then", "\"privileged\":true,\"uid\":0,\"manager\":true", MEMORY, "",
	  NULL, -ENOTSUP, "/sys/fs/cgroup cannot be written", NULL },
	/* said so */
	{ "disabled", "", MEMORY, "", "disabled", 0, "none", "not applied: memory.limit" },
	{ "disabled, and required", "", MEMORY, "\"org.bryo.limits\":\"required\"", "disabled",
	  -ENOTSUP, "required forbids", NULL },
	{ "cgroupfs without delegation", "", "", "", "cgroupfs", -EACCES, "is not delegated to you",
	  NULL },
	{ "systemd without a bus", NO_BUS, "", "", "systemd", -ENOTCONN, "there is no user bus",
	  NULL },
	{ "systemd as root", ROOT ",\"manager\":true", "", "", "systemd", 0, "systemd bryo-c.scope",
	  NULL },
	{ "a scope path says systemd", OWN ",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\"user.slice:libpod:abc\"", "", NULL, 0, "systemd libpod-abc.scope",
	  NULL },
	{ "empty parts of it are defaults", "", "\"cgroupsPath\":\"::\"", "", NULL, 0,
	  "systemd c.scope", NULL },
	{ "what is no slice", "", "\"cgroupsPath\":\"user:a:b\"", "", NULL, -EINVAL,
	  "'user' is not the name of a slice", NULL },
	{ "a plain path for systemd", "", "\"cgroupsPath\":\"/a/b\"", "", "systemd", -EINVAL,
	  "is not slice:prefix:name", NULL },
	/* paths */
	{ "root's absolute path", ROOT, "\"cgroupsPath\":\"/machine/x\"", "", NULL, 0,
	  "cgroupfs /machine/x", NULL },
	{ "root's relative path", ROOT, "\"cgroupsPath\":\"x/y\"", "", NULL, 0,
	  "cgroupfs /bryo/x/y", NULL },
	{ "slashes and dots", ROOT, "\"cgroupsPath\":\"//machine/./x/\"", "", NULL, 0,
	  "cgroupfs /machine/x", NULL },
	{ "up and out", ROOT, "\"cgroupsPath\":\"/machine/../..\"", "", NULL, -EINVAL,
	  "has '..' in it", NULL },
	{ "up at the end", ROOT, "\"cgroupsPath\":\"/machine/..\"", "", NULL, -EINVAL,
	  "has '..' in it", NULL },
	{ "nothing below what is delegated", OWN ",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\".\"", "", NULL, -EINVAL, "no cgroup of the container's own", NULL },
	{ "root in a service that was given Delegate=yes",
	  ROOT ",\"cgroup_own\":\"/u/a.service\",\"cgroup_delegated\":true", "", "", NULL, 0,
	  "cgroupfs /u/a.service/bryo-c", NULL },
	{ "unless a path says where",
	  ROOT ",\"cgroup_own\":\"/u/a.service\",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\"/m/x\"", "", NULL, 0, "cgroupfs /m/x", NULL },
	{ "nothing below bryo's own", ROOT, "\"cgroupsPath\":\"./\"", "", NULL, -EINVAL,
	  "no cgroup of the container's own", NULL },
	{ "the root itself", ROOT, "\"cgroupsPath\":\"/\"", "", NULL, -EINVAL,
	  "no cgroup of the container's own", NULL },
	{ "a user's absolute path is below what is delegated", OWN ",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\"/default/x\"", "", NULL, 0, "cgroupfs /u/a.service/default/x",
	  "the cgroup is" },
	{ "unless it is there already", OWN ",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\"/u/a.service/x\"", "", NULL, 0, "cgroupfs /u/a.service/x", NULL },
	{ "the delegated one itself is not the container's", OWN ",\"cgroup_delegated\":true",
	  "\"cgroupsPath\":\"/u/a.service\"", "", NULL, 0, "cgroupfs /u/a.service/u/a.service",
	  "the cgroup is" },
	/* controllers */
	{ "all that are missing, together", "", CPU, "", NULL, -ENOTSUP,
	  "cpu.quota, blockIO.weight: the controllers missing from what is delegated to you are: cpu io",
	  NULL },
	{ "with the drop-in", "", CPU, "", NULL, -ENOTSUP, "Delegate=cpu cpuset io memory pids",
	  NULL },
	{ "best effort keeps what can be had", "", CPU, "\"org.bryo.limits\":\"best-effort\"", NULL,
	  0, "systemd bryo-c.scope", "not applied: cpu.quota, blockIO.weight" },
	{ "a controller that the host lacks", "\"root_controllers\":[\"cpu\",\"memory\",\"pids\"]",
	  CPU, "", NULL, -ENOTSUP, "missing on this host are", NULL },
	{ "what v2 has no counterpart for", "", "\"resources\":{\"memory\":{\"swappiness\":10}}",
	  "", NULL, -ENOTSUP, "memory.swappiness", NULL },
	/* hosts */
	{ "v1: one warning", "\"cgroup\":\"v1\"", MEMORY, "", NULL, 0, "none",
	  "not applied: memory.limit" },
	{ "hybrid, required", "\"cgroup\":\"hybrid\"", MEMORY, "\"org.bryo.limits\":\"required\"",
	  NULL, -ENOTSUP, "cannot be enforced without a cgroup", NULL },
	{ "v2 without memory, cpu and pids: one warning",
	  ROOT ",\"root_controllers\":[\"hugetlb\"]", MEMORY, "", NULL, 0, "cgroupfs /bryo/c",
	  "not applied: memory.limit" },
	{ "v1 and systemd", "\"cgroup\":\"v1\"", "", "", "systemd", -ENOTSUP, "bryo uses v2 only",
	  NULL },
	/* words */
	/* covers: run.oci.systemd.subgroup org.systemd.property.* */
	{ "an unknown policy", "", MEMORY, "\"org.bryo.limits\":\"maybe\"", NULL, -EINVAL,
	  "unknown value 'maybe'", NULL },
	{ "a subgroup with a slash", "", "", "\"run.oci.systemd.subgroup\":\"a/b\"", NULL, -EINVAL,
	  "no name of a cgroup", NULL },
	{ "an inner cgroup with a slash", "", "", "\"run.oci.delegate-cgroup\":\"a/b\"", NULL,
	  -EINVAL, "no name of a cgroup", NULL },
	{ "an inner cgroup with dots", "", "", "\"run.oci.delegate-cgroup\":\"..\"", NULL, -EINVAL,
	  "no name of a cgroup", NULL },
	{ "a property with a strange name", "", "", "\"org.systemd.property.A=B\":\"1\"", NULL,
	  -EINVAL, "no name of a property", NULL },
};

static void write_facts(const char *path, const char *members)
{
	FILE *f = fopen(path, "we");

	fprintf(f, "{%s}", members);
	fclose(f);
}

static bool has_note(const struct notes *notes, const char *part)
{
	for (size_t i = 0; i < notes->list.n; i++)
		if (strstr(notes->list.v[i].what, part))
			return true;
	return false;
}

static void test_choose(const struct row *r, const char *version)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str text = STR_INIT;
	struct notes notes = { .arena = &a };
	struct cgroup_plan p;
	struct err err = ERR_INIT;
	struct host host;
	struct spec *spec;
	struct cgroup_request q = { .id = "c", .manager = r->manager };
	char facts[64], said[ERR_TEXT], got[256];
	int rc;

	(void)snprintf(facts, sizeof(facts), "%s/facts.json", tmp);
	write_facts(facts, r->host);
	str_addf(&text, "{\"ociVersion\":\"%s\",\"linux\":{%s},\"annotations\":{%s}}", version,
		 r->linux_, r->annotations);
	if (host_load(&a, facts, &host, &err) < 0 ||
	    spec_parse(&a, "c", text.p, text.len, &spec, &err) < 0) {
		ok(false, "%s: %s", r->what, err_format(&err, said, sizeof(said)));
		return;
	}
	q.spec = spec;
	rc = cgroup_plan(&a, &q, &host, &notes, &p, &err);
	(void)err_format(&err, said, sizeof(said));
	if (rc < 0 || r->rc < 0) {
		if (!ok(rc == r->rc && strstr(said, r->want), "choose: %s", r->what))
			printf("# %d %s\n", rc, said);
		return;
	}
	(void)snprintf(got, sizeof(got), "%s%s%s", cgroup_backend_name(p.backend),
		       p.backend ? " " : "",
		       p.path	? p.path
		       : p.unit ? p.unit
				: "");
	ok_str(got, r->want, r->what);
	for (size_t i = 0; i < p.limits.n; i++)
		if (!ok(!str_eq(p.limits.v[i].controller, "cpu") &&
				!str_eq(p.limits.v[i].controller, "io"),
			"choose: %s: only what can be written is left", r->what))
			printf("# %s\n", p.limits.v[i].file);
	if (!ok(r->note ? has_note(&notes, r->note) : !notes.list.n, "choose: %s: notes", r->what))
		for (size_t i = 0; i < notes.list.n; i++)
			printf("# %s\n", notes.list.v[i].what);
}

/* A pids limit of 0 is one from runtime-spec 1.3 on. */
static void test_pids(void)
{
	static const char pids[] = "\"resources\":{\"pids\":{\"limit\":0}}";
	static const struct row limit = { "a pids limit of 0", NO_BUS, pids, "", NULL, -ENOTSUP,
					  "pids.limit",	       NULL };
	static const struct row none = { "no pids limit",	 NO_BUS, pids, "", NULL, 0, "none",
					 "no limit of processes" };

	test_choose(&limit, "1.3.0");
	test_choose(&limit, "1.12.0");
	test_choose(&none, "1.0.2-dev");
	test_choose(&none, "1.2.1");
}

/* ------------------------------------------------------------------------- writing */

static int tree(const char *const *files)
{
	int dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)unlinkat(dir, "facts.json", 0);
	for (size_t i = 0; files[i]; i++)
		close(openat(dir, files[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	return dir;
}

static int apply(int dir, const char *resources, bool bfq, char *said)
{
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_limits_mode mode = { .has_bfq = bfq };
	struct cgroup_limits limits;
	struct spec_resources *r;
	struct err err = ERR_INIT;
	int rc = spec_parse_resources(&a, "r", resources, strlen(resources), &r, &err);

	if (rc == 0)
		rc = cgroup_limits_plan(&a, r, &mode, &limits, &err);
	if (rc == 0)
		rc = cgroup_apply(dir, &limits, &err);
	(void)err_format(&err, said, ERR_TEXT);
	return rc;
}

static const char *content(struct arena *a, int dir, const char *file)
{
	return cgroup_read(a, dir, file);
}

static void test_apply(void)
{
	static const char *const files[] = { "rdma.max",
					     "hugetlb.2MB.max",
					     "hugetlb.2MB.rsvd.max",
					     "hugetlb.1GB.max",
					     "io.bfq.weight",
					     "memory.max",
					     "memory.current",
					     "cpu.weight",
					     "cgroup.procs",
					     NULL };
	static const char *const out[] = {
		"rdma.max",	   "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max",
		"hugetlb.1GB.max", "io.bfq.weight",   "memory.max",
		"memory.current",  "cpu.weight",      "cgroup.procs"
	};
	auto_arena struct arena a = ARENA_INIT;
	auto_fd int dir = tree(files);
	char said[ERR_TEXT];

	ok(apply(dir, "{\"rdma\":{\"mlx5_0\":{\"hcaHandles\":3,\"hcaObjects\":9}}}", false, said) ==
		   0,
	   "rdma is written");
	ok_str(content(&a, dir, "rdma.max"), "mlx5_0 hca_handle=3 hca_object=9", "rdma.max");
	ok(apply(dir,
		 "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},{\"pageSize\":\"1GB\",\"limit\":0}]}",
		 false, said) == 0,
	   "huge pages are written, without rsvd where that does not exist");
	ok_str(content(&a, dir, "hugetlb.2MB.max"), "4194304", "hugetlb.2MB.max");
	ok_str(content(&a, dir, "hugetlb.2MB.rsvd.max"), "4194304", "hugetlb.2MB.rsvd.max");
	ok_str(content(&a, dir, "hugetlb.1GB.max"), "0", "hugetlb.1GB.max");
	ok(apply(dir, "{\"blockIO\":{\"weight\":300}}", true, said) == 0,
	   "bfq's weight is written");
	ok(strstr(content(&a, dir, "io.bfq.weight"), "300") != NULL, "io.bfq.weight");
	ok(apply(dir, "{\"cpu\":{\"quota\":50000,\"period\":100000}}", false, said) == -ENOENT &&
		   strstr(said, "linux.resources.cpu.") && strstr(said, "CONFIG_CFS_BANDWIDTH"),
	   "no cpu.max: the kernel's option");
	ok(apply(dir, "{\"unified\":{\"memory.strange\":\"1\"}}", false, said) == -ENOENT &&
		   strstr(said, "memory.strange"),
	   "a unified file that does not exist");
	(void)file_replace_at(dir, "memory.current", "5000000\n", 8, 0600, NULL);
	ok(apply(dir, "{\"memory\":{\"limit\":4000000,\"checkBeforeUpdate\":true}}", false, said) ==
			   -EBUSY &&
		   strstr(said, "5000000 bytes are in use"),
	   "checkBeforeUpdate refuses what is in use");
	ok_str(content(&a, dir, "memory.max"), "", "and writes nothing");
	ok(apply(dir, "{\"memory\":{\"limit\":6000000,\"checkBeforeUpdate\":true}}", false, said) ==
		   0,
	   "and takes what is not");
	ok_str(content(&a, dir, "memory.max"), "6000000", "memory.max");
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++)
		(void)unlinkat(dir, out[i], 0);
}

static void test_below(void)
{
	static const char *const out[] = { "..", "a/..", "../b", "a/../../b", "cpu:/../x", "/.." };
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;

	ok_str(cgroup_below(&a, "/c", "a/b", &err), "/c/a/b", "below: relative");
	ok_str(cgroup_below(&a, "/c", "/a", &err), "/c/a", "below: from the container's");
	ok_str(cgroup_below(&a, "/c", "cpu,memory:/a", &err), "/c/a", "below: runc's controllers");
	ok_str(cgroup_below(&a, "/c", "a..b/..c", &err), "/c/a..b/..c", "below: dots in names");
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++)
		ok(!cgroup_below(&a, "/c", out[i], &err), "below: '%s' leads out", out[i]);
}

int main(void)
{
	if (!mkdtemp(tmp))
		return 99;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_choose(&rows[i], "1.3.0");
	test_pids();
	test_apply();
	test_below();
	(void)rmdir(tmp);
	return done();
}
