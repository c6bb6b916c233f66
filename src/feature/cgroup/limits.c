/*
 * limits.c - what linux.resources asks for, and the plan of its parts (limits.h): memory and pids
 * here, the others in limits_*.c. Pure; runs in the runtime, before anything is made.
 *
 * The order of the rows is that of runtime-spec 1.3, config-linux.md. A row that says why cgroup v2
 * cannot do it is refused: "If the conversion is not possible the runtime MUST generate an error"
 * (ibid., "Unified"). memory.useHierarchy has no row: cgroup v2 always is hierarchical.
 */
#include "limits_parts.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *name;
	bool asked;
	const char *lack; /* NULL: cgroup v2 has it */
};

#define ROWS 25

static bool wants(struct opt_i64 v)
{
	return v.set && v.v != -1 && v.v != 0;
}

static bool wants_u64(struct opt_u64 v)
{
	return v.set && v.v != 0;
}

static bool wants_u32(struct opt_u32 v)
{
	return v.set && v.v != 0;
}

static bool wants_devices(const struct spec_resources *r)
{
	for (size_t i = 0; i < r->block_io.weight_device.n; i++)
		if (wants_u32(r->block_io.weight_device.v[i].weight) ||
		    wants_u32(r->block_io.weight_device.v[i].leaf_weight))
			return true;
	return false;
}

static bool wants_rate(const struct spec_throttles *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].rate)
			return true;
	return false;
}

static size_t rows_of(const struct spec_resources *r, struct row rows[ROWS])
{
	const char *bandwidth = "cgroup v2 has no bandwidth for realtime scheduling";
	const struct row all[] = {
		{ "memory.limit", wants(r->memory.limit), NULL },
		{ "memory.reservation", wants(r->memory.reservation), NULL },
		{ "memory.swap", wants(r->memory.swap), NULL },
		{ "memory.kernel", wants(r->memory.kernel),
		  "cgroup v2 has no limit for kernel memory, memory.limit includes it" },
		{ "memory.kernelTCP", wants(r->memory.kernel_tcp),
		  "cgroup v2 has no limit for TCP buffers, memory.limit includes them" },
		{ "memory.swappiness", r->memory.swappiness.set,
		  "cgroup v2 has no swappiness of a cgroup" },
		{ "memory.disableOOMKiller", r->memory.disable_oom_killer.v,
		  "cgroup v2 cannot disable the OOM killer" },
		{ "cpu.shares", wants_u64(r->cpu.shares), NULL },
		{ "cpu.quota", r->cpu.quota.set && r->cpu.quota.v > 0, NULL },
		{ "cpu.burst", wants_u64(r->cpu.burst), NULL },
		/* Without a quota it limits nothing, but it is the period of a later one. */
		{ "cpu.period", wants_u64(r->cpu.period) && r->cpu.period.v != LIMITS_PERIOD,
		  NULL },
		{ "cpu.realtimeRuntime", wants(r->cpu.realtime_runtime), bandwidth },
		{ "cpu.realtimePeriod", wants_u64(r->cpu.realtime_period), bandwidth },
		{ "cpu.cpus", r->cpu.cpus && *r->cpu.cpus, NULL },
		{ "cpu.mems", r->cpu.mems && *r->cpu.mems, NULL },
		{ "cpu.idle", r->cpu.idle.set && r->cpu.idle.v != 0, NULL },
		{ "blockIO.weight", wants_u32(r->block_io.weight), NULL },
		{ "blockIO.leafWeight", wants_u32(r->block_io.leaf_weight),
		  "cgroup v2 has no weight against child cgroups" },
		{ "blockIO.weightDevice", wants_devices(r), NULL },
		{ "blockIO.throttle*",
		  wants_rate(&r->block_io.throttle_read_bps_device) ||
			  wants_rate(&r->block_io.throttle_write_bps_device) ||
			  wants_rate(&r->block_io.throttle_read_iops_device) ||
			  wants_rate(&r->block_io.throttle_write_iops_device),
		  NULL },
		{ "hugepageLimits", r->hugepage_limits.n, NULL },
		{ "network", r->network.class_id.set || r->network.priorities.n,
		  "net_cls and net_prio exist in cgroup v1 only" },
		{ "pids.limit", r->pids.limit.set && r->pids.limit.v != -1, NULL },
		{ "rdma", r->rdma.n, NULL },
		{ "unified", r->unified.n, NULL },
	};
	size_t n = 0;

	_Static_assert(ARRAY_LEN(all) == ROWS, "rows");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].asked)
			rows[n++] = all[i];
	return n;
}

