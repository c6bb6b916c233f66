/*
 * bytes.h - sizes as runc's and Podman's callers write them: 268435456, 256m, 1g, 1GiB; the units
 * b, k, m, g, t, p are powers of 1024 in either case. -1 is "no limit". 1.5g is not among them.
 */
#ifndef BRYO_BYTES_H
#define BRYO_BYTES_H

#include <stdbool.h>

bool bytes_parse(const char *text, long long *ret);

#endif
