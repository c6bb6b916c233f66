/* mount_explain.h - which mounts the kernel means when it refuses one because of others.
 * [inside], after a failure, reads /proc/self/mountinfo only. */
#ifndef BRYO_MOUNT_EXPLAIN_H
#define BRYO_MOUNT_EXPLAIN_H

#include "base/err.h"
#include "base/json.h"

/* A new procfs was refused: names what covers parts of the outer /proc, and the ways out.
 * Returns rc unchanged. */
int mount_explain_proc(int rc, struct err *err);
/* A bind of source without what is mounted below it was refused: names those mounts.
 * Returns rc unchanged. */
int mount_explain_below(const char *source, int rc, struct err *err);
/* The mount points below dir that the caller sees, in the order in which they were mounted. [any] */
void mount_points_below(struct arena *a, const char *dir, struct strv *ret);

#endif
