/*
 * libexec.c - finds the programs that belong to bryo (libexec.h). Reads only; runs in any process of
 * the host's side.
 */
#include "libexec.h"

#include "cleanup.h"
#include "str.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Root runs nobody else's program. Who is root in a user namespace only sees the host's root as the
 * owner of "/", whatever that is there.
 */
static bool is_trusted(const char *path)
{
	struct stat st, top;

	if (access(path, X_OK) < 0)
		return false;
	if (geteuid() != 0)
		return true;
	return stat(path, &st) == 0 && stat("/", &top) == 0 && !(st.st_mode & 022) &&
	       (st.st_uid == 0 || st.st_uid == top.st_uid);
}

/* The directory of the running program, or NULL. */
static const char *own_dir(struct arena *a)
{
	static const char copy[] = "/memfd:" LIBEXEC_COPY, deleted[] = " (deleted)";
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *path = self;
	char *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	if (str_starts(self, copy)) {
		path += sizeof(copy) - 1;
		n -= (ssize_t)sizeof(deleted) - 1;
		self[n] = '\0';
	}
	slash = strrchr(path, '/');
	if (path[0] != '/' || !slash)
		return NULL;
	*slash = '\0';
	return arena_strdup(a, path);
}

int libexec_find(struct arena *a, const char *name, const char **ret, struct err *err)
{
	const char *installed = arena_printf(a, BRYO_LIBEXECDIR "/%s", name), *dir;

	*ret = installed;
	if (is_trusted(*ret))
		return 0;
	dir = own_dir(a);
	if (dir) {
		*ret = arena_printf(a, "%s/helpers/%s", dir, name);
		if (is_trusted(*ret))
			return 0;
	}
	return err_set(err, ENOENT, "%s is not installed", installed);
}