void cgroup_limits_asked(const struct spec_resources *r, struct str *ret)
{
	struct row rows[ROWS];
	size_t n = rows_of(r, rows);

	for (size_t i = 0; i < n; i++)
		str_addf(ret, "%s%s", i ? ", " : "", rows[i].name);
}

struct cgroup_write *limits_add(struct limits *l, const char *file, const char *field,
				const char *value)
{
	struct cgroup_write *w = vec_add(l->a, &l->writes);
	size_t n = strcspn(file, ".");

	*w = (struct cgroup_write){ .file = file, .value = value, .field = field };
	if (n != strlen("cgroup") || strncmp(file, "cgroup", n) != 0)
		w->controller = arena_strndup(l->a, file, n);
	return w;
}

void limits_fail(struct limits *l, int num, const char *field, const char *fmt, ...)
{
	struct err one = ERR_INIT;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&one, num, "linux.resources.%s: %s", field, text);
	err_also(&l->all, &one);
}

const char *limits_text(struct arena *a, uint64_t v)
{
	return v == LIMITS_MAX ? "max" : arena_printf(a, "%llu", (unsigned long long)v);
}

bool limits_number(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	const char *p = text + strspn(text, " \t"), *suffix;
	unsigned long long v = LIMITS_MAX;

	if (strncmp(p, "max", 3) == 0) {
		p += 3;
	} else {
		/* The kernel reads 0x10 and 010 in other bases; not worth following. */
		if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
			return false;
		if (!str_next_u64(&p, UINT64_MAX, &v))
			return false;
		suffix = *p ? strchr(suffixes, *p & ~0x20) : NULL;
		if (suffix && *suffix) {
			unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);

			if (v > UINT64_MAX >> shift)
				return false;
			v <<= shift;
			p++;
		}
	}
	if (p[strspn(p, " \t\n")])
		return false;
	*ret = v;
	return true;
}

/* Limits in bytes, "or -1 for unlimited memory" (config-linux.md, "Memory"). */
static bool bytes_ok(struct limits *l, const char *field, struct opt_i64 v)
{
	if (!v.set || v.v >= -1)
		return true;
	limits_fail(l, EINVAL, field, "%lld is neither a number of bytes nor -1", (long long)v.v);
	return false;
}

/*
 * memory.swap counts memory as well, memory.swap.max does not. An update that gives only swap takes
 * the limit from the cgroup. Returns false where nothing is to be written.
 */
static bool swap_of(struct limits *l, uint64_t *ret)
{
	const struct opt_i64 swap = l->r->memory.swap, limit = l->r->memory.limit;
	uint64_t memory = LIMITS_MAX;

	*ret = LIMITS_MAX;
	if (!wants(swap)) /* a lifted limit lifts swap too, as in runc */
		return l->mode->update && (swap.set || (limit.set && !wants(limit)));
	if (limit.set && limit.v > 0)
		memory = (uint64_t)limit.v;
	else if (!limit.set && l->mode->update && l->mode->memory_max)
		(void)limits_number(l->mode->memory_max, &memory);
	if (memory == LIMITS_MAX) {
		limits_fail(l, EINVAL, "memory.swap",
			    "%lld is memory and swap together, and needs memory.limit",
			    (long long)swap.v);
		return false;
	}
	if ((uint64_t)swap.v < memory) {
		limits_fail(
			l, EINVAL, "memory.swap",
			"%lld is memory and swap together, and less than the memory limit of %llu",
			(long long)swap.v, (unsigned long long)memory);
		return false;
	}
	*ret = (uint64_t)swap.v - memory;
	return true;
}

/* A kernel that does not account swap has no such file; nothing and no limit go without (runc). */
static void add_swap(struct limits *l, uint64_t swap)
{
	const char *field = l->r->memory.swap.set ? "memory.swap" : "memory.limit";

	limits_add(l, "memory.swap.max", field, limits_text(l->a, swap))->optional =
		swap == 0 || swap == LIMITS_MAX;
}

/*
 * The kernel takes memory.max and memory.swap.max in any order, but to lower memory.max is to swap
 * out or to kill: room for swap is made before, and taken away after.
 */
