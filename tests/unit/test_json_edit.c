/* Changes to a document, and what is left of it as text (base/json_edit.h). */
#include "base/json_edit.h"

#include "base/cleanup.h"
#include "tap.h"

#include <string.h>

static struct json *parse(struct arena *a, const char *text)
{
	struct json *doc = NULL;

	(void)json_parse(a, "doc", text, strlen(text), &doc, NULL);
	return doc;
}

static bool is(const struct json *doc, const char *want)
{
	auto_json_out struct json_out o;
	bool same;

	json_out_init(&o, NULL);
	if (!json_out_tree(&o, NULL, doc))
		return false;
	same = str_eq(o.s.p, want);
	if (!same)
		(void)printf("# %s\n# %s\n", o.s.p, want);
	return same;
}

static void test_as_written(void)
{
	auto_arena struct arena a = ARENA_INIT;
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"b\":1,\"a\":18446744073709551615,\"c\":[null,true,false,1.50e3,-0]}",
		"{\"a\":{\"a\":{\"a\":[[],{}]}},\"\":\"\\u0001\\\"\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ok(is(parse(&a, texts[i]), texts[i]), "comes out as written: %s", texts[i]);
}

static void test_changes(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct json *doc = parse(&a, "{\"a\":{\"b\":[1,2,3],\"n\":null},\"ab\":0}"),
		    *list = json_at(doc, "a.b");
	struct json_hole hole;

	ok(list && list->type == JSON_ARRAY, "a path goes down");
	ok(!json_at(doc, "a.x") && !json_at(doc, "ab.x") && !json_at(doc, "a.b.x") &&
		   !json_at(NULL, "a"),
	   "what is not there is not found");
	hole = json_drop(list, list->child->next);
	ok(list->n == 2 && is(doc, "{\"a\":{\"b\":[1,3],\"n\":null},\"ab\":0}"),
	   "one is taken out");
	ok(list->child->next->index == 2, "the others keep their index");
	json_undrop(&hole);
	ok(list->n == 3 && is(doc, "{\"a\":{\"b\":[1,2,3],\"n\":null},\"ab\":0}"), "and put back");
	json_put_str(&a, doc, "ab", "x");
	ok(doc->n == 2 && is(doc, "{\"a\":{\"b\":[1,2,3],\"n\":null},\"ab\":\"x\"}"),
	   "a member is replaced in its place");
	json_put_str(&a, list, NULL, "y");
	ok(list->n == 4 && is(list, "[1,2,3,\"y\"]"), "an element is appended");
	(void)json_need(&a, json_at(doc, "a"), "n", JSON_OBJECT);
	ok(json_need(&a, json_at(doc, "a"), "b", JSON_ARRAY) == list &&
		   is(json_at(doc, "a.n"), "{}"),
	   "what is needed is made once, in place of null");
}

static const struct {
	const char *what, *doc, *patch, *want;
} merges[] = {
	{ "nothing", "{\"a\":1}", "{}", "{\"a\":1}" },
	{ "a value is replaced", "{\"a\":1,\"b\":2}", "{\"a\":\"x\"}", "{\"a\":\"x\",\"b\":2}" },
	{ "a member is added", "{\"a\":1}", "{\"b\":true}", "{\"a\":1,\"b\":true}" },
	{ "null takes out", "{\"a\":1,\"b\":2}", "{\"a\":null,\"c\":null}", "{\"b\":2}" },
	{ "objects are merged", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":3}}",
	  "{\"a\":{\"b\":1,\"c\":3}}" },
	{ "arrays are appended", "{\"a\":[1]}", "{\"a\":[null,{\"b\":null,\"c\":2}]}",
	  "{\"a\":[1,null,{\"c\":2}]}" },
	{ "other types are replaced", "{\"a\":[1],\"b\":{\"x\":1}}", "{\"a\":{\"y\":null},\"b\":[2]}",
	  "{\"a\":{},\"b\":[2]}" },
	{ "deep down", "{}", "{\"a\":{\"b\":{\"c\":null,\"d\":[[1]]}}}", "{\"a\":{\"b\":{\"d\":[[1]]}}}" },
};

static void test_merge(void)
{
	for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct json *doc = parse(&a, merges[i].doc);

		json_merge(&a, doc, parse(&a, merges[i].patch));
		ok(is(doc, merges[i].want), "merge: %s", merges[i].what);
	}
}

static void test_depth(void)
{
	auto_arena struct arena a = ARENA_INIT;
	char text[2 * 62 + 1] = "";

	memset(text, '[', 62);
	memset(text + 62, ']', 62);
	ok(!is(parse(&a, text), text), "what is nested too deeply is not written");
}

int main(void)
{
	test_as_written();
	test_changes();
	test_merge();
	test_depth();
	return done();
}
