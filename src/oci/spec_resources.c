/*
 * spec_resources.c - tables of config.json's linux.resources (runtime-spec config-linux.md,
 * "Control groups"). Fields that only cgroup v1 had are read too: the plan has to say why it
 * does not apply them. weight is a 16-bit number in the specification; its range is checked
 * with its meaning, in the plan.
 */
#include "spec_tables.h"

#include <string.h>

/* An object with one member per RDMA device. */
static int spec_rdma_decode(struct arena *a, const struct json *v, void *field, struct err *err)
{
	struct spec_rdma *devices;
	struct list list = { NULL, 0 };

	if (v->type != JSON_OBJECT)
		return json_err_wants(v, "an object", err);
	devices = arena_alloc(a, v->n * sizeof(*devices));
	for (const struct json *item = v->child; item; item = item->next) {
		int rc = json_decode(a, item, spec_rdma_table, &devices[list.n], err);

		if (rc < 0)
			return rc;
		devices[list.n++].name = item->key;
	}
	list.v = devices;
	memcpy(field, &list, sizeof(list));
	return 0;
}

const struct json_field spec_device_rule_table[] = {
	SPEC_ROW(spec_device_rule, allow, "allow", BOOL, .required = true),
	SPEC_ROW(spec_device_rule, type, "type", STRING),
	SPEC_ROW(spec_device_rule, access, "access", STRING),
	SPEC_ROW(spec_device_rule, major, "major", OPT_I64),
	SPEC_ROW(spec_device_rule, minor, "minor", OPT_I64),
	SPEC_END,
};

const struct json_field spec_memory_table[] = {
	SPEC_ROW(spec_resources, memory.limit, "limit", OPT_I64),
	SPEC_ROW(spec_resources, memory.reservation, "reservation", OPT_I64),
	SPEC_ROW(spec_resources, memory.swap, "swap", OPT_I64),
	SPEC_ROW(spec_resources, memory.kernel, "kernel", OPT_I64),
	SPEC_ROW(spec_resources, memory.kernel_tcp, "kernelTCP", OPT_I64),
	SPEC_ROW(spec_resources, memory.swappiness, "swappiness", OPT_U64),
	SPEC_ROW(spec_resources, memory.disable_oom_killer, "disableOOMKiller", OPT_BOOL),
	SPEC_ROW(spec_resources, memory.use_hierarchy, "useHierarchy", OPT_BOOL),
	SPEC_ROW(spec_resources, memory.check_before_update, "checkBeforeUpdate", OPT_BOOL),
	SPEC_END,
};

const struct json_field spec_cpu_table[] = {
	SPEC_ROW(spec_resources, cpu.shares, "shares", OPT_U64),
	SPEC_ROW(spec_resources, cpu.quota, "quota", OPT_I64),
	SPEC_ROW(spec_resources, cpu.burst, "burst", OPT_U64),
	SPEC_ROW(spec_resources, cpu.period, "period", OPT_U64),
	SPEC_ROW(spec_resources, cpu.realtime_runtime, "realtimeRuntime", OPT_I64),
	SPEC_ROW(spec_resources, cpu.realtime_period, "realtimePeriod", OPT_U64),
	SPEC_ROW(spec_resources, cpu.cpus, "cpus", STRING),
	SPEC_ROW(spec_resources, cpu.mems, "mems", STRING),
	SPEC_ROW(spec_resources, cpu.idle, "idle", OPT_I64),
	SPEC_END,
};

const struct json_field spec_pids_table[] = {
	SPEC_ROW(spec_resources, pids.limit, "limit", OPT_I64),
	SPEC_END,
};

const struct json_field spec_weight_device_table[] = {
	SPEC_ROW(spec_weight_device, major, "major", I64, .required = true),
	SPEC_ROW(spec_weight_device, minor, "minor", I64, .required = true),
	SPEC_ROW(spec_weight_device, weight, "weight", OPT_U32),
	SPEC_ROW(spec_weight_device, leaf_weight, "leafWeight", OPT_U32),
	SPEC_END,
};

const struct json_field spec_throttle_device_table[] = {
	SPEC_ROW(spec_throttle_device, major, "major", I64, .required = true),
	SPEC_ROW(spec_throttle_device, minor, "minor", I64, .required = true),
	SPEC_ROW(spec_throttle_device, rate, "rate", U64, .required = true),
	SPEC_END,
};

const struct json_field spec_block_io_table[] = {
	SPEC_ROW(spec_resources, block_io.weight, "weight", OPT_U32),
	SPEC_ROW(spec_resources, block_io.leaf_weight, "leafWeight", OPT_U32),
	SPEC_LIST(spec_resources, block_io.weight_device, "weightDevice", spec_weight_device_table),
	SPEC_LIST(spec_resources, block_io.throttle_read_bps_device, "throttleReadBpsDevice",
		  spec_throttle_device_table),
	SPEC_LIST(spec_resources, block_io.throttle_write_bps_device, "throttleWriteBpsDevice",
		  spec_throttle_device_table),
	SPEC_LIST(spec_resources, block_io.throttle_read_iops_device, "throttleReadIOPSDevice",
		  spec_throttle_device_table),
	SPEC_LIST(spec_resources, block_io.throttle_write_iops_device, "throttleWriteIOPSDevice",
		  spec_throttle_device_table),
	SPEC_END,
};

const struct json_field spec_hugepage_table[] = {
	SPEC_ROW(spec_hugepage, page_size, "pageSize", STRING, .required = true),
	SPEC_ROW(spec_hugepage, limit, "limit", U64, .required = true),
	SPEC_END,
};

const struct json_field spec_net_priority_table[] = {
	SPEC_ROW(spec_net_priority, name, "name", STRING, .required = true),
	SPEC_ROW(spec_net_priority, priority, "priority", U32, .required = true),
	SPEC_END,
};

const struct json_field spec_network_table[] = {
	SPEC_ROW(spec_resources, network.class_id, "classID", OPT_U32),
	SPEC_LIST(spec_resources, network.priorities, "priorities", spec_net_priority_table),
	SPEC_END,
};

const struct json_field spec_rdma_table[] = {
	SPEC_ROW(spec_rdma, hca_handles, "hcaHandles", OPT_U32),
	SPEC_ROW(spec_rdma, hca_objects, "hcaObjects", OPT_U32),
	SPEC_END,
};

const struct json_field spec_resources_table[] = {
	SPEC_LIST(spec_resources, devices, "devices", spec_device_rule_table),
	SPEC_INLINE("memory", spec_memory_table),
	SPEC_INLINE("cpu", spec_cpu_table),
	SPEC_INLINE("pids", spec_pids_table),
	SPEC_INLINE("blockIO", spec_block_io_table),
	SPEC_LIST(spec_resources, hugepage_limits, "hugepageLimits", spec_hugepage_table),
	SPEC_INLINE("network", spec_network_table),
	SPEC_ROW(spec_resources, rdma, "rdma", CALL, .call = spec_rdma_decode),
	SPEC_ROW(spec_resources, unified, "unified", MAP),
	SPEC_END,
};
