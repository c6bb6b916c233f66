/*
 * libexec.h - where programs of our own are: installed in BRYO_LIBEXECDIR, or in helpers/ beside a
 * bryo that was built and not installed. [any]
 */
#ifndef BRYO_LIBEXEC_H
#define BRYO_LIBEXEC_H

#include "err.h"
#include "mem.h"

/* A sealed copy of bryo (proc/selfexe.h) is a memory file of this name, followed by the path of what
 * it was copied from. */
#define LIBEXEC_COPY "bryo:"

/* *ret: absolute path, in the arena. -ENOENT where there is none, or for root none that is root's
 * or of who owns bryo itself. helpers/ must belong to root, the caller or who owns bryo. */
int libexec_find(struct arena *a, const char *name, const char **ret, struct err *err);

#endif
