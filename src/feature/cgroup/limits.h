/*
 * limits.h - linux.resources of the runtime-spec as writes to files of a cgroup v2 directory and
 * as properties of a systemd unit. Pure: what is asked, what it means in v2, which controllers it
 * needs. Who may write it, and where, is cgroup.h's business.
 *
 * "Asked for" is a value that changes something: null, {}, false, -1, cpu.shares 0,
 * blockIO.weight 0, zeros of realtime and kernel memory, and device rules are not; pids.limit 0
 * is (runtime-spec 1.3, config-linux.md "PIDs").
 *
 * An update must be able to lift a limit, so there -1 is written as "max". A 0 that means nothing in
 * config.json means nothing in an update either: engines send one for what was not named.
 */
#ifndef BRYO_CGROUP_LIMITS_H
#define BRYO_CGROUP_LIMITS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_write {
	const char *controller; /* "memory", as in cgroup.controllers; NULL: cgroup core files */
	const char *file;	/* "memory.max"; never with a '/' */
	const char *value;	/* one write(2), without a newline */
	const char *field;	/* for errors: "memory.limit" below linux.resources */
	const char *instead;	/* another file to try where this one does not exist, or NULL */
	const char *instead_value;
	bool optional;		/* where the file does not exist nothing is lost: hugetlb's rsvd.max */
};

struct cgroup_property {	/* of a systemd unit, org.freedesktop.systemd1.Scope */
	const char *name;	/* "MemoryMax"; "?AllowedCPUs" may be dropped where systemd lacks it */
	const char *value;	/* D-Bus signature, ':', value: "t:1048576", "b:true", "s:text",
				 * "ay:ff01" (bytes in hexadecimal, lowest CPU first) */
};

struct cgroup_limits {
	struct cgroup_write *v;	/* in the order in which they must be written */
	size_t n;
	struct strv controllers; /* what v needs, each once, sorted */
	struct strv asked;	 /* names of the asked fields below linux.resources, in spec order */
	struct {
		struct cgroup_property *v;
		size_t n;
	} properties;
	bool check_usage;	/* memory.checkBeforeUpdate: refuse a limit below what is used */
	int64_t memory_limit;	/* bytes; -1: none asked */
};

struct cgroup_limits_mode {
	bool update;	/* of a running container: -1 lifts a limit, and is written */
	/* cpu.max as it is, "" where unknown: quota and period are one file, and where only one of
	 * them is given the other stays. Likewise memory.max and memory.swap.max for swap
	 * arithmetic of an update that gives only memory.swap. */
	const char *cpu_max, *memory_max, *swap_max;
	/* For io.bfq.weight: whether the file exists in the container's cgroup or its parent. */
	bool has_bfq;
};

/*
 * -ENOTSUP naming every field that cgroup v2 has no counterpart for; -EINVAL for values out of
 * range, swap without or below its limit, a unified key with '/' in it or none of cgroup v2's shape,
 * a CPU list that does not parse. All violations are reported together (err_also). [pure]
 */
int cgroup_limits_plan(struct arena *a, const struct spec_resources *r, const struct cgroup_limits_mode *mode,
		       struct cgroup_limits *ret, struct err *err);
/* Names of what is asked for, whether v2 has it or not, as "memory.limit, pids.limit". [pure] */
void cgroup_limits_asked(const struct spec_resources *r, struct str *ret);
/* cpu.shares (2 to 262144, v1) to cpu.weight (1 to 10000) by runc 1.5's quadratic curve. [pure] */
uint64_t cgroup_shares_to_weight(uint64_t shares);

#endif
