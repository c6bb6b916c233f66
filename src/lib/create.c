/*
 * create.c - what was planned (prepare.h), done: state, launch. Undo is bryo_delete's own code on
 * what the record says: there is no second clean-up path to keep in step. Runs in the calling
 * process.
 */
#include "layers.h"
#include "prepare.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount_layers.h"
#include "lib/serving.h"
#include "proc/launch.h"
#include "proc/sync.h"
#include "rootless/rootless.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Everything between the options and the launch. */
struct creation {
	struct prepared p;
	int upper; /* lock of the directory for changes until init has it, or -1 */
	bool throw_away;
	struct pairs listen_files; /* of unix sockets that we bound, until the record has them */
	struct container c;
};

static void creation_end(struct creation *c)
{
	listen_undo(&c->listen_files);
	container_close(&c->c);
	fd_closep(&c->upper);
	prepared_end(&c->p);
}

static int check_terminal(const struct spec *spec, const struct bryo_create_options *o,
			  struct err *err)
{
	bool terminal = spec->has_process && spec->process.terminal;

	if (terminal && o->detach && !o->console_socket) {
		err_set(err, EINVAL,
			"cannot allocate tty if bryo will detach without setting console socket");
		return err_hint(
			err, -EINVAL,
			"give --console-socket, or set process.terminal to false in config.json");
	}
	if (o->console_socket && !(terminal && o->detach)) {
		err_set(err, EINVAL,
			"cannot use console socket if bryo will not detach or allocate tty");
		return err_hint(
			err, -EINVAL,
			"leave --console-socket out, or set process.terminal to true and detach");
	}
	return 0;
}

static const char *created_now(struct arena *a)
{
	struct timespec now;
	char text[40];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	str_rfc3339(text, sizeof(text), now.tv_sec, now.tv_nsec);
	return arena_strdup(a, text);
}

/* The layers whose changes have a directory on the host: those of the root, or of a mount. */
static struct overlay_plan *changes(struct plan *plan)
{
	struct overlay_plan *of_mount = mount_layers_on_disk(&plan->mounts);

	return of_mount ? of_mount : &plan->rootfs.overlay;
}

static void fill_record(struct bryo_ctx *ctx, struct creation *c, const char *id)
{
	const struct overlay_plan *layers = changes(&c->p.plan);
	struct record *r = &c->c.record;

	*r = (struct record){
		.id = id,
		.bundle = c->p.bundle,
		.rootfs = c->p.plan.rootfs.path,
		.oci_version = c->p.spec->oci_version,
		.owner = ctx->host.uid,
		.boot_id = state_boot_id(&c->p.arena),
		.pid_namespace = state_pid_namespace(),
		.namespaces = c->p.plan.ns.differ,
		.cgroup = c->p.plan.cgroup.path,
		.cgroup_unit = c->p.plan.cgroup.unit,
		.cgroup_user = c->p.plan.cgroup.user_manager,
		.cgroup_backend = cgroup_backend_name(c->p.plan.cgroup.backend),
		.net_backend = net_kind_name(c->p.plan.net.kind),
		.net_socket = c->p.plan.net.socket,
		.rootfs_backend = rootfs_kind_name(c->p.plan.rootfs.kinds[0]),
		.upper = layers->dir ? layers->dir : layers->spare,
		.upper_thrown_away = layers->upper != UPPER_KEPT,
		.no_new_keyring = !c->p.plan.keyring,
		.annotations = c->p.spec->annotations,
		.rdt_class = c->p.plan.rdt.ours ? c->p.plan.rdt.class : NULL,
		.rdt_monitor = c->p.plan.rdt.monitor,
		.notify = c->p.plan.process.seccomp.notify,
		.poststart = c->p.spec->hooks.poststart.n,
		.poststop = c->p.spec->hooks.poststop.n,
		.listen_files = c->listen_files,
		.created = created_now(&c->p.arena),
		.runner = c->throw_away ? getpid() : 0,
	};
}

