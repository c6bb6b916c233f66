/*
 * live.h - a throw-away child that changes mounts of a running container. It is a joiner (join.h)
 * that clones nobody: it enters the container's namespaces in two steps (feature/mount_live.h says
 * why), says `mounted` or `failed`, and ends.
 */
#ifndef BRYO_LIVE_H
#define BRYO_LIVE_H

#include "feature/mount_live.h"
#include "feature/user.h"

struct live_request {
	int init;	     /* pidfd of the container's init */
	uint32_t namespaces; /* CLONE_NEW* that the container has of its own */
	const struct idmap_plan *ids;
	const struct user_plan *user; /* whose IDs to take where root is not mapped */
	const struct mount_plan *add; /* either */
	char *const *remove;	      /* or: n_remove destinations, the last one goes first */
	size_t n_remove;
};

/* [outside] */
int live_mounts_outside(const struct live_request *q, struct err *err);

#endif
