/*
 * v2.c - a cgroup v2 directory: made, limited, given away (cgroups(7), the kernel's
 * admin-guide/cgroup-v2). Runs in the runtime; cgroup_inside() in init.
 *
 * Everything goes by a directory descriptor that was opened without following links. A write to a
 * cgroup file is one write(2).
 */
#include "v2.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define TEXT_MAX (1u << 20)

const char *cgroup_backend_name(enum cgroup_backend b)
{
	static const char *const names[] = {
		[CGROUP_NONE] = "none", [CGROUP_V2] = "cgroupfs", [CGROUP_SYSTEMD] = "systemd"
	};

	return names[b];
}

int v2_open_below(int dirfd, const char *path, struct err *err)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd;

	while (*path == '/')
		path++;
	fd = sys_openat2(dirfd, *path ? path : ".", &how);
	return fd < 0 ? err_sys(err, "cgroup '/%s'", path) : fd;
}

int v2_open_mount(struct err *err)
{
	auto_fd int fd = open(CGROUP_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(err, CGROUP_MOUNT);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(err, EOPNOTSUPP, CGROUP_MOUNT " is no cgroup2 file system");
	return take_fd(&fd);
}

int cgroup_open(const char *path, struct err *err)
{
	auto_fd int mount = v2_open_mount(err);

	return mount < 0 ? mount : v2_open_below(mount, path, err);
}

char *v2_read(int dirfd, const char *file)
{
	char *text = NULL;

	return file_read_at(dirfd, file, TEXT_MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

const char *cgroup_read(struct arena *a, int cgroupfd, const char *file)
{
	auto_free char *text = v2_read(cgroupfd, file);

	return text ? arena_strndup(a, text, strcspn(text, "\n")) : "";
}

/* ------------------------------------------------------------------------- limits */

const char *cgroup_below(struct arena *a, const char *path, const char *sub, struct err *err)
{
	const char *colon = strchr(sub, ':');

	if (colon) /* a v1 controller list of runc's; there is one hierarchy */
		sub = colon + 1;
	for (const char *p = sub; (p = strstr(p, "..")); p += 2)
		if ((p == sub || p[-1] == '/') && (p[2] == '/' || !p[2])) {
			(void)err_set(err, EINVAL,
				      "--cgroup '%s': leads out of the container's cgroup", sub);
			return NULL;
		}
	return arena_printf(a, "%s/%s", path, sub + strspn(sub, "/"));
}

static bool wants_all(const struct cgroup_plan *p)
{
	return p->backend == CGROUP_SYSTEMD || !p->move_others || p->chown || p->inner;
}

static const char *kernel_lacks(const char *file)
{
	if (str_starts(file, "cpu.max"))
		return "the kernel was built without CONFIG_CFS_BANDWIDTH";
	if (str_starts(file, "io.max"))
		return "the kernel was built without CONFIG_BLK_DEV_THROTTLING";
	if (str_starts(file, "io.bfq"))
		return "the kernel was built without CONFIG_BFQ_GROUP_IOSCHED";
	if (str_starts(file, "io.weight"))
		return "the kernel was built without CONFIG_BLK_CGROUP_IOCOST";
	if (str_starts(file, "memory.swap"))
		return "the kernel was built without CONFIG_SWAP, or started with swapaccount=0";
	return "this kernel has no such file in a cgroup";
}

static int explain_write(const struct cgroup_write *w, int rc, struct err *err)
{
	rc = err_in(err, rc, "linux.resources.%s", w->field);
	if (rc == -ENOENT)
		return err_hint(err, rc, "%s", kernel_lacks(w->file));
	if (rc == -EBUSY && str_starts(w->file, "memory.max"))
		return err_hint(err, rc,
				"more is in use than the new limit, and could not be reclaimed");
	if (rc == -ERANGE || rc == -EINVAL)
		return err_hint(err, rc, "the kernel does not take '%s' for %s", w->value, w->file);
	if (rc == -ENODEV)
		return err_hint(err, rc, "no such block device");
	return rc;
}

static int write_one(int cgroupfd, const struct cgroup_write *w, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = file_poke_at(cgroupfd, w->file, w->value, &why);

	if (rc == -ENOENT && w->instead)
		rc = file_poke_at(cgroupfd, w->instead, w->instead_value, &why);
	if (rc >= 0 || (rc == -ENOENT && w->optional))
		return 0;
	rc = explain_write(w, rc, &why);
	if (err)
		*err = why;
	return rc;
}

/* memory.checkBeforeUpdate: what is in use is not to be killed for a smaller limit. */
static int check_usage(int cgroupfd, const struct cgroup_limits *l, struct err *err)
{
	auto_free char *now = v2_read(cgroupfd, "memory.current");
	const char *p = now;
	unsigned long long used;

	if (!l->check_usage || l->memory_limit < 0 || !p || !str_next_u64(&p, UINT64_MAX, &used))
		return 0;
	if (used <= (unsigned long long)l->memory_limit)
		return 0;
	return err_set(
		err, EBUSY,
		"linux.resources.memory.limit: %llu bytes are in use, more than the limit of %lld",
		used, (long long)l->memory_limit);
}

/* With pids.max 0 nothing can be cloned into the cgroup, not even init. */
static bool is_late(const struct cgroup_write *w)
{
	return str_eq(w->file, "pids.max") && str_eq(w->value, "0");
}

static int apply(int cgroupfd, const struct cgroup_limits *l, bool late, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++)
		if (is_late(&l->v[i]) == late)
			rc = write_one(cgroupfd, &l->v[i], err);
	return rc;
}

int cgroup_apply(int cgroupfd, const struct cgroup_limits *l, struct err *err)
{
	int rc = check_usage(cgroupfd, l, err);

	if (rc == 0)
		rc = apply(cgroupfd, l, false, err);
	return rc == 0 ? apply(cgroupfd, l, true, err) : rc;
}

int cgroup_entered_outside(const struct cgroup_plan *p, int cgroupfd, struct err *err)
{
	return p->backend == CGROUP_V2 ? apply(cgroupfd, &p->limits, true, err) : 0;
}

/* ------------------------------------------------------------------------- ownership */

static int give(int cgroupfd, const char *file, uid_t owner, struct err *err)
{
	if (fchownat(cgroupfd, file, owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return err_sys(err, "give the cgroup's '%s' to uid %u", file, owner);
	return 0;
}

/* The kernel's list of what a delegatee needs; the fallback is the specification's. */
static int give_all(int cgroupfd, uid_t owner, struct err *err)
{
	auto_free char *list = v2_read(AT_FDCWD, "/sys/kernel/cgroup/delegate");
	static const char fallback[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
	struct err why = ERR_INIT;
	int rc = give(cgroupfd, ".", owner, &why);

	/* a map without the creator's ID: the cgroup is not the container's to give */
	if (rc == -EPERM || rc == -EINVAL) {
		log_debug("the cgroup stays its creator's: %s", strerror(-rc));
		return 0;
	}
	if (rc < 0 && err)
		*err = why;

	for (const char *p = list ? list : fallback; *p && rc == 0; p += strspn(p, "\n")) {
		size_t n = strcspn(p, "\n");
		char name[128];

		if (n < sizeof(name) && !memchr(p, '/', n)) {
			memcpy(name, p, n);
			name[n] = '\0';
			rc = give(cgroupfd, name, owner, err);
		}
		p += n;
	}
	return rc;
}

/* -------------------------------------------------------------------------- cgroupfs */

/* One that is there already: ours to use when nobody is in it (runc refuses the same). What was left
 * below it goes. */
static int take_over(int parent, const char *name, const char *path, struct err *err)
{
	auto_str struct str pids = STR_INIT;
	auto_fd int fd = v2_open_below(parent, name, err);
	int rc;

	if (fd < 0)
		return fd;
	if (v2_event(fd, "populated")) {
		v2_name_pids(fd, &pids);
		err_set(err, EBUSY, "the container's cgroup '%s' is not empty: processes %s", path,
			pids.p);
		return err_hint(err, -EBUSY, "end them, or name another with linux.cgroupsPath");
	}
	fd_closep(&fd);
	rc = v2_remove(parent, name, path, err);
	if (rc == 0 && mkdirat(parent, name, 0755) < 0)
		rc = err_sys(err, "make the cgroup '%s' anew", path);
	return rc;
}

static int make_child(int parent, const char *name, const char *path, bool last, struct err *err)
{
	if (mkdirat(parent, name, 0755) == 0)
		return 0;
	if (errno == EEXIST)
		return last ? take_over(parent, name, path, err) : 0;
	(void)err_sys(err, "make the cgroup '%s'", path);
	if (errno == EAGAIN)
		return err_hint(err, -EAGAIN,
				"cgroup.max.descendants of a cgroup above it is reached");
	return -err->num;
}

/* From base down: controllers on in each parent, then the next directory. */
static int make_path(int base, const struct cgroup_plan *p, struct err *err)
{
	const char *rest = p->path + (str_eq(p->base, "/") ? 0 : strlen(p->base));
	auto_fd int dir = fd_dup(base, 3, err);
	int rc = dir < 0 ? dir : 0;

	while (rc == 0 && *rest) {
		char name[256];
		size_t n;

		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (n >= sizeof(name))
			return err_set(err, ENAMETOOLONG, "cgroup '%s'", p->path);
		memcpy(name, rest, n);
		name[n] = '\0';
		rest += n;
		rc = v2_enable(dir, p->path, &p->limits.controllers, err);
		if (rc == 0 && wants_all(p))
			v2_enable_rest(dir);
		if (rc == 0)
			rc = make_child(dir, name, p->path, !rest[strspn(rest, "/")], err);
		if (rc < 0)
			return rc;
		rc = v2_open_below(dir, name, err);
		if (rc < 0)
			return rc;
		fd_closep(&dir);
		dir = rc;
		rc = 0;
		rest += strspn(rest, "/");
	}
	return rc < 0 ? rc : take_fd(&dir);
}

static int finish(int fd, const struct cgroup_plan *p, struct err *err)
{
	int rc = p->backend == CGROUP_V2 ? apply(fd, &p->limits, false, err)
					 : cgroup_apply(fd, &p->limits, err);

	if (rc == 0 && p->filter_devices)
		rc = device_program_attach(fd, &p->devices, err);
	return rc == 0 && p->chown && p->owner != (uid_t)-1 ? give_all(fd, p->owner, err) : rc;
}

int cgroup_create_outside(const struct cgroup_plan *p, struct err *err)
{
	auto_fd int base = -1, fd = -1;
	int rc = 0;

	if (p->backend != CGROUP_V2)
		return -1;
	base = cgroup_open(p->base, err);
	if (base < 0)
		return base;
	if (p->move_others && (wants_all(p) || (p->limits.controllers.n &&
						!v2_enabled_all(base, &p->limits.controllers))))
		rc = v2_move_to_leaf(base, p->base, err);
	if (rc < 0)
		return rc;
	fd = make_path(base, p, err);
	if (fd < 0)
		return fd;
	if (v2_event(fd, "frozen"))
		rc = err_hint(err, err_set(err, EBUSY, "a cgroup above '%s' is frozen", p->path),
			      "nothing would run in it: write 0 to its cgroup.freeze");
	/* before it can fail: what is not marked is not removed */
	if (p->mark && fsetxattr(fd, V2_MARK, p->mark, strlen(p->mark), 0) < 0)
		return err_sys(err, "mark the cgroup '%s'", p->path);
	if (rc == 0)
		rc = finish(fd, p, err);
	return rc < 0 ? rc : take_fd(&fd);
}

/* --------------------------------------------------------------------------- systemd */

const char *cgroup_of(struct arena *a, pid_t pid)
{
	auto_free char *text = NULL;
	char path[40];
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (file_read_at(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return NULL;
	at = str_starts(text, "0::/") ? text : strstr(text, "\n0::/");
	if (!at)
		return NULL;
	at = strchr(at, '/');
	return arena_strndup(a, at, strcspn(at, "\n"));
}

/* The scope has one process, init; it goes down one level, and what remains above is systemd's. */
static int descend(int scope, const struct cgroup_plan *p, const char *path, pid_t pid,
		   struct err *err)
{
	auto_fd int fd = -1;
	char number[16];
	int rc;

	if (mkdirat(scope, p->subgroup, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the cgroup '%s'", path);
	fd = v2_open_below(scope, p->subgroup, err);
	if (fd < 0)
		return fd;
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	rc = file_poke_at(fd, "cgroup.procs", number, err);
	if (rc < 0)
		return err_in(err, rc, "move init to the cgroup '%s'", path);
	/* systemd turned on what its properties need, and root's may be off up to the top */
	rc = geteuid() == 0 ? cgroup_enable(path, &p->limits.controllers, err) : 0;
	if (rc == 0)
		rc = v2_enable(scope, path, &p->limits.controllers, err);
	if (rc == 0)
		v2_enable_rest(scope);
	return rc < 0 ? rc : take_fd(&fd);
}

int cgroup_place_outside(struct arena *a, const struct cgroup_plan *p, pid_t pid,
			 const char **ret_path, struct err *err)
{
	auto_fd int scope = -1, fd = -1;
	struct err why = ERR_INIT;
	char text[ERR_TEXT];
	int rc;

	if (p->backend != CGROUP_SYSTEMD)
		return -1;
	*ret_path = NULL;
	rc = manager_start(p, pid, &why);
	if (rc == -ENOTCONN && p->optional) {
		log_debug("no cgroup: %s", err_format(&why, text, sizeof(text)));
		return -EAGAIN;
	}
	if (rc < 0) {
		*err = why;
		return rc;
	}
	*ret_path = cgroup_of(a, pid);
	if (!*ret_path)
		return err_set(err, EPROTO,
			       "systemd started %s, but init is in no cgroup of this hierarchy",
			       p->unit);
	/* the bus can be reached from a cgroup namespace in which no scope is */
	if (str_starts(*ret_path, "/..")) {
		*ret_path = NULL;
		if (p->optional) {
			log_debug("no cgroup: %s is outside of this cgroup namespace", p->unit);
			return -EAGAIN;
		}
		err_set(err, EXDEV, "%s is outside of this cgroup namespace", p->unit);
		return err_hint(err, -EXDEV,
				"leave the limits out, or start bryo outside of the namespace");
	}
	scope = cgroup_open(*ret_path, err);
	if (scope < 0)
		return scope;
	if (*p->subgroup) {
		*ret_path = arena_printf(a, "%s/%s", *ret_path, p->subgroup);
		fd = descend(scope, p, *ret_path, pid, err);
	} else {
		fd = take_fd(&scope);
	}
	if (fd < 0)
		return fd;
	if (p->mark) /* for `bryo gc` only: delete knows the directory's number */
		(void)fsetxattr(fd, V2_MARK, p->mark, strlen(p->mark), 0);
	rc = finish(fd, p, err);
	return rc < 0 ? rc : take_fd(&fd);
}

/* ----------------------------------------------------------------------------- init */

int cgroup_inside(const struct cgroup_plan *p, int cgroupfd, struct err *err)
{
	auto_fd int inner = -1;
	int rc = p->chown && p->owner_inside != (uid_t)-1 ? give_all(cgroupfd, p->owner_inside, err)
							  : 0;

	if (rc < 0 || !p->inner)
		return rc;
	if (mkdirat(cgroupfd, p->inner, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the cgroup '%s' below the container's", p->inner);
	inner = v2_open_below(cgroupfd, p->inner, err);
	if (inner < 0)
		return inner;
	rc = file_poke_at(inner, "cgroup.procs", "0", err);
	if (rc == 0 && p->chown && p->owner_inside != (uid_t)-1)
		rc = give_all(inner, p->owner_inside, err);
	return rc < 0 ? err_in(err, rc, "move to the cgroup '%s' below the container's", p->inner)
		      : 0;
}
