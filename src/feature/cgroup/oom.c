/*
 * oom.c - OOM kills and the end of a cgroup by inotify (oom.h), in the runtime. The kernel reports
 * each change of memory.events and cgroup.events as IN_MODIFY, at most once in 10 ms and with
 * several changes in one event, so an event only says that it is worth reading: what happened is
 * what the files say. That a cgroup was removed is IN_DELETE_SELF on some kernels and nothing at
 * all on others; but it must be empty before, and that is a change of cgroup.events.
 *
 * memory.events counts the cgroup and everything below it, which is what a container is.
 */
#include "oom.h"

#include "base/cleanup.h"
#include "stat_file.h"

#include <stdio.h>
#include <sys/inotify.h>

struct figures {
	uint64_t oom_kill, populated;
};

static const struct stat_row kill_rows[] = {
	{ "oom_kill", offsetof(struct figures, oom_kill), 0 },
	{ 0 },
};
static const struct stat_row populated_rows[] = {
	{ "populated", offsetof(struct figures, populated), 0 },
	{ 0 },
};

/* By descriptor: a name may mean another cgroup by now. 0: there is no such file. */
static int watch(int fd, int cgroupfd, const char *file, struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", cgroupfd, file);
	if (inotify_add_watch(fd, path, IN_MODIFY | IN_DELETE_SELF) >= 0)
		return 1;
	return stat_is_missing(-errno) ? 0 : err_sys(err, "watch %s", file);
}

/* The events themselves say nothing that is needed. */
static int drain(int fd, struct err *err)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno != EAGAIN ? err_sys(err, "read inotify events") : 0;
}

static int look(struct cgroup_oom *w, uint64_t *ret_kills, struct err *err)
{
	const struct stat_dir d = { .dirfd = w->cgroupfd, .err = err };
	struct figures f = { .oom_kill = w->kills };
	int rc = stat_keyed(&d, "memory.events", kill_rows, &f);

	if (rc >= 0)
		rc = stat_keyed(&d, "cgroup.events", populated_rows, &f);
	if (rc < 0)
		return rc;
	w->ended = !f.populated; /* also where the file is gone */
	*ret_kills = f.oom_kill > w->kills ? f.oom_kill - w->kills : 0;
	w->kills = f.oom_kill;
	return 0;
}

int cgroup_oom_open(int cgroupfd, struct cgroup_oom *ret, struct err *err)
{
	struct cgroup_oom w = { .cgroupfd = cgroupfd };
	auto_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint64_t before;
	int rc;

	if (fd < 0)
		return err_sys(err, "inotify");
	rc = watch(fd, cgroupfd, "cgroup.events", err);
	if (rc == 0)
		return err_set(err, ENOENT, "the cgroup is gone");
	if (rc > 0)
		rc = watch(fd, cgroupfd, "memory.events", err);
	/* after the watches, so that nothing falls between */
	if (rc >= 0)
		rc = look(&w, &before, err);
	if (rc < 0)
		return rc;
	w.fd = take_fd(&fd);
	*ret = w;
	return 0;
}

int cgroup_oom_step(struct cgroup_oom *w, uint64_t *ret_kills, struct err *err)
{
	int rc = drain(w->fd, err);

	return rc < 0 ? rc : look(w, ret_kills, err);
}

void cgroup_oom_close(struct cgroup_oom *w)
{
	fd_closep(&w->fd);
	w->cgroupfd = -1;
}