/* The id is ours from here on; the record without a pid reads as "creating". */
static int claim(struct bryo_ctx *ctx, struct creation *c, const char *id, struct err *err)
{
	int rc;

	c->c.dirfd = state_claim(ctx->rootfd, id, &c->c.lock, err);
	if (c->c.dirfd < 0)
		return c->c.dirfd;
	rc = layers_place(&c->p.arena, id, c->p.bundle, changes(&c->p.plan), err);
	fill_record(ctx, c, id);
	if (c->p.plan.cgroup.backend != CGROUP_NONE)
		c->p.plan.cgroup.mark = cgroup_mark(&c->p.arena, c->c.record.created, ctx->root);
	if (rc == 0 && c->p.notify_dir)
		rc = sdnotify_mkdir_outside(c->c.dirfd, err);
	if (rc == 0)
		rc = net_files_outside(&c->p.plan.net, c->c.dirfd, err);
	if (rc == 0)
		rc = record_save(c->c.dirfd, &c->c.record, err);
	if (rc < 0)
		return err_in(err, rc, "state of container '%s'", id);
	rc = layers_make_outside(&c->p.arena, changes(&c->p.plan), &c->upper, err);
	if (rc == 0)
		layers_warn(ctx, changes(&c->p.plan), c->upper);
	return rc;
}

/* While init mounts: the document for later commands, and the record with its pid, not yet visible. */
static int stage_record(void *arg, const struct launched *l, struct err *err)
{
	struct creation *c = arg;
	struct record *r = &c->c.record;
	bool zombie;
	int rc = state_pid_start(l->pid, &r->pid_start, &zombie, err);

	r->pid = l->pid;
	if (root_is_served(&c->p.plan) && l->root.kind == ROOTFS_FUSE_OVERLAYFS)
		r->rootfs_backend = rootfs_kind_name(l->root.kind);
	r->cgroup = l->cgroup;
	r->cgroup_ino = l->cgroup_ino;
	serving_record(&c->p.arena, &l->helpers, l->root.fuse.pid, r);
	if (!l->cgroup) {
		r->cgroup_unit = NULL;
		r->cgroup_backend = cgroup_backend_name(CGROUP_NONE);
	}
	if (rc == 0 && layers_owned_outside(&c->p.arena, c->upper, r, err) < 0)
		return -err->num;
	if (rc == 0)
		rc = file_replace_at(c->c.dirfd, "config.json", c->p.config, c->p.config_len, 0600,
				     err);
	if (rc == 0)
		rc = record_stage(c->c.dirfd, r, err);
	return rc < 0 ? err_in(err, rc, "state of container '%s'", r->id) : 0;
}

#define PIDFD_ANNOTATION "run.oci.pidfd_receiver"

/* The option is runc's, the annotation crun's; who gives both gets both. */
static int send_pidfd(const struct creation *c, const struct launched *l, const char *socket,
		      struct err *err)
{
	const char *receiver = spec_annotation(c->p.spec, PIDFD_ANNOTATION);
	int rc = socket ? pidfd_send(socket, l->pidfd, err) : 0;

	if (rc < 0 || !receiver)
		return rc;
	if (receiver[0] != '/')
		return err_set(err, EINVAL,
			       "annotation " PIDFD_ANNOTATION ": '%s' is not an absolute path",
			       receiver);
	rc = pidfd_send(receiver, l->pidfd, err);
	return rc < 0 ? err_in(err, rc, "annotation " PIDFD_ANNOTATION) : 0;
}

static int finish(struct creation *c, struct launched *l, const struct bryo_create_options *o,
		  struct err *err)
{
	int rc = 0;

	if (o->console_socket) {
		rc = terminal_send_outside(o->console_socket, l->pty, err);
		fd_closep(&l->pty);
	}
	if (rc == 0)
		rc = send_pidfd(c, l, o->pidfd_socket, err);
	if (rc == 0)
		rc = record_commit(c->c.dirfd, err);
	if (rc == 0 && o->pid_file)
		rc = pid_file_write(o->pid_file, l->pid, err);
	return rc < 0 ? rc : launch_release(l, err);
}

/* What the first refused step may really mean: see userns_explain(). */
static int explain(struct bryo_ctx *ctx, const struct plan *plan, int rc, struct err *err)
{
	if ((rc == -EPERM || rc == -EACCES) && err->sys && (plan->ns.create & CLONE_NEWUSER) &&
	    !err->hint[0])
		return userns_explain(&ctx->host, 0, rc, err);
	return rc;
}

