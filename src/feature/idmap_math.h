/*
 * idmap_math.h - arithmetic on ID ranges and maps, without policy or messages; private to
 * idmap.c and its tests. "parent" is the map of the user namespace that the caller lives in;
 * IDs are in its inside column's numbering. [pure]
 */
#ifndef BRYO_IDMAP_MATH_H
#define BRYO_IDMAP_MATH_H

#include "host/host.h"

#define IDMAP_LINES 340		/* the kernel's limit */
#define IDMAP_LAST  4294967294u /* 2^32-1 means "no ID" */

/* True when all of first..first+count-1 is inside ranges; otherwise the first that is not. */
bool ranges_cover(const struct id_ranges *r, uint32_t first, uint32_t count, uint32_t *ret_missing);
/* IDs that exist in the namespace that map describes, ascending. */
void ranges_of_map(struct arena *a, const struct id_extents *map, struct id_ranges *ret);
/* The parts of r that exist in parent, in the order of r, each within one line of parent. */
void ranges_within(struct arena *a, const struct id_ranges *r, const struct id_extents *parent,
		   struct id_ranges *ret);
/*
 * r in order, without own and without what an earlier range already holds. Gives up, with
 * more than IDMAP_LINES ranges in ret, once the result cannot be a map.
 */
void ranges_distinct(struct arena *a, const struct id_ranges *r, uint32_t own,
		     struct id_ranges *ret);
/*
 * inside <- own, then 0, 1, ... (inside left out) from ranges, which must be distinct, within
 * parent and free of own. Sorted by inside ID. Neighbours are joined unless that would span
 * two lines of parent (the kernel refuses) or, with own_apart, swallow own (newuidmap does).
 */
void map_fill(struct arena *a, uint32_t inside, uint32_t own, const struct id_ranges *ranges,
	      const struct id_extents *parent, bool own_apart, struct id_extents *ret);
/* Splits map where a line would span two lines of parent. False: *ret_missing is not in parent. */
bool map_split(struct arena *a, const struct id_extents *map, const struct id_extents *parent,
	       struct id_extents *ret, uint32_t *ret_missing);
/* First pair of lines that overlap in the inside column (or, with outside, in the other). */
bool map_overlap(const struct id_extents *map, bool outside, size_t *ret_i, size_t *ret_j);
/* "0-65535,70000", for messages; shortened to fit size. */
void ranges_text(const struct id_ranges *r, char *buf, size_t size);

#endif
