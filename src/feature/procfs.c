/*
 * procfs.c - the handle through which sysctls and labels are written (procfs.h). Runs in init and
 * in the exec child, where what is mounted at /proc may be the container's doing.
 */
#include "procfs.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#define PROC_ROOT_INO 1

int procfs_open_inside(struct err *err)
{
	auto_fd int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);
	auto_fd int visible = -1;
	struct statfs st;
	struct stat root;
	int fd;

	if (fs >= 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
		fd = sys_fsmount(fs, FSMOUNT_CLOEXEC,
				 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
		if (fd >= 0)
			return fd;
	}
	visible = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (visible < 0)
		return err_hint(err, err_sys(err, "open a procfs"),
				"add a mount of type proc on /proc");
	/* A bind of a directory inside a procfs has its type too, and somebody else's files. */
	if (fstatfs(visible, &st) < 0 || st.f_type != PROC_SUPER_MAGIC ||
	    fstat(visible, &root) < 0 || root.st_ino != PROC_ROOT_INO)
		return err_set(err, EXDEV, "/proc is not a procfs");
	return take_fd(&visible);
}

int procfs_open_at(int dir, const char *path, int flags, struct err *err)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(dir, path, &how);

	return fd < 0 ? err_sys(err, "open") : fd;
}
