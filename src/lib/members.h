/*
 * members.h - which processes belong to a container: those in its cgroup. Without one, those whose
 * pid namespace is the container's or a descendant of it. Where the container shares a pid namespace, its creator's
 * or one that it joined, init and its descendants are all that can be told.
 */
#ifndef BRYO_MEMBERS_H
#define BRYO_MEMBERS_H

#include "base/err.h"
#include "state/record.h"

#include <stdbool.h>
#include <sys/types.h>

/* Pids in the caller's namespace, ascending; malloc'ed. */
int members_find(const struct record *r, pid_t **ret, size_t *ret_n, struct err *err);
bool members_has(const struct record *r, pid_t pid);

#endif
