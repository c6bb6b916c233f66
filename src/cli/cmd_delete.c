/*
 * cmd_delete.c - `bryo delete`: removes what a container left. --force is how engines clean up,
 * so a container that is already gone is then success.
 */
#include "cmd.h"

struct delete_args {
	bool force;
};

static const struct opt delete_opts[] = {
	{ "force", 'f', OPT_FLAG, offsetof(struct delete_args, force), NULL,
	  "kill it first; an unknown ID is no error" },
	{ 0 },
};

static int delete_run(const struct cli *cli, union cli_err *err)
{
	const struct delete_args *args = cli->args;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	return rc < 0 ? rc : bryo_delete(ctx, cli->words[0], args->force, &err->lib);
}

const struct command cmd_delete = {
	.name = "delete",
	.summary = "remove a container",
	.synopsis = "[OPTIONS] ID",
	.opts = delete_opts,
	.args_size = sizeof(struct delete_args),
	.min_words = 1,
	.max_words = 1,
	.run = delete_run,
};
