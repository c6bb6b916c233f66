/*
 * create.c - spec, plan, state, launch. Undo is bryo_delete's own code on what the record says:
 * there is no second clean-up path to keep in step. Runs in the calling process.
 */
#include "layers.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount_data.h"
#include "feature/mount_layers.h"
#include "oci/idmap_style.h"
#include "oci/proc_word.h"
#include "oci/spec_load.h"
#include "lib/net_target.h"
#include "lib/serving.h"
#include "plan/dump.h"
#include "proc/launch.h"
#include "proc/sync.h"
#include "rootless/rootless.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Everything between the options and the launch; one arena owns it. */
struct creation {
	struct arena arena;
	const char *bundle;
	struct spec *spec;
	const char *config; /* the document, for the copy */
	size_t config_len;
	int seccomp_cache;
	int upper; /* lock of the directory for changes until init has it, or -1 */
	bool only_plan, throw_away;
	const char *manager;	/* as the context has it */
	const char *state_dir;	/* absolute; where the container's directory will be */
	const char *notify_dir; /* host's side of /run/notify, or NULL */
	struct plan plan;
	struct pairs listen_files; /* of unix sockets that we bound, until the record has them */
	struct net_target target; /* whose network is joined; id NULL: none */
	const struct bryo_ctx *ctx;
	struct container c;
};

static void creation_end(struct creation *c)
{
	net_target_close(&c->target);
	listen_undo(&c->listen_files);
	listen_close(&c->plan.process.listen);
	container_close(&c->c);
	fd_closep(&c->seccomp_cache);
	fd_closep(&c->upper);
	arena_free(&c->arena);
}

static int load_spec(struct creation *c, const struct bryo_create_options *o, struct err *err)
{
	char real[PATH_MAX];
	auto_fd int dir = -1;

	if (!realpath(o->bundle ? o->bundle : ".", real))
		return err_sys(err, "bundle '%s'", o->bundle ? o->bundle : ".");
	c->bundle = arena_strdup(&c->arena, real);
	if (o->config_text) {
		c->config = o->config_text;
		c->config_len = strlen(o->config_text);
		return spec_parse(&c->arena, "config (made by bryo)", c->config, c->config_len,
				  &c->spec, err);
	}
	if (o->config)
		return spec_load(&c->arena, AT_FDCWD, o->config, &c->spec, &c->config,
				 &c->config_len, err);
	dir = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "bundle '%s'", real);
	return spec_load(&c->arena, dir, "config.json", &c->spec, &c->config, &c->config_len, err);
}

static const char *publish_words(struct creation *c, const struct bryo_create_options *o)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < o->publish.n; i++)
		str_addf(&s, "%s%s", i ? "," : "", o->publish.v[i]);
	return arena_strdup(&c->arena, s.p);
}

