/*
 * json.c - JSON text to a tree in an arena, over yajl's callback parser; the only file that
 * includes yajl. Used by the runtime and the command line, never inside the container.
 *
 * The document is copied once into the arena and fed to yajl as one chunk, with a newline
 * added so that a last token without a delimiter ends in the same chunk. The copy is also
 * where the strings live: once yajl has consumed a string, its closing quote becomes the NUL.
 *
 * Position: yajl tells no token's place, but between two tokens that have a callback there is
 * only white space, ',' and ':'. So the start of a token is found by skipping those from the
 * end of the one before, which is also where lines are counted (a newline inside a string is
 * not JSON). Where a string ends, yajl_get_bytes_consumed() says; the others are as long as
 * their text.
 *
 * yajl accepts overlong and surrogate UTF-8, "\u0000" and unpaired "\ud800", keeps the last
 * of equal keys to the reader, and nests without limit: all of these are refused here.
 */
#include "json.h"

#include "cleanup.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define PATH_ROOM 512
#define KEY_SHOWN 64 /* bytes of one member name in an error */
#define FEW_KEYS  16 /* up to here, comparing each with each is the fastest */

/* json_err() finds the name of the document by going up to the top. */
struct json_doc {
	struct json top;
	const char *name;
};

struct json_reader {
	struct arena *arena;
	struct json_doc *doc;
	yajl_handle yajl;
	char *text;
	size_t at; /* the last token ends here, later the next one starts here */
	size_t line_start;
	uint32_t line;
	int depth;
	struct json *open;  /* the container being filled; NULL: none */
	struct json **tail; /* where its next child is hung */
	const char *key;    /* member name waiting for its value */
	struct err *err;
	int rc; /* set when a callback stopped the parser */
};

static void *json_yajl_malloc(void *ctx, size_t n)
{
	(void)ctx;
	return mem_realloc(NULL, n);
}

static void *json_yajl_realloc(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return mem_realloc(p, n);
}

static void json_yajl_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static bool json_key_plain(const char *key)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *key && !key[strspn(key, plain)];
}

/* ".key", "[3]" or "[\"odd.key\"]"; returns its length. */
static size_t json_path_part(char part[KEY_SHOWN + 16], const struct json *v)
{
	if (!v->key)
		(void)snprintf(part, KEY_SHOWN + 16, "[%u]", v->index);
	else if (strlen(v->key) > KEY_SHOWN)
		(void)snprintf(part, KEY_SHOWN + 16, "[\"%.*s...\"]", KEY_SHOWN, v->key);
	else
		(void)snprintf(part, KEY_SHOWN + 16, json_key_plain(v->key) ? ".%s" : "[\"%s\"]",
			       v->key);
	return strlen(part);
}

/* The way from the top to v, written from its end; a very long one loses its beginning. */
static const char *json_path(const struct json *v, char path[PATH_ROOM])
{
	static const char cut[] = "...";
	char part[KEY_SHOWN + 16];
	size_t at = PATH_ROOM - 1;

	path[at] = '\0';
	for (; v->parent; v = v->parent) {
		size_t n = json_path_part(part, v);
		bool fits = n + strlen(cut) <= at;

		if (!fits)
			n = strlen(cut);
		at -= n;
		memcpy(path + at, fits ? part : cut, n);
		if (!fits)
			return path + at;
	}
	return path[at] == '.' ? path + at + 1 : path + at;
}

/* An error at the place where the reader is, under the path of what it is about to read. */
static int json_reader_err(const struct json_reader *r, const char *what)
{
	struct json_doc here = { .name = r->doc->name };
	struct json v = { .parent = r->open, .key = r->key };
	struct json *place = r->open ? &v : &here.top;

	if (r->open && r->open->type == JSON_OBJECT && !r->key) {
		v = *r->open; /* between two members: the object is to be named */
		if (!v.parent)
			place = &here.top;
	} else if (r->open) {
		v.index = (uint32_t)r->open->n;
	}
	place->line = r->line;
	place->column = (uint32_t)(r->at - r->line_start + 1);
	return json_err(place, r->err, "%s", what);
}

