/*
 * oom.h - being told of OOM kills in a cgroup v2 directory and of its end, without asking over
 * and over: one descriptor for poll(2), an inotify instance on memory.events and cgroup.events.
 *
 *	auto_cgroup_oom struct cgroup_oom w = CGROUP_OOM_INIT;
 *	rc = cgroup_oom_open(cgroupfd, &w, err);
 *	... poll w.fd for POLLIN ...
 *	rc = cgroup_oom_step(&w, &kills, err);
 *	if (rc == 0 && kills) ...
 *	if (rc == 0 && w.ended) ...
 */
#ifndef BRYO_CGROUP_OOM_H
#define BRYO_CGROUP_OOM_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_oom {
	int fd;		 /* to be polled; the owner of the watches */
	int cgroupfd;	 /* the caller's, open as long as this is */
	uint64_t kills;	 /* the count so far */
	bool ended;	 /* no process is left in the cgroup or below it, or it was removed */
};

#define CGROUP_OOM_INIT { .fd = -1, .cgroupfd = -1 }

/*
 * Kills that happened before are not told. Without the memory controller there are none to tell,
 * and only the end is. -ENOENT: the cgroup is gone. [outside]
 */
int cgroup_oom_open(int cgroupfd, struct cgroup_oom *ret, struct err *err);
/*
 * Looks again; does not block, and may be called without an event: after init ended, the kernel
 * may still hold back the one of the kill that ended it. *ret_kills: how many more since the
 * last time. [outside]
 */
int cgroup_oom_step(struct cgroup_oom *w, uint64_t *ret_kills, struct err *err);
void cgroup_oom_close(struct cgroup_oom *w);

#define auto_cgroup_oom __attribute__((cleanup(cgroup_oom_close)))

#endif
