/*
 * listen.h - socket activation: descriptors that a service manager opened for the program
 * (sd_listen_fds(3)), and those that --listen has bryo open itself, so that a service can be
 * reached without any network of its own. They come from 3 on, the inherited ones first, before
 * those of --preserve-fds; the program is told by LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES,
 * whatever its config says of these.
 *
 * Whether the variables are meant for us (LISTEN_PID) is the command line's question: here they
 * are a number and names. LISTEN_PID is the program's pid as itself sees it, which only it knows:
 * 1 in a pid namespace of its own, something else without.
 *
 * Theory of operation of --listen (listen_make.c). The runtime binds in the network namespace of
 * its caller before anything else of the container exists: a port in use fails the start and
 * leaves nothing. Stream sockets listen at once, so a client that comes before the program is
 * ready waits in the queue instead of being refused. The sockets stay at numbers above all that
 * the program will have, where nothing inherited is in their way, until init's last steps put
 * them into place; in the runtime they are closed as soon as init has them, and so the port is
 * free again when the container has ended.
 *
 * A file of a unix socket outlives its socket. bryo removes it with the container, if it is still
 * the one that it made (device and inode are in the record). One left by somebody who crashed is
 * replaced, but only if it is a socket, is ours, and nobody listens there (connect says
 * ECONNREFUSED); everything else is an error. Its mode is 0600 from the first moment.
 */
#ifndef BRYO_LISTEN_H
#define BRYO_LISTEN_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdint.h>

#define LISTEN_MAX 256 /* sockets of --listen */

struct listen_socket {
	enum { LISTEN_TCP, LISTEN_UDP, LISTEN_UNIX } kind;
	const char *word;    /* as it was given */
	const char *name;    /* for LISTEN_FDNAMES, or NULL */
	const char *address; /* without brackets; NULL: every one */
	uint16_t port;
	const char *path;    /* of LISTEN_UNIX, as it was given */
};

struct listen_plan {
	int n;		/* descriptors 3 .. 3+n-1 */
	int inherited;	/* so many of them we were given */
	char *pid;	/* the entry of envp that listen_inside() completes, or NULL */
	const struct listen_socket *make; /* the n - inherited others */
	int *fds;	/* the same, opened; -1 before that */
};

/* How many of them bryo makes. */
static inline int listen_made(const struct listen_plan *plan)
{
	return plan->n - plan->inherited;
}

struct listen_request {
	int inherited;
	const char *names;	  /* of the inherited ones, or NULL */
	const struct strv *words; /* of --listen, or NULL */
};

/* The environment with the variables, in *env. -EINVAL names the word of --listen. [pure] */
int listen_plan(struct arena *a, const struct listen_request *q, struct strv *env,
		struct listen_plan *ret, struct err *err);
/* "[NAME=]tcp:[IP:]PORT", "[NAME=]udp:[IP:]PORT" or "[NAME=]unix:PATH". [pure] */
int listen_parse(struct arena *a, const char *word, struct listen_socket *ret, struct err *err);
/* The inherited ones are open, and inherited. [outside] */
int listen_check(int n, struct err *err);

/*
 * Opens plan->fds at numbers from first on. *ret_files gets what has to be removed one day: the
 * absolute path of each unix socket and "DEVICE:INODE:TIME". On failure nothing is left. [outside]
 */
int listen_open_outside(struct arena *a, const struct listen_plan *plan, int first,
			struct pairs *ret_files, struct err *err);
void listen_close(const struct listen_plan *plan);
/* Whether they could be opened now; ports are bound for a moment, no file is touched. [outside] */
int listen_try_outside(const struct listen_plan *plan, struct err *err);
/* Removes those files that are still the same. [outside] */
void listen_undo(const struct pairs *files);

/*
 * Puts the opened sockets behind the inherited ones, and what was preserved behind them. The n
 * descriptors *own[] that are still needed (-1: not) and the log are moved out of the way where
 * they are in it. total: how many descriptors the program gets. [inside]
 */
int listen_place_inside(const struct listen_plan *plan, int total, int *const *own, size_t n,
			struct err *err);
void listen_inside(const struct listen_plan *plan);

#endif
