/*
 * names.h - name <-> value tables of the kernel's vocabulary. Lookups return -1 for an unknown
 * name, NULL for an unknown value. [pure]
 */
#ifndef BRYO_NAMES_H
#define BRYO_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct name {
	const char *name;
	int64_t value;
};

int64_t name_find(const struct name *table, size_t n, const char *name);
const char *name_of(const struct name *table, size_t n, int64_t value);

/* "TERM", "SIGTERM", any case, "15", "RTMIN+3", "SIGRTMAX-1"; 1..SIGRTMAX, else -1. */
int signal_from_name(const char *name);
/* "SIGTERM", "SIGRTMIN+3"; "unknown signal" for what has no name, never NULL. */
const char *signal_name(int sig);
/* Kernel name of an errno: "ENOENT". NULL when unknown. */
const char *errno_name(int num);
int errno_from_name(const char *name);
/* "CAP_KILL" -> 5, any case; with or without the CAP_ prefix. */
int capability_from_name(const char *name);
const char *capability_name(int cap); /* "CAP_KILL" */

#endif
