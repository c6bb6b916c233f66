/*
 * test_spec.c - oci: every field of spec.h decoded once from one big document; what the
 * tables and the loader refuse, with place and path; the sample documents.
 */
#include "base/cleanup.h"
#include "oci/spec_load.h"
#include "oci/spec_sample.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Values are all different, so that two rows that land in one field are seen. */
static const char everything[] =
	"{\"ociVersion\": \"1.3.0\", \"unknown\": {\"deep\": [1.5e3, null]},\n"
	"\"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
	"\"hostname\": \"host\", \"domainname\": \"domain\",\n"
	"\"process\": {\"terminal\": true, \"consoleSize\": {\"height\": 24, \"width\": 80},\n"
	"  \"user\": {\"uid\": 1, \"gid\": 2, \"umask\": 18, \"additionalGids\": [3, 4294967295],\n"
	"    \"username\": \"windows\"},\n"
	"  \"args\": [\"sh\", \"-c\", \"\"], \"env\": [\"A=b=c\", \"\\u00e9=\\\"\", \"no equals sign\", \"\"],\n"
	"  \"commandLine\": \"cmd\", \"cwd\": \"/cwd\",\n"
	"  \"capabilities\": {\"bounding\": [\"CAP_B\"], \"effective\": [\"CAP_E\", \"CAP_E2\"],\n"
	"    \"inheritable\": [\"CAP_I\"], \"permitted\": [\"CAP_P\"], \"ambient\": [\"CAP_A\"]},\n"
	"  \"rlimits\": [{\"type\": \"RLIMIT_CORE\", \"soft\": 5, \"hard\": 18446744073709551615},\n"
	"    {\"type\": \"RLIMIT_CPU\", \"soft\": 0, \"hard\": 6}],\n"
	"  \"noNewPrivileges\": true, \"apparmorProfile\": \"aa\", \"selinuxLabel\": \"se\",\n"
	"  \"oomScoreAdj\": -1000,\n"
	"  \"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"nice\": -5, \"priority\": 7, \"flags\": [\"F\"],\n"
	"    \"runtime\": 8, \"deadline\": 9, \"period\": 10},\n"
	"  \"ioPriority\": {\"class\": \"IOPRIO_CLASS_IDLE\", \"priority\": 4},\n"
	"  \"execCPUAffinity\": {\"initial\": \"0-1\", \"final\": \"2\"}},\n"
	"\"mounts\": [{\"destination\": \"/proc\"},\n"
	"  {\"destination\": \"/d\", \"type\": \"t\", \"source\": \"s\", \"options\": [\"ro\", \"bind\"],\n"
	"   \"uidMappings\": [{\"containerID\": 11, \"hostID\": 12, \"size\": 13}],\n"
	"   \"gidMappings\": [{\"containerID\": 14, \"hostID\": 15, \"size\": 4294967295}]}],\n"
	"\"hooks\": {\"prestart\": [{\"path\": \"/h1\"}], \"createRuntime\": [{\"path\": \"/h2\"}],\n"
	"  \"createContainer\": [{\"path\": \"/h3\"}], \"startContainer\": [{\"path\": \"/h4\"}],\n"
	"  \"poststart\": [{\"path\": \"/h5\", \"args\": [\"h5\", \"x\"], \"env\": [\"H=5\"], \"timeout\": 16}],\n"
	"  \"poststop\": [{\"path\": \"/h6\"}, {\"path\": \"/h7\"}]},\n"
	"\"annotations\": {\"org.bryo.one\": \"1\", \"two\": \"\"},\n"
	"\"linux\": {\n"
	"  \"uidMappings\": [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}],\n"
	"  \"gidMappings\": [{\"containerID\": 1, \"hostID\": 200000, \"size\": 2},\n"
	"    {\"containerID\": 3, \"hostID\": 4, \"size\": 5}],\n"
	"  \"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\", \"path\": \"/ns/net\"}],\n"
	"  \"timeOffsets\": {\"boottime\": {\"secs\": -17, \"nanosecs\": 18}, \"monotonic\": {\"secs\": 19}},\n"
	"  \"devices\": [{\"type\": \"c\", \"path\": \"/dev/x\", \"major\": 20, \"minor\": 21, \"fileMode\": 438,\n"
	"    \"uid\": 22, \"gid\": 23}, {\"type\": \"p\", \"path\": \"/dev/p\"}],\n"
	"  \"netDevices\": {\"eth0\": {\"name\": \"ct0\"}, \"eth1\": {}},\n"
	"  \"cgroupsPath\": \"a.slice:b:c\", \"rootfsPropagation\": \"rslave\", \"mountLabel\": \"ml\",\n"
	"  \"maskedPaths\": [\"/m1\", \"/m2\"], \"readonlyPaths\": [\"/r1\"],\n"
	"  \"sysctl\": {\"net.a\": \"1\", \"kernel/b\": \"2\"},\n"
	"  \"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38,\n"
	"    \"architectures\": [\"SCMP_ARCH_X86_64\"], \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"],\n"
	"    \"listenerPath\": \"/lp\", \"listenerMetadata\": \"lm\",\n"
	"    \"syscalls\": [{\"names\": [\"read\", \"write\"], \"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": 1,\n"
	"      \"args\": [{\"index\": 2, \"value\": 18446744073709551615, \"valueTwo\": 24,\n"
	"        \"op\": \"SCMP_CMP_MASKED_EQ\"}]}]},\n"
	"  \"intelRdt\": {\"closID\": \"ci\", \"l3CacheSchema\": \"l3\", \"memBwSchema\": \"mb\",\n"
	"    \"schemata\": [\"s1\"], \"enableMonitoring\": true, \"enableCMT\": true, \"enableMBM\": true},\n"
	"  \"personality\": {\"domain\": \"LINUX32\", \"flags\": [\"pf\"]},\n"
	"  \"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0-3\", \"flags\": [\"mf\"]},\n"
	"  \"resources\": {\n"
	"    \"devices\": [{\"allow\": false, \"access\": \"rwm\"},\n"
	"      {\"allow\": true, \"type\": \"b\", \"major\": 25, \"minor\": -1, \"access\": \"r\"}],\n"
	"    \"memory\": {\"limit\": 26, \"reservation\": 27, \"swap\": -1, \"kernel\": 28, \"kernelTCP\": 29,\n"
	"      \"swappiness\": 30, \"disableOOMKiller\": true, \"useHierarchy\": true,\n"
	"      \"checkBeforeUpdate\": false},\n"
	"    \"cpu\": {\"shares\": 31, \"quota\": -1, \"burst\": 32, \"period\": 33, \"realtimeRuntime\": 34,\n"
	"      \"realtimePeriod\": 35, \"cpus\": \"0-7\", \"mems\": \"0\", \"idle\": 1},\n"
	"    \"pids\": {\"limit\": 0},\n"
	"    \"blockIO\": {\"weight\": 36, \"leafWeight\": 37,\n"
	"      \"weightDevice\": [{\"major\": 8, \"minor\": 1, \"weight\": 38, \"leafWeight\": 39}],\n"
	"      \"throttleReadBpsDevice\": [{\"major\": 8, \"minor\": 2, \"rate\": 40}],\n"
	"      \"throttleWriteBpsDevice\": [{\"major\": 8, \"minor\": 3, \"rate\": 41}],\n"
	"      \"throttleReadIOPSDevice\": [{\"major\": 8, \"minor\": 4, \"rate\": 42}],\n"
	"      \"throttleWriteIOPSDevice\": [{\"major\": 8, \"minor\": 5, \"rate\": 43}]},\n"
	"    \"hugepageLimits\": [{\"pageSize\": \"2MB\", \"limit\": 44}],\n"
	"    \"network\": {\"classID\": 45, \"priorities\": [{\"name\": \"eth0\", \"priority\": 46}]},\n"
	"    \"rdma\": {\"mlx\": {\"hcaHandles\": 47, \"hcaObjects\": 48}, \"mly\": {}},\n"
	"    \"unified\": {\"memory.high\": \"49\"}}}}\n";

