/*
 * wait.c - the loop of a foreground run or exec (wait.h): signals, the program's pidfd, and the
 * terminal, in the runtime.
 *
 * Signals are taken from a signalfd, so that nothing ever runs in a handler. Four kinds:
 *  - left alone, because their default is right for us too: SIGTSTP, SIGTTIN, SIGTTOU (the
 *    shell's job control stops us; on a raw terminal ^Z goes to the container instead), SIGURG,
 *    and the synchronous ones, which mean a defect of ours;
 *  - for us: SIGCHLD (reap), SIGCONT and, with a terminal, SIGWINCH (raw mode and size);
 *  - swallowed: SIGPIPE and SIGXFSZ of our own writes, which report by errno;
 *  - forwarded: the rest.
 * A signal is forwarded by pidfd, never by number. After the program has ended only draining is
 * left, and then a signal that ends processes ends that.
 */
#include "wait.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define SIGNALS_PER_READ 8
#define TOGETHER_MS	 200 /* what ends because the program does may be quicker than the kernel's word */

struct loop {
	struct waiter *w;
	pid_t pid;
	int pidfd;
	struct relay *relay;
	bool ended;   /* the program has */
	bool give_up; /* a signal came while draining */
};

static void wait_mask(sigset_t *set)
{
	static const int alone[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,	 SIGSEGV, SIGBUS,
				     SIGILL,  SIGFPE,  SIGTRAP, SIGABRT, SIGSYS };

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(alone); i++)
		sigdelset(set, alone[i]);
}

static bool is_alive(const struct loop *l)
{
	struct pollfd p = { .fd = l->pidfd, .events = POLLIN };

	return !l->ended && poll(&p, 1, TOGETHER_MS) == 0;
}

/*
 * Everything that became our child and ended, but not the program itself, whose status is
 * still wanted: it is only looked at (WNOWAIT), and hides what is behind it until it is reaped.
 */
static void reap_others(const struct loop *l, pid_t pid)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 ||
		    info.si_pid == 0 || info.si_pid == pid)
			return;
		if (info.si_pid == l->w->keeper)
			l->w->keeper_first = is_alive(l);
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG | __WALL);
	}
}

/* From the terminal's driver, and the program sits in our process group: it has it already. */
static bool is_delivered(const struct loop *l, const struct signalfd_siginfo *s)
{
	return s->ssi_code == SI_KERNEL && l->pid > 0 && getpgid(l->pid) == getpgrp();
}

static void on_signal(struct loop *l, const struct signalfd_siginfo *s)
{
	int sig = (int)s->ssi_signo;

	if (sig == SIGCHLD) {
		reap_others(l, l->pid);
	} else if (sig == SIGCONT) {
		if (l->relay)
			relay_resume(l->relay);
	} else if (sig == SIGWINCH && l->relay) {
		relay_resize(l->relay);
	} else if ((sig == SIGPIPE || sig == SIGXFSZ) && s->ssi_pid == (uint32_t)getpid()) {
		return;
	} else if (l->ended) {
		l->give_up |= sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT;
	} else if (!is_delivered(l, s)) {
		(void)sys_pidfd_send_signal(l->pidfd, sig, NULL, 0); /* it may just have ended */
	}
}

static int read_signals(struct loop *l, struct err *err)
{
	struct signalfd_siginfo s[SIGNALS_PER_READ];
	ssize_t n = read(l->w->sigfd, s, sizeof(s));

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_sys(err, "read signals");
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(s[0]); i++)
		on_signal(l, &s[i]);
	return 0;
}

