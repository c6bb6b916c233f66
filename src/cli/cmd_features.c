/*
 * cmd_features.c - `bryo features`: the runtime-spec's features document, which engines read to
 * learn what they may put into a config.json.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"

static const struct opt features_opts[] = { { 0 } };

static int features_run(const struct cli *cli, union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	auto_free char *json = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc < 0)
		return rc;
	rc = bryo_features(ctx, &json, &err->lib);
	return rc < 0 ? rc : out_text(json, &err->own);
}

const struct command cmd_features = {
	.name = "features",
	.summary = "print what this runtime knows, as JSON",
	.synopsis = "",
	.opts = features_opts,
	.run = features_run,
};
