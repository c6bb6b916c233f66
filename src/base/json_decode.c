/*
 * json_decode.c - a JSON object into a struct, by a table (json.h). Rows drive the walk, so
 * one member may fill two fields and an unknown member costs nothing. Depth is bounded by
 * the parser, so the recursion is too. [pure]
 */
#include "json.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER_SHOWN 40 /* characters of a refused number in the error */

static const char *json_type_name(const struct json *v)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	    [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string", [JSON_ARRAY] = "a list",   [JSON_OBJECT] = "an object",
	};

	return names[v->type];
}

static const char *json_range_name(uint64_t max, bool is_signed)
{
	if (is_signed)
		return "a signed 64-bit number";
	if (max == UINT32_MAX)
		return "an unsigned 32-bit number";
	return max == UINT64_MAX ? "an unsigned 64-bit number" : "a small whole number";
}

/* Sign and digits of a whole number; what is wanted is for the error only. */
static int json_whole(const struct json *v, uint64_t max, bool is_signed, bool *negative,
		      uint64_t *ret, struct err *err)
{
	const char *wants = json_range_name(max, is_signed), *digits;
	unsigned long long n;

	if (v->type != JSON_NUMBER)
		return json_err_wants(v, wants, err);
	digits = v->text + (v->text[0] == '-');
	*negative = digits != v->text;
	if (digits[strspn(digits, "0123456789")])
		return json_err(v, err,
				"wants a whole number without fraction or exponent, found %.*s",
				NUMBER_SHOWN, v->text);
	if ((*negative && !is_signed) || !str_to_u64(digits, max + (*negative ? 1 : 0), &n))
		return json_err(v, err, "wants %s, found %.*s", wants, NUMBER_SHOWN, v->text);
	*ret = n;
	return 0;
}

static int json_to_i64(const struct json *v, int64_t *ret, struct err *err)
{
	bool negative;
	uint64_t n;
	int rc = json_whole(v, INT64_MAX, true, &negative, &n, err);

	if (rc < 0)
		return rc;
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return 0;
}

static int json_decode_unsigned(const struct json *v, const struct json_field *f, void *field,
				struct err *err)
{
	bool wide = f->kind == JSON_AS_U64 || f->kind == JSON_AS_OPT_U64;
	uint64_t n;
	int rc = json_to_u64(v, wide ? UINT64_MAX : UINT32_MAX, &n, err);

	if (rc < 0)
		return rc;
	if (f->kind == JSON_AS_U32)
		*(uint32_t *)field = (uint32_t)n;
	else if (f->kind == JSON_AS_OPT_U32)
		*(struct opt_u32 *)field = (struct opt_u32){ true, (uint32_t)n };
	else if (f->kind == JSON_AS_U64)
		*(uint64_t *)field = n;
	else
		*(struct opt_u64 *)field = (struct opt_u64){ true, n };
	return 0;
}

static int json_decode_signed(const struct json *v, const struct json_field *f, void *field,
			      struct err *err)
{
	int64_t n;
	int rc = json_to_i64(v, &n, err);

	if (rc < 0)
		return rc;
	if (f->kind == JSON_AS_I64)
		*(int64_t *)field = n;
	else
		*(struct opt_i64 *)field = (struct opt_i64){ true, n };
	return 0;
}

static int json_decode_bool(const struct json *v, const struct json_field *f, void *field,
			    struct err *err)
{
	if (v->type != JSON_BOOL)
		return json_err_wants(v, "true or false", err);
	if (f->kind == JSON_AS_BOOL)
		*(bool *)field = v->boolean;
	else
		*(struct opt_bool *)field = (struct opt_bool){ true, v->boolean };
	return 0;
}

static int json_decode_string(const struct json *v, const char **ret, struct err *err)
{
	if (v->type != JSON_STRING)
		return json_err_wants(v, "a string", err);
	*ret = v->text;
	return 0;
}

static int json_decode_strv(struct arena *a, const struct json *v, struct strv *ret,
			    struct err *err)
{
	const char **list;
	size_t n = 0;

	if (v->type != JSON_ARRAY)
		return json_err_wants(v, "a list of strings", err);
	list = arena_alloc(a, (v->n + 1) * sizeof(*list));
	for (const struct json *item = v->child; item; item = item->next) {
		int rc = json_decode_string(item, &list[n++], err);

		if (rc < 0)
			return rc;
	}
	*ret = (struct strv){ list, n };
	return 0;
}

