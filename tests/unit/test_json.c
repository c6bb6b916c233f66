/*
 * test_json.c - base/json: what the parser accepts and refuses, with the place and path of
 * every refusal; the table decoder; the generator, which must write what the parser reads.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *parse_text(struct arena *a, const char *text, size_t len, struct json **ret,
			      char buf[4096])
{
	struct err err = ERR_INIT;
	struct json *doc = NULL;
	int rc = json_parse(a, "c.json", text, len, &doc, &err);

	if (ret)
		*ret = doc;
	if (rc == 0)
		return "ok";
	return rc == -err.num ? err_format(&err, buf, 4096) : "rc differs from err.num";
}

/* len 0: strlen(text). */
static const struct {
	const char *what, *text;
	size_t len;
	const char *want;
} texts[] = {
	{ "an object", "{\"a\": [1, -2.5e3, true, false, null, \"x\"]}", 0, "ok" },
	{ "a number alone", "12", 0, "ok" },
	{ "a string alone", "\"x\"", 0, "ok" },
	{ "a literal alone", "true", 0, "ok" },
	{ "every escape", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"]", 0, "ok" },
	{ "the same name in two objects", "[{\"a\":1},{\"a\":{\"a\":2}}]", 0, "ok" },
	{ "empty", "", 0, "c.json: is empty" },
	{ "white space only", " \n\t\r\n", 0, "c.json: is empty" },
	{ "a byte order mark", "\xef\xbb\xbf{}", 0,
	  "c.json:1:1: starts with a byte order mark, which JSON has not" },
	{ "truncated after a key", "{\n \"a\": {\"b\":", 0,
	  "c.json:2:12: a.b: the document ends too early" },
	{ "truncated in a list", "{\"a\": [1,\n2,", 0,
	  "c.json:2:3: a[2]: the document ends too early" },
	{ "truncated in a string", "{\"a\": \"xy", 0,
	  "c.json:1:10: a: the document ends too early" },
	{ "truncated in an escape", "[\"xy\\", 0, "c.json:1:6: [0]: the document ends too early" },
	{ "truncated in a literal", "{\"a\": tru", 0,
	  "c.json:1:7: a: invalid string in json text" },
	{ "truncated between members", "{\"a\": 1,\n", 0,
	  "c.json:2:1: the document ends too early" },
	{ "trailing garbage", "{}\n  x", 0, "c.json:2:3: trailing garbage" },
	{ "a second document", "{} {}", 0, "c.json:1:4: trailing garbage" },
	{ "a bare word", "{\"a\":\n  yes}", 0, "c.json:2:3: a: invalid char in json text" },
	{ "a comment", "{\n// no\n}", 0,
	  "c.json:2:1: probable comment found in input text, comments are not enabled" },
	{ "a comma too many in a list", "[1, 2,\n ]", 0,
	  "c.json:2:2: [2]: unallowed token at this point in JSON text" },
	{ "two commas", "{\"l\": [1,\n ,2]}", 0,
	  "c.json:2:2: l[1]: unallowed token at this point in JSON text" },
	{ "a comma too many in an object", "{\"p\": {\"a\":1,\n }}", 0,
	  "c.json:2:2: p: invalid object key (must be a string)" },
	{ "a colon missing", "{\"a\" 1}", 0,
	  "c.json:1:6: a: object key and value must be separated by a colon (':')" },
	{ "a comma missing", "{\"a\": 1 \"b\": 2}", 0,
	  "c.json:1:9: after key and value, inside map, I expect ',' or '}'" },
	{ "a number with a leading zero", "[01]", 0,
	  "c.json:1:3: [1]: after array element, I expect ',' or ']'" },
	{ "an unfinished number", "[1.]", 0,
	  "c.json:1:2: [0]: malformed number, a digit is required after the decimal point" },
	{ "not UTF-8", "{\"a\":\n \"x\xff\"}", 0, "c.json:2:4: not UTF-8" },
	{ "overlong UTF-8", "[\"\xc0\x80\"]", 0, "c.json:1:3: not UTF-8" },
	{ "overlong UTF-8 of three bytes", "[\"\xe0\x80\xaf\"]", 0, "c.json:1:3: not UTF-8" },
	{ "overlong UTF-8 of four bytes", "[\"\xf0\x80\x80\x80\"]", 0, "c.json:1:3: not UTF-8" },
	{ "a surrogate in UTF-8", "[\"\xed\xa0\x80\"]", 0, "c.json:1:3: not UTF-8" },
	{ "beyond U+10FFFF", "[\"12345678\xf4\x90\x80\x80\"]", 0, "c.json:1:11: not UTF-8" },
	{ "UTF-8 cut short", "[\"aaaaaaaa\xe2\x82", 0, "c.json:1:11: not UTF-8" },
	{ "good UTF-8", "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", 0, "ok" },
	{ "a NUL byte", "{\"a\":\n\"x\0y\"}", 12, "c.json:2:3: a control character" },
	{ "a form feed for a space", "{\"a\":1,        \f\"b\":2}", 0,
	  "c.json:1:16: a control character" },
	{ "a vertical tab for a space", "[1,\n\v2]", 0, "c.json:2:1: a control character" },
	{ "a NUL byte far behind", "[\"aaaaaaaaaaaa\0\"]", 17, "c.json:1:15: a control character" },
	{ "an escaped NUL", "{\"a\": {\"b\": [\"\\\\u0000\", \"x\\u0000y\"]}}", 0,
	  "c.json:1:25: a.b[1]: a string must not contain a NUL character" },
	{ "an escaped NUL in a name", "{\"a\\u0000\": 1}", 0,
	  "c.json:1:2: a string must not contain a NUL character" },
	{ "a lone high surrogate", "[\"\\ud800\"]", 0,
	  "c.json:1:2: [0]: half of a UTF-16 surrogate pair in a string" },
	{ "a lone low surrogate", "[\"\\udc00\"]", 0,
	  "c.json:1:2: [0]: half of a UTF-16 surrogate pair in a string" },
	{ "a low surrogate twice", "[\"\\udc00\\udc00\"]", 0,
	  "c.json:1:2: [0]: half of a UTF-16 surrogate pair in a string" },
	{ "a high surrogate twice", "[\"\\ud800\\ud800\"]", 0,
	  "c.json:1:2: [0]: half of a UTF-16 surrogate pair in a string" },
	{ "a wrong escape", "[\"ab\\q\"]", 0,
	  "c.json:1:6: [0]: inside a string, '\\' occurs before a character which it may not" },
	{ "a newline in a string", "{\"a\": \"b\nc\"}", 0,
	  "c.json:1:9: a: invalid character inside string" },
	{ "a name twice", "{\"p\": {\"cwd\": 1,\n  \"cwd\": 2}}", 0,
	  "c.json:2:10: p.cwd: this name appears twice in the object" },
	{ "a name twice, once escaped", "{\"cwd\": 1, \"\\u0063wd\": 2}", 0,
	  "c.json:1:24: cwd: this name appears twice in the object" },
	{ "a name twice among many",
	  "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,"
	  "\"n\":0,\"o\":0,\"p\":0,\"q\":0,\n\"c\":1,\"r\":0}",
	  0, "c.json:2:5: c: this name appears twice in the object" },
	{ "many different names",
	  "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,"
	  "\"n\":0,\"o\":0,\"p\":0,\"q\":0,\n\"C\":1,\"r\":0}",
	  0, "ok" },
	{ "an odd name in a path", "{\"x.y\": {\"\": [tru]}}", 0,
	  "c.json:1:15: [\"x.y\"][\"\"][0]: invalid string in json text" },
	{ "control characters in a name", "{\"a\\nb\": [tru]}", 0,
	  "c.json:1:11: [\"a?b\"][0]: invalid string in json text" },
	{ "carriage returns", "{\r\n\"a\":\r\n tru}", 0,
	  "c.json:3:2: a: invalid string in json text" },
};

