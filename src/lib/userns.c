/*
 * userns.c - work as root of a user namespace with all IDs of the caller (userns.h). The child is a
 * copy of the runtime that waits until it is mapped, becomes 0:0 and calls one function; its error
 * comes back whole through a pipe. It has no namespace but those that are asked for.
 */
#include "userns.h"

#include "base/cleanup.h"
#include "base/names.h"
#include "base/scratch.h"
#include "base/sys.h"
#include "base/tree.h"
#include "oci/idmap_style.h"
#include "rootless/rootless.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

#define ALL_IDS "0:0:4294967295"

struct inside {
	const struct idmap_plan *ids;
	int (*fn)(void *arg, struct err *err);
	void *arg;
	int life, why;
};

/* [inside] The caller may have died before his death could reach us. */
static int die_with_caller(int life, struct err *err)
{
	struct pollfd p = { .fd = life };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, "ask to die with the caller");
	if (poll(&p, 1, 0) > 0)
		_exit(1);
	return 0;
}

static int become_root(const struct idmap_plan *ids, struct err *err)
{
	if (!ids->deny_setgroups && setgroups(0, NULL) < 0)
		return err_sys(err, "drop supplementary groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, "become root of the user namespace");
	return 0;
}

static int run_inside(const struct inside *in)
{
	struct err err = ERR_INIT;
	sigset_t none;
	char go;
	int rc;

	if (read(in->life, &go, 1) != 1)
		return 1;
	sys_signals_default();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	rc = become_root(in->ids, &err);
	if (rc == 0)
		rc = die_with_caller(in->life, &err);
	if (rc == 0)
		rc = in->fn(in->arg, &err);
	if (rc >= 0)
		return 0;
	(void)!write(in->why, &err, sizeof(err)); /* a pipe takes it whole */
	return 1;
}

static int clone_inside(struct host *host, uint64_t flags, struct inside *in, int *close_inside,
			struct userns_child *ret, struct err *err)
{
	struct clone_args clone = { .flags = CLONE_NEWUSER | CLONE_PIDFD | flags,
				    .pidfd = (uintptr_t)&ret->pidfd,
				    .exit_signal = SIGCHLD };

	ret->pid = sys_clone3(&clone);
	if (ret->pid == 0) {
		fd_closep(&close_inside[0]);
		fd_closep(&close_inside[1]);
		_exit(run_inside(in));
	}
	if (ret->pid > 0)
		return 0;
	ret->pidfd = -1;
	return userns_explain(host, errno, err_sys(err, "make a user namespace"), err);
}

int userns_start(struct host *host, const struct idmap_plan *ids, uint64_t flags,
		 int (*fn)(void *arg, struct err *err), void *arg, struct userns_child *ret,
		 struct err *err)
{
	struct inside in = { .ids = ids, .fn = fn, .arg = arg };
	int life[2], why[2], rc;

	*ret = (struct userns_child)USERNS_CHILD_INIT;
	if (pipe2(life, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	auto_fd int life_read = life[0];
	auto_fd int life_write = life[1];
	if (pipe2(why, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	auto_fd int why_read = why[0];
	auto_fd int why_write = why[1];

	in.life = life_read;
	in.why = why_write;
	rc = clone_inside(host, flags, &in, (int[]){ life_write, why_read }, ret, err);
	if (rc < 0)
		return rc;
	rc = idmap_outside(ids, ret->pid, err);
	if (rc == 0 && write(life_write, "", 1) != 1)
		rc = err_sys(err, "start the process");
	ret->life = take_fd(&life_write);
	ret->why = take_fd(&why_read);
	if (rc < 0)
		userns_end(ret);
	return rc;
}

static int reap(struct userns_child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	c->pid = 0;
	fd_closep(&c->pidfd);
	fd_closep(&c->life);
	fd_closep(&c->why);
	return status;
}

int userns_wait(struct userns_child *c, struct err *err)
{
	struct err theirs = ERR_INIT;
	ssize_t n;
	int status;

	do
		n = read(c->why, &theirs, sizeof(theirs));
	while (n < 0 && errno == EINTR);
	status = reap(c);
	if (n == (ssize_t)sizeof(theirs) && theirs.num > 0) {
		if (err)
			*err = theirs;
		return -theirs.num;
	}
	if (WIFSIGNALED(status))
		return err_set(err, EIO, "the process in the user namespace was killed by %s",
			       signal_name(WTERMSIG(status)));
	return status ? err_set(err, EIO, "the process in the user namespace gave up") : 0;
}

void userns_end(struct userns_child *c)
{
	int saved = errno;

	if (c->pid > 0) {
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
		(void)reap(c);
	}
	errno = saved;
}

int userns_ids(struct arena *a, struct host *host, const char *idmap, struct idmap_plan *ret,
	       struct err *err)
{
	struct notes notes = { .arena = a };
	struct spec any = { 0 };
	uint32_t out;
	int rc;

	if (idmap || host->privileged)
		idmap_style_set(a, &any, idmap ? idmap : ALL_IDS);
	rc = idmap_plan(a, &any, host, true, false, &notes, ret, err);
	if (rc < 0)
		return rc;
	if (id_to_outside(&ret->uid, 0, &out) && id_to_outside(&ret->gid, 0, &out))
		return 0;
	rc = err_set(err, EINVAL, "idmap: nobody is root in the container");
	return err_hint(err, rc, "map user 0 and group 0, or leave the mapping out");
}

int userns_run(struct host *host, int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct userns_child c = USERNS_CHILD_INIT;
	auto_arena struct arena a = ARENA_INIT;
	struct idmap_plan ids;
	int rc = userns_ids(&a, host, NULL, &ids, err);

	if (rc == 0)
		rc = userns_start(host, &ids, 0, fn, arg, &c, err);
	return rc < 0 ? rc : userns_wait(&c, err);
}

struct removal {
	int parent;
	const char *name;
};

static int remove_it(void *arg, struct err *err)
{
	const struct removal *r = arg;

	return tree_remove_at(r->parent, r->name, err);
}

int userns_remove(struct host *host, int parent, const char *name, struct err *err)
{
	struct removal r = { parent, name };

	return host->privileged ? remove_it(&r, err) : userns_run(host, remove_it, &r, err);
}

/* What cannot be removed is in nobody's way. */
void userns_sweep(struct host *host, int parent)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv names;

	scratch_find(&a, parent, &names);
	for (size_t i = 0; i < names.n; i++) {
		auto_fd int lock = scratch_take(parent, names.v[i]);

		if (lock >= 0)
			(void)userns_remove(host, parent, names.v[i], NULL);
	}
}
