/*
 * overlay.c - the kernel's overlay as root file system (theory in rootfs.h and overlay.h). Runs in
 * init; overlay_try.c does the same in a throw-away child.
 *
 * fsopen and fsconfig where the list of layers fits into a value of 255 bytes (some 60 of them),
 * lowerdir+ for more (Linux 6.7), and before that mount(2) on a directory of a small tmpfs, so
 * that all three end in a detached tree.
 */
#include "overlay.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount.h"
#include "feature/mount_fs.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define FSCONFIG_VALUE_MAX 255
#define OVERFLOW_ID	   65534
#define PROBE_XATTR	   "user.bryo.probe"

/* What is opened for one mount: closed in any case, and the working directory goes back. */
struct stack {
	const struct overlay_plan *plan;
	int back;	 /* the working directory before */
	int tmpfs;	 /* of changes in memory, attached for the time being; -1 */
	int upper, work; /* -1 without changes */
	uint64_t attr;	 /* what the layers' mounts have, MOUNT_ATTR_* */
};

bool overlay_tmpfs_is_old(const struct host *h)
{
	return h->kernel_major < 6 || (h->kernel_major == 6 && h->kernel_minor < 6);
}

int overlay_sources_inside(const struct overlay_plan *plan, struct err *err)
{
	int fd = -1, rc = 0;

	for (size_t i = 0; i < plan->lower.n && rc == 0; i++) {
		fd = plan->fds[i] = open(plan->lower.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			rc = err_sys(err, "layer '%s'", plan->lower.v[i]);
	}
	if (rc == 0 && plan->dir) {
		plan->fds[plan->lower.n] = open(plan->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (plan->fds[plan->lower.n] < 0)
			rc = err_sys(err, "directory for changes '%s'", plan->dir);
	}
	if (rc == -EACCES)
		err_hint(err, rc, "you need search permission on every directory of that path");
	return rc < 0 ? rc : fd;
}

void overlay_close_inside(const struct overlay_plan *plan)
{
	for (size_t i = 0; i + 1 < plan->lower.n; i++)
		fd_closep(&plan->fds[i]);
	if (plan->dir)
		fd_closep(&plan->fds[plan->lower.n]);
}

/* A layer gains nothing by being stacked: what its mount forbids, the whole root's forbids. */
static int add_attributes(int fd, uint64_t *attr, struct err *err)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return err_sys(err, "ask for the mount of a layer");
	*attr |= (st.f_flag & ST_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
		 (st.f_flag & ST_NODEV ? MOUNT_ATTR_NODEV : 0) |
		 (st.f_flag & ST_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
	return 0;
}

/* "/" has owner and mode of the upper directory: a new one gets those of the topmost layer. */
static int new_upper(const struct overlay_plan *plan, int dir, struct err *err)
{
	auto_fd int fd = openat(dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(plan->fds[0], &st) < 0)
		return err_sys(err, "open 'upper'");
	if (fchmod(fd, st.st_mode & 07777) < 0)
		return err_sys(err, "set the mode of 'upper'");
	if (st.st_uid == OVERFLOW_ID || st.st_gid == OVERFLOW_ID) /* an owner who is not mapped */
		return 0;
	return fchown(fd, st.st_uid, st.st_gid) < 0 ? err_sys(err, "set the owner of 'upper'") : 0;
}

/* The kernel makes a directory of mode 0 in it, which root of a user namespace may use only where its
 * group is mapped as well: in a set-group-ID directory of some project it would be that one's. */
static int own_work(int work, struct err *err)
{
	auto_fd int fd = -1;
	struct stat st;

	if (fstat(work, &st) < 0)
		return err_sys(err, "look at 'work'");
	if (!(st.st_mode & S_ISGID))
		return 0;
	/* by descriptor: of the name somebody of the project may have made a link */
	fd = openat(work, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchown(fd, (uid_t)-1, getegid()) < 0 || fchmod(fd, 0700) < 0)
		return err_sys(err, "set the group of 'work'");
	return 0;
}

int overlay_open_pair(const struct overlay_plan *plan, int dir, int *ret_upper, int *ret_work,
		      struct err *err)
{
	bool fresh = mkdirat(dir, "upper", 0700) == 0;

	if ((!fresh && errno != EEXIST) || (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST))
		return err_sys(err, "make 'upper' and 'work'");
	if (fresh && new_upper(plan, dir, err) < 0)
		return -err->num;
	*ret_upper = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*ret_work = openat(dir, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_upper < 0 || *ret_work < 0)
		return err_sys(err, "open 'upper' and 'work'");
	return own_work(*ret_work, err);
}

int overlay_attributes(const struct overlay_plan *plan, uint64_t *ret, struct err *err)
{
	size_t n = plan->lower.n + (plan->dir ? 1 : 0);

	for (size_t i = 0; i < n; i++) {
		int rc = add_attributes(plan->fds[i], ret, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A tmpfs of ours, attached where no path leads, over our own root directory: the kernel takes no
 * layers from a tree that is not attached. */
static int attach_tmpfs(struct stack *s, struct err *err)
{
	auto_fd int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	auto_fd int place = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fs < 0 || place < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "700", 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make a tmpfs");
	s->tmpfs = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (s->tmpfs < 0)
		return err_sys(err, "mount a tmpfs");
	return mount_attach(s->tmpfs, place, err);
}

static int open_upper(struct stack *s, struct err *err)
{
	const struct overlay_plan *p = s->plan;
	int rc;

	if (p->upper == UPPER_NONE)
		return 0;
	if (p->upper == UPPER_MEMORY) {
		rc = attach_tmpfs(s, err);
		if (rc == 0)
			rc = overlay_open_pair(p, s->tmpfs, &s->upper, &s->work, err);
		return rc < 0 ? err_in(err, rc, "changes in memory") : 0;
	}
	rc = overlay_open_pair(p, p->fds[p->lower.n], &s->upper, &s->work, err);
	return rc < 0 ? err_in(err, rc, "directory for changes '%s'", p->dir) : 0;
}

/* Without user.* attributes the kernel would mount it, and fail to replace directories later. */
static int check_attributes(const struct stack *s, struct err *err)
{
	char name[16];

	if (s->work < 0 || !s->plan->userxattr || s->plan->passing)
		return 0;
	(void)snprintf(name, sizeof(name), "%d", s->work);
	if (setxattr(name, PROBE_XATTR, "", 0, 0) < 0)
		return err_hint(
			err, err_sys(err, "user.* attributes in the directory for changes"),
			"a local disk has them; NFS, ramfs and a tmpfs before Linux 6.6 have not");
	(void)removexattr(name, PROBE_XATTR);
	return 0;
}

/* Names of descriptors are numbers, from there. */
static int stack_enter(struct stack *s, struct err *err)
{
	s->back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->back < 0)
		return err_sys(err, "open the working directory");
	return chdir("/proc/self/fd") < 0 ? err_sys(err, "enter '/proc/self/fd'") : 0;
}

/* The tmpfs stays attached: it goes with the old root, and taking it off by itself would be one more
 * wait for all CPUs. */
static void stack_leave(struct stack *s)
{
	if (s->back >= 0)
		(void)fchdir(s->back);
	fd_closep(&s->back);
	fd_closep(&s->tmpfs);
	fd_closep(&s->upper);
	fd_closep(&s->work);
}

static void lower_text(const struct overlay_plan *p, struct str *ret)
{
	for (size_t i = 0; i < p->lower.n; i++)
		str_addf(ret, "%s%d", i ? ":" : "", p->fds[i]);
}

static int set_number(int fs, const char *key, int fd)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", fd);
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, text, 0);
}

/* -EINVAL where lowerdir+ is not known. */
static int set_layers(int fs, const struct overlay_plan *p)
{
	auto_str struct str text = STR_INIT;
	int rc = 0;

	lower_text(p, &text);
	if (text.len <= FSCONFIG_VALUE_MAX)
		return sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", text.p, 0);
	for (size_t i = 0; i < p->lower.n && rc == 0; i++)
		rc = set_number(fs, "lowerdir+", p->fds[i]);
	return rc;
}

/* One page holds 500 numbers. The directory is in a tmpfs, because its name must be walked. */
static int mount_old(struct stack *s, struct err *err)
{
	auto_str struct str data = STR_INIT;
	auto_fd int top = -1;
	char place[32];

	if (s->tmpfs < 0 && attach_tmpfs(s, err) < 0)
		return -err->num;
	if (mkdirat(s->tmpfs, "merged", 0700) < 0)
		return err_sys(err, "make a mount point");
	str_add(&data, "lowerdir=");
	lower_text(s->plan, &data);
	if (s->upper >= 0)
		str_addf(&data, ",upperdir=%d,workdir=%d", s->upper, s->work);
	if (s->plan->userxattr)
		str_add(&data, ",userxattr");
	if (data.len >= (size_t)sysconf(_SC_PAGESIZE))
		return err_set(err, E2BIG,
			       "%zu layers need more than the page that this kernel takes",
			       s->plan->lower.n);
	(void)snprintf(place, sizeof(place), "%d/merged", s->tmpfs);
	if (mount("overlay", place, "overlay", 0, data.p) < 0)
		return err_sys(err, "mount");
	top = openat(s->tmpfs, "merged", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? err_sys(err, "open the mount") : mount_clone(top, false, s->attr, 0, err);
}

static int mount_new(struct stack *s, struct err *err)
{
	const struct overlay_plan *p = s->plan;
	auto_fd int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	int tree, rc;

	if (fs < 0)
		return err_sys(err, "file system type 'overlay'");
	if (set_layers(fs, p) < 0) {
		rc = errno == EINVAL ? -EAGAIN : err_sys(err, "name the layers");
		return rc;
	}
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
	    (s->upper >= 0 && (set_number(fs, "upperdir", s->upper) < 0 ||
			       set_number(fs, "workdir", s->work) < 0)) ||
	    (p->userxattr && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0) ||
	    (p->upper == UPPER_DISK &&
	     sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		rc = err_sys(err, "mount");
		mount_fs_messages(fs, err);
		return rc;
	}
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)s->attr);
	return tree >= 0 ? tree : err_sys(err, "make the mount");
}

static int explain(const struct overlay_plan *p, int rc, struct err *err)
{
	const char *sep = p->no_program ? "; " : "", *more = p->no_program ? p->no_program : "";

	if (rc == -ELOOP)
		return err_hint(err, rc,
				"one of the directories is named twice, or is inside another one");
	if (rc == -ENODEV)
		return err_hint(err, rc, "this kernel has no overlay: modprobe overlay, as root");
	if (rc == -EINVAL && p->upper != UPPER_NONE && p->upper != UPPER_MEMORY)
		return err_hint(
			err, rc,
			"the file system of '%s' may not be one that can hold changes (NFS, FUSE and another "
			"overlay cannot), or a layer has mounts below it that may not be left out; the kernel's "
			"log says which%s%s",
			p->dir, sep, more);
	if (rc == -EINVAL)
		return err_hint(
			err, rc,
			"layers that are themselves overlays can be stacked only twice, and mounts below a layer "
			"that were made by someone with more rights may not be left out; the kernel's log says "
			"which%s%s",
			sep, more);
	return rc;
}

int overlay_mount_inside(const struct overlay_plan *plan, struct err *err)
{
	struct stack s = { plan, -1, -1, -1, -1, 0 };
	int rc = overlay_attributes(plan, &s.attr, err), tree = -1;

	if (rc == 0)
		rc = stack_enter(&s, err);
	if (rc == 0)
		rc = open_upper(&s, err);
	if (rc == 0)
		rc = check_attributes(&s, err);
	if (rc == 0) {
		tree = mount_new(&s, err);
		if (tree == -EAGAIN)
			tree = mount_old(&s, err);
		rc = tree < 0 ? explain(plan, tree, err) : 0;
	}
	stack_leave(&s);
	return rc < 0 ? rc : tree;
}
