/*
 * test_sched.c - lists of CPUs and nodes, the rules of scheduler, I/O priority and memory policy,
 * and which limit decides where the caller has no CAP_SYS_NICE.
 */
#include "feature/sched.h"

#include "base/cleanup.h"
#include "tap.h"

#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *text;
	unsigned long bits;
	unsigned n;
	bool good;
} lists[] = {
	{ "0", 1, 1, true },
	{ "0-3,7", 0x8f, 5, true },
	{ " 1 , 3 - 4", 0, 0, false },
	{ "1, 3-4\n", 0x1a, 3, true },
	{ "2,2,1-2", 6, 2, true },
	{ "63", 1UL << 63 % SCHED_BITS, 1, true },
	{ "64", 0, 0, false },
	{ "", 0, 0, false },
	{ "3-1", 0, 0, false },
	{ "1-", 0, 0, false },
	{ "-1", 0, 0, false },
	{ "1,", 0, 0, false },
	{ "1;2", 0, 0, false },
	{ "0x1", 0, 0, false },
	{ "99999999999999999999", 0, 0, false },
};

static void test_list(size_t i)
{
	unsigned long bits[64 / SCHED_BITS] = { 0 };
	struct err err = ERR_INIT;
	unsigned n;
	int rc = sched_list_parse(lists[i].text, bits, 64, &n, &err);

	ok((rc == 0) == lists[i].good &&
		   (rc < 0 ||
		    (n == lists[i].n &&
		     bits[lists[i].bits == 1UL << 63 % SCHED_BITS ? 63 / SCHED_BITS : 0] ==
			     lists[i].bits)),
	   "list '%s'", lists[i].text);
}

static int plan(struct spec_process *p, const struct spec_linux *l, bool userns, bool faked,
		struct sched_plan *ret, char *text, size_t size)
{
	static struct arena a = ARENA_INIT;
	const struct sched_request q = { .process = p, .linux_ = l, .userns = userns };
	const struct host host = { .faked = faked };
	struct notes notes = { .arena = &a };
	struct err err = ERR_INIT;
	int rc = sched_plan(&a, &q, &host, &notes, ret, &err);

	err_format(&err, text, size);
	arena_free(&a);
	a = (struct arena)ARENA_INIT;
	return rc;
}

#define SET(x)            \
	{                 \
		true, (x) \
	}

/* covers: process.scheduler.policy, process.scheduler.nice, process.scheduler.priority */
static const struct {
	const char *what;
	struct spec_scheduler s;
	const char *error; /* NULL: fine */
	uint32_t policy;
} schedulers[] = {
	{ "other", { .policy = "SCHED_OTHER" }, NULL, 0 },
	{ "fifo", { .policy = "SCHED_FIFO", .priority = SET(1) }, NULL, 1 },
	{ "rr", { .policy = "SCHED_RR", .priority = SET(99) }, NULL, 2 },
	{ "batch", { .policy = "SCHED_BATCH", .nice = SET(-20) }, NULL, 3 },
	{ "iso", { .policy = "SCHED_ISO" }, NULL, 4 },
	{ "idle", { .policy = "SCHED_IDLE" }, NULL, 5 },
	{ "deadline",
	  { .policy = "SCHED_DEADLINE", .runtime = SET(1024), .deadline = SET(1024) },
	  NULL,
	  6 },
	{ "deadline beyond 2^63",
	  { .policy = "SCHED_DEADLINE", .runtime = SET(1024), .deadline = SET(1ULL << 63) },
	  "2^63",
	  0 },
	{ "lower case", { .policy = "sched_other" }, "known are SCHED_OTHER, SCHED_FIFO", 0 },
	{ "fifo without priority", { .policy = "SCHED_FIFO" }, "0 is not in 1..99", 0 },
	{ "idle with priority",
	  { .policy = "SCHED_IDLE", .priority = SET(3) },
	  "SCHED_FIFO and SCHED_RR only",
	  0 },
	{ "nice too high",
	  { .policy = "SCHED_OTHER", .nice = SET(20) },
	  "20 is not in -20..19",
	  0 },
	{ "nice beyond 32 bits",
	  { .policy = "SCHED_OTHER", .nice = SET(4294967296) },
	  "4294967296 is not in -20..19",
	  0 },
	{ "priority beyond 32 bits",
	  { .policy = "SCHED_FIFO", .priority = SET(4294967297) },
	  "is not in 1..99",
	  0 },
};

static void test_scheduler(size_t i)
{
	struct spec_scheduler s = schedulers[i].s;
	struct spec_process p = { .scheduler = &s };
	const struct spec_linux l = { 0 };
	struct sched_plan got;
	char text[1024];
	int rc = plan(&p, &l, false, true, &got, text, sizeof(text));

	if (schedulers[i].error)
		ok(rc < 0 && strstr(text, schedulers[i].error), "scheduler: %s: %s",
		   schedulers[i].what, text);
	else
		ok(rc == 0 && got.active && got.attr.policy == schedulers[i].policy,
		   "scheduler: %s", schedulers[i].what);
}

