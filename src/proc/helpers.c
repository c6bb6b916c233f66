/*
 * helpers.c - programs that serve a container from outside (helpers.h). Runs in the runtime.
 *
 * With a keeper, the keeper is our child and the program is the keeper's: whenever the runtime may
 * be killed, the one that knows init's pidfd is there before what it has to end.
 */
#include "helpers.h"

#include "base/cleanup.h"
#include "base/libexec.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define WORDS_MAX 16384
#define REPORT_MS 5000

/* [base/child.c says why] */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* 6.3 */
#endif

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int open_words(struct err *err)
{
	auto_fd int fd = memfd_create("words", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("words", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, "make a memory file");
	if (ftruncate(fd, WORDS_MAX) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(err, "size a memory file");
	return take_fd(&fd);
}

/* Takes the lines away that begin with noise. */
static size_t drop_noise(char *text, size_t len, const char *noise)
{
	size_t kept = 0, n;

	for (size_t i = 0; i < len; i += n) {
		const char *end = memchr(text + i, '\n', len - i);

		n = end ? (size_t)(end - (text + i)) + 1 : len - i;
		if (str_starts(text + i, noise))
			continue;
		memmove(text + kept, text + i, n);
		kept += n;
	}
	return kept;
}

static void read_words(const struct helper_run *h, char *ret, size_t size)
{
	auto_free char *text = mem_alloc(WORDS_MAX + 1);
	ssize_t n = pread(h->words, text, WORDS_MAX, 0);
	size_t len = n > 0 ? strnlen(text, (size_t)n) : 0;

	if (h->desc->noise)
		len = drop_noise(text, len, h->desc->noise);
	child_words(text, len, ret, size);
}

/* The reading end is ours; what the program gets is in *ret_theirs, or -1 for the FIFO. */
static int open_ready(struct helper_run *h, int *ret_theirs, struct err *err)
{
	const char *fifo = h->desc->ready_fifo;
	int pipes[2];

	if (!fifo) {
		if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
			return err_sys(err, "make a pipe");
		h->ready = pipes[0];
		*ret_theirs = pipes[1];
		return 0;
	}
	if (mkfifoat(h->dirfd, fifo, 0600) < 0)
		return err_sys(err, "make '%s'", fifo);
	/* as its own writer it is never hung up, which poll would report over and over */
	h->ready = openat(h->dirfd, fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return h->ready < 0 ? err_sys(err, "open '%s'", fifo) : 0;
}

/* The command line of helpers/bryo-keeper.c. */
static int start_kept(struct helper_run *h, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *path, **argv;
	size_t n = 0;
	int rc = libexec_find(&a, HELPER_KEEPER, &path, err);

	if (rc < 0)
		return err_hint(err, rc,
				"it ends %s when the container ends: `make install` brings it",
				h->desc->name);
	while (h->desc->argv[n])
		n++;
	argv = arena_alloc(&a, (n + 4) * sizeof(*argv));
	argv[0] = HELPER_KEEPER;
	argv[1] = h->desc->ready_fifo ? "-" : "ready";
	argv[2] = h->desc->path;
	memcpy(argv + 3, h->desc->argv, n * sizeof(*argv));
	h->child.path = path;
	h->child.argv = (char *const *)argv;
	return child_start(&h->child, err);
}

static int start(struct helper_run *h, int pidfd, struct err *err)
{
	auto_fd int ready = -1, report = -1;
	int rc = open_ready(h, &ready, err), pipes[2];

	if (rc < 0)
		return rc;
	h->child.out = h->child.error = h->words;
	h->child.dirfd = h->dirfd;
	h->child.session = true;
	h->child.pass = pidfd;
	/* a keeper counts on all three; what a program does not need is the pidfd again */
	h->child.pass_more[0] = ready >= 0 ? ready : pidfd;
	if (!h->desc->keeper) {
		h->child.path = h->desc->path;
		h->child.argv = (char *const *)h->desc->argv;
		rc = child_start(&h->child, err);
		h->pid = h->child.pid;
		return rc;
	}
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "make a pipe");
	h->report = pipes[0];
	report = pipes[1];
	h->child.pass_more[1] = report;
	rc = start_kept(h, err);
	h->keeper = h->child.pid;
	return rc;
}

static void release(struct helper_run *h)
{
	fd_closep(&h->ready);
	fd_closep(&h->report);
	fd_closep(&h->words);
}

int helper_start_outside(struct helper_runs *runs, const struct helper_desc *desc, int pidfd,
			 int statefd, struct err *err)
{
	struct helper_run *h = &runs->v[runs->n];
	int rc;

	if (runs->n == HELPERS_MAX)
		return err_set(err, E2BIG, "too many helper programs");
	*h = (struct helper_run){
		.desc = desc, .child = CHILD_INIT, .ready = -1, .report = -1, .dirfd = statefd
	};
	h->words = open_words(err);
	rc = h->words < 0 ? h->words : start(h, pidfd, err);
	if (rc < 0) {
		release(h);
		return err_in(err, rc, "network helper");
	}
	runs->n++;
	return 0;
}

/* It has ended, or its keeper with it: tells why, in its own words. */
static int judge(struct helper_run *h, bool late, struct err *err)
{
	char words[1024];
	struct err ended = ERR_INIT;
	int rc;

	/* a keeper ends what it keeps when it is asked to, and reaps it */
	if (late)
		(void)sys_pidfd_send_signal(h->child.pidfd, h->keeper ? SIGTERM : SIGKILL, NULL, 0);
	h->child.timeout_ms = REPORT_MS;
	rc = child_wait(&h->child, &ended);
	read_words(h, words, sizeof(words));
	if (late) {
		rc = err_set(err, ETIMEDOUT, "'%s' was not ready within %d s%s%s", h->desc->name,
			     h->desc->timeout_ms / 1000, words[0] ? ": " : "", words);
		return err_hint(err, rc, "where the machine is only slow try again; or take %s",
				h->desc->instead);
	}
	if (rc == 0 || !WIFEXITED(h->child.status))
		rc = err_set(err, EIO, "'%s' ended before it was ready%s%s", h->desc->name,
			     words[0] ? ": " : "", words);
	else
		rc = err_set(err, EIO, "'%s' exited with status %d%s%s", h->desc->name,
			     WEXITSTATUS(h->child.status), words[0] ? ": " : "", words);
	return rc;
}

/* Waits for fd to have something to read, or for the program's end. Returns 1, 0, or -ETIMEDOUT. */
static int watch(const struct helper_run *h, int fd, int64_t deadline)
{
	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN },
				      { .fd = h->child.pidfd, .events = POLLIN } };
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(p, 2, left > INT_MAX ? INT_MAX : (int)left) < 0)
			continue;
		if (p[0].revents & POLLIN)
			return 1;
		if (p[1].revents || (p[0].revents && !h->desc->ready_fifo))
			return 0;
	}
}

