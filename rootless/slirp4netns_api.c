/*
 * slirp4netns_api.c - the client of slirp4netns' socket (slirp4netns_api.h). Runs in the runtime
 * when ports are published at start, and in `bryo port`.
 */
#include "slirp4netns_api.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "feature/net/bind.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define WAIT_SECONDS 5
#define REQUEST_MAX  4095
#define REPLY_MAX    (4u << 20) /* a list of all ports of both protocols */
#define ANY	     "0.0.0.0"

struct reply {
	const char *error;
	struct slirp_forward added; /* of add_hostfwd */
	struct list entries;	    /* of list_hostfwd: struct entry */
};

struct entry {
	uint32_t id, host, guest;
	const char *proto, *address;
};

#define ENTRY(member) offsetof(struct entry, member)
static const struct json_field entry_fields[] = {
	{ .name = "id", .kind = JSON_AS_U32, .off = ENTRY(id), .required = true },
	{ .name = "proto", .kind = JSON_AS_STRING, .off = ENTRY(proto), .required = true },
	{ .name = "host_addr", .kind = JSON_AS_STRING, .off = ENTRY(address), .required = true },
	{ .name = "host_port", .kind = JSON_AS_U32, .off = ENTRY(host), .required = true },
	{ .name = "guest_port", .kind = JSON_AS_U32, .off = ENTRY(guest), .required = true },
	{ .name = NULL },
};

#define REPLY(member) offsetof(struct reply, member)
static const struct json_field error_fields[] = {
	{ .name = "desc", .kind = JSON_AS_STRING, .off = REPLY(error) },
	{ .name = NULL },
};
static const struct json_field return_fields[] = {
	{ .name = "id", .kind = JSON_AS_U32, .off = REPLY(added.id) },
	{ .name = "entries",
	  .kind = JSON_AS_LIST,
	  .off = REPLY(entries),
	  .table = entry_fields,
	  .size = sizeof(struct entry) },
	{ .name = NULL },
};
/* 1.0 to 1.2 give the list without the "return" around it, whatever their manual says. */
static const struct json_field reply_fields[] = {
	{ .name = "error", .kind = JSON_AS_STRUCT, .off = 0, .table = error_fields },
	{ .name = "return", .kind = JSON_AS_STRUCT, .off = 0, .table = return_fields },
	{ .name = "entries",
	  .kind = JSON_AS_LIST,
	  .off = REPLY(entries),
	  .table = entry_fields,
	  .size = sizeof(struct entry) },
	{ .name = NULL },
};

static int api_connect(const struct slirp_api *api, struct err *err)
{
	const struct timeval limit = { .tv_sec = WAIT_SECONDS };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return err_sys(err, "make a socket");
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", api->dirfd,
		       api->name);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return take_fd(&sock);
	if (errno == ECONNREFUSED || errno == ENOENT)
		return err_set(err, ESRCH, "it does not run any more");
	return err_sys(err, "connect to its socket");
}

static int talk(const struct slirp_api *api, const struct str *request, char **ret, size_t *ret_len,
		struct err *err)
{
	auto_fd int sock = api_connect(api, err);
	int rc;

	if (sock < 0)
		return sock;
	if (request->len > REQUEST_MAX)
		return err_set(err, EMSGSIZE, "a request of more than %d bytes", REQUEST_MAX);
	if (send(sock, request->p, request->len, MSG_NOSIGNAL) != (ssize_t)request->len ||
	    shutdown(sock, SHUT_WR) < 0)
		return err_sys(err, "send a request");
	rc = fd_read_all(sock, REPLY_MAX, ret, ret_len, err);
	if (rc == -EAGAIN)
		return err_hint(err,
				err_set(err, ETIMEDOUT, "no reply within %d seconds", WAIT_SECONDS),
				"it hangs, or the machine is slow: try again, or take --net pasta");
	return rc;
}

/* ret points into the arena. */
static int ask(struct arena *a, const struct slirp_api *api, const struct str *request,
	       struct reply *ret, struct err *err)
{
	auto_free char *text = NULL;
	struct json *doc;
	size_t len;
	int rc = talk(api, request, &text, &len, err);

	*ret = (struct reply){ 0 };
	if (rc == 0)
		rc = json_parse(a, "reply", text, len, &doc, err);
	if (rc == 0)
		rc = json_decode(a, doc, reply_fields, ret, err);
	if (rc == 0 && ret->error)
		rc = err_set(err, EIO, "%s", ret->error);
	return rc < 0 ? err_in(err, rc, "slirp4netns") : 0;
}

/* The port n of the range p: why it could not be bound, if that is what it is. */
static int explain(const struct port *p, unsigned n, int rc, struct err *err)
{
	struct err why = ERR_INIT;
	const struct bind_at at = {
		.udp = p->proto == PORT_UDP,
		.address = p->address ? p->address : ANY,
		.port = (uint16_t)(p->host + n),
	};
	auto_fd int sock = -1;

	if (rc != -EIO)
		return rc;
	sock = bind_at(&at, &why);
	if (sock >= 0)
		return err_hint(err, rc,
				"the port is free; a descriptor for each is needed: see ulimit -n");
	if (err)
		*err = why;
	return -why.num;
}