static void test_texts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_arena struct arena a = ARENA_INIT;
		size_t len = texts[i].len ? texts[i].len : strlen(texts[i].text);
		char buf[4096];

		ok_str(parse_text(&a, texts[i].text, len, NULL, buf), texts[i].want, texts[i].what);
	}
}

/* n times open, then as often close (or not: 0). */
static char *nest(size_t n, char open, char close)
{
	char *text = mem_alloc(2 * n + 1);

	memset(text, open, n);
	if (close)
		memset(text + n, close, n);
	return text;
}

static void test_bounds(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_free char *fits = nest(JSON_DEPTH, '[', ']'), *deep = nest(10000, '[', ']');
	auto_free char *open = nest(100000, '[', 0), *big = mem_alloc(JSON_MAX + 2);
	char buf[4096];

	ok_str(parse_text(&a, fits, strlen(fits), NULL, buf), "ok", "64 levels");
	ok(str_starts(parse_text(&a, deep, strlen(deep), NULL, buf), "c.json:1:65: [0][0]") ||
		   str_starts(buf, "c.json:1:65: ..."),
	   "10000 levels: the place of the first too deep");
	ok(strstr(buf, "nested deeper than 64 levels") != NULL, "10000 levels: the message");
	parse_text(&a, open, strlen(open), NULL, buf);
	ok(strstr(buf, "nested deeper than 64 levels") != NULL, "100000 levels that never end");
	memset(big, ' ', JSON_MAX + 1);
	memcpy(big, "{}", 2);
	ok_str(parse_text(&a, big, JSON_MAX, NULL, buf), "ok", "8 MiB");
	ok_str(parse_text(&a, big, JSON_MAX + 1, NULL, buf), "c.json: bigger than 8 MiB",
	       "8 MiB and a byte");
}