int helpers_identify_outside(struct helper_runs *runs, struct err *err)
{
	for (size_t i = 0; i < runs->n; i++) {
		struct helper_run *h = &runs->v[i];
		int rc;

		if (h->report < 0)
			continue;
		rc = watch(h, h->report, now_ms() + REPORT_MS);
		if (rc <= 0)
			return judge(h, rc < 0, err);
		if (read(h->report, &h->pid, sizeof(h->pid)) != sizeof(h->pid))
			return judge(h, false, err);
		fd_closep(&h->report);
	}
	return 0;
}

int helpers_ready_outside(struct helper_runs *runs, struct err *err)
{
	for (size_t i = 0; i < runs->n; i++) {
		struct helper_run *h = &runs->v[i];
		int rc = h->ready < 0 ? 1 : watch(h, h->ready, now_ms() + h->desc->timeout_ms);

		if (rc <= 0)
			return judge(h, rc < 0, err);
		fd_closep(&h->ready);
		if (h->desc->ready_fifo)
			(void)unlinkat(h->dirfd, h->desc->ready_fifo, 0);
	}
	return 0;
}

void helpers_leave(struct helper_runs *runs)
{
	for (size_t i = 0; i < runs->n; i++) {
		release(&runs->v[i]);
		fd_closep(&runs->v[i].child.pidfd);
	}
	runs->n = 0;
}

void helpers_end(struct helper_runs *runs)
{
	for (size_t i = 0; i < runs->n; i++) {
		struct helper_run *h = &runs->v[i];

		/* a keeper ends what it keeps when it is asked to */
		if (h->keeper && h->child.pidfd >= 0)
			(void)sys_pidfd_send_signal(h->child.pidfd, SIGTERM, NULL, 0);
		if (h->keeper && h->child.pidfd >= 0) {
			struct pollfd p = { .fd = h->child.pidfd, .events = POLLIN };

			(void)poll(&p, 1, REPORT_MS);
		}
		child_release(&h->child);
		release(h);
	}
	runs->n = 0;
}
