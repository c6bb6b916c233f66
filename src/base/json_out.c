/*
 * json_out.c - JSON text by a small generator (json.h), laid out as Go's MarshalIndent does
 * because scripts diff what runtimes print. Output is UTF-8 whatever it is given: what is
 * not becomes U+FFFD, since names and environments are bytes and JSON is not. [pure]
 */
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 63 /* bits of json_out.objects */

static void json_out_newline(struct json_out *o)
{
	if (!o->indent)
		return;
	str_addc(&o->s, '\n');
	for (int i = 0; i < o->depth; i++)
		str_add(&o->s, o->indent);
}

/* Everything in front of a value: comma, line, member name. */
static void json_out_lead(struct json_out *o, const char *key)
{
	bool in_object = o->objects >> o->depth & 1;

	if (in_object != (key != NULL) || (o->depth == 0 && !o->first))
		abort();
	if (!o->first)
		str_addc(&o->s, ',');
	if (o->depth)
		json_out_newline(o);
	o->first = false;
	if (!key)
		return;
	json_quote(&o->s, key);
	str_add(&o->s, o->indent ? ": " : ":");
}

static void json_out_open(struct json_out *o, const char *key, bool object)
{
	json_out_lead(o, key);
	if (o->depth == DEPTH_MAX)
		abort();
	o->depth++;
	o->objects &= ~(UINT64_C(1) << o->depth);
	o->objects |= (uint64_t)object << o->depth;
	o->first = true;
	str_addc(&o->s, object ? '{' : '[');
}

static void json_quote_char(struct str *s, unsigned char c)
{
	static const char short_of[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	if (c == '"' || c == '\\')
		str_addf(s, "\\%c", c);
	else if (c < sizeof(short_of) && short_of[c])
		str_addf(s, "\\%c", short_of[c]);
	else
		str_addf(s, "\\u%04x", c);
}

/* Bytes that need no thought: printable ASCII but '"' and '\\'. */
static size_t json_plain_len(const char *text)
{
	size_t n = 0;

	while (text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

/* Writes the one character at text that does; returns how many bytes it took. */
static size_t json_quote_next(struct str *s, const char *text, size_t left)
{
	size_t len = json_utf8_len(text, left);

	if (len == 1)
		json_quote_char(s, (unsigned char)*text);
	else if (len)
		str_addn(s, text, len);
	else
		str_add(s, "\xef\xbf\xbd");
	return len ? len : 1;
}

size_t json_utf8_len(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
	size_t len;

	if (n && u[0] < 0x80)
		return 1;
	if (!n || u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (u[0] == 0xe0)
		low = 0xa0; /* else overlong */
	else if (u[0] == 0xed)
		high = 0x9f; /* else a surrogate */
	else if (u[0] == 0xf0)
		low = 0x90; /* else overlong */
	else if (u[0] == 0xf4)
		high = 0x8f; /* else beyond U+10FFFF */
	if (n < len || u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

void json_quote(struct str *s, const char *text)
{
	size_t left = strlen(text);

	str_addc(s, '"');
	while (left) {
		size_t plain = json_plain_len(text), n = plain;

		str_addn(s, text, plain);
		if (plain < left)
			n += json_quote_next(s, text + plain, left - plain);
		text += n;
		left -= n;
	}
	str_addc(s, '"');
}

void json_out_init(struct json_out *o, const char *indent)
{
	*o = (struct json_out){ .s = STR_INIT, .indent = indent, .first = true };
}

void json_out_free(struct json_out *o)
{
	str_free(&o->s);
}

void json_out_object(struct json_out *o, const char *key)
{
	json_out_open(o, key, true);
}

void json_out_array(struct json_out *o, const char *key)
{
	json_out_open(o, key, false);
}

void json_out_end(struct json_out *o, char bracket)
{
	bool in_object = o->objects >> o->depth & 1;
	bool empty = o->first;

	if (o->depth == 0 || bracket != (in_object ? '}' : ']'))
		abort();
	o->depth--;
	o->first = false;
	if (!empty)
		json_out_newline(o);
	str_addc(&o->s, bracket);
}

void json_out_str(struct json_out *o, const char *key, const char *value)
{
	json_out_lead(o, key);
	if (value)
		json_quote(&o->s, value);
	else
		str_add(&o->s, "null");
}

void json_out_i64(struct json_out *o, const char *key, int64_t value)
{
	json_out_lead(o, key);
	str_addf(&o->s, "%" PRId64, value);
}

void json_out_u64(struct json_out *o, const char *key, uint64_t value)
{
	json_out_lead(o, key);
	str_addf(&o->s, "%" PRIu64, value);
}

void json_out_bool(struct json_out *o, const char *key, bool value)
{
	json_out_raw(o, key, value ? "true" : "false");
}

void json_out_null(struct json_out *o, const char *key)
{
	json_out_raw(o, key, "null");
}

void json_out_strv(struct json_out *o, const char *key, const struct strv *v)
{
	json_out_array(o, key);
	for (size_t i = 0; i < v->n; i++)
		json_out_str(o, NULL, v->v[i]);
	json_out_end(o, ']');
}

void json_out_map(struct json_out *o, const char *key, const struct pairs *m)
{
	json_out_object(o, key);
	for (size_t i = 0; i < m->n; i++)
		json_out_str(o, m->v[i].name, m->v[i].value);
	json_out_end(o, '}');
}

void json_out_raw(struct json_out *o, const char *key, const char *json_text)
{
	json_out_lead(o, key);
	str_add(&o->s, json_text);
}
