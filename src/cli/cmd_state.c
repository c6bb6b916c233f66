/*
 * cmd_state.c - `bryo state`: one container as the runtime-spec's state object, with what runc
 * and crun add to it.
 */
#include "cmd.h"

#include "out.h"

#define auto_entry __attribute__((cleanup(bryo_entry_release)))

static const struct opt state_opts[] = { { 0 } };

static int state_run(const struct cli *cli, union cli_err *err)
{
	auto_entry struct bryo_entry entry = { .id = NULL };
	auto_json_out struct json_out json;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	json_out_init(&json, "  ");
	rc = cli_open(cli, false, &ctx, err);
	if (rc < 0)
		return rc;
	rc = bryo_state(ctx, cli->words[0], &entry, &err->lib);
	if (rc < 0)
		return rc;
	out_entry(&entry, &json);
	return out_text(json.s.p, &err->own);
}

const struct command cmd_state = {
	.name = "state",
	.summary = "print the state of a container as JSON",
	.synopsis = "ID",
	.opts = state_opts,
	.min_words = 1,
	.max_words = 1,
	.run = state_run,
};