/* Many members: the search for twins must not be quadratic (it would take minutes). */
static void test_many_names(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str s = STR_INIT;
	struct json *doc;
	char buf[4096];

	str_add(&s, "{");
	for (unsigned i = 0; i < 200000; i++)
		str_addf(&s, "%s\"%x\":0", i ? "," : "", i);
	str_add(&s, "}");
	ok_str(parse_text(&a, s.p, s.len, &doc, buf), "ok", "200000 members");
	ok(doc && doc->n == 200000, "200000 members: all there");
}

static bool place(const struct json *v, enum json_type type, uint32_t line, uint32_t column)
{
	if (v && v->type == type && v->line == line && v->column == column)
		return true;
	printf("# got type %d at %u:%u\n", v ? (int)v->type : -1, v ? v->line : 0,
	       v ? v->column : 0);
	return false;
}

static void test_tree(void)
{
	static const char text[] = "\n{ \"esc\\\"aped\" : \"\\u00e9\\n,:\" ,\n"
				   "\t\"list\": [ 10,-0, 18446744073709551615 ,1.5E+3,\n"
				   "  true,false,null,\"\", {\"k\":{}} , [ ]],\"z\":\"end\"}\n";
	auto_arena struct arena a = ARENA_INIT;
	const struct json *v;
	struct json *doc = NULL;
	char buf[4096];

	ok_str(parse_text(&a, text, strlen(text), &doc, buf), "ok", "tree: parsed");
	ok(place(doc, JSON_OBJECT, 2, 1) && doc->n == 3 && !doc->parent && !doc->key, "tree: top");
	v = json_get(doc, "esc\"aped");
	ok(place(v, JSON_STRING, 2, 17), "tree: an escaped name and string");
	ok_str(v ? v->text : NULL, "\xc3\xa9\n,:", "tree: decoded");
	v = json_get(doc, "list");
	ok(place(v, JSON_ARRAY, 3, 10) && v->n == 10 && v->parent == doc, "tree: list");
	v = v ? v->child : NULL;
	ok(place(v, JSON_NUMBER, 3, 12) && v->index == 0 && !v->key, "tree: 10");
	v = v->next;
	ok(place(v, JSON_NUMBER, 3, 15) && str_eq(v->text, "-0"), "tree: -0");
	v = v->next;
	ok(place(v, JSON_NUMBER, 3, 19) && str_eq(v->text, "18446744073709551615"), "tree: 2^64-1");
	v = v->next;
	ok(place(v, JSON_NUMBER, 3, 41) && str_eq(v->text, "1.5E+3"), "tree: a float as written");
	v = v->next;
	ok(place(v, JSON_BOOL, 4, 3) && v->boolean, "tree: true");
	v = v->next;
	ok(place(v, JSON_BOOL, 4, 8) && !v->boolean, "tree: false");
	v = v->next;
	ok(place(v, JSON_NULL, 4, 14) && v->index == 6, "tree: null");
	v = v->next;
	ok(place(v, JSON_STRING, 4, 19) && str_eq(v->text, ""), "tree: an empty string");
	v = v->next;
	ok(place(v, JSON_OBJECT, 4, 23) && place(v->child, JSON_OBJECT, 4, 28), "tree: objects");
	v = v->next;
	ok(place(v, JSON_ARRAY, 4, 34) && v->n == 0 && !v->next, "tree: an empty list");
	ok(place(json_get(doc, "z"), JSON_STRING, 4, 43), "tree: after a closed container");
	ok(!json_get(doc, "Z") && !json_get(NULL, "z") && !json_get(v, "z"),
	   "get: absent, no object");
}

