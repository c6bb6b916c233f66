/*
 * host.c - struct host: filled from the probes, or from a JSON file for tests and
 * `bryo plan --host`. Runs in the runtime process only, and reads only. A host that came from
 * a file is never probed, so a plan for it is the same on every machine.
 */
#include "host.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "probe.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#define OFF(f) offsetof(struct host, f)

static const char *const cgroup_names[] = {
	[HOST_CGROUP_NONE] = "none",
	[HOST_CGROUP_V2] = "v2",
	[HOST_CGROUP_V1] = "v1",
	[HOST_CGROUP_HYBRID] = "hybrid",
};

static const char *const helper_names[] = {
	[HELPER_UNKNOWN] = "unknown", [HELPER_OK] = "ok",
	[HELPER_MISSING] = "missing", [HELPER_NO_PRIVILEGE] = "no-privilege",
	[HELPER_NOSUID] = "nosuid",   [HELPER_NO_NEW_PRIVS] = "no-new-privs",
};

static int decode_word(const struct json *v, const char *const *names, size_t n, struct err *err)
{
	if (v->type != JSON_STRING)
		return json_err(v, err, "wants a string");
	for (size_t i = 0; i < n; i++)
		if (strcmp(v->text, names[i]) == 0)
			return (int)i;
	return json_err(v, err, "unknown word '%s'", v->text);
}

static int decode_cgroup(struct arena *a, const struct json *v, void *field, struct err *err)
{
	int i = decode_word(v, cgroup_names, ARRAY_LEN(cgroup_names), err);

	(void)a;
	if (i < 0)
		return i;
	memcpy(field, &(__typeof__(((struct host *)0)->cgroup)){ (unsigned)i },
	       sizeof(((struct host *)0)->cgroup));
	return 0;
}

static int decode_helper_state(struct arena *a, const struct json *v, void *field, struct err *err)
{
	int i = decode_word(v, helper_names, ARRAY_LEN(helper_names), err);

	(void)a;
	if (i < 0)
		return i;
	*(enum helper_state *)field = (enum helper_state)i;
	return 0;
}

static int decode_groups(struct arena *a, const struct json *v, void *field, struct err *err)
{
	struct host *h = (struct host *)((char *)field - OFF(groups));
	size_t i = 0;

	if (v->type != JSON_ARRAY)
		return json_err(v, err, "wants an array of group IDs");
	h->groups.v = arena_alloc(a, v->n * sizeof(*h->groups.v));
	h->groups.n = v->n;
	for (const struct json *c = v->child; c; c = c->next) {
		unsigned long long id;

		if (c->type != JSON_NUMBER || !str_to_u64(c->text, UINT32_MAX, &id))
			return json_err(c, err, "wants a group ID");
		h->groups.v[i++] = (uint32_t)id;
	}
	return 0;
}

static const struct json_field range_table[] = {
	{ "first", JSON_AS_U32, offsetof(struct id_range, first), .required = true },
	{ "count", JSON_AS_U32, offsetof(struct id_range, count), .required = true },
	{ 0 }
};

static const struct json_field extent_table[] = {
	{ "inside", JSON_AS_U32, offsetof(struct id_extent, inside), .required = true },
	{ "outside", JSON_AS_U32, offsetof(struct id_extent, outside), .required = true },
	{ "count", JSON_AS_U32, offsetof(struct id_extent, count), .required = true },
	{ 0 }
};

static const struct json_field helper_table[] = {
	{ "state", JSON_AS_CALL, offsetof(struct helper, state), .call = decode_helper_state },
	{ "path", JSON_AS_STRING, offsetof(struct helper, path), .required = false },
	{ 0 }
};

#define FIELD(f, k)                              \
	{                                        \
#f, k, OFF(f), .required = false \
	}
#define RANGES(f)                                                                               \
	{                                                                                       \
#f, JSON_AS_LIST, OFF(f), .table = range_table, .size = sizeof(struct id_range) \
	}
#define EXTENTS(f)                                                                                \
	{                                                                                         \
#f, JSON_AS_LIST, OFF(f), .table = extent_table, .size = sizeof(struct id_extent) \
	}
#define HELPER(f)                                                 \
	{                                                         \
#f, JSON_AS_STRUCT, OFF(f), .table = helper_table \
	}

