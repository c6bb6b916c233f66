/*
 * adapt_rules.c - the search for a document that can be run (theory in adapt_rules.h). Runs in the command
 * line's process, for `bryo spec --from` only; it plans the document some dozens of times, which
 * takes milliseconds.
 */
#include "adapt_rules.h"

#include "base/cleanup.h"
#include "base/json_edit.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci/idmap_style.h"
#include "oci/spec_load.h"
#include "plan/adapt_write.h"

#include <string.h>

/* What may be left out when the plan refuses it, in this order; the least first. */
static const struct way {
	const char *path;
	bool each;		 /* one element at a time */
	const char *with;	 /* means nothing without */
	const char *put, *value; /* an annotation instead */
	const char *then;	 /* what the note says */
} ways[] = {
	{ .put = "org.bryo.clamp",
	  .value = "true",
	  .then = "added: limits are lowered to what the caller may set" },
	{ .put = "org.bryo.limits",
	  .value = "best-effort",
	  .then = "added: limits that cannot be enforced are not" },
	{ .path = "process.user.additionalGids", .each = true },
	{ .path = "process.user.additionalGids" },
	{ .path = "linux.uidMappings",
	  .with = "linux.gidMappings",
	  .then = "left out, with gidMappings: the caller's own IDs are mapped" },
	{ .path = "process.apparmorProfile" },
	{ .path = "process.selinuxLabel" },
	{ .path = "linux.mountLabel" },
	{ .path = "process.scheduler" },
	{ .path = "process.ioPriority" },
	{ .path = "process.execCPUAffinity" },
	{ .path = "linux.personality" },
	{ .path = "linux.memoryPolicy" },
	{ .path = "linux.netDevices" },
	{ .path = "linux.intelRdt" },
	{ .path = "linux.cgroupsPath" },
	{ .path = "linux.devices", .each = true },
};

struct adapter {
	struct arena *a;
	const struct adapt_request *q;
	struct notes *notes;
	const struct spec *spec;
	struct plan *plan;
	int rc; /* of the last try */
	struct err err;
};

static int try(struct adapter *t)
{
	struct plan_request q = {
		.id = "adapt", .bundle = t->q->bundle, .compile_seccomp = true, .seccomp_cache = -1
	};
	struct spec *spec;

	t->err = (struct err)ERR_INIT;
	t->plan = arena_alloc(t->a, sizeof(*t->plan));
	t->rc = spec_decode(t->a, t->q->doc, &spec, &t->err);
	if (t->rc == 0) {
		q.spec = t->spec = spec;
		t->rc = plan_build(t->a, &q, t->q->host, t->plan, &t->err);
	}
	return t->rc;
}

static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if ((size_t)(end - p) == len && strncmp(p, line, len) == 0)
			return true;
	}
	return false;
}

/* The first line of text that other has not; *ret_len without the remedy in brackets. */
static const char *line_not_in(const char *text, const char *other, size_t *ret_len)
{
	for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
		size_t len = (size_t)((end = strchrnul(p, '\n')) - p);
		const char *remedy = memmem(p, len, " [", 2);

		if (has_line(other, p, len))
			continue;
		*ret_len = remedy ? (size_t)(remedy - p) : len;
		return p;
	}
	return NULL;
}

struct failure {
	struct err err;
	struct plan *plan;
};

/* Without namespaces and ID maps no other feature is planned. */
static bool came_to_features(const struct plan *plan)
{
	return plan->mounts.v;
}

/*
 * The violation that is gone since before, or NULL. A new one in its place is no progress, except
 * for lists, which are refused for one element at a time, and where planning came further.
 */
static const char *solved(struct adapter *t, const struct failure *before, bool each)
{
	char was[ERR_TEXT + 512], is[ERR_TEXT + 512] = "";
	bool further = !came_to_features(before->plan) && came_to_features(t->plan);
	const char *gone;
	size_t len, ignored;

	(void)err_format(&before->err, was, sizeof(was));
	if (t->rc < 0)
		(void)err_format(&t->err, is, sizeof(is));
	gone = line_not_in(was, is, &len);
	if (!gone || (!each && !further && line_not_in(is, was, &ignored)))
		return NULL;
	return arena_strndup(t->a, gone, len);
}