static int load(struct creation *c, const struct bryo_create_options *o, struct err *err)
{
	int rc = load_spec(c, o, err);

	if (rc == 0)
		rc = layers_options(&c->arena, c->spec, o, err);
	if (rc == 0 && o->idmap)
		idmap_style_set(&c->arena, c->spec, o->idmap);
	if (rc == 0 && o->publish.n)
		spec_annotation_set(&c->arena, c->spec, PUBLISH_ANNOTATION, publish_words(c, o));
	if (rc == 0 && o->net)
		spec_annotation_set(&c->arena, c->spec, NET_ANNOTATION, o->net);
	if (rc == 0 && o->proc)
		spec_annotation_set(&c->arena, c->spec, PROC_ANNOTATION, o->proc);
	if (rc == 0 && o->init)
		spec_annotation_set(&c->arena, c->spec, INIT_ANNOTATION, "true");
	if (rc == 0 && o->die_with_parent)
		spec_annotation_set(&c->arena, c->spec, DIE_ANNOTATION, "true");
	if (rc == 0 && o->timeout)
		spec_annotation_set(&c->arena, c->spec, TIMEOUT_ANNOTATION, o->timeout);
	if (rc == 0 && c->notify_dir)
		sdnotify_spec(&c->arena, c->spec, c->notify_dir);
	return rc;
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

/* ctx NULL: leave no trace, no compiled filter either. */
static int make_plan(struct bryo_ctx *ctx, struct creation *c, const char *id,
		     const struct bryo_create_options *o, struct host *host, struct err *err)
{
	const struct strv listen = { o->listen.v, o->listen.n };
	struct plan_request q = {
		.spec = c->spec,
		.id = id,
		.bundle = c->bundle,
		.state_dir = c->state_dir,
		.net_target = c->target.id ? &c->target : NULL,
		.cgroup_manager = c->manager,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.preserve_fds = o->preserve_fds,
		.listen = { o->listen_fds, o->listen_names, &listen },
		.compile_seccomp = !host->faked,
		.seccomp_cache = -1,
	};

	if (c->spec->linux_.seccomp && ctx)
		q.seccomp_cache = c->seccomp_cache = ctx_seccomp_cache(ctx);
	return plan_build(&c->arena, &q, host, &c->plan, err);
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
	const struct overlay_plan *layers = changes(&c->plan);
	struct record *r = &c->c.record;

	*r = (struct record){
		.id = id,
		.bundle = c->bundle,
		.rootfs = c->plan.rootfs.path,
		.oci_version = c->spec->oci_version,
		.owner = ctx->host.uid,
		.boot_id = state_boot_id(&c->arena),
		.pid_namespace = state_pid_namespace(),
		.namespaces = c->plan.ns.differ,
		.cgroup = c->plan.cgroup.path,
		.cgroup_unit = c->plan.cgroup.unit,
		.cgroup_user = c->plan.cgroup.user_manager,
		.cgroup_backend = cgroup_backend_name(c->plan.cgroup.backend),
		.net_backend = net_kind_name(c->plan.net.kind),
		.net_socket = c->plan.net.socket,
		.rootfs_backend = rootfs_kind_name(c->plan.rootfs.kinds[0]),
		.upper = layers->dir ? layers->dir : layers->spare,
		.upper_thrown_away = layers->upper != UPPER_KEPT,
		.no_new_keyring = !c->plan.keyring,
		.annotations = c->spec->annotations,
		.rdt_class = c->plan.rdt.ours ? c->plan.rdt.class : NULL,
		.rdt_monitor = c->plan.rdt.monitor,
		.notify = c->plan.process.seccomp.notify,
		.poststart = c->spec->hooks.poststart.n,
		.poststop = c->spec->hooks.poststop.n,
		.listen_files = c->listen_files,
		.created = created_now(&c->arena),
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
	rc = layers_place(&c->arena, id, c->bundle, changes(&c->plan), err);
	fill_record(ctx, c, id);
	if (c->plan.cgroup.backend != CGROUP_NONE)
		c->plan.cgroup.mark = cgroup_mark(&c->arena, c->c.record.created, ctx->root);
	if (rc == 0 && c->notify_dir)
		rc = sdnotify_mkdir_outside(c->c.dirfd, err);
	if (rc == 0)
		rc = net_files_outside(&c->plan.net, c->c.dirfd, err);
	if (rc == 0)
		rc = record_save(c->c.dirfd, &c->c.record, err);
	if (rc < 0)
		return err_in(err, rc, "state of container '%s'", id);
	rc = layers_make_outside(&c->arena, changes(&c->plan), &c->upper, err);
	if (rc == 0)
		layers_warn(ctx, changes(&c->plan), c->upper);
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
	if (root_is_served(&c->plan) && l->root.kind == ROOTFS_FUSE_OVERLAYFS)
		r->rootfs_backend = rootfs_kind_name(l->root.kind);
	r->cgroup = l->cgroup;
	r->cgroup_ino = l->cgroup_ino;
	serving_record(&c->arena, &l->helpers, l->root.fuse.pid, r);
	if (!l->cgroup) {
		r->cgroup_unit = NULL;
		r->cgroup_backend = cgroup_backend_name(CGROUP_NONE);
	}
	if (rc == 0 && layers_owned_outside(&c->arena, c->upper, r, err) < 0)
		return -err->num;
	if (rc == 0)
		rc = file_replace_at(c->c.dirfd, "config.json", c->config, c->config_len, 0600,
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
	const char *receiver = spec_annotation(c->spec, PIDFD_ANNOTATION);
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
		terminal_match(l->pty, !c->plan.process.terminal.rows);
	live->c = c->c;
	live->arena = c->arena;
	c->c = (struct container)CONTAINER_INIT;
	c->arena = (struct arena)ARENA_INIT;
	live->c.record.id = live->id;
	live->c.status = STATE_CREATED;
	fd_closep(&live->c.lock);
}

static int launch(struct bryo_ctx *ctx, struct creation *c, const struct bryo_create_options *o,
		  struct err *err)
{
	struct launch_request q = {
		.plan = &c->plan,
		.host = &ctx->host,
		.arena = &c->arena,
		.dirfd = c->c.dirfd,
		.meanwhile = stage_record,
		.arg = c,
	};
	const struct supervise_plan *supervise = &c->plan.supervise;
	struct limit *limit = &ctx->live.waiter.limit;
	struct launched l = LAUNCHED_INIT;
	int rc = 0;

	if (!o->detach)
		rc = wait_arm(&ctx->live.waiter, err);
	limit->timeout_ns = supervise->timeout_ns;
	limit->grace_ns = supervise->grace_ns;
	if (rc == 0 && supervise->die_with_parent)
		rc = limit_caller_outside(limit, err);
	if (rc == 0 && !o->detach && !o->no_subreaper && !(c->plan.ns.differ & CLONE_NEWPID))
		wait_adopt(&ctx->live.waiter);
	if (rc == 0)
		rc = launch_outside(&q, &l, err);
	if (rc == 0)
		layers_notice(ctx, &l);
	if (rc == 0)
		rc = finish(c, &l, o, err);
	else
		rc = explain(ctx, &c->plan, rc, err);
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

/* clone3 without exec: what another thread holds would stay locked in init. */
static int check_threads(struct err *err)
{
	struct stat st;

	/* One entry besides "." and "..": link count 3. */
	if (stat("/proc/self/task", &st) < 0 || st.st_nlink <= 3)
		return 0;
	return err_set(err, EINVAL,
		       "a container can be created from a single-threaded process only");
}

static void name_directories(const struct bryo_ctx *ctx, struct creation *c, const char *id)
{
	auto_free char *root = path_absolute(ctx->root ? ctx->root : "/");

	c->ctx = ctx;
	c->state_dir = arena_printf(&c->arena, "%s/%s", root, id);
	if (ctx->notify_socket && ctx->root)
		c->notify_dir = arena_printf(&c->arena, "%s/" SDNOTIFY_DIR, c->state_dir);
}

static int find_target(struct creation *c, struct err *err)
{
	struct net_words words;
	int rc = net_words_of(&c->arena, c->spec, &words, err);

	return rc < 0 || words.kind != NET_JOIN
		       ? rc
		       : net_target_find(c->ctx, &c->arena, words.join, &c->target, err);
}

static int prepare(struct bryo_ctx *ctx, struct creation *c, const char *id,
		   const struct bryo_create_options *o, struct host *host, struct err *err)
{
	int rc = state_id_check(id, err);

	if (rc == 0)
		rc = listen_check(o->listen_fds, err);
	if (rc == 0)
		rc = preserve_fds_check(3 + o->listen_fds, o->preserve_fds, err);
	if (rc == 0)
		rc = load(c, o, err);
	if (rc == 0 && !host->faked)
		rc = find_target(c, err);
	if (rc == 0)
		rc = make_plan(ctx, c, id, o, host, err);
	return rc;
}

/* Before the claim: a port that is in use is the commonest mistake, and leaves nothing this way. */
static int open_sockets(struct creation *c, struct err *err)
{
	const struct process_plan *p = &c->plan.process;
	int rc = net_publish_try(&c->arena, &c->plan.net, err);

	return rc < 0 ? rc :
	       listen_open_outside(&c->arena, &p->listen, 3 + p->preserve_fds, &c->listen_files,
				   err);
}

int bryo_create(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
		struct bryo_err *e)
{
	__attribute__((cleanup(creation_end))) struct creation c = { .c = CONTAINER_INIT,
								     .seccomp_cache = -1,
								     .upper = -1,
								     .target = NET_TARGET_INIT };
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	int rc;

	rc = check_threads(err);
	if (rc < 0)
		return rc;
	c.manager = ctx->cgroup_manager;
	c.throw_away = o->throw_away && !o->detach;
	name_directories(ctx, &c, id);
	rc = prepare(ctx, &c, id, o, &ctx->host, err);
	if (rc == 0)
		rc = check_terminal(c.spec, o, err);
	if (rc == 0 && o->detach)
		rc = supervise_detached(&c.plan.supervise, err);
	if (rc < 0)
		return rc;
	ctx_notes(ctx, &c.plan.notes);
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

/* The document or an option is refused: that is all there is to show. */
static void no_plan(struct creation *c, const char *id, const struct bryo_create_options *o,
		    const struct err *err)
{
	struct plan *p = &c->plan;

	p->id = id;
	p->bundle = c->bundle ? c->bundle : o->bundle ? o->bundle : ".";
	p->partial = true;
	p->notes.arena = &c->arena;
	note_refusals(&p->notes, err);
}

int bryo_plan(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o, bool json,
	      char **ret_text, struct bryo_err *e)
{
	__attribute__((cleanup(creation_end))) struct creation c = {
		.c = CONTAINER_INIT,
		.seccomp_cache = -1,
		.upper = -1,
		.target = NET_TARGET_INIT,
		.only_plan = true,
	};
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct host faked, *host = &ctx->host;
	auto_str struct str text = STR_INIT;
	int rc = 0;

	if (o->host_facts) {
		host = &faked;
		rc = host_load(&c.arena, o->host_facts, &faked, err);
	}
	c.manager = ctx->cgroup_manager;
	name_directories(ctx, &c, id);
	if (rc == 0)
		rc = prepare(NULL, &c, id, o, host, err);
	if (rc == 0 && !host->faked)
		rc = check_threads(err);
	if (rc == 0 && !host->faked)
		rc = plan_try(ctx, &c.plan, o, c.state_dir, err);
	if (rc < 0 && !c.plan.id)
		no_plan(&c, id, o, err);
	if (json)
		plan_dump_json(&c.plan, &text);
	else
		plan_dump_text(&c.plan, &text);
	*ret_text = take_ptr(&text.p);
	return rc;
}
