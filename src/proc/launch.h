/*
 * launch.h - the runtime's half of creation, up to `ready`.
 */
#ifndef BRYO_LAUNCH_H
#define BRYO_LAUNCH_H

#include "host/host.h"
#include "plan/plan.h"

#include <sys/types.h>

struct launched {
	pid_t pid;	/* a child of the caller */
	int pidfd;
	int pty;	/* master, or -1 */
};

#define LAUNCHED_INIT { .pidfd = -1, .pty = -1 }

/*
 * Clones init and takes it to `ready`. dirfd: the container's state directory, where the start
 * socket is made. On failure nothing is left: init is killed and reaped. [outside]
 */
int launch_outside(const struct plan *plan, struct host *host, int dirfd, struct launched *ret, struct err *err);
/* Kills and reaps; closes descriptors; keeps errno. */
void launched_end(struct launched *l);

#endif
