/*
 * subid.c - subordinate ID ranges of the caller: /etc/subuid and /etc/subgid, or getsubids on
 * sites whose nsswitch.conf keeps them elsewhere (LDAP, SSSD). Runs in the runtime, reads only.
 *
 * The files are parsed here and not through libsubid, because that library pulls in NSS, and
 * because newuidmap decides in the end: what this reads is a forecast of its answer. So it
 * accepts what newuidmap accepts (name and numeric lines, several per user), no more.
 */
#include "rootless.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/vec.h"
#include "subid.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUBID_FILE_MAX (16u << 20)
#define NSSWITCH_MAX   (1u << 20)
#define GETSUBIDS_MS   10000

struct slice {
	const char *p;
	size_t n;
};

/* Cuts *rest at the first sep; the last part ends with *rest empty and p NULL. */
static struct slice cut(struct slice *rest, char sep)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct slice part = { rest->p, at ? (size_t)(at - rest->p) : rest->n };

	if (at)
		*rest = (struct slice){ at + 1, rest->n - part.n - 1 };
	else
		*rest = (struct slice){ NULL, 0 };
	return part;
}

static struct slice word(struct slice *rest)
{
	struct slice part;

	while (rest->n && (*rest->p == ' ' || *rest->p == '\t'))
		*rest = (struct slice){ rest->p + 1, rest->n - 1 };
	part = (struct slice){ rest->p, 0 };
	while (part.n < rest->n && part.p[part.n] != ' ' && part.p[part.n] != '\t')
		part.n++;
	*rest = (struct slice){ rest->p + part.n, rest->n - part.n };
	return part;
}

static bool slice_is(struct slice s, const char *text)
{
	return text && s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool slice_u32(struct slice s, uint32_t *ret)
{
	uint64_t v = 0;

	if (!s.n || s.n > 10)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*ret = (uint32_t)v;
	return v <= UINT32_MAX;
}

/* 2^32-1 is "no ID" to the kernel, so the last usable one is 2^32-2. */
static bool slice_range(struct slice first, struct slice count, struct id_range *ret)
{
	return slice_u32(first, &ret->first) && slice_u32(count, &ret->count) && ret->count > 0 &&
	       ret->count <= UINT32_MAX - ret->first;
}

/* The next line's owner and range; false for a line that is none. */
static bool next_line(struct slice *rest, struct slice *owner, struct id_range *ret)
{
	struct slice line = cut(rest, '\n'), first, count;

	*owner = cut(&line, ':');
	first = cut(&line, ':');
	count = cut(&line, ':');
	return owner->n && !line.p && slice_range(first, count, ret);
}

void subid_parse_lines(struct arena *a, const char *text, size_t len, struct subid_lines *ret)
{
	VEC(struct subid_line) out = VEC_INIT;
	struct slice rest = { text, len }, owner;
	struct id_range r;

	while (rest.n)
		if (next_line(&rest, &owner, &r))
			*vec_add(a, &out) =
				(struct subid_line){ arena_strndup(a, owner.p, owner.n), r };
	*ret = (struct subid_lines){ out.v, out.n };
}

void subid_parse(struct arena *a, const char *text, size_t len, const char *user, uint32_t uid,
		 struct id_ranges *ret)
{
	VEC(struct id_range) out = VEC_INIT;
	struct slice rest = { text, len }, owner;
	struct id_range r;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", uid);
	while (rest.n)
		if (next_line(&rest, &owner, &r) &&
		    (slice_is(owner, user) || slice_is(owner, number)))
			*vec_add(a, &out) = r;
	*ret = (struct id_ranges){ out.v, out.n };
}

void subid_parse_getsubids(struct arena *a, const char *text, size_t len, const char *user,
			   struct id_ranges *ret)
{
	VEC(struct id_range) out = VEC_INIT;
	struct slice rest = { text, len };

	while (rest.n) {
		struct slice line = cut(&rest, '\n');
		struct slice number = word(&line), owner = word(&line);
		struct slice first = word(&line), count = word(&line), end = word(&line);
		struct id_range r;

		if (!number.n || number.p[number.n - 1] != ':' || end.n || !slice_is(owner, user))
			continue;
		if (slice_range(first, count, &r))
			*vec_add(a, &out) = r;
	}
	*ret = (struct id_ranges){ out.v, out.n };
}

bool subid_parse_nsswitch(const char *text, size_t len)
{
	struct slice rest = { text, len };

	while (rest.n) {
		struct slice line = cut(&rest, '\n');
		struct slice name, source;

		line = cut(&line, '#');
		name = word(&line);
		if (!slice_is(name, "subid:"))
			continue;
		for (source = word(&line); source.n; source = word(&line))
			if (!slice_is(source, "files"))
				return true;
		return false;
	}
	return false;
}

int subid_ranges(struct arena *a, const char *file, const char *user, uint32_t uid,
		 struct id_ranges *ret, struct err *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc = file_read_at(AT_FDCWD, file, SUBID_FILE_MAX, &text, &len, err);

	*ret = (struct id_ranges){ NULL, 0 };
	if (rc == -ENOENT) {
		if (err)
			*err = (struct err)ERR_INIT;
		return 0;
	}
	if (rc < 0)
		return rc;
	subid_parse(a, text, len, user, uid, ret);
	return 0;
}

bool subid_needs_nss(const char *nsswitch)
{
	auto_free char *text = NULL;
	size_t len;

	if (file_read_at(AT_FDCWD, nsswitch, NSSWITCH_MAX, &text, &len, NULL) < 0)
		return false;
	return subid_parse_nsswitch(text, len);
}

int subid_getsubids(struct arena *a, const char *user, bool groups, struct id_ranges *ret,
		    struct err *err)
{
	char *argv[] = { "getsubids", groups ? "-g" : (char *)user, groups ? (char *)user : NULL,
			 NULL };
	auto_fd int out = memfd_create("getsubids", MFD_CLOEXEC);
	struct child c = CHILD_INIT;
	auto_free char *text = NULL;
	size_t len;
	int rc;

	if (out < 0)
		return err_sys(err, "make a memory file for getsubids");
	c.path = argv[0];
	c.argv = argv;
	c.out = out;
	c.timeout_ms = GETSUBIDS_MS;
	rc = child_run(&c, err);
	child_release(&c);
	if (rc < 0)
		return err_in(err, rc, "ask getsubids for the ranges of '%s'", user);
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_sys(err, "rewind the output of getsubids");
	rc = fd_read_all(out, SUBID_FILE_MAX, &text, &len, err);
	if (rc < 0)
		return rc;
	subid_parse_getsubids(a, text, len, user, ret);
	return 0;
}
