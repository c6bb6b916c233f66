/* Words of --net (oci/net_word.h), resolv.conf, maps of a nested namespace (feature/net). */
#include "feature/net/net.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "tap.h"

static const struct {
	const char *text;
	int rc;
	enum net_kind kind;
	uint32_t mtu;
	struct opt_bool ipv6;
} words[] = {
	{ NULL, 0, NET_NOT_SAID, 0, { 0 } },
	{ "none", 0, NET_NONE, 0, { 0 } },
	{ "host", 0, NET_HOST, 0, { 0 } },
	{ "auto", 0, NET_AUTO, 0, { 0 } },
	{ "join:web", 0, NET_JOIN, 0, { 0 } },
	{ "pasta", 0, NET_PASTA, 0, { 0 } },
	{ "slirp4netns:mtu=68", 0, NET_SLIRP4NETNS, 68, { 0 } },
	{ "auto:mtu=65520,ipv6=true", 0, NET_AUTO, 65520, { true, true } },
	{ "pasta:ipv6=false,mtu=1279", 0, NET_PASTA, 1279, { true, false } },
	{ "", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "Pasta", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "past", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "join", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "join:", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "none:mtu=1500", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "host:", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:mtu=1500,", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:mtu=67", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:mtu=65521", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:mtu=1500x", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:ipv6=yes", -EINVAL, NET_NOT_SAID, 0, { 0 } },
	{ "pasta:ipv6=true,mtu=1279", -EINVAL, NET_NOT_SAID, 0, { 0 } },
};

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		struct net_words w;
		int rc = net_words_parse(&a, words[i].text, &w, &err);

		ok(rc == words[i].rc &&
			   (rc < 0 ||
			    (w.kind == words[i].kind && w.mtu == words[i].mtu &&
			     w.ipv6.set == words[i].ipv6.set && w.ipv6.v == words[i].ipv6.v)),
		   "network '%s'", words[i].text ? words[i].text : "(none)");
		if (rc == 0 && w.kind == NET_JOIN)
			ok_str(w.join, "web", "the container to join");
	}
}

static const struct {
	const char *what, *host, *dns, *want;
} resolv[] = {
	{ "a forwarder replaces the servers, the rest stays",
	  "# made by somebody\nnameserver 127.0.0.53\nsearch a.test b.test\noptions edns0 trust-ad\n",
	  "10.0.2.3", "nameserver 10.0.2.3\nsearch a.test b.test\noptions edns0 trust-ad\n" },
	{ "no file", NULL, "10.0.2.3", "nameserver 10.0.2.3\n" },
	{ "no newline at the end", "domain a.test", "10.0.2.3",
	  "nameserver 10.0.2.3\ndomain a.test\n" },
	{ "tabs, and words that only begin so", "search\ta.test\nsearches b\nnameservers 1.2.3.4\n",
	  "10.0.2.3", "nameserver 10.0.2.3\nsearch\ta.test\n" },
	{ "without a forwarder loopback goes",
	  "nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.1\nnameserver\t192.0.2.2\n",
	  NULL, "nameserver 192.0.2.1\nnameserver\t192.0.2.2\n" },
	{ "nothing is left", "nameserver 127.0.0.53\nsearch a.test\n", NULL, NULL },
};

static void test_resolv(void)
{
	for (size_t i = 0; i < ARRAY_LEN(resolv); i++) {
		auto_arena struct arena a = ARENA_INIT;

		ok_str(net_resolv_text(&a, resolv[i].host, resolv[i].dns), resolv[i].want,
		       resolv[i].what);
	}
}

#define MAP(...)                                                         \
	{                                                                \
		(struct id_extent[]){ __VA_ARGS__ },                     \
			ARRAY_LEN(((struct id_extent[]){ __VA_ARGS__ })) \
	}

static const struct {
	const char *what;
	struct id_extents want, target;
	bool strict;
	int rc;
	const char *nested; /* "inside outside count ..." */
} maps[] = {
	{ "the same map", MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }),
	  MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }), true, 0, "0 0 1, 1 1 65536, " },
	{ "the caller is another one there", MAP({ 0, 1000, 1 }),
	  MAP({ 0, 100000, 1000 }, { 1000, 1000, 1 }), true, 0, "0 1000 1, " },
	{ "a line that two lines of the target have", MAP({ 0, 100, 10 }),
	  MAP({ 5, 100, 4 }, { 50, 104, 100 }), true, 0, "0 5 4, 4 50 6, " },
	{ "what is not there is left out", MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }),
	  MAP({ 7, 1000, 1 }), false, 0, "0 7 1, " },
	{ "or refused", MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }), MAP({ 7, 1000, 1 }), true,
	  -EINVAL, "" },
	{ "a gap in the middle", MAP({ 0, 100, 10 }), MAP({ 0, 100, 2 }, { 9, 108, 9 }), false, 0,
	  "0 0 2, 8 9 2, " },
	{ "nothing at all", MAP({ 0, 100, 10 }), MAP({ 0, 5000, 2 }), false, -EINVAL, "" },
};

static void test_nested(void)
{
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_str struct str got = STR_INIT;
		struct notes notes = { .arena = &a };
		struct err err = ERR_INIT;
		struct net_target t = { .id = "web", .uid = maps[i].target, .gid = maps[i].target };
		struct idmap_plan ids = { .uid = maps[i].want, .gid = maps[i].want };
		int rc = net_join_ids(&a, &t, maps[i].strict, &notes, &ids, &err);

		for (size_t k = 0; rc == 0 && k < ids.nested_uid.n; k++)
			str_addf(&got, "%u %u %u, ", ids.nested_uid.v[k].inside,
				 ids.nested_uid.v[k].outside, ids.nested_uid.v[k].count);
		ok(rc == maps[i].rc && strcmp(got.p ? got.p : "", maps[i].nested) == 0,
		   "nested: %s (%s)", maps[i].what, got.p ? got.p : "");
	}
}

int main(void)
{
	test_words();
	test_resolv();
	test_nested();
	return done();
}
