/*
 * adapt_write.c - what the plan decided, as config.json says such things (adapt_write.h). Only
 * differences between what was asked and what will be done are written. Runs in the command line's
 * process. [pure]
 */
#include "adapt_write.h"

#include "base/json_edit.h"
#include "base/str.h"
#include "base/sys.h"

#include <string.h>

static void write_user_namespace(struct arena *a, struct json *doc, const struct spec *spec, const struct plan *plan)
{
	struct json *list;

	if (!(plan->ns.create & CLONE_NEWUSER))
		return;
	for (size_t i = 0; i < spec->linux_.namespaces.n; i++)
		if (str_eq(spec->linux_.namespaces.v[i].type, "user"))
			return;
	list = json_need(a, json_need(a, doc, "linux", JSON_OBJECT), "namespaces", JSON_ARRAY);
	json_put_str(a, json_put(a, list, NULL, JSON_OBJECT), "type", "user");
}

static void add_words(struct arena *a, struct json *options, const char *prefix, uint64_t attr)
{
	char text[128];

	(void)mount_attr_text(attr, text, sizeof(text));
	for (const char *w = text, *end; *w; w = *end ? end + 1 : end) {
		end = strchrnul(w, ',');
		json_put_str(a, options, NULL, arena_printf(a, "%s%.*s", prefix, (int)(end - w), w));
	}
}

/* What a single option means. Options were parsed by the plan already: none is wrong. */
static struct mount_opts meaning(struct arena *a, const char *option)
{
	const char *one[] = { option, NULL };
	const struct strv list = { one, 1 };
	struct mount_opts o = { 0 };

	(void)mount_opt_parse(a, &list, &o, NULL);
	return o;
}

/* A mount that became a bind is described anew; of its options only propagation still applies. */
static void write_bind(struct arena *a, struct json *entry, const struct spec_mount *m, const struct mount_op *op)
{
	struct json *options;

	json_put_str(a, entry, "type", "bind");
	json_put_str(a, entry, "source", op->source);
	options = json_put(a, entry, "options", JSON_ARRAY);
	json_put_str(a, options, NULL, op->recursive ? "rbind" : "bind");
	for (size_t i = 0; i < m->options.n; i++)
		if (meaning(a, m->options.v[i]).propagation)
			json_put_str(a, options, NULL, m->options.v[i]);
	add_words(a, options, "r", op->o.rec_set);
	add_words(a, options, "", op->o.set & ~op->o.rec_set);
}

static bool has(const struct strv *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], word))
			return true;
	return false;
}

/* The option asks for something that the plan does not do. */
static bool refused(struct arena *a, const char *option, const struct mount_op *op)
{
	struct mount_opts o = meaning(a, option);

	return (o.data.n && !has(&op->o.data, option)) || (o.clr & op->o.set & ~(uint64_t)MOUNT_ATTR__ATIME);
}

static void write_options(struct arena *a, struct json *entry, const struct spec_mount *m, const struct mount_op *op)
{
	struct json *options = json_at(entry, "options");
	struct mount_opts asked = { 0 };
	uint64_t more;

	(void)mount_opt_parse(a, &m->options, &asked, NULL);
	for (struct json *v = options ? options->child : NULL, *next; v; v = next) {
		next = v->next;
		if (v->type == JSON_STRING && refused(a, v->text, op))
			(void)json_drop(options, v);
	}
	more = op->o.set & ~asked.set & ~(uint64_t)MOUNT_ATTR__ATIME;
	if (more)
		add_words(a, json_need(a, entry, "options", JSON_ARRAY), "", more);
}

/* A bind that may be missing has no word in config.json: there the plan is left to its own. */
static void write_mounts(struct arena *a, struct json *doc, const struct spec *spec, const struct plan *plan)
{
	struct json *list = json_at(doc, "mounts"), *entry = list ? list->child : NULL;

	for (size_t i = 0; entry; entry = entry->next) {
		const struct mount_op *op = &plan->mounts.v[i];
		const struct spec_mount *m = &spec->mounts.v[entry->index];
		bool was_bind = str_eq(m->type, "bind") || has(&m->options, "bind") || has(&m->options, "rbind");

		if (i == plan->mounts.n || op->index != entry->index)
			continue; /* org.bryo.proc=none leaves mounts out */
		i++;
		if (op->kind == MOUNT_BIND && !was_bind && !op->optional && !op->o.copy_symlink)
			write_bind(a, entry, m, op);
		else if (op->kind == MOUNT_FS || op->kind == MOUNT_CGROUP)
			write_options(a, entry, m, op);
	}
}

void adapt_write(struct arena *a, struct json *doc, const struct spec *spec, const struct plan *plan)
{
	write_user_namespace(a, doc, spec, plan);
	write_mounts(a, doc, spec, plan);
}
