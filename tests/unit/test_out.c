/*
 * test_out.c - what list and state print, byte for byte: scripts cut runc's table by column
 * and engines read the members of its JSON.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/out.h"
#include "tap.h"

static const struct {
	const char *what;
	size_t columns, rows;
	const char *cells[6];
	const char *want;
} tables[] = {
	{ "a heading alone has columns of 12",
	  3,
	  1,
	  { "ID", "PID", "OWNER" },
	  "ID          PID         OWNER\n" },
	{ "nine characters still fit",
	  2,
	  2,
	  { "ID", "PID", "123456789", "1" },
	  "ID          PID\n123456789   1\n" },
	{ "ten make the column wider",
	  2,
	  2,
	  { "ID", "PID", "1234567890", "1" },
	  "ID           PID\n1234567890   1\n" },
	{ "an empty cell keeps its column",
	  3,
	  2,
	  { "A", "B", "C", "1", "", "3" },
	  "A           B           C\n1                       3\n" },
};

static void check_table(size_t i)
{
	auto_str struct str got = STR_INIT;

	out_table(tables[i].cells, tables[i].columns, tables[i].rows, &got);
	ok_str(got.p, tables[i].want, tables[i].what);
}

static void check_entry(const struct bryo_entry *e, const char *want, const char *what)
{
	auto_json_out struct json_out json;

	json_out_init(&json, NULL);
	out_entry(e, &json);
	ok_str(json.s.p, want, what);
}

static void test_colours(void)
{
	static const struct {
		const char *plain, *coloured;
	} rows[] = {
		{ "container 'x' from /b\n", "container 'x' from /b\n" },
		{ "  x process.cwd: bad\n", "\033[31m  x process.cwd: bad\033[0m\n" },
		{ "! mount /a\n~ mount /b",
		  "\033[33m! mount /a\033[0m\n\033[36m~ mount /b\033[0m" },
		{ "cgroup !\n", "\033[33mcgroup !\033[0m\n" },
		{ "  args         test !\n", "  args         test !\n" },
		{ "x\n", "x\n" },
		{ "\n", "\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str s = STR_INIT;

		out_colour_marks(rows[i].plain, &s);
		if (!ok(str_eq(s.p, rows[i].coloured), "marks in colour, %zu", i))
			printf("#  got: %s\n", s.p);
	}
}

int main(void)
{
	static char id[] = "box", bundle[] = "/b", rootfs[] = "/r",
		    created[] = "2026-01-02T03:04:05Z";
	static char owner[] = "alice", version[] = "1.3.0", annotations[] = "{\"a\":\"b\"}";
	static char scope[] = "a.scope";
	struct bryo_entry e = {
		.id = id,
		.bundle = bundle,
		.rootfs = rootfs,
		.created = created,
		.owner = owner,
		.oci_version = version,
		.annotations = annotations,
		.pid = 7,
		.status = BRYO_RUNNING,
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		check_table(i);
	check_entry(&e,
		    "{\"ociVersion\":\"1.3.0\",\"id\":\"box\",\"pid\":7,\"status\":\"running\","
		    "\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":\"2026-01-02T03:04:05Z\","
		    "\"annotations\":{\"a\":\"b\"},\"systemd-scope\":\"\",\"owner\":\"alice\"}",
		    "an entry has all members, in runc's order");
	e.annotations = NULL;
	e.owner = NULL;
	e.systemd_scope = scope;
	e.pid = 0;
	e.status = BRYO_STOPPED;
	check_entry(&e,
		    "{\"ociVersion\":\"1.3.0\",\"id\":\"box\",\"pid\":0,\"status\":\"stopped\","
		    "\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":\"2026-01-02T03:04:05Z\","
		    "\"systemd-scope\":\"a.scope\",\"owner\":\"\"}",
		    "no annotations, no pid, no owner; a scope");
	test_colours();
	return done();
}
