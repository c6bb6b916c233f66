/*
 * cmd_list.c - `bryo list`: the containers below one state directory. A directory that the user
 * named must exist; the default one appears with the first container, so its absence is an
 * empty list.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"

#include <errno.h>
#include <unistd.h>

#define COLUMNS 6

struct list_args {
	const char *format;
	bool quiet;
};

static const struct opt list_opts[] = {
	{ "format", 'f', OPT_CHOICE, offsetof(struct list_args, format), "table|json",
	  "how to print (default: table)" },
	{ "quiet", 'q', OPT_FLAG, offsetof(struct list_args, quiet), NULL, "only the IDs" },
	{ 0 },
};

static void list_ids(const struct bryo_entry *v, size_t n, struct str *ret)
{
	for (size_t i = 0; i < n; i++)
		str_addf(ret, "%s\n", v[i].id);
}

static void list_json(const struct bryo_entry *v, size_t n, struct str *ret)
{
	auto_json_out struct json_out json;

	json_out_init(&json, NULL);
	json_out_array(&json, NULL);
	for (size_t i = 0; i < n; i++)
		out_entry(&v[i], &json);
	json_out_end(&json, ']');
	str_addf(ret, "%s\n", json.s.p);
}

static const char *list_cell(const char *text)
{
	return text ? text : "";
}

static void list_table(struct arena *a, const struct bryo_entry *v, size_t n, struct str *ret)
{
	static const char *const heading[COLUMNS] = {
		"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER",
	};
	const char **cells = arena_alloc(a, (n + 1) * COLUMNS * sizeof(*cells));

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = heading[i];
	for (size_t i = 0; i < n; i++) {
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = list_cell(v[i].id);
		row[1] = arena_printf(a, "%d", (int)v[i].pid);
		row[2] = bryo_status_name(v[i].status);
		row[3] = list_cell(v[i].bundle);
		row[4] = list_cell(v[i].created);
		row[5] = list_cell(v[i].owner);
	}
	out_table(cells, COLUMNS, n + 1, ret);
}

/* No default state directory yet is an empty list. */
static int list_entries(const struct cli *cli, struct bryo_entry **ret, size_t *ret_n,
			union cli_err *err)
{
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	if (cli->root && access(cli->root, F_OK) < 0)
		return err_sys(&err->own, "state directory '%s'", cli->root);
	rc = cli_open(cli, false, &ctx, err);
	if (rc >= 0)
		rc = bryo_list(ctx, ret, ret_n, &err->lib);
	return rc == -ENOENT && !cli->root ? 0 : rc;
}

static int list_run(const struct cli *cli, union cli_err *err)
{
	const struct list_args *args = cli->args;
	auto_str struct str text = STR_INIT;
	struct bryo_entry *entries = NULL;
	size_t n = 0;
	int rc = list_entries(cli, &entries, &n, err);

	if (rc < 0)
		return rc;
	if (args->quiet)
		list_ids(entries, n, &text);
	else if (str_eq(args->format, "json"))
		list_json(entries, n, &text);
	else
		list_table(cli->arena, entries, n, &text);
	bryo_entries_free(entries, n);
	return text.len ? out_text(text.p, &err->own) : 0;
}

const struct command cmd_list = {
	.name = "list",
	.summary = "list containers",
	.synopsis = "[OPTIONS]",
	.about = "Lists the containers of one state directory, see --root.",
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.run = list_run,
};