static int json_decode_map(struct arena *a, const struct json *v, struct pairs *ret,
			   struct err *err)
{
	struct pair *list;
	size_t n = 0;

	if (v->type != JSON_OBJECT)
		return json_err_wants(v, "an object of strings", err);
	list = arena_alloc(a, v->n * sizeof(*list));
	for (const struct json *item = v->child; item; item = item->next) {
		int rc;

		if (item->type == JSON_NULL)
			continue;
		rc = json_decode_string(item, &list[n].value, err);
		if (rc < 0)
			return rc;
		list[n++].name = item->key;
	}
	*ret = (struct pairs){ list, n };
	return 0;
}

static int json_decode_list(struct arena *a, const struct json *v, const struct json_field *f,
			    void *field, struct err *err)
{
	struct list list = { NULL, 0 };

	if (v->type != JSON_ARRAY)
		return json_err_wants(v, "a list of objects", err);
	list.v = arena_alloc(a, v->n * f->size);
	for (const struct json *item = v->child; item; item = item->next) {
		int rc = json_decode(a, item, f->table, (char *)list.v + list.n * f->size, err);

		if (rc < 0)
			return rc;
		list.n++;
	}
	memcpy(field, &list, sizeof(list)); /* the field is typed: a pointer and a count */
	return 0;
}

static int json_decode_struct_ptr(struct arena *a, const struct json *v, const struct json_field *f,
				  void *field, struct err *err)
{
	void *p = arena_alloc(a, f->size);
	int rc = json_decode(a, v, f->table, p, err);

	if (rc < 0)
		return rc;
	memcpy(field, &p, sizeof(p));
	return 0;
}

static int json_decode_field(struct arena *a, const struct json *v, const struct json_field *f,
			     void *field, struct err *err)
{
	switch (f->kind) {
	case JSON_AS_BOOL:
	case JSON_AS_OPT_BOOL:
		return json_decode_bool(v, f, field, err);
	case JSON_AS_STRING:
		return json_decode_string(v, field, err);
	case JSON_AS_U32:
	case JSON_AS_OPT_U32:
	case JSON_AS_U64:
	case JSON_AS_OPT_U64:
		return json_decode_unsigned(v, f, field, err);
	case JSON_AS_I64:
	case JSON_AS_OPT_I64:
		return json_decode_signed(v, f, field, err);
	case JSON_AS_STRV:
		return json_decode_strv(a, v, field, err);
	case JSON_AS_MAP:
		return json_decode_map(a, v, field, err);
	case JSON_AS_STRUCT:
		return json_decode(a, v, f->table, field, err);
	case JSON_AS_STRUCT_PTR:
		return json_decode_struct_ptr(a, v, f, field, err);
	case JSON_AS_LIST:
		return json_decode_list(a, v, f, field, err);
	case JSON_AS_CALL:
		return f->call(a, v, field, err);
	}
	return json_err(v, err, "no decoder for this kind of field");
}

const struct json *json_get(const struct json *obj, const char *key)
{
	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	for (const struct json *v = obj->child; v; v = v->next)
		if (strcmp(v->key, key) == 0)
			return v->type == JSON_NULL ? NULL : v;
	return NULL;
}

int json_err_wants(const struct json *v, const char *wants, struct err *err)
{
	return json_err(v, err, "wants %s, found %s", wants, json_type_name(v));
}

int json_to_u64(const struct json *v, uint64_t max, uint64_t *ret, struct err *err)
{
	bool negative;

	return json_whole(v, max, false, &negative, ret, err);
}

int json_decode(struct arena *a, const struct json *obj, const struct json_field *table, void *out,
		struct err *err)
{
	if (obj->type != JSON_OBJECT)
		return json_err_wants(obj, "an object", err);
	for (const struct json_field *f = table; f->name; f++) {
		const struct json *v = json_get(obj, f->name);
		int rc;

		if (!v && f->required)
			return json_err(obj, err, "the field '%s' is missing", f->name);
		if (!v)
			continue;
		rc = json_decode_field(a, v, f, (char *)out + f->off, err);
		if (rc < 0)
			return rc;
		if (f->present)
			*(bool *)((char *)out + f->present) = true;
	}
	return 0;
}
