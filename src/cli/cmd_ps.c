/*
 * cmd_ps.c - `bryo ps`: the processes of a container, as the host numbers them. The table is
 * the host's own ps, cut down to those rows, because only ps knows all that its options print.
 */
#include "cmd.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "out.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PS_MAX (64u << 20)
#define BLANKS " \t"

struct ps_args {
	const char *format;
};

struct pids {
	pid_t *v;
	size_t n;
};

static const struct opt ps_opts[] = {
	{ "format", 'f', OPT_CHOICE, offsetof(struct ps_args, format), "table|json",
	  "how to print (default: table)" },
	{ 0 },
};

static void ps_json(const struct pids *pids, struct str *ret)
{
	auto_json_out struct json_out json;

	json_out_init(&json, NULL);
	json_out_array(&json, NULL);
	for (size_t i = 0; i < pids->n; i++)
		json_out_i64(&json, NULL, pids->v[i]);
	json_out_end(&json, ']');
	str_addf(ret, "%s\n", json.s.p);
}

/* What `ps ARGS` prints. Into a memfd: a table of any length, and no pipe to keep empty. */
static int ps_host(const struct cli *cli, char **ret, union cli_err *err)
{
	char *const *args = cli->words + 1;
	auto_fd int out = memfd_create("bryo-ps", MFD_CLOEXEC);
	struct child c = CHILD_INIT;
	char **argv = arena_alloc(cli->arena, (cli->n_words + 2) * sizeof(*argv));
	size_t len;
	int rc;

	if (out < 0)
		return err_sys(&err->own, "memfd for the output of ps");
	argv[0] = arena_strdup(cli->arena, "ps");
	argv[1] = arena_strdup(cli->arena, "-ef");
	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	c.path = "ps";
	c.argv = argv;
	c.out = out;
	c.error = STDERR_FILENO;
	rc = child_run(&c, &err->own);
	child_release(&c);
	if (rc < 0)
		return err_hint(&err->own, rc, "'bryo ps --format json' needs no ps");
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_sys(&err->own, "rewind the output of ps");
	return fd_read_all(out, PS_MAX, ret, &len, &err->own);
}

/* Start of the index-th field, or NULL. */
static const char *ps_field(const char *line, size_t index)
{
	for (;;) {
		line += strspn(line, BLANKS);
		if (!*line)
			return NULL;
		if (!index--)
			return line;
		line += strcspn(line, BLANKS);
	}
}

static int ps_pid_column(const char *heading, size_t *ret)
{
	const char *field;
	size_t i;

	for (i = 0; (field = ps_field(heading, i)); i++) {
		if (strcspn(field, BLANKS) == 3 && memcmp(field, "PID", 3) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

static bool ps_line_wanted(const char *line, size_t column, const struct pids *pids)
{
	const char *field = ps_field(line, column);
	char number[16];
	unsigned long long pid;
	size_t len = field ? strcspn(field, BLANKS) : 0;

	if (!len || len >= sizeof(number))
		return false;
	memcpy(number, field, len);
	number[len] = '\0';
	if (!str_to_u64(number, INT_MAX, &pid))
		return false;
	for (size_t i = 0; i < pids->n; i++)
		if (pids->v[i] == (pid_t)pid)
			return true;
	return false;
}

static int ps_table(const struct cli *cli, const struct pids *pids, struct str *ret,
		    union cli_err *err)
{
	auto_free char *text = NULL;
	char *line, *rest;
	size_t column;
	int rc = ps_host(cli, &text, err);

	if (rc < 0)
		return rc;
	rest = text;
	line = strsep(&rest, "\n");
	if (ps_pid_column(line, &column) < 0)
		return err_hint(&err->own, err_set(&err->own, ENOENT, "ps prints no PID column"),
				"choose other arguments for ps");
	str_addf(ret, "%s\n", line);
	while ((line = strsep(&rest, "\n")))
		if (ps_line_wanted(line, column, pids))
			str_addf(ret, "%s\n", line);
	return 0;
}

static int ps_run(const struct cli *cli, union cli_err *err)
{
	const struct ps_args *args = cli->args;
	auto_str struct str text = STR_INIT;
	auto_ctx bryo_ctx *ctx = NULL;
	auto_free pid_t *list = NULL;
	struct pids pids;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc < 0)
		return rc;
	rc = bryo_ps(ctx, cli->words[0], &list, &pids.n, &err->lib);
	if (rc < 0)
		return rc;
	pids.v = list;
	if (str_eq(args->format, "json"))
		ps_json(&pids, &text);
	else
		rc = ps_table(cli, &pids, &text, err);
	return rc < 0 ? rc : out_text(text.p, &err->own);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "list the processes of a container",
	.synopsis = "[OPTIONS] ID [PS-ARG...]",
	.about = "Prints those rows of 'ps PS-ARG...' (default: -ef) that are the container's.\n"
		 "Process IDs are the host's. Options end with ID.",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.stop_at = 1,
	.min_words = 1,
	.max_words = (size_t)-1,
	.run = ps_run,
};
