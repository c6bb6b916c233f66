/*
 * note.h - what the plan does otherwise than the config has it, and why: the marks of `bryo plan`.
 * The rule behind it: what the config asks for is done, or adapted to mean the same
 * (NOTE_ADAPTED), or done less than asked where the policy table allows that (NOTE_WARNING, which
 * plan calls degraded, and run and create print as a warning), or refused (NOTE_REFUSED: the
 * lines of the error that ends create); never silently dropped. [pure]
 */
#ifndef BRYO_NOTE_H
#define BRYO_NOTE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/vec.h"

enum note_kind { NOTE_ADAPTED, NOTE_WARNING, NOTE_REFUSED };

struct note {
	enum note_kind kind;
	const char *field;	/* "linux.namespaces", "mounts[3].options" */
	const char *what;	/* "added a user namespace"; "" for a refusal */
	const char *why;	/* "the caller is not root" */
	const char *remedy;	/* what to do about it, or NULL */
};

struct notes {
	struct arena *arena;
	VEC(struct note) list;
};

/* A reason may end in its remedy, in brackets, as an error does. */
void note_add(struct notes *n, enum note_kind kind, const char *field, const char *why, const char *what_fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The remedy of the note that was added last. */
void note_remedy(struct notes *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A refusal for each line of the error, its field and its remedy taken from the text. */
void note_refusals(struct notes *n, const struct err *err);

#endif
