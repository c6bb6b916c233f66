/*
 * spec.h - config.json as it was asked for (runtime-spec 1.3, Linux), verbatim. Data only;
 * the shape and the names are the specification's, camelCase turned into snake_case. Owned by
 * the arena it was loaded into. Nothing here knows the host. After the plan is built nobody
 * looks at it again.
 *
 * Strings that the spec enumerates (namespace types, seccomp actions, ...) stay strings here:
 * the feature that plans them owns the table of names and the error for an unknown one.
 */
#ifndef BRYO_SPEC_H
#define BRYO_SPEC_H

#include "base/json.h"

struct spec_mapping { uint32_t container_id, host_id, size; };
struct spec_mappings { struct spec_mapping *v; size_t n; };

struct spec_user {
	uint32_t uid, gid;
	struct opt_u32 umask;
	struct { uint32_t *v; size_t n; } additional_gids;
};

struct spec_caps {
	bool present; /* the object exists; absent sets are then empty */
	struct strv bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit { const char *type; uint64_t soft, hard; };

struct spec_process {
	bool terminal;
	struct { bool present; uint32_t height, width; } console_size;
	struct spec_user user;
	struct strv args, env;
	const char *command_line; /* Windows; ignored */
	const char *cwd;
	struct spec_caps capabilities;
	struct { struct spec_rlimit *v; size_t n; } rlimits;
	bool no_new_privileges;
	struct opt_bool no_new_privileges_set; /* as written, for exec --no-new-privs=false */
	const char *apparmor_profile, *selinux_label;
	struct opt_i64 oom_score_adj;
	struct spec_scheduler {
		const char *policy;
		struct opt_i64 nice, priority;
		struct strv flags;
		struct opt_u64 runtime, deadline, period;
	} *scheduler;
	struct spec_io_priority { const char *class; int64_t priority; } *io_priority;
	struct spec_exec_affinity { const char *initial, *final; } *exec_cpu_affinity;
};

struct spec_mount {
	const char *destination, *type, *source;
	struct strv options;
	struct spec_mappings uid_mappings, gid_mappings;
};

struct spec_hook {
	const char *path;
	struct strv args, env;
	struct opt_i64 timeout; /* seconds */
};
struct spec_hook_list { struct spec_hook *v; size_t n; };
struct spec_hooks {
	struct spec_hook_list prestart, create_runtime, create_container, start_container, poststart, poststop;
};

struct spec_namespace { const char *type, *path; };
struct spec_time_offset { struct opt_i64 secs; struct opt_u32 nanosecs; bool present; };

struct spec_device {
	const char *type, *path;
	struct opt_i64 major, minor;
	struct opt_u32 file_mode, uid, gid;
};

struct spec_seccomp_arg { uint32_t index; uint64_t value, value_two; const char *op; };
struct spec_seccomp_rule {
	struct strv names;
	const char *action;
	struct opt_u32 errno_ret;
	struct { struct spec_seccomp_arg *v; size_t n; } args;
};
struct spec_seccomp {
	const char *default_action;
	struct opt_u32 default_errno_ret;
	struct strv architectures, flags;
	const char *listener_path, *listener_metadata;
	struct { struct spec_seccomp_rule *v; size_t n; } syscalls;
};

struct spec_device_rule { bool allow; const char *type, *access; struct opt_i64 major, minor; };
struct spec_weight_device { int64_t major, minor; struct opt_u32 weight, leaf_weight; };
struct spec_throttle_device { int64_t major, minor; uint64_t rate; };
struct spec_throttles { struct spec_throttle_device *v; size_t n; };
struct spec_rdma { const char *name; struct opt_u32 hca_handles, hca_objects; };

struct spec_resources {
	bool present;
	struct { struct spec_device_rule *v; size_t n; } devices;
	struct {
		struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
		struct opt_u64 swappiness;
		struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
	} memory;
	struct {
		struct opt_u64 shares, period, burst, realtime_period;
		struct opt_i64 quota, realtime_runtime, idle;
		const char *cpus, *mems;
	} cpu;
	struct { struct opt_i64 limit; } pids;
	struct {
		struct opt_u32 weight, leaf_weight;
		struct { struct spec_weight_device *v; size_t n; } weight_device;
		struct spec_throttles throttle_read_bps_device, throttle_write_bps_device,
			throttle_read_iops_device, throttle_write_iops_device;
	} block_io;
	struct { struct spec_hugepage { const char *page_size; uint64_t limit; } *v; size_t n; } hugepage_limits;
	struct {
		struct opt_u32 class_id;
		struct { struct spec_net_priority { const char *name; uint32_t priority; } *v; size_t n; } priorities;
	} network;
	struct { struct spec_rdma *v; size_t n; } rdma;
	struct pairs unified;
};

struct spec_net_device { const char *host_name, *name; };

struct spec_linux {
	bool present;
	struct spec_mappings uid_mappings, gid_mappings;
	struct { struct spec_namespace *v; size_t n; } namespaces;
	struct { struct spec_time_offset boottime, monotonic; } time_offsets;
	struct { struct spec_device *v; size_t n; } devices;
	struct { struct spec_net_device *v; size_t n; } net_devices;
	const char *cgroups_path;
	struct spec_resources resources;
	const char *rootfs_propagation, *mount_label;
	struct strv masked_paths, readonly_paths;
	struct spec_seccomp *seccomp; /* NULL: none */
	struct pairs sysctl;
	struct spec_intel_rdt {
		const char *clos_id, *l3_cache_schema, *mem_bw_schema;
		struct strv schemata;
		bool enable_monitoring, enable_cmt, enable_mbm;
	} *intel_rdt;
	struct spec_personality { const char *domain; struct strv flags; } *personality;
	struct spec_memory_policy { const char *mode, *nodes; struct strv flags; } *memory_policy;
};

struct spec {
	const char *oci_version;
	struct { bool present; const char *path; bool readonly; } root;
	const char *hostname, *domainname;
	bool has_process;
	struct spec_process process;
	struct { struct spec_mount *v; size_t n; } mounts;
	struct spec_hooks hooks;
	struct pairs annotations;
	struct spec_linux linux_;
};

/* Annotation by name, or NULL. [pure] */
const char *spec_annotation(const struct spec *spec, const char *name);
/* What an option on the command line says instead of the config; the strings are kept, not copied. */
void spec_annotation_set(struct arena *a, struct spec *spec, const char *name, const char *value);

#endif
