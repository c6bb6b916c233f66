/*
 * subid_free.c - subordinate IDs that could still be given to somebody, for the remedy of an error.
 * Runs in the runtime, reads only.
 *
 * Taken is what either file gives anybody, because a user gets the same range for both, and whatever
 * /etc/passwd and /etc/group name. Users and ranges that only a directory service knows are not seen.
 */
#include "rootless.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "subid.h"

#include <fcntl.h>
#include <string.h>

#define TEXT_MAX (16u << 20)

bool subid_overlap(struct id_range x, struct id_range y)
{
	return x.first < (uint64_t)y.first + y.count && y.first < (uint64_t)x.first + x.count;
}

/* "name:x:ID:..." */
static bool names_one(const char *passwd, struct id_range r, uint32_t *ret_last)
{
	for (const char *line = passwd; *line;
	     line = strchrnul(line, '\n'), line += *line == '\n') {
		const char *p = strchr(line, ':');
		unsigned long long id;

		p = p ? strchr(p + 1, ':') : NULL;
		if (!p)
			return false;
		p++;
		if (str_next_u64(&p, UINT32_MAX, &id) && id >= r.first && id - r.first < r.count) {
			*ret_last = (uint32_t)id;
			return true;
		}
	}
	return false;
}

static bool gives_one(const struct subid_lines *lines, struct id_range r, uint32_t *ret_last)
{
	for (size_t i = 0; i < lines->n; i++)
		if (subid_overlap(r, lines->v[i].range)) {
			*ret_last = lines->v[i].range.first + lines->v[i].range.count - 1;
			return true;
		}
	return false;
}

uint32_t subid_free_in(struct arena *a, const char *subuid, const char *subgid, const char *passwd,
		       uint32_t count)
{
	struct id_range r = { SUBID_FIRST_FREE, count };
	struct subid_lines u, g;
	uint32_t last;

	subid_parse_lines(a, subuid, strlen(subuid), &u);
	subid_parse_lines(a, subgid, strlen(subgid), &g);
	while (r.first < UINT32_MAX / 2 &&
	       (gives_one(&u, r, &last) || gives_one(&g, r, &last) || names_one(passwd, r, &last)))
		r.first = last + 1;
	return r.first;
}

static const char *text_of(struct arena *a, const char *path)
{
	auto_free char *text = NULL;

	return file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL) < 0
		       ? ""
		       : arena_strdup(a, text);
}

uint32_t subid_free(uint32_t count)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *people =
		arena_printf(&a, "%s\n%s", text_of(&a, "/etc/passwd"), text_of(&a, "/etc/group"));

	return subid_free_in(&a, text_of(&a, "/etc/subuid"), text_of(&a, "/etc/subgid"), people,
			     count);
}
