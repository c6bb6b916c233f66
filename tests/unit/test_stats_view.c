/*
 * test_stats_view.c - what `bryo stats` shows (cli/stats_view.h), byte for byte, and the lengths of
 * time that it and `bryo events` take (base/duration.h), which are those of Go.
 */
#include "base/cleanup.h"
#include "base/duration.h"
#include "cli/stats_view.h"
#include "tap.h"

#include <errno.h>

/* -------------------------------------------------------------------------------------- duration */

#define S INT64_C(1000000000)

static const struct {
	const char *text;
	int rc;
	int64_t ns;
} durations[] = {
	{ "5s", 0, 5 * S },
	{ "500ms", 0, S / 2 },
	{ "1m30s", 0, 90 * S },
	{ "1h2m3s4ms5us6ns", 0, 3723 * S + 4005006 },
	{ "1.5h", 0, 5400 * S },
	{ "0.25s", 0, S / 4 },
	{ ".5s", 0, S / 2 },
	{ "1.s", 0, S },
	{ "2.000000001s", 0, 2 * S + 1 },
	{ "2.0000000019s", 0, 2 * S + 1 },
	{ "0.333333333333333333333333333333s", 0, 333333333 },
	{ "7\xc2\xb5s", 0, 7000 },
	{ "7\xce\xbcs", 0, 7000 },
	{ "0", 0, 0 },
	{ "+0", 0, 0 },
	{ "0s", 0, 0 },
	{ "-0", 0, 0 },
	{ "-1.5s", 0, -3 * S / 2 },
	{ "+1s", 0, S },
	{ "0.5ns", 0, 0 },
	{ "1s1s", 0, 2 * S },
	{ "9223372036854775807ns", 0, INT64_MAX },
	{ "9223372036854775808ns", -ERANGE, 0 },
	{ "2562047h47m16s854ms775us807ns", 0, INT64_MAX },
	{ "2562048h", -ERANGE, 0 },
	{ "9223372036s1s", -ERANGE, 0 },
	{ "99999999999999999999999s", -ERANGE, 0 },
	{ "18446744073709551615h", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "+", -EINVAL, 0 },
	{ "5", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ ".s", -EINVAL, 0 },
	{ ".", -EINVAL, 0 },
	{ "5 s", -EINVAL, 0 },
	{ " 5s", -EINVAL, 0 },
	{ "5s ", -EINVAL, 0 },
	{ "5S", -EINVAL, 0 },
	{ "5sec", -EINVAL, 0 },
	{ "5d", -EINVAL, 0 },
	{ "1s2", -EINVAL, 0 },
	{ "--1s", -EINVAL, 0 },
	{ "1..5s", -EINVAL, 0 },
	{ "1.2.3s", -EINVAL, 0 },
	{ "1e3s", -EINVAL, 0 },
	{ "1s-1s", -EINVAL, 0 },
	{ "0x5s", -EINVAL, 0 },
	{ "\xc2s", -EINVAL, 0 },
};

static void test_duration(size_t i)
{
	int64_t ns = 4711, want = durations[i].rc ? 4711 : durations[i].ns;
	int rc = duration_parse(durations[i].text, &ns);

	if (!ok(rc == durations[i].rc && ns == want, "duration '%s'", durations[i].text))
		printf("# %d, %lld\n", rc, (long long)ns);
}

/* ------------------------------------------------------------------------------------------- CPU */

static void test_cpu(void)
{
	const uint64_t u = BRYO_UNKNOWN;
	struct bryo_stats a = { .time_ns = 1000 * S, .cpu_ns = 5 * S }, b = a,
			  off = stats_unknown();

	b.time_ns += 2 * S;
	ok(stats_cpu(&b, &a) == 0, "cpu: idle");
	b.cpu_ns += S;
	ok(stats_cpu(&b, &a) == 5000, "cpu: one second of two is 50 percent");
	b.cpu_ns += 63 * S;
	ok(stats_cpu(&b, &a) == 320000, "cpu: 32 CPUs are 3200 percent");
	ok(stats_cpu(&a, &b) == u, "cpu: time that runs backwards");
	ok(stats_cpu(&a, &a) == u, "cpu: no time between");
	b.cpu_ns = 1;
	ok(stats_cpu(&b, &a) == u, "cpu: another container of the same name");
	off.time_ns = 2000 * S;
	ok(stats_cpu(&off, &a) == u, "cpu: unknown");
	off.time_ns = 1;
	ok(stats_cpu(&a, &off) == u, "cpu: unknown before");
	b.cpu_ns = u - 1;
	ok(stats_cpu(&b, &a) == u, "cpu: more than can be");
}

