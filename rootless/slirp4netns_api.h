/*
 * slirp4netns_api.h - ports of a running slirp4netns, through its --api-socket (slirp4netns(1),
 * "API SOCKET"). One request is one connection: a JSON object of less than 4096 bytes, the end of
 * our side, the reply, the end of its side. It handles one at a time, and forwards nothing
 * meanwhile; a reply that does not come in time is an error, not a wait for ever.
 *
 * It forwards to IPv4 only, and knows single ports: a range is as many requests. What it says
 * about a failure is seldom the reason ("slirp_add_hostfwd failed"), so a port that it could not
 * bind is tried again here, for the kernel's word.
 *
 * The socket is named by the directory that it is in, because its path may be longer than the 107
 * bytes that a socket address holds.
 */
#ifndef BRYO_SLIRP4NETNS_API_H
#define BRYO_SLIRP4NETNS_API_H

#include "base/err.h"
#include "feature/net/port.h"

struct slirp_api {
	int dirfd;
	const char *name; /* of the socket in it */
};

struct slirp_forward {
	uint32_t id;
	struct port port; /* one port; the address is never NULL */
};

struct slirp_forwards { struct slirp_forward *v; size_t n; };

/* -EOPNOTSUPP for a port that slirp4netns cannot forward: an address of IPv6; UDP on a loopback
 * address, where it drops the answers as bryo starts it. [pure] */
int slirp_port_check(struct arena *a, const struct port *p, struct err *err);
/* All ports of p, or none: what was added before a failure is taken back. [outside] */
int slirp_port_add(const struct slirp_api *api, const struct port *p, struct err *err);
int slirp_port_list(struct arena *a, const struct slirp_api *api, struct slirp_forwards *ret,
		    struct err *err);
/* -ENOENT, and nothing is changed, unless all ports of p are there. */
int slirp_port_remove(struct arena *a, const struct slirp_api *api, const struct port *p, struct err *err);

#endif
