/*
 * net.c - which backend gives the container its network, and what follows from that (theory in
 * net.h). net_plan() is pure; net_files_outside() runs in the runtime.
 */
#include "net.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/sys.h"

#include <string.h>
#include <sys/mount.h>

#define RESOLV_TARGET "/etc/resolv.conf"

/* In order of preference. */
static const struct {
	enum net_kind kind;
	const struct net_backend *backend;
} backends[] = {
	{ NET_PASTA, &net_pasta },
	{ NET_SLIRP4NETNS, &net_slirp4netns },
};

static int check(const struct net_backend *b, const struct host *host,
		 const struct net_words *words, bool userns, struct err *err)
{
	int rc = b->usable(host, words, err);

	if (rc < 0 || userns || !b->needs_userns)
		return rc;
	return err_hint(
		err,
		err_set(err, EPERM, "%s needs a user namespace of the container's own", b->name),
		"add {\"type\": \"user\"} to linux.namespaces");
}

/* The first one that this host can; why_not collects what the others lack. */
static int choose(struct arena *a, const struct host *host, const struct net_words *words,
		  bool userns, struct net_plan *ret, struct err *err)
{
	auto_str struct str lacks = STR_INIT;
	struct err all = ERR_INIT;
	char text[ERR_TEXT];

	/* one reason for both */
	if (!host->net_tun && host->pasta.state == HELPER_OK && host->slirp4netns.state == HELPER_OK)
		return net_tun_check(host, "pasta and slirp4netns", err);
	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		struct err one = ERR_INIT;

		if (check(backends[i].backend, host, words, userns, &one) == 0) {
			ret->kind = backends[i].kind;
			ret->backend = backends[i].backend;
			ret->why = lacks.len ? arena_strdup(a, lacks.p)
					     : "the first choice, and this host can";
			return 0;
		}
		one.hint[0] = '\0';
		str_addf(&lacks, "%s%s", lacks.len ? "; " : "",
			 err_format(&one, text, sizeof(text)));
		one = (struct err)ERR_INIT;
		(void)check(backends[i].backend, host, words, userns, &one);
		err_also(&all, &one);
	}
	if (err)
		*err = all;
	return -all.num;
}

static int pick(struct arena *a, const struct host *host, const struct net_words *words,
		bool userns, struct net_plan *ret, struct err *err)
{
	ret->kind = words->kind;
	if (words->kind == NET_AUTO)
		return choose(a, host, words, userns, ret, err);
	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		int rc;

		if (backends[i].kind != words->kind)
			continue;
		rc = check(backends[i].backend, host, words, userns, err);
		if (rc == 0)
			ret->backend = backends[i].backend;
		return rc;
	}
	return 0;
}

static bool is_mounted(const struct mount_plan *mounts, const char *target)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (str_eq(mounts->v[i].target, target))
			return true;
	return false;
}

/* Read-only: a file that the container could write would fill the caller's runtime directory. */
static void add_resolv(struct arena *a, const struct net_request *q, const char *text,
		       struct mount_plan *mounts, struct net_plan *ret)
{
	struct mount_op *op;

	if (!text || is_mounted(mounts, RESOLV_TARGET))
		return;
	ret->resolv_conf = text;
	op = mount_plan_add(a, mounts);
	op->kind = MOUNT_BIND;
	op->target = RESOLV_TARGET;
	op->source = arena_printf(a, "%s/" NET_RESOLV, q->state_dir);
	op->o.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	op->lenient = true;
}

static int plan_join(struct arena *a, const struct net_request *q, const struct net_words *words,
		     struct mount_plan *mounts, struct net_plan *ret, struct err *err)
{
	if (!q->target)
		return err_set(err, ESRCH,
			       "network 'join:%s': facts from a file say nothing about containers",
			       words->join);
	ret->kind = NET_JOIN;
	ret->join = q->target->id;
	add_resolv(a, q, q->target->resolv_conf, mounts, ret);
	return 0;
}

