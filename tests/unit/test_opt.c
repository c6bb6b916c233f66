/*
 * test_opt.c - the option parser: every accepted spelling, where options end, and what a
 * mistake is called. Each case is a command line and the parsed result rendered as text.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/opt.h"
#include "tap.h"

struct args {
	bool detach, tty;
	struct opt_bool privs;
	const char *bundle, *format;
	int fds;
	struct strv env;
};

#define OFF(member) offsetof(struct args, member)

static const struct opt table[] = {
	{ "bundle", 'b', OPT_STRING, OFF(bundle), "DIR", "bundle directory" },
	{ "detach", 'd', OPT_FLAG, OFF(detach), NULL, "do not wait" },
	{ "tty", 't', OPT_FLAG, OFF(tty), NULL, "terminal" },
	{ "tty", 'T', OPT_FLAG, OFF(tty), NULL, NULL },
	{ "no-new-privs", 0, OPT_OPT_BOOL, OFF(privs), NULL, "a flag with three answers" },
	{ "format", 'f', OPT_CHOICE, OFF(format), "table|json", "a long argument word" },
	{ "preserve-fds", 0, OPT_COUNT, OFF(fds), "N", "descriptors" },
	{ "env", 'e', OPT_LIST, OFF(env), "NAME=VALUE", "variable" },
	{ 0 },
};

static const struct {
	const char *what;
	unsigned stop_at;
	const char *line; /* words separated by blanks; "_" stands for an empty word */
	const char *want; /* parsed, or "error: " and the text */
} cases[] = {
	{ "nothing", 0, "", "" },
	{ "words only", 0, "a b", "a b" },
	{ "a lone dash is a word", 0, "-", "-" },

	{ "--name value", 0, "--bundle x", "bundle=x" },
	{ "--name=value", 0, "--bundle=x", "bundle=x" },
	{ "--name= is an empty value", 0, "--bundle= a", "bundle= a" },
	{ "an empty word is a value", 0, "--bundle _ a", "bundle= a" },
	{ "a value may contain =", 0, "--bundle=x=y", "bundle=x=y" },
	{ "a value may look like an option", 0, "--bundle --tty", "bundle=--tty" },
	{ "-n value", 0, "-b x", "bundle=x" },
	{ "-nvalue", 0, "-bx", "bundle=x" },
	{ "-n=value", 0, "-b=x", "bundle=x" },
	{ "-name value", 0, "-bundle x", "bundle=x" },
	{ "-name=value", 0, "-bundle=x", "bundle=x" },
	{ "the last value wins", 0, "-b x --bundle y", "bundle=y" },

	{ "flag", 0, "--detach", "detach" },
	{ "flag by letter", 0, "-d", "detach" },
	{ "flag with one dash", 0, "-detach", "detach" },
	{ "flag=true", 0, "--detach=true", "detach" },
	{ "flag=false", 0, "-d --detach=false", "" },
	{ "-f=false", 0, "-d=false", "" },
	{ "flag=TRUE, flag=t, flag=1, as runc has it", 0, "--tty=TRUE --detach=t --no-new-privs=1",
	  "detach tty privs=1" },
	{ "flag=F, flag=0, and crun's flag=no", 0, "-td --tty=F --detach=0 --no-new-privs=no", "privs=0" },
	{ "a flag takes no next word", 0, "--detach true", "detach true" },
	{ "cluster of flags", 0, "-td", "detach tty" },
	{ "cluster that ends in a value", 0, "-tb x", "tty bundle=x" },
	{ "cluster that ends in a joined value", 0, "-tbx", "tty bundle=x" },
	{ "second letter of a name", 0, "-T", "tty" },
	{ "three answers: unset", 0, "a", "a" },
	{ "three answers: yes", 0, "--no-new-privs", "privs=1" },
	{ "three answers: no", 0, "--no-new-privs=false", "privs=0" },

	{ "choice", 0, "-f json", "format=json" },
	{ "count", 0, "--preserve-fds 3", "fds=3" },
	{ "count at the end of int", 0, "--preserve-fds=2147483647", "fds=2147483647" },
	{ "list", 0, "-e A=1 --env B=2 -eC=3 --env=D=4", "env=A=1 env=B=2 env=C=3 env=D=4" },
	{ "a list does not split at commas", 0, "-e A=1,B=2", "env=A=1,B=2" },

	{ "options after words", 0, "id -b x", "bundle=x id" },
	{ "-- ends the options", 0, "id -- -b x", "id -b x" },
	{ "only the first -- counts", 0, "-- -- a", "-- a" },
	{ "options after the first word, not after the second", 2, "id -t cmd -d -- x",
	  "tty id cmd -d -- x" },
	{ "-- before the stopping word", 2, "id -- cmd -d", "id cmd -d" },
	{ "stop at the first word", 1, "-t id -d", "tty id -d" },

	{ "--help", 0, "--help --nonsense", "help" },
	{ "-h", 0, "-h", "help" },
	{ "-?, as crun has it", 0, "-?", "help" },
	{ "--usage, as crun has it", 0, "--usage", "help" },
	{ "help after a word", 0, "id -t --help", "help tty id" },
	{ "--help=false", 0, "--help=false id", "id" },
	{ "help of the command behind the stopping word", 1, "cmd --help", "cmd --help" },

	{ "unknown option", 0, "--nope", "error: unknown option '--nope'" },
	{ "unknown option, value left out", 0, "--nope=secret", "error: unknown option '--nope'" },
	{ "a prefix is not the option", 0, "--bund x", "error: unknown option '--bund'" },
	{ "unknown letter", 0, "-x", "error: unknown option '-x'" },
	{ "unknown long option with one dash", 0, "-nope", "error: unknown option '-nope'" },
	{ "a signal is not an option", 0, "id -9", "error: unknown option '-9'" },
	{ "unknown letter in a cluster", 0, "-tx", "error: unknown option '-x' in '-tx'" },
	{ "value missing", 0, "--bundle", "error: option '--bundle' needs a value: DIR" },
	{ "value missing after a letter", 0, "-b", "error: option '--bundle' needs a value: DIR" },
	{ "flag with nonsense", 0, "--tty=maybe",
	  "error: option '--tty': 'maybe' is neither true nor false" },
	{ "not a choice", 0, "--format xml",
	  "error: option '--format': 'xml' is not one of table|json" },
	{ "a part of a choice", 0, "--format tab",
	  "error: option '--format': 'tab' is not one of table|json" },
	{ "both choices", 0, "--format table|json",
	  "error: option '--format': 'table|json' is not one of table|json" },
	{ "empty choice", 0, "--format=", "error: option '--format': '' is not one of table|json" },
	{ "count below 0", 0, "--preserve-fds -1",
	  "error: option '--preserve-fds': '-1' is not a number of 0 or more" },
	{ "count over int", 0, "--preserve-fds 2147483648",
	  "error: option '--preserve-fds': '2147483648' is not a number of 0 or more" },
	{ "count that is no number", 0, "--preserve-fds 3x",
	  "error: option '--preserve-fds': '3x' is not a number of 0 or more" },
};

