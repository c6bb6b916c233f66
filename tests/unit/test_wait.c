/*
 * test_wait.c - the loop of a foreground run (proc/wait.h). A "runtime" process arms, starts a
 * line of shell, waits and exits with what it was told; this process sends it signals.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/terminal.h"
#include "proc/wait.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct job {
	const char *line;
	bool terminal;	   /* the line runs on a new pty, behind a relay */
	bool own_terminal; /* the runtime itself sits on a pty, whose master is .outer */
	bool ignore_chld;
	bool subreaper;
	bool early_term; /* SIGTERM comes between arm and loop */
	int out;	 /* becomes the runtime's 1; -1: stays */
	int outer;
	pid_t runtime;
};

#define JOB(text)                                      \
	{                                              \
		.line = (text), .out = -1, .outer = -1 \
	}

static void nap(void)
{
	usleep(150000);
}

static int open_pty(int *ret_slave)
{
	int unlock = 0, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		exit(EXIT_FAILURE);
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return master;
}

/* As terminal_match() leaves it where not both ends are a terminal: plain line feeds. */
static void make_plain(int slave)
{
	struct termios t;

	if (tcgetattr(slave, &t) < 0)
		exit(EXIT_FAILURE);
	t.c_oflag &= ~(tcflag_t)ONLCR;
	if (tcsetattr(slave, TCSANOW, &t) < 0)
		exit(EXIT_FAILURE);
}

static pid_t start_program(const struct job *job, const struct waiter *w, int slave)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigprocmask(SIG_SETMASK, &w->old_mask, NULL);
	if (!job->terminal)
		setsid();
	else if (terminal_adopt_inside(slave, NULL) < 0)
		_exit(98);
	execl("/bin/sh", "sh", "-c", job->line, NULL);
	_exit(99);
}

static void runtime_main(const struct job *job)
{
	struct err err = ERR_INIT;
	struct relay relay;
	struct waiter w;
	int slave = -1, master = -1, status = -1, pidfd, rc;
	pid_t pid;

	if (job->out >= 0)
		dup2(job->out, 1);
	if (job->ignore_chld)
		signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, job->subreaper);
	if (wait_arm(&w, &err) < 0)
		_exit(90);
	if (job->terminal) {
		master = open_pty(&slave);
		make_plain(slave);
	}
	pid = start_program(job, &w, slave);
	fd_closep(&slave);
	pidfd = sys_pidfd_open(pid, 0);
	if (job->early_term)
		kill(getpid(), SIGTERM);
	if (job->terminal && relay_begin(&relay, master, &err) < 0)
		_exit(91);
	rc = wait_loop(&w, pid, pidfd, job->terminal ? &relay : NULL, &status, &err);
	if (job->terminal)
		relay_end(&relay);
	wait_disarm(&w);
	wait_disarm(&w);
	if (job->ignore_chld && signal(SIGCHLD, SIG_DFL) != SIG_IGN)
		_exit(92);
	if (waitpid(-1, NULL, WNOHANG) != -1)
		_exit(93); /* something was left unreaped */
	_exit(rc == 0 ? status : 94);
}

/* A session leader, like a login shell, in front of the runtime: the terminal outlives that. */
static void session_main(const struct job *job, int slave)
{
	struct termios before = { 0 }, after = { 0 };
	int status;
	pid_t pid;

	if (terminal_adopt_inside(slave, NULL) < 0 || tcgetattr(0, &before) < 0)
		_exit(95);
	pid = fork();
	if (pid == 0)
		runtime_main(job);
	waitpid(pid, &status, 0);
	if (tcgetattr(0, &after) < 0 || memcmp(&before, &after, sizeof(before)) != 0)
		_exit(96);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 97);
}

