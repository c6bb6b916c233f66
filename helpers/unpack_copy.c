/*
 * unpack_copy.c - a directory's files as items. Runs in bryo-unpack, in its jail; the source is a
 * descriptor from outside, of which only names below it are opened, through no link and over no
 * mount point. Blocks are shared where the file system can do that.
 *
 * IDs are seen as in the user namespace: what the caller's map gives him keeps its place. Others look
 * like the overflow ID, which an ID of the map may be as well, so there the caller, who is outside,
 * is asked: "ask NAME", and the answer on standard input is "UID GID", -1 for one that is not mapped.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OVERFLOW_ID 65534
#define PIECE	    (128u << 10)
#define XATTR_MAX   65536

struct seen {
	dev_t dev;
	ino_t ino;
	char *path;
}; /* a file with more names */

struct copy {
	int source, fd; /* fd: the file at hand */
	struct target *t;
	struct seen *seen;
	size_t n_seen, cap_seen;
	char *names, *value; /* of its xattrs */
	ssize_t names_len, names_at;
	struct str todo; /* directories, NUL-terminated one after the other */
};

static int open_below(const struct copy *c, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY),
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};

	return sys_openat2(c->source, *path ? path : ".", &how);
}

static size_t at_most(int64_t size, size_t max)
{
	return size < (int64_t)max ? (size_t)size : max;
}

/* No more than that: what follows is a hole, which would become zeros on disk. */
static int copy_bytes(struct copy *c, int to, int64_t size, struct err *err)
{
	auto_free char *piece = NULL;
	ssize_t n = 0;

	while (size > 0 &&
	       (n = copy_file_range(c->fd, NULL, to, NULL, at_most(size, 1u << 30), 0)) > 0) {
		size -= n;
		target_wrote(c->t, (uint64_t)n);
	}
	if (size <= 0)
		return 0;
	piece = mem_alloc(PIECE);
	while (size > 0 && (n = read(c->fd, piece, at_most(size, PIECE))) > 0) {
		int rc = fd_write_all(to, piece, (size_t)n, err);

		if (rc < 0)
			return rc;
		size -= n;
		target_wrote(c->t, (uint64_t)n);
	}
	return n < 0 ? err_sys(err, "read") : 0;
}

static int copy_data(void *arg, struct target *t, int to, struct err *err)
{
	struct copy *c = arg;
	off_t end, data = 0, hole;
	struct stat st;
	int rc = 0;

	(void)t;
	if (ioctl(to, FICLONE, c->fd) == 0)
		return 0;
	if (fstat(c->fd, &st) < 0)
		return err_sys(err, "look at it");
	end = st.st_size;
	while (rc == 0 && (data = lseek(c->fd, data, SEEK_DATA)) >= 0 && data < end) {
		hole = lseek(c->fd, data, SEEK_HOLE);
		if (hole < 0 || lseek(c->fd, data, SEEK_SET) < 0 || lseek(to, data, SEEK_SET) < 0)
			return err_sys(err, "seek");
		rc = copy_bytes(c, to, hole - data, err);
		data = hole;
	}
	if (rc < 0)
		return rc;
	return ftruncate(to, end) < 0 ? err_sys(err, "set the size") : 0;
}

static bool copy_xattr(void *arg, struct xattr *ret)
{
	struct copy *c = arg;

	if (c->fd < 0)
		return false;
	if (c->names_len < 0) {
		c->names_at = 0;
		c->names_len = flistxattr(c->fd, c->names, XATTR_MAX);
		if (c->names_len < 0)
			c->names_len = 0;
	}
	while (c->names_at < c->names_len) {
		ssize_t n;

		ret->name = c->names + c->names_at;
		c->names_at += (ssize_t)strlen(ret->name) + 1;
		n = fgetxattr(c->fd, ret->name, c->value, XATTR_MAX);
		if (n < 0 || str_eq(ret->name, "security.selinux"))
			continue;
		ret->value = c->value;
		ret->size = (size_t)n;
		return true;
	}
	return false;
}

static int ask_owner(struct item *item, const struct stat *st, struct err *err)
{
	char line[64] = "";
	long long uid, gid;

	item->uid = st->st_uid;
	item->gid = st->st_gid;
	item->known = st->st_uid != OVERFLOW_ID && st->st_gid != OVERFLOW_ID;
	if (item->known)
		return 0;
	tell("ask %s", item->path);
	if (!fgets(line, sizeof(line), stdin) || sscanf(line, "%lld %lld", &uid, &gid) != 2)
		return err_set(err, EPROTO, "nobody knows the owner of '%s'", item->path);
	item->uid = uid;
	item->gid = gid;
	return 0;
}

