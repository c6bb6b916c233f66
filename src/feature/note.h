/*
 * note.h - what the plan adapted, and why. Each entry is printed by `bryo plan`; a warning is
 * also printed by run and create. The rule behind it: what the config asks for is done, or
 * adapted to mean the same (NOTE_ADAPTED), or done less than asked with a warning where the
 * policy table allows that (NOTE_WARNING), or refused; never silently dropped. [pure]
 */
#ifndef BRYO_NOTE_H
#define BRYO_NOTE_H

#include "base/mem.h"
#include "base/vec.h"

enum note_kind { NOTE_ADAPTED, NOTE_WARNING };

struct note {
	enum note_kind kind;
	const char *field;	/* "linux.namespaces", "mounts[3].options" */
	const char *what;	/* "added a user namespace" */
	const char *why;	/* "the caller is not root" */
};

struct notes {
	struct arena *arena;
	VEC(struct note) list;
};

void note_add(struct notes *n, enum note_kind kind, const char *field, const char *why, const char *what_fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
