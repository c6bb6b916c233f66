/*
 * rdt.c - resctrl (theory in rdt.h). Everything goes through a descriptor of the mount point, so
 * the unit test can hand in a directory that only looks like one.
 */
#include "rdt.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMATA_MAX 65536

/* One schema may hold several lines ("L3:0=f\nMB:0=50"). */
static void add_lines(struct arena *a, const char *schema, struct strv *ret)
{
	VEC(const char *) list = VEC_INIT;

	for (size_t i = 0; i < ret->n; i++)
		*vec_add(a, &list) = ret->v[i];
	for (const char *p = schema; p && *p;) {
		size_t n = strcspn(p, "\n");

		if (n)
			*vec_add(a, &list) = arena_strndup(a, p, n);
		p += n + (p[n] == '\n');
	}
	ret->v = list.v;
	ret->n = list.n;
}

static int check_class(const char *class, struct err *err)
{
	if (*class && strlen(class) < 256 && strcmp(class, ".") != 0 && strcmp(class, "..") != 0 &&
	    !strpbrk(class, "/\n"))
		return 0;
	return err_hint(err,
			err_set(err, EINVAL,
				"linux.intelRdt.closID: '%.40s' is not the name of a directory",
				class),
			"a plain name, or \"/\" for the default class");
}

int rdt_plan(struct arena *a, const struct spec *spec, const char *id, const struct host *host,
	     struct rdt_plan *ret, struct err *err)
{
	const struct spec_intel_rdt *r = spec->linux_.intel_rdt;
	bool root_class;

	if (!r)
		return 0;
	if (!host->faked && access(RDT_MOUNT "/schemata", F_OK) < 0) {
		err_set(err, ENOTSUP, "linux.intelRdt: resctrl is not mounted on " RDT_MOUNT);
		return err_hint(
			err, -ENOTSUP,
			"the processor must have RDT; root mounts it: mount -t resctrl resctrl " RDT_MOUNT);
	}
	if (!host->privileged)
		return err_hint(err, err_set(err, EPERM, "linux.intelRdt: resctrl is for root"),
				"leave intelRdt out");
	root_class = str_eq(r->clos_id, "/");
	ret->active = true;
	ret->ours = !r->clos_id || !*r->clos_id;
	ret->class = root_class ? "." : ret->ours ? id : r->clos_id;
	add_lines(a, r->l3_cache_schema, &ret->lines);
	add_lines(a, r->mem_bw_schema, &ret->lines);
	for (size_t i = 0; i < r->schemata.n; i++)
		add_lines(a, r->schemata.v[i], &ret->lines);
	ret->must_exist = !ret->ours && !ret->lines.n;
	if (r->enable_monitoring || r->enable_cmt || r->enable_mbm)
		ret->monitor = arena_printf(a, "%s/mon_groups/%s", ret->class, id);
	return root_class ? 0 : check_class(ret->class, err);
}

/* A line such as "L3:0=ff" is there if one of the file's lines, without its indent, is it. */
static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; *p;) {
		size_t len;

		p += strspn(p, " \t");
		len = strcspn(p, "\n");
		if (len == n && memcmp(p, line, n) == 0)
			return true;
		p += len + (p[len] == '\n');
	}
	return false;
}

static int compare(int class, const struct rdt_plan *plan, struct err *err)
{
	auto_free char *text = NULL;
	int rc = plan->lines.n ? file_read_at(class, "schemata", SCHEMATA_MAX, &text, NULL, err)
			       : 0;

	for (size_t i = 0; i < plan->lines.n && rc == 0; i++)
		if (!has_line(text, plan->lines.v[i]))
			rc = err_set(err, EEXIST, "the class exists with another schema than '%s'",
				     plan->lines.v[i]);
	return rc;
}

static int write_lines(int class, const struct rdt_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->lines.n; i++) {
		auto_free char *line = mem_printf("%s\n", plan->lines.v[i]);
		int rc = file_poke_at(class, "schemata", line, err);

		if (rc < 0)
			return err_hint(
				err, err_in(err, rc, "'%s'", plan->lines.v[i]),
				"see info/last_cmd_status of resctrl for the kernel's reason");
	}
	return 0;
}

static int place(int resctrl, int class, const struct rdt_plan *plan, pid_t pid, struct err *err)
{
	auto_free char *monitor_tasks = NULL;
	char text[16];
	int rc;

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	rc = file_poke_at(class, "tasks", text, err);
	if (rc < 0 || !plan->monitor)
		return rc;
	if (mkdirat(resctrl, plan->monitor, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the monitoring group '%s'", plan->monitor);
	monitor_tasks = mem_printf("%s/tasks", plan->monitor);
	return file_poke_at(resctrl, monitor_tasks, text, err);
}

int rdt_apply_at(int resctrl, const struct rdt_plan *plan, pid_t pid, struct err *err)
{
	bool made = !plan->must_exist && strcmp(plan->class, ".") != 0 &&
		    mkdirat(resctrl, plan->class, 0755) == 0;
	auto_fd int class =
		openat(resctrl, plan->class, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (class < 0) {
		rc = err_sys(err, "open the class");
		if (rc == -ENOENT && plan->must_exist)
			err_hint(
				err, rc,
				"a closID without a schema must exist: give l3CacheSchema, memBwSchema or schemata");
	} else {
		rc = made ? write_lines(class, plan, err) : compare(class, plan, err);
	}
	if (rc == 0)
		rc = place(resctrl, class, plan, pid, err);
	if (rc < 0 && made)
		(void)unlinkat(resctrl, plan->class, AT_REMOVEDIR);
	return rc < 0 ? err_in(err, rc, "linux.intelRdt: class '%s'", plan->class) : 0;
}

int rdt_outside(const struct rdt_plan *plan, pid_t pid, struct err *err)
{
	auto_fd int resctrl = -1;

	if (!plan->active)
		return 0;
	resctrl = open(RDT_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (resctrl < 0)
		return err_sys(err, "linux.intelRdt: open " RDT_MOUNT);
	return rdt_apply_at(resctrl, plan, pid, err);
}

int rdt_update_at(int resctrl, const char *class, const char *l3, const char *mem_bw, struct err *err)
{
	auto_fd int dir = openat(resctrl, class, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_arena struct arena a = ARENA_INIT;
	struct rdt_plan plan = { .class = class };
	int rc = dir < 0 ? err_sys(err, "open the class") : 0;

	add_lines(&a, l3, &plan.lines);
	add_lines(&a, mem_bw, &plan.lines);
	if (rc == 0)
		rc = write_lines(dir, &plan, err);
	return rc < 0 ? err_in(err, rc, "linux.intelRdt: class '%s'", class) : 0;
}

int rdt_update(const char *class, const char *l3, const char *mem_bw, struct err *err)
{
	auto_fd int resctrl = open(RDT_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return resctrl < 0 ? err_sys(err, RDT_MOUNT) : rdt_update_at(resctrl, class, l3, mem_bw, err);
}

void rdt_undo_at(int resctrl, const char *class, const char *monitor)
{
	if (monitor)
		(void)unlinkat(resctrl, monitor, AT_REMOVEDIR);
	if (class)
		(void)unlinkat(resctrl, class, AT_REMOVEDIR);
}

void rdt_undo(const char *class, const char *monitor)
{
	auto_fd int resctrl = open(RDT_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (resctrl >= 0)
		rdt_undo_at(resctrl, class, monitor);
}