/* What the program was told to end by is the reason, whatever it made of that. */
static int exit_code(const struct loop *l, const siginfo_t *info)
{
	l->w->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
	if (l->w->limit.timed_out)
		return WAIT_TIMED_OUT;
	return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

static int take_status(const struct loop *l, int *ret_status, struct err *err)
{
	siginfo_t info = { 0 };
	int rc;

	if (l->pid <= 0)
		return err_set(err, ECHILD,
			       "the program is not a child of this process: its status is unknown");
	do
		rc = waitid((idtype_t)P_PIDFD, (id_t)l->pidfd, &info, WEXITED | __WALL);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(err, "wait for process %d", (int)l->pid);
	*ret_status = exit_code(l, &info);
	return 0;
}

/*
 * One turn: sleeps until something happens. Returns 1 when the program has ended and its
 * output is out. The step after the end goes first, because an empty pty never wakes a poll.
 */
static int turn(struct loop *l, struct err *err)
{
	struct limit *limit = &l->w->limit;
	struct pollfd p[7] = { { .fd = l->w->sigfd, .events = POLLIN },
			       { .fd = l->ended ? -1 : l->pidfd, .events = POLLIN } };
	nfds_t n = 2;
	int rc;

	if (l->relay)
		n += relay_poll(l->relay, p + 2);
	p[n++] = (struct pollfd){ .fd = l->w->watch, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = l->ended ? -1 : limit->caller, .events = POLLIN };
	if (poll(p, n, limit_wait_ms(limit)) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	rc = p[0].revents ? read_signals(l, err) : 0;
	if (rc < 0)
		return rc;
	if (p[n - 2].revents)
		l->w->watched(l->w->watch_arg);
	if (p[1].revents)
		l->ended = true;
	if (l->ended)
		limit->next_ns = 0;
	else if (limit->next_ns || limit->caller >= 0)
		limit_step(limit, l->pidfd, p[n - 1].revents);
	if (!l->relay)
		return l->ended;
	l->relay->ended = l->ended;
	rc = relay_step(l->relay, p + 2, err);
	if (rc < 0)
		return rc;
	return l->ended && (rc == 1 || l->give_up);
}

int wait_arm(struct waiter *w, struct err *err)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t set;

	*w = (struct waiter){ .sigfd = -1, .watch = -1, .limit = LIMIT_INIT };
	wait_mask(&set);
	w->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->sigfd < 0)
		return err_sys(err, "make a signal descriptor");
	(void)sigaction(SIGCHLD, &plain, &w->old_chld);
	(void)sigprocmask(SIG_BLOCK, &set, &w->old_mask);
	w->armed = true;
	return 0;
}

void wait_adopt(struct waiter *w)
{
	int before = 0;

	if (prctl(PR_GET_CHILD_SUBREAPER, &before, 0, 0, 0) == 0 && !before)
		w->adopts = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

void wait_adopted(struct waiter *w)
{
	if (w->adopts)
		orphans_note(&w->others);
}

void wait_disarm(struct waiter *w)
{
	static const struct timespec now = { 0 };
	int saved = errno;
	sigset_t ours;

	if (!w->armed)
		return;
	/* What our own writes and children raised must not strike when the mask goes. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	while (sigtimedwait(&ours, NULL, &now) > 0)
		continue;
	fd_closep(&w->sigfd);
	if (w->adopts)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	(void)sigaction(SIGCHLD, &w->old_chld, NULL);
	(void)sigprocmask(SIG_SETMASK, &w->old_mask, NULL);
	orphans_release(&w->others);
	limit_release(&w->limit);
	w->armed = false;
	errno = saved;
}

int wait_loop(struct waiter *w, pid_t pid, int pidfd, struct relay *relay, int *ret_status,
	      struct err *err)
{
	struct loop l = { .w = w, .pid = pid, .pidfd = pidfd, .relay = relay };
	int rc;

	limit_start(&w->limit);
	do
		rc = turn(&l, err);
	while (rc == 0);
	if (rc < 0)
		return rc;
	rc = take_status(&l, ret_status, err);
	if (w->adopts)
		orphans_end(&w->others);
	reap_others(&l, 0);
	if (rc == 0 && relay && relay->lost) {
		errno = relay->lost;
		return err_sys(err, "write the program's output");
	}
	return rc;
}
