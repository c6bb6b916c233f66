/*
 * launch.h - the runtime's half of creation, up to `ready`.
 */
#ifndef BRYO_LAUNCH_H
#define BRYO_LAUNCH_H

#include "host/host.h"
#include "plan/plan.h"
#include "proc/helpers.h"
#include "proc/root_serve.h"

#include <stdint.h>
#include <sys/types.h>

struct launched {
	pid_t pid;	/* a child of the caller */
	int pidfd;
	int pty;	/* master, or -1 */
	int sock;	/* to init, which waits for `recorded`, or -1 */
	const char *cgroup; /* path, in the request's arena; NULL: none */
	uint64_t cgroup_ino;
	struct helper_runs helpers;
	struct root_served root; /* which backend it is, where there was a choice */
};

#define LAUNCHED_INIT { .pidfd = -1, .pty = -1, .sock = -1, .root = ROOT_SERVED_INIT }

struct launch_request {
	const struct plan *plan;
	struct host *host;
	struct arena *arena;
	int dirfd;	/* the container's state directory, where the start socket is made; -1: none, for
			 * a launch that ends at `ready` */
	/* Called once init is at work: what the runtime can do meanwhile. May be NULL. */
	int (*meanwhile)(void *arg, const struct launched *l, struct err *err);
	void *arg;
};

/*
 * Clones init and takes it to `ready`. On failure nothing is left: init is killed and reaped.
 * [outside]
 */
int launch_outside(const struct launch_request *q, struct launched *ret, struct err *err);
/* The record names init now, so it no longer ends with us: says `recorded`. */
int launch_release(struct launched *l, struct err *err);
/* Kills and reaps; closes descriptors; keeps errno. */
void launched_end(struct launched *l);

#endif
