/*
 * test_cgroup_limits.c - linux.resources to writes of cgroup v2 and properties of systemd
 * (feature/cgroup/limits.h). What is written is given as text: "file=value", in order, joined by
 * "; ". A '?' before it is a write that may be left out, "|" is followed by the one to try instead.
 */
/* covers: linux.resources.memory.* linux.resources.cpu.* linux.resources.pids.limit */
/* covers: linux.resources.blockIO.* linux.resources.hugepageLimits linux.resources.rdma */
/* covers: linux.resources.unified linux.resources.network */
#include "tap.h"

#include "base/cleanup.h"
#include "feature/cgroup/limits.h"
#include "oci/spec_tables.h"

#include <math.h>

#define MAX64 "18446744073709551615"

struct result {
	int rc;
	struct cgroup_limits limits;
	struct spec_resources r;
	struct err err;
	char text[4096];
	struct str writes, asked, controllers, properties, fields;
};

static void result_free(struct result *t)
{
	str_free(&t->writes);
	str_free(&t->asked);
	str_free(&t->controllers);
	str_free(&t->properties);
	str_free(&t->fields);
}

#define auto_result __attribute__((cleanup(result_free)))

static void join(struct str *s, const char *word)
{
	str_addf(s, "%s%s", s->len ? "; " : "", word);
}

static void render(struct arena *a, struct result *t)
{
	const struct cgroup_limits *l = &t->limits;

	for (size_t i = 0; i < l->n; i++) {
		const struct cgroup_write *w = &l->v[i];

		join(&t->writes,
		     arena_printf(a, "%s%s=%s", w->optional ? "?" : "", w->file, w->value));
		if (w->instead)
			str_addf(&t->writes, "|%s=%s", w->instead, w->instead_value);
		join(&t->fields, w->field);
	}
	for (size_t i = 0; i < l->asked.n; i++)
		join(&t->asked, l->asked.v[i]);
	for (size_t i = 0; i < l->controllers.n; i++)
		join(&t->controllers, l->controllers.v[i]);
	for (size_t i = 0; i < l->properties.n; i++)
		join(&t->properties,
		     arena_printf(a, "%s=%s", l->properties.v[i].name, l->properties.v[i].value));
}

static void plan(struct arena *a, const char *text, const struct cgroup_limits_mode *mode,
		 struct result *t)
{
	struct json *doc = NULL;

	*t = (struct result){ 0 };
	if (json_parse(a, "test", text, strlen(text), &doc, &t->err) < 0 ||
	    json_decode(a, doc, spec_resources_table, &t->r, &t->err) < 0) {
		ok(false, "the case is JSON of resources: %s", text);
		return;
	}
	t->rc = cgroup_limits_plan(a, &t->r, mode, &t->limits, &t->err);
	(void)err_format(&t->err, t->text, sizeof(t->text));
	render(a, t);
}

static const char *text_of(const struct str *s)
{
	return s->p ? s->p : "";
}

static const struct cgroup_limits_mode create = { .cpu_max = "" }, update = { .update = true },
				       bfq = { .has_bfq = true },
				       bfq_update = { .update = true, .has_bfq = true };
/* A running container that has limits. */
static const struct cgroup_limits_mode limited = {
	.update = true, .cpu_max = "20000 50000\n", .memory_max = "1000000\n", .swap_max = "5000\n"
};
static const struct cgroup_limits_mode unlimited = {
	.update = true, .cpu_max = "max 100000", .memory_max = "max", .swap_max = "max"
};
static const struct cgroup_limits_mode broken = {
	.update = true, .cpu_max = "? 5", .memory_max = "5x", .swap_max = "y"
};

struct write_case {
	const char *what, *json;
	const struct cgroup_limits_mode *mode;
	const char *writes;
};

#define MEMORY(x)  "{\"memory\":{" x "}}"
#define CPU(x)	   "{\"cpu\":{" x "}}"
#define IO(x)	   "{\"blockIO\":{" x "}}"
#define DEVICE	   "\"major\":8,\"minor\":16"
#define UNIFIED(x) "{\"unified\":{" x "}}"

