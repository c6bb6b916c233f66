/*
 * test_supervise.c - words of --timeout, --init, --die-with-parent and --proc in their annotations
 * (feature/supervise.h, oci/proc_word.h), and what is due when (proc/limit.h).
 */
#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/supervise.h"
#include "oci/proc_word.h"
#include "proc/limit.h"
#include "tap.h"

#include <errno.h>

#define S UINT64_C(1000000000)

static const struct {
	const char *text;
	uint64_t timeout, grace;
} times[] = {
	{ "10s", 10 * S, 10 * S },
	{ "1m30s", 90 * S, 10 * S },
	{ "1.5h,0", 5400 * S, 0 },
	{ "200ms,1s", S / 5, S },
	{ "0", 0, 0 },
	{ "0s,5s", 0, 0 },
	{ "-5s", 0, 0 },
	{ "5", 0, 0 },
	{ "", 0, 0 },
	{ ",5s", 0, 0 },
	{ "5s,", 0, 0 },
	{ "5s,5", 0, 0 },
	{ "5s,-1s", 0, 0 },
	{ "5s,5s,5s", 0, 0 },
	{ "5s 5s", 0, 0 },
	{ "300y", 0, 0 },
	{ "9999999999h", 0, 0 },
	{ "0000000000000000000000000000000000000000000000000000000000000000000005s", 0, 0 },
};

static void test_times(void)
{
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct err err = ERR_INIT;
		uint64_t timeout = 0, grace = 0;
		int rc = supervise_timeout(times[i].text, &timeout, &grace, &err);

		ok(rc == (times[i].timeout ? 0 : -EINVAL) && timeout == times[i].timeout &&
			   grace == times[i].grace && (rc == 0 || err.hint[0]),
		   "timeout '%s'", times[i].text);
	}
}

static const struct {
	const char *name, *value;
	uint32_t create;
	int rc;
	bool init, die;
} words[] = {
	{ INIT_ANNOTATION, "true", CLONE_NEWPID, 0, true, false },
	{ INIT_ANNOTATION, "false", 0, 0, false, false },
	{ INIT_ANNOTATION, "true", CLONE_NEWUSER, -EINVAL, true, false },
	{ INIT_ANNOTATION, "1", CLONE_NEWPID, -EINVAL, false, false },
	{ DIE_ANNOTATION, "true", 0, 0, false, true },
	{ DIE_ANNOTATION, "", 0, -EINVAL, false, false },
	{ TIMEOUT_ANNOTATION, "soon", 0, -EINVAL, false, false },
};

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct pair one = { words[i].name, words[i].value };
		struct spec spec = { .annotations = { &one, 1 } };
		struct ns_plan ns = { .create = words[i].create };
		struct supervise_plan plan = { 0 };
		struct err err = ERR_INIT;
		int rc = supervise_plan(&spec, &ns, &plan, &err);

		ok(rc == words[i].rc && plan.init == words[i].init &&
			   plan.die_with_parent == words[i].die,
		   "%s=%s", words[i].name, words[i].value);
	}
}

static void test_detached(void)
{
	const struct supervise_plan init = { .init = true }, die = { .die_with_parent = true },
				    timeout = { .timeout_ns = S };
	struct err err = ERR_INIT;

	ok(supervise_detached(&init, &err) == 0, "detached: init needs nobody outside");
	ok(supervise_detached(&die, &err) == -EINVAL, "detached: dying with the parent does");
	ok(supervise_detached(&timeout, &err) == -EINVAL, "detached: a timeout does");
}

static void test_proc(void)
{
	static const struct {
		const char *value;
		enum proc_word word;
	} cases[] = { { "new", PROC_NEW }, { "bind", PROC_BIND }, { "none", PROC_NONE } };
	struct pair one = { PROC_ANNOTATION, "old" };
	struct spec spec = { .annotations = { &one, 1 } }, silent = { 0 };
	struct err err = ERR_INIT;
	enum proc_word word;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		one.value = cases[i].value;
		ok(proc_word_of(&spec, &word, &err) == 0 && word == cases[i].word, "proc '%s'",
		   one.value);
	}
	one.value = "old";
	ok(proc_word_of(&spec, &word, &err) == -EINVAL, "proc 'old'");
	ok(proc_word_of(&silent, &word, &err) == 0 && word == PROC_NOT_SAID, "proc without a word");
	ok(proc_word_covers("/proc") && proc_word_covers("/proc/cpuinfo") &&
		   !proc_word_covers("/process") && !proc_word_covers("/"),
	   "what is below /proc");
}

static void test_limit(void)
{
	struct limit l = LIMIT_INIT;

	limit_start(&l);
	ok(limit_wait_ms(&l) == -1, "no limit: nothing is ever due");
	l.timeout_ns = 3600 * S;
	l.grace_ns = 0;
	limit_start(&l);
	ok(limit_wait_ms(&l) > 3590000 && limit_wait_ms(&l) <= 3600000,
	   "an hour is due in an hour");
	limit_step(&l, -1, false);
	ok(!l.timed_out && l.next_ns, "and not before");
	l.next_ns = 1;
	ok(limit_wait_ms(&l) == 0, "what was due is due now");
	limit_step(&l, -1, false);
	ok(l.timed_out && !l.killed && l.next_ns, "first SIGTERM");
	limit_step(&l, -1, false);
	ok(l.killed && !l.next_ns && limit_wait_ms(&l) == -1, "then SIGKILL, and no more");
	l = (struct limit)LIMIT_INIT;
	limit_step(&l, -1, true);
	ok(l.killed && !l.timed_out, "the end of the caller is no timeout");
}

int main(void)
{
	test_times();
	test_words();
	test_detached();
	test_proc();
	test_limit();
	return done();
}
