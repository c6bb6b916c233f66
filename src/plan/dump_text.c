/*
 * dump_text.c - the plan for people (dump.h): a page that answers "what would happen, and what
 * was adapted because I am not root".
 */
#include "dump.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/names.h"
#include "base/sys.h"
#include "plan/marks.h"
#include "plan/words.h"

#include <sys/mount.h>

const char *plan_word_propagation(unsigned long flag)
{
	return flag == MS_SHARED       ? "shared"
	       : flag == MS_PRIVATE    ? "private"
	       : flag == MS_UNBINDABLE ? "unbindable"
				       : "slave";
}

const char *plan_word_mount(enum mount_kind kind, bool recursive)
{
	switch (kind) {
	case MOUNT_FS:
		return "mount";
	case MOUNT_BIND:
		return recursive ? "rbind" : "bind";
	case MOUNT_REMOUNT:
		return "remount";
	case MOUNT_DATA:
		return "file";
	case MOUNT_LAYERS:
		return "layers";
	case MOUNT_CGROUP:
		break;
	}
	return "cgroup";
}

const char *plan_word_groups(const struct user_plan *u)
{
	return u->keep_groups ? "kept" : u->set_groups ? "set" : "unchanged (setgroups is denied)";
}

static void text_map(struct str *s, const char *what, const struct id_extents *map)
{
	for (size_t i = 0; i < map->n; i++)
		str_addf(s, "  %-4s %10u..%-10u <- %u..%u\n", i ? "" : what, map->v[i].inside,
			 map->v[i].inside + map->v[i].count - 1, map->v[i].outside,
			 map->v[i].outside + map->v[i].count - 1);
}

/* With the gravest mark of the fields. */
static void text_heading(struct str *s, const struct plan *p, const char *text,
			 const char *const *fields)
{
	static const char order[] = " ~!x";
	const char *worst = order;

	for (; *fields; fields++) {
		const char *at = strchr(order, mark_of(&p->notes, *fields));

		worst = at > worst ? at : worst;
	}
	str_addf(s, "%s%.*s%.*s\n", text, *worst != ' ', " ", *worst != ' ', worst);
}

static void text_namespaces(struct str *s, const struct plan *p)
{
	static const char *const fields[] = { "linux.namespaces", NULL };
	static const char *const maps[] = { "linux.uidMappings", "linux.gidMappings", NULL };
	auto_str struct str title = STR_INIT;

	if (p->partial && !p->ns.differ) /* they are what is refused */
		return;
	text_heading(s, p, "namespaces", fields);
	for (size_t i = 0; ns_flag(i); i++) {
		uint32_t flag = ns_flag(i);
		const char *path = NULL;

		for (size_t k = 0; k < p->ns.n_joins; k++)
			if (p->ns.joins[k].flag == flag)
				path = p->ns.joins[k].path;
		str_addf(s, "  %-8s %s%s\n", ns_name(flag),
			 path		       ? "join "
			 : p->ns.differ & flag ? "new"
					       : "shared with the host",
			 path ? path : "");
	}
	if (!p->idmap.active)
		return;
	str_addf(&title, "id map (container <- host), written by %s%s",
		 p->idmap.writer == IDMAP_HELPERS ? "newuidmap and newgidmap" : "bryo itself",
		 p->idmap.deny_setgroups ? ", setgroups denied" : "");
	text_heading(s, p, title.p, maps);
	text_map(s, "uid", &p->idmap.uid);
	text_map(s, "gid", &p->idmap.gid);
}

static void text_mount_extras(struct str *s, const struct mount_op *op)
{
	for (size_t i = 0; i < op->o.sb_flags.n; i++)
		str_addf(s, ", %s", op->o.sb_flags.v[i]);
	str_addf(s, "%s%s", op->o.tmpcopyup ? ", begins with a copy of what it hides" : "",
		 op->map.active ? op->map.recursive ? ", ID-mapped with all below" : ", ID-mapped"
				: "");
	str_addc(s, '\n');
	if (!op->map.active)
		return;
	text_map(s, "  uid", &op->map.uid);
	text_map(s, "  gid", &op->map.gid);
}

