/*
 * net_word.h - what the network of a container shall be, in a word: the value of --net and of the
 * annotation org.bryo.network, which is how the option reaches the plan.
 *
 *	none			a network namespace of its own, with the loopback device alone
 *	host			the runtime's network namespace
 *	auto			a network: pasta, else slirp4netns, whichever this host can
 *	slirp4netns, pasta	through that program
 *	join:ID			the network namespace of container ID
 *
 * What goes through a program takes options: BACKEND:mtu=N,ipv6=true|false. No word at all: as
 * linux.namespaces says. Published ports (org.bryo.publish) without a word mean auto. [pure]
 */
#ifndef BRYO_NET_WORD_H
#define BRYO_NET_WORD_H

#include "base/err.h"
#include "oci/spec.h"

#define NET_ANNOTATION	   "org.bryo.network"
#define PUBLISH_ANNOTATION "org.bryo.publish"

enum net_kind { NET_NOT_SAID, NET_NONE, NET_HOST, NET_AUTO, NET_PASTA, NET_SLIRP4NETNS, NET_JOIN };

struct net_words {
	enum net_kind kind;
	const char *join;	/* ID of NET_JOIN */
	uint32_t mtu;		/* 0: not said */
	struct opt_bool ipv6;
};

/* text NULL: nothing was said. -EINVAL names the part that is wrong. */
int net_words_parse(struct arena *a, const char *text, struct net_words *ret, struct err *err);
/* The annotation's, or what published ports mean without one. */
int net_words_of(struct arena *a, const struct spec *spec, struct net_words *ret, struct err *err);
const char *net_kind_name(enum net_kind kind); /* "pasta"; NULL for NET_NOT_SAID */

#endif
