/*
 * test_sync.c - the named messages, over a real pair: what was sent arrives, what was not expected
 * is told by name, the other side's death is an error everywhere but at the end.
 */
#include "proc/sync.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int mine, theirs;
static char text[4096];

static void pair(void)
{
	int sock[2];

	if (sync_pair(sock, NULL) < 0)
		exit(99);
	mine = sock[0];
	theirs = sock[1];
}

static void unpair(void)
{
	(void)close(mine);
	(void)close(theirs);
}

static bool says(const struct err *err, const char *part)
{
	bool there = strstr(err_format(err, text, sizeof(text)), part) != NULL;

	if (!there)
		printf("#  got: %s\n", text);
	return there;
}

static void test_names(void)
{
	bool good = true;

	for (int m = SYNC_MAPPED; m <= SYNC_FAILED; m++)
		for (int k = SYNC_MAPPED; k <= SYNC_FAILED; k++)
			good &= (m == k) ==
				str_eq(sync_name((enum sync_msg)m), sync_name((enum sync_msg)k));
	ok(good, "every message has a name of its own");
	ok_str(sync_name((enum sync_msg)0), sync_name((enum sync_msg)999),
	       "what is none has a word too");
}

static void test_plain(void)
{
	struct err err = ERR_INIT;
	struct sync_packet p;

	pair();
	ok(fcntl(mine, F_GETFD) & FD_CLOEXEC && fcntl(theirs, F_GETFD) & FD_CLOEXEC,
	   "both ends are close-on-exec");
	ok(sync_send(mine, SYNC_MAPPED, &err) == 0 && sync_send(mine, SYNC_PLACED, &err) == 0 &&
		   sync_expect(theirs, SYNC_MAPPED, "runtime", NULL, &err) == 0 &&
		   sync_expect(theirs, SYNC_PLACED, "runtime", NULL, &err) == 0,
	   "messages arrive one by one and in order");
	ok(sync_send_with(theirs, SYNC_JOINED, "payload", 8, -1, &err) == 0 &&
		   sync_expect(mine, SYNC_JOINED, "joiner", &p, &err) == 0 &&
		   p.msg == SYNC_JOINED && p.len == 8 && memcmp(p.payload, "payload", 8) == 0 &&
		   p.fds[0] == -1 && p.fds[1] == -1,
	   "a payload arrives whole");
	unpair();
}

static void test_descriptor(void)
{
	auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	auto_fd int probe = -1;
	struct err err = ERR_INIT;
	struct sync_packet p;
	struct stat sent, got;

	pair();
	ok(sync_send_with(theirs, SYNC_READY, NULL, 0, null, &err) == 0 &&
		   sync_expect(mine, SYNC_READY, "init", &p, &err) == 0 && p.fds[0] >= 0 &&
		   fstat(null, &sent) == 0 && fstat(p.fds[0], &got) == 0 &&
		   sent.st_rdev == got.st_rdev,
	   "a descriptor arrives");
	ok(fcntl(p.fds[0], F_GETFD) & FD_CLOEXEC, "close-on-exec");
	(void)close(p.fds[0]);
	probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)sync_send_with(theirs, SYNC_READY, NULL, 0, null, &err);
	(void)sync_expect(mine, SYNC_READY, "init", NULL, &err);
	ok(fcntl(probe + 1, F_GETFD) < 0, "one that nobody wants is closed");
	(void)sync_send_with(theirs, SYNC_READY, NULL, 0, null, &err);
	ok(sync_expect(mine, SYNC_MOUNTED, "init", &p, &err) < 0 && fcntl(probe + 1, F_GETFD) < 0,
	   "and so is that of an unexpected message");
	unpair();
}

