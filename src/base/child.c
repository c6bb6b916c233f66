/*
 * child.c - start a program and wait for it (child.h): the only fork+exec for tools and hooks.
 * Runs in the runtime; in init only for hooks that belong inside.
 *
 * The child is made by clone() with CLONE_VM and CLONE_VFORK on a stack of its own, as
 * posix_spawn() does it: no page table is copied and the caller stands still until the execve,
 * so an execve that failed is reported exactly, through shared memory instead of a pipe. That
 * obliges the child: every signal is blocked until its dispositions are reset, and it calls
 * nothing that allocates, locks or logs. posix_spawn() itself is not used because it gives no
 * pidfd and cannot say which step failed.
 *
 * Input is a sealed memfd, whose size is no matter to a child that never reads it: no writer
 * can hang or get a SIGPIPE. It is written with pwrite(), so its offset is still 0, and sealed,
 * so it needs no reopening read-only through a /proc that may be the container's.
 */
#include "child.h"

#include "cleanup.h"
#include "fd.h"
#include "mem.h"
#include "names.h"
#include "str.h"
#include "sys.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* 6.3 */
#endif

#define CHILD_STACK 32768
#define CHILD_TAIL  4096 /* of what it printed, kept while reading */
#define CHILD_FDS   6	 /* 0, 1, 2, pass and pass_more */
#define CHILD_STDIO 3

/* Between the caller and the child before execve, which share their memory. */
struct exec_job {
	const char *path;
	char *const *argv;
	char *const *envp;
	int fds[CHILD_FDS]; /* what becomes 0..5; -1 only at the end */
	int dirfd;
	bool session;
	const char *volatile step; /* written by the child: what failed, and */
	volatile int num;	   /* its errno; 0: nothing did */
};

/* The last bytes that were read, at the end of a buffer. */
struct tail {
	char data[CHILD_TAIL];
	size_t len;
	bool cut;
};