#define SAME(got, want)	    ok((got) == (want), "%s", #got)
#define SAME_STR(got, want) ok_str((got), (want), #got)
#define IS(got, want)	    ok((got).set && (got).v == (want), "%s", #got)
#define UNSET(got)	    ok(!(got).set, "%s: unset", #got)
#define ONE_STR(got, want)  ok((got).n == 1 && str_eq((got).v[0], (want)) && !(got).v[1], "%s", #got)

static void check_process(const struct spec_process *p)
{
	SAME(p->terminal, true);
	ok(p->console_size.present && p->console_size.height == 24 && p->console_size.width == 80,
	   "consoleSize");
	SAME(p->user.uid, 1);
	SAME(p->user.gid, 2);
	IS(p->user.umask, 18);
	ok(p->user.additional_gids.n == 2 && p->user.additional_gids.v[0] == 3 &&
		   p->user.additional_gids.v[1] == UINT32_MAX,
	   "additionalGids");
	ok(p->args.n == 3 && str_eq(p->args.v[2], "") && !p->args.v[3], "args");
	ok(p->env.n == 4 && str_eq(p->env.v[0], "A=b=c") && str_eq(p->env.v[1], "\xc3\xa9=\"") &&
		   str_eq(p->env.v[2], "no equals sign") && str_eq(p->env.v[3], ""),
	   "env, verbatim");
	SAME_STR(p->command_line, "cmd");
	SAME_STR(p->cwd, "/cwd");
	SAME(p->capabilities.present, true);
	ONE_STR(p->capabilities.bounding, "CAP_B");
	ok(p->capabilities.effective.n == 2 && str_eq(p->capabilities.effective.v[1], "CAP_E2"),
	   "effective");
	ONE_STR(p->capabilities.inheritable, "CAP_I");
	ONE_STR(p->capabilities.permitted, "CAP_P");
	ONE_STR(p->capabilities.ambient, "CAP_A");
	ok(p->rlimits.n == 2 && str_eq(p->rlimits.v[0].type, "RLIMIT_CORE") &&
		   p->rlimits.v[0].soft == 5 && p->rlimits.v[0].hard == UINT64_MAX &&
		   p->rlimits.v[1].hard == 6,
	   "rlimits");
	SAME(p->no_new_privileges, true);
	IS(p->no_new_privileges_set, true);
	SAME_STR(p->apparmor_profile, "aa");
	SAME_STR(p->selinux_label, "se");
	IS(p->oom_score_adj, -1000);
	SAME_STR(p->scheduler->policy, "SCHED_DEADLINE");
	IS(p->scheduler->nice, -5);
	IS(p->scheduler->priority, 7);
	ONE_STR(p->scheduler->flags, "F");
	IS(p->scheduler->runtime, 8);
	IS(p->scheduler->deadline, 9);
	IS(p->scheduler->period, 10);
	SAME_STR(p->io_priority->class, "IOPRIO_CLASS_IDLE");
	SAME(p->io_priority->priority, 4);
	SAME_STR(p->exec_cpu_affinity->initial, "0-1");
	SAME_STR(p->exec_cpu_affinity->final, "2");
}

