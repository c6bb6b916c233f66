/*
 * mount_plan.c - mounts[] to operations (theory in mount.h). Pure: the rootless substitutes of
 * the policy table are chosen here from facts, each with a note.
 */
#include "mount.h"

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct planner {
	struct arena *a;
	const char *bundle;
	const struct ns_plan *ns;
	const struct idmap_plan *ids;
	struct notes *notes;
	bool userns; /* the mounts are made with the rights of a user namespace only */
};

static const char *field_of(struct planner *p, const struct mount_op *op)
{
	return arena_printf(p->a, "mounts[%zu] '%s'", op->index, op->target);
}

/* uid= and gid= of file system data must be mapped; devpts' tty group may be dropped. */
static int check_id_data(struct planner *p, struct mount_op *op, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < op->o.data.n; i++) {
		const char *d = op->o.data.v[i];
		bool is_uid = str_starts(d, "uid="), is_gid = str_starts(d, "gid=");
		unsigned long long id;
		uint32_t outside;

		op->o.data.v[kept++] = d;
		if (!p->ids->known || !(is_uid || is_gid))
			continue;
		if (!str_to_u64(d + 4, UINT32_MAX, &id))
			return err_set(err, EINVAL, "option '%s' wants a number", d);
		if (id_to_outside(is_uid ? &p->ids->uid : &p->ids->gid, (uint32_t)id, &outside))
			continue;
		if (is_gid && str_eq(op->type, "devpts")) {
			kept--;
			note_add(p->notes, NOTE_ADAPTED, field_of(p, op), "that group is not mapped in the container",
				 "dropped the option '%s'", d);
			continue;
		}
		err_set(err, EINVAL, "option '%s': that %s is not mapped in the container", d, is_uid ? "user" : "group");
		return err_hint(err, -EINVAL, "leave the option out, or map the ID");
	}
	op->o.data.n = kept;
	return 0;
}

static void bind_of_sys(struct planner *p, struct mount_op *op)
{
	op->kind = MOUNT_BIND;
	op->source = "/sys";
	op->recursive = true;
	op->o.data.n = op->o.sb_flags.n = 0;
	op->o.rec_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	op->o.set &= (uint64_t)MOUNT_ATTR__ATIME;
	op->o.clr = 0;
	note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
		 "a new sysfs needs a network namespace of the container's own",
		 "recursive read-only bind of the host's /sys instead of a new sysfs");
}

/* No cgroup is made for the container, so the root of its namespace is the caller's own. */
static void keep_cgroup_readonly(struct planner *p, struct mount_op *op)
{
	if (!(op->o.set & MOUNT_ATTR_RDONLY))
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op), "the container has no cgroup but the caller's",
			 "cgroup mount is read-only");
	op->o.set |= MOUNT_ATTR_RDONLY;
	op->o.clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	op->o.rec_clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
}

/* A joined network namespace belongs to the user namespace it was made in: ours only if that is
 * joined with it. */
static bool owns_network(const struct ns_plan *ns)
{
	bool joined = (ns->differ & CLONE_NEWNET) && !(ns->create & CLONE_NEWNET);

	return joined ? !(ns->create & CLONE_NEWUSER) : ns->differ & CLONE_NEWNET;
}

static int plan_fs(struct planner *p, struct mount_op *op, struct err *err)
{
	op->kind = MOUNT_FS;
	if (str_eq(op->type, "sysfs") && p->userns && !owns_network(p->ns)) {
		bind_of_sys(p, op);
		return 0;
	}
	if (str_eq(op->type, "cgroup") || str_eq(op->type, "cgroup2")) {
		op->kind = MOUNT_CGROUP;
		op->type = "cgroup2";
		if (p->ns->differ & CLONE_NEWCGROUP) {
			keep_cgroup_readonly(p, op);
			return 0;
		}
		op->kind = MOUNT_BIND;
		op->source = "/sys/fs/cgroup";
		op->recursive = true;
		op->optional = true;
		op->o.data.n = op->o.sb_flags.n = 0;
		op->o.rec_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
		op->o.clr = 0;
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op), "there is no cgroup namespace of the container's own",
			 "read-only bind of the host's /sys/fs/cgroup instead of a cgroup mount");
		return 0;
	}
	return check_id_data(p, op, err);
}

/* A bind shares the file system of its source, and with it what is set there for everybody. */
static void drop_sb_flags(struct planner *p, struct mount_op *op)
{
	for (size_t i = 0; i < op->o.sb_flags.n; i++)
		note_add(p->notes, NOTE_WARNING, field_of(p, op), "a bind shares the file system of its source",
			 "left out the option '%s'", op->o.sb_flags.v[i]);
	op->o.sb_flags.n = 0;
}

static bool is_in_sys(const char *path)
{
	return str_eq(path, "/sys") || str_starts(path, "/sys/");
}

