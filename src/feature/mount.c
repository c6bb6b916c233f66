/*
 * mount.c - executing the list of mounts in init, binds and remounts (theory in mount.h).
 */
#include "mount.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "mount_data.h"
#include "mount_explain.h"
#include "mount_fs.h"
#include "mount_layers.h"
#include "rootfs/overlay.h"

#include <limits.h>
#include <string.h>
#include <sys/mount.h>

int mount_attach(int tree, int target, struct err *err)
{
	if (sys_move_mount(tree, "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, "attach");
	return 0;
}

#define ACCESS_TIMES ((uint64_t)(MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME))

/* The kernel refuses to change a locked flag with EPERM: say which could be meant. */
static void explain_locked(uint64_t set, uint64_t clr, struct err *err)
{
	char text[128];

	if (clr & ~ACCESS_TIMES)
		err_hint(
			err, 0,
			"the source is mounted %s by someone with more rights, and the config asks to clear that: "
			"leave the option out",
			mount_attr_text(clr & ~ACCESS_TIMES, text, sizeof(text)));
	else if ((set | clr) & ACCESS_TIMES)
		err_hint(
			err, 0,
			"how the source keeps access times was fixed by someone with more rights: leave noatime, "
			"relatime and their like out");
}

int mount_set_attr(int tree, unsigned flags, uint64_t set, uint64_t clr, struct err *err)
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
	auto_fd int tree =
		sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth);
	int rc;

	if (tree < 0)
		return err_sys(err, "clone the mount");
	rc = mount_set_attr(tree, depth, set, clr, err);
	return rc < 0 ? rc : take_fd(&tree);
}

int mount_open_source(const struct mount_op *op, struct err *err)
{
	bool follow = !op->o.copy_symlink && !op->o.src_nofollow;
	int fd = open(op->source, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	int rc;

	if (fd >= 0)
		return fd;
	rc = err_sys(err, "open the source '%s'", op->source);
	if (rc == -ENOENT)
		return err_hint(err, rc, "make it, or take the mount out of the config");
	return rc == -EACCES
		       ? err_hint(err, rc,
				  "you need search permission on every directory of that path")
		       : rc;
}

int mount_sources_inside(const struct mount_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct mount_op *op = &plan->v[i];
		int fd;

		if ((op->kind != MOUNT_BIND && op->kind != MOUNT_LAYERS) || op->map.active)
			continue;
		fd = op->kind == MOUNT_LAYERS ? overlay_sources_inside(op->layers, err)
					      : mount_open_source(op, err);
		if (fd < 0 && !(op->optional && fd == -ENOENT))
			return err_in(err, fd, "mount '%s'", op->target);
		plan->sources[i] = fd < 0 ? -1 : fd;
	}
	return 0;
}

/* The last component itself, which may be a link; made where there is nothing. */
static int target_nofollow(const struct mount_op *op, bool dir, int rootfd, struct err *err)
{
	char name[NAME_MAX + 1];
	auto_fd int parent = path_parent_in(rootfd, op->target, name, sizeof(name), err);
	auto_fd int made = -1;
	int fd;

	if (parent < 0)
		return parent;
	if (dir && mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the mount point");
	if (!dir)
		made = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
			      0644);
	if (!dir && made < 0 && errno != EEXIST)
		return err_sys(err, "make the mount point");
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(err, "open the mount point");
}

/* The kernel puts a directory on a directory, and anything else on anything else. */
static int check_kind(int target, bool dir, struct err *err)
{
	struct stat st;

	if (fstat(target, &st) < 0)
		return err_sys(err, "the mount point");
	if (S_ISDIR(st.st_mode) == dir)
		return 0;
	return err_set(err, dir ? ENOTDIR : EISDIR, "the mount point is %s",
		       S_ISLNK(st.st_mode) ? "a symbolic link"
		       : dir		   ? "not a directory"
					   : "a directory");
}

int mount_target(const struct mount_op *op, bool dir, int rootfd, struct err *err)
{
	auto_fd int target = op->o.dest_nofollow ? target_nofollow(op, dir, rootfd, err)
			     : dir		 ? path_mkdir_in(rootfd, op->target, 0755, err)
						 : path_touch_in(rootfd, op->target, err);
	int rc = target;

	if (target >= 0 && op->o.dest_nofollow)
		rc = check_kind(target, dir, err);
	if (rc == -ENOTDIR || rc == -EISDIR)
		return err_hint(
			err, rc,
			"a directory can be mounted only on a directory, and anything else only on what is none");
	if (rc == -EACCES || rc == -EPERM)
		return err_hint(err, rc, MOUNT_POINT_REMEDY);
	return rc < 0 ? rc : take_fd(&target);
}

/* Attaching to a shared mount makes shared what is attached: the propagation comes after. */
static int set_peers(const struct mount_op *op, int tree, struct err *err)
{
	struct mount_attr attr = { .propagation = op->o.propagation };

	if (!op->o.propagation)
		return 0;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | (op->o.propagation_rec ? AT_RECURSIVE : 0),
			      &attr) < 0)
		return err_sys(err, "set the propagation");
	return 0;
}

