/*
 * net_target.c - finds the container whose network is joined, and opens its namespaces
 * (net_target.h). Runs in the calling process.
 *
 * A container that joined another one's network is not asked: the network belongs to the user
 * namespace of the first one, so that is followed.
 */
#include "net_target.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#define CHAIN_MAX 16

static int open_ns(pid_t pid, const char *name, int *ret, struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, "open '%s'", path) : 0;
}

static struct id_extents copy_map(struct arena *a, const struct id_extents *map)
{
	struct id_extents ret = { arena_alloc(a, (map->n + 1) * sizeof(*ret.v)), map->n };

	if (map->n)
		memcpy(ret.v, map->v, map->n * sizeof(*ret.v));
	return ret;
}

/* One of its mounts is the procfs that we are seen in, whatever its pid namespace. */
static int find_outer_proc(struct container *c, bool *ret, struct err *err)
{
	struct stat proc, st;
	struct spec *spec;
	int rc = container_spec(c, &spec, err);

	if (rc < 0 || stat("/proc", &proc) < 0)
		return rc < 0 ? rc : err_sys(err, "look at '/proc'");
	for (size_t i = 0; i < spec->mounts.n; i++) {
		const char *source = spec->mounts.v[i].source;
		auto_free char *path = NULL;

		if (!source)
			continue;
		path = source[0] == '/' ? mem_strdup(source)
					: mem_printf("%s/%s", c->record.bundle, source);
		*ret |= stat(path, &st) == 0 && st.st_dev == proc.st_dev &&
			st.st_ino == proc.st_ino;
	}
	return 0;
}

static int read_facts(struct arena *a, struct container *c, struct net_target *ret, struct err *err)
{
	struct idmap_plan maps = { 0 };
	auto_free char *resolv = NULL;
	int rc = 0;

	ret->pid = c->record.pid;
	ret->namespaces = c->record.namespaces;
	ret->backend = arena_strdup(a, c->record.net_backend ? c->record.net_backend : "");
	if (ret->namespaces & CLONE_NEWUSER)
		rc = open_ns(ret->pid, "user", &ret->user, err);
	if (rc == 0 && (ret->namespaces & CLONE_NEWNET))
		rc = open_ns(ret->pid, "net", &ret->net, err);
	if (rc == 0)
		rc = find_outer_proc(c, &ret->sees_us, err);
	if (rc == 0)
		rc = container_maps(c, &maps, &ret->setgroups_denied, err);
	if (rc < 0)
		return rc;
	ret->uid = copy_map(a, &maps.uid);
	ret->gid = copy_map(a, &maps.gid);
	if (file_read_at(c->dirfd, NET_RESOLV, 65536, &resolv, NULL, NULL) == 0)
		ret->resolv_conf = arena_strdup(a, resolv);
	return 0;
}

static int find_one(const struct bryo_ctx *ctx, struct arena *a, const char *id,
		    const char **ret_next, struct net_target *ret, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(ctx, id, false, &c, err);
	struct spec as_recorded = { 0 };
	struct net_words words;
	struct pollfd alive;

	if (rc < 0)
		return rc;
	if (c.pidfd < 0)
		return err_set(err, ESRCH, "container '%s' is not running", id);
	as_recorded.annotations = c.record.annotations;
	if (net_words_of(a, &as_recorded, &words, NULL) == 0 && words.kind == NET_JOIN) {
		*ret_next = words.join;
		return 0;
	}
	*ret_next = NULL;
	ret->id = arena_strdup(a, id);
	rc = read_facts(a, &c, ret, err);
	/* alive still: so what was opened by its number was its own */
	alive = (struct pollfd){ .fd = c.pidfd, .events = POLLIN };
	if (poll(&alive, 1, 0) != 0)
		return err_set(err, ESRCH, "container '%s' has just ended", id);
	return rc;
}

int net_target_find(const struct bryo_ctx *ctx, struct arena *a, const char *id,
		    struct net_target *ret, struct err *err)
{
	int rc = 0;

	for (int i = 0; id && rc == 0; i++) {
		const char *next = NULL;

		if (i == CHAIN_MAX)
			return err_set(err, ELOOP,
				       "network 'join:%s': too many containers one behind another",
				       id);
		rc = find_one(ctx, a, id, &next, ret, err);
		if (rc < 0)
			return err_in(err, rc, "network 'join:%s'", id);
		id = next;
	}
	return rc;
}

void net_target_close(struct net_target *t)
{
	fd_closep(&t->user);
	fd_closep(&t->net);
}
