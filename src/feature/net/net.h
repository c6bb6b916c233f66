/*
 * net.h - the network of a container. Theory of operation.
 *
 * What is asked for is a word (oci/net_word.h): --net, or the annotation org.bryo.network. Without
 * one nothing here costs anything: the namespace is what linux.namespaces says. ns_plan() adds or
 * removes the network namespace for the word; net_plan() picks who fills it, from facts about the
 * host, and says why. auto means pasta, then slirp4netns, never the host's network.
 *
 * Both are programs of others and run outside the container, as the caller, as children of the
 * runtime (not of init: they would sit in the container's pid namespace). The runtime starts one as
 * soon as init's namespaces belong to a mapped user namespace, so that the program sets up while
 * init mounts, and waits for it as late as that is right: before hooks that may look at the
 * network, else when init is ready. What it prints goes to a memory file of bounded size, never
 * to a pipe (which would have to be read for as long as it lives, or kill it), and is in the error
 * when it fails.
 *
 * It ends with init in every case, the runtime's death included: it is the child of bryo-keeper,
 * which holds init's pidfd. slirp4netns can watch a descriptor (--exit-fd), and a pidfd reports a
 * hang-up there on newer kernels, but only once init was reaped, and who inherits a detached
 * container may reap late; Debian 12's pasta stays when its network namespace goes, and asking for
 * its version would cost a process. `delete` ends what is left by pidfd and start time.
 *
 * Both need /dev/net/tun. pasta gives the container the host's addresses and needs an interface
 * with a default route; run by real root it becomes "nobody" and cannot enter the container any
 * more. slirp4netns has a network of its own, 10.0.2.0/24.
 *
 * Names: /etc/resolv.conf of the container is a file that is made in the state directory, bound
 * read-only, unless the config mounts something there. The host's search and options lines are
 * kept; the server is the helper's forwarder, because a resolver on the host's loopback address
 * cannot be reached from inside.
 */
#ifndef BRYO_NET_H
#define BRYO_NET_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "feature/helper.h"
#include "feature/idmap.h"
#include "feature/mount.h"
#include "feature/net/port.h"
#include "feature/note.h"
#include "feature/net/net_join.h"
#include "feature/ns.h"
#include "host/host.h"
#include "oci/net_word.h"

#define NET_SOCKET "slirp.sock"	 /* of slirp4netns' interface, in the state directory */
#define NET_CONTROL "pasta.sock" /* of pasta's, likewise */
#define NET_PORTS  "ports"	 /* since ports were added: what is published now, where it cannot be asked */
#define NET_RESOLV "resolv.conf" /* likewise */
#define NET_READY  "net.ready"	 /* FIFO, gone when the helper is ready */

struct net_plan;

/* What a backend must know when its command line is made. */
struct net_launch {
	pid_t pid; /* init, not reaped while this is used */
};

/* A program that gives a network; one row per program, in rootless/. */
struct net_backend {
	const char *name;
	bool needs_userns; /* the container must have a user namespace of its own */
	bool sandbox_inside; /* its sandbox is entered through the container's user namespace */
	bool once; /* a port of the host on one address only, unless its plan has a socket */
	/* 0, or the reason why this host cannot, with the remedy. [pure] */
	int (*usable)(const struct host *host, const struct net_words *words, struct err *err);
	/* Fills addresses and dns, and what depends on the maps. [pure] */
	void (*plan)(struct arena *a, const struct host *host, const struct idmap_plan *ids,
		     struct net_plan *ret);
	/* Ports that it cannot forward are refused by name. NULL: it can all. [pure] */
	int (*check_port)(struct arena *a, const struct port *p, struct err *err);
	/* Publishes plan->ports once it is ready. NULL: they are on its command line. [outside] */
	int (*publish)(const struct net_plan *plan, int statefd, struct err *err);
	/* The helper's command line. [outside] */
	void (*describe)(struct arena *a, const struct net_plan *plan, const struct net_launch *l,
			 struct helper_desc *ret);
};

extern const struct net_backend net_pasta, net_slirp4netns;

struct net_plan {
	enum net_kind kind;	/* never NET_AUTO: that was decided */
	const char *why;	/* why this one; NULL: it was named */
	const struct net_backend *backend; /* NULL: no helper */
	const char *program;	/* absolute path of the helper */
	const char *join;	/* the container whose network it is, or NULL */
	uint32_t mtu;
	bool ipv6;
	bool early;		/* the helper can start before init becomes root inside */
	bool sandboxed;		/* the helper gives up its view of the host's files */
	const char *address, *gateway; /* in the container; NULL: the host's own */
	const char *dns;	/* where the helper answers for the host's resolver, or NULL */
	const char *resolv_conf; /* text of the generated file; NULL: none is made */
	struct ports ports;	 /* published */
	const char *socket;	 /* in the state directory, to change ports through; NULL: they stay */
};

struct net_request {
	const struct spec *spec;
	const char *state_dir; /* absolute; where the container's directory will be */
	const struct ns_plan *ns;
	const struct idmap_plan *ids;
	const struct net_target *target; /* of join:ID */
	bool own_id_kept; /* init's identity is the caller's before and after it is mapped */
};

/* 0, or that who (a word for the error) cannot have a tap device, with the remedy. [pure] */
int net_tun_check(const struct host *host, const char *who, struct err *err);
/*
 * After ns_plan() and mount_plan(): adds the mount of resolv.conf. Does nothing without a word.
 * [pure] but for host_need_net_tools(), which only reads.
 */
int net_plan(struct arena *a, const struct net_request *q, struct host *host,
	     struct mount_plan *mounts, struct net_plan *ret, struct err *err);
/* The annotation's ports, for a plan whose backend is decided. In publish.c. [pure] */
int net_publish_plan(struct arena *a, const struct spec *spec, const struct host *host, struct net_plan *ret,
		     struct err *err);
/* Whether the ports could be had now: before anything is started. [outside] */
int net_publish_try(struct arena *a, const struct net_plan *plan, struct err *err);
/* Makes the files that the plan needs in the state directory. [outside] */
int net_files_outside(const struct net_plan *plan, int statefd, struct err *err);

void net_dump_text(const struct net_plan *plan, struct str *s);
void net_dump_json(const struct net_plan *plan, struct json_out *o);
/* Their part about ports. */
void net_publish_dump_text(const struct net_plan *plan, struct str *s);
void net_publish_dump_json(const struct net_plan *plan, struct json_out *o);

/*
 * The container's resolv.conf from the host's: comments and nameserver lines go, search, domain and
 * options stay, dns is the only server; dns NULL: the host's servers that are not loopback
 * addresses. NULL when that leaves no server. [pure]
 */
const char *net_resolv_text(struct arena *a, const char *host, const char *dns);

#endif
