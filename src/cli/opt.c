/*
 * opt.c - the option parser of opt.h. One pass over argv: each element is an option of one of
 * the accepted spellings, or a word. Written rather than taken from the C library because
 * callers of runc and crun use both Go's spellings (-bundle DIR, --detach=true) and options
 * after the container's id, and because help must come from the rows that parse.
 */
#include "opt.h"

#include "base/json.h"
#include "base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define HELP_COLUMN 26

/* Where a parse stands. */
struct opt_scan {
	struct arena *arena;
	const struct opt *table;
	char *const *argv; /* the next element */
	void *args;
	bool help;
};

/* Also -? and --usage, which crun's have. */
static const struct opt help_row = {
	.name = "help",
	.letter = 'h',
	.kind = OPT_FLAG,
	.help = "show this help",
};

static bool opt_is_flag(const struct opt *o)
{
	return o->kind == OPT_FLAG || o->kind == OPT_OPT_BOOL;
}

static const struct opt *opt_by_name(const struct opt *table, const char *name, size_t len)
{
	const struct opt *o;

	for (o = table; o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return (len == 4 && memcmp(name, "help", len) == 0) ||
			       (len == 5 && memcmp(name, "usage", len) == 0)
		       ? &help_row
		       : NULL;
}

static const struct opt *opt_by_letter(const struct opt *table, char letter)
{
	const struct opt *o;

	for (o = table; o->name; o++)
		if (o->letter == letter)
			return o;
	return letter == 'h' || letter == '?' ? &help_row : NULL;
}

static bool opt_choice_has(const char *choices, const char *val)
{
	size_t len = strlen(val);
	const char *p = choices;

	for (;;) {
		size_t n = strcspn(p, "|");

		if (n == len && memcmp(p, val, n) == 0)
			return true;
		if (!p[n])
			return false;
		p += n + 1;
	}
}

static int opt_bool(const struct opt *o, const char *val, bool *ret, struct err *err)
{
	*ret = !val || opt_choice_has("true|1|t|T|TRUE|True", val);
	if (!*ret && !opt_choice_has("false|0|f|F|FALSE|False|no", val))
		return err_set(err, EINVAL, "option '--%s': '%s' is neither true nor false",
			       o->name, val);
	return 0;
}

static void opt_append(struct arena *a, struct strv *list, const char *val)
{
	const char **v = arena_alloc(a, (list->n + 2) * sizeof(*v));

	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n++] = val;
	list->v = v;
}

static int opt_count(const struct opt *o, const char *val, int *ret, struct err *err)
{
	unsigned long long n;

	if (!str_to_u64(val, INT_MAX, &n))
		return err_set(err, EINVAL, "option '--%s': '%s' is not a number of 0 or more",
			       o->name, val);
	*ret = (int)n;
	return 0;
}

/* val is NULL only for flags. */
static int opt_store(struct opt_scan *s, const struct opt *o, const char *val, struct err *err)
{
	void *field = (char *)s->args + o->off;
	struct opt_bool *maybe = field;

	if (o == &help_row)
		return opt_bool(o, val, &s->help, err);
	switch (o->kind) {
	case OPT_FLAG:
		return opt_bool(o, val, field, err);
	case OPT_OPT_BOOL:
		maybe->set = true;
		return opt_bool(o, val, &maybe->v, err);
	case OPT_CHOICE:
		if (!opt_choice_has(o->arg, val))
			return err_set(err, EINVAL, "option '--%s': '%s' is not one of %s", o->name,
				       val, o->arg);
		*(const char **)field = val;
		return 0;
	case OPT_STRING:
		*(const char **)field = val;
		return 0;
	case OPT_COUNT:
		return opt_count(o, val, field, err);
	case OPT_LIST:
		opt_append(s->arena, field, val);
		return 0;
	}
	return 0;
}

/* Takes the value from the next element where the spelling did not bring one. */
static int opt_take(struct opt_scan *s, const struct opt *o, const char *val, struct err *err)
{
	if (!val && !opt_is_flag(o)) {
		val = *s->argv;
		if (!val)
			return err_set(err, EINVAL, "option '--%s' needs a value: %s", o->name,
				       o->arg);
		s->argv++;
	}
	return opt_store(s, o, val, err);
}

