/*
 * bind.h - a port of the host, bound, or the reason in words that help: in use, below the limit
 * for unprivileged users, an address that the host does not have. For --listen, which keeps the
 * socket, and for --publish, which tries what the network helper is going to bind.
 */
#ifndef BRYO_BIND_H
#define BRYO_BIND_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct bind_at {
	bool udp;
	const char *address; /* of either family, without brackets; NULL: every one */
	uint16_t port;
};

/*
 * A bound socket, close-on-exec, in the calling process's network namespace. Without an address
 * it takes IPv4 and IPv6 both, where the kernel has both. A TCP port is free although connections
 * of an earlier server are still being forgotten (SO_REUSEADDR); for UDP that option would let
 * two servers share a port, so it is not set. [outside]
 */
int bind_at(const struct bind_at *at, struct err *err);
/* net.ipv4.ip_unprivileged_port_start of this network namespace; 1024 where it cannot be read. */
unsigned bind_unprivileged_start(void);

#endif