/* *ret_there: something has that name. In PATH, only then a refusal is worth telling. */
static bool is_program(const char *path, bool *ret_there)
{
	struct stat st;

	*ret_there = stat(path, &st) == 0;
	if (!*ret_there)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* [child] Moves the sources out of the way first: one may sit on another one's number. */
static int arrange_fds(const struct exec_job *job)
{
	int high[CHILD_FDS], n = CHILD_STDIO;

	for (int i = 0; i < CHILD_FDS; i++) {
		high[i] = job->fds[i];
		if (high[i] >= 0 && high[i] < CHILD_FDS)
			high[i] = fd_dup(high[i], CHILD_FDS, NULL);
		if (high[i] < 0 && (job->fds[i] >= 0 || i < CHILD_STDIO))
			return -1;
		if (high[i] >= 0)
			n = i + 1;
	}
	for (int i = 0; i < CHILD_FDS; i++)
		if (high[i] >= 0 && fd_dup_onto(high[i], i, NULL) < 0)
			return -1;
	return fd_cloexec_from((unsigned)n, NULL);
}

/* [child] Only what is ignored would survive execve, but a handler must not run here either. */
static void reset_signals(void)
{
	sigset_t none;

	sys_signals_default();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * [child] Lives until execve, in the caller's memory. Not instrumented: its frames end without
 * a return, which would leave the sanitizer's marks on the caller's stack.
 */
__attribute__((no_sanitize("address"))) static int run_job(void *arg)
{
	struct exec_job *job = arg;

	reset_signals();
	/* the directory first: its number may be one that a descriptor for the program gets */
	if (job->dirfd >= 0 && fchdir(job->dirfd) < 0) {
		job->step = "enter the working directory of";
	} else if (arrange_fds(job) < 0) {
		job->step = "arrange the descriptors of";
	} else {
		if (job->session)
			(void)setsid();
		execve(job->path, job->argv, job->envp);
		job->step = "execute";
	}
	job->num = errno ? errno : EIO;
	_exit(127);
}

static int reap(int pidfd, int *ret_status)
{
	siginfo_t info = { 0 };
	int rc;

	do
		rc = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -1;
	*ret_status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status;
	return 0;
}

static int clone_job(struct exec_job *job, struct child *c)
{
	_Alignas(16) char stack[CHILD_STACK];
	sigset_t all, old;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	c->pid = clone(run_job, stack + sizeof(stack),
		       CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, job, &c->pidfd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return c->pid < 0 ? -1 : 0;
}

/* A descriptor whose reader sees exactly the input, and which nobody can change any more. */
static int open_input(const struct child *c, struct err *err)
{
	auto_fd int fd = memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	size_t done = 0;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, "make a memory file");
	while (done < c->input_len) {
		ssize_t n =
			pwrite(fd, (const char *)c->input + done, c->input_len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write to a memory file");
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(err, "seal a memory file");
	return take_fd(&fd);
}

/* Replaces what is not given by /dev/null, which is opened only if it is needed. */
static int fill_with_null(struct exec_job *job, int *null, struct err *err)
{
	for (int i = 0; i < CHILD_STDIO; i++) {
		if (job->fds[i] >= 0)
			continue;
		if (*null < 0) /* O_NONBLOCK: inside, it may be a FIFO */
			*null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (*null < 0)
			return err_sys(err, "open /dev/null");
		job->fds[i] = *null;
	}
	return 0;
}

static int start_job(struct exec_job *job, struct child *c, struct err *err)
{
	int rc, status;

	if (clone_job(job, c) < 0)
		return err_sys(err, "clone");
	if (!job->num)
		return 0;
	(void)reap(c->pidfd, &status);
	fd_closep(&c->pidfd);
	c->pid = 0;
	errno = job->num;
	rc = err_sys(err, "%s it", job->step);
	if (job->num == ENOENT && access(job->path, F_OK) == 0)
		(void)err_hint(
			err, rc,
			"the interpreter in its first line or the loader it asks for is missing");
	return rc;
}

static void tail_add(struct tail *t, const char *data, size_t n)
{
	if (n > sizeof(t->data)) {
		data += n - sizeof(t->data);
		n = sizeof(t->data);
		t->cut = true;
	}
	if (t->len + n > sizeof(t->data)) {
		size_t drop = t->len + n - sizeof(t->data);

		memmove(t->data, t->data + drop, t->len - drop);
		t->len -= drop;
		t->cut = true;
	}
	memcpy(t->data + t->len, data, n);
	t->len += n;
}

/*
 * One line for an error frame: control characters become spaces, runs of space and the ends are
 * dropped, and what does not fit is lost at the front, because the last words are the verdict.
 */
static void tail_clean(struct tail *t, char *out, size_t size)
{
	size_t n = 0, from = 0;
	bool cut = t->cut;

	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->data[i];
		bool space = c <= 0x20 || c == 0x7f;

		if (!space)
			t->data[n++] = (char)c;
		else if (n && t->data[n - 1] != ' ')
			t->data[n++] = ' ';
	}
	if (n && t->data[n - 1] == ' ')
		n--;
	if (n > size - 1 - strlen("..."))
		from = n - (size - 1 - strlen("...")), cut = true;
	if (n == 0)
		cut = false;
	(void)snprintf(out, size, "%s%.*s", cut ? "..." : "", (int)(n - from), t->data + from);
}

/* Reads what is there. Returns false at end of file. */
static bool tail_read(struct tail *t, int fd)
{
	char data[CHILD_TAIL];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		tail_add(t, data, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Until the child has ended; its output is read meanwhile so that it cannot block. A process
 * that it left behind may hold the pipe open: that is not waited for. Returns 0, or -ETIMEDOUT.
 */
static int watch(struct child *c, struct tail *t)
{
	int64_t end = c->timeout_ms > 0 ? now_ms() + c->timeout_ms : 0;

	for (;;) {
		struct pollfd p[] = { { .fd = c->pidfd, .events = POLLIN },
				      { .fd = c->out_pipe, .events = POLLIN } };
		int64_t left = end ? end - now_ms() : -1;

		if (end && left <= 0)
			return -ETIMEDOUT;
		if (poll(p, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return 0; /* the blocking waitid() that follows still ends with the child */
		if (p[1].revents && !tail_read(t, c->out_pipe))
			fd_closep(&c->out_pipe);
		if (p[0].revents)
			return 0;
	}
}

static int judge(const struct child *c, int timed_out, struct err *err)
{
	const char *sep = c->output[0] ? ": " : "";

	if (timed_out)
		return err_set(err, ETIMEDOUT, "'%s' did not end within %d ms and was killed%s%s",
			       c->path, c->timeout_ms, sep, c->output);
	if (WIFSIGNALED(c->status))
		return err_set(err, EIO, "'%s' was killed by %s%s%s", c->path,
			       signal_name(WTERMSIG(c->status)), sep, c->output);
	if (WEXITSTATUS(c->status))
		return err_set(err, EIO, "'%s' exited with status %d%s%s", c->path,
			       WEXITSTATUS(c->status), sep, c->output);
	return 0;
}

int child_find(const char *name, const char *path_env, char **ret, struct err *err)
{
	const char *dir = path_env ? path_env : getenv("PATH"), *end;
	bool there, refused = false;

	if (strchr(name, '/')) {
		if (!is_program(name, &there))
			return err_sys(err, "'%s'", name);
		*ret = mem_strdup(name);
		return 0;
	}
	for (dir = dir ? dir : "/bin:/usr/bin"; name[0]; dir = end + 1) {
		auto_free char *path = NULL;

		end = strchrnul(dir, ':');
		path = mem_printf("%.*s%s%s", (int)(end - dir), dir, end > dir ? "/" : "", name);
		if (is_program(path, &there)) {
			*ret = take_ptr(&path);
			return 0;
		}
		refused |= there;
		if (!*end)
			break;
	}
	if (refused)
		return err_set(err, EACCES, "'%s': permission denied in $PATH", name);
	return err_set(err, ENOENT, "'%s': executable file not found in $PATH", name);
}

int child_start(struct child *c, struct err *err)
{
	struct exec_job job = { .argv = c->argv,
				.envp = c->envp ? c->envp : environ,
				.dirfd = c->dirfd,
				.session = c->session,
				.fds = { c->in, c->out, c->error, c->pass, c->pass_more[0],
					 c->pass_more[1] } };
	auto_free char *found = NULL;
	auto_fd int null = -1, input = -1, writer = -1, reader = -1;
	int rc, pipes[2];

	rc = child_find(c->path, NULL, &found, err);
	if (rc < 0)
		return rc;
	job.path = found;
	if (c->input) {
		input = open_input(c, err);
		if (input < 0)
			return err_in(err, input, "input of '%s'", c->path);
		job.fds[0] = input;
	}
	if (c->capture) {
		if (pipe2(pipes, O_CLOEXEC) < 0)
			return err_sys(err, "make a pipe for the output of '%s'", c->path);
		reader = pipes[0];
		job.fds[1] = job.fds[2] = writer = pipes[1];
		if (fcntl(reader, F_SETFL, O_NONBLOCK) < 0)
			return err_sys(err, "make a pipe for the output of '%s'", c->path);
	}
	rc = fill_with_null(&job, &null, err);
	if (rc == 0)
		rc = start_job(&job, c, err);
	if (rc < 0)
		return err_in(err, rc, "start '%s'", c->path);
	c->out_pipe = take_fd(&reader);
	return 0;
}

int child_wait(struct child *c, struct err *err)
{
	struct tail t = { .len = 0 };
	int timed_out = watch(c, &t);
	int rc;

	if (timed_out)
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	rc = reap(c->pidfd, &c->status);
	if (rc < 0)
		rc = err_sys(err, "wait for '%s'", c->path);
	if (rc == -ECHILD)
		(void)err_hint(err, rc, "SIGCHLD is ignored, so its exit status is lost");
	if (c->out_pipe >= 0)
		(void)tail_read(&t, c->out_pipe);
	tail_clean(&t, c->output, sizeof(c->output));
	fd_closep(&c->pidfd);
	fd_closep(&c->out_pipe);
	return rc < 0 ? rc : judge(c, timed_out, err);
}

int child_run(struct child *c, struct err *err)
{
	int rc = child_start(c, err);

	return rc < 0 ? rc : child_wait(c, err);
}

void child_words(const char *text, size_t len, char *out, size_t size)
{
	struct tail t = { .len = 0 };

	tail_add(&t, text, len);
	tail_clean(&t, out, size);
}

void child_release(struct child *c)
{
	int saved = errno, status;

	if (c->pidfd >= 0) {
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
		(void)reap(c->pidfd, &status);
	}
	fd_closep(&c->pidfd);
	fd_closep(&c->out_pipe);
	errno = saved;
}
