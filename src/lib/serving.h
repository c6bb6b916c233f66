/*
 * serving.h - the programs that serve a container from outside, as its record has them. For the
 * files of lib/ only.
 */
#ifndef BRYO_SERVING_H
#define BRYO_SERVING_H

#include "base/mem.h"
#include "proc/helpers.h"
#include "state/record.h"

/* Whether that one is still there. */
bool serving_is_alive(const struct record *r, size_t i);
/* Certainly, of a container that is running: neither holds for one that /proc hides (hidepid=; pasta
 * makes itself non-dumpable). */
bool serving_has_ended(const struct record *r, size_t i);
/* Their pids and start times, into the record. A program that has just ended is left out. fuse:
 * fuse-overlayfs, which nobody but the kernel has to end; 0: none. */
void serving_record(struct arena *a, const struct helper_runs *runs, pid_t fuse, struct record *r);
/*
 * Ends those that are still there: SIGKILL through a pidfd whose start time was checked. Where ports
 * were published it waits until they are gone, so that the ports are free. dirfd: the container's
 * directory. -ETIMEDOUT.
 */
int serving_end(const struct record *r, int dirfd, struct err *err);

#endif
