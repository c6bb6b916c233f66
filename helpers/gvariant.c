/*
 * gvariant.c - values for D-Bus, read from text (gvariant.h).
 *
 * Text is read into a tree in which an integer without a type is 'N'. Then the types are settled
 * from below: a value's pattern is its signature with N for such an integer and * for the element
 * of an empty array; the patterns of an array's elements must agree on one, where N gives way to
 * any number and * to anything. What is still N at the top becomes int32, as GVariant has it, and
 * the pattern is written back into the tree, where the range of each number is checked.
 *
 * Not read, because no property of a scope or a service takes them: variants, dictionaries,
 * maybe types, bytestrings, object paths, handles.
 */
#include "gvariant.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES "ybnqiuxtds"

struct parser {
	const char *text, *p;
	unsigned depth;
	struct value_error *e;
};

void *need(void *p)
{
	if (p)
		return p;
	(void)fputs("out of memory\n", stderr);
	exit(1);
}

void value_free(struct value *v)
{
	while (v) {
		struct value *next = v->next;

		value_free(v->child);
		free(v->text);
		free(v->inner);
		free(v);
		v = next;
	}
}

struct value *value_new(char type, size_t at)
{
	struct value *v = need(calloc(1, sizeof(*v)));

	v->type = type;
	v->at = at;
	return v;
}

void *value_refuse(struct value_error *e, size_t at, const char *fmt, ...)
{
	va_list ap;

	e->at = at;
	va_start(ap, fmt);
	(void)vsnprintf(e->why, sizeof(e->why), fmt, ap);
	va_end(ap);
	return NULL;
}

static size_t here(const struct parser *s)
{
	return (size_t)(s->p - s->text);
}

#define refuse(s, ...) value_refuse((s)->e, __VA_ARGS__)

/* ------------------------------------------------------------------------------- types */

/* Moves *p behind one complete type or pattern; false if there is none. */
static bool scan_type(const char **p, unsigned depth)
{
	char c = **p;

	if (!c || depth > VALUE_DEPTH)
		return false;
	(*p)++;
	if (c == 'a')
		return scan_type(p, depth + 1);
	if (c != '(')
		return strchr(TYPES "N*", c) != NULL;
	do
		if (!scan_type(p, depth + 1))
			return false;
	while (**p != ')');
	(*p)++;
	return true;
}

static void copy_type(const char **from, char **out)
{
	const char *start = *from;

	(void)scan_type(from, 0);
	*out = mempcpy(*out, start, (size_t)(*from - start));
}

/* Appends what two patterns agree on, and moves behind both; false if they do not. */
static bool unify(const char **a, const char **b, char **out)
{
	if (**a == '*' || (**a == 'N' && strchr(VALUE_NUMBERS, **b))) {
		(*a)++;
		copy_type(b, out);
		return true;
	}
	if (**b == '*' || (**b == 'N' && strchr(VALUE_NUMBERS, **a))) {
		(*b)++;
		copy_type(a, out);
		return true;
	}
	if (**a != **b)
		return false;
	*(*out)++ = **a;
	(*b)++;
	switch (*(*a)++) {
	case 'a':
		return unify(a, b, out);
	case '(':
		while (**a != ')' && **b != ')')
			if (!unify(a, b, out))
				return false;
		if (**a != **b)
			return false;
		*(*out)++ = ')';
		(*a)++;
		(*b)++;
		return true;
	}
	return true;
}

/* Narrows @into to what it and @other agree on. */
static bool unify_into(char into[VALUE_SIG], const char *other)
{
	char sum[2 * VALUE_SIG], *out = sum;
	const char *a = into;

	if (!unify(&a, &other, &out) || out - sum >= VALUE_SIG)
		return false;
	*(char *)mempcpy(into, sum, (size_t)(out - sum)) = '\0';
	return true;
}

static bool pattern_of(struct parser *s, const struct value *v, char out[VALUE_SIG]);

