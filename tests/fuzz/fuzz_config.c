/*
 * fuzz_config.c - config.json as bytes: whatever they are, spec_parse() accepts them or says
 * one line with a place, and what it accepts can be read to the last field. The samples are
 * held to that too, because a mutation of a good document reaches deeper than noise.
 *
 *	clang -fsanitize=fuzzer,address,undefined ... && ./fuzz_config tests/fuzz/corpus/config
 */
#include "base/cleanup.h"
#include "oci/spec_load.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* Every value lies where it says, and is what stands there. */
static void check_places(const struct json *v, const char *text, size_t size)
{
	const char *at = text, *end = text + size;

	for (uint32_t line = 1; line < v->line; line++) {
		at = memchr(at, '\n', (size_t)(end - at));
		check(at != NULL);
		at++;
	}
	at += v->column - 1;
	check(at < end);
	check(v->type != JSON_OBJECT || *at == '{');
	check(v->type != JSON_ARRAY || *at == '[');
	check(v->type != JSON_STRING || *at == '"');
	check(v->type != JSON_NULL || *at == 'n');
	check(v->type != JSON_BOOL || *at == (v->boolean ? 't' : 'f'));
	check(v->type != JSON_NUMBER || strncmp(at, v->text, strlen(v->text)) == 0);
	for (const struct json *child = v->child; child; child = child->next) {
		check(child->parent == v && !child->key == (v->type == JSON_ARRAY));
		check_places(child, text, size);
	}
}

static void write_value(struct json_out *out, const struct json *v, const char *key)
{
	if (v->type == JSON_STRING)
		json_out_str(out, key, v->text);
	else if (v->type == JSON_NUMBER)
		json_out_raw(out, key, v->text);
	else if (v->type == JSON_BOOL)
		json_out_bool(out, key, v->boolean);
	else if (v->type == JSON_NULL)
		json_out_null(out, key);
	else if (v->type == JSON_OBJECT)
		json_out_object(out, key);
	else
		json_out_array(out, key);
	for (const struct json *child = v->child; child; child = child->next)
		write_value(out, child, child->key);
	if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
		json_out_end(out, v->type == JSON_OBJECT ? '}' : ']');
}

static bool same(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	return a->type == b->type && a->n == b->n && a->boolean == b->boolean &&
	       str_eq(a->key, b->key) && str_eq(a->text, b->text) && same(a->child, b->child);
}

/* Written out and read back it is the same document. One level less deep: json_out has 63. */
static void check_round_trip(struct arena *a, const struct json *doc)
{
	auto_json_out struct json_out out;
	struct json *again;

	json_out_init(&out, NULL);
	write_value(&out, doc, NULL);
	check(json_parse(a, "again", out.s.p, out.s.len, &again, NULL) == 0);
	check(same(doc, again));
}

static void check_error(int rc, const struct err *err)
{
	char text[2 * ERR_TEXT];

	check(rc == -EINVAL && err->num == EINVAL);
	err_format(err, text, sizeof(text));
	check(str_starts(text, "config.json:") && !strchr(text, '\n'));
}

static int depth_of(const struct json *v)
{
	int deepest = 0;

	for (const struct json *child = v->child; child; child = child->next) {
		int below = depth_of(child);

		deepest = below > deepest ? below : deepest;
	}
	return deepest + (v->type == JSON_OBJECT || v->type == JSON_ARRAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	/* An exact copy, so that a read past the end is seen. */
	auto_free char *text = mem_alloc(size);
	struct err err = ERR_INIT;
	struct spec_process *process;
	struct spec *spec;
	struct json *doc;
	int rc;

	if (size)
		memcpy(text, data, size);
	rc = json_parse(&a, "config.json", text, size, &doc, &err);
	if (rc < 0) {
		check_error(rc, &err);
		return 0;
	}
	check_places(doc, text, size);
	if (depth_of(doc) < JSON_DEPTH)
		check_round_trip(&a, doc);
	rc = spec_parse(&a, "config.json", text, size, &spec, &err);
	if (rc < 0)
		check_error(rc, &err);
	else
		check(str_starts(spec->oci_version, "1."));
	rc = spec_parse_process(&a, "config.json", text, size, &process, &err);
	if (rc < 0)
		check_error(rc, &err);
	else
		check(process->cwd != NULL);
	return 0;
}
