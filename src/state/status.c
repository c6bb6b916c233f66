/*
 * status.c - what the recorded facts of a container mean now (state.h). Nothing of it is remembered:
 * a record says who init was, the kernel says whether that one is still there. Runs in the runtime
 * only.
 */
#include "state.h"

#include "elsewhere.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_ID_LEN 36

/* Reads a small /proc file without allocating. Returns its length, or -1 with errno. */
static ssize_t read_small(const char *path, char *buf, size_t size)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static void read_boot_id(char buf[BOOT_ID_LEN + 1])
{
	if (read_small("/proc/sys/kernel/random/boot_id", buf, BOOT_ID_LEN + 1) != BOOT_ID_LEN)
		buf[0] = '\0';
}

const char *state_boot_id(struct arena *a)
{
	char id[BOOT_ID_LEN + 1];

	read_boot_id(id);
	return arena_strdup(a, id);
}

uint64_t state_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

/* A start time counts from boot, so another boot's process can have the same pid and time. */
static bool is_this_boot(const struct record *r)
{
	char now[BOOT_ID_LEN + 1];

	if (!r->boot_id || !r->boot_id[0])
		return true;
	read_boot_id(now);
	return !now[0] || strcmp(now, r->boot_id) == 0;
}

int state_pid_start(pid_t pid, uint64_t *ret, bool *ret_zombie, struct err *err)
{
	char path[40], text[1024];
	unsigned long long start = 0;
	const char *p;
	bool good;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || read_small(path, text, sizeof(text)) < 0) {
		if (pid <= 0 || errno == ENOENT)
			errno = ESRCH;
		return err_sys(err, "process %d", (int)pid);
	}
	/* The name, in parentheses, may hold anything, also ") "; nothing after it can. The state
	 * follows as field 3; the start time is field 22. */
	p = strrchr(text, ')');
	good = p && p[1] == ' ' && p[2] && p[3] == ' ';
	*ret_zombie = good && (p[2] == 'Z' || p[2] == 'X');
	p = good ? p + 3 : "";
	for (int field = 4; field < 22; field++) {
		p += strspn(p, " ");
		p += strcspn(p, " ");
	}
	if (!good || !str_next_u64(&p, UINT64_MAX, &start))
		return err_set(err, EPROTO, "'%s' cannot be understood", path);
	*ret = start;
	return 0;
}

/*
 * A pidfd of exactly the recorded init, or -ESRCH. The pidfd is taken first and asked last: if
 * it can still be signalled after /proc was read, it was the same process all the time.
 */
static int open_init(const struct record *r, struct err *err)
{
	auto_fd int pidfd = sys_pidfd_open(r->pid, 0);
	uint64_t start;
	bool zombie;
	int rc;

	if (pidfd < 0) {
		if (errno == EINVAL) /* a thread that is not a leader: the number was reused */
			errno = ESRCH;
		return err_sys(err, "process %d", (int)r->pid);
	}
	rc = state_pid_start(r->pid, &start, &zombie, err);
	/* Alive, yet not in /proc (hidepid, or another pid namespace's /proc): never call that dead. */
	if (rc == -ESRCH && (sys_pidfd_send_signal(pidfd, 0, NULL, 0) == 0 || errno != ESRCH)) {
		err_set(err, EACCES, "process %d cannot be seen in /proc", (int)r->pid);
		return err_hint(err, -EACCES,
				"run bryo where /proc shows it: as root, or without hidepid=");
	}
	if (rc < 0)
		return rc;
	if (zombie || start != r->pid_start || !is_this_boot(r))
		return err_set(err, ESRCH, "process %d is not the container's", (int)r->pid);
	if (sys_pidfd_send_signal(pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
		return err_sys(err, "process %d", (int)r->pid);
	return take_fd(&pidfd);
}

/* Alive is an error, too: our numbers of its processes, by which everything goes, do not count here. */
static int status_elsewhere(const struct record *r, enum state_status *ret, struct err *err)
{
	pid_t here = is_this_boot(r) ? record_find_elsewhere(r) : 0;

	*ret = here ? STATE_UNKNOWN : STATE_STOPPED;
	if (!here)
		return 0;
	if (here < 0)
		return err_set(
			err, EXDEV,
			"it was created in another pid namespace: nobody can tell from here whether it runs");
	err_set(err, EXDEV,
		"it was created in another pid namespace, and runs: it is process %d here",
		(int)here);
	return err_hint(err, -EXDEV, "run bryo there, or end process %d first", (int)here);
}

int state_status(int dirfd, const struct record *r, enum state_status *ret, int *ret_pidfd,
		 struct err *err)
{
	struct err why = ERR_INIT;
	auto_fd int pidfd = -1;

	if (ret_pidfd)
		*ret_pidfd = -1;
	if (r->pid <= 0) {
		*ret = STATE_CREATING;
		return 0;
	}
	if (record_is_elsewhere(r))
		return status_elsewhere(r, ret, err);
	pidfd = open_init(r, &why);
	if (pidfd == -ESRCH) {
		*ret = STATE_STOPPED;
		return 0;
	}
	if (pidfd < 0) {
		*ret = STATE_UNKNOWN;
		if (err)
			*err = why;
		return pidfd;
	}
	*ret = faccessat(dirfd, STATE_START_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? STATE_CREATED
										  : STATE_RUNNING;
	if (ret_pidfd)
		*ret_pidfd = take_fd(&pidfd);
	return 0;
}
