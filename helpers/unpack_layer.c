/*
 * unpack_layer.c - what a layer takes away from those below it (image-spec, layer.md). Runs in
 * bryo-unpack, in its jail.
 *
 * ".wh.NAME" hides NAME, ".wh..wh..opq" hides all that the directory had. Either only speaks of
 * lower layers: what this layer brings stays, whichever comes first in the archive, so the inodes
 * that it makes are kept. Most writers put whiteouts first, and then there is nothing to keep.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX ".wh."
#define OPAQUE ".wh..wh..opq"
#define DEPTH  256 /* of directories that hold files of this layer and of lower ones */

static size_t slot(const struct inodes *s, ino_t ino)
{
	return (size_t)((uint64_t)ino * 0x9e3779b97f4a7c15u >> 24) & (s->size - 1);
}

static void grow(struct inodes *s)
{
	struct inodes old = *s;

	s->size = old.size ? 2 * old.size : 1024;
	s->v = mem_alloc(s->size * sizeof(*s->v));
	s->n = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.v[i])
			inodes_add(s, old.v[i]);
	free(old.v);
}

void inodes_add(struct inodes *s, ino_t ino)
{
	size_t i;

	if (2 * (s->n + 1) > s->size)
		grow(s);
	for (i = slot(s, ino); s->v[i]; i = (i + 1) & (s->size - 1))
		if (s->v[i] == ino)
			return;
	s->v[i] = ino;
	s->n++;
}

static bool is_brought(const struct inodes *s, ino_t ino)
{
	if (!s->size)
		return false;
	for (size_t i = slot(s, ino); s->v[i]; i = (i + 1) & (s->size - 1))
		if (s->v[i] == ino)
			return true;
	return false;
}

static int hide(struct target *t, int dir, const char *name, int depth, struct err *err);

/* Everything in the directory, which is closed. */
static int hide_inside(struct target *t, int fd, int depth, struct err *err)
{
	auto_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return err_sys(err, "read a directory");
	while (rc == 0 && (errno = 0, e = readdir(d)))
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			rc = hide(t, dirfd(d), e->d_name, depth, err);
	return rc;
}

/* A directory of a lower layer can hold what this layer made. */
static int hide(struct target *t, int dir, const char *name, int depth, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look at '%s'", name);
	if (t->brought.n == 0)
		return tree_remove_at(dir, name, err);
	if (!S_ISDIR(st.st_mode))
		return is_brought(&t->brought, st.st_ino) ? 0 : tree_remove_at(dir, name, err);
	if (depth == DEPTH)
		return err_set(err, ELOOP, "more than %d directories within each other", DEPTH);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '%s'", name);
	rc = hide_inside(t, fd, depth + 1, err);
	if (rc == 0 && !is_brought(&t->brought, st.st_ino) &&
	    unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY)
		return err_sys(err, "remove '%s'", name);
	return rc;
}

static int hide_all(struct target *t, int dir, struct err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "open the directory") : hide_inside(t, fd, 0, err);
}

bool target_is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_starts(slash ? slash + 1 : path, PREFIX);
}

int target_whiteout(struct target *t, const char *path, struct err *err)
{
	const char *name;
	int dir = target_parent(t, path, &name, err), rc;

	if (dir < 0)
		return err_in(err, dir, "'%s'", path);
	if (str_eq(name, OPAQUE))
		rc = hide_all(t, dir, err);
	else if (str_starts(name, PREFIX PREFIX)) /* what aufs keeps for itself */
		return 0;
	else if (str_eq(name, PREFIX) || str_eq(name, PREFIX ".") || str_eq(name, PREFIX ".."))
		rc = err_set(err, EINVAL, "it hides nothing that has a name");
	else
		rc = hide(t, dir, name + strlen(PREFIX), 0, err);
	return rc < 0 ? err_in(err, rc, "'%s'", path) : 0;
}

void target_layer(struct target *t)
{
	free(t->brought.v);
	t->brought = (struct inodes){ 0 };
	t->layered = true;
}
