/*
 * control.c - start, wait, kill. Runs in the calling process.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/helper.h"
#include "feature/hooks.h"
#include "feature/terminal.h"
#include "lib/members.h"
#include "proc/start.h"

#include <string.h>
#include <sys/stat.h>

static const char *status_word(enum state_status s)
{
	static const char *const words[] = {
		[STATE_CREATING] = "creating", [STATE_CREATED] = "created",
		[STATE_RUNNING] = "running",   [STATE_PAUSED] = "paused",
		[STATE_STOPPED] = "stopped",   [STATE_UNKNOWN] = "unknown",
	};

	return words[s];
}

/* A failing poststart hook stops and destroys the container (runtime-spec 1.3). */
static int run_poststart(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err)
{
	struct hooks_plan hooks = { 0 };
	struct err ignored = ERR_INIT;
	struct spec *spec;
	int rc;

	if (!c->record.poststart)
		return 0;
	rc = container_spec(c, &spec, err);
	if (rc == 0)
		rc = hooks_plan(&c->arena, spec, id, c->record.bundle, NULL, &hooks, err);
	if (rc == 0)
		rc = hooks_run(&hooks, HOOK_POSTSTART, "running", c->record.pid, err);
	if (rc < 0) {
		(void)container_kill(c, &ignored);
		(void)container_remove(ctx, id, c, &ignored);
	}
	return rc;
}

static int start(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err)
{
	struct seccomp_notify notify = {
		.id = id, .bundle = c->record.bundle, .status = "created", .pid = c->record.pid, .init = c->record.pid,
	};
	struct spec *spec;
	int rc = c->record.notify ? container_spec(c, &spec, err) : 0;

	if (rc == 0 && c->record.notify) {
		notify.spec = spec;
		notify.path = seccomp_listener(spec);
		notify.metadata = spec->linux_.seccomp->listener_metadata;
		notify.early = !spec->process.no_new_privileges;
	}
	if (rc == 0)
		rc = start_outside(c->dirfd, c->record.notify ? &notify : NULL, err);
	return rc < 0 ? rc : run_poststart(ctx, id, c, err);
}

/* The socket must be there before the program is. A manager that does not answer is no reason
 * not to start: NOTIFY_SOCKET is inherited by much that has nothing to do with a service. */
static void open_notify(const struct bryo_ctx *ctx, const struct container *c, struct sdnotify *ret)
{
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	if (!ctx->notify_socket || sdnotify_open(c->dirfd, ctx->notify_socket, ret, &err) == 0)
		return;
	sdnotify_close(ret);
	if (ctx->notice)
		(void)ctx->notice(ctx->notice_arg, err_format(&err, text, sizeof(text)));
}

/* In the foreground the service's main process is this one. */
static void on_notify(void *arg)
{
	sdnotify_step(arg, getpid(), false);
}

static void watch_notify(struct live *l)
{
	if (l->notify.sock < 0)
		return;
	l->waiter.watch = l->notify.sock;
	l->waiter.watched = on_notify;
	l->waiter.watch_arg = &l->notify;
}

int bryo_start(bryo_ctx *ctx, const char *id, struct bryo_err *e)
{
	auto_sdnotify struct sdnotify notify = SDNOTIFY_INIT;
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct container *live = ctx_live(ctx, id);
	int rc;

	if (live) {
		open_notify(ctx, live, &ctx->live.notify);
		return start(ctx, id, live, err);
	}
	rc = container_open(ctx, id, true, &c, err);
	if (rc < 0)
		return rc;
	if (c.status != STATE_CREATED) {
		err_set(err, EINVAL, "cannot start container '%s': it is %s, not created", id, status_word(c.status));
		return c.status == STATE_RUNNING ? err_hint(err, -EINVAL, "it runs already") : -EINVAL;
	}
	open_notify(ctx, &c, &notify);
	rc = start(ctx, id, &c, err);
	if (rc < 0 || notify.sock < 0)
		return rc;
	/* It may take as long as it likes: others must be able to kill and delete it meanwhile. */
	fd_closep(&c.lock);
	sdnotify_wait(&notify, c.pidfd, c.record.pid);
	return 0;
}