static void test_unexpected(void)
{
	struct err err = ERR_INIT;

	pair();
	(void)sync_send(mine, SYNC_HOOKED, &err);
	ok(sync_expect(theirs, SYNC_PLACED, "runtime", NULL, &err) == -EPROTO &&
		   says(&err, "hooked") && says(&err, "placed"),
	   "an unexpected message is an error with both names");
	(void)send(mine, "x", 1, 0);
	ok(sync_expect(theirs, SYNC_PLACED, "runtime", NULL, &err) == -EPROTO,
	   "a short packet is an error");
	(void)close(mine);
	ok(sync_expect(theirs, SYNC_PLACED, "the runtime", NULL, &err) < 0 &&
		   says(&err, "the runtime") && says(&err, "placed"),
	   "the other side's death names it and what it owed");
	err = (struct err)ERR_INIT;
	ok(sync_send(theirs, SYNC_MOUNTED, &err) == -EPIPE && err.num == EPIPE,
	   "sending to nobody is an error and no signal");
	(void)close(theirs);
}

static void test_failed(void)
{
	struct err cause = ERR_INIT, err = ERR_INIT;

	pair();
	err_set(&cause, EACCES, "open '/x'");
	err_in(&cause, 0, "mount '/m'");
	err_hint(&cause, 0, "do this");
	cause.exec = true;
	sync_fail(theirs, &cause);
	ok(sync_expect(mine, SYNC_READY, "init", NULL, &err) == -EACCES && err.num == EACCES &&
		   err.exec,
	   "failed comes instead of any message, with its code");
	ok_str(err_format(&err, text, sizeof(text)), "mount '/m': open '/x' [do this]",
	       "and the whole chain");
	unpair();
}

/* Text of the other side is bounded and terminated by us: it may be hostile. */
static void test_hostile(void)
{
	struct {
		int msg;
		unsigned len;
		struct err cause;
	} bad = { .msg = SYNC_FAILED, .len = sizeof(struct err) };
	const struct {
		int num;
		unsigned chain, used;
	} rows[] = {
		{ -1, 0, 4 },  { 0, 0, 4 },	     { EIO, 0, ERR_TEXT + 1 }, { EIO, 0, UINT_MAX },
		{ EIO, 5, 4 }, { EIO, UINT_MAX, 4 }, { EIO, 0, ERR_TEXT },
	};

	pair();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;

		memset(&bad.cause, 0xff, sizeof(bad.cause));
		bad.cause.num = rows[i].num;
		bad.cause.chain = rows[i].chain;
		bad.cause.used = rows[i].used;
		(void)send(theirs, &bad, sizeof(bad), 0);
		ok(sync_expect(mine, SYNC_READY, "init", NULL, &err) < 0 && err.num > 0 &&
			   err.used <= sizeof(err.text) && err.chain <= err.used &&
			   memchr(err.hint, '\0', sizeof(err.hint)) &&
			   strlen(err_format(&err, text, sizeof(text))) < sizeof(text),
		   "a broken chain is made harmless: %d %u %u", rows[i].num, rows[i].chain,
		   rows[i].used);
	}
	struct err err = ERR_INIT;

	(void)send(theirs, &bad, 100, 0);
	ok(sync_expect(mine, SYNC_READY, "init", NULL, &err) < 0 && err.num > 0,
	   "one that is cut short is an error");
	unpair();
}

static void test_end(void)
{
	struct err err = ERR_INIT, cause = ERR_INIT;

	pair();
	(void)close(theirs);
	ok(sync_expect_end(mine, "init", &err) == 0 && !err.num,
	   "after exec the end of file is success");
	(void)close(mine);
	pair();
	err_set(&cause, ENOENT, "exec 'x'");
	sync_fail(theirs, &cause);
	ok(sync_expect_end(mine, "init", &err) == -ENOENT, "failed is not");
	unpair();
	pair();
	(void)sync_send(theirs, SYNC_READY, &err);
	ok(sync_expect_end(mine, "init", &err) == -EPROTO, "nor is a message");
	unpair();
}

int main(void)
{
	test_names();
	test_plain();
	test_descriptor();
	test_unexpected();
	test_failed();
	test_hostile();
	test_end();
	return done();
}
