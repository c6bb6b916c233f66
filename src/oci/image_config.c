/*
 * image_config.c - an image's configuration as a config.json (image_config.h). Runs in the runtime.
 *
 * conversion.md says what goes where. Volumes become file systems in memory that begin with what the
 * image has there: that keeps their data out of the root file system, needs no directory that
 * somebody must remove, and goes when the container does; whoever wants it kept binds one there.
 */
#include "image_config.h"

#include "base/cleanup.h"
#include "base/json_edit.h"
#include "base/vec.h"

#include <string.h>

#define PREFIX "org.opencontainers.image."
#define PATH   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What a runtime acts on; ours lists most of it in `features` as potentially unsafe. */
static const char *const steering[] = { "org.bryo.", "org.criu.", "org.systemd.property.",
					"run.oci." };

/* Volumes and ports are objects whose members are empty. */
static int names_of(struct arena *a, const struct json *v, void *field, struct err *err)
{
	struct strv *ret = field;

	if (v->type != JSON_OBJECT)
		return json_err_wants(v, "an object", err);
	ret->v = arena_alloc(a, (v->n + 1) * sizeof(*ret->v));
	ret->n = 0;
	for (const struct json *m = v->child; m; m = m->next)
		ret->v[ret->n++] = m->key;
	return 0;
}

#define AT(member) offsetof(struct image_config, member)

static const struct json_field process_fields[] = {
	{ .name = "User", .kind = JSON_AS_STRING, .off = AT(user) },
	{ .name = "ExposedPorts", .kind = JSON_AS_CALL, .off = AT(ports), .call = names_of },
	{ .name = "Env", .kind = JSON_AS_STRV, .off = AT(env) },
	{ .name = "Entrypoint", .kind = JSON_AS_STRV, .off = AT(entrypoint) },
	{ .name = "Cmd", .kind = JSON_AS_STRV, .off = AT(cmd) },
	{ .name = "Volumes", .kind = JSON_AS_CALL, .off = AT(volumes), .call = names_of },
	{ .name = "WorkingDir", .kind = JSON_AS_STRING, .off = AT(cwd) },
	{ .name = "Labels", .kind = JSON_AS_MAP, .off = AT(labels) },
	{ .name = "StopSignal", .kind = JSON_AS_STRING, .off = AT(stop_signal) },
	{ 0 },
};

static const struct json_field rootfs_fields[] = {
	{ .name = "diff_ids", .kind = JSON_AS_STRV, .off = AT(diff_ids), .required = true },
	{ 0 },
};

static const struct json_field fields[] = {
	{ .name = "created", .kind = JSON_AS_STRING, .off = AT(created) },
	{ .name = "author", .kind = JSON_AS_STRING, .off = AT(author) },
	{ .name = "architecture", .kind = JSON_AS_STRING, .off = AT(architecture) },
	{ .name = "variant", .kind = JSON_AS_STRING, .off = AT(variant) },
	{ .name = "os", .kind = JSON_AS_STRING, .off = AT(os) },
	{ .name = "os.version", .kind = JSON_AS_STRING, .off = AT(os_version) },
	{ .name = "os.features", .kind = JSON_AS_STRV, .off = AT(os_features) },
	{ .name = "config", .kind = JSON_AS_STRUCT, .off = 0, .table = process_fields },
	{ .name = "rootfs",
	  .kind = JSON_AS_STRUCT,
	  .off = 0,
	  .table = rootfs_fields,
	  .required = true },
	{ 0 },
};

int image_config_parse(struct arena *a, const char *name, const char *text, size_t len,
		       struct image_config *ret, struct err *err)
{
	struct json *doc;
	int rc = json_parse(a, name, text, len, &doc, err);

	*ret = (struct image_config){ 0 };
	return rc < 0 ? rc : json_decode(a, doc, fields, ret, err);
}

/* ------------------------------------------------------------------------ the process */

static void add_words(struct arena *a, struct json *array, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		(void)json_put_str(a, array, NULL, words->v[i]);
}

static void put_number(struct arena *a, struct json *parent, const char *key, uint32_t n)
{
	json_put(a, parent, key, JSON_NUMBER)->text = arena_printf(a, "%u", n);
}

static bool has_path(const struct strv *env)
{
	for (size_t i = 0; i < env->n; i++)
		if (str_starts(env->v[i], "PATH="))
			return true;
	return false;
}

