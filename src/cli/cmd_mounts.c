/*
 * cmd_mounts.c - `bryo mounts`: mounts in a running container, by crun's file or by options, which
 * are turned into such a document.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct mounts_args {
	const char *source, *target, *type;
	struct strv options;
};

#define OFF(member) offsetof(struct mounts_args, member)

static const struct opt mounts_opts[] = {
	{ "source", 's', OPT_STRING, OFF(source), "PATH", "what to mount, seen from here" },
	{ "target", 0, OPT_STRING, OFF(target), "PATH", "where, in the container" },
	{ "type", 't', OPT_STRING, OFF(type), "TYPE", "bind, or a file system (default: bind)" },
	{ "options", 'o', OPT_LIST, OFF(options), "OPTION,...",
	  "as in config.json (repeat for more)" },
	{ 0 },
};

static void mounts_options(struct arena *a, const struct strv *lists, struct json_out *o)
{
	json_out_array(o, "options");
	for (size_t i = 0; i < lists->n; i++) {
		char *rest = arena_strdup(a, lists->v[i]), *word;

		while ((word = strsep(&rest, ",")))
			if (*word)
				json_out_str(o, NULL, word);
	}
	json_out_end(o, ']');
}

static char *mounts_document(const struct cli *cli, const struct mounts_args *args)
{
	auto_json_out struct json_out o;

	json_out_init(&o, NULL);
	json_out_array(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "destination", args->target);
	json_out_str(&o, "type", args->type ? args->type : "bind");
	if (args->source)
		json_out_str(&o, "source", args->source);
	mounts_options(cli->arena, &args->options, &o);
	json_out_end(&o, '}');
	json_out_end(&o, ']');
	return take_ptr(&o.s.p);
}

static int mounts_text(const struct cli *cli, char **ret, union cli_err *err)
{
	const struct mounts_args *args = cli->args;
	const char *file = cli->n_words > 2 ? cli->words[2] : NULL;
	size_t len;

	if (file && (args->source || args->target || args->type || args->options.n))
		return cli_usage(cli, err, "FILE and options exclude each other");
	if (!file && !args->target)
		return cli_usage(cli, err, "--target is missing (or FILE)");
	if (!file) {
		*ret = mounts_document(cli, args);
		return 0;
	}
	if (str_eq(file, "-"))
		return fd_read_all(STDIN_FILENO, JSON_MAX, ret, &len, &err->own);
	return file_read_at(AT_FDCWD, file, JSON_MAX, ret, &len, &err->own);
}

static int mounts_run(const struct cli *cli, union cli_err *err)
{
	bool remove = str_eq(cli->words[0], "remove");
	auto_free char *text = NULL;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	if (!remove && !str_eq(cli->words[0], "add"))
		return cli_usage(cli, err, "'%s' is neither add nor remove", cli->words[0]);
	rc = mounts_text(cli, &text, err);
	if (rc == 0)
		rc = cli_open(cli, false, &ctx, err);
	return rc < 0 ? rc : bryo_mounts(ctx, cli->words[1], remove, text, &err->lib);
}

const struct command cmd_mounts = {
	.name = "mounts",
	.summary = "add or remove mounts of a running container",
	.synopsis = "add|remove [OPTIONS] ID [FILE]",
	.about =
		"FILE (- for standard input) is an array as \"mounts\" in config.json; without it the\n"
		"options describe one mount. Relative sources start from the current directory. To\n"
		"remove a mount only its target is needed.",
	.opts = mounts_opts,
	.args_size = sizeof(struct mounts_args),
	.min_words = 2,
	.max_words = 3,
	.run = mounts_run,
};
