/*
 * cmd_checkpoint.c - `bryo checkpoint` and `bryo restore`: not there, and saying so in a way that
 * engines understand. Podman asks `checkpoint --help` and reads the exit status, so even that
 * fails; `features` says the same in its annotations.
 */
#include "cmd.h"

static const struct opt no_opts[] = { { 0 } };

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.opts = no_opts,
	.refusal = "containers cannot be saved to disk",
};

const struct command cmd_restore = {
	.name = "restore",
	.synopsis = "ID",
	.opts = no_opts,
	.refusal = "containers cannot be restored from disk",
};
