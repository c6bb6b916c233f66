/*
 * exec.c - a second process in a running container: the kept config and the options become a
 * process plan, which goes through the same seal as the container's own (CVE-2022-29162,
 * CVE-2025-27612). Runs in the calling process.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci/spec_load.h"
#include "proc/join.h"
#include "proc/launch.h"
#include "proc/start.h"
#include "proc/sync.h"

#include <string.h>

struct session {
	struct container c;
	struct spec *spec;
	struct spec_process *process;
	struct process_plan plan;
	struct notes notes;
	struct supervise_plan supervise;
	int cache, sock, cgroup;
	const char *path; /* of the cgroup */
	struct launched l;
};

static void session_end(struct session *s)
{
	fd_closep(&s->cache);
	fd_closep(&s->sock);
	fd_closep(&s->cgroup);
	fd_closep(&s->l.pidfd);
	fd_closep(&s->l.pty);
	container_close(&s->c);
}

static void append(struct arena *a, struct strv *list, char *const *more)
{
	size_t n = 0;
	const char **v;

	while (more && more[n])
		n++;
	v = arena_alloc(a, (list->n + n + 1) * sizeof(*v));
	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[list->n + i] = more[i];
	list->v = v;
	list->n += n;
}

/* The container's process object, with what the options change. */
static int from_options(struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	struct arena *a = &s->c.arena;
	struct spec_process *p = arena_alloc(a, sizeof(*p));

	*p = s->spec->process;
	p->args = (struct strv){ 0 };
	append(a, &p->args, o->args);
	append(a, &p->env, o->env);
	p->terminal = o->tty;
	p->console_size.present = false;
	p->oom_score_adj.set = false;
	p->user.additional_gids.n = 0;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label)
		p->selinux_label = o->process_label;
	if (o->no_new_privs >= 0)
		p->no_new_privileges = o->no_new_privs;
	if (o->n_additional_gids) {
		p->user.additional_gids.v = (uint32_t *)o->additional_gids;
		p->user.additional_gids.n = o->n_additional_gids;
	} else {
		p->user.additional_gids = s->spec->process.user.additional_gids;
	}
	s->process = p;
	if (!o->user)
		return 0;
	p->user.gid = 0;
	return user_parse(o->user, &p->user.uid, &p->user.gid, err);
}

/* What FILE leaves out of these stays as the container has it: an exec without the container's
 * label would be one without its confinement. */
static void inherit(struct spec_process *p, const struct spec_process *from)
{
	if (!p->apparmor_profile || !*p->apparmor_profile)
		p->apparmor_profile = from->apparmor_profile;
	if (!p->selinux_label || !*p->selinux_label)
		p->selinux_label = from->selinux_label;
	if (!p->scheduler)
		p->scheduler = from->scheduler;
	if (!p->io_priority)
		p->io_priority = from->io_priority;
	if (!p->exec_cpu_affinity)
		p->exec_cpu_affinity = from->exec_cpu_affinity;
}

static int load_process(struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc = container_spec(&s->c, &s->spec, err);

	if (rc < 0 || !o->process_file)
		return rc < 0 ? rc : from_options(s, o, err);
	rc = file_read_at(AT_FDCWD, o->process_file, JSON_MAX, &text, &len, err);
	if (rc == 0)
		rc = spec_parse_process(&s->c.arena, o->process_file, text, len, &s->process, err);
	if (rc < 0)
		return rc;
	inherit(s->process, &s->spec->process);
	s->process->terminal |= o->tty;
	return 0;
}

static int check_terminal(const struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	if (s->process->terminal && o->detach && !o->console_socket) {
		err_set(err, EINVAL, "cannot allocate tty if bryo will detach without setting console socket");
		return err_hint(err, -EINVAL, "give --console-socket, or leave --tty out");
	}
	if (o->console_socket && !(s->process->terminal && o->detach)) {
		err_set(err, EINVAL, "cannot use console socket if bryo will not detach or allocate tty");
		return err_hint(err, -EINVAL, "leave --console-socket out, or give --tty and --detach");
	}
	return 0;
}

