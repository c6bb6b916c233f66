/*
 * cmd.c - the two things that every subcommand needs from the command line around it: a library
 * context made from the global options, and a way to say that it was called wrongly.
 */
#include "cmd.h"

#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int cli_notice(void *arg, const char *text)
{
	(void)arg;
	log_line(LOG_LEVEL_WARNING, "%s", text);
	return 0;
}

/* An empty variable counts as none. */
static const char *cli_env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

int cli_open(const struct cli *cli, bool create_root, bryo_ctx **ret, union cli_err *err)
{
	struct bryo_ctx_options o = {
		.size = sizeof(o),
		.root = cli->root,
		.cgroup_manager = cli->cgroup_manager,
		.create_root = create_root,
		.notice = cli_notice,
		.notify_socket = cli->command->notifies ? cli_env("NOTIFY_SOCKET") : NULL,
	};

	return bryo_ctx_new(&o, ret, &err->lib);
}

static size_t cli_count(const char *list)
{
	size_t n = 1;

	for (; *list; list++)
		n += *list == ':';
	return n;
}

void cli_listen(struct bryo_create_options *o)
{
	const char *n = cli_env("LISTEN_FDS"), *pid = cli_env("LISTEN_PID");
	const char *names = cli_env("LISTEN_FDNAMES");
	unsigned long long count, owner;

	/* Inherited from somebody who was activated himself, the descriptors are not ours. */
	if (!n || !pid || !str_to_u64(pid, INT_MAX, &owner) || owner != (unsigned long long)getpid())
		return;
	if (!str_to_u64(n, INT_MAX, &count))
		return;
	o->listen_fds = (int)count;
	o->listen_names = names && cli_count(names) == count ? names : NULL;
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