static bool pattern_of_array(struct parser *s, const struct value *v, char out[VALUE_SIG])
{
	char all[VALUE_SIG] = "*", one[VALUE_SIG];

	for (const struct value *c = v->child; c; c = c->next) {
		if (!pattern_of(s, c, one))
			return false;
		if (!unify_into(all, one))
			return refuse(s, c->at, "not of the type of the elements before it");
	}
	if (snprintf(out, VALUE_SIG, "a%s", all) >= VALUE_SIG)
		return refuse(s, v->at, "the type is too long");
	return true;
}

static bool pattern_of(struct parser *s, const struct value *v, char out[VALUE_SIG])
{
	char one[VALUE_SIG];
	size_t n = 1;

	if (v->inner) { /* settled by a type word */
		value_signature(v, out);
		return true;
	}
	if (v->type == 'a')
		return pattern_of_array(s, v, out);
	out[0] = v->type;
	for (const struct value *c = v->child; c; c = c->next) {
		if (!pattern_of(s, c, one))
			return false;
		if (n + strlen(one) > VALUE_SIG - 2)
			return refuse(s, v->at, "the type is too long");
		n = (size_t)(stpcpy(out + n, one) - out);
	}
	if (v->type == '(')
		out[n++] = ')';
	out[n] = '\0';
	return true;
}

bool value_set_number(struct value *v, char type, struct value_error *e)
{
	static const struct {
		char type;
		bool sign;
		uint64_t max;
		const char *name;
	} ranges[] = {
		{ 'y', false, UINT8_MAX, "byte" },    { 'n', true, INT16_MAX, "int16" },
		{ 'q', false, UINT16_MAX, "uint16" }, { 'i', true, INT32_MAX, "int32" },
		{ 'u', false, UINT32_MAX, "uint32" }, { 'x', true, INT64_MAX, "int64" },
		{ 't', false, UINT64_MAX, "uint64" },
	};
	size_t i = 0;
	bool fits;

	v->type = type;
	if (type == 'd') {
		v->real = v->negative ? -(double)v->number : (double)v->number;
		return true;
	}
	while (ranges[i].type != type)
		i++;
	fits = v->number <= ranges[i].max;
	if (v->negative)
		fits = v->number == 0 || (ranges[i].sign && v->number <= ranges[i].max + 1);
	return fits || value_refuse(e, v->at, "%s%ju is out of range for %s",
				    v->negative ? "-" : "", (uintmax_t)v->number, ranges[i].name);
}

/* Writes the one type at *sig, which fits the tree, into it. */
static bool settle_as(struct parser *s, struct value *v, const char **sig)
{
	const char *elem, *start = *sig + 1;
	char type = **sig;

	if (type == 'a' || type == '(') {
		(void)scan_type(sig, 0);
		free(v->inner);
		v->inner = need(strndup(start, (size_t)(*sig - start) - (type == '(')));
	} else {
		(*sig)++;
		return v->type != 'N' || value_set_number(v, type, s->e);
	}
	for (struct value *c = v->child; c; c = c->next) {
		elem = type == 'a' ? v->inner : start;
		if (!settle_as(s, c, &elem))
			return false;
		start = elem;
	}
	return true;
}

/* @want: the type from a type word; NULL: whatever the text amounts to. */
static bool settle(struct parser *s, struct value *v, const char *want)
{
	char sig[VALUE_SIG];
	const char *p = sig;

	if (!pattern_of(s, v, sig))
		return false;
	if (want && !unify_into(sig, want))
		return refuse(s, v->at, "not of the type '%s'", want);
	if (strchr(sig, '*'))
		return refuse(s, v->at, "an empty array needs its type before it, such as @as []");
	for (char *c = sig; *c; c++)
		if (*c == 'N')
			*c = 'i';
	return settle_as(s, v, &p);
}

/* -------------------------------------------------------------------------------- text */

size_t utf8_len(const char *bytes)
{
	static const unsigned min[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)bytes;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	unsigned c = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));

	if (n > 1 && (p[0] < 0xc2 || p[0] > 0xf4))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	return c >= min[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n : 0;
}

