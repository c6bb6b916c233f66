/*
 * fuse_overlayfs.c - see fuse_overlayfs.h. Mounted by init; started by the runtime, whose child
 * does what has to be done as the caller, then as the container's root, and becomes the program.
 */
#include "fuse_overlayfs.h"

#include "base/become.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount_fs.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define WORDS_MAX 4096
#define END_MS	  2000
#define FAILED_MS 100 /* its connection goes a moment before itself */

static int set(int fs, const char *key, const char *value, struct err *err)
{
	if (sys_fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0)
		return err_sys(err, "option '%s'", key);
	return 0;
}

static int configure(int fs, int fuse, struct err *err)
{
	char number[16];
	const char *const options[][2] = {
		{ "source", "fuse-overlayfs" },
		{ "subtype", "fuse-overlayfs" },
		{ "fd", number },
		{ "rootmode", "40000" },
		{ "user_id", "0" },
		{ "group_id", "0" },
		{ "default_permissions", NULL },
		{ "allow_other", NULL },
	};
	int rc = 0;

	(void)snprintf(number, sizeof(number), "%d", fuse);
	for (size_t i = 0; i < ARRAY_LEN(options) && rc == 0; i++)
		rc = set(fs, options[i][0], options[i][1], err);
	if (rc == 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = err_sys(err, "create");
	return rc;
}

int fuse_overlayfs_mount_inside(const struct overlay_plan *plan, int *ret_fuse, struct err *err)
{
	auto_fd int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	auto_fd int fs = -1;
	uint64_t attr = 0;
	int tree, rc;

	if (fuse < 0)
		return err_sys(err, "open '/dev/fuse'");
	rc = overlay_attributes(plan, &attr, err);
	if (rc < 0)
		return rc;
	fs = sys_fsopen("fuse", FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "file system type 'fuse'");
	rc = configure(fs, fuse, err);
	if (rc < 0) {
		mount_fs_messages(fs, err);
		return rc;
	}
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	if (tree < 0)
		return err_sys(err, "make the mount");
	*ret_fuse = take_fd(&fuse);
	return tree;
}

/* --------------------------------------------------------- the child that becomes the program */

/* As the caller; what he may not search is left to root inside. */
static int open_layers(const struct overlay_plan *p, bool last, struct err *err)
{
	for (size_t i = 0; i < p->lower.n; i++) {
		if (p->fds[i] < 0)
			p->fds[i] = open(p->lower.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->fds[i] < 0 && (last || errno != EACCES))
			return err_sys(err, "layer '%s'", p->lower.v[i]);
	}
	return 0;
}

/* DIR of the changes, in whose place a memory's is made. */
static int open_changes(const struct overlay_plan *p, struct err *err)
{
	const char *dir = p->upper == UPPER_MEMORY ? p->spare : p->dir;
	int fd;

	if (p->upper == UPPER_NONE)
		return 0;
	if (p->upper == UPPER_MEMORY && mkdir(dir, 0700) < 0)
		return err_sys(err, "make the directory for changes '%s'", dir);
	fd = p->fds[p->lower.n] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "directory for changes '%s'", dir) : 0;
}

