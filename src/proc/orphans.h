/*
 * orphans.h - what a container without a pid namespace of its own leaves behind when its first
 * process ends. The kernel ends nothing for us there, and a cgroup is often not to be had, in a
 * container least of all; but a foreground run is the subreaper (wait_adopt()), so that everything
 * that lost its parent is a child of ours by then, and can be found and ended.
 *
 * Who was our child before the program started is somebody else's: a helper, or a library user's. So
 * is who is in our own mount namespace: a container never is, but what a poststart hook left is.
 */
#ifndef BRYO_ORPHANS_H
#define BRYO_ORPHANS_H

#include "base/mem.h"

#include <sys/types.h>

struct orphans {
	pid_t *known; /* children that there were before; malloc'ed */
	size_t n;
};

/* Call between create and start. Where the kernel cannot tell (no CONFIG_PROC_CHILDREN) nothing will
 * be ended later. [outside] */
void orphans_note(struct orphans *o);
/* SIGKILL and reap, until there is none: what loses its parent meanwhile is found as well. Gives up
 * after ten seconds. [outside] */
void orphans_end(const struct orphans *o);
void orphans_release(struct orphans *o);

#endif
