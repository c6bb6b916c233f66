/*
 * join.h - the joiner: a throw-away child that enters existing namespaces and clones the real
 * process with the runtime as its parent. Used for namespaces given by path, and by exec.
 *
 * It is non-dumpable before its first setns, so that nobody who is already inside can look at it
 * or take its descriptors (CVE-2016-9962); not where the new user namespace is nested in what it
 * joins (feature/net/net_join.h): there it writes the maps, and nobody inside can see it. It reads no
 * config.
 */
#ifndef BRYO_JOIN_H
#define BRYO_JOIN_H

#include "base/err.h"
#include "plan/process.h"
#include "proc/init.h"

#include <stdint.h>
#include <sys/types.h>

/* init in namespaces by path; the child must be waited for with __WALL. [outside] */
int join_clone_outside(const struct init_args *args, pid_t *ret_pid, int *ret_pidfd, struct err *err);

struct join_exec {
	int init;			/* pidfd of the container's init */
	uint32_t namespaces;		/* CLONE_NEW* to enter */
	const struct process_plan *process;
	const char *keyring;		/* id of the container, or NULL: keep the caller's */
	int cgroup;			/* directory that the process starts in, or -1 */
};

/*
 * A second process in a running container, up to the point where it waits for `start` on
 * *ret_sock; *ret_pty: its terminal's master, or -1. [outside]
 */
int join_exec_outside(const struct join_exec *j, pid_t *ret_pid, int *ret_pidfd, int *ret_pty, int *ret_sock,
		      struct err *err);

#endif
