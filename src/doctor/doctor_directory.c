/*
 * doctor_directory.c - the directories that hold containers: bryo's own (--path, else the home),
 * an engine's storage, and the state directory. Runs in the process that the user started; creates
 * nothing. One that does not exist yet is judged by the nearest parent that does.
 */
#include "doctor_parts.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "feature/mount_explain.h"
#include "feature/rootfs/overlay.h"
#include "state/state.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

/* Those that change what a container can do; the magics that linux/magic.h lacks are from their sources. */
static const struct {
	unsigned long magic;
	const char *name;
	enum fs_kind kind;
} types[] = {
	{ NFS_SUPER_MAGIC, "NFS", FS_NETWORK },
	{ SMB_SUPER_MAGIC, "SMB", FS_NETWORK },
	{ CIFS_SUPER_MAGIC, "CIFS", FS_NETWORK },
	{ SMB2_SUPER_MAGIC, "SMB", FS_NETWORK },
	{ CEPH_SUPER_MAGIC, "Ceph", FS_NETWORK },
	{ AFS_SUPER_MAGIC, "AFS", FS_NETWORK },
	{ AFS_FS_MAGIC, "AFS", FS_NETWORK },
	{ V9FS_MAGIC, "9p", FS_NETWORK },
	{ 0x47504653, "GPFS", FS_NETWORK },
	{ 0x0bd00bd0, "Lustre", FS_NETWORK },
	{ 0x19830326, "BeeGFS", FS_NETWORK },
	{ 0xaad7aaea, "PanFS", FS_NETWORK },
	{ 0x20030528, "OrangeFS", FS_NETWORK },
	{ FUSE_SUPER_MAGIC, "FUSE", FS_FUSE },
	{ OVERLAYFS_SUPER_MAGIC, "overlay", FS_OVERLAY },
	{ MSDOS_SUPER_MAGIC, "FAT", FS_PLAIN },
	{ EXFAT_SUPER_MAGIC, "exFAT", FS_PLAIN },
};

/* The longest existing part of path, absolute. */
static const char *existing(struct doctor *d, const char *path)
{
	char *p = arena_strdup(d->a, path), *slash;
	char real[PATH_MAX];

	while (!realpath(p, real)) {
		slash = strrchr(p, '/');
		if (!slash || slash == p)
			return "/";
		*slash = '\0';
	}
	return arena_strdup(d->a, real);
}

/* What c is about: --path, or the engine's storage. */
static const char *place_of(struct doctor *d, const struct doctor_check *c)
{
	return existing(d, str_eq(c->arg, "storage") ? d->storage : d->path);
}

/* Where it is mounted: the longest mount point that is a parent, of equal ones the last. */
static const char *mount_point(struct doctor *d, const char *path)
{
	const char *best = "/";
	struct strv points;

	mount_points_below(d->a, "/", &points);
	for (size_t i = 0; i < points.n; i++) {
		size_t n = strlen(points.v[i]);

		if (n >= strlen(best) && strncmp(path, points.v[i], n) == 0 &&
		    (!path[n] || path[n] == '/'))
			best = points.v[i];
	}
	return best;
}

/* Then nothing may be asked of it: who asks waits for ever. */
static bool is_silent(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	bool storage = str_eq(c->arg, "storage");
	const char *path = storage ? d->storage : d->path, *at;

	if (!(storage ? d->storage_silent : d->path_silent))
		return false;
	if (!str_starts(strchr(c->name, '.'), ".type")) {
		say_degraded(d, f, "not looked at: see %s.type", storage ? "storage" : "path");
		return true;
	}
	at = mount_point(d, path);
	say_missing(d, f,
		    "%s does not answer: the server or the FUSE daemon behind %s is gone or slow",
		    path, at);
	say_remedy(d, f, "bring it back, or: %sumount -l %s", d->sudo, shell_word(at, "DIR"));
	return true;
}

/* Where else to keep it. */
static void say_elsewhere(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	if (str_eq(c->arg, "storage"))
		say_remedy(
			d, f,
			"set graphroot in %s to a local directory of your own, such as /var/tmp/%s-containers",
			d->host.privileged ? "/etc/containers/storage.conf"
					   : "~/.config/containers/storage.conf",
			shell_word(d->host.user, "USER"));
	else
		say_remedy(
			d, f,
			"keep bundles on a local file system (/var/tmp, or a scratch disk), or use "
			"--idmap single");
}

