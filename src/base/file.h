/* file.h - whole files by name below a directory descriptor (AT_FDCWD for the working
 * directory). Errors name the path as the user knows it. [any] */
#ifndef BRYO_FILE_H
#define BRYO_FILE_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

/* As fd_read_all(); refuses anything that is not a regular file unless it is in /proc or /sys. */
int file_read_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err);
/* Opens an existing file for writing (no O_CREAT, no O_TRUNC) and writes once: for /proc and
 * cgroup files, whose writes must not be split. */
int file_poke_at(int dirfd, const char *path, const char *text, struct err *err);
/*
 * Replaces name atomically: a temporary file beside it (O_EXCL, mode), written, then renamed.
 * On failure nothing is left. No fsync: state does not outlive a reboot.
 */
int file_replace_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err);

/* Its two halves: the temporary file, and the rename that makes it visible. */
int file_stage_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err);
int file_commit_at(int dirfd, const char *name, struct err *err);

#endif
