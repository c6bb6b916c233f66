/*
 * mount_idmap.c - ID-mapped mounts (theory in mount_idmap.h). The plan is pure; the trees of binds
 * are made in the runtime, new file systems are mapped in init.
 *
 * The user namespace that carries a map is made by a child that does nothing but wait for the
 * end of a pipe. Its /proc directory is found through the pidfd, because init's own idea of the
 * child's pid is not that of the procfs it can see.
 */
#include "mount_idmap.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"
#include "feature/idmap_math.h"
#include "feature/mount.h"

#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>

struct id_vec {
	struct id_extent *v;
	size_t n, cap;
};

/* ------------------------------------------------------------------------------- plan */

static int refuse_form(const char *text, struct err *err)
{
	err_set(err, EINVAL, "option 'idmap=%.80s' is not a map", text);
	return err_hint(
		err, -EINVAL,
		"idmap=uids=FS-HOST-COUNT#FS-HOST-COUNT;gids=...; @ before a range: HOST is an ID "
		"of the container");
}

/* "FS-HOST-COUNT" */
static bool parse_range(const char *text, size_t len, struct id_extent *ret)
{
	uint32_t *const fields[] = { &ret->inside, &ret->outside, &ret->count };
	char buf[40], *rest = buf;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *word = strsep(&rest, "-");
		unsigned long long n;

		if (!word || !str_to_u64(word, UINT32_MAX, &n))
			return false;
		*fields[i] = (uint32_t)n;
	}
	return !rest;
}

/* Container IDs to those of the caller, in as many pieces as the container's map has lines there. */
static int add_relative(struct arena *a, struct id_vec *out, const struct id_extent *e,
			const struct id_extents *map, struct err *err)
{
	struct id_extents one = { (struct id_extent *)e, 1 }, pieces;
	uint32_t missing;

	if (!map_split(a, &one, map, &pieces, &missing)) {
		err_set(err, EINVAL, "idmap: ID %u of the container is not mapped", missing);
		return err_hint(err, -EINVAL,
				"a range after @ must lie inside the container's own map");
	}
	for (size_t i = 0; i < pieces.n; i++) {
		struct id_extent *piece = vec_add(a, out);

		*piece = pieces.v[i];
		(void)id_to_outside(map, piece->outside, &piece->outside);
	}
	return 0;
}

static int parse_list(struct arena *a, const char *text, size_t len, const struct id_extents *map,
		      bool known, const char *all, struct id_extents *ret, struct err *err)
{
	struct id_vec out = VEC_INIT;

	for (const char *end = text + len; text < end;) {
		const char *next = memchr(text, '#', (size_t)(end - text));
		bool relative = *text == '@';
		struct id_extent e;
		int rc = 0;

		next = next ? next : end;
		if (!parse_range(text + relative, (size_t)(next - text) - relative, &e))
			return refuse_form(all, err);
		if (relative && !known)
			return err_set(
				err, EINVAL,
				"idmap: the map of a user namespace joined by path is not known here: "
				"no ranges with @");
		if (relative)
			rc = add_relative(a, &out, &e, map, err);
		else
			*vec_add(a, &out) = e;
		if (rc < 0)
			return rc;
		text = next + (next < end);
	}
	*ret = (struct id_extents){ out.v, out.n };
	return 0;
}