static const struct write_case writes[] = {
	{ "nothing", "{}", &create, "" },
	{ "nothing to update", "{}", &update, "" },
	{ "null everywhere", "{\"memory\":null,\"cpu\":{\"shares\":null},\"pids\":{}}", &create,
	  "" },
	{ "device rules are not limits", "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}",
	  &create, "" },

	/* memory */
	{ "memory", MEMORY("\"limit\":1048576"), &create, "memory.max=1048576" },
	{ "the largest memory limit", MEMORY("\"limit\":9223372036854775807"), &create,
	  "memory.max=9223372036854775807" },
	{ "memory -1 is nothing", MEMORY("\"limit\":-1"), &create, "" },
	{ "memory 0 is nothing", MEMORY("\"limit\":0"), &create, "" },
	{ "reservation", MEMORY("\"reservation\":4096"), &create, "memory.low=4096" },
	{ "reservation -1 is nothing", MEMORY("\"reservation\":-1"), &create, "" },
	{ "reservation -1 is no protection", MEMORY("\"reservation\":-1"), &update,
	  "memory.low=0" },
	{ "swap counts memory", MEMORY("\"limit\":1000,\"swap\":1500"), &create,
	  "memory.swap.max=500; memory.max=1000" },
	{ "swap equal to the limit is none", MEMORY("\"limit\":1000,\"swap\":1000"), &create,
	  "?memory.swap.max=0; memory.max=1000" },
	{ "swap -1 beside a limit is the default", MEMORY("\"limit\":1000,\"swap\":-1"), &create,
	  "memory.max=1000" },
	{ "swap -1 alone", MEMORY("\"swap\":-1"), &create, "" },
	{ "swap 0 is unset", MEMORY("\"limit\":1000,\"swap\":0"), &create, "memory.max=1000" },
	{ "the largest swap", MEMORY("\"limit\":1,\"swap\":9223372036854775807"), &create,
	  "memory.swap.max=9223372036854775806; memory.max=1" },
	{ "all of memory",
	  MEMORY("\"limit\":1000,\"reservation\":500,\"swap\":1001,\"useHierarchy\":true,"
		 "\"checkBeforeUpdate\":true,\"kernel\":0,\"kernelTCP\":-1,\"disableOOMKiller\":false"),
	  &create, "memory.swap.max=1; memory.max=1000; memory.low=500" },
	{ "a lifted limit lifts swap", MEMORY("\"limit\":-1"), &limited,
	  "?memory.swap.max=max; memory.max=max" },
	{ "limit 0 of an update is nothing", MEMORY("\"limit\":0,\"swap\":0,\"reservation\":0"),
	  &update, "" },
	{ "lifted swap alone", MEMORY("\"swap\":-1"), &limited, "?memory.swap.max=max" },
	{ "both lifted", MEMORY("\"limit\":-1,\"swap\":-1"), &update,
	  "?memory.swap.max=max; memory.max=max" },
	{ "an update of the limit leaves swap alone", MEMORY("\"limit\":5"), &limited,
	  "memory.max=5" },
	{ "an update of swap takes the limit of the cgroup", MEMORY("\"swap\":1000001"), &limited,
	  "memory.swap.max=1" },
	{ "an update of swap to the limit of the cgroup", MEMORY("\"swap\":1000000"), &limited,
	  "?memory.swap.max=0" },
	{ "more swap comes before memory", MEMORY("\"limit\":1000,\"swap\":6001"), &limited,
	  "memory.swap.max=5001; memory.max=1000" },
	{ "less swap comes after memory", MEMORY("\"limit\":1000,\"swap\":5999"), &limited,
	  "memory.max=1000; memory.swap.max=4999" },
	{ "as much swap", MEMORY("\"limit\":1000,\"swap\":6000"), &limited,
	  "memory.swap.max=5000; memory.max=1000" },
	{ "swap below max is less", MEMORY("\"limit\":1000,\"swap\":6000"), &unlimited,
	  "memory.max=1000; memory.swap.max=5000" },
	{ "unknown swap", MEMORY("\"limit\":1000,\"swap\":6000"), &broken,
	  "memory.swap.max=5000; memory.max=1000" },

	/* cpu */
	{ "shares", CPU("\"shares\":1024"), &create, "cpu.weight=100" },
	{ "shares 1", CPU("\"shares\":1"), &create, "cpu.weight=1" },
	{ "shares beyond v1", CPU("\"shares\":" MAX64), &create, "cpu.weight=10000" },
	{ "shares 0 is nothing", CPU("\"shares\":0"), &create, "" },
	{ "zeros of an update are nothing", CPU("\"shares\":0,\"quota\":0,\"period\":0"), &update,
	  "" },
	{ "idle has no weight", CPU("\"shares\":512,\"idle\":1"), &create, "cpu.idle=1" },
	{ "idle has no weight in an update", CPU("\"shares\":2,\"idle\":1"), &update,
	  "cpu.idle=1" },
	{ "idle 0 is nothing", CPU("\"shares\":2,\"idle\":0"), &create, "cpu.weight=1" },
	{ "idle ends before the weight", CPU("\"shares\":2,\"idle\":0"), &update,
	  "?cpu.idle=0; cpu.weight=1" },
	{ "quota", CPU("\"quota\":20000"), &create, "cpu.max=20000 100000" },
	{ "quota and period", CPU("\"quota\":20000,\"period\":1000000"), &create,
	  "cpu.max=20000 1000000" },
	{ "the least quota and period", CPU("\"quota\":1000,\"period\":1000"), &create,
	  "cpu.max=1000 1000" },
	{ "the largest quota", CPU("\"quota\":17592186044415"), &create,
	  "cpu.max=17592186044415 100000" },
	{ "period alone", CPU("\"period\":50000"), &create, "cpu.max=max 50000" },
	{ "the default period alone", CPU("\"quota\":-1,\"period\":100000"), &create, "" },
	{ "period 0 is the default", CPU("\"quota\":5000,\"period\":0"), &create,
	  "cpu.max=5000 100000" },
	{ "quota -1", CPU("\"quota\":-1"), &create, "" },
	{ "quota 0", CPU("\"quota\":0"), &create, "" },
	{ "a quota of any negative number", CPU("\"quota\":-9223372036854775808"), &create, "" },
	{ "an update of the quota keeps the period", CPU("\"quota\":30000"), &limited,
	  "cpu.max=30000 50000" },
	{ "an update of the period keeps the quota", CPU("\"period\":70000"), &limited,
	  "cpu.max=20000 70000" },
	{ "an update of the period keeps max", CPU("\"period\":70000"), &unlimited,
	  "cpu.max=max 70000" },
	{ "an update of both", CPU("\"quota\":30000,\"period\":60000"), &limited,
	  "cpu.max=30000 60000" },
	{ "quota -1 lifts", CPU("\"quota\":-1"), &limited, "cpu.max=max 50000" },
	{ "quota with an unknown period", CPU("\"quota\":30000"), &broken, "cpu.max=30000 100000" },
	{ "burst alone", CPU("\"burst\":1000"), &create, "cpu.max.burst=1000" },
	{ "burst 0 is nothing", CPU("\"burst\":0"), &create, "" },
	{ "burst 0 goes back", CPU("\"burst\":0"), &limited, "?cpu.max.burst=0" },
	{ "burst as large as the quota", CPU("\"quota\":20000,\"burst\":20000"), &unlimited,
	  "cpu.max.burst=20000; cpu.max=20000 100000" },
	{ "a raised quota comes before the burst", CPU("\"quota\":30000,\"burst\":30000"), &limited,
	  "cpu.max=30000 50000; cpu.max.burst=30000" },
	{ "a lowered quota comes after the burst", CPU("\"quota\":10000,\"burst\":10000"), &limited,
	  "cpu.max.burst=10000; cpu.max=10000 50000" },
	{ "an equal quota comes before the burst", CPU("\"quota\":20000,\"burst\":20000"), &limited,
	  "cpu.max=20000 50000; cpu.max.burst=20000" },
	{ "a lifted quota comes before the burst", CPU("\"quota\":-1,\"burst\":30000"), &limited,
	  "cpu.max=max 50000; cpu.max.burst=30000" },
	{ "burst within the quota of the cgroup", CPU("\"burst\":20000"), &limited,
	  "cpu.max.burst=20000" },
	{ "cpus", CPU("\"cpus\":\"0-3,5\""), &create, "cpuset.cpus=0-3,5" },
	{ "mems", CPU("\"mems\":\"0\""), &create, "cpuset.mems=0" },
	{ "cpus and mems", CPU("\"cpus\":\"8191\",\"mems\":\"1023\""), &update,
	  "cpuset.cpus=8191; cpuset.mems=1023" },
	{ "no cpus", CPU("\"cpus\":\"\",\"mems\":\"\""), &update, "" },

	/* pids */
	{ "pids", "{\"pids\":{\"limit\":7}}", &create, "pids.max=7" },
	{ "pids 0 is a limit", "{\"pids\":{\"limit\":0}}", &create, "pids.max=0" },
	{ "pids -1 is none", "{\"pids\":{\"limit\":-1}}", &create, "" },
	{ "pids -1 lifts", "{\"pids\":{\"limit\":-1}}", &update, "pids.max=max" },
	{ "pids 0 is a limit in an update", "{\"pids\":{\"limit\":0}}", &update, "pids.max=0" },

	/* block I/O */
	{ "the least weight", IO("\"weight\":10"), &create, "io.weight=1|io.bfq.weight=10" },
	{ "a weight", IO("\"weight\":500"), &create, "io.weight=4950|io.bfq.weight=500" },
	{ "the largest weight", IO("\"weight\":1000"), &create,
	  "io.weight=10000|io.bfq.weight=1000" },
	{ "a weight for BFQ", IO("\"weight\":500"), &bfq, "io.bfq.weight=500|io.weight=4950" },
	{ "weight 0", IO("\"weight\":0"), &create, "" },
	{ "weight 0 of an update is nothing", IO("\"weight\":0"), &update, "" },
	{ "leaf weight 0", IO("\"leafWeight\":0"), &update, "" },
	{ "the weight of a device", IO("\"weightDevice\":[{" DEVICE ",\"weight\":500}]"), &create,
	  "io.weight=8:16 4950|io.bfq.weight=8:16 500" },
	{ "the weight of a device for BFQ after the general one",
	  IO("\"weightDevice\":[{" DEVICE ",\"weight\":11}],\"weight\":100"), &bfq,
	  "io.bfq.weight=100|io.weight=910; io.bfq.weight=8:16 11|io.weight=8:16 11" },
	{ "the weight of a device that is 0", IO("\"weightDevice\":[{" DEVICE ",\"weight\":0}]"),
	  &create, "" },
	{ "the weight of a device goes back", IO("\"weightDevice\":[{" DEVICE ",\"weight\":0}]"),
	  &bfq_update, "io.bfq.weight=8:16 default|io.weight=8:16 default" },
	{ "the largest device",
	  IO("\"throttleReadBpsDevice\":[{\"major\":4095,\"minor\":1048575,\"rate\":1}]"), &create,
	  "io.max=4095:1048575 rbps=1" },
	{ "throttles, a write each",
	  IO("\"throttleWriteIOPSDevice\":[{" DEVICE ",\"rate\":4}],"
	     "\"throttleReadIOPSDevice\":[{" DEVICE ",\"rate\":3}],"
	     "\"throttleWriteBpsDevice\":[{" DEVICE ",\"rate\":2}],"
	     "\"throttleReadBpsDevice\":[{" DEVICE
	     ",\"rate\":1},{\"major\":0,\"minor\":0,\"rate\":5}]"),
	  &create,
	  "io.max=8:16 rbps=1; io.max=0:0 rbps=5; io.max=8:16 wbps=2; io.max=8:16 riops=3; "
	  "io.max=8:16 wiops=4" },
	{ "a rate of 0", IO("\"throttleReadBpsDevice\":[{" DEVICE ",\"rate\":0}]"), &create, "" },
	{ "a rate of 0 lifts", IO("\"throttleReadBpsDevice\":[{" DEVICE ",\"rate\":0}]"), &update,
	  "io.max=8:16 rbps=max" },
	{ "the largest rate", IO("\"throttleReadBpsDevice\":[{" DEVICE ",\"rate\":" MAX64 "}]"),
	  &create, "io.max=8:16 rbps=max" },

	/* huge pages, RDMA */
	{ "huge pages",
	  "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},"
	  "{\"pageSize\":\"1GB\",\"limit\":0}]}",
	  &create,
	  "hugetlb.2MB.max=4194304; ?hugetlb.2MB.rsvd.max=4194304; hugetlb.1GB.max=0; "
	  "?hugetlb.1GB.rsvd.max=0" },
	{ "huge pages without limit",
	  "{\"hugepageLimits\":[{\"pageSize\":\"64KB\",\"limit\":" MAX64 "}]}", &create,
	  "hugetlb.64KB.max=max; ?hugetlb.64KB.rsvd.max=max" },
	{ "rdma",
	  "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},"
	  "\"rxe3\":{\"hcaHandles\":2147483647,\"hcaObjects\":0},"
	  "\"m\":{\"hcaHandles\":4294967295,\"hcaObjects\":2147483646}}}",
	  &create,
	  "rdma.max=mlx5_1 hca_handle=3 hca_object=10000; rdma.max=rxe3 hca_handle=max hca_object=0; "
	  "rdma.max=m hca_handle=max hca_object=2147483646" },

	/* unified */
	{ "unified",
	  UNIFIED("\"memory.high\":\"5\",\"hugetlb.1GB.max\":\"6\",\"cgroup.max.depth\":\"2\""),
	  &create, "memory.high=5; hugetlb.1GB.max=6; cgroup.max.depth=2" },
	{ "unified as it is", UNIFIED("\"x.y_z\":\" a b \""), &create, "x.y_z= a b " },
	{ "unified lines are writes", UNIFIED("\"io.max\":\"8:0 rbps=1\\n8:16 wbps=2\\n\""),
	  &create, "io.max=8:0 rbps=1; io.max=8:16 wbps=2" },
	{ "unified without lines", UNIFIED("\"a.b\":\"\",\"a.c\":\"\\n\\n\""), &create,
	  "a.b=; a.c=" },
	{ "unified comes last",
	  "{\"unified\":{\"memory.max\":\"7\",\"pids.max\":\"max\"},\"memory\":{\"limit\":5},"
	  "\"pids\":{\"limit\":3}}",
	  &create, "memory.max=5; pids.max=3; memory.max=7; pids.max=max" },
	{ "one of each, in order",
	  "{\"rdma\":{\"r\":{\"hcaHandles\":1}},\"unified\":{\"misc.max\":\"x 1\"},"
	  "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}],\"pids\":{\"limit\":2},"
	  "\"blockIO\":{\"weight\":10},\"cpu\":{\"cpus\":\"0\",\"shares\":2},\"memory\":{\"limit\":3}}",
	  &create,
	  "memory.max=3; cpu.weight=1; cpuset.cpus=0; io.weight=1|io.bfq.weight=10; hugetlb.2MB.max=1; "
	  "?hugetlb.2MB.rsvd.max=1; pids.max=2; rdma.max=r hca_handle=1; misc.max=x 1" },
};