struct item {
	const char *name;
	uint32_t n;
};

struct target {
	bool flag, has_inner, has_unnamed;
	struct opt_bool opt_flag;
	const char *text;
	uint32_t u32;
	struct opt_u32 opt_u32;
	int64_t i64;
	struct opt_i64 opt_i64;
	uint64_t u64;
	struct opt_u64 opt_u64;
	struct strv strv;
	struct pairs map;
	struct item inner, *ptr;
	struct {
		uint32_t v;
	} unnamed;
	struct {
		struct item *v;
		size_t n;
	} list;
	size_t called;
};

static int target_call(struct arena *a, const struct json *v, void *field, struct err *err)
{
	(void)a;
	if (v->type != JSON_ARRAY)
		return json_err_wants(v, "a list", err);
	*(size_t *)field = v->n;
	return 0;
}

static const struct json_field item_table[] = {
	{ "name", JSON_AS_STRING, offsetof(struct item, name), .required = true },
	{ .name = "n", .kind = JSON_AS_U32, .off = offsetof(struct item, n) },
	{ .name = NULL },
};

static const struct json_field unnamed_table[] = {
	{ .name = "v", .kind = JSON_AS_U32, .off = offsetof(struct target, unnamed.v) },
	{ .name = NULL },
};

#define ROW(key, kind_)                                                          \
	{                                                                        \
		.name = #key, .kind = kind_, .off = offsetof(struct target, key) \
	}

static const struct json_field target_table[] = {
	ROW(flag, JSON_AS_BOOL),
	ROW(opt_flag, JSON_AS_OPT_BOOL),
	ROW(text, JSON_AS_STRING),
	ROW(u32, JSON_AS_U32),
	ROW(opt_u32, JSON_AS_OPT_U32),
	ROW(i64, JSON_AS_I64),
	ROW(opt_i64, JSON_AS_OPT_I64),
	ROW(u64, JSON_AS_U64),
	ROW(opt_u64, JSON_AS_OPT_U64),
	ROW(strv, JSON_AS_STRV),
	ROW(map, JSON_AS_MAP),
	{ "inner", JSON_AS_STRUCT, offsetof(struct target, inner), .table = item_table,
	  .present = offsetof(struct target, has_inner) },
	{ "unnamed", JSON_AS_STRUCT, 0, .table = unnamed_table,
	  .present = offsetof(struct target, has_unnamed) },
	{ "ptr", JSON_AS_STRUCT_PTR, offsetof(struct target, ptr), .table = item_table,
	  .size = sizeof(struct item) },
	{ "list", JSON_AS_LIST, offsetof(struct target, list), .table = item_table,
	  .size = sizeof(struct item) },
	{ "called", JSON_AS_CALL, offsetof(struct target, called), .call = target_call },
	{ .name = NULL },
};

