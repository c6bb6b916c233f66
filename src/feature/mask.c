/*
 * mask.c - masked and read-only paths (theory in mask.h). Runs in init.
 */
#include "mask.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"
#include "feature/mount.h"

#include <sys/sysmacros.h>

int mask_plan(struct arena *a, const struct strv *masked, const struct strv *readonly, struct mask_plan *ret,
	      struct err *err)
{
	const struct strv *lists[] = { masked, readonly };

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			if (lists[k]->v[i][0] != '/')
				return err_set(err, EINVAL, "linux.%s[%zu]: '%s' is not absolute",
					       k ? "readonlyPaths" : "maskedPaths", i, lists[k]->v[i]);
	ret->masked = *masked;
	ret->readonly = *readonly;
	ret->null_source = arena_alloc(a, sizeof(int));
	*ret->null_source = -1;
	return 0;
}

int mask_source_inside(const struct mask_plan *plan, struct err *err)
{
	struct stat st;
	int fd;

	if (!plan->masked.n)
		return 0;
	fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the host's '/dev/null'");
	*plan->null_source = fd;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, EINVAL, "the host's '/dev/null' is not the null device");
	return 0;
}

/* Missing is fine, and so is a path that leads through something that is not a directory. */
static int open_existing(int rootfd, const char *path, struct err *err)
{
	int fd = path_open_in(rootfd, path, O_PATH, err);

	return fd == -ENOENT || fd == -ENOTDIR ? -ENOENT : fd;
}

static int readonly_one(int rootfd, const char *path, struct err *err)
{
	auto_fd int target = open_existing(rootfd, path, err);
	auto_fd int tree = -1;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	tree = mount_clone(target, true, MOUNT_ATTR_RDONLY, 0, err);
	return tree < 0 ? tree : mount_attach(tree, target, err);
}

/* An empty read-only directory; *shared is the first one's attached mount, cloned from then on. */
static int empty_dir(int *shared, struct err *err)
{
	auto_fd int fs = -1;
	int tree;

	if (*shared >= 0)
		return mount_clone(*shared, false, 0, 0, err);
	fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", "0", 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make an empty tmpfs");
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC,
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return tree >= 0 ? tree : err_sys(err, "mount an empty tmpfs");
}

static int mask_one(const struct mask_plan *plan, int rootfd, const char *path, int *shared, struct err *err)
{
	auto_fd int target = open_existing(rootfd, path, err);
	auto_fd int tree = -1;
	struct stat st;
	int rc;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st) < 0)
		return err_sys(err, "look at it");
	if (!S_ISDIR(st.st_mode))
		tree = mount_clone(*plan->null_source, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, err);
	else
		tree = empty_dir(shared, err);
	if (tree < 0)
		return tree;
	rc = mount_attach(tree, target, err);
	if (rc == 0 && S_ISDIR(st.st_mode) && *shared < 0)
		*shared = take_fd(&tree);
	return rc;
}

int mask_inside(const struct mask_plan *plan, int rootfd, struct err *err)
{
	auto_fd int shared = -1;
	int rc;

	for (size_t i = 0; i < plan->readonly.n; i++) {
		rc = readonly_one(rootfd, plan->readonly.v[i], err);
		if (rc < 0)
			return err_in(err, rc, "read-only path '%s'", plan->readonly.v[i]);
	}
	for (size_t i = 0; i < plan->masked.n; i++) {
		rc = mask_one(plan, rootfd, plan->masked.v[i], &shared, err);
		if (rc < 0)
			return err_in(err, rc, "masked path '%s'", plan->masked.v[i]);
	}
	fd_closep(plan->null_source);
	return 0;
}
