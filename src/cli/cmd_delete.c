/*
 * cmd_delete.c - `bryo delete`: removes what a container left. --force is how engines clean up,
 * so a container that is already gone is then success.
 */
#include "cmd.h"

#include "match.h"

struct delete_args {
	bool force, regex;
};

#define OFF(member) offsetof(struct delete_args, member)

static const struct opt delete_opts[] = {
	{ "force", 'f', OPT_FLAG, OFF(force), NULL, "kill it first; an unknown ID is no error" },
	{ "regex", 'r', OPT_FLAG, OFF(regex), NULL,
	  "ID is a regular expression; failures are warnings" },
	{ 0 },
};

static int delete_one(bryo_ctx *ctx, const char *id, const void *arg, struct bryo_err *err)
{
	const struct delete_args *args = arg;

	return bryo_delete(ctx, id, args->force, err);
}

static int delete_run(const struct cli *cli, union cli_err *err)
{
	const struct delete_args *args = cli->args;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc < 0)
		return rc;
	return args->regex ? match_each(ctx, cli->words[0], delete_one, args, err)
			   : delete_one(ctx, cli->words[0], args, &err->lib);
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
