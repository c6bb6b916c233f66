/*
 * build.c - calls each feature's _plan() in order (plan.h). Later features see the plans of
 * earlier ones only through const parameters. A feature that fails does not stop the others,
 * so that all violations are reported together; what depends on it is then skipped.
 */
#include "plan.h"

#include "base/str.h"
#include "base/sys.h"
#include "oci/idmap_style.h"

#include <limits.h>
#include <linux/capability.h>

static void add(struct err *all, struct err *one, int rc)
{
	if (rc < 0)
		err_also(all, one);
	*one = (struct err)ERR_INIT;
}

/* sethostname(2) and setdomainname(2) say EINVAL. */
static int check_length(const char *what, const char *name, struct err *err)
{
	size_t n = name ? strlen(name) : 0;

	return n <= HOST_NAME_MAX
		       ? 0
		       : err_set(err, EINVAL, "%s has %zu bytes, and the kernel takes %d at most",
				 what, n, HOST_NAME_MAX);
}

static int plan_names(const struct spec *spec, struct plan *plan, struct err *err)
{
	bool uts = plan->ns.differ & CLONE_NEWUTS;
	int rc = check_length("hostname", spec->hostname, err);

	if (rc == 0)
		rc = check_length("domainname", spec->domainname, err);
	if (rc < 0)
		return rc;
	plan->hostname = spec->hostname;
	plan->domainname = spec->domainname;
	plan->names_optional = str_eq(spec_annotation(spec, "org.bryo.hostname"), "best-effort");
	if ((spec->hostname && *spec->hostname) && !uts)
		return err_hint(
			err,
			err_set(err, EINVAL,
				"hostname needs a uts namespace of the container's own"),
			"without one the host's name would change: add {\"type\": \"uts\"}");
	if ((spec->domainname && *spec->domainname) && !uts)
		return err_hint(err,
				err_set(err, EINVAL,
					"domainname needs a uts namespace of the container's own"),
				"without one the host's would change: add {\"type\": \"uts\"}");
	return 0;
}

/* setgroups is denied where we deny it ourselves, and below a namespace that has it denied. */
static bool setgroups_denied(const struct plan *plan, const struct host *host)
{
	return plan->idmap.deny_setgroups || host->setgroups_denied;
}

/*
 * runtime-spec, config-linux.md "Cgroup ownership": with a cgroup namespace of its own and a cgroup
 * file system that it may write, the cgroup is the container user's. From inside it is given by
 * init; from outside where root of the host does, because the cgroup's owner is not mapped then.
 */
static void plan_cgroup_owner(const struct host *host, struct plan *plan)
{
	struct cgroup_plan *c = &plan->cgroup;
	uint32_t outside;

	if (c->backend == CGROUP_NONE || !plan->ns.cgroup)
		return;
	for (size_t i = 0; i < plan->mounts.n && !c->chown; i++)
		c->chown = plan->mounts.v[i].kind == MOUNT_CGROUP &&
			   !(plan->mounts.v[i].o.set & MOUNT_ATTR_RDONLY);
	if (!c->chown)
		return;
	if (!host->privileged)
		c->owner_inside = plan->process.user.uid;
	else if (plan->idmap.known && id_to_outside(&plan->idmap.uid, plan->process.user.uid, &outside))
		c->owner = outside;
}

/* Whether init's identity outside stays the caller's when it becomes root, or whoever runs, inside. */
static bool keeps_own_id(const struct plan *plan, const struct spec *spec, const struct host *host)
{
	const struct idmap_plan *ids = &plan->idmap;
	uint32_t uid, gid;

	if (!ids->active)
		return true;
	if (!ids->known)
		return false;
	if (!id_to_outside(&ids->uid, 0, &uid) && !id_to_outside(&ids->uid, spec->process.user.uid, &uid))
		return false;
	if (!id_to_outside(&ids->gid, 0, &gid) && !id_to_outside(&ids->gid, spec->process.user.gid, &gid))
		return false;
	return uid == host->uid && gid == host->gid;
}

/* exec always starts a session of its own: this is for the container's first process. */
static int plan_session(const struct spec *spec, struct plan *plan, struct err *err)
{
	const char *word = spec_annotation(spec, "org.bryo.session");

	plan->process.keep_session = str_eq(word, "keep");
	if (!word || plan->process.keep_session || str_eq(word, "new"))
		return 0;
	return err_hint(
		err, err_set(err, EINVAL, "annotation org.bryo.session: unknown value '%s'", word),
		"keep or new");
}

/*
 * fuse-overlayfs sees the host's files and is in the container's user namespace. Whoever has
 * CAP_SYS_PTRACE there may trace it, and open what it sees by /proc/PID/root, where it is in sight.
 */
static int plan_served(struct plan *plan, struct err *err)
{
	const struct caps_plan *c = &plan->process.caps;
	uint64_t all = c->bounding | c->permitted | c->inheritable | c->ambient;
	struct rootfs_plan *r = &plan->rootfs;

	if (!r->n_kinds || r->kinds[r->n_kinds - 1] != ROOTFS_FUSE_OVERLAYFS ||
	    !(plan->ns.differ & CLONE_NEWUSER) ||
	    ((plan->ns.differ & CLONE_NEWPID) && !mount_plan_shows_outer_proc(&plan->mounts)) ||
	    !(all & (1ULL << CAP_SYS_PTRACE)))
		return 0;
	if (r->n_kinds > 1) {
		r->n_kinds--;
		r->overlay.program = NULL;
		r->overlay.no_program =
			"fuse-overlayfs may be able to do it, but a container with CAP_SYS_PTRACE "
			"that sees the host's processes could trace it";
		return 0;
	}
	err_set(err, EPERM,
		"fuse-overlayfs would serve the root of a container that has CAP_SYS_PTRACE and sees "
		"the host's processes: it could trace that program, which sees the host's files");
	return err_hint(err, -EPERM,
			"give it a pid namespace and no bind of /proc, take CAP_SYS_PTRACE out of "
			"process.capabilities, or use the kernel's overlay");
}

