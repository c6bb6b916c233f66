/*
 * ns.c - which namespaces are made, joined or shared (theory in ns.h). ns_plan() is pure; the
 * joiner and init run the rest.
 */
#include "ns.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci/idmap_style.h"
#include "oci/net_word.h"
#include "oci/proc_word.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* In the order in which they are joined: the user namespace gives the rights over the rest. */
static const struct {
	const char *name;
	uint32_t flag;
} types[] = {
	{ "user", CLONE_NEWUSER }, { "pid", CLONE_NEWPID },  { "network", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },  { "cgroup", CLONE_NEWCGROUP },
	{ "time", CLONE_NEWTIME }, { "mount", CLONE_NEWNS },
};

const char *ns_name(uint32_t flag)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].flag == flag)
			return types[i].name;
	return NULL;
}

uint32_t ns_flag(size_t i)
{
	return i < ARRAY_LEN(types) ? types[i].flag : 0;
}

static uint32_t flag_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].name, name))
			return types[i].flag;
	return 0;
}

/* Sorts what the config lists into "make" and "join"; fills paths[] by row of types. */
static int collect(const struct spec *spec, uint32_t *ret_new, const char *paths[ARRAY_LEN(types)],
		   struct err *err)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < spec->linux_.namespaces.n; i++) {
		const struct spec_namespace *ns = &spec->linux_.namespaces.v[i];
		uint32_t flag = flag_of(ns->type);

		if (!flag) {
			err_set(err, EINVAL, "linux.namespaces[%zu]: unknown namespace type '%s'",
				i, ns->type);
			return err_hint(err, -EINVAL,
					"pid, network, mount, ipc, uts, user, cgroup, time");
		}
		if (seen & flag)
			return err_set(err, EINVAL, "linux.namespaces[%zu]: '%s' is listed twice",
				       i, ns->type);
		seen |= flag;
		if (!ns->path || !*ns->path) {
			*ret_new |= flag;
			continue;
		}
		if (ns->path[0] != '/')
			return err_set(err, EINVAL,
				       "linux.namespaces[%zu].path: '%s' is not absolute", i,
				       ns->path);
		for (size_t t = 0; t < ARRAY_LEN(types); t++)
			if (types[t].flag == flag)
				paths[t] = ns->path;
	}
	return 0;
}

static bool is_listed(const struct spec *spec, const char *type)
{
	for (size_t i = 0; i < spec->linux_.namespaces.n; i++)
		if (str_eq(spec->linux_.namespaces.v[i].type, type))
			return true;
	return false;
}

/* The word for the network decides about its namespace, whatever the config lists. The one of
 * another container is added by net_join_ns(), which knows where it is. */
static int apply_network(struct arena *a, const struct spec *spec, struct notes *notes,
			 uint32_t *fresh, uint32_t joined, struct err *err)
{
	bool listed = is_listed(spec, "network"), own;
	struct net_words words;
	int rc = net_words_of(a, spec, &words, err);

	if (rc < 0 || words.kind == NET_NOT_SAID)
		return rc;
	if (joined & CLONE_NEWNET) {
		rc = err_set(err, EINVAL,
			     "annotation %s and a network namespace given by path exclude each other",
			     NET_ANNOTATION);
		return err_hint(err, rc, "leave one of them out");
	}
	own = words.kind != NET_HOST && words.kind != NET_JOIN;
	if (own && !listed)
		note_add(notes, NOTE_ADAPTED, "linux.namespaces", "the network is a separate one",
			 "added a network namespace");
	if (!own && listed)
		note_add(notes, NOTE_ADAPTED, "linux.namespaces",
			 words.kind == NET_HOST ? "the network is the host's"
						: "the network is another container's",
			 "left out the network namespace");
	*fresh = own ? *fresh | CLONE_NEWNET : *fresh & ~(uint32_t)CLONE_NEWNET;
	return 0;
}

