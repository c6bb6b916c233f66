/*
 * doctor_userns.c - user namespaces, whatever forbids them, and what can be made in them. Runs in
 * the process that the user started.
 *
 * userns.create says what happened when one was made. The rows after it are the known causes, one
 * each, in the words of rootless/userns_explain.c; one that is there and did not stop this caller
 * (root, or a binary with a profile) is ok.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "feature/mount_explain.h"
#include "rootless/rootless.h"
#include "rootless/userns_explain.h"

#include <errno.h>
#include <string.h>

#define NAMED_MAX 5

/* Root of the machine runs containers without a user namespace. */
static void say_no(struct doctor *d, struct finding *f, const char *why)
{
	if (d->host.privileged)
		say_degraded(d, f, "%s (root does without)", why);
	else
		say_missing(d, f, "%s", why);
}

static bool works(const struct doctor *d)
{
	return d->tryout.done && d->tryout.userns == 0 && d->tryout.rights == 0;
}

/* What was tried inside says something. */
static bool may_try(const struct doctor *d)
{
	return works(d) && d->tryout.namespaces == 0 && !(d->tryout.refused & 1u);
}

static void check_create(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct tryout *t = &d->tryout;
	struct userns_cause cause;
	const char *step = t->userns ? "user namespaces cannot be made"
				     : "user namespaces have no rights";
	int num = t->userns ? t->userns : t->rights;

	(void)c;
	if (works(d)) {
		say_ok(d, f, "they can be made, and have rights");
		return;
	}
	if (!userns_cause(d->a, d->root, d->exe, t->userns, &cause)) {
		say_no(d, f, arena_printf(d->a, "%s: %s", step, strerror(num)));
		return;
	}
	say_no(d, f, arena_printf(d->a, "%s: %s: %s", step, strerror(num), cause.why));
	say_remedy(d, f, "%s", cause.remedy);
}

struct obstacle {
	enum userns_obstacle which;
	const char *absent;
};

static const struct obstacle no_support = { USERNS_NO_SUPPORT, "the kernel has user namespaces" },
			     limits = { USERNS_LIMITS,
					"no user.max_*_namespaces is 0 or close to it" },
			     sysctl = { USERNS_SYSCTL,
					"kernel.unprivileged_userns_clone does not forbid them" },
			     chrooted = { USERNS_CHROOT, "not in a chroot" },
			     apparmor = { USERNS_APPARMOR, "AppArmor does not restrict them" },
			     seccomp = { USERNS_SECCOMP, "no seccomp filter is on this process" };

static void check_obstacle(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct obstacle *o = c->arg;
	struct userns_cause cause;

	if (!userns_obstacle(d->a, d->root, d->exe, o->which, &cause)) {
		say_ok(d, f, "%s", o->absent);
		return;
	}
	if (works(d) && d->tryout.namespaces == 0) {
		say_ok(d, f, "%s; that does not stop you here", cause.why);
		return;
	}
	say_no(d, f, cause.why);
	say_remedy(d, f, "%s", cause.remedy);
}

static void check_others(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	int num = d->tryout.namespaces;
	struct userns_cause cause;

	(void)c;
	if (num == 0) {
		say_ok(d, f, "mount, pid, net, ipc, uts and cgroup namespaces can be made");
		return;
	}
	if (d->tryout.userns) {
		say_no(d, f, "no user namespace, so none of the others either");
		return;
	}
	if (!userns_cause(d->a, d->root, d->exe, num, &cause))
		cause = (struct userns_cause){ strerror(num), "see the kernel log" };
	say_no(d, f,
	       arena_printf(
		       d->a,
		       "a user namespace can be made, one with mount, pid, net, ipc, uts and cgroup "
		       "namespaces cannot: %s",
		       cause.why));
	say_remedy(d, f, "%s", cause.remedy);
}