static void plan_features(struct arena *a, const struct plan_request *q, struct host *host,
			  struct plan *plan, struct err *all)
{
	const struct spec *spec = q->spec;
	bool userns = (plan->ns.differ & CLONE_NEWUSER) || host->in_userns;
	struct process_request process = {
		.spec = spec,
		.process = &spec->process,
		.preserve_fds = q->preserve_fds,
		.listen = q->listen,
		.seccomp_cache = q->seccomp_cache,
		.compile = q->compile_seccomp,
		.setgroups_denied = setgroups_denied(plan, host),
		.userns = userns,
	};
	struct net_request net = {
		.spec = spec,
		.state_dir = q->state_dir,
		.ns = &plan->ns,
		.ids = &plan->idmap,
		.target = q->net_target,
		.own_id_kept = keeps_own_id(plan, spec, host),
	};
	struct cgroup_request cgroup = { .spec = spec, .id = q->id, .manager = q->cgroup_manager };
	struct rootfs_request rootfs = { spec, q->bundle, host, q->no_pivot, &plan->idmap, userns };
	struct err one = ERR_INIT;

	add(all, &one, cgroup_plan(a, &cgroup, host, &plan->notes, &plan->cgroup, &one));
	if (lsm_wanted(&spec->process, spec))
		host_need_lsm(host);
	add(all, &one,
	    rootfs_plan(a, &rootfs, &plan->notes, &plan->rootfs, &one));
	add(all, &one,
	    mount_plan(a, spec, q->bundle, &plan->ns, &plan->idmap, host,
		       plan->cgroup.backend != CGROUP_NONE, &plan->notes, &plan->mounts, &one));
	add(all, &one, net_plan(a, &net, host, &plan->mounts, &plan->net, &one));
	add(all, &one, lsm_mounts_plan(a, spec, host, &plan->mounts, &one));
	add(all, &one,
	    device_plan(a, spec, plan->mounts.dev_is_ours, userns, &plan->notes, &plan->devices,
			&one));
	add(all, &one,
	    mask_plan(a, &spec->linux_.masked_paths, &spec->linux_.readonly_paths, &plan->masks,
		      &one));
	add(all, &one,
	    sysctl_plan(a, spec, &plan->ns, &plan->idmap, &plan->notes, &plan->sysctl, &one));
	add(all, &one, timens_plan(a, spec, &plan->ns, &plan->timens, &one));
	add(all, &one, netdev_plan(a, spec, &plan->ns, host, &plan->netdevs, &one));
	add(all, &one, rdt_plan(a, spec, q->id, host, &plan->rdt, &one));
	add(all, &one, plan_names(spec, plan, &one));
	if (!spec->has_process)
		add(all, &one, err_set(&one, EINVAL, "process is missing"));
	else
		add(all, &one,
		    process_plan(a, &process, &plan->idmap, host, &plan->notes, &plan->process,
				 &one));
	add(all, &one, plan_served(plan, &one));
	add(all, &one, plan_session(spec, plan, &one));
	add(all, &one, supervise_plan(spec, &plan->ns, &plan->supervise, &one));
	plan->process.die_with_parent = plan->supervise.die_with_parent;
	add(all, &one,
	    hooks_plan(a, spec, q->id, q->bundle,
		       plan->process.envp ? plan->process.envp + 1 : NULL, &plan->hooks, &one));
	plan_cgroup_owner(host, plan);
	add(all, &one, plan_check(spec, plan, &plan->notes, &one));
}

static int plan_ids(struct arena *a, const struct plan_request *q, struct host *host,
		    struct plan *plan, struct err *err)
{
	const struct spec_linux *l = &q->spec->linux_;
	bool strict = l->uid_mappings.n || l->gid_mappings.n || spec_annotation(q->spec, IDMAP_ANNOTATION);
	bool joined = false;
	int rc;

	for (size_t i = 0; i < plan->ns.n_joins && !plan->ns.nested; i++)
		joined |= plan->ns.joins[i].flag == CLONE_NEWUSER;
	rc = idmap_plan(a, q->spec, host, plan->ns.create & CLONE_NEWUSER, joined, &plan->notes,
			&plan->idmap, err);
	if (rc < 0 || !plan->ns.nested)
		return rc;
	return net_join_ids(a, q->net_target, strict, &plan->notes, &plan->idmap, err);
}

int plan_build(struct arena *a, const struct plan_request *q, struct host *host, struct plan *plan,
	       struct err *err)
{
	struct err all = ERR_INIT, one = ERR_INIT;

	plan->id = q->id;
	plan->bundle = q->bundle;
	plan->oci_version = q->spec->oci_version;
	plan->notes.arena = a;
	plan->keyring = !q->no_new_keyring;
	add(&all, &one, ns_plan(a, q->spec, host, &plan->notes, &plan->ns, &one));
	if (!all.num && q->net_target)
		add(&all, &one, net_join_ns(a, q->net_target, host, &plan->notes, &plan->ns, &one));
	if (!all.num)
		add(&all, &one, plan_ids(a, q, host, plan, &one));
	plan->partial = all.num;
	if (!all.num)
		plan_features(a, q, host, plan, &all);
	if (!all.num)
		return 0;
	note_refusals(&plan->notes, &all);
	if (err)
		*err = all;
	return -all.num;
}