static void options_text(const struct overlay_plan *p, int upper, int work, struct str *ret)
{
	str_add(ret, "lowerdir=");
	for (size_t i = 0; i < p->lower.n; i++)
		str_addf(ret, "%s/proc/self/fd/%d", i ? ":" : "", p->fds[i]);
	if (upper >= 0)
		str_addf(ret, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", upper, work);
	if (p->uid_map)
		str_addf(ret, ",uidmapping=%s,gidmapping=%s", p->uid_map, p->gid_map);
}

static int become(const struct fuse_overlayfs_request *q, int upper, int work, int words,
		  struct err *err)
{
	const struct overlay_plan *p = q->plan;
	auto_free int *keep = mem_alloc((p->lower.n + 3) * sizeof(int));
	auto_str struct str options = STR_INIT;
	char point[32];
	char *argv[] = { "fuse-overlayfs", "-f", "-o", NULL, point, NULL };
	struct become b = { .path = p->program, .argv = argv, .out = words, .keep = keep };

	for (size_t i = 0; i < p->lower.n; i++)
		keep[b.n_keep++] = p->fds[i];
	keep[b.n_keep++] = q->fuse;
	if (upper >= 0) {
		keep[b.n_keep++] = upper;
		keep[b.n_keep++] = work;
	}
	options_text(p, upper, work, &options);
	(void)snprintf(point, sizeof(point), "/dev/fd/%d", q->fuse);
	argv[3] = options.p;
	return become_program(&b, err);
}

static int serve(const struct fuse_overlayfs_request *q, int words, struct err *err)
{
	const struct overlay_plan *p = q->plan;
	int upper = -1, work = -1;
	int rc = open_layers(p, false, err);

	if (rc == 0)
		rc = open_changes(p, err);
	if (rc == 0 && q->userns >= 0 && setns(q->userns, CLONE_NEWUSER) < 0)
		rc = err_sys(err, "enter the container's user namespace");
	if (rc == 0)
		rc = user_become_root_inside(q->ids, q->user, err);
	if (rc == 0)
		rc = open_layers(p, true, err);
	if (rc == 0 && p->upper != UPPER_NONE)
		rc = overlay_open_pair(p, p->fds[p->lower.n], &upper, &work, err);
	return rc < 0 ? rc : become(q, upper, work, words, err);
}

/* --------------------------------------------------------------------------------- the runtime */

/* Nobody reads it while it runs: what does not fit is not written. */
static int new_words(struct err *err)
{
	auto_fd int fd = memfd_create("fuse-overlayfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, WORDS_MAX) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(err, "make a memory file");
	return take_fd(&fd);
}

/* End of file: it was executed. */
static int wait_for_exec(int in, struct err *err)
{
	struct err said = ERR_INIT;
	ssize_t n;

	do
		n = read(in, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != sizeof(said) || said.num <= 0)
		return err_set(err, EPROTO, "malformed answer");
	*err = said;
	return -said.num;
}

int fuse_overlayfs_serve_outside(const struct fuse_overlayfs_request *q, struct fuse_overlayfs *ret,
				 struct err *err)
{
	struct clone_args clone = { .exit_signal = SIGCHLD };
	auto_fd int words = new_words(err);
	int pipes[2], rc;
	pid_t pid;

	if (words < 0)
		return words;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	auto_fd int in = pipes[0];
	auto_fd int out = pipes[1];

	pid = sys_clone3(&clone);
	if (pid == 0) {
		struct err said = ERR_INIT;

		(void)serve(q, words, &said);
		_exit(fd_write_all(out, &said, sizeof(said), NULL) < 0 ? 126 : 127);
	}
	if (pid < 0)
		return err_sys(err, "clone");
	fd_closep(&out);
	rc = wait_for_exec(in, err);
	if (rc < 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		return err_in(err, rc, "fuse-overlayfs");
	}
	ret->pid = pid;
	ret->words = take_fd(&words);
	return 0;
}

/* What one that serves still has printed is about something else. */
static bool has_failed(pid_t pid)
{
	auto_fd int pidfd = pid ? sys_pidfd_open(pid, 0) : -1;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info = { 0 };

	return pidfd >= 0 && poll(&p, 1, FAILED_MS) > 0 &&
	       waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       (info.si_code != CLD_EXITED || info.si_status);
}

/* On one line. */
static void take_words(struct fuse_overlayfs *f, char *ret, size_t size)
{
	char text[WORDS_MAX];
	ssize_t n = f->words < 0 ? 0 : pread(f->words, text, sizeof(text), 0);

	fd_closep(&f->words);
	child_words(text, n > 0 ? strnlen(text, (size_t)n) : 0, ret, size);
}

int fuse_overlayfs_explain(struct fuse_overlayfs *f, int rc, struct err *err)
{
	char words[256];

	take_words(f, words, sizeof(words));
	if (!words[0] || !has_failed(f->pid))
		return rc;
	return err_hint(err, rc, "fuse-overlayfs says: %s", words);
}

int fuse_overlayfs_late(struct fuse_overlayfs *f, int ms, struct err *err)
{
	char words[256];
	int rc;

	f->late = true;
	take_words(f, words, sizeof(words));
	rc = err_set(err, ETIMEDOUT, "'fuse-overlayfs' did not answer within %d s%s%s", ms / 1000,
		     words[0] ? ": " : "", words);
	return err_hint(err, rc,
			"see that the layers can be read, where one is on a network's file system; the "
			"kernel's overlay needs no program: org.bryo.rootfs=overlay");
}

void fuse_overlayfs_end(struct fuse_overlayfs *f)
{
	int saved = errno;
	auto_fd int pidfd = f->pid ? sys_pidfd_open(f->pid, 0) : -1;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	fd_closep(&f->words);
	if (pidfd >= 0) {
		if (f->late || poll(&p, 1, END_MS) <= 0)
			(void)sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		(void)waitpid(f->pid, NULL, 0);
	}
	f->pid = 0;
	errno = saved;
}
