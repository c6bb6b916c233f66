/*
 * probe_user.c - who the caller is: IDs, groups, capabilities, the maps of its own user
 * namespace, and (only when asked) its login name. Runs in the runtime, reads only.
 *
 * This is on the path of every `run`, so nothing here asks NSS unless the name is needed and
 * /etc/passwd does not know it: loading NSS modules costs more than the whole launch.
 */
#include "probe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/passwd.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSWD_MAX	 (16u << 20)
#define USER_NS_INIT_INO 0xEFFFFFFDu /* the kernel's fixed number of the first user namespace */
#define MAP_FILE_MAX	 16384	     /* 340 lines of 33 bytes, and to spare */

/*
 * The kernel hands out whole lines, as many as fit its buffer (a page), so a short answer is
 * the last one and needs no second read to find the end.
 */
static int read_small(const char *path, char *buf, size_t size, struct err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0)
			return err_sys(err, "read '%s'", path);
		len += (size_t)n;
	} while (n > 2048 && len < size - 1);
	buf[len] = '\0';
	return 0;
}

static bool next_number(const char **p, uint32_t *ret)
{
	uint64_t v = 0;

	*p += strspn(*p, " ");
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (uint64_t)(**p - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

static int read_map(struct host *h, const char *path, struct id_extents *ret, struct err *err)
{
	char text[MAP_FILE_MAX];
	int rc = read_small(path, text, sizeof(text), err);

	if (rc == 0)
		rc = probe_map_parse(h->arena, text, ret, err);
	return rc < 0 ? err_in(err, rc, "read '%s'", path) : 0;
}

static void map_all(struct host *h, struct id_extents *ret)
{
	*ret = (struct id_extents){ arena_alloc(h->arena, sizeof(*ret->v)), 1 };
	ret->v[0] = (struct id_extent){ 0, 0, UINT32_MAX };
}

/*
 * The number of the namespace is asked first: the first one has all IDs by definition, so that
 * its maps need not be read, and a nested one may have all IDs too and is still not the first.
 */
static int probe_maps(struct host *h, struct err *err)
{
	char word[16];
	struct stat st;
	int rc;

	/* A kernel without user namespaces has no such file; its only one has all IDs. */
	if (stat("/proc/self/ns/user", &st) < 0) {
		if (errno != ENOENT || access("/proc/self/ns", F_OK) < 0)
			return err_sys(err, "look at '/proc/self/ns/user'");
		st.st_ino = USER_NS_INIT_INO;
	}
	h->in_userns = st.st_ino != USER_NS_INIT_INO;
	if (!h->in_userns) {
		map_all(h, &h->uid_map);
		map_all(h, &h->gid_map);
		return 0;
	}
	rc = read_map(h, "/proc/self/uid_map", &h->uid_map, err);
	if (rc == 0)
		rc = read_map(h, "/proc/self/gid_map", &h->gid_map, err);
	if (rc == 0)
		rc = read_small("/proc/self/setgroups", word, sizeof(word), err);
	if (rc == 0)
		h->setgroups_denied = strncmp(word, "deny", 4) == 0;
	return rc;
}

static int probe_groups(struct host *h, struct err *err)
{
	gid_t few[64], *list = few;
	int n = getgroups(ARRAY_LEN(few), few);

	if (n < 0) {
		n = getgroups(0, NULL);
		if (n < 0)
			return err_sys(err, "count the supplementary groups");
		list = arena_alloc(h->arena, (size_t)n * sizeof(*list));
		n = getgroups(n, list);
	}
	if (n < 0)
		return err_sys(err, "read the supplementary groups");
	h->groups.v = arena_alloc(h->arena, (size_t)n * sizeof(*h->groups.v));
	h->groups.n = (size_t)n;
	for (int i = 0; i < n; i++)
		h->groups.v[i] = list[i];
	return 0;
}

/* By system call: libcap would be one more library to load for one bit. */
bool probe_cap(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

int probe_map_parse(struct arena *a, const char *text, struct id_extents *ret, struct err *err)
{
	VEC(struct id_extent) map = VEC_INIT;

	while (*text) {
		struct id_extent e;

		if (!next_number(&text, &e.inside) || !next_number(&text, &e.outside) ||
		    !next_number(&text, &e.count) || (*text && *text != '\n'))
			return err_set(err, EPROTO, "not an ID map: '%.40s'", text);
		*vec_add(a, &map) = e;
		text += *text == '\n';
	}
	*ret = (struct id_extents){ map.v, map.n };
	return 0;
}

int probe_user(struct host *h, struct err *err)
{
	int rc;

	h->uid = geteuid();
	h->gid = getegid();
	rc = probe_groups(h, err);
	if (rc < 0)
		return rc;
	rc = probe_maps(h, err);
	if (rc < 0)
		return err_hint(err, rc, "is /proc mounted?");
	h->has_sys_admin = probe_cap(CAP_SYS_ADMIN);
	h->privileged = h->uid == 0 && !h->in_userns && h->has_sys_admin;
	return 0;
}

int probe_login(struct host *h, struct err *err)
{
	struct passwd_entry pw;

	(void)err;
	if (!h->user && passwd_find(h->uid, true, &pw))
		h->user = arena_strdup(h->arena, pw.name);
	return 0;
}
