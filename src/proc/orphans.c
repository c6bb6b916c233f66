/*
 * orphans.c - ends what became our child (orphans.h). Runs in the runtime. A number that the kernel
 * lists as a child of ours stays that process's until we reap it.
 */
#include "orphans.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CHILDREN     "/proc/thread-self/children"
#define CHILDREN_MAX (1u << 20)
#define END_NS	     (UINT64_C(10) * 1000000000)
#define STEP_MS	     100

/* *ret is malloc'ed. Negative: the kernel does not tell. */
static int children(pid_t **ret, size_t *ret_n)
{
	auto_free char *text = NULL;
	unsigned long long pid;
	const char *p;
	int rc = file_read_at(AT_FDCWD, CHILDREN, CHILDREN_MAX, &text, NULL, NULL);

	*ret = NULL;
	*ret_n = 0;
	for (p = text; rc == 0 && str_next_u64(&p, INT32_MAX, &pid);) {
		*ret = mem_realloc(*ret, (*ret_n + 1) * sizeof(**ret));
		(*ret)[(*ret_n)++] = (pid_t)pid;
	}
	return rc;
}

static bool is_known(const struct orphans *o, pid_t pid)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->known[i] == pid)
			return true;
	return false;
}

/* What a hook left behind: a container is always in a mount namespace of its own. */
static bool is_of_the_host(pid_t pid)
{
	struct stat own, its;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return stat("/proc/self/ns/mnt", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

static void end_one(pid_t pid)
{
	auto_fd int pidfd = sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;

	if (pidfd < 0)
		return;
	(void)sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	(void)poll(&p, 1, STEP_MS);
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | __WALL);
}

/* How many there were. */
static size_t end_round(const struct orphans *o)
{
	auto_free pid_t *pids = NULL;
	size_t n, found = 0;

	if (children(&pids, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (is_known(o, pids[i]) || is_of_the_host(pids[i]))
			continue;
		found++;
		end_one(pids[i]);
	}
	return found;
}

void orphans_note(struct orphans *o)
{
	orphans_release(o);
	(void)children(&o->known, &o->n);
}

void orphans_end(const struct orphans *o)
{
	uint64_t deadline = sys_monotonic_ns() + END_NS;

	while (end_round(o) && sys_monotonic_ns() < deadline)
		continue;
}

void orphans_release(struct orphans *o)
{
	free(o->known);
	*o = (struct orphans){ 0 };
}
