/*
 * spec_tables.h - the tables of this folder, one per object of the runtime-spec, for
 * spec_load.c and for each other; nobody outside oci/ includes it (spec_tables() lists them).
 */
#ifndef BRYO_SPEC_TABLES_H
#define BRYO_SPEC_TABLES_H

#include "spec.h"

#include <stddef.h>

/* One row: the struct, its member, the name in JSON, how it is read, then further settings. */
#define SPEC_ROW(type, member, key, kind_, ...)                                               \
	{                                                                                     \
		.name = (key), .kind = JSON_AS_##kind_, .off = offsetof(struct type, member), \
		##__VA_ARGS__                                                                 \
	}
/* An object whose table's offsets count from the struct that holds it (unnamed structs). */
#define SPEC_INLINE(key, table_, ...)                                                   \
	{                                                                               \
		.name = (key), .kind = JSON_AS_STRUCT, .table = (table_), ##__VA_ARGS__ \
	}
#define SPEC_LIST(type, member, key, table_)                 \
	SPEC_ROW(type, member, key, LIST, .table = (table_), \
		 .size = sizeof(*((struct type *)0)->member.v))
#define SPEC_PTR(type, member, key, table_)                        \
	SPEC_ROW(type, member, key, STRUCT_PTR, .table = (table_), \
		 .size = sizeof(*((struct type *)0)->member))
#define SPEC_END             \
	{                    \
		.name = NULL \
	}

extern const struct json_field spec_process_table[];   /* struct spec_process */
extern const struct json_field spec_mount_table[];     /* struct spec_mount */
extern const struct json_field spec_mapping_table[];   /* struct spec_mapping */
extern const struct json_field spec_hooks_table[];     /* struct spec_hooks */
extern const struct json_field spec_linux_table[];     /* struct spec_linux */
extern const struct json_field spec_resources_table[]; /* struct spec_resources */

/* The objects below them, for spec_tables() only. */
extern const struct json_field spec_console_size_table[], spec_user_table[], spec_caps_table[],
	spec_rlimit_table[], spec_scheduler_table[], spec_io_priority_table[],
	spec_exec_affinity_table[], spec_hook_table[], spec_namespace_table[],
	spec_time_offsets_table[], spec_time_offset_table[], spec_device_table[],
	spec_net_device_table[], spec_seccomp_table[], spec_seccomp_rule_table[],
	spec_seccomp_arg_table[], spec_intel_rdt_table[], spec_personality_table[],
	spec_memory_policy_table[], spec_device_rule_table[], spec_memory_table[], spec_cpu_table[],
	spec_pids_table[], spec_block_io_table[], spec_weight_device_table[],
	spec_throttle_device_table[], spec_hugepage_table[], spec_network_table[],
	spec_net_priority_table[], spec_rdma_table[];

#endif
