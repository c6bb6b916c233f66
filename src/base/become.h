/*
 * become.h - a child that was forked for it turns into a program. child.h starts programs without
 * a copy of the caller and is to be preferred; this is for what must do something before, as
 * itself: enter a namespace, take an identity. [a forked child]
 */
#ifndef BRYO_BECOME_H
#define BRYO_BECOME_H

#include "err.h"

#include <stddef.h>

struct become {
	const char *path;	/* absolute */
	char *const *argv;
	int out;		/* becomes 1 and 2; 0 is /dev/null */
	const int *keep;	/* descriptors that the program gets, with their numbers */
	size_t n_keep;
};

/*
 * A session of its own, working directory "/", default signals, no new privileges, no descriptor
 * but those named. Returns only on failure; descriptors are then as they may be.
 */
int become_program(const struct become *b, struct err *err);

#endif