static bool mapped(const struct spec_mappings *m, size_t i, uint32_t c, uint32_t h, uint32_t size)
{
	return i < m->n && m->v[i].container_id == c && m->v[i].host_id == h &&
	       m->v[i].size == size;
}

static bool hooked(const struct spec_hook_list *l, size_t n, const char *last)
{
	return l->n == n && str_eq(l->v[n - 1].path, last);
}

static void check_top(const struct spec *s)
{
	const struct spec_mount *m = s->mounts.v + 1;
	const struct spec_hook *h = s->hooks.poststart.v;

	SAME_STR(s->oci_version, "1.3.0");
	ok(s->root.present && s->root.readonly && str_eq(s->root.path, "rootfs"), "root");
	SAME_STR(s->hostname, "host");
	SAME_STR(s->domainname, "domain");
	SAME(s->has_process, true);
	ok(s->mounts.n == 2 && str_eq(s->mounts.v[0].destination, "/proc") && !s->mounts.v[0].type,
	   "mounts[0]");
	ok(str_eq(m->destination, "/d") && str_eq(m->type, "t") && str_eq(m->source, "s"),
	   "mounts[1]");
	ok(m->options.n == 2 && str_eq(m->options.v[1], "bind"), "mounts[1].options");
	ok(m->uid_mappings.n == 1 && mapped(&m->uid_mappings, 0, 11, 12, 13),
	   "mounts[1].uidMappings");
	ok(m->gid_mappings.n == 1 && mapped(&m->gid_mappings, 0, 14, 15, UINT32_MAX),
	   "mounts[1].gidMappings");
	ok(hooked(&s->hooks.prestart, 1, "/h1"), "prestart");
	ok(hooked(&s->hooks.create_runtime, 1, "/h2"), "createRuntime");
	ok(hooked(&s->hooks.create_container, 1, "/h3"), "createContainer");
	ok(hooked(&s->hooks.start_container, 1, "/h4"), "startContainer");
	ok(hooked(&s->hooks.poststart, 1, "/h5"), "poststart");
	ok(hooked(&s->hooks.poststop, 2, "/h7"), "poststop");
	ok(h->args.n == 2 && str_eq(h->args.v[1], "x"), "hook args");
	ONE_STR(h->env, "H=5");
	IS(h->timeout, 16);
	UNSET(s->hooks.prestart.v[0].timeout);
	ok(s->annotations.n == 2 && str_eq(s->annotations.v[1].name, "two"), "annotations");
	ok_str(spec_annotation(s, "org.bryo.one"), "1", "spec_annotation");
	ok_str(spec_annotation(s, "two"), "", "spec_annotation: empty is there");
	ok(!spec_annotation(s, "three"), "spec_annotation: absent");
}

static void check_seccomp(const struct spec_seccomp *s)
{
	const struct spec_seccomp_rule *rule = s->syscalls.v;

	SAME_STR(s->default_action, "SCMP_ACT_ERRNO");
	IS(s->default_errno_ret, 38);
	ONE_STR(s->architectures, "SCMP_ARCH_X86_64");
	ONE_STR(s->flags, "SECCOMP_FILTER_FLAG_LOG");
	SAME_STR(s->listener_path, "/lp");
	SAME_STR(s->listener_metadata, "lm");
	ok(s->syscalls.n == 1 && rule->names.n == 2 && str_eq(rule->names.v[1], "write"),
	   "syscalls");
	SAME_STR(rule->action, "SCMP_ACT_ALLOW");
	IS(rule->errno_ret, 1);
	ok(rule->args.n == 1 && rule->args.v->index == 2 && rule->args.v->value == UINT64_MAX &&
		   rule->args.v->value_two == 24 && str_eq(rule->args.v->op, "SCMP_CMP_MASKED_EQ"),
	   "args");
}

