/*
 * slirp4netns.c - the network backend that brings a network of its own (feature/net/net.h): the
 * container is 10.0.2.100 behind a router, 10.0.2.2, and a forwarder for names, 10.0.2.3. Asks
 * nothing of the host but /dev/net/tun.
 *
 * --disable-host-loopback: 10.0.2.2 would otherwise be the host's 127.0.0.1, where services listen
 * that trust everybody who reaches them. --enable-sandbox moves it into an empty root, for which
 * it becomes ID 0 of the container's user namespace: where that is a subordinate ID, or nobody, its
 * socket would not be the caller's, and it is left out. So it is where the container sees the host's
 * processes, because its root may trace what is in its user namespace. As ID 0 it stays in the
 * user namespace that it was started in, whose root must then have the right to make mounts: that of
 * an engine's container has not.
 */
#include "feature/net/net.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "rootless/slirp4netns_api.h"

#define TIMEOUT_MS 10000

static int slirp_usable(const struct host *host, const struct net_words *words, struct err *err)
{
	(void)words;
	if (host->slirp4netns.state != HELPER_OK)
		return err_hint(err, err_set(err, ENOENT, "slirp4netns is not installed"),
				"install the package slirp4netns");
	return net_tun_check(host, "slirp4netns", err);
}

/* ID 0 of the container is the caller: only then what it makes is still ours. */
static bool root_is_us(const struct host *host, const struct idmap_plan *ids)
{
	uint32_t uid, gid;

	return ids->known && id_to_outside(&ids->uid, 0, &uid) &&
	       id_to_outside(&ids->gid, 0, &gid) && uid == host->uid && gid == host->gid;
}

static void slirp_plan(struct arena *a, const struct host *host, const struct idmap_plan *ids,
		       struct net_plan *ret)
{
	(void)a;
	ret->program = host->slirp4netns.path;
	ret->mtu = ret->mtu ? ret->mtu : 65520;
	ret->address = "10.0.2.100/24";
	ret->gateway = "10.0.2.2";
	ret->dns = "10.0.2.3";
	ret->socket = NET_SOCKET;
	ret->sandboxed = root_is_us(host, ids) && (host->uid != 0 || host->has_sys_admin);
}

static void slirp_describe(struct arena *a, const struct net_plan *plan, const struct net_launch *l,
			   struct helper_desc *ret)
{
	VEC(const char *) argv = VEC_INIT;

	*vec_add(a, &argv) = "slirp4netns";
	*vec_add(a, &argv) = "--configure";
	*vec_add(a, &argv) = arena_printf(a, "--mtu=%u", plan->mtu);
	*vec_add(a, &argv) = "--disable-host-loopback";
	*vec_add(a, &argv) = "--enable-seccomp";
	if (plan->sandboxed)
		*vec_add(a, &argv) = "--enable-sandbox";
	if (plan->ipv6)
		*vec_add(a, &argv) = "--enable-ipv6";
	*vec_add(a, &argv) = arena_printf(a, "--ready-fd=%d", HELPER_FD_READY);
	*vec_add(a, &argv) = "--api-socket=" NET_SOCKET;
	*vec_add(a, &argv) = arena_printf(a, "%d", (int)l->pid);
	*vec_add(a, &argv) = "tap0";
	*vec_add(a, &argv) = NULL;
	*ret = (struct helper_desc){
		.name = "slirp4netns",
		.path = plan->program,
		.argv = argv.v,
		.keeper = true,
		.noise = "WARNING: Support for seccomp is experimental",
		.instead = "--net pasta",
		.timeout_ms = TIMEOUT_MS,
	};
}

static int slirp_publish(const struct net_plan *plan, int statefd, struct err *err)
{
	const struct slirp_api api = { .dirfd = statefd, .name = NET_SOCKET };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < plan->ports.n; i++)
		rc = slirp_port_add(&api, &plan->ports.v[i], err);
	return rc;
}

const struct net_backend net_slirp4netns = {
	.name = "slirp4netns",
	.sandbox_inside = true,
	.check_port = slirp_port_check,
	.publish = slirp_publish,
	.usable = slirp_usable,
	.plan = slirp_plan,
	.describe = slirp_describe,
};
