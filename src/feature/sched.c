/*
 * sched.c - config to struct sched_plan: names to numbers, the kernel's rules, and what the caller
 * lacks for them (theory in sched.h). Runs in the runtime; sched_apply.c is the half that acts.
 */
#include "sched.h"

#include "base/cleanup.h"
#include "base/names.h"
#include "feature/caps.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6 /* 6.9; the headers have it as an enum */
#endif
#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5 /* 5.15 */
#endif
#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13) /* 5.12 */
#endif

enum {
	POLICY_OTHER,
	POLICY_FIFO,
	POLICY_RR,
	POLICY_BATCH,
	POLICY_ISO,
	POLICY_IDLE,
	POLICY_DEADLINE
};

#define DEADLINE_MIN 1024 /* ns: below that the kernel cannot account */

static const struct name policies[] = {
	{ "SCHED_OTHER", POLICY_OTHER },
	{ "SCHED_FIFO", POLICY_FIFO },
	{ "SCHED_RR", POLICY_RR },
	{ "SCHED_BATCH", POLICY_BATCH },
	{ "SCHED_ISO", POLICY_ISO },
	{ "SCHED_IDLE", POLICY_IDLE },
	{ "SCHED_DEADLINE", POLICY_DEADLINE },
};

static const struct name sched_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

static const struct name io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

static const struct name domains[] = { { "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 } };

/* How many nodes a mode takes: none, at least one, or any number. */
static const struct memory_mode {
	const char *name;
	int value;
	char nodes;
} modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT, '0' },
	{ "MPOL_BIND", MPOL_BIND, '1' },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE, '1' },
	{ "MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE, '1' },
	{ "MPOL_PREFERRED", MPOL_PREFERRED, '*' },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY, '1' },
	{ "MPOL_LOCAL", MPOL_LOCAL, '0' },
};

static const struct name memory_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};

static int unknown(const char *field, const char *word, const struct name *table, size_t n,
		   struct err *err)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < n; i++)
		str_addf(&s, "%s%s", i ? ", " : "", table[i].name);
	err_set(err, EINVAL, "%s: unknown value '%.40s'", field, word ? word : "");
	return err_hint(err, -EINVAL, "known are %s", s.p);
}

static int find_flags(const char *field, const struct strv *v, const struct name *table, size_t n,
		      uint64_t *ret, struct err *err)
{
	for (size_t i = 0; i < v->n; i++) {
		int64_t flag = name_find(table, n, v->v[i]);

		if (flag < 0)
			return unknown(field, v->v[i], table, n, err);
		*ret |= (uint64_t)flag;
	}
	return 0;
}

static int parse_number(const char **p, unsigned max, unsigned *ret)
{
	unsigned v = 0;
	const char *start = *p;

	for (; **p >= '0' && **p <= '9' && v < max; (*p)++)
		v = v * 10 + (unsigned)(**p - '0');
	*ret = v;
	return *p == start || v >= max ? -EINVAL : 0;
}

int sched_list_parse(const char *text, unsigned long *bits, unsigned max, unsigned *ret_n,
		     struct err *err)
{
	const char *p = text;
	unsigned first, last;

	*ret_n = 0;
	for (;;) {
		p += strspn(p, " \t\n");
		if (parse_number(&p, max, &first) < 0)
			break;
		last = first;
		if (*p == '-' && (p++, parse_number(&p, max, &last) < 0 || last < first))
			break;
		for (unsigned i = first; i <= last; i++) {
			*ret_n += !(bits[i / SCHED_BITS] >> i % SCHED_BITS & 1);
			bits[i / SCHED_BITS] |= 1UL << i % SCHED_BITS;
		}
		p += strspn(p, " \t\n");
		if (!*p)
			return 0;
		if (*p++ != ',')
			break;
	}
	err_set(err, EINVAL, "'%.60s' is not a list", text);
	return err_hint(err, -EINVAL, "write numbers below %u and ranges, such as 0-3,7", max);
}

/* CAP_SYS_NICE is asked for in the initial user namespace only. */
static bool may_all(const struct sched_request *q)
{
	return !q->userns && (caps_own_effective() & (1ULL << CAP_SYS_NICE));
}