static void check_linux(const struct spec_linux *l)
{
	const struct spec_device *d = l->devices.v;

	SAME(l->present, true);
	ok(l->uid_mappings.n == 1 && mapped(&l->uid_mappings, 0, 0, 100000, 65536), "uidMappings");
	ok(l->gid_mappings.n == 2 && mapped(&l->gid_mappings, 0, 1, 200000, 2) &&
		   mapped(&l->gid_mappings, 1, 3, 4, 5),
	   "gidMappings");
	ok(l->namespaces.n == 2 && str_eq(l->namespaces.v[0].type, "pid") &&
		   !l->namespaces.v[0].path && str_eq(l->namespaces.v[1].path, "/ns/net"),
	   "namespaces");
	ok(l->time_offsets.boottime.present && l->time_offsets.monotonic.present, "timeOffsets");
	IS(l->time_offsets.boottime.secs, -17);
	IS(l->time_offsets.boottime.nanosecs, 18);
	IS(l->time_offsets.monotonic.secs, 19);
	UNSET(l->time_offsets.monotonic.nanosecs);
	ok(l->devices.n == 2 && str_eq(d->type, "c") && str_eq(d->path, "/dev/x"), "devices");
	IS(d->major, 20);
	IS(d->minor, 21);
	IS(d->file_mode, 438);
	IS(d->uid, 22);
	IS(d->gid, 23);
	UNSET(d[1].major);
	ok(l->net_devices.n == 2 && str_eq(l->net_devices.v[0].host_name, "eth0") &&
		   str_eq(l->net_devices.v[0].name, "ct0") &&
		   str_eq(l->net_devices.v[1].host_name, "eth1") && !l->net_devices.v[1].name,
	   "netDevices");
	SAME_STR(l->cgroups_path, "a.slice:b:c");
	SAME_STR(l->rootfs_propagation, "rslave");
	SAME_STR(l->mount_label, "ml");
	ok(l->masked_paths.n == 2 && str_eq(l->masked_paths.v[1], "/m2"), "maskedPaths");
	ONE_STR(l->readonly_paths, "/r1");
	ok(l->sysctl.n == 2 && str_eq(l->sysctl.v[0].name, "net.a") &&
		   str_eq(l->sysctl.v[1].value, "2"),
	   "sysctl");
	SAME_STR(l->intel_rdt->clos_id, "ci");
	SAME_STR(l->intel_rdt->l3_cache_schema, "l3");
	SAME_STR(l->intel_rdt->mem_bw_schema, "mb");
	ONE_STR(l->intel_rdt->schemata, "s1");
	ok(l->intel_rdt->enable_monitoring && l->intel_rdt->enable_cmt && l->intel_rdt->enable_mbm,
	   "intelRdt");
	SAME_STR(l->personality->domain, "LINUX32");
	ONE_STR(l->personality->flags, "pf");
	SAME_STR(l->memory_policy->mode, "MPOL_BIND");
	SAME_STR(l->memory_policy->nodes, "0-3");
	ONE_STR(l->memory_policy->flags, "mf");
}

static bool throttled(const struct spec_throttles *t, int64_t minor_no, uint64_t rate)
{
	return t->n == 1 && t->v->major == 8 && t->v->minor == minor_no && t->v->rate == rate;
}

static void check_memory_cpu(const struct spec_resources *r)
{
	IS(r->memory.limit, 26);
	IS(r->memory.reservation, 27);
	IS(r->memory.swap, -1);
	IS(r->memory.kernel, 28);
	IS(r->memory.kernel_tcp, 29);
	IS(r->memory.swappiness, 30);
	IS(r->memory.disable_oom_killer, true);
	IS(r->memory.use_hierarchy, true);
	IS(r->memory.check_before_update, false);
	IS(r->cpu.shares, 31);
	IS(r->cpu.quota, -1);
	IS(r->cpu.burst, 32);
	IS(r->cpu.period, 33);
	IS(r->cpu.realtime_runtime, 34);
	IS(r->cpu.realtime_period, 35);
	SAME_STR(r->cpu.cpus, "0-7");
	SAME_STR(r->cpu.mems, "0");
	IS(r->cpu.idle, 1);
}

