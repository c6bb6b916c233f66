/*
 * cmd_bundle.c - `bryo bundle`: from an image to a directory that `bryo run` takes. One line on a
 * terminal says how far it is.
 */
#include "cmd.h"

#include <stdio.h>
#include <unistd.h>

struct bundle_args {
	const char *idmap;
	bool squash, quiet;
};

#define OFF(member) offsetof(struct bundle_args, member)

static const struct opt bundle_opts[] = {
	{ "idmap", 0, OPT_STRING, OFF(idmap), "single|subid|keep-id|START:HOST:SIZE,...",
	  "how the container's IDs are mapped" },
	{ "squash", 0, OPT_FLAG, OFF(squash), NULL, "owners that are not mapped become root" },
	{ "quiet", 'q', OPT_FLAG, OFF(quiet), NULL, "no progress on a terminal" },
	{ 0 },
};

/* The cursor goes back at once: a warning in between stands in the place of the line. */
static void bundle_progress(void *arg, uint64_t files, uint64_t bytes)
{
	(void)arg;
	(void)fprintf(stderr, "%llu files, %llu MiB\033[K\r", (unsigned long long)files,
		      (unsigned long long)bytes >> 20);
}

static int bundle_run(const struct cli *cli, union cli_err *err)
{
	const struct bundle_args *args = cli->args;
	struct bryo_bundle_options o = {
		.size = sizeof(o),
		.source = cli->words[0],
		.dir = cli->words[1],
		.idmap = args->idmap,
		.squash = args->squash,
	};
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc < 0)
		return rc;
	if (!args->quiet && isatty(STDERR_FILENO))
		o.progress = bundle_progress;
	rc = bryo_bundle(ctx, &o, &err->lib);
	if (o.progress)
		(void)fputs("\033[K", stderr);
	return rc;
}

const struct command cmd_bundle = {
	.name = "bundle",
	.summary = "make a bundle from an image or a root file system",
	.synopsis = "[OPTIONS] SOURCE DIR",
	.about =
		"Makes DIR with a root file system and a config.json for it. SOURCE is a tar of a root file\n"
		"system (plain, gzip, xz or zstd; - reads it from standard input), a directory, or an\n"
		"OCI image: DIR:TAG, oci:DIR[:TAG] for a layout, oci-archive:FILE[:TAG] for a tar of one.",
	.opts = bundle_opts,
	.args_size = sizeof(struct bundle_args),
	.min_words = 2,
	.max_words = 2,
	.run = bundle_run,
};
