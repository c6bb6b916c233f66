/*
 * mount_fs.c - new file systems (mount_fs.h). Runs in init.
 *
 * fsopen and fsconfig, except for what they have no words for: values of more than 255 bytes and
 * the flags iversion and silent go through mount(2). Its mount is taken off again at once, so that
 * both ways end in a detached tree, which is filled, gets its attributes and is attached last.
 */
#include "mount_fs.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/lsm.h"
#include "mount_copyup.h"
#include "mount_explain.h"

#include <string.h>
#include <sys/mount.h>

#define FSCONFIG_VALUE_MAX 255

/* After a failed fsconfig or fsmount the context holds the kernel's own explanation. */
void mount_fs_messages(int fs, struct err *err)
{
	char text[256];
	ssize_t n = fs < 0 ? -1 : read(fs, text, sizeof(text) - 1);

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
	mount_fs_messages(fs, err);
	if (rc == -EPERM && str_eq(op->type, "mqueue"))
		return err_hint(err, rc,
				"a new mqueue needs an ipc namespace of the container's own");
	if (rc == -EINVAL && str_eq(op->type, "fuse"))
		return err_hint(
			err, rc,
			"fd= must be a /dev/fuse that was opened in the user namespace of the container, and "
			"rootmode=, user_id= and group_id= must be there");
	if (rc == -EPERM)
		return err_hint(err, rc,
				"the kernel mounts '%s' only for root outside of user namespaces",
				op->type);
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
	rc = eq ? sys_fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0)
		: sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
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

static bool has_data(const struct mount_op *op, const char *prefix)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		if (str_starts(op->o.data.v[i], prefix))
			return true;
	return false;
}

/* A device or image file that cannot be written must be opened read-only by the file system, too. */
static bool is_readonly_source(const struct mount_op *op)
{
	return (op->o.set & MOUNT_ATTR_RDONLY) && op->source && op->source[0] == '/';
}

/* What is to be filled first becomes read-only last. */
static uint64_t first_attributes(const struct mount_op *op)
{
	return op->o.set & ~(op->o.tmpcopyup ? (uint64_t)MOUNT_ATTR_RDONLY : 0);
}

/* mode: of the directory underneath a tmpfs that names none; 0 where it did not exist. */
static int fs_configure(int fs, const struct mount_op *op, mode_t mode, struct err *err)
{
	char text[32];
	int rc = 0;

	if (op->source && *op->source &&
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", op->source, 0) < 0)
		return err_sys(err, "source '%s'", op->source);
	if (is_readonly_source(op))
		rc = fs_set(fs, "ro", err);
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
		return rc == -ENODEV
			       ? err_hint(err, rc, "this kernel does not know that file system")
			       : rc;
	}
	rc = fs_configure(fs, op, mode, err);
	if (rc < 0)
		return fs_error(fs, op, rc, err);
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)first_attributes(op));
	if (tree < 0)
		return fs_error(fs, op, err_sys(err, "make the mount"), err);
	return tree;
}

static bool needs_old_call(const struct mount_op *op)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		if (strlen(op->o.data.v[i]) > FSCONFIG_VALUE_MAX)
			return true;
	return op->o.sb_old;
}

static unsigned long old_flag(const char *name)
{
	return str_eq(name, "sync")	  ? MS_SYNCHRONOUS
	       : str_eq(name, "dirsync")  ? MS_DIRSYNC
	       : str_eq(name, "lazytime") ? MS_LAZYTIME
	       : str_eq(name, "mand")	  ? MS_MANDLOCK
					  : 0;
}

/* mount(2) takes one page and cuts off the rest without a word. */
static int old_data(const struct mount_op *op, mode_t mode, struct str *ret, struct err *err)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		lsm_join_option(ret, op->o.data.v[i]);
	if (mode)
		str_addf(ret, "%smode=%o", ret->len ? "," : "", (unsigned)mode);
	if (ret->len < (size_t)sysconf(_SC_PAGESIZE))
		return 0;
	err_set(err, E2BIG, "the options have %zu bytes, the kernel takes less than a page",
		ret->len);
	return err_hint(err, -E2BIG, "fewer or shorter layers");
}

