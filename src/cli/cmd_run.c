/*
 * cmd_run.c - `bryo run`: create, start, wait and delete, literally: the same library calls as
 * the separate commands, so that run cannot do anything that they cannot. Also home of
 * run_container(), which `bryo sandbox` shares.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"
#include "status_fd.h"

#include <errno.h>
#include <unistd.h>

struct run_args {
	struct bryo_create_options create;
	bool keep;
	int status_fd;
};

#define OFF(member)	   offsetof(struct run_args, member)
#define OFF_CREATE(member) offsetof(struct run_args, create.member)

static const struct opt run_opts[] = {
	CREATE_OPTS(OFF_CREATE),
	{ "detach", 'd', OPT_FLAG, OFF_CREATE(detach), NULL, "return as soon as the program runs" },
	{ "keep", 0, OPT_FLAG, OFF(keep), NULL, "keep the container's state after its end" },
	STATUS_FD_OPT(OFF(status_fd)),
	{ 0 },
};

/* The container has ended and its exit code is known: trouble with the rest is told, and the
 * exit code stays the container's. */
static void run_remove(bryo_ctx *ctx, const char *id)
{
	struct bryo_err err = { .num = 0 };

	if (bryo_delete(ctx, id, true, &err) < 0)
		out_error(&err);
}

int run_container(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
		  const struct run_options *run, union cli_err *err)
{
	int status = 0;
	int rc = bryo_create(ctx, id, o, &err->lib);
	bool created = rc >= 0;

	if (created) {
		status_fd_created(run->status_fd, ctx, id);
		rc = bryo_start(ctx, id, &err->lib);
	}
	if (rc >= 0)
		status_fd_ready(run->status_fd);
	if (rc >= 0 && !o->detach)
		rc = bryo_wait(ctx, id, &status, &err->lib);
	if (rc < 0) {
		status_fd_failed(run->status_fd, &err->lib);
		if (created)
			(void)bryo_delete(ctx, id, true, NULL);
		return rc;
	}
	if (!o->detach)
		status_fd_ended(run->status_fd, status, bryo_wait_signal(ctx));
	if (!o->detach && !run->keep)
		run_remove(ctx, id);
	return status;
}

/* In the foreground a terminal is right when we are on one; detached, when somebody takes it. */
static bool run_wants_terminal(const struct bryo_create_options *o)
{
	if (o->detach)
		return o->console_socket;
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int run_run(const struct cli *cli, union cli_err *err)
{
	const struct run_args *args = cli->args;
	struct bryo_create_options o = args->create;
	auto_free char *text = NULL;
	auto_ctx bryo_ctx *ctx = NULL;
	const struct run_options run = { .keep = args->keep, .status_fd = args->status_fd };
	int rc;

	cli_listen(&o);
	rc = status_fd_check(cli, run.status_fd, o.listen_fds + o.preserve_fds, err);
	if (rc < 0)
		return rc;
	rc = spec_for_rootfs(cli, &o, run_wants_terminal(&o), &text, err);
	if (rc < 0)
		return rc;
	rc = cli_open(cli, true, &ctx, err);
	if (rc < 0)
		return rc;
	o.size = sizeof(o);
	o.config_text = text;
	o.throw_away = !args->keep;
	return run_container(ctx, cli->words[0], &o, &run, err);
}

const struct command cmd_run = {
	.name = "run",
	.summary = "create and start a container, wait for it and remove it",
	.synopsis = "[OPTIONS] ID [[--] COMMAND [ARG...]]",
	.about = "Runs a container from a bundle, or with --rootfs from a root file system alone;\n"
		 "COMMAND (default: sh) is for --rootfs only. The exit code is the container's.",
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.stop_at = 2,
	.min_words = 1,
	.max_words = (size_t)-1,
	.notifies = true,
	.protect = true,
	.run = run_run,
};
