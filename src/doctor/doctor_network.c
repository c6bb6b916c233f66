/*
 * doctor_network.c - what the host's network lets an ordinary user's helper do. The sysctls count
 * on the host's side: pasta and slirp4netns open their sockets there, as the caller. Runs in the
 * process that the user started; reads only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "feature/net/net.h"

#include <string.h>

static bool in_range(const struct doctor *d, uint64_t first, uint64_t last)
{
	bool found = d->host.gid >= first && d->host.gid <= last;

	for (size_t i = 0; i < d->host.groups.n; i++)
		found = found || (d->host.groups.v[i] >= first && d->host.groups.v[i] <= last);
	return found;
}

static void check_ping(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *text = read_text(d, "/proc/sys/net/ipv4/ping_group_range");
	unsigned long long first, last;

	(void)c;
	while (*text == ' ' || *text == '\t')
		text++;
	if (d->host.privileged) {
		say_ok(d, f, "root may always");
		return;
	}
	if (!str_next_u64(&text, UINT32_MAX, &first) || (text += strspn(text, " \t"), false) ||
	    !str_next_u64(&text, UINT32_MAX, &last)) {
		say_ok(d, f, "not looked for: there is no net.ipv4.ping_group_range here");
		return;
	}
	if (in_range(d, first, last)) {
		say_ok(d, f, "net.ipv4.ping_group_range has your group");
		return;
	}
	say_degraded(
		d, f,
		"net.ipv4.ping_group_range is %llu to %llu, without your group %u: no ping in containers",
		first, last, d->host.gid);
	say_remedy(d, f, "%s", distro_sysctl(d, "net.ipv4.ping_group_range", "0 2147483647"));
}

static void check_ports(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	int64_t start = read_number(d, "/proc/sys/net/ipv4/ip_unprivileged_port_start");

	(void)c;
	if (d->host.privileged) {
		say_ok(d, f, "root may publish every port");
		return;
	}
	if (start < 0) {
		say_ok(d, f,
		       "not looked for: there is no net.ipv4.ip_unprivileged_port_start here");
		return;
	}
	if (start <= 80) {
		say_ok(d, f, "ports from %lld on can be published", start ? (long long)start : 1LL);
		return;
	}
	say_degraded(
		d, f,
		"only ports from %lld on can be published: net.ipv4.ip_unprivileged_port_start",
		(long long)start);
	say_remedy(d, f, "%s", distro_sysctl(d, "net.ipv4.ip_unprivileged_port_start", "80"));
}

/* What a container would be given is asked of what gives it. */
static void check_resolver(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *given;

	(void)c;
	host_need_net_tools(&d->host);
	given = net_resolv_text(d->a, d->host.net_resolv, NULL);
	if (given) {
		say_ok(d, f, "/etc/resolv.conf names servers that containers can reach");
	} else if (d->host.net_resolv && strstr(d->host.net_resolv, "nameserver")) {
		say_ok(d, f,
		       "only on the host's loopback: containers get the address of pasta or slirp4netns instead");
	} else {
		say_degraded(d, f,
			     "/etc/resolv.conf names no server: containers will find no names");
		say_remedy(d, f, "echo 'nameserver ADDRESS' | %stee -a /etc/resolv.conf", d->sudo);
	}
}

/* pasta copies the interface that has it. */
static void check_route(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	host_need_net_tools(&d->host);
	if (d->host.net_route4 || d->host.net_route6) {
		say_ok(d, f, "a default route for%s%s", d->host.net_route4 ? " IPv4" : "",
		       d->host.net_route6 ? " IPv6" : "");
		return;
	}
	say_degraded(
		d, f,
		"no default route: containers reach nothing outside, and older releases of pasta do not start");
	say_remedy(d, f, "%sip route add default via GATEWAY, or --net slirp4netns", d->sudo);
}

const struct doctor_check doctor_network_checks[] = {
	{ "network.ping", DOCTOR_NETWORK, false, check_ping, NULL },
	{ "network.low-ports", DOCTOR_NETWORK, false, check_ports, NULL },
	{ "network.resolver", DOCTOR_NETWORK, true, check_resolver, NULL },
	{ "network.route", DOCTOR_NETWORK, true, check_route, NULL },
	{ 0 },
};