/* The first name of a file that has several, or NULL and it is this one. */
static const char *other_name(struct copy *c, const struct stat *st, const char *path)
{
	if (st->st_nlink < 2)
		return NULL;
	for (size_t i = 0; i < c->n_seen; i++)
		if (c->seen[i].ino == st->st_ino && c->seen[i].dev == st->st_dev)
			return c->seen[i].path;
	if (c->n_seen == c->cap_seen) {
		c->cap_seen = c->cap_seen ? 2 * c->cap_seen : 64;
		c->seen = mem_realloc(c->seen, c->cap_seen * sizeof(*c->seen));
	}
	c->seen[c->n_seen++] = (struct seen){ st->st_dev, st->st_ino, mem_strdup(path) };
	return NULL;
}

static int open_source(struct copy *c, const struct stat *st, const char *path, struct err *err)
{
	c->names_len = -1;
	c->fd = -1;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	c->fd = open_below(c, path, O_RDONLY | O_NONBLOCK);
	return c->fd < 0 ? err_sys(err, "open '%s'", path) : 0;
}

static int add_file(struct copy *c, const char *path, const struct stat *st, int dir,
		    const char *name, struct err *err)
{
	char link[PATH_MAX];
	struct item item = { .mode = st->st_mode,
			     .mtime = st->st_mtim,
			     .size = st->st_size,
			     .source = c,
			     .data = copy_data,
			     .xattr = copy_xattr };
	ssize_t n;
	int rc = item_path(path, item.path, err);

	if (rc == 0)
		rc = ask_owner(&item, st, err);
	if (rc < 0)
		return rc;
	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, link, sizeof(link) - 1);
		if (n < 0)
			return err_sys(err, "read the link '%s'", path);
		link[n] = '\0';
		item.link = link;
	} else if (!S_ISDIR(st->st_mode)) {
		item.link = other_name(c, st, path);
		item.hard = item.link;
	}
	rc = open_source(c, st, path, err);
	if (rc == 0)
		rc = target_add(c->t, &item, err);
	fd_closep(&c->fd);
	return rc;
}

static int add_entries(struct copy *c, DIR *d, const char *path, struct err *err)
{
	struct dirent *e;
	struct stat st;
	int rc = 0;

	for (errno = 0; rc == 0 && (e = readdir(d)); errno = 0) {
		auto_free char *below = NULL;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		below = mem_printf("%s%s%s", path, *path ? "/" : "", e->d_name);
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(err, "look at '%s'", below);
		if (S_ISDIR(st.st_mode))
			str_addn(&c->todo, below, strlen(below) + 1);
		else
			rc = add_file(c, below, &st, dirfd(d), e->d_name, err);
	}
	return rc == 0 && errno ? err_sys(err, "read '%s'", *path ? path : ".") : rc;
}

/* What is mounted on it is not entered: it is copied empty. */
static int add_directory(struct copy *c, const char *path, struct err *err)
{
	auto_dir DIR *d = NULL;
	auto_fd int fd = open_below(c, path, O_RDONLY | O_DIRECTORY);
	struct stat st;
	int rc;

	if (fd < 0 && errno == EXDEV)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open '%s'", path);
	rc = add_file(c, path, &st, -1, NULL, err);
	if (rc < 0)
		return rc;
	d = fdopendir(fd);
	if (!d)
		return err_sys(err, "read '%s'", path);
	(void)take_fd(&fd);
	return add_entries(c, d, path, err);
}

int copy_tree(struct target *t, int source, struct err *err)
{
	struct copy c = { .source = source, .fd = -1, .t = t };
	int rc;

	c.names = mem_alloc(XATTR_MAX);
	c.value = mem_alloc(XATTR_MAX);
	str_addn(&c.todo, "", 1);
	/* taken from the end: deep first, so that few wait */
	for (rc = 0; rc == 0 && c.todo.len;) {
		auto_free char *path = NULL;
		size_t at = c.todo.len - 1;

		while (at && c.todo.p[at - 1])
			at--;
		path = mem_strdup(c.todo.p + at);
		c.todo.len = at;
		rc = add_directory(&c, path, err);
	}
	str_free(&c.todo);
	free(c.names);
	free(c.value);
	return rc;
}