/* The limit that the process will have: the config's own, or the caller's. */
static uint64_t limit_of(const struct spec_process *p, const char *name, int resource)
{
	struct rlimit now;

	for (size_t i = 0; i < p->rlimits.n; i++)
		if (str_eq(p->rlimits.v[i].type, name))
			return p->rlimits.v[i].soft;
	return getrlimit((__rlimit_resource_t)resource, &now) < 0 ? 0 : now.rlim_cur;
}

static int check_realtime(const struct sched_request *q, const struct sched_attributes *at,
			  struct err *err)
{
	uint64_t limit = limit_of(q->process, "RLIMIT_RTPRIO", RLIMIT_RTPRIO);

	if (at->priority <= limit)
		return 0;
	err_set(err, EPERM,
		"process.scheduler: %s with priority %u, and the limit RLIMIT_RTPRIO is %llu",
		q->process->scheduler->policy, at->priority, (unsigned long long)limit);
	return err_hint(
		err, -EPERM,
		"have root raise rtprio in limits.conf or LimitRTPRIO= of the unit; only root without a "
		"user namespace needs no limit");
}

static int check_nice(const struct sched_request *q, const struct sched_attributes *at,
		      struct err *err)
{
	int now = getpriority(PRIO_PROCESS, 0);
	uint64_t limit = limit_of(q->process, "RLIMIT_NICE", RLIMIT_NICE);

	if (at->nice >= now || (uint64_t)(20 - at->nice) <= limit)
		return 0;
	err_set(err, EPERM,
		"process.scheduler.nice: %d is lower than the caller's own %d, and the limit RLIMIT_NICE is %llu",
		at->nice, now, (unsigned long long)limit);
	return err_hint(
		err, -EPERM,
		"it must be %d for that: have root raise nice in limits.conf or LimitNICE= of the unit, or "
		"raise the value in config.json",
		20 - at->nice);
}

static int check_rights(const struct sched_request *q, const struct sched_attributes *at,
			struct err *err)
{
	if (may_all(q))
		return 0;
	if (at->policy == POLICY_FIFO || at->policy == POLICY_RR)
		return check_realtime(q, at, err);
	if (at->policy == POLICY_OTHER || at->policy == POLICY_BATCH)
		return check_nice(q, at, err);
	if (at->policy != POLICY_DEADLINE)
		return 0;
	err_set(err, EPERM,
		"process.scheduler: SCHED_DEADLINE needs CAP_SYS_NICE in the initial user namespace");
	return err_hint(err, -EPERM,
			"only root without a user namespace has it; no limit stands in for it");
}

static int check_deadline(const struct sched_attributes *at, struct err *err)
{
	uint64_t period = at->period ? at->period : at->deadline;

	if (at->runtime < DEADLINE_MIN || at->runtime >> 63 || at->deadline >> 63 || period >> 63)
		return err_set(
			err, EINVAL,
			"process.scheduler: runtime, deadline and period are from %d ns to 2^63-1 ns",
			DEADLINE_MIN);
	if (at->runtime > at->deadline || at->deadline > period)
		return err_set(
			err, EINVAL,
			"process.scheduler: wants runtime <= deadline <= period, has %llu, %llu, %llu",
			(unsigned long long)at->runtime, (unsigned long long)at->deadline,
			(unsigned long long)period);
	return 0;
}

static int check_values(const struct spec_scheduler *s, const struct sched_attributes *at,
			struct err *err)
{
	bool real = at->policy == POLICY_FIFO || at->policy == POLICY_RR;

	if (s->nice.set && (s->nice.v < -20 || s->nice.v > 19))
		return err_set(err, EINVAL, "process.scheduler.nice: %lld is not in -20..19",
			       (long long)s->nice.v);
	if (real && (s->priority.v < 1 || s->priority.v > 99))
		return err_set(err, EINVAL, "process.scheduler.priority: %lld is not in 1..99",
			       (long long)s->priority.v);
	if (!real && s->priority.v)
		return err_set(err, EINVAL,
			       "process.scheduler.priority is for SCHED_FIFO and SCHED_RR only");
	if (at->policy == POLICY_DEADLINE)
		return check_deadline(at, err);
	if (s->runtime.v || s->deadline.v || s->period.v)
		return err_set(
			err, EINVAL,
			"process.scheduler: runtime, deadline and period are for SCHED_DEADLINE only");
	return 0;
}

