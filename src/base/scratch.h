/*
 * scratch.h - directories with a temporary name: ".OF.bryo-HHHHHHHH", beside what they become or stand
 * in for. Who works in one has it locked (flock) until the name is gone, by removal or by a rename;
 * the kernel releases the lock at his death. So one that is not locked was left by somebody who was
 * killed, whatever its age. [outside]
 */
#ifndef BRYO_SCRATCH_H
#define BRYO_SCRATCH_H

#include "err.h"
#include "json.h"
#include "mem.h"

#include <limits.h>

/* Makes one in parent, mode 0700. The descriptor is the directory, and the lock. */
int scratch_make(int parent, const char *of, char ret_name[NAME_MAX + 1], struct err *err);
/* Names in parent, a directory, that look like one; in the arena. */
void scratch_find(struct arena *a, int parent, struct strv *ret);
/* The lock of one that nobody works in any more; -1: it is in use, gone, another user's, on a file
 * system where nobody can tell (scratch_is_shared()), or where others may have renamed what is ours. */
int scratch_take(int parent, const char *name);
/* Whether other machines may be at work on fd's file system, whose locks and processes do not show
 * here. */
bool scratch_is_shared(int fd);

#endif
