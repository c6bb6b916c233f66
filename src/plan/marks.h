/*
 * marks.h - how `bryo plan` shows what is adapted, degraded or refused (note.h): as a list with
 * reasons and remedies before the plan, and as a sign beside the lines that it is about. [pure]
 */
#ifndef BRYO_MARKS_H
#define BRYO_MARKS_H

#include "base/json.h"
#include "base/str.h"
#include "feature/note.h"

const char *mark_name(enum note_kind kind);	/* "adapted", "degraded", "refused" */
/* "~", "!" or "x" for the gravest note whose field begins so, " " for none. */
char mark_of(const struct notes *notes, const char *field);
/* Refusals first. */
void marks_text(const struct notes *notes, struct str *ret);
/* The array "marks". */
void marks_json(const struct notes *notes, struct json_out *ret);

#endif