static const struct json_field host_table[] = {
	FIELD(uid, JSON_AS_U32),
	FIELD(gid, JSON_AS_U32),
	FIELD(user, JSON_AS_STRING),
	{ "groups", JSON_AS_CALL, OFF(groups), .call = decode_groups },
	FIELD(privileged, JSON_AS_BOOL),
	FIELD(in_userns, JSON_AS_BOOL),
	FIELD(has_sys_admin, JSON_AS_BOOL),
	EXTENTS(uid_map),
	EXTENTS(gid_map),
	FIELD(setgroups_denied, JSON_AS_BOOL),
	FIELD(kernel_major, JSON_AS_U32),
	FIELD(kernel_minor, JSON_AS_U32),
	FIELD(machine, JSON_AS_STRING),
	FIELD(no_new_privs, JSON_AS_BOOL),
	{ "cgroup", JSON_AS_CALL, OFF(cgroup), .call = decode_cgroup },
	FIELD(cgroup_own, JSON_AS_STRING),
	FIELD(cgroup_top, JSON_AS_BOOL),
	FIELD(cgroup_writable, JSON_AS_BOOL),
	FIELD(cgroup_delegated, JSON_AS_BOOL),
	FIELD(cgroup_controllers, JSON_AS_STRV),
	FIELD(root_controllers, JSON_AS_STRV),
	FIELD(manager, JSON_AS_BOOL),
	FIELD(manager_why, JSON_AS_STRING),
	FIELD(manager_cgroup, JSON_AS_STRING),
	FIELD(manager_controllers, JSON_AS_STRV),
	FIELD(subid_source, JSON_AS_STRING),
	RANGES(subuids),
	RANGES(subgids),
	HELPER(newuidmap),
	HELPER(newgidmap),
	HELPER(pasta),
	HELPER(slirp4netns),
	FIELD(pesto, JSON_AS_STRING),
	FIELD(net_tun, JSON_AS_BOOL),
	FIELD(net_route4, JSON_AS_BOOL),
	FIELD(net_route6, JSON_AS_BOOL),
	FIELD(port_start, JSON_AS_U32),
	FIELD(net_resolv, JSON_AS_STRING),
	FIELD(max_user_namespaces, JSON_AS_I64),
	FIELD(unprivileged_userns_clone, JSON_AS_I64),
	FIELD(apparmor_restrict_userns, JSON_AS_I64),
	FIELD(fuse_overlayfs, JSON_AS_STRING),
	FIELD(dev_fuse, JSON_AS_BOOL),
	FIELD(apparmor, JSON_AS_BOOL),
	FIELD(selinux, JSON_AS_BOOL),
	{ 0 }
};

static struct strv words(struct arena *a, const char *const *list)
{
	struct strv ret = { NULL, 0 };

	while (list[ret.n])
		ret.n++;
	ret.v = arena_alloc(a, (ret.n + 1) * sizeof(*ret.v));
	memcpy(ret.v, list, (ret.n + 1) * sizeof(*ret.v));
	return ret;
}

