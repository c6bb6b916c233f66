/*
 * opt.h - options are rows: name, short letter, kind, where the value lands, argument word,
 * help. Parsing, help text and the lint against the man page all use the same rows.
 *
 *	struct kill_args { bool all; };
 *	#define OFF(f) offsetof(struct kill_args, f)
 *	static const struct opt kill_opts[] = {
 *		{ "all", 'a', OPT_FLAG, OFF(all), NULL, "signal every process of the container" },
 *		{ 0 }
 *	};
 *
 * Accepted forms: "--name value", "--name=value", "-name value" (as Go's flag package does),
 * "-n value", "-nvalue", "-n=value", flags in a cluster ("-td"), and "--" to end the options.
 * Flags take "=true" and "=false". --help and -h belong to every table and are not rows.
 * The last of several values wins, except for lists. Knows nothing of containers. [pure]
 */
#ifndef BRYO_OPT_H
#define BRYO_OPT_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>

enum opt_kind {
	OPT_FLAG,     /* bool */
	OPT_OPT_BOOL, /* struct opt_bool (base/json.h): a flag whose absence means something */
	OPT_STRING,   /* const char *; NULL when not given */
	OPT_CHOICE,   /* const char *, one of the words of .arg, which are separated by '|' */
	OPT_COUNT,    /* int, not negative; 0 when not given */
	OPT_LIST,     /* struct strv (base/json.h): each use adds one, commas are not split */
};

struct opt {
	const char *name; /* without dashes; NULL ends the table */
	char letter;	  /* 0: none */
	enum opt_kind kind;
	size_t off;	  /* offsetof in the args struct */
	const char *arg;  /* argument word for the help ("DIR"); NULL for flags */
	const char *help; /* NULL: not shown (a second spelling) */
};

struct opt_result {
	bool help;	   /* --help was met; parsing stopped there */
	char *const *rest; /* where parsing stopped, when stop_at made it stop; else NULL */
	char **words;	   /* everything that is not an option, NULL-terminated, in the arena */
	size_t n_words;
};

/*
 * Parses argv (NULL-terminated, without the command's name) into args, which the caller has
 * zeroed or filled with defaults. stop_at 0: options may follow words. stop_at N: the Nth word
 * ends the options; it and all that follows are words as they are. Strings point into argv;
 * lists live in the arena. -EINVAL names the option.
 */
int opt_parse(struct arena *a, const struct opt *table, unsigned stop_at, char *const *argv,
	      void *args, struct opt_result *ret, struct err *err);
/*
 * Two structs that were filled by the same table: what over was not given it takes from under,
 * and its lists continue those of under. A flag counts if either has it.
 */
void opt_merge(struct arena *a, const struct opt *table, const void *under, void *over);
/* One line per shown row, sorted as the table is, "  -b, --bundle DIR   help", and --help last. */
void opt_help(const struct opt *table, struct str *ret);

#endif
