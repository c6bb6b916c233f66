/*
 * cmd_update.c - `bryo update`: limits of a container that is there, by options, which are turned
 * into a linux.resources object, or by such an object in a file (engines).
 */
#include "bytes.h"
#include "cmd.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

struct update_args {
	const char *resources;
	const char *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_share, *cpu_rt_period,
		*cpu_rt_runtime;
	const char *cpu_idle, *cpuset_cpus, *cpuset_mems, *kernel_memory, *kernel_memory_tcp;
	const char *memory, *memory_reservation, *memory_swap, *pids_limit, *l3, *mem_bw;
};

#define OFF(member) offsetof(struct update_args, member)

static const struct opt update_opts[] = {
	{ "resources", 'r', OPT_STRING, OFF(resources), "FILE",
	  "a linux.resources object; - for standard input" },
	{ "blkio-weight", 0, OPT_STRING, OFF(blkio_weight), "N",
	  "weight of block I/O, 10 to 1000" },
	{ "cpu-period", 0, OPT_STRING, OFF(cpu_period), "US", "period of the CPU quota" },
	{ "cpu-quota", 0, OPT_STRING, OFF(cpu_quota), "US", "CPU time in a period; -1: no limit" },
	{ "cpu-burst", 0, OPT_STRING, OFF(cpu_burst), "US", "unused CPU time that is kept" },
	{ "cpu-share", 0, OPT_STRING, OFF(cpu_share), "N", "relative weight, 2 to 262144" },
	{ "cpu-shares", 0, OPT_STRING, OFF(cpu_share), "N", NULL },
	{ "cpu-rt-period", 0, OPT_STRING, OFF(cpu_rt_period), "US", "of cgroup v1, refused" },
	{ "cpu-rt-runtime", 0, OPT_STRING, OFF(cpu_rt_runtime), "US", "of cgroup v1, refused" },
	{ "cpu-idle", 0, OPT_STRING, OFF(cpu_idle), "0|1", "only what others leave" },
	{ "cpuset-cpus", 0, OPT_STRING, OFF(cpuset_cpus), "LIST", "CPUs, such as 0-3,8" },
	{ "cpuset-mems", 0, OPT_STRING, OFF(cpuset_mems), "LIST", "memory nodes" },
	{ "kernel-memory", 0, OPT_STRING, OFF(kernel_memory), "BYTES", "of cgroup v1, ignored" },
	{ "kernel-memory-tcp", 0, OPT_STRING, OFF(kernel_memory_tcp), "BYTES",
	  "of cgroup v1, ignored" },
	{ "memory", 0, OPT_STRING, OFF(memory), "BYTES", "memory limit; units k, m, g; -1: none" },
	{ "memory-reservation", 0, OPT_STRING, OFF(memory_reservation), "BYTES",
	  "memory that is kept for it" },
	{ "memory-swap", 0, OPT_STRING, OFF(memory_swap), "BYTES",
	  "memory and swap; -1: no limit of swap" },
	{ "pids-limit", 0, OPT_STRING, OFF(pids_limit), "N", "processes; -1: no limit" },
	{ "l3-cache-schema", 0, OPT_STRING, OFF(l3), "SCHEMA", "of intelRdt" },
	{ "mem-bw-schema", 0, OPT_STRING, OFF(mem_bw), "SCHEMA", "of intelRdt" },
	{ 0 },
};

static bool parse_number(const char *text, long long *ret)
{
	bool negative = *text == '-';
	unsigned long long n;

	if (!str_to_u64(text + negative, LLONG_MAX, &n))
		return false;
	*ret = negative ? -(long long)n : (long long)n;
	return true;
}

enum kind { NUMBER, BYTES, TEXT };

struct field {
	const char *option, *object, *key;
	enum kind kind;
	size_t off;
};