/* TERM belongs to the terminal, which the sample has and the image knows nothing of. */
static void put_env(struct arena *a, const struct image_config *c, struct json *process)
{
	const struct json *old = json_at(process, "env");
	VEC(const char *) kept = VEC_INIT;
	struct json *env;

	for (const struct json *v = old ? old->child : NULL; v; v = v->next)
		if (str_starts(v->text, "TERM="))
			*vec_add(a, &kept) = v->text;
	env = json_put(a, process, "env", JSON_ARRAY);
	if (!has_path(&c->env))
		(void)json_put_str(a, env, NULL, PATH);
	for (size_t i = 0; i < kept.n; i++)
		(void)json_put_str(a, env, NULL, kept.v[i]);
	add_words(a, env, &c->env);
}

static void put_user(struct arena *a, const struct image_user *user, struct json *process)
{
	struct json *o = json_put(a, process, "user", JSON_OBJECT), *groups;

	put_number(a, o, "uid", user->uid);
	put_number(a, o, "gid", user->gid);
	if (!user->groups.n)
		return;
	groups = json_put(a, o, "additionalGids", JSON_ARRAY);
	for (size_t i = 0; i < user->groups.n; i++)
		put_number(a, groups, NULL, user->groups.v[i]);
}

static void put_process(struct arena *a, const struct image_config *c,
			const struct image_user *user, struct json *doc)
{
	struct json *process = json_need(a, doc, "process", JSON_OBJECT), *args;

	if (c->entrypoint.n + c->cmd.n) {
		args = json_put(a, process, "args", JSON_ARRAY);
		add_words(a, args, &c->entrypoint);
		add_words(a, args, &c->cmd);
	}
	put_env(a, c, process);
	put_user(a, user, process);
	if (c->cwd && *c->cwd)
		(void)json_put_str(a, process, "cwd",
				   arena_printf(a, "%s%s", *c->cwd == '/' ? "" : "/", c->cwd));
}

/* ------------------------------------------------------------------------ mounts, annotations */

static void put_volume(struct arena *a, const char *name, struct json *mounts)
{
	static const char *const options[] = { "nosuid", "nodev", "tmpcopyup" };
	const char *path = name + strspn(name, "/");
	struct json *m, *list;

	if (!*path)
		return;
	m = json_put(a, mounts, NULL, JSON_OBJECT);
	(void)json_put_str(a, m, "destination", arena_printf(a, "/%s", path));
	(void)json_put_str(a, m, "type", "tmpfs");
	(void)json_put_str(a, m, "source", "tmpfs");
	list = json_put(a, m, "options", JSON_ARRAY);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)json_put_str(a, list, NULL, options[i]);
}

static void annotate(struct arena *a, struct json *annotations, const char *name, const char *value)
{
	if (value && *value)
		(void)json_put_str(a, annotations, arena_printf(a, PREFIX "%s", name), value);
}

static const char *joined(struct arena *a, const struct strv *words)
{
	const char *text = "";

	for (size_t i = 0; i < words->n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "," : "", words->v[i]);
	return text;
}

static bool steers(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(steering); i++)
		if (str_starts(name, steering[i]))
			return true;
	return false;
}

/* What the image says of itself in a label outweighs what its configuration implies. */
static void put_annotations(struct arena *a, const struct image_config *c, struct json *doc,
			    struct strv *ret_refused)
{
	struct json *o = json_need(a, doc, "annotations", JSON_OBJECT);
	VEC(const char *) refused = VEC_INIT;

	annotate(a, o, "os", c->os);
	annotate(a, o, "architecture", c->architecture);
	annotate(a, o, "variant", c->variant);
	annotate(a, o, "os.version", c->os_version);
	annotate(a, o, "os.features", joined(a, &c->os_features));
	annotate(a, o, "author", c->author);
	annotate(a, o, "created", c->created);
	annotate(a, o, "stopSignal", c->stop_signal);
	annotate(a, o, "exposedPorts", joined(a, &c->ports));
	for (size_t i = 0; i < c->labels.n; i++) {
		const struct pair *l = &c->labels.v[i];

		if (steers(l->name))
			*vec_add(a, &refused) = l->name;
		else if (*l->name)
			(void)json_put_str(a, o, l->name, l->value);
	}
	*ret_refused = (struct strv){ refused.v, refused.n };
}

void image_config_apply(struct arena *a, const struct image_config *c,
			const struct image_user *user, struct json *doc, struct strv *ret_refused)
{
	put_process(a, c, user, doc);
	for (size_t i = 0; i < c->volumes.n; i++)
		put_volume(a, c->volumes.v[i], json_need(a, doc, "mounts", JSON_ARRAY));
	put_annotations(a, c, doc, ret_refused);
}
