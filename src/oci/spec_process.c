/*
 * spec_process.c - tables of config.json's process object (runtime-spec config.md, "Process"
 * and "POSIX process"). args may be missing: the plan, not the reader, knows whether a
 * program is needed. user.username is Windows' and not read.
 */
#include "spec_tables.h"

#include <string.h>

/* Numbers in a list have no kind of their own: this is the only such list. */
static int spec_gids_decode(struct arena *a, const struct json *v, void *field, struct err *err)
{
	uint32_t *gids;
	size_t n = 0;
	struct list list;

	if (v->type != JSON_ARRAY)
		return json_err_wants(v, "a list of numbers", err);
	gids = arena_alloc(a, v->n * sizeof(*gids));
	for (const struct json *item = v->child; item; item = item->next) {
		uint64_t gid;
		int rc = json_to_u64(item, UINT32_MAX, &gid, err);

		if (rc < 0)
			return rc;
		gids[n++] = (uint32_t)gid;
	}
	list = (struct list){ gids, n };
	memcpy(field, &list, sizeof(list));
	return 0;
}

static int spec_caps_decode(struct arena *a, const struct json *v, void *field, struct err *err)
{
	struct spec_caps *caps = field;

	if (v->type == JSON_ARRAY)
		return json_err(v, err,
				"a list of capabilities is from before runtime-spec 1.0, "
				"wants an object with the sets 'bounding', 'effective' and so on");
	caps->present = true;
	return json_decode(a, v, spec_caps_table, caps, err);
}

const struct json_field spec_console_size_table[] = {
	SPEC_ROW(spec_process, console_size.height, "height", U32, .required = true),
	SPEC_ROW(spec_process, console_size.width, "width", U32, .required = true),
	SPEC_END,
};

const struct json_field spec_user_table[] = {
	SPEC_ROW(spec_user, uid, "uid", U32),
	SPEC_ROW(spec_user, gid, "gid", U32),
	SPEC_ROW(spec_user, umask, "umask", OPT_U32),
	SPEC_ROW(spec_user, additional_gids, "additionalGids", CALL, .call = spec_gids_decode),
	SPEC_END,
};

const struct json_field spec_caps_table[] = {
	SPEC_ROW(spec_caps, bounding, "bounding", STRV),
	SPEC_ROW(spec_caps, effective, "effective", STRV),
	SPEC_ROW(spec_caps, inheritable, "inheritable", STRV),
	SPEC_ROW(spec_caps, permitted, "permitted", STRV),
	SPEC_ROW(spec_caps, ambient, "ambient", STRV),
	SPEC_END,
};

const struct json_field spec_rlimit_table[] = {
	SPEC_ROW(spec_rlimit, type, "type", STRING, .required = true),
	SPEC_ROW(spec_rlimit, soft, "soft", U64, .required = true),
	SPEC_ROW(spec_rlimit, hard, "hard", U64, .required = true),
	SPEC_END,
};

const struct json_field spec_scheduler_table[] = {
	SPEC_ROW(spec_scheduler, policy, "policy", STRING, .required = true),
	SPEC_ROW(spec_scheduler, nice, "nice", OPT_I64),
	SPEC_ROW(spec_scheduler, priority, "priority", OPT_I64),
	SPEC_ROW(spec_scheduler, flags, "flags", STRV),
	SPEC_ROW(spec_scheduler, runtime, "runtime", OPT_U64),
	SPEC_ROW(spec_scheduler, deadline, "deadline", OPT_U64),
	SPEC_ROW(spec_scheduler, period, "period", OPT_U64),
	SPEC_END,
};

const struct json_field spec_io_priority_table[] = {
	SPEC_ROW(spec_io_priority, class, "class", STRING, .required = true),
	SPEC_ROW(spec_io_priority, priority, "priority", I64),
	SPEC_END,
};

const struct json_field spec_exec_affinity_table[] = {
	SPEC_ROW(spec_exec_affinity, initial, "initial", STRING),
	SPEC_ROW(spec_exec_affinity, final, "final", STRING),
	SPEC_END,
};

const struct json_field spec_process_table[] = {
	SPEC_ROW(spec_process, terminal, "terminal", BOOL),
	SPEC_INLINE("consoleSize", spec_console_size_table,
		    .present = offsetof(struct spec_process, console_size.present)),
	SPEC_ROW(spec_process, user, "user", STRUCT, .table = spec_user_table),
	SPEC_ROW(spec_process, args, "args", STRV),
	SPEC_ROW(spec_process, env, "env", STRV),
	SPEC_ROW(spec_process, command_line, "commandLine", STRING),
	SPEC_ROW(spec_process, cwd, "cwd", STRING, .required = true),
	SPEC_ROW(spec_process, capabilities, "capabilities", CALL, .call = spec_caps_decode),
	SPEC_LIST(spec_process, rlimits, "rlimits", spec_rlimit_table),
	SPEC_ROW(spec_process, no_new_privileges, "noNewPrivileges", BOOL),
	SPEC_ROW(spec_process, no_new_privileges_set, "noNewPrivileges", OPT_BOOL),
	SPEC_ROW(spec_process, apparmor_profile, "apparmorProfile", STRING),
	SPEC_ROW(spec_process, selinux_label, "selinuxLabel", STRING),
	SPEC_ROW(spec_process, oom_score_adj, "oomScoreAdj", OPT_I64),
	SPEC_PTR(spec_process, scheduler, "scheduler", spec_scheduler_table),
	SPEC_PTR(spec_process, io_priority, "ioPriority", spec_io_priority_table),
	SPEC_PTR(spec_process, exec_cpu_affinity, "execCPUAffinity", spec_exec_affinity_table),
	SPEC_END,
};
