/*
 * sysctl.c - sysctls and time offsets (sysctl.h).
 */
#include "sysctl.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/procfs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Prefixes of namespaced keys and the namespace that must be the container's own. */
static const struct {
	const char *prefix;
	uint32_t flag;
	bool whole; /* the prefix is the key */
} allowed[] = {
	{ "net/", CLONE_NEWNET, false },
	{ "fs/mqueue/", CLONE_NEWIPC, false },
	{ "kernel/msgmax", CLONE_NEWIPC, true },
	{ "kernel/msgmnb", CLONE_NEWIPC, true },
	{ "kernel/msgmni", CLONE_NEWIPC, true },
	{ "kernel/sem", CLONE_NEWIPC, true },
	{ "kernel/shmall", CLONE_NEWIPC, true },
	{ "kernel/shmmax", CLONE_NEWIPC, true },
	{ "kernel/shmmni", CLONE_NEWIPC, true },
	{ "kernel/shm_rmid_forced", CLONE_NEWIPC, true },
	{ "kernel/domainname", CLONE_NEWUTS, true },
	{ "kernel/hostname", CLONE_NEWUTS, true },
	{ "user/", CLONE_NEWUSER, false },
};

/*
 * Both notations are accepted as sysctl(8) has it: the first separator decides, and a dot in a
 * path of slashes (an interface eth0.100) stays a dot and the other way round.
 */
static char *sysctl_path(struct arena *a, const char *key)
{
	char *path = arena_strdup(a, key);

	if (path[strcspn(path, "./")] != '.')
		return path;
	for (char *p = path; *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return path;
}

static int check_key(const struct spec *spec, const struct ns_plan *ns, const char *key,
		     const char *path, struct err *err)
{
	if (strstr(path, "..") || path[0] == '/' || strstr(path, "//"))
		return err_set(err, EINVAL, "'%.80s' is not the name of a sysctl", key);
	if ((str_eq(path, "kernel/hostname") && spec->hostname) ||
	    (str_eq(path, "kernel/domainname") && spec->domainname))
		return err_set(err, EINVAL, "'%s' is set by %s already", key,
			       strchr(path, '/') + 1);
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		if (allowed[i].whole ? !str_eq(path, allowed[i].prefix)
				     : !str_starts(path, allowed[i].prefix))
			continue;
		if (ns->differ & allowed[i].flag)
			return 0;
		err_set(err, EINVAL, "'%s' needs a %s namespace of the container's own", key,
			ns_name(allowed[i].flag));
		return err_hint(err, -EINVAL, "without one the host's value would change");
	}
	err_set(err, EINVAL, "'%.80s' does not belong to a namespace", key);
	return err_hint(err, -EINVAL, "it would change the whole host: set it there");
}

/* The part of low..high that is mapped; false: nothing is. */
static bool mapped_part(const struct id_extents *map, unsigned long long *low,
			unsigned long long *high)
{
	unsigned long long first = ULLONG_MAX, last = 0;

	for (size_t i = 0; i < map->n; i++) {
		unsigned long long from = map->v[i].inside, to = from + map->v[i].count - 1;

		from = from < *low ? *low : from;
		to = to > *high ? *high : to;
		if (from > to)
			continue;
		first = from < first ? from : first;
		last = to > last ? to : last;
	}
	*low = first;
	*high = last;
	return first <= last;
}

/*
 * Engines let every group ping: "0 2147483647". The kernel takes groups that are mapped only, and
 * there are no others in the container. NULL: none of them is, and a new namespace lets nobody ping.
 */
static const char *fit_ping_range(struct arena *a, const char *value, const struct idmap_plan *ids,
				  struct notes *notes)
{
	unsigned long long low, high, l, h;
	const char *fitted, *p = value;

	if (!ids->known || !str_next_u64(&p, UINT32_MAX, &low) || !str_next_u64(&p, UINT32_MAX, &high) || *p ||
	    low > high)
		return value;
	l = low;
	h = high;
	if (!mapped_part(&ids->gid, &l, &h)) {
		note_add(notes, NOTE_ADAPTED, "linux.sysctl net.ipv4.ping_group_range",
			 "none of its groups is mapped, so nobody in the container is in them",
			 "left out '%s'", value);
		return NULL;
	}
	if (l == low && h == high)
		return value;
	fitted = arena_printf(a, "%llu %llu", l, h);
	note_add(notes, NOTE_ADAPTED, "linux.sysctl net.ipv4.ping_group_range",
		 "the other groups are not mapped, so nobody in the container is in them",
		 "'%s' instead of '%s'", fitted, value);
	return fitted;
}

static int plan_userns(const struct spec *spec, const struct ns_plan *ns, struct sysctl_plan *ret,
		       struct err *err)
{
	const char *word = spec_annotation(spec, USERNS_ANNOTATION);

