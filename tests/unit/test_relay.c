/*
 * test_relay.c - the terminal relay (feature/terminal.h) as properties: with pipes, sockets and
 * files, with slow, closed and short-lived ends, no byte is lost, nobody hangs, nobody is busy.
 *
 * A case is a line of shell on a new pty, a relay process in front of it whose 0 and 1 are what
 * the case says, and this process at the far ends. A run that hangs is killed by the alarm.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum kind { PIPE, SOCKET, CLOSED }; /* CLOSED: the descriptor is not open at all */

struct rig {
	enum kind in_kind, out_kind;
	int in, out;		 /* our ends */
	int relay_in, relay_out; /* the relay's, kept open to look at their flags */
	pid_t relay, program;
	double cpu; /* of the relay, in seconds, after finish() */
	double wall;
	double started;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void fatal(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void make_pair(enum kind kind, int pair[2]) /* 0: read, 1: write */
{
	if ((kind == SOCKET ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
			    : pipe2(pair, O_CLOEXEC)) < 0)
		fatal("pair");
}

static pid_t start_program(int slave, const char *line)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	if (terminal_adopt_inside(slave, NULL) < 0)
		_exit(98);
	execl("/bin/sh", "sh", "-c", line, NULL);
	_exit(99);
}

/* The loop that the runtime has, without its signals. Exit status 0: all went by the book. */
static void relay_main(int master, pid_t program, bool keep_in, bool keep_out)
{
	int pidfd = sys_pidfd_open(program, 0);
	struct pollfd p[4];
	struct relay r;

	signal(SIGPIPE, SIG_IGN);
	if (!keep_in)
		close(0);
	if (!keep_out)
		close(1);
	if (pidfd < 0 || relay_begin(&r, master, NULL) < 0)
		_exit(97);
	for (;;) {
		size_t n = relay_poll(&r, p);

		p[n] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
		if (poll(p, n + 1, -1) < 0)
			_exit(96);
		if (p[n].revents)
			break;
		if (relay_step(&r, p, NULL) < 0)
			_exit(95);
	}
	relay_drain(&r);
	relay_end(&r);
	relay_end(&r);
	_exit(0);
}

static void start(struct rig *rig, const char *line)
{
	int in[2], out[2], unlock = 0, slave, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	alarm(60);
	make_pair(rig->in_kind, in);
	make_pair(rig->out_kind, out);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		fatal("pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &t) < 0)
		fatal("pty");
	t.c_oflag &= ~(tcflag_t)ONLCR;
	tcsetattr(slave, TCSANOW, &t);
	fflush(stdout);
	rig->started = now();
	rig->program = start_program(slave, line);
	close(slave);
	rig->relay = fork();
	if (rig->relay == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		sys_close_range(3, (unsigned)master - 1, 0);
		sys_close_range((unsigned)master + 1, ~0U, 0);
		relay_main(master, rig->program, rig->in_kind != CLOSED, rig->out_kind != CLOSED);
	}
	close(master);
	rig->relay_in = in[0];
	rig->relay_out = out[1];
	rig->in = in[1];
	rig->out = out[0];
}

/* Our copies of the relay's ends; without this there is no end of file and no EPIPE. */
static void let_go(struct rig *rig)
{
	fd_closep(&rig->relay_in);
	fd_closep(&rig->relay_out);
}

static bool finish(struct rig *rig)
{
	struct rusage use;
	int status = -1, ignored;

	let_go(rig);
	fd_closep(&rig->in);
	fd_closep(&rig->out);
	wait4(rig->relay, &status, 0, &use);
	rig->wall = now() - rig->started;
	rig->cpu = (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
		   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	kill(-rig->program, SIGKILL);
	waitpid(rig->program, &ignored, 0);
	alarm(0);
	if (status)
		printf("# relay ended with wait status %#x\n", status);
	return status == 0;
}

/* All output, at most size - 1 bytes kept; returns how many there were. pause_us slows us down. */
static size_t collect(struct rig *rig, char *buf, size_t size, useconds_t pause_us, size_t piece)
{
	size_t total = 0;
	char data[65536];
	ssize_t n;

	fd_closep(&rig->relay_out);
	while ((n = read(rig->out, data, piece ? piece : sizeof(data))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (total + (size_t)i + 1 < size)
				buf[total + (size_t)i] = data[i];
		total += (size_t)n;
		if (pause_us)
			usleep(pause_us);
	}
	buf[total < size ? total : size - 1] = '\0';
	return total;
}

/* A pattern in which a lost, doubled or moved byte shows. */
#define COUNTING "i=0; while [ $i -lt %d ]; do echo line $i; i=$((i+1)); done"

static bool is_counting(const char *text, int lines)
{
	for (int i = 0; i < lines; i++) {
		char want[32];
		size_t n = (size_t)snprintf(want, sizeof(want), "line %d\n", i);

		if (strncmp(text, want, n) != 0)
			return false;
		text += n;
	}
	return *text == '\0';
}

static void test_output(void)
{
	static const struct {
		const char *what;
		enum kind kind;
		useconds_t pause_us;
		size_t piece;
	} cases[] = {
		{ "a pipe", PIPE, 0, 0 },
		{ "a socket", SOCKET, 0, 0 },
		{ "a slow reader of a pipe", PIPE, 2000, 4096 },
		{ "a slow reader of a socket", SOCKET, 2000, 4096 },
		{ "a reader of small pieces", PIPE, 0, 7 },
	};
	size_t size = 1 << 20;
	auto_free char *buf = malloc(size);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig = { .out_kind = cases[i].kind };
		char line[200];
		size_t n;

		(void)snprintf(line, sizeof(line), COUNTING, 30000);
		start(&rig, line);
		n = collect(&rig, buf, size, cases[i].pause_us, cases[i].piece);
		ok(is_counting(buf, 30000), "%s gets every byte in order (%zu)", cases[i].what, n);
		ok(finish(&rig), "%s: the relay ends well", cases[i].what);
	}
}

static void test_bursts(void)
{
	static const size_t sizes[] = { 1, 4095, 4096, 65536, 65537, 1 << 20, 20 << 20 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct rig rig = { .out_kind = PIPE };
		char line[100], buf[10];
		size_t n;

		(void)snprintf(line, sizeof(line), "head -c %zu /dev/zero", sizes[i]);
		start(&rig, line);
		n = collect(&rig, buf, sizeof(buf), 0, 0);
		ok(n == sizes[i], "a burst of %zu bytes (got %zu)", sizes[i], n);
		ok(finish(&rig), "and the relay ends well");
	}
}

static void test_short_lived(void)
{
	int lost = 0;

	for (int i = 0; i < 100; i++) {
		struct rig rig = { .out_kind = i % 2 ? PIPE : SOCKET };
		char buf[100];

		start(&rig, "printf 0123456789");
		collect(&rig, buf, sizeof(buf), 0, 0);
		lost += strcmp(buf, "0123456789") != 0;
		lost += !finish(&rig);
	}
	ok(lost == 0, "a hundred short-lived programs lose nothing (%d)", lost);
}

static void test_closed_reader(void)
{
	static const enum kind kinds[] = { PIPE, SOCKET };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct rig rig = { .out_kind = kinds[i] };
		char buf[100] = "";
		ssize_t n;

		start(&rig, "echo first; head -c 3000000 /dev/zero; echo done >&2; sleep 0.1");
		fd_closep(&rig.relay_out);
		n = read(rig.out, buf, 6);
		ok(n == 6 && strncmp(buf, "first\n", 6) == 0, "a reader reads a line");
		fd_closep(&rig.out);
		ok(finish(&rig), "and leaves: the program is not held up");
	}
	struct rig rig = { .in_kind = CLOSED, .out_kind = CLOSED };

	start(&rig, "head -c 1000000 /dev/zero");
	ok(finish(&rig), "neither 0 nor 1 is open: the program still runs to its end");
}

static void test_stdin_end(void)
{
	static const enum kind kinds[] = { PIPE, SOCKET, CLOSED };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct rig rig = { .in_kind = kinds[i], .out_kind = PIPE };
		char buf[100];

		start(&rig, "echo early; sleep 0.5; echo late");
		fd_closep(&rig.in);
		fd_closep(&rig.relay_in);
		collect(&rig, buf, sizeof(buf), 0, 0);
		ok_str(buf, "early\nlate\n", "end of file on stdin stops input only");
		ok(finish(&rig) && rig.cpu < 0.1, "without a busy loop (%.3f s)", rig.cpu);
	}
}

static void send_input(struct rig *rig, size_t total)
{
	pid_t pid = fork();

	if (pid == 0) {
		char data[5000];
		size_t sent = 0;

		let_go(rig);
		close(rig->out);
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (char)('a' + i % 26);
		while (sent < total) {
			ssize_t n =
				write(rig->in, data,
				      total - sent < sizeof(data) ? total - sent : sizeof(data));

			if (n <= 0)
				_exit(1);
			sent += (size_t)n;
		}
		_exit(0);
	}
	fd_closep(&rig->in);
}

static void test_input(void)
{
	static const struct {
		const char *what, *line;
		enum kind kind;
	} cases[] = {
		{ "a program that reads at once",
		  "stty raw -echo; echo ready; head -c 400000 | cksum", PIPE },
		{ "a program that is late",
		  "stty raw -echo; echo ready; sleep 0.4; head -c 400000 | cksum", PIPE },
		{ "input from a socket", "stty raw -echo; echo ready; head -c 400000 | cksum",
		  SOCKET },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig = { .in_kind = cases[i].kind, .out_kind = PIPE };
		char buf[100] = "", first[10] = "";

		start(&rig, cases[i].line);
		ok(read(rig.out, first, 6) == 6, "ready");
		send_input(&rig, 400000);
		collect(&rig, buf, sizeof(buf), 0, 0);
		wait(NULL);
		/* cksum of 80 times the 5000 bytes of send_input() */
		ok_str(buf, "2266972455 400000\n", cases[i].what);
		ok(finish(&rig) && rig.cpu < 0.3, "and the relay ends well (%.3f s)", rig.cpu);
	}
}

static void test_survivors(void)
{
	static const struct {
		const char *what, *line, *want;
	} cases[] = {
		{ "a silent survivor", "trap '' HUP; sleep 20 & echo done", "done\n" },
		{ "a survivor that writes on", "trap '' HUP; yes x & sleep 0.1; exit 0", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig = { .out_kind = PIPE };
		char buf[100];

		start(&rig, cases[i].line);
		collect(&rig, buf, sizeof(buf), 0, 0);
		ok(!cases[i].want || strcmp(buf, cases[i].want) == 0, "%s: output is complete",
		   cases[i].what);
		ok(finish(&rig) && rig.wall < 5, "%s: does not hold us (%.1f s)", cases[i].what,
		   rig.wall);
	}
}

static void test_hangup(void)
{
	struct rig rig = { .out_kind = PIPE };
	char buf[200];

	start(&rig,
	      "echo one; exec 0<&- 1>&- 2>&-; sleep 0.6; echo two >/dev/tty; sleep 0.6; echo three >/dev/tty");
	collect(&rig, buf, sizeof(buf), 0, 0);
	ok_str(buf, "one\ntwo\nthree\n", "a program may close its terminal and open it again");
	ok(finish(&rig) && rig.cpu < 0.1, "and nobody is busy meanwhile (%.3f s)", rig.cpu);
}

/* Nothing moves in any of these, for half a second. */
static void test_idle(void)
{
	static const struct {
		const char *what, *line;
		size_t input;
	} cases[] = {
		{ "nothing to do", "sleep 0.7", 0 },
		{ "a full reader", "head -c 1000000 /dev/zero & sleep 0.7; kill -9 $!", 0 },
		{ "a full reader and a terminal that is closed",
		  "head -c 140000 /dev/zero; exec 0<&- 1>&- 2>&-; sleep 0.7", 0 },
		{ "a program that does not read", "stty raw -echo; sleep 0.7", 300000 },
		{ "input for a terminal that is closed",
		  "stty raw -echo; exec 0<&- 1>&- 2>&-; sleep 0.7", 300000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig = { .out_kind = PIPE };
		pid_t writer = 0;

		start(&rig, cases[i].line);
		fd_closep(&rig.relay_out);
		fd_closep(&rig.relay_in);
		if (cases[i].input) {
			usleep(100000);
			fcntl(rig.in, F_SETFL, O_NONBLOCK);
			while (write(rig.in, "0123456789abcdef", 16) > 0)
				continue;
		}
		usleep(900000);
		ok(finish(&rig) && rig.cpu < 0.1, "%s: no CPU time is spent (%.3f s)",
		   cases[i].what, rig.cpu);
		if (writer)
			waitpid(writer, NULL, 0);
	}
}

static void test_flags(void)
{
	struct rig rig = { .in_kind = PIPE, .out_kind = SOCKET };
	char buf[100];
	int in, out;

	start(&rig, "echo x; sleep 0.3");
	usleep(100000);
	in = fcntl(rig.relay_in, F_GETFL);
	out = fcntl(rig.relay_out, F_GETFL);
	ok(!(in & O_NONBLOCK) && !(out & O_NONBLOCK),
	   "what others share is never made non-blocking");
	collect(&rig, buf, sizeof(buf), 0, 0);
	ok(finish(&rig), "and the relay ends well");
}

/* 1 is a file, not at its start. */
static void test_file(void)
{
	char path[] = "/tmp/bryo-test-relay-XXXXXX", buf[100] = "";
	int fd = mkostemp(path, O_CLOEXEC), in[2], unlock = 0, slave, status = -1;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t program, relay;

	unlink(path);
	ok(write(fd, "before ", 7) == 7 && pipe2(in, O_CLOEXEC) == 0, "prepare");
	ioctl(master, TIOCSPTLCK, &unlock);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	fflush(stdout);
	program = start_program(slave, "printf after");
	close(slave);
	relay = fork();
	if (relay == 0) {
		dup2(in[0], 0);
		dup2(fd, 1);
		relay_main(master, program, true, true);
	}
	close(master);
	waitpid(relay, &status, 0);
	waitpid(program, NULL, 0);
	ok(status == 0 && pread(fd, buf, sizeof(buf) - 1, 0) == 12 &&
		   strcmp(buf, "before after") == 0,
	   "a file is continued where it was");
	close(fd);
	close(in[0]);
	close(in[1]);
}

static void test_terminal(void)
{
	struct terminal_plan plan = { .wanted = true, .rows = 33, .columns = 77 };
	auto_fd int ptmx = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC),
		    null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err err = ERR_INIT;
	struct winsize size;
	struct termios t;
	int slave = -1;

	ok(terminal_open_inside(null, &plan, geteuid(), &slave, &err) == -ENODEV && slave == -1,
	   "what is no ptmx is refused");
	if (ptmx < 0) {
		tap_skip("a pty of a devpts", "/dev/pts/ptmx cannot be opened by this user");
		return;
	}
	ok(terminal_open_inside(ptmx, &plan, geteuid(), &slave, &err) == 0 && slave >= 0,
	   "a pty of a devpts");
	ok(ioctl(ptmx, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 77,
	   "its size");
	ok(tcgetattr(slave, &t) == 0 && (t.c_oflag & OPOST) && (t.c_oflag & ONLCR),
	   "the kernel's own modes, for who gets the master");
	ok(fcntl(slave, F_GETFD) == FD_CLOEXEC, "close-on-exec");
	close(slave);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_terminal();
	test_output();
	test_bursts();
	test_short_lived();
	test_closed_reader();
	test_stdin_end();
	test_input();
	test_survivors();
	test_hangup();
	test_idle();
	test_flags();
	test_file();
	return done();
}
