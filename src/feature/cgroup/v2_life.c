/*
 * v2_life.c - who is in a cgroup, and its freezing and end. Runs in the runtime and in whoever
 * manages the container later.
 *
 * What the container's own root may have made, such as names below its cgroup, is never trusted: no
 * link is followed, and the walk that removes does not leave the file system.
 */
#include "v2.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#define FREEZE_MS 10000
#define EMPTY_MS  10000
#define DEPTH_MAX 256 /* a descriptor each */
#define TRIES	  50

/* A member of a "KEY VALUE" file, such as cgroup.events; false where it is not there. */
bool v2_event(int cgroupfd, const char *key)
{
	auto_free char *text = v2_read(cgroupfd, "cgroup.events");
	char line[32];

	(void)snprintf(line, sizeof(line), "%s 1", key);
	return text && strstr(text, line);
}

/* ------------------------------------------------------------------------- processes */

void v2_pids_of(int cgroupfd, struct v2_pids *ret)
{
	auto_free char *text = v2_read(cgroupfd, "cgroup.procs");
	unsigned long long pid;

	for (const char *p = text; p && str_next_u64(&p, INT32_MAX, &pid);) {
		if (ret->n == ret->cap) {
			ret->cap = ret->cap ? ret->cap * 2 : 16;
			ret->v = mem_realloc(ret->v, ret->cap * sizeof(*ret->v));
		}
		ret->v[ret->n] = (pid_t)pid;
		ret->n += pid > 0; /* 0: not in our pid namespace */
	}
}

static bool is_child(const struct dirent *e)
{
	return e->d_type == DT_DIR && !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..");
}

/* Calls visit for the directory and all below, children first. */
static int walk(int dirfd, int depth, int (*visit)(int dirfd, void *arg), void *arg)
{
	auto_fd int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!d)
		return -errno;
	(void)take_fd(&own);
	while (depth < DEPTH_MAX && (e = readdir(d))) {
		auto_fd int sub = -1;

		if (!is_child(e))
			continue;
		sub = v2_open_below(dirfd, e->d_name, NULL);
		if (sub >= 0)
			(void)walk(sub, depth + 1, visit, arg);
	}
	return visit(dirfd, arg);
}

