/*
 * doctor_helpers.c - the programs that bryo starts: found in PATH, able to do what they are for,
 * and the devices that they open. Runs in the process that the user started; starts none of them.
 */
#include "doctor_parts.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "feature/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define OVERFLOW_ID 65534

struct idmap_helper {
	const char *name;
	bool groups;
};

static const struct idmap_helper newuidmap = { "newuidmap", false },
				 newgidmap = { "newgidmap", true };

/* In a user namespace that does not have the owner's ID the set-user-ID bit means nothing. */
static bool owner_is_outside(const struct doctor *d, const char *path)
{
	struct stat st;

	return d->host.in_userns && !d->host.faked && stat(path, &st) == 0 &&
	       st.st_uid == OVERFLOW_ID;
}

static void say_powerless(struct doctor *d, struct finding *f, const char *path, bool groups)
{
	const char *word = shell_word(path, "PATH");

	if (owner_is_outside(d, path)) {
		say_missing(
			d, f,
			"%s belongs to nobody of this user namespace, so that it has no rights here",
			path);
		say_remedy(d, f,
			   "start bryo outside of this namespace, or in one that has root's ID");
		return;
	}
	say_missing(d, f, "%s has neither its set-user-ID bit nor file capabilities", path);
	say_remedy(d, f, "%schmod u+s %s, or %ssetcap cap_set%cid=ep %s", d->sudo, word, d->sudo,
		   groups ? 'g' : 'u', word);
}

/* Six states, each with its own way out. */
static void check_idmap(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct idmap_helper *which = c->arg;
	const struct helper *h = which->groups ? &d->host.newgidmap : &d->host.newuidmap;

	switch (h->state) {
	case HELPER_OK:
		say_ok(d, f, "%s", h->path);
		return;
	case HELPER_MISSING:
	case HELPER_UNKNOWN:
		say_missing(d, f, "%s is not in PATH: only one ID can be mapped", which->name);
		say_remedy(d, f, "%s", distro_install(d, PACKAGE_UIDMAP));
		break;
	case HELPER_NO_PRIVILEGE:
		say_powerless(d, f, h->path, which->groups);
		break;
	case HELPER_NOSUID:
		say_missing(d, f, "%s is on a file system that is mounted nosuid", h->path);
		say_remedy(d, f, "install it on another one, earlier in PATH: %s",
			   distro_install(d, PACKAGE_UIDMAP));
		break;
	case HELPER_NO_NEW_PRIVS:
		say_missing(d, f, "%s has no effect: NoNewPrivs is set on this process", h->path);
		say_remedy(
			d, f,
			"start from elsewhere: a systemd unit needs NoNewPrivileges=no (and no "
			"RestrictSUIDSGID), an outer container no --security-opt no-new-privileges");
		break;
	}
	/* real root writes the maps itself */
	if (d->host.privileged && f->status == DOCTOR_MISSING)
		f->status = DOCTOR_OK;
}

struct tool {
	const char *name, *other; /* other: what does the same; NULL: nothing does */
	const char *without;
	enum package package;
};

static const struct tool pasta = { "pasta", "slirp4netns", "no network but the host's",
				   PACKAGE_PASTA },
			 slirp4netns = { "slirp4netns", "pasta", "no network but the host's",
					 PACKAGE_SLIRP4NETNS };

static bool is_there(struct doctor *d, const char *name, const char **ret_path)
{
	auto_free char *path = NULL;

	if (child_find(name, NULL, &path, NULL) < 0)
		return false;
	*ret_path = arena_strdup(d->a, path);
	return true;
}

static void check_tool(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct tool *t = c->arg;
	const char *path, *other;

	if (is_there(d, t->name, &path)) {
		say_ok(d, f, "%s", path);
		return;
	}
	if (is_there(d, t->other, &other))
		say_degraded(d, f, "not in PATH; %s can do most of it", t->other);
	else
		say_missing(d, f, "neither %s nor %s is in PATH: %s", t->name, t->other,
			    t->without);
	say_remedy(d, f, "%s", distro_install(d, t->package));
}

