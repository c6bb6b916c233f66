/*
 * property.c - properties of a unit, as they stand on the command line (property.h).
 */
#include "property.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct plain {
	const char *text, *p;
	struct value_error *e;
};

static size_t here(const struct plain *s)
{
	return (size_t)(s->p - s->text);
}

#define refuse(s, ...) value_refuse((s)->e, __VA_ARGS__)

/* Up to the end, or to a comma if @list, where \ takes what follows as it is. */
static struct value *plain_string(struct plain *s, bool list)
{
	auto_value struct value *v = value_new('s', here(s));
	char *out = v->text = need(malloc(strlen(s->p) + 1));

	while (*s->p && !(list && *s->p == ',')) {
		size_t n;

		if (list && s->p[0] == '\\' && s->p[1])
			s->p++;
		n = utf8_len(s->p);
		if (n == 0)
			return refuse(s, here(s), "not UTF-8");
		out = mempcpy(out, s->p, n);
		s->p += n;
	}
	*out = '\0';
	return take_value(&v);
}

static struct value *plain_strings(struct plain *s)
{
	auto_value struct value *v = value_new('a', here(s));
	struct value **tail = &v->child;

	v->inner = need(strdup("s"));
	for (bool more = *s->p; more; s->p += more) {
		*tail = plain_string(s, true);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		more = *s->p == ',';
	}
	return take_value(&v);
}

static struct value *plain_bytes(struct plain *s)
{
	auto_value struct value *v = value_new('a', here(s));
	struct value **tail = &v->child;

	v->inner = need(strdup("y"));
	for (; *s->p; s->p += 2) {
		char pair[] = { s->p[0], s->p[1], '\0' };

		if (strspn(pair, "0123456789abcdefABCDEF") != 2)
			return refuse(s, here(s), "two hexadecimal digits expected");
		*tail = value_new('y', here(s));
		(*tail)->number = strtoull(pair, NULL, 16);
		tail = &(*tail)->next;
	}
	return take_value(&v);
}

static struct value *plain_number(struct plain *s, char type)
{
	auto_value struct value *v = value_new('N', here(s));
	size_t sign = *s->p == '-';
	char *end;

	v->negative = sign;
	s->p += sign;
	if (!isdigit((unsigned char)*s->p))
		return refuse(s, here(s), "a digit expected");
	errno = 0;
	v->number = strtoull(s->p, &end, 10);
	if (errno)
		return refuse(s, here(s), "the number is out of range");
	if (*end)
		return refuse(s, (size_t)(end - s->text), "a digit expected");
	return value_set_number(v, type, s->e) ? take_value(&v) : NULL;
}

static struct value *parse_plain(const char *type, const char *text, struct value_error *e)
{
	struct plain s = { .text = text, .p = text, .e = e };
	struct value *v;

	if (strlen(text) > VALUE_TEXT)
		return refuse(&s, VALUE_TEXT, "too long");
	if (type[0] && !type[1] && strchr("tui", type[0]))
		return plain_number(&s, type[0]);
	if (strcmp(type, "s") == 0)
		return plain_string(&s, false);
	if (strcmp(type, "as") == 0)
		return plain_strings(&s);
	if (strcmp(type, "ay") == 0)
		return plain_bytes(&s);
	if (strcmp(type, "b") != 0)
		return refuse(&s, 0, "the type before it is none of t, u, i, b, s, ay, as");
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(&s, 0, "true or false expected");
	v = value_new('b', 0);
	v->number = *text == 't';
	return v;
}

static bool to_usec(struct value *v)
{
	const uint64_t scale = 1000000;
	double usec = v->real * (double)scale;

	if (v->type == 'd') {
		if (!(usec >= 0 && usec < 18446744073709551616.0)) /* 2^64 */
			return false;
		v->number = (uint64_t)usec;
	} else if (!strchr(VALUE_NUMBERS, v->type) || (v->negative && v->number) ||
		   __builtin_mul_overflow(v->number, scale, &v->number)) {
		return false;
	}
	v->negative = false;
	v->type = 't';
	return true;
}

static void print_string(FILE *f, const char *p)
{
	(void)fputc('\'', f);
	for (; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f)
			(void)fprintf(f, "\\u%04x", c);
		else
			(void)fprintf(f, "%s%c", c == '\'' || c == '\\' ? "\\" : "", c);
	}
	(void)fputc('\'', f);
}

static void print_value(FILE *f, const struct value *v);

