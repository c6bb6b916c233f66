/*
 * fuzz_port.c - the words of --publish. What is understood must come back the same from its
 * canonical word, within its bounds.
 */
#include "feature/net/port.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *text = arena_strndup(&a, (const char *)data, size);
	struct ports list, again;

	if (ports_parse(&a, text, &list, NULL) < 0 || !list.n)
		return 0;
	if (ports_parse(&a, ports_words(&a, &list), &again, NULL) < 0 || again.n != list.n)
		abort();
	for (size_t i = 0; i < list.n; i++) {
		const struct port *p = &list.v[i], *q = &again.v[i];

		if (!p->host || !p->guest || !p->count || p->host + p->count > 65536 ||
		    p->guest + p->count > 65536)
			abort();
		if (p->host != q->host || p->guest != q->guest || p->count != q->count ||
		    p->proto != q->proto || p->v6 != q->v6 || !port_overlaps(p, q))
			abort();
	}
	(void)ports_pasta(&a, &list);
	return 0;
}
