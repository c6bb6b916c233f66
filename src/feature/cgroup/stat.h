/*
 * stat.h - what a cgroup v2 directory says about its processes, as numbers, and the same in the
 * shape of runc's `events --stats`. Reading is tolerant of what is missing (a controller that is
 * not enabled, a kernel without pressure stall information) and of keys that it does not know,
 * and strict about what it does know: a figure that is no number is -EPROTO with file and line.
 *
 *	struct cgroup_stats s;
 *	rc = cgroup_stats_read(&arena, cgroupfd, &s, err);
 *	if (rc == 0 && s.memory.present)
 *		use(s.memory.current);
 *
 * Strings and arrays live in the arena. Times are nanoseconds, sizes bytes; a limit that is
 * "max" is CGROUP_NO_LIMIT.
 */
#ifndef BRYO_CGROUP_STAT_H
#define BRYO_CGROUP_STAT_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_NO_LIMIT UINT64_MAX

/* Averages in hundredths of a percent, as the kernel rounds them; total in microseconds. */
struct cgroup_psi_line {
	uint64_t avg10, avg60, avg300, total;
};

struct cgroup_psi {
	bool present;
	struct cgroup_psi_line some, full;
};

struct cgroup_key {	/* a line of memory.stat */
	const char *name;
	uint64_t value;
};

struct cgroup_io_device {
	uint64_t major, minor;
	uint64_t rbytes, wbytes, dbytes; /* read, written, discarded */
	uint64_t rios, wios, dios;
};

struct cgroup_hugetlb {
	const char *size;	/* "2MB", as in the file's name */
	uint64_t current, max;
	uint64_t failures;	/* allocations that the limit refused */
};

struct cgroup_rdma {
	const char *device;
	uint64_t handles, objects;
};

struct cgroup_list {	/* "0-3,7", each number */
	uint16_t *v;
	size_t n;
};

struct cgroup_stats {
	struct {
		bool present;	/* without the controller too, but the last three are then 0 */
		uint64_t usage, user, system;
		uint64_t periods, throttled, throttled_time;
		struct cgroup_psi psi;
	} cpu;
	struct {
		bool present, swap_present; /* without swap accounting the swap figures are 0 */
		uint64_t current, max, peak; /* peak 0: unknown to this kernel */
		uint64_t swap_current, swap_max;
		uint64_t hits;	/* how often max was about to be exceeded */
		uint64_t oom, oom_kill;
		struct { struct cgroup_key *v; size_t n; } stat; /* sorted by name */
		struct cgroup_psi psi;
	} memory;
	struct {
		bool present;
		uint64_t current; /* without the controller: processes of the cgroup itself */
		uint64_t max;
	} pids;
	struct {
		bool present;
		struct cgroup_io_device *v;
		size_t n;
		struct cgroup_psi psi;
	} io;
	struct {
		struct cgroup_hugetlb *v; /* sorted by name of the size */
		size_t n;
	} hugetlb;
	struct {
		bool present;
		struct cgroup_rdma *v;
		size_t n;
	} rdma;
	struct {
		bool present;
		struct cgroup_list cpus, mems;
	} cpuset;
	bool populated, frozen;	/* the root of a hierarchy does not tell, and is populated */
};

/*
 * cgroupfd is a directory descriptor (O_PATH will not do), still the caller's. -ENOENT: the cgroup
 * is gone, or went while it was read; -EPROTO: a file does not hold what the kernel documents.
 * *ret is set on success only. [outside]
 */
int cgroup_stats_read(struct arena *a, int cgroupfd, struct cgroup_stats *ret, struct err *err);
/*
 * The object "data" of runc's events, key for key; key NULL inside arrays and at the top. What v2
 * does not count is there as runc prints it (0, {} or null). Differences, all in values: failcnt
 * of memory is the events of memory.max, cpus and mems of cpuset are filled in, both of which runc
 * leaves empty on v2, and the sum of memory and swap limits does not overflow. [pure]
 */
void cgroup_stats_json(const struct cgroup_stats *s, const char *key, struct json_out *o);

#endif