static void back(struct adapter *t, const struct failure *before)
{
	t->err = before->err;
	t->rc = -before->err.num;
	t->plan = before->plan;
}

/* Tries without value; it stays out if that helped. */
static bool leave_out(struct adapter *t, const struct way *w, struct json *value)
{
	struct json *parent = (struct json *)value->parent,
		    *with = w->with ? json_at(t->q->doc, w->with) : NULL;
	struct failure before = { t->err, t->plan };
	const char *field = w->each ? arena_printf(t->a, "%s[%u]", w->path, value->index) : w->path,
		   *why;
	struct json_hole hole = json_drop(parent, value), second = { 0 };

	if (with)
		second = json_drop((struct json *)with->parent, with);
	(void)try(t);
	why = solved(t, &before, w->each);
	if (why) {
		note_add(t->notes, NOTE_WARNING, field, why, "%s", w->then ? w->then : "left out");
		return true;
	}
	if (with)
		json_undrop(&second);
	json_undrop(&hole);
	back(t, &before);
	return false;
}

static bool put_in(struct adapter *t, const struct way *w)
{
	struct json *all = json_need(t->a, t->q->doc, "annotations", JSON_OBJECT), *value;
	struct failure before = { t->err, t->plan };
	const char *why;

	if (json_at(all, w->put))
		return false;
	value = json_put_str(t->a, all, w->put, w->value);
	(void)try(t);
	why = solved(t, &before, false);
	if (why) {
		note_add(t->notes, NOTE_WARNING, arena_printf(t->a, "annotations.%s", w->put), why,
			 "%s", w->then);
		return true;
	}
	(void)json_drop(all, value);
	if (!all->n)
		(void)json_drop(t->q->doc, all);
	back(t, &before);
	return false;
}

static bool go(struct adapter *t, const struct way *w)
{
	struct json *value = w->path ? json_at(t->q->doc, w->path) : NULL;
	bool helped = false;

	if (w->put)
		return put_in(t, w);
	if (!value || value->type == JSON_NULL)
		return false;
	if (!w->each)
		return leave_out(t, w, value);
	for (struct json *v = value->child, *next; v && t->rc < 0; v = next) {
		next = v->next;
		helped |= leave_out(t, w, v);
	}
	return helped;
}

/* Until nothing is refused, or no way helps. Each way can help but once for each value: it ends. */
static int search(struct adapter *t)
{
	bool helped = try(t) < 0;

	while (t->rc < 0 && helped) {
		helped = false;
		for (size_t i = 0; i < ARRAY_LEN(ways) && t->rc < 0; i++)
			helped |= go(t, &ways[i]);
	}
	return t->rc;
}

/* The mappings that were asked for, in place of the document's. */
static void set_idmap(struct adapter *t)
{
	struct json *doc = t->q->doc, *uid = json_at(doc, "linux.uidMappings"),
		    *gid = json_at(doc, "linux.gidMappings");

	if (!t->q->idmap)
		return;
	if (uid)
		(void)json_drop((struct json *)uid->parent, uid);
	if (gid)
		(void)json_drop((struct json *)gid->parent, gid);
	json_put_str(t->a, json_need(t->a, doc, "annotations", JSON_OBJECT), IDMAP_ANNOTATION,
		     t->q->idmap);
}

static const char *text_of(struct json *obj, const char *key)
{
	const struct json *v = json_at(obj, key);

	return v && v->type == JSON_STRING ? v->text : NULL;
}

/* Why a namespace cannot be joined by this caller, or NULL. */
static const char *not_joinable(struct adapter *t, const char *path, bool with_user)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return arena_printf(t->a, "'%s': %s", path, strerror(errno));
	if (!with_user && !t->q->host->has_sys_admin)
		return arena_printf(t->a, "'%s': only root may join it", path);
	return NULL;
}

