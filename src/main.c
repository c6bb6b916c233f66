/*
 * main.c - the command line: global options, the table of commands, help printed from that
 * table, and one place where an error is printed and becomes an exit code. Runs in the process
 * that the user or the engine started. Knows nothing of containers.
 */
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_target.h"
#include "cli/cmd.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "lib/bryo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPEC_VERSION	   "1.3.0"
#define SECCOMP_ANNOTATION "io.github.seccomp.libseccomp.version"

struct globals {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless;
	bool debug, systemd_cgroup, version;
};

#define OFF(member) offsetof(struct globals, member)

static const struct opt global_opts[] = {
	{ "root", 0, OPT_STRING, OFF(root), "DIR", "state directory" },
	{ "log", 0, OPT_STRING, OFF(log), "FILE",
	  "log to FILE, journald:ID or syslog:ID (default: standard error)" },
	{ "log-format", 0, OPT_CHOICE, OFF(log_format), "text|json",
	  "form of log lines (default: text)" },
	{ "log-level", 0, OPT_CHOICE, OFF(log_level), "error|warning|info|debug",
	  "how much to log (default: warning)" },
	{ "debug", 0, OPT_FLAG, OFF(debug), NULL, "as --log-level debug" },
	{ "cgroup-manager", 0, OPT_CHOICE, OFF(cgroup_manager), "cgroupfs|systemd|disabled",
	  "who makes cgroups" },
	{ "rootless", 0, OPT_CHOICE, OFF(rootless), "true|false|auto",
	  "accepted for runc's callers; no effect" },
	{ "systemd-cgroup", 0, OPT_FLAG, OFF(systemd_cgroup), NULL, "as --cgroup-manager systemd" },
	{ "version", 'v', OPT_FLAG, OFF(version), NULL, "print the version" },
	{ "version", 'V', OPT_FLAG, OFF(version), NULL, NULL },
	{ 0 },
};

static const struct command *const commands[] = {
	&cmd_run,    &cmd_sandbox, &cmd_create, &cmd_start, &cmd_exec,	   &cmd_kill,
	&cmd_delete, &cmd_gc,	&cmd_state,   &cmd_list,	&cmd_ps,    &cmd_features, &cmd_mounts, &cmd_port,
	&cmd_pause,  &cmd_resume,  &cmd_update,	 &cmd_events, &cmd_stats,
	&cmd_bundle, &cmd_rm_tree,
	&cmd_spec,   &cmd_plan,	   &cmd_doctor,	&cmd_completion, &cmd_checkpoint, &cmd_restore,
	NULL,
};

/*
 * Never more than the caller: an ordinary user's options must not act with somebody else's
 * rights. Outside of uid 0, permitted capabilities that are not ambient came from the file.
 */
static int main_rights(union cli_err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	bool gained = false;

	if (getuid() != geteuid() || getgid() != getegid()) {
		(void)err_set(&err->own, EPERM, "refusing to run set-user-ID or set-group-ID");
		return err_hint(&err->own, -EPERM, "chmod u-s,g-s on the bryo program: it needs no privileges");
	}
	if (getuid() == 0 || syscall(SYS_capget, &head, caps) < 0)
		return 0;
	for (unsigned cap = 0; cap < 64; cap++)
		if (caps[cap / 32].permitted & 1U << cap % 32)
			gained |= prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 1;
	if (!gained)
		return 0;
	(void)err_set(&err->own, EPERM, "refusing to run with file capabilities");
	return err_hint(&err->own, -EPERM, "setcap -r on the bryo program: it needs no privileges");
}

/*
 * A caller may have started us without some of the three standard descriptors; a file that we
 * open must not take their place and then be written to as if it were standard error.
 */
