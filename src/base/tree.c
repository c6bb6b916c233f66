/*
 * tree.c - removes a directory tree (tree.h). Runs wherever something must be cleaned up: in the
 * runtime, as root of a user namespace, in a helper.
 *
 * A descriptor for each level would end at the limit of open files, some hundred levels down, and
 * a path at 4096 bytes, so the way back up is "..". That is safe because what it leads to is compared
 * with what we came from: a directory that somebody moved meanwhile stops the walk. Each directory
 * is read from its beginning until nothing is found in it, since not every file system goes on
 * in the right place after a removal.
 */
#include "tree.h"

#include "cleanup.h"
#include "fd.h"
#include "mem.h"
#include "str.h"
#include "sys.h"

#include <dirent.h>
#include <string.h>

#define BATCH 32768

struct level { /* a directory that was left downwards */
	dev_t dev;
	ino_t ino;
	size_t path; /* its length in walk.path */
};

struct walk {
	int fd;		 /* the directory that is being emptied */
	struct str path; /* of fd, from the name that was given */
	struct level *levels;
	size_t n, cap;
	char batch[BATCH];
};

struct record { /* of getdents64(2) */
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static int refused(const struct walk *w, const char *name, struct err *err)
{
	int rc;

	if (errno == EXDEV || errno == EBUSY) {
		rc = err_set(err, errno, "'%s/%s' is a mount point", w->path.p, name);
		return err_hint(err, rc, "unmount it first");
	}
	return err_sys(err, "remove '%s/%s'", w->path.p, name);
}

static int go_down(struct walk *w, const char *name, struct err *err)
{
	auto_fd int fd = tree_open_below(w->fd, name);
	struct stat st;

	if (fd < 0 || fstat(w->fd, &st) < 0)
		return refused(w, name, err);
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->levels = mem_realloc(w->levels, w->cap * sizeof(*w->levels));
	}
	w->levels[w->n++] = (struct level){ st.st_dev, st.st_ino, w->path.len };
	str_addf(&w->path, "/%s", name);
	fd_closep(&w->fd);
	w->fd = take_fd(&fd);
	return 0;
}

/* Leaves an empty directory and removes it. */
static int go_up(struct walk *w, struct err *err)
{
	const struct level *up = &w->levels[--w->n];
	auto_fd int fd = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "leave '%s'", w->path.p);
	if (st.st_dev != up->dev || st.st_ino != up->ino)
		return err_set(err, ESTALE, "'%s' was moved while it was being removed", w->path.p);
	if (unlinkat(fd, w->path.p + up->path + 1, AT_REMOVEDIR) < 0)
		return err_sys(err, "remove '%s'", w->path.p);
	w->path.p[up->path] = '\0';
	w->path.len = up->path;
	fd_closep(&w->fd);
	w->fd = take_fd(&fd);
	return 0;
}

/* 1: it is a directory with something in it. */
static int remove_one(const struct walk *w, const char *name, bool maybe_file, struct err *err)
{
	if (maybe_file && unlinkat(w->fd, name, 0) == 0)
		return 0;
	if (maybe_file && errno != EISDIR)
		return errno == ENOENT ? 0 : refused(w, name, err);
	if (unlinkat(w->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : refused(w, name, err);
}

/* One pass over the directory. 0: nothing was in it; 1: look again, perhaps further down. */
static int empty_once(struct walk *w, struct err *err)
{
	bool found = false;
	long n;

	if (lseek(w->fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read '%s'", w->path.p);
	while ((n = syscall(SYS_getdents64, w->fd, w->batch, sizeof(w->batch))) > 0) {
		for (char *p = w->batch; p < w->batch + n;) {
			const struct record *r = (const void *)p;
			int rc;

			p += r->len;
			if (str_eq(r->name, ".") || str_eq(r->name, ".."))
				continue;
			found = true;
			rc = remove_one(w, r->name, r->type != DT_DIR, err);
			if (rc == 1)
				rc = go_down(w, r->name, err) < 0 ? -1 : 2;
			if (rc < 0)
				return -1;
			if (rc == 2)
				return 1;
		}
	}
	if (n < 0)
		return err_sys(err, "read '%s'", w->path.p);
	return found;
}

static int walk(struct walk *w, struct err *err)
{
	int rc;

	for (;;) {
		rc = empty_once(w, err);
		if (rc > 0)
			continue;
		if (rc == 0 && w->n == 0)
			return 0;
		if (rc == 0)
			rc = go_up(w, err);
		if (rc < 0)
			return rc;
	}
}

int tree_open_below(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};

	return sys_openat2(dirfd, name, &how);
}

int tree_remove_at(int dirfd, const char *name, struct err *err)
{
	struct err local = ERR_INIT;
	struct walk *w;
	int rc;

	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return err_sys(err, "remove '%s'", name);
	w = mem_alloc(sizeof(*w));
	str_add(&w->path, name);
	w->fd = tree_open_below(dirfd, name);
	if (w->fd < 0)
		rc = err_sys(&local, "open '%s'", name);
	else
		rc = walk(w, &local);
	if (rc >= 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		rc = err_sys(&local, "remove '%s'", name);
	if (rc < 0 && err)
		*err = local;
	fd_closep(&w->fd);
	str_free(&w->path);
	free(w->levels);
	free(w);
	return rc < 0 ? -local.num : 0;
}

bool tree_is_above(const struct stat *dir, int below)
{
	auto_fd int fd = fd_dup(below, 3, NULL);
	struct stat st = { 0 }, last;

	while (fd >= 0) {
		int up;

		last = st;
		if (fstat(fd, &st) < 0)
			return false;
		if (st.st_dev == dir->st_dev && st.st_ino == dir->st_ino)
			return true;
		if (st.st_dev == last.st_dev && st.st_ino == last.st_ino)
			return false; /* the root is above itself */
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_closep(&fd);
		fd = up;
	}
	return false;
}