/* What the config's own limits allow; those of the caller are whatever they are here. */
static const struct {
	const char *what;
	struct spec_scheduler s;
	struct spec_rlimit limit;
	bool good;
} rights[] = {
	{ "rtprio of the config suffices",
	  { .policy = "SCHED_FIFO", .priority = SET(5) },
	  { "RLIMIT_RTPRIO", 5, 9 },
	  true },
	{ "its soft limit counts",
	  { .policy = "SCHED_FIFO", .priority = SET(6) },
	  { "RLIMIT_RTPRIO", 5, 9 },
	  false },
	{ "another limit does not",
	  { .policy = "SCHED_RR", .priority = SET(99) },
	  { "RLIMIT_NICE", 40, 40 },
	  false },
	{ "nice of the config suffices",
	  { .policy = "SCHED_OTHER", .nice = SET(-5) },
	  { "RLIMIT_NICE", 25, 25 },
	  true },
	{ "nice one too low",
	  { .policy = "SCHED_BATCH", .nice = SET(-6) },
	  { "RLIMIT_NICE", 25, 25 },
	  false },
	{ "a higher nice needs nothing",
	  { .policy = "SCHED_BATCH", .nice = SET(19) },
	  { "RLIMIT_NICE", 0, 0 },
	  true },
	{ "nothing stands in for a deadline",
	  { .policy = "SCHED_DEADLINE", .runtime = SET(2048), .deadline = SET(4096) },
	  { "RLIMIT_RTPRIO", 99, 99 },
	  false },
};

static void test_rights(size_t i)
{
	struct spec_scheduler s = rights[i].s;
	struct spec_rlimit limit = rights[i].limit;
	struct spec_process p = { .scheduler = &s, .rlimits = { &limit, 1 } };
	const struct spec_linux l = { 0 };
	struct sched_plan got;
	char text[1024];
	int rc = plan(&p, &l, true, false, &got, text, sizeof(text));

	ok(rc == (rights[i].good ? 0 : -EPERM), "in a user namespace: %s", rights[i].what);
}

/* covers: linux.memoryPolicy.mode, linux.memoryPolicy.nodes, linux.memoryPolicy.flags */
static const struct {
	struct spec_memory_policy m;
	const char *flag;
	const char *error;
	int want;
} policies[] = {
	{ { "MPOL_DEFAULT", NULL, { 0 } }, NULL, NULL, 0 },
	{ { "MPOL_PREFERRED", NULL, { 0 } }, NULL, NULL, 1 },
	{ { "MPOL_PREFERRED", "0,2", { 0 } }, "MPOL_F_STATIC_NODES", NULL, 1 | 0x8000 },
	{ { "MPOL_BIND", "1023", { 0 } }, NULL, NULL, 2 },
	{ { "MPOL_INTERLEAVE", "0-3", { 0 } }, "MPOL_F_RELATIVE_NODES", NULL, 3 | 0x4000 },
	{ { "MPOL_LOCAL", "", { 0 } }, NULL, NULL, 4 },
	{ { "MPOL_PREFERRED_MANY", "0", { 0 } }, "MPOL_F_NUMA_BALANCING", NULL, 5 | 0x2000 },
	{ { "MPOL_WEIGHTED_INTERLEAVE", "0", { 0 } }, NULL, NULL, 6 },
	{ { "MPOL_WEIGHTED_INTERLEAVE", NULL, { 0 } }, NULL, "needs at least one node", 0 },
	{ { "MPOL_LOCAL", "0", { 0 } }, NULL, "takes no nodes, has 1", 0 },
	{ { "MPOL_PREFERRED", NULL, { 0 } }, "MPOL_F_STATIC_NODES", "there are no nodes", 0 },
	{ { "MPOL_INTERLEAVE", "0", { 0 } }, "MPOL_F_NUMA_BALANCING", "is for MPOL_BIND", 0 },
	{ { "bind", "0", { 0 } }, NULL, "unknown value 'bind'", 0 },
	{ { NULL, "0", { 0 } }, NULL, "unknown value ''", 0 },
	{ { "MPOL_BIND", "1024", { 0 } }, NULL, "'1024' is not a list", 0 },
};

static void test_memory(size_t i)
{
	const char *flags[] = { policies[i].flag, NULL };
	struct spec_memory_policy m = policies[i].m;
	struct spec_linux l = { .memory_policy = &m };
	struct spec_process p = { 0 };
	struct sched_plan got;
	char text[1024];
	int rc;

	m.flags = (struct strv){ flags, policies[i].flag ? 1 : 0 };
	rc = plan(&p, &l, true, true, &got, text, sizeof(text));
	if (policies[i].error)
		ok(rc == -EINVAL && strstr(text, policies[i].error), "memory: %s", text);
	else
		ok(rc == 0 && got.memory == policies[i].want, "memory: %s nodes %s", m.mode,
		   m.nodes ? m.nodes : "none");
}

static void test_several(void)
{
	struct spec_scheduler s = { .policy = "X" };
	struct spec_io_priority io = { "Y", 0 };
	struct spec_personality person = { "Z", { 0 } };
	struct spec_exec_affinity cpus = { "a", "b" };
	struct spec_linux l = { .personality = &person };
	struct spec_process p = { .scheduler = &s, .io_priority = &io, .exec_cpu_affinity = &cpus };
	struct sched_plan got;
	char text[2048];
	size_t lines = 1;

	(void)plan(&p, &l, true, true, &got, text, sizeof(text));
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ok(lines == 5, "every violation is told, one line each");
	p = (struct spec_process){ 0 };
	l.personality = NULL;
	ok(plan(&p, &l, true, true, &got, text, sizeof(text)) == 0 && !got.active && !got.initial &&
		   !got.final,
	   "nothing asked for is nothing to do");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		test_list(i);
	for (size_t i = 0; i < ARRAY_LEN(schedulers); i++)
		test_scheduler(i);
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		test_rights(i);
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		test_memory(i);
	test_several();
	return done();
}