static void ordinary_user(struct arena *a, struct host *h)
{
	static const char *const controllers[] = { "memory", "pids", NULL };
	static const char *const all_controllers[] = { "cpuset", "cpu", "io", "memory", "pids", NULL };
	const struct id_extent all = { 0, 0, UINT32_MAX };
	const struct id_range owned = { 100000, 65536 };

	*h = (struct host){
		.arena = a,
		.faked = true,
		.cgroup_probed = true,
		.manager_probed = true,
		.subids_probed = true,
		.limits_probed = true,
		.uid = 1000,
		.gid = 1000,
		.user = "alice",
		.kernel_major = 6,
		.kernel_minor = 1,
		.machine = "x86_64",
		.cgroup = HOST_CGROUP_V2,
		.cgroup_own = "/user.slice/user-1000.slice/session-1.scope",
		.manager = true,
		.manager_cgroup = "/user.slice/user-1000.slice/user@1000.service",
		.subid_source = "/etc/subuid",
		.fuse_overlayfs = "/usr/bin/fuse-overlayfs",
		.dev_fuse = true,
		.newuidmap = { HELPER_OK, "/usr/bin/newuidmap" },
		.newgidmap = { HELPER_OK, "/usr/bin/newgidmap" },
		.net_tools_probed = true,
		.pasta = { HELPER_OK, "/usr/bin/pasta" },
		.slirp4netns = { HELPER_OK, "/usr/bin/slirp4netns" },
		.net_tun = true,
		.net_route4 = true,
		.port_start = 1024,
		.net_resolv = "nameserver 192.0.2.53\n",
		.max_user_namespaces = 63000,
		.unprivileged_userns_clone = -1,
		.apparmor_restrict_userns = -1,
	};
	h->uid_map = (struct id_extents){ arena_alloc(a, sizeof(all)), 1 };
	h->gid_map = (struct id_extents){ arena_alloc(a, sizeof(all)), 1 };
	h->uid_map.v[0] = h->gid_map.v[0] = all;
	h->subuids = (struct id_ranges){ arena_alloc(a, sizeof(owned)), 1 };
	h->subgids = (struct id_ranges){ arena_alloc(a, sizeof(owned)), 1 };
	h->subuids.v[0] = h->subgids.v[0] = owned;
	h->groups.v = arena_alloc(a, sizeof(uint32_t));
	h->groups.v[0] = 1000;
	h->groups.n = 1;
	h->cgroup_controllers = words(a, controllers);
	h->manager_controllers = words(a, controllers);
	h->root_controllers = words(a, all_controllers);
}

int host_probe(struct arena *a, struct host *ret, struct err *err)
{
	int rc;

	*ret = (struct host){ .arena = a };
	rc = probe_user(ret, err);
	if (rc == 0)
		rc = probe_kernel(ret, err);
	return rc < 0 ? err_in(err, rc, "look at the host") : 0;
}

int host_need_cgroup(struct host *h, struct err *err)
{
	int rc;

	if (h->faked || h->cgroup_probed)
		return 0;
	rc = probe_cgroup(h, err);
	h->cgroup_probed = rc == 0;
	return rc;
}

void host_need_manager(struct host *h)
{
	if (!h->faked && !h->manager_probed)
		probe_manager(h);
	h->manager_probed = true;
}

int host_need_subids(struct host *h, struct err *err)
{
	int rc;

	if (h->faked || h->subids_probed)
		return 0;
	rc = probe_login(h, err);
	if (rc == 0)
		rc = probe_subids(h, err);
	h->subids_probed = rc == 0;
	return rc < 0 ? err_in(err, rc, "look up subordinate IDs") : 0;
}

int host_need_limits(struct host *h, struct err *err)
{
	(void)err;
	if (!h->faked && !h->limits_probed)
		probe_limits(h);
	h->limits_probed = true;
	return 0;
}

void host_need_layers(struct host *h)
{
	if (!h->faked && !h->layers_probed)
		probe_layers(h);
	h->layers_probed = true;
}

void host_need_lsm(struct host *h)
{
	if (!h->faked && !h->lsm_probed)
		probe_lsm(h);
	h->lsm_probed = true;
}

void host_need_net_tools(struct host *h)
{
	if (!h->faked && !h->net_tools_probed)
		probe_net(h);
	h->net_tools_probed = true;
}

int host_load(struct arena *a, const char *path, struct host *ret, struct err *err)
{
	auto_free char *text = NULL;
	struct json *doc;
	size_t len;
	int rc;

	rc = file_read_at(AT_FDCWD, path, JSON_MAX, &text, &len, err);
	if (rc < 0)
		return rc;
	rc = json_parse(a, path, text, len, &doc, err);
	if (rc < 0)
		return rc;
	ordinary_user(a, ret);
	return json_decode(a, doc, host_table, ret, err);
}

bool id_to_outside(const struct id_extents *map, uint32_t inside, uint32_t *ret)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_extent *e = &map->v[i];

		if (inside < e->inside || inside - e->inside >= e->count)
			continue;
		*ret = e->outside + (inside - e->inside);
		return true;
	}
	return false;
}

bool id_to_inside(const struct id_extents *map, uint32_t outside, uint32_t *ret)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_extent *e = &map->v[i];

		if (outside < e->outside || outside - e->outside >= e->count)
			continue;
		*ret = e->inside + (outside - e->outside);
		return true;
	}
	return false;
}
