/*
 * limits_unit.c - the writes of a plan as properties of a systemd unit (limits.h). Pure; runs in
 * the runtime.
 *
 * They are made from the writes, so that unified is included and the last one wins here as there.
 * Only systemd's own copy is at stake: the files are written in any case, but a reload of systemd
 * writes its copy again. A value that systemd would refuse is therefore left out, and so is one
 * that the kernel will refuse with its own words.
 *
 * A name that begins with '?' may be dropped where systemd is too old for it: CPUQuotaPeriodUSec is
 * of version 242, AllowedCPUs and AllowedMemoryNodes 244, CPUWeight 0 (idle) 252, MemoryZSwapMax
 * 253. So may IOWeight, which no device has to heed.
 */
#include "limits_parts.h"

#include "base/cleanup.h"
#include "feature/sched.h"

#include <string.h>

#define PERCENT 10000 /* us per second: systemd keeps the quota in whole percents */

struct unit {
	struct arena *a;
	VEC(struct cgroup_property) list;
	uint64_t period; /* of cpu.max; the kernel keeps it where only a quota is written */
};

/*
 * Numbers. systemd refuses 0 for TasksMax, MemoryMax and MemoryHigh: 1 stands for it, which is less
 * than a page, and less than a program that is already there can use.
 */
static const struct number {
	const char *file, *property;
	uint64_t least, most;
} numbers[] = {
	{ "cpu.weight", "CPUWeight", 1, 10000 },
	{ "io.weight", "?IOWeight", 1, 10000 },
	{ "memory.high", "MemoryHigh", 1, LIMITS_MAX },
	{ "memory.low", "MemoryLow", 0, LIMITS_MAX },
	{ "memory.max", "MemoryMax", 1, LIMITS_MAX },
	{ "memory.min", "MemoryMin", 0, LIMITS_MAX },
	{ "memory.swap.max", "MemorySwapMax", 0, LIMITS_MAX },
	{ "memory.zswap.max", "?MemoryZSwapMax", 0, LIMITS_MAX },
	{ "pids.max", "TasksMax", 1, LIMITS_MAX },
};

static const char *bare(const char *name)
{
	return name + (*name == '?');
}

static void put(struct unit *u, const char *name, const char *value)
{
	size_t i = 0;

	while (i < u->list.n && !str_eq(bare(u->list.v[i].name), bare(name)))
		i++;
	if (i == u->list.n)
		(void)vec_add(u->a, &u->list);
	u->list.v[i] = (struct cgroup_property){ name, value };
}

static void put_number(struct unit *u, const char *name, uint64_t v)
{
	put(u, name, arena_printf(u->a, "t:%llu", (unsigned long long)v));
}

static void add_number(struct unit *u, const struct number *n, const char *value)
{
	uint64_t v;

	if (limits_number(value, &v) && v <= n->most)
		put_number(u, n->property, v < n->least ? n->least : v);
}

/* Rounded up, or the files of child cgroups could not have what was asked for (as in runc). */
static void add_bandwidth(struct unit *u, const char *value)
{
	uint64_t quota, per_second = LIMITS_MAX;

	if (!limits_bandwidth(value, &quota, &u->period) || !u->period || !quota)
		return;
	if (quota != LIMITS_MAX) {
		if (quota > LIMITS_QUOTA_MAX) /* so that the product fits */
			return;
		per_second = quota * 1000000 / u->period + (quota * 1000000 % u->period != 0);
		per_second = (per_second + PERCENT - 1) / PERCENT * PERCENT;
	}
	put_number(u, "CPUQuotaPerSecUSec", per_second);
	put_number(u, "?CPUQuotaPeriodUSec", u->period);
}

/* Bit 0 of the first byte is CPU 0. */
static void add_list(struct unit *u, const char *name, const char *value, unsigned max)
{
	unsigned long bits[LIMITS_CPUS / SCHED_BITS] = { 0 };
	auto_str struct str s = STR_INIT;
	unsigned n, seen = 0;

	if (sched_list_parse(value, bits, max, &n, NULL) < 0)
		return;
	str_add(&s, "ay:");
	for (unsigned i = 0; seen < n; i += 8) {
		unsigned byte = bits[i / SCHED_BITS] >> i % SCHED_BITS & 0xff;

		str_addf(&s, "%02x", byte);
		seen += (unsigned)__builtin_popcount(byte);
	}
	put(u, name, arena_strdup(u->a, s.p));
}

/* systemd writes io.bfq.weight too, 100 to 10000 as 100 to 1000 (BFQ_WEIGHT): its inverse. */
static void add_bfq(struct unit *u, const char *value)
{
	uint64_t v;

	if (limits_number(value, &v) && v >= 1 && v <= 1000)
		put_number(u, "?IOWeight", v <= 100 ? v : 100 + (v - 100) * 11);
}

static void add_write(struct unit *u, const struct cgroup_write *w)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (str_eq(w->file, numbers[i].file))
			add_number(u, &numbers[i], w->value);
	if (str_eq(w->file, "cpu.max"))
		add_bandwidth(u, w->value);
	else if (str_eq(w->file, "cpu.idle") && str_eq(w->value, "1"))
		put_number(u, "?CPUWeight", 0); /* there is no way to say cpu.idle 0 */
	else if (str_eq(w->file, "cpuset.cpus"))
		add_list(u, "?AllowedCPUs", w->value, LIMITS_CPUS);
	else if (str_eq(w->file, "cpuset.mems"))
		add_list(u, "?AllowedMemoryNodes", w->value, LIMITS_NODES);
	else if (str_eq(w->file, "io.bfq.weight"))
		add_bfq(u, w->value);
}

void limits_properties(struct arena *a, const struct cgroup_limits_mode *mode,
		       struct cgroup_limits *ret)
{
	struct unit u = { .a = a, .period = LIMITS_PERIOD };
	uint64_t quota;

	if (mode->cpu_max)
		(void)limits_bandwidth(mode->cpu_max, &quota, &u.period);
	for (size_t i = 0; i < ret->n; i++)
		add_write(&u, &ret->v[i]);
	ret->properties.v = u.list.v;
	ret->properties.n = u.list.n;
}