static int parse_inline(struct arena *a, const char *text, const struct idmap_plan *ids,
			struct mount_idmap *ret, struct err *err)
{
	for (const char *p = text, *end; *p; p = end + (*end == ';')) {
		bool uids = str_starts(p, "uids="), gids = str_starts(p, "gids=");
		int rc;

		end = strchrnul(p, ';');
		if (!uids && !gids)
			return refuse_form(text, err);
		rc = parse_list(a, p + 5, (size_t)(end - p) - 5, uids ? &ids->uid : &ids->gid,
				ids->known, text, uids ? &ret->uid : &ret->gid, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void take_mappings(struct arena *a, const struct spec_mappings *from, struct id_extents *ret)
{
	ret->v = arena_alloc(a, (from->n + 1) * sizeof(*ret->v));
	ret->n = from->n;
	for (size_t i = 0; i < from->n; i++)
		ret->v[i] = (struct id_extent){ from->v[i].container_id, from->v[i].host_id,
						from->v[i].size };
}

static int check_map(const struct id_extents *map, const char *what, struct err *err)
{
	size_t i, j;

	if (map->n > IDMAP_LINES)
		return err_set(err, EINVAL, "idmap: %zu %s ranges, the kernel takes at most %d",
			       map->n, what, IDMAP_LINES);
	for (i = 0; i < map->n; i++) {
		const struct id_extent *e = &map->v[i];

		if (!e->count || e->count > UINT32_MAX - e->inside ||
		    e->count > UINT32_MAX - e->outside)
			return err_set(err, EINVAL,
				       "idmap: %s range %u-%u-%u is empty or reaches past %u", what,
				       e->inside, e->outside, e->count, IDMAP_LAST);
	}
	for (int side = 0; side < 2; side++)
		if (map_overlap(map, side, &i, &j))
			return err_set(err, EINVAL, "idmap: %s ranges %zu and %zu overlap", what, i,
				       j);
	return 0;
}

/* The caller's IDs to those of the container, where init is to write the map. */
static int to_container(struct arena *a, struct id_extents *map, const struct id_extents *own,
			const char *what, struct err *err)
{
	struct id_extents turned = { arena_alloc(a, (own->n + 1) * sizeof(*own->v)), own->n };
	struct id_vec out = VEC_INIT;
	struct id_extents pieces;
	uint32_t missing;

	for (size_t i = 0; i < own->n; i++)
		turned.v[i] =
			(struct id_extent){ own->v[i].outside, own->v[i].inside, own->v[i].count };
	if (!map_split(a, map, &turned, &pieces, &missing)) {
		err_set(err, EINVAL, "idmap: host %s %u is not mapped in the container", what,
			missing);
		return err_hint(
			err, -EINVAL,
			"what is on a new file system can only be shown as IDs that the container has");
	}
	for (size_t i = 0; i < pieces.n; i++) {
		struct id_extent *piece = vec_add(a, &out);

		*piece = pieces.v[i];
		(void)id_to_inside(own, piece->outside, &piece->outside);
	}
	*map = (struct id_extents){ out.v, out.n };
	return 0;
}

static int plan_own_map(struct arena *a, bool fresh, const struct ns_plan *ns,
			const struct idmap_plan *ids, struct mount_idmap *ret, struct err *err)
{
	int rc;

	if (!ret->uid.n || !ret->gid.n) {
		err_set(err, EINVAL, "idmap: there are %s ranges and no %s ranges",
			ret->uid.n ? "uid" : "gid", ret->uid.n ? "gid" : "uid");
		return err_hint(err, -EINVAL, "an ID-mapped mount needs both");
	}
	rc = check_map(&ret->uid, "uid", err);
	if (rc == 0)
		rc = check_map(&ret->gid, "gid", err);
	if (rc < 0 || !fresh || !(ns->differ & CLONE_NEWUSER))
		return rc;
	if (!ids->known)
		return err_set(
			err, EINVAL,
			"idmap: the map of a user namespace joined by path is not known here");
	rc = to_container(a, &ret->uid, &ids->uid, "uid", err);
	return rc < 0 ? rc : to_container(a, &ret->gid, &ids->gid, "gid", err);
}

/* "idmap" alone: the container's own map. On a new file system of the container that is no change. */
static int plan_container_map(bool fresh, const struct ns_plan *ns, const struct idmap_plan *ids,
			      struct mount_idmap *ret, struct err *err)
{
	if (!(ns->differ & CLONE_NEWUSER)) {
		err_set(err, EINVAL,
			"idmap: there is neither a map nor a user namespace whose map could be used");
		return err_hint(
			err, -EINVAL,
			"give uidMappings and gidMappings to the mount, or the container a user namespace");
	}
	ret->active = !fresh;
	ret->uid = ids->uid;
	ret->gid = ids->gid;
	if (ids->known)
		return 0;
	for (size_t i = 0; i < ns->n_joins; i++)
		if (ns->joins[i].flag == CLONE_NEWUSER)
			ret->ns = ns->joins[i].path;
	return 0;
}

int mount_idmap_plan(struct arena *a, const struct spec_mount *m, const struct mount_opts *o,
		     bool fresh, const struct ns_plan *ns, const struct idmap_plan *ids,
		     struct mount_idmap *ret, struct err *err)
{
	bool own = m->uid_mappings.n || m->gid_mappings.n;
	int rc = 0;

	if (!o->idmap && !o->ridmap && !own)
		return 0;
	if (o->remount)
		return err_hint(err,
				err_set(err, EINVAL, "idmap: a mount that exists cannot be mapped"),
				"give the option to the mount that makes it");
	ret->active = true;
	ret->recursive = o->ridmap;
	if (own) {
		take_mappings(a, &m->uid_mappings, &ret->uid);
		take_mappings(a, &m->gid_mappings, &ret->gid);
	} else if (o->idmap_text && *o->idmap_text) {
		rc = parse_inline(a, o->idmap_text, ids, ret, err);
	} else {
		return plan_container_map(fresh, ns, ids, ret, err);
	}
	return rc < 0 ? rc : plan_own_map(a, fresh, ns, ids, ret, err);
}

/* ------------------------------------------------------------------- a namespace that has the map */

/* The child's number in the procfs that is mounted here. */
static int pid_of(int pidfd, unsigned long long *ret, struct err *err)
{
	char path[48], *line, *end;
	auto_free char *text = NULL;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	rc = file_read_at(AT_FDCWD, path, 4096, &text, NULL, err);
	if (rc < 0)
		return rc;
	line = strstr(text, "Pid:\t");
	end = line ? strchrnul(line, '\n') : NULL;
	if (end)
		*end = '\0';
	return line && str_to_u64(line + 5, INT_MAX, ret) && *ret
		       ? 0
		       : err_set(err, ESRCH, "'%s' names no process", path);
}

static int write_map(int proc, const char *file, const struct id_extents *map, struct err *err)
{
	auto_str struct str text = STR_INIT;

	for (size_t i = 0; i < map->n; i++)
		str_addf(&text, "%u %u %u\n", map->v[i].inside, map->v[i].outside, map->v[i].count);
	return file_poke_at(proc, file, text.p, err);
}

static int map_child(int pidfd, const struct mount_idmap *map, struct err *err)
{
	unsigned long long pid = 0;
	auto_fd int proc = -1;
	char path[48];
	int ns, rc = pid_of(pidfd, &pid, err);

	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "/proc/%llu", pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(err, "open '%s'", path);
	rc = write_map(proc, "uid_map", &map->uid, err);
	if (rc == 0)
		rc = write_map(proc, "gid_map", &map->gid, err);
	if (rc < 0)
		return err_in(err, rc, "the map of the mount");
	ns = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
	return ns >= 0 ? ns : err_sys(err, "open '%s/ns/user'", path);
}

/* Returns a descriptor of a user namespace with the map and nobody in it. */
static int new_namespace(const struct mount_idmap *map, struct err *err)
{
	int ends[2], pidfd = -1, ns;
	struct clone_args clone = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	siginfo_t info;
	pid_t pid;
	char c;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	pid = sys_clone3(&clone);
	if (pid == 0) {
		(void)close(ends[1]);
		(void)!read(ends[0], &c, 1);
		_exit(0);
	}
	ns = pid < 0 ? err_sys(err, "make a user namespace for the map")
		     : map_child(pidfd, map, err);
	fd_closep(&ends[0]);
	fd_closep(&ends[1]);
	if (pid > 0)
		(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL);
	fd_closep(&pidfd);
	return ns;
}

static int namespace_of(const struct mount_idmap *map, struct err *err)
{
	int ns;

	if (!map->ns)
		return new_namespace(map, err);
	ns = open(map->ns, O_RDONLY | O_CLOEXEC);
	return ns >= 0 ? ns : err_sys(err, "open the user namespace '%s'", map->ns);
}

/* ---------------------------------------------------------------------------- mapping a tree */

/* File systems that can be mapped, by magic number, and since which kernel (FS_ALLOW_IDMAP). */
static const struct {
	unsigned long magic;
	const char *name, *since;
} known[] = {
	{ EXT4_SUPER_MAGIC, "ext4", "5.12" },
	{ 0x58465342, "xfs", "5.12" },
	{ BTRFS_SUPER_MAGIC, "btrfs", "5.15" },
	{ TMPFS_MAGIC, "tmpfs", "6.3" },
	{ OVERLAYFS_SUPER_MAGIC, "overlay", "" },
	{ F2FS_SUPER_MAGIC, "f2fs", "5.18" },
	{ 0xE0F5E1E2, "erofs", "5.19" },
	{ SQUASHFS_MAGIC, "squashfs", "6.2" },
	{ 0x4d44, "vfat", "5.12" },
	{ 0x65735546, "fuse", "6.12, if its server agrees" },
	{ 0x00c36400, "ceph", "6.7" },
	{ 0x2fc12fc1, "zfs", "5.19, as the module allows" },
	{ NFS_SUPER_MAGIC, "nfs", "" },
	{ PROC_SUPER_MAGIC, "proc", "" },
	{ SYSFS_MAGIC, "sysfs", "" },
	{ CGROUP2_SUPER_MAGIC, "cgroup2", "" },
	{ DEVPTS_SUPER_MAGIC, "devpts", "" },
	{ RAMFS_MAGIC, "ramfs", "" },
};

/* The kernel answers EINVAL or EPERM to all there is to say. */
static int explain(int tree, int rc, struct err *err)
{
	const char *name = "an unknown type", *since = "";
	struct statfs fs = { 0 };

	(void)fstatfs(tree, &fs);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].magic != (unsigned long)(uint32_t)fs.f_type)
			continue;
		name = known[i].name;
		since = known[i].since;
	}
	err_in(err, rc, "ID-map the mount, a file system of type %s%s%s%s", name,
	       *since ? " (possible since Linux " : "", since, *since ? ")" : "");
	if (rc == -EPERM)
		return err_hint(
			err, rc,
			"that needs root where the file system was mounted: here only one that is mounted in "
			"the user namespace of the caller can be ID-mapped, such as a tmpfs (Linux 6.3)");
	if (rc == -EINVAL && *since)
		return err_hint(err, rc, "%s can be ID-mapped since Linux %s", name, since);
	if (rc == -EINVAL)
		return err_hint(err, rc, "%s cannot be ID-mapped", name);
	return rc;
}