static int make_plan(struct bryo_ctx *ctx, struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	struct process_request q = {
		.spec = s->spec,
		.process = s->process,
		.extra_caps = o->process_file ? NULL : o->caps,
		.preserve_fds = o->preserve_fds,
		.seccomp_cache = -1,
		.compile = true,
		.userns = (s->c.record.namespaces & CLONE_NEWUSER) || ctx->host.in_userns,
	};
	struct idmap_plan ids = { 0 };
	int rc = container_maps(&s->c, &ids, &q.setgroups_denied, err);

	if (rc < 0)
		return err_in(err, rc, "container '%s'", s->c.record.id);
	if (s->spec->linux_.seccomp)
		q.seccomp_cache = s->cache = ctx_seccomp_cache(ctx);
	s->notes.arena = &s->c.arena;
	if (lsm_wanted(s->process, s->spec))
		host_need_lsm(&ctx->host);
	return process_plan(&s->c.arena, &q, &ids, &ctx->host, &s->notes, &s->plan, err);
}

static int follow(struct session *s, struct err *err)
{
	const struct seccomp_plan *filter = &s->plan.seccomp;
	struct seccomp_notify notify = {
		.path = filter->listener_path, .metadata = filter->listener_metadata, .spec = s->spec,
		.id = s->c.record.id, .bundle = s->c.record.bundle, .status = "running", .pid = s->l.pid,
		.init = s->c.record.pid, .early = !s->plan.no_new_privs,
	};

	return start_follow(s->sock, "process", filter->notify ? &notify : NULL, err);
}

static int try_join(struct session *s, int cgroup, struct err *err)
{
	struct join_exec j = { .init = s->c.pidfd, .namespaces = s->c.record.namespaces, .process = &s->plan,
		.keyring = s->c.record.no_new_keyring ? NULL : s->c.record.id, .cgroup = cgroup };

	return join_exec_outside(&j, &s->l.pid, &s->l.pidfd, &s->l.pty, &s->sock, err);
}

/*
 * Into the container's cgroup. From another login session the kernel refuses that, because the
 * common ancestor is not ours: then systemd, whose it is, moves the process before it starts.
 */
static int join(struct session *s, struct err *err)
{
	const struct record *r = &s->c.record;
	struct err why = ERR_INIT;
	int rc = try_join(s, s->cgroup, &why);

	if (rc == -EACCES && s->cgroup >= 0 && r->cgroup_unit) {
		const char *unit = strstr(s->path, r->cgroup_unit);

		why = (struct err)ERR_INIT;
		rc = try_join(s, -1, &why);
		if (rc == 0)
			rc = manager_attach(r->cgroup_user, r->cgroup_unit,
					    unit ? unit + strlen(r->cgroup_unit) : "", s->l.pid, &why);
	} else if (rc == -EACCES && s->cgroup >= 0) {
		(void)err_hint(&why, rc,
			       "from another login session a process cannot be put into the container's cgroup: "
			       "start bryo from the session that has it, or with systemd-run --user --scope");
	}
	if (rc < 0)
		*err = why;
	return rc;
}

/* An inner manager may have moved on to cgroups below, and the kernel wants no process above them. */
static int open_cgroup(struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	const char *path = s->c.record.cgroup, *now;

	if (!path && o->cgroup)
		return container_cgroup_open(&s->c, err);
	if (!path)
		return 0;
	if (o->cgroup)
		path = cgroup_below(&s->c.arena, path, o->cgroup, err);
	else if ((now = cgroup_of(&s->c.arena, s->c.record.pid)) && str_starts(now, path) &&
		 now[strlen(path)] == '/')
		path = now;
	if (!path)
		return -EINVAL;
	s->cgroup = cgroup_open(path, err);
	if (s->cgroup < 0)
		return s->cgroup;
	s->path = path;
	if (s->c.status != STATE_PAUSED && cgroup_is_frozen(s->cgroup) && !o->ignore_paused)
		return err_set(err, EBUSY, "cannot exec in container '%s': its cgroup '%s' is frozen", s->c.record.id,
			       path);
	return 0;
}