/* Splits in place; as many words as a case ever has. */
static char **split(struct arena *a, const char *line)
{
	char *rest = arena_strdup(a, line), *word;
	char **argv = arena_alloc(a, 32 * sizeof(*argv));
	size_t n = 0;

	while ((word = strsep(&rest, " ")) && n < 31) {
		if (!*word)
			continue;
		argv[n++] = strcmp(word, "_") ? word : word + 1;
	}
	return argv;
}

static void render_args(const struct args *args, struct str *ret)
{
	if (args->detach)
		str_add(ret, " detach");
	if (args->tty)
		str_add(ret, " tty");
	if (args->privs.set)
		str_addf(ret, " privs=%d", args->privs.v);
	if (args->bundle)
		str_addf(ret, " bundle=%s", args->bundle);
	if (args->format)
		str_addf(ret, " format=%s", args->format);
	if (args->fds)
		str_addf(ret, " fds=%d", args->fds);
	for (size_t i = 0; i < args->env.n; i++)
		str_addf(ret, " env=%s", args->env.v[i]);
}

static void check(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str got = STR_INIT;
	struct err err = ERR_INIT;
	struct args args = { .detach = false };
	struct opt_result res;
	char text[512];
	char **argv = split(&a, cases[i].line);
	int rc = opt_parse(&a, table, cases[i].stop_at, argv, &args, &res, &err);

	if (rc < 0) {
		str_addf(&got, " error: %s", err_format(&err, text, sizeof(text)));
	} else {
		if (res.help)
			str_add(&got, " help");
		render_args(&args, &got);
		for (size_t n = 0; n < res.n_words; n++)
			str_addf(&got, " %s", res.words[n]);
	}
	ok_str(got.len ? got.p + 1 : "", cases[i].want, cases[i].what);
}

static void check_rest(void)
{
	auto_arena struct arena a = ARENA_INIT;
	char **argv = split(&a, "-t run -d id");
	struct args args = { .detach = false };
	struct opt_result res;

	ok(opt_parse(&a, table, 1, argv, &args, &res, NULL) == 0 && res.rest == argv + 1,
	   "rest is where parsing stopped");
	ok(res.n_words == 3 && !res.words[3], "words end with NULL");
	ok(opt_parse(&a, table, 1, argv + 4, &args, &res, NULL) == 0 && !res.rest,
	   "no rest without a stopping word");
}

static void check_list(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct args args = { .detach = false };
	struct opt_result res;

	(void)opt_parse(&a, table, 0, split(&a, "-e A -e B"), &args, &res, NULL);
	ok(args.env.n == 2 && !args.env.v[2], "a list ends with NULL");
}

static void check_merge(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct args under = { .detach = false }, over = { .detach = false };
	struct opt_result res;

	(void)opt_parse(&a, table, 0,
			split(&a, "-d -b x --format json --preserve-fds 3 --no-new-privs -e A -e B"),
			&under, &res, NULL);
	(void)opt_parse(&a, table, 0, split(&a, "-t -b y --no-new-privs=false -e C"), &over, &res,
			NULL);
	opt_merge(&a, table, &under, &over);
	ok(over.detach && over.tty, "a flag counts if either has it");
	ok_str(over.bundle, "y", "a value that was given stays");
	ok(str_eq(over.format, "json") && over.fds == 3, "one that was not is taken over");
	ok(over.privs.set && !over.privs.v, "no is an answer");
	ok(over.env.n == 3 && str_eq(over.env.v[0], "A") && str_eq(over.env.v[2], "C") &&
		   !over.env.v[3],
	   "lists are joined, in order");
}

static void check_help(void)
{
	auto_str struct str text = STR_INIT;

	opt_help(table, &text);
	ok_str(text.p,
	       "  -b, --bundle DIR        bundle directory\n"
	       "  -d, --detach            do not wait\n"
	       "  -t, --tty               terminal\n"
	       "      --no-new-privs      a flag with three answers\n"
	       "  -f, --format table|json\n"
	       "                          a long argument word\n"
	       "      --preserve-fds N    descriptors\n"
	       "  -e, --env NAME=VALUE    variable\n"
	       "  -h, --help              show this help\n",
	       "help shows each row once, in order, and --help");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(i);
	check_rest();
	check_list();
	check_merge();
	check_help();
	return done();
}
