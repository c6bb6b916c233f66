/* bytes.c - "256m" to a number of bytes (bytes.h), in whole numbers throughout. [pure] */
#include "bytes.h"

#include "base/str.h"

#include <limits.h>
#include <string.h>

bool bytes_parse(const char *text, long long *ret)
{
	static const char units[] = "kmgtp";
	size_t digits = strspn(text, "0123456789");
	unsigned long long n;
	char number[24];
	const char *unit;

	if (str_eq(text, "-1")) {
		*ret = -1;
		return true;
	}
	if (!digits || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	text += digits;
	if (!str_to_u64(number, LLONG_MAX, &n))
		return false;
	unit = *text ? strchr(units, *text | 0x20) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (n > (unsigned long long)LLONG_MAX >> shift)
			return false;
		n <<= shift;
		text++;
		text += *text == 'i' || *text == 'I';
	}
	text += *text == 'b' || *text == 'B';
	*ret = (long long)n;
	return !*text;
}
