/*
 * cmd_kill.c - `bryo kill`: sends a signal, TERM unless another one is named.
 */
#include "cmd.h"

#include "base/names.h"
#include "base/str.h"
#include "match.h"

#include <errno.h>
#include <signal.h>

struct kill_args {
	bool all, regex;
};

struct kill_what {
	int sig;
	bool all;
};

#define OFF(member) offsetof(struct kill_args, member)

static const struct opt kill_opts[] = {
	{ "all", 'a', OPT_FLAG, OFF(all), NULL, "signal every process; none left is no error" },
	{ "regex", 'r', OPT_FLAG, OFF(regex), NULL,
	  "ID is a regular expression; failures are warnings" },
	{ 0 },
};

/* Engines and Slurm send --all to make sure, after the program may have ended by itself. */
static int kill_one(bryo_ctx *ctx, const char *id, const void *arg, struct bryo_err *err)
{
	const struct kill_what *what = arg;
	int rc = bryo_kill(ctx, id, what->sig, what->all, err);

	if (rc != -ESRCH || !what->all)
		return rc;
	err->num = 0;
	return 0;
}

static int kill_run(const struct cli *cli, union cli_err *err)
{
	const struct kill_args *args = cli->args;
	const char *name = cli->n_words > 1 ? cli->words[1] : "TERM";
	int sig = str_eq(name, "0") ? 0 : signal_from_name(name);
	struct kill_what what = { .sig = sig, .all = args->all };
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	if (sig < 0)
		return err_hint(&err->own, err_set(&err->own, EINVAL, "unknown signal '%s'", name),
				"a number, a name such as TERM or SIGTERM, or RTMIN+N");
	rc = cli_open(cli, false, &ctx, err);
	if (rc < 0)
		return rc;
	return args->regex ? match_each(ctx, cli->words[0], kill_one, &what, err)
			   : kill_one(ctx, cli->words[0], &what, &err->lib);
}

const struct command cmd_kill = {
	.name = "kill",
	.summary = "send a signal to a container",
	.synopsis = "[OPTIONS] ID [SIGNAL]",
	.about = "SIGNAL is a number or a name, with or without SIG (default: TERM). It goes to\n"
		 "the container's first process.",
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.min_words = 1,
	.max_words = 2,
	.run = kill_run,
};