static size_t utf8_put(char *out, unsigned c)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1)
		out[0] = (char)c;
	for (size_t i = n; n > 1 && i-- > 0; c >>= 6)
		out[i] = (char)(i ? 0x80 | (c & 0x3f) : lead[n] | c);
	return n;
}

/* [\]uXXXX or [\]UXXXXXXXX at s->p */
static bool parse_codepoint(struct parser *s, char **out)
{
	size_t digits = *s->p == 'u' ? 4 : 8;
	unsigned c = 0;

	for (size_t i = 1; i <= digits; i++) {
		char d = s->p[i];

		if (!isxdigit((unsigned char)d))
			return refuse(s, here(s) + i, "%zu hexadecimal digits expected", digits);
		c = c << 4 | (unsigned)(d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return refuse(s, here(s), "no character has that number");
	s->p += digits + 1;
	*out += utf8_put(*out, c);
	return true;
}

/* Behind a backslash. A character that means nothing special stands for itself. */
static bool parse_escape(struct parser *s, char **out)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *known = *s->p ? strchr(from, *s->p) : NULL;

	if (*s->p == 'u' || *s->p == 'U')
		return parse_codepoint(s, out);
	if (!*s->p)
		return refuse(s, here(s), "the string does not end");
	if (known)
		*(*out)++ = to[known - from];
	else if ((unsigned char)*s->p >= 0x80)
		return true;	/* copied whole by the caller */
	else if (*s->p != '\n') /* which continues the line */
		*(*out)++ = *s->p;
	s->p++;
	return true;
}

static struct value *parse_string(struct parser *s)
{
	auto_value struct value *v = value_new('s', here(s));
	char quote = *s->p++, *out = v->text = need(malloc(strlen(s->p) + 2));

	while (*s->p != quote) {
		size_t n = utf8_len(s->p);

		if (!*s->p)
			return refuse(s, here(s), "the string does not end");
		if (n == 0)
			return refuse(s, here(s), "not UTF-8");
		if (*s->p == '\\') {
			s->p++;
			if (!parse_escape(s, &out))
				return NULL;
			continue;
		}
		out = mempcpy(out, s->p, n);
		s->p += n;
	}
	s->p++;
	*out = '\0';
	return take_value(&v);
}

static bool is_real(const char *p, size_t len)
{
	return len && (strchr(".eE", *p) || is_real(p + 1, len - 1));
}

static struct value *parse_number(struct parser *s)
{
	auto_value struct value *v = value_new('N', here(s));
	const char *p = s->p + (*s->p == '-' || *s->p == '+');
	size_t len = strspn(s->p, "+-.0123456789abcdefABCDEFxX");
	bool hex = p[0] == '0' && (p[1] | 0x20) == 'x';
	char *end;

	if (!isdigit((unsigned char)p[p[0] == '.']))
		return refuse(s, here(s), *s->p ? "not a value" : "a value expected");
	errno = 0;
	if (!hex && is_real(s->p, len)) {
		v->type = 'd';
		v->real = strtod(s->p, &end);
		if (errno == ERANGE && fabs(v->real) < 1)
			errno = 0; /* too small to tell from 0 */
	} else {
		v->negative = *s->p == '-';
		v->number = strtoull(p, &end, 0);
	}
	if (errno)
		return refuse(s, here(s), "the number is out of range");
	if (end < s->p + len || isalnum((unsigned char)*end))
		return refuse(s, (size_t)(end - s->text), "not part of a number");
	s->p = end;
	return take_value(&v);
}

static void skip_blanks(struct parser *s)
{
	while (isspace((unsigned char)*s->p))
		s->p++;
}

static struct value *parse_value(struct parser *s);

/* @close: ] after an array, ) after a structure, of which one with one member ends with ",)". */
static bool parse_members(struct parser *s, struct value *v, char close)
{
	struct value **tail = &v->child;
	bool comma = false;

	for (skip_blanks(s); *s->p != close; skip_blanks(s)) {
		if (v->child && !comma)
			return refuse(s, here(s), "',' or '%c' expected", close);
		*tail = parse_value(s);
		if (!*tail)
			return false;
		tail = &(*tail)->next;
		skip_blanks(s);
		comma = *s->p == ',';
		s->p += comma;
	}
	if (close == ']' && comma)
		return refuse(s, here(s), "a value expected");
	if (close == ')' && !v->child)
		return refuse(s, here(s), "D-Bus has no empty structures");
	if (close == ')' && (!v->child->next) != comma)
		return refuse(s, here(s), comma ? "a value expected" : "',' expected");
	s->p++;
	return true;
}

static struct value *parse_container(struct parser *s)
{
	auto_value struct value *v = value_new(*s->p == '[' ? 'a' : '(', here(s));
	char close = *s->p++ == '[' ? ']' : ')';

	return parse_members(s, v, close) ? take_value(&v) : NULL;
}

static struct value *parse_typed(struct parser *s, const char *type)
{
	auto_value struct value *v = parse_value(s);

	return v && settle(s, v, type) ? take_value(&v) : NULL;
}

/* @TYPE VALUE */
static struct value *parse_annotated(struct parser *s)
{
	const char *start = s->p + 1, *end = start;
	char type[VALUE_SIG];
	size_t len;

	if (!scan_type(&end, 0) || end - start >= VALUE_SIG)
		return refuse(s, here(s), "no type that is known here");
	len = (size_t)(end - start);
	*(char *)mempcpy(type, start, len) = '\0';
	if (strpbrk(type, "N*") || isalnum((unsigned char)*end))
		return refuse(s, here(s), "no type that is known here");
	s->p = end;
	return parse_typed(s, type);
}

static struct value *parse_word(struct parser *s)
{
	static const struct {
		const char *word, *type;
	} words[] = {
		{ "boolean", "b" }, { "byte", "y" },   { "int16", "n" }, { "uint16", "q" },
		{ "int32", "i" },   { "uint32", "u" }, { "int64", "x" }, { "uint64", "t" },
		{ "double", "d" },  { "string", "s" },
	};
	const char *start = s->p;
	struct value *v;
	size_t len = 0;

	while (isalnum((unsigned char)start[len]))
		len++;
	if ((len == 4 && memcmp(start, "true", 4) == 0) ||
	    (len == 5 && memcmp(start, "false", 5) == 0)) {
		v = value_new('b', here(s));
		v->number = *start == 't';
		s->p += len;
		return v;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len && memcmp(start, words[i].word, len) == 0) {
			s->p += len;
			return parse_typed(s, words[i].type);
		}
	return refuse(s, here(s), "'%.*s' is no value or type that is known here",
		      (int)(len < 40 ? len : 40), start);
}

static struct value *parse_nesting(struct parser *s)
{
	struct value *v;

	if (s->depth == VALUE_DEPTH)
		return refuse(s, here(s), "nested more than %d deep", VALUE_DEPTH);
	s->depth++;
	if (*s->p == '[' || *s->p == '(')
		v = parse_container(s);
	else if (*s->p == '@')
		v = parse_annotated(s);
	else
		v = parse_word(s);
	s->depth--;
	return v;
}

static struct value *parse_value(struct parser *s)
{
	skip_blanks(s);
	if (*s->p == '\'' || *s->p == '"')
		return parse_string(s);
	if (isalpha((unsigned char)*s->p) || (*s->p && strchr("[(@", *s->p)))
		return parse_nesting(s);
	return parse_number(s);
}

struct value *value_parse(const char *text, struct value_error *e)
{
	struct parser s = { .text = text, .p = text, .e = e };
	auto_value struct value *v = NULL;

	if (strlen(text) > VALUE_TEXT)
		return refuse(&s, VALUE_TEXT, "too long");
	v = parse_value(&s);
	if (!v)
		return NULL;
	skip_blanks(&s);
	if (*s.p)
		return refuse(&s, here(&s), "nothing more expected");
	return settle(&s, v, NULL) ? take_value(&v) : NULL;
}

void value_signature(const struct value *v, char sig[VALUE_SIG])
{
	(void)snprintf(sig, VALUE_SIG, "%c%s%s", v->type, v->inner ? v->inner : "",
		       v->type == '(' ? ")" : "");
}
