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
 * Root runs nobody else's program, but for what bryo's own owner has put there: who could change
 * it could change bryo. That is also how the host's root, who has another number there, is known in
 * a user namespace.
 */
static bool is_trusted(const char *path, const char *own)
{
	struct stat st, ours;

	if (access(path, X_OK) < 0)
		return false;
	if (geteuid() != 0)
		return true;
	if (stat(path, &st) < 0 || (st.st_mode & 022))
		return false;
	return st.st_uid == 0 || (own && stat(own, &ours) == 0 && st.st_uid == ours.st_uid);
}

/*
 * A bryo in /tmp is safe there by the sticky bit, and what stands beside it under the name is not:
 * anybody can make it.
 */
static bool is_trusted_dir(const char *dir, const char *own)
{
	mode_t others = geteuid() == 0 ? 022 : 002;
	struct stat st, ours;

	if (stat(dir, &st) < 0 || (st.st_mode & others))
		return false;
	return st.st_uid == 0 || st.st_uid == geteuid() ||
	       (stat(own, &ours) == 0 && st.st_uid == ours.st_uid);
}

/* The path of the running program, or NULL. */
static char *own_path(struct arena *a)
{
	static const char copy[] = "/memfd:" LIBEXEC_COPY, deleted[] = " (deleted)";
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *path = self;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	if (str_starts(self, copy)) {
		path += sizeof(copy) - 1;
		n -= (ssize_t)sizeof(deleted) - 1;
		self[n] = '\0';
	}
	return path[0] == '/' ? arena_strdup(a, path) : NULL;
}

int libexec_find(struct arena *a, const char *name, const char **ret, struct err *err)
{
	const char *installed = arena_printf(a, BRYO_LIBEXECDIR "/%s", name);
	const char *own = own_path(a);

	*ret = installed;
	if (is_trusted(*ret, own))
		return 0;
	if (own) {
		const char *dir =
			arena_printf(a, "%.*s/helpers", (int)(strrchr(own, '/') - own), own);

		*ret = arena_printf(a, "%s/%s", dir, name);
		if (is_trusted_dir(dir, own) && is_trusted(*ret, own))
			return 0;
	}
	return err_set(err, ENOENT, "%s is not installed", installed);
}