static int plan_scheduler(const struct sched_request *q, const struct host *host,
			  struct notes *notes, struct sched_plan *ret, struct err *err)
{
	const struct spec_scheduler *s = q->process->scheduler;
	struct sched_attributes *at = &ret->attr;
	int64_t policy = name_find(policies, ARRAY_LEN(policies), s->policy);
	int rc;

	if (policy < 0)
		return unknown("process.scheduler.policy", s->policy, policies, ARRAY_LEN(policies),
			       err);
	*at = (struct sched_attributes){
		.size = sizeof(*at),
		.policy = (uint32_t)policy,
		.runtime = s->runtime.v,
		.deadline = s->deadline.v,
		.period = s->period.v,
	};
	rc = find_flags("process.scheduler.flags", &s->flags, sched_flags, ARRAY_LEN(sched_flags),
			&at->flags, err);
	if (rc == 0)
		rc = check_values(s, at, err);
	if (rc < 0)
		return rc;
	/* Where none is asked for the caller's own stays, which a change of policy would reset. */
	at->nice = s->nice.set || host->faked ? (int32_t)s->nice.v : getpriority(PRIO_PROCESS, 0);
	at->priority = (uint32_t)s->priority.v;
	if (s->nice.v && policy != POLICY_OTHER && policy != POLICY_BATCH)
		note_add(notes, NOTE_WARNING, "process.scheduler.nice",
			 "only SCHED_OTHER and SCHED_BATCH have one", "means nothing to %s",
			 s->policy);
	ret->has_attr = true;
	return host->faked ? 0 : check_rights(q, at, err);
}

static int plan_io(const struct sched_request *q, const struct host *host, struct sched_plan *ret,
		   struct err *err)
{
	const struct spec_io_priority *io = q->process->io_priority;
	int64_t class = name_find(io_classes, ARRAY_LEN(io_classes), io->class);

	if (class < 0)
		return unknown("process.ioPriority.class", io->class, io_classes,
			       ARRAY_LEN(io_classes), err);
	if (io->priority < 0 || io->priority > 7)
		return err_set(err, EINVAL, "process.ioPriority.priority: %lld is not in 0..7",
			       (long long)io->priority);
	ret->has_io = true;
	ret->io = (int)class << IOPRIO_CLASS_SHIFT | (int)io->priority;
	if (class != IOPRIO_CLASS_RT || host->faked || may_all(q))
		return 0;
	err_set(err, EPERM,
		"process.ioPriority: IOPRIO_CLASS_RT needs CAP_SYS_NICE in the initial user namespace");
	return err_hint(
		err, -EPERM,
		"only root without a user namespace has it: use IOPRIO_CLASS_BE with priority 0");
}

static int plan_personality(const struct spec_personality *p, struct notes *notes,
			    struct sched_plan *ret, struct err *err)
{
	int64_t domain = name_find(domains, ARRAY_LEN(domains), p->domain);

	if (domain < 0)
		return unknown("linux.personality.domain", p->domain, domains, ARRAY_LEN(domains),
			       err);
	if (p->flags.n)
		note_add(notes, NOTE_WARNING, "linux.personality.flags",
			 "the specification defines none", "ignored");
	ret->has_personality = true;
	ret->personality = (unsigned long)domain;
	return 0;
}

static int check_node_count(const struct memory_mode *m, unsigned n, struct err *err)
{
	if (m->nodes == '0' && n)
		return err_set(err, EINVAL, "linux.memoryPolicy: %s takes no nodes, has %u",
			       m->name, n);
	if (m->nodes == '1' && !n)
		return err_set(err, EINVAL, "linux.memoryPolicy: %s needs at least one node",
			       m->name);
	return 0;
}

/* What the kernel refuses with a bare EINVAL. */
static int check_memory_flags(const struct memory_mode *m, uint64_t flags, unsigned n,
			      struct err *err)
{
	uint64_t placed = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

