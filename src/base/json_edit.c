/*
 * json_edit.c - editing of documents (json_edit.h). Used by the command line only, on documents
 * that the parser has bounded in size and depth, so the recursion is bounded too. [pure]
 */
#include "json_edit.h"

#include <string.h>

#define OUT_DEPTH 60 /* of one tree; json_out has 63 levels */

static struct json **find(struct json *obj, const char *key, size_t len)
{
	struct json **slot = &obj->child;

	while (*slot && (strncmp((*slot)->key, key, len) != 0 || (*slot)->key[len]))
		slot = &(*slot)->next;
	return slot;
}

struct json *json_at(struct json *obj, const char *path)
{
	while (obj && *path) {
		const char *end = strchrnul(path, '.');

		if (obj->type != JSON_OBJECT)
			return NULL;
		obj = *find(obj, path, (size_t)(end - path));
		path = *end ? end + 1 : end;
	}
	return obj;
}

struct json *json_put(struct arena *a, struct json *parent, const char *key, enum json_type type)
{
	struct json **slot = &parent->child, *v = arena_alloc(a, sizeof(*v));

	if (key)
		slot = find(parent, key, strlen(key));
	while (!key && *slot)
		slot = &(*slot)->next;
	*v = (struct json){
		.type = type,
		.line = parent->line,
		.column = parent->column,
		.index = (uint32_t)parent->n,
		.key = arena_strdup(a, key),
		.parent = parent,
		.next = *slot ? (*slot)->next : NULL,
	};
	parent->n += !*slot;
	*slot = v;
	return v;
}

struct json *json_put_str(struct arena *a, struct json *parent, const char *key, const char *text)
{
	struct json *v = json_put(a, parent, key, JSON_STRING);

	v->text = arena_strdup(a, text);
	return v;
}

struct json *json_need(struct arena *a, struct json *parent, const char *key, enum json_type type)
{
	struct json *v = *find(parent, key, strlen(key));

	return v && v->type == type ? v : json_put(a, parent, key, type);
}

struct json_hole json_drop(struct json *parent, struct json *value)
{
	struct json_hole hole = { parent, value, &parent->child };

	while (*hole.slot != value)
		hole.slot = &(*hole.slot)->next;
	*hole.slot = value->next;
	parent->n--;
	return hole;
}

void json_undrop(const struct json_hole *hole)
{
	*hole->slot = hole->value;
	hole->parent->n++;
}

/* The children of from become further ones of to; of an object without those that are null. */
static void copy_children(struct arena *a, struct json *to, const struct json *from)
{
	for (const struct json *c = from->child; c; c = c->next) {
		struct json *made;

		if (c->key && c->type == JSON_NULL)
			continue;
		made = json_put(a, to, c->key, c->type);
		made->text = c->text;
		made->boolean = c->boolean;
		copy_children(a, made, c);
	}
}

void json_merge(struct arena *a, struct json *target, const struct json *patch)
{
	for (const struct json *p = patch->child; p; p = p->next) {
		struct json *t = *find(target, p->key, strlen(p->key));
		bool nested = p->type == JSON_OBJECT || p->type == JSON_ARRAY;

		if (t && p->type == JSON_NULL)
			(void)json_drop(target, t);
		if (p->type == JSON_NULL)
			continue;
		if (!nested || !t || t->type != p->type) {
			t = json_put(a, target, p->key, p->type);
			t->text = p->text;
			t->boolean = p->boolean;
		}
		if (p->type == JSON_OBJECT)
			json_merge(a, t, p);
		else if (p->type == JSON_ARRAY)
			copy_children(a, t, p);
	}
}

static size_t depth_of(const struct json *v)
{
	size_t deepest = 0;

	for (const struct json *c = v->child; c; c = c->next) {
		size_t d = depth_of(c);

		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

static void out(struct json_out *o, const char *key, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		json_out_null(o, key);
		return;
	case JSON_BOOL:
		json_out_bool(o, key, v->boolean);
		return;
	case JSON_NUMBER:
		json_out_raw(o, key, v->text);
		return;
	case JSON_STRING:
		json_out_str(o, key, v->text);
		return;
	case JSON_ARRAY:
		json_out_array(o, key);
		break;
	case JSON_OBJECT:
		json_out_object(o, key);
		break;
	}
	for (const struct json *c = v->child; c; c = c->next)
		out(o, c->key, c);
	json_out_end(o, v->type == JSON_OBJECT ? '}' : ']');
}

bool json_out_tree(struct json_out *o, const char *key, const struct json *v)
{
	if ((size_t)o->depth + depth_of(v) > OUT_DEPTH)
		return false;
	out(o, key, v);
	return true;
}
