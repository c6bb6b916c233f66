/*
 * cmd_pause.c - `bryo pause` and `bryo resume`: all processes of a container stop, and go on.
 */
#include "cmd.h"

static const struct opt no_opts[] = { { 0 } };

static int pause_run(const struct cli *cli, union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	return rc < 0 ? rc : bryo_pause(ctx, cli->words[0], &err->lib);
}

static int resume_run(const struct cli *cli, union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	return rc < 0 ? rc : bryo_resume(ctx, cli->words[0], &err->lib);
}

const struct command cmd_pause = {
	.name = "pause",
	.summary = "freeze all processes of a container",
	.synopsis = "ID",
	.about =
		"The container needs a cgroup of its own. What is frozen can still be killed and deleted.",
	.opts = no_opts,
	.min_words = 1,
	.max_words = 1,
	.run = pause_run,
};

const struct command cmd_resume = {
	.name = "resume",
	.summary = "let a paused container go on",
	.synopsis = "ID",
	.opts = no_opts,
	.min_words = 1,
	.max_words = 1,
	.run = resume_run,
};