static void check_resources(const struct spec_resources *r)
{
	const struct spec_device_rule *rule = r->devices.v;
	const struct spec_weight_device *w = r->block_io.weight_device.v;

	SAME(r->present, true);
	ok(r->devices.n == 2 && !rule->allow && !rule->type && !rule->major.set, "devices[0]");
	ok(rule[1].allow && str_eq(rule[1].type, "b") && str_eq(rule[1].access, "r"), "devices[1]");
	IS(rule[1].major, 25);
	IS(rule[1].minor, -1);
	IS(r->pids.limit, 0);
	IS(r->block_io.weight, 36);
	IS(r->block_io.leaf_weight, 37);
	ok(r->block_io.weight_device.n == 1 && w->major == 8 && w->minor == 1, "weightDevice");
	IS(w->weight, 38);
	IS(w->leaf_weight, 39);
	ok(throttled(&r->block_io.throttle_read_bps_device, 2, 40), "throttleReadBpsDevice");
	ok(throttled(&r->block_io.throttle_write_bps_device, 3, 41), "throttleWriteBpsDevice");
	ok(throttled(&r->block_io.throttle_read_iops_device, 4, 42), "throttleReadIOPSDevice");
	ok(throttled(&r->block_io.throttle_write_iops_device, 5, 43), "throttleWriteIOPSDevice");
	ok(r->hugepage_limits.n == 1 && str_eq(r->hugepage_limits.v->page_size, "2MB") &&
		   r->hugepage_limits.v->limit == 44,
	   "hugepageLimits");
	IS(r->network.class_id, 45);
	ok(r->network.priorities.n == 1 && str_eq(r->network.priorities.v->name, "eth0") &&
		   r->network.priorities.v->priority == 46,
	   "priorities");
	ok(r->rdma.n == 2 && str_eq(r->rdma.v->name, "mlx") && str_eq(r->rdma.v[1].name, "mly"),
	   "rdma");
	IS(r->rdma.v->hca_handles, 47);
	IS(r->rdma.v->hca_objects, 48);
	UNSET(r->rdma.v[1].hca_handles);
	ok(r->unified.n == 1 && str_eq(r->unified.v->name, "memory.high") &&
		   str_eq(r->unified.v->value, "49"),
	   "unified");
}

static void test_everything(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct spec *s;
	char buf[4096];

	if (!ok(spec_parse(&a, "config.json", everything, strlen(everything), &s, &err) == 0,
		"everything: parsed")) {
		printf("# %s\n", err_format(&err, buf, sizeof(buf)));
		return;
	}
	check_top(s);
	check_process(&s->process);
	check_linux(&s->linux_);
	check_seccomp(s->linux_.seccomp);
	check_memory_cpu(&s->linux_.resources);
	check_resources(&s->linux_.resources);
}

/* Is the name of every row in the big document? Guards against a row that no test decodes. */
static void test_tables_covered(void)
{
	for (const struct spec_table *t = spec_tables(); t->path; t++) {
		for (const struct json_field *f = t->table; f->name; f++) {
			auto_free char *quoted = mem_printf("\"%s\":", f->name);

			if (!strstr(everything, quoted))
				ok(false, "%s has '%s', which no test decodes", t->path, f->name);
		}
	}
	ok(true, "every row of every table is in the big document");
}

static void test_minimal(void)
{
	static const char text[] =
		"{\"ociVersion\": \"1.0.2-dev\", \"process\": {\"cwd\": \"/\", \"ARGS\": [\"x\"],"
		"\"Env\": 5, \"consoleSize\": null, \"capabilities\": null}, \"Root\": 1}";
	auto_arena struct arena a = ARENA_INIT;
	struct spec *s = NULL;

	if (!ok(spec_parse(&a, "config.json", text, strlen(text), &s, NULL) == 0,
		"minimal: no args, other cases"))
		return;
	ok(!s->root.present && !s->linux_.present && !s->linux_.resources.present && !s->hostname,
	   "minimal: absent");
	ok(!s->process.args.n && !s->process.env.n && !s->process.capabilities.present &&
		   !s->process.console_size.present,
	   "minimal: names are case sensitive, null is absent");
	ok(!s->process.no_new_privileges_set.set && !s->process.oom_score_adj.set &&
		   !s->process.scheduler && !s->linux_.seccomp,
	   "minimal: unset");
}

#define HEAD "{\"ociVersion\": \"1.0\",\n"
#define CJ   "config.json:"

