/*
 * path.c - names inside a root (path.h). Runs in init, and in the exec child. Every walk is one
 * openat2 with RESOLVE_IN_ROOT, so the kernel keeps "..", absolute links and races inside; no
 * component is ever joined to a host path.
 *
 * Creation walks up to the deepest existing directory, then makes one component at a time
 * with mkdirat on the parent's descriptor: a link that appears in between makes the next
 * in-root open fail or land inside the root, never outside. A link to what does not exist yet
 * (/etc/resolv.conf of many images) is followed by hand, because the kernel stops at it; what it
 * says is a path inside the root again, and goes through the same opens.
 */
#include "path.h"

#include "cleanup.h"
#include "sys.h"

#include <limits.h>
#include <string.h>

#define LINKS_MAX 40 /* as the kernel */

static int open_in(int rootfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = 0;

	/* EAGAIN: a rename or mount raced with "..": the kernel asks to try again. */
	do
		fd = sys_openat2(rootfd, *path ? path : "/", &how);
	while (fd < 0 && errno == EAGAIN && ++tries < 64);
	return fd;
}

int path_open_in(int rootfd, const char *path, int flags, struct err *err)
{
	int fd = open_in(rootfd, path, flags);

	return fd >= 0 ? fd : err_sys(err, "open '%s' in the rootfs", path);
}

/* Bounded copy with one leading slash, cleaned. */
static int path_copy(const char *path, char buf[PATH_MAX], struct err *err)
{
	if (strlen(path) + 2 > PATH_MAX)
		return err_set(err, ENAMETOOLONG, "path '%.60s...' in the rootfs is too long", path);
	buf[0] = '/';
	memcpy(buf + 1, path, strlen(path) + 1);
	path_clean(buf);
	return 0;
}

/* The component of path that ends at end is a link to what does not exist: its target takes its place. */
static int follow_link(int rootfd, char path[PATH_MAX], const char *end, struct err *err)
{
	char link[PATH_MAX], rest[PATH_MAX];
	auto_fd int fd = -1;
	ssize_t n;
	size_t len;

	memcpy(rest, end, strlen(end) + 1);
	path[end - path] = '\0';
	fd = open_in(rootfd, path, O_PATH | O_NOFOLLOW);
	n = fd < 0 ? -1 : readlinkat(fd, "", link, sizeof(link) - 1);
	if (n < 0)
		return err_sys(err, "read the symbolic link '%s' in the rootfs", path);
	link[n] = '\0';
	*(link[0] == '/' ? path : strrchr(path, '/')) = '\0';
	len = strlen(path);
	if (len + 1 + (size_t)n + strlen(rest) + 1 > PATH_MAX)
		return err_set(err, ENAMETOOLONG, "the symbolic link to '%.60s...' in the rootfs is too long", link);
	path[len++] = '/';
	memcpy(path + len, link, (size_t)n);
	memcpy(path + len + n, rest, strlen(rest) + 1);
	path_clean(path);
	return 0;
}

/* A missing component: make it in its parent. Returns 1 where a link that leads nowhere is in its place. */
static int make_component(int rootfd, char *path, char *end, mode_t mode, struct err *err)
{
	char keep = *end, *name;
	auto_fd int parent = -1;
	struct stat st;
	int rc = 0;

	*end = '\0';
	name = strrchr(path, '/');
	*name = '\0';
	parent = open_in(rootfd, path, O_PATH | O_DIRECTORY);
	*name++ = '/';
	if (parent < 0)
		rc = err_sys(err, "open the parent of '%s' in the rootfs", path);
	else if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		rc = err_sys(err, "make directory '%s' in the rootfs", path);
	else if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		rc = 1;
	*end = keep;
	return rc;
}

