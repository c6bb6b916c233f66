/*
 * seccomp_cache.h - compiled filters on disk, so that libseccomp is not even loaded when the
 * same profile is used again. Private to seccomp.c.
 */
#ifndef BRYO_SECCOMP_CACHE_H
#define BRYO_SECCOMP_CACHE_H

#include "base/mem.h"
#include "base/str.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define SECCOMP_CACHE_ENTRIES 64

struct seccomp_entry {
	const char *library; /* file that compiled it */
	const char *
		skipped; /* for the plan's note: names that the library did not know; "" for none */
	const struct sock_filter *filter;
	unsigned short n;
};

/*
 * True when dir has a valid entry of exactly this key, compiled by a library file that has not
 * changed since. Anything else (foreign owner, writable by others, damaged, other key) is a
 * miss. What is returned lives in the arena. [outside]
 */
bool seccomp_cache_load(struct arena *a, int dir, const struct str *key, struct seccomp_entry *ret);
/* Best effort: a cache that cannot be written costs time, nothing else. [outside] */
void seccomp_cache_save(int dir, const struct str *key, const struct seccomp_entry *e);
/* How many files are there too many, or were left by a writer that was killed; remove: no longer. [outside] */
size_t seccomp_cache_stale(int dir, bool remove);
/* File name of a key: 16 hexadecimal digits. [pure] */
void seccomp_cache_name(const struct str *key, char ret[17]);

#endif
