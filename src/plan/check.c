/*
 * check.c - rules between features, and what is asked for and not done (plan.h). The rule of the
 * project: what the config asks for is done, adapted to mean the same, or refused by name.
 *
 * Resource limits: no cgroup is made, so a limit that was asked for is one warning that names
 * them all; org.bryo.limits=required makes it a refusal, best-effort is the default.
 * "Asked for" means a value that changes something: device rules, null, -1 and zeros that mean
 * "default" are not; pids.limit 0 is.
 */
#include "plan.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"

static bool wants_i64(struct opt_i64 v)
{
	return v.set && v.v != -1 && v.v != 0;
}

static void limits_asked(const struct spec_resources *r, struct str *names)
{
	const struct {
		const char *name;
		bool asked;
	} rows[] = {
		{ "memory.limit", wants_i64(r->memory.limit) },
		{ "memory.reservation", wants_i64(r->memory.reservation) },
		{ "memory.swap", wants_i64(r->memory.swap) },
		{ "memory.kernel", wants_i64(r->memory.kernel) },
		{ "memory.kernelTCP", wants_i64(r->memory.kernel_tcp) },
		{ "memory.swappiness", r->memory.swappiness.set },
		{ "memory.disableOOMKiller", r->memory.disable_oom_killer.v },
		{ "cpu.shares", r->cpu.shares.set && r->cpu.shares.v },
		{ "cpu.quota", wants_i64(r->cpu.quota) },
		{ "cpu.burst", r->cpu.burst.set && r->cpu.burst.v },
		{ "cpu.idle", wants_i64(r->cpu.idle) },
		{ "cpu.realtimeRuntime", wants_i64(r->cpu.realtime_runtime) },
		{ "cpu.realtimePeriod", r->cpu.realtime_period.set && r->cpu.realtime_period.v },
		{ "cpu.cpus", r->cpu.cpus && *r->cpu.cpus },
		{ "cpu.mems", r->cpu.mems && *r->cpu.mems },
		{ "pids.limit", r->pids.limit.set && r->pids.limit.v != -1 },
		{ "blockIO.weight", r->block_io.weight.set && r->block_io.weight.v },
		{ "blockIO.leafWeight", r->block_io.leaf_weight.set && r->block_io.leaf_weight.v },
		{ "blockIO.weightDevice", r->block_io.weight_device.n },
		{ "blockIO.throttle*", r->block_io.throttle_read_bps_device.n ||
					       r->block_io.throttle_write_bps_device.n ||
					       r->block_io.throttle_read_iops_device.n ||
					       r->block_io.throttle_write_iops_device.n },
		{ "hugepageLimits", r->hugepage_limits.n },
		{ "network", r->network.class_id.set || r->network.priorities.n },
		{ "rdma", r->rdma.n },
		{ "unified", r->unified.n },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].asked)
			str_addf(names, "%s%s", names->len ? ", " : "", rows[i].name);
}

static int check_limits(const struct spec *spec, struct notes *notes, struct err *err)
{
	const char *policy = spec_annotation(spec, "org.bryo.limits");
	auto_str struct str names = STR_INIT;

	if (policy && !str_eq(policy, "required") && !str_eq(policy, "best-effort"))
		return err_hint(err,
				err_set(err, EINVAL,
					"annotation org.bryo.limits: unknown value '%s'", policy),
				"required or best-effort");
	limits_asked(&spec->linux_.resources, &names);
	if (!names.len)
		return 0;
	if (str_eq(policy, "required")) {
		err_set(err, ENOTSUP, "linux.resources: %s cannot be enforced without a cgroup",
			names.p);
		return err_hint(
			err, -ENOTSUP,
			"this version of bryo makes no cgroups; "
			"the annotation org.bryo.limits=required forbids going on");
	}
	note_add(notes, NOTE_WARNING, "linux.resources", "this version of bryo makes no cgroups",
		 "not applied: %s", names.p);
	return 0;
}

/* Without them a masked or read-only path would be the host's, or the pid namespace's owner blind. */
static void check_sharing(const struct plan *plan, struct notes *notes)
{
	if (!(plan->ns.differ & CLONE_NEWPID))
		note_add(
			notes, NOTE_WARNING, "linux.namespaces",
			"the config has no pid namespace and there is no cgroup",
			"processes that the container leaves behind cannot all be found by kill and delete");
}

int plan_check(const struct spec *spec, const struct plan *plan, struct notes *notes,
	       struct err *err)
{
	struct err all = ERR_INIT, one = ERR_INIT;

	if (check_limits(spec, notes, &one) < 0)
		err_also(&all, &one);
	if (spec->linux_.cgroups_path && *spec->linux_.cgroups_path)
		note_add(notes, NOTE_ADAPTED, "linux.cgroupsPath",
			 "this version of bryo makes no cgroups", "'%s' is not used",
			 spec->linux_.cgroups_path);
	check_sharing(plan, notes);
	if (all.num)
		*err = all;
	return -all.num;
}