/* Needed only where the kernel's overlay will not do, and that layers.overlay tells. */
static void check_fuse_overlayfs(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;

	(void)c;
	if (is_there(d, "fuse-overlayfs", &path)) {
		say_ok(d, f, "%s", path);
		return;
	}
	say_degraded(d, f, "not in PATH: no layers where the kernel's overlay is refused");
	say_remedy(d, f, "%s", distro_install(d, PACKAGE_FUSE_OVERLAYFS));
}

static void check_criu(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;

	(void)c;
	if (is_there(d, "criu", &path)) {
		say_ok(d, f, "%s", path);
		return;
	}
	say_degraded(d, f, "not in PATH: no checkpoints");
	say_remedy(d, f, "%s", distro_install(d, PACKAGE_CRIU));
}

static void check_systemd(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (manager_supported()) {
		say_ok(d, f, "found");
		return;
	}
	say_degraded(
		d, f,
		"bryo's own helper that asks systemd for scopes is not installed in %s: limits need a "
		"delegated cgroup",
		BRYO_LIBEXECDIR);
	say_remedy(d, f, "build bryo with libsystemd, and `make install`");
}

struct node {
	const char *path;
	unsigned major, minor;
	const char *without, *module;
	enum doctor_status worst;
};

static const struct node
	fuse = { "/dev/fuse", 10, 229, "no fuse-overlayfs", "fuse", DOCTOR_DEGRADED },
	tun = { "/dev/net/tun", 10, 200, "no network but the host's", "tun", DOCTOR_MISSING };

static void say_node(struct doctor *d, struct finding *f, const struct node *n, const char *why)
{
	say_missing(d, f, "%s: %s: %s", n->path, why, n->without);
	f->status = n->worst;
}

static void check_node(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct node *n = c->arg;
	auto_fd int fd = open(n->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int num = errno;
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
			st.st_rdev != makedev(n->major, n->minor))) {
		say_node(d, f, n, "it is another file");
		say_remedy(d, f, "%srm %s && %smknod -m 666 %s c %u %u", d->sudo, n->path, d->sudo,
			   n->path, n->major, n->minor);
	} else if (fd >= 0) {
		say_ok(d, f, "%s can be opened", n->path);
	} else if (num == EACCES || num == EPERM) {
		say_node(d, f, n, "it may not be opened");
		say_remedy(d, f, "%schmod 666 %s; in a container: --device %s", d->sudo, n->path,
			   n->path);
	} else {
		say_node(d, f, n, strerror(num));
		say_remedy(
			d, f,
			"%smodprobe %s && echo %s | %stee /etc/modules-load.d/%s.conf; in a container: "
			"--device %s",
			d->sudo, n->module, n->module, d->sudo, n->module, n->path);
	}
}

const struct doctor_check doctor_helper_checks[] = {
	{ "helper.newuidmap", DOCTOR_PODMAN, true, check_idmap, &newuidmap },
	{ "helper.newgidmap", DOCTOR_PODMAN, true, check_idmap, &newgidmap },
	{ "helper.pasta", DOCTOR_PODMAN | DOCTOR_NETWORK, false, check_tool, &pasta },
	{ "helper.slirp4netns", DOCTOR_PODMAN | DOCTOR_NETWORK, false, check_tool, &slirp4netns },
	{ "helper.fuse-overlayfs", DOCTOR_PODMAN, false, check_fuse_overlayfs, NULL },
	{ "helper.bryo-systemd", DOCTOR_PODMAN | DOCTOR_LIMITS, false, check_systemd, NULL },
	{ "helper.criu", 0, false, check_criu, NULL },
	{ "device.fuse", DOCTOR_PODMAN, false, check_node, &fuse },
	{ "device.tun", DOCTOR_PODMAN | DOCTOR_NETWORK, false, check_node, &tun },
	{ 0 },
};
