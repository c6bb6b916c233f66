/*
 * mount_plan.c - mounts[] to operations (theory in mount.h). Pure: the rootless substitutes of
 * the policy table are chosen here from facts, each with a note.
 */
#include "mount.h"
#include "mount_data.h"
#include "mount_layers.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci/proc_word.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct planner {
	struct arena *a;
	const char *bundle;
	const struct host *host;
	const struct ns_plan *ns;
	const struct idmap_plan *ids;
	struct notes *notes;
	const struct spec_process *process; /* NULL: there is none */
	enum proc_word proc;
	bool userns;	  /* the mounts are made with the rights of a user namespace only */
	bool own_cgroup;
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
			note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
				 "that group is not mapped in the container",
				 "dropped the option '%s'", d);
			continue;
		}
		err_set(err, EINVAL, "option '%s': that %s is not mapped in the container", d,
			is_uid ? "user" : "group");
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
	op->o.data.n = op->o.sb_flags.n = op->o.sb_clear.n = 0;
	op->o.sb_old = 0;
	op->o.rec_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC;
	op->o.set &= (uint64_t)MOUNT_ATTR__ATIME;
	op->o.clr = 0;
	note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
		 "a new sysfs needs a network namespace of the container's own",
		 "recursive read-only bind of the host's /sys instead of a new sysfs");
}

/* Without a cgroup of its own the root of the container's namespace is the caller's. */
static void keep_cgroup_readonly(struct planner *p, struct mount_op *op)
{
	if (!(op->o.set & MOUNT_ATTR_RDONLY))
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
			 "the container has no cgroup but the caller's",
			 "cgroup mount is read-only");
	op->o.set |= MOUNT_ATTR_RDONLY;
	op->o.clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	op->o.rec_clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
}

/* A joined namespace belongs to the user namespace it was made in: ours only if that is joined
 * with it. */
static bool owns(const struct ns_plan *ns, uint32_t flag)
{
	bool joined = (ns->differ & flag) && !(ns->create & flag);

	return joined ? !(ns->create & CLONE_NEWUSER) : ns->differ & flag;
}

static void bind_of_proc(struct planner *p, struct mount_op *op, const char *why)
{
	op->kind = MOUNT_BIND;
	op->source = "/proc";
	op->recursive = true;
	op->o.data.n = op->o.sb_flags.n = op->o.sb_clear.n = 0;
	op->o.sb_old = 0;
	op->o.clr = 0;
	op->o.rec_set |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	note_add(p->notes, NOTE_ADAPTED, field_of(p, op), why,
		 "recursive bind of the outer /proc instead of a new procfs");
}

/*
 * The outer procfs shows more than the container's own processes, so it is bound on request only,
 * or where the container shares the pid namespace: then it shows the same.
 */
static int plan_proc(struct planner *p, struct mount_op *op, struct err *err)
{
	bool fresh_user = p->ns->create & CLONE_NEWUSER;

	if (p->proc == PROC_BIND)
		bind_of_proc(p, op,
			     "the annotation " PROC_ANNOTATION
			     " asks for it: the processes outside can be seen");
	else if (fresh_user && !(p->ns->differ & CLONE_NEWPID))
		bind_of_proc(
			p, op,
			"the container shares the pid namespace, and a new procfs needs one of its own");
	else if (fresh_user && !owns(p->ns, CLONE_NEWPID)) {
		err_set(err, EPERM,
			"a new procfs needs a pid namespace that belongs to the container's user namespace");
		return err_hint(
			err, -EPERM,
			"join the user namespace together with its pid namespace, or take a new pid "
			"namespace, or bind the outer /proc: --proc bind (annotation " PROC_ANNOTATION ")");
	}
	return 0;
}

/*
 * In a user namespace overlayfs may not use trusted.* attributes; userxattr makes it use user.*.
 * Without it deletions and opaque directories would fail later, one by one.
 */
