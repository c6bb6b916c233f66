/*
 * cmd_plan.c - `bryo plan`: prints what create would do, and why, and does nothing of it.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"

struct plan_args {
	struct bryo_create_options create;
	const char *format;
};

#define OFF(member)	   offsetof(struct plan_args, member)
#define OFF_CREATE(member) offsetof(struct plan_args, create.member)

static const struct opt plan_opts[] = {
	CREATE_OPTS(OFF_CREATE),
	{ "format", 0, OPT_CHOICE, OFF(format), "text|json", "how to print (default: text)" },
	{ "host", 0, OPT_STRING, OFF_CREATE(host_facts), "FILE", "facts of another machine, JSON" },
	{ 0 },
};

/* Refusals are in the plan as well as in the error that follows it, which is create's. */
int plan_print(int rc, const char *text, bool marked, union cli_err *err)
{
	auto_str struct str coloured = STR_INIT;
	union cli_err unwritten = { .lib = { .num = 0 } };
	int written;

	if (!text)
		return rc;
	if (marked && out_is_coloured()) {
		out_colour_marks(text, &coloured);
		text = coloured.p;
	}
	written = out_text(text, rc < 0 ? &unwritten.own : &err->own);
	return rc < 0 ? rc : written;
}

static int plan_run(const struct cli *cli, union cli_err *err)
{
	const struct plan_args *args = cli->args;
	struct bryo_create_options o = args->create;
	const char *id = cli->n_words ? cli->words[0] : "box";
	auto_free char *config = NULL, *text = NULL;
	auto_ctx bryo_ctx *ctx = NULL;
	bool json = str_eq(args->format, "json");
	int rc;

	rc = spec_for_rootfs(cli, &o, false, &config, err);
	if (rc < 0)
		return rc;
	rc = cli_open(cli, false, &ctx, err);
	if (rc < 0)
		return rc;
	o.size = sizeof(o);
	cli_listen(&o);
	o.config_text = config;
	rc = bryo_plan(ctx, id, &o, json, &text, &err->lib);
	return plan_print(rc, text, !json, err);
}

const struct command cmd_plan = {
	.name = "plan",
	.summary = "print what create would do, and do nothing",
	.synopsis = "[OPTIONS] [ID [[--] COMMAND [ARG...]]]",
	.about = "Prints namespaces, ID maps, mounts, devices, credentials and filters as create\n"
		 "would set them up, and each adaptation to running without root with its reason.",
	.opts = plan_opts,
	.args_size = sizeof(struct plan_args),
	.stop_at = 2,
	.max_words = (size_t)-1,
	.notifies = true,
	.run = plan_run,
};
