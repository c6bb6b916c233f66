/*
 * mount_explain.c - which mounts stand in the way (mount_explain.h). Runs in init before the
 * pivot, where /proc is still the outer one. The kernel's own answer to both questions is one
 * errno, and the user cannot see which of a hundred mounts it was about.
 */
#include "mount_explain.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTINFO_MAX (4u << 20)
#define NAMED_MAX     5

/* Mount points are written with blanks and backslashes as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The fifth field; cuts the line. */
static char *mount_point(char *line)
{
	char *field = NULL;

	for (int i = 0; i < 5; i++)
		field = strsep(&line, " ");
	if (field)
		unescape(field);
	return field;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path[0] == '/' && path[1];
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Names of the mounts below dir, at most NAMED_MAX of them; returns how many there are. */
static size_t mounts_below(const char *dir, struct str *ret)
{
	auto_free char *text = NULL;
	char *rest, *line;
	size_t n = 0;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, NULL) < 0)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		const char *point = mount_point(line);

		if (!point || !is_below(point, dir))
			continue;
		if (n++ < NAMED_MAX)
			str_addf(ret, "%s%.60s", ret->len ? ", " : "", point);
	}
	if (n > NAMED_MAX)
		str_addf(ret, " and %zu more", n - NAMED_MAX);
	return n;
}

void mount_points_below(struct arena *a, const char *dir, struct strv *ret)
{
	VEC(const char *) points = VEC_INIT;
	auto_free char *text = NULL;
	char *rest, *line;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, NULL) == 0)
		for (rest = text; (line = strsep(&rest, "\n"));) {
			const char *point = mount_point(line);

			if (point && is_below(point, dir))
				*vec_add(a, &points) = arena_strdup(a, point);
		}
	*ret = (struct strv){ points.v, points.n };
}

int mount_explain_proc(int rc, struct err *err)
{
	auto_str struct str names = STR_INIT;

	if (!mounts_below("/proc", &names))
		return err_hint(
			err, rc,
			"a new procfs needs a pid namespace of the container's own, and "
			"an outer /proc that is complete; or bind the outer one: --proc bind "
			"(annotation \"org.bryo.proc\": \"bind\"), or have none: --proc none");
	return err_hint(
		err, rc,
		"the outer /proc is covered in part, and a new one would show what is hidden: %s; "
		"bind it: --proc bind (annotation \"org.bryo.proc\": \"bind\"), which shares the "
		"outer processes, have none: --proc none, or unmask it outside (docker: --security-opt "
		"systempaths=unconfined; podman: unmask=ALL; a pod: procMount: Unmasked)",
		names.p);
}

int mount_explain_below(const char *source, int rc, struct err *err)
{
	auto_free char *real = realpath(source, NULL);
	auto_str struct str names = STR_INIT;

	if (!real || !mounts_below(real, &names))
		return err_hint(err, rc,
				"'%s' has mounts below it that may not be left out: use \"rbind\"",
				source);
	return err_hint(err, rc,
			"mounts below '%s' may not be left out, because they hide what is beneath "
			"them (%s): use \"rbind\"",
			source, names.p);
}