static void start(struct job *job)
{
	int slave = -1;

	alarm(30);
	if (job->own_terminal)
		job->outer = open_pty(&slave);
	fflush(stdout);
	job->runtime = fork();
	if (job->runtime == 0) {
		if (job->own_terminal)
			session_main(job, slave);
		/* A group whose parent is in another one of the session is not orphaned: it can be stopped. */
		(void)setpgid(0, 0);
		runtime_main(job);
	}
	fd_closep(&slave);
}

static int finish(struct job *job)
{
	int status = -1;

	waitpid(job->runtime, &status, 0);
	fd_closep(&job->outer);
	alarm(0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_status(void)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = {
		{ "exit 0", 0 },       { "exit 7", 7 },		 { "exit 255", 255 },
		{ "kill -9 $$", 137 }, { "kill -TERM $$", 143 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job job = JOB(cases[i].line);
		int got;

		start(&job);
		got = finish(&job);
		ok(got == cases[i].status, "'%s' gives %d (got %d)", cases[i].line, cases[i].status,
		   got);
	}
	struct job job = JOB("exit 7");

	job.ignore_chld = true;
	start(&job);
	ok(finish(&job) == 7, "a parent that ignores SIGCHLD does not lose the status");
}

static void test_forward(void)
{
	const struct {
		int sig;
		const char *name;
	} cases[] = {
		{ SIGTERM, "TERM" }, { SIGINT, "INT" },		  { SIGHUP, "HUP" },
		{ SIGQUIT, "QUIT" }, { SIGUSR1, "USR1" },	  { SIGUSR2, "USR2" },
		{ SIGALRM, "ALRM" }, { SIGWINCH, "WINCH" },	  { SIGPIPE, "PIPE" },
		{ SIGIO, "IO" },     { SIGRTMIN + 2, "RTMIN+2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[100];
		struct job job = JOB(line);
		int got;

		/* dash knows few names, so numbers. */
		(void)snprintf(line, sizeof(line),
			       "trap 'exit 55' %d; while :; do sleep 0.02; done", cases[i].sig);
		start(&job);
		nap();
		kill(job.runtime, cases[i].sig);
		got = finish(&job);
		ok(got == 55, "SIG%s is forwarded (%d)", cases[i].name, got);
	}
	struct job job = JOB("sleep 5");

	job.early_term = true;
	start(&job);
	ok(finish(&job) == 143, "a signal from before the loop is kept");
}

static void test_not_forwarded(void)
{
	struct job job = JOB("trap 'exit 1' URG CONT TSTP; i=0; "
			     "while [ $i -lt 30 ]; do i=$((i+1)); sleep 0.02; done; exit 0");
	int status = 0;

	start(&job);
	nap();
	kill(job.runtime, SIGURG);
	kill(job.runtime, SIGCHLD);
	kill(job.runtime, SIGTSTP);
	ok(waitpid(job.runtime, &status, WUNTRACED) == job.runtime && WIFSTOPPED(status),
	   "SIGTSTP stops the runtime itself");
	kill(job.runtime, SIGCONT);
	ok(finish(&job) == 0, "SIGTSTP, SIGCONT, SIGURG, SIGCHLD are not forwarded");
}

static void test_reaping(void)
{
	/* Each orphan ends at once; zombies of the runtime are counted while it still waits. */
	struct job job = JOB(
		"for i in 1 2 3 4 5; do (sh -c 'exit 3' &) ; done; sleep 0.3; "
		"exit $(cat /proc/[0-9]*/stat 2>/dev/null | awk -v p=$PPID '$3 == \"Z\" && $4 == p' | wc -l)");
	int got;

	job.subreaper = true;
	start(&job);
	got = finish(&job);
	ok(got == 0, "orphans are reaped at once (%d zombies)", got);
}

static void test_not_ours(void)
{
	struct err err = ERR_INIT;
	struct waiter w;
	int status = 4711, pidfd, rc;
	pid_t pid;

	ok(wait_arm(&w, &err) == 0, "arm");
	pid = fork();
	if (pid == 0)
		_exit(3);
	pidfd = sys_pidfd_open(pid, 0);
	rc = wait_loop(&w, 0, pidfd, NULL, &status, &err);
	ok(rc == -ECHILD && status == 4711, "the status of what is not our child is unknown");
	close(pidfd);
	wait_disarm(&w);
	waitpid(pid, NULL, 0);
}

static void test_restores(void)
{
	sigset_t before = { 0 }, after = { 0 };
	struct sigaction chld;
	struct waiter w;

	sigaddset(&before, SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	ok(wait_arm(&w, NULL) == 0 && fcntl(w.sigfd, F_GETFD) == FD_CLOEXEC, "arm");
	raise(SIGPIPE);
	wait_disarm(&w);
	sigprocmask(SIG_BLOCK, NULL, &after);
	sigaction(SIGCHLD, NULL, &chld);
	ok(memcmp(&before, &after, sizeof(before)) == 0 && chld.sa_handler == SIG_DFL && !w.armed,
	   "disarm restores the mask, and a SIGPIPE of our own does not strike");
	sigemptyset(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void test_lost_output(void)
{
	int out[2];
	struct job job = JOB("head -c 1000000 /dev/zero; exit 5");

	ok(pipe2(out, O_CLOEXEC) == 0, "prepare");
	job.terminal = true;
	job.out = out[1];
	close(out[0]);
	start(&job);
	close(out[1]);
	ok(finish(&job) == 5, "a reader that left is no error, and no SIGPIPE");

	job.out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	start(&job);
	close(job.out);
	ok(finish(&job) == 94, "a full disk is");
}

static void test_stuck_reader(void)
{
	int out[2], status;
	struct job job = JOB("head -c 70000 /dev/zero");

	ok(pipe2(out, O_CLOEXEC) == 0, "prepare");
	job.terminal = true;
	job.out = out[1];
	start(&job);
	usleep(400000);
	ok(waitpid(job.runtime, &status, WNOHANG) == 0,
	   "a reader that reads nothing is waited for");
	kill(job.runtime, SIGTERM);
	ok(finish(&job) == 0, "until a signal ends it");
	close(out[0]);
	close(out[1]);
}

/* Reads from the outer terminal until text appears; false at the end of file. */
static bool expect(int outer, const char *text)
{
	char buf[4096] = "";
	size_t len = 0;

	while (len + 1 < sizeof(buf) && !strstr(buf, text)) {
		ssize_t n = read(outer, buf + len, sizeof(buf) - 1 - len);

		if (n <= 0) {
			printf("# read only: %s\n", buf);
			return false;
		}
		len += (size_t)n;
		buf[len] = '\0';
	}
	return true;
}

static void test_terminal(void)
{
	struct job job =
		JOB("trap 'stty size' WINCH; trap 'echo interrupted; exit 9' INT; stty size; "
		    "while :; do sleep 0.1; done");
	struct winsize size = { .ws_row = 11, .ws_col = 22 };
	struct termios during;
	int got;

	job.terminal = job.own_terminal = true;
	start(&job);
	ok(expect(job.outer, "0 0\r\n"),
	   "the size is the caller's, and output processing stays on");
	tcgetattr(job.outer, &during);
	ok(!(during.c_lflag & (ICANON | ECHO | ISIG)), "the caller's terminal is raw");
	ioctl(job.outer, TIOCSWINSZ, &size);
	ok(expect(job.outer, "11 22"), "a change of its size is followed");
	ok(write(job.outer, "\003", 1) == 1 && expect(job.outer, "interrupted"),
	   "^C goes to the program");
	got = finish(&job);
	ok(got == 9, "which ends as it likes, and the caller's terminal is as before (%d)", got);
}

int main(void)
{
	test_status();
	test_forward();
	test_not_forwarded();
	test_reaping();
	test_not_ours();
	test_restores();
	test_lost_output();
	test_stuck_reader();
	test_terminal();
	return done();
}
