/*
 * port.h - published ports (oci/port_word.h) and what the network backends are told.
 *
 * Theory of operation. All that can be known from the words alone is decided before any
 * process exists: two words that claim the same port of the host are refused by name, and so is
 * what a backend cannot do (slirp4netns forwards IPv4 only). The backends then differ in when
 * they are told: pasta takes all ports on its command line, in ranges, and binds them before it
 * says that it is ready; slirp4netns takes one request per port through its API socket once it is
 * ready (rootless/slirp4netns_api.h). Either way everything is bound before the container's
 * process starts, and a port that cannot be bound fails the start. While it runs, ports are changed
 * through slirp4netns' socket or, where pasta has pesto beside it, through that
 * (rootless/pasta_control.h).
 *
 * Nobody can reserve a port for another process, so "is it free" can only be asked at the time:
 * ports_try_outside() binds and lets go just before the backend starts, which tells the common
 * mistakes (in use, below 1024, an address that the host does not have) in words of our own. Who
 * takes a port in the moment between gets the backend's words; Debian 12's pasta has none, and
 * goes on without the port, unless it could not bind any.
 */
#ifndef BRYO_PORT_H
#define BRYO_PORT_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "oci/port_word.h"

#include <stdbool.h>

/*
 * Options for pasta's command line, each protocol's at least once, because what is left out it
 * forwards by itself: "-t", "127.0.0.1/8080:80", "-u", "none". NULL-terminated. [pure]
 */
struct strv ports_pasta(struct arena *a, const struct ports *list);
/* One of them, "127.0.0.1/8080:80". [pure] */
const char *port_pasta_word(struct arena *a, const struct port *p);

/* -EACCES for a port that needs a privilege which the caller lacks: start is
 * net.ipv4.ip_unprivileged_port_start. [pure] */
int ports_low(const struct ports *list, unsigned start, struct err *err);
/* Binds each port for a moment in the caller's network namespace; v6: no address means both
 * families. Errors as bind_at(), with the port's word. [outside] */
int ports_try_outside(struct arena *a, const struct ports *list, bool v6, struct err *err);

#endif
