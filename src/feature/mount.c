/*
 * mount.c - executing the list of mounts in init (theory in mount.h).
 */
#include "mount.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "mount_explain.h"

#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#define FSCONFIG_VALUE_MAX 255

int mount_attach(int tree, int target, struct err *err)
{
	if (sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, "attach");
	return 0;
}

#define ACCESS_TIMES ((uint64_t)(MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME))

/* The kernel refuses to change a locked flag with EPERM: say which could be meant. */
static void explain_locked(uint64_t set, uint64_t clr, struct err *err)
{
	char text[128];

	if (clr & ~ACCESS_TIMES)
		err_hint(err, 0, "the source is mounted %s by someone with more rights, and the config asks to clear that: "
			 "leave the option out", mount_attr_text(clr & ~ACCESS_TIMES, text, sizeof(text)));
	else if ((set | clr) & ACCESS_TIMES)
		err_hint(err, 0, "how the source keeps access times was fixed by someone with more rights: leave noatime, "
			 "relatime and their like out");
}

static int setattr(int tree, unsigned flags, uint64_t set, uint64_t clr, struct err *err)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clr };
	int rc;

	if (!set && !clr)
		return 0;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | flags, &attr) == 0)
		return 0;
	rc = err_sys(err, "set mount attributes");
	if (rc == -EPERM)
		explain_locked(set, clr, err);
	return rc;
}

int mount_clone(int fd, bool rec, uint64_t set, uint64_t clr, struct err *err)
{
	unsigned depth = rec ? AT_RECURSIVE : 0;
	auto_fd int tree = sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth);
	int rc;

	if (tree < 0)
		return err_sys(err, "clone the mount");
	rc = setattr(tree, depth, set, clr, err);
	return rc < 0 ? rc : take_fd(&tree);
}

int mount_sources_inside(const struct mount_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct mount_op *op = &plan->v[i];
		int flags = O_PATH | O_CLOEXEC | (op->o.copy_symlink ? O_NOFOLLOW : 0);
		int rc;

		if (op->kind != MOUNT_BIND)
			continue;
		plan->sources[i] = open(op->source, flags);
		if (plan->sources[i] >= 0 || (op->optional && errno == ENOENT))
			continue;
		rc = err_sys(err, "open the source '%s'", op->source);
		if (rc == -EACCES)
			err_hint(err, rc, "you need search permission on every directory of that path");
		return err_in(err, rc, "mount '%s'", op->target);
	}
	return 0;
}

/* After a failed fsconfig or fsmount the context holds the kernel's own explanation. */
static void fs_messages(int fs, struct err *err)
{
	char text[256];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 2)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	err_hint(err, 0, "the kernel says: %s", text + 2);
}

static int fs_error(int fs, const struct mount_op *op, int rc, struct err *err)
{
	if (rc == -EPERM && str_eq(op->type, "proc"))
		return mount_explain_proc(rc, err);
	fs_messages(fs, err);
	if (rc == -EPERM && str_eq(op->type, "mqueue"))
		return err_hint(err, rc, "a new mqueue needs an ipc namespace of the container's own");
	if (rc == -EPERM)
		return err_hint(err, rc, "the kernel mounts '%s' only for root outside of user namespaces", op->type);
	return rc;
}

static int fs_set(int fs, const char *option, struct err *err)
{
	char key[FSCONFIG_VALUE_MAX + 1];
	const char *eq = strchr(option, '=');
	size_t len = eq ? (size_t)(eq - option) : strlen(option);
	int rc;

	if (len >= sizeof(key))
		return err_set(err, EINVAL, "option '%.40s...' is too long", option);
	memcpy(key, option, len);
	key[len] = '\0';
	rc = eq ? sys_fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0) : sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	return rc == 0 ? 0 : err_sys(err, "option '%s'", option);
}

static bool is_tty_group(const struct mount_op *op, const char *option)
{
	return str_eq(op->type, "devpts") && str_starts(option, "gid=");
}

/* The plan drops an unmapped tty group, but of a user namespace joined by path it knows no map. */
static int fs_set_if_mapped(int fs, const char *option, struct err *err)
{
	struct err local = ERR_INIT;
	int rc = fs_set(fs, option, &local);

	if (rc < 0 && rc != -EINVAL)
		*err = local;
	return rc == -EINVAL ? 0 : rc;
}

static bool has_mode(const struct mount_op *op)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		if (str_starts(op->o.data.v[i], "mode="))
			return true;
	return false;
}