static void test_writes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_result struct result t;

		plan(&a, writes[i].json, writes[i].mode, &t);
		ok_str(t.rc ? t.text : text_of(&t.writes), writes[i].writes, writes[i].what);
	}
}

static const struct {
	const char *json, *asked;
} asked[] = {
	{ "{}", "" },
	{ MEMORY("\"limit\":5"), "memory.limit" },
	{ MEMORY("\"limit\":-1,\"reservation\":0,\"swap\":-1,\"kernel\":-1,\"kernelTCP\":0"), "" },
	{ MEMORY("\"disableOOMKiller\":false,\"useHierarchy\":true,\"checkBeforeUpdate\":true"),
	  "" },
	{ MEMORY("\"swappiness\":0"), "memory.swappiness" },
	{ MEMORY("\"disableOOMKiller\":true"), "memory.disableOOMKiller" },
	{ CPU("\"shares\":0,\"burst\":0,\"realtimePeriod\":0,\"realtimeRuntime\":0,\"idle\":0"),
	  "" },
	{ CPU("\"realtimeRuntime\":-1,\"quota\":-1,\"period\":100000,\"cpus\":\"\",\"mems\":\"\""),
	  "" },
	{ CPU("\"quota\":0,\"period\":0"), "" },
	{ CPU("\"quota\":20000,\"period\":100000"), "cpu.quota" },
	{ CPU("\"period\":50000"), "cpu.period" },
	{ "{\"pids\":{\"limit\":0}}", "pids.limit" },
	{ "{\"pids\":{\"limit\":-1}}", "" },
	{ IO("\"weight\":0,\"leafWeight\":0,\"weightDevice\":[{" DEVICE ",\"weight\":0}]"), "" },
	{ IO("\"weightDevice\":[{" DEVICE ",\"leafWeight\":10}]"), "blockIO.weightDevice" },
	{ IO("\"throttleWriteIOPSDevice\":[{" DEVICE ",\"rate\":1}]"), "blockIO.throttle*" },
	{ IO("\"throttleWriteBpsDevice\":[{" DEVICE ",\"rate\":0}]"), "" },
	{ "{\"network\":{\"classID\":0}}", "network" },
	{ "{\"unified\":{},\"rdma\":{},\"hugepageLimits\":[],\"network\":{}}", "" },
	{ "{\"unified\":{\"a.b\":\"\"},\"rdma\":{\"r\":{\"hcaHandles\":1}},"
	  "\"network\":{\"priorities\":[{\"name\":\"a\",\"priority\":1}]},\"pids\":{\"limit\":1},"
	  "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"blockIO\":{\"weight\":10,"
	  "\"leafWeight\":10,\"weightDevice\":[{" DEVICE
	  ",\"weight\":10}],\"throttleReadBpsDevice\":["
	  "{" DEVICE ",\"rate\":1}],\"throttleWriteBpsDevice\":[{" DEVICE ",\"rate\":1}]},\"cpu\":{"
	  "\"idle\":1,\"mems\":\"0\",\"cpus\":\"0\",\"realtimePeriod\":1,\"realtimeRuntime\":1,"
	  "\"period\":1,\"burst\":1,\"quota\":1,\"shares\":1},\"memory\":{\"disableOOMKiller\":true,"
	  "\"swappiness\":1,\"kernelTCP\":1,\"kernel\":1,\"swap\":1,\"reservation\":1,\"limit\":1}}",
	  "memory.limit, memory.reservation, memory.swap, memory.kernel, memory.kernelTCP, "
	  "memory.swappiness, memory.disableOOMKiller, cpu.shares, cpu.quota, cpu.burst, cpu.period, "
	  "cpu.realtimeRuntime, cpu.realtimePeriod, cpu.cpus, cpu.mems, cpu.idle, blockIO.weight, "
	  "blockIO.leafWeight, blockIO.weightDevice, blockIO.throttle*, hugepageLimits, network, "
	  "pids.limit, rdma, unified" },
};

