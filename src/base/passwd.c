/*
 * passwd.c - who a uid is (passwd.h). Runs in the runtime; passwd_parse() also in init, on the
 * container's own file.
 */
#include "passwd.h"

#include "child.h"
#include "cleanup.h"
#include "file.h"
#include "str.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define PASSWD_MAX (8u << 20)

/* Copies field n (from 0) of the line that ends at end; one that does not fit counts as empty. */
static bool field(const char *line, const char *end, unsigned n, char *buf, size_t size)
{
	const char *stop;
	size_t len;

	for (; n > 0; n--) {
		line = memchr(line, ':', (size_t)(end - line));
		if (!line)
			return false;
		line++;
	}
	stop = memchr(line, ':', (size_t)(end - line));
	len = (size_t)((stop ? stop : end) - line);
	if (len >= size)
		len = 0;
	memcpy(buf, line, len);
	buf[len] = '\0';
	return true;
}

bool passwd_parse(const char *text, uid_t uid, struct passwd_entry *ret)
{
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		char number[16];
		unsigned long long id;

		end = strchrnul(line, '\n');
		if (!field(line, end, 2, number, sizeof(number)) ||
		    !str_to_u64(number, UINT32_MAX, &id) || id != uid)
			continue;
		return field(line, end, 0, ret->name, sizeof(ret->name)) &&
		       field(line, end, 5, ret->home, sizeof(ret->home));
	}
	return false;
}

bool passwd_find(uid_t uid, bool ask, struct passwd_entry *ret)
{
	auto_free char *text = NULL;
	char number[16];
	char *argv[] = { "getent", "passwd", number, NULL };
	struct child c = CHILD_INIT;
	bool found;

	if (file_read_at(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &text, NULL, NULL) == 0 &&
	    passwd_parse(text, uid, ret))
		return true;
	if (!ask)
		return false;
	(void)snprintf(number, sizeof(number), "%u", uid);
	c.path = "getent";
	c.argv = argv;
	c.capture = true;
	c.timeout_ms = 5000;
	found = child_run(&c, NULL) == 0 && passwd_parse(c.output, uid, ret);
	child_release(&c);
	return found;
}
