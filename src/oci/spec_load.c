/*
 * spec_load.c - config.json to struct spec: the top-level table, the version check, and the
 * list of all tables. Runs in the runtime and the command line only; after the plan is built
 * nobody looks at the spec again, so nothing here is reachable from the container.
 *
 * Strings of the spec point into the parsed document, which lives in the same arena.
 */
#include "spec_load.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "spec_tables.h"

#include <errno.h>
#include <string.h>

#define TREE_PER_BYTE 7 /* two copies, the tree and the decoded spec, as engines write them */

/* 1.x in any spelling that engines wrote: "1.0", "1.0.2-dev", "1.2.0+dev", "1.0.0-rc5". */
static bool spec_version_known(const char *version)
{
	size_t digits;

	if (!str_starts(version, "1."))
		return false;
	version += 2;
	digits = strspn(version, "0123456789");
	return digits && (!version[digits] || strchr(".-+", version[digits]));
}

static int spec_version_decode(struct arena *a, const struct json *v, void *field, struct err *err)
{
	(void)a;
	if (v->type != JSON_STRING)
		return json_err_wants(v, "a string", err);
	if (!spec_version_known(v->text))
		return json_err(v, err,
				"version '%.32s' is not supported, wants 1.0 or a later 1.N",
				v->text);
	*(const char **)field = v->text;
	return 0;
}

static const struct json_field spec_root_table[] = {
	SPEC_ROW(spec, root.path, "path", STRING, .required = true),
	SPEC_ROW(spec, root.readonly, "readonly", BOOL),
	SPEC_END,
};

static const struct json_field spec_table[] = {
	SPEC_ROW(spec, oci_version, "ociVersion", CALL, .call = spec_version_decode,
		 .required = true),
	SPEC_INLINE("root", spec_root_table, .present = offsetof(struct spec, root.present)),
	SPEC_ROW(spec, hostname, "hostname", STRING),
	SPEC_ROW(spec, domainname, "domainname", STRING),
	SPEC_ROW(spec, process, "process", STRUCT, .table = spec_process_table,
		 .present = offsetof(struct spec, has_process)),
	SPEC_LIST(spec, mounts, "mounts", spec_mount_table),
	SPEC_ROW(spec, hooks, "hooks", STRUCT, .table = spec_hooks_table),
	SPEC_ROW(spec, annotations, "annotations", MAP),
	SPEC_ROW(spec, linux_, "linux", STRUCT, .table = spec_linux_table,
		 .present = offsetof(struct spec, linux_.present)),
	SPEC_END,
};

const char *spec_annotation(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->annotations.n; i++)
		if (strcmp(spec->annotations.v[i].name, name) == 0)
			return spec->annotations.v[i].value;
	return NULL;
}

void spec_annotation_set(struct arena *a, struct spec *spec, const char *name, const char *value)
{
	const struct pairs *old = &spec->annotations;
	struct pairs now = { arena_alloc(a, (old->n + 1) * sizeof(*now.v)), 0 };

	for (size_t i = 0; i < old->n; i++)
		if (strcmp(old->v[i].name, name) != 0)
			now.v[now.n++] = old->v[i];
	now.v[now.n++] = (struct pair){ name, value };
	spec->annotations = now;
}

const struct spec_table *spec_tables(void)
{
	static const struct spec_table tables[] = {
		{ "", spec_table },
		{ "root", spec_root_table },
		{ "process", spec_process_table },
		{ "process.consoleSize", spec_console_size_table },
		{ "process.user", spec_user_table },
		{ "process.capabilities", spec_caps_table },
		{ "process.rlimits[]", spec_rlimit_table },
		{ "process.scheduler", spec_scheduler_table },
		{ "process.ioPriority", spec_io_priority_table },
		{ "process.execCPUAffinity", spec_exec_affinity_table },
		{ "mounts[]", spec_mount_table },
		{ "mounts[].uidMappings[]", spec_mapping_table },
		{ "hooks", spec_hooks_table },
		{ "hooks.*[]", spec_hook_table },
		{ "linux", spec_linux_table },
		{ "linux.uidMappings[]", spec_mapping_table },
		{ "linux.namespaces[]", spec_namespace_table },
		{ "linux.timeOffsets", spec_time_offsets_table },
		{ "linux.timeOffsets.*", spec_time_offset_table },
		{ "linux.devices[]", spec_device_table },
		{ "linux.netDevices.*", spec_net_device_table },
		{ "linux.seccomp", spec_seccomp_table },
		{ "linux.seccomp.syscalls[]", spec_seccomp_rule_table },
		{ "linux.seccomp.syscalls[].args[]", spec_seccomp_arg_table },
		{ "linux.intelRdt", spec_intel_rdt_table },
		{ "linux.personality", spec_personality_table },
		{ "linux.memoryPolicy", spec_memory_policy_table },
		{ "linux.resources", spec_resources_table },
		{ "linux.resources.devices[]", spec_device_rule_table },
		{ "linux.resources.memory", spec_memory_table },
		{ "linux.resources.cpu", spec_cpu_table },
		{ "linux.resources.pids", spec_pids_table },
		{ "linux.resources.blockIO", spec_block_io_table },
		{ "linux.resources.blockIO.weightDevice[]", spec_weight_device_table },
		{ "linux.resources.blockIO.throttle*Device[]", spec_throttle_device_table },
		{ "linux.resources.hugepageLimits[]", spec_hugepage_table },
		{ "linux.resources.network", spec_network_table },
		{ "linux.resources.network.priorities[]", spec_net_priority_table },
		{ "linux.resources.rdma.*", spec_rdma_table },
		{ NULL, NULL },
	};

	return tables;
}

