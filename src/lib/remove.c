/*
 * remove.c - delete and every undo, in reverse order of creation, from what the record says. It
 * works from every phase: a claim without a record, a record without a pid, created, running.
 */
#include "layers.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/hooks.h"
#include "feature/rdt.h"
#include "lib/serving.h"
#include "state/elsewhere.h"
#include "userns.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define KILL_DEADLINE_MS 10000
#define SERVED_MS	 1000

/* What a process that outlives SIGKILL is doing, from /proc (proc(5)); "?" for what cannot be read. */
static int still_there(pid_t pid, struct err *err)
{
	auto_free char *stat = NULL;
	auto_free char *wchan = NULL;
	struct err unread = ERR_INIT;
	char path[40];
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	(void)file_read_at(AT_FDCWD, path, 4096, &stat, NULL, &unread);
	(void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	(void)file_read_at(AT_FDCWD, path, 256, &wchan, NULL, &unread);
	p = stat ? strrchr(stat, ')') : NULL; /* the name may hold anything, what follows it not */
	err_set(err, ETIMEDOUT, "process %d did not end within %d s of SIGKILL: state %c, wchan %s",
		(int)pid, KILL_DEADLINE_MS / 1000, p && p[1] == ' ' && p[2] ? p[2] : '?',
		wchan && wchan[0] ? wchan : "?");
	return err_hint(
		err, -ETIMEDOUT,
		"it may be stuck in the kernel: see /proc/%d/stack and the log of the kernel",
		(int)pid);
}

static int wait_for_end(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n;
}

int container_kill(struct container *c, struct err *err)
{
	struct err ignored = ERR_INIT;
	siginfo_t info;
	int n;

	if (c->pidfd < 0)
		return 0;
	if (sys_pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(err, "kill process %d", (int)c->record.pid);
	n = wait_for_end(c->pidfd, SERVED_MS);
	if (n == 0) {
		/* not even SIGKILL ends who waits for fuse-overlayfs, unless that is ended */
		(void)serving_end(&c->record, c->dirfd, &ignored);
		n = wait_for_end(c->pidfd, KILL_DEADLINE_MS - SERVED_MS);
	}
	if (n == 0)
		return still_there(c->record.pid, err);
	/* Ours to reap where we are the parent; otherwise ECHILD, which is fine. */
	(void)waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG | __WALL);
	fd_closep(&c->pidfd);
	c->status = STATE_STOPPED;
	return 0;
}

/* A failure is a warning: the container is gone either way. */
static void run_poststop(struct bryo_ctx *ctx, const char *id, struct container *c)
{
	struct hooks_plan hooks = { 0 };
	struct err err = ERR_INIT;
	struct spec *spec;
	char text[ERR_TEXT];
	int rc;

	if (!c->record.poststop)
		return;
	rc = container_spec(c, &spec, &err);
	if (rc == 0)
		rc = hooks_plan(&c->arena, spec, id, c->record.bundle, NULL, &hooks, &err);
	if (rc == 0)
		rc = hooks_run(&hooks, HOOK_POSTSTOP, "stopped", 0, &err);
	if (rc < 0 && ctx->notice)
		(void)ctx->notice(ctx->notice_arg, err_format(&err, text, sizeof(text)));
}

static int end_cgroup(void *arg, struct err *err)
{
	const struct record *r = arg;

	return cgroup_end(r->cgroup, r->cgroup_ino, NULL, false, err);
}

/*
 * A container whose cgroup is its own may have made others below as one of its IDs, which we cannot
 * remove; root of a user namespace that has them all can.
 */
static int remove_as_root_inside(struct bryo_ctx *ctx, struct container *c, struct err *err)
{
	int rc = userns_run(&ctx->host, end_cgroup, &c->record, err);

	if (rc < 0)
		return err_in(err, rc, "remove what is below the cgroup '%s'", c->record.cgroup);
	if (c->record.cgroup_unit)
		cgroup_end_scope(c->record.cgroup);
	return rc;
}

/* run.oci.systemd.subgroup= */
static bool is_scope(const struct record *r)
{
	const char *name = r->cgroup ? strrchr(r->cgroup, '/') : NULL;

	return name && r->cgroup_unit && strcmp(name + 1, r->cgroup_unit) == 0;
}

int container_remove_cgroup(struct bryo_ctx *ctx, struct container *c, struct err *err)
{
	struct err why = ERR_INIT;
	int rc;

	if (!c->record.cgroup)
		return 0;
	/* of another boot it is gone, and what has its number now is somebody else's */
	if (!str_eq(c->record.boot_id, state_boot_id(&c->arena)))
		return 0;
	rc = cgroup_end(c->record.cgroup, c->record.cgroup_ino, c->record.created,
			is_scope(&c->record), &why);
	if ((rc == -EACCES || rc == -EPERM) && !ctx->host.privileged)
		return remove_as_root_inside(ctx, c, err);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int container_remove(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err)
{
	int rc = container_kill(c, err);

	if (rc < 0)
		return rc;
	rc = serving_end(&c->record, c->dirfd, err);
	if (rc < 0)
		return rc;
	rc = container_remove_cgroup(ctx, c, err);
	if (rc < 0)
		return rc;
	rc = layers_release_outside(ctx, c, err);
	if (rc < 0)
		return rc;
	if (c->record.rdt_class || c->record.rdt_monitor)
		rdt_undo(c->record.rdt_class, c->record.rdt_monitor);
	run_poststop(ctx, id, c);
	listen_undo(&c->record.listen_files);
	return state_remove(ctx->rootfd, id, err);
}

/* What cannot be read can still be removed by force: only the directory is known then. */
static int remove_broken(struct bryo_ctx *ctx, const char *id, int rc, bool force, struct err *err)
{
	if (!force || rc == -EINVAL || rc == -ENOENT)
		return rc == -ENOENT && force ? 0 : rc;
	return state_remove(ctx->rootfd, id, err);
}

/*
 * Of a pid namespace that cannot be seen from here: an engine's container that was started again
 * finds its own old ones so, and could never make them anew. What is in its cgroup ends for certain,
 * and that what may run without one was not ended is said.
 */
static int remove_unseen(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err)
{
	auto_str struct str text = STR_INIT;
	int rc;

	c->record.helpers.n = 0; /* their numbers do not count here either */
	rc = container_remove(ctx, id, c, err);
	if (rc < 0 || !ctx->notice)
		return rc;
	str_addf(&text,
		 "container '%s' was created in another pid namespace: what may still run of it "
		 "there was not ended",
		 id);
	(void)ctx->notice(ctx->notice_arg, text.p);
	return 0;
}

/* It has ended and was reaped by bryo_wait(): nothing has to be asked but whether it is still there. */
static int delete_live(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err)
{
	int rc;

	c->lock = state_lock(c->dirfd, id, err);
	rc = c->lock < 0 ? c->lock : container_remove(ctx, id, c, err);
	container_close(c);
	return rc;
}

int bryo_delete(bryo_ctx *ctx, const char *id, bool force, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct container *live = ctx_live(ctx, id);
	int rc;

	if (live && ctx->live.pidfd < 0)
		return delete_live(ctx, id, live, err);
	rc = container_open(ctx, id, true, &c, err);
	if (rc == -ENOENT && c.dirfd >= 0 && force)
		return state_remove(ctx->rootfd, id, err); /* claimed, and never recorded */
	if (rc == -EXDEV && force && record_find_elsewhere(&c.record) < 0)
		return remove_unseen(ctx, id, &c, err);
	if (rc < 0 && c.status == STATE_UNKNOWN)
		return rc; /* not by force either: it runs */
	if (rc < 0)
		return remove_broken(ctx, id, rc, force, err);
	if (!force && (c.status == STATE_RUNNING || c.status == STATE_PAUSED)) {
		err_set(err, EBUSY, "cannot delete container '%s' that is not stopped: %s", id,
			c.status == STATE_PAUSED ? "paused" : "running");
		return err_hint(err, -EBUSY, "kill it first, or use --force");
	}
	return container_remove(ctx, id, &c, err);
}
