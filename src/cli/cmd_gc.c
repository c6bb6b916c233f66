/*
 * cmd_gc.c - `bryo gc`: finds what crashes left and removes it; a line for each thing.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"

#include <unistd.h>

struct gc_args {
	bool dry_run, stopped;
	const char *format;
};

#define OFF(member) offsetof(struct gc_args, member)

static const struct opt gc_opts[] = {
	{ "dry-run", 'n', OPT_FLAG, OFF(dry_run), NULL, "only print what would be removed" },
	{ "stopped", 0, OPT_FLAG, OFF(stopped), NULL, "delete stopped containers as well" },
	{ "format", 'f', OPT_CHOICE, OFF(format), "text|json", "how to print (default: text)" },
	{ 0 },
};

/* What was found, put together in memory: removal goes on where nobody reads the answer. */
struct answer {
	bool json, dry_run;
	struct str text;
	struct json_out out;
};

static void add_json(struct json_out *o, const struct bryo_garbage *g)
{
	json_out_object(o, NULL);
	json_out_str(o, "kind", g->kind);
	json_out_str(o, "what", g->what);
	json_out_str(o, "why", g->why);
	json_out_bool(o, "removed", g->removed);
	if (g->problem)
		json_out_str(o, "problem", g->problem);
	json_out_end(o, '}');
}

static int add(void *arg, const struct bryo_garbage *g)
{
	struct answer *a = arg;
	const char *verdict = a->dry_run ? "would be removed" : "removed";

	if (a->json)
		add_json(&a->out, g);
	else if (g->problem)
		str_addf(&a->text, "%s %s: %s: not removed: %s\n", g->kind, g->what, g->why,
			 g->problem);
	else
		str_addf(&a->text, "%s %s: %s: %s\n", g->kind, g->what, g->why, verdict);
	return 0;
}

static int gc_print(struct answer *a, struct err *err)
{
	if (!a->json)
		return a->text.len ? out_text(a->text.p, err) : 0;
	json_out_end(&a->out, ']');
	return out_text(a->out.s.p, err);
}

static int gc_run(const struct cli *cli, union cli_err *err)
{
	const struct gc_args *args = cli->args;
	struct answer a = { .json = str_eq(args->format, "json"), .dry_run = args->dry_run };
	struct bryo_gc_options o = {
		.size = sizeof(o),
		.dry_run = args->dry_run,
		.stopped = args->stopped,
		.found = add,
		.arg = &a,
	};
	auto_ctx bryo_ctx *ctx = NULL;
	int failed, rc;

	if (cli->root && access(cli->root, F_OK) < 0)
		return err_sys(&err->own, "state directory '%s'", cli->root);
	failed = cli_open(cli, false, &ctx, err);
	json_out_init(&a.out, NULL);
	json_out_array(&a.out, NULL);
	if (failed >= 0)
		failed = bryo_gc(ctx, &o, &err->lib);
	rc = failed < 0 ? failed : gc_print(&a, &err->own);
	json_out_free(&a.out);
	str_free(&a.text);
	return rc < 0 ? rc : failed > 0;
}

const struct command cmd_gc = {
	.name = "gc",
	.summary = "remove what killed runtimes have left",
	.synopsis = "[OPTIONS]",
	.about =
		"Removes what is left of containers whose create or run was killed, or that are of\n"
		"another boot: state, cgroups, mounts. Stopped containers are kept, but see --stopped.",
	.opts = gc_opts,
	.args_size = sizeof(struct gc_args),
	.run = gc_run,
};