static void json_skip_space(struct json_reader *r)
{
	for (;; r->at++) {
		char c = r->text[r->at];

		if (c == '\n') {
			r->line++;
			r->line_start = r->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* Moves to the first byte of the token that yajl just handed out. */
static void json_skip(struct json_reader *r)
{
	for (;; r->at++) {
		json_skip_space(r);
		if (r->text[r->at] != ',' && r->text[r->at] != ':')
			return;
	}
}

static struct json *json_add(struct json_reader *r, enum json_type type, size_t token_len)
{
	struct json *v = r->open ? arena_alloc(r->arena, sizeof(*v)) : &r->doc->top;

	json_skip(r);
	v->type = type;
	v->line = r->line;
	v->column = (uint32_t)(r->at - r->line_start + 1);
	v->parent = r->open;
	v->key = r->key;
	r->key = NULL;
	if (r->open) {
		v->index = (uint32_t)r->open->n++;
		*r->tail = v;
		r->tail = &v->next;
	}
	r->at += token_len;
	return v;
}

static int json_on_null(void *ctx)
{
	(void)json_add(ctx, JSON_NULL, strlen("null"));
	return 1;
}

static int json_on_bool(void *ctx, int value)
{
	struct json *v = json_add(ctx, JSON_BOOL, value ? strlen("true") : strlen("false"));

	v->boolean = value;
	return 1;
}

static int json_on_number(void *ctx, const char *text, size_t len)
{
	struct json_reader *r = ctx;

	json_add(r, JSON_NUMBER, len)->text = arena_strndup(r->arena, text, len);
	return 1;
}

static unsigned json_hex4(const char *s)
{
	char digits[5] = { s[0], s[1], s[2], s[3], '\0' };

	return (unsigned)strtoul(digits, NULL, 16);
}

/* What yajl let through in the escapes of a string (without quotes); NULL if all is well. */
static const char *json_escape_fault(const char *s, const char *end)
{
	while ((s = memchr(s, '\\', (size_t)(end - s)))) {
		unsigned code;

		if (s[1] != 'u') {
			s += 2;
			continue;
		}
		code = json_hex4(s + 2);
		s += 6;
		if (code == 0)
			return "a string must not contain a NUL character";
		if (code < 0xd800 || code > 0xdfff)
			continue;
		if (code > 0xdbff || s[0] != '\\' || s[1] != 'u' ||
		    (json_hex4(s + 2) & 0xfc00) != 0xdc00)
			return "half of a UTF-16 surrogate pair in a string";
		s += 6;
	}
	return NULL;
}

/* Takes the string at r->at, which yajl has decoded to text; NULL: refused, *ret_fault says why. */
static char *json_take_string(struct json_reader *r, const char *text, size_t len,
			      const char **ret_fault)
{
	size_t end = yajl_get_bytes_consumed(r->yajl);
	char *mine = r->text + r->at + 1;

	if (text != mine) {
		*ret_fault = json_escape_fault(mine, r->text + end - 1);
		if (*ret_fault)
			return NULL;
		memcpy(mine, text, len); /* decoded is never longer than written */
	}
	mine[len] = '\0';
	r->at = end;
	return mine;
}

static int json_on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct json_reader *r = ctx;
	const char *fault;

	json_skip(r);
	r->key = json_take_string(r, (const char *)text, len, &fault);
	if (!r->key)
		r->rc = json_reader_err(r, fault);
	return r->key != NULL;
}

static int json_on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct json_reader *r = ctx;
	struct json *v = json_add(r, JSON_STRING, 0);
	const char *fault;

	v->text = json_take_string(r, (const char *)text, len, &fault);
	if (!v->text)
		r->rc = json_err(v, r->err, "%s", fault);
	return v->text != NULL;
}

static int json_open(struct json_reader *r, enum json_type type)
{
	if (r->depth == JSON_DEPTH) {
		json_skip(r);
		r->rc = json_reader_err(r, "nested deeper than 64 levels");
		return 0;
	}
	r->depth++;
	r->open = json_add(r, type, 1);
	r->tail = &r->open->child;
	return 1;
}

static int json_on_object(void *ctx)
{
	return json_open(ctx, JSON_OBJECT);
}

static int json_on_array(void *ctx)
{
	return json_open(ctx, JSON_ARRAY);
}

static int json_on_array_end(void *ctx)
{
	struct json_reader *r = ctx;
	struct json *v = r->open;

	json_skip(r);
	r->at++;
	r->depth--;
	r->open = (struct json *)v->parent;
	r->tail = &v->next;
	return 1;
}

static int json_key_order(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : x->index < y->index ? -1 : 1;
}

/* The later of two members with one name; NULL: all differ. */
static const struct json *json_twin(const struct json *object)
{
	auto_free const struct json **sorted = NULL;
	size_t n = 0;

	if (object->n <= FEW_KEYS) {
		for (const struct json *v = object->child; v; v = v->next)
			for (const struct json *w = object->child; w != v; w = w->next)
				if (strcmp(v->key, w->key) == 0)
					return v;
		return NULL;
	}
	sorted = mem_alloc(object->n * sizeof(*sorted));
	for (const struct json *v = object->child; v; v = v->next)
		sorted[n++] = v;
	qsort(sorted, n, sizeof(*sorted), json_key_order);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return sorted[i];
	return NULL;
}

static int json_on_object_end(void *ctx)
{
	struct json_reader *r = ctx;
	const struct json *twin = json_twin(r->open);

	if (twin) {
		r->rc = json_err(twin, r->err, "this name appears twice in the object");
		return 0;
	}
	return json_on_array_end(r);
}

static const yajl_callbacks callbacks = {
	.yajl_null = json_on_null,
	.yajl_boolean = json_on_bool,
	.yajl_number = json_on_number,
	.yajl_string = json_on_string,
	.yajl_start_map = json_on_object,
	.yajl_map_key = json_on_key,
	.yajl_end_map = json_on_object_end,
	.yajl_start_array = json_on_array,
	.yajl_end_array = json_on_array_end,
};

/*
 * yajl stopped. Its words without their frame, at the token, in a string at the byte, that it
 * disliked. bytes_consumed is behind that token, but counts another chunk if the end came.
 */
static int json_syntax_err(struct json_reader *r, size_t len)
{
	size_t consumed = yajl_get_bytes_consumed(r->yajl);
	unsigned char *said = yajl_get_error(r->yajl, 0, NULL, 0);
	const char *what = strstr((char *)said, ": ");
	bool lexical = str_starts((char *)said, "lexical"), early;
	int rc;

	what = what ? what + 2 : (char *)said;
	said[strcspn((char *)said, ".\n")] = '\0';
	early = str_eq(what, "premature EOF");
	r->text[len] = '\0'; /* our newline is not a line of the document */
	json_skip_space(r);
	for (; strchr(",:", r->text[r->at]) && r->at < (early ? len : consumed - 1);
	     json_skip_space(r))
		r->at++;
	if (lexical && r->text[r->at] == '"')
		r->at = consumed;
	rc = json_reader_err(r, r->at >= len ? "the document ends too early" : what);
	yajl_free_error(r->yajl, said);
	return rc;
}

/* A word of which some byte equals c. */
static bool json_word_has(uint64_t word, unsigned char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	word ^= ones * c;
	return (word - ones) & ~word & ones << 7;
}

/*
 * Offset of the first byte that is not UTF-8, or is NUL or one of the two other control
 * characters that yajl takes for space; len: none. Eight bytes of ASCII at a time.
 */
static size_t json_bad_byte(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t word;
		size_t n = 0;

		if (len - i >= sizeof(word)) {
			memcpy(&word, text + i, sizeof(word));
			if (!(word & UINT64_C(0x8080808080808080)) && !json_word_has(word, 0) &&
			    !json_word_has(word, '\v') && !json_word_has(word, '\f')) {
				i += sizeof(word);
				continue;
			}
		}
		if (text[i] && text[i] != '\v' && text[i] != '\f')
			n = json_utf8_len(text + i, len - i);
		if (!n)
			break;
		i += n;
	}
	return i;
}

