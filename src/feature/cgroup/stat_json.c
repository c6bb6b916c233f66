/*
 * stat_json.c - figures of a cgroup (stat.h) in the shape of runc's events. runc prints a Go
 * struct: its members in their order, maps sorted by key, members marked "omitempty" left out when
 * they are 0 or nothing, and embedded structs always there. In the tables below such members
 * are written with put_nonzero(). [pure]
 */
#include "stat.h"

#include "base/str.h"

#include <inttypes.h>

static void put_nonzero(struct json_out *o, const char *key, uint64_t value)
{
	if (value)
		json_out_u64(o, key, value);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t s;

	return __builtin_add_overflow(a, b, &s) ? UINT64_MAX : s;
}

/* Hundredths as Go prints a float64: 1250 is 12.5. */
static void put_percent(struct json_out *o, const char *key, uint64_t cents)
{
	auto_str struct str s = STR_INIT;

	str_addf(&s, "%" PRIu64, cents / 100);
	if (cents % 10)
		str_addf(&s, ".%02" PRIu64, cents % 100);
	else if (cents % 100)
		str_addf(&s, ".%" PRIu64, cents % 100 / 10);
	json_out_raw(o, key, s.p);
}

static void put_psi_line(struct json_out *o, const char *key, const struct cgroup_psi_line *l)
{
	json_out_object(o, key);
	put_percent(o, "avg10", l->avg10);
	put_percent(o, "avg60", l->avg60);
	put_percent(o, "avg300", l->avg300);
	json_out_u64(o, "total", l->total);
	json_out_end(o, '}');
}

static void put_psi(struct json_out *o, const struct cgroup_psi *p)
{
	if (!p->present)
		return;
	json_out_object(o, "psi");
	put_psi_line(o, "some", &p->some);
	put_psi_line(o, "full", &p->full);
	json_out_end(o, '}');
}

static void put_cpu(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "cpu");
	json_out_object(o, "usage");
	put_nonzero(o, "total", s->cpu.usage);
	json_out_u64(o, "kernel", s->cpu.system);
	json_out_u64(o, "user", s->cpu.user);
	json_out_end(o, '}');
	json_out_object(o, "throttling");
	put_nonzero(o, "periods", s->cpu.periods);
	put_nonzero(o, "throttledPeriods", s->cpu.throttled);
	put_nonzero(o, "throttledTime", s->cpu.throttled_time);
	json_out_end(o, '}');
	put_psi(o, &s->cpu.psi);
	json_out_end(o, '}');
}

static void put_list(struct json_out *o, const char *key, const struct cgroup_list *l)
{
	if (!l->n)
		return;
	json_out_array(o, key);
	for (size_t i = 0; i < l->n; i++)
		json_out_u64(o, NULL, l->v[i]);
	json_out_end(o, ']');
}

/* All but the lists are switches of cgroup v1. */
static void put_cpuset(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "cpuset");
	put_list(o, "cpus", &s->cpuset.cpus);
	json_out_u64(o, "cpu_exclusive", 0);
	put_list(o, "mems", &s->cpuset.mems);
	json_out_u64(o, "mem_hardwall", 0);
	json_out_u64(o, "mem_exclusive", 0);
	json_out_u64(o, "memory_migrate", 0);
	json_out_u64(o, "memory_spread_page", 0);
	json_out_u64(o, "memory_spread_slab", 0);
	json_out_u64(o, "memory_pressure", 0);
	json_out_u64(o, "sched_load_balance", 0);
	json_out_u64(o, "sched_relax_domain_level", 0);
	json_out_end(o, '}');
}

static void put_memory_entry(struct json_out *o, const char *key, uint64_t limit, uint64_t usage,
			     uint64_t max, uint64_t failcnt)
{
	json_out_object(o, key);
	json_out_u64(o, "limit", limit);
	put_nonzero(o, "usage", usage);
	put_nonzero(o, "max", max);
	json_out_u64(o, "failcnt", failcnt);
	json_out_end(o, '}');
}

