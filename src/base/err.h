/*
 * err.h - the error value: a chain of context frames, cause first.
 *
 * A struct err lives on the caller's stack, owns nothing and is never freed; it crosses the
 * sync socket as it is. Convention: a function that can fail takes "struct err *err" last and
 * returns a negative errno on failure with *err set; >= 0 is success and *err is untouched.
 * err may be NULL where the caller only needs the code (never in proc/).
 *
 * Frames are lower case, without a full stop, without "failed to" or "error":
 *	mount '/proc': attach: Operation not permitted [the outer /proc is masked ...]
 * Control characters in a frame are replaced by '?', so one violation is one line.
 *
 *	if (fd < 0)
 *		return err_sys(err, "open '%s'", path);			a call failed
 *	if (n > MAX)
 *		return err_set(err, EFBIG, "config.json has more than ..."); we refuse
 *	rc = mount_one(m, err);
 *	if (rc < 0)
 *		return err_in(err, rc, "mount '%s'", m->target);	where we were
 */
#ifndef BRYO_ERR_H
#define BRYO_ERR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define ERR_TEXT 3072

struct err {
	int num;	 /* positive errno for the caller to branch on; 0: no error */
	bool sys;	 /* the innermost frame is a system call: strerror(num) follows it */
	bool exec;	 /* the container's program itself could not be executed */
	unsigned chain;	 /* offset of the current chain in text; see err_also() */
	unsigned used;	 /* bytes of text in use */
	char hint[512];	 /* remedy, printed last in brackets; "" for none */
	char text[ERR_TEXT]; /* finished lines up to chain, then frames, each NUL-terminated */
};

#define ERR_INIT { .num = 0 }

/* A system call failed: reads errno. Returns -errno. Starts the chain anew. [any] */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* We refuse, with a positive code. Returns -num. Starts the chain anew. [any] */
int err_set(struct err *err, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Adds one outer frame; returns rc unchanged. [any] */
int err_in(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sets the remedy if there is none yet; returns rc unchanged. [any] */
int err_hint(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * Several violations in one value: *more becomes a further line of *err (which may be empty).
 * The first one's num is kept. Returns -err->num. [any]
 */
int err_also(struct err *err, const struct err *more);
/*
 * Writes the error as text, outermost frame first, one line per violation, no final newline.
 * Truncates to size; always terminates. Returns buf. [any]
 */
const char *err_format(const struct err *err, char *buf, size_t size);

#endif