	if (!word || str_eq(word, "allowed"))
		return 0;
	if (!str_eq(word, "disabled"))
		return err_hint(err,
				err_set(err, EINVAL,
					"annotation " USERNS_ANNOTATION ": unknown value '%s'", word),
				"disabled or allowed");
	if (!(ns->create & CLONE_NEWUSER))
		return err_hint(err,
				err_set(err, EINVAL,
					"annotation " USERNS_ANNOTATION
					" needs a new user namespace of the container's own"),
				"add {\"type\": \"user\"} to linux.namespaces: what is joined by path is "
				"not the container's to limit");
	ret->v[ret->n++] = (struct sysctl_one){ "user.max_user_namespaces",
						"sys/user/max_user_namespaces", "0" };
	return 0;
}

int sysctl_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns,
		const struct idmap_plan *ids, struct notes *notes, struct sysctl_plan *ret,
		struct err *err)
{
	ret->v = arena_alloc(a, (spec->linux_.sysctl.n + 2) * sizeof(*ret->v));
	for (size_t i = 0; i < spec->linux_.sysctl.n; i++) {
		const struct pair *p = &spec->linux_.sysctl.v[i];
		const char *value = p->value;
		char *path = sysctl_path(a, p->name);
		int rc = check_key(spec, ns, p->name, path, err);

		if (rc < 0)
			return err_in(err, rc, "linux.sysctl");
		if (str_eq(path, "net/ipv4/ping_group_range"))
			value = fit_ping_range(a, value, ids, notes);
		if (value)
			ret->v[ret->n++] = (struct sysctl_one){ p->name,
								arena_printf(a, "sys/%s", path),
								value };
	}
	return plan_userns(spec, ns, ret, err);
}

static int write_one(int proc, const struct sysctl_one *s, struct err *err)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	auto_fd int fd = sys_openat2(proc, s->path, &how);
	size_t len = strlen(s->value);
	int rc;

	if (fd < 0) {
		rc = err_sys(err, "open");
		if (rc == -EXDEV)
			return err_hint(err, rc,
					"the outer container covers /proc/sys, and a procfs of our own "
					"cannot be mounted below it");
		return rc == -ENOENT ? err_hint(err, rc, "this kernel has no such sysctl") : rc;
	}
	if (write(fd, s->value, len) == (ssize_t)len)
		return 0;
	rc = err_sys(err, "write '%.80s'", s->value);
	if (rc == -EINVAL && strstr(s->path, "ping_group_range"))
		err_hint(err, rc, "every group of the range must be mapped in the container");
	return rc;
}

/* Of a uts namespace the files belong to the host's root; the system calls ask for ours. */
static int set_one(int proc, const struct sysctl_one *s, struct err *err)
{
	size_t len = strcspn(s->value, "\n");
	int rc;

	if (str_eq(s->path, "sys/kernel/hostname"))
		rc = sethostname(s->value, len);
	else if (str_eq(s->path, "sys/kernel/domainname"))
		rc = setdomainname(s->value, len);
	else
		return write_one(proc, s, err);
	return rc < 0 ? err_sys(err, "set '%.80s'", s->value) : 0;
}

int sysctl_inside(const struct sysctl_plan *plan, struct err *err)
{
	auto_fd int proc = -1;

	if (!plan->n)
		return 0;
	proc = procfs_open_inside(err);
	if (proc < 0)
		return err_in(err, proc, "set sysctls");
	for (size_t i = 0; i < plan->n; i++) {
		int rc = set_one(proc, &plan->v[i], err);

		if (rc < 0)
			return err_in(err, rc, "sysctl '%s'", plan->v[i].key);
	}
	return 0;
}

int timens_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns,
		struct timens_plan *ret, struct err *err)
{
	const struct spec_time_offset *boot = &spec->linux_.time_offsets.boottime;
	const struct spec_time_offset *mono = &spec->linux_.time_offsets.monotonic;

	ret->active = ns->time;
	if (!boot->present && !mono->present)
		return 0;
	if (!ns->time) {
		err_set(err, EINVAL, "linux.timeOffsets needs a new time namespace");
		return err_hint(err, -EINVAL, "add {\"type\": \"time\"} to linux.namespaces");
	}
	ret->monotonic = (struct time_offset){ mono->secs.v, mono->nanosecs.v };
	ret->boottime = (struct time_offset){ boot->secs.v, boot->nanosecs.v };
	ret->offsets = arena_printf(a, "monotonic %lld %u\nboottime %lld %u\n",
				    (long long)mono->secs.v, mono->nanosecs.v,
				    (long long)boot->secs.v, boot->nanosecs.v);
	return 0;
}

int timens_inside(const struct timens_plan *plan, struct err *err)
{
	auto_fd int ns = -1;
	int rc;

	if (!plan->active)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(err, "make a time namespace");
	rc = plan->offsets ? file_poke_at(AT_FDCWD, "/proc/self/timens_offsets", plan->offsets, err)
			   : 0;
	if (rc < 0)
		return err_in(err, rc, "linux.timeOffsets");
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_sys(err, "open the time namespace");
	if (setns(ns, CLONE_NEWTIME) < 0)
		return err_sys(err, "enter the time namespace");
	return 0;
}