static void test_asked(void)
{
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_str struct str names = STR_INIT, joined = STR_INIT;
		auto_result struct result t;

		plan(&a, asked[i].json, &create, &t);
		cgroup_limits_asked(&t.r, &names);
		ok_str(text_of(&names), asked[i].asked,
		       *asked[i].asked ? asked[i].asked : "not asked for");
		for (size_t j = 0; j < t.limits.asked.n; j++)
			str_addf(&joined, "%s%s", j ? ", " : "", t.limits.asked.v[j]);
		ok(strcmp(text_of(&joined), asked[i].asked) == 0 &&
			   !t.limits.asked.v[t.limits.asked.n],
		   "the plan lists the same");
	}
}

static const struct {
	const char *what, *json;
	const struct cgroup_limits_mode *mode;
	const char *controllers;
} controllers[] = {
	{ "none", "{}", &create, "" },
	{ "sorted and once",
	  "{\"rdma\":{\"r\":{\"hcaHandles\":1}},\"unified\":{\"memory.high\":\"1\",\"misc.max\":\"x 1\","
	  "\"cgroup.max.depth\":\"1\",\"cgroupx.y\":\"1\",\"cg.x\":\"1\"},"
	  "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}],"
	  "\"pids\":{\"limit\":2},\"blockIO\":{\"weight\":10},\"cpu\":{\"cpus\":\"0\",\"mems\":\"0\","
	  "\"shares\":2},\"memory\":{\"limit\":3,\"swap\":4}}",
	  &create, "cg; cgroupx; cpu; cpuset; hugetlb; io; memory; misc; pids; rdma" },
	{ "core files need none", UNIFIED("\"cgroup.max.depth\":\"1\""), &create, "" },
	{ "an optional write needs none", CPU("\"idle\":0,\"burst\":0"), &update, "" },
};

static void test_controllers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_result struct result t;

		plan(&a, controllers[i].json, controllers[i].mode, &t);
		ok_str(t.rc ? t.text : text_of(&t.controllers), controllers[i].controllers,
		       controllers[i].what);
		ok(t.limits.controllers.v && !t.limits.controllers.v[t.limits.controllers.n],
		   "%s: terminated", controllers[i].what);
	}
}

