/*
 * cmd_rm_tree.c - `bryo rm-tree`: removes a bundle, or any tree whose files belong to the caller's
 * subordinate IDs.
 */
#include "cmd.h"

static const struct opt rm_tree_opts[] = { { 0 } };

static int rm_tree_run(const struct cli *cli, union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	for (size_t i = 0; rc == 0 && i < cli->n_words; i++)
		rc = bryo_rm_tree(ctx, cli->words[i], &err->lib);
	return rc;
}

const struct command cmd_rm_tree = {
	.name = "rm-tree",
	.summary = "remove a directory, whichever of your IDs own what is in it",
	.synopsis = "DIR...",
	.about =
		"Removes DIR and all that is in it, like rm -r, where files belong to your subordinate IDs.\n"
		"Follows no symbolic links and crosses no mount points.",
	.opts = rm_tree_opts,
	.min_words = 1,
	.max_words = SIZE_MAX,
	.run = rm_tree_run,
};
