/*
 * members.c - the processes of a container (members.h). Runs in the calling process; reads /proc.
 */
#include "members.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"

#include "feature/cgroup/cgroup.h"

#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>

struct ns_id { dev_t dev; ino_t ino; bool own; };

static int open_pid_ns(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool same_ns(int fd, const struct ns_id *want)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == want->dev && st.st_ino == want->ino;
}

/* Climbs from the process's namespace; NS_GET_PARENT ends with EPERM at our own. */
static bool in_namespace(pid_t pid, const struct ns_id *want)
{
	auto_fd int fd = open_pid_ns(pid);

	for (int depth = 0; fd >= 0 && depth < 33; depth++) {
		int parent;

		if (same_ns(fd, want))
			return true;
		parent = ioctl(fd, NS_GET_PARENT);
		fd_closep(&fd);
		fd = parent;
	}
	return false;
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	auto_free char *text = NULL;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0)
		return 0;
	p = strrchr(text, ')');
	return p && strlen(p) > 4 ? (pid_t)strtol(p + 4, NULL, 10) : 0;
}

static bool is_descendant(pid_t pid, pid_t ancestor)
{
	for (int depth = 0; pid > 1 && depth < 10000; depth++) {
		if (pid == ancestor)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* Pid 1 of its namespace: the namespace is the container's. Else it was joined and has others in it. */
static bool owns_namespace(const struct record *r)
{
	char path[64];
	auto_free char *text = NULL;
	const char *line, *last;

	if (!(r->namespaces & CLONE_NEWPID))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	if (file_read_at(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return false;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return false;
	line += 1;
	last = line + strcspn(line, "\n");
	return last - line > 2 && last[-1] == '1' && (last[-2] == '\t' || last[-2] == ' ');
}

static bool is_member(const struct record *r, pid_t pid, const struct ns_id *ns)
{
	return ns->own ? in_namespace(pid, ns) : is_descendant(pid, r->pid);
}

static int namespace_of(const struct record *r, struct ns_id *ret, struct err *err)
{
	auto_fd int fd = open_pid_ns(r->pid);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "look at the container's pid namespace");
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->own = owns_namespace(r);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static int in_cgroup(const struct record *r, pid_t **ret, size_t *ret_n, struct err *err)
{
	auto_fd int fd = cgroup_open(r->cgroup, err);

	if (fd >= 0 && cgroup_ino(fd) != r->cgroup_ino)
		return err_set(err, ENOENT, "cgroup '%s' is another one by now", r->cgroup);
	return fd < 0 ? fd : cgroup_pids(fd, ret, ret_n, err);
}

static int in_pid_namespace(const struct record *r, pid_t **ret, size_t *ret_n, struct err *err)
{
	auto_dir DIR *dir = opendir("/proc");
	struct ns_id ns = { 0 };
	size_t cap = 0, n = 0;
	pid_t *pids = NULL;
	struct dirent *d;
	int rc = namespace_of(r, &ns, err);

	if (rc < 0)
		return rc;
	if (!dir)
		return err_sys(err, "read /proc");
	while ((d = readdir(dir))) {
		unsigned long long pid;

		if (!str_to_u64(d->d_name, INT32_MAX, &pid) || !is_member(r, (pid_t)pid, &ns))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 16;
			pids = mem_realloc(pids, cap * sizeof(*pids));
		}
		pids[n++] = (pid_t)pid;
	}
	if (n)
		qsort(pids, n, sizeof(*pids), by_number);
	*ret = pids;
	*ret_n = n;
	return 0;
}

int members_find(const struct record *r, pid_t **ret, size_t *ret_n, struct err *err)
{
	return r->cgroup ? in_cgroup(r, ret, ret_n, err) : in_pid_namespace(r, ret, ret_n, err);
}

static bool is_in_cgroup(const struct record *r, pid_t pid)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *now = cgroup_of(&a, pid);
	size_t n = strlen(r->cgroup);

	return now && str_starts(now, r->cgroup) && (!now[n] || now[n] == '/');
}

bool members_has(const struct record *r, pid_t pid)
{
	struct ns_id ns;

	if (r->cgroup)
		return is_in_cgroup(r, pid);
	return namespace_of(r, &ns, NULL) == 0 && is_member(r, pid, &ns);
}
