/*
 * ports.c - bryo_port_add(), bryo_port_list(), bryo_port_remove(): published ports of a running
 * container. Runs in the calling process; what is asked is the network helper, which knows what is
 * published now. pasta cannot be asked (see port.h), but takes no changes either: what it was told
 * at the start is in the record.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "feature/net/bind.h"
#include "feature/net/net.h"
#include "rootless/slirp4netns_api.h"

#include <string.h>

_Static_assert(sizeof(((struct bryo_port *)NULL)->address) >
		       sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	       "the longest address fits");

/* Why the ports of this container cannot be changed, with who could. */
static int refuse(const struct record *r, struct err *err)
{
	const char *backend = r->net_backend ? r->net_backend : "";
	int rc;

	if (str_eq(backend, "pasta")) {
		rc = err_set(err, EOPNOTSUPP,
			     "container '%s': pasta takes ports when it is started, not later",
			     r->id);
		return err_hint(err, rc,
				"--publish publishes them at the start; with --net "
				"slirp4netns they can be changed while it runs");
	}
	if (str_eq(backend, "host")) {
		rc = err_set(err, EOPNOTSUPP,
			     "container '%s' has the host's network: its ports are the host's",
			     r->id);
		return err_hint(err, rc, "there is nothing to publish");
	}
	if (str_starts(backend, "join")) {
		rc = err_set(err, EOPNOTSUPP,
			     "container '%s' shares the network of another container", r->id);
		return err_hint(err, rc, "publish the ports of that one");
	}
	rc = err_set(err, EOPNOTSUPP,
		     "container '%s' has no network that ports could be published of", r->id);
	return err_hint(err, rc,
			"start it with --net slirp4netns; a program that takes LISTEN_FDS "
			"needs none, with --listen");
}

static int open_running(bryo_ctx *ctx, const char *id, bool lock, struct container *c,
			struct err *err)
{
	int rc = container_open(ctx, id, lock, c, err);

	if (rc < 0)
		return rc;
	if (c->pidfd >= 0 && c->status != STATE_CREATING)
		return 0;
	rc = err_set(err, ESRCH, "container '%s' is not running", id);
	return err_hint(err, rc, "ports end with the container");
}

static struct slirp_api api_of(const struct container *c)
{
	return (struct slirp_api){ c->dirfd, c->record.net_socket };
}

/* One word, for a container that can change its ports. */
static int open_change(bryo_ctx *ctx, const char *id, const char *spec, struct container *c,
		       struct port *ret, struct err *err)
{
	int rc = port_parse(&c->arena, spec, ret, err);

	if (rc == 0)
		rc = open_running(ctx, id, true, c, err);
	if (rc == 0 && !c->record.net_socket)
		rc = refuse(&c->record, err);
	return rc == 0 ? slirp_port_check(&c->arena, ret, err) : rc;
}

/* bind would say that another program has it. */
static int check_own(struct container *c, const struct slirp_api *api, const struct port *p,
		     struct err *err)
{
	struct slirp_forwards list;
	int rc = slirp_port_list(&c->arena, api, &list, err);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		if (port_overlaps(&list.v[i].port, p))
			return err_set(
				err, EADDRINUSE, "'%s' claims a port of the host that '%s' has",
				port_word(&c->arena, p), port_word(&c->arena, &list.v[i].port));
	return rc;
}

int bryo_port_add(bryo_ctx *ctx, const char *id, const char *spec, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct slirp_api api;
	struct ports one;
	struct port p;
	int rc = open_change(ctx, id, spec, &c, &p, err);

	if (rc < 0)
		return rc;
	one = (struct ports){ &p, 1 };
	api = api_of(&c);
	rc = check_own(&c, &api, &p, err);
	if (rc == 0)
		rc = ports_try_outside(&c.arena, &one, false, err);
	return rc < 0 ? rc : slirp_port_add(&api, &p, err);
}

int bryo_port_remove(bryo_ctx *ctx, const char *id, const char *spec, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct slirp_api api;
	struct port p;
	int rc = open_change(ctx, id, spec, &c, &p, err);

	if (rc < 0)
		return rc;
	api = api_of(&c);
	rc = slirp_port_remove(&c.arena, &api, &p, err);
	return rc == -ENOENT ? err_hint(err, rc, "bryo port list %s shows what is", id) : rc;
}

/* slirp4netns lists single ports in the order they were added: a range is one again. */
static void join_ranges(struct ports *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct port *last = n ? &list->v[n - 1] : NULL, *p = &list->v[i];

		if (last && last->proto == p->proto && str_eq(last->address, p->address) &&
		    last->host + last->count == p->host && last->guest + last->count == p->guest)
			last->count++;
		else
			list->v[n++] = *p;
	}
	list->n = n;
}

static int ask_slirp(struct container *c, struct ports *ret, struct err *err)
{
	const struct slirp_api api = api_of(c);
	struct slirp_forwards list;
	int rc = slirp_port_list(&c->arena, &api, &list, err);

	if (rc < 0)
		return rc;
	ret->v = arena_alloc(&c->arena, (list.n + 1) * sizeof(*ret->v));
	for (size_t i = 0; i < list.n; i++)
		ret->v[ret->n++] = list.v[i].port;
	join_ranges(ret);
	return 0;
}

static const char *recorded(const struct record *r)
{
	for (size_t i = 0; i < r->annotations.n; i++)
		if (str_eq(r->annotations.v[i].name, PUBLISH_ANNOTATION))
			return r->annotations.v[i].value;
	return NULL;
}

static void fill_port(struct arena *a, const struct port *p, struct bryo_port *ret)
{
	*ret = (struct bryo_port){
		.udp = p->proto == PORT_UDP,
		.host = p->host,
		.container = p->guest,
		.count = p->count,
	};
	(void)snprintf(ret->address, sizeof(ret->address), "%s", p->address ? p->address : "");
	(void)snprintf(ret->spec, sizeof(ret->spec), "%s", port_word(a, p));
}

int bryo_port_list(bryo_ctx *ctx, const char *id, struct bryo_port **ret, size_t *ret_n,
		   struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct ports list = { 0 };
	int rc = open_running(ctx, id, false, &c, err);

	if (rc < 0)
		return rc;
	if (c.record.net_socket)
		rc = ask_slirp(&c, &list, err);
	else if (str_eq(c.record.net_backend, net_pasta.name))
		rc = ports_parse(&c.arena, recorded(&c.record), &list, err);
	else
		rc = refuse(&c.record, err);
	if (rc < 0)
		return rc;
	*ret = mem_alloc((list.n + 1) * sizeof(**ret));
	*ret_n = list.n;
	for (size_t i = 0; i < list.n; i++)
		fill_port(&c.arena, &list.v[i], &(*ret)[i]);
	return 0;
}