int spec_decode(struct arena *a, const struct json *doc, struct spec **ret, struct err *err)
{
	struct spec *spec = arena_alloc(a, sizeof(*spec));
	int rc = json_decode(a, doc, spec_table, spec, err);

	if (rc < 0)
		return rc;
	*ret = spec;
	return 0;
}

int spec_parse(struct arena *a, const char *name, const char *text, size_t len, struct spec **ret,
	       struct err *err)
{
	struct json *doc;
	int rc = json_parse(a, name, text, len, &doc, err);

	return rc < 0 ? rc : spec_decode(a, doc, ret, err);
}

int spec_parse_process(struct arena *a, const char *name, const char *text, size_t len,
		       struct spec_process **ret, struct err *err)
{
	struct json *doc;
	struct spec_process *process;
	int rc = json_parse(a, name, text, len, &doc, err);

	if (rc < 0)
		return rc;
	process = arena_alloc(a, sizeof(*process));
	rc = json_decode(a, doc, spec_process_table, process, err);
	if (rc < 0)
		return rc;
	*ret = process;
	return 0;
}

int spec_parse_resources(struct arena *a, const char *name, const char *text, size_t len, struct spec_resources **ret,
			 struct err *err)
{
	struct json *doc;
	int rc = json_parse(a, name, text, len, &doc, err);

	if (rc < 0)
		return rc;
	*ret = arena_alloc(a, sizeof(**ret));
	return json_decode(a, doc, spec_resources_table, *ret, err);
}

int spec_parse_mounts(struct arena *a, const char *name, const char *text, size_t len,
		      struct spec *ret, struct err *err)
{
	const struct json *one;
	struct json *doc;
	int rc = json_parse(a, name, text, len, &doc, err);

	if (rc < 0)
		return rc;
	if (doc->type != JSON_ARRAY)
		return json_err_wants(doc, "an array of mounts", err);
	ret->mounts.v = arena_alloc(a, (doc->n + 1) * sizeof(*ret->mounts.v));
	for (one = doc->child; one && rc == 0; one = one->next) {
		if (one->type != JSON_OBJECT)
			return json_err_wants(one, "an object", err);
		rc = json_decode(a, one, spec_mount_table, &ret->mounts.v[ret->mounts.n++], err);
	}
	return rc;
}

int spec_load(struct arena *a, int dirfd, const char *path, struct spec **ret,
	      const char **ret_text, size_t *ret_len, struct err *err)
{
	char *text, *mine;
	size_t len;
	int rc = file_read_at(dirfd, path, JSON_MAX, &text, &len, err);

	if (rc == -ENOENT) {
		errno = ENOENT;
		rc = err_sys(err, "%s", path);
		return err_hint(err, rc,
				"`bryo spec` writes one here, or name the directory with --bundle");
	}
	if (rc == -EFBIG)
		return err_set(err, EFBIG, "%s: bigger than %u MiB", path, JSON_MAX >> 20);
	if (rc < 0)
		return rc;
	arena_reserve(a, TREE_PER_BYTE * len);
	mine = arena_strndup(a, text, len);
	free(text); /* before the parser needs as much */
	*ret_text = mine;
	*ret_len = len;
	return spec_parse(a, path, mine, len, ret, err);
}
