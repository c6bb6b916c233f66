/*
 * match.c - --regex of kill and delete (match.h). Runs in the process that the user started. The
 * containers are listed first and acted upon one by one: one that vanishes meanwhile is skipped.
 */
#include "match.h"

#include "base/log.h"

#include <errno.h>
#include <regex.h>

static int match_compile(regex_t *ret, const char *pattern, struct err *err)
{
	char text[128];
	int num = regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB);

	if (num == 0)
		return 0;
	(void)regerror(num, ret, text, sizeof(text));
	err_set(err, EINVAL, "'%.200s' is not a regular expression: %s", pattern, text);
	return err_hint(err, -EINVAL, "POSIX extended, see regex(7)");
}

static void match_warn(const struct bryo_err *failure)
{
	char text[sizeof(failure->text)];

	log_line(LOG_LEVEL_WARNING, "%s", bryo_err_format(failure, text, sizeof(text)));
}

int match_each(bryo_ctx *ctx, const char *pattern,
	       int (*act)(bryo_ctx *ctx, const char *id, const void *arg, struct bryo_err *err),
	       const void *arg, union cli_err *err)
{
	struct bryo_entry *entries = NULL;
	size_t n = 0;
	regex_t regex;
	int rc = match_compile(&regex, pattern, &err->own);

	if (rc < 0)
		return rc;
	rc = bryo_list(ctx, &entries, &n, &err->lib);
	for (size_t i = 0; i < n; i++) {
		struct bryo_err failure = { .num = 0 };

		if (regexec(&regex, entries[i].id, 0, NULL, 0) != 0)
			continue;
		if (act(ctx, entries[i].id, arg, &failure) == -ENOENT || !failure.num)
			continue;
		match_warn(&failure);
	}
	bryo_entries_free(entries, n);
	regfree(&regex);
	return rc;
}
