/*
 * procfs.h - a procfs that can be trusted: one of our own that nobody else reaches, or the visible
 * one after checks. Whoever writes to it names files through procfs_open_at(), which follows
 * nothing that could have been mounted or linked in between (CVE-2023-28642, CVE-2025-52881).
 */
#ifndef BRYO_PROCFS_H
#define BRYO_PROCFS_H

#include "base/err.h"

/* Root of a procfs of our own pid namespace; the caller owns it. [inside] */
int procfs_open_inside(struct err *err);
/* Opens path below dir, on the same mount. The links self and thread-self are the kernel's and
 * allowed. Errors say "open". [inside] */
int procfs_open_at(int dir, const char *path, int flags, struct err *err);

#endif
