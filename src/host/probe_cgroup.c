/*
 * probe_cgroup.c - which cgroup hierarchy this host has, and which controllers our own cgroup
 * offers. Runs in the runtime, reads only. Whether that cgroup may be used is a question of
 * delegation, which belongs to the cgroup feature.
 */
#include "probe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/vec.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define TEXT_MAX    65536

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool is_cgroup1(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC;
}

/* Path after "0::" of /proc/self/cgroup, ended in place; NULL on a host without the v2 line. */
static char *own_path(char *text)
{
	for (char *line = text; line;) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		if (strncmp(line, "0::", 3) == 0)
			return line + 3;
		line = next;
	}
	return NULL;
}

static void read_controllers(struct host *h, const char *root)
{
	VEC(const char *) names = VEC_INIT;
	auto_free char *text = NULL, *list = NULL;
	char *own, *word;
	size_t len;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", TEXT_MAX, &text, &len, NULL) < 0)
		return;
	own = own_path(text);
	if (!own)
		return;
	word = arena_printf(h->arena, "%s%s/cgroup.controllers", root, own);
	if (file_read_at(AT_FDCWD, word, TEXT_MAX, &list, &len, NULL) < 0)
		return;
	for (word = list + strspn(list, " \n"); *word; word += strspn(word, " \n")) {
		size_t n = strcspn(word, " \n");

		*vec_add(h->arena, &names) = arena_strndup(h->arena, word, n);
		word += n;
	}
	*vec_add(h->arena, &names) = NULL;
	h->cgroup_controllers = (struct strv){ names.v, names.n - 1 };
}

int probe_cgroup(struct host *h, struct err *err)
{
	(void)err;
	if (is_cgroup2(CGROUP_ROOT)) {
		h->cgroup = HOST_CGROUP_V2;
		read_controllers(h, CGROUP_ROOT);
	} else if (is_cgroup2(CGROUP_ROOT "/unified")) {
		h->cgroup = HOST_CGROUP_HYBRID;
		read_controllers(h, CGROUP_ROOT "/unified");
	} else if (is_cgroup1(CGROUP_ROOT "/memory") || is_cgroup1(CGROUP_ROOT "/cpu") ||
		   is_cgroup1(CGROUP_ROOT "/pids")) {
		h->cgroup = HOST_CGROUP_V1;
	} else {
		h->cgroup = HOST_CGROUP_NONE;
	}
	return 0;
}
