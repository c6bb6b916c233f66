/*
 * doctor_network.c - what the host's network lets an ordinary user's helper do. The sysctls count
 * on the host's side: pasta and slirp4netns open their sockets there, as the caller. Runs in the
 * process that the user started; reads only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"

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
	if (start <= 80 || d->host.privileged) {
		say_ok(d, f, "ports from %lld on can be published",
		       d->host.privileged || start < 1 ? 1LL : (long long)start);
		return;
	}
	say_degraded(
		d, f,
		"only ports from %lld on can be published: net.ipv4.ip_unprivileged_port_start",
		(long long)start);
	say_remedy(d, f, "%s", distro_sysctl(d, "net.ipv4.ip_unprivileged_port_start", "80"));
}

/* "nameserver 127.0.0.53" is on a loopback that a container does not share. */
static void check_resolver(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	size_t all = 0, loopback = 0;

	(void)c;
	for (const char *line = read_text(d, "/etc/resolv.conf"); *line;
	     line = strchrnul(line, '\n'), line += *line == '\n') {
		const char *p = line;

		if (!str_starts(p, "nameserver") || (p[10] != ' ' && p[10] != '\t'))
			continue;
		p += 10 + strspn(p + 10, " \t");
		all++;
		loopback += str_starts(p, "127.") || str_starts(p, "::1");
	}
	if (!all) {
		say_degraded(d, f,
			     "/etc/resolv.conf names no server: containers will find no names");
		say_remedy(d, f, "echo 'nameserver ADDRESS' | %stee -a /etc/resolv.conf", d->sudo);
	} else if (loopback == all) {
		say_ok(d, f,
		       "only on the loopback of the host: containers get their helper's forwarder instead");
	} else {
		say_ok(d, f, "%zu of %zu servers can be reached from containers", all - loopback,
		       all);
	}
}

const struct doctor_check doctor_network_checks[] = {
	{ "network.ping", DOCTOR_NETWORK, false, check_ping, NULL },
	{ "network.low-ports", DOCTOR_NETWORK, false, check_ports, NULL },
	{ "network.resolver", DOCTOR_NETWORK, false, check_resolver, NULL },
	{ 0 },
};
