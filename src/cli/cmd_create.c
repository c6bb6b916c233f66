/*
 * cmd_create.c - `bryo create`: everything of a container but its program. What is left behind
 * is an init that waits for `bryo start`; engines call the two at different times.
 */
#include "cmd.h"

#define OFF(member) offsetof(struct bryo_create_options, member)

static const struct opt create_opts[] = {
	CREATE_OPTS(OFF),
	{ 0 },
};

static int create_run(const struct cli *cli, union cli_err *err)
{
	struct bryo_create_options o = *(const struct bryo_create_options *)cli->args;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, true, &ctx, err);

	if (rc < 0)
		return rc;
	o.size = sizeof(o);
	cli_listen(&o);
	o.detach = true;
	return bryo_create(ctx, cli->words[0], &o, &err->lib);
}

const struct command cmd_create = {
	.name = "create",
	.summary = "set up a container, without starting its program",
	.synopsis = "[OPTIONS] ID",
	.about = "Sets up a container from a bundle: a directory with a config.json and, usually,\n"
		 "a root file system. The program starts with 'bryo start ID'.",
	.opts = create_opts,
	.args_size = sizeof(struct bryo_create_options),
	.min_words = 1,
	.max_words = 1,
	.notifies = true,
	.protect = true,
	.run = create_run,
};
