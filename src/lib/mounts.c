/*
 * mounts.c - bryo_mounts(): mounts of a running container, planned like those of config.json and
 * made by a joiner (proc/live.h). Runs in the calling process.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci/spec_load.h"
#include "proc/live.h"

#include <limits.h>
#include <string.h>

static char **targets(struct arena *a, const struct spec *mounts)
{
	char **list = arena_alloc(a, (mounts->mounts.n + 1) * sizeof(*list));

	for (size_t i = 0; i < mounts->mounts.n; i++) {
		char *path = arena_printf(a, "/%s", mounts->mounts.v[i].destination);

		path_clean(path);
		list[i] = path;
	}
	return list;
}

/* The container's namespaces as a plan has them: they exist, and all are its own. */
static int plan_add(struct bryo_ctx *ctx, struct container *c, const struct spec *mounts,
		    const struct idmap_plan *ids, struct mount_plan *ret, struct err *err)
{
	struct ns_plan ns = { .create = c->record.namespaces, .differ = c->record.namespaces };
	struct notes notes = { .arena = &c->arena };
	char cwd[PATH_MAX];
	int rc;

	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "current directory");
	rc = mount_plan(&c->arena, mounts, cwd, &ns, ids, &ctx->host, c->record.cgroup, &notes, ret, err);
	if (rc == 0)
		rc = mount_live_check(ret, err);
	if (rc == 0)
		ctx_notes(ctx, &notes);
	return rc;
}

static int change(struct bryo_ctx *ctx, struct container *c, bool remove, const struct spec *mounts,
		  struct err *err)
{
	struct idmap_plan ids = { .active = c->record.namespaces & CLONE_NEWUSER };
	struct mount_plan plan = { 0 };
	struct user_plan user = { 0 };
	struct live_request q = {
		.init = c->pidfd,
		.namespaces = c->record.namespaces,
		.ids = &ids,
		.user = &user,
	};
	struct spec *spec;
	bool denied;
	int rc = container_maps(c, &ids, &denied, err);

	if (rc == 0)
		rc = container_spec(c, &spec, err);
	if (rc < 0)
		return rc;
	user.uid = spec->process.user.uid;
	user.gid = spec->process.user.gid;
	if (remove) {
		q.remove = targets(&c->arena, mounts);
		q.n_remove = mounts->mounts.n;
		return live_mounts_outside(&q, err);
	}
	q.add = &plan;
	rc = plan_add(ctx, c, mounts, &ids, &plan, err);
	return rc < 0 ? rc : live_mounts_outside(&q, err);
}

int bryo_mounts(bryo_ctx *ctx, const char *id, bool remove, const char *mounts_json,
		struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct spec mounts = { 0 };
	int rc = container_open(ctx, id, false, &c, err);

	if (rc == 0 && (c.pidfd < 0 || c.status == STATE_CREATING))
		rc = err_set(err, EINVAL,
			     "cannot change mounts of container '%s': it is not running", id);
	if (rc == 0)
		rc = spec_parse_mounts(&c.arena, "mounts", mounts_json, strlen(mounts_json),
				       &mounts, err);
	return rc < 0 ? rc : change(ctx, &c, remove, &mounts, err);
}
