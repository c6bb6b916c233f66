/*
 * supervise.h - who looks after the program: a pid 1 of ours in front of it, the end of whoever
 * called us, and the clock. Values of --init, --die-with-parent and --timeout and of their
 * annotations, which is how the options reach the plan.
 *
 *	org.bryo.init=true		proc/pid1.h
 *	org.bryo.dieWithParent=true	the container ends when the caller of a foreground run ends
 *	org.bryo.timeout=10s[,5s]	SIGTERM after so long, SIGKILL so long after that; foreground only
 *
 * What only a process that stays can do is refused where none stays: create, and run --detach.
 */
#ifndef BRYO_SUPERVISE_H
#define BRYO_SUPERVISE_H

#include "feature/ns.h"

#include <stdbool.h>
#include <stdint.h>

#define INIT_ANNOTATION	   "org.bryo.init"
#define DIE_ANNOTATION	   "org.bryo.dieWithParent"
#define TIMEOUT_ANNOTATION "org.bryo.timeout"

struct supervise_plan {
	bool init; /* pid 1 is bryo-init, and the program its child */
	bool die_with_parent;
	uint64_t timeout_ns, grace_ns; /* timeout 0: none */
};

/* [pure] */
int supervise_plan(const struct spec *spec, const struct ns_plan *ns, struct supervise_plan *ret,
		   struct err *err);

/* "DURATION[,GRACE]"; without a grace it is 10 s. [pure] */
int supervise_timeout(const char *text, uint64_t *ret_timeout_ns, uint64_t *ret_grace_ns,
		      struct err *err);
/* Nobody stays: names what then cannot be done. [pure] */
int supervise_detached(const struct supervise_plan *plan, struct err *err);

#endif
