/*
 * path.c - names inside a root (path.h). Runs in init, and in the exec child. Every walk is one
 * openat2 with RESOLVE_IN_ROOT, so the kernel keeps "..", absolute links and races inside; no
 * component is ever joined to a host path.
 *
 * Creation walks up to the deepest existing directory, then makes one component at a time
 * with mkdirat on the parent's descriptor: a link that appears in between makes the next
 * in-root open fail or land inside the root, never outside.
 */
#include "path.h"

#include "cleanup.h"
#include "sys.h"

#include <limits.h>
#include <string.h>

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

/* A missing component: make it in its parent, or say what is in the way. */
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
	if (parent < 0) {
		rc = err_sys(err, "open the parent of '%s' in the rootfs", path);
	} else if (mkdirat(parent, name, mode) < 0 && errno != EEXIST) {
		rc = err_sys(err, "make directory '%s' in the rootfs", path);
	} else if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		rc = err_set(err, ELOOP, "'%s' in the rootfs is a symbolic link that leads nowhere", path);
	}
	*end = keep;
	return rc;
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
	for (char *p = buf + 1; *p; p++) {
		auto_fd int have = -1;

		p = strchrnul(p, '/');
		char keep = *p;

		*p = '\0';
		have = open_in(rootfd, buf, O_PATH | O_DIRECTORY);
		*p = keep;
		if (have < 0) {
			if (errno != ENOENT)
				return err_sys(err, "open directory '%.*s' in the rootfs", (int)(p - buf), buf);
			rc = make_component(rootfd, buf, p, mode, err);
			if (rc < 0)
				return rc;
		}
		if (!keep)
			break;
	}
	fd = open_in(rootfd, buf, O_PATH | O_DIRECTORY);
	return fd >= 0 ? fd : err_sys(err, "open directory '%s' in the rootfs", path);
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

int path_touch_in(int rootfd, const char *path, struct err *err)
{
	char name[NAME_MAX + 1];
	auto_fd int parent = -1, made = -1;
	struct stat st;
	int fd = open_in(rootfd, path, O_PATH);

	if (fd < 0 && errno != ENOENT)
		return err_sys(err, "open '%s' in the rootfs", path);
	if (fd < 0) {
		parent = path_parent_in(rootfd, path, name, sizeof(name), err);
		if (parent < 0)
			return parent;
		made = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (made < 0)
			return err_sys(err, "create '%s' in the rootfs", path);
		fd = open_in(rootfd, path, O_PATH);
		if (fd < 0)
			return err_sys(err, "open '%s' in the rootfs", path);
	}
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
