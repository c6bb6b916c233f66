/*
 * init.h - the container's init before it becomes the program: the inner half of a launch.
 */
#ifndef BRYO_INIT_H
#define BRYO_INIT_H

#include "plan/plan.h"

#include <sys/types.h>

struct init_args {
	const struct plan *plan;
	int sock;		/* sync pair, our end */
	int listener;		/* start socket, listening */
	int cgroup;		/* directory that the clone goes into, or -1 */
	int pid1;		/* program of pid 1 (pid1.h), or -1: the container's own is */
};

/* This is the container's first process; it lives until it execs the program; it exists because
 * only somebody inside can set up mounts with the container's rights. Never returns. */
_Noreturn void init_main(const struct init_args *args);

#endif