/* ----------------------------------------------------------------------------------------- table */

static const struct {
	uint64_t v;
	const char *want;
} bytes[] = {
	{ 0, "0B" },
	{ 999, "999B" },
	{ 1000, "0.97KiB" },
	{ 1024, "1.00KiB" },
	{ 1536, "1.50KiB" },
	{ 10240, "10.0KiB" },
	{ 12645826, "12.0MiB" },
	{ 524288000, "500MiB" },
	{ 1047527424, "999MiB" },
	{ 1048576000, "0.97GiB" },
	{ UINT64_C(3) << 60, "3.00EiB" },
	{ UINT64_MAX - 1, "15.9EiB" },
	{ UINT64_MAX, "-" },
};

/* In column MEM of a table of its own. */
static void test_bytes(size_t i)
{
	struct stats_row row = { .id = "x", .s = stats_unknown(), .cpu = BRYO_UNKNOWN };
	auto_str struct str got = STR_INIT;
	char want[80];

	row.s.memory = bytes[i].v;
	(void)snprintf(want, sizeof(want),
		       "ID             CPU %%      MEM\nx                  -  %7s\n",
		       bytes[i].want);
	stats_table(&row, 1, 29, &got);
	ok_str(got.p, want, bytes[i].want);
}

static struct stats_row busy(const char *id)
{
	return (struct stats_row){
		.id = id,
		.s = { .time_ns = 1,
		       .cpu_ns = 1234567,
		       .memory = 10 << 20,
		       .memory_limit = 40 << 20,
		       .swap = 5,
		       .pids = 3,
		       .pids_limit = BRYO_UNKNOWN,
		       .io_read = 1 << 20,
		       .io_write = 0,
		       .oom_kills = 2,
		       .cpu_psi = { 152, 5 },
		       .memory_psi = { 0, 0 },
		       .io_psi = { 10000, 9999 } },
		.cpu = 15005,
	};
}

static const struct {
	const char *what;
	size_t width;
	const char *want;
} tables[] = {
	{ "as wide as it gets", 0,
	  "ID              CPU %      MEM    LIMIT   MEM %  PIDS     READ    WRITE  PSI CPU  PSI MEM  PSI IO\n"
	  "web            150.05  10.0MiB  40.0MiB   25.00     3  1.00MiB       0B     1.52     0.00  100.00\n"
	  "a-longer-name       -        -        -       -     -        -        -        -        -       -\n" },
	{ "just so", 97,
	  "ID              CPU %      MEM    LIMIT   MEM %  PIDS     READ    WRITE  PSI CPU  PSI MEM  PSI IO\n"
	  "web            150.05  10.0MiB  40.0MiB   25.00     3  1.00MiB       0B     1.52     0.00  100.00\n"
	  "a-longer-name       -        -        -       -     -        -        -        -        -       -\n" },
	{ "no room for pressure", 96,
	  "ID              CPU %      MEM    LIMIT   MEM %  PIDS     READ    WRITE\n"
	  "web            150.05  10.0MiB  40.0MiB   25.00     3  1.00MiB       0B\n"
	  "a-longer-name       -        -        -       -     -        -        -\n" },
	{ "no room for I/O", 70,
	  "ID              CPU %      MEM    LIMIT   MEM %  PIDS\n"
	  "web            150.05  10.0MiB  40.0MiB   25.00     3\n"
	  "a-longer-name       -        -        -       -     -\n" },
	{ "no room for processes", 51,
	  "ID              CPU %      MEM    LIMIT   MEM %\n"
	  "web            150.05  10.0MiB  40.0MiB   25.00\n"
	  "a-longer-name       -        -        -       -\n" },
	{ "no room for the limit", 45,
	  "ID              CPU %      MEM   MEM %\n"
	  "web            150.05  10.0MiB   25.00\n"
	  "a-longer-name       -        -       -\n" },
	{ "no room for its share", 37,
	  "ID              CPU %      MEM\n"
	  "web            150.05  10.0MiB\n"
	  "a-longer-name       -        -\n" },
	{ "the ID is cut", 25,
	  "ID         CPU %      MEM\n"
	  "web       150.05  10.0MiB\n"
	  "a-longe~       -        -\n" },
	{ "but not to nothing", 3,
	  "ID     CPU %      MEM\n"
	  "web   150.05  10.0MiB\n"
	  "a-l~       -        -\n" },
};

