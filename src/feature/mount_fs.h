/* mount_fs.h - new file systems of mounts[], and changes of those that are there. [inside] */
#ifndef BRYO_MOUNT_FS_H
#define BRYO_MOUNT_FS_H

#include "feature/mount.h"

/* Makes the file system of op detached, finishes it there (content, attributes, ID map) and attaches it. */
int mount_fs_inside(const struct mount_op *op, int rootfd, struct err *err);
/* What a remount says to the file system itself; target: its mount. */
int mount_fs_change(const struct mount_op *op, int target, struct err *err);
/* After a failed fsconfig or fsmount: the kernel's own explanation, as the hint of err. */
void mount_fs_messages(int fs, struct err *err);

#endif
