/*
 * find.c - cgroups that bryo made and whose container nobody remembers (cgroup.h). Runs in the
 * runtime, for `bryo gc`.
 *
 * What is ours says its mark, an extended attribute. Any owner of a cgroup can write one, a
 * container's own root included, so a mark counts only on a directory in a cgroup that is the
 * caller's, where nobody else could have made it; and what is below a marked one is the
 * container's business and is not looked at.
 */
#include "v2.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MAX 32

struct finder {
	struct arena *a;
	uid_t owner;
	struct cgroups *found;
};

/* "CREATED MOUNT-NAMESPACE STATE-DIRECTORY": all of it is on one machine and in one boot. */
const char *cgroup_mark(struct arena *a, const char *created, const char *root)
{
	struct stat st;

	if (stat("/proc/self/ns/mnt", &st) < 0)
		return created;
	return arena_printf(a, "%s %llu %s", created, (unsigned long long)st.st_ino, root);
}

static bool read_mark(int fd, struct arena *a, const char **ret)
{
	char value[PATH_MAX + 128];
	ssize_t n = fgetxattr(fd, V2_MARK, value, sizeof(value) - 1);

	if (n <= 0)
		return false;
	value[n] = '\0';
	*ret = arena_strdup(a, value);
	return true;
}

static void find_below(const struct finder *f, int dirfd, const char *path, int depth)
{
	auto_fd int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	struct stat st;
	bool ours;

	if (!d || fstat(dirfd, &st) < 0)
		return;
	(void)take_fd(&own);
	ours = st.st_uid == f->owner;
	if (f->owner == 0 && !ours) /* what a user has below it is not root's */
		return;
	while (depth < DEPTH_MAX && (e = readdir(d))) {
		auto_fd int sub = -1;
		struct cgroup_found c = { 0 };

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		sub = v2_open_below(dirfd, e->d_name, NULL);
		if (sub < 0)
			continue;
		c.path = arena_printf(f->a, "%s/%s", path, e->d_name);
		if (!ours || !read_mark(sub, f->a, &c.mark)) {
			find_below(f, sub, c.path, depth + 1);
			continue;
		}
		c.ino = cgroup_ino(sub);
		c.populated = cgroup_is_populated(sub);
		*vec_add(f->a, f->found) = c;
	}
}

int cgroup_find(struct arena *a, uid_t owner, struct cgroups *ret, struct err *err)
{
	struct finder f = { .a = a, .owner = owner, .found = ret };
	auto_fd int top = cgroup_open("/", err);

	if (top < 0)
		return top;
	find_below(&f, top, "", 0);
	return 0;
}