/* mode: of the directory underneath a tmpfs that names none; 0 where it did not exist. */
static int fs_configure(int fs, const struct mount_op *op, mode_t mode, struct err *err)
{
	char text[32];
	int rc = 0;

	if (op->source && *op->source && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", op->source, 0) < 0)
		return err_sys(err, "source '%s'", op->source);
	for (size_t i = 0; i < op->o.sb_flags.n && rc == 0; i++)
		rc = fs_set(fs, op->o.sb_flags.v[i], err);
	for (size_t i = 0; i < op->o.data.n && rc == 0; i++)
		rc = is_tty_group(op, op->o.data.v[i]) ? fs_set_if_mapped(fs, op->o.data.v[i], err)
						       : fs_set(fs, op->o.data.v[i], err);
	if (rc == 0 && mode) {
		(void)snprintf(text, sizeof(text), "mode=%o", (unsigned)(mode & 07777));
		rc = fs_set(fs, text, err);
	}
	if (rc == 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = err_sys(err, "create");
	return rc;
}

/* Returns a detached tree of a new file system. */
static int fs_new(const struct mount_op *op, mode_t mode, struct err *err)
{
	auto_fd int fs = sys_fsopen(op->type, FSOPEN_CLOEXEC);
	int tree, rc;

	if (fs < 0) {
		rc = err_sys(err, "file system type '%s'", op->type);
		return rc == -ENODEV ? err_hint(err, rc, "this kernel does not know that file system") : rc;
	}
	rc = fs_configure(fs, op, mode, err);
	if (rc < 0)
		return fs_error(fs, op, rc, err);
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)op->o.set);
	if (tree < 0)
		return fs_error(fs, op, err_sys(err, "make the mount"), err);
	return tree;
}

static bool has_long_value(const struct mount_op *op)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		if (strlen(op->o.data.v[i]) > FSCONFIG_VALUE_MAX)
			return true;
	return false;
}

static int finish(const struct mount_op *op, int tree, struct err *err)
{
	struct mount_attr attr = { .propagation = op->o.propagation };
	int rc = setattr(tree, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);

	if (rc < 0 || !op->o.propagation)
		return rc;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | (op->o.propagation_rec ? AT_RECURSIVE : 0), &attr) < 0)
		return err_sys(err, "set the propagation");
	return 0;
}

static unsigned long old_flag(const char *name)
{
	return str_eq(name, "sync") ? MS_SYNCHRONOUS : str_eq(name, "dirsync") ? MS_DIRSYNC :
	       str_eq(name, "lazytime") ? MS_LAZYTIME : 0;
}

