/* duration.c - "1m30s" to nanoseconds (duration.h), in whole numbers throughout. [pure] */
#include "duration.h"

#include "cleanup.h"
#include "str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* micro sign */
	{ "\xce\xbcs", 1000 }, /* mu */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
};

#define DIGITS "0123456789"

/* A unit reaches to the next number. */
static const struct unit *unit_at(const char *p)
{
	size_t len = strcspn(p, "." DIGITS);

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, p, len) == 0)
			return &units[i];
	return NULL;
}

/* 0.DIGITS of a unit, from the last digit to the first: each step is exact but for the cut. */
static uint64_t fraction(const char *digits, size_t n, uint64_t unit)
{
	uint64_t v = 0;

	while (n--)
		v = (v + (uint64_t)(digits[n] - '0') * unit) / 10;
	return v;
}

/* One number with its unit; moves *p behind it. */
static int term(const char **p, uint64_t *ret)
{
	size_t whole = strspn(*p, DIGITS), part;
	const char *digits = *p + whole;
	const struct unit *unit;
	uint64_t v = 0;

	digits += *digits == '.';
	part = digits > *p + whole ? strspn(digits, DIGITS) : 0;
	unit = unit_at(digits + part);
	if (!unit || whole + part == 0)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)((*p)[i] - '0'), &v))
			return -ERANGE;
	if (__builtin_mul_overflow(v, unit->ns, &v) ||
	    __builtin_add_overflow(v, fraction(digits, part, unit->ns), &v))
		return -ERANGE;
	*p = digits + part + strlen(unit->name);
	*ret = v;
	return 0;
}

int duration_parse(const char *text, int64_t *ret_ns)
{
	bool minus = *text == '-';
	const char *p = text + (minus || *text == '+');
	uint64_t sum = 0, v;
	int rc;

	if (str_eq(p, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p)
		return -EINVAL;
	while (*p) {
		rc = term(&p, &v);
		if (rc < 0)
			return rc;
		if (__builtin_add_overflow(sum, v, &sum) || sum > INT64_MAX)
			return -ERANGE;
	}
	*ret_ns = minus ? -(int64_t)sum : (int64_t)sum;
	return 0;
}
