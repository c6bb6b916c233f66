/*
 * log_target.c - --log FILE, journald:ID and syslog:ID (log_target.h).
 *
 * The journal's native protocol is NAME=value lines in one datagram; a value with a line feed would
 * need the binary form, so control characters become '?' as they do on a terminal. syslog is the
 * old form that every daemon takes, <priority>tag[pid]: text, without the date, which they then add:
 * a local date needs the time zone file, and in init that would be the container's.
 */
#include "log_target.h"

#include "cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define FACILITY_USER  8
#define TEXT_MAX       3072 /* a datagram that every daemon takes */

/* Numbers of syslog(3), by enum log_level. */
static int severity(enum log_level level)
{
	static const int numbers[] = { 3, 4, 6, 7 };

	return numbers[level];
}

static void add_text(struct str *s, const char *text)
{
	for (size_t n = 0; *text && n < TEXT_MAX; text++, n++)
		str_addc(s, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

void log_target_format(enum log_target target, const char *tag, enum log_level level,
		       const char *msg, int pid, struct str *ret)
{
	if (target == LOG_TO_JOURNAL) {
		str_addf(ret, "PRIORITY=%d\nSYSLOG_IDENTIFIER=bryo\nID=", severity(level));
		add_text(ret, tag);
		str_add(ret, "\nMESSAGE=");
		add_text(ret, msg);
		str_addc(ret, '\n');
		return;
	}
	str_addf(ret, "<%d>", FACILITY_USER | severity(level));
	add_text(ret, tag);
	str_addf(ret, "[%d]: ", pid);
	add_text(ret, msg);
}

static int connect_log(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (sock < 0)
		return err_sys(err, "make a socket");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return take_fd(&sock);
	rc = err_sys(err, "connect to '%s'", path);
	return err_hint(err, rc, "no log daemon listens there: give --log a file");
}

int log_target_open(const char *name, struct log_sink *ret, struct err *err)
{
	static const struct {
		const char *prefix;
		enum log_target target;
		const char *socket;
	} rows[] = {
		{ "journald:", LOG_TO_JOURNAL, JOURNAL_SOCKET },
		{ "syslog:", LOG_TO_SYSLOG, SYSLOG_SOCKET },
	};
	const char *path = str_starts(name, "file:") ? name + strlen("file:") : name;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_starts(name, rows[i].prefix))
			continue;
		ret->target = rows[i].target;
		ret->tag = name + strlen(rows[i].prefix);
		if (!*ret->tag)
			return err_set(err, EINVAL, "--log %s: an identifier has to follow", name);
		ret->fd = connect_log(rows[i].socket, err);
		return ret->fd < 0 ? err_in(err, ret->fd, "--log %s", name) : 0;
	}
	ret->target = LOG_TO_FILE;
	ret->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	return ret->fd < 0 ? err_sys(err, "open the log file '%s'", path) : 0;
}
