/*
 * mount_copyup.c - copies what a tmpfs hides into it (mount_copyup.h). Runs in init. What is
 * copied belongs to the image, which is hostile: no link is followed, no file is opened before its
 * type is known, and nothing is read whole.
 */
#include "mount_copyup.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK	   65536
#define XATTRS_MAX 65536 /* the kernel's limit of a list, and of a value */

struct copy {
	char *buf;   /* CHUNK */
	char *names; /* XATTRS_MAX */
};

static int copy_range(const struct copy *c, int from, int to, off_t at, off_t end, struct err *err)
{
	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(from, c->buf, want, at), m = 0;

		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			return 0; /* cut off meanwhile */
		for (ssize_t done = 0; done < n; done += m) {
			m = pwrite(to, c->buf + done, (size_t)(n - done), at + done);
			if (m < 0)
				return err_sys(err, "write");
		}
		at += n;
	}
	return 0;
}

/* Holes stay holes: an image may hold a file of any size that occupies nothing. */
static int copy_content(const struct copy *c, int from, int to, off_t size, struct err *err)
{
	off_t data = 0, hole;
	int rc = 0;

	while (rc == 0 && data < size) {
		data = lseek(from, data, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? size : lseek(from, data, SEEK_HOLE);
		data = data < 0 ? 0 : data;
		hole = hole < 0 || hole > size ? size : hole;
		rc = copy_range(c, from, to, data, hole, err);
		data = hole;
	}
	if (rc == 0 && ftruncate(to, size) < 0)
		rc = err_sys(err, "set the size");
	return rc;
}

/* What the tmpfs or our rights do not allow stays behind. */
static void copy_xattrs(const struct copy *c, int from, int to, bool own)
{
	ssize_t len = flistxattr(from, c->names, XATTRS_MAX);

	for (ssize_t i = 0; i < len; i += (ssize_t)strlen(c->names + i) + 1) {
		const char *name = c->names + i;
		ssize_t n = fgetxattr(from, name, c->buf, CHUNK);

		if (n >= 0 && (own || !str_eq(name, "security.capability")))
			(void)fsetxattr(to, name, c->buf, (size_t)n, 0);
	}
}

static void copy_times(int fd, const char *name, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	(void)utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Whoever owns the copy now must not inherit rights that were meant for another. */
static mode_t safe_mode(const struct stat *st, bool owned)
{
	return st->st_mode & (owned ? 07777 : 01777);
}

/* Owner first: the kernel takes bits and capabilities away when it changes. */
static int copy_attributes(const struct copy *c, int from, int to, const struct stat *st,
			   struct err *err)
{
	bool owned = fchown(to, st->st_uid, st->st_gid) == 0;

	if (fchmod(to, safe_mode(st, owned)) < 0)
		return err_sys(err, "set the mode");
	copy_xattrs(c, from, to, owned);
	return 0;
}

static int copy_file(const struct copy *c, int fromdir, int todir, const char *name,
		     const struct stat *st, struct err *err)
{
	auto_fd int from =
		openat(fromdir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	auto_fd int to = -1;
	struct stat now;
	int rc;

	if (from < 0 || fstat(from, &now) < 0)
		return err_sys(err, "open");
	if (!S_ISREG(now.st_mode))
		return err_set(err, EAGAIN, "changed while it was copied");
	to = openat(todir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, "make");
	rc = copy_content(c, from, to, now.st_size, err);
	if (rc == 0)
		rc = copy_attributes(c, from, to, &now, err);
	if (rc == 0)
		copy_times(todir, name, st);
	return rc;
}

static int copy_link(int fromdir, int todir, const char *name, struct err *err)
{
	char link[PATH_MAX];
	ssize_t n = readlinkat(fromdir, name, link, sizeof(link) - 1);

	if (n < 0)
		return err_sys(err, "read the link");
	link[n] = '\0';
	return symlinkat(link, todir, name) < 0 ? err_sys(err, "make the link") : 0;
}

static int copy_node(int todir, const char *name, const struct stat *st, struct err *err)
{
	int rc;

	if (mknodat(todir, name, st->st_mode & (S_IFMT | 0777), st->st_rdev) == 0)
		return 0;
	rc = err_sys(err, "make the node");
	if (rc == -EPERM)
		err_hint(
			err, rc,
			"device nodes are made only by root outside of user namespaces: take it out of the image, "
			"or the option tmpcopyup");
	return rc;
}

/* What is neither a file nor a directory: made anew. */
static int copy_special(int fromdir, int todir, const char *name, const struct stat *st,
			struct err *err)
{
	bool link = S_ISLNK(st->st_mode);
	int rc = link ? copy_link(fromdir, todir, name, err) : copy_node(todir, name, st, err);
	bool owned;

	if (rc < 0)
		return rc;
	owned = fchownat(todir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) == 0;
	/* No link can have come between: nobody else is in this file system yet. */
	if (!link && fchmodat(todir, name, safe_mode(st, owned), 0) < 0)
		return err_sys(err, "set the mode");
	copy_times(todir, name, st);
	return 0;
}

/* Everything but a directory. */
static int copy_entry(const struct copy *c, int from, int to, const char *name,
		      const struct stat *st, struct err *err)
{
	return S_ISREG(st->st_mode) ? copy_file(c, from, to, name, st, err)
				    : copy_special(from, to, name, st, err);
}

static int make_dir(int todir, const char *name, int depth, struct err *err)
{
	int fd;

	if (depth >= COPYUP_DEPTH)
		return err_set(err, ELOOP, "more than %d directories deep", COPYUP_DEPTH);
	if (mkdirat(todir, name, 0700) < 0)
		return err_sys(err, "make");
	fd = openat(todir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(err, "open the copy");
}

/* Calls itself for each directory; their attributes come last, a default ACL would be inherited. */
static int copy_tree(const struct copy *c, int from, int to, int depth, struct err *err)
{
	auto_fd int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	int rc = 0;

	if (!dir)
		return err_sys(err, "read the directory");
	(void)take_fd(&own); /* closedir closes it */
	while (rc == 0 && (errno = 0, e = readdir(dir))) {
		const char *name = e->d_name;
		auto_fd int sub = -1, below = -1;
		struct stat st;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			rc = err_sys(err, "stat");
		else if (!S_ISDIR(st.st_mode))
			rc = copy_entry(c, from, to, name, &st, err);
		else if ((sub = openat(from, name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
			rc = err_sys(err, "open");
		else
			rc = below = make_dir(to, name, depth, err);
		if (below >= 0) {
			rc = copy_tree(c, sub, below, depth + 1, err);
			rc = rc < 0 ? rc : copy_attributes(c, sub, below, &st, err);
			copy_times(to, name, &st);
		}
		if (rc < 0)
			return err_in(err, rc, "'%s'", name);
	}
	return errno ? err_sys(err, "read the directory") : 0;
}

int mount_copyup_inside(int from, int to, bool keep_top, struct err *err)
{
	auto_free char *buf = mem_alloc(CHUNK), *names = mem_alloc(XATTRS_MAX);
	const struct copy c = { buf, names };
	auto_fd int top = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd int dir = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (top < 0 || dir < 0 || fstat(from, &st) < 0)
		return err_sys(err, "tmpcopyup");
	rc = copy_tree(&c, dir, top, 0, err);
	if (rc == 0 && !keep_top)
		rc = copy_attributes(&c, dir, top, &st, err);
	if (rc == 0)
		copy_times(top, ".", &st);
	if (rc == -ENOSPC)
		err_hint(
			err, rc,
			"what is copied does not fit: give the tmpfs a bigger size= or nr_inodes=");
	return rc < 0 ? err_in(err, rc, "tmpcopyup") : 0;
}