int mount_finish(const struct mount_op *op, int tree, int target, struct err *err)
{
	int rc = mount_attach(tree, target, err);

	return rc < 0 ? rc : set_peers(op, tree, err);
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
		return err_set(err, EEXIST, "something else than the link to '%s' is there already",
			       link);
	return 0;
}

/* The tree that the runtime mapped is attached itself: cloned again it would be the same one. */
static int take_source(int source, struct err *err)
{
	int fd = fcntl(source, F_DUPFD_CLOEXEC, 3);

	return fd >= 0 ? fd : err_sys(err, "duplicate a descriptor");
}

/* A file system that the container's root may not write to either. */
static bool is_out_of_reach(int rc)
{
	return rc == -EROFS || rc == -EACCES || rc == -EPERM;
}

static int do_bind(const struct mount_op *op, int source, int rootfd, struct err *err)
{
	auto_fd int target = -1, tree = -1;
	struct err why = ERR_INIT;
	struct stat st;
	int rc;

	if (source < 0)
		return 0; /* optional and missing */
	if (fstat(source, &st) < 0)
		return err_sys(err, "source '%s'", op->source);
	if (S_ISLNK(st.st_mode) && op->o.copy_symlink)
		return do_symlink(op, source, rootfd, err);
	target = mount_target(op, S_ISDIR(st.st_mode), rootfd, &why);
	if (target < 0 && op->lenient && is_out_of_reach(target))
		return 0;
	if (target < 0 && err)
		*err = why;
	if (target < 0)
		return target;
	tree = op->map.active ? take_source(source, err)
			      : mount_clone(source, op->recursive, 0, 0, err);
	if (tree == -EINVAL && !op->recursive)
		mount_explain_below(op->source, tree, err);
	if (tree < 0)
		return err_in(err, tree, "source '%s'", op->source);
	rc = mount_set_attr(tree, 0, op->o.set, op->o.clr, err);
	if (rc == 0)
		rc = mount_set_attr(tree, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);
	return rc < 0 ? rc : mount_finish(op, tree, target, err);
}

static int do_remount(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int target = path_open_in(rootfd, op->target,
					  O_PATH | (op->o.dest_nofollow ? O_NOFOLLOW : 0), err);
	int rc;

	if (target < 0)
		return target;
	rc = mount_fs_change(op, target, err);
	if (rc == 0)
		rc = mount_set_attr(target, 0, op->o.set, op->o.clr, err);
	if (rc == 0)
		rc = mount_set_attr(target, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);
	return rc < 0 ? rc : set_peers(op, target, err);
}

/* What a host that lets nobody mount cgroup2 answers; a wrong option is an error of the config. */
static bool is_refusal(int rc)
{
	return rc == -EPERM || rc == -EBUSY || rc == -EACCES || rc == -ENODEV || rc == -ENOENT;
}

/* cgroup2 of the own namespace; else the host's tree read-only; else nothing, but empty. */
static int do_cgroup(const struct mount_op *op, int rootfd, struct err *err)
{
	struct mount_op sub = *op;
	struct err first = ERR_INIT;
	auto_fd int source = -1;
	int rc = mount_fs_inside(op, rootfd, &first);

	if (!is_refusal(rc)) {
		if (rc < 0 && err)
			*err = first;
		return rc;
	}
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
	if (mount_fs_inside(&sub, rootfd, NULL) == 0)
		return 0;
	if (err)
		*err = first;
	return rc;
}

static int do_one(const struct mount_plan *plan, size_t i, int rootfd, struct err *err)
{
	const struct mount_op *op = &plan->v[i];

	switch (op->kind) {
	case MOUNT_FS:
		return mount_fs_inside(op, rootfd, err);
	case MOUNT_BIND:
		return do_bind(op, plan->sources[i], rootfd, err);
	case MOUNT_REMOUNT:
		return do_remount(op, rootfd, err);
	case MOUNT_DATA:
		return mount_data_inside(op, rootfd, err);
	case MOUNT_LAYERS:
		return mount_layers_inside(op, rootfd, err);
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
	bool known = str_eq(op->target, "/proc") || str_eq(op->target, "/sys") ||
		     str_eq(op->target, "/dev");
	struct stat st;

	if (!known &&
	    (op->kind != MOUNT_FS || (!str_eq(op->type, "proc") && !str_eq(op->type, "sysfs"))))
		return 0;
	if (strchr(op->target + 1, '/') ||
	    fstatat(rootfd, op->target + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return 0;
	err_set(err, ENOTDIR, "'%s' of the root file system must be a directory", op->target);
	return err_hint(
		err, -ENOTDIR,
		"it is a symbolic link or a file in the image: what is mounted there could land elsewhere");
}

int mount_inside(const struct mount_plan *plan, int rootfd, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int rc = check_target(&plan->v[i], rootfd, err);

		if (rc == 0)
			rc = do_one(plan, i, rootfd, err);
		if (rc == -EROFS)
			err_hint(
				err, rc,
				"the mount point is missing and the file system there is read-only: "
				"make it in the image, or give the root a place for changes: --ephemeral; "
				"in a sandbox take a path that is not below the host's, such as /run/NAME");
		if (rc < 0)
			return err_in(err, rc, "mount '%s'", plan->v[i].target);
		if (plan->sources[i] >= 0)
			fd_closep(&plan->sources[i]);
	}
	return 0;
}
