/*
 * sched.h - where and when a process of the container runs: process.scheduler, ioPriority and
 * execCPUAffinity, linux.personality and linux.memoryPolicy. The same for the container's own
 * process and for exec (affinity: exec only, as the specification has it).
 *
 * What needs a capability of the initial user namespace (CAP_SYS_NICE), or a resource limit in its
 * place, is checked while planning, because the kernel's EPERM does not say which of the two is
 * missing. The rest of the kernel's rules is checked too, with the field's name, so that a
 * container does not get half-way up for a typing error.
 *
 * Order in seal.c: after the rlimits of the config (they are what the program lives with), before
 * capabilities are dropped and before any filter is loaded. All of it survives execve.
 */
#ifndef BRYO_SCHED_H
#define BRYO_SCHED_H

#include "base/err.h"
#include "base/str.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHED_CPUS  8192
#define SCHED_NODES 1024
#define SCHED_BITS  (8 * sizeof(unsigned long))

/* struct sched_attr of the kernel (version 1), under a name that no libc takes. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

struct sched_plan {
	bool active; /* anything below but the affinity */
	bool has_attr, has_io, has_personality, has_memory;
	struct sched_attributes attr;
	int io; /* class and priority, as ioprio_set takes them */
	unsigned long personality;
	int memory;			      /* mode and flags, as set_mempolicy takes them */
	unsigned long *nodes;		      /* SCHED_NODES bits; NULL: none */
	const unsigned long *initial, *final; /* SCHED_CPUS bits, exec only; NULL: as it is */
	const struct spec_process *process;   /* names, for the errors and the dump */
	const struct spec_linux *linux_;
};

struct sched_request {
	const struct spec_process *process;
	const struct spec_linux *linux_;
	bool userns; /* the process has no capabilities in the initial user namespace */
};

int sched_plan(struct arena *a, const struct sched_request *q, const struct host *host,
	       struct notes *notes, struct sched_plan *ret, struct err *err);
/* All but the affinity. [inside] */
int sched_inside(const struct sched_plan *plan, struct err *err);
/* In the joiner, so that the child starts with it; and in the child once it is in its cgroup. */
int sched_affinity_initial(const struct sched_plan *plan, struct err *err);
int sched_affinity_final(const struct sched_plan *plan, struct err *err);

/* What is asked for, in both forms of the plan; nothing where nothing is. [pure] */
void sched_dump_json(const struct sched_plan *plan, struct json_out *o);
void sched_dump_text(const struct sched_plan *plan, struct str *s);
/* linux.memoryPolicy of the features document. [pure] */
void sched_features(struct json_out *o);

/* "0-3,7" into bits (max of them, zeroed by the caller); *ret_n counts them. [pure] */
int sched_list_parse(const char *text, unsigned long *bits, unsigned max, unsigned *ret_n,
		     struct err *err);

#endif
