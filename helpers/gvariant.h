/*
 * gvariant.h - values for D-Bus, read from GVariant's text notation. [pure]
 *
 * A value is a tree. The caller owns it and frees it with value_free(). Text comes from strangers:
 * it is bounded, and what is malformed is refused with its place.
 */
#ifndef BRYO_GVARIANT_H
#define BRYO_GVARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_DEPTH   16    /* arrays, structures and type words within each other */
#define VALUE_TEXT    65536 /* bytes */
#define VALUE_SIG     256   /* D-Bus allows 255 */
#define VALUE_NUMBERS "ynqiuxtd"

struct value {
	char type;	 /* one of ybnqiuxtds, 'a', or '(' for a structure */
	bool negative;	 /* integers: sign */
	uint64_t number; /* and magnitude; b: 0 or 1 */
	double real;	 /* d */
	char *text;	 /* s: valid UTF-8 */
	char *inner;	 /* a: an element's signature; (: those of its members, joined */
	size_t at;	 /* where it began in the text */
	struct value *child, *next;
};

struct value_error {
	size_t at; /* offset of what could not be read */
	char why[160];
};

/* All types are settled. Returns NULL and sets *e for malformed text. */
struct value *value_parse(const char *text, struct value_error *e);

struct value *value_new(char type, size_t at);
void value_free(struct value *v);
void value_signature(const struct value *v, char sig[VALUE_SIG]);

/* Gives sign and magnitude a type; false and *e if they are out of its range. */
bool value_set_number(struct value *v, char type, struct value_error *e);

/* Always NULL, which is false as well: refusing is one return. */
void *value_refuse(struct value_error *e, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void *need(void *p);		    /* ends the program if it is NULL: out of memory */
size_t utf8_len(const char *bytes); /* of the valid sequence there, 0 if there is none */

static inline void value_freep(struct value **v)
{
	value_free(*v);
}

#define auto_value __attribute__((cleanup(value_freep)))

static inline struct value *take_value(struct value **v)
{
	struct value *mine = *v;

	*v = NULL;
	return mine;
}

#endif
