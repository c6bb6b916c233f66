/*
 * log.c - the log sink: the only global of the project, because a debug line may come from any
 * depth and any process of a launch, and every one of them logs to the same place.
 *
 * A line is put together in memory and leaves in one write, so that the lines of several
 * processes that append to one file do not mix. A log that cannot be written is not an error:
 * the work goes on, and errors still reach the mirror.
 */
#include "log.h"

#include "json.h"
#include "log_target.h"
#include "str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 4096

static struct log_sink log_sink = {
	.fd = STDERR_FILENO,
	.mirror = -1,
	.level = LOG_LEVEL_WARNING,
};

static const char *log_level_name(enum log_level level)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	return names[level];
}

static void log_write(int fd, const struct str *line)
{
	ssize_t n;

	if (fd < 0)
		return;
	do
		n = write(fd, line->p, line->len);
	while (n < 0 && errno == EINTR);
}

/*
 * Errors are the sentence alone, as every Unix tool prints them; the rest names its level. This
 * form reaches terminals: no control characters, whoever chose the text.
 */
static void log_plain(struct str *line, enum log_level level, const char *msg)
{
	str_add(line, "bryo: ");
	if (level != LOG_LEVEL_ERROR)
		str_addf(line, "%s: ", log_level_name(level));
	for (; *msg; msg++)
		str_addc(line, (unsigned char)*msg < 0x20 || *msg == 0x7f ? '?' : *msg);
	str_addc(line, '\n');
}

static void log_stamped(struct str *line, enum log_format format, enum log_level level,
			const char *msg)
{
	char stamp[40];

	str_rfc3339(stamp, sizeof(stamp), time(NULL), -1);
	if (format == LOG_FORMAT_JSON)
		str_addf(line, "{\"level\":\"%s\",\"msg\":", log_level_name(level));
	else
		str_addf(line, "time=\"%s\" level=%s msg=", stamp, log_level_name(level));
	json_quote(line, msg);
	if (format == LOG_FORMAT_JSON)
		str_addf(line, ",\"time\":\"%s\"}", stamp);
	str_addc(line, '\n');
}

void log_set(const struct log_sink *sink)
{
	log_sink = *sink;
}

const struct log_sink *log_get(void)
{
	return &log_sink;
}

bool log_enabled(enum log_level level)
{
	return level <= log_sink.level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	auto_str struct str line = STR_INIT, plain = STR_INIT;
	char msg[LOG_LINE_MAX];
	int saved = errno, n = 0;
	va_list ap;

	if (!log_enabled(level))
		return;
	if (level == LOG_LEVEL_DEBUG && log_sink.role)
		n = snprintf(msg, sizeof(msg), "%s: ", log_sink.role);
	va_start(ap, fmt);
	(void)vsnprintf(msg + n, sizeof(msg) - (size_t)n, fmt, ap);
	va_end(ap);
	log_plain(&plain, level, msg);
	if (log_sink.target != LOG_TO_FILE) {
		log_target_format(log_sink.target, log_sink.tag, level, msg, (int)getpid(), &line);
		log_write(log_sink.fd, &line);
	} else if (log_sink.format == LOG_FORMAT_PLAIN) {
		log_write(log_sink.fd, &plain);
	} else {
		log_stamped(&line, log_sink.format, level, msg);
		log_write(log_sink.fd, &line);
	}
	if (level == LOG_LEVEL_ERROR)
		log_write(log_sink.mirror, &plain);
	errno = saved; /* a line between a failing call and err_sys() must not change the verdict */
}
