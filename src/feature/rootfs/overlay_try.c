/*
 * overlay_try.c - whether the kernel's overlay works somewhere, asked by trying (overlay.h). Runs
 * in the runtime and a child of it in throw-away namespaces: what the child mounts nobody else
 * sees, and it goes with it. What it needs on disk is one directory, which is removed again.
 */
#include "overlay.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/scratch.h"
#include "base/str.h"
#include "base/sys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* One ID, by ourselves. */
static int map_self(uid_t uid, gid_t gid, struct err *err)
{
	char line[32];
	int rc = file_poke_at(AT_FDCWD, "/proc/self/setgroups", "deny", err);

	(void)snprintf(line, sizeof(line), "0 %u 1", gid);
	if (rc == 0)
		rc = file_poke_at(AT_FDCWD, "/proc/self/gid_map", line, err);
	(void)snprintf(line, sizeof(line), "0 %u 1", uid);
	return rc < 0 ? rc : file_poke_at(AT_FDCWD, "/proc/self/uid_map", line, err);
}

/* Deletions and replaced directories are what needs whiteouts and attributes. */
static int use(int top, struct err *err)
{
	auto_fd int fd = openat(top, "new", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "make a file");
	if (unlinkat(top, "file", 0) < 0)
		return err_sys(err, "delete a file of a layer");
	if (unlinkat(top, "dir", AT_REMOVEDIR) < 0 || mkdirat(top, "dir", 0700) < 0)
		return err_sys(err, "replace a directory of a layer");
	return 0;
}

/* overlay keeps whiteouts in stock there. */
static void clean_work(int dir)
{
	int fd = openat(dir, "work/work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; d && (e = readdir(d));)
		(void)unlinkat(fd, e->d_name, 0);
}

/* As root of the user namespace, whose the files are. */
static void clean(int dir)
{
	static const char *const files[] = { "lower/file", "upper/new", "upper/file" };
	static const char *const dirs[] = { "lower/dir",  "lower",     "upper/dir", "upper",
					    "work/index", "work/work", "work" };

	clean_work(dir);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlinkat(dir, files[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		(void)unlinkat(dir, dirs[i], AT_REMOVEDIR);
}

/* What a try that was killed has left in the same place. */
static void clean_lost(int parent)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv names;

	scratch_find(&a, parent, &names);
	for (size_t i = 0; i < names.n; i++) {
		auto_fd int lost = -1;

		if (str_starts(names.v[i], ".doctor."))
			lost = scratch_take(parent, names.v[i]);
		if (lost < 0)
			continue;
		clean(lost);
		(void)unlinkat(parent, names.v[i], AT_REMOVEDIR);
	}
}

static int make_lower(int dir, struct err *err)
{
	auto_fd int fd = -1;

	if (mkdirat(dir, "lower", 0700) < 0 || mkdirat(dir, "lower/dir", 0700) < 0)
		return err_sys(err, "make a directory");
	fd = openat(dir, "lower/file", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(err, "make a file") : 0;
}

static int try_inside(const struct overlay_plan *plan, struct err *err)
{
	auto_fd int lowest = -1, top = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "take the mounts out of the host's propagation");
	lowest = overlay_sources_inside(plan, err);
	if (lowest < 0)
		return lowest;
	top = overlay_mount_inside(plan, err);
	overlay_close_inside(plan);
	return top < 0 ? top : use(top, err);
}

/* The verdict comes back as it is. */
static int read_verdict(int fd, struct err *err)
{
	struct err said = ERR_INIT;
	size_t got = 0;

	while (got < sizeof(said)) {
		ssize_t n = read(fd, (char *)&said + got, sizeof(said) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ECHILD, "the try ended without a verdict");
		got += (size_t)n;
	}
	if (!said.num)
		return 0;
	if (err)
		*err = said;
	return -said.num;
}

static int run_child(const struct overlay_plan *plan, int dir, struct err *err)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	struct clone_args clone = { .flags = CLONE_NEWNS | (plan->userxattr ? CLONE_NEWUSER : 0),
				    .exit_signal = SIGCHLD };
	struct err said = ERR_INIT;
	int pipes[2], rc;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	auto_fd int in = pipes[0];
	auto_fd int out = pipes[1];

	pid = sys_clone3(&clone);
	if (pid == 0) {
		rc = plan->userxattr ? map_self(uid, gid, &said) : 0;
		if (rc == 0)
			rc = try_inside(plan, &said);
		clean(dir);
		_exit(fd_write_all(out, &said, sizeof(said), NULL) < 0);
	}
	if (pid < 0)
		return err_sys(err, "make throw-away namespaces");
	fd_closep(&out);
	rc = read_verdict(in, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	clean(dir);
	return rc;
}

/* A tmpfs that only the child has needs a layer all the same: an empty directory of our own. */
int overlay_try_outside(const char *dir, bool userns, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	const char *place = dir ? dir : tmp && tmp[0] == '/' ? tmp : "/tmp";
	auto_fd int parent = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *scratch = NULL, *lower = NULL;
	char name[NAME_MAX + 1];
	auto_fd int fd = -1;
	const char *layers[2] = { NULL, NULL };
	int fds[2] = { -1, -1 }, rc;
	struct overlay_plan plan = {
		.lower = { layers, 1 },
		.upper = dir ? UPPER_KEPT : UPPER_MEMORY,
		.userxattr = userns,
		.fds = fds,
	};

	if (parent < 0)
		return err_sys(err, "open '%s'", place);
	clean_lost(parent);
	fd = scratch_make(parent, "doctor", name, err);
	if (fd < 0)
		return err_in(err, fd, "'%s'", place);
	scratch = mem_printf("%s/%s", place, name);
	lower = mem_printf("%s/lower", scratch);
	layers[0] = lower;
	if (dir)
		plan.dir = scratch;
	rc = make_lower(fd, err);
	if (rc == 0)
		rc = run_child(&plan, fd, err);
	clean(fd);
	(void)rmdir(scratch);
	return rc;
}
