/*
 * mem.c - allocation that cannot fail, and arenas (mem.h). Blocks are 8 KiB or as large as
 * one request; pages that nobody touched cost nothing, which keeps init's memory small.
 */
#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_SIZE 8192

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	size_t mapped; /* bytes, of a block that is not malloc's; else 0 */
	_Alignas(8) char data[];
};

static void mem_die(void)
{
	static const char text[] = "bryo: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		mem_die();
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		mem_die();
	return p;
}

char *mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		mem_die();
	va_end(ap);
	return p;
}

void arena_reserve(struct arena *a, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct arena_block *b;

	n = (n + sizeof(*b) + page - 1) & ~(page - 1);
	b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		 0);
	if (b == MAP_FAILED)
		return;
	*b = (struct arena_block){ .next = a->blocks, .size = n - sizeof(*b), .mapped = n };
	a->blocks = b;
}

/* What is big gets a block of its own, behind the one that still has room. */
static struct arena_block *arena_grow(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
	struct arena_block *b = mem_alloc(sizeof(*b) + size);
	struct arena_block **at = n > BLOCK_SIZE && a->blocks ? &a->blocks->next : &a->blocks;

	b->size = size;
	b->next = *at;
	*at = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;
	void *p;

	n = (n + 7) & ~(size_t)7;
	if (!n)
		n = 8;
	if (!b || b->size - b->used < n)
		b = arena_grow(a, n);
	p = b->data + b->used;
	b->used += n;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_die();
	p = arena_alloc(a, (size_t)n + 1);
	(void)vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		if (b->mapped)
			(void)munmap(b, b->mapped);
		else
			free(b);
	}
}