static const char *decode_text(struct arena *a, const char *text, struct target *t, char buf[4096])
{
	struct err err = ERR_INIT;
	struct json *doc;
	int rc = json_parse(a, "c.json", text, strlen(text), &doc, &err);

	*t = (struct target){ .flag = false };
	if (rc == 0)
		rc = json_decode(a, doc, target_table, t, &err);
	if (rc == 0)
		return "ok";
	return rc == -EINVAL && err.num == EINVAL ? err_format(&err, buf, 4096) : "wrong code";
}

static const struct {
	const char *text, *want;
} decodes[] = {
	{ "{\"unknown\": {\"x\": []}, \"FLAG\": 5, \"flag\": null, \"inner\": null}", "ok" },
	{ "[]", "c.json:1:1: wants an object, found a list" },
	{ "5", "c.json:1:1: wants an object, found a number" },
	{ "null", "c.json:1:1: wants an object, found null" },
	{ "{\"flag\": \"true\"}", "c.json:1:10: flag: wants true or false, found a string" },
	{ "{\"opt_flag\": 1}", "c.json:1:14: opt_flag: wants true or false, found a number" },
	{ "{\"text\": {}}", "c.json:1:10: text: wants a string, found an object" },
	{ "{\"u32\": true}", "c.json:1:9: u32: wants an unsigned 32-bit number, found a boolean" },
	{ "{\"u32\": \"1\"}", "c.json:1:9: u32: wants an unsigned 32-bit number, found a string" },
	{ "{\"u32\": 4294967295}", "ok" },
	{ "{\"u32\": 4294967296}",
	  "c.json:1:9: u32: wants an unsigned 32-bit number, found 4294967296" },
	{ "{\"u32\": -1}", "c.json:1:9: u32: wants an unsigned 32-bit number, found -1" },
	{ "{\"u32\": 1024.0}",
	  "c.json:1:9: u32: wants a whole number without fraction or exponent, found 1024.0" },
	{ "{\"opt_u32\": 1e3}",
	  "c.json:1:13: opt_u32: wants a whole number without fraction or exponent, found 1e3" },
	{ "{\"i64\": 9223372036854775807}", "ok" },
	{ "{\"i64\": -9223372036854775808}", "ok" },
	{ "{\"i64\": 9223372036854775808}",
	  "c.json:1:9: i64: wants a signed 64-bit number, found 9223372036854775808" },
	{ "{\"opt_i64\": -9223372036854775809}",
	  "c.json:1:13: opt_i64: wants a signed 64-bit number, found -9223372036854775809" },
	{ "{\"i64\": -1.5}",
	  "c.json:1:9: i64: wants a whole number without fraction or exponent, found -1.5" },
	{ "{\"u64\": 18446744073709551615}", "ok" },
	{ "{\"u64\": 18446744073709551616}",
	  "c.json:1:9: u64: wants an unsigned 64-bit number, found 18446744073709551616" },
	{ "{\"opt_u64\": -1}", "c.json:1:13: opt_u64: wants an unsigned 64-bit number, found -1" },
	{ "{\"opt_u64\": 111111111111111111111111111111111111111111111111111111}",
	  "c.json:1:13: opt_u64: wants an unsigned 64-bit number, found "
	  "1111111111111111111111111111111111111111" },
	{ "{\"strv\": \"a\"}", "c.json:1:10: strv: wants a list of strings, found a string" },
	{ "{\"strv\": [\"a\",\n null]}", "c.json:2:2: strv[1]: wants a string, found null" },
	{ "{\"map\": []}", "c.json:1:9: map: wants an object of strings, found a list" },
	{ "{\"map\": {\"a\": \"b\", \"c.d\": 5}}",
	  "c.json:1:27: map[\"c.d\"]: wants a string, found a number" },
	{ "{\"inner\": []}", "c.json:1:11: inner: wants an object, found a list" },
	{ "{\"inner\": {}}", "c.json:1:11: inner: the field 'name' is missing" },
	{ "{\"ptr\": {\"name\": null}}", "c.json:1:9: ptr: the field 'name' is missing" },
	{ "{\"list\": {}}", "c.json:1:10: list: wants a list of objects, found an object" },
	{ "{\"list\": [{\"name\": \"a\"}, 5]}",
	  "c.json:1:26: list[1]: wants an object, found a number" },
	{ "{\"list\": [{\"name\": \"a\"},\n{\"name\": \"b\", \"n\": []}]}",
	  "c.json:2:20: list[1].n: wants an unsigned 32-bit number, found a list" },
	{ "{\"called\": 1}", "c.json:1:12: called: wants a list, found a number" },
};

