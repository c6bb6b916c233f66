/*
 * resolv.c - the container's resolv.conf, made from the host's (net.h). [pure]
 */
#include "net.h"

#include "base/cleanup.h"

#include <string.h>

static bool is_line(const char *line, const char *keyword)
{
	size_t n = strlen(keyword);

	return strncmp(line, keyword, n) == 0 && (line[n] == ' ' || line[n] == '\t');
}

/* An address that means the host itself: it would be the container inside. */
static bool is_loopback(const char *address)
{
	return str_starts(address, "127.") || str_starts(address, "0.0.0.0") ||
	       str_starts(address, "::1") || str_starts(address, "0:0:0:0:0:0:0:1");
}

static void add_line(const char *line, size_t len, bool keep_servers, size_t *servers,
		     struct str *s)
{
	const char *p = line;

	if (is_line(line, "nameserver")) {
		p += strlen("nameserver");
		p += strspn(p, " \t");
		if (!keep_servers || is_loopback(p))
			return;
		(*servers)++;
	} else if (!is_line(line, "search") && !is_line(line, "domain") &&
		   !is_line(line, "options") && !is_line(line, "sortlist")) {
		return;
	}
	str_addn(s, line, len);
	str_addc(s, '\n');
}

const char *net_resolv_text(struct arena *a, const char *host, const char *dns)
{
	auto_str struct str s = STR_INIT;
	size_t servers = 0;

	if (dns) {
		str_addf(&s, "nameserver %s\n", dns);
		servers++;
	}
	for (const char *line = host ? host : "", *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		add_line(line, (size_t)(end - line), !dns, &servers, &s);
	}
	return servers ? arena_strdup(a, s.p) : NULL;
}
