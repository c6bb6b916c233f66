/*
 * idmap_math.c - interval arithmetic for ID maps (idmap_math.h). Pure; runs in the runtime
 * while the plan is built. Sums are made in 64 bits, because a range may end at 2^32-1.
 */
#include "idmap_math.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range_vec {
	struct id_range *v;
	size_t n, cap;
};

static int by_first(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int by_inside(const void *a, const void *b)
{
	const struct id_extent *x = a, *y = b;

	return (x->inside > y->inside) - (x->inside < y->inside);
}

/* First ID after a range; up to 2^32. */
static uint64_t range_end(const struct id_range *r)
{
	return (uint64_t)r->first + r->count;
}

static bool range_holds(const struct id_range *r, uint32_t id)
{
	return id >= r->first && id < range_end(r);
}

/* Appends first..end-1 minus the ranges out->v[from..n-1] to out; those stay as they are. */
static void add_rest(struct arena *a, struct range_vec *out, size_t from, size_t n, uint64_t first,
		     uint64_t end)
{
	for (; from < n && first < end; from++) {
		const struct id_range taken = out->v[from];

		if (end <= taken.first || first >= range_end(&taken))
			continue;
		if (first < taken.first)
			add_rest(a, out, from + 1, n, first, taken.first);
		first = range_end(&taken);
	}
	if (first < end)
		*vec_add(a, out) = (struct id_range){ (uint32_t)first, (uint32_t)(end - first) };
}

static bool one_parent_line(const struct id_extents *parent, uint32_t outside, uint64_t count)
{
	for (size_t i = 0; i < parent->n; i++) {
		const struct id_extent *p = &parent->v[i];

		if (outside >= p->inside && outside + count <= (uint64_t)p->inside + p->count)
			return true;
	}
	return false;
}

static bool joinable(const struct id_extent *x, const struct id_extent *y,
		     const struct id_extents *parent)
{
	return (uint64_t)x->inside + x->count == y->inside &&
	       (uint64_t)x->outside + x->count == y->outside &&
	       one_parent_line(parent, x->outside, (uint64_t)x->count + y->count);
}

static void map_join(struct id_extents *map, uint32_t own, bool own_apart,
		     const struct id_extents *parent)
{
	size_t n = 0;

	for (size_t i = 0; i < map->n; i++) {
		struct id_extent *last = n ? &map->v[n - 1] : NULL, *e = &map->v[i];
		bool apart = last && own_apart && (last->outside == own || e->outside == own);

		if (last && !apart && joinable(last, e, parent))
			last->count += e->count;
		else
			map->v[n++] = *e;
	}
	map->n = n;
}

bool ranges_cover(const struct id_ranges *r, uint32_t first, uint32_t count, uint32_t *ret_missing)
{
	uint64_t id = first, end = id + count;

	while (id < end) {
		size_t i = 0;

		while (i < r->n && !range_holds(&r->v[i], (uint32_t)id))
			i++;
		if (i == r->n) {
			*ret_missing = (uint32_t)id;
			return false;
		}
		id = range_end(&r->v[i]);
	}
	return true;
}

void ranges_of_map(struct arena *a, const struct id_extents *map, struct id_ranges *ret)
{
	ret->v = arena_alloc(a, map->n * sizeof(*ret->v));
	ret->n = map->n;
	for (size_t i = 0; i < map->n; i++)
		ret->v[i] = (struct id_range){ map->v[i].inside, map->v[i].count };
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_first);
}

void ranges_within(struct arena *a, const struct id_ranges *r, const struct id_extents *parent,
		   struct id_ranges *ret)
{
	struct range_vec out = VEC_INIT;
	struct id_ranges have;

	ranges_of_map(a, parent, &have);
	for (size_t i = 0; i < r->n; i++) {
		for (size_t j = 0; j < have.n; j++) {
			uint64_t first = r->v[i].first, end = range_end(&r->v[i]);

			if (first < have.v[j].first)
				first = have.v[j].first;
			if (end > range_end(&have.v[j]))
				end = range_end(&have.v[j]);
			if (first < end)
				*vec_add(a, &out) = (struct id_range){ (uint32_t)first,
								       (uint32_t)(end - first) };
		}
	}
	*ret = (struct id_ranges){ out.v, out.n };
}

void ranges_distinct(struct arena *a, const struct id_ranges *r, uint32_t own,
		     struct id_ranges *ret)
{
	struct range_vec joined = VEC_INIT, out = VEC_INIT;

