/*
 * cmd_port.c - `bryo port`: ports of a running container that the host's are forwarded to.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "out.h"

#include <stdlib.h>

#define COLUMNS 4

struct port_args {
	const char *format;
};

static const struct opt port_opts[] = {
	{ "format", 'f', OPT_CHOICE, offsetof(struct port_args, format), "table|json",
	  "how to print a list (default: table)" },
	{ 0 },
};

static const char *port_range(struct arena *a, uint16_t first, uint16_t count)
{
	if (count == 1)
		return arena_printf(a, "%u", first);
	return arena_printf(a, "%u-%u", first, first + count - 1U);
}

static void port_table(struct arena *a, const struct bryo_port *v, size_t n, struct str *ret)
{
	static const char *const heading[COLUMNS] = { "ADDRESS", "HOST", "CONTAINER", "PROTOCOL" };
	const char **cells = arena_alloc(a, (n + 1) * COLUMNS * sizeof(*cells));

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = heading[i];
	for (size_t i = 0; i < n; i++) {
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = v[i].address[0] ? v[i].address : "*";
		row[1] = port_range(a, v[i].host, v[i].count);
		row[2] = port_range(a, v[i].container, v[i].count);
		row[3] = v[i].udp ? "udp" : "tcp";
	}
	out_table(cells, COLUMNS, n + 1, ret);
}

static void port_json(const struct bryo_port *v, size_t n, struct str *ret)
{
	auto_json_out struct json_out o;

	json_out_init(&o, NULL);
	json_out_array(&o, NULL);
	for (size_t i = 0; i < n; i++) {
		json_out_object(&o, NULL);
		json_out_str(&o, "spec", v[i].spec);
		json_out_str(&o, "address", v[i].address);
		json_out_u64(&o, "host", v[i].host);
		json_out_u64(&o, "container", v[i].container);
		json_out_u64(&o, "count", v[i].count);
		json_out_str(&o, "protocol", v[i].udp ? "udp" : "tcp");
		json_out_end(&o, '}');
	}
	json_out_end(&o, ']');
	str_addf(ret, "%s\n", o.s.p);
}

static int port_list(const struct cli *cli, bryo_ctx *ctx, union cli_err *err)
{
	const struct port_args *args = cli->args;
	auto_str struct str text = STR_INIT;
	auto_free struct bryo_port *ports = NULL;
	size_t n = 0;
	int rc = bryo_port_list(ctx, cli->words[1], &ports, &n, &err->lib);

	if (rc < 0)
		return rc;
	if (str_eq(args->format, "json"))
		port_json(ports, n, &text);
	else
		port_table(cli->arena, ports, n, &text);
	return out_text(text.p, &err->own);
}

static int port_run(const struct cli *cli, union cli_err *err)
{
	const struct port_args *args = cli->args;
	const char *verb = cli->words[0];
	bool list = str_eq(verb, "list"), add = str_eq(verb, "add");
	auto_ctx bryo_ctx *ctx = NULL;
	int rc;

	if (!list && !add && !str_eq(verb, "remove"))
		return cli_usage(cli, err, "'%s' is neither add, list nor remove", verb);
	if (list && cli->n_words > 2)
		return cli_usage(cli, err, "list takes an ID and nothing else");
	if (!list && cli->n_words < 3)
		return cli_usage(cli, err, "%s wants a PORT", verb);
	if (!list && args->format)
		return cli_usage(cli, err, "--format is for list");
	rc = cli_open(cli, false, &ctx, err);
	if (rc == 0 && list)
		return port_list(cli, ctx, err);
	for (size_t i = 2; rc == 0 && i < cli->n_words; i++)
		rc = add ? bryo_port_add(ctx, cli->words[1], cli->words[i], &err->lib)
			 : bryo_port_remove(ctx, cli->words[1], cli->words[i], &err->lib);
	return rc;
}

const struct command cmd_port = {
	.name = "port",
	.summary = "publish ports of a running container, or stop that",
	.synopsis = "add|list|remove [OPTIONS] ID [PORT...]",
	.about =
		"PORT is [IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/tcp|/udp], as for --publish of\n"
		"'bryo run'. Several are taken one after the other; the first that fails ends that.\n"
		"Adding and removing needs a container whose network is slirp4netns.",
	.opts = port_opts,
	.args_size = sizeof(struct port_args),
	.min_words = 2,
	.max_words = (size_t)-1,
	.run = port_run,
};
