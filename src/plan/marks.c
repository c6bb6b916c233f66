/*
 * marks.c - the marks of `bryo plan` (marks.h). Pure.
 *
 * The signs are plain characters at fixed places, so that they can be searched for, read aloud and
 * coloured by whoever has a terminal (cli/out.h).
 */
#include "marks.h"

#include "base/sys.h"

#include <string.h>

static const struct {
	const char *name, *heading;
	char sign;
} kinds[] = {
	[NOTE_ADAPTED] = { "adapted", "adapted, and means the same", '~' },
	[NOTE_WARNING] = { "degraded", "degraded, and is less than was asked for", '!' },
	[NOTE_REFUSED] = { "refused", "refused, so the container would not start", 'x' },
};

const char *mark_name(enum note_kind kind)
{
	return kinds[kind].name;
}

char mark_of(const struct notes *notes, const char *field)
{
	int gravest = -1;

	for (size_t i = 0; i < notes->list.n; i++) {
		const struct note *n = &notes->list.v[i];
		size_t len = strlen(field);

		/* whole words: linux.resources is not linux.resourcesX, mounts[1] not mounts[10] */
		if (strncmp(n->field, field, len) != 0 ||
		    (n->field[len] && !strchr(". [", n->field[len])))
			continue;
		if ((int)n->kind > gravest)
			gravest = (int)n->kind;
	}
	return gravest < 0 ? ' ' : kinds[gravest].sign;
}

static void text_one(struct str *s, const struct note *n)
{
	str_addf(s, "  %c %s: ", kinds[n->kind].sign, n->field);
	if (*n->what && *n->why)
		str_addf(s, "%s\n      because %s\n", n->what, n->why);
	else
		str_addf(s, "%s\n", *n->what ? n->what : n->why);
	if (n->remedy)
		str_addf(s, "      remedy: %s\n", n->remedy);
}

void marks_text(const struct notes *notes, struct str *ret)
{
	for (int kind = NOTE_REFUSED; kind >= NOTE_ADAPTED; kind--) {
		bool any = false;

		for (size_t i = 0; i < notes->list.n; i++) {
			const struct note *n = &notes->list.v[i];

			if ((int)n->kind != kind)
				continue;
			if (!any)
				str_addf(ret, "%s\n", kinds[kind].heading);
			any = true;
			text_one(ret, n);
		}
	}
}

void marks_json(const struct notes *notes, struct json_out *ret)
{
	json_out_array(ret, "marks");
	for (int kind = NOTE_REFUSED; kind >= NOTE_ADAPTED; kind--)
		for (size_t i = 0; i < notes->list.n; i++) {
			const struct note *n = &notes->list.v[i];

			if ((int)n->kind != kind)
				continue;
			json_out_object(ret, NULL);
			json_out_str(ret, "field", n->field);
			json_out_str(ret, "kind", mark_name(n->kind));
			if (*n->what)
				json_out_str(ret, "what", n->what);
			json_out_str(ret, "reason", n->why);
			json_out_str(ret, "remedy", n->remedy);
			json_out_end(ret, '}');
		}
	json_out_end(ret, ']');
}
