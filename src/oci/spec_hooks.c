/* spec_hooks.c - tables of config.json's hooks (runtime-spec config.md, "POSIX-platform
 * Hooks"). The rule that a timeout is positive belongs to the hooks' plan. */
#include "spec_tables.h"

const struct json_field spec_hook_table[] = {
	SPEC_ROW(spec_hook, path, "path", STRING, .required = true),
	SPEC_ROW(spec_hook, args, "args", STRV),
	SPEC_ROW(spec_hook, env, "env", STRV),
	SPEC_ROW(spec_hook, timeout, "timeout", OPT_I64),
	SPEC_END,
};

const struct json_field spec_hooks_table[] = {
	SPEC_LIST(spec_hooks, prestart, "prestart", spec_hook_table),
	SPEC_LIST(spec_hooks, create_runtime, "createRuntime", spec_hook_table),
	SPEC_LIST(spec_hooks, create_container, "createContainer", spec_hook_table),
	SPEC_LIST(spec_hooks, start_container, "startContainer", spec_hook_table),
	SPEC_LIST(spec_hooks, poststart, "poststart", spec_hook_table),
	SPEC_LIST(spec_hooks, poststop, "poststop", spec_hook_table),
	SPEC_END,
};
