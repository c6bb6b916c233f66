/*
 * limit.h - what ends a foreground run or exec from outside: the clock (--timeout) and the end of who
 * called us (--die-with-parent). Part of the wait loop (wait.h).
 *
 * The caller is looked after by a pidfd and not by PR_SET_PDEATHSIG: that signal comes when the
 * thread ends that started us, it may come late for who was blocked in it, and by SIGKILL the
 * container's state would be left behind. Polled in the loop the end of the caller is one more
 * event, after which everything is tidied up as ever. Only a caller outside of our pid namespace
 * cannot be named: then there is but the signal. What happens when we are killed ourselves is
 * the business of the program's PDEATHSIG (seal.h).
 */
#ifndef BRYO_LIMIT_H
#define BRYO_LIMIT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct limit {
	uint64_t timeout_ns, grace_ns; /* timeout 0: none */
	uint64_t next_ns;	       /* CLOCK_MONOTONIC; 0: nothing is due any more */
	int caller;		       /* pidfd, or -1 */
	bool timed_out, killed; /* out: SIGTERM was sent for the clock; SIGKILL, for either */
};

#define LIMIT_INIT           \
	{                    \
		.caller = -1 \
	}

/* Call early: who has ended before cannot be known. -ESRCH when the caller ends meanwhile. [outside] */
int limit_caller_outside(struct limit *l, struct err *err);
/* The program runs: from now on the clock does. */
void limit_start(struct limit *l);
/* For poll: milliseconds until something is due, -1: never. */
int limit_wait_ms(const struct limit *l);
/* Does what is due, to the process of pidfd. caller_ended: the pidfd can be read. */
void limit_step(struct limit *l, int pidfd, bool caller_ended);
void limit_release(struct limit *l);

#endif
