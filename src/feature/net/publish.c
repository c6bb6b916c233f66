/*
 * publish.c - published ports and the backend that was picked for the network (net.h): what can be
 * refused before anything is started. What the words mean is in port.c. Runs in the runtime.
 */
#include "net.h"

#include "base/cleanup.h"

static int refuse_kind(const struct net_plan *plan, struct err *err)
{
	int rc = err_set(err, EINVAL, "ports cannot be published with the network '%s'",
			 net_kind_name(plan->kind));

	if (plan->kind == NET_HOST)
		return err_hint(err, rc, "the container's ports are the host's already");
	if (plan->kind == NET_JOIN)
		return err_hint(err, rc, "publish them with the container whose network it is");
	return err_hint(err, rc,
			"take --net auto, or --listen for a program that takes LISTEN_FDS");
}

static int check(struct arena *a, const struct net_plan *plan, const struct port *p,
		 struct err *err)
{
	int rc = plan->backend->check_port ? plan->backend->check_port(a, p, err) : 0;

	if (rc < 0 || !p->v6 || plan->ipv6)
		return rc;
	rc = err_set(err, EOPNOTSUPP, "port '%s': the container's network has no IPv6",
		     port_word(a, p));
	return err_hint(err, rc,
			"pasta has it where the host has a default route for it, or with "
			"--net pasta:ipv6=true");
}

/* Without pesto, pasta has one table for all addresses. */
static int check_once(struct arena *a, const struct net_plan *plan, struct err *err)
{
	const struct ports *list = &plan->ports;

	if (!plan->backend->once || plan->socket)
		return 0;
	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct port *p = &list->v[i], *q = &list->v[k];
			int rc;

			if (!port_overlaps_anywhere(p, q))
				continue;
			rc = err_set(err, EOPNOTSUPP,
				     "port '%s': %s has a port of the host once, and '%s' has it",
				     port_word(a, p), plan->backend->name, port_word(a, q));
			return err_hint(
				err, rc,
				"publish it without an address, which is on all of them, or "
				"another one; slirp4netns can, on IPv4");
		}
	return 0;
}

int net_publish_plan(struct arena *a, const struct spec *spec, const struct host *host,
		     struct net_plan *ret, struct err *err)
{
	struct ports *list = &ret->ports;
	int rc = ports_parse(a, spec_annotation(spec, PUBLISH_ANNOTATION), list, err);

	if (rc == 0 && list->n && !ret->backend)
		return refuse_kind(ret, err);
	for (size_t i = 0; rc == 0 && i < list->n; i++)
		rc = check(a, ret, &list->v[i], err);
	if (rc == 0 && list->n)
		rc = check_once(a, ret, err);
	if (rc == 0)
		rc = ports_low(list, host->port_start, err);
	return rc < 0 ? err_in(err, rc, "--publish (annotation " PUBLISH_ANNOTATION ")") : 0;
}

int net_publish_try(struct arena *a, const struct net_plan *plan, struct err *err)
{
	return ports_try_outside(a, &plan->ports, plan->kind == NET_PASTA && plan->ipv6, err);
}

void net_publish_dump_text(const struct net_plan *plan, struct str *s)
{
	auto_arena struct arena a = ARENA_INIT;

	for (size_t i = 0; i < plan->ports.n; i++)
		str_addf(s, "  publish      %s\n", port_word(&a, &plan->ports.v[i]));
}

void net_publish_dump_json(const struct net_plan *plan, struct json_out *o)
{
	auto_arena struct arena a = ARENA_INIT;

	if (!plan->ports.n)
		return;
	json_out_array(o, "publish");
	for (size_t i = 0; i < plan->ports.n; i++)
		json_out_str(o, NULL, port_word(&a, &plan->ports.v[i]));
	json_out_end(o, ']');
}
