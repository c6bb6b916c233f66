/*
 * unpack_user.c - who the image's User is: numbers, or names of the passwd and group files that were
 * just unpacked. Runs in bryo-unpack, in its jail, so that whatever these files are they are within.
 * The rules are those of image-spec's conversion.md.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX (1u << 20)
#define NO_ID	 UINT32_MAX
#define GROUPS	 64

struct who {
	uint32_t uid, gid;
	uint32_t groups[GROUPS];
	size_t n;
	char name[256]; /* "" where nobody knows */
};

/* A file that is not there is an empty one. Not a FIFO: that would wait. */
static int read_file(struct target *t, const char *path, char **ret, struct err *err)
{
	struct err local = ERR_INIT;
	auto_fd int fd = path_open_in(t->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &local);
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		*ret = mem_strdup("");
		return 0;
	}
	return fd_read_all(fd, FILE_MAX, ret, &len, err);
}

/* The next line of *p in its fields, at most n of them; false at the end. */
static bool next_line(char **p, char **fields, size_t n)
{
	char *line = *p, *end = strchrnul(line, '\n');

	if (!*line)
		return false;
	*p = *end ? end + 1 : end;
	*end = '\0';
	for (size_t i = 0; i < n; i++) {
		fields[i] = line;
		if (line && i + 1 < n)
			line = strchr(line, ':');
		if (line && i + 1 < n)
			*line++ = '\0';
	}
	return true;
}

static bool to_id(const char *text, uint32_t *ret)
{
	unsigned long long n;

	if (!text || !str_to_u64(text, NO_ID - 1, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

static int find_user(struct target *t, const char *user, struct who *ret, struct err *err)
{
	auto_free char *text = NULL;
	bool number = to_id(user, &ret->uid);
	char *f[5], *p;
	int rc = read_file(t, "/etc/passwd", &text, err);

	if (rc < 0)
		return err_in(err, rc, "/etc/passwd of the image");
	for (p = text; next_line(&p, f, ARRAY_LEN(f));) {
		uint32_t uid, gid;

		if (!to_id(f[2], &uid) || !to_id(f[3], &gid))
			continue;
		if (!str_eq(f[0], user) && !(number && uid == ret->uid))
			continue;
		ret->uid = uid;
		ret->gid = gid;
		(void)snprintf(ret->name, sizeof(ret->name), "%s", f[0]);
		return 0;
	}
	if (number)
		return 0;
	rc = err_set(err, ENOENT,
		     "the image runs as user '%.100s', whom its /etc/passwd does not have", user);
	return err_hint(err, rc,
			"the image is incomplete: its configuration must name a user of its own, or a number");
}

static bool is_member(char *members, const char *name)
{
	char *save = NULL;

	for (char *m = members ? strtok_r(members, ",", &save) : NULL; m;
	     m = strtok_r(NULL, ",", &save))
		if (str_eq(m, name))
			return true;
	return false;
}

/* The group that is named, or those that the user is in. */
static int find_groups(struct target *t, const char *group, struct who *ret, struct err *err)
{
	auto_free char *text = NULL;
	bool found = group && to_id(group, &ret->gid);
	char *f[5], *p;
	int rc = found ? 0 : read_file(t, "/etc/group", &text, err);

	if (rc < 0)
		return err_in(err, rc, "/etc/group of the image");
	for (p = text; p && !found && next_line(&p, f, ARRAY_LEN(f));) {
		uint32_t gid;

		if (!to_id(f[2], &gid))
			continue;
		if (group && str_eq(f[0], group)) {
			ret->gid = gid;
			found = true;
		} else if (!group && ret->name[0] && ret->n < GROUPS && gid != ret->gid &&
			   is_member(f[3], ret->name))
			ret->groups[ret->n++] = gid;
	}
	if (found || !group)
		return 0;
	return err_set(err, ENOENT,
		       "the image runs as group '%.100s', which its /etc/group does not have",
		       group);
}

int user_tell(struct target *t, const char *text, struct err *err)
{
	auto_free char *user = mem_strdup(text);
	auto_str struct str line = STR_INIT;
	struct who who = { .gid = 0 };
	char *group = strchr(user, ':');
	int rc;

	if (group)
		*group++ = '\0';
	rc = find_user(t, *user ? user : "0", &who, err);
	if (rc == 0)
		rc = find_groups(t, group && *group ? group : NULL, &who, err);
	if (rc < 0)
		return rc;
	str_addf(&line, "user %u %u ", who.uid, who.gid);
	for (size_t i = 0; i < who.n; i++)
		str_addf(&line, "%s%u", i ? "," : "", who.groups[i]);
	tell("%s", line.p);
	return 0;
}
