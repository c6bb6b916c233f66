/*
 * fuzz_subid.c - the three text parsers of rootless/subid.c; each sees every input. What comes
 * out must be a range that the kernel could map.
 */
#include "rootless/subid.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct id_ranges *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].count || (uint64_t)r->v[i].first + r->v[i].count > UINT32_MAX)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *text = (const char *)data;
	struct subid_lines lines;
	struct id_ranges r;

	subid_parse(&a, text, size, "alice", 1000, &r);
	check(&r);
	subid_parse_getsubids(&a, text, size, "alice", &r);
	check(&r);
	(void)subid_parse_nsswitch(text, size);
	subid_parse_lines(&a, text, size, &lines);
	for (size_t i = 0; i < lines.n; i++)
		check(&(struct id_ranges){ &lines.v[i].range, 1 });
	return 0;
}
