/*
 * gc.c - bryo_gc(): what killed runtimes have left. Runs in the calling process.
 *
 * Garbage is only what certainly nobody wants any more; everything else is left to `bryo delete`:
 *	- a claim without a record, and a record without a process (`creating`), whose lock is free:
 *	  create holds the lock from the claim to its end, and the kernel releases it at its death
 *	- the record of another boot
 *	- a container that has ended, or was not started, of a `run` in the foreground that is gone: it
 *	  was to start and to delete it. Other stopped containers are kept: an engine asks for their
 *	  state and deletes them itself
 *	- a cgroup with our mark of which no record of this state directory tells
 *	- a helper program whose container has ended, and that did not notice
 *	- directories of changes that were to be thrown away, of another boot
 *	- scratch directories (base/scratch.h) that nobody works in, where we may look: below TMPDIR or
 *	  /tmp, and /var/tmp. Elsewhere the next bundle or plan in the same place finds them
 *	- half-written files of a container, mounts in the state directory of a garbage one, and what
 *	  is too much in the cache of filters
 * A container of another pid namespace may run there, and is left alone unless it certainly has ended.
 * What goes is removed by the same code as in delete, which works from every phase.
 *
 * Against a create that is going on: a held lock is left alone; a claim that is not yet locked
 * tries again (state_claim()); and cgroups are looked for before the records are read, because
 * create writes the record first. So a cgroup that was seen and has no record lost it.
 */
#include "layers.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/scratch.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount_explain.h"
#include "feature/seccomp_cache.h"
#include "lib/serving.h"
#include "lib/userns.h"
#include "state/elsewhere.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#define ALONE_S 60 /* an empty cgroup of another state directory, from then on */

struct gc {
	struct bryo_ctx *ctx;
	const struct bryo_gc_options *o;
	struct arena arena;
	struct cgroups cgroups;
	VEC(const char *) known; /* when the containers that have a record were created */
	bool unsure; /* a record could not be read: whose cgroup is whose is not known then */
	int failed;
	int stop; /* what the caller's function returned */
};

/* rc and err: of the removal. */
static void tell(struct gc *g, const char *kind, const char *what, const char *why, int rc,
		 const struct err *err)
{
	char text[ERR_TEXT + 600];
	struct bryo_garbage found = {
		.kind = kind,
		.what = what,
		.why = why,
		.removed = rc >= 0 && !g->o->dry_run,
		.problem = rc < 0 ? err_format(err, text, sizeof(text)) : NULL,
	};

	g->failed += rc < 0;
	if (g->o->found && !g->stop)
		g->stop = g->o->found(g->o->arg, &found);
}

/* ------------------------------------------------------------------------- containers */

/* Its process may have gone and its number come back: what is younger than init is not it. */
static bool is_gone(pid_t runner, uint64_t init_start)
{
	struct err err = ERR_INIT;
	uint64_t start;
	bool zombie;
	int rc = state_pid_start(runner, &start, &zombie, &err);

	return rc == -ESRCH || (rc == 0 && (zombie || start > init_start));
}

/* Of another pid namespace it cannot be told: its number does not count here. */
static bool runner_is_gone(const struct record *r)
{
	return r->runner && !record_is_elsewhere(r) && is_gone(r->runner, r->pid_start);
}

/* NULL: it is none. */
static const char *why_garbage(const struct gc *g, const struct container *c)
{
	const struct record *r = &c->record;
	const char *boot = state_boot_id((struct arena *)&g->arena);

	if (c->status == STATE_CREATING)
		return "its create was ended before the container was there";
	if (c->status == STATE_STOPPED && r->boot_id && *r->boot_id && *boot &&
	    !str_eq(r->boot_id, boot))
		return "it is of another boot";
	if (c->status == STATE_CREATED && runner_is_gone(r))
		return "the run that was to start it is gone";
	if (c->status != STATE_STOPPED)
		return NULL;
	if (runner_is_gone(r))
		return "it has ended, and so did the run that was to delete it";
	return g->o->stopped ? "it is stopped" : NULL;
}