static void print_members(FILE *f, const struct value *v)
{
	bool bytes = v->type == 'a' && strcmp(v->inner, "y") == 0;
	bool single = v->type == '(' && !v->child->next;

	if (!bytes)
		(void)fputc(v->type == 'a' ? '[' : '(', f);
	for (const struct value *c = v->child; c; c = c->next) {
		if (bytes) {
			(void)fprintf(f, "%02x", (unsigned)c->number);
			continue;
		}
		print_value(f, c);
		(void)fputs(c->next ? ", " : single ? "," : "", f);
	}
	if (!bytes)
		(void)fputc(v->type == 'a' ? ']' : ')', f);
}

static void print_value(FILE *f, const struct value *v)
{
	if (v->type == 'a' || v->type == '(')
		print_members(f, v);
	else if (v->type == 's')
		print_string(f, v->text);
	else if (v->type == 'b')
		(void)fputs(v->number ? "true" : "false", f);
	else if (v->type == 'd')
		(void)fprintf(f, "%.17g", v->real);
	else
		(void)fprintf(f, "%s%ju", v->negative && v->number ? "-" : "",
			      (uintmax_t)v->number);
}

/* --------------------------------------------------------------------------- properties */

/* "xSec" but not "USec", which is one that systemd has itself. */
static bool name_in_seconds(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, "Sec") == 0 && islower((unsigned char)name[n - 4]);
}

/* NAME=, moves *arg behind it. */
static bool parse_name(const char **arg, struct prop *p)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n;

	p->optional = **arg == '?';
	*arg += p->optional;
	n = strspn(*arg, letters);
	if (n == 0 || n > PROP_NAME - sizeof("USec") || (*arg)[n] != '=')
		return false;
	*(char *)mempcpy(p->name, *arg, n) = '\0';
	*arg += n + 1;
	return true;
}

static bool parse_typed(const char *text, struct prop *p, struct value_error *e)
{
	size_t n = strcspn(text, ":");
	char type[4];

	if (!text[n] || n >= sizeof(type))
		return value_refuse(e, 0, "neither @TEXT nor TYPE:VALUE");
	*(char *)mempcpy(type, text, n) = '\0';
	p->value = parse_plain(type, text + n + 1, e);
	e->at += n + 1;
	return p->value;
}

static bool parse_text(const char *text, struct prop *p, struct value_error *e)
{
	p->value = value_parse(text + 1, e);
	e->at++;
	if (!p->value || !name_in_seconds(p->name))
		return p->value;
	if (!to_usec(p->value))
		return value_refuse(e, 1, "not a number of seconds");
	memcpy(p->name + strlen(p->name) - strlen("Sec"), "USec", sizeof("USec"));
	return true;
}

bool props_add(struct props *props, const char *arg, char *why, size_t size)
{
	struct prop p = { .value = NULL };
	struct value_error e = { .at = 0 };
	const char *text = arg;
	size_t i = 0;

	if (!parse_name(&text, &p)) {
		(void)snprintf(why, size, "'%s' is not NAME=TYPE:VALUE or NAME=@TEXT", arg);
		return false;
	}
	if (!(*text == '@' ? parse_text(text, &p, &e) : parse_typed(text, &p, &e))) {
		(void)snprintf(why, size, "property %s: '%.60s', character %zu: %s", p.name, text,
			       e.at + 1, e.why);
		value_free(p.value);
		return false;
	}
	while (i < props->n && strcmp(props->v[i].name, p.name) != 0)
		i++;
	if (i == PROPS_MAX) {
		(void)snprintf(why, size, "more than %d properties", PROPS_MAX);
		value_free(p.value);
		return false;
	}
	if (i < props->n)
		value_free(props->v[i].value);
	else
		props->n++;
	props->v[i] = p;
	return true;
}

bool props_drop_optional(struct props *props, const char *name)
{
	for (size_t i = 0; i < props->n; i++) {
		struct prop *p = &props->v[i];

		if (strcmp(p->name, name) != 0 || !p->optional)
			continue;
		value_free(p->value);
		memmove(p, p + 1, (--props->n - i) * sizeof(*p));
		return true;
	}
	return false;
}

void props_print(FILE *f, const struct props *props)
{
	for (size_t i = 0; i < props->n; i++) {
		const struct prop *p = &props->v[i];
		char sig[VALUE_SIG];

		value_signature(p->value, sig);
		(void)fprintf(f, "%s%s %s ", p->optional ? "?" : "", p->name, sig);
		print_value(f, p->value);
		(void)fputc('\n', f);
	}
}

void props_free(struct props *props)
{
	while (props->n)
		value_free(props->v[--props->n].value);
}