static const struct {
	const char *what, *json;
	const struct cgroup_limits_mode *mode;
	const char *properties;
} properties[] = {
	{ "no property", "{}", &create, "" },
	{ "memory", MEMORY("\"limit\":1000,\"reservation\":500,\"swap\":1001"), &create,
	  "MemorySwapMax=t:1; MemoryMax=t:1000; MemoryLow=t:500" },
	{ "lifted memory", MEMORY("\"limit\":-1,\"reservation\":-1"), &update,
	  "MemorySwapMax=t:" MAX64 "; MemoryMax=t:" MAX64 "; MemoryLow=t:0" },
	{ "unified memory",
	  UNIFIED("\"memory.high\":\"max\",\"memory.min\":\"0\",\"memory.low\":\"1K\","
		  "\"memory.max\":\"2g\\n\",\"memory.swap.max\":\" 3M \",\"memory.zswap.max\":\"4T\""),
	  &create,
	  "MemoryHigh=t:" MAX64 "; MemoryMin=t:0; MemoryLow=t:1024; MemoryMax=t:2147483648; "
	  "MemorySwapMax=t:3145728; ?MemoryZSwapMax=t:4398046511104" },
	{ "systemd has no memory of 0", UNIFIED("\"memory.high\":\"0\",\"memory.max\":\"0\""),
	  &create, "MemoryHigh=t:1; MemoryMax=t:1" },
	{ "what the kernel will refuse is no property",
	  UNIFIED("\"memory.high\":\"x\",\"memory.low\":\"1Q\",\"memory.min\":\"-1\","
		  "\"pids.max\":\"\",\"memory.max\":\"18446744073709551616\",\"cpu.weight\":\"max\","
		  "\"memory.swap.max\":\"18014398509481984K\",\"cpuset.cpus\":\"a\",\"cpu.max\":\"1 2 3\""),
	  &create, "" },
	{ "nor what it reads in another base",
	  UNIFIED("\"memory.max\":\"0x10\",\"memory.low\":\"010\""), &create, "" },
	{ "the last number that fits", UNIFIED("\"memory.max\":\"18014398509481983K\""), &create,
	  "MemoryMax=t:18446744073709550592" },
	{ "unified wins", "{\"memory\":{\"limit\":5},\"unified\":{\"memory.max\":\"7\"}}", &create,
	  "MemoryMax=t:7" },
	{ "weight", CPU("\"shares\":1024"), &create, "CPUWeight=t:100" },
	{ "unified weight", UNIFIED("\"cpu.weight\":\"10000\""), &create, "CPUWeight=t:10000" },
	{ "a weight out of range", UNIFIED("\"cpu.weight\":\"10001\""), &create, "" },
	{ "idle", CPU("\"shares\":1024,\"idle\":1"), &create, "?CPUWeight=t:0" },
	{ "idle from unified replaces the weight",
	  "{\"cpu\":{\"shares\":1024},\"unified\":{\"cpu.idle\":\"1\"}}", &create,
	  "?CPUWeight=t:0" },
	{ "idle 0 has no property", CPU("\"idle\":0"), &update, "" },
	{ "quota", CPU("\"quota\":20000"), &create,
	  "CPUQuotaPerSecUSec=t:200000; ?CPUQuotaPeriodUSec=t:100000" },
	{ "quota in percents, rounded up", CPU("\"quota\":20001"), &create,
	  "CPUQuotaPerSecUSec=t:210000; ?CPUQuotaPeriodUSec=t:100000" },
	{ "a fraction of a microsecond counts", CPU("\"quota\":1000,\"period\":99999"), &create,
	  "CPUQuotaPerSecUSec=t:20000; ?CPUQuotaPeriodUSec=t:99999" },
	{ "a quota of several CPUs", CPU("\"quota\":600000,\"period\":200000"), &create,
	  "CPUQuotaPerSecUSec=t:3000000; ?CPUQuotaPeriodUSec=t:200000" },
	{ "the largest quota does not overflow", UNIFIED("\"cpu.max\":\"17592186044415 1\""),
	  &create, "CPUQuotaPerSecUSec=t:17592186044415000000; ?CPUQuotaPeriodUSec=t:1" },
	{ "a larger quota has no property", UNIFIED("\"cpu.max\":\"17592186044416 1\""), &create,
	  "" },
	{ "no quota is infinite", CPU("\"period\":50000"), &create,
	  "CPUQuotaPerSecUSec=t:" MAX64 "; ?CPUQuotaPeriodUSec=t:50000" },
	{ "unified quota keeps the period", UNIFIED("\"cpu.max\":\"25000\""), &limited,
	  "CPUQuotaPerSecUSec=t:500000; ?CPUQuotaPeriodUSec=t:50000" },
	{ "unified quota keeps the period that a field gave",
	  "{\"cpu\":{\"period\":10000},\"unified\":{\"cpu.max\":\"5000\"}}", &create,
	  "CPUQuotaPerSecUSec=t:500000; ?CPUQuotaPeriodUSec=t:10000" },
	{ "unified quota of max", UNIFIED("\"cpu.max\":\"max 20000\""), &create,
	  "CPUQuotaPerSecUSec=t:" MAX64 "; ?CPUQuotaPeriodUSec=t:20000" },
	{ "period 0 has no property", UNIFIED("\"cpu.max\":\"5 0\""), &create, "" },
	{ "quota 0 has no property", UNIFIED("\"cpu.max\":\"0 5\""), &create, "" },
	{ "tasks", "{\"pids\":{\"limit\":7}}", &create, "TasksMax=t:7" },
	{ "no task is one for systemd", "{\"pids\":{\"limit\":0}}", &create, "TasksMax=t:1" },
	{ "tasks lifted", "{\"pids\":{\"limit\":-1}}", &update, "TasksMax=t:" MAX64 },
	{ "unified tasks", UNIFIED("\"pids.max\":\"max\""), &create, "TasksMax=t:" MAX64 },
	{ "cpus are bytes, lowest first", CPU("\"cpus\":\"0-8\""), &create,
	  "?AllowedCPUs=ay:ff01" },
	{ "a cpu far away", CPU("\"cpus\":\"70\""), &create, "?AllowedCPUs=ay:000000000000000040" },
	{ "cpus in any order, twice", CPU("\"cpus\":\"9,1,0-1\",\"mems\":\"1\""), &create,
	  "?AllowedCPUs=ay:0302; ?AllowedMemoryNodes=ay:02" },
	{ "unified cpus", UNIFIED("\"cpuset.mems\":\"0,7\",\"cpuset.cpus\":\"15\""), &create,
	  "?AllowedMemoryNodes=ay:81; ?AllowedCPUs=ay:0080" },
	{ "I/O weight", IO("\"weight\":500"), &create, "?IOWeight=t:4950" },
	{ "I/O weight of BFQ", IO("\"weight\":500"), &bfq, "?IOWeight=t:4500" },
	{ "a low I/O weight of BFQ", IO("\"weight\":50"), &bfq, "?IOWeight=t:50" },
	{ "the largest I/O weight of BFQ", IO("\"weight\":1000"), &bfq, "?IOWeight=t:10000" },
	{ "devices have no property",
	  IO("\"weightDevice\":[{" DEVICE ",\"weight\":500}],"
	     "\"throttleReadBpsDevice\":[{" DEVICE ",\"rate\":1}]"),
	  &create, "" },
	{ "the weight of a device does not hide the general one",
	  IO("\"weight\":10,\"weightDevice\":[{" DEVICE ",\"weight\":500}]"), &create,
	  "?IOWeight=t:1" },
};

