/*
 * unpack_write.c - items become files. Runs in bryo-unpack, in its jail, as root of a user namespace.
 *
 * We write ourselves because the order matters and each file should cost few system calls: created
 * with O_EXCL below the descriptor of its directory, owner before mode (chown clears set-user-ID),
 * both before xattrs (chown clears file capabilities), times last, those of directories at the very
 * end. Directories on the way are resolved by openat2 in the root: a link of the archive is followed
 * as a container would follow it, and the last component never is.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TELL_MS 100

/* ------------------------------------------------------------------------ counting */

void target_skip(struct skipped *s, const char *name)
{
	if (s->n++ == 0)
		(void)snprintf(s->first, sizeof(s->first), "%s", name);
}

static void progress(struct target *t)
{
	struct timespec now;
	int64_t ms;

	if (!t->progress)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (ms - t->told_ms < TELL_MS)
		return;
	t->told_ms = ms;
	tell("progress %llu %llu", (unsigned long long)t->files, (unsigned long long)t->bytes);
}

void target_wrote(struct target *t, uint64_t bytes)
{
	t->bytes += bytes;
	progress(t);
}

/* ------------------------------------------------------------------------ names */

int item_path(const char *raw, char ret[PATH_MAX], struct err *err)
{
	size_t len = 0;

	for (const char *p = raw, *end; *p; p = *end ? end + 1 : end) {
		size_t n;

		end = strchrnul(p, '/');
		n = (size_t)(end - p);
		if (n == 0 || (n == 1 && *p == '.'))
			continue;
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return err_set(err, EINVAL, "the name '%.200s' leads upwards", raw);
		if (len + n + 2 > PATH_MAX)
			return err_set(err, ENAMETOOLONG, "the name '%.60s...' is too long", raw);
		if (len)
			ret[len++] = '/';
		memcpy(ret + len, p, n);
		len += n;
	}
	ret[len] = '\0';
	return 0;
}

static void forget_parent(struct target *t)
{
	fd_closep(&t->parentfd);
	free(t->parent);
	t->parent = NULL;
}

/* The directory of path, kept open for the next one; made where no entry has made it. */
int target_parent(struct target *t, const char *path, const char **ret_name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*ret_name = slash ? slash + 1 : *path ? path : ".";
	if (t->parent && strlen(t->parent) == len && memcmp(t->parent, path, len) == 0)
		return t->parentfd;
	forget_parent(t);
	t->parent = mem_alloc(len + 1);
	memcpy(t->parent, path, len);
	t->parentfd = path_open_in(t->root, t->parent, O_PATH | O_DIRECTORY, err);
	if (t->parentfd == -ENOENT)
		t->parentfd = path_mkdir_in(t->root, t->parent, 0755, err);
	if (t->parentfd < 0) {
		int rc = t->parentfd;

		t->parentfd = -1;
		forget_parent(t);
		return rc;
	}
	return t->parentfd;
}

/* ------------------------------------------------------------------------ owners */

static bool mapped(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (id >= ids->first[i] && id - ids->first[i] < ids->count[i])
			return true;
	return false;
}

static int owner(const struct target *t, const struct item *item, bool group, uint32_t *ret,
		 struct err *err)
{
	int64_t id = group ? item->gid : item->uid;

	*ret = (uint32_t)id;
	if (item->known || mapped(group ? &t->gid : &t->uid, id))
		return 0;
	*ret = 0;
	if (t->squash)
		return 0;
	tell("owner %s %lld %s", group ? "gid" : "uid", (long long)id,
	     *item->path ? item->path : ".");
	return err_set(err, EOVERFLOW, "'%s' belongs to %s %lld, which is not mapped", item->path,
		       group ? "gid" : "uid", (long long)id);
}

/* ------------------------------------------------------------------------ kinds of files */