static const struct {
	const char *text, *want;
} refused[] = {
	{ "", "config.json: is empty" },
	{ "[]", CJ "1:1: wants an object, found a list" },
	{ "{}", CJ "1:1: the field 'ociVersion' is missing" },
	{ "{\"ociVersion\": null}", CJ "1:1: the field 'ociVersion' is missing" },
	{ "{\"ociVersion\": 1.0}", CJ "1:16: ociVersion: wants a string, found a number" },
	{ "{\"ociVersion\": \"2.0.0\"}",
	  CJ "1:16: ociVersion: version '2.0.0' is not supported, wants 1.0 or a later 1.N" },
	{ "{\"ociVersion\": \"0.9.0\"}",
	  CJ "1:16: ociVersion: version '0.9.0' is not supported, wants 1.0 or a later 1.N" },
	{ "{\"ociVersion\": \"10.0\"}",
	  CJ "1:16: ociVersion: version '10.0' is not supported, wants 1.0 or a later 1.N" },
	{ "{\"ociVersion\": \"1.x\"}",
	  CJ "1:16: ociVersion: version '1.x' is not supported, wants 1.0 or a later 1.N" },
	{ HEAD "\"process\": {\"args\": []}}", CJ "2:12: process: the field 'cwd' is missing" },
	{ HEAD "\"process\": []}", CJ "2:12: process: wants an object, found a list" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"user\": {\n\t\"uid\": \"x\"}}}",
	  CJ "3:9: process.user.uid: wants an unsigned 32-bit number, found a string" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"user\": {\"additionalGids\": [1, -2]}}}",
	  CJ "2:56: process.user.additionalGids[1]: wants an unsigned 32-bit number, found -2" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"user\": {\"additionalGids\": 5}}}",
	  CJ "2:52: process.user.additionalGids: wants a list of numbers, found a number" },
	{ HEAD "\"process\": {\"cwd\": \"/\",\n \"capabilities\": [\"CAP_KILL\"]}}",
	  CJ "3:18: process.capabilities: a list of capabilities is from before runtime-spec 1.0, "
	     "wants an object with the sets 'bounding', 'effective' and so on" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"capabilities\": \"all\"}}",
	  CJ "2:41: process.capabilities: wants an object, found a string" },
	{ HEAD
	  "\"process\": {\"cwd\": \"/\", \"rlimits\": [{\"type\": \"T\", \"soft\": -1, \"hard\": 1}]}}",
	  CJ "2:59: process.rlimits[0].soft: wants an unsigned 64-bit number, found -1" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"env\": {\"SECRET\": \"s3cr3t\"}}}",
	  CJ "2:32: process.env: wants a list of strings, found an object" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"env\": [\"SECRET=s3cr3t\", [\"s3cr3t\"]]}}",
	  CJ "2:50: process.env[1]: wants a string, found a list" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"env\": [\"SECRET=s3cr3t\\u0000\"]}}",
	  CJ "2:33: process.env[0]: a string must not contain a NUL character" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"env\": [\"SECRET=s3cr3t\nx\"]}}",
	  CJ "2:47: process.env[0]: invalid character inside string" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"env\": [\"SECRET=s3cr3t\" \"x\"]}}",
	  CJ "2:49: process.env[1]: after array element, I expect ',' or ']'" },
	{ HEAD "\"process\": {\"cwd\": \"/\", \"cwd\": \"/\"}}",
	  CJ "2:32: process.cwd: this name appears twice in the object" },
	{ HEAD "\"root\": {}}", CJ "2:9: root: the field 'path' is missing" },
	{ HEAD "\"mounts\": [{\"destination\": \"/\"}, {}]}",
	  CJ "2:34: mounts[1]: the field 'destination' is missing" },
	{ HEAD "\"mounts\": {}}", CJ "2:11: mounts: wants a list of objects, found an object" },
	{ HEAD "\"mounts\": [{\"destination\": \"/\", \"options\": [\"a\", 1]}]}",
	  CJ "2:50: mounts[0].options[1]: wants a string, found a number" },
	{ HEAD "\"hooks\": {\"poststop\": [{\"args\": []}]}}",
	  CJ "2:24: hooks.poststop[0]: the field 'path' is missing" },
	{ HEAD "\"annotations\": {\"a.b\": 5}}",
	  CJ "2:24: annotations[\"a.b\"]: wants a string, found a number" },
	{ HEAD "\"linux\": {\"netDevices\": {\"eth0\": \"x\"}}}",
	  CJ "2:34: linux.netDevices.eth0: wants an object, found a string" },
	{ HEAD "\"linux\": {\"netDevices\": []}}",
	  CJ "2:25: linux.netDevices: wants an object, found a list" },
	{ HEAD "\"linux\": {\"namespaces\": [{\"path\": \"/x\"}]}}",
	  CJ "2:26: linux.namespaces[0]: the field 'type' is missing" },
	{ HEAD
	  "\"linux\": {\"uidMappings\": [{\"containerID\": 0, \"hostID\": 4294967296, \"size\": 1}]}}",
	  CJ
	  "2:56: linux.uidMappings[0].hostID: wants an unsigned 32-bit number, found 4294967296" },
	{ HEAD "\"linux\": {\"resources\": {\"memory\": {\"limit\": 1e9}}}}", CJ
	  "2:45: linux.resources.memory.limit: wants a whole number without fraction or exponent, found 1e9" },
	{ HEAD "\"linux\": {\"resources\": {\"memory\": {\"limit\": \"1g\"}}}}",
	  CJ "2:45: linux.resources.memory.limit: wants a signed 64-bit number, found a string" },
	{ HEAD "\"linux\": {\"resources\": {\"rdma\": {\"m\": {\"hcaHandles\": -1}}}}}",
	  CJ "2:54: linux.resources.rdma.m.hcaHandles: wants an unsigned 32-bit number, found -1" },
	{ HEAD "\"linux\": {\"resources\": {\"rdma\": 5}}}",
	  CJ "2:33: linux.resources.rdma: wants an object, found a number" },
	{ HEAD
	  "\"linux\": {\"seccomp\": {\"defaultAction\": \"A\", \"syscalls\": [{\"names\": [\"x\"], \"action\": \"A\","
	  "\"args\": [{\"index\": 0, \"op\": \"x\"}]}]}}}",
	  CJ "2:98: linux.seccomp.syscalls[0].args[0]: the field 'value' is missing" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_arena struct arena a = ARENA_INIT;
		const char *text = refused[i].text;
		struct err err = ERR_INIT;
		struct spec *s = NULL;
		char buf[4096];
		int rc = spec_parse(&a, "config.json", text, strlen(text), &s, &err);

		ok_str(rc == -EINVAL && !s ? err_format(&err, buf, sizeof(buf)) : "not refused",
		       refused[i].want, refused[i].want);
		if (strstr(buf, "s3cr3t"))
			ok(false, "an environment value is in the error: %s", buf);
	}
}

