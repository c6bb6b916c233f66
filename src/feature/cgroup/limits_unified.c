/*
 * limits_unified.c - linux.resources.unified: files of cgroup v2 by name (limits.h). Pure; runs in
 * the runtime.
 *
 * "Configuration unknown to the runtime MUST still be written to the relevant file"
 * (config-linux.md, "Unified"), so values are not looked at. They are written after all other
 * fields, and win over them.
 */
#include "limits_parts.h"

#include "base/cleanup.h"

#include <string.h>

#define NAME_MAX_LEN 255

/* The runtime itself places, counts, freezes and kills with these; a value of the config would
 * move foreign processes or stop the container behind its back. */
static const char *const own_files[] = {
	"cgroup.freeze",	  "cgroup.kill",    "cgroup.procs",
	"cgroup.subtree_control", "cgroup.threads", "cgroup.type",
};

/* CONTROLLER.FILE, with capitals for hugetlb.1GB.max. Two dots in a row are in no name. */
static bool key_ok(const char *key)
{
	static const char name[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
	size_t n = strlen(key);

	return n && n <= NAME_MAX_LEN && strspn(key, name) == n && key[0] != '.' &&
	       key[n - 1] != '.' && strchr(key, '.') && !strstr(key, "..");
}

static bool is_own(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(own_files); i++)
		if (str_eq(key, own_files[i]))
			return true;
	return false;
}

/* One write takes one line of a nested-keyed file. A value without any line is one empty write. */
static void add_lines(struct limits *l, const char *key, const char *field, const char *value)
{
	bool empty = true;

	for (const char *p = value; *p;) {
		size_t n = strcspn(p, "\n");

		if (n) {
			limits_add(l, key, field, arena_strndup(l->a, p, n));
			empty = false;
		}
		p += n + (p[n] == '\n');
	}
	if (empty)
		limits_add(l, key, field, "");
}

void limits_unified(struct limits *l)
{
	for (size_t i = 0; i < l->r->unified.n; i++) {
		const struct pair *p = &l->r->unified.v[i];
		const char *field = arena_printf(l->a, "unified.%.80s", p->name);

		if (!key_ok(p->name))
			limits_fail(l, EINVAL, field,
				    "this is not the name of a file such as memory.high");
		else if (is_own(p->name))
			limits_fail(l, EINVAL, field,
				    "the runtime controls the container with this file");
		else
			add_lines(l, arena_strdup(l->a, p->name), field, p->value ? p->value : "");
	}
}
