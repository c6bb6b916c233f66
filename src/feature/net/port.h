/*
 * port.h - published ports: the words of --publish and of the annotation org.bryo.publish
 * (PUBLISH_ANNOTATION in oci/net_word.h), and what the network backends are told.
 *
 *	[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/tcp|/udp]
 *
 *	8080:80				every address of the host, TCP
 *	127.0.0.1:5353:53/udp		one address
 *	[::1]:8000-8009:9000-9009	IPv6 in brackets; ranges of equal length
 *
 * Words are Podman's and Docker's where these are unambiguous. What they guess is refused here:
 * a container port alone (they pick a random host port), port 0, ranges of different lengths.
 *
 * Theory of operation. All that can be known from the words alone is decided here, before any
 * process exists: two words that claim the same port of the host are refused by name, and so is
 * what a backend cannot do (slirp4netns forwards IPv4 only). The backends then differ in when
 * they are told: pasta takes all ports on its command line, in ranges, and binds them before it
 * says that it is ready; slirp4netns takes one request per port through its API socket once it is
 * ready (rootless/slirp4netns_api.h). Either way everything is bound before the container's
 * process starts, and a port that cannot be bound fails the start.
 *
 * Nobody can reserve a port for another process, so "is it free" can only be asked at the time:
 * ports_try_outside() binds and lets go just before the backend starts, which tells the common
 * mistakes (in use, below 1024, an address that the host does not have) in words of our own. Who
 * takes a port in the moment between gets the backend's words.
 */
#ifndef BRYO_PORT_H
#define BRYO_PORT_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define PORT_WORDS_MAX	256  /* of one container */
#define PORT_TOTAL_MAX	4096 /* single ports: each is a descriptor of the backend */

enum port_proto { PORT_TCP, PORT_UDP };

struct port {
	enum port_proto proto;
	const char *address;  /* of the host, canonical, without brackets; NULL: every one */
	bool v6;	      /* address is of IPv6 */
	uint16_t host, guest; /* the first of each range */
	uint16_t count;	      /* at least 1 */
};

struct ports { struct port *v; size_t n; };

/* One word. -EINVAL names the part that is wrong. [pure] */
int port_parse(struct arena *a, const char *word, struct port *ret, struct err *err);
/* Words separated by commas, NULL or "": none. Also bounds and overlaps. [pure] */
int ports_parse(struct arena *a, const char *text, struct ports *ret, struct err *err);
/* The canonical word: what port_parse() gives the same struct for. [pure] */
const char *port_word(struct arena *a, const struct port *p);
/* Several canonical words, separated by commas; NULL: none. [pure] */
const char *ports_words(struct arena *a, const struct ports *list);
/* Both claim a port of the host on one address. [pure] */
bool port_overlaps(const struct port *a, const struct port *b);
const char *port_proto_name(enum port_proto proto);

/*
 * Options for pasta's command line, each protocol's at least once, because what is left out it
 * forwards by itself: "-t", "127.0.0.1/8080:80", "-u", "none". NULL-terminated. [pure]
 */
struct strv ports_pasta(struct arena *a, const struct ports *list);

/* -EACCES for a port that needs a privilege which the caller lacks: start is
 * net.ipv4.ip_unprivileged_port_start. [pure] */
int ports_low(const struct ports *list, unsigned start, struct err *err);
/* Binds each port for a moment in the caller's network namespace; v6: no address means both
 * families. Errors as bind_at(), with the port's word. [outside] */
int ports_try_outside(struct arena *a, const struct ports *list, bool v6, struct err *err);

#endif
