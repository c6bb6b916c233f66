/*
 * relay.c - copies between the caller's stdin and stdout and a pty master (terminal.h). Runs in
 * the foreground runtime, inside the loop of proc/wait.c. What is less than obvious:
 *
 * Non-blocking without O_NONBLOCK on what is shared. The caller's 0 and 1 are open file
 * descriptions that other processes use too; a flag set there breaks them, also after a SIGKILL
 * of ours. So a pipe or terminal is opened anew through /proc/self/fd, a socket gets
 * MSG_DONTWAIT, a file never blocks. Where the reopening is refused (a terminal that su left to
 * another user), writes are at most PIPE_BUF and only when poll allows them, which a pipe
 * then takes whole.
 *
 * Hang-up is a state, not the end. The master reads EIO whenever no process has the slave open,
 * but the program may open its terminal again, and closing the master would send it SIGHUP.
 * poll would report POLLHUP without pause; so the master is then watched through an
 * edge-triggered epoll descriptor, which is silent until something happens.
 *
 * The end is when the owner says so (ended). A read of a pty first waits for what is under way
 * inside the kernel, so EAGAIN or EIO after the program's death is really the end of what it
 * wrote. A survivor that goes on writing is cut off after DRAIN_MAX, which is more than a pty
 * can hold.
 *
 * A read of a pty gives 4 KiB at most; reading on until it is empty or the buffer full, and only
 * then writing, saves two of three system calls when there is much.
 */
#include "terminal.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ROUNDS	  8 /* of the buffer per step: signals and input want their turn */
#define DRAIN_MAX (1u << 20)
#define PTMX	  makedev(5, 2)

enum slot { SLOT_MASTER, SLOT_IN, SLOT_OUT, SLOT_COUNT };

static bool is_again(int num)
{
	return num == EAGAIN || num == EINTR;
}

static void end_close(struct relay_end *e)
{
	if (e->owned)
		fd_closep(&e->fd);
	*e = (struct relay_end){ .fd = -1 };
}

static struct relay_end end_open(int fd, int mode)
{
	struct relay_end e = { .fd = fd };
	char path[40];
	struct stat st;
	int mine = -1;

	if (fstat(fd, &st) < 0)
		return (struct relay_end){ .fd = -1 };
	e.socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return e;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (st.st_rdev != PTMX) /* to open a master anew is to make a new pty */
		mine = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	e.owned = mine >= 0;
	e.wary = mine < 0;
	e.fd = mine >= 0 ? mine : fd;
	return e;
}

static ssize_t end_read(const struct relay_end *e, void *data, size_t n)
{
	return e->socket ? recv(e->fd, data, n, MSG_DONTWAIT) : read(e->fd, data, n);
}