static void test_properties(void)
{
	for (size_t i = 0; i < ARRAY_LEN(properties); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_result struct result t;

		plan(&a, properties[i].json, properties[i].mode, &t);
		ok_str(t.rc ? t.text : text_of(&t.properties), properties[i].properties,
		       properties[i].what);
	}
}

#define L	 "linux.resources."
#define BAD_KEY	 "this is not the name of a file such as memory.high"
#define OWN	 "the runtime controls the container with this file"
#define NOT_PAGE "is not a page size such as 64KB, 2MB or 1GB"

static const struct error_case {
	const char *json;
	const struct cgroup_limits_mode *mode;
	int rc;
	const char *text;
} errors[] = {
	{ MEMORY("\"kernel\":1"), &create, -ENOTSUP,
	  L "memory.kernel: cgroup v2 has no limit for kernel memory, memory.limit includes it" },
	{ MEMORY("\"kernelTCP\":1"), &create, -ENOTSUP,
	  L
	  "memory.kernelTCP: cgroup v2 has no limit for TCP buffers, memory.limit includes them" },
	{ MEMORY("\"swappiness\":0"), &create, -ENOTSUP,
	  L "memory.swappiness: cgroup v2 has no swappiness of a cgroup" },
	{ MEMORY("\"disableOOMKiller\":true"), &update, -ENOTSUP,
	  L "memory.disableOOMKiller: cgroup v2 cannot disable the OOM killer" },
	{ CPU("\"realtimeRuntime\":1"), &create, -ENOTSUP,
	  L "cpu.realtimeRuntime: cgroup v2 has no bandwidth for realtime scheduling" },
	{ CPU("\"realtimePeriod\":1"), &create, -ENOTSUP,
	  L "cpu.realtimePeriod: cgroup v2 has no bandwidth for realtime scheduling" },
	{ IO("\"leafWeight\":10"), &create, -ENOTSUP,
	  L "blockIO.leafWeight: cgroup v2 has no weight against child cgroups" },
	{ IO("\"weightDevice\":[{" DEVICE ",\"weight\":10},{" DEVICE
	     ",\"weight\":10,\"leafWeight\":9}]"),
	  &create, -ENOTSUP,
	  L "blockIO.weightDevice[1].leafWeight: cgroup v2 has no weight against child cgroups" },
	{ "{\"network\":{\"classID\":1}}", &create, -ENOTSUP,
	  L "network: net_cls and net_prio exist in cgroup v1 only" },

	{ MEMORY("\"limit\":-2"), &create, -EINVAL,
	  L "memory.limit: -2 is neither a number of bytes nor -1" },
	{ MEMORY("\"limit\":-9223372036854775808"), &update, -EINVAL,
	  L "memory.limit: -9223372036854775808 is neither a number of bytes nor -1" },
	{ MEMORY("\"reservation\":-2,\"swap\":-3"), &update, -EINVAL,
	  L "memory.reservation: -2 is neither a number of bytes nor -1\n" L
	    "memory.swap: -3 is neither a number of bytes nor -1" },
	{ MEMORY("\"swap\":5"), &create, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"swap\":5,\"limit\":-1"), &create, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"swap\":5,\"limit\":-1"), &limited, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"swap\":5"), &update, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"swap\":5"), &unlimited, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"swap\":6"), &broken, -EINVAL,
	  L "memory.swap: 6 is memory and swap together, and needs memory.limit" },
	{ MEMORY("\"limit\":6,\"swap\":5"), &create, -EINVAL,
	  L "memory.swap: 5 is memory and swap together, and less than the memory limit of 6" },
	{ MEMORY("\"swap\":999999"), &limited, -EINVAL,
	  L
	  "memory.swap: 999999 is memory and swap together, and less than the memory limit of 1000000" },

	{ CPU("\"quota\":999"), &create, -EINVAL,
	  L "cpu.quota: 999 is not within 1000 to 17592186044415 microseconds" },
	{ CPU("\"quota\":9223372036854775807"), &create, -EINVAL,
	  L "cpu.quota: 9223372036854775807 is not within 1000 to 17592186044415 microseconds" },
	{ CPU("\"quota\":17592186044416"), &create, -EINVAL,
	  L "cpu.quota: 17592186044416 is not within 1000 to 17592186044415 microseconds" },
	{ CPU("\"period\":999"), &create, -EINVAL,
	  L "cpu.period: 999 is not within 1000 to 1000000 microseconds" },
	{ CPU("\"period\":1000001"), &update, -EINVAL,
	  L "cpu.period: 1000001 is not within 1000 to 1000000 microseconds" },
	{ CPU("\"period\":" MAX64), &update, -EINVAL,
	  L "cpu.period: " MAX64 " is not within 1000 to 1000000 microseconds" },
	{ CPU("\"quota\":2000,\"burst\":2001"), &create, -EINVAL,
	  L "cpu.burst: 2001 is more than the quota of 2000" },
	{ CPU("\"burst\":20001"), &limited, -EINVAL,
	  L "cpu.burst: 20001 is more than the quota of 20000" },
	{ CPU("\"burst\":" MAX64), &create, -EINVAL,
	  L "cpu.burst: " MAX64 " is more than 17592186044415 microseconds" },
	{ CPU("\"idle\":2"), &create, -EINVAL, L "cpu.idle: 2 is neither 0 nor 1" },
	{ CPU("\"idle\":-1"), &create, -EINVAL, L "cpu.idle: -1 is neither 0 nor 1" },
	{ CPU("\"cpus\":\"0-\""), &create, -EINVAL,
	  L "cpu.cpus: '0-' is not a list [write numbers below 8192 and ranges, such as 0-3,7]" },
	{ CPU("\"cpus\":\"3-1\""), &create, -EINVAL,
	  L "cpu.cpus: '3-1' is not a list [write numbers below 8192 and ranges, such as 0-3,7]" },
	{ CPU("\"cpus\":\"8192\""), &create, -EINVAL,
	  L "cpu.cpus: '8192' is not a list [write numbers below 8192 and ranges, such as 0-3,7]" },
	{ CPU("\"cpus\":\"0,\""), &create, -EINVAL,
	  L "cpu.cpus: '0,' is not a list [write numbers below 8192 and ranges, such as 0-3,7]" },
	{ CPU("\"mems\":\"1024\""), &create, -EINVAL,
	  L "cpu.mems: '1024' is not a list [write numbers below 1024 and ranges, such as 0-3,7]" },
	{ CPU("\"mems\":\"99999999999999999999\""), &create, -EINVAL,
	  L
	  "cpu.mems: '99999999999999999999' is not a list [write numbers below 1024 and ranges, such "
	  "as 0-3,7]" },

	{ "{\"pids\":{\"limit\":-2}}", &create, -EINVAL,
	  L "pids.limit: -2 is neither a number of tasks nor -1" },
	{ "{\"pids\":{\"limit\":-9223372036854775808}}", &update, -EINVAL,
	  L "pids.limit: -9223372036854775808 is neither a number of tasks nor -1" },

	{ IO("\"weight\":9"), &create, -EINVAL, L "blockIO.weight: 9 is not within 10 to 1000" },
	{ IO("\"weight\":1001"), &update, -EINVAL,
	  L "blockIO.weight: 1001 is not within 10 to 1000" },
	{ IO("\"weight\":4294967295"), &create, -EINVAL,
	  L "blockIO.weight: 4294967295 is not within 10 to 1000" },
	{ IO("\"weightDevice\":[{" DEVICE ",\"weight\":1001}]"), &create, -EINVAL,
	  L "blockIO.weightDevice[0]: 1001 is not within 10 to 1000" },
	{ IO("\"weightDevice\":[{" DEVICE "}]"), &create, -EINVAL,
	  L "blockIO.weightDevice[0]: neither weight nor leafWeight is given" },
	{ IO("\"weightDevice\":[{\"major\":-1,\"minor\":0,\"weight\":10}]"), &create, -EINVAL,
	  L "blockIO.weightDevice[0]: -1:0 is not the number of a device" },
	{ IO("\"throttleReadIOPSDevice\":[{" DEVICE
	     ",\"rate\":1},{\"major\":4096,\"minor\":0,\"rate\":0}]"),
	  &create, -EINVAL,
	  L "blockIO.throttleReadIOPSDevice[1]: 4096:0 is not the number of a device" },
	{ IO("\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":1048576,\"rate\":1}]"), &create,
	  -EINVAL, L "blockIO.throttleWriteBpsDevice[0]: 8:1048576 is not the number of a device" },
	{ IO("\"throttleReadBpsDevice\":[{\"major\":9223372036854775807,\"minor\":-9223372036854775808,"
	     "\"rate\":1}]"),
	  &create, -EINVAL,
	  L "blockIO.throttleReadBpsDevice[0]: 9223372036854775807:-9223372036854775808 is not the "
	    "number of a device" },