static void check_type(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path, *name = NULL;
	enum fs_kind kind;
	struct statfs fs;

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (statfs(path, &fs) < 0) {
		say_degraded(d, f, "%s: %s", path, strerror(errno));
		return;
	}
	kind = fs_classify((unsigned long)fs.f_type, &name);
	switch (kind) {
	case FS_LOCAL:
		say_ok(d, f, "%s is on a local file system", path);
		return;
	case FS_NETWORK:
		say_degraded(
			d, f,
			"%s is on %s, whose server knows you by one ID: trees with many owners cannot be "
			"there, those with one can",
			path, name);
		break;
	case FS_FUSE:
		say_degraded(
			d, f,
			"%s is on %s, which lets no other ID in unless it was mounted with allow_other",
			path, name);
		break;
	case FS_OVERLAY:
		say_degraded(d, f,
			     "%s is on an overlay itself, and cannot hold what an overlay writes",
			     path);
		break;
	case FS_PLAIN:
		say_degraded(d, f, "%s is on %s, which has neither owners nor links", path, name);
		break;
	}
	say_elsewhere(d, c, f);
}

static bool flag_of(const char *path, unsigned long flag)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (fs.f_flag & flag);
}

static void check_exec(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path, *at;

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (!flag_of(path, ST_NOEXEC)) {
		say_ok(d, f, "programs in %s can be executed", path);
		return;
	}
	at = mount_point(d, path);
	say_missing(d, f, "%s is mounted noexec: no program of a root file system there can run",
		    at);
	say_remedy(d, f, "%smount -o remount,exec %s (and in /etc/fstab), or keep them elsewhere",
		   d->sudo, shell_word(at, "DIR"));
}

static void check_suid(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path, *at;

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (!flag_of(path, ST_NOSUID)) {
		say_ok(d, f, "set-user-ID programs in %s have an effect", path);
		return;
	}
	at = mount_point(d, path);
	say_degraded(
		d, f,
		"%s is mounted nosuid: sudo, su and file capabilities do nothing in containers there",
		at);
	say_remedy(d, f, "%smount -o remount,suid %s (and in /etc/fstab), or keep them elsewhere",
		   d->sudo, shell_word(at, "DIR"));
}

static void check_write(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (access(path, W_OK | X_OK) == 0) {
		say_ok(d, f, "%s can be written", path);
		return;
	}
	say_degraded(d, f, "%s cannot be written: %s", path, strerror(errno));
	if (errno == EROFS)
		say_remedy(d, f, "%smount -o remount,rw %s", d->sudo,
			   shell_word(mount_point(d, path), "DIR"));
	else if (str_eq(c->arg, "storage"))
		say_elsewhere(d, c, f);
	else
		say_remedy(d, f, "name a directory of your own with --path");
}

/* Asked by reading one that nobody has: what a file system without them says differs. */
static void check_xattr(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;
	char value[8];

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (getxattr(path, "user.bryo.doctor", value, sizeof(value)) >= 0 || errno != EOPNOTSUPP) {
		say_ok(d, f, "%s has user xattrs", path);
		return;
	}
	say_degraded(
		d, f,
		"%s has no user xattrs: the kernel's overlay cannot write there, and what an image sets "
		"is lost",
		path);
	say_remedy(d, f, "keep layers on ext4, xfs or btrfs (tmpfs since Linux 6.6)");
}

/* Really mounted and written, in namespaces and files that are gone afterwards. */
static void check_overlay(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *path;
	char text[ERR_TEXT];
	struct err err = ERR_INIT;
	auto_free char *fuse = NULL;
	bool other = child_find("fuse-overlayfs", NULL, &fuse, NULL) == 0 &&
		     access("/dev/fuse", R_OK | W_OK) == 0;

	if (is_silent(d, c, f))
		return;
	path = place_of(d, c);
	if (access(path, W_OK | X_OK) < 0) {
		say_degraded(d, f, "not tried, for %s cannot be written", path);
		return;
	}
	if (!d->host.privileged && (d->tryout.userns || d->tryout.rights)) {
		say_degraded(d, f, "not tried: see userns.create");
		return;
	}
	if (overlay_try_outside(path, !d->host.privileged, &err) >= 0) {
		say_ok(d, f, "layers with changes in %s work", path);
		return;
	}
	/* the hint is what the kernel wrote to its log of the mount: a reason, not a remedy */
	(void)err_format(&err, text, sizeof(text));
	if (other)
		say_degraded(
			d, f,
			"%s: fuse-overlayfs will do it, more slowly, for the kernel does not: %s",
			path, text);
	else
		say_missing(
			d, f,
			"%s: neither the kernel's overlay nor fuse-overlayfs can keep changes there: %s",
			path, text);
	say_remedy(
		d, f,
		"keep changes on ext4, xfs, btrfs or tmpfs, or have fuse-overlayfs and /dev/fuse: %s",
		distro_install(d, PACKAGE_FUSE_OVERLAYFS));
}

