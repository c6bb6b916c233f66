/*
 * cmd_exec.c - `bryo exec`: one more process in a running container. A set-up that fails exits
 * with 255, as runc does, so that it cannot be taken for the program's own exit code.
 */
#include "cmd.h"

#include "base/json.h"

#include <errno.h>

struct exec_args {
	struct bryo_exec_options exec; /* the members whose kind an option row can fill */
	struct strv env, caps, gids;
	struct opt_bool no_new_privs;
};

#define OFF(member) offsetof(struct exec_args, member)

static const struct opt exec_opts[] = {
	{ "tty", 't', OPT_FLAG, OFF(exec.tty), NULL, "give the process a terminal" },
	{ "detach", 'd', OPT_FLAG, OFF(exec.detach), NULL, "return as soon as the process runs" },
	{ "env", 'e', OPT_LIST, OFF(env), "NAME=VALUE", "set a variable (repeat for more)" },
	{ "user", 'u', OPT_STRING, OFF(exec.user), "UID[:GID]", "run as these numeric IDs" },
	{ "additional-gids", 'g', OPT_LIST, OFF(gids), "GID", "add a group (repeat for more)" },
	{ "cwd", 0, OPT_STRING, OFF(exec.cwd), "DIR", "working directory in the container" },
	{ "cap", 'c', OPT_LIST, OFF(caps), "CAP", "add a capability (repeat for more)" },
	{ "no-new-privs", 0, OPT_OPT_BOOL, OFF(no_new_privs), NULL,
	  "no privileges through set-user-ID programs" },
	{ "apparmor", 0, OPT_STRING, OFF(exec.apparmor), "PROFILE",
	  "AppArmor profile of the process" },
	{ "process-label", 0, OPT_STRING, OFF(exec.process_label), "LABEL",
	  "SELinux label of the process" },
	{ "process", 'p', OPT_STRING, OFF(exec.process_file), "FILE",
	  "take the process object in FILE" },
	{ "console-socket", 0, OPT_STRING, OFF(exec.console_socket), "PATH",
	  "socket that receives the terminal" },
	{ "pidfd-socket", 0, OPT_STRING, OFF(exec.pidfd_socket), "PATH",
	  "socket that receives a pidfd of the process" },
	{ "pid-file", 0, OPT_STRING, OFF(exec.pid_file), "FILE", "write the process ID to FILE" },
	{ "cgroup", 0, OPT_STRING, OFF(exec.cgroup), "PATH",
	  "cgroup of the process, below the container's" },
	{ "die-with-parent", 0, OPT_FLAG, OFF(exec.die_with_parent), NULL,
	  "end the process when the caller of bryo ends" },
	{ "timeout", 0, OPT_STRING, OFF(exec.timeout), "DURATION[,GRACE]",
	  "end the process after DURATION, by SIGKILL after GRACE more" },
	{ "ignore-paused", 0, OPT_FLAG, OFF(exec.ignore_paused), NULL,
	  "in a paused container: the process waits for resume" },
	{ "preserve-fds", 0, OPT_COUNT, OFF(exec.preserve_fds), "N",
	  "pass descriptors 3 to 3+N-1 on" },
	{ 0 },
};

static int exec_gids(const struct cli *cli, const struct strv *list, struct bryo_exec_options *o,
		     union cli_err *err)
{
	uint32_t *gids = arena_alloc(cli->arena, list->n * sizeof(*gids));

	for (size_t i = 0; i < list->n; i++) {
		unsigned long long gid;

		/* 2^32-1 is "no group" to the kernel. */
		if (!str_to_u64(list->v[i], UINT32_MAX - 1, &gid))
			return cli_usage(cli, err, "'%s' is not a group ID", list->v[i]);
		gids[i] = (uint32_t)gid;
	}
	o->additional_gids = gids;
	o->n_additional_gids = list->n;
	return 0;
}

/* The library takes char *const *, our lists are const char **: the elements are not written. */
static char *const *exec_strings(const struct strv *list)
{
	return (char *const *)list->v;
}

static int exec_run(const struct cli *cli, union cli_err *err)
{
	const struct exec_args *args = cli->args;
	struct bryo_exec_options o = args->exec;
	auto_ctx bryo_ctx *ctx = NULL;
	int status = 0, rc;

	if (!o.process_file && cli->n_words < 2)
		return cli_usage(cli, err, "a command is missing (or --process FILE)");
	if (o.process_file && cli->n_words > 1)
		return cli_usage(cli, err, "unexpected argument '%s' next to --process",
				 cli->words[1]);
	rc = exec_gids(cli, &args->gids, &o, err);
	if (rc < 0)
		return rc;
	rc = cli_open(cli, false, &ctx, err);
	if (rc < 0)
		return rc;
	o.size = sizeof(o);
	o.args = cli->words + 1;
	o.env = exec_strings(&args->env);
	o.caps = exec_strings(&args->caps);
	o.no_new_privs = args->no_new_privs.set ? args->no_new_privs.v : -1;
	rc = bryo_exec(ctx, cli->words[0], &o, &status, &err->lib);
	return rc < 0 ? rc : status;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one more process in a running container",
	.synopsis = "[OPTIONS] ID COMMAND [ARG...] | --process FILE [OPTIONS] ID",
	.about = "Options end with COMMAND. The exit code is the process's, or 255 when it could\n"
		 "not be started. With --process, the options that describe the process do not\n"
		 "apply.",
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.stop_at = 2,
	.min_words = 1,
	.max_words = (size_t)-1,
	.protect = true,
	.fail_status = 255,
	.run = exec_run,
};