#define PAGE(x) "{\"hugepageLimits\":[{\"pageSize\":\"" x "\",\"limit\":1}]}"
	{ PAGE(""), &create, -EINVAL, L "hugepageLimits[0]: '' " NOT_PAGE },
	{ PAGE("2"), &create, -EINVAL, L "hugepageLimits[0]: '2' " NOT_PAGE },
	{ PAGE("2M"), &create, -EINVAL, L "hugepageLimits[0]: '2M' " NOT_PAGE },
	{ PAGE("MB"), &create, -EINVAL, L "hugepageLimits[0]: 'MB' " NOT_PAGE },
	{ PAGE("2mb"), &create, -EINVAL, L "hugepageLimits[0]: '2mb' " NOT_PAGE },
	{ PAGE("02MB"), &create, -EINVAL, L "hugepageLimits[0]: '02MB' " NOT_PAGE },
	{ PAGE("2MB/x"), &create, -EINVAL, L "hugepageLimits[0]: '2MB/x' " NOT_PAGE },
	{ PAGE("12345KB"), &create, -EINVAL, L "hugepageLimits[0]: '12345KB' " NOT_PAGE },

	{ "{\"rdma\":{\"r\":{}}}", &create, -EINVAL,
	  L "rdma.r: neither hcaHandles nor hcaObjects is given" },
	{ "{\"rdma\":{\"a b\":{\"hcaHandles\":1}}}", &create, -EINVAL,
	  L "rdma.a b: this is not the name of a device" },
	{ "{\"rdma\":{\"\":{\"hcaHandles\":1}}}", &create, -EINVAL,
	  L "rdma.: this is not the name of a device" },

	{ UNIFIED("\"../memory.max\":\"1\""), &create, -EINVAL,
	  L "unified.../memory.max: " BAD_KEY },
	{ UNIFIED("\"memory/max\":\"1\""), &create, -EINVAL, L "unified.memory/max: " BAD_KEY },
	{ UNIFIED("\"memory.a/b\":\"1\""), &create, -EINVAL, L "unified.memory.a/b: " BAD_KEY },
	{ UNIFIED("\"memory\":\"1\""), &create, -EINVAL, L "unified.memory: " BAD_KEY },
	{ UNIFIED("\"\":\"1\""), &create, -EINVAL, L "unified.: " BAD_KEY },
	{ UNIFIED("\".max\":\"1\""), &create, -EINVAL, L "unified..max: " BAD_KEY },
	{ UNIFIED("\"memory.\":\"1\""), &create, -EINVAL, L "unified.memory.: " BAD_KEY },
	{ UNIFIED("\"a..b\":\"1\""), &create, -EINVAL, L "unified.a..b: " BAD_KEY },
	{ UNIFIED("\"a b.c\":\"1\""), &create, -EINVAL, L "unified.a b.c: " BAD_KEY },
	{ UNIFIED("\"a.\\n\":\"1\""), &create, -EINVAL, L "unified.a.?: " BAD_KEY },
	{ UNIFIED("\"cgroup.procs\":\"1\""), &create, -EINVAL, L "unified.cgroup.procs: " OWN },
	{ UNIFIED("\"cgroup.threads\":\"1\""), &create, -EINVAL, L "unified.cgroup.threads: " OWN },
	{ UNIFIED("\"cgroup.subtree_control\":\"+cpu\""), &update, -EINVAL,
	  L "unified.cgroup.subtree_control: " OWN },
	{ UNIFIED("\"cgroup.kill\":\"1\""), &create, -EINVAL, L "unified.cgroup.kill: " OWN },
	{ UNIFIED("\"cgroup.freeze\":\"1\""), &create, -EINVAL, L "unified.cgroup.freeze: " OWN },
	{ UNIFIED("\"cgroup.type\":\"threaded\""), &create, -EINVAL,
	  L "unified.cgroup.type: " OWN },

	{ "{\"unified\":{\"x\":\"1\"},\"pids\":{\"limit\":-5},\"memory\":{\"kernel\":1,\"limit\":1,"
	  "\"swap\":2},\"cpu\":{\"idle\":7,\"quota\":1}}",
	  &create, -ENOTSUP,
	  L "memory.kernel: cgroup v2 has no limit for kernel memory, memory.limit includes it\n" L
	    "cpu.idle: 7 is neither 0 nor 1\n" L
	    "cpu.quota: 1 is not within 1000 to 17592186044415 microseconds\n" L
	    "pids.limit: -5 is neither a number of tasks nor -1\n" L "unified.x: " BAD_KEY },
};