static void check_nested(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (!may_try(d)) {
		say_degraded(d, f, "cannot be told: the first one already fails");
	} else if (d->tryout.nested == 0) {
		say_ok(d, f, "a container may make user namespaces itself");
	} else {
		say_degraded(
			d, f, "no user namespace within a container's: %s",
			d->tryout.nested == ENOSPC || d->tryout.nested == EUSERS
				? "they would be nested more than 32 deep, or a limit is reached"
				: strerror(d->tryout.nested));
		say_remedy(
			d, f,
			"start from fewer nested containers, or raise user.max_user_namespaces outside");
	}
}

/* On these the kernel keeps an empty directory, and a mount there hides nothing. */
static const char *const hollow[] = {
	"/proc/sys/fs/binfmt_misc",
	"/proc/fs/nfsd",
	"/sys/fs/",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	"/sys/kernel/security",
	"/sys/kernel/config",
	"/sys/firmware/efi/efivars",
};

static bool is_hollow(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(hollow); i++)
		if (str_starts(path, hollow[i]))
			return true;
	return false;
}

/* What covers something below dir, the first few; NULL: nothing does. */
static const char *covered(struct doctor *d, const char *dir)
{
	auto_str struct str list = STR_INIT;
	struct strv points;
	size_t n = 0;

	mount_points_below(d->a, dir, &points);
	for (size_t i = 0; i < points.n; i++)
		if (!is_hollow(points.v[i]) && n++ < NAMED_MAX)
			str_addf(&list, "%s%s", list.len ? ", " : "", points.v[i]);
	if (n > NAMED_MAX)
		str_addf(&list, " and %zu more", n - NAMED_MAX);
	return n ? arena_strdup(d->a, list.p) : NULL;
}

static void check_proc(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *names = covered(d, "/proc");

	(void)c;
	if (!may_try(d)) {
		say_degraded(d, f, "cannot be told: no namespaces to try in");
		return;
	}
	if (d->tryout.proc == 0) {
		say_ok(d, f, "a container gets a proc of its own");
		return;
	}
	/* with a flag it works, if with less */
	say_degraded(d, f, "a new proc is refused (%s)%s%s%s", strerror(d->tryout.proc),
		     names ? ": this one is partly covered by mounts on " : "", names ? names : "",
		     names ? ", as in an unprivileged container" : "");
	say_remedy(
		d, f,
		"bryo sandbox --proc bind (shows the outer processes), or have the outer container "
		"unmask /proc: docker: --security-opt systempaths=unconfined; podman: "
		"--security-opt unmask=ALL; a pod: procMount: Unmasked with hostUsers: false");
}

static void check_sysfs(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *names = covered(d, "/sys");

	(void)c;
	if (!may_try(d)) {
		say_degraded(d, f, "cannot be told: no namespaces to try in");
		return;
	}
	if (d->tryout.sysfs == 0) {
		say_ok(d, f, "a container with its own network gets a sysfs of its own");
		return;
	}
	say_degraded(d, f, "a new sysfs is refused (%s)%s%s: configs that mount one fail",
		     strerror(d->tryout.sysfs), names ? ", for mounts cover " : "",
		     names ? names : "");
	say_remedy(d, f, "bind /sys instead, as `bryo spec --rootless` does");
}

const struct doctor_check doctor_userns_checks[] = {
	{ "userns.create", DOCTOR_ANY, false, check_create, NULL },
	{ "userns.support", DOCTOR_ANY, false, check_obstacle, &no_support },
	{ "userns.limits", DOCTOR_ANY, false, check_obstacle, &limits },
	{ "userns.sysctl", DOCTOR_ANY, false, check_obstacle, &sysctl },
	{ "userns.apparmor", DOCTOR_ANY, false, check_obstacle, &apparmor },
	{ "userns.chroot", DOCTOR_ANY, false, check_obstacle, &chrooted },
	{ "userns.seccomp", DOCTOR_ANY, false, check_obstacle, &seccomp },
	{ "userns.namespaces", DOCTOR_ANY, false, check_others, NULL },
	{ "userns.nested", DOCTOR_PODMAN | DOCTOR_SANDBOX, false, check_nested, NULL },
	{ "mount.proc", DOCTOR_SANDBOX | DOCTOR_PODMAN, false, check_proc, NULL },
	{ "mount.sysfs", DOCTOR_PODMAN, false, check_sysfs, NULL },
	{ 0 },
};