static void test_table(size_t i)
{
	struct stats_row rows[] = { busy("web"),
				    { "a-longer-name", stats_unknown(), BRYO_UNKNOWN } };
	auto_str struct str got = STR_INIT;

	stats_table(rows, 2, tables[i].width, &got);
	ok_str(got.p, tables[i].want, tables[i].what);
}

/* An engine's ID: 24 of it are enough where a figure needs the room, and it gets what none needs. */
static void test_long_id(void)
{
	struct stats_row row =
		busy("0123456789012345678901234567890123456789012345678901234567890123");
	auto_str struct str wide = STR_INIT, narrow = STR_INIT, all = STR_INIT;

	stats_table(&row, 1, 80, &narrow);
	ok_str(narrow.p,
	       "ID                                         CPU %      MEM    LIMIT   MEM %  PIDS\n"
	       "012345678901234567890123456789012345678~  150.05  10.0MiB  40.0MiB   25.00     3\n",
	       "a long ID is cut before figures are left out");
	stats_table(&row, 1, 108, &wide);
	ok(wide.p && strstr(wide.p, "\n01234567890123456789012~  150.05"), "down to 24");
	stats_table(&row, 1, 200, &all);
	ok(all.p && strstr(all.p, "567890123  150.05"), "and whole where there is room");
}

static void test_empty(void)
{
	auto_str struct str got = STR_INIT;

	stats_table(NULL, 0, 30, &got);
	ok_str(got.p, "ID             CPU %      MEM\n", "no container is a heading");
}

static void test_share(void)
{
	struct stats_row row = busy("web");
	auto_str struct str got = STR_INIT;

	row.s.memory_limit = 0;
	stats_table(&row, 1, 0, &got);
	ok(got.p && strstr(got.p, "10.0MiB       0B       -"), "no share of a limit of nothing");
}

/* ------------------------------------------------------------------------------------------ JSON */

static void check_json(const struct stats_row *row, const char *want, const char *what)
{
	auto_json_out struct json_out o;

	json_out_init(&o, NULL);
	stats_json(row, "2026-01-02T03:04:05Z", &o);
	ok_str(o.s.p, want, what);
}

static void test_json(void)
{
	struct stats_row row = busy("web"), off = { "x", stats_unknown(), BRYO_UNKNOWN };

	check_json(
		&row,
		"{\"id\":\"web\",\"time\":\"2026-01-02T03:04:05Z\",\"cpuPercent\":150.05,\"cpuNs\":1234567,"
		"\"memory\":10485760,\"memoryLimit\":41943040,\"swap\":5,\"pids\":3,\"pidsLimit\":null,"
		"\"ioRead\":1048576,\"ioWrite\":0,\"oomKills\":2,\"psi\":{\"cpu\":{\"some\":1.52,\"full\":0.05},"
		"\"memory\":{\"some\":0.00,\"full\":0.00},\"io\":{\"some\":100.00,\"full\":99.99}}}",
		"a JSON object");
	check_json(
		&off,
		"{\"id\":\"x\",\"time\":\"2026-01-02T03:04:05Z\",\"cpuPercent\":null,\"cpuNs\":null,"
		"\"memory\":null,\"memoryLimit\":null,\"swap\":null,\"pids\":null,\"pidsLimit\":null,"
		"\"ioRead\":null,\"ioWrite\":null,\"oomKills\":null,\"psi\":{\"cpu\":{\"some\":null,\"full\":null},"
		"\"memory\":{\"some\":null,\"full\":null},\"io\":{\"some\":null,\"full\":null}}}",
		"what is unknown is null");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		test_duration(i);
	test_cpu();
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
		test_bytes(i);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		test_table(i);
	test_long_id();
	test_empty();
	test_share();
	test_json();
	return done();
}
