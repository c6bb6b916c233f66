/*
 * test_ns.c - which namespaces are made, joined, shared or refused, a row each.
 */
#include "feature/ns.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "tap.h"

#define MNT    CLONE_NEWNS
#define NET    CLONE_NEWNET
#define USER   CLONE_NEWUSER
#define PID    CLONE_NEWPID
#define CGROUP CLONE_NEWCGROUP
#define TIME   CLONE_NEWTIME

static const struct {
	const char *what, *list; /* "type[=path] ..." */
	bool admin;
	uint32_t create, joins, differ;
	const char *order; /* of the joins */
	const char *error;
} rows[] = {
	{ "root: what is listed", "mount pid network", true, MNT | PID | NET, 0, MNT | PID | NET,
	  "", NULL },
	{ "a user gets a user namespace", "mount", false, MNT | USER, 0, MNT | USER, "", NULL },
	{ "a listed one is not added again", "user mount", false, MNT | USER, 0, MNT | USER, "",
	  NULL },
	{ "cgroup and time are made later", "mount cgroup time", true, MNT, 0, MNT | CGROUP | TIME,
	  "", NULL },
	{ "user is joined first, mount is made", "mount network=/n pid=/p user=/u", false, MNT,
	  USER | PID | NET, MNT | USER | PID | NET, "user pid network ", NULL },
	{ "joined network: a user still gets a user namespace", "mount network=/n", false,
	  MNT | USER, NET, MNT | USER | NET, "network ", NULL },
	{ "an empty path is none", "mount pid=", true, MNT | PID, 0, MNT | PID, "", NULL },
	{ "all eight", "user pid network ipc uts cgroup time mount", false,
	  USER | PID | NET | CLONE_NEWIPC | CLONE_NEWUTS | MNT, 0,
	  USER | PID | NET | CLONE_NEWIPC | CLONE_NEWUTS | MNT | CGROUP | TIME, "", NULL },
	{ "unknown type", "mount net", true, 0, 0, 0, "",
	  "linux.namespaces[1]: unknown namespace type 'net'" },
	{ "twice", "mount pid pid", true, 0, 0, 0, "",
	  "linux.namespaces[2]: 'pid' is listed twice" },
	{ "once made, once joined", "mount pid pid=/p", true, 0, 0, 0, "", "listed twice" },
	{ "relative path", "mount pid=p", true, 0, 0, 0, "", "'p' is not absolute" },
	{ "no mount namespace", "pid", true, 0, 0, 0, "", "there is no mount namespace" },
	{ "mount by path is joined, then copied", "mount=/m", true, MNT, MNT, MNT, "mount ", NULL },
};

static void fill(struct arena *a, const char *list, struct spec *spec)
{
	char *copy = arena_strdup(a, list);

	spec->linux_.namespaces.v = arena_alloc(a, 16 * sizeof(struct spec_namespace));
	for (char *p = copy, *end; *p; p = end) {
		struct spec_namespace *ns = &spec->linux_.namespaces.v[spec->linux_.namespaces.n++];
		char *eq;

		end = strchrnul(p, ' ');
		if (*end)
			*end++ = '\0';
		eq = strchr(p, '=');
		if (eq)
			*eq++ = '\0';
		*ns = (struct spec_namespace){ .type = p, .path = eq };
	}
}

static void test_row(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct host host = { .has_sys_admin = rows[i].admin };
	struct notes notes = { .arena = &a };
	struct spec spec = { 0 };
	struct ns_plan plan = { 0 };
	struct err err = ERR_INIT;
	char order[128] = "", text[1024];
	uint32_t joins = 0;
	int rc;

	fill(&a, rows[i].list, &spec);
	rc = ns_plan(&a, &spec, &host, &notes, &plan, &err);
	if (rows[i].error) {
		err_format(&err, text, sizeof(text));
		if (!ok(rc < 0 && strstr(text, rows[i].error), "%s", rows[i].what))
			printf("#  got: %s\n", rc < 0 ? text : "no error");
		return;
	}
	for (size_t k = 0; k < plan.n_joins; k++) {
		joins |= plan.joins[k].flag;
		(void)snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s ",
			       ns_name(plan.joins[k].flag));
	}
	ok(rc == 0 && plan.create == rows[i].create && joins == rows[i].joins &&
		   plan.differ == rows[i].differ && plan.cgroup == !!(rows[i].differ & CGROUP) &&
		   plan.time == !!(rows[i].differ & TIME) && strcmp(order, rows[i].order) == 0,
	   "%s", rows[i].what);
	ok(notes.list.n == (size_t)((plan.create & USER) && !strstr(rows[i].list, "user")) + !!(joins & MNT),
	   "%s: told", rows[i].what);
}

int main(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(i);
	for (; ns_flag(n); n++)
		ok(ns_name(ns_flag(n)) != NULL, "namespace %zu has a name", n);
	ok(n == 8, "there are eight");
	ok(ns_name(0) == NULL && ns_name(CLONE_VM) == NULL, "other flags have no name");
	return done();
}
