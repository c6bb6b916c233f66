/* limit.c - the clock and the caller (limit.h). Runs in the runtime. */
#include "limit.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <limits.h>
#include <sys/prctl.h>

int limit_caller_outside(struct limit *l, struct err *err)
{
	pid_t caller = getppid();

	if (caller == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			return err_sys(err, "ask for the end of the caller");
		return 0;
	}
	l->caller = sys_pidfd_open(caller, 0);
	if (l->caller < 0)
		return err_sys(err, "open process %d, which called us", (int)caller);
	if (getppid() != caller)
		return err_set(err, ESRCH, "process %d, which called us, has ended", (int)caller);
	return 0;
}

void limit_start(struct limit *l)
{
	if (l->timeout_ns)
		l->next_ns = sys_monotonic_ns() + l->timeout_ns;
}

int limit_wait_ms(const struct limit *l)
{
	uint64_t now, ms;

	if (!l->next_ns)
		return -1;
	now = sys_monotonic_ns();
	if (now >= l->next_ns)
		return 0;
	ms = (l->next_ns - now + 999999) / 1000000;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void end(struct limit *l, int pidfd)
{
	l->killed = true;
	l->next_ns = 0;
	(void)sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

void limit_step(struct limit *l, int pidfd, bool caller_ended)
{
	if (caller_ended) {
		fd_closep(&l->caller);
		l->caller = -1;
		end(l, pidfd);
	}
	if (!l->next_ns || sys_monotonic_ns() < l->next_ns)
		return;
	if (l->timed_out) {
		end(l, pidfd);
		return;
	}
	l->timed_out = true;
	l->next_ns = sys_monotonic_ns() + l->grace_ns;
	(void)sys_pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	/* who is stopped takes no SIGTERM */
	(void)sys_pidfd_send_signal(pidfd, SIGCONT, NULL, 0);
}

void limit_release(struct limit *l)
{
	fd_closep(&l->caller);
	l->caller = -1;
}
