/*
 * serving.c - recording and ending helper programs (serving.h). Runs in the calling process, which
 * need not be the one that started them.
 *
 * They end with init by themselves; this is for what is left of them by then, and for knowing when
 * they are gone.
 */
#include "serving.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/net/net.h"
#include "state/state.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define DEADLINE_MS 5000

static void add(struct record *r, const char *name, pid_t pid)
{
	struct record_helper *h = &r->helpers.v[r->helpers.n];
	bool zombie;

	*h = (struct record_helper){ .name = name, .pid = pid };
	if (pid > 0 && state_pid_start(pid, &h->start, &zombie, NULL) == 0)
		r->helpers.n++;
}

void serving_record(struct arena *a, const struct helper_runs *runs, pid_t fuse, struct record *r)
{
	if (!runs->n && !fuse)
		return;
	r->helpers.n = 0;
	r->helpers.v = arena_alloc(a, (2 * runs->n + 1) * sizeof(*r->helpers.v));
	if (fuse)
		add(r, "fuse-overlayfs", fuse);
	for (size_t i = 0; i < runs->n; i++) {
		add(r, runs->v[i].desc->name, runs->v[i].pid);
		if (runs->v[i].keeper)
			add(r, HELPER_KEEPER, runs->v[i].keeper);
	}
}

/* A pidfd of it, or -1 when it is gone, or its number is somebody else's by now. */
static int open_helper(const struct record_helper *h)
{
	auto_fd int pidfd = h->pid > 0 ? sys_pidfd_open(h->pid, 0) : -1;
	uint64_t start;
	bool zombie;

	if (pidfd < 0 || state_pid_start(h->pid, &start, &zombie, NULL) < 0 || zombie ||
	    start != h->start)
		return -1;
	return take_fd(&pidfd);
}

bool serving_is_alive(const struct record *r, size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_fd int pidfd = str_eq(r->boot_id, state_boot_id(&a)) ? open_helper(&r->helpers.v[i])
								  : -1;

	return pidfd >= 0;
}

bool serving_has_ended(const struct record *r, size_t i)
{
	const struct record_helper *h = &r->helpers.v[i];
	auto_fd int pidfd = h->pid > 0 ? sys_pidfd_open(h->pid, 0) : -1;
	uint64_t start;
	bool zombie;
	int rc;

	if (pidfd < 0)
		return h->pid > 0 && errno == ESRCH;
	rc = state_pid_start(h->pid, &start, &zombie, NULL);
	if (rc == -ESRCH)
		return sys_pidfd_send_signal(pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
	return rc == 0 && (zombie || start != h->start);
}

static int wait_for(const struct record_helper *h, int pidfd, struct err *err)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;
	int n;

	do
		n = poll(&p, 1, DEADLINE_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, ETIMEDOUT,
			       "'%s', process %d, did not end within %d ms of SIGKILL", h->name,
			       (int)h->pid, DEADLINE_MS);
	/* Ours to reap where we are the parent; otherwise ECHILD, which is fine. */
	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
	return 0;
}

/* A port of the host is free again only when who had it is gone. Nothing else is worth the wait: a
 * tap device takes the kernel 10 to 30 ms to remove. */
static bool is_waited_for(const struct record *r, int dirfd)
{
	for (size_t i = 0; i < r->annotations.n; i++)
		if (str_eq(r->annotations.v[i].name, PUBLISH_ANNOTATION))
			return true;
	return faccessat(dirfd, NET_PORTS, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int serving_end(const struct record *r, int dirfd, struct err *err)
{
	auto_free int *fds = NULL;
	auto_arena struct arena a = ARENA_INIT;
	bool wait;
	int rc = 0;

	/* of another boot they are gone, and their numbers are somebody else's */
	if (!r->helpers.n || !str_eq(r->boot_id, state_boot_id(&a)))
		return 0;
	wait = is_waited_for(r, dirfd);
	fds = mem_alloc(r->helpers.n * sizeof(*fds));
	for (size_t i = 0; i < r->helpers.n; i++) {
		fds[i] = open_helper(&r->helpers.v[i]);
		if (fds[i] >= 0)
			(void)sys_pidfd_send_signal(fds[i], SIGKILL, NULL, 0);
	}
	for (size_t i = 0; i < r->helpers.n; i++) {
		if (fds[i] >= 0 && wait && rc == 0)
			rc = wait_for(&r->helpers.v[i], fds[i], err);
		fd_closep(&fds[i]);
	}
	return rc;
}
