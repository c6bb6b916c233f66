/*
 * probe_net.c - what can give a container a network: the helper programs, the device that they
 * need, default routes, and who resolves names. Runs in the runtime, reads only, starts nothing:
 * asking a program for its version would cost a run more than everything here.
 */
#include "probe.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>

#define ROUTES_MAX (1u << 20)
#define RESOLV_MAX (64u << 10)

static void find(struct arena *a, const char *name, struct helper *ret)
{
	auto_free char *path = NULL;

	if (child_find(name, NULL, &path, NULL) < 0) {
		ret->state = HELPER_MISSING;
		return;
	}
	ret->state = HELPER_OK;
	ret->path = arena_strdup(a, path);
}

/* Which came with pasta 2026_05_07, together with the socket that it speaks to. */
static const char *find_pesto(struct arena *a, const char *pasta)
{
	const char *path = arena_printf(a, "%.*s/pesto", (int)(strrchr(pasta, '/') - pasta), pasta);

	return access(path, X_OK) == 0 ? path : NULL;
}

/* Skips n fields and the blanks before each. */
static const char *field(const char *p, int n)
{
	for (; n; n--) {
		p += strspn(p, " \t");
		p += strcspn(p, " \t\n");
	}
	return p + strspn(p, " \t");
}

/* /proc/net/route: Iface Destination Gateway Flags ... Mask; a default route has mask 0. */
static bool has_route4(void)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, "/proc/net/route", ROUTES_MAX, &text, NULL, NULL) < 0)
		return false;
	for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
		if (strncmp(field(line + 1, 1), "00000000", 8) == 0 &&
		    strncmp(field(line + 1, 7), "00000000", 8) == 0)
			return true;
	return false;
}

/* /proc/net/ipv6_route: destination, its length, ..., interface. The kernel's own unreachable
 * default is on lo. */
static bool has_route6(void)
{
	static const char any[] = "00000000000000000000000000000000 00 ";
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, "/proc/net/ipv6_route", ROUTES_MAX, &text, NULL, NULL) < 0)
		return false;
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (strncmp(line, any, sizeof(any) - 1) == 0 &&
		    strncmp(field(line, 9), "lo", 2) != 0)
			return true;
		if (!*end)
			break;
	}
	return false;
}

#define PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"

/* Whether a capability counts in this network namespace is seen only when a port is bound. */
static uint32_t port_start(void)
{
	auto_free char *text = NULL;
	unsigned long long start;
	const char *p;

	if (probe_cap(CAP_NET_BIND_SERVICE) ||
	    file_read_at(AT_FDCWD, PORT_START, 64, &text, NULL, NULL) < 0)
		return 0;
	p = text;
	return str_next_u64(&p, UINT16_MAX + 1, &start) ? (uint32_t)start : 0;
}

void probe_net(struct host *h)
{
	auto_free char *resolv = NULL;

	find(h->arena, "pasta", &h->pasta);
	find(h->arena, "slirp4netns", &h->slirp4netns);
	if (h->pasta.path && h->pasta.path[0] == '/')
		h->pesto = find_pesto(h->arena, h->pasta.path);
	h->net_tun = access("/dev/net/tun", R_OK | W_OK) == 0;
	h->net_route4 = has_route4();
	h->net_route6 = has_route6();
	h->port_start = port_start();
	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &resolv, NULL, NULL) == 0)
		h->net_resolv = arena_strdup(h->arena, resolv);
}
