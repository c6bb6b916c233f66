/*
 * choose.c - which backend, where, and what is missing (cgroup.h). Pure on a faked host but for
 * nothing: facts come from host.h, and the one question that no file answers, whether our own unit
 * was given Delegate=yes by a systemd older than 251, is asked of the manager.
 *
 * The order, which design.md gives and `plan` prints:
 *	(a) --cgroup-manager, --systemd-cgroup, or a cgroupsPath of the form slice:prefix:name say how
 *	(b) below our own cgroup, where it is delegated; else real root: a directory of the hierarchy
 *	(c) there is a user bus: a transient scope
 *	(d) no limit is asked for: none
 *	(e) an error with the remedies
 * On a host where memory, cpu and pids are not on v2 there is nothing to choose: limits are one
 * warning, unless org.bryo.limits=required.
 */
#include "choose.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_SUBGROUP "container"
#define DEFAULT_PARENT	 "/bryo" /* of real root, who has no place of its own */

static const char *annotation(const struct choice *c, const char *name)
{
	return spec_annotation(c->q->spec, name);
}

/*
 * That a pids limit of 0 is a limit came with runtime-spec 1.3; before, runtimes took it for none,
 * and Podman 4 writes it for `--pids-limit 0`, which is its word for unlimited.
 */
bool cgroup_pids_zero_is_none(const char *version)
{
	return version && str_starts(version, "1.") && version[2] >= '0' && version[2] <= '2' &&
	       !(version[3] >= '0' && version[3] <= '9');
}

static void read_pids(struct choice *c)
{
	if (!cgroup_pids_zero_is_none(c->q->spec->oci_version) || !c->r.pids.limit.set ||
	    c->r.pids.limit.v)
		return;
	c->r.pids.limit.set = false;
	note_add(c->notes, NOTE_ADAPTED, "linux.resources.pids",
		 "0 is a limit since runtime-spec 1.3, and the config is older",
		 "no limit of processes");
}

/*
 * An id as a part of a name: a unit's has no '+', and 255 bytes are the most for a unit and for a
 * directory. What is cut is told apart by a hash (FNV-1a).
 */
static const char *name_part(struct arena *a, const char *id)
{
	auto_str struct str s = STR_INIT;
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *p = id; *p; p++) {
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
		if (*p == '+')
			str_add(&s, "\\x2b");
		else
			str_addc(&s, *p);
	}
	if (s.len <= 200)
		return arena_strdup(a, s.p);
	return arena_printf(a, "%.180s-%016llx", s.p, (unsigned long long)h);
}

static int read_policy(struct choice *c, struct err *err)
{
	const char *word = annotation(c, "org.bryo.limits");

	if (!word)
		return 0;
	if (str_eq(word, "required"))
		c->policy = POLICY_REQUIRED;
	else if (str_eq(word, "best-effort"))
		c->policy = POLICY_BEST_EFFORT;
	else
		return err_hint(err,
				err_set(err, EINVAL,
					"annotation org.bryo.limits: unknown value '%s'", word),
				"required or best-effort");
	return 0;
}

/* Nothing is applied: by the policy a refusal, or one warning. lenient: the default policy allows it. */
static int without_limits(struct choice *c, const char *why, bool lenient, struct err *err)
{
	struct cgroup_limits none = { .memory_limit = -1 };

	c->p->limits = none;
	if (!*c->asked)
		return 0;
	if (c->policy == POLICY_BEST_EFFORT || (lenient && c->policy == POLICY_DEFAULT)) {
		note_add(c->notes, NOTE_WARNING, "linux.resources", why, "not applied: %s",
			 c->asked);
		if (c->host->cgroup == HOST_CGROUP_V1 || c->host->cgroup == HOST_CGROUP_HYBRID)
			note_remedy(c->notes,
				    "boot with systemd.unified_cgroup_hierarchy=1, or leave the limits out");
		return 0;
	}
	err_set(err, ENOTSUP, "linux.resources: %s cannot be enforced without a cgroup: %s",
		c->asked, why);
	if (c->policy == POLICY_REQUIRED)
		return err_hint(err, -ENOTSUP,
				"the annotation org.bryo.limits=required forbids going on");
	return -ENOTSUP;
}