static void check_namespaces(struct adapter *t)
{
	struct json *list = json_at(t->q->doc, "linux.namespaces");
	bool with_user = false;

	/* The user namespace is joined first and decides about the others. */
	for (int user = 1; user >= 0 && list; user--)
		for (struct json *ns = list->child; ns; ns = ns->next) {
			struct json *path = ns->type == JSON_OBJECT ? json_at(ns, "path") : NULL;
			bool is_user = path && str_eq(text_of(ns, "type"), "user");
			const char *why;

			if (!path || path->type != JSON_STRING || !*path->text || is_user != user)
				continue;
			why = not_joinable(t, path->text, is_user || with_user);
			with_user |= is_user && !why;
			if (!why)
				continue;
			note_add(t->notes, NOTE_WARNING,
				 arena_printf(t->a, "linux.namespaces[%u]", ns->index), why,
				 "a new %s namespace instead of the one by path",
				 text_of(ns, "type"));
			(void)json_drop(ns, path);
		}
}

static void check_hooks(struct adapter *t)
{
	struct json *hooks = json_at(t->q->doc, "hooks");

	for (struct json *list = hooks ? hooks->child : NULL; list; list = list->next)
		for (struct json *hook = list->child, *next; hook; hook = next) {
			const char *path = hook->type == JSON_OBJECT ? text_of(hook, "path") : NULL;

			next = hook->next;
			if (!path || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
				continue;
			note_add(t->notes, NOTE_WARNING,
				 arena_printf(t->a, "hooks.%s[%u]", list->key, hook->index),
				 arena_printf(t->a, "'%s': %s", path, strerror(errno)), "left out");
			(void)json_drop(list, hook);
		}
}

/* The reason alone: what follows the last remedy's bracket is for `run`. */
static const char *reason(struct adapter *t, struct err *err)
{
	char text[ERR_TEXT + 512];

	err->hint[0] = '\0';
	return arena_strdup(t->a, err_format(err, text, sizeof(text)));
}

/* Nodes that would be bound and cannot be. The plan's devices end with the document's, by path. */
static void check_devices(struct adapter *t)
{
	struct json *list = json_at(t->q->doc, "linux.devices");

	for (struct json *v = list ? list->child : NULL, *next; v; v = next) {
		const struct device *d = NULL;
		struct err err = ERR_INIT;
		int fd = -1;

		next = v->next;
		for (size_t i = 0; i < t->plan->devices.n; i++)
			if (str_eq(t->plan->devices.v[i].path, text_of(v, "path")))
				d = &t->plan->devices.v[i];
		if (!d)
			continue;
		struct device one = *d;
		struct device_plan only = { .v = &one, .n = 1, .sources = &fd };

		if (device_sources_inside(&only, &err) < 0) {
			note_add(t->notes, NOTE_WARNING,
				 arena_printf(t->a, "linux.devices '%s'", d->path), reason(t, &err),
				 "left out");
			(void)json_drop(list, v);
		}
		fd_closep(&fd);
	}
}

static void check_sources(struct adapter *t)
{
	static const char then[] = "kept, and must be replaced before the container can start";
	struct err err = ERR_INIT;
	int root = rootfs_source_inside(&t->plan->rootfs, &err);

	if (root < 0 && root != -EAGAIN)
		note_add(t->notes, NOTE_WARNING, "root.path", reason(t, &err), "%s", then);
	fd_closep(&root);
	for (size_t i = 0; i < t->plan->mounts.n; i++) {
		struct mount_op one = t->plan->mounts.v[i];
		int fd = -1;
		struct mount_plan only = { .v = &one, .n = 1, .sources = &fd };

		err = (struct err)ERR_INIT;
		if (mount_sources_inside(&only, &err) < 0)
			note_add(t->notes, NOTE_WARNING, arena_printf(t->a, "mounts[%zu]", i),
				 reason(t, &err), "%s", then);
		fd_closep(&fd);
	}
}

int plan_adapt(struct arena *a, const struct adapt_request *q, struct notes *notes, struct err *err)
{
	struct adapter t = { .a = a, .q = q, .notes = notes };

	if (try(&t) < 0 && !t.spec) { /* not even a config.json */
		*err = t.err;
		return t.rc;
	}
	set_idmap(&t);
	check_namespaces(&t);
	check_hooks(&t);
	if (search(&t) == 0) {
		check_devices(&t);
		(void)try(&t);
	}
	if (t.rc < 0) {
		*err = t.err;
		return t.rc;
	}
	adapt_write(a, q->doc, t.spec, t.plan);
	for (size_t i = 0; i < t.plan->notes.list.n; i++)
		*vec_add(notes->arena, &notes->list) = t.plan->notes.list.v[i];
	check_sources(&t);
	return 0;
}
