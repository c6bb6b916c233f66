/*
 * test_procfs.c - which /proc is trusted: a procfs, from its root, and nothing that was mounted over
 * a file in it. In a user and mount namespace of its own, where a procfs cannot be made: the pid
 * namespace is somebody else's.
 */
#include "feature/procfs.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "tap.h"

#include <sys/mount.h>
#include <sys/wait.h>

enum what { UNTOUCHED, TMPFS, SUBDIRECTORY, COVERED };

/* 0: opened what it should, else the errno. */
static int attempt(enum what what)
{
	auto_fd int proc = -1;
	int rc = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 255;
	if (what == TMPFS)
		rc = mount("tmpfs", "/proc", "tmpfs", 0, NULL);
	else if (what == SUBDIRECTORY)
		rc = mount("/proc/self", "/proc", NULL, MS_BIND | MS_REC, NULL);
	else if (what == COVERED)
		rc = mount("/dev/null", "/proc/thread-self/oom_score_adj", NULL, MS_BIND, NULL);
	if (rc < 0)
		return 254;
	proc = procfs_open_inside(NULL);
	if (proc < 0)
		return -proc;
	rc = procfs_open_at(proc, "thread-self/oom_score_adj", O_RDONLY, NULL);
	return rc < 0 ? -rc : 0;
}

static const struct {
	const char *what;
	enum what prepare;
	int want;
} rows[] = {
	{ "as it is", UNTOUCHED, 0 },
	{ "a tmpfs in its place", TMPFS, EXDEV },
	{ "a directory of it in its place", SUBDIRECTORY, EXDEV },
	{ "something mounted over the file", COVERED, EXDEV },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = 0, got;
		pid_t pid = fork();

		if (pid == 0)
			_exit(attempt(rows[i].prepare));
		(void)waitpid(pid, &status, 0);
		got = WEXITSTATUS(status);
		ok(got == rows[i].want || got >= 254, "/proc: %s%s", rows[i].what,
		   got >= 254 ? " # SKIP no namespaces here" : "");
	}
	return done();
}
