/*
 * cmd.c - the two things that every subcommand needs from the command line around it: a library
 * context made from the global options, and a way to say that it was called wrongly.
 */
#include "cmd.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static int cli_notice(void *arg, const char *text)
{
	(void)arg;
	log_line(LOG_LEVEL_WARNING, "%s", text);
	return 0;
}

int cli_open(const struct cli *cli, bool create_root, bryo_ctx **ret, union cli_err *err)
{
	struct bryo_ctx_options o = {
		.size = sizeof(o),
		.root = cli->root,
		.cgroup_manager = cli->cgroup_manager,
		.create_root = create_root,
		.notice = cli_notice,
	};

	return bryo_ctx_new(&o, ret, &err->lib);
}

int cli_usage(const struct cli *cli, union cli_err *err, const char *fmt, ...)
{
	const char *name = cli->command->name;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*cli->misused = true;
	return err_hint(&err->own, err_set(&err->own, EINVAL, "%s: %s", name, text),
			"see 'bryo %s --help'", name);
}
