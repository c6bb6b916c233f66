/*
 * ports.c - bryo_port_add(), bryo_port_list(), bryo_port_remove(): published ports of a running
 * container. Runs in the calling process; what is asked is the network helper, which knows what is
 * published now. pasta tells people only, so what it was told is written down: at the start in the
 * record, and with each change in the file "ports" of the state directory. With slirp4netns that
 * file is empty, and says to delete that there are ports to be freed.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "feature/net/bind.h"
#include "feature/net/net.h"
#include "lib/serving.h"
#include "rootless/pasta_control.h"
#include "rootless/slirp4netns_api.h"

#include <string.h>

#define PORTS_MAX (64u << 10) /* 256 words */

_Static_assert(sizeof(((struct bryo_port *)NULL)->address) >
		       sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	       "the longest address fits");

static bool is_pasta(const struct record *r)
{
	return str_eq(r->net_backend, net_pasta.name);
}

/* Why the ports of this container cannot be changed, with who could. */
static int refuse(const struct record *r, struct err *err)
{
	const char *backend = r->net_backend ? r->net_backend : "";
	int rc;

	if (is_pasta(r)) {
		rc = err_set(err, EOPNOTSUPP,
			     "container '%s': pasta takes ports when it is started, not later",
			     r->id);
		return err_hint(
			err, rc,
			"--publish publishes them at the start; with --net slirp4netns, or a pasta "
			"that has pesto (since May 2026), they can be changed while it runs");
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

/* Nobody else tells: the container runs on without it. */
static int check_helper(const struct record *r, struct err *err)
{
	int rc;

	for (size_t i = 0; i < r->helpers.n; i++) {
		if (!str_eq(r->helpers.v[i].name, r->net_backend) || !serving_has_ended(r, i))
			continue;
		rc = err_set(err, ESRCH, "container '%s': its %s has ended, and the network with it",
			     r->id, r->net_backend);
		return err_hint(err, rc,
				"it cannot be had back: bryo delete --force %s, and run it again; what "
				"killed it (OOM?) may be in the kernel's log",
				r->id);
	}
	return 0;
}

static int open_running(bryo_ctx *ctx, const char *id, bool lock, struct container *c,
			struct err *err)
{
	int rc = container_open(ctx, id, lock, c, err);

	if (rc < 0)
		return rc;
	if (c->pidfd >= 0 && c->status != STATE_CREATING)
		return check_helper(&c->record, err);
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
	return rc == 0 && !is_pasta(&c->record) ? slirp_port_check(&c->arena, ret, err) : rc;
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

static int told_pasta(struct container *c, struct ports *ret, struct err *err)
{
	const char *words = recorded(&c->record);
	auto_free char *text = NULL;
	int rc = file_read_at(c->dirfd, NET_PORTS, PORTS_MAX, &text, NULL, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0)
		words = *text ? arena_strdup(&c->arena, text) : NULL;
	else if (err)
		*err = (struct err)ERR_INIT;
	return ports_parse(&c->arena, words, ret, err);
}

static int published(struct container *c, struct ports *ret, struct err *err)
{
	return is_pasta(&c->record) ? told_pasta(c, ret, err) : ask_slirp(c, ret, err);
}

/* list, without one of them and with another. */
static int tell_pasta(struct container *c, const struct ports *list, const struct port *without,
		      const struct port *with, struct err *err)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < list->n; i++)
		if (&list->v[i] != without)
			str_addf(&s, "%s%s", s.len ? "," : "", port_word(&c->arena, &list->v[i]));
	if (with)
		str_addf(&s, "%s%s", s.len ? "," : "", port_word(&c->arena, with));
	return file_replace_at(c->dirfd, NET_PORTS, s.p ? s.p : "", s.len, 0600, err);
}

static int control_of(struct bryo_ctx *ctx, const struct container *c, struct pasta_control *ret,
		      struct err *err)
{
	host_need_net_tools(&ctx->host);
	*ret = (struct pasta_control){ c->dirfd, c->record.net_socket, ctx->host.pesto };
	if (ret->pesto)
		return 0;
	return err_hint(err, err_set(err, ENOENT, "pesto is not beside pasta any more"),
			"it comes with the package passt");
}

static int add_to_pasta(struct bryo_ctx *ctx, struct container *c, const struct ports *list,
			const struct port *p, struct err *err)
{
	struct pasta_control control;
	int rc = control_of(ctx, c, &control, err);

	if (rc == 0)
		rc = pasta_port_add(&c->arena, &control, p, err);
	return rc == 0 ? tell_pasta(c, list, NULL, p, err) : rc;
}

static int remove_from_pasta(struct bryo_ctx *ctx, struct container *c, const struct port *p,
			     struct err *err)
{
	const char *word = port_word(&c->arena, p);
	struct pasta_control control;
	const struct port *had = NULL;
	struct ports list;
	int rc = told_pasta(c, &list, err);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		if (str_eq(port_word(&c->arena, &list.v[i]), word))
			had = &list.v[i];
	if (rc == 0 && !had)
		rc = err_set(err, ENOENT, "'%s' is not published", word);
	if (rc == 0)
		rc = control_of(ctx, c, &control, err);
	if (rc == 0)
		rc = pasta_port_remove(&c->arena, &control, p, err);
	return rc == 0 ? tell_pasta(c, &list, had, NULL, err) : rc;
}

/* bind would say that another program has it. */
static int check_own(struct container *c, const struct ports *list, const struct port *p,
		     struct err *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (port_overlaps(&list->v[i], p))
			return err_set(err, EADDRINUSE,
				       "'%s' claims a port of the host that '%s' has",
				       port_word(&c->arena, p), port_word(&c->arena, &list->v[i]));
	return 0;
}

static int add_to_slirp(struct container *c, const struct port *p, struct err *err)
{
	const struct slirp_api api = api_of(c);
	int rc = file_replace_at(c->dirfd, NET_PORTS, "", 0, 0600, err);

	return rc < 0 ? rc : slirp_port_add(&api, p, err);
}

int bryo_port_add(bryo_ctx *ctx, const char *id, const char *spec, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct ports one, list = { 0 };
	struct port p;
	int rc = open_change(ctx, id, spec, &c, &p, err);

	if (rc < 0)
		return rc;
	one = (struct ports){ &p, 1 };
	rc = published(&c, &list, err);
	if (rc == 0)
		rc = check_own(&c, &list, &p, err);
	if (rc == 0)
		rc = ports_try_outside(&c.arena, &one, false, err);
	if (rc < 0)
		return rc;
	return is_pasta(&c.record) ? add_to_pasta(ctx, &c, &list, &p, err)
				   : add_to_slirp(&c, &p, err);
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
	rc = is_pasta(&c.record) ? remove_from_pasta(ctx, &c, &p, err)
				 : slirp_port_remove(&c.arena, &api, &p, err);
	return rc == -ENOENT ? err_hint(err, rc, "bryo port list %s shows what is", id) : rc;
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
	if (c.record.net_socket || is_pasta(&c.record))
		rc = published(&c, &list, err);
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
