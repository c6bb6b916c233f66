/*
 * stat_file.c - the shapes of cgroup v2 files (stat_file.h): one number, lines of key and number,
 * words of key=number, lists of ranges, pressure. In the runtime; a text is at most FILE_MAX long
 * and is cut up in place.
 */
#include "stat_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (1u << 20) /* io.stat of a host with thousands of devices */

/* What a controller that is not there, or pressure that is not measured, looks like. */
bool stat_is_missing(int rc)
{
	return rc == -ENOENT || rc == -ENODEV || rc == -EOPNOTSUPP;
}

int stat_text(const struct stat_dir *d, const char *file, char **ret)
{
	struct err err = ERR_INIT;
	int rc = file_read_at(d->dirfd, file, FILE_MAX, ret, NULL, &err);

	if (stat_is_missing(rc))
		return 0;
	if (rc < 0 && d->err)
		*d->err = err;
	return rc < 0 ? rc : 1;
}

int stat_bad(const struct stat_dir *d, const char *file, const char *line)
{
	return err_set(d->err, EPROTO, "%s: '%.60s' is not understood", file, line);
}

static void store(void *out, const struct stat_row *row, uint64_t value)
{
	uint64_t scaled;

	if (__builtin_mul_overflow(value, row->scale ? row->scale : 1, &scaled))
		scaled = UINT64_MAX;
	*(uint64_t *)((char *)out + row->off) = scaled;
}

static const struct stat_row *row_find(const struct stat_row *rows, const char *key)
{
	for (; rows->key; rows++)
		if (str_eq(rows->key, key))
			return rows;
	return NULL;
}

int stat_number(const struct stat_dir *d, const char *file, uint64_t *ret)
{
	auto_free char *text = NULL;
	unsigned long long value;
	int rc = stat_text(d, file, &text);

	if (rc <= 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (str_eq(text, "max"))
		value = CGROUP_NO_LIMIT;
	else if (!str_to_u64(text, UINT64_MAX, &value))
		return stat_bad(d, file, text);
	*ret = value;
	return 1;
}

bool stat_split(char *line, uint64_t *ret)
{
	char *blank = strchr(line, ' ');
	unsigned long long value;

	if (!blank || blank == line || !str_to_u64(blank + 1, UINT64_MAX, &value))
		return false;
	*blank = '\0';
	*ret = value;
	return true;
}

/* A line that is not wanted may be anything. */
int stat_keyed(const struct stat_dir *d, const char *file, const struct stat_row *rows, void *out)
{
	auto_free char *text = NULL;
	char *line, *rest;
	int rc = stat_text(d, file, &text);

	if (rc <= 0)
		return rc;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		size_t len = strcspn(line, " ");
		char key[64];
		const struct stat_row *row;
		uint64_t value;

		(void)snprintf(key, sizeof(key), "%.*s", (int)len, line);
		row = row_find(rows, key);
		if (!row)
			continue;
		if (!stat_split(line, &value))
			return stat_bad(d, file, line);
		store(out, row, value);
	}
	return 1;
}

bool stat_pairs(char *words, const struct stat_row *rows, void *out)
{
	char *word;

	while ((word = strsep(&words, " "))) {
		char *equals = strchr(word, '=');
		unsigned long long value;
		const struct stat_row *row;

		if (!*word)
			continue;
		if (!equals)
			return false;
		*equals = '\0';
		row = row_find(rows, word);
		if (!row)
			continue;
		if (!str_to_u64(equals + 1, UINT64_MAX, &value))
			return false;
		store(out, row, value);
	}
	return true;
}

#define PSI(member) offsetof(struct cgroup_psi_line, member)

/* "12.34", always two digits behind the point, in hundredths. */
static bool parse_percent(const char *text, uint64_t *ret)
{
	unsigned long long whole, cents;

	if (!str_next_u64(&text, UINT64_MAX / 100 - 1, &whole) || text[0] != '.' ||
	    strlen(text) != 3 || !str_to_u64(text + 1, 99, &cents))
		return false;
	*ret = whole * 100 + cents;
	return true;
}

static bool parse_psi_line(char *words, struct cgroup_psi_line *ret)
{
	static const struct stat_row averages[] = {
		{ "avg10", PSI(avg10), 0 },
		{ "avg60", PSI(avg60), 0 },
		{ "avg300", PSI(avg300), 0 },
		{ 0 },
	};
	static const struct stat_row totals[] = { { "total", PSI(total), 0 }, { 0 } };
	char *word;

	while ((word = strsep(&words, " "))) {
		size_t len = strcspn(word, "=");
		const struct stat_row *row;
		char key[16];
		uint64_t value;

		(void)snprintf(key, sizeof(key), "%.*s", (int)len, word);
		row = row_find(averages, key);
		if (!row && !stat_pairs(word, totals, ret))
			return false;
		if (!row)
			continue;
		if (!word[len] || !parse_percent(word + len + 1, &value))
			return false;
		store(ret, row, value);
	}
	return true;
}

int stat_psi(const struct stat_dir *d, const char *file, struct cgroup_psi *ret)
{
	auto_free char *text = NULL;
	char *line, *rest;
	int rc = stat_text(d, file, &text);

	if (rc <= 0)
		return rc;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		bool some = str_starts(line, "some "), full = str_starts(line, "full ");

		if ((some || full) && !parse_psi_line(line + 5, some ? &ret->some : &ret->full))
			return stat_bad(d, file, line);
		ret->present |= some || full;
	}
	return 1;
}

/* "0-3,7" */
static bool parse_list(struct arena *a, const char *p, struct cgroup_list *ret)
{
	VEC(uint16_t) list = VEC_INIT;
	unsigned long long from, to;

	while (*p) {
		if (!str_next_u64(&p, UINT16_MAX, &from))
			return false;
		to = from;
		if (*p == '-' && (p++, !str_next_u64(&p, UINT16_MAX, &to)))
			return false;
		if (to < from || (*p && *p != ',') || list.n > UINT16_MAX)
			return false;
		for (; from <= to; from++)
			*vec_add(a, &list) = (uint16_t)from;
		p += *p == ',';
	}
	ret->v = list.v;
	ret->n = list.n;
	return true;
}

int stat_list(const struct stat_dir *d, const char *file, struct cgroup_list *ret)
{
	auto_free char *text = NULL;
	int rc = stat_text(d, file, &text);

	if (rc <= 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	return parse_list(d->arena, text, ret) ? 1 : stat_bad(d, file, text);
}
