/*
 * cmd_events.c - `bryo events`: figures and OOM kills of one container as JSON lines, for
 * programs; what people look at is `bryo stats`. Runs in the process that the user started.
 */
#include "cmd.h"

#include "base/duration.h"
#include "out.h"

#include <errno.h>

struct events_args {
	const char *interval;
	bool stats;
};

#define OFF(member) offsetof(struct events_args, member)

static const struct opt events_opts[] = {
	{ "interval", 0, OPT_STRING, OFF(interval), "DURATION",
	  "time between figures, as 500ms or 1m30s (default: 5s)" },
	{ "stats", 0, OPT_FLAG, OFF(stats), NULL, "print the figures once and exit" },
	{ 0 },
};

int cli_interval(const struct cli *cli, const char *text, uint64_t *ret_ns, union cli_err *err)
{
	int64_t ns;
	int rc = duration_parse(text, &ns);

	if (rc == -ERANGE)
		return cli_usage(cli, err, "option '--interval': '%s' is too long", text);
	if (rc < 0)
		return cli_usage(
			cli, err,
			"option '--interval': '%s' is no duration such as 5s, 500ms or 1m30s",
			text);
	if (ns <= 0)
		return cli_usage(cli, err,
				 "duration interval must be greater than 0"); /* runc's words */
	*ret_ns = (uint64_t)ns;
	return 0;
}

static int events_line(void *arg, const char *json)
{
	union cli_err *err = arg;

	return out_text(json, &err->own);
}

static int events_run(const struct cli *cli, union cli_err *err)
{
	const struct events_args *args = cli->args;
	struct bryo_events_options o = { .size = sizeof(o), .once = args->stats };
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_interval(cli, args->interval ? args->interval : "5s", &o.interval_ns, err);

	if (rc == 0)
		rc = cli_open(cli, false, &ctx, err);
	return rc < 0 ? rc : bryo_events(ctx, cli->words[0], &o, events_line, err, &err->lib);
}

const struct command cmd_events = {
	.name = "events",
	.summary = "print what a container uses, and OOM kills, as JSON lines",
	.synopsis = "[OPTIONS] ID",
	.about = "One line of figures per interval, one when a process is killed for want of\n"
		 "memory; ends with the container. See 'bryo stats' for a table.",
	.opts = events_opts,
	.args_size = sizeof(struct events_args),
	.min_words = 1,
	.max_words = 1,
	.run = events_run,
};
