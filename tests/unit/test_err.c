/*
 * test_err.c - the error value: frames outermost first, one line per violation, never too long.
 */
#include "base/err.h"

#include "tap.h"

#include <string.h>

static char buf[8192];

static const char *text(const struct err *err)
{
	return err_format(err, buf, sizeof(buf));
}

static void test_chain(void)
{
	struct err err = ERR_INIT;

	errno = ENOENT;
	ok(err_sys(&err, "open '%s'", "/x") == -ENOENT && err.num == ENOENT,
	   "a system call's code comes back negative");
	ok(err_in(&err, -ENOENT, "mount '%s'", "/m") == -ENOENT, "a frame keeps the code");
	ok_str(text(&err), "mount '/m': open '/x': No such file or directory",
	       "outermost frame first");
	err_hint(&err, 0, "first");
	err_hint(&err, 0, "second");
	ok_str(text(&err), "mount '/m': open '/x': No such file or directory [first]",
	       "the first remedy stays, and is last");
	ok(err_set(&err, EINVAL, "new") == -EINVAL, "a new chain");
	ok_str(text(&err), "new", "forgets the old one, its remedy and its errno");
	ok(err_set(NULL, EPERM, "x") == -EPERM && err_in(NULL, -EPERM, "y") == -EPERM &&
		   err_hint(NULL, -EPERM, "z") == -EPERM,
	   "without a place to write to there is still a code");
}

static void test_also(void)
{
	struct err all = ERR_INIT, one = ERR_INIT;

	err_set(&one, EINVAL, "one");
	err_hint(&one, 0, "remedy");
	ok(err_also(&all, &one) == -EINVAL, "the first of several");
	one = (struct err)ERR_INIT;
	err_set(&one, EPERM, "two");
	ok(err_also(&all, &one) == -EINVAL && all.num == EINVAL, "the first one's code is kept");
	err_in(&all, 0, "where");
	ok_str(text(&all), "one [remedy]\nwhere: two", "one line each, each with its remedy");
	one = all;
	all = (struct err)ERR_INIT;
	err_set(&all, EIO, "zero");
	err_also(&all, &one);
	ok_str(text(&all), "zero\none [remedy]\nwhere: two", "lists are joined");
}

static void test_hostile(void)
{
	struct err err = ERR_INIT, more = ERR_INIT;
	char big[6000], small[10];

	err_set(&err, EINVAL, "a\nb\x1b[31m\rc\x7f");
	err_hint(&err, 0, "d\ne");
	ok(!strpbrk(text(&err), "\n\r\x1b"),
	   "control characters do not reach the terminal, one violation is one line");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&err, EINVAL, "%s", big);
	ok(strlen(text(&err)) < ERR_TEXT, "a long frame is cut");
	err_in(&err, 0, "%s", big);
	err_in(&err, 0, "%s", big);
	ok(strlen(text(&err)) < ERR_TEXT + 600 && err.used <= ERR_TEXT,
	   "frames that do not fit are left out");
	for (int i = 0; i < 500; i++) {
		err_set(&more, EINVAL, "violation %d", i);
		err_also(&err, &more);
	}
	ok(err.used <= ERR_TEXT && err.chain <= err.used, "and so are lines");
	ok(strlen(err_format(&err, small, sizeof(small))) < sizeof(small),
	   "a small buffer is terminated");
	err = (struct err)ERR_INIT;
	for (int i = 0; i < 500; i++) {
		err_set(&more, EINVAL, "violation %d", i);
		err_also(&err, &more);
	}
	ok(strstr(text(&err), "violation 0\nviolation 1\n") != NULL, "the first ones are kept");
}

int main(void)
{
	test_chain();
	test_also();
	test_hostile();
	return done();
}