static ssize_t end_write(const struct relay_end *e, const void *data, size_t n)
{
	if (e->socket)
		return send(e->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (e->wary) {
		struct pollfd p = { .fd = e->fd, .events = POLLOUT };

		if (poll(&p, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		n = n < PIPE_BUF ? n : PIPE_BUF;
	}
	return write(e->fd, data, n);
}

static size_t buffer_room(const struct relay_buffer *b)
{
	return RELAY_BUFFER - b->len;
}

/* Where the next bytes go; makes the room contiguous. */
static char *buffer_tail(struct relay_buffer *b)
{
	if (b->start) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	return b->data + b->len;
}

static void buffer_drop(struct relay_buffer *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (b->len == 0)
		b->start = 0;
}

/* Background: the terminal belongs to somebody else now, and is not ours to change. */
static bool is_foreground(int tty)
{
	return tcgetpgrp(tty) == getpgrp();
}

/* With SIGTTOU blocked, so that losing the terminal at this moment does not stop us. */
static void set_mode(int tty, const struct termios *t)
{
	sigset_t ttou, old;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &old);
	(void)tcsetattr(tty, TCSANOW, t);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Whether the pty makes "\r\n" itself (terminal_match()); then the caller's terminal must not. */
static bool pty_processes_output(const struct relay *r)
{
	struct termios t;

	return tcgetattr(r->master, &t) == 0 && (t.c_oflag & OPOST) && (t.c_oflag & ONLCR);
}

/* Output processing stays as the caller has it where the pty sends plain line feeds. */
static void make_raw(struct relay *r)
{
	struct termios now, t;

	if (!isatty(STDIN_FILENO) || !is_foreground(STDIN_FILENO) ||
	    tcgetattr(STDIN_FILENO, &now) < 0)
		return;
	if (!r->raw ||
	    (now.c_lflag & ICANON)) /* the shell may have set its own while we were stopped */
		r->saved = now;
	r->raw = true;
	t = now;
	cfmakeraw(&t);
	if (!pty_processes_output(r))
		t.c_oflag = now.c_oflag;
	set_mode(STDIN_FILENO, &t);
}

/* No slave is open. What waits already counts as seen, so the master must be read again. */
static int hangup_begin(struct relay *r, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	r->hangup = epoll_create1(EPOLL_CLOEXEC);
	if (r->hangup < 0 || epoll_ctl(r->hangup, EPOLL_CTL_ADD, r->master, &ev) < 0)
		return err_sys(err, "watch the terminal");
	(void)epoll_wait(r->hangup, &ev, 1, 0);
	return 0;
}

/*
 * Reads until the buffer is full (1), or the master has nothing now (0): then it hung up (in the
 * state that begins here), or a slave is open.
 */
static int fill(struct relay *r, struct err *err)
{
	while (buffer_room(&r->to_out) > 0 && r->drained <= DRAIN_MAX) {
		ssize_t n = read(r->master, buffer_tail(&r->to_out), buffer_room(&r->to_out));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0) {
			fd_closep(&r->hangup);
			r->to_out.len += (size_t)n;
			r->drained += r->ended ? (size_t)n : 0;
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			fd_closep(&r->hangup);
			return 0;
		}
		if (n < 0 && errno != EIO)
			return err_sys(err, "read the terminal");
		if (r->hangup >= 0 || r->ended)
			return 0;
		rc = hangup_begin(r, err);
		if (rc < 0)
			return rc;
	}
	return r->drained <= DRAIN_MAX;
}

/* Writes until nothing is left (1) or the reader takes no more (0). Without a reader: discards. */
static int flush(struct relay *r)
{
	while (r->to_out.len > 0 && r->out.fd >= 0) {
		ssize_t n = end_write(&r->out, r->to_out.data + r->to_out.start, r->to_out.len);

		if (n >= 0) {
			buffer_drop(&r->to_out, (size_t)n);
			continue;
		}
		if (is_again(errno))
			return 0;
		if (errno != EPIPE && errno != EIO && errno != ECONNRESET)
			r->lost = errno;
		end_close(&r->out);
	}
	buffer_drop(&r->to_out, r->to_out.len);
	return 1;
}

static int pump_output(struct relay *r, struct err *err)
{
	for (int i = 0; i < ROUNDS || r->ended; i++) {
		int more = r->dry ? 0 : fill(r, err);

		if (more < 0)
			return more;
		r->dry = r->ended && !more;
		if (!flush(r) || !more)
			break;
	}
	return 0;
}

static void pump_input(struct relay *r, bool readable)
{
	ssize_t n;

	if (readable && r->in.fd >= 0 && buffer_room(&r->to_master) > 0) {
		n = end_read(&r->in, buffer_tail(&r->to_master), buffer_room(&r->to_master));
		if (n > 0)
			r->to_master.len += (size_t)n;
		else if (n == 0 || !is_again(errno))
			end_close(&r->in);
	}
	while (r->to_master.len > 0) {
		n = write(r->master, r->to_master.data + r->to_master.start, r->to_master.len);
		if (n <= 0)
			break; /* full; or hung up, and then nobody reads */
		buffer_drop(&r->to_master, (size_t)n);
	}
}

int relay_begin(struct relay *r, int master, struct err *err)
{
	int flags = fcntl(master, F_GETFL);

	*r = (struct relay){
		.master = master, .hangup = -1, .in = { .fd = -1 }, .out = { .fd = -1 }, .tty = -1
	};
	if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0) {
		int rc = err_sys(err, "make the terminal non-blocking");

		relay_end(r);
		return rc;
	}
	r->to_master.data = mem_alloc(RELAY_BUFFER);
	r->to_out.data = mem_alloc(RELAY_BUFFER);
	r->in = end_open(STDIN_FILENO, O_RDONLY);
	r->out = end_open(STDOUT_FILENO, O_WRONLY);
	if (isatty(STDIN_FILENO))
		r->tty = STDIN_FILENO;
	else if (isatty(STDOUT_FILENO))
		r->tty = STDOUT_FILENO;
	make_raw(r);
	return 0;
}

size_t relay_poll(const struct relay *r, struct pollfd p[3])
{
	bool wants_more = buffer_room(&r->to_out) > 0 && !r->ended;
	bool has_input = r->to_master.len > 0 && !r->ended;

	/* A descriptor without events would still report errors, again and again: hence -1. */
	p[SLOT_MASTER] = (struct pollfd){ .fd = -1 };
	if (r->hangup >= 0 && wants_more)
		p[SLOT_MASTER] = (struct pollfd){ .fd = r->hangup, .events = POLLIN };
	else if (r->hangup < 0 && (wants_more || has_input))
		p[SLOT_MASTER] = (struct pollfd){ .fd = r->master,
						  .events = (short)((wants_more ? POLLIN : 0) |
								    (has_input ? POLLOUT : 0)) };
	p[SLOT_IN] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (!r->ended && buffer_room(&r->to_master) > 0)
		p[SLOT_IN].fd = r->in.fd;
	p[SLOT_OUT] =
		(struct pollfd){ .fd = r->to_out.len > 0 ? r->out.fd : -1, .events = POLLOUT };
	return SLOT_COUNT;
}

int relay_step(struct relay *r, const struct pollfd p[3], struct err *err)
{
	bool was_full = buffer_room(&r->to_out) == 0;
	struct epoll_event ev;
	int rc = 0;

	if (!r->ended)
		pump_input(r, p[SLOT_IN].revents);
	if (r->hangup >= 0)
		(void)epoll_wait(r->hangup, &ev, 1, 0);
	else if (was_full && !r->ended && (p[SLOT_MASTER].revents & (POLLHUP | POLLERR)))
		rc = hangup_begin(r, err);
	if (rc == 0 && (p[SLOT_OUT].revents || r->out.fd < 0))
		(void)flush(r);
	if (rc == 0 && (r->ended || r->hangup >= 0 || (p[SLOT_MASTER].revents & ~POLLOUT)))
		rc = pump_output(r, err);
	if (rc < 0)
		return rc;
	return r->to_out.len == 0 && (r->ended ? r->dry : r->hangup >= 0);
}

void relay_resize(struct relay *r)
{
	struct winsize size;

	if (r->tty >= 0 && ioctl(r->tty, TIOCGWINSZ, &size) == 0)
		(void)ioctl(r->master, TIOCSWINSZ, &size);
}

void relay_resume(struct relay *r)
{
	make_raw(r);
	relay_resize(r);
}

void relay_drain(struct relay *r)
{
	struct pollfd p[SLOT_COUNT] = { { .fd = -1 } };

	r->ended = true;
	while (relay_step(r, p, NULL) == 0) {
		size_t n = relay_poll(r, p);

		if (poll(p, n, -1) < 0 && errno != EINTR)
			break;
	}
}

void relay_end(struct relay *r)
{
	if (r->raw && is_foreground(STDIN_FILENO))
		set_mode(STDIN_FILENO, &r->saved);
	end_close(&r->in);
	end_close(&r->out);
	fd_closep(&r->hangup);
	fd_closep(&r->master);
	freep(&r->to_master.data);
	freep(&r->to_out.data);
	*r = (struct relay){
		.master = -1, .hangup = -1, .in = { .fd = -1 }, .out = { .fd = -1 }, .tty = -1
	};
}