static void test_versions(void)
{
	static const char *const good[] = { "1.0",	 "1.0.0", "1.0.2-dev", "1.2.0+dev",
					    "1.0.0-rc5", "1.3.1", "1.99.0" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_free char *text = mem_printf("{\"ociVersion\": \"%s\"}", good[i]);
		struct spec *s;

		ok(spec_parse(&a, "c", text, strlen(text), &s, NULL) == 0 &&
			   str_eq(s->oci_version, good[i]),
		   "version %s", good[i]);
	}
}

static void test_process(void)
{
	static const char good[] =
		"{\"args\": [\"id\"], \"cwd\": \"/\", \"noNewPrivileges\": false}";
	static const char bad[] = "{\"args\": [\"id\"],\n \"cwd\": 5}";
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct spec_process *p;
	char buf[4096];

	ok(spec_parse_process(&a, "p.json", good, strlen(good), &p, &err) == 0 && p->args.n == 1 &&
		   p->no_new_privileges_set.set && !p->no_new_privileges,
	   "a process alone");
	ok(spec_parse_process(&a, "p.json", bad, strlen(bad), &p, &err) == -EINVAL,
	   "a bad process");
	ok_str(err_format(&err, buf, sizeof(buf)),
	       "p.json:2:9: cwd: wants a string, found a number", "its message");
}

static void write_file(const char *name, const char *text, size_t pad)
{
	auto_file FILE *f = fopen(name, "w");

	if (!f)
		exit(EXIT_FAILURE);
	(void)fputs(text, f);
	while (pad--)
		(void)fputc(' ', f);
}

static const char *load(const char *name, char buf[4096])
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct spec *s;
	const char *text = NULL;
	size_t len = 0;
	int rc = spec_load(&a, AT_FDCWD, name, &s, &text, &len, &err);

	if (rc < 0)
		return rc == -err.num ? err_format(&err, buf, 4096) : "wrong code";
	(void)snprintf(buf, 4096, "%s %zu %s", s->oci_version, len,
		       text && strlen(text) == len ? "whole" : "cut");
	return buf;
}

static void test_load(void)
{
	char dir[] = "/tmp/test_spec.XXXXXX", buf[4096];

	if (!mkdtemp(dir) || chdir(dir) < 0)
		exit(EXIT_FAILURE);
	ok_str(load("config.json", buf),
	       "config.json: No such file or directory [`bryo spec` writes one here, or "
	       "name the directory with --bundle]",
	       "load: missing");
	write_file("config.json", "{\"ociVersion\": \"1.0\"}", 3);
	ok_str(load("config.json", buf), "1.0 24 whole", "load: the document as read");
	write_file("config.json", "{\"ociVersion\": \"1.0\"}", 4u << 20);
	ok_str(load("config.json", buf), "1.0 4194325 whole", "load: 4 MiB");
	write_file("config.json", "{\"ociVersion\": \"1.0\"}", 8u << 20);
	ok_str(load("config.json", buf), "config.json: bigger than 8 MiB", "load: more than 8 MiB");
	write_file("config.json", "", 0);
	ok_str(load("config.json", buf), "config.json: is empty", "load: empty");
	write_file("config.json", "{\n\"ociVersion\":", 0);
	ok_str(load("config.json", buf),
	       "config.json:2:14: ociVersion: the document ends too early", "load: cut");
	if (chmod("config.json", 0) == 0 && geteuid() != 0)
		ok_str(load("config.json", buf), "config.json: Permission denied",
		       "load: unreadable");
	else
		tap_skip("load: unreadable", "root reads everything");
	(void)unlink("config.json");
	(void)mkdir("config.json", 0700);
	ok(strstr(load("config.json", buf), "irectory") != NULL, "load: a directory: %s", buf);
	(void)rmdir("config.json");
	if (chdir("/") == 0)
		(void)rmdir(dir);
}

/* What a sample says, short enough to be compared at a glance. */
static void sample_summary(const struct spec *s, struct str *out)
{
	for (size_t i = 0; i < s->linux_.namespaces.n; i++)
		str_addf(out, "%s ", s->linux_.namespaces.v[i].type);
	str_addf(out, "| maps %zu %zu | resources %d |", s->linux_.uid_mappings.n,
		 s->linux_.gid_mappings.n, s->linux_.resources.present);
	for (size_t i = 0; i < s->mounts.n; i++) {
		const struct spec_mount *m = &s->mounts.v[i];

		if (!str_eq(m->destination, "/sys") && !str_eq(m->destination, "/dev/pts"))
			continue;
		str_addf(out, " %s %s", m->type, m->source);
		for (size_t k = 0; k < m->options.n; k++)
			str_addf(out, ",%s", m->options.v[k]);
	}
}