/* Makes what is missing of path. Returns 1 where path was changed by a link: once more. */
static int make_missing(int rootfd, char path[PATH_MAX], mode_t mode, struct err *err)
{
	for (char *p = path + 1; *p; p++) {
		auto_fd int have = -1;
		int rc;

		p = strchrnul(p, '/');
		char keep = *p;

		*p = '\0';
		have = open_in(rootfd, path, O_PATH | O_DIRECTORY);
		*p = keep;
		if (have < 0 && errno != ENOENT)
			return err_sys(err, "open directory '%.*s' in the rootfs", (int)(p - path), path);
		rc = have < 0 ? make_component(rootfd, path, p, mode, err) : 0;
		if (rc > 0)
			rc = follow_link(rootfd, path, p, err) < 0 ? -ELOOP : 1;
		if (rc != 0)
			return rc;
		if (!keep)
			break;
	}
	return 0;
}

int path_mkdir_in(int rootfd, const char *path, mode_t mode, struct err *err)
{
	char buf[PATH_MAX];
	int fd, rc;

	fd = open_in(rootfd, path, O_PATH | O_DIRECTORY);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_sys(err, "open directory '%s' in the rootfs", path);
	rc = path_copy(path, buf, err);
	if (rc < 0)
		return rc;
	for (int links = 0; links < LINKS_MAX; links++) {
		rc = make_missing(rootfd, buf, mode, err);
		if (rc <= 0)
			break;
	}
	if (rc > 0)
		return err_set(err, ELOOP, "too many symbolic links in '%s' in the rootfs", path);
	fd = rc < 0 ? rc : open_in(rootfd, buf, O_PATH | O_DIRECTORY);
	return fd >= 0 || rc < 0 ? fd : err_sys(err, "open directory '%s' in the rootfs", path);
}

int path_parent_in(int rootfd, const char *path, char *name, size_t size, struct err *err)
{
	char buf[PATH_MAX], *last;
	int rc = path_copy(path, buf, err);

	if (rc < 0)
		return rc;
	last = strrchr(buf, '/');
	if (!last[1] || strcmp(last + 1, "..") == 0)
		return err_set(err, EINVAL, "'%s' names no entry in the rootfs", path);
	if (strlen(last + 1) >= size)
		return err_set(err, ENAMETOOLONG, "the last part of '%s' is too long", path);
	memcpy(name, last + 1, strlen(last + 1) + 1);
	*last = '\0';
	return path_mkdir_in(rootfd, buf, 0755, err);
}

/* An empty file, or 1 where a link that leads nowhere was followed: once more. */
static int touch(int rootfd, char path[PATH_MAX], struct err *err)
{
	char name[NAME_MAX + 1];
	auto_fd int parent = path_parent_in(rootfd, path, name, sizeof(name), err);
	auto_fd int made = -1;

	if (parent < 0)
		return parent;
	made = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (made >= 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "create '%s' in the rootfs", path);
	return follow_link(rootfd, path, path + strlen(path), err) < 0 ? -ELOOP : 1;
}

int path_touch_in(int rootfd, const char *path, struct err *err)
{
	char buf[PATH_MAX];
	struct stat st;
	int fd = open_in(rootfd, path, O_PATH), rc = 0;

	if (fd < 0 && errno != ENOENT)
		return err_sys(err, "open '%s' in the rootfs", path);
	if (fd < 0)
		rc = path_copy(path, buf, err);
	for (int links = 0; fd < 0 && rc >= 0 && links < LINKS_MAX; links++) {
		rc = touch(rootfd, buf, err);
		fd = rc < 0 ? rc : open_in(rootfd, buf, O_PATH);
	}
	if (rc < 0)
		return rc;
	if (fd < 0)
		return err_sys(err, "open '%s' in the rootfs", path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return err_set(err, EISDIR, "'%s' in the rootfs is a directory", path);
	}
	return fd;
}

void path_clean(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t n;

		in += strspn(in, "/");
		n = strcspn(in, "/");
		if (n == 2 && in[0] == '.' && in[1] == '.') {
			while (out > path && *--out != '/')
				continue;
		} else if (n > 0 && !(n == 1 && in[0] == '.')) {
			*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}