static int collect(int dirfd, void *arg)
{
	v2_pids_of(dirfd, arg);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

int cgroup_pids(int cgroupfd, pid_t **ret, size_t *ret_n, struct err *err)
{
	struct v2_pids all = { 0 };
	int rc = walk(cgroupfd, 0, collect, &all);

	if (rc < 0) {
		errno = -rc;
		return err_sys(err, "list the cgroup's processes");
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_number);
	*ret = all.v;
	*ret_n = all.n;
	return 0;
}

/* "17, 18, 19 and 4 more" */
void v2_name_pids(int cgroupfd, struct str *ret)
{
	auto_free pid_t *v = NULL;
	size_t n = 0;

	(void)cgroup_pids(cgroupfd, &v, &n, NULL);
	for (size_t i = 0; i < n && i < 8; i++)
		str_addf(ret, "%s%d", i ? ", " : "", (int)v[i]);
	if (n > 8)
		str_addf(ret, " and %zu more", n - 8);
	if (!n)
		str_add(ret, "of another pid namespace");
}

/* ------------------------------------------------------------------- freeze and end */

bool cgroup_is_frozen(int cgroupfd)
{
	return v2_event(cgroupfd, "frozen");
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* cgroup.events has POLLPRI when it changes; it must be read in between. True: it became so in time. */
static bool wait_event(int cgroupfd, const char *key, bool want, int ms)
{
	auto_fd int fd = openat(cgroupfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	int64_t end = now_ms() + ms;
	char text[256], line[32];

	(void)snprintf(line, sizeof(line), "%s 1", key);
	while (fd >= 0) {
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		int64_t left = end - now_ms();

		if (n < 0)
			return errno == ENODEV && !want; /* removed meanwhile */
		text[n] = '\0';
		if ((strstr(text, line) != NULL) == want)
			return true;
		if (left <= 0)
			return false;
		(void)poll(&p, 1, (int)left);
	}
	return false;
}

int cgroup_freeze(int cgroupfd, bool frozen, struct err *err)
{
	auto_str struct str pids = STR_INIT;
	int rc = file_poke_at(cgroupfd, "cgroup.freeze", frozen ? "1" : "0", err);

	if (rc < 0 || wait_event(cgroupfd, "frozen", frozen, FREEZE_MS))
		return rc;
	v2_name_pids(cgroupfd, &pids);
	if (!frozen)
		return err_hint(err,
				err_set(err, ETIMEDOUT, "not thawed within %d s", FREEZE_MS / 1000),
				"a cgroup above it is frozen as well");
	(void)file_poke_at(cgroupfd, "cgroup.freeze", "0", NULL);
	err_set(err, ETIMEDOUT, "not frozen within %d s, so it was thawed again: processes %s",
		FREEZE_MS / 1000, pids.p);
	return err_hint(err, -ETIMEDOUT,
			"one of them waits inside the kernel: see its /proc/PID/wchan");
}

static bool first_child(int dirfd, char name[256])
{
	auto_dir DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_child(e)) {
			(void)snprintf(name, 256, "%s", e->d_name);
			return true;
		}
	return false;
}

/* The first leaf below, with two descriptors however deep it is. False when there is none to remove. */
static bool remove_leaf(int top)
{
	auto_fd int dir = -1;
	char name[256], next[256];

	if (!first_child(top, name))
		return false;
	dir = fd_dup(top, 3, NULL);
	for (;;) {
		auto_fd int sub = v2_open_below(dir, name, NULL);

		if (sub < 0)
			return false;
		if (!first_child(sub, next))
			return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
		fd_closep(&dir);
		dir = take_fd(&sub);
		memcpy(name, next, sizeof(name));
	}
}

static int open_parent(const char *path, const char **ret_name, struct err *err)
{
	auto_free char *parent = mem_strdup(path);
	char *slash = strrchr(parent, '/');

	*ret_name = strrchr(path, '/') + 1;
	*slash = '\0';
	return cgroup_open(parent, err);
}

/* After the last process's end the kernel may still hold the directory for a moment. */
int v2_remove(int parent, const char *name, const char *path, struct err *err)
{
	auto_str struct str pids = STR_INIT;
	auto_fd int fd = -1;

	for (int try = 0; try < TRIES; try++) {
		struct timespec pause = { 0, (try < 10 ? 1 : 20) * 1000000L };

		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENODEV)
			return 0;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return err_sys(err, "remove the cgroup '%s'", path);
		fd_closep(&fd);
		fd = v2_open_below(parent, name, NULL);
		errno = 0;
		while (fd >= 0 && remove_leaf(fd))
			;
		if (errno == EACCES || errno == EPERM)
			return err_sys(err, "remove what is below the cgroup '%s'", path);
		if (try)
			(void)nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		v2_name_pids(fd, &pids);
	return err_set(err, EBUSY, "remove the cgroup '%s': still in use by processes %s", path,
		       pids.p);
}

static int kill_all(int fd, const char *path, struct err *err)
{
	auto_str struct str pids = STR_INIT;
	int rc = cgroup_kill(fd, err);

	if (rc < 0 && rc != -ENODEV)
		return err_in(err, rc, "kill what is in the cgroup '%s'", path);
	/* a signal that kills reaches frozen processes too, but those that only wait for them stay */
	(void)file_poke_at(fd, "cgroup.freeze", "0", NULL);
	if (wait_event(fd, "populated", false, EMPTY_MS))
		return 0;
	v2_name_pids(fd, &pids);
	err_set(err, ETIMEDOUT, "the cgroup '%s' is not empty %d s after SIGKILL: processes %s",
		path, EMPTY_MS / 1000, pids.p);
	return err_hint(err, -ETIMEDOUT,
			"they may be stuck in the kernel: see /proc/PID/stack and its log");
}

uint64_t cgroup_ino(int cgroupfd)
{
	struct stat st;

	return fstat(cgroupfd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

int cgroup_kill(int cgroupfd, struct err *err)
{
	return file_poke_at(cgroupfd, "cgroup.kill", "1", err);
}

bool cgroup_is_populated(int cgroupfd)
{
	return v2_event(cgroupfd, "populated");
}

static bool is_it(int fd, uint64_t ino, const char *mark)
{
	char value[PATH_MAX + 128];
	ssize_t n, len;

	if (ino)
		return cgroup_ino(fd) == ino;
	n = mark ? fgetxattr(fd, V2_MARK, value, sizeof(value)) : -1;
	len = mark ? (ssize_t)strlen(mark) : 0;
	return n >= len && n > 0 && memcmp(value, mark, (size_t)len) == 0 &&
	       (n == len || value[len] == ' ');
}

int cgroup_end(const char *path, uint64_t ino, const char *mark, bool keep, struct err *err)
{
	auto_fd int parent = -1, fd = -1;
	struct err why = ERR_INIT;
	const char *name;
	int rc;

	if (!path)
		return 0;
	parent = open_parent(path, &name, &why);
	fd = parent < 0 ? parent : v2_open_below(parent, name, &why);
	if (fd == -ENOENT || fd == -EOPNOTSUPP || (fd >= 0 && !is_it(fd, ino, mark)))
		return 0;
	if (fd < 0) {
		if (err)
			*err = why;
		return fd;
	}
	rc = v2_event(fd, "populated") ? kill_all(fd, path, err) : 0;
	fd_closep(&fd);
	return rc < 0 || keep ? rc : v2_remove(parent, name, path, err);
}

void cgroup_end_scope(const char *path)
{
	const struct timespec moment = { 0, 200 * 1000000L };
	auto_free char *scope = mem_strdup(path);
	auto_fd int parent = -1;
	const char *name;

	*strrchr(scope, '/') = '\0';
	(void)nanosleep(&moment, NULL);
	parent = strchr(scope, '/') ? open_parent(scope, &name, NULL) : -1;
	if (parent >= 0)
		(void)unlinkat(parent, name, AT_REMOVEDIR);
}
