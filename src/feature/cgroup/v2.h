/* v2.h - what v2.c and v2_life.c share. */
#ifndef BRYO_CGROUP_V2_H
#define BRYO_CGROUP_V2_H

#include "cgroup.h"

#define V2_MARK "user.bryo" /* xattr of a cgroup that bryo made; kernfs has them since 5.7 */

struct v2_pids { pid_t *v; size_t n, cap; };

/* A directory below dirfd, without following links or leaving the file system. */
int v2_open_below(int dirfd, const char *path, struct err *err);
/* The mount on /sys/fs/cgroup; -EOPNOTSUPP where that is no cgroup2. */
int v2_open_mount(struct err *err);
/* A whole file, malloc'ed; NULL where it cannot be read. */
char *v2_read(int dirfd, const char *file);
/* A flag of cgroup.events, "populated" or "frozen". */
bool v2_event(int cgroupfd, const char *key);
/* Adds those of cgroup.procs that our pid namespace shows. */
void v2_pids_of(int cgroupfd, struct v2_pids *ret);
/* "17, 18, 19 and 4 more", with those below. */
void v2_name_pids(int cgroupfd, struct str *ret);

/* Controllers that are off are turned on below dirfd; where: for the error. */
int v2_enable(int dirfd, const char *where, const struct strv *controllers, struct err *err);
/* All that are there, best effort. */
void v2_enable_rest(int dirfd);
bool v2_enabled_all(int dirfd, const struct strv *controllers);
/* Every process of the cgroup to a leaf below it. */
int v2_move_to_leaf(int dirfd, const char *where, struct err *err);

/* Removes an empty cgroup and all that is below it, however deep; waits a moment for the kernel. */
int v2_remove(int parent, const char *name, const char *path, struct err *err);

#endif