static int plan_overlay(struct planner *p, struct mount_op *op, struct err *err)
{
	static const char *const conflicts[] = { "metacopy=on", "redirect_dir=on", "verity=on",
						 "verity=require" };
	struct strv *data = &op->o.data;
	struct strv more;

	for (size_t i = 0; i < data->n; i++) {
		for (size_t k = 0; k < ARRAY_LEN(conflicts); k++) {
			if (!str_eq(data->v[i], conflicts[k]))
				continue;
			err_set(err, EINVAL,
				"option '%s' needs trusted.* attributes, which overlay cannot use in a user "
				"namespace",
				conflicts[k]);
			return err_hint(err, -EINVAL, "leave it out");
		}
		if (str_eq(data->v[i], "userxattr"))
			return 0;
	}
	more = (struct strv){ arena_alloc(p->a, (data->n + 1) * sizeof(char *)), 0 };
	for (size_t i = 0; i < data->n; i++)
		more.v[more.n++] = data->v[i];
	more.v[more.n++] = "userxattr";
	*data = more;
	note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
		 "overlay cannot use trusted.* attributes in a user namespace",
		 "added the option 'userxattr'");
	return 0;
}

static int plan_fs(struct planner *p, struct mount_op *op, struct err *err)
{
	op->kind = MOUNT_FS;
	if (str_eq(op->type, "proc")) {
		int rc = plan_proc(p, op, err);

		if (rc < 0 || op->kind == MOUNT_BIND)
			return rc;
	}
	if (str_eq(op->type, "overlay") && mount_layers_wanted(op))
		return mount_layers_plan(p->a, p->bundle, p->userns, p->host, op, err);
	if (str_eq(op->type, "overlay") && p->userns && plan_overlay(p, op, err) < 0)
		return -EINVAL;
	if (str_eq(op->type, "sysfs") && p->userns && !owns(p->ns, CLONE_NEWNET)) {
		bind_of_sys(p, op);
		return 0;
	}
	if (str_eq(op->type, "cgroup") || str_eq(op->type, "cgroup2")) {
		op->kind = MOUNT_CGROUP;
		op->type = "cgroup2";
		if (p->ns->differ & CLONE_NEWCGROUP) {
			if (!p->own_cgroup)
				keep_cgroup_readonly(p, op);
			return 0;
		}
		op->kind = MOUNT_BIND;
		op->source = "/sys/fs/cgroup";
		op->recursive = true;
		op->optional = true;
		op->o.data.n = op->o.sb_flags.n = op->o.sb_clear.n = 0;
		op->o.sb_old = 0;
		op->o.rec_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				 MOUNT_ATTR_NOEXEC;
		op->o.clr = 0;
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
			 "there is no cgroup namespace of the container's own",
			 "read-only bind of the host's /sys/fs/cgroup instead of a cgroup mount");
		return 0;
	}
	return check_id_data(p, op, err);
}

static void drop_old_flags(struct planner *p, struct mount_op *op, const char *why)
{
	if (op->o.sb_old & MS_I_VERSION)
		note_add(p->notes, NOTE_WARNING, field_of(p, op), why,
			 "left out the option 'iversion'");
	if (op->o.sb_old & MS_SILENT)
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op), why,
			 "left out the option 'silent'");
	op->o.sb_old = 0;
}

/* A bind shares the file system of its source, and with it what is set there for everybody. */
static void drop_sb_flags(struct planner *p, struct mount_op *op)
{
	const char *why = "a bind shares the file system of its source";

	for (size_t i = 0; i < op->o.sb_flags.n; i++)
		note_add(p->notes, NOTE_WARNING, field_of(p, op), why, "left out the option '%s'",
			 op->o.sb_flags.v[i]);
	op->o.sb_flags.n = op->o.sb_clear.n = 0;
	drop_old_flags(p, op, why);
}

static bool is_in_sys(const char *path)
{
	return str_eq(path, "/sys") || str_starts(path, "/sys/");
}

static int plan_bind(struct planner *p, const struct spec_mount *m, struct mount_op *op,
		     struct err *err)
{
	op->kind = MOUNT_BIND;
	op->recursive = op->o.rbind;
	drop_sb_flags(p, op);
	if (!m->source || !*m->source)
		return err_set(err, EINVAL, "a bind mount needs a source");
	op->source = m->source[0] == '/' ? m->source
					 : arena_printf(p->a, "%s/%s", p->bundle, m->source);
	/* "ro" covers the topmost mount only, and the caller's cgroup tree is below (CVE-2023-25809). */
	if (is_in_sys(op->source) && (op->o.set & MOUNT_ATTR_RDONLY) &&
	    !(op->o.rec_clr & MOUNT_ATTR_RDONLY))
		op->o.rec_set |= MOUNT_ATTR_RDONLY;
	return 0;
}