static void text_mounts(struct str *s, const struct plan *p)
{
	static const char *const root[] = { "root", "linux.rootfsPropagation", "--no-pivot",
					    "annotation org.bryo.rootfs", "annotation org.bryo.overlay", NULL };
	static const char *const devices[] = { "linux.devices", NULL };
	char set[128], rec[128], field[32];

	text_heading(s, p, "root", root);
	str_addf(s, "  %s %s%s, propagation %s%s\n", rootfs_kind_name(p->rootfs.kinds[0]),
		 p->rootfs.path ? p->rootfs.path : "?", p->rootfs.readonly ? ", read-only" : "",
		 plan_word_propagation(p->rootfs.propagation),
		 p->rootfs.no_pivot ? ", without pivot_root" : "");
	rootfs_dump_text(&p->rootfs, s);
	str_add(s, "mounts, in this order\n");
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct mount_op *op = &p->mounts.v[i];

		if (!op->target) /* refused */
			continue;
		(void)snprintf(field, sizeof(field), "mounts[%zu]", op->index);
		(void)mount_attr_text(op->o.set, set, sizeof(set));
		(void)mount_attr_text(op->o.rec_set, rec, sizeof(rec));
		str_addf(s, "%c %-7s %-24s %s%s%s%s%s%s%s", mark_of(&p->notes, field),
			 plan_word_mount(op->kind, op->recursive), op->target,
			 op->source && (op->kind == MOUNT_BIND || op->kind == MOUNT_DATA)
				 ? op->source
			 : op->type					  ? op->type
									  : "",
			 *set ? " (" : "", set, *set ? ")" : "", *rec ? " (all below: " : "", rec,
			 *rec ? ")" : "");
		for (size_t k = 0; k < op->o.data.n; k++)
			str_addf(s, "%s%s", k ? "," : " ", op->o.data.v[k]);
		if (op->o.propagation)
			str_addf(s, ", %s", plan_word_propagation(op->o.propagation));
		text_mount_extras(s, op);
	}
	text_heading(s, p, "devices", devices);
	for (size_t i = 0; i < p->devices.n; i++)
		str_addf(s, "  %-7s %-24s %c %u:%u\n", p->devices.v[i].bind ? "bind" : "make",
			 p->devices.v[i].path, p->devices.v[i].type, p->devices.v[i].major,
			 p->devices.v[i].minor);
}

static void text_list(struct str *s, const char *what, const struct strv *v)
{
	if (!v->n)
		return;
	str_addf(s, "%s\n ", what);
	for (size_t i = 0; i < v->n; i++)
		str_addf(s, " %s", v->v[i]);
	str_addc(s, '\n');
}

static void text_caps(struct str *s, const char *what, uint64_t set)
{
	str_addf(s, "  %-12s", what);
	for (int cap = 0; cap < 64; cap++)
		if (set & (1ULL << cap))
			str_addf(s, " %s", capability_name(cap));
	str_add(s, set ? "\n" : " none\n");
}

/* As it is, or quoted where it would not read as one word. */
static void text_word(struct str *s, const char *word)
{
	str_addc(s, ' ');
	for (const char *c = word; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '"' || *c == 127) {
			json_quote(s, word);
			return;
		}
	str_add(s, *word ? word : "\"\"");
}

