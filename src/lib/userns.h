/*
 * userns.h - a process that is root of a user namespace with the caller's IDs: what may read, make
 * and remove files of all of them. For the files of lib/ only.
 */
#ifndef BRYO_USERNS_H
#define BRYO_USERNS_H

#include "base/err.h"
#include "feature/idmap.h"

#include <stdint.h>

struct userns_child {
	pid_t pid;
	int pidfd;
	int life; /* while it is open the child may live */
	int why;  /* its error, a struct err; end of file at exec */
};

#define USERNS_CHILD_INIT { .pidfd = -1, .life = -1, .why = -1 }

/*
 * The map: 0 is the caller, or as idmap (a word of oci/idmap_style.h, or NULL) says; all IDs for
 * real root. -EINVAL where 0 would not be mapped.
 */
int userns_ids(struct arena *a, struct host *host, const char *idmap, struct idmap_plan *ret, struct err *err);
/*
 * Starts fn as 0:0 in a new user namespace and whatever else flags (CLONE_NEW*) say; what it returns
 * below 0 is the child's error. It dies with the caller. [outside]
 */
int userns_start(struct host *host, const struct idmap_plan *ids, uint64_t flags,
		 int (*fn)(void *arg, struct err *err), void *arg, struct userns_child *ret,
		 struct err *err);
/* Its verdict. Without exec: fn's. */
int userns_wait(struct userns_child *c, struct err *err);
/* Kills and reaps what is still there. Keeps errno. */
void userns_end(struct userns_child *c);
/* start, then wait, with the map of userns_ids(). */
int userns_run(struct host *host, int (*fn)(void *arg, struct err *err), void *arg, struct err *err);
/* tree_remove_at() where the caller's IDs may own what is in it. */
int userns_remove(struct host *host, int parent, const char *name, struct err *err);
/* Removes the scratch directories (base/scratch.h) in parent in which nobody works any more. */
void userns_sweep(struct host *host, int parent);

#endif
