/*
 * duration.h - lengths of time as Go's flag package takes them, because runc's callers write them
 * so: "5s", "500ms", "1m30s", "1.5h".
 */
#ifndef BRYO_DURATION_H
#define BRYO_DURATION_H

#include <stdint.h>

/*
 * One or more numbers, each with a unit of ns, us, ms, s, m, h, and one sign in front; "0" needs no
 * unit. Below a nanosecond is cut off. *ret_ns may be negative. -EINVAL, or -ERANGE beyond 292
 * years. [pure]
 */
int duration_parse(const char *text, int64_t *ret_ns);

#endif
