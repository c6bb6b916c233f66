/*
 * spec_linux.c - tables of config.json's linux object without its resources (runtime-spec
 * config-linux.md). Names of namespaces, actions, operators and so on stay strings: the
 * feature that plans them knows which exist.
 */
#include "spec_tables.h"

#include <string.h>

/* An object with one member per device of the host. */
static int spec_net_devices_decode(struct arena *a, const struct json *v, void *field,
				   struct err *err)
{
	struct spec_net_device *devices;
	struct list list = { NULL, 0 };

	if (v->type != JSON_OBJECT)
		return json_err_wants(v, "an object", err);
	devices = arena_alloc(a, v->n * sizeof(*devices));
	for (const struct json *item = v->child; item; item = item->next) {
		int rc = json_decode(a, item, spec_net_device_table, &devices[list.n], err);

		if (rc < 0)
			return rc;
		devices[list.n++].host_name = item->key;
	}
	list.v = devices;
	memcpy(field, &list, sizeof(list));
	return 0;
}

const struct json_field spec_namespace_table[] = {
	SPEC_ROW(spec_namespace, type, "type", STRING, .required = true),
	SPEC_ROW(spec_namespace, path, "path", STRING),
	SPEC_END,
};

const struct json_field spec_time_offset_table[] = {
	SPEC_ROW(spec_time_offset, secs, "secs", OPT_I64),
	SPEC_ROW(spec_time_offset, nanosecs, "nanosecs", OPT_U32),
	SPEC_END,
};

const struct json_field spec_time_offsets_table[] = {
	SPEC_ROW(spec_linux, time_offsets.boottime, "boottime", STRUCT,
		 .table = spec_time_offset_table,
		 .present = offsetof(struct spec_linux, time_offsets.boottime.present)),
	SPEC_ROW(spec_linux, time_offsets.monotonic, "monotonic", STRUCT,
		 .table = spec_time_offset_table,
		 .present = offsetof(struct spec_linux, time_offsets.monotonic.present)),
	SPEC_END,
};

const struct json_field spec_device_table[] = {
	SPEC_ROW(spec_device, type, "type", STRING, .required = true),
	SPEC_ROW(spec_device, path, "path", STRING, .required = true),
	SPEC_ROW(spec_device, major, "major", OPT_I64),
	SPEC_ROW(spec_device, minor, "minor", OPT_I64),
	SPEC_ROW(spec_device, file_mode, "fileMode", OPT_U32),
	SPEC_ROW(spec_device, uid, "uid", OPT_U32),
	SPEC_ROW(spec_device, gid, "gid", OPT_U32),
	SPEC_END,
};

const struct json_field spec_net_device_table[] = {
	SPEC_ROW(spec_net_device, name, "name", STRING),
	SPEC_END,
};

const struct json_field spec_seccomp_arg_table[] = {
	SPEC_ROW(spec_seccomp_arg, index, "index", U32, .required = true),
	SPEC_ROW(spec_seccomp_arg, value, "value", U64, .required = true),
	SPEC_ROW(spec_seccomp_arg, value_two, "valueTwo", U64),
	SPEC_ROW(spec_seccomp_arg, op, "op", STRING, .required = true),
	SPEC_END,
};

const struct json_field spec_seccomp_rule_table[] = {
	SPEC_ROW(spec_seccomp_rule, names, "names", STRV, .required = true),
	SPEC_ROW(spec_seccomp_rule, action, "action", STRING, .required = true),
	SPEC_ROW(spec_seccomp_rule, errno_ret, "errnoRet", OPT_U32),
	SPEC_LIST(spec_seccomp_rule, args, "args", spec_seccomp_arg_table),
	SPEC_END,
};

const struct json_field spec_seccomp_table[] = {
	SPEC_ROW(spec_seccomp, default_action, "defaultAction", STRING, .required = true),
	SPEC_ROW(spec_seccomp, default_errno_ret, "defaultErrnoRet", OPT_U32),
	SPEC_ROW(spec_seccomp, architectures, "architectures", STRV),
	SPEC_ROW(spec_seccomp, flags, "flags", STRV),
	SPEC_ROW(spec_seccomp, listener_path, "listenerPath", STRING),
	SPEC_ROW(spec_seccomp, listener_metadata, "listenerMetadata", STRING),
	SPEC_LIST(spec_seccomp, syscalls, "syscalls", spec_seccomp_rule_table),
	SPEC_END,
};

const struct json_field spec_intel_rdt_table[] = {
	SPEC_ROW(spec_intel_rdt, clos_id, "closID", STRING),
	SPEC_ROW(spec_intel_rdt, l3_cache_schema, "l3CacheSchema", STRING),
	SPEC_ROW(spec_intel_rdt, mem_bw_schema, "memBwSchema", STRING),
	SPEC_ROW(spec_intel_rdt, schemata, "schemata", STRV),
	SPEC_ROW(spec_intel_rdt, enable_monitoring, "enableMonitoring", BOOL),
	SPEC_ROW(spec_intel_rdt, enable_cmt, "enableCMT", BOOL),
	SPEC_ROW(spec_intel_rdt, enable_mbm, "enableMBM", BOOL),
	SPEC_END,
};

const struct json_field spec_personality_table[] = {
	SPEC_ROW(spec_personality, domain, "domain", STRING, .required = true),
	SPEC_ROW(spec_personality, flags, "flags", STRV),
	SPEC_END,
};

const struct json_field spec_memory_policy_table[] = {
	SPEC_ROW(spec_memory_policy, mode, "mode", STRING, .required = true),
	SPEC_ROW(spec_memory_policy, nodes, "nodes", STRING),
	SPEC_ROW(spec_memory_policy, flags, "flags", STRV),
	SPEC_END,
};

const struct json_field spec_linux_table[] = {
	SPEC_LIST(spec_linux, uid_mappings, "uidMappings", spec_mapping_table),
	SPEC_LIST(spec_linux, gid_mappings, "gidMappings", spec_mapping_table),
	SPEC_LIST(spec_linux, namespaces, "namespaces", spec_namespace_table),
	SPEC_INLINE("timeOffsets", spec_time_offsets_table),
	SPEC_LIST(spec_linux, devices, "devices", spec_device_table),
	SPEC_ROW(spec_linux, net_devices, "netDevices", CALL, .call = spec_net_devices_decode),
	SPEC_ROW(spec_linux, cgroups_path, "cgroupsPath", STRING),
	SPEC_ROW(spec_linux, resources, "resources", STRUCT, .table = spec_resources_table,
		 .present = offsetof(struct spec_linux, resources.present)),
	SPEC_ROW(spec_linux, rootfs_propagation, "rootfsPropagation", STRING),
	SPEC_ROW(spec_linux, mount_label, "mountLabel", STRING),
	SPEC_ROW(spec_linux, masked_paths, "maskedPaths", STRV),
	SPEC_ROW(spec_linux, readonly_paths, "readonlyPaths", STRV),
	SPEC_PTR(spec_linux, seccomp, "seccomp", spec_seccomp_table),
	SPEC_ROW(spec_linux, sysctl, "sysctl", MAP),
	SPEC_PTR(spec_linux, intel_rdt, "intelRdt", spec_intel_rdt_table),
	SPEC_PTR(spec_linux, personality, "personality", spec_personality_table),
	SPEC_PTR(spec_linux, memory_policy, "memoryPolicy", spec_memory_policy_table),
	SPEC_END,
};
