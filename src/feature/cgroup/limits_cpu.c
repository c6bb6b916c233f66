/*
 * limits_cpu.c - cpu and cpuset of linux.resources (limits.h). Pure; runs in the runtime.
 *
 * cpu.max holds quota and period, and cpu.max.burst must not exceed the quota at any time. The
 * ranges are those of tg_set_cfs_bandwidth() in kernel/sched/core.c, checked here because the
 * kernel's EINVAL names no field.
 */
#include "limits_parts.h"

#include "feature/sched.h"

#include <string.h>

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define TIME_MIN   1000 /* us; of a quota and of a period */
#define PERIOD_MAX 1000000

/* log2 of 1 <= x < 2^32, a bit of the result at a time: its square's whole part is the next one. */
static double log2_of(double x)
{
	double whole = 0, bit = 1;

	for (; x >= 2; x /= 2)
		whole++;
	for (int i = 0; i < 52; i++) {
		x *= x;
		bit /= 2;
		if (x >= 2) {
			x /= 2;
			whole += bit;
		}
	}
	return whole;
}

/* e^x for 0 <= x < 10 by its series: all terms are positive, so nothing cancels. */
static double exp_of(double x)
{
	double term = 1, sum = 1;

	for (int i = 1; i < 64; i++) {
		term *= x / i;
		sum += term;
	}
	return sum;
}

/*
 * 10^((l^2 + 125 l) / 612 - 7/34), l the binary logarithm, rounded up: 2, 1024 and 262144, v1's
 * least, default and most, become v2's 1, 100 and 10000. Without libm, and with room for its last
 * digits: no result but that of 1024 is within a relative 4e-10 of a whole number, so that
 * whatever is closer than 1e-11 is one (the unit test compares all of them with libm).
 */
uint64_t cgroup_shares_to_weight(uint64_t shares)
{
	double l, weight;
	uint64_t whole;

	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return 10000;
	l = log2_of((double)shares);
	weight = exp_of(((l * l + 125 * l) / 612 - 7.0 / 34) * 2.302585092994045684 /* ln 10 */);
	weight *= 1 - 1e-11;
	whole = (uint64_t)weight;
	return whole + (weight > (double)whole);
}

bool limits_bandwidth(const char *text, uint64_t *ret_quota, uint64_t *ret_period)
{
	const char *p = text + strspn(text, " \t");
	unsigned long long quota = LIMITS_MAX, period = *ret_period;

	if (strncmp(p, "max", 3) == 0)
		p += 3;
	else if (!str_next_u64(&p, UINT64_MAX, &quota))
		return false;
	if (*p && !strchr(" \t\n", *p))
		return false;
	p += strspn(p, " \t\n");
	if (*p && !str_next_u64(&p, UINT64_MAX, &period))
		return false;
	if (p[strspn(p, " \t\n")])
		return false;
	*ret_quota = quota;
	*ret_period = period;
	return true;
}

/* The kernel refuses a weight while cpu.idle is 1, hence the order. */
static void add_weight(struct limits *l)
{
	const struct opt_u64 shares = l->r->cpu.shares;
	const struct opt_i64 idle = l->r->cpu.idle;

	if (idle.set && idle.v != 0 && idle.v != 1)
		limits_fail(l, EINVAL, "cpu.idle", "%lld is neither 0 nor 1", (long long)idle.v);
	else if (idle.set && idle.v == 1)
		limits_add(l, "cpu.idle", "cpu.idle", "1");
	else if (idle.set && l->mode->update) /* the file is there since 5.15 */
		limits_add(l, "cpu.idle", "cpu.idle", "0")->optional = true;
	if (!shares.set || (idle.set && idle.v == 1))
		return;
	if (shares.v)
		limits_add(l, "cpu.weight", "cpu.shares",
			   limits_text(l->a, cgroup_shares_to_weight(shares.v)));
	else if (l->mode->update)
		limits_add(l, "cpu.weight", "cpu.shares", "100");
}