/* What the tokenizer would pass, or say badly: size, encoding, NUL bytes. */
static int json_check_text(const char *name, const char *text, size_t len, struct err *err)
{
	struct json_doc here = { .name = name, .top = { .line = 1, .column = 1 } };
	size_t bad;

	if (len > JSON_MAX)
		return err_set(err, EFBIG, "%s: bigger than %u MiB", name, JSON_MAX >> 20);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return json_err(&here.top, err,
				"starts with a byte order mark, which JSON has not");
	bad = json_bad_byte(text, len);
	if (bad == len)
		return 0;
	for (size_t i = 0; i < bad; i++) {
		here.top.column++;
		if (text[i] == '\n') {
			here.top.line++;
			here.top.column = 1;
		}
	}
	return json_err(&here.top, err, "%s",
			json_utf8_len(text + bad, len - bad) ? "a control character" : "not UTF-8");
}

int json_err(const struct json *v, struct err *err, const char *fmt, ...)
{
	const struct json *top = v;
	char text[512], path[PATH_ROOM];
	const char *way;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	while (top->parent)
		top = top->parent;
	way = json_path(v, path);
	return err_set(err, EINVAL, "%s:%u:%u: %s%s%s", ((const struct json_doc *)top)->name,
		       v->line, v->column, way, *way ? ": " : "", text);
}

int json_parse(struct arena *a, const char *name, const char *text, size_t len, struct json **ret,
	       struct err *err)
{
	yajl_alloc_funcs memory = { json_yajl_malloc, json_yajl_realloc, json_yajl_free, NULL };
	struct json_reader r = { .arena = a, .line = 1, .err = err };
	yajl_status status;
	int rc = json_check_text(name, text, len, err);

	if (rc < 0)
		return rc;
	r.doc = arena_alloc(a, sizeof(*r.doc));
	r.doc->name = arena_strdup(a, name);
	r.text = arena_alloc(a, len + 2);
	memcpy(r.text, text, len);
	if (strspn(r.text, " \t\r\n") == len)
		return err_set(err, EINVAL, "%s: is empty", name);
	r.text[len] = '\n';
	r.yajl = yajl_alloc(&callbacks, &memory, &r);
	(void)yajl_config(r.yajl, yajl_dont_validate_strings, 1);
	status = yajl_parse(r.yajl, (const unsigned char *)r.text, len + 1);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(r.yajl);
	if (status == yajl_status_error)
		rc = json_syntax_err(&r, len);
	else if (status == yajl_status_client_canceled)
		rc = r.rc;
	yajl_free(r.yajl);
	if (rc < 0)
		return rc;
	*ret = &r.doc->top;
	return 0;
}