/* bryo_start(), bryo_wait() and bryo_delete() find everything here. */
static void keep_live(struct bryo_ctx *ctx, struct creation *c, struct launched *l)
{
	struct live *live = &ctx->live;

	live->id = mem_strdup(c->c.record.id);
	live->pid = l->pid;
	live->pidfd = l->pidfd;
	live->pty = l->pty;
	if (l->pty >= 0)
		terminal_match(l->pty, !c->p.plan.process.terminal.rows);
	live->c = c->c;
	live->arena = c->p.arena;
	c->c = (struct container)CONTAINER_INIT;
	c->p.arena = (struct arena)ARENA_INIT;
	live->c.record.id = live->id;
	live->c.status = STATE_CREATED;
	fd_closep(&live->c.lock);
}

static int launch(struct bryo_ctx *ctx, struct creation *c, const struct bryo_create_options *o,
		  struct err *err)
{
	struct launch_request q = {
		.plan = &c->p.plan,
		.host = &ctx->host,
		.arena = &c->p.arena,
		.dirfd = c->c.dirfd,
		.meanwhile = stage_record,
		.arg = c,
	};
	const struct supervise_plan *supervise = &c->p.plan.supervise;
	struct limit *limit = &ctx->live.waiter.limit;
	struct launched l = LAUNCHED_INIT;
	int rc = 0;

	if (!o->detach)
		rc = wait_arm(&ctx->live.waiter, err);
	limit->timeout_ns = supervise->timeout_ns;
	limit->grace_ns = supervise->grace_ns;
	if (rc == 0 && supervise->die_with_parent)
		rc = limit_caller_outside(limit, err);
	if (rc == 0 && !o->detach && !o->no_subreaper && !(c->p.plan.ns.differ & CLONE_NEWPID))
		wait_adopt(&ctx->live.waiter);
	if (rc == 0)
		rc = launch_outside(&q, &l, err);
	if (rc == 0)
		layers_notice(ctx, &l);
	if (rc == 0)
		rc = finish(c, &l, o, err);
	else
		rc = explain(ctx, &c->p.plan, rc, err);
	if (rc < 0) {
		launched_end(&l);
		wait_disarm(&ctx->live.waiter);
		c->c.record.pid = 0;
		return rc;
	}
	helpers_leave(&l.helpers);
	if (o->detach)
		fd_closep(&l.pidfd);
	else
		keep_live(ctx, c, &l);
	wait_adopted(&ctx->live.waiter);
	return 0;
}

/* Before the claim: a port that is in use is the commonest mistake, and leaves nothing this way. */
static int open_sockets(struct creation *c, struct err *err)
{
	const struct process_plan *p = &c->p.plan.process;
	int rc = net_publish_try(&c->p.arena, &c->p.plan.net, err);

	return rc < 0 ? rc
		      : listen_open_outside(&c->p.arena, &p->listen, 3 + p->preserve_fds,
					    &c->listen_files, err);
}

int bryo_create(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
		struct bryo_err *e)
{
	__attribute__((cleanup(creation_end))) struct creation c = { .p = PREPARED_INIT,
								     .c = CONTAINER_INIT,
								     .upper = -1 };
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	int rc;

	rc = prepare_check_threads(err);
	if (rc < 0)
		return rc;
	c.throw_away = o->throw_away && !o->detach;
	rc = prepare(ctx, id, o, &ctx->host, false, &c.p, err);
	if (rc == 0)
		rc = check_terminal(c.p.spec, o, err);
	if (rc == 0 && o->detach)
		rc = supervise_detached(&c.p.plan.supervise, err);
	if (rc < 0)
		return rc;
	ctx_notes(ctx, &c.p.plan.notes);
	rc = open_sockets(&c, err);
	if (rc < 0)
		return rc;
	rc = claim(ctx, &c, id, err);
	if (c.c.dirfd >= 0)
		c.listen_files.n = 0;
	if (rc == 0)
		rc = launch(ctx, &c, o, err);
	if (rc < 0 && c.c.dirfd >= 0) {
		struct err ignored = ERR_INIT;

		fd_closep(&c.upper); /* it is given up under a lock of its own */
		(void)container_remove(ctx, id, &c.c, &ignored);
	}
	return rc;
}