/* Topmost first. Nothing of bryo mounts there, so this is somebody's mistake, or an old version's. */
static void sweep_mounts(struct gc *g, const char *id)
{
	const char *dir = arena_printf(&g->arena, "%s/%s", g->ctx->root, id);
	struct strv points;

	mount_points_below(&g->arena, dir, &points);
	for (size_t i = points.n; i-- > 0;) {
		struct err err = ERR_INIT;
		int rc = 0;

		if (!g->o->dry_run && umount2(points.v[i], MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			rc = err_sys(&err, "unmount '%s'", points.v[i]);
		tell(g, "mount", points.v[i], "it is in the state of a container that is garbage",
		     rc, &err);
	}
}

static void sweep_temporaries(struct gc *g, const char *id, int dirfd)
{
	struct strv names;

	state_temporaries(&g->arena, dirfd, &names);
	for (size_t i = 0; i < names.n; i++) {
		struct err err = ERR_INIT;
		int rc = 0;

		if (!g->o->dry_run && unlinkat(dirfd, names.v[i], 0) < 0 && errno != ENOENT)
			rc = err_sys(&err, "remove '%s'", names.v[i]);
		tell(g, "file", arena_printf(&g->arena, "%s/%s/%s", g->ctx->root, id, names.v[i]),
		     "who wrote it was ended before it was complete", rc, &err);
	}
}

static void warn(const struct gc *g, const struct err *err)
{
	char text[ERR_TEXT + 600];

	if (g->ctx->notice)
		(void)g->ctx->notice(g->ctx->notice_arg, err_format(err, text, sizeof(text)));
}

/* Whose claim it is may not have locked it yet: between its two calls it gets a moment, and more
 * than that does no harm, because state_claim() then tries again. */
static bool is_abandoned(const char *id, struct container *c)
{
	const struct timespec moment = { 0, 50 * 1000000L };

	fd_closep(&c->lock);
	(void)nanosleep(&moment, NULL);
	c->lock = state_trylock(c->dirfd, id, NULL);
	return c->lock >= 0 && record_load(&c->arena, c->dirfd, &c->record, NULL) == -ENOENT;
}

static void sweep_claim(struct gc *g, const char *id, struct container *c)
{
	struct err err = ERR_INIT;
	int rc = 0;

	/* a root that was named may hold directories of its owner */
	if (!state_is_claim(c->dirfd) || !is_abandoned(id, c))
		return;
	sweep_mounts(g, id);
	if (!g->o->dry_run)
		rc = state_remove(g->ctx->rootfd, id, &err);
	tell(g, "container", id, "its create was ended before it wrote anything down", rc, &err);
}

/* It takes them a moment to notice. */
static bool outlives(const struct record *r, size_t i)
{
	const struct timespec moment = { 0, 20 * 1000000L };

	for (int try = 0; try < 10 && serving_is_alive(r, i); try++)
		(void)nanosleep(&moment, NULL);
	return serving_is_alive(r, i);
}

static void sweep_helpers(struct gc *g, const char *id, const struct container *c)
{
	const struct record *r = &c->record;
	bool *alive = arena_alloc(&g->arena, (r->helpers.n + 1) * sizeof(*alive)), any = false;
	struct err err = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < r->helpers.n && c->status == STATE_STOPPED; i++)
		any |= alive[i] = outlives(r, i);
	if (any && !g->o->dry_run)
		rc = serving_end(r, c->dirfd, &err);
	for (size_t i = 0; i < r->helpers.n; i++)
		if (alive[i])
			tell(g, "process",
			     arena_printf(&g->arena, "%s %d", r->helpers.v[i].name,
					  (int)r->helpers.v[i].pid),
			     arena_printf(&g->arena, "its container '%s' has ended", id), rc, &err);
}

/* The lock is held. */
static void sweep_record(struct gc *g, const char *id, struct container *c)
{
	const char *why = why_garbage(g, c);
	struct err err = ERR_INIT;
	int rc = 0;

	if (!why) {
		sweep_helpers(g, id, c);
		sweep_temporaries(g, id, c->dirfd);
		return;
	}
	sweep_mounts(g, id);
	if (!g->o->dry_run)
		rc = container_remove(g->ctx, id, c, &err);
	tell(g, "container", id, why, rc, &err);
}

static void sweep_container(struct gc *g, const char *id)
{
	auto_container struct container c = CONTAINER_INIT;
	struct err err = ERR_INIT;
	int rc;

	c.dirfd = state_open(g->ctx->rootfd, id, NULL);
	/* removed meanwhile, or somebody else's; else (no descriptor is free) its record is not known */
	g->unsure |= c.dirfd < 0 && c.dirfd != -ENOENT && c.dirfd != -EPERM;
	if (c.dirfd < 0)
		return;
	c.lock = state_trylock(c.dirfd, id, NULL);
	rc = record_load(&c.arena, c.dirfd, &c.record, &err);
	if (rc == 0)
		*vec_add(&g->arena, &g->known) = arena_strdup(&g->arena, c.record.created);
	g->unsure |= rc < 0 && rc != -ENOENT;
	if (c.lock < 0)
		return;
	if (rc == -ENOENT) {
		sweep_claim(g, id, &c);
		return;
	}
	if (rc == 0)
		rc = state_status(c.dirfd, &c.record, &c.status, &c.pidfd, &err);
	if (rc == 0) {
		sweep_record(g, id, &c);
		return;
	}
	if (rc == -EXDEV)
		return;
	(void)err_in(&err, rc, "container '%s' is kept", id);
	warn(g, &err);
}

/* ---------------------------------------------------------------------------- cgroups */

static bool is_known(const struct gc *g, const char *mark)
{
	size_t len = strcspn(mark, " ");

	for (size_t i = 0; i < g->known.n; i++)
		if (strlen(g->known.v[i]) == len && memcmp(g->known.v[i], mark, len) == 0)
			return true;
	return false;
}

/* Seconds since the time at the beginning of the mark; -1 where there is none. */
static int64_t age_of(const char *mark)
{
	struct tm tm = { 0 };

	if (!strptime(mark, "%Y-%m-%dT%H:%M:%S", &tm))
		return -1;
	return (int64_t)time(NULL) - (int64_t)timegm(&tm);
}

/*
 * NULL: it may be somebody's. The state directory of the mark is this one only where the mount
 * namespace is the same as well; of others we only take what is empty and was not made just now.
 */
static const char *why_lost(struct gc *g, const struct cgroup_found *c)
{
	size_t len = strcspn(c->mark, " ");
	const char *mine =
		cgroup_mark(&g->arena, arena_strndup(&g->arena, c->mark, len), g->ctx->root);

	if (is_known(g, c->mark))
		return NULL;
	if (str_eq(mine, c->mark) && g->unsure)
		return NULL;
	if (str_eq(mine, c->mark))
		return c->populated ? "its container's state is gone, and processes are left in it"
				    : "its container's state is gone";
	return !c->populated && age_of(c->mark) > ALONE_S
		       ? "it is of another state directory, and empty"
		       : NULL;
}

static int remove_lost(struct gc *g, const struct cgroup_found *f, struct err *err)
{
	const char *slash = strrchr(f->path, '/');
	const char *parent = arena_strndup(&g->arena, f->path, (size_t)(slash - f->path));
	const char *unit = strrchr(parent, '/');
	size_t len = unit ? strlen(unit) : 0;
	auto_container struct container c = CONTAINER_INIT;
	int rc;

	c.record = (struct record){
		.cgroup = f->path,
		.cgroup_ino = f->ino,
		.boot_id = state_boot_id(&g->arena),
		.cgroup_unit = len > 6 && str_eq(unit + len - 6, ".scope") ? unit + 1 : NULL,
	};
	rc = container_remove_cgroup(g->ctx, &c, err);
	if (rc == 0 && c.record.cgroup_unit)
		cgroup_end_scope(f->path);
	return rc;
}

static void sweep_cgroups(struct gc *g)
{
	for (size_t i = 0; i < g->cgroups.n && !g->stop; i++) {
		const struct cgroup_found *f = &g->cgroups.v[i];
		const char *why = why_lost(g, f);
		struct err err = ERR_INIT;
		int rc = why && !g->o->dry_run ? remove_lost(g, f, &err) : 0;

		if (why)
			tell(g, "cgroup", f->path, why, rc, &err);
	}
}

/* ------------------------------------------------------------------------------- rest */

static void sweep_cache(struct gc *g)
{
	auto_fd int dir = ctx_seccomp_cache_open(g->ctx);
	size_t n = dir < 0 ? 0 : seccomp_cache_stale(dir, !g->o->dry_run);

	if (n)
		tell(g, "cache",
		     arena_printf(&g->arena, "%zu compiled filter%s", n, n == 1 ? "" : "s"),
		     "they are half-written, or more than the cache is to hold", 0, NULL);
}

static void sweep_layers(struct gc *g)
{
	struct layers_lost lost = { 0 };

	layers_find_lost(&g->arena, g->ctx, &lost);
	for (size_t i = 0; i < lost.n && !g->stop; i++) {
		struct err err = ERR_INIT;
		int rc = g->o->dry_run ? 0 : layers_remove_lost(g->ctx, lost.v[i], &err);

		tell(g, "changes", lost.v[i],
		     "its container's changes were to be thrown away, and it is gone", rc, &err);
	}
}

static void sweep_place(struct gc *g, const char *place)
{
	auto_fd int dir = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct strv names = { 0 };

	if (dir >= 0)
		scratch_find(&g->arena, dir, &names);
	for (size_t i = 0; i < names.n && !g->stop; i++) {
		auto_fd int lock = scratch_take(dir, names.v[i]);
		struct err err = ERR_INIT;
		int rc = 0;

		if (lock < 0)
			continue;
		if (!g->o->dry_run)
			rc = userns_remove(&g->ctx->host, dir, names.v[i], &err);
		tell(g, "directory", arena_printf(&g->arena, "%s/%s", place, names.v[i]),
		     "who made it was ended before it was complete", rc, &err);
	}
}

static void sweep_scratch(struct gc *g)
{
	const char *tmp = getenv("TMPDIR");

	sweep_place(g, "/var/tmp");
	if (!tmp || tmp[0] != '/')
		sweep_place(g, "/tmp");
	else if (!str_eq(tmp, "/var/tmp"))
		sweep_place(g, tmp);
}

int bryo_gc(bryo_ctx *ctx, const struct bryo_gc_options *o, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct gc g = { .ctx = ctx, .o = o };
	struct strv ids = { 0 };
	int rc;

	/* Where none can be looked at there are none of ours. */
	(void)cgroup_find(&g.arena, geteuid(), &g.cgroups, NULL);
	rc = ctx->rootfd < 0 ? 0 : state_ids(&g.arena, ctx->rootfd, &ids, err);
	for (size_t i = 0; rc >= 0 && i < ids.n && !g.stop; i++)
		sweep_container(&g, ids.v[i]);
	if (rc >= 0 && !g.stop)
		sweep_cgroups(&g);
	if (rc >= 0 && !g.stop)
		sweep_layers(&g);
	if (rc >= 0 && !g.stop)
		sweep_scratch(&g);
	if (rc >= 0 && !g.stop)
		sweep_cache(&g);
	arena_free(&g.arena);
	return rc < 0 ? rc : g.failed;
}
