/*
 * cmd_stats.c - `bryo stats`: what containers use, as a table that is redrawn in place on a
 * terminal, and as JSON lines elsewhere. Runs in the process that the user started.
 *
 * The library context is made anew for each sample: it costs a fraction of a millisecond, finds
 * a state directory that did not exist before, and only the first one may print warnings, which
 * would end up in the middle of the table.
 *
 * On a terminal the table is ordinary lines, so that the last one stays when it is over: up to
 * its first line, each line overwritten, the rest erased. Signals come by a signalfd, because the
 * cursor has to be shown again before one of them ends or stops the process.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"
#include "stats_view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND	    UINT64_C(1000000000)
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define ERASE_LINE  "\033[K"
#define ERASE_BELOW "\033[J"

struct stats_args {
	const char *interval;
	bool no_stream;
};

#define OFF(member) offsetof(struct stats_args, member)

static const struct opt stats_opts[] = {
	{ "interval", 0, OPT_STRING, OFF(interval), "DURATION",
	  "time between samples, as 500ms or 1m30s (default: 1s)" },
	{ "no-stream", 0, OPT_FLAG, OFF(no_stream), NULL, "print one sample and exit" },
	{ 0 },
};

/* The containers of one moment; strings and rows in its arena. */
struct sample {
	struct arena arena;
	struct stats_row *v;
	size_t n;
};

struct board {
	const struct cli *cli;
	struct sample last;
	bool first;	  /* nothing was sampled yet */
	bool live;	  /* redrawn in place */
	struct str drawn; /* what is on the screen; empty: nothing that could be drawn over */
	int sigfd;	  /* -1: signals are left as they are */
	sigset_t old_mask;
};

static uint64_t now_ns(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------------------------- sampling */

static const struct stats_row *sample_find(const struct sample *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].id, id))
			return &s->v[i];
	return NULL;
}

static int board_ctx(const struct board *b, bryo_ctx **ret, union cli_err *err)
{
	struct bryo_ctx_options quiet = {
		.size = sizeof(quiet),
		.root = b->cli->root,
		.cgroup_manager = b->cli->cgroup_manager,
	};

	return b->first ? cli_open(b->cli, false, ret, err) : bryo_ctx_new(&quiet, ret, &err->lib);
}

/* Whose figures are wanted: the words, or whatever runs now. */
static int sample_ids(const struct board *b, bryo_ctx *ctx, struct arena *a,
		      const char *const **ret, size_t *ret_n, union cli_err *err)
{
	struct bryo_entry *entries;
	const char **ids;
	size_t n, k = 0;
	int rc;

	if (b->cli->n_words) {
		*ret = (const char *const *)b->cli->words;
		*ret_n = b->cli->n_words;
		return 0;
	}
	rc = bryo_list(ctx, &entries, &n, &err->lib);
	if (rc < 0)
		return rc;
	ids = arena_alloc(a, (n + 1) * sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		if (entries[i].status == BRYO_RUNNING || entries[i].status == BRYO_PAUSED)
			ids[k++] = arena_strdup(a, entries[i].id);
	bryo_entries_free(entries, n);
	*ret = ids;
	*ret_n = k;
	return 0;
}

/*
 * 1: *ret is filled; 0: the container is not there any more. A container that was named must be
 * there the first time, and have a cgroup.
 */
static int sample_one(const struct board *b, bryo_ctx *ctx, const char *id, struct stats_row *ret,
		      union cli_err *err)
{
	bool strict = b->first && b->cli->n_words;
	const struct stats_row *before = sample_find(&b->last, id);
	union cli_err ignored = { .own = ERR_INIT };
	int rc = bryo_stats(ctx, id, &ret->s, strict ? &err->lib : &ignored.lib);

	if (rc < 0 && strict)
		return rc;
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	if (rc < 0)
		ret->s = stats_unknown();
	ret->id = id;
	ret->cpu = before ? stats_cpu(&ret->s, &before->s) : BRYO_UNKNOWN;
	return 1;
}

static int sample_take(struct board *b, union cli_err *err)
{
	struct sample s = { .arena = ARENA_INIT };
	auto_ctx bryo_ctx *ctx = NULL;
	const char *const *ids = NULL;
	size_t n = 0;
	int rc = board_ctx(b, &ctx, err);

	if (rc == 0)
		rc = sample_ids(b, ctx, &s.arena, &ids, &n, err);
	s.v = arena_alloc(&s.arena, (n + 1) * sizeof(*s.v));
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = sample_one(b, ctx, ids[i], &s.v[s.n], err);
		s.n += rc > 0;
	}
	if (rc < 0) {
		arena_free(&s.arena);
		return rc;
	}
	arena_free(&b->last.arena);
	b->last = s;
	b->first = false;
	return 0;
}

