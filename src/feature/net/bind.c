/*
 * bind.c - binds a port of the host (bind.h). Runs in the runtime, before anything is started.
 */
#include "bind.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define START "/proc/sys/net/ipv4/ip_unprivileged_port_start"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

unsigned bind_unprivileged_start(void)
{
	auto_free char *text = NULL;
	unsigned long long start;
	const char *p;

	if (file_read_at(AT_FDCWD, START, 64, &text, NULL, NULL) < 0)
		return 1024;
	p = text;
	return str_next_u64(&p, UINT16_MAX + 1, &start) ? (unsigned)start : 1024;
}

static socklen_t fill(const struct bind_at *at, int family, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		ret->v6.sin6_port = htons(at->port);
		if (at->address && inet_pton(AF_INET6, at->address, &ret->v6.sin6_addr) != 1)
			return 0;
		return sizeof(ret->v6);
	}
	ret->v4.sin_port = htons(at->port);
	if (at->address && inet_pton(AF_INET, at->address, &ret->v4.sin_addr) != 1)
		return 0;
	return sizeof(ret->v4);
}

static int explain(const struct bind_at *at, int family, int num, struct err *err)
{
	const char *proto = at->udp ? "udp" : "tcp";
	const char *address = at->address ? at->address : "";
	int rc;

	errno = num;
	rc = err_sys(err, family == AF_INET6 && *address ? "bind [%s]:%u/%s" : "bind %s:%u/%s",
		     address, at->port, proto);
	if (num == EADDRINUSE)
		return err_hint(err, rc,
				"another program has the port: ss -%slnp sport = :%u shows it",
				at->udp ? "u" : "t", at->port);
	if (num == EADDRNOTAVAIL)
		return err_hint(err, rc, "the host has no such address: see ip address");
	if (num == EAFNOSUPPORT)
		return err_hint(err, rc, "this kernel has no IPv6");
	if (num != EACCES)
		return rc;
	return err_hint(err, rc,
			"ports below %u are for root (net.ipv4.ip_unprivileged_port_start): take "
			"another, or have root run sysctl -w "
			"net.ipv4.ip_unprivileged_port_start=%u",
			bind_unprivileged_start(), at->port);
}

/* Negative: minus the errno, and nothing was said yet. */
static int try_family(const struct bind_at *at, int family)
{
	const int type = at->udp ? SOCK_DGRAM : SOCK_STREAM;
	const int on = 1, only = at->address ? 1 : 0;
	union address address;
	socklen_t len = fill(at, family, &address);
	auto_fd int sock = len ? socket(family, type | SOCK_CLOEXEC, 0) : -1;

	if (!len)
		return -EINVAL;
	if (sock < 0)
		return -errno;
	if (family == AF_INET6)
		(void)setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (!at->udp)
		(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, &address.any, len) < 0)
		return -errno;
	return take_fd(&sock);
}

int bind_at(const struct bind_at *at, struct err *err)
{
	int family = !at->address || strchr(at->address, ':') ? AF_INET6 : AF_INET;
	int rc = try_family(at, family);

	/* booted with ipv6.disable=1, or net.ipv6.conf.all.disable_ipv6 */
	if (!at->address && (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)) {
		family = AF_INET;
		rc = try_family(at, family);
	}
	return rc < 0 ? explain(at, family, -rc, err) : rc;
}