	/* A file may list an owner's IDs in many small lines that follow each other. */
	for (size_t i = 0; i < r->n; i++) {
		struct id_range *last = joined.n ? &joined.v[joined.n - 1] : NULL;

		if (last && range_end(last) == r->v[i].first &&
		    r->v[i].count <= UINT32_MAX - last->count)
			last->count += r->v[i].count;
		else
			*vec_add(a, &joined) = r->v[i];
	}
	*vec_add(a, &out) = (struct id_range){ own, 1 };
	for (size_t i = 0; i < joined.n && out.n <= IDMAP_LINES + 1; i++) {
		uint64_t end = range_end(&joined.v[i]), limit = (uint64_t)IDMAP_LAST + 1;

		add_rest(a, &out, 0, out.n, joined.v[i].first, end < limit ? end : limit);
	}
	*ret = (struct id_ranges){ out.v + 1, out.n - 1 };
}

void map_fill(struct arena *a, uint32_t inside, uint32_t own, const struct id_ranges *ranges,
	      const struct id_extents *parent, bool own_apart, struct id_extents *ret)
{
	VEC(struct id_extent) map = VEC_INIT;
	uint64_t next = inside == 0;

	*vec_add(a, &map) = (struct id_extent){ inside, own, 1 };
	for (size_t i = 0; i < ranges->n; i++) {
		struct id_range r = ranges->v[i];

		while (r.count && next <= IDMAP_LAST) {
			uint64_t room = (next <= inside ? inside : (uint64_t)IDMAP_LAST + 1) - next;
			uint32_t take = r.count < room ? r.count : (uint32_t)room;

			*vec_add(a, &map) = (struct id_extent){ (uint32_t)next, r.first, take };
			r.first += take;
			r.count -= take;
			next += take;
			next += next == inside;
		}
	}
	*ret = (struct id_extents){ map.v, map.n };
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_inside);
	map_join(ret, own, own_apart, parent);
}

bool map_split(struct arena *a, const struct id_extents *map, const struct id_extents *parent,
	       struct id_extents *ret, uint32_t *ret_missing)
{
	VEC(struct id_extent) out = VEC_INIT;

	for (size_t i = 0; i < map->n; i++) {
		struct id_extent e = map->v[i];

		while (e.count) {
			size_t j = 0;
			uint32_t take;

			while (j < parent->n &&
			       (e.outside < parent->v[j].inside ||
				e.outside - parent->v[j].inside >= parent->v[j].count))
				j++;
			if (j == parent->n) {
				*ret_missing = e.outside;
				return false;
			}
			take = parent->v[j].count - (e.outside - parent->v[j].inside);
			take = take < e.count ? take : e.count;
			*vec_add(a, &out) = (struct id_extent){ e.inside, e.outside, take };
			e = (struct id_extent){ e.inside + take, e.outside + take, e.count - take };
		}
	}
	*ret = (struct id_extents){ out.v, out.n };
	return true;
}

bool map_overlap(const struct id_extents *map, bool outside, size_t *ret_i, size_t *ret_j)
{
	for (size_t i = 0; i < map->n; i++) {
		for (size_t j = i + 1; j < map->n; j++) {
			const struct id_extent *x = &map->v[i], *y = &map->v[j];
			uint64_t xf = outside ? x->outside : x->inside,
				 yf = outside ? y->outside : y->inside;

			if (xf < yf + y->count && yf < xf + x->count) {
				*ret_i = i;
				*ret_j = j;
				return true;
			}
		}
	}
	return false;
}

void ranges_text(const struct id_ranges *r, char *buf, size_t size)
{
	size_t len = 0, i = 0;

	buf[0] = '\0';
	while (i < r->n) {
		unsigned long long first = r->v[i].first, end = range_end(&r->v[i]);
		const char *comma = len ? "," : "";
		char one[32];
		int n;

		for (i++; i < r->n && r->v[i].first == end; i++)
			end = range_end(&r->v[i]);
		n = end - first == 1
			    ? snprintf(one, sizeof(one), "%s%llu", comma, first)
			    : snprintf(one, sizeof(one), "%s%llu-%llu", comma, first, end - 1);
		if (len + (size_t)n + sizeof(",...") > size) {
			(void)snprintf(buf + len, size - len, ",...");
			return;
		}
		memcpy(buf + len, one, (size_t)n + 1);
		len += (size_t)n;
	}
}
