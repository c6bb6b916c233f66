/*
 * note.c - the list of adaptations (note.h). Runs in the runtime while the plan is built.
 * Strings are copied: a note outlives whatever it was made from.
 */
#include "note.h"

#include <stdio.h>

void note_add(struct notes *n, enum note_kind kind, const char *field, const char *why,
	      const char *what_fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!n)
		return;
	va_start(ap, what_fmt);
	(void)vsnprintf(text, sizeof(text), what_fmt, ap);
	va_end(ap);
	*vec_add(n->arena, &n->list) = (struct note){
		.kind = kind,
		.field = arena_strdup(n->arena, field),
		.what = arena_strdup(n->arena, text),
		.why = arena_strdup(n->arena, why),
	};
}
