/*
 * netlink.h - the few rtnetlink requests that moving an interface needs. A socket belongs to the
 * network namespace in which it was made. [any]
 */
#ifndef BRYO_NETLINK_H
#define BRYO_NETLINK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NETLINK_ADDRESSES 64

struct netlink_address {
	uint8_t family, prefix, scope;
	uint8_t local_len, address_len;
	uint8_t local[16], address[16];
};
struct netlink_addresses { struct netlink_address v[NETLINK_ADDRESSES]; size_t n; };

int netlink_open(struct err *err);
/* Permanent addresses of global scope. */
int netlink_get_addresses(int sock, int index, struct netlink_addresses *ret, struct err *err);
int netlink_add_address(int sock, int index, const struct netlink_address *a, struct err *err);
/* Down, renamed and moved into the namespace ns, in one step. */
int netlink_move(int sock, int index, const char *name, int ns, struct err *err);
int netlink_up(int sock, int index, struct err *err);

#endif
