/*
 * log.h - the log sink. The library logs at debug only and returns errors; the command line
 * sets the sink and prints errors once. This is the only global of the project: one sink per
 * process, inherited by init as a descriptor. A line is written with one write(2). [any]
 */
#ifndef BRYO_LOG_H
#define BRYO_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format {
	LOG_FORMAT_PLAIN, /* "bryo: text": people at a terminal */
	LOG_FORMAT_TEXT,  /* time="..." level=error msg="...": log files, as runc writes them */
	LOG_FORMAT_JSON,  /* {"level":"error","msg":"...","time":"..."} */
};

enum log_target { LOG_TO_FILE, LOG_TO_JOURNAL, LOG_TO_SYSLOG };

struct log_sink {
	int fd;			/* where lines go; -1: nowhere. Not owned. */
	int mirror;		/* errors are repeated here as plain text; -1: no */
	enum log_target target; /* the daemons have a form of their own; format is for files */
	const char *tag;	/* what the daemons file lines under; not owned */
	enum log_level level;
	enum log_format format;
	const char *role;	/* "runtime", "init", ...: prefix of debug lines */
};

void log_set(const struct log_sink *sink);
const struct log_sink *log_get(void);
bool log_enabled(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)                                       \
	do {                                                 \
		if (log_enabled(LOG_LEVEL_DEBUG))            \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
