/*
 * property.h - properties of a unit, as they stand on the command line. [pure]
 *
 *	NAME=TYPE:VALUE	TYPE is t, u, i, b, s, ay (hexadecimal) or as (separated by commas, where a
 *			backslash takes the next character as it is)
 *	NAME=@TEXT	GVariant's notation. As in runc, a name like TimeoutStopSec stands for
 *			TimeoutStopUSec, and its number is one of seconds.
 *	?NAME=...	may be dropped where systemd does not know it
 */
#ifndef BRYO_PROPERTY_H
#define BRYO_PROPERTY_H

#include "gvariant.h"

#include <stdio.h>

#define PROPS_MAX 256
#define PROP_NAME 128

struct prop {
	char name[PROP_NAME];
	bool optional;
	struct value *value;
};

struct props {
	struct prop v[PROPS_MAX];
	size_t n;
};

/* A name that is there already gets the new value. Returns false and writes the reason. */
bool props_add(struct props *props, const char *arg, char *why, size_t size);
/* Removes the one with that name if it may be; returns whether it did. */
bool props_drop_optional(struct props *props, const char *name);
void props_print(FILE *f, const struct props *props); /* [?]NAME SIGNATURE VALUE, one a line */
void props_free(struct props *props);

#endif
