/*
 * mount_copyup.h - the mount option tmpcopyup: a new tmpfs begins with a copy of what it hides.
 *
 * The copy is made into the tmpfs while that is detached, so it is never seen half done and may
 * be read-only afterwards. Nothing is resolved by path: each entry is opened by its name in its
 * directory without following a link, so that links are copied as links and none leads out.
 *
 * Kept: type, content with its holes, owner, mode, times, extended attributes as far as the
 * tmpfs takes them. An owner that the container has no ID for becomes the container's root, and
 * then no set-user-ID bit and no file capability survives. Not kept: that two names are one file.
 * Memory: one buffer, and one open directory per level, COPYUP_DEPTH at most; what is copied is
 * bounded by the size of the tmpfs.
 */
#ifndef BRYO_MOUNT_COPYUP_H
#define BRYO_MOUNT_COPYUP_H

#include "base/err.h"

#include <stdbool.h>

#define COPYUP_DEPTH 100

/*
 * Copies the directory from (readable) into to, a directory of ours. keep_top: owner and mode of
 * to itself were asked for and stay. [inside]
 */
int mount_copyup_inside(int from, int to, bool keep_top, struct err *err);

#endif