static int choose_none(struct choice *c, const char *why, bool lenient, struct err *err)
{
	c->p->backend = CGROUP_NONE;
	c->p->why = why;
	if (c->path && *c->path)
		note_add(c->notes, NOTE_ADAPTED, "linux.cgroupsPath", why, "'%s' is not used",
			 c->path);
	return without_limits(c, why, lenient, err);
}

/* ---------------------------------------------------------------------------- cgroupfs */

static bool has_dots(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

static bool below(const char *path, const char *base)
{
	size_t n = strlen(base);

	return str_eq(base, "/") || (str_starts(path, base) && path[n] == '/');
}

static const char *join(struct arena *a, const char *base, const char *rest)
{
	char *path = arena_printf(a, "%s/%s", str_eq(base, "/") ? "" : base, rest);

	path_clean(path);
	return path;
}

static int choose_v2(struct choice *c, const char *base, const char *why, struct err *err)
{
	struct cgroup_plan *p = c->p;
	const char *parent = c->host->privileged && str_eq(base, "/") ? DEFAULT_PARENT : base;
	const char *path = c->path && *c->path && !c->scope_path ? c->path : NULL;

	p->backend = CGROUP_V2;
	p->why = why;
	p->base = base;
	p->move_others = !(c->host->cgroup_top && str_eq(base, "/"));
	c->have = str_eq(base, "/") ? &c->host->root_controllers : &c->host->cgroup_controllers;
	if (path && has_dots(path))
		return err_set(err, EINVAL, "linux.cgroupsPath: '%s' has '..' in it", path);
	if (!path)
		p->path = join(c->a, parent,
			       arena_printf(c->a, "%s%s", str_eq(parent, base) ? "bryo-" : "",
					    name_part(c->a, c->q->id)));
	else if (path[0] != '/')
		p->path = join(c->a, parent, path);
	else if (below(path, base))
		p->path = join(c->a, "/", path);
	else
		p->path = join(c->a, base, path);
	if (path && path[0] == '/' && !below(path, base))
		note_add(c->notes, NOTE_ADAPTED, "linux.cgroupsPath",
			 "only what is below the delegated cgroup is yours", "the cgroup is '%s'",
			 p->path);
	if (strlen(p->path) <= strlen(base) || str_eq(p->path, parent))
		return err_set(err, EINVAL,
			       "linux.cgroupsPath: '%s' names no cgroup of the container's own",
			       path);
	return 0;
}

/* Ours to divide: marked, or so by the manager's word, which costs a question and so comes last. */
static bool own_is_ours(const struct host *h)
{
	const char *name = h->cgroup_own ? strrchr(h->cgroup_own, '/') : NULL;

	if (h->cgroup_delegated)
		return true;
	if (!name || h->faked || !h->cgroup_writable || h->privileged)
		return false;
	if (!strstr(name, ".scope") && !strstr(name, ".service"))
		return false;
	return manager_delegates(true, getpid());
}

/* ----------------------------------------------------------------------------- systemd */

void choice_add_property(struct choice *c, const char *text)
{
	struct strv *list = &c->p->properties;
	const char **v = arena_alloc(c->a, (list->n + 2) * sizeof(*v));

	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n] = text;
	*list = (struct strv){ v, list->n + 1 };
}