static int main_stdio(union cli_err *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return err_sys(&err->own, "open /dev/null as descriptor %d", fd);
		if (fd_set_cloexec(fd, false, &err->own) < 0)
			return -EIO;
	}
	return 0;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (str_eq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void usage_line(const struct command *c, struct str *ret)
{
	if (!c)
		str_add(ret, "usage: bryo [OPTIONS] COMMAND [ARG...]\n");
	else
		str_addf(ret, "usage: bryo %s%s%s\n", c->name, *c->synopsis ? " " : "",
			 c->synopsis);
}

/* c NULL: of bryo itself. */
static int help_print(const struct command *c, union cli_err *err)
{
	auto_str struct str text = STR_INIT;

	usage_line(c, &text);
	if (c) {
		if (c->about)
			str_addf(&text, "\n%s\n", c->about);
		str_add(&text, "\nOptions:\n");
		opt_help(c->opts, &text);
		return out_text(text.p, &err->own);
	}
	str_add(&text, "\nRuns OCI containers, as whoever you are.\n\nCommands:\n");
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->summary)
			str_addf(&text, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	str_addf(&text, "  %-12s %s\n", "help", "print this help, or that of a command");
	str_add(&text, "\nOptions, before the command:\n");
	opt_help(global_opts, &text);
	return out_text(text.p, &err->own);
}

/* The loaded libseccomp is known to the library alone; its features document tells. */
static const char *version_seccomp(struct arena *a)
{
	struct bryo_ctx_options o = { .size = sizeof(o) };
	const struct json *annotations, *version;
	auto_ctx bryo_ctx *ctx = NULL;
	auto_free char *text = NULL;
	struct json *doc;

	if (bryo_ctx_new(&o, &ctx, NULL) < 0 || bryo_features(ctx, &text, NULL) < 0)
		return NULL;
	if (json_parse(a, "features", text, strlen(text), &doc, NULL) < 0)
		return NULL;
	annotations = json_get(doc, "annotations");
	version = annotations ? json_get(annotations, SECCOMP_ANNOTATION) : NULL;
	return version && version->type == JSON_STRING ? version->text : NULL;
}

/* Engines read the first line, test suites the one with the plus signs. */
static int version_print(struct arena *a, union cli_err *err)
{
	const char *seccomp = version_seccomp(a);
	auto_str struct str text = STR_INIT;

	str_addf(&text, "bryo version %s\n", bryo_version());
#ifdef BRYO_COMMIT
	str_addf(&text, "commit: %s\n", BRYO_COMMIT);
#endif
	str_addf(&text, "spec: %s\n", SPEC_VERSION);
	if (seccomp)
		str_addf(&text, "libseccomp: %s\n", seccomp);
	str_add(&text, "+CAP +YAJL");
#ifdef HAVE_SECCOMP
	str_add(&text, " +SECCOMP");
#endif
	str_addc(&text, '\n');
	return out_text(text.p, &err->own);
}

static enum log_level log_level_of(const struct globals *g)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	if (g->debug)
		return LOG_LEVEL_DEBUG;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(g->log_level, names[i]))
			return (enum log_level)i;
	return LOG_LEVEL_WARNING;
}

/* The descriptor stays open to the end of the process, as the sink needs it. */
static int log_open(const struct globals *g, union cli_err *err)
{
	bool json = str_eq(g->log_format, "json");
	struct log_sink sink = {
		.fd = STDERR_FILENO,
		.mirror = -1,
		.level = log_level_of(g),
		.format = json ? LOG_FORMAT_JSON : LOG_FORMAT_PLAIN,
		.role = "runtime",
	};

	if (g->log && *g->log) {
		int rc = log_target_open(g->log, &sink, &err->own);

		if (rc < 0)
			return rc;
		sink.mirror = STDERR_FILENO;
		sink.format = json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	}
	log_set(&sink);
	return 0;
}

/* A mistake in what was typed: tells where the help is, and shows the usage line. */
static int main_misused(const struct command *c, union cli_err *err)
{
	auto_str struct str usage = STR_INIT;

	(void)err_hint(&err->own, 0, c ? "see 'bryo %s --help'" : "see 'bryo --help'",
		       c ? c->name : "");
	out_error(&err->lib);
	usage_line(c, &usage);
	(void)fd_write_all(STDERR_FILENO, usage.p, usage.len, NULL);
	return c && c->misuse_status ? c->misuse_status : EXIT_FAILURE;
}

static int main_failed(const union cli_err *err, int status)
{
	out_error(&err->lib);
	return status;
}

/* Whatever the arguments: engines ask `checkpoint --help` and read the exit status. */
static int command_refused(const struct command *c, union cli_err *err)
{
	(void)err_set(&err->own, ENOTSUP, "%s is not supported: %s", c->name, c->refusal);
	return main_failed(err, EXIT_FAILURE);
}

