/*
 * vec.h - a growable array in an arena, typed by macro. Growing copies; the old array stays
 * in the arena (they are small and die together).
 *
 *	VEC(const char *) names = VEC_INIT;
 *	*vec_add(arena, &names) = "x";
 *	for (size_t i = 0; i < names.n; i++) use(names.v[i]);
 */
#ifndef BRYO_VEC_H
#define BRYO_VEC_H

#include "mem.h"

#include <stddef.h>
#include <string.h>

#define VEC(type)           \
	struct {            \
		type *v;    \
		size_t n, cap; \
	}
#define VEC_INIT { NULL, 0, 0 }

static inline void *vec_grow(struct arena *a, void *old, size_t n, size_t *cap, size_t size)
{
	void *p;

	*cap = *cap ? *cap * 2 : 8;
	p = arena_alloc(a, *cap * size);
	if (n)
		memcpy(p, old, n * size);
	return p;
}

/* Pointer to a new zeroed element; valid until the next addition. */
#define vec_add(arena, vec)                                                                 \
	({                                                                                  \
		__typeof__(vec) v_ = (vec);                                                 \
		if (v_->n == v_->cap)                                                       \
			v_->v = vec_grow((arena), v_->v, v_->n, &v_->cap, sizeof(*v_->v)); \
		&v_->v[v_->n++];                                                            \
	})

#endif