static int check_status(const struct session *s, const char *id, const struct bryo_exec_options *o, struct err *err)
{
	if (s->c.status == STATE_RUNNING || s->c.status == STATE_CREATED ||
	    (s->c.status == STATE_PAUSED && o->ignore_paused))
		return 0;
	if (s->c.status == STATE_PAUSED)
		return err_hint(err, err_set(err, EINVAL, "cannot exec in container '%s': it is paused", id),
				"bryo resume it, or give --ignore-paused: the process waits until then");
	return err_set(err, EINVAL, "cannot exec in container '%s': it is not running", id);
}

/* From the joiner to the program: pid file and console before it runs, so that nobody misses it. */
static int launch(struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	int rc = join(s, err);

	if (rc == 0 && s->l.pty >= 0 && !o->console_socket)
		terminal_match(s->l.pty, !s->plan.terminal.rows);
	if (rc == 0 && o->console_socket) {
		rc = terminal_send_outside(o->console_socket, s->l.pty, err);
		fd_closep(&s->l.pty);
	}
	if (rc == 0 && o->pidfd_socket)
		rc = pidfd_send(o->pidfd_socket, s->l.pidfd, err);
	if (rc == 0 && o->pid_file)
		rc = pid_file_write(o->pid_file, s->l.pid, err);
	if (rc == 0)
		rc = sync_send(s->sock, SYNC_START, err);
	if (rc == 0)
		rc = follow(s, err);
	if (rc < 0)
		launched_end(&s->l);
	return rc;
}

static int foreground(struct session *s, struct waiter *w, int *ret_status, struct err *err)
{
	bool has_pty = s->l.pty >= 0;
	struct relay relay;
	int rc = 0;

	if (has_pty)
		rc = relay_begin(&relay, take_fd(&s->l.pty), err);
	if (rc == 0)
		rc = wait_loop(w, s->l.pid, s->l.pidfd, has_pty ? &relay : NULL, ret_status, err);
	if (has_pty)
		relay_end(&relay);
	return rc;
}

static int plan_supervision(struct session *s, const struct bryo_exec_options *o, struct err *err)
{
	struct supervise_plan *p = &s->supervise;
	int rc = o->timeout ? supervise_timeout(o->timeout, &p->timeout_ns, &p->grace_ns, err) : 0;

	p->die_with_parent = s->plan.die_with_parent = o->die_with_parent;
	return rc == 0 && o->detach ? supervise_detached(p, err) : rc;
}

static int prepare(struct bryo_ctx *ctx, const char *id, struct session *s, const struct bryo_exec_options *o,
		   struct err *err)
{
	int rc = preserve_fds_check(3, o->preserve_fds, err);

	if (rc == 0)
		rc = container_open(ctx, id, false, &s->c, err);
	if (rc == 0)
		rc = check_status(s, id, o, err);
	if (rc == 0)
		rc = open_cgroup(s, o, err);
	if (rc == 0)
		rc = load_process(s, o, err);
	if (rc == 0)
		rc = check_terminal(s, o, err);
	if (rc == 0)
		rc = make_plan(ctx, s, o, err);
	return rc < 0 ? rc : plan_supervision(s, o, err);
}

int bryo_exec(bryo_ctx *ctx, const char *id, const struct bryo_exec_options *o, int *ret_status, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	__attribute__((cleanup(session_end))) struct session s = {
		.c = CONTAINER_INIT, .cache = -1, .sock = -1, .cgroup = -1, .l = LAUNCHED_INIT,
	};
	struct waiter waiter = { 0 };
	int rc = prepare(ctx, id, &s, o, err);

	if (rc < 0)
		return rc;
	ctx_notes(ctx, &s.notes);
	*ret_status = 0;
	if (!o->detach)
		rc = wait_arm(&waiter, err);
	waiter.limit.timeout_ns = s.supervise.timeout_ns;
	waiter.limit.grace_ns = s.supervise.grace_ns;
	if (rc == 0 && o->die_with_parent)
		rc = limit_caller_outside(&waiter.limit, err);
	if (rc == 0)
		rc = launch(&s, o, err);
	if (rc == 0 && !o->detach)
		rc = foreground(&s, &waiter, ret_status, err);
	wait_disarm(&waiter);
	return rc;
}