static int add_one(struct arena *a, const struct slirp_api *api, const struct port *p, unsigned n,
		   uint32_t *ret_id, struct err *err)
{
	auto_json_out struct json_out o;
	struct reply reply;
	int rc;

	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "execute", "add_hostfwd");
	json_out_object(&o, "arguments");
	json_out_str(&o, "proto", port_proto_name(p->proto));
	json_out_str(&o, "host_addr", p->address ? p->address : ANY);
	json_out_u64(&o, "host_port", p->host + n);
	json_out_u64(&o, "guest_port", p->guest + n);
	json_out_end(&o, '}');
	json_out_end(&o, '}');
	rc = ask(a, api, &o.s, &reply, err);
	if (rc < 0)
		return explain(p, n, rc, err);
	*ret_id = reply.added.id;
	return 0;
}

static int remove_one(struct arena *a, const struct slirp_api *api, uint32_t id, struct err *err)
{
	auto_json_out struct json_out o;
	struct reply reply;

	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "execute", "remove_hostfwd");
	json_out_object(&o, "arguments");
	json_out_u64(&o, "id", id);
	json_out_end(&o, '}');
	json_out_end(&o, '}');
	return ask(a, api, &o.s, &reply, err);
}

int slirp_port_check(struct arena *a, const struct port *p, struct err *err)
{
	int rc;

	if (p->proto == PORT_UDP && p->address && str_starts(p->address, "127.")) {
		rc = err_set(
			err, EOPNOTSUPP,
			"port '%s': slirp4netns does not answer UDP clients on the host's loopback "
			"address",
			port_word(a, p));
		return err_hint(
			err, rc,
			"it drops what the container sends there (--disable-host-loopback, which "
			"protects the host's own services); publish on another address");
	}
	if (!p->v6)
		return 0;
	rc = err_set(err, EOPNOTSUPP, "port '%s': slirp4netns publishes on IPv4 addresses only",
		     port_word(a, p));
	return err_hint(err, rc,
			"pasta can: --net pasta; or --listen, for a program that takes LISTEN_FDS");
}

int slirp_port_add(const struct slirp_api *api, const struct port *p, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	uint32_t *ids = arena_alloc(&a, p->count * sizeof(*ids));
	unsigned n = 0;
	int rc = slirp_port_check(&a, p, err);

	for (; rc == 0 && n < p->count; n++)
		rc = add_one(&a, api, p, n, &ids[n], err);
	if (rc == 0)
		return 0;
	for (unsigned i = 0; i + 1 < n; i++)
		(void)remove_one(&a, api, ids[i], NULL);
	return err_in(err, rc, "publish %s", port_word(&a, p));
}

int slirp_port_list(struct arena *a, const struct slirp_api *api, struct slirp_forwards *ret,
		    struct err *err)
{
	auto_str struct str request = STR_INIT;
	const struct entry *entries;
	struct reply reply;
	int rc;

	*ret = (struct slirp_forwards){ 0 };
	str_add(&request, "{\"execute\":\"list_hostfwd\"}");
	rc = ask(a, api, &request, &reply, err);
	if (rc < 0)
		return err_in(err, rc, "list ports");
	entries = reply.entries.v;
	ret->v = arena_alloc(a, (reply.entries.n + 1) * sizeof(*ret->v));
	for (size_t i = 0; i < reply.entries.n; i++)
		ret->v[ret->n++] = (struct slirp_forward){
			.id = entries[i].id,
			.port = {
				.proto = str_eq(entries[i].proto, "udp") ? PORT_UDP : PORT_TCP,
				.address = entries[i].address,
				.host = (uint16_t)entries[i].host,
				.guest = (uint16_t)entries[i].guest,
				.count = 1,
			},
		};
	return 0;
}

/* The forward of the port n of p. */
static const struct slirp_forward *find(const struct slirp_forwards *list, const struct port *p,
					unsigned n)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port *q = &list->v[i].port;

		if (q->proto == p->proto && q->host == p->host + n && q->guest == p->guest + n &&
		    str_eq(q->address, p->address ? p->address : ANY))
			return &list->v[i];
	}
	return NULL;
}

int slirp_port_remove(struct arena *a, const struct slirp_api *api, const struct port *p,
		      struct err *err)
{
	struct slirp_forwards list;
	int rc = slirp_port_list(a, api, &list, err);

	for (unsigned n = 0; rc == 0 && n < p->count; n++)
		if (!find(&list, p, n))
			return err_set(err, ENOENT, "'%s' is not published", port_word(a, p));
	for (unsigned n = 0; rc == 0 && n < p->count; n++)
		rc = remove_one(a, api, find(&list, p, n)->id, err);
	return rc < 0 ? err_in(err, rc, "remove port %s", port_word(a, p)) : 0;
}