static uint64_t memory_key(const struct cgroup_stats *s, const char *name)
{
	for (size_t i = 0; i < s->memory.stat.n; i++)
		if (str_eq(s->memory.stat.v[i].name, name))
			return s->memory.stat.v[i].value;
	return 0;
}

/*
 * "swap" is memory and swap together, as in cgroup v1; where swap is not counted it is the memory
 * alone. A peak of the sum is not known.
 */
static void put_memory(struct json_out *o, const struct cgroup_stats *s)
{
	bool there = s->memory.present;
	uint64_t limit = there ? s->memory.max : 0;

	json_out_object(o, "memory");
	put_nonzero(o, "cache", memory_key(s, "file"));
	put_memory_entry(o, "usage", limit, s->memory.current, s->memory.peak, s->memory.hits);
	put_memory_entry(o, "swap", sum(limit, s->memory.swap_max),
			 sum(s->memory.current, s->memory.swap_current), 0, 0);
	put_memory_entry(o, "kernel", 0, 0, 0, 0);
	put_memory_entry(o, "kernelTCP", 0, 0, 0, 0);
	if (s->memory.stat.n) {
		json_out_object(o, "raw");
		for (size_t i = 0; i < s->memory.stat.n; i++)
			json_out_u64(o, s->memory.stat.v[i].name, s->memory.stat.v[i].value);
		json_out_end(o, '}');
	}
	put_psi(o, &s->memory.psi);
	json_out_end(o, '}');
}

static void put_pids(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "pids");
	put_nonzero(o, "current", s->pids.current);
	put_nonzero(o, "limit", s->pids.max == CGROUP_NO_LIMIT ? 0 : s->pids.max);
	json_out_end(o, '}');
}

static void put_io_entry(struct json_out *o, const struct cgroup_io_device *d, const char *op,
			 uint64_t value)
{
	json_out_object(o, NULL);
	put_nonzero(o, "major", d->major);
	put_nonzero(o, "minor", d->minor);
	json_out_str(o, "op", op);
	put_nonzero(o, "value", value);
	json_out_end(o, '}');
}

/* Discards have no place in it: who adds the entries up wants what was transferred. */
static void put_blkio(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "blkio");
	for (int bytes = 1; bytes >= 0 && s->io.n; bytes--) {
		json_out_array(o, bytes ? "ioServiceBytesRecursive" : "ioServicedRecursive");
		for (size_t i = 0; i < s->io.n; i++) {
			const struct cgroup_io_device *d = &s->io.v[i];

			put_io_entry(o, d, "Read", bytes ? d->rbytes : d->rios);
			put_io_entry(o, d, "Write", bytes ? d->wbytes : d->wios);
		}
		json_out_end(o, ']');
	}
	put_psi(o, &s->io.psi);
	json_out_end(o, '}');
}

/* "max" would be a peak, which v2 does not keep. */
static void put_hugetlb(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "hugetlb");
	for (size_t i = 0; i < s->hugetlb.n; i++) {
		json_out_object(o, s->hugetlb.v[i].size);
		put_nonzero(o, "usage", s->hugetlb.v[i].current);
		json_out_u64(o, "failcnt", s->hugetlb.v[i].failures);
		json_out_end(o, '}');
	}
	json_out_end(o, '}');
}

void cgroup_stats_json(const struct cgroup_stats *s, const char *key, struct json_out *o)
{
	json_out_object(o, key);
	put_cpu(o, s);
	put_cpuset(o, s);
	put_memory(o, s);
	put_pids(o, s);
	put_blkio(o, s);
	put_hugetlb(o, s);
	json_out_object(o, "intel_rdt");
	json_out_end(o, '}');
	json_out_null(o, "network_interfaces");
	json_out_end(o, '}');
}
