/*
 * err.c - the error value (theory in err.h). Used by every process of a launch; it
 * allocates nothing and makes no system call, so that it works after any failure.
 *
 * text holds finished lines (err_also), each ended by '\n', then from `chain` on the frames
 * of the current chain, cause first, each ended by NUL. When it is full, outer frames are
 * dropped and the cause is kept.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

__attribute__((format(printf, 2, 0))) static void err_push(struct err *err, const char *fmt, va_list ap)
{
	size_t room = sizeof(err->text) - err->used;
	int n;

	if (room < 2)
		return;
	n = vsnprintf(err->text + err->used, room, fmt, ap);
	if (n < 0)
		return;
	err_clean(err->text + err->used);
	err->used += (size_t)n < room ? (unsigned)n + 1 : (unsigned)room;
}

static void err_begin(struct err *err, int num, bool sys)
{
	err->num = num;
	err->sys = sys;
	err->exec = false;
	err->hint[0] = '\0';
	err->used = err->chain;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int num = errno ? errno : EIO;
	va_list ap;

	if (err) {
		err_begin(err, num, true);
		va_start(ap, fmt);
		err_push(err, fmt, ap);
		va_end(ap);
	}
	return -num;
}

int err_set(struct err *err, int num, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		err_begin(err, num, false);
		va_start(ap, fmt);
		err_push(err, fmt, ap);
		va_end(ap);
	}
	return -num;
}

int err_in(struct err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		err_push(err, fmt, ap);
		va_end(ap);
	}
	return rc;
}

int err_hint(struct err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (err && !err->hint[0]) {
		va_start(ap, fmt);
		(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
		va_end(ap);
		err_clean(err->hint);
	}
	return rc;
}

/* Appends bounded text to a buffer that is always terminated. */
static void out_add(char *buf, size_t size, const char *s)
{
	size_t len = strlen(buf);

	if (len + 1 < size)
		(void)snprintf(buf + len, size - len, "%s", s);
}

/* Writes the current chain, outermost frame first: walks the frames from the end. */
static void chain_format(const struct err *err, char *buf, size_t size)
{
	unsigned end = err->used;

	while (end > err->chain) {
		unsigned start = end - 1; /* the NUL of this frame */

		while (start > err->chain && err->text[start - 1] != '\0')
			start--;
		out_add(buf, size, err->text + start);
		if (start > err->chain)
			out_add(buf, size, ": ");
		end = start;
	}
	if (err->sys) {
		out_add(buf, size, ": ");
		out_add(buf, size, strerror(err->num));
	}
	if (err->hint[0]) {
		out_add(buf, size, " [");
		out_add(buf, size, err->hint);
		out_add(buf, size, "]");
	}
}

int err_also(struct err *err, const struct err *more)
{
	char line[ERR_TEXT];
	size_t len, room;

	if (!err->num) {
		*err = *more;
		return -err->num;
	}
	/* Fold the current chain of *err into a finished line, then open a new chain. */
	line[0] = '\0';
	chain_format(err, line, sizeof(line) - 1);
	len = strlen(line);
	room = sizeof(err->text) - err->chain;
	if (len + 2 > room)
		return -err->num;
	memcpy(err->text + err->chain, line, len);
	err->text[err->chain + len] = '\n';
	err->chain += (unsigned)len + 1;
	err->used = err->chain;
	err->hint[0] = '\0';
	err->sys = false;
	line[0] = '\0';
	(void)err_format(more, line, sizeof(line));
	len = strlen(line);
	room = sizeof(err->text) - err->used;
	if (len + 1 > room)
		len = room - 1;
	memcpy(err->text + err->used, line, len);
	err->text[err->used + len] = '\0';
	err->used += (unsigned)len + 1;
	return -err->num;
}

const char *err_format(const struct err *err, char *buf, size_t size)
{
	size_t n = err->chain < size ? err->chain : size - 1;

	memcpy(buf, err->text, n);
	buf[n] = '\0';
	chain_format(err, buf, size);
	return buf;
}
