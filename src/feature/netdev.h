/*
 * netdev.h - linux.netDevices: interfaces of the runtime's network namespace that are moved into
 * the container's (runtime-spec 1.3, "Network Devices").
 *
 * A throw-away child does it, because a netlink socket belongs to the namespace in which it was
 * made: it makes one outside, enters the container's network namespace, makes one there, and then,
 * device by device, reads the permanent global addresses, moves the device under its new name
 * ("eth%d" is numbered by the kernel), puts the addresses back and sets it up. Needs CAP_NET_ADMIN
 * over both namespaces, so it is for root, or for root of the user namespace that owns the
 * runtime's network namespace. When the container ends the kernel gives physical devices back to
 * the initial namespace and destroys virtual ones.
 */
#ifndef BRYO_NETDEV_H
#define BRYO_NETDEV_H

#include "base/err.h"
#include "feature/ns.h"
#include "host/host.h"
#include "oci/spec.h"

#include <sys/types.h>

struct netdev { const char *from, *to; };
struct netdev_plan { struct netdev *v; size_t n; };

int netdev_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns, const struct host *host,
		struct netdev_plan *ret, struct err *err);
/* pidfd: of init. [outside] */
int netdev_outside(const struct netdev_plan *plan, int pidfd, struct err *err);
/* Whether the interfaces are there, for `plan`. */
int netdev_try_outside(const struct netdev_plan *plan, struct err *err);

#endif
