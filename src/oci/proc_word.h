/*
 * proc_word.h - what the container has as /proc, in a word: the value of --proc and of the annotation
 * org.bryo.proc, which is how the option reaches the plan.
 *
 *	new	a procfs of the container's own pid namespace (as without a word)
 *	bind	the outer /proc with all that is mounted below it, and with it the outer pid namespace:
 *		the kernel refuses a new procfs where parts of the outer one are covered, and a bound one
 *		shows nothing of a new pid namespace
 *	none	no /proc at all: mounts on it and below it are left out
 *
 * [pure]
 */
#ifndef BRYO_PROC_WORD_H
#define BRYO_PROC_WORD_H

#include "base/err.h"
#include "oci/spec.h"

#define PROC_ANNOTATION "org.bryo.proc"

enum proc_word { PROC_NOT_SAID, PROC_NEW, PROC_BIND, PROC_NONE };

/* The annotation's. -EINVAL for a word that is none. */
int proc_word_of(const struct spec *spec, enum proc_word *ret, struct err *err);
/* path, absolute and clean, is /proc or below it */
bool proc_word_covers(const char *path);

#endif