static void plan_helper(struct arena *a, const struct net_request *q, const struct net_words *words,
			const struct host *host, struct mount_plan *mounts, struct net_plan *ret)
{
	ret->mtu = words->mtu;
	ret->ipv6 = words->ipv6.set ? words->ipv6.v : ret->kind == NET_PASTA && host->net_route6;
	ret->early = q->own_id_kept;
	ret->backend->plan(a, host, q->ids, ret);
	/* Its root may trace what is in there, if it can see it: the helper has the host's network. */
	if (ret->backend->sandbox_inside &&
	    (!(q->ns->differ & CLONE_NEWPID) || mount_plan_shows_outer_proc(mounts)))
		ret->sandboxed = false;
	add_resolv(a, q, net_resolv_text(a, host->net_resolv, ret->dns), mounts, ret);
}

int net_tun_check(const struct host *host, const char *who, struct err *err)
{
	int rc;

	if (host->net_tun)
		return 0;
	rc = err_set(err, EACCES, "%s cannot open /dev/net/tun", who);
	return err_hint(err, rc,
			"`modprobe tun` makes it, `chmod 666 /dev/net/tun` is what it usually has; in a "
			"container: have its engine give it with --device /dev/net/tun, or share that "
			"container's network, --net host");
}

int net_plan(struct arena *a, const struct net_request *q, struct host *host,
	     struct mount_plan *mounts, struct net_plan *ret, struct err *err)
{
	struct net_words words;
	int rc = net_words_of(a, q->spec, &words, err);

	*ret = (struct net_plan){ .kind = NET_NOT_SAID };
	if (rc < 0 || words.kind == NET_NOT_SAID)
		return rc;
	if (words.kind == NET_JOIN) {
		rc = plan_join(a, q, &words, mounts, ret, err);
		return rc < 0 ? rc : net_publish_plan(a, q->spec, host, ret, err);
	}
	if (words.kind == NET_NONE || words.kind == NET_HOST) {
		ret->kind = words.kind;
		return net_publish_plan(a, q->spec, host, ret, err);
	}
	host_need_net_tools(host);
	rc = pick(a, host, &words, q->ns->differ & CLONE_NEWUSER, ret, err);
	if (rc < 0)
		return rc;
	plan_helper(a, q, &words, host, mounts, ret);
	return net_publish_plan(a, q->spec, host, ret, err);
}

int net_files_outside(const struct net_plan *plan, int statefd, struct err *err)
{
	if (!plan->resolv_conf)
		return 0;
	/* Whatever user the program runs as has to read it. The directory is 0700. */
	return file_replace_at(statefd, NET_RESOLV, plan->resolv_conf, strlen(plan->resolv_conf),
			       0644, err);
}

void net_dump_text(const struct net_plan *p, struct str *s)
{
	if (p->kind == NET_NOT_SAID)
		return;
	str_addf(s, "network\n  %s%s%s%s%s%s\n", net_kind_name(p->kind), p->join ? " " : "",
		 p->join ? p->join : "", p->why ? " (" : "", p->why ? p->why : "",
		 p->why ? ")" : "");
	if (!p->backend)
		return;
	str_addf(s, "  helper       %s%s\n", p->program,
		 p->sandboxed ? ", in a sandbox of its own" : "");
	str_addf(s, "  address      %s\n", p->address ? p->address : "the host's own");
	str_addf(s, "  gateway      %s\n", p->gateway ? p->gateway : "the host's own");
	str_addf(s, "  mtu          %u\n  ipv6         %s\n", p->mtu, p->ipv6 ? "yes" : "no");
	str_addf(s, "  resolv.conf  %s%s\n",
		 p->resolv_conf ? "names are asked for at " : "the container's own",
		 p->resolv_conf ? p->dns : "");
	net_publish_dump_text(p, s);
}

void net_dump_json(const struct net_plan *p, struct json_out *o)
{
	if (p->kind == NET_NOT_SAID)
		return;
	json_out_object(o, "network");
	json_out_str(o, "backend", net_kind_name(p->kind));
	if (p->why)
		json_out_str(o, "why", p->why);
	if (p->join)
		json_out_str(o, "container", p->join);
	if (p->backend) {
		json_out_str(o, "helper", p->program);
		json_out_bool(o, "sandboxed", p->sandboxed);
		json_out_str(o, "address", p->address);
		json_out_str(o, "gateway", p->gateway);
		json_out_str(o, "dns", p->dns);
		json_out_u64(o, "mtu", p->mtu);
		json_out_bool(o, "ipv6", p->ipv6);
		json_out_str(o, "resolvConf", p->resolv_conf);
		net_publish_dump_json(p, o);
	}
	json_out_end(o, '}');
}
