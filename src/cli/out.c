/*
 * out.c - printing for the subcommands (out.h): runs in the process that the user started.
 * Answers are put together in memory and leave in one piece, so that a program that reads
 * them never sees half a document followed by an error.
 */
#include "out.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

#define COLUMN_MIN 12
#define COLUMN_GAP 3

int out_text(const char *text, struct err *err)
{
	size_t len = strlen(text);
	int rc = fd_write_all(STDOUT_FILENO, text, len, err);

	if (rc >= 0 && (!len || text[len - 1] != '\n'))
		rc = fd_write_all(STDOUT_FILENO, "\n", 1, err);
	return rc < 0 ? err_in(err, rc, "standard output") : 0;
}

void out_error(const struct bryo_err *err)
{
	char text[sizeof(err->text) + sizeof(err->hint) + 256];
	char *line, *rest = text;

	(void)bryo_err_format(err, text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_line(LOG_LEVEL_ERROR, "%s", line);
}

bool out_is_coloured(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && term && *term && !str_eq(term, "dumb");
}

static const char *colour_of_sign(char sign)
{
	return sign == 'x'   ? "\033[31m"
	       : sign == '!' ? "\033[33m"
	       : sign == '~' ? "\033[36m"
			     : NULL;
}

static const char *colour_of_line(const char *line, size_t len)
{
	const char *front = len > 2 && line[0] == ' ' && line[1] == ' ' ? line + 2 : line;

	if (front + 1 < line + len && front[1] == ' ' && colour_of_sign(*front))
		return colour_of_sign(*front);
	/* a heading: what is indented may end in anything */
	return len > 2 && line[0] != ' ' && line[len - 2] == ' ' ? colour_of_sign(line[len - 1])
								 : NULL;
}

void out_colour_marks(const char *text, struct str *ret)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *colour = colour_of_line(text, len);

		str_add(ret, colour ? colour : "");
		str_addn(ret, text, len);
		str_add(ret, colour ? "\033[0m" : "");
		text += len;
		if (*text) {
			str_addc(ret, '\n');
			text++;
		}
	}
}

static size_t table_width(const char *const *cells, size_t columns, size_t rows, size_t column)
{
	size_t width = COLUMN_MIN;

	for (size_t row = 0; row < rows; row++) {
		size_t len = strlen(cells[row * columns + column]) + COLUMN_GAP;

		if (len > width)
			width = len;
	}
	return width;
}

void out_table(const char *const *cells, size_t columns, size_t rows, struct str *ret)
{
	size_t *widths = mem_alloc(columns * sizeof(*widths));

	for (size_t i = 0; i < columns; i++)
		widths[i] = table_width(cells, columns, rows, i);
	for (size_t i = 0; i < rows * columns; i++) {
		size_t column = i % columns;

		if (column + 1 == columns)
			str_addf(ret, "%s\n", cells[i]);
		else
			str_addf(ret, "%-*s", (int)widths[column], cells[i]);
	}
	free(widths);
}

void out_entry(const struct bryo_entry *e, struct json_out *ret)
{
	json_out_object(ret, NULL);
	json_out_str(ret, "ociVersion", e->oci_version);
	json_out_str(ret, "id", e->id);
	json_out_i64(ret, "pid", e->pid);
	json_out_str(ret, "status", bryo_status_name(e->status));
	json_out_str(ret, "bundle", e->bundle);
	json_out_str(ret, "rootfs", e->rootfs);
	json_out_str(ret, "created", e->created);
	if (e->annotations)
		json_out_raw(ret, "annotations", e->annotations);
	json_out_str(ret, "systemd-scope", e->systemd_scope ? e->systemd_scope : "");
	json_out_str(ret, "owner", e->owner ? e->owner : "");
	json_out_end(ret, '}');
}