static int plan_bind(struct planner *p, const struct spec_mount *m, struct mount_op *op, struct err *err)
{
	op->kind = MOUNT_BIND;
	op->recursive = op->o.rbind;
	drop_sb_flags(p, op);
	if (!m->source || !*m->source)
		return err_set(err, EINVAL, "a bind mount needs a source");
	op->source = m->source[0] == '/' ? m->source : arena_printf(p->a, "%s/%s", p->bundle, m->source);
	/* "ro" covers the topmost mount only, and the caller's cgroup tree is below (CVE-2023-25809). */
	if (is_in_sys(op->source) && (op->o.set & MOUNT_ATTR_RDONLY) && !(op->o.rec_clr & MOUNT_ATTR_RDONLY))
		op->o.rec_set |= MOUNT_ATTR_RDONLY;
	return 0;
}

static int plan_one(struct planner *p, const struct spec_mount *m, struct mount_op *op, struct err *err)
{
	char *target;
	int rc;

	op->type = m->type;
	op->source = m->source;
	target = arena_printf(p->a, "/%s", m->destination);
	op->target = target;
	rc = mount_opt_parse(p->a, &m->options, &op->o, err);
	if (rc < 0)
		return rc;
	if (strlen(target) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "the destination is too long");
	path_clean(target);
	if (m->destination[0] != '/')
		note_add(p->notes, NOTE_WARNING, field_of(p, op), "the destination is relative",
			 "taken as '%s' in the container", target);
	if (op->o.idmap || op->o.ridmap || m->uid_mappings.n || m->gid_mappings.n)
		return err_set(err, ENOTSUP, "ID-mapped mounts are not supported yet");
	if (op->o.tmpcopyup || op->o.src_nofollow || op->o.dest_nofollow)
		return err_set(err, ENOTSUP, "option '%s' is not supported yet",
			       op->o.tmpcopyup ? "tmpcopyup" : op->o.src_nofollow ? "src-nofollow" : "dest-nofollow");
	if (op->o.remount) {
		op->kind = MOUNT_REMOUNT;
		if ((op->o.bind || op->o.rbind) && op->o.data.n)
			return err_set(err, EINVAL, "options: '%s' is not known for a bind mount", op->o.data.v[0]);
		if (op->o.bind || op->o.rbind)
			drop_sb_flags(p, op);
		return check_id_data(p, op, err);
	}
	if (op->o.bind || op->o.rbind || op->o.copy_symlink || str_eq(m->type, "bind"))
		return plan_bind(p, m, op, err);
	if (strcmp(target, "/") == 0)
		return err_set(err, EINVAL, "nothing can be mounted over the root itself");
	if (!m->type || str_eq(m->type, "none")) {
		err_set(err, EINVAL, "there is neither a file system type nor the option 'bind'");
		return err_hint(err, -EINVAL, "add \"bind\" or \"rbind\" to the options, or a type such as tmpfs");
	}
	return plan_fs(p, op, err);
}

/* /proc must be a real procfs: labels and masks are written through it (CVE-2019-16884). */
static int check_proc(const struct mount_op *op, struct err *err)
{
	bool bind_of_proc = op->kind == MOUNT_BIND && str_eq(op->source, "/proc");

	if (strcmp(op->target, "/proc") != 0 || (op->kind == MOUNT_FS && str_eq(op->type, "proc")) ||
	    op->kind == MOUNT_REMOUNT || bind_of_proc)
		return 0;
	err_set(err, EINVAL, "only a procfs can be mounted on /proc");
	return err_hint(err, -EINVAL, "use type \"proc\"; a fake /proc would get the writes that are meant for the kernel");
}

int mount_plan(struct arena *a, const struct spec *spec, const char *bundle, const struct ns_plan *ns,
	       const struct idmap_plan *ids, const struct host *host, struct notes *notes,
	       struct mount_plan *ret, struct err *err)
{
	bool userns = (ns->differ & CLONE_NEWUSER) || host->in_userns;
	struct planner p = { a, bundle, ns, ids, notes, userns };
	struct err all = ERR_INIT;

	ret->v = arena_alloc(a, (spec->mounts.n + 1) * sizeof(*ret->v));
	ret->sources = arena_alloc(a, (spec->mounts.n + 1) * sizeof(int));
	ret->n = spec->mounts.n;
	ret->in_userns = userns;
	ret->dev_is_ours = true;
	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct spec_mount *m = &spec->mounts.v[i];
		struct mount_op *op = &ret->v[i];
		struct err one = ERR_INIT;

		ret->sources[i] = -1;
		op->index = i;
		if (plan_one(&p, m, op, &one) < 0 || check_proc(op, &one) < 0) {
			err_in(&one, 0, "mounts[%zu] '%s'", i, m->destination);
			err_also(&all, &one);
			continue;
		}
		if (strcmp(op->target, "/dev") == 0)
			ret->dev_is_ours = op->kind != MOUNT_BIND;
	}
	if (!all.num)
		return 0;
	if (err)
		*err = all;
	return -all.num;
}
