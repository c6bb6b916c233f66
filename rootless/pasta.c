/*
 * pasta.c - the network backend that copies the host's addresses (feature/net/net.h): what the
 * container sends leaves the host as if the caller had sent it. Needs /dev/net/tun and an
 * interface with a default route to copy from.
 *
 * --no-map-gw: the gateway's address would otherwise be the host's loopback, where services listen
 * that trust everybody who reaches them. No ports are taken from the host unless they are
 * published: pasta's default takes all. It gives up its view of the host's files by itself.
 * It tells that it is ready by writing its pid file, here a FIFO. Newer releases leave when the
 * network namespace goes, Debian 12's stays, and asking for the version costs a process: bryo-keeper
 * ends them all.
 */
#include "feature/net/net.h"

#include "base/cleanup.h"
#include "base/vec.h"

#define TIMEOUT_MS 10000

/* Where the container asks for names: link-local, so that it is nobody's on the host's networks. */
#define PASTA_DNS "169.254.1.1"

static int pasta_usable(const struct host *host, const struct net_words *words, struct err *err)
{
	if (host->pasta.state != HELPER_OK)
		return err_hint(err, err_set(err, ENOENT, "pasta is not installed"),
				"install the package passt");
	if (!host->net_tun)
		return net_tun_check(host, "pasta", err);
	if (host->privileged)
		return err_hint(
			err,
			err_set(err, EPERM, "pasta gives up root before it enters the container"),
			"as root use slirp4netns");
	if (!host->net_route4 && !host->net_route6)
		return err_hint(
			err,
			err_set(err, ENETUNREACH,
				"pasta needs an interface with a default route, and there is none"),
			"slirp4netns works without one");
	if (words->ipv6.set && words->ipv6.v && !host->net_route6)
		return err_hint(
			err,
			err_set(err, ENETUNREACH,
				"pasta has IPv6 only where the host has a default route for it"),
			"leave ipv6=true out, or use slirp4netns");
	return 0;
}

static void pasta_plan(struct arena *a, const struct host *host, const struct idmap_plan *ids,
		       struct net_plan *ret)
{
	(void)a;
	(void)ids;
	ret->program = host->pasta.path;
	ret->mtu = ret->mtu ? ret->mtu : 65520;
	ret->sandboxed = true;
	ret->dns = PASTA_DNS;
	ret->socket = host->pesto ? NET_CONTROL : NULL;
}

static void pasta_describe(struct arena *a, const struct net_plan *plan, const struct net_launch *l,
			   struct helper_desc *ret)
{
	const struct strv ports =
		ports_pasta(a, &plan->ports); /* "-t", "none" and so on, if none */
	VEC(const char *) argv = VEC_INIT;

	*vec_add(a, &argv) = "pasta";
	*vec_add(a, &argv) = "--foreground";
	*vec_add(a, &argv) = "--quiet";
	*vec_add(a, &argv) = "--config-net";
	*vec_add(a, &argv) = "--no-map-gw";
	*vec_add(a, &argv) = "--mtu";
	*vec_add(a, &argv) = arena_printf(a, "%u", plan->mtu);
	if (!plan->ipv6)
		*vec_add(a, &argv) = "--ipv4-only";
	*vec_add(a, &argv) = "--dns-forward";
	*vec_add(a, &argv) = plan->dns;
	for (const char *const *side = (const char *const[]){ "-T", "-U", NULL }; *side; side++) {
		*vec_add(a, &argv) = *side;
		*vec_add(a, &argv) = "none";
	}
	for (size_t i = 0; i < ports.n; i++)
		*vec_add(a, &argv) = ports.v[i];
	if (plan->socket) {
		*vec_add(a, &argv) = "--conf-path";
		*vec_add(a, &argv) = plan->socket;
	}
	*vec_add(a, &argv) = "--pid";
	*vec_add(a, &argv) = NET_READY;
	*vec_add(a, &argv) = arena_printf(a, "%d", (int)l->pid);
	*vec_add(a, &argv) = NULL;
	*ret = (struct helper_desc){
		.name = "pasta",
		.path = plan->program,
		.argv = argv.v,
		.keeper = true,
		.ready_fifo = NET_READY,
		.noise =
			"Failed to send ", /* "... to syslog", in every second line where there is none */
		.instead = "--net slirp4netns",
		.timeout_ms = TIMEOUT_MS,
	};
}

const struct net_backend net_pasta = {
	.name = "pasta",
	.once = true,
	.needs_userns = true, /* as root of the namespace it gives up what it would enter with */
	.usable = pasta_usable,
	.plan = pasta_plan,
	.describe = pasta_describe,
};
