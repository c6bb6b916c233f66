/*
 * rdt.h - linux.intelRdt: the container's place in the resctrl file system (runtime-spec 1.3,
 * "IntelRdt").
 *
 * A class of service is a directory of resctrl: closID, "/" for the root class, or the container's
 * id where none is named; only the last is ours to remove. With a schema a class that exists must
 * already have it (each line that was asked for is looked for, runtime-spec), a new one gets it:
 * L3 first, memory bandwidth next, `schemata` last. Without any schema a named class must exist.
 * Init's pid is written to tasks before anything runs in it. enableMonitoring makes
 * mon_groups/ID, which delete removes.
 *
 * For root where resctrl is mounted; refused otherwise.
 */
#ifndef BRYO_RDT_H
#define BRYO_RDT_H

#include "base/err.h"
#include "host/host.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <sys/types.h>

#define RDT_MOUNT "/sys/fs/resctrl"

struct rdt_plan {
	bool active;
	const char *class;	/* directory below resctrl; "." for the root class */
	bool ours;		/* named after the container: removed on delete */
	bool must_exist;
	struct strv lines;	/* of schemata, in the order in which they are written */
	const char *monitor;	/* "CLASS/mon_groups/ID", or NULL */
};

int rdt_plan(struct arena *a, const struct spec *spec, const char *id, const struct host *host, struct rdt_plan *ret,
	     struct err *err);
/* [outside] resctrl: its mount point, a descriptor. */
int rdt_apply_at(int resctrl, const struct rdt_plan *plan, pid_t pid, struct err *err);
int rdt_outside(const struct rdt_plan *plan, pid_t pid, struct err *err);
/* New schemata of a class that exists; NULL: as they are. [outside] */
int rdt_update_at(int resctrl, const char *class, const char *l3, const char *mem_bw, struct err *err);
int rdt_update(const char *class, const char *l3, const char *mem_bw, struct err *err);
/* Removes a class (NULL: it is not ours) and a monitoring group (or NULL), both below resctrl; missing
 * ones are fine. [outside] */
void rdt_undo_at(int resctrl, const char *class, const char *monitor);
void rdt_undo(const char *class, const char *monitor);

#endif
