/*
 * cmd_kill.c - `bryo kill`: sends a signal, TERM unless another one is named.
 */
#include "cmd.h"

#include "base/names.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>

struct kill_args {
	bool all;
};

static const struct opt kill_opts[] = {
	{ "all", 'a', OPT_FLAG, offsetof(struct kill_args, all), NULL,
	  "signal every process; none left is no error" },
	{ 0 },
};

static int kill_run(const struct cli *cli, union cli_err *err)
{
	const struct kill_args *args = cli->args;
	const char *name = cli->n_words > 1 ? cli->words[1] : "TERM";
	int sig = str_eq(name, "0") ? 0 : signal_from_name(name);
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	if (sig < 0)
		return err_hint(&err->own, err_set(&err->own, EINVAL, "unknown signal '%s'", name),
				"a number, a name such as TERM or SIGTERM, or RTMIN+N");
	rc = cli_open(cli, false, &ctx, err);
	if (rc < 0)
		return rc;
	rc = bryo_kill(ctx, cli->words[0], sig, args->all, &err->lib);
	/* Engines and Slurm send --all to make sure, after the program may have ended by itself. */
	return rc == -ESRCH && args->all ? 0 : rc;
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
