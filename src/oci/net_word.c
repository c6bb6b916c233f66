/*
 * net_word.c - the words for networks (net_word.h). Runs in the runtime and in the command line,
 * before the plan. Whether this host can do it is not known here. [pure]
 */
#include "net_word.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <string.h>

#define MTU_MIN	     68u    /* RFC 791 */
#define MTU_MIN_IPV6 1280u  /* RFC 8200 */
#define MTU_MAX	     65520u /* both helpers' */

static const struct {
	const char *name;
	enum net_kind kind;
} words[] = {
	{ "none", NET_NONE },
	{ "host", NET_HOST },
	{ "auto", NET_AUTO },
	{ "pasta", NET_PASTA },
	{ "slirp4netns", NET_SLIRP4NETNS },
	{ "join", NET_JOIN },
};

static bool has_options(enum net_kind kind)
{
	return kind == NET_AUTO || kind == NET_PASTA || kind == NET_SLIRP4NETNS;
}

static int parse_mtu(const char *text, struct net_words *ret, struct err *err)
{
	unsigned long long n;

	if (!str_to_u64(text, MTU_MAX, &n) || n < MTU_MIN)
		return err_set(err, EINVAL, "mtu=%.40s: wants a number from %u to %u", text,
			       MTU_MIN, MTU_MAX);
	ret->mtu = (uint32_t)n;
	return 0;
}

static int parse_option(const char *part, struct net_words *ret, struct err *err)
{
	if (str_starts(part, "mtu="))
		return parse_mtu(part + 4, ret, err);
	if (str_eq(part, "ipv6=true") || str_eq(part, "ipv6=false")) {
		ret->ipv6.set = true;
		ret->ipv6.v = part[5] == 't';
		return 0;
	}
	return err_hint(err, err_set(err, EINVAL, "unknown option '%.60s'", part),
			"mtu=N and ipv6=true|false are known, with commas between them");
}

static int parse_options(struct arena *a, const char *text, struct net_words *ret, struct err *err)
{
	for (const char *p = text, *end;; p = end + 1) {
		int rc;

		end = strchrnul(p, ',');
		rc = parse_option(arena_strndup(a, p, (size_t)(end - p)), ret, err);
		if (rc < 0)
			return rc;
		if (!*end)
			break;
	}
	if (ret->mtu && ret->mtu < MTU_MIN_IPV6 && ret->ipv6.set && ret->ipv6.v)
		return err_set(err, EINVAL, "mtu=%u is too small for IPv6, which needs %u",
			       ret->mtu, MTU_MIN_IPV6);
	return 0;
}

static int parse(struct arena *a, const char *text, struct net_words *ret, struct err *err)
{
	const char *colon = strchrnul(text, ':');
	size_t len = (size_t)(colon - text);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].name) == len && memcmp(words[i].name, text, len) == 0)
			ret->kind = words[i].kind;
	if (ret->kind == NET_NOT_SAID)
		return err_hint(err, err_set(err, EINVAL, "there is no such network"),
				"none, host, auto, pasta, slirp4netns or join:ID");
	if (ret->kind == NET_JOIN) {
		ret->join = *colon ? arena_strdup(a, colon + 1) : "";
		return *ret->join ? 0
				  : err_hint(err, err_set(err, EINVAL, "'join' names no container"),
					     "join:ID shares the network of container ID");
	}
	if (!*colon)
		return 0;
	if (!has_options(ret->kind))
		return err_set(err, EINVAL, "'%.20s' has no options", net_kind_name(ret->kind));
	return parse_options(a, colon + 1, ret, err);
}

const char *net_kind_name(enum net_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].kind == kind)
			return words[i].name;
	return NULL;
}

int net_words_parse(struct arena *a, const char *text, struct net_words *ret, struct err *err)
{
	int rc;

	*ret = (struct net_words){ .kind = NET_NOT_SAID };
	rc = text ? parse(a, text, ret, err) : 0;
	return rc < 0 ? err_in(err, rc, "network '%.120s'", text) : 0;
}

int net_words_of(struct arena *a, const struct spec *spec, struct net_words *ret, struct err *err)
{
	int rc = net_words_parse(a, spec_annotation(spec, NET_ANNOTATION), ret, err);

	if (rc == 0 && ret->kind == NET_NOT_SAID && spec_annotation(spec, PUBLISH_ANNOTATION))
		ret->kind = NET_AUTO;
	return rc;
}