/* -------------------------------------------------------------------------------------- showing */

static int show_json(const struct sample *s, struct err *err)
{
	auto_str struct str text = STR_INIT;
	struct timespec t = { 0 };
	char time[40];

	(void)clock_gettime(CLOCK_REALTIME, &t);
	str_rfc3339(time, sizeof(time), t.tv_sec, t.tv_nsec);
	for (size_t i = 0; i < s->n; i++) {
		auto_json_out struct json_out o;

		json_out_init(&o, NULL);
		stats_json(&s->v[i], time, &o);
		str_addf(&text, "%s\n", o.s.p);
	}
	return text.len ? out_text(text.p, err) : 0;
}

/* A terminal that does not tell is one of 24 lines of 80. */
static struct winsize screen_size(void)
{
	struct winsize w = { 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	if (!w.ws_col)
		w.ws_col = 80;
	if (!w.ws_row)
		w.ws_row = 24;
	return w;
}

/* Lines of the screen that text takes, where it may be narrower now than when it was drawn. */
static size_t screen_lines(const struct str *text, size_t width)
{
	size_t lines = 0;

	for (const char *p = text->p; p && *p; p++) {
		size_t len = strcspn(p, "\n");

		lines += len ? (len + width - 1) / width : 1;
		p += len;
	}
	return lines;
}

/* What has no room is told, because a screen can only be drawn over where it did not scroll. */
static void board_text(const struct sample *s, const struct winsize *w, struct str *ret)
{
	size_t room = w->ws_row > 3 ? w->ws_row - 2u : 1, shown = s->n <= room ? s->n : room - 1;

	stats_table(s->v, shown, w->ws_col, ret);
	if (shown < s->n)
		str_addf(ret, "(%zu more)\n", s->n - shown);
}

static int show_live(struct board *b, struct err *err)
{
	auto_str struct str out = STR_INIT, next = STR_INIT;
	struct winsize w = screen_size();
	size_t up = screen_lines(&b->drawn, w.ws_col);

	board_text(&b->last, &w, &next);
	str_add(&out, HIDE_CURSOR);
	if (up)
		str_addf(&out, "\r\033[%zuA", up);
	/* erased before it is written: behind the last column there is nothing to erase from */
	for (const char *p = next.p; *p; p++) {
		size_t len = strcspn(p, "\n");

		str_add(&out, p[len + 1] ? ERASE_LINE : ERASE_BELOW);
		str_addn(&out, p, len + 1);
		p += len;
	}
	str_free(&b->drawn);
	b->drawn = next;
	next = (struct str)STR_INIT;
	return out_text(out.p, err);
}

static int board_show(struct board *b, struct err *err)
{
	auto_str struct str text = STR_INIT;

	if (b->live)
		return show_live(b, err);
	if (!isatty(STDOUT_FILENO))
		return show_json(&b->last, err);
	stats_table(b->last.v, b->last.n, screen_size().ws_col, &text);
	return out_text(text.p, err);
}

/* -------------------------------------------------------------------------------------- signals */

/* What ends or stops the process, unless whoever started it had it ignored; and a new width. */
static void signals_wanted(sigset_t *set)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	sigemptyset(set);
	sigaddset(set, SIGWINCH);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct sigaction act = { .sa_handler = SIG_DFL };

		(void)sigaction(ends[i], NULL, &act);
		if (act.sa_handler != SIG_IGN)
			sigaddset(set, ends[i]);
	}
}

static int board_open(struct board *b, struct err *err)
{
	sigset_t set;

	if (!b->live)
		return 0;
	signals_wanted(&set);
	b->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (b->sigfd < 0)
		return err_sys(err, "signalfd");
	(void)sigprocmask(SIG_BLOCK, &set, &b->old_mask);
	return 0;
}