/* In the order of the document; "" as object: the option's own. */
static const struct field fields[] = {
	{ "memory", "memory", "limit", BYTES, OFF(memory) },
	{ "memory-reservation", "memory", "reservation", BYTES, OFF(memory_reservation) },
	{ "memory-swap", "memory", "swap", BYTES, OFF(memory_swap) },
	{ "cpu-share", "cpu", "shares", NUMBER, OFF(cpu_share) },
	{ "cpu-quota", "cpu", "quota", NUMBER, OFF(cpu_quota) },
	{ "cpu-period", "cpu", "period", NUMBER, OFF(cpu_period) },
	{ "cpu-burst", "cpu", "burst", NUMBER, OFF(cpu_burst) },
	{ "cpu-idle", "cpu", "idle", NUMBER, OFF(cpu_idle) },
	{ "cpu-rt-period", "cpu", "realtimePeriod", NUMBER, OFF(cpu_rt_period) },
	{ "cpu-rt-runtime", "cpu", "realtimeRuntime", NUMBER, OFF(cpu_rt_runtime) },
	{ "cpuset-cpus", "cpu", "cpus", TEXT, OFF(cpuset_cpus) },
	{ "cpuset-mems", "cpu", "mems", TEXT, OFF(cpuset_mems) },
	{ "pids-limit", "pids", "limit", NUMBER, OFF(pids_limit) },
	{ "blkio-weight", "blockIO", "weight", NUMBER, OFF(blkio_weight) },
};

static const char *value_of(const struct update_args *args, const struct field *f)
{
	return *(const char *const *)((const char *)args + f->off);
}

static int add_field(const struct cli *cli, const struct field *f, const char *value,
		     struct json_out *o, union cli_err *err)
{
	long long n;

	if (f->kind == TEXT)
		json_out_str(o, f->key, value);
	else if (f->kind == BYTES ? bytes_parse(value, &n) : parse_number(value, &n))
		json_out_i64(o, f->key, n);
	else
		return cli_usage(cli, err, "--%s '%s': %s", f->option, value,
				 f->kind == BYTES ? "wants bytes, such as 268435456 or 256m, or -1"
						  : "wants a number");
	return 0;
}

static int from_options(const struct cli *cli, const struct update_args *args, char **ret,
			union cli_err *err)
{
	auto_json_out struct json_out o;
	const char *open = NULL;
	int rc = 0;

	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fields) && rc == 0; i++) {
		const char *value = value_of(args, &fields[i]);

		if (!value)
			continue;
		if (open && !str_eq(open, fields[i].object))
			json_out_end(&o, '}');
		if (!str_eq(open, fields[i].object))
			json_out_object(&o, fields[i].object);
		open = fields[i].object;
		rc = add_field(cli, &fields[i], value, &o, err);
	}
	if (open)
		json_out_end(&o, '}');
	json_out_end(&o, '}');
	if (rc == 0 && open)
		*ret = take_ptr(&o.s.p);
	return rc;
}

/* runc's rule: with --resources the other limits do not count; here that is an error, not a silence. */
static int get_text(const struct cli *cli, const struct update_args *args, char **ret,
		    union cli_err *err)
{
	size_t len;

	if (!args->resources)
		return from_options(cli, args, ret, err);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (value_of(args, &fields[i]))
			return cli_usage(cli, err, "--resources and --%s exclude each other",
					 fields[i].option);
	if (str_eq(args->resources, "-"))
		return fd_read_all(STDIN_FILENO, JSON_MAX, ret, &len, &err->own);
	return file_read_at(AT_FDCWD, args->resources, JSON_MAX, ret, &len, &err->own);
}

static int update_run(const struct cli *cli, union cli_err *err)
{
	const struct update_args *args = cli->args;
	struct bryo_update_options o = { .size = sizeof(o),
					 .l3_cache_schema = args->l3,
					 .mem_bw_schema = args->mem_bw };
	auto_ctx bryo_ctx *ctx = NULL;
	auto_free char *text = NULL;
	int rc = get_text(cli, args, &text, err);

	if (rc < 0)
		return rc;
	if (args->kernel_memory || args->kernel_memory_tcp)
		log_line(LOG_LEVEL_WARNING, "%s",
			 "--kernel-memory: cgroup v2 has no such limit, it is ignored");
	else if (!text && !args->l3 && !args->mem_bw)
		return cli_usage(cli, err, "nothing to change is given");
	rc = cli_open(cli, false, &ctx, err);
	o.resources = text;
	o.name = args->resources && !str_eq(args->resources, "-") ? args->resources : NULL;
	return rc < 0 ? rc : bryo_update(ctx, cli->words[0], &o, &err->lib);
}

const struct command cmd_update = {
	.name = "update",
	.summary = "change limits of a container",
	.synopsis = "[OPTIONS] ID",
	.about =
		"What is not given stays as it is. Numbers mean what they mean in linux.resources of\n"
		"config.json; bytes may have a unit (k, m, g, t: powers of 1024).",
	.opts = update_opts,
	.args_size = sizeof(struct update_args),
	.min_words = 1,
	.max_words = 1,
	.run = update_run,
};
