/*
 * newidmap.c - newuidmap and newgidmap: can they work, and running them. Runs in the runtime;
 * they write the maps of init, which waits for that. Both are started before either is waited
 * for, because each spends most of its time in its own start-up.
 */
#include "rootless.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/vec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define HELPER_MS 60000 /* a directory service may be asked; a hang must still end */

static char *const *helper_argv(struct arena *a, const char *path, pid_t pid,
				const struct id_extents *map)
{
	VEC(char *) argv = VEC_INIT;

	*vec_add(a, &argv) = arena_strdup(a, path);
	*vec_add(a, &argv) = arena_printf(a, "%d", (int)pid);
	for (size_t i = 0; i < map->n; i++) {
		*vec_add(a, &argv) = arena_printf(a, "%u", map->v[i].inside);
		*vec_add(a, &argv) = arena_printf(a, "%u", map->v[i].outside);
		*vec_add(a, &argv) = arena_printf(a, "%u", map->v[i].count);
	}
	*vec_add(a, &argv) = NULL;
	return argv.v;
}

static struct child helper_child(struct arena *a, const char *path, pid_t pid,
				 const struct id_extents *map)
{
	struct child c = CHILD_INIT;

	c.path = path;
	c.argv = helper_argv(a, path, pid, map);
	c.capture = true;
	c.timeout_ms = HELPER_MS;
	return c;
}

static int helper_wait(struct child *c, const struct id_extents *map, struct err *err)
{
	int rc = child_wait(c, err);

	if (rc < 0)
		return err_in(err, rc, "write %zu %s of the map, from '%u %u %u' on, through %s",
			      map->n, map->n == 1 ? "line" : "lines", map->v[0].inside,
			      map->v[0].outside, map->v[0].count, c->path);
	return 0;
}

/* A setuid bit counts only if the owner is root; capabilities only as an attribute. */
static bool has_privilege(int fd, const struct stat *st)
{
	char value[64], self[64];

	if ((st->st_mode & S_ISUID) && st->st_uid == 0)
		return true;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return getxattr(self, "security.capability", value, sizeof(value)) > 0;
}

static enum helper_state state_of(const char *path, bool no_new_privs)
{
	auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct statvfs fs;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return HELPER_MISSING;
	if (!has_privilege(fd, &st))
		return HELPER_NO_PRIVILEGE;
	if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return HELPER_NOSUID;
	return no_new_privs ? HELPER_NO_NEW_PRIVS : HELPER_OK;
}

void newidmap_probe(struct arena *a, const char *name, bool no_new_privs, struct helper *ret)
{
	auto_free char *path = NULL;

	*ret = (struct helper){ HELPER_MISSING, NULL };
	if (child_find(name, NULL, &path, NULL) < 0)
		return;
	ret->path = arena_strdup(a, path);
	ret->state = state_of(path, no_new_privs);
}

int newidmap_write(const char *newuidmap, const char *newgidmap, pid_t pid,
		   const struct id_extents *uid, const struct id_extents *gid, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct child u = helper_child(&a, newuidmap, pid, uid);
	struct child g = helper_child(&a, newgidmap, pid, gid);
	struct err more = ERR_INIT;
	int rc, rc_gid;

	rc = child_start(&u, err);
	if (rc < 0)
		return rc;
	rc = child_start(&g, err);
	if (rc < 0) {
		child_release(&u);
		return rc;
	}
	rc = helper_wait(&u, uid, err);
	rc_gid = helper_wait(&g, gid, rc < 0 ? &more : err);
	if (rc < 0 && rc_gid < 0 && err)
		(void)err_also(err, &more);
	child_release(&u);
	child_release(&g);
	return rc < 0 ? rc : rc_gid;
}
