/*
 * cmd_start.c - `bryo start`: lets the program of a created container run.
 */
#include "cmd.h"

static const struct opt start_opts[] = { { 0 } };

static int start_run(const struct cli *cli, union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	return rc < 0 ? rc : bryo_start(ctx, cli->words[0], &err->lib);
}

const struct command cmd_start = {
	.name = "start",
	.summary = "start the program of a created container",
	.synopsis = "ID",
	.opts = start_opts,
	.min_words = 1,
	.max_words = 1,
	.notifies = true,
	.run = start_run,
};