static void text_process(struct str *s, const struct process_plan *p)
{
	str_add(s, "process\n  args        ");
	for (size_t i = 0; p->argv && p->argv[i]; i++)
		text_word(s, p->argv[i]);
	str_addf(s, "\n  cwd          %s\n  user         %u:%u, groups %s, umask %03o\n",
		 p->cwd ? p->cwd : "?", p->user.uid, p->user.gid, plan_word_groups(&p->user),
		 (unsigned)p->user.umask);
	if (p->keep_session && !p->terminal.wanted)
		str_add(s, "  session      the caller's\n");
	str_addf(s, "  terminal     %s\n  no new privileges: %s\n",
		 p->terminal.wanted ? "yes" : "no", p->no_new_privs ? "yes" : "no");
	text_caps(s, "bounding", p->caps.bounding);
	text_caps(s, "effective", p->caps.effective);
	text_caps(s, "permitted", p->caps.permitted);
	text_caps(s, "inheritable", p->caps.inheritable);
	text_caps(s, "ambient", p->caps.ambient);
	for (size_t i = 0; i < p->rlimits.n; i++)
		str_addf(s, "  %-24s %llu:%llu\n", p->rlimits.v[i].name,
			 (unsigned long long)p->rlimits.v[i].soft,
			 (unsigned long long)p->rlimits.v[i].hard);
	if (p->rlimits.oom_score_adj.set)
		str_addf(s, "  oom score    %lld\n", (long long)p->rlimits.oom_score_adj.v);
	sched_dump_text(&p->sched, s);
	if (p->lsm.apparmor)
		str_addf(s, "  AppArmor     %s\n", p->lsm.apparmor);
	if (p->lsm.selinux)
		str_addf(s, "  SELinux      %s\n", p->lsm.selinux);
	if (p->listen.n)
		str_addf(s, "  descriptors  3 to %d are listening sockets\n", 2 + p->listen.n);
	for (int i = p->listen.inherited; i < p->listen.n; i++)
		str_addf(s, "  listen       %d is bound to %s\n", 3 + i,
			 p->listen.make[i - p->listen.inherited].word);
	if (p->seccomp.active)
		str_addf(s, "  seccomp      %zu rules, default %s\n", p->seccomp.n_rules,
			 p->seccomp.default_action);
	else
		str_add(s, "  seccomp      none\n");
}

void plan_dump_text(const struct plan *p, struct str *s)
{
	str_addf(s, "container '%s' from %s\n", p->id, p->bundle);
	marks_text(&p->notes, s);
	text_namespaces(s, p);
	if (p->partial)
		return;
	text_heading(s, p, "cgroup",
		     (const char *const[]){ "linux.resources", "linux.cgroupsPath", NULL });
	cgroup_dump_text(&p->cgroup, s);
	for (size_t i = 0; i < p->netdevs.n; i++)
		str_addf(s, "%s  move %s in as %s\n", i ? "" : "network devices\n",
			 p->netdevs.v[i].from, p->netdevs.v[i].to);
	net_dump_text(&p->net, s);
	if (p->rdt.active)
		str_addf(s, "resctrl\n  class %s%s\n", p->rdt.class,
			 p->rdt.ours ? ", removed with the container" : "");
	if (p->hostname)
		str_addf(s, "hostname\n  %s\n", p->hostname);
	if (p->domainname)
		str_addf(s, "domain name\n  %s\n", p->domainname);
	if (p->timens.offsets)
		str_addf(s, "time offsets (seconds, nanoseconds)\n%s", p->timens.offsets);
	text_mounts(s, p);
	text_list(s, "masked", &p->masks.masked);
	text_list(s, "read-only", &p->masks.readonly);
	for (size_t i = 0; i < p->sysctl.n; i++)
		str_addf(s, "%s  %s = %s\n", i ? "" : "sysctl\n", p->sysctl.v[i].key,
			 p->sysctl.v[i].value);
	text_process(s, &p->process);
	if (p->supervise.init)
		str_add(s, "  pid 1        bryo-init, and the program is its child\n");
	if (p->supervise.die_with_parent)
		str_add(s, "  ends with    the caller of bryo\n");
	if (p->supervise.timeout_ns)
		str_addf(s, "  timeout      SIGTERM after %llu ms, SIGKILL %llu ms later\n",
			 (unsigned long long)p->supervise.timeout_ns / 1000000,
			 (unsigned long long)p->supervise.grace_ns / 1000000);
	for (int point = 0; point < HOOK_POINTS; point++)
		for (size_t i = 0; i < p->hooks.points[point].n; i++)
			str_addf(s, "hook %s\n  %s\n", hook_point_name((enum hook_point)point),
				 p->hooks.points[point].v[i].path);
}
