/*
 * wait.h - one poll loop for a foreground run or exec: signals, init's pidfd, terminal.
 *
 * Forwards every signal that can be forwarded to init by pidfd (not SIGCHLD, SIGWINCH with a
 * terminal, job-control and synchronous ones; SIGURG is not forwarded either), reaps whatever the
 * subreaper inherits, and returns when init has ended and its output is drained.
 */
#ifndef BRYO_WAIT_H
#define BRYO_WAIT_H

#include "base/err.h"
#include "proc/limit.h"
#include "proc/orphans.h"

#include <signal.h>
#include <sys/types.h>

struct relay;

#define WAIT_TIMED_OUT 124 /* as timeout(1) has it */

/*
 * Call before the container is created: blocks the forwarded signals, remembers the old mask and
 * opens the signalfd; a signal that arrives meanwhile is kept. Restores SIGCHLD's default
 * disposition (a parent may have ignored it: lost exit codes).
 */
struct waiter {
	int sigfd;
	sigset_t old_mask;
	struct sigaction old_chld;
	bool armed, adopts;
	struct limit limit;		/* set once armed */
	int signal;			/* out: what the program died of, or 0 */
	struct orphans others;		/* with adopts: children that are not the container's */
	pid_t keeper;			/* a child that ends with the program, set once armed; 0: none */
	bool keeper_first;		/* out: it ended before the program did */
	int watch;			/* one more descriptor to look after, set once armed; -1: none */
	void (*watched)(void *arg);	/* it can be read */
	void *watch_arg;
};
int wait_arm(struct waiter *w, struct err *err);
/*
 * Orphans of the container become our children while w is armed, and are reaped by wait_loop(), which
 * ends those that outlive the program: what a container without a pid namespace needs, as there is no
 * pid 1 of its own. wait_adopted(): before the program starts, so that other children are spared.
 * [outside]
 */
void wait_adopt(struct waiter *w);
void wait_adopted(struct waiter *w);
void wait_disarm(struct waiter *w); /* restores; idempotent */
/* pid: our child (0: not our child, its status is then unknown and -ECHILD); relay may be NULL.
 * *ret_status: exit code or 128+signal, or WAIT_TIMED_OUT; also set when the only failure is that output was lost
 * (a full disk; a reader that left is no failure). Every other child of the process that ends
 * meanwhile is reaped too. w must be armed. [outside] */
int wait_loop(struct waiter *w, pid_t pid, int pidfd, struct relay *relay, int *ret_status, struct err *err);

#endif