static int command_words(const struct command *c, const struct opt_result *res, union cli_err *err)
{
	if (res->n_words < c->min_words)
		return err_set(&err->own, EINVAL, "%s: %s", c->name,
			       res->n_words ? "an argument is missing"
					    : "the container's ID is missing");
	if (res->n_words > c->max_words)
		return err_set(&err->own, EINVAL, "%s: unexpected argument '%s'", c->name,
			       res->words[c->max_words]);
	return 0;
}

/* argv is the whole command line, words what follows the command's name. */
static int command_run(const struct command *c, struct cli *cli, char *const *argv,
		       char *const *words)
{
	int fail_status = c->fail_status ? c->fail_status : EXIT_FAILURE;
	void *args = arena_alloc(cli->arena, c->args_size);
	union cli_err err = { .own = ERR_INIT };
	struct opt_result res;
	bool misused = false;
	int rc;

	if (c->refusal)
		return command_refused(c, &err);
	if (c->protect && bryo_protect_self(argv, &err.lib) < 0)
		return main_failed(&err, fail_status);
	rc = opt_parse(cli->arena, c->opts, c->stop_at, words, args, &res, &err.own);
	if (rc < 0) {
		(void)err_in(&err.own, rc, "%s", c->name);
		return main_misused(c, &err);
	}
	if (res.help)
		return help_print(c, &err) < 0 ? main_failed(&err, EXIT_FAILURE) : EXIT_SUCCESS;
	if (command_words(c, &res, &err) < 0)
		return main_misused(c, &err);
	cli->command = c;
	cli->args = args;
	cli->words = res.words;
	cli->n_words = res.n_words;
	cli->misused = &misused;
	cli->commands = commands;
	cli->globals = global_opts;
	rc = c->run(cli, &err);
	if (rc >= 0)
		return rc;
	return misused ? main_misused(c, &err) : main_failed(&err, fail_status);
}

/* `bryo help [COMMAND]` */
static int main_help(char *const *words, union cli_err *err)
{
	const struct command *c = words[0] ? command_find(words[0]) : NULL;

	if (words[0] && !c) {
		(void)err_set(&err->own, EINVAL, "unknown command '%s'", words[0]);
		return main_misused(NULL, err);
	}
	if (c && c->refusal)
		return command_refused(c, err);
	return help_print(c, err) < 0 ? main_failed(err, EXIT_FAILURE) : EXIT_SUCCESS;
}

static int main_dispatch(struct arena *a, const struct globals *g, char *const *argv,
			 char *const *rest)
{
	struct cli cli = { .arena = a, .root = g->root, .cgroup_manager = g->cgroup_manager };
	union cli_err err = { .own = ERR_INIT };
	const struct command *c;

	/* Podman gives both where cgroups are disabled */
	if (g->systemd_cgroup && !g->cgroup_manager)
		cli.cgroup_manager = "systemd";
	if (!rest) {
		(void)err_set(&err.own, EINVAL, "a command is missing");
		return main_misused(NULL, &err);
	}
	if (str_eq(rest[0], "help") || str_eq(rest[0], "h"))
		return main_help(rest + 1, &err);
	c = command_find(rest[0]);
	if (!c) {
		(void)err_set(&err.own, EINVAL, "unknown command '%s'", rest[0]);
		return main_misused(NULL, &err);
	}
	return command_run(c, &cli, argv, rest + 1);
}

int main(int argc, char **argv)
{
	auto_arena struct arena arena = ARENA_INIT;
	union cli_err err = { .own = ERR_INIT };
	struct globals g = { .root = NULL };
	struct opt_result res;
	int rc;

	if (argc < 1)
		return EXIT_FAILURE;
	if (main_rights(&err) < 0 || main_stdio(&err) < 0)
		return main_failed(&err, EXIT_FAILURE);
	if (opt_parse(&arena, global_opts, 1, argv + 1, &g, &res, &err.own) < 0)
		return main_misused(NULL, &err);
	if (log_open(&g, &err) < 0)
		return main_failed(&err, EXIT_FAILURE);
	if (!res.help && !g.version)
		return main_dispatch(&arena, &g, argv, res.rest);
	rc = res.help ? help_print(NULL, &err) : version_print(&arena, &err);
	return rc < 0 ? main_failed(&err, EXIT_FAILURE) : EXIT_SUCCESS;
}