static bool bandwidth_ok(struct limits *l, uint64_t quota)
{
	const struct opt_i64 given = l->r->cpu.quota;
	const struct opt_u64 period = l->r->cpu.period, burst = l->r->cpu.burst;
	bool good = true;

	if (given.set && given.v > 0 && (quota < TIME_MIN || quota > LIMITS_QUOTA_MAX)) {
		limits_fail(l, EINVAL, "cpu.quota", "%llu is not within %d to %llu microseconds",
			    (unsigned long long)quota, TIME_MIN, LIMITS_QUOTA_MAX);
		good = false;
	}
	if (period.set && period.v && (period.v < TIME_MIN || period.v > PERIOD_MAX)) {
		limits_fail(l, EINVAL, "cpu.period", "%llu is not within %d to %d microseconds",
			    (unsigned long long)period.v, TIME_MIN, PERIOD_MAX);
		good = false;
	}
	if (burst.set && burst.v > LIMITS_QUOTA_MAX) {
		limits_fail(l, EINVAL, "cpu.burst", "%llu is more than %llu microseconds",
			    (unsigned long long)burst.v, LIMITS_QUOTA_MAX);
		good = false;
	} else if (burst.set && burst.v > quota) {
		limits_fail(l, EINVAL, "cpu.burst", "%llu is more than the quota of %llu",
			    (unsigned long long)burst.v, (unsigned long long)quota);
		good = false;
	}
	return good;
}

static void add_max(struct limits *l, uint64_t quota, uint64_t period)
{
	const char *field = l->r->cpu.quota.set ? "cpu.quota" : "cpu.period";

	limits_add(l, "cpu.max", field,
		   arena_printf(l->a, "%s %llu", limits_text(l->a, quota),
				(unsigned long long)period));
}

/*
 * The old burst is within the old quota and the new one within the new, so a quota is raised
 * before the burst and lowered after it.
 */
static void add_bandwidth(struct limits *l)
{
	const struct opt_i64 given = l->r->cpu.quota;
	const struct opt_u64 given_period = l->r->cpu.period, burst = l->r->cpu.burst;
	uint64_t now = LIMITS_MAX, period = LIMITS_PERIOD, quota;
	bool update = l->mode->update, write_max;

	if (l->mode->cpu_max)
		(void)limits_bandwidth(l->mode->cpu_max, &now, &period);
	quota = !given.set ? now : given.v > 0 ? (uint64_t)given.v : LIMITS_MAX;
	if (given_period.set)
		period = given_period.v ? given_period.v : LIMITS_PERIOD;
	if (!bandwidth_ok(l, quota))
		return;
	write_max = update ? given.set || given_period.set
			   : (given.set && given.v > 0) || period != LIMITS_PERIOD;
	if (write_max && quota >= now)
		add_max(l, quota, period);
	if (burst.set && (burst.v || update))
		limits_add(l, "cpu.max.burst", "cpu.burst", limits_text(l->a, burst.v))->optional =
			burst.v == 0;
	if (write_max && quota < now)
		add_max(l, quota, period);
}

static void add_list(struct limits *l, const char *file, const char *field, const char *list,
		     unsigned max)
{
	unsigned long bits[LIMITS_CPUS / SCHED_BITS] = { 0 };
	struct err one = ERR_INIT;
	unsigned n;

	if (!list || !*list)
		return;
	if (sched_list_parse(list, bits, max, &n, &one) < 0) {
		err_in(&one, -one.num, "linux.resources.%s", field);
		err_also(&l->all, &one);
		return;
	}
	limits_add(l, file, field, arena_strdup(l->a, list));
}

void limits_cpu(struct limits *l)
{
	add_weight(l);
	add_bandwidth(l);
	add_list(l, "cpuset.cpus", "cpu.cpus", l->r->cpu.cpus, LIMITS_CPUS);
	add_list(l, "cpuset.mems", "cpu.mems", l->r->cpu.mems, LIMITS_NODES);
}