static int make_directory(int dir, const char *name, struct err *err)
{
	int fd;

	if (str_eq(name, "."))
		return openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make the directory");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || (errno != ENOTDIR && errno != ELOOP))
		return fd >= 0 ? fd : err_sys(err, "open the directory");
	if (tree_remove_at(dir, name, err) < 0)
		return -EEXIST;
	if (mkdirat(dir, name, 0700) < 0)
		return err_sys(err, "make the directory");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(err, "open the directory");
}

static int make_file(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* 0, or -1 and errno. */
static int make_link(struct target *t, const struct item *item, int dir, const char *name)
{
	const char *slash = strrchr(item->link, '/');
	auto_free char *up = mem_strdup(item->link);
	struct stat a, b;
	auto_fd int from = -1;
	struct err err = ERR_INIT;

	up[slash ? slash - item->link : 0] = '\0';
	from = path_open_in(t->root, up, O_PATH | O_DIRECTORY, &err);
	errno = err.num;
	if (from < 0)
		return -1;
	slash = slash ? slash + 1 : item->link;
	if (linkat(from, slash, dir, name, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	/* to itself: leave it, before it is cleared out of the way */
	if (fstatat(from, slash, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino)
		return 0;
	errno = EEXIST;
	return -1;
}

/* Returns a descriptor of a regular file, 0 for another kind; -1 and errno. */
static int make_other(struct target *t, const struct item *item, int dir, const char *name)
{
	if (item->hard)
		return make_link(t, item, dir, name);
	if (S_ISREG(item->mode))
		return make_file(dir, name);
	if (S_ISLNK(item->mode))
		return symlinkat(item->link, dir, name);
	return mknodat(dir, name, S_IFIFO | 0600, 0);
}

static int create(struct target *t, const struct item *item, int dir, const char *name,
		  struct err *err)
{
	int fd;

	if (S_ISDIR(item->mode) && !item->hard)
		return make_directory(dir, name, err);
	fd = make_other(t, item, dir, name);
	if (fd < 0 && errno == EEXIST) {
		if (tree_remove_at(dir, name, err) < 0)
			return -EEXIST;
		fd = make_other(t, item, dir, name);
	}
	if (fd < 0 && item->hard)
		return err_sys(err, "link it to '%s'", item->link);
	return fd >= 0 ? fd : err_sys(err, "create it");
}

/* ------------------------------------------------------------------------ attributes */

/*
 * Of security only the capabilities of programs mean the same elsewhere. What overlayfs and
 * fuse-overlayfs note for themselves must not come from a stranger: the tree may become a lower
 * directory.
 */
static bool is_portable(const char *name)
{
	if (str_starts(name, "user."))
		return !str_starts(name, "user.overlay.") &&
		       !str_starts(name, "user.fuseoverlayfs.") &&
		       !str_starts(name, "user.containers.");
	return str_eq(name, "security.capability") || str_starts(name, "system.posix_acl_");
}

/* fd < 0: of name in dir, which is a link or the like. */
static void set_xattrs(struct target *t, const struct item *item, int fd, int dir, const char *name)
{
	struct xattr x;

	while (item->xattr && item->xattr(item->source, &x)) {
		bool set = is_portable(x.name);

		if (set && fd >= 0)
			set = fsetxattr(fd, x.name, x.value, x.size, 0) == 0;
		else if (set)
			set = fchdir(dir) == 0 && lsetxattr(name, x.name, x.value, x.size, 0) == 0;
		if (!set && t->xattrs.n == 0)
			(void)snprintf(t->xattrs.first, sizeof(t->xattrs.first), "%.80s of %.160s",
				       x.name, item->path);
		t->xattrs.n += !set;
	}
}

static int dress_fd(struct target *t, const struct item *item, int fd, uint32_t uid, uint32_t gid,
		    struct err *err)
{
	struct timespec times[2] = { item->mtime, item->mtime };

	if (fchown(fd, uid, gid) < 0)
		return err_sys(err, "give it to %u:%u", uid, gid);
	if (fchmod(fd, item->mode & 07777) < 0)
		return err_sys(err, "set its mode");
	set_xattrs(t, item, fd, -1, NULL);
	if (!S_ISDIR(item->mode) && futimens(fd, times) < 0)
		return err_sys(err, "set its time");
	return 0;
}

static int dress_at(struct target *t, const struct item *item, int dir, const char *name,
		    uint32_t uid, uint32_t gid, struct err *err)
{
	struct timespec times[2] = { item->mtime, item->mtime };

	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "give it to %u:%u", uid, gid);
	if (!S_ISLNK(item->mode) && fchmodat(dir, name, item->mode & 07777, 0) < 0)
		return err_sys(err, "set its mode");
	set_xattrs(t, item, -1, dir, name);
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "set its time");
	return 0;
}

static int mark_directory(struct target *t, const struct item *item, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at it");
	if (t->n_marks == t->cap_marks) {
		t->cap_marks = t->cap_marks ? 2 * t->cap_marks : 256;
		t->marks = mem_realloc(t->marks, t->cap_marks * sizeof(*t->marks));
	}
	t->marks[t->n_marks++] = (struct mark){ st.st_ino, item->mtime, mem_strdup(item->path) };
	return 0;
}

static int note_made(struct target *t, int fd, int dir, const char *name, struct err *err)
{
	struct stat st;

	if (!t->layered)
		return 0;
	if (fd >= 0 ? fstat(fd, &st) < 0 : fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look at it");
	inodes_add(&t->brought, st.st_ino);
	return 0;
}

/* ------------------------------------------------------------------------ items */

static int add_in(struct target *t, const struct item *item, int dir, const char *name,
		  struct err *err)
{
	bool by_fd = !item->hard && (S_ISREG(item->mode) || S_ISDIR(item->mode));
	uint32_t uid, gid;
	int rc = owner(t, item, false, &uid, err);
	auto_fd int fd = -1;

	if (rc == 0)
		rc = owner(t, item, true, &gid, err);
	if (rc == 0)
		rc = create(t, item, dir, name, err);
	if (rc < 0)
		return rc;
	if (by_fd)
		fd = rc;
	rc = note_made(t, fd, dir, name, err);
	if (rc < 0 || item->hard)
		return rc;
	if (S_ISREG(item->mode) && item->size)
		rc = item->data(item->source, t, fd, err);
	if (rc == 0 && by_fd)
		rc = dress_fd(t, item, fd, uid, gid, err);
	else if (rc == 0)
		rc = dress_at(t, item, dir, name, uid, gid, err);
	if (rc == 0 && S_ISDIR(item->mode))
		rc = mark_directory(t, item, fd, err);
	return rc;
}

int target_add(struct target *t, const struct item *item, struct err *err)
{
	const char *name;
	int dir, rc;

	if (!item->hard && (S_ISCHR(item->mode) || S_ISBLK(item->mode))) {
		target_skip(&t->devices, item->path);
		return 0;
	}
	if (!item->hard && S_ISSOCK(item->mode)) {
		target_skip(&t->sockets, item->path);
		return 0;
	}
	if (!*item->path && (item->hard || !S_ISDIR(item->mode)))
		return err_set(err, EINVAL,
			       "an entry that is no directory has the name of the root");
	dir = target_parent(t, item->path, &name, err);
	rc = dir < 0 ? dir : add_in(t, item, dir, name, err);
	if (rc < 0)
		return rc == -EOVERFLOW ? rc : err_in(err, rc, "'%s'", item->path);
	t->files++;
	progress(t);
	return 0;
}

int target_finish(struct target *t, struct err *err)
{
	forget_parent(t);
	for (size_t i = 0; i < t->n_marks; i++) {
		const struct mark *m = &t->marks[i];
		struct timespec times[2] = { m->mtime, m->mtime };
		auto_fd int fd =
			path_open_in(t->root, m->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, NULL);
		struct stat st;

		/* replaced or removed since */
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != m->ino)
			continue;
		if (futimens(fd, times) < 0)
			return err_sys(err, "'%s': set its time", m->path);
	}
	return 0;
}
