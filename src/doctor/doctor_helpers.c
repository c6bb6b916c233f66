/*
 * doctor_helpers.c - the programs that bryo starts: found in PATH, able to do what they are for,
 * and the devices that they open. Runs in the process that the user started; starts none of them.
 */
#include "doctor_parts.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/libexec.h"
#include "feature/net/net.h"

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

	if (d->host.privileged) {
		say_ok(d, f, "%s",
		       h->state == HELPER_OK ? h->path : "not needed: root writes maps itself");
		return;
	}
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
}

struct tool {
	const struct net_backend *backend, *other; /* other: what does the same */
	enum package package;
};

static const struct tool pasta = { &net_pasta, &net_slirp4netns, PACKAGE_PASTA },
			 slirp4netns = { &net_slirp4netns, &net_pasta, PACKAGE_SLIRP4NETNS };

static bool net_works(const struct doctor *d, const struct net_backend *b, struct err *err)
{
	const struct net_words words = { 0 };

	return b->usable(&d->host, &words, err) == 0;
}

/* The words of a run that is refused, and the package of this distribution. */
static void check_net_tool(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct tool *t = c->arg;
	struct host *h = &d->host;
	struct err err = ERR_INIT;
	char text[ERR_TEXT];
	bool installed;

	host_need_net_tools(h);
	installed = (t->backend == &net_pasta ? h->pasta : h->slirp4netns).state == HELPER_OK;
	if (net_works(d, t->backend, &err)) {
		say_ok(d, f, "%s", t->backend == &net_pasta ? h->pasta.path : h->slirp4netns.path);
		return;
	}
	if (installed)
		say_remedy(d, f, "%s", err.hint);
	else
		say_remedy(d, f, "%s", distro_install(d, t->package));
	err.hint[0] = '\0';
	(void)err_format(&err, text, sizeof(text));
	if (net_works(d, t->other, NULL))
		say_degraded(d, f, "%s; %s does most of it", text, t->other->name);
	else
		say_missing(d, f, "%s, and %s cannot be used either: no network but the host's",
			    text, t->other->name);
}

static bool is_there(struct doctor *d, const char *name, const char **ret_path)
{
	auto_free char *path = NULL;

	if (child_find(name, NULL, &path, NULL) < 0)
		return false;
	*ret_path = arena_strdup(d->a, path);
	return true;
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

/* For who restores with other tools what an engine saved. */
static void check_criu(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;

	(void)c;
	if (is_there(d, "criu", &path))
		say_ok(d, f, "%s", path);
	else
		say_ok(d, f, "not in PATH, and not missed: bryo itself makes no checkpoints");
}

/* Programs of bryo's own: a build may leave them out, and a copy of bryo alone has none. */
struct own_program {
	const char *name, *without, *needs;
};

static const struct own_program
	bryo_systemd = { "bryo-systemd",
			 "systemd makes no scopes for bryo, so that limits need a delegated cgroup",
			 "libsystemd" },
	bryo_keeper = { "bryo-keeper", "nobody ends the helpers of a detached container's network",
			NULL },
	bryo_init = { "bryo-init", "no --init", NULL },
	bryo_unpack = { "bryo-unpack", "no bryo bundle", "libarchive" };

static void check_own(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct own_program *p = c->arg;
	const char *path;

	if (libexec_find(d->a, p->name, &path, NULL) == 0) {
		say_ok(d, f, "%s", path);
		return;
	}
	say_degraded(d, f, "neither in %s nor in helpers/ beside bryo%s: %s", BRYO_LIBEXECDIR,
		     d->host.uid == 0 ? ", or not root's" : "", p->without);
	say_remedy(d, f, "%smake install%s%s", d->sudo,
		   p->needs ? ", of a bryo that was built with " : "", p->needs ? p->needs : "");
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
	{ "helper.pasta", DOCTOR_PODMAN | DOCTOR_NETWORK, true, check_net_tool, &pasta },
	{ "helper.slirp4netns", DOCTOR_PODMAN | DOCTOR_NETWORK, true, check_net_tool,
	  &slirp4netns },
	{ "helper.fuse-overlayfs", DOCTOR_PODMAN, false, check_fuse_overlayfs, NULL },
	{ "helper.bryo-systemd", DOCTOR_PODMAN | DOCTOR_LIMITS, false, check_own, &bryo_systemd },
	{ "helper.bryo-keeper", DOCTOR_PODMAN | DOCTOR_NETWORK, false, check_own, &bryo_keeper },
	{ "helper.bryo-init", DOCTOR_SANDBOX, false, check_own, &bryo_init },
	{ "helper.bryo-unpack", 0, false, check_own, &bryo_unpack },
	{ "helper.criu", 0, false, check_criu, NULL },
	{ "device.fuse", DOCTOR_PODMAN, false, check_node, &fuse },
	{ "device.tun", DOCTOR_PODMAN | DOCTOR_NETWORK, false, check_node, &tun },
	{ 0 },
};