/* mount(2), for values that fsconfig cannot hold; the target is named through its descriptor. */
static int fs_mount_old(const struct mount_op *op, int target, int rootfd, struct err *err)
{
	auto_str struct str data = STR_INIT;
	auto_fd int tree = -1;
	char path[64];
	unsigned long flags = op->o.set & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
	int rc;

	for (size_t i = 0; i < op->o.data.n; i++)
		str_addf(&data, "%s%s", i ? "," : "", op->o.data.v[i]);
	for (size_t i = 0; i < op->o.sb_flags.n; i++)
		flags |= old_flag(op->o.sb_flags.v[i]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
	if (mount(op->source ? op->source : op->type, path, op->type, flags, data.p) < 0)
		return err_sys(err, "mount type '%s'", op->type);
	tree = path_open_in(rootfd, op->target, O_PATH, err);
	rc = tree < 0 ? tree : setattr(tree, 0, op->o.set, op->o.set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0, err);
	return rc < 0 ? rc : finish(op, tree, err);
}

static int do_fs(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int before = path_open_in(rootfd, op->target, O_PATH, NULL);
	auto_fd int target = -1, tree = -1;
	struct stat st;
	mode_t mode = 0;
	int rc;

	if (before >= 0 && str_eq(op->type, "tmpfs") && !has_mode(op) && fstat(before, &st) == 0)
		mode = st.st_mode & 07777;
	target = before >= 0 ? take_fd(&before) : path_mkdir_in(rootfd, op->target, 0755, err);
	if (target < 0)
		return target;
	if (has_long_value(op))
		return fs_mount_old(op, target, rootfd, err);
	tree = fs_new(op, mode, err);
	if (tree < 0)
		return tree;
	rc = mount_attach(tree, target, err);
	return rc < 0 ? rc : finish(op, tree, err);
}

/* crun's copy-symlink: a source that is a symbolic link is made again, not mounted. */
static int do_symlink(const struct mount_op *op, int source, int rootfd, struct err *err)
{
	char link[PATH_MAX], have[PATH_MAX], name[NAME_MAX + 1];
	auto_fd int parent = path_parent_in(rootfd, op->target, name, sizeof(name), err);
	ssize_t n, m;

	if (parent < 0)
		return parent;
	n = readlinkat(source, "", link, sizeof(link) - 1);
	if (n < 0)
		return err_sys(err, "read the link '%s'", op->source);
	link[n] = '\0';
	if (symlinkat(link, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "make the symbolic link");
	m = readlinkat(parent, name, have, sizeof(have));
	if (m != n || memcmp(have, link, (size_t)n) != 0)
		return err_set(err, EEXIST, "something else than the link to '%s' is there already", link);
	return 0;
}

static int do_bind(const struct mount_op *op, int source, int rootfd, struct err *err)
{
	auto_fd int target = -1, tree = -1;
	struct stat st;
	int rc;

	if (source < 0)
		return 0; /* optional and missing */
	if (fstat(source, &st) < 0)
		return err_sys(err, "source '%s'", op->source);
	if (S_ISLNK(st.st_mode))
		return do_symlink(op, source, rootfd, err);
	target = S_ISDIR(st.st_mode) ? path_mkdir_in(rootfd, op->target, 0755, err) : path_touch_in(rootfd, op->target, err);
	if (target < 0)
		return target;
	tree = mount_clone(source, op->recursive, 0, 0, err);
	if (tree == -EINVAL && !op->recursive)
		mount_explain_below(op->source, tree, err);
	if (tree < 0)
		return err_in(err, tree, "source '%s'", op->source);
	rc = setattr(tree, 0, op->o.set, op->o.clr, err);
	if (rc == 0)
		rc = finish(op, tree, err);
	return rc < 0 ? rc : mount_attach(tree, target, err);
}

/* What a remount says to the file system itself. */
static int fs_change(const struct mount_op *op, int target, struct err *err)
{
	auto_fd int fs = -1;
	int rc = 0;

	if (!op->o.sb_flags.n && !op->o.data.n)
		return 0;
	fs = sys_fspick(target, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "pick the file system");
	for (size_t i = 0; i < op->o.sb_flags.n && rc == 0; i++)
		rc = fs_set(fs, op->o.sb_flags.v[i], err);
	for (size_t i = 0; i < op->o.data.n && rc == 0; i++)
		rc = fs_set(fs, op->o.data.v[i], err);
	if (rc == 0 && sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		rc = err_sys(err, "change the file system");
	if (rc < 0)
		fs_messages(fs, err);
	return rc;
}

static int do_remount(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int target = path_open_in(rootfd, op->target, O_PATH, err);
	int rc;

	if (target < 0)
		return target;
	rc = fs_change(op, target, err);
	rc = rc < 0 ? rc : setattr(target, 0, op->o.set, op->o.clr, err);
	return rc < 0 ? rc : finish(op, target, err);
}

/* cgroup2 of the own namespace; else the host's tree read-only; else nothing, but empty. */
static int do_cgroup(const struct mount_op *op, int rootfd, struct err *err)
{
	struct mount_op sub = *op;
	struct err first = ERR_INIT;
	auto_fd int source = -1;
	int rc = do_fs(op, rootfd, &first);

	if (rc == 0)
		return 0;
	source = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	sub.o.rec_set |= MOUNT_ATTR_RDONLY;
	sub.o.clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	sub.source = "/sys/fs/cgroup";
	sub.recursive = true;
	if (source >= 0 && do_bind(&sub, source, rootfd, NULL) == 0)
		return 0;
	sub.type = sub.source = "tmpfs";
	sub.o.set |= MOUNT_ATTR_RDONLY;
	sub.o.data.n = 0;
	if (do_fs(&sub, rootfd, NULL) == 0)
		return 0;
	*err = first;
	return rc;
}

static int do_one(const struct mount_plan *plan, size_t i, int rootfd, struct err *err)
{
	const struct mount_op *op = &plan->v[i];

	switch (op->kind) {
	case MOUNT_FS:
		return do_fs(op, rootfd, err);
	case MOUNT_BIND:
		return do_bind(op, plan->sources[i], rootfd, err);
	case MOUNT_REMOUNT:
		return do_remount(op, rootfd, err);
	case MOUNT_CGROUP:
		return do_cgroup(op, rootfd, err);
	}
	return err_set(err, EINVAL, "unknown kind of mount");
}

/*
 * The rootfs' own /proc, /sys and /dev must be plain directories, never links: masks and device
 * nodes are named below them (CVE-2019-19921, CVE-2025-54867, CVE-2026-41579).
 */
static int check_target(const struct mount_op *op, int rootfd, struct err *err)
{
	bool known = str_eq(op->target, "/proc") || str_eq(op->target, "/sys") || str_eq(op->target, "/dev");
	struct stat st;

	if (!known && (op->kind != MOUNT_FS || (!str_eq(op->type, "proc") && !str_eq(op->type, "sysfs"))))
		return 0;
	if (strchr(op->target + 1, '/') || fstatat(rootfd, op->target + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return 0;
	err_set(err, ENOTDIR, "'%s' of the root file system must be a directory", op->target);
	return err_hint(err, -ENOTDIR, "it is a symbolic link or a file in the image: what is mounted there could land elsewhere");
}

int mount_inside(const struct mount_plan *plan, int rootfd, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int rc = check_target(&plan->v[i], rootfd, err);

		if (rc == 0)
			rc = do_one(plan, i, rootfd, err);
		if (rc == -EROFS)
			err_hint(err, rc, "the mount point is missing and the file system there is read-only: make it in the image");
		if (rc < 0)
			return err_in(err, rc, "mount '%s'", plan->v[i].target);
		if (plan->sources[i] >= 0)
			fd_closep(&plan->sources[i]);
	}
	return 0;
}