/* What cannot be bound must be made: a link that is to be copied counts as bound. */
static bool is_bind(const struct spec_mount *m, const struct mount_op *op)
{
	return !op->o.remount && (op->o.bind || op->o.rbind || op->o.copy_symlink ||
				  op->o.src_nofollow || str_eq(m->type, "bind"));
}

static bool is_kernel_view(const char *type)
{
	return str_eq(type, "proc") || str_eq(type, "sysfs") || str_eq(type, "devpts");
}

static int refuse_word(const struct mount_op *op, struct err *err)
{
	if (op->o.tmpcopyup)
		return err_hint(err, err_set(err, EINVAL, "option 'tmpcopyup' is for a tmpfs only"),
				"it copies what a new tmpfs hides into it");
	if (op->o.dest_nofollow && is_kernel_view(op->type))
		return err_hint(
			err,
			err_set(err, EINVAL, "option 'dest-nofollow' is not for type %s", op->type),
			"what programs take for the kernel's view must be where they look for it");
	return err_set(err, EINVAL, "option '%s' is for binds only",
		       op->o.copy_symlink ? "copy-symlink" : "src-nofollow");
}

static int plan_one(struct planner *p, const struct spec_mount *m, struct mount_op *op,
		    struct err *err)
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
	if (is_bind(m, op) ? op->o.tmpcopyup : op->o.copy_symlink || op->o.src_nofollow)
		return refuse_word(op, err);
	if ((op->o.tmpcopyup && !str_eq(m->type, "tmpfs")) ||
	    (op->o.dest_nofollow && is_kernel_view(m->type)))
		return refuse_word(op, err);
	if (op->o.remount) {
		op->kind = MOUNT_REMOUNT;
		if ((op->o.bind || op->o.rbind) && op->o.data.n)
			return err_set(err, EINVAL, "options: '%s' is not known for a bind mount",
				       op->o.data.v[0]);
		if (op->o.bind || op->o.rbind)
			drop_sb_flags(p, op);
		drop_old_flags(p, op, "it can be given only to a new file system");
		return check_id_data(p, op, err);
	}
	if (is_bind(m, op))
		return plan_bind(p, m, op, err);
	if (strcmp(target, "/") == 0)
		return err_set(err, EINVAL, "nothing can be mounted over the root itself");
	if (!m->type || str_eq(m->type, "none")) {
		err_set(err, EINVAL, "there is neither a file system type nor the option 'bind'");
		return err_hint(
			err, -EINVAL,
			"add \"bind\" or \"rbind\" to the options, or a type such as tmpfs");
	}
	if (!str_eq(m->type, MOUNT_DATA_TYPE))
		return plan_fs(p, op, err);
	rc = check_id_data(p, op, err);
	return rc < 0 ? rc : mount_data_plan(p->a, p->process, op, err);
}

/* After the kind is known: who maps the IDs depends on it. */
static int plan_idmap(struct planner *p, const struct spec_mount *m, struct mount_op *op,
		      struct err *err)
{
	bool asked = op->o.idmap || op->o.ridmap || m->uid_mappings.n || m->gid_mappings.n;
	bool fresh = op->kind == MOUNT_FS;
	int rc;

	if (!asked)
		return 0;
	if (op->kind == MOUNT_CGROUP)
		return err_set(err, EINVAL, "idmap: a cgroup mount cannot be ID-mapped");
	rc = mount_idmap_plan(p->a, m, &op->o, fresh, p->ns, p->ids, &op->map, err);
	if (rc == 0 && !op->map.active)
		note_add(p->notes, NOTE_ADAPTED, field_of(p, op),
			 "a new file system of the container has its IDs already",
			 "left out the option 'idmap'");
	return rc;
}

/* What lxcfs covers, as runc has it; anything else below /proc could take the kernel's place (CVE-2015-3631). */
static bool may_cover(const char *target)
{
	static const char *const files[] = { "cpuinfo",
					     "diskstats",
					     "meminfo",
					     "stat",
					     "swaps",
					     "uptime",
					     "loadavg",
					     "slabinfo",
					     "sys/kernel/ns_last_pid",
					     "sys/crypto/fips_enabled",
					     "net/dev" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(target, files[i]) == 0)
			return true;
	return false;
}

