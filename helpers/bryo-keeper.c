/*
 * bryo-keeper - ends a helper program when the container ends.
 *
 *	bryo-keeper ready|- PROGRAM ARGV0 [ARG...]
 *
 * Started by bryo (proc/helpers.c) with init's pidfd on descriptor 3, a pipe on 4 which, with the
 * word "ready", is the program's to say that it is, and one on 5 that takes the program's pid. It
 * starts PROGRAM as its child, and lives until that or init has ended; then both are gone. SIGTERM:
 * the same at once. It exists because not every program notices that the network that it serves is
 * gone, and because the runtime may be killed at any time, or has ended long ago. It holds nothing
 * else: no directory, no terminal, no file of the caller's.
 *
 * SIGKILL is what ends PROGRAM: it has nothing to tidy up, and nobody waits for it longer than that.
 * PDEATHSIG is for the day when the keeper itself is killed.
 */
#include "base/sys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define INIT   3
#define READY  4
#define REPORT 5

static _Noreturn void become(char *argv[], pid_t keeper)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != keeper)
		_exit(1);
	(void)close(INIT);
	(void)close(REPORT);
	if (strcmp(argv[1], "ready") != 0)
		(void)close(READY);
	execv(argv[2], argv + 3);
	(void)dprintf(STDERR_FILENO, "execute %s: %s\n", argv[2], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Until one of them has something to tell. */
static void wait_for_end(int child, int signals)
{
	struct pollfd p[] = { { .fd = INIT, .events = POLLIN },
			      { .fd = child, .events = POLLIN },
			      { .fd = signals, .events = POLLIN } };

	while (poll(p, 3, -1) < 0 && errno == EINTR)
		continue;
}

/* The keeper of a program that ended by itself ends as that did. */
static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char *argv[])
{
	pid_t self = getpid(), pid;
	int child, signals;
	sigset_t set;

	if (argc < 4) {
		(void)dprintf(STDERR_FILENO, "bryo-keeper is started by bryo, not by hand\n");
		return 1;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	pid = fork();
	if (pid == 0)
		become(argv, self);
	child = pid < 0 ? -1 : sys_pidfd_open(pid, 0);
	if (child < 0 || signals < 0) {
		(void)dprintf(STDERR_FILENO, "start a process: %s\n", strerror(errno));
		if (pid > 0)
			(void)kill(pid, SIGKILL);
		return 1;
	}
	if (write(REPORT, &pid, sizeof(pid)) < 0)
		(void)0; /* bryo is gone: then init will be too */
	(void)close(REPORT);
	(void)close(READY);
	(void)chdir("/");
	wait_for_end(child, signals);
	(void)sys_pidfd_send_signal(child, SIGKILL, NULL, 0);
	return reap(pid);
}
