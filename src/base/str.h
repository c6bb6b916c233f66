/*
 * str.h - a growable, always NUL-terminated string.
 *
 *	auto_str struct str s = STR_INIT;
 *	str_addf(&s, "%d", n);
 *	use(s.p);		s.p is NULL until the first addition
 */
#ifndef BRYO_STR_H
#define BRYO_STR_H

#include <stdbool.h>
#include <stddef.h>

struct str {
	char *p;
	size_t len, cap;
};

#define STR_INIT { NULL, 0, 0 }

void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_free(struct str *s); /* keeps errno; s is empty afterwards */

/* Small questions about C strings, kept here so that there is one answer. [pure] */
bool str_eq(const char *a, const char *b);			/* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
/* Decimal digits only (no sign, no spaces, no 0x), at most max; false otherwise. */
bool str_to_u64(const char *s, unsigned long long max, unsigned long long *ret);

/* The decimal number after blanks at *p, at most max; moves *p behind it. sscanf would bring the
 * C library's whole scanner, floating point and all, into the static program. */
bool str_next_u64(const char **p, unsigned long long max, unsigned long long *ret);
/* RFC 3339 in UTC, "2026-11-29T05:23:18Z", with nanoseconds where they are >= 0; size 40 is enough.
 * By hand: gmtime_r would read the time zone file, in init the container's. */
void str_rfc3339(char *buf, size_t size, long long seconds, long nanoseconds);

#define auto_str __attribute__((cleanup(str_free)))

#endif