/* /proc must be a real procfs: labels and masks are written through it (CVE-2019-16884). */
static int check_proc(const struct mount_op *op, struct err *err)
{
	bool bind_of_proc = op->kind == MOUNT_BIND && str_eq(op->source, "/proc");

	if (str_starts(op->target, "/proc/") && op->kind != MOUNT_REMOUNT &&
	    !may_cover(op->target + 6)) {
		err_set(err, EINVAL, "nothing can be mounted inside /proc but what lxcfs provides");
		return err_hint(
			err, -EINVAL,
			"writes that are meant for the kernel must reach it; "
			"maskedPaths and readonlyPaths hide parts of /proc");
	}
	if (strcmp(op->target, "/proc") != 0 ||
	    (op->kind == MOUNT_FS && str_eq(op->type, "proc")) || op->kind == MOUNT_REMOUNT ||
	    bind_of_proc)
		return 0;
	err_set(err, EINVAL, "only a procfs can be mounted on /proc");
	return err_hint(
		err, -EINVAL,
		"use type \"proc\"; a fake /proc would get the writes that are meant for the kernel");
}

/* What org.bryo.proc=none leaves out. */
static bool is_unwanted(struct planner *p, const struct spec_mount *m, size_t index)
{
	char *target;

	if (p->proc != PROC_NONE)
		return false;
	target = arena_printf(p->a, "/%s", m->destination);
	path_clean(target);
	if (!proc_word_covers(target))
		return false;
	note_add(p->notes, NOTE_ADAPTED, arena_printf(p->a, "mounts[%zu] '%s'", index, target),
		 "the annotation " PROC_ANNOTATION " says none", "left out");
	return true;
}

int mount_plan(struct arena *a, const struct spec *spec, const char *bundle,
	       const struct ns_plan *ns, const struct idmap_plan *ids, const struct host *host,
	       bool own_cgroup, struct notes *notes, struct mount_plan *ret, struct err *err)
{
	bool userns = (ns->differ & CLONE_NEWUSER) || host->in_userns;
	struct planner p = { a,
			     bundle,
			     host,
			     ns,
			     ids,
			     notes,
			     spec->has_process ? &spec->process : NULL,
			     PROC_NOT_SAID,
			     userns,
			     own_cgroup };
	struct err all = ERR_INIT;
	int rc = proc_word_of(spec, &p.proc, err);

	if (rc < 0)
		return rc;

	ret->v = arena_alloc(a, (spec->mounts.n + 1) * sizeof(*ret->v));
	ret->sources = arena_alloc(a, (spec->mounts.n + 1) * sizeof(int));
	ret->in_userns = userns;
	ret->dev_is_ours = true;
	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct spec_mount *m = &spec->mounts.v[i];
		struct mount_op *op = &ret->v[ret->n];
		struct err one = ERR_INIT;

		if (is_unwanted(&p, m, i))
			continue;
		ret->sources[ret->n++] = -1;
		op->index = i;
		if (plan_one(&p, m, op, &one) < 0 || plan_idmap(&p, m, op, &one) < 0 ||
		    check_proc(op, &one) < 0) {
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

bool mount_plan_shows_outer_proc(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct mount_op *op = &plan->v[i];

		if (op->kind == MOUNT_BIND &&
		    (str_eq(op->source, "/proc") || str_eq(op->source, "/proc/")))
			return true;
	}
	return false;
}

struct mount_op *mount_plan_add(struct arena *a, struct mount_plan *plan)
{
	struct mount_op *v = arena_alloc(a, (plan->n + 1) * sizeof(*v));
	int *sources = arena_alloc(a, (plan->n + 1) * sizeof(*sources));

	if (plan->n) {
		memcpy(v, plan->v, plan->n * sizeof(*v));
		memcpy(sources, plan->sources, plan->n * sizeof(*sources));
	}
	sources[plan->n] = -1;
	v[plan->n].index = plan->n;
	plan->v = v;
	plan->sources = sources;
	return &plan->v[plan->n++];
}
