/*
 * doctor_cgroup.c - limits: which hierarchy there is, whether a container gets a cgroup of its own,
 * and each controller by itself. The choice is that of feature/cgroup/choose.c, by the same facts.
 * Runs in the process that the user started; reads only, and asks no bus.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "feature/cgroup/cgroup.h"

#include <string.h>
#include <sys/statvfs.h>

/* Where a container's cgroup will be, and which controllers it can have. */
enum place { PLACE_NONE, PLACE_OWN, PLACE_MANAGER, PLACE_ROOT };

static enum place place_of(struct doctor *d, const struct strv **ret_controllers)
{
	struct host *h = &d->host;

	(void)host_need_cgroup(h, NULL);
	host_need_manager(h);
	*ret_controllers = &h->cgroup_controllers;
	if (h->cgroup != HOST_CGROUP_V2)
		return PLACE_NONE;
	if (h->privileged) {
		*ret_controllers = &h->root_controllers;
		return h->cgroup_own && (h->cgroup_writable || h->faked) ? PLACE_ROOT : PLACE_NONE;
	}
	if (h->cgroup_delegated)
		return PLACE_OWN;
	if (h->manager && (h->faked || manager_supported())) {
		*ret_controllers = &h->manager_controllers;
		return PLACE_MANAGER;
	}
	return PLACE_NONE;
}

/* Who mounts the hierarchy, and who writes the boot loader's menu, differ. */
static void say_boot(struct doctor *d, struct finding *f)
{
	static const char *const menus[] = {
		[DISTRO_OTHER] = "grub-mkconfig -o /boot/grub/grub.cfg",
		[DISTRO_DEBIAN] = "update-grub",
		[DISTRO_SUSE] = "grub2-mkconfig -o /boot/grub2/grub.cfg",
		[DISTRO_ARCH] = "grub-mkconfig -o /boot/grub/grub.cfg",
		[DISTRO_ALPINE] = NULL,
	};

	if (d->distro == DISTRO_FEDORA)
		say_remedy(
			d, f,
			"%sgrubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1, and reboot",
			d->sudo);
	else if (d->distro == DISTRO_ALPINE)
		say_remedy(
			d, f,
			"rc_cgroup_mode=\"unified\" in /etc/rc.conf, %src-update add cgroups, and reboot",
			d->sudo);
	else
		say_remedy(d, f,
			   "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line "
			   "(GRUB_CMDLINE_LINUX in /etc/default/grub, then %s%s), and reboot",
			   d->sudo, menus[d->distro]);
}

static void check_version(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	static const char *const words[] = {
		[HOST_CGROUP_NONE] =
			"/sys/fs/cgroup is no cgroup hierarchy: containers run without limits",
		[HOST_CGROUP_V2] = "cgroup v2",
		[HOST_CGROUP_V1] =
			"cgroup v1, of which nothing is given to users: containers run without limits",
		[HOST_CGROUP_HYBRID] =
			"v1 and v2 mixed, with the controllers on v1: containers run without limits",
	};

	(void)c;
	(void)host_need_cgroup(&d->host, NULL);
	if (d->host.cgroup == HOST_CGROUP_V2) {
		say_ok(d, f, "%s", words[HOST_CGROUP_V2]);
		return;
	}
	say_missing(d, f, "%s", words[d->host.cgroup]);
	if (d->host.cgroup == HOST_CGROUP_NONE)
		say_remedy(
			d, f,
			"%smount -t cgroup2 cgroup2 /sys/fs/cgroup; in a container: give it a cgroup namespace "
			"and a mount of type cgroup",
			d->sudo);
	else
		say_boot(d, f);
}