/* A bound /proc shows the outer processes, and nothing of a new pid namespace: so it is shared. */
static int share_pids(const struct spec *spec, uint32_t *fresh, struct notes *notes, struct err *err)
{
	enum proc_word word;
	int rc = proc_word_of(spec, &word, err);

	if (rc < 0 || word != PROC_BIND || !(*fresh & CLONE_NEWPID))
		return rc;
	*fresh &= ~(uint32_t)CLONE_NEWPID;
	note_add(notes, NOTE_ADAPTED, "linux.namespaces",
		 PROC_ANNOTATION "=bind asks for the outer /proc, which shows the outer processes",
		 "shares the outer pid namespace: all of its processes can be seen, and those of the same "
		 "user signalled");
	return 0;
}

int ns_plan(struct arena *a, const struct spec *spec, const struct host *host, struct notes *notes,
	    struct ns_plan *ret, struct err *err)
{
	const char *paths[ARRAY_LEN(types)] = { NULL };
	uint32_t fresh = 0, joined = 0;
	int rc = collect(spec, &fresh, paths, err);

	if (rc == 0)
		rc = share_pids(spec, &fresh, notes, err);
	if (rc < 0)
		return rc;
	ret->joins = arena_alloc(a, sizeof(*ret->joins) * ARRAY_LEN(types));
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		if (!paths[t])
			continue;
		ret->joins[ret->n_joins++] = (struct ns_join){ .flag = types[t].flag, .path = paths[t] };
		joined |= types[t].flag;
	}
	rc = apply_network(a, spec, notes, &fresh, joined, err);
	if (rc < 0)
		return rc;
	if (!((fresh | joined) & CLONE_NEWUSER) &&
	    (!host->has_sys_admin || spec_annotation(spec, IDMAP_ANNOTATION))) {
		fresh |= CLONE_NEWUSER;
		note_add(notes, NOTE_ADAPTED, "linux.namespaces",
			 host->has_sys_admin ? "the mappings that were asked for need one"
					     : "the caller is not root",
			 "added a user namespace");
	}
	if (!((fresh | joined) & CLONE_NEWNS)) {
		err_set(err, EINVAL, "linux.namespaces: there is no mount namespace");
		return err_hint(
			err, -EINVAL,
			"add {\"type\": \"mount\"}: without it the host's mounts would be changed");
	}
	if (joined & CLONE_NEWNS) {
		fresh |= CLONE_NEWNS;
		note_add(notes, NOTE_ADAPTED, "linux.namespaces",
			 "its root would change for everybody in it",
			 "the root file system is set up in a copy of the joined mount namespace");
	}
	ret->cgroup = fresh & CLONE_NEWCGROUP;
	ret->time = fresh & CLONE_NEWTIME;
	ret->create = fresh & ~(uint32_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
	ret->differ = fresh | joined;
	return 0;
}

int ns_join_inside(const struct ns_plan *plan, struct err *err)
{
	int fds[ARRAY_LEN(types)];
	int rc = 0;

	/* All are opened first: after the first setns the paths may no longer be reachable. */
	for (size_t i = 0; i < plan->n_joins; i++)
		fds[i] = -1;
	for (size_t i = 0; i < plan->n_joins && rc == 0; i++) {
		fds[i] = plan->joins[i].fd;
		if (fds[i] > 0)
			continue;
		fds[i] = open(plan->joins[i].path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fds[i] < 0)
			rc = err_sys(err, "open the %s namespace '%s'",
				     ns_name(plan->joins[i].flag), plan->joins[i].path);
	}
	for (size_t i = 0; i < plan->n_joins && rc == 0; i++) {
		if (setns(fds[i], (int)plan->joins[i].flag) == 0)
			continue;
		rc = err_sys(err, "join the %s namespace '%s'", ns_name(plan->joins[i].flag),
			     plan->joins[i].path);
		if (rc == -EINVAL)
			err_hint(
				err, rc,
				"the file is not a namespace of that type, or we are in that user namespace already");
		if (rc == -EPERM)
			err_hint(
				err, rc,
				"it belongs to a user namespace that is not ours: "
				"join that user namespace too, or be root");
	}
	for (size_t i = 0; i < plan->n_joins; i++)
		fd_closep(&fds[i]);
	return rc;
}

void ns_loopback_inside(void)
{
	auto_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	if (sock < 0)
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (sock >= 0)
		(void)ioctl(sock, SIOCSIFFLAGS, &ifr);
}