/* The target is named through its descriptor; op->target then leads to what is mounted there. */
static int fs_new_old(const struct mount_op *op, mode_t mode, int target, int rootfd,
		      struct err *err)
{
	unsigned long flags = op->o.sb_old | (is_readonly_source(op) ? MS_RDONLY : 0);
	auto_str struct str data = STR_INIT;
	auto_fd int made = -1, tree = -1;
	char path[64];
	int rc = old_data(op, mode, &data, err);

	for (size_t i = 0; i < op->o.sb_flags.n; i++)
		flags |= old_flag(op->o.sb_flags.v[i]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
	if (rc == 0 && mount(op->source ? op->source : op->type, path, op->type, flags, data.p) < 0)
		rc = fs_error(-1, op, err_sys(err, "mount type '%s'", op->type), err);
	made = rc < 0 ? rc : path_open_in(rootfd, op->target, O_PATH, err);
	tree = made < 0 ? made : mount_clone(made, false, 0, 0, err);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", made);
	if (made >= 0 && umount2(path, MNT_DETACH) < 0)
		return err_sys(err, "take off the mount of type '%s'", op->type);
	rc = tree < 0 ? tree
		      : mount_set_attr(tree, 0, first_attributes(op), MOUNT_ATTR__ATIME, err);
	return rc < 0 ? rc : take_fd(&tree);
}

/* What the new tmpfs will hide; the top keeps what the config says about it. */
static int copy_up(const struct mount_op *op, int hidden, int tree, struct err *err)
{
	auto_fd int from = openat(hidden, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return err_sys(err, "tmpcopyup: open the directory");
	return mount_copyup_inside(
		from, tree, has_data(op, "mode=") || has_data(op, "uid=") || has_data(op, "gid="),
		err);
}

/* The rest of the attributes, on a tree that nobody sees yet. */
static int fs_finish(const struct mount_op *op, int tree, struct err *err)
{
	int rc = op->o.tmpcopyup ? mount_set_attr(tree, 0, op->o.set & MOUNT_ATTR_RDONLY, 0, err)
				 : 0;

	if (rc == 0)
		rc = mount_set_attr(tree, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);
	if (rc == 0 && op->label)
		rc = lsm_label_inside(tree, op->label, err);
	return rc == 0 && op->map.active ? mount_idmap_set(tree, &op->map, err) : rc;
}

int mount_fs_inside(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int before = op->o.dest_nofollow
				     ? -1
				     : path_open_in(rootfd, op->target, O_PATH | O_DIRECTORY, NULL);
	auto_fd int target = -1, tree = -1;
	bool hides = before >= 0 || op->o.dest_nofollow;
	struct stat st;
	mode_t mode = 0;
	int rc = 0;

	target = before >= 0 ? take_fd(&before) : mount_target(op, true, rootfd, err);
	if (target < 0)
		return target;
	if (hides && str_eq(op->type, "tmpfs") && !has_data(op, "mode=") && fstat(target, &st) == 0)
		mode = st.st_mode & 07777;
	tree = needs_old_call(op) ? fs_new_old(op, mode, target, rootfd, err)
				  : fs_new(op, mode, err);
	if (tree < 0)
		return tree;
	if (op->o.tmpcopyup)
		rc = copy_up(op, target, tree, err);
	if (rc == 0)
		rc = fs_finish(op, tree, err);
	return rc < 0 ? rc : mount_finish(op, tree, target, err);
}

int mount_fs_change(const struct mount_op *op, int target, struct err *err)
{
	auto_fd int fs = -1;
	int rc = 0;

	if (!op->o.sb_flags.n && !op->o.sb_clear.n && !op->o.data.n)
		return 0;
	fs = sys_fspick(target, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "pick the file system");
	for (size_t i = 0; i < op->o.sb_flags.n && rc == 0; i++)
		rc = fs_set(fs, op->o.sb_flags.v[i], err);
	for (size_t i = 0; i < op->o.sb_clear.n && rc == 0; i++)
		rc = fs_set(fs, op->o.sb_clear.v[i], err);
	for (size_t i = 0; i < op->o.data.n && rc == 0; i++)
		rc = fs_set(fs, op->o.data.v[i], err);
	if (rc == 0 && sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		rc = err_sys(err, "change the file system");
	if (rc < 0)
		mount_fs_messages(fs, err);
	return rc;
}
