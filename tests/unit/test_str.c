/*
 * test_str.c - numbers and dates of base/str.h: what sscanf and gmtime would do, without them.
 */
#include "tap.h"

#include "base/str.h"

#include <stdint.h>

static const struct {
	const char *text;
	unsigned long long max, value;
	const char *rest; /* NULL: no number */
} numbers[] = {
	{ "7", 10, 7, "" },
	{ "  42 x", 100, 42, " x" },
	{ "\t\n5", 9, 5, "" },
	{ "18446744073709551615", UINT64_MAX, UINT64_MAX, "" },
	{ "18446744073709551616", UINT64_MAX, 0, NULL },
	{ "11", 10, 0, NULL },
	{ "10", 10, 10, "" },
	{ "-1", 10, 0, NULL },
	{ "", 10, 0, NULL },
	{ "x1", 10, 0, NULL },
	{ "0x1f", 100, 0, "x1f" },
};

static const struct {
	long long seconds;
	long nanoseconds;
	const char *text;
} dates[] = {
	{ 0, -1, "1970-01-01T00:00:00Z" },
	{ 951782399, -1, "2000-02-28T23:59:59Z" },
	{ 951782400, -1, "2000-02-29T00:00:00Z" },
	{ 951868800, 5, "2000-03-01T00:00:00.000000005Z" },
	{ 1764393798, 999999999, "2025-11-29T05:23:18.999999999Z" },
	{ 4107542399, -1, "2100-02-28T23:59:59Z" },
	{ 4107542400, -1, "2100-03-01T00:00:00Z" },
};

int main(void)
{
	char text[40];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *p = numbers[i].text;
		unsigned long long got = 0;
		bool good = str_next_u64(&p, numbers[i].max, &got);

		ok(good == !!numbers[i].rest && (!good || (got == numbers[i].value && !strcmp(p, numbers[i].rest))),
		   "number '%s'", numbers[i].text);
	}
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		str_rfc3339(text, sizeof(text), dates[i].seconds, dates[i].nanoseconds);
		ok_str(text, dates[i].text, "date");
	}
	return done();
}
