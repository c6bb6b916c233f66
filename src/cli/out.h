/*
 * out.h - what the command line prints: answers to standard output, unbuffered and checked, and
 * errors to the log sink. Nothing else in cli/ writes to a descriptor of the caller. [outside]
 */
#ifndef BRYO_OUT_H
#define BRYO_OUT_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "lib/bryo.h"

#include <stddef.h>

/* Writes text to standard output; a final newline is added where there is none. A full disk
 * is an error, not a short answer. */
int out_text(const char *text, struct err *err);
/* One log line per violation. */
void out_error(const struct bryo_err *err);
/* Whether standard output is a terminal that may be coloured: NO_COLOR, TERM. */
bool out_is_coloured(void);
/*
 * Appends a plan's text, with its marks in colour: lines that begin with "x ", "! " or "~ ", which may
 * be behind two blanks, and lines that end in " x", " !" or " ~". [pure]
 */
void out_colour_marks(const char *text, struct str *ret);
/*
 * Appends a table: cells by rows, the first row being the heading. Columns are at least 12 wide
 * and three blanks apart, the last one as long as its text: the layout of runc's tables, which
 * scripts cut by column. [pure]
 */
void out_table(const char *const *cells, size_t columns, size_t rows, struct str *ret);
/* The object of state and list: what runc prints and what crun prints, together. [pure] */
void out_entry(const struct bryo_entry *e, struct json_out *ret);

#endif
