/*
 * port_word.c - the words for published ports (port_word.h). Runs in the runtime and in the command
 * line, before the plan. Whether the host has such a port is not known here. [pure]
 */
#include "port_word.h"

#include "base/str.h"
#include "base/vec.h"

#include <arpa/inet.h>
#include <string.h>

static const char *const proto_names[] = { [PORT_TCP] = "tcp", [PORT_UDP] = "udp" };

const char *port_proto_name(enum port_proto proto)
{
	return proto_names[proto];
}

static int refuse(const char *word, const char *why, struct err *err)
{
	int rc = err_set(err, EINVAL, "port '%.120s': %s", word, why);

	return err_hint(err, rc,
			"[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/tcp|/udp], such as 8080:80, "
			"127.0.0.1:5353:53/udp or [::1]:8000-8009:9000-9009");
}

/* Cuts "/tcp" or "/udp" off; without one it is tcp. */
static bool parse_proto(char *word, enum port_proto *ret)
{
	char *slash = strrchr(word, '/');

	*ret = PORT_TCP;
	if (!slash)
		return true;
	*slash = '\0';
	if (str_eq(slash + 1, "udp"))
		*ret = PORT_UDP;
	return *ret == PORT_UDP || str_eq(slash + 1, "tcp");
}

static bool parse_range(const char *text, size_t len, uint16_t *first, uint16_t *count)
{
	char buf[sizeof("65535-65535")];
	unsigned long long low, high;
	char *dash;

	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	dash = strchr(buf, '-');
	if (dash)
		*dash = '\0';
	if (!str_to_u64(buf, UINT16_MAX, &low) || !low)
		return false;
	high = low;
	if (dash && (!str_to_u64(dash + 1, UINT16_MAX, &high) || high < low))
		return false;
	*first = (uint16_t)low;
	*count = (uint16_t)(high - low + 1);
	return true;
}

/* The kernel's own spelling, so that one address is one string. */
static bool parse_address(struct arena *a, int family, const char *text, struct port *ret)
{
	unsigned char raw[sizeof(struct in6_addr)];
	char name[INET6_ADDRSTRLEN];

	if (inet_pton(family, text, raw) != 1 || !inet_ntop(family, raw, name, sizeof(name)))
		return false;
	ret->address = arena_strdup(a, name);
	ret->v6 = family == AF_INET6;
	return true;
}

/* What stands before HOST:CONTAINER. *p moves behind it. NULL, or why not. */
static const char *parse_host(struct arena *a, char **p, struct port *ret)
{
	char *end;

	if (**p == '[') {
		end = strchr(*p, ']');
		if (!end || end[1] != ':')
			return "the address in brackets is not followed by a port";
		*end = '\0';
		if (!parse_address(a, AF_INET6, *p + 1, ret))
			return "what is in brackets is no IPv6 address";
		*p = end + 2;
		return NULL;
	}
	end = strchr(*p, ':');
	if (!end)
		return "only one port: that of the host is missing";
	if (!strchr(end + 1, ':'))
		return NULL;
	if (strchr(strchr(end + 1, ':') + 1, ':'))
		return "too many colons: an IPv6 address stands in brackets";
	*end = '\0';
	if (!parse_address(a, AF_INET, *p, ret))
		return "what is before the first colon is no IPv4 address";
	*p = end + 1;
	return NULL;
}

int port_parse(struct arena *a, const char *word, struct port *ret, struct err *err)
{
	char *rest = arena_strdup(a, word), *colon;
	const char *why;
	uint16_t guests;

	*ret = (struct port){ 0 };
	if (!parse_proto(rest, &ret->proto))
		return refuse(word, "the protocol is neither tcp nor udp", err);
	why = parse_host(a, &rest, ret);
	if (why)
		return refuse(word, why, err);
	colon = strchr(rest, ':');
	if (!colon || !parse_range(rest, (size_t)(colon - rest), &ret->host, &ret->count))
		return refuse(word, "the host's part is no port from 1 to 65535, nor a range", err);
	if (!parse_range(colon + 1, strlen(colon + 1), &ret->guest, &guests))
		return refuse(word, "the container's part is no port from 1 to 65535, nor a range",
			      err);
	if (guests != ret->count)
		return refuse(word, "the two ranges are not of one length", err);
	return 0;
}

/* No address is every one, of IPv4 and IPv6; 0.0.0.0 and :: are those of their own kind. */
static bool same_address(const struct port *a, const struct port *b)
{
	if (!a->address || !b->address)
		return true;
	if (a->v6 != b->v6)
		return false;
	return str_eq(a->address, b->address) || str_eq(a->address, a->v6 ? "::" : "0.0.0.0") ||
	       str_eq(b->address, b->v6 ? "::" : "0.0.0.0");
}

bool port_overlaps_anywhere(const struct port *a, const struct port *b)
{
	return a->proto == b->proto && a->host < (unsigned)b->host + b->count &&
	       b->host < (unsigned)a->host + a->count;
}

bool port_overlaps(const struct port *a, const struct port *b)
{
	return port_overlaps_anywhere(a, b) && same_address(a, b);
}

/* list without its last one is free of overlaps. */
static int check_last(struct arena *a, const struct ports *list, struct err *err)
{
	const struct port *last = &list->v[list->n - 1];

	for (size_t i = 0; i < list->n - 1; i++)
		if (port_overlaps(&list->v[i], last))
			return err_set(err, EINVAL,
				       "port '%s' claims a port of the host that '%s' has",
				       port_word(a, last), port_word(a, &list->v[i]));
	return 0;
}

int ports_parse(struct arena *a, const char *text, struct ports *ret, struct err *err)
{
	VEC(struct port) list = VEC_INIT;
	unsigned total = 0;

	*ret = (struct ports){ 0 };
	if (!text)
		return 0;
	for (const char *p = text, *end;; p = end + 1) {
		int rc;

		end = strchrnul(p, ',');
		if (list.n == PORT_WORDS_MAX)
			return err_set(err, E2BIG, "more than %d published ports or ranges",
				       PORT_WORDS_MAX);
		rc = port_parse(a, arena_strndup(a, p, (size_t)(end - p)), vec_add(a, &list), err);
		if (rc < 0)
			return rc;
		*ret = (struct ports){ list.v, list.n };
		rc = check_last(a, ret, err);
		if (rc < 0)
			return rc;
		total += list.v[list.n - 1].count;
		if (total > PORT_TOTAL_MAX)
			return err_set(err, E2BIG, "more than %d published ports", PORT_TOTAL_MAX);
		if (!*end)
			return 0;
	}
}

const char *port_range_word(struct arena *a, uint16_t first, uint16_t count)
{
	if (count == 1)
		return arena_printf(a, "%u", first);
	return arena_printf(a, "%u-%u", first, first + count - 1U);
}

const char *port_word(struct arena *a, const struct port *p)
{
	const char *address = "";

	if (p->address)
		address = arena_printf(a, p->v6 ? "[%s]:" : "%s:", p->address);
	return arena_printf(a, "%s%s:%s/%s", address, port_range_word(a, p->host, p->count),
			    port_range_word(a, p->guest, p->count), port_proto_name(p->proto));
}

const char *ports_words(struct arena *a, const struct ports *list)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < list->n; i++)
		str_addf(&s, "%s%s", i ? "," : "", port_word(a, &list->v[i]));
	return arena_strdup(a, s.p);
}