static void test_decode(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct target t;
	char buf[4096];

	for (size_t i = 0; i < ARRAY_LEN(decodes); i++)
		ok_str(decode_text(&a, decodes[i].text, &t, buf), decodes[i].want, decodes[i].want);

	decode_text(&a, "{}", &t, buf);
	ok(!t.flag && !t.has_inner && !t.opt_flag.set && !t.opt_i64.set && !t.strv.v && !t.ptr,
	   "decode: absent fields stay as they were");
	ok_str(decode_text(
		       &a,
		       "{\"flag\":true,\"opt_flag\":false,\"text\":\"x\",\"u32\":7,\"opt_u32\":0,"
		       "\"i64\":-1,\"opt_i64\":-9223372036854775808,\"u64\":18446744073709551615,"
		       "\"opt_u64\":1,\"strv\":[\"a\",\"\"],\"map\":{\"k\":\"v\",\"n\":null,\"l\":\"w\"},"
		       "\"inner\":{\"name\":\"i\",\"n\":1},\"unnamed\":{\"v\":9},\"ptr\":{\"name\":\"p\"},"
		       "\"list\":[{\"name\":\"0\"},{\"name\":\"1\",\"n\":2}],\"called\":[1,2,3]}",
		       &t, buf),
	       "ok", "decode: all kinds");
	ok(t.flag && t.opt_flag.set && !t.opt_flag.v && str_eq(t.text, "x"),
	   "decode: bool, string");
	ok(t.u32 == 7 && t.opt_u32.set && t.opt_u32.v == 0, "decode: u32");
	ok(t.i64 == -1 && t.opt_i64.set && t.opt_i64.v == INT64_MIN, "decode: i64");
	ok(t.u64 == UINT64_MAX && t.opt_u64.set && t.opt_u64.v == 1, "decode: u64");
	ok(t.strv.n == 2 && str_eq(t.strv.v[0], "a") && str_eq(t.strv.v[1], "") && !t.strv.v[2],
	   "decode: strings, NULL at the end");
	ok(t.map.n == 2 && str_eq(t.map.v[0].name, "k") && str_eq(t.map.v[1].name, "l") &&
		   str_eq(t.map.v[1].value, "w"),
	   "decode: map in order, null is absent");
	ok(t.has_inner && str_eq(t.inner.name, "i") && t.inner.n == 1, "decode: struct");
	ok(t.has_unnamed && t.unnamed.v == 9, "decode: unnamed struct");
	ok(t.ptr && str_eq(t.ptr->name, "p"), "decode: pointer");
	ok(t.list.n == 2 && str_eq(t.list.v[1].name, "1") && t.list.v[1].n == 2, "decode: list");
	ok(t.called == 3, "decode: call");
}

