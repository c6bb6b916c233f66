/*
 * mount_live.c - mounts of a running container (theory in mount_live.h). Runs in the joiner: first
 * outside the container's mount namespace, then inside it, where paths are the container's and
 * hostile: targets are resolved in its root, and the last name of one to remove is never followed.
 */
#include "mount_live.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "mount_data.h"
#include "mount_explain.h"

#include <limits.h>
#include <string.h>
#include <sys/mount.h>

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

static int check_one(const struct mount_op *op, struct err *err)
{
	if (op->kind == MOUNT_FS && str_eq(op->type, "proc")) {
		err_set(err, ENOTSUP,
			"a procfs can only be mounted while the container is created");
		return err_hint(err, -ENOTSUP, "put it into mounts[] of config.json");
	}
	if (op->kind == MOUNT_DATA || op->kind == MOUNT_LAYERS) {
		err_set(err, ENOTSUP, "%s is not supported for a running container",
			op->kind == MOUNT_DATA ? "type " MOUNT_DATA_TYPE : "option 'ephemeral'");
		return err_hint(err, -ENOTSUP, "put the mount into mounts[] of config.json");
	}
	if (op->map.active || op->o.copy_symlink) {
		err_set(err, ENOTSUP, "%s is not supported for a running container",
			op->map.active ? "an ID map of its own" : "option 'copy-symlink'");
		return err_hint(err, -ENOTSUP, "put the mount into mounts[] of config.json");
	}
	return 0;
}

int mount_live_check(const struct mount_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int rc = check_one(&plan->v[i], err);

		if (rc < 0)
			return err_in(err, rc, "mount '%s'", plan->v[i].target);
	}
	return 0;
}

/* The descriptor of a source becomes that of a tree nobody sees yet, with its attributes. */
static int clone_one(const struct mount_op *op, int *source, struct err *err)
{
	auto_fd int tree = mount_clone(*source, op->recursive, 0, 0, err);
	int rc;

	if (tree == -EINVAL && !op->recursive)
		mount_explain_below(op->source, tree, err);
	if (tree < 0)
		return tree;
	rc = mount_set_attr(tree, 0, op->o.set, op->o.clr, err);
	if (rc == 0)
		rc = mount_set_attr(tree, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);
	if (rc < 0)
		return rc;
	fd_closep(source);
	*source = take_fd(&tree);
	return 0;
}

int mount_live_clone(const struct mount_plan *plan, struct err *err)
{
	int rc = mount_sources_inside(plan, err);

	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		if (plan->sources[i] < 0)
			continue;
		rc = clone_one(&plan->v[i], &plan->sources[i], err);
		if (rc < 0)
			return err_in(err, rc, "mount '%s': source '%s'", plan->v[i].target,
				      plan->v[i].source);
	}
	return rc;
}

static int attach_bind(const struct mount_op *op, int tree, int rootfd, struct err *err)
{
	auto_fd int target = -1;
	struct stat st;

	if (fstat(tree, &st) < 0)
		return err_sys(err, "source '%s'", op->source);
	target = mount_target(op, S_ISDIR(st.st_mode), rootfd, err);
	return target < 0 ? target : mount_finish(op, tree, target, err);
}

static int attach_one(const struct mount_plan *plan, size_t i, int rootfd, struct err *err)
{
	struct mount_plan one = *plan;
	int rc;

	if (plan->v[i].kind == MOUNT_BIND) {
		rc = plan->sources[i] < 0 ? 0
					  : attach_bind(&plan->v[i], plan->sources[i], rootfd, err);
		return rc < 0 ? err_in(err, rc, "mount '%s'", plan->v[i].target) : 0;
	}
	one.v = &plan->v[i];
	one.sources = &plan->sources[i];
	one.n = 1;
	return mount_inside(&one, rootfd, err);
}

int mount_live_attach(const struct mount_plan *plan, int rootfd, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int rc = attach_one(plan, i, rootfd, err);

		if (rc == 0)
			continue;
		while (i-- > 0)
			if (plan->v[i].kind != MOUNT_REMOUNT)
				(void)mount_live_remove(plan->v[i].target, rootfd, NULL);
		return rc;
	}
	return 0;
}

static bool is_mount_root(int dir, const char *name)
{
	struct statx st;

	return statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_live_remove(const char *target, int rootfd, struct err *err)
{
	char name[NAME_MAX + 1];
	auto_fd int there = path_open_in(rootfd, target, O_PATH, err);
	auto_fd int parent = there < 0 ? there
				       : path_parent_in(rootfd, target, name, sizeof(name), err);
	int rc = parent < 0 ? parent : 0;

	if (rc == 0 && !is_mount_root(parent, name)) {
		rc = err_set(err, EINVAL, "nothing is mounted there");
		err_hint(
			err, rc,
			"give the destination as it was mounted, without symbolic links at its end");
	}
	/* By name in a directory that is open: a file cannot be entered, and /proc is not ours here. */
	if (rc == 0 && fchdir(parent) < 0)
		rc = err_sys(err, "enter its directory");
	if (rc == 0 && umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		rc = err_sys(err, "detach");
	if (chdir("/") < 0 && rc == 0)
		rc = err_sys(err, "return to the root");
	return rc < 0 ? err_in(err, rc, "mount '%s'", target) : 0;
}
