/*
 * doctor_process.c - what this process was given, and a container inherits: resource limits, key
 * quota, labels of security modules. Runs in the process that the user started; reads only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/resource.h>

struct limit {
	int which;
	const char *name, *ulimit, *less;
	rlim_t enough; /* in the limit's own unit */
};

static const struct limit nofile = { RLIMIT_NOFILE, "nofile", "-n",
				     "databases and servers in containers fail", 1024 },
			  nproc = { RLIMIT_NPROC, "nproc", "-u",
				    "containers and helpers count as yours", 512 },
			  memlock = { RLIMIT_MEMLOCK, "memlock", "-l",
				      "io_uring and locked keys in containers fail", 65536 };

static void check_limit(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct limit *l = c->arg;
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)l->which, &r) < 0 || r.rlim_max == RLIM_INFINITY) {
		say_ok(d, f, "no limit");
		return;
	}
	if (r.rlim_max >= l->enough) {
		say_ok(d, f, "%llu, at most %llu; a config that asks for more is refused",
		       (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
		return;
	}
	say_degraded(d, f, "at most %llu (ulimit %s): %s", (unsigned long long)r.rlim_max,
		     l->ulimit, l->less);
	say_remedy(
		d, f,
		"echo '%s - %s %llu' | %stee /etc/security/limits.d/90-bryo-%s.conf, and log in anew",
		shell_word(d->host.user, "USER"), l->name,
		(unsigned long long)(l->which == RLIMIT_MEMLOCK ? 8192 : l->enough * 64), d->sudo,
		l->name);
}

/* "1000:     3 3/3 2/200 60/20000": keys of a user in use, of how many, and bytes likewise. */
static void check_keys(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *text = read_text(d, "/proc/key-users"),
		   *want = arena_printf(d->a, "%5u:", d->host.uid);
	unsigned long long used, most;

	(void)c;
	for (const char *line = text; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
		const char *p = line + strlen(want);

		if (!str_starts(line, want))
			continue;
		for (int i = 0; i < 2; i++)
			p += strspn(p, " "), p += strcspn(p, " \n");
		p += strspn(p, " ");
		if (!str_next_u64(&p, UINT32_MAX, &used) || *p++ != '/' ||
		    !str_next_u64(&p, UINT32_MAX, &most))
			break;
		if (used + used / 9 < most) {
			say_ok(d, f, "%llu of %llu keys in use", used, most);
			return;
		}
		say_degraded(
			d, f,
			"%llu of %llu keys in use: containers get no session keyring of their own",
			used, most);
		say_remedy(d, f, "%s", distro_sysctl(d, "kernel.keys.maxkeys", "20000"));
		return;
	}
	say_ok(d, f, "no keys in use");
}

/* First line, without the newline and the zero byte that some kernels add. */
static const char *own_label(struct doctor *d, const char *path)
{
	const char *text = read_text(d, path);

	return arena_strndup(d->a, text, strcspn(text, "\n"));
}

static void check_apparmor(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *label;

	(void)c;
	host_need_lsm(&d->host);
	if (!d->host.apparmor) {
		say_ok(d, f, "not active: a config that names a profile is refused");
		return;
	}
	label = own_label(d, "/proc/self/attr/apparmor/current");
	if (!*label)
		label = own_label(d, "/proc/self/attr/current");
	if (str_starts(label, "unconfined") || !*label || strstr(label, "(unconfined)")) {
		say_ok(d, f,
		       "active, and this process is unconfined: containers can be given a loaded profile");
		return;
	}
	say_degraded(
		d, f,
		"this process is confined by the profile %s: what that forbids, containers cannot do",
		label);
	say_remedy(
		d, f,
		"start from an unconfined shell; in a container: --security-opt apparmor=unconfined outside");
}

static void check_selinux(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	bool enforcing;

	(void)c;
	host_need_lsm(&d->host);
	if (!d->host.selinux) {
		say_ok(d, f, "not active: a config that names a label is refused");
		return;
	}
	enforcing = read_number(d, "/sys/fs/selinux/enforce") == 1;
	say_ok(d, f, "active%s, as %s: labels of process and mounts can be set",
	       enforcing ? " and enforcing" : "", own_label(d, "/proc/self/attr/current"));
}

const struct doctor_check doctor_process_checks[] = {
	{ "limit.nofile", DOCTOR_PODMAN, false, check_limit, &nofile },
	{ "limit.nproc", DOCTOR_PODMAN | DOCTOR_SANDBOX, false, check_limit, &nproc },
	{ "limit.memlock", DOCTOR_PODMAN, false, check_limit, &memlock },
	{ "limit.keys", DOCTOR_PODMAN | DOCTOR_SANDBOX, false, check_keys, NULL },
	{ "lsm.apparmor", DOCTOR_PODMAN, true, check_apparmor, NULL },
	{ "lsm.selinux", DOCTOR_PODMAN, true, check_selinux, NULL },
	{ 0 },
};
