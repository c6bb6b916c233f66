/*
 * query.c - state, list, ps: what there is, changing nothing. Runs in the calling
 * process.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/passwd.h"
#include "base/str.h"
#include "lib/members.h"

#include <string.h>

const char *bryo_status_name(enum bryo_status s)
{
	static const char *const names[] = { "creating", "created", "running",
					     "paused",	 "stopped", "unknown" };

	return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

static enum bryo_status public_status(enum state_status s)
{
	switch (s) {
	case STATE_CREATING:
		return BRYO_CREATING;
	case STATE_CREATED:
		return BRYO_CREATED;
	case STATE_RUNNING:
		return BRYO_RUNNING;
	case STATE_PAUSED:
		return BRYO_PAUSED;
	case STATE_UNKNOWN:
		return BRYO_STATUS_UNKNOWN;
	case STATE_STOPPED:
		break;
	}
	return BRYO_STOPPED;
}

static char *owner_name(uid_t uid)
{
	struct passwd_entry pw;

	return passwd_find(uid, true, &pw) ? mem_strdup(pw.name) : mem_printf("#%u", uid);
}

static char *copy(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

static void fill_entry(const struct container *c, const char *id, struct bryo_entry *ret)
{
	const struct record *r = &c->record;
	struct json_out o;

	*ret = (struct bryo_entry){
		.id = mem_strdup(id),
		.bundle = copy(r->bundle),
		.rootfs = copy(r->rootfs),
		.created = copy(r->created),
		.owner = owner_name(r->owner),
		.oci_version = copy(r->oci_version),
		.systemd_scope = mem_strdup(r->cgroup_unit ? r->cgroup_unit : ""),
		.pid = c->status == STATE_STOPPED || c->status == STATE_UNKNOWN ? 0 : r->pid,
		.status = public_status(c->status),
	};
	if (!r->annotations.n)
		return;
	json_out_init(&o, NULL);
	json_out_map(&o, NULL, &r->annotations);
	ret->annotations = take_ptr(&o.s.p);
	json_out_free(&o);
}

int bryo_state(bryo_ctx *ctx, const char *id, struct bryo_entry *ret, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(ctx, id, false, &c, err);

	if (rc < 0)
		return rc;
	fill_entry(&c, id, ret);
	return 0;
}

void bryo_entry_release(struct bryo_entry *e)
{
	free(e->id);
	free(e->bundle);
	free(e->rootfs);
	free(e->created);
	free(e->owner);
	free(e->oci_version);
	free(e->annotations);
	free(e->systemd_scope);
	*e = (struct bryo_entry){ 0 };
}

void bryo_entries_free(struct bryo_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bryo_entry_release(&entries[i]);
	free(entries);
}

/* One entry of a list. Gone meanwhile, or claimed a moment ago: skipped; broken, or whose status
 * cannot be told: a notice. */
static bool list_one(struct bryo_ctx *ctx, const char *id, struct bryo_entry *ret)
{
	auto_container struct container c = CONTAINER_INIT;
	struct err err = ERR_INIT;
	char text[ERR_TEXT];
	int rc = container_open(ctx, id, false, &c, &err);

	if (rc < 0 && rc != -ENOENT && ctx->notice)
		(void)ctx->notice(ctx->notice_arg, err_format(&err, text, sizeof(text)));
	if (rc < 0 && c.status != STATE_UNKNOWN)
		return false;
	fill_entry(&c, id, ret);
	return true;
}

int bryo_list(bryo_ctx *ctx, struct bryo_entry **ret, size_t *ret_n, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_arena struct arena a = ARENA_INIT;
	struct strv ids = { 0 };
	struct bryo_entry *v;
	size_t n = 0;
	int rc = ctx->rootfd < 0 ? 0 : state_ids(&a, ctx->rootfd, &ids, err);

	if (ctx->rootfd < 0 && ctx->root_named)
		return err_set(err, ENOENT, "the state directory that was named does not exist");
	if (rc < 0)
		return rc;
	v = mem_alloc((ids.n + 1) * sizeof(*v));
	for (size_t i = 0; i < ids.n; i++)
		n += list_one(ctx, ids.v[i], &v[n]);
	*ret = v;
	*ret_n = n;
	return 0;
}

int bryo_ps(bryo_ctx *ctx, const char *id, pid_t **ret, size_t *ret_n, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(ctx, id, false, &c, err);

	if (rc < 0)
		return rc;
	*ret = NULL;
	*ret_n = 0;
	return c.pidfd < 0 ? 0 : members_find(&c.record, ret, ret_n, err);
}
