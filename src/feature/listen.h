/*
 * listen.h - socket activation: descriptors that a service manager opened for the program
 * (sd_listen_fds(3)). They come first, from 3 on, before those of --preserve-fds; the program is
 * told by LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES, whatever its config says of these.
 *
 * Whether the variables are meant for us (LISTEN_PID) is the command line's question: here they
 * are a number and names. LISTEN_PID is the program's pid as itself sees it, which only it knows:
 * 1 in a pid namespace of its own, something else without.
 */
#ifndef BRYO_LISTEN_H
#define BRYO_LISTEN_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

struct listen_plan {
	int n;	   /* descriptors 3 .. 3+n-1 */
	char *pid; /* the entry of envp that listen_inside() completes, or NULL */
};

/* The environment with the variables, in *env. names may be NULL. [pure] */
void listen_plan(struct arena *a, int n, const char *names, struct strv *env,
		 struct listen_plan *ret);
/* They are open, and inherited. [outside] */
int listen_check(int n, struct err *err);
void listen_inside(const struct listen_plan *plan);

#endif