int mount_idmap_set(int tree, const struct mount_idmap *map, struct err *err)
{
	auto_fd int ns = namespace_of(map, err);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns };

	if (ns < 0)
		return ns;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | (map->recursive ? AT_RECURSIVE : 0),
			      &attr) == 0)
		return 0;
	return explain(tree, err_sys(err, "mount_setattr"), err);
}

/* Peers of the host's mounts must not become peers of the container's. */
static int cut_off(int tree, struct err *err)
{
	struct mount_attr attr = { .propagation = MS_SLAVE };

	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return err_sys(err, "take the tree out of the host's propagation");
	return 0;
}

static int clone_source(const struct mount_op *op, int source, struct err *err)
{
	unsigned depth = op->recursive ? AT_RECURSIVE : 0;
	auto_fd int tree = sys_open_tree(
		source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth);
	int rc;

	if (tree < 0)
		return explain(source, err_sys(err, "open_tree"), err);
	rc = cut_off(tree, err);
	if (rc == 0)
		rc = mount_idmap_set(tree, &op->map, err);
	return rc < 0 ? rc : take_fd(&tree);
}

static int prepare(const struct mount_op *op, int *ret, struct err *err)
{
	auto_fd int source = mount_open_source(op, err);
	struct stat st;

	if (source < 0)
		return source == -ENOENT && op->optional ? 0 : source;
	if (fstat(source, &st) < 0)
		return err_sys(err, "source '%s'", op->source);
	/* With copy-symlink a link is made again, and nothing mounted. */
	*ret = S_ISLNK(st.st_mode) && op->o.copy_symlink ? take_fd(&source)
							 : clone_source(op, source, err);
	return *ret < 0 ? *ret : 0;
}

int mount_idmap_outside(const struct mount_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct mount_op *op = &plan->v[i];
		int rc;

		if (op->kind != MOUNT_BIND || !op->map.active)
			continue;
		rc = prepare(op, &plan->sources[i], err);
		if (rc < 0) {
			plan->sources[i] = -1;
			mount_idmap_release(plan);
			return err_in(err, rc, "mount '%s'", op->target);
		}
	}
	return 0;
}

void mount_idmap_release(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].map.active)
			fd_closep(&plan->sources[i]);
}
