/*
 * json.h - JSON in by tables (json.c parses, json_decode.c fills structs), JSON out by a small
 * generator (json_out.c). json.c is the only file that includes yajl, and adds what yajl lacks:
 * size limit, depth limit (JSON_DEPTH), duplicate keys refused (RFC 8259 leaves them open; runc
 * and others differ on which one wins), strict UTF-8, line and column and field path in every
 * error. Numbers are kept as text, because 2^64-1 is common in rlimits and yajl's integers are
 * signed.
 *
 * In: json_parse() gives a tree in an arena; json_decode() walks an object with a table whose
 * rows say name, kind and where the value lands. Unknown keys are accepted (runtime-spec,
 * "Extensibility"); null counts as absent. A wrong type or a number out of range is -EINVAL
 * with a frame such as:
 *	config.json:12:8: process.user.uid: wants an unsigned 32-bit number, found a string
 */
#ifndef BRYO_JSON_H
#define BRYO_JSON_H

#include "err.h"
#include "mem.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 64
#define JSON_MAX (8u << 20) /* bytes of a document */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A profile has hundreds of these, and what is read is paid in page faults: hence their order. */
struct json {
	uint8_t type;		 /* enum json_type */
	bool boolean;
	uint32_t line, column;	 /* of its first byte, from 1 */
	uint32_t index;		 /* position in its parent array */
	uint32_t n;		 /* children */
	const char *key;	 /* member name; NULL in an array and at the top */
	const struct json *parent;
	const char *text;	 /* JSON_STRING: NUL-terminated (embedded NUL is refused); JSON_NUMBER: as written */
	struct json *child, *next;
};

/* name is what errors call the document ("config.json"). -EFBIG, -EINVAL. [pure] */
int json_parse(struct arena *a, const char *name, const char *text, size_t len, struct json **ret,
	       struct err *err);
const struct json *json_get(const struct json *obj, const char *key); /* NULL: absent or null */
/* An -EINVAL frame with document, line, column and field path of v, then the message. */
int json_err(const struct json *v, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* json_err() with "wants %s, found a string" or whatever v is. */
int json_err_wants(const struct json *v, const char *wants, struct err *err);
/* For decoders of JSON_AS_CALL: a whole number from 0 to max. */
int json_to_u64(const struct json *v, uint64_t max, uint64_t *ret, struct err *err);

/* Scalars whose absence means something. */
struct opt_bool { bool set, v; };
struct opt_i64 { bool set; int64_t v; };
struct opt_u64 { bool set; uint64_t v; };
struct opt_u32 { bool set; uint32_t v; };

struct strv { const char **v; size_t n; };		       /* v is NULL-terminated */
struct pair { const char *name, *value; };
struct pairs { struct pair *v; size_t n; };		       /* in document order */

enum json_kind {
	JSON_AS_BOOL, JSON_AS_OPT_BOOL,
	JSON_AS_STRING,			      /* const char * */
	JSON_AS_U32, JSON_AS_OPT_U32,
	JSON_AS_I64, JSON_AS_OPT_I64,
	JSON_AS_U64, JSON_AS_OPT_U64,
	JSON_AS_STRV,			      /* struct strv: array of strings */
	JSON_AS_MAP,			      /* struct pairs: object of strings */
	JSON_AS_STRUCT,			      /* embedded struct: .table; the table's offsets are
				       * relative to .off (0 for members of unnamed structs) */
	JSON_AS_STRUCT_PTR,		      /* pointer, allocated: .table, .size */
	JSON_AS_LIST,			      /* struct list: array of objects: .table, .size */
	JSON_AS_CALL,			      /* .call decodes the value itself */
};

struct list { void *v; size_t n; };	      /* array of structs, contiguous */

struct json_field {
	const char *name;
	enum json_kind kind;
	size_t off;			      /* offsetof in the target */
	const struct json_field *table;
	size_t size;
	size_t present;			      /* offset of a bool set when the field is there; 0: none */
	bool required;
	int (*call)(struct arena *a, const struct json *v, void *field, struct err *err);
};
/* A table ends with a row whose name is NULL. */

int json_decode(struct arena *a, const struct json *obj, const struct json_field *table, void *out,
		struct err *err);

/* Out. Nesting is checked by abort(): unbalanced use is a bug. indent NULL: one line. */
struct json_out {
	struct str s;
	const char *indent;
	int depth;
	bool first;	 /* nothing written yet at this depth */
	uint64_t objects; /* bit d: what is open at depth d is an object */
};

void json_out_init(struct json_out *o, const char *indent);
void json_out_free(struct json_out *o);
/* key NULL inside arrays and at the top. */
void json_out_object(struct json_out *o, const char *key);
void json_out_array(struct json_out *o, const char *key);
void json_out_end(struct json_out *o, char bracket);	      /* '}' or ']' */
void json_out_str(struct json_out *o, const char *key, const char *value); /* NULL: null; bad UTF-8 replaced */
void json_out_i64(struct json_out *o, const char *key, int64_t value);
void json_out_u64(struct json_out *o, const char *key, uint64_t value);
void json_out_bool(struct json_out *o, const char *key, bool value);
void json_out_null(struct json_out *o, const char *key);
void json_out_strv(struct json_out *o, const char *key, const struct strv *v);
void json_out_map(struct json_out *o, const char *key, const struct pairs *m);
void json_out_raw(struct json_out *o, const char *key, const char *json_text); /* trusted, one value */
/* Only the escaped string with its quotes, for the log. */
void json_quote(struct str *s, const char *text);
/* Length of the UTF-8 sequence that starts the n bytes at s: 1 to 4, 0 if there is none. [pure] */
size_t json_utf8_len(const char *s, size_t n);

#define auto_json_out __attribute__((cleanup(json_out_free)))

#endif