	if ((flags & placed) == placed)
		return err_set(
			err, EINVAL,
			"linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	if ((flags & MPOL_F_NUMA_BALANCING) && m->value != MPOL_BIND &&
	    m->value != MPOL_PREFERRED_MANY)
		return err_set(
			err, EINVAL,
			"linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING is for MPOL_BIND and MPOL_PREFERRED_MANY");
	if ((flags & placed) && !n && m->value != MPOL_DEFAULT)
		return err_set(
			err, EINVAL,
			"linux.memoryPolicy.flags: there are no nodes that they could be about");
	return 0;
}

static int plan_memory(struct arena *a, const struct spec_memory_policy *p, struct sched_plan *ret,
		       struct err *err)
{
	const struct memory_mode *m = NULL;
	auto_str struct str known = STR_INIT;
	uint64_t flags = 0;
	unsigned n = 0;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		str_addf(&known, "%s%s", i ? ", " : "", modes[i].name);
		if (str_eq(modes[i].name, p->mode))
			m = &modes[i];
	}
	if (!m)
		return err_hint(err,
				err_set(err, EINVAL,
					"linux.memoryPolicy.mode: unknown value '%.40s'",
					p->mode ? p->mode : ""),
				"known are %s", known.p);
	rc = find_flags("linux.memoryPolicy.flags", &p->flags, memory_flags,
			ARRAY_LEN(memory_flags), &flags, err);
	if (rc == 0 && p->nodes && *p->nodes) {
		ret->nodes = arena_alloc(a, SCHED_NODES / 8);
		rc = sched_list_parse(p->nodes, ret->nodes, SCHED_NODES, &n, err);
		if (rc < 0)
			return err_in(err, rc, "linux.memoryPolicy.nodes");
	}
	if (rc == 0)
		rc = check_node_count(m, n, err);
	if (rc == 0)
		rc = check_memory_flags(m, flags, n, err);
	ret->has_memory = true;
	ret->memory = m->value | (int)flags;
	return rc;
}

static int plan_affinity(struct arena *a, const char *field, const char *text,
			 const unsigned long **ret, struct err *err)
{
	unsigned long *bits;
	unsigned n;
	int rc;

	if (!text || !*text)
		return 0;
	bits = arena_alloc(a, SCHED_CPUS / 8);
	rc = sched_list_parse(text, bits, SCHED_CPUS, &n, err);
	*ret = bits;
	return rc < 0 ? err_in(err, rc, "process.execCPUAffinity.%s", field) : 0;
}

int sched_plan(struct arena *a, const struct sched_request *q, const struct host *host,
	       struct notes *notes, struct sched_plan *ret, struct err *err)
{
	const struct spec_exec_affinity *cpus = q->process->exec_cpu_affinity;
	struct err all = ERR_INIT, one = ERR_INIT;

#define COLLECT(given, call)                  \
	do {                                  \
		one = (struct err)ERR_INIT;   \
		if ((given) && (call) < 0)    \
			err_also(&all, &one); \
	} while (0)
	*ret = (struct sched_plan){ .process = q->process, .linux_ = q->linux_ };
	COLLECT(q->process->scheduler, plan_scheduler(q, host, notes, ret, &one));
	COLLECT(q->process->io_priority, plan_io(q, host, ret, &one));
	COLLECT(cpus, plan_affinity(a, "initial", cpus->initial, &ret->initial, &one));
	COLLECT(cpus, plan_affinity(a, "final", cpus->final, &ret->final, &one));
	COLLECT(q->linux_->personality, plan_personality(q->linux_->personality, notes, ret, &one));
	COLLECT(q->linux_->memory_policy, plan_memory(a, q->linux_->memory_policy, ret, &one));
#undef COLLECT
	ret->active = ret->has_attr || ret->has_io || ret->has_personality || ret->has_memory;
	if (all.num && err)
		*err = all;
	return -all.num;
}

void sched_features(struct json_out *o)
{
	json_out_object(o, "memoryPolicy");
	json_out_array(o, "modes");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		json_out_str(o, NULL, modes[i].name);
	json_out_end(o, ']');
	json_out_array(o, "flags");
	for (size_t i = 0; i < ARRAY_LEN(memory_flags); i++)
		json_out_str(o, NULL, memory_flags[i].name);
	json_out_end(o, ']');
	json_out_end(o, '}');
}
