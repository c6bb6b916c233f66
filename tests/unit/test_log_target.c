/*
 * test_log_target.c - the datagrams for the journal and syslog, and what --log may name.
 */
#include "base/log_target.h"

#include "base/cleanup.h"
#include "tap.h"

static const struct {
	enum log_target target;
	enum log_level level;
	const char *tag, *msg, *want;
} rows[] = {
	{ LOG_TO_JOURNAL, LOG_LEVEL_ERROR, "a", "it broke",
	  "PRIORITY=3\nSYSLOG_IDENTIFIER=bryo\nID=a\nMESSAGE=it broke\n" },
	{ LOG_TO_JOURNAL, LOG_LEVEL_WARNING, "a", "w", "PRIORITY=4\nSYSLOG_IDENTIFIER=bryo\nID=a\nMESSAGE=w\n" },
	/* a line feed would begin another field */
	{ LOG_TO_JOURNAL, LOG_LEVEL_INFO, "a\nUID=0", "x\nPRIORITY=0",
	  "PRIORITY=6\nSYSLOG_IDENTIFIER=bryo\nID=a?UID=0\nMESSAGE=x?PRIORITY=0\n" },
	{ LOG_TO_SYSLOG, LOG_LEVEL_ERROR, "a", "it broke", "<11>a[7]: it broke" },
	{ LOG_TO_SYSLOG, LOG_LEVEL_DEBUG, "a", "x\ny", "<15>a[7]: x?y" },
};

static const struct {
	const char *name, *error;
} refused[] = {
	{ "journald:", "an identifier has to follow" },
	{ "syslog:", "an identifier has to follow" },
	{ "file:/nowhere/log", "open the log file '/nowhere/log'" },
	{ "/nowhere/log", "open the log file '/nowhere/log'" },
};

static void check_length(void)
{
	auto_str struct str s = STR_INIT;
	char text[8000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_target_format(LOG_TO_SYSLOG, "a", LOG_LEVEL_ERROR, text, 7, &s);
	ok(s.len < 3200, "a datagram is small, whatever the message");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str s = STR_INIT;

		log_target_format(rows[i].target, rows[i].tag, rows[i].level, rows[i].msg, 7, &s);
		ok_str(s.p, rows[i].want, rows[i].msg[0] == 'x' ? "control characters" : rows[i].msg);
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct log_sink sink = { .fd = -1 };
		struct err err = ERR_INIT;
		char text[ERR_TEXT];

		if (!ok(log_target_open(refused[i].name, &sink, &err) < 0 &&
				strstr(err_format(&err, text, sizeof(text)), refused[i].error),
			"%s is refused", refused[i].name))
			printf("# %s\n", err_format(&err, text, sizeof(text)));
	}
	check_length();
	return done();
}
