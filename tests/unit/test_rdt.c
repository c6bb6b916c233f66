/*
 * test_rdt.c - linux.intelRdt (feature/rdt.h) on a directory that only looks like resctrl, because no
 * machine of ours has it: "tasks" and "schemata" are plain files, so what the kernel would check
 * is not tested here.
 */
/* covers: linux.intelRdt linux.intelRdt.closID linux.intelRdt.l3CacheSchema linux.intelRdt.memBwSchema */
/* covers: linux.intelRdt.schemata linux.intelRdt.enableMonitoring linux.intelRdt.enableCMT linux.intelRdt.enableMBM */
#include "tap.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "feature/rdt.h"

#include <fcntl.h>
#include <sys/stat.h>

static void put(int dir, const char *name, const char *text)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	(void)!write(fd, text, strlen(text));
}

static bool holds(int dir, const char *name, const char *text)
{
	auto_free char *have = NULL;

	return file_read_at(dir, name, 4096, &have, NULL, NULL) == 0 &&
	       strncmp(have, text, strlen(text)) == 0;
}

/* A class as the kernel makes it: mkdir brings the files; here they are put beforehand. */
static void make_class(int dir, const char *name, const char *schemata)
{
	char path[300];

	(void)mkdirat(dir, name, 0755);
	(void)snprintf(path, sizeof(path), "%s/tasks", name);
	put(dir, path, "");
	(void)snprintf(path, sizeof(path), "%s/schemata", name);
	put(dir, path, schemata);
	(void)snprintf(path, sizeof(path), "%s/mon_groups", name);
	(void)mkdirat(dir, path, 0755);
}

static int plan(struct arena *a, struct spec_intel_rdt *r, bool privileged, struct rdt_plan *ret,
		struct err *err)
{
	struct spec spec = { .linux_.intel_rdt = r };
	struct host host = { .faked = true, .privileged = privileged };

	*ret = (struct rdt_plan){ 0 };
	return rdt_plan(a, &spec, "box", &host, ret, err);
}

static void test_plan(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_intel_rdt none = { 0 }, root = { .clos_id = "/" },
			      named = { .clos_id = "gold" };
	struct spec_intel_rdt schemas = { .clos_id = "gold",
					  .l3_cache_schema = "L3:0=f;1=f",
					  .mem_bw_schema = "MB:0=50",
					  .schemata = { (const char *[]){ "L2:0=3", NULL }, 1 },
					  .enable_monitoring = true };
	struct spec_intel_rdt bad = { .clos_id = "../x" };
	struct err err = ERR_INIT;
	struct rdt_plan p;

	ok(plan(&a, &none, true, &p, &err) == 0 && p.ours && !p.must_exist &&
		   !strcmp(p.class, "box"),
	   "no closID: a class of the container's own");
	ok(plan(&a, &root, true, &p, &err) == 0 && !p.ours && !strcmp(p.class, "."),
	   "the root class");
	ok(plan(&a, &named, true, &p, &err) == 0 && p.must_exist && !p.ours,
	   "a name without a schema must exist");
	ok(plan(&a, &schemas, true, &p, &err) == 0 && !p.must_exist && p.lines.n == 3, "schemas");
	ok(p.lines.n == 3 && !strcmp(p.lines.v[0], "L3:0=f;1=f") &&
		   !strcmp(p.lines.v[1], "MB:0=50") && !strcmp(p.lines.v[2], "L2:0=3"),
	   "L3 first, bandwidth next, schemata last");
	ok(p.monitor && !strcmp(p.monitor, "gold/mon_groups/box"), "a monitoring group");
	ok(plan(&a, &bad, true, &p, &err) == -EINVAL && strstr(err.text, "closID"),
	   "a closID that is a path");
	ok(plan(&a, &named, false, &p, &err) == -EPERM && strstr(err.text, "root"),
	   "for root only");
}

static void test_apply(int dir)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_intel_rdt want = { .clos_id = "gold",
				       .l3_cache_schema = "L3:0=f",
				       .enable_monitoring = true };
	struct spec_intel_rdt named = { .clos_id = "silver" };
	struct err err = ERR_INIT;
	struct rdt_plan p;

	make_class(dir, "gold", "    L3:0=f\n    MB:0=100\n");
	(void)mkdirat(dir, "gold/mon_groups/box", 0755);
	put(dir, "gold/mon_groups/box/tasks", "");
	(void)plan(&a, &want, true, &p, &err);
	ok(rdt_apply_at(dir, &p, 4711, &err) == 0 && holds(dir, "gold/tasks", "4711"),
	   "the pid is in the class");
	ok(holds(dir, "gold/mon_groups/box/tasks", "4711"), "and in its monitoring group");
	ok(holds(dir, "gold/schemata", "    L3:0=f\n"),
	   "a schema that is there already is not written again");
	want.l3_cache_schema = "L3:0=ff";
	(void)plan(&a, &want, true, &p, &err);
	ok(rdt_apply_at(dir, &p, 4711, &err) == -EEXIST && strstr(err.text, "L3:0=ff"),
	   "another schema is refused");
	(void)plan(&a, &named, true, &p, &err);
	ok(rdt_apply_at(dir, &p, 4711, &err) == -ENOENT && strstr(err.hint, "must exist"),
	   "a class that must exist");
	ok(faccessat(dir, "silver", F_OK, 0) < 0, "and it was not made");
}

static void test_undo(int dir)
{
	(void)mkdirat(dir, "box", 0755);
	(void)mkdirat(dir, "gold/mon_groups/other", 0755);
	rdt_undo_at(dir, "box", "gold/mon_groups/other");
	ok(faccessat(dir, "box", F_OK, 0) < 0 &&
		   faccessat(dir, "gold/mon_groups/other", F_OK, 0) < 0,
	   "undo removes both");
	rdt_undo_at(dir, NULL, NULL);
	ok(faccessat(dir, "gold", F_OK, 0) == 0, "a class that is not ours stays");
}

/* `update --l3-cache-schema`: one write per line; a fake file keeps the last one. */
static void test_update(int dir)
{
	struct err err = ERR_INIT;

	make_class(dir, "bronze", "");
	ok(rdt_update_at(dir, "bronze", "L3:0=3", NULL, &err) == 0 && holds(dir, "bronze/schemata", "L3:0=3"),
	   "update writes the L3 schema");
	ok(rdt_update_at(dir, "bronze", NULL, "MB:0=50", &err) == 0 &&
		   holds(dir, "bronze/schemata", "MB:0=50"),
	   "update writes the memory bandwidth schema");
	ok(rdt_update_at(dir, "nobody", "L3:0=3", NULL, &err) == -ENOENT, "a class that is gone");
}

int main(void)
{
	char path[] = "/tmp/bryo-test-rdt-XXXXXX", *argv[] = { "rm", "-rf", path, NULL };
	auto_fd int dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	test_plan();
	test_apply(dir);
	test_update(dir);
	test_undo(dir);
	(void)done();
	(void)fflush(stdout);
	execvp(argv[0], argv);
	return 1;
}