/* "" and "-" parts mean the defaults; "a-b" of a slice is a nested one, which systemd makes itself. */
static int scope_names(struct choice *c, struct err *err)
{
	const char *slice = c->p->user_manager ? "user.slice" : "system.slice", *prefix = "bryo",
		   *name = name_part(c->a, c->q->id);

	if (c->scope_path) {
		const char *first = strchr(c->path, ':'), *second = strchr(first + 1, ':');

		if (first > c->path)
			slice = arena_strndup(c->a, c->path, (size_t)(first - c->path));
		prefix = arena_strndup(c->a, first + 1, (size_t)(second - first - 1));
		if (second[1])
			name = second + 1;
	} else if (c->path && *c->path && !c->q->manager) {
		note_add(c->notes, NOTE_ADAPTED, "linux.cgroupsPath",
			 "your own cgroup is not delegated to you, so there is a scope",
			 "'%s' is not used", c->path);
	} else if (c->path && *c->path) {
		return err_hint(
			err,
			err_set(err, EINVAL,
				"linux.cgroupsPath: '%s' is not slice:prefix:name, as the systemd "
				"cgroup manager wants it",
				c->path),
			"leave it out, or use --cgroup-manager=cgroupfs");
	}
	if (str_eq(slice, "-"))
		slice = "-.slice";
	if (!str_eq(slice, "-.slice") &&
	    (strlen(slice) < 7 || !str_eq(slice + strlen(slice) - 6, ".slice")))
		return err_set(err, EINVAL, "linux.cgroupsPath: '%s' is not the name of a slice",
			       slice);
	c->p->unit = arena_printf(c->a, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	/* of a user manager the root slice is its own, not one named so below it */
	if (!c->p->user_manager || c->scope_path)
		choice_add_property(c, arena_printf(c->a, "Slice=s:%s", slice));
	return 0;
}

static int annotated_properties(struct choice *c, struct err *err)
{
	static const char prefix[] = "org.systemd.property.";
	const struct pairs *all = &c->q->spec->annotations;

	for (size_t i = 0; i < all->n; i++) {
		const char *name = all->v[i].name + strlen(prefix);

		if (!str_starts(all->v[i].name, prefix))
			continue;
		if (!*name ||
		    strspn(name,
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") !=
			    strlen(name))
			return err_set(err, EINVAL, "annotation %s: no name of a property",
				       all->v[i].name);
		choice_add_property(c, arena_printf(c->a, "%s=@%s", name, all->v[i].value));
	}
	return 0;
}

static int choose_systemd(struct choice *c, const char *why, struct err *err)
{
	const char *subgroup = annotation(c, "run.oci.systemd.subgroup");
	int rc;

	host_need_manager(c->host);
	c->p->backend = CGROUP_SYSTEMD;
	c->p->why = why;
	c->p->user_manager = !c->host->privileged;
	c->p->subgroup = subgroup ? subgroup : DEFAULT_SUBGROUP;
	c->have = &c->host->manager_controllers;
	if (strchr(c->p->subgroup, '/') || str_eq(c->p->subgroup, "..") ||
	    str_eq(c->p->subgroup, "."))
		return err_set(err, EINVAL,
			       "annotation run.oci.systemd.subgroup: '%s' is no name of a cgroup",
			       c->p->subgroup);
	rc = scope_names(c, err);
	if (rc == 0)
		choice_add_property(
			c, arena_printf(c->a, "Description=s:bryo container %s", c->q->id));
	/* what ignores SIGTERM is not to hold up a logout or shutdown for systemd's 90 s */
	if (rc == 0)
		choice_add_property(c, "TimeoutStopUSec=t:10000000");
	return rc == 0 ? annotated_properties(c, err) : rc;
}

static int plan_devices(struct choice *c, struct err *err)
{
	if (!c->host->privileged || c->host->faked)
		return 0;
	c->p->filter_devices = true;
	return device_program_plan(c->a, &c->q->spec->linux_.resources, &c->p->devices, err);
}

static int plan_inner(struct choice *c, struct err *err)
{
	const char *inner = annotation(c, "run.oci.delegate-cgroup");

	if (!inner || !*inner)
		return 0;
	if (strchr(inner, '/') || str_eq(inner, ".") || str_eq(inner, ".."))
		return err_set(err, EINVAL,
			       "annotation run.oci.delegate-cgroup: '%s' is no name of a cgroup",
			       inner);
	c->p->inner = inner;
	return 0;
}

/* ------------------------------------------------------------------------------ choice */

static int no_place(struct choice *c, struct err *err)
{
	int rc;

	if (!*c->asked || c->policy == POLICY_BEST_EFFORT)
		return choose_none(
			c,
			"your own cgroup is not delegated to you, and there is no user bus to ask for a "
			"scope",
			false, err);
	rc = err_set(err, ENOTSUP, "linux.resources: %s need a cgroup of your own: %s", c->asked,
		     c->host->manager_why);
	return err_hint(
		err, rc,
		"`loginctl enable-linger` (by root for services and cron: `loginctl enable-linger %s`) starts a user "
		"manager, the package dbus-user-session gives it a bus; or start from `systemd-run --user --scope -p "
		"Delegate=yes`",
		c->host->user ? c->host->user : "USER");
}

static int choose_by_word(struct choice *c, const char *word, struct err *err)
{
	struct host *h = c->host;

	if (h->cgroup != HOST_CGROUP_V2 && str_eq(word, "systemd"))
		return err_hint(
			err, err_set(err, ENOTSUP, "systemd cgroups: %s", choice_host_words(h)),
			"leave --systemd-cgroup out, or boot with systemd.unified_cgroup_hierarchy=1");
	if (str_eq(word, "systemd")) {
		if (!manager_supported() && !h->faked)
			return err_set(err, ENOTSUP,
				       "systemd cgroups: bryo was built without libsystemd");
		host_need_manager(h);
		if (!h->manager)
			return err_hint(
				err, err_set(err, ENOTCONN, "systemd cgroups: %s", h->manager_why),
				"log in with a session (ssh, machinectl shell), or `loginctl enable-linger` and the "
				"package dbus-user-session");
		return choose_systemd(c, "it was asked for", err);
	}
	if (h->privileged && h->cgroup_own)
		return choose_v2(c, "/", "it was asked for", err);
	if (own_is_ours(h))
		return choose_v2(c, h->cgroup_own, "it was asked for", err);
	err_set(err, EACCES, "cgroupfs: your cgroup '%s' is not delegated to you",
		h->cgroup_own ? h->cgroup_own : "?");
	return err_hint(
		err, -EACCES,
		"start from `systemd-run --user --scope -p Delegate=yes`, or leave the cgroup manager "
		"to bryo");
}

static int choose(struct choice *c, struct err *err)
{
	struct host *h = c->host;
	const char *word = c->q->manager;

	if (str_eq(word, "disabled"))
		return choose_none(c, "cgroups are disabled on the command line", true, err);
	(void)host_need_cgroup(h, NULL);
	if (!word && c->scope_path && h->cgroup == HOST_CGROUP_V2)
		word = "systemd";
	if (h->cgroup != HOST_CGROUP_V2 && !str_eq(word, "systemd"))
		return choose_none(c, choice_host_words(h), true, err);
	if (word)
		return choose_by_word(c, word, err);
	/* a service with Delegate=yes keeps its container, unless a place is named */
	if (h->privileged && h->cgroup_delegated && !(c->path && *c->path))
		return choose_v2(c, h->cgroup_own, "your own cgroup is delegated to you", err);
	if (h->privileged && h->cgroup_own && h->cgroup_writable)
		return choose_v2(c, "/", "the caller is root", err);
	if (h->privileged)
		return choose_none(c, "/sys/fs/cgroup cannot be written", false, err);
	if (own_is_ours(h))
		return choose_v2(c, h->cgroup_own, "your own cgroup is delegated to you", err);
	if (manager_supported() || h->faked)
		host_need_manager(h);
	else
		h->manager_why = "bryo was built without libsystemd";
	if (h->manager) {
		c->p->optional = !*c->asked;
		return choose_systemd(
			c, "your own cgroup is not delegated to you, and there is a user bus", err);
	}
	if (!choice_host_limits(h))
		return choose_none(c, choice_host_words(h), true, err);
	return no_place(c, err);
}

static bool is_scope_path(const char *path)
{
	const char *first = path ? strchr(path, ':') : NULL,
		   *second = first ? strchr(first + 1, ':') : NULL;

	return second && !strchr(second + 1, ':') && !strchr(path, '/');
}

int cgroup_plan(struct arena *a, const struct cgroup_request *q, struct host *host,
		struct notes *notes, struct cgroup_plan *ret, struct err *err)
{
	struct choice c = { .a = a, .q = q, .host = host, .notes = notes, .p = ret };
	auto_str struct str asked = STR_INIT;
	int rc;

	*ret = (struct cgroup_plan){ .limits.memory_limit = -1,
				     .owner = (uid_t)-1,
				     .owner_inside = (uid_t)-1 };
	c.r = q->spec->linux_.resources;
	read_pids(&c);
	cgroup_limits_asked(&c.r, &asked);
	c.asked = asked.p ? asked.p : "";
	c.path = q->spec->linux_.cgroups_path;
	c.scope_path = is_scope_path(c.path);
	rc = read_policy(&c, err);
	if (rc == 0)
		rc = choose(&c, err);
	if (rc < 0 || ret->backend == CGROUP_NONE)
		return rc;
	rc = choice_limits(&c, err);
	if (rc == 0)
		rc = plan_devices(&c, err);
	return rc == 0 ? plan_inner(&c, err) : rc;
}
