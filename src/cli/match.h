/*
 * match.h - the same thing done to every container whose ID matches a regular expression: what
 * --regex means to kill and delete.
 */
#ifndef BRYO_MATCH_H
#define BRYO_MATCH_H

#include "cmd.h"

/*
 * pattern: POSIX extended, found anywhere in the ID. What act() cannot do is a warning and the
 * next container follows, as crun has it. -EINVAL for a pattern that is none. [outside]
 */
int match_each(bryo_ctx *ctx, const char *pattern,
	       int (*act)(bryo_ctx *ctx, const char *id, const void *arg, struct bryo_err *err),
	       const void *arg, union cli_err *err);

#endif
