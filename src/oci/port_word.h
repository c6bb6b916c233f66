/*
 * port_word.h - published ports in words: the values of --publish and of the annotation
 * org.bryo.publish (PUBLISH_ANNOTATION in net_word.h), which is how the option reaches the plan.
 *
 *	[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/tcp|/udp]
 *
 *	8080:80				every address of the host, TCP
 *	127.0.0.1:5353:53/udp		one address
 *	[::1]:8000-8009:9000-9009	IPv6 in brackets; ranges of equal length
 *
 * Words are Podman's and Docker's where these are unambiguous. What they guess is refused here:
 * a container port alone (they pick a random host port), port 0, ranges of different lengths. Two
 * words that claim one port of the host are refused by name. [pure]
 */
#ifndef BRYO_PORT_WORD_H
#define BRYO_PORT_WORD_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
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

/* One word. -EINVAL names the part that is wrong. */
int port_parse(struct arena *a, const char *word, struct port *ret, struct err *err);
/* Words separated by commas, NULL: none. Also bounds and overlaps. */
int ports_parse(struct arena *a, const char *text, struct ports *ret, struct err *err);
/* The canonical word: what port_parse() gives the same struct for. */
const char *port_word(struct arena *a, const struct port *p);
/* Several canonical words, separated by commas; NULL: none. */
const char *ports_words(struct arena *a, const struct ports *list);
/* Both claim a port of the host on one address. */
bool port_overlaps(const struct port *a, const struct port *b);
/* On any addresses. */
bool port_overlaps_anywhere(const struct port *a, const struct port *b);
const char *port_proto_name(enum port_proto proto);
/* "80" or "80-89" */
const char *port_range_word(struct arena *a, uint16_t first, uint16_t count);

#endif