static const struct {
	struct spec_sample_options o;
	const char *want;
} samples[] = {
	{ { .kind = SAMPLE_ROOT },
	  "pid network ipc uts mount | maps 0 0 | resources 1 | devpts devpts,nosuid,noexec,newinstance,"
	  "ptmxmode=0666,mode=0620,gid=5 sysfs sysfs,nosuid,noexec,nodev,ro" },
	{ { .kind = SAMPLE_ROOT, .cgroupns = true },
	  "pid network ipc uts mount cgroup | maps 0 0 | resources 1 | devpts devpts,nosuid,noexec,newinstance,"
	  "ptmxmode=0666,mode=0620,gid=5 sysfs sysfs,nosuid,noexec,nodev,ro" },
	{ { .kind = SAMPLE_ROOTLESS, .euid = 1000, .egid = 1001, .cgroupns = true },
	  "pid ipc uts mount cgroup user | maps 1 1 | resources 0 | devpts devpts,nosuid,noexec,newinstance,"
	  "ptmxmode=0666,mode=0620 none /sys,rbind,nosuid,noexec,nodev,ro" },
	{ { .kind = SAMPLE_USER },
	  "pid network ipc uts mount user | maps 0 0 | resources 0 | devpts devpts,nosuid,noexec,newinstance,"
	  "ptmxmode=0666,mode=0620 sysfs sysfs,nosuid,noexec,nodev,ro" },
};

static void check_sample(const struct spec *s, const struct spec_sample_options *o)
{
	const struct spec_process *p = &s->process;

	ok(str_eq(s->oci_version, "1.3.0") && str_eq(s->hostname, "bryo") &&
		   str_eq(s->root.path, "rootfs") && !s->root.readonly,
	   "sample %d: top", o->kind);
	ok(p->args.n == 1 && str_eq(p->args.v[0], "sh") && p->env.n == 2 && str_eq(p->cwd, "/") &&
		   !p->terminal && p->no_new_privileges && p->user.uid == 0,
	   "sample %d: process", o->kind);
	ok(p->capabilities.bounding.n == 3 && p->capabilities.effective.n == 3 &&
		   p->capabilities.permitted.n == 3 && !p->capabilities.ambient.v &&
		   !p->capabilities.inheritable.v,
	   "sample %d: capabilities", o->kind);
	ok(p->rlimits.n == 1 && str_eq(p->rlimits.v->type, "RLIMIT_NOFILE") &&
		   p->rlimits.v->soft == 1024 && p->rlimits.v->hard == 1024,
	   "sample %d: rlimits", o->kind);
	ok(s->mounts.n == 7 && s->linux_.masked_paths.n == 10 && s->linux_.readonly_paths.n == 5,
	   "sample %d: lists", o->kind);
	if (o->kind == SAMPLE_ROOTLESS)
		ok(mapped(&s->linux_.uid_mappings, 0, 0, 1000, 1) &&
			   mapped(&s->linux_.gid_mappings, 0, 0, 1001, 1),
		   "sample %d: maps", o->kind);
}

static void test_samples(void)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_str struct str text = STR_INIT, summary = STR_INIT;
		struct spec *s;

		spec_sample(&samples[i].o, &text);
		ok(str_starts(
			   text.p,
			   "{\n\t\"ociVersion\": \"1.3.0\",\n\t\"process\": {\n\t\t\"terminal\": false,\n") &&
			   strcmp(text.p + text.len - 5, "\t}\n}\n") == 0,
		   "sample %zu: layout", i);
		if (!ok(spec_parse(&a, "sample", text.p, text.len, &s, NULL) == 0,
			"sample %zu: loads", i))
			continue;
		sample_summary(s, &summary);
		ok_str(summary.p, samples[i].want, "what it says");
		check_sample(s, &samples[i].o);
	}
}

static void test_sample_options(void)
{
	struct spec_sample_options o = { .kind = SAMPLE_USER,
					 .terminal = true,
					 .readonly = true,
					 .rootfs = "/r \"q\"",
					 .hostname = "h",
					 .args = { (const char *[]){ "a", "b\n", NULL }, 2 } };
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str text = STR_INIT;
	struct spec *s;

	spec_sample(&o, &text);
	if (!ok(spec_parse(&a, "sample", text.p, text.len, &s, NULL) == 0, "sample options: loads"))
		return;
	ok(s->process.terminal && s->root.readonly && str_eq(s->root.path, "/r \"q\"") &&
		   str_eq(s->hostname, "h") && s->process.args.n == 2 &&
		   str_eq(s->process.args.v[1], "b\n"),
	   "sample options: written");
}

int main(void)
{
	test_everything();
	test_tables_covered();
	test_minimal();
	test_refused();
	test_versions();
	test_process();
	test_load();
	test_samples();
	test_sample_options();
	return done();
}
