/*
 * port.c - what becomes of published ports (port.h). Runs in the runtime and, for `bryo port`, in the
 * command's process. [pure] but for ports_try_outside().
 */
#include "port.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "feature/net/bind.h"

const char *port_pasta_word(struct arena *a, const struct port *p)
{
	return arena_printf(a, "%s%s%s:%s", p->address ? p->address : "", p->address ? "/" : "",
			    port_range_word(a, p->host, p->count),
			    port_range_word(a, p->guest, p->count));
}

struct strv ports_pasta(struct arena *a, const struct ports *list)
{
	static const char *const options[] = { [PORT_TCP] = "-t", [PORT_UDP] = "-u" };
	VEC(const char *) v = VEC_INIT;

	for (enum port_proto proto = PORT_TCP; proto <= PORT_UDP; proto++) {
		bool any = false;

		for (size_t i = 0; i < list->n; i++) {
			if (list->v[i].proto != proto)
				continue;
			any = true;
			*vec_add(a, &v) = options[proto];
			*vec_add(a, &v) = port_pasta_word(a, &list->v[i]);
		}
		if (!any) {
			*vec_add(a, &v) = options[proto];
			*vec_add(a, &v) = "none";
		}
	}
	*vec_add(a, &v) = NULL;
	return (struct strv){ v.v, v.n - 1 };
}

int ports_low(const struct ports *list, unsigned start, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		int rc;

		if (list->v[i].host >= start)
			continue;
		rc = err_set(err, EACCES, "port %u/%s of the host: ports below %u are for root",
			     list->v[i].host, port_proto_name(list->v[i].proto), start);
		return err_hint(
			err, rc,
			"publish a port from %u on, or have root lower the limit: sysctl -w "
			"net.ipv4.ip_unprivileged_port_start=%u",
			start, list->v[i].host);
	}
	return 0;
}

int ports_try_outside(struct arena *a, const struct ports *list, bool v6, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port *p = &list->v[i];
		struct bind_at at = {
			.udp = p->proto == PORT_UDP,
			.address = p->address || v6 ? p->address : "0.0.0.0",
		};

		for (unsigned n = 0; n < p->count; n++) {
			at.port = (uint16_t)(p->host + n);
			auto_fd int sock = bind_at(&at, err);

			if (sock < 0)
				return err_in(err, sock, "publish %s", port_word(a, p));
		}
	}
	return 0;
}