static void out_all(struct json_out *o)
{
	struct strv none = { NULL, 0 }, two = { (const char *[]){ "a", "b", NULL }, 2 };
	struct pairs map = { (struct pair[]){ { "k", "v" } }, 1 };

	json_out_object(o, NULL);
	json_out_str(o, "s", "q\"b\\ \n\t\x01\x7f \xc3\xa9 \xff\xc0\x80 /");
	json_out_str(o, "none", NULL);
	json_out_i64(o, "i", INT64_MIN);
	json_out_u64(o, "u", UINT64_MAX);
	json_out_bool(o, "t", true);
	json_out_null(o, "z");
	json_out_strv(o, "e", &none);
	json_out_strv(o, "l", &two);
	json_out_map(o, "m", &map);
	json_out_object(o, "o");
	json_out_end(o, '}');
	json_out_array(o, "a");
	json_out_raw(o, NULL, "{}");
	json_out_array(o, NULL);
	json_out_end(o, ']');
	json_out_end(o, ']');
	json_out_end(o, '}');
}

#define QUOTED "\"q\\\"b\\\\ \\n\\t\\u0001\\u007f \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd /\""

static void test_out(void)
{
	auto_json_out struct json_out line, page;
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str s = STR_INIT;
	struct json *doc = NULL;
	char buf[4096];

	json_out_init(&line, NULL);
	out_all(&line);
	ok_str(line.s.p,
	       "{\"s\":" QUOTED ",\"none\":null,\"i\":-9223372036854775808,"
	       "\"u\":18446744073709551615,\"t\":true,\"z\":null,\"e\":[],\"l\":[\"a\",\"b\"],"
	       "\"m\":{\"k\":\"v\"},\"o\":{},\"a\":[{},[]]}",
	       "out: one line");
	json_out_init(&page, "  ");
	out_all(&page);
	ok_str(page.s.p,
	       "{\n  \"s\": " QUOTED ",\n  \"none\": null,\n  \"i\": -9223372036854775808,\n"
	       "  \"u\": 18446744073709551615,\n  \"t\": true,\n  \"z\": null,\n  \"e\": [],\n"
	       "  \"l\": [\n    \"a\",\n    \"b\"\n  ],\n  \"m\": {\n    \"k\": \"v\"\n  },\n  \"o\": {},\n"
	       "  \"a\": [\n    {},\n    []\n  ]\n}",
	       "out: indented");
	ok_str(parse_text(&a, page.s.p, page.s.len, &doc, buf), "ok", "out: read back");
	ok_str(doc ? json_get(doc, "s")->text : NULL,
	       "q\"b\\ \n\t\x01\x7f \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd /",
	       "out: the same string");
	json_quote(&s, "");
	ok_str(s.p, "\"\"", "quote: empty");
}

/* Each is a bug of the caller, which must not become a broken document. */
static void bug_end_of_nothing(struct json_out *o)
{
	json_out_end(o, '}');
}

static void bug_wrong_bracket(struct json_out *o)
{
	json_out_object(o, NULL);
	json_out_end(o, ']');
}

static void bug_no_key(struct json_out *o)
{
	json_out_object(o, NULL);
	json_out_null(o, NULL);
}

static void bug_key_in_array(struct json_out *o)
{
	json_out_array(o, NULL);
	json_out_null(o, "k");
}

static void bug_two_tops(struct json_out *o)
{
	json_out_null(o, NULL);
	json_out_null(o, NULL);
}

static void bug_too_deep(struct json_out *o)
{
	for (int i = 0; i < 64; i++)
		json_out_array(o, NULL);
}

static const struct {
	const char *what;
	void (*bug)(struct json_out *o);
} bugs[] = {
	{ "end of nothing", bug_end_of_nothing },  { "wrong bracket", bug_wrong_bracket },
	{ "no key in an object", bug_no_key },	   { "a key in a list", bug_key_in_array },
	{ "two values at the top", bug_two_tops }, { "64 levels", bug_too_deep },
};

static void test_bugs(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bugs); i++) {
		int status = 0;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			struct json_out o;

			json_out_init(&o, NULL);
			bugs[i].bug(&o);
			_exit(0);
		}
		ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
			   WTERMSIG(status) == SIGABRT,
		   "aborts: %s", bugs[i].what);
	}
}

int main(void)
{
	test_texts();
	test_bounds();
	test_many_names();
	test_tree();
	test_decode();
	test_out();
	test_bugs();
	return done();
}
