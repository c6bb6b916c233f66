/* spec_mounts.c - tables of config.json's mounts and of ID mappings, which both mounts and
 * linux have (runtime-spec config.md, "Mounts"; config-linux.md, "User namespace mappings"). */
#include "spec_tables.h"

const struct json_field spec_mapping_table[] = {
	SPEC_ROW(spec_mapping, container_id, "containerID", U32, .required = true),
	SPEC_ROW(spec_mapping, host_id, "hostID", U32, .required = true),
	SPEC_ROW(spec_mapping, size, "size", U32, .required = true),
	SPEC_END,
};

const struct json_field spec_mount_table[] = {
	SPEC_ROW(spec_mount, destination, "destination", STRING, .required = true),
	SPEC_ROW(spec_mount, type, "type", STRING),
	SPEC_ROW(spec_mount, source, "source", STRING),
	SPEC_ROW(spec_mount, options, "options", STRV),
	SPEC_LIST(spec_mount, uid_mappings, "uidMappings", spec_mapping_table),
	SPEC_LIST(spec_mount, gid_mappings, "gidMappings", spec_mapping_table),
	SPEC_END,
};
