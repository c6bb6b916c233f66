/*
 * tree.h - removal of whole directory trees, by descriptors. Nothing is ever resolved by a path of
 * more than one component, no symbolic link is followed, and what is mounted below is not entered
 * but an error. One descriptor at a time and some bytes a level, so depth is no matter. [any]
 */
#ifndef BRYO_TREE_H
#define BRYO_TREE_H

#include "err.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Removes name below dirfd, a directory with all that is in it or any other file. The error names
 * what could not be removed, from name on; what went before it is gone then. -EXDEV: something
 * is mounted there.
 */
int tree_remove_at(int dirfd, const char *name, struct err *err);
/* A directory in dirfd, to read: not through a link, and not onto another mount, whose file system
 * might never answer. */
int tree_open_below(int dirfd, const char *name);
/* Whether the directory below is the one that dir describes, or somewhere in it. */
bool tree_is_above(const struct stat *dir, int below);

#endif