static void test_errors(void)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_result struct result t;

		plan(&a, errors[i].json, errors[i].mode, &t);
		ok_str(t.text, errors[i].text, errors[i].json);
		ok(t.rc == errors[i].rc, "... and its code");
	}
}

static void test_fields(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_result struct result t;

	plan(&a,
	     "{\"memory\":{\"limit\":3,\"reservation\":1,\"swap\":4},\"cpu\":{\"shares\":2,\"quota\":5000,"
	     "\"burst\":1,\"cpus\":\"0\",\"mems\":\"0\"},\"pids\":{\"limit\":2},\"blockIO\":{\"weight\":10,"
	     "\"weightDevice\":[{" DEVICE ",\"weight\":10}],\"throttleReadBpsDevice\":[{" DEVICE
	     ",\"rate\":1}]},\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}],"
	     "\"rdma\":{\"r\":{\"hcaHandles\":1}},\"unified\":{\"memory.high\":\"9\"}}",
	     &create, &t);
	ok_str(text_of(&t.fields),
	       "memory.swap; memory.limit; memory.reservation; cpu.shares; cpu.burst; cpu.quota; cpu.cpus; "
	       "cpu.mems; blockIO.weight; blockIO.weightDevice[0]; blockIO.throttleReadBpsDevice[0]; "
	       "hugepageLimits[0]; hugepageLimits[0]; pids.limit; rdma.r; unified.memory.high",
	       "each write names its field");
	ok_str(t.limits.v[0].controller, "memory", "a write names its controller");
}

static void test_usage(void)
{
	static const struct {
		const char *what, *json;
		bool check;
		int64_t limit;
	} cases[] = {
		{ "no limit", "{}", false, -1 },
		{ "limit", MEMORY("\"limit\":5,\"checkBeforeUpdate\":true"), true, 5 },
		{ "limit without check", MEMORY("\"limit\":5,\"checkBeforeUpdate\":false"), false,
		  5 },
		{ "lifted limit", MEMORY("\"limit\":-1,\"checkBeforeUpdate\":true"), true, -1 },
		{ "unified limit", "{\"memory\":{\"limit\":5},\"unified\":{\"memory.max\":\"1M\"}}",
		  false, 1048576 },
		{ "unified max", "{\"memory\":{\"limit\":5},\"unified\":{\"memory.max\":\"max\"}}",
		  false, -1 },
		{ "unified nonsense",
		  "{\"memory\":{\"limit\":5},\"unified\":{\"memory.max\":\"5x\"}}", false, -1 },
		{ "unified beyond int64", UNIFIED("\"memory.max\":\"9223372036854775808\""), false,
		  -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_result struct result t;

		plan(&a, cases[i].json, &update, &t);
		ok(t.rc == 0 && t.limits.check_usage == cases[i].check &&
			   t.limits.memory_limit == cases[i].limit,
		   "memory_limit: %s", cases[i].what);
	}
}

/* A thousand bad entries fill the error and overflow nothing. */
static void test_many(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str s = STR_INIT;
	auto_result struct result t;

	str_add(&s, "{\"unified\":{\"memory.max\":\"1\"");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, ",\"bad%d\":\"\"", i);
	str_add(&s, "}}");
	plan(&a, s.p, &create, &t);
	ok(t.rc == -EINVAL && strstr(t.text, L "unified.bad0: ") == t.text, "many violations");
	ok(cgroup_limits_plan(&a, &t.r, &create, &t.limits, NULL) == -EINVAL,
	   "without an error value");
}

static void test_weights(void)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = {
		{ 0, 1 },	   { 1, 1 },	      { 2, 1 },		 { 3, 2 },
		{ 102, 17 },	   { 512, 59 },	      { 1023, 100 },	 { 1024, 100 },
		{ 1025, 101 },	   { 2048, 174 },     { 10240, 639 },	 { 102400, 4429 },
		{ 262143, 10000 }, { 262144, 10000 }, { 262145, 10000 }, { UINT64_MAX, 10000 },
	};
	uint64_t wrong = 0, low = 0, last = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ok(cgroup_shares_to_weight(cases[i].shares) == cases[i].weight,
		   "%llu shares weigh %llu (%llu)", (unsigned long long)cases[i].shares,
		   (unsigned long long)cases[i].weight,
		   (unsigned long long)cgroup_shares_to_weight(cases[i].shares));
	for (uint64_t shares = 3; shares < 262144; shares++) {
		double l = log2((double)shares), exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
		uint64_t weight = cgroup_shares_to_weight(shares);

		wrong += weight != (uint64_t)ceil(pow(10, exponent));
		low += weight < last;
		last = weight;
	}
	ok(wrong == 0, "all shares weigh what the formula says with libm");
	ok(low == 0, "more shares never weigh less");
}

int main(void)
{
	test_writes();
	test_asked();
	test_controllers();
	test_properties();
	test_errors();
	test_fields();
	test_usage();
	test_many();
	test_weights();
	return done();
}
