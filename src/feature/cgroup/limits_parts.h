/*
 * limits_parts.h - what the files of limits.h share: one plan in the making. Each part appends the
 * writes of its own fields and reports its own violations; nobody outside this directory includes
 * it.
 */
#ifndef BRYO_CGROUP_LIMITS_PARTS_H
#define BRYO_CGROUP_LIMITS_PARTS_H

#include "limits.h"

#include "base/vec.h"

#define LIMITS_PERIOD 100000		      /* us; cpu.max of a new cgroup (cgroup-v2.rst) */
#define LIMITS_QUOTA_MAX ((1ULL << 44) - 1)   /* us; max_bw_runtime_us in kernel/sched/core.c */
#define LIMITS_CPUS 8192		      /* NR_CPUS of the largest kernel config */
#define LIMITS_NODES 1024		      /* MAX_NUMNODES likewise */
#define LIMITS_MAX UINT64_MAX		      /* "max" in the files, infinity for systemd */

struct limits {
	struct arena *a;
	const struct spec_resources *r;
	const struct cgroup_limits_mode *mode;
	VEC(struct cgroup_write) writes;
	struct err all; /* every violation so far */
};

/* Appends a write; the controller is the part of file before its first dot. The pointer is valid
 * until the next one. */
struct cgroup_write *limits_add(struct limits *l, const char *file, const char *field,
				const char *value);
/* Reports a violation as "linux.resources.FIELD: ...". */
void limits_fail(struct limits *l, int num, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Decimal, or "max" for LIMITS_MAX. */
const char *limits_text(struct arena *a, uint64_t v);
/* Reads that back, and memparse's suffixes (K, M, G, T) as the memory files do. */
bool limits_number(const char *text, uint64_t *ret);
/* "QUOTA PERIOD" of cpu.max; without a period *ret_period stays, and both where it returns false. */
bool limits_bandwidth(const char *text, uint64_t *ret_quota, uint64_t *ret_period);

void limits_cpu(struct limits *l);
void limits_block_io(struct limits *l);
void limits_hugetlb(struct limits *l);
void limits_rdma(struct limits *l);
void limits_unified(struct limits *l);
/* What systemd calls the writes in ret->v, into ret->properties. */
void limits_properties(struct arena *a, const struct cgroup_limits_mode *mode,
		       struct cgroup_limits *ret);

#endif