/* "-n value", "-nvalue", "-n=value", "-td": letters up to the first one that takes a value. */
static int opt_letters(struct opt_scan *s, const char *word, struct err *err)
{
	const char *p;

	for (p = word + 1; *p; p++) {
		const struct opt *o = opt_by_letter(s->table, *p);
		bool equals = p[1] == '=';
		int rc;

		if (!o && p == word + 1)
			return err_set(err, EINVAL, "unknown option '%s'", word);
		if (!o)
			return err_set(err, EINVAL, "unknown option '-%c' in '%s'", *p, word);
		if (equals || (!opt_is_flag(o) && p[1]))
			return opt_store(s, o, p + 1 + equals, err);
		rc = opt_take(s, o, NULL, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int opt_word(struct opt_scan *s, const char *word, struct err *err)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const struct opt *o = opt_by_name(s->table, name, len);

	if (o)
		return opt_take(s, o, name[len] ? name + len + 1 : NULL, err);
	if (word[1] == '-')
		return err_set(err, EINVAL, "unknown option '--%.*s'", (int)len, name);
	return opt_letters(s, word, err);
}

int opt_parse(struct arena *a, const struct opt *table, unsigned stop_at, char *const *argv,
	      void *args, struct opt_result *ret, struct err *err)
{
	struct opt_scan s = { .arena = a, .table = table, .argv = argv, .args = args };
	struct opt_result res = { .words = NULL };
	bool options = true;
	size_t n = 0;

	while (argv[n])
		n++;
	res.words = arena_alloc(a, (n + 1) * sizeof(*res.words));
	while (*s.argv && !s.help) {
		char *word = *s.argv++;
		bool is_option = options && word[0] == '-' && word[1];
		int rc;

		if (is_option && str_eq(word, "--")) {
			options = false;
			continue;
		}
		if (is_option) {
			rc = opt_word(&s, word, err);
			if (rc < 0)
				return rc;
			continue;
		}
		res.words[res.n_words++] = word;
		if (options && res.n_words == stop_at) {
			res.rest = s.argv - 1;
			options = false;
		}
	}
	res.help = s.help;
	*ret = res;
	return 0;
}

static void merge_lists(struct arena *a, const struct strv *under, struct strv *over)
{
	struct strv all = { NULL, 0 };

	for (size_t i = 0; i < under->n; i++)
		opt_append(a, &all, under->v[i]);
	for (size_t i = 0; i < over->n; i++)
		opt_append(a, &all, over->v[i]);
	*over = all;
}

static void opt_merge_row(struct arena *a, const struct opt *o, const void *under, void *over)
{
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)over |= *(const bool *)under;
		return;
	case OPT_OPT_BOOL:
		if (!((const struct opt_bool *)over)->set)
			*(struct opt_bool *)over = *(const struct opt_bool *)under;
		return;
	case OPT_STRING:
	case OPT_CHOICE:
		if (!*(const char **)over)
			*(const char **)over = *(const char *const *)under;
		return;
	case OPT_COUNT:
		if (!*(int *)over)
			*(int *)over = *(const int *)under;
		return;
	case OPT_LIST:
		merge_lists(a, under, over);
	}
}

void opt_merge(struct arena *a, const struct opt *table, const void *under, void *over)
{
	for (const struct opt *o = table; o->name; o++) {
		bool again = false; /* a second spelling of an earlier row */

		for (const struct opt *first = table; first < o; first++)
			again |= first->off == o->off;
		if (!again)
			opt_merge_row(a, o, (const char *)under + o->off, (char *)over + o->off);
	}
}

static void opt_help_row(const struct opt *o, struct str *ret)
{
	size_t start = ret->len, width;

	if (o->letter)
		str_addf(ret, "  -%c, --%s", o->letter, o->name);
	else
		str_addf(ret, "      --%s", o->name);
	if (o->arg)
		str_addf(ret, " %s", o->arg);
	width = ret->len - start;
	if (width + 2 > HELP_COLUMN) {
		str_addc(ret, '\n');
		width = 0;
	}
	str_addf(ret, "%*s%s\n", (int)(HELP_COLUMN - width), "", o->help);
}

void opt_help(const struct opt *table, struct str *ret)
{
	const struct opt *o;

	for (o = table; o->name; o++)
		if (o->help)
			opt_help_row(o, ret);
	opt_help_row(&help_row, ret);
}
