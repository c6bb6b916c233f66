/*
 * path.h - names inside a root, resolved by the kernel (openat2, RESOLVE_IN_ROOT and no magic
 * links), so that no symbolic link of an image leads outside. rootfd is the rootfs; a path
 * inside it starts with '/' or not, that makes no difference. Nothing here builds a string
 * "rootfs + path". [inside]
 */
#ifndef BRYO_PATH_H
#define BRYO_PATH_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Opens path with flags (O_PATH unless the caller needs more; O_CLOEXEC is added). */
int path_open_in(int rootfd, const char *path, int flags, struct err *err);
/*
 * Returns an O_PATH descriptor of the directory path, creating missing components with mode
 * (the set-group-ID bit of a parent is inherited by the kernel as usual). A dangling or
 * absolute symbolic link on the way is followed inside the root, and its target made.
 * -ENOTDIR when something that is not a directory is in the way; -EROFS names the component.
 */
int path_mkdir_in(int rootfd, const char *path, mode_t mode, struct err *err);
/*
 * Returns an O_PATH descriptor of the file path, creating an empty regular file (mode 0644,
 * O_EXCL) and its parents where missing, through dangling links too. An existing file is only
 * opened O_PATH: a FIFO or a tty cannot block. -EISDIR for a directory.
 */
int path_touch_in(int rootfd, const char *path, struct err *err);
/*
 * Opens the parent directory of path (created where missing) and copies the last component
 * to name (size bytes). -EINVAL for "", "/", "." and "..".
 */
int path_parent_in(int rootfd, const char *path, char *name, size_t size, struct err *err);
/* Lexical, of a path that begins with "/": no empty, "." or ".." components, no trailing slash
 * except "/". [pure] */
void path_clean(char *path);

#endif
