/* str.c - the growable string of str.h. Allocation failure aborts (mem.h). */
#include "str.h"

#include "mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void str_room(struct str *s, size_t more)
{
	size_t need = s->len + more + 1;

	if (need <= s->cap)
		return;
	s->cap = need < 128 ? 128 : need + need / 2;
	s->p = mem_realloc(s->p, s->cap);
}

void str_addn(struct str *s, const char *bytes, size_t n)
{
	str_room(s, n);
	memcpy(s->p + s->len, bytes, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		str_room(s, (size_t)n);
		(void)vsnprintf(s->p + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
}

void str_free(struct str *s)
{
	int saved = errno;

	free(s->p);
	*s = (struct str)STR_INIT;
	errno = saved;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_to_u64(const char *s, unsigned long long max, unsigned long long *ret)
{
	unsigned long long v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit > 9 || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

bool str_next_u64(const char **p, unsigned long long max, unsigned long long *ret)
{
	unsigned long long v = 0;

	*p += strspn(*p, " \t\n");
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		unsigned digit = (unsigned)(**p - '0');

		if (digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

/* Days to date after Howard Hinnant's civil_from_days; years begin in March here. */
void str_rfc3339(char *buf, size_t size, long long seconds, long nanoseconds)
{
	long long day = seconds / 86400 + 719468, sec = seconds % 86400;
	long long era = day / 146097, doe = day - era * 146097;
	long long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	long long doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	long long mp = (5 * doy + 2) / 153;
	char fraction[32] = "";

	if (nanoseconds >= 0)
		(void)snprintf(fraction, sizeof(fraction), ".%09ld", nanoseconds);
	(void)snprintf(buf, size, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld%sZ", yoe + era * 400 + (mp >= 10),
		       mp < 10 ? mp + 3 : mp - 9, doy - (153 * mp + 2) / 5 + 1, sec / 3600, sec / 60 % 60, sec % 60,
		       fraction);
}