static bool is_read_only(struct doctor *d)
{
	struct statvfs fs;

	return !d->host.faked && statvfs(CGROUP_MOUNT, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static void check_place(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct strv *controllers;
	struct host *h = &d->host;

	(void)c;
	switch (place_of(d, &controllers)) {
	case PLACE_ROOT:
		say_ok(d, f, "anywhere in the hierarchy, for you are root");
		return;
	case PLACE_OWN:
		say_ok(d, f, "below your own cgroup %s, which is delegated to you", h->cgroup_own);
		return;
	case PLACE_MANAGER:
		say_ok(d, f,
		       "in a scope that your service manager makes (linger and session say how long)");
		return;
	case PLACE_NONE:
		break;
	}
	if (h->cgroup != HOST_CGROUP_V2) {
		say_missing(d, f, "none: see cgroup.version");
	} else if (is_read_only(d)) {
		say_missing(d, f, "/sys/fs/cgroup is read-only: nothing can be made in it");
		say_remedy(
			d, f,
			"have the outer container mount it writable, in a cgroup namespace of its own (podman: "
			"--security-opt unmask=/sys/fs/cgroup)");
	} else if (h->privileged) {
		say_missing(d, f, "your cgroup cannot be seen or written");
		say_remedy(d, f, "run outside of the container, or have it delegate its cgroup");
	} else if (h->manager) {
		say_missing(
			d, f,
			"your own cgroup is not delegated to you, and bryo's helper for systemd is missing");
		say_remedy(d, f,
			   "systemd-run --user --scope -p Delegate=yes before the command; see "
			   "helper.bryo-systemd");
	} else {
		say_missing(d, f, "your own cgroup is not delegated to you, and %s",
			    h->manager_why);
		say_remedy(d, f, "see session.bus");
	}
}

struct controller {
	const char *name, *kernel; /* kernel: what turns it on or builds it in */
	bool usual;		   /* every release of systemd delegates it to users */
};

static const struct controller
	memory = { "memory", "cgroup_enable=memory on the kernel's command line, or CONFIG_MEMCG=y",
		   true },
	pids = { "pids", "CONFIG_CGROUP_PIDS=y", true },
	cpu = { "cpu", "CONFIG_CGROUP_SCHED=y and CONFIG_CFS_BANDWIDTH=y", false },
	cpuset = { "cpuset", "CONFIG_CPUSETS=y", false },
	io = { "io", "CONFIG_BLK_CGROUP=y", false };

static bool has(const struct strv *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], name))
			return true;
	return false;
}

static void check_controller(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct controller *k = c->arg;
	const struct strv *controllers;
	enum place place = place_of(d, &controllers);

	if (place != PLACE_NONE && has(controllers, k->name)) {
		say_ok(d, f, "%s", place == PLACE_ROOT ? "there" : "delegated to you");
		return;
	}
	if (place == PLACE_NONE) {
		say_missing(d, f, "no cgroup to have it in: see cgroup.place");
	} else if (d->host.cgroup_top && !has(&d->host.root_controllers, k->name)) {
		say_missing(d, f, "the kernel does not have it on cgroup v2");
		say_remedy(d, f, "%s", k->kernel);
	} else if (place == PLACE_MANAGER) {
		say_missing(d, f, "not delegated to you: such a limit is refused");
		say_remedy(d, f, "%s", cgroup_delegate_remedy(d->a, d->host.uid));
	} else {
		say_missing(d, f, "your cgroup does not have it: such a limit is refused");
		say_remedy(d, f, "have it delegated by whoever made that cgroup");
	}
	/* works with less */
	if (!k->usual && place != PLACE_NONE)
		f->status = DOCTOR_DEGRADED;
}

static void check_kill(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *own;

	(void)c;
	(void)host_need_cgroup(&d->host, NULL);
	own = d->host.cgroup_own;
	if (d->host.cgroup != HOST_CGROUP_V2 || !own || str_eq(own, "/")) {
		say_ok(d, f, "not looked for: no cgroup of v2 of our own here");
	} else if (access(arena_printf(d->a, CGROUP_MOUNT "%s/cgroup.kill", own), F_OK) == 0) {
		say_ok(d, f, "a cgroup can be killed in one step");
	} else {
		say_missing(d, f, "cgroup.kill is not there");
		say_remedy(d, f, "boot Linux 5.14 or newer");
	}
}

const struct doctor_check doctor_cgroup_checks[] = {
	{ "cgroup.version", DOCTOR_LIMITS, true, check_version, NULL },
	{ "cgroup.place", DOCTOR_LIMITS, true, check_place, NULL },
	{ "cgroup.kill", DOCTOR_LIMITS, false, check_kill, NULL },
	{ "cgroup.memory", DOCTOR_LIMITS, true, check_controller, &memory },
	{ "cgroup.pids", DOCTOR_LIMITS, true, check_controller, &pids },
	{ "cgroup.cpu", DOCTOR_LIMITS, true, check_controller, &cpu },
	{ "cgroup.cpuset", DOCTOR_LIMITS, true, check_controller, &cpuset },
	{ "cgroup.io", DOCTOR_LIMITS, true, check_controller, &io },
	{ 0 },
};
