/*
 * cmd.h - what a subcommand is: one row that main.c dispatches and prints help from, and one
 * boring function that calls the library. main() parses the options into args, checks the number
 * of words, calls run(), prints the error (once) and turns the result into an exit code.
 *
 *	static int start_run(const struct cli *cli, union cli_err *err)
 *	{
 *		auto_ctx bryo_ctx *ctx = NULL;
 *		int rc = cli_open(cli, false, &ctx, err);
 *
 *		return rc < 0 ? rc : bryo_start(ctx, cli->words[0], &err->lib);
 *	}
 *	const struct command cmd_start = { .name = "start", ..., .run = start_run };
 */
#ifndef BRYO_CMD_H
#define BRYO_CMD_H

#include "base/err.h"
#include "base/mem.h"
#include "lib/bryo.h"
#include "opt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One error value with two faces: .own for base/err.h, .lib for the library. Same layout. */
union cli_err {
	struct err own;
	struct bryo_err lib;
};

struct command;

struct cli {
	struct arena *arena;	    /* lives as long as the command */
	const char *root;	    /* --root, NULL when not given */
	const char *cgroup_manager; /* NULL when not given */
	const struct command *command;
	const void *args;   /* command->args_size bytes, filled by command->opts */
	char *const *words; /* NULL-terminated, without the command's name */
	size_t n_words;
	bool *misused; /* set by cli_usage() */
	const struct command *const *commands; /* all of them, NULL-terminated */
	const struct opt *globals;	       /* the options before the command */
};

struct command {
	const char *name;
	const char *summary;	/* one lower-case line for `bryo --help`; NULL: not shown there */
	const char *refusal;	/* not NULL: the command is not supported, whatever its arguments */
	const char *synopsis;	/* what follows "bryo NAME": "[OPTIONS] ID [SIGNAL]" */
	const char *about;	/* lines for `bryo NAME --help`; may be NULL */
	const struct opt *opts; /* never NULL; an empty table is { { 0 } } */
	size_t args_size;
	unsigned stop_at; /* see opt_parse(); 0: options may stand anywhere */
	size_t min_words, max_words;
	bool notifies;	 /* NOTIFY_SOCKET and LISTEN_FDS of the environment concern it */
	bool protect;	 /* bryo_protect_self() first: the command starts container code */
	int fail_status;   /* exit code when run() fails; 0 means 1 */
	int misuse_status; /* of a usage error; 0 means 1 */
	/* Negative: failed, *err is set and main prints it. >= 0: the exit code. */
	int (*run)(const struct cli *cli, union cli_err *err);
};

extern const struct command cmd_bundle, cmd_checkpoint, cmd_completion, cmd_create, cmd_delete, cmd_doctor,
	cmd_exec,
	cmd_events, cmd_features, cmd_gc, cmd_kill, cmd_list, cmd_mounts, cmd_pause, cmd_plan, cmd_port, cmd_ps,
	cmd_restore, cmd_resume, cmd_rm_tree, cmd_run, cmd_sandbox, cmd_spec, cmd_start,
	cmd_state, cmd_stats, cmd_update;

/* How the container's processes are kept: what create, run, plan and sandbox share. */
/* clang-format off */
#define PROC_OPTS(off)										\
	{ "proc", 0, OPT_CHOICE, off(proc), "new|bind|none",					\
	  "what /proc is: the container's own, the outer one, or nothing" },			\
	{ "init", 0, OPT_FLAG, off(init), NULL,							\
	  "a pid 1 that reaps zombies and passes signals on to the program" },			\
	{ "die-with-parent", 0, OPT_FLAG, off(die_with_parent), NULL,				\
	  "end the container when the caller of bryo ends" },					\
	{ "timeout", 0, OPT_STRING, off(timeout), "DURATION[,GRACE]",				\
	  "end the container after DURATION, by SIGKILL after GRACE more" }
/* clang-format on */

/* clang-format off */
#define STATUS_FD_OPT(off)									\
	{ "status-fd", 0, OPT_COUNT, off, "N",							\
	  "write what happens to the container to descriptor N, as JSON lines" }
/* clang-format on */

/* The options that create, run and plan share; off(m) is the offset of member m of a struct
 * bryo_create_options inside the command's args. */
