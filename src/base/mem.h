/*
 * mem.h - allocation that cannot fail, and arenas.
 *
 * Exhaustion aborts with one message (design: allocation failure is not an error value);
 * sizes that come from input are bounded by the caller first. An arena owns everything that
 * was allocated from it; spec and plan live in one and die with it.
 */
#ifndef BRYO_MEM_H
#define BRYO_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *mem_alloc(size_t n);		/* zeroed; never NULL. free() it. [any] */
void *mem_realloc(void *p, size_t n);	/* never NULL. [any] */
char *mem_strdup(const char *s);	/* never NULL. [any] */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct arena_block;
struct arena {
	struct arena_block *blocks; /* newest first */
};

#define ARENA_INIT { NULL }

void *arena_alloc(struct arena *a, size_t n);			/* zeroed, aligned to 8 */
/* What is going to be used, present at once: a page fault each costs several times as much. */
void arena_reserve(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);		/* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);	/* copies n bytes, adds NUL */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);				/* everything at once; may be empty */

#define auto_arena __attribute__((cleanup(arena_free)))

#endif
