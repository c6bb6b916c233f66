/*
 * json_edit.h - changes to a parsed document, and the document as text again. What is not touched
 * comes out as it went in: members in their order, numbers as they were written, unknown members
 * too. New nodes live in the arena. [pure]
 */
#ifndef BRYO_JSON_EDIT_H
#define BRYO_JSON_EDIT_H

#include "json.h"

/* A member of an object, or NULL; "process.user" goes down. obj may be NULL. */
struct json *json_at(struct json *obj, const char *path);
/* A new value: the member of that name is replaced where it stands; key NULL: appended to an array. */
struct json *json_put(struct arena *a, struct json *parent, const char *key, enum json_type type);
struct json *json_put_str(struct arena *a, struct json *parent, const char *key, const char *text);
/* The member of that name, made if there is none (or null). */
struct json *json_need(struct arena *a, struct json *parent, const char *key, enum json_type type);
/*
 * Takes a value out; json_undrop() with the answer puts it back, as long as nothing else changed.
 * Its neighbours keep their index, which is how messages name them: that of the original.
 */
struct json_hole { struct json *parent, *value, **slot; };
struct json_hole json_drop(struct json *parent, struct json *value);
void json_undrop(const struct json_hole *hole);
/*
 * A merge patch (RFC 7396): members of objects are merged, null takes one out, everything else
 * replaces what is there; but arrays are appended to arrays. Both are objects.
 */
void json_merge(struct arena *a, struct json *target, const struct json *patch);
/* False where v is nested deeper than json_out can write; nothing is written then. */
bool json_out_tree(struct json_out *o, const char *key, const struct json *v);

#endif