/* clang-format off */
#define CREATE_OPTS(off)									\
	{ "bundle", 'b', OPT_STRING, off(bundle), "DIR",					\
	  "bundle directory (default: .)" },							\
	{ "config", 'f', OPT_STRING, off(config), "FILE",					\
	  "configuration (default: config.json of the bundle)" },				\
	{ "console-socket", 0, OPT_STRING, off(console_socket), "PATH",				\
	  "socket that receives the terminal" },						\
	{ "pidfd-socket", 0, OPT_STRING, off(pidfd_socket), "PATH",				\
	  "socket that receives a pidfd of the first process" },				\
	{ "pid-file", 0, OPT_STRING, off(pid_file), "FILE",					\
	  "write the process ID to FILE" },							\
	{ "preserve-fds", 0, OPT_COUNT, off(preserve_fds), "N",					\
	  "pass descriptors 3 to 3+N-1 on" },							\
	{ "no-pivot", 0, OPT_FLAG, off(no_pivot), NULL,						\
	  "change the root without pivot_root" },						\
	{ "no-new-keyring", 0, OPT_FLAG, off(no_new_keyring), NULL,				\
	  "keep the caller's session keyring" },						\
	{ "idmap", 0, OPT_STRING, off(idmap), "single|subid|keep-id|START:HOST:SIZE,...",	\
	  "how the container's IDs are mapped" },						\
	{ "net", 0, OPT_STRING, off(net), "none|host|auto|pasta|slirp4netns|join:ID",		\
	  "the network of the container" },							\
	{ "publish", 'p', OPT_LIST, off(publish), "[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/udp]", \
	  "forward a port of the host to the container" },					\
	{ "listen", 0, OPT_LIST, off(listen), "[NAME=]tcp|udp:[IP:]PORT|unix:PATH",		\
	  "bind a socket here and pass it on" },						\
	{ "rootfs", 0, OPT_STRING, off(rootfs), "DIR",						\
	  "this root file system; run and plan need no config.json then" },			\
	{ "overlay", 0, OPT_STRING, off(overlay), "DIR[:DIR...]",				\
	  "layers over the root file system, topmost first" },					\
	{ "upper", 0, OPT_STRING, off(upper), "DIR",						\
	  "keep changes of the root file system in DIR" },					\
	{ "ephemeral", 0, OPT_FLAG, off(ephemeral), NULL,					\
	  "throw changes of the root file system away" },					\
	{ "no-subreaper", 0, OPT_FLAG, off(no_subreaper), NULL,					\
	  "do not adopt orphaned processes" },							\
	PROC_OPTS(off)
/* clang-format on */

/* A library context by the global options; warnings go to the log. */
int cli_open(const struct cli *cli, bool create_root, bryo_ctx **ret, union cli_err *err);
/* Socket activation, if the environment's LISTEN_FDS is meant for this process. */
void cli_listen(struct bryo_create_options *o);
/* The value of --interval, more than 0. In cmd_events.c. */
int cli_interval(const struct cli *cli, const char *text, uint64_t *ret_ns, union cli_err *err);
/* A mistake on the command line: like err_set(EINVAL), with a hint at the command's --help.
 * main then also prints the usage line, and the exit code is misuse_status. */
int cli_usage(const struct cli *cli, union cli_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct run_options {
	bool keep;
	int status_fd; /* status_fd_check() has seen it; 0: none */
};
/*
 * create, start and, unless o->detach, wait and (unless keep) delete: what run and sandbox
 * share. Returns the container's exit code, 0 when detached, or a negative errno; on failure
 * nothing of the container is left. In cmd_run.c.
 */
int run_container(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
		  const struct run_options *run, union cli_err *err);
/*
 * What --rootfs means to run and plan without --bundle and --config: a config.json in memory whose
 * program is the words after the ID (none: sh). *ret is malloc'ed, and NULL where there is a
 * config.json to read: then there may be no such words. In cmd_spec.c.
 */
int spec_for_rootfs(const struct cli *cli, const struct bryo_create_options *create, bool terminal,
		    char **ret, union cli_err *err);

/* Prints what bryo_plan() gave, also with an error, and returns rc or what printing says. marked: it
 * is text, whose marks have colours on a terminal. In cmd_plan.c. */
int plan_print(int rc, const char *text, bool marked, union cli_err *err);

static inline void cli_ctx_freep(bryo_ctx **ctx)
{
	bryo_ctx_free(*ctx);
}

#define auto_ctx __attribute__((cleanup(cli_ctx_freep)))

#endif
