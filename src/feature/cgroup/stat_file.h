/*
 * stat_file.h - the few shapes that files of cgroup v2 have, for stat.c and oom.c. A function that
 * reads a file returns 1 when it did, 0 when there is no such file (its controller is not enabled,
 * the kernel does not know it, or the cgroup went away), or a negative errno with *err set;
 * -EPROTO with file and line is a text that is not what the kernel documents. [outside]
 */
#ifndef BRYO_CGROUP_STAT_FILE_H
#define BRYO_CGROUP_STAT_FILE_H

#include "base/err.h"
#include "base/mem.h"
#include "stat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cgroup that is being read. */
struct stat_dir {
	struct arena *arena;
	int dirfd;
	struct err *err;
};

/* A key that is wanted; what no row names is skipped. A table ends with a row without key. */
struct stat_row {
	const char *key;
	size_t off;	/* of a uint64_t in the struct that is filled */
	uint64_t scale; /* the number is multiplied by it, and stops at 2^64-1; 0: 1 */
};

/* errno (negative) of a file that is not there; EOPNOTSUPP: pressure is compiled in and off. */
bool stat_is_missing(int rc);
int stat_bad(const struct stat_dir *d, const char *file, const char *line);
/* *ret is the whole text; free() it. */
int stat_text(const struct stat_dir *d, const char *file, char **ret);
/* One number or "max", which is CGROUP_NO_LIMIT. */
int stat_number(const struct stat_dir *d, const char *file, uint64_t *ret);
/* Lines "key number". */
int stat_keyed(const struct stat_dir *d, const char *file, const struct stat_row *rows, void *out);
int stat_psi(const struct stat_dir *d, const char *file, struct cgroup_psi *ret);
/* "0-3,7" */
int stat_list(const struct stat_dir *d, const char *file, struct cgroup_list *ret);

/* One line "key number"; what is left of line is the key. [pure] */
bool stat_split(char *line, uint64_t *ret);
/* Words "key=number" of one line, which is cut up. [pure] */
bool stat_pairs(char *words, const struct stat_row *rows, void *out);

#endif
