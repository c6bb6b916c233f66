/*
 * test_process.c - the environment: the last of two wins, an empty HOME is none, values are not in
 * errors; and what else of process is decided without the host.
 */
#include "plan/process.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#define LIST(...)                                                                \
	{                                                                        \
		(const char *[]){ __VA_ARGS__ },                                 \
			sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

static const struct {
	const char *what;
	struct strv env;
	const char *want; /* in order, one line each */
	const char *search;
	bool needs_home;
	const char *error;
} rows[] = {
	{ "none", { 0 }, "", NULL, true, NULL },
	{ "one", LIST("A=1"), "A=1\n", NULL, true, NULL },
	{ "the last wins, at the place of the first", LIST("A=1", "B=2", "A=3"), "A=3\nB=2\n", NULL,
	  true, NULL },
	{ "thrice", LIST("A=1", "A=2", "A=3"), "A=3\n", NULL, true, NULL },
	{ "a longer name is another", LIST("AB=1", "A=2", "ABC=3"), "AB=1\nA=2\nABC=3\n", NULL,
	  true, NULL },
	{ "'=' in the value", LIST("A=b=c", "A=b=d"), "A=b=d\n", NULL, true, NULL },
	{ "an empty value stays", LIST("A="), "A=\n", NULL, true, NULL },
	{ "PATH is searched", LIST("PATH=/a", "PATH=/b"), "PATH=/b\n", "/b", true, NULL },
	{ "HOME of the config", LIST("HOME=/h"), "HOME=/h\n", NULL, false, NULL },
	{ "an empty HOME is none", LIST("HOME="), "", NULL, true, NULL },
	{ "an empty HOME first", LIST("HOME=", "A=1", "PATH=/p"), "PATH=/p\nA=1\n", "/p", true,
	  NULL },
	{ "HOME emptied by the second", LIST("HOME=/h", "HOME=", "A=1"), "A=1\n", NULL, true,
	  NULL },
	{ "HOME filled by the second", LIST("HOME=", "HOME=/h"), "HOME=/h\n", NULL, false, NULL },
	{ "a name alone", LIST("A=1", "secret"), NULL, NULL, false,
	  "process.env[1] is not NAME=VALUE" },
	{ "no name", LIST("=secret"), NULL, NULL, false, "process.env[0] is not NAME=VALUE" },
	{ "nothing", LIST(""), NULL, NULL, false, "process.env[0] is not NAME=VALUE" },
};

static struct id_extent all = { 0, 0, UINT32_MAX };

static int plan(struct arena *a, const struct spec_process *p, struct process_plan *ret, char *text,
		size_t size)
{
	static const char *const sh = "sh";
	const struct idmap_plan ids = { .known = true, .uid = { &all, 1 }, .gid = { &all, 1 } };
	const struct host host = { .faked = true };
	struct spec spec = { .process = *p };
	struct process_request q = { .spec = &spec, .process = &spec.process, .seccomp_cache = -1 };
	struct notes notes = { .arena = a };
	struct err err = ERR_INIT;
	int rc;

	if (!spec.process.args.v)
		spec.process.args = (struct strv){ (const char **)&sh, 1 };
	if (!spec.process.cwd)
		spec.process.cwd = "/";
	rc = process_plan(a, &q, &ids, &host, &notes, ret, &err);
	err_format(&err, text, size);
	return rc;
}

static void test_row(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_process p = { .env = rows[i].env };
	struct process_plan got = { 0 };
	auto_str struct str env = STR_INIT;
	char text[1024];
	int rc = plan(&a, &p, &got, text, sizeof(text));

	if (rows[i].error) {
		ok(rc < 0 && strstr(text, rows[i].error) && !strstr(text, "secret"), "env: %s",
		   rows[i].what);
		return;
	}
	str_add(&env, "");
	for (char **e = got.envp + 1; rc == 0 && *e; e++)
		str_addf(&env, "%s\n", *e);
	ok_str(env.p, rows[i].want, rows[i].what);
	ok(str_eq(got.search, rows[i].search) && got.needs_home == rows[i].needs_home,
	   "env: %s: PATH and HOME", rows[i].what);
}

/* Every name comes twice; all hashes meet in one small table. */
static void test_many(void)
{
	auto_arena struct arena a = ARENA_INIT;
	const char **v = arena_alloc(&a, 6000 * sizeof(*v));
	struct spec_process p = { .env = { v, 6000 } };
	struct process_plan got = { 0 };
	bool good = true;
	char text[256], want[32];
	size_t n = 0;

	for (size_t i = 0; i < 6000; i++)
		v[i] = arena_printf(&a, "N%zu=%zu", i % 3000, i);
	if (plan(&a, &p, &got, text, sizeof(text)) == 0)
		for (; got.envp[n + 1]; n++) {
			(void)snprintf(want, sizeof(want), "N%zu=%zu", n, n + 3000);
			good &= str_eq(got.envp[n + 1], want);
		}
	ok(good && n == 3000, "3000 names given twice");
}

static const struct {
	const char *what;
	struct spec_process p;
	const char *error;
} refused[] = {
	{ "relative cwd", { .cwd = "tmp" }, "process.cwd: 'tmp' is not absolute" },
	{ "empty cwd", { .cwd = "" }, "process.cwd" },
	{ "empty program", { .args = LIST("") }, "process.args is empty" },
};

/* Names that begin alike meet in a table of 16: only whole names may be taken for the same. */
static void test_prefixes(void)
{
	bool good = true;

	for (int letter = '!'; letter <= '~'; letter++) {
		auto_arena struct arena a = ARENA_INIT;
		const char *v[7];
		struct spec_process p = { .env = { v, ARRAY_LEN(v) } };
		struct process_plan got = { 0 };
		char text[256], name[8];

		if (letter == '=')
			continue;
		memset(name, letter, sizeof(name));
		for (int i = 0; i < 7; i++)
			v[i] = arena_printf(&a, "%.*s=%d", 7 - i, name, i);
		good &= plan(&a, &p, &got, text, sizeof(text)) == 0;
		for (int i = 0; good && i < 7; i++)
			good = str_eq(got.envp[i + 1], v[i]);
	}
	ok(good, "env: names that begin alike stay apart");
}

static void test_refusals(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct process_plan got = { 0 };
		char text[1024];
		int rc = plan(&a, &refused[i].p, &got, text, sizeof(text));

		ok(rc < 0 && strstr(text, refused[i].error), "refused: %s", refused[i].what);
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(i);
	test_many();
	test_prefixes();
	test_refusals();
	return done();
}