static void tell_timeout(const struct bryo_ctx *ctx, const char *id)
{
	const struct limit *limit = &ctx->live.waiter.limit;
	auto_str struct str text = STR_INIT;

	if (!limit->timed_out || !ctx->notice)
		return;
	str_addf(&text, "container '%s' was ended after %llu.%03llu s (--timeout)%s", id,
		 (unsigned long long)(limit->timeout_ns / 1000000000),
		 (unsigned long long)(limit->timeout_ns / 1000000 % 1000),
		 limit->killed ? ", by SIGKILL because SIGTERM did not" : "");
	(void)ctx->notice(ctx->notice_arg, text.p);
}

/* Once it has ended, for its terminal's sake. */
static void tell_network(const struct bryo_ctx *ctx, const char *id)
{
	auto_str struct str text = STR_INIT;

	if (!ctx->live.waiter.keeper_first || !ctx->notice)
		return;
	str_addf(&text, "container '%s' had lost its network: %s ended before it", id,
		 ctx->live.c.record.net_backend);
	(void)ctx->notice(ctx->notice_arg, text.p);
}

static pid_t keeper_of(const struct record *r)
{
	for (size_t i = 0; i < r->helpers.n; i++)
		if (str_eq(r->helpers.v[i].name, HELPER_KEEPER))
			return r->helpers.v[i].pid;
	return 0;
}

int bryo_wait_signal(const bryo_ctx *ctx)
{
	return ctx->live.waiter.signal;
}

int bryo_wait(bryo_ctx *ctx, const char *id, int *ret_status, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct live *l = &ctx->live;
	struct relay relay;
	bool has_pty = l->pty >= 0;
	int rc = 0;

	if (!str_eq(l->id, id) || l->pidfd < 0)
		return err_set(err, ECHILD, "container '%s' was not created in the foreground by this process", id);
	watch_notify(l);
	l->waiter.keeper = keeper_of(&l->c.record);
	if (has_pty)
		rc = relay_begin(&relay, take_fd(&l->pty), err);
	if (rc == 0)
		rc = wait_loop(&l->waiter, l->pid, l->pidfd, has_pty ? &relay : NULL, ret_status, err);
	if (has_pty)
		relay_end(&relay);
	tell_timeout(ctx, id);
	tell_network(ctx, id);
	wait_disarm(&l->waiter);
	fd_closep(&l->pidfd);
	return rc;
}

static int kill_all(const struct container *c, int sig, struct err *err)
{
	auto_free pid_t *pids = NULL;
	size_t n = 0, sent = 0;
	int rc = members_find(&c->record, &pids, &n, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		auto_fd int pidfd = sys_pidfd_open(pids[i], 0);

		/* Asked again after the pidfd is open: the number may be somebody else's by now. */
		if (pidfd >= 0 && members_has(&c->record, pids[i]) && sys_pidfd_send_signal(pidfd, sig, NULL, 0) == 0)
			sent++;
	}
	log_debug("signal %s sent to %zu processes", signal_name(sig), sent);
	return rc;
}

/* Also what init left behind, where the pid namespace is not the container's own. */
static int kill_cgroup(const struct container *c, int sig, struct err *err)
{
	auto_fd int fd = container_cgroup_open(c, err);

	if (fd == -ENOENT || (fd >= 0 && !cgroup_is_populated(fd)))
		return err_set(err, ESRCH, "container '%s' is not running", c->record.id);
	if (fd < 0)
		return fd;
	return sig == SIGKILL ? cgroup_kill(fd, err) : kill_all(c, sig, err);
}

int bryo_kill(bryo_ctx *ctx, const char *id, int sig, bool all, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(ctx, id, false, &c, err);

	if (rc < 0)
		return rc;
	if (sig < 0 || sig > SIGRTMAX)
		return err_set(err, EINVAL, "unknown signal %d", sig);
	if (all && c.record.cgroup && sig)
		return kill_cgroup(&c, sig, err);
	if (c.pidfd < 0)
		return err_set(err, ESRCH, "container '%s' is not running", id);
	if (all && sig != SIGKILL && sig != 0)
		return kill_all(&c, sig, err);
	if (sys_pidfd_send_signal(c.pidfd, sig, NULL, 0) < 0)
		return err_sys(err, "send %s to container '%s'", sig ? signal_name(sig) : "nothing", id);
	return 0;
}
