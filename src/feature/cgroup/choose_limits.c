/*
 * choose_limits.c - which limits are asked for, whether the controllers for them are there, and what
 * is done where they are not: refused with all that is missing, or one warning (cgroup.h).
 */
#include "choose.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <unistd.h>

static bool in_list(const struct strv *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], word))
			return true;
	return false;
}

bool choice_host_limits(const struct host *h)
{
	return h->cgroup == HOST_CGROUP_V2 &&
	       (in_list(&h->root_controllers, "memory") || in_list(&h->root_controllers, "cpu") ||
		in_list(&h->root_controllers, "pids"));
}

const char *choice_host_words(const struct host *h)
{
	switch (h->cgroup) {
	case HOST_CGROUP_V2:
		return "memory, cpu and pids are not among the cgroup v2 controllers of this host";
	case HOST_CGROUP_V1:
	case HOST_CGROUP_HYBRID:
		return "memory, cpu and pids are on cgroup v1 on this host, and bryo uses v2 only";
	case HOST_CGROUP_NONE:
		break;
	}
	return "no cgroup hierarchy is mounted on /sys/fs/cgroup";
}

/* Which controllers are missing, for which fields; the host's or only ours. */
static void find_missing(const struct choice *c, struct str *names, struct str *fields,
			 bool *ret_host)
{
	const struct cgroup_limits *l = &c->p->limits;

	for (size_t i = 0; i < l->controllers.n; i++) {
		const char *name = l->controllers.v[i];

		if (in_list(c->have, name))
			continue;
		str_addf(names, "%s%s", names->len ? " " : "", name);
		*ret_host |= !in_list(&c->host->root_controllers, name);
		for (size_t j = 0; j < l->n; j++)
			if (str_eq(l->v[j].controller, name) &&
			    (!fields->p || !strstr(fields->p, l->v[j].field)))
				str_addf(fields, "%s%s", fields->len ? ", " : "", l->v[j].field);
	}
}

static void drop_missing(struct choice *c)
{
	struct cgroup_limits *l = &c->p->limits;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].controller || in_list(c->have, l->v[i].controller))
			l->v[n++] = l->v[i];
	for (size_t i = 0; i < l->controllers.n; i++)
		if (in_list(c->have, l->controllers.v[i]))
			l->controllers.v[k++] = l->controllers.v[i];
	l->n = n;
	l->controllers.n = k;
}

static int check_controllers(struct choice *c, struct err *err)
{
	auto_str struct str names = STR_INIT;
	auto_str struct str fields = STR_INIT;
	bool host = false, lenient = !choice_host_limits(c->host) && c->policy == POLICY_DEFAULT;

	find_missing(c, &names, &fields, &host);
	if (!names.len)
		return 0;
	if (lenient || c->policy == POLICY_BEST_EFFORT) {
		note_add(c->notes, NOTE_WARNING, "linux.resources",
			 lenient ? choice_host_words(c->host) : "controllers are missing",
			 "not applied: %s", fields.p);
		drop_missing(c);
		return 0;
	}
	err_set(err, ENOTSUP, "linux.resources: %s: the controllers missing %s are: %s", fields.p,
		host ? "on this host" : "from what is delegated to you", names.p);
	if (host)
		return err_hint(
			err, -ENOTSUP,
			"the kernel has none of these in cgroup v2: see cgroup.controllers in "
			"/sys/fs/cgroup");
	return err_hint(err, -ENOTSUP, "%s", cgroup_delegate_remedy(c->a, c->host->uid));
}

/* Without the fields that v2 has no counterpart for: only where best effort was asked for. */
static struct spec_resources supported(const struct spec_resources *r)
{
	struct spec_resources s = *r;

	s.memory.kernel.set = s.memory.kernel_tcp.set = s.memory.swappiness.set = false;
	s.memory.disable_oom_killer.set = s.memory.disable_oom_killer.v = false;
	s.cpu.realtime_period.set = s.cpu.realtime_runtime.set = false;
	s.block_io.leaf_weight.set = false;
	s.network.class_id.set = false;
	s.network.priorities.n = 0;
	return s;
}

/* Not of the root, which has neither weight: of any cgroup below it. */
static bool has_bfq(const struct choice *c)
{
	return !c->host->faked && (access(CGROUP_MOUNT "/system.slice/io.bfq.weight", F_OK) == 0 ||
				   access(CGROUP_MOUNT "/user.slice/io.bfq.weight", F_OK) == 0);
}

int choice_limits(struct choice *c, struct err *err)
{
	const struct spec_resources *r = &c->r;
	struct cgroup_limits_mode mode = { .has_bfq = r->block_io.weight.set && has_bfq(c) };
	struct spec_resources less;
	struct err why = ERR_INIT;
	char text[ERR_TEXT];
	int rc = cgroup_limits_plan(c->a, r, &mode, &c->p->limits, &why);

	if (rc == -ENOTSUP && c->policy == POLICY_BEST_EFFORT) {
		note_add(c->notes, NOTE_WARNING, "linux.resources", "org.bryo.limits=best-effort",
			 "not applied: %s", err_format(&why, text, sizeof(text)));
		less = supported(r);
		why = (struct err)ERR_INIT;
		rc = cgroup_limits_plan(c->a, &less, &mode, &c->p->limits, &why);
	}
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	rc = check_controllers(c, err);
	for (size_t i = 0;
	     i < c->p->limits.properties.n && rc == 0 && c->p->backend == CGROUP_SYSTEMD; i++)
		choice_add_property(c,
				    arena_printf(c->a, "%s=%s", c->p->limits.properties.v[i].name,
						 c->p->limits.properties.v[i].value));
	return rc;
}