/* out_text() ends what it prints with a newline: hence first one up. */
static void show_cursor(struct board *b)
{
	if (b->drawn.len)
		(void)out_text(SHOW_CURSOR "\r\033[A\n", NULL);
	str_free(&b->drawn);
}

static void board_close(struct board *b)
{
	show_cursor(b);
	if (b->sigfd >= 0)
		(void)sigprocmask(SIG_SETMASK, &b->old_mask, NULL);
	fd_closep(&b->sigfd);
	arena_free(&b->last.arena);
}

/*
 * 0: go on; positive: a signal that ends the process. Stopped, the screen is the shell's, and
 * what was drawn there is not touched any more.
 */
static int board_signal(struct board *b, int sig)
{
	if (sig == SIGWINCH)
		return 0;
	if (sig != SIGTSTP)
		return sig;
	show_cursor(b);
	(void)raise(SIGSTOP);
	return 0;
}

/* Until the deadline, or a signal. 0, or the signal that ends the process. */
static int board_sleep(struct board *b, uint64_t deadline, struct err *err)
{
	uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / SECOND),
			       .tv_nsec = (long)(left % SECOND) };
	struct pollfd p = { .fd = b->sigfd, .events = POLLIN };
	struct signalfd_siginfo info;

	if (ppoll(&p, 1, &ts, NULL) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	if (!p.revents || read(b->sigfd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return board_signal(b, (int)info.ssi_signo);
}

/* Waits for the next sample, and draws the last one again where the screen changed. */
static int board_wait(struct board *b, uint64_t deadline, struct err *err)
{
	int rc = 0;

	while (rc == 0 && now_ns() < deadline) {
		rc = board_sleep(b, deadline, err);
		if (rc == 0 && b->live && now_ns() < deadline)
			rc = board_show(b, err);
	}
	return rc;
}

/* Containers that were named end the command when the last of them ends. */
static bool board_over(const struct board *b)
{
	return b->cli->n_words && !b->last.n;
}

/* One sample: two readings, because a percentage of CPU time has two ends. */
static int board_once(struct board *b, uint64_t interval, union cli_err *err)
{
	int rc = sample_take(b, err);

	if (rc == 0)
		rc = board_wait(b, now_ns() + interval, &err->own);
	if (rc == 0)
		rc = sample_take(b, err);
	return rc < 0 ? rc : board_show(b, &err->own);
}

static int board_stream(struct board *b, uint64_t interval, union cli_err *err)
{
	uint64_t deadline = now_ns();
	int rc;

	for (;;) {
		rc = sample_take(b, err);
		if (rc < 0 || board_over(b))
			return rc; /* what was shown last stays */
		rc = board_show(b, &err->own);
		if (rc < 0)
			return rc;
		deadline += ((now_ns() - deadline) / interval + 1) * interval;
		rc = board_wait(b, deadline, &err->own);
		if (rc != 0)
			return rc;
	}
}

static int stats_run(const struct cli *cli, union cli_err *err)
{
	const struct stats_args *args = cli->args;
	struct board b = {
		.cli = cli,
		.first = true,
		.live = !args->no_stream && isatty(STDOUT_FILENO),
		.sigfd = -1,
	};
	uint64_t interval;
	int rc = cli_interval(cli, args->interval ? args->interval : "1s", &interval, err);

	if (rc == 0)
		rc = board_open(&b, &err->own);
	if (rc == 0)
		rc = args->no_stream ? board_once(&b, interval, err)
				     : board_stream(&b, interval, err);
	board_close(&b);
	if (rc > 0)
		(void)raise(rc); /* the shell wants to see what ended us */
	return rc > 0 ? 128 + rc : rc;
}

const struct command cmd_stats = {
	.name = "stats",
	.summary = "show what containers use",
	.synopsis = "[OPTIONS] [ID...]",
	.about = "Shows the containers named, or all that run, in a table that is kept up to\n"
		 "date; without a terminal prints one JSON object per container and sample.\n"
		 "PSI is the share of the last 10 seconds in which something waited for CPU,\n"
		 "memory or I/O.",
	.opts = stats_opts,
	.args_size = sizeof(struct stats_args),
	.max_words = (size_t)-1,
	.run = stats_run,
};