static void limits_memory(struct limits *l)
{
	const struct opt_i64 limit = l->r->memory.limit, low = l->r->memory.reservation;
	bool update = l->mode->update, good, has_swap, swap_last;
	uint64_t swap = 0, now;

	good = bytes_ok(l, "memory.limit", limit);
	good = bytes_ok(l, "memory.reservation", low) && good;
	good = bytes_ok(l, "memory.swap", l->r->memory.swap) && good;
	if (!good)
		return;
	has_swap = swap_of(l, &swap);
	swap_last = has_swap && l->mode->swap_max && limits_number(l->mode->swap_max, &now) &&
		    swap < now;
	if (has_swap && !swap_last)
		add_swap(l, swap);
	if (wants(limit))
		limits_add(l, "memory.max", "memory.limit", limits_text(l->a, (uint64_t)limit.v));
	else if (update && limit.set)
		limits_add(l, "memory.max", "memory.limit", "max");
	if (swap_last)
		add_swap(l, swap);
	/* No soft limit is no protection: memory.low is 0 then, not max. */
	if (wants(low) || (update && low.set))
		limits_add(l, "memory.low", "memory.reservation",
			   limits_text(l->a, wants(low) ? (uint64_t)low.v : 0));
}

static void limits_pids(struct limits *l)
{
	const struct opt_i64 limit = l->r->pids.limit;

	if (limit.set && limit.v < -1)
		limits_fail(l, EINVAL, "pids.limit", "%lld is neither a number of tasks nor -1",
			    (long long)limit.v);
	else if (limit.set && (limit.v >= 0 || l->mode->update))
		limits_add(l, "pids.max", "pids.limit",
			   limits_text(l->a, limit.v < 0 ? LIMITS_MAX : (uint64_t)limit.v));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A controller that only optional files would need is not needed. */
static void collect_controllers(struct arena *a, struct cgroup_limits *ret)
{
	struct strv *c = &ret->controllers;
	size_t n = 0;

	c->v = arena_alloc(a, (ret->n + 1) * sizeof(*c->v));
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i].controller && !ret->v[i].optional)
			c->v[n++] = ret->v[i].controller;
	if (n)
		qsort(c->v, n, sizeof(*c->v), by_text);
	c->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!c->n || !str_eq(c->v[c->n - 1], c->v[i]))
			c->v[c->n++] = c->v[i];
	c->v[c->n] = NULL;
}

/* Of the last write, because unified comes after memory.limit. */
static int64_t memory_limit(const struct cgroup_limits *limits)
{
	uint64_t v = LIMITS_MAX;

	for (size_t i = 0; i < limits->n; i++)
		if (str_eq(limits->v[i].file, "memory.max") &&
		    !limits_number(limits->v[i].value, &v))
			v = LIMITS_MAX; /* the kernel will refuse it */
	return v > INT64_MAX ? -1 : (int64_t)v;
}

/* dockerd's updates have a 0 for what its user did not name; runc leaves those alone, -1 lifts. */
static struct spec_resources without_zeros(const struct spec_resources *r)
{
	struct spec_resources s = *r;
	struct opt_i64 *const numbers[] = {
		&s.memory.limit,	 &s.memory.reservation, &s.memory.swap,
		&s.memory.kernel,	 &s.memory.kernel_tcp,	&s.cpu.quota,
		&s.cpu.realtime_runtime,
	};
	struct opt_u64 *const more[] = { &s.cpu.shares, &s.cpu.period, &s.cpu.realtime_period };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		numbers[i]->set = numbers[i]->set && numbers[i]->v;
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		more[i]->set = more[i]->set && more[i]->v;
	s.block_io.weight.set = s.block_io.weight.set && s.block_io.weight.v;
	return s;
}

int cgroup_limits_plan(struct arena *a, const struct spec_resources *given,
		       const struct cgroup_limits_mode *mode, struct cgroup_limits *ret,
		       struct err *err)
{
	struct spec_resources less = mode->update ? without_zeros(given) : *given, *r = &less;
	struct limits l = { .a = a, .r = r, .mode = mode };
	struct row rows[ROWS];
	size_t n = rows_of(r, rows);

	*ret = (struct cgroup_limits){ .check_usage = r->memory.check_before_update.v };
	ret->asked.v = arena_alloc(a, (n + 1) * sizeof(*ret->asked.v));
	for (size_t i = 0; i < n; i++) {
		ret->asked.v[ret->asked.n++] = rows[i].name;
		if (rows[i].lack)
			limits_fail(&l, ENOTSUP, rows[i].name, "%s", rows[i].lack);
	}
	limits_memory(&l);
	limits_cpu(&l);
	limits_block_io(&l);
	limits_hugetlb(&l);
	limits_pids(&l);
	limits_rdma(&l);
	limits_unified(&l);
	ret->v = l.writes.v;
	ret->n = l.writes.n;
	ret->memory_limit = memory_limit(ret);
	collect_controllers(a, ret);
	limits_properties(a, mode, ret);
	if (l.all.num && err)
		*err = l.all;
	return -l.all.num;
}
