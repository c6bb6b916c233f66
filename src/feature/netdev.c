/*
 * netdev.c - interfaces moved into the container (theory in netdev.h). netdev_plan() is pure;
 * mover() runs in a throw-away child of the runtime.
 */
#include "netdev.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/netlink.h"

#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static bool good_name(const char *name)
{
	return name && *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/: \t\n") &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int check_one(const struct spec_net_device *d, struct netdev *ret, struct err *err)
{
	ret->from = d->host_name;
	ret->to = d->name && *d->name ? d->name : d->host_name;
	if (!good_name(ret->from) || strchr(ret->from, '%'))
		return err_set(err, EINVAL,
			       "linux.netDevices: '%.40s' is not the name of an interface",
			       ret->from);
	if (str_eq(ret->from, "lo"))
		return err_set(err, EINVAL,
			       "linux.netDevices: 'lo' cannot be moved: each network namespace has "
			       "its own");
	if (!good_name(ret->to))
		return err_set(err, EINVAL,
			       "linux.netDevices.%s.name: '%.40s' is not the name of an interface",
			       ret->from, ret->to);
	return 0;
}

int netdev_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns,
		const struct host *host, struct netdev_plan *ret, struct err *err)
{
	size_t n = spec->linux_.net_devices.n;

	if (!n)
		return 0;
	if (!(ns->differ & CLONE_NEWNET)) {
		err_set(err, EINVAL,
			"linux.netDevices needs a network namespace of the container's own");
		return err_hint(err, -EINVAL, "add {\"type\": \"network\"} to linux.namespaces");
	}
	if (!host->has_sys_admin) {
		err_set(err, EPERM,
			"linux.netDevices: an ordinary user cannot take '%s' from the host",
			spec->linux_.net_devices.v[0].host_name);
		return err_hint(
			err, -EPERM,
			"moving an interface needs CAP_NET_ADMIN over the network namespace it is in: be root, "
			"or start bryo in a user and network namespace of your own");
	}
	ret->v = arena_alloc(a, n * sizeof(*ret->v));
	for (size_t i = 0; i < n; i++) {
		int rc = check_one(&spec->linux_.net_devices.v[i], &ret->v[i], err);

		for (size_t k = 0; k < i && rc == 0; k++)
			if (str_eq(ret->v[k].to, ret->v[i].to) && !strchr(ret->v[i].to, '%'))
				rc = err_set(err, EINVAL,
					     "linux.netDevices: two devices would be called '%s'",
					     ret->v[i].to);
		if (rc < 0)
			return rc;
	}
	ret->n = n;
	return 0;
}

/* The namespace had index numbers up to before: the device that came is the one above. */
static int newcomer(const unsigned *known, size_t n_known, unsigned *ret, struct err *err)
{
	struct if_nameindex *list = if_nameindex();
	int rc = -ENODEV;

	for (struct if_nameindex *i = list; i && i->if_index; i++) {
		bool old = false;

		for (size_t k = 0; k < n_known; k++)
			old |= known[k] == i->if_index;
		if (!old) {
			*ret = i->if_index;
			rc = 0;
		}
	}
	if (list)
		if_freenameindex(list);
	return rc < 0 ? err_set(err, ENODEV, "it did not arrive") : 0;
}

static int move_one(const struct netdev *d, unsigned index, int outside, int inside, int ns,
		    struct err *err)
{
	struct netlink_addresses addresses;
	unsigned known[256], now = 0;
	struct if_nameindex *list = if_nameindex();
	size_t n = 0;
	int rc = netlink_get_addresses(outside, (int)index, &addresses, err);

	for (struct if_nameindex *i = list; i && i->if_index && n < ARRAY_LEN(known); i++)
		known[n++] = i->if_index;
	if (list)
		if_freenameindex(list);
	if (rc == 0)
		rc = netlink_move(outside, (int)index, d->to, ns, err);
	if (rc == -EEXIST)
		err_hint(err, rc, "'%s' exists in the container's network namespace already",
			 d->to);
	if (rc == 0)
		rc = newcomer(known, n, &now, err);
	for (size_t i = 0; i < addresses.n && rc == 0; i++)
		rc = netlink_add_address(inside, (int)now, &addresses.v[i], err);
	return rc < 0 ? rc : netlink_up(inside, (int)now, err);
}

/* This is the mover: it lives until the devices are inside. The indices were looked up outside. */
static int mover(const struct netdev_plan *plan, const unsigned *index, int pidfd, struct err *err)
{
	auto_fd int outside = netlink_open(err);
	auto_fd int inside = -1, ns = -1;
	int rc = outside < 0 ? outside : 0;

	if (rc == 0 && setns(pidfd, CLONE_NEWNET) < 0)
		rc = err_sys(err, "enter the container's network namespace");
	if (rc == 0) {
		ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		inside = netlink_open(err);
		rc = ns < 0 ? err_sys(err, "open the network namespace") : inside < 0 ? inside : 0;
	}
	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		rc = move_one(&plan->v[i], index[i], outside, inside, ns, err);
		if (rc < 0)
			err_in(err, rc, "linux.netDevices: '%s'", plan->v[i].from);
	}
	return rc;
}

/* The error comes back through shared memory. */
static int in_child(const struct netdev_plan *plan, const unsigned *index, int pidfd,
		    struct err *err)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct err *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc, status = -1;
	pid_t pid;

	if (shared == MAP_FAILED)
		return err_sys(err, "share memory");
	pid = sys_clone3(&args);
	if (pid == 0)
		_exit(mover(plan, index, pidfd, shared) < 0);
	rc = pid < 0 ? err_sys(err, "start the mover of network devices") : 0;
	while (rc == 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			rc = err_sys(err, "wait for the mover of network devices");
	if (rc == 0 && status != 0) {
		if (shared->num)
			*err = *shared;
		else
			err_set(err, EIO, "the mover of network devices ended with status %#x",
				status);
		rc = -err->num;
	}
	(void)munmap(shared, sizeof(*shared));
	return rc;
}

static int find_one(const struct netdev *d, unsigned *ret, struct err *err)
{
	*ret = if_nametoindex(d->from);
	if (*ret)
		return 0;
	return err_hint(err, err_sys(err, "linux.netDevices: '%s'", d->from),
			"no such interface in the network namespace of the caller");
}

int netdev_try_outside(const struct netdev_plan *plan, struct err *err)
{
	unsigned index;

	for (size_t i = 0; i < plan->n; i++)
		if (find_one(&plan->v[i], &index, err) < 0)
			return -err->num;
	return 0;
}

int netdev_outside(const struct netdev_plan *plan, int pidfd, struct err *err)
{
	auto_free unsigned *index = NULL;

	if (!plan->n)
		return 0;
	index = mem_alloc(plan->n * sizeof(*index));
	for (size_t i = 0; i < plan->n; i++)
		if (find_one(&plan->v[i], &index[i], err) < 0)
			return -err->num;
	return in_child(plan, index, pidfd, err);
}
