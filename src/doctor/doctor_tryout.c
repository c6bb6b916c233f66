/*
 * doctor_tryout.c - what only the kernel knows, asked by trying: one child in throw-away
 * namespaces notes which steps of a container's start it may take. It shares one page with us,
 * mounts nothing that anybody else sees, and is gone before the first check looks at the notes.
 *
 * The steps are those of a launch, in its order: all namespaces at once, the map of one ID (which
 * needs no helper), a mount, a user namespace in it, a new proc and a new sysfs. The latter two are
 * only made, not attached: the kernel decides at fsmount(2) whether they would reveal too much. With
 * rights, system calls that end with EPERM are those that a filter refuses.
 * Another child looks at a directory that may hold it for ever, and one more lends itself
 * to newuidmap and newgidmap, whose reasons to refuse are many.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/sys.h"
#include "rootless/rootless.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ALL_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

#define ANSWER_MS 3000
#define GRACE_MS  500

static int number(int rc)
{
	return rc < 0 ? errno : 0;
}

/* What fsmount(2) says of a new one. */
static int try_new(const char *type)
{
	auto_fd int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	auto_fd int mount = -1;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return number(mount);
}

/* Asking for it has the kernel load the module, as a start would. */
static int try_type(const char *type)
{
	auto_fd int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	return number(fs);
}

static int poke(const char *path, const char *text)
{
	return -file_poke_at(AT_FDCWD, path, text, NULL);
}

/* One ID, by ourselves, as a container with a single ID does. */
static int try_map(uid_t uid, gid_t gid)
{
	char line[32];
	int rc = poke("/proc/self/setgroups", "deny");

	if (rc != 0 && rc != ENOENT)
		return rc;
	(void)snprintf(line, sizeof(line), "0 %u 1", gid);
	rc = poke("/proc/self/gid_map", line);
	if (rc != 0)
		return rc;
	(void)snprintf(line, sizeof(line), "0 %u 1", uid);
	return poke("/proc/self/uid_map", line);
}

/* Runs in the child. */
static void try_inside(struct tryout *t, uid_t uid, gid_t gid)
{
	t->rights = try_map(uid, gid);
	if (t->rights == 0)
		t->rights = number(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (t->rights == 0)
		t->refused = kernel_refused();
	t->overlay = try_type("overlay");
	t->proc = try_new("proc");
	t->sysfs = try_new("sysfs");
	t->nested = number(unshare(CLONE_NEWUSER));
}

static pid_t spawn(uint64_t flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return sys_clone3(&args);
}

/* In a child. It may be too late for the signal. */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(0);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Returns the errno of clone3. */
static int try_in(uint64_t flags, struct tryout *t)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	pid_t pid = spawn(flags);

	if (pid == 0) {
		try_inside(t, uid, gid);
		_exit(0);
	}
	if (pid < 0)
		return errno;
	reap(pid);
	return 0;
}

void tryout_run(struct doctor *d)
{
	struct tryout *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return;
	/* what a child that dies half way leaves */
	*t = (struct tryout){
		.done = true,
		.rights = ECHILD,
		.nested = ECHILD,
		.proc = ECHILD,
		.sysfs = ECHILD,
		.overlay = ECHILD,
	};
	t->namespaces = try_in(ALL_NAMESPACES, t);
	/* one of the others may be what is refused */
	if (t->namespaces)
		t->userns = try_in(CLONE_NEWUSER | CLONE_NEWNS, t);
	d->tryout = *t;
	(void)munmap(t, sizeof(*t));
}

bool tryout_answers(struct doctor *d, const char *path)
{
	const pid_t parent = getpid();
	pid_t pid = spawn(0);
	auto_fd int pidfd = pid > 0 ? sys_pidfd_open(pid, 0) : -1;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	bool ended;

	if (pid == 0) {
		end_with(parent);
		directory_look(d, path);
		_exit(0);
	}
	if (pid < 0)
		return true;
	ended = pidfd < 0 || poll(&p, 1, ANSWER_MS) != 0;
	if (!ended)
		(void)kill(pid, SIGKILL);
	/* one that not even SIGKILL ends is left to who reaps orphans */
	if (ended || poll(&p, 1, GRACE_MS) > 0)
		reap(pid);
	return ended;
}

int tryout_map(struct doctor *d, const struct id_extents *uid, const struct id_extents *gid,
	       struct err *err)
{
	const pid_t parent = getpid();
	pid_t pid = spawn(CLONE_NEWUSER);
	int rc;

	if (pid < 0)
		return err_sys(err, "make a user namespace");
	if (pid == 0) {
		/* for as long as it takes the parent to end us, or to end */
		end_with(parent);
		for (;;)
			(void)pause();
	}
	rc = newidmap_write(d->host.newuidmap.path, d->host.newgidmap.path, pid, uid, gid, err);
	(void)kill(pid, SIGKILL);
	reap(pid);
	return rc;
}