static void check_state(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	auto_free char *path = d->request->root ? mem_strdup(d->request->root)
						: state_root_default(&d->host);
	auto_free char *opened = NULL;
	char text[ERR_TEXT];
	struct err err = ERR_INIT;
	auto_fd int fd = state_root_open(d->request->root, &d->host, false, &opened, &err);

	(void)c;
	if (fd >= 0 || fd == -ENOENT) {
		say_ok(d, f, "%s%s", path, fd < 0 ? " (made by the first container)" : "");
		return;
	}
	if (err.hint[0])
		say_remedy(d, f, "%s", err.hint);
	err.hint[0] = '\0';
	say_missing(d, f, "%s", err_format(&err, text, sizeof(text)));
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* systemd-tmpfiles removes what is old below /tmp, except what has the sticky bit. */
static void check_durable(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	auto_free char *path = d->request->root ? mem_strdup(d->request->root)
						: state_root_default(&d->host);
	struct stat st;

	(void)c;
	if (is_below(path, "/run/user") && !session_lingers(d)) {
		say_degraded(d, f,
			     "%s goes with your last session, and with it the record of what runs",
			     path);
		say_remedy(d, f, "%s", session_linger_remedy(d));
	} else if ((is_below(path, "/tmp") || is_below(path, "/var/tmp")) && stat(path, &st) == 0 &&
		   !(st.st_mode & S_ISVTX)) {
		say_degraded(d, f, "%s may be removed by systemd-tmpfiles when it is old", path);
		say_remedy(d, f, "chmod +t %s", shell_word(path, "DIR"));
	} else if (is_below(path, "/tmp")) {
		say_degraded(
			d, f,
			"%s: no XDG_RUNTIME_DIR of your own, so it stands in /tmp (kept from its cleaning)",
			path);
		if (!session_has_systemd())
			return;
		say_remedy(d, f,
			   "log in with a session (ssh, machinectl shell), or %s and export "
			   "XDG_RUNTIME_DIR=/run/user/%u",
			   session_linger_remedy(d), d->host.uid);
	} else {
		say_ok(d, f, "%s stays for as long as the machine is up", path);
	}
}

void directory_look(struct doctor *d, const char *path)
{
	const char *there = existing(d, path);
	struct statfs fs;

	(void)statfs(there, &fs);
	(void)access(there, W_OK | X_OK);
}

enum fs_kind fs_classify(unsigned long magic, const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (magic == types[i].magic) {
			*ret_name = types[i].name;
			return types[i].kind;
		}
	*ret_name = "a local file system";
	return FS_LOCAL;
}

const struct doctor_check doctor_directory_checks[] = {
	{ "path.type", DOCTOR_PODMAN, false, check_type, "path" },
	{ "path.write", DOCTOR_PODMAN, false, check_write, "path" },
	{ "path.exec", DOCTOR_PODMAN, false, check_exec, "path" },
	{ "path.suid", DOCTOR_PODMAN, false, check_suid, "path" },
	{ "path.xattr", DOCTOR_PODMAN, false, check_xattr, "path" },
	{ "path.overlay", DOCTOR_PODMAN, false, check_overlay, "path" },
	{ "storage.type", DOCTOR_PODMAN, false, check_type, "storage" },
	{ "storage.write", DOCTOR_PODMAN, false, check_write, "storage" },
	{ "storage.exec", DOCTOR_PODMAN, false, check_exec, "storage" },
	{ "storage.suid", DOCTOR_PODMAN, false, check_suid, "storage" },
	{ "storage.xattr", DOCTOR_PODMAN, false, check_xattr, "storage" },
	{ "storage.overlay", DOCTOR_PODMAN, false, check_overlay, "storage" },
	{ "state.dir", DOCTOR_ANY, false, check_state, NULL },
	{ "state.durable", DOCTOR_PODMAN, false, check_durable, NULL },
	{ 0 },
};
