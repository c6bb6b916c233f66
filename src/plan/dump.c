/*
 * dump.c - the plan as JSON (dump.h). Every feature has one function here; order is the order in
 * which things are done. Values of environment variables are left out: they may be secrets.
 */
#include "dump.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/names.h"
#include "base/sys.h"
#include "plan/marks.h"
#include "plan/words.h"

static void dump_notes(struct json_out *o, const struct notes *notes)
{
	json_out_array(o, "notes");
	for (size_t i = 0; i < notes->list.n; i++) {
		const struct note *n = &notes->list.v[i];

		if (n->kind == NOTE_REFUSED) /* it is in marks, which have all */
			continue;
		json_out_object(o, NULL);
		json_out_str(o, "kind", n->kind == NOTE_WARNING ? "warning" : "adapted");
		json_out_str(o, "field", n->field);
		json_out_str(o, "what", n->what);
		json_out_str(o, "why", n->why);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
}

static void dump_namespaces(struct json_out *o, const struct ns_plan *ns)
{
	json_out_object(o, "namespaces");
	for (size_t i = 0; ns_flag(i); i++) {
		uint32_t flag = ns_flag(i);
		const char *path = NULL;

		for (size_t k = 0; k < ns->n_joins; k++)
			if (ns->joins[k].flag == flag)
				path = ns->joins[k].path;
		json_out_str(o, ns_name(flag), path ? path : ns->differ & flag ? "new" : "shared");
	}
	json_out_end(o, '}');
}

static void dump_map(struct json_out *o, const char *key, const struct id_extents *map)
{
	json_out_array(o, key);
	for (size_t i = 0; i < map->n; i++) {
		json_out_object(o, NULL);
		json_out_u64(o, "containerID", map->v[i].inside);
		json_out_u64(o, "hostID", map->v[i].outside);
		json_out_u64(o, "size", map->v[i].count);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
}

static void dump_idmap(struct json_out *o, const struct idmap_plan *m)
{
	if (!m->active) {
		json_out_null(o, "idMap");
		return;
	}
	json_out_object(o, "idMap");
	dump_map(o, "uid", &m->uid);
	dump_map(o, "gid", &m->gid);
	json_out_str(o, "writtenBy", m->writer == IDMAP_HELPERS ? "newuidmap and newgidmap" : "bryo");
	json_out_bool(o, "setgroupsDenied", m->deny_setgroups);
	json_out_end(o, '}');
}

static void dump_root(struct json_out *o, const struct plan *p)
{
	json_out_object(o, "root");
	json_out_str(o, "kind", rootfs_kind_name(p->rootfs.kinds[0]));
	json_out_str(o, "path", p->rootfs.path);
	json_out_bool(o, "readonly", p->rootfs.readonly);
	json_out_str(o, "propagation", plan_word_propagation(p->rootfs.propagation));
	json_out_bool(o, "pivot", !p->rootfs.no_pivot);
	rootfs_dump_json(&p->rootfs, o);
	json_out_end(o, '}');
}

/* Only what the config asked for beyond the usual. */
static void dump_mount_extras(struct json_out *o, const struct mount_op *op)
{
	const struct { const char *name; bool on; } words[] = {
		{ "copyUp", op->o.tmpcopyup }, { "copySymlink", op->o.copy_symlink },
		{ "sourceNotFollowed", op->o.src_nofollow }, { "targetNotFollowed", op->o.dest_nofollow },
	};

	if (op->o.sb_flags.n)
		json_out_strv(o, "fileSystemFlags", &op->o.sb_flags);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].on)
			json_out_bool(o, words[i].name, true);
	if (!op->map.active)
		return;
	json_out_object(o, "idMap");
	json_out_bool(o, "recursive", op->map.recursive);
	if (op->map.ns)
		json_out_str(o, "namespace", op->map.ns);
	dump_map(o, "uid", &op->map.uid);
	dump_map(o, "gid", &op->map.gid);
	json_out_end(o, '}');
}

static void dump_mounts(struct json_out *o, const struct mount_plan *m)
{
	char text[128];

	json_out_array(o, "mounts");
	for (size_t i = 0; i < m->n; i++) {
		const struct mount_op *op = &m->v[i];

		if (!op->target) /* refused */
			continue;
		json_out_object(o, NULL);
		json_out_str(o, "target", op->target);
		json_out_str(o, "action", plan_word_mount(op->kind, op->recursive));
		if (op->kind != MOUNT_BIND && op->type)
			json_out_str(o, "type", op->type);
		if (op->source)
			json_out_str(o, "source", op->source);
		json_out_str(o, "attributes", mount_attr_text(op->o.set, text, sizeof(text)));
		if (op->o.rec_set)
			json_out_str(o, "recursiveAttributes", mount_attr_text(op->o.rec_set, text, sizeof(text)));
		if (op->o.propagation)
			json_out_str(o, "propagation", plan_word_propagation(op->o.propagation));
		if (op->o.data.n)
			json_out_strv(o, "data", &op->o.data);
		dump_mount_extras(o, op);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
}

static void dump_devices(struct json_out *o, const struct device_plan *d)
{
	char type[2] = "";

	json_out_array(o, "devices");
	for (size_t i = 0; i < d->n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "path", d->v[i].path);
		type[0] = d->v[i].type;
		json_out_str(o, "type", type);
		json_out_u64(o, "major", d->v[i].major);
		json_out_u64(o, "minor", d->v[i].minor);
		json_out_str(o, "action", d->v[i].bind ? "bind" : "make");
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
}

static void dump_caps(struct json_out *o, const struct caps_plan *c)
{
	const struct { const char *name; uint64_t set; } rows[] = {
		{ "bounding", c->bounding }, { "effective", c->effective }, { "permitted", c->permitted },
		{ "inheritable", c->inheritable }, { "ambient", c->ambient },
	};

	json_out_object(o, "capabilities");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_out_array(o, rows[i].name);
		for (int cap = 0; cap < 64; cap++)
			if (rows[i].set & (1ULL << cap))
				json_out_str(o, NULL, capability_name(cap));
		json_out_end(o, ']');
	}
	json_out_end(o, '}');
}

static void dump_user(struct json_out *o, const struct user_plan *u)
{
	json_out_object(o, "user");
	json_out_u64(o, "uid", u->uid);
	json_out_u64(o, "gid", u->gid);
	json_out_str(o, "groups", plan_word_groups(u));
	json_out_array(o, "additionalGids");
	for (size_t i = 0; i < u->n_groups; i++)
		json_out_u64(o, NULL, u->groups[i]);
	json_out_end(o, ']');
	json_out_u64(o, "umask", u->umask);
	json_out_end(o, '}');
}

static void dump_netdevs(struct json_out *o, const struct netdev_plan *p)
{
	json_out_object(o, "netDevices");
	for (size_t i = 0; i < p->n; i++)
		json_out_str(o, p->v[i].from, p->v[i].to);
	json_out_end(o, '}');
}

static void dump_rdt(struct json_out *o, const struct rdt_plan *p)
{
	if (!p->active)
		return;
	json_out_object(o, "intelRdt");
	json_out_str(o, "class", p->class);
	json_out_strv(o, "schemata", &p->lines);
	json_out_str(o, "monitor", p->monitor);
	json_out_end(o, '}');
}

static void dump_labels(struct json_out *o, const struct process_plan *p)
{
	if (p->lsm.apparmor)
		json_out_str(o, "apparmorProfile", p->lsm.apparmor);
	if (p->lsm.selinux)
		json_out_str(o, "selinuxLabel", p->lsm.selinux);
	if (p->listen.n)
		json_out_u64(o, "listenFds", (uint64_t)p->listen.n);
	if (!listen_made(&p->listen))
		return;
	json_out_array(o, "listen");
	for (int i = 0; i < listen_made(&p->listen); i++)
		json_out_str(o, NULL, p->listen.make[i].word);
	json_out_end(o, ']');
}

static void dump_process(struct json_out *o, const struct process_plan *p)
{
	json_out_object(o, "process");
	json_out_array(o, "args");
	for (size_t i = 0; p->argv && p->argv[i]; i++)
		json_out_str(o, NULL, p->argv[i]);
	json_out_end(o, ']');
	json_out_str(o, "cwd", p->cwd);
	if (p->keep_session)
		json_out_str(o, "session", "kept");
	json_out_bool(o, "terminal", p->terminal.wanted);
	if (p->terminal.rows || p->terminal.columns) {
		json_out_object(o, "consoleSize");
		json_out_u64(o, "height", p->terminal.rows);
		json_out_u64(o, "width", p->terminal.columns);
		json_out_end(o, '}');
	}
	dump_user(o, &p->user);
	dump_caps(o, &p->caps);
	json_out_bool(o, "noNewPrivileges", p->no_new_privs);
	json_out_array(o, "rlimits");
	for (size_t i = 0; i < p->rlimits.n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "type", p->rlimits.v[i].name);
		json_out_u64(o, "soft", p->rlimits.v[i].soft);
		json_out_u64(o, "hard", p->rlimits.v[i].hard);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
	if (p->rlimits.oom_score_adj.set)
		json_out_i64(o, "oomScoreAdj", p->rlimits.oom_score_adj.v);
	sched_dump_json(&p->sched, o);
	dump_labels(o, p);
	json_out_end(o, '}');
}

static void dump_filter(struct json_out *o, const struct seccomp_plan *s)
{
	if (!s->active) {
		json_out_null(o, "seccomp");
		return;
	}
	json_out_object(o, "seccomp");
	json_out_str(o, "defaultAction", s->default_action);
	json_out_u64(o, "rules", s->n_rules);
	json_out_end(o, '}');
}

static void dump_hooks(struct json_out *o, const struct hooks_plan *h)
{
	json_out_object(o, "hooks");
	for (int p = 0; p < HOOK_POINTS; p++) {
		if (!h->points[p].n)
			continue;
		json_out_array(o, hook_point_name((enum hook_point)p));
		for (size_t i = 0; i < h->points[p].n; i++)
			json_out_str(o, NULL, h->points[p].v[i].path);
		json_out_end(o, ']');
	}
	json_out_end(o, '}');
}

static void dump_offset(struct json_out *o, const char *clock, const struct time_offset *t)
{
	json_out_object(o, clock);
	json_out_i64(o, "secs", t->secs);
	json_out_u64(o, "nanosecs", t->nanosecs);
	json_out_end(o, '}');
}

static void dump_time(struct json_out *o, const struct timens_plan *t)
{
	if (!t->offsets) {
		json_out_null(o, "timeOffsets");
		return;
	}
	json_out_object(o, "timeOffsets");
	dump_offset(o, "monotonic", &t->monotonic);
	dump_offset(o, "boottime", &t->boottime);
	json_out_end(o, '}');
}

static void dump_features(struct json_out *o, const struct plan *p)
{
	cgroup_dump_json(&p->cgroup, o);
	dump_root(o, p);
	dump_mounts(o, &p->mounts);
	dump_devices(o, &p->devices);
	json_out_strv(o, "maskedPaths", &p->masks.masked);
	json_out_strv(o, "readonlyPaths", &p->masks.readonly);
	json_out_object(o, "sysctls");
	for (size_t i = 0; i < p->sysctl.n; i++)
		json_out_str(o, p->sysctl.v[i].key, p->sysctl.v[i].value);
	json_out_end(o, '}');
	dump_time(o, &p->timens);
	dump_netdevs(o, &p->netdevs);
	net_dump_json(&p->net, o);
	dump_rdt(o, &p->rdt);
	json_out_str(o, "hostname", p->hostname);
	json_out_str(o, "domainname", p->domainname);
	dump_process(o, &p->process);
	json_out_bool(o, "init", p->supervise.init);
	json_out_bool(o, "dieWithParent", p->supervise.die_with_parent);
	json_out_u64(o, "timeoutNs", p->supervise.timeout_ns);
	json_out_u64(o, "graceNs", p->supervise.grace_ns);
	dump_filter(o, &p->process.seccomp);
	dump_hooks(o, &p->hooks);
}

void plan_dump_json(const struct plan *p, struct str *ret)
{
	struct json_out o;

	json_out_init(&o, "  ");
	json_out_object(&o, NULL);
	json_out_str(&o, "id", p->id);
	json_out_str(&o, "bundle", p->bundle);
	marks_json(&p->notes, &o);
	dump_notes(&o, &p->notes);
	dump_namespaces(&o, &p->ns);
	dump_idmap(&o, &p->idmap);
	if (!p->partial)
		dump_features(&o, p);
	json_out_end(&o, '}');
	str_add(ret, o.s.p);
	str_addc(ret, '\n');
	json_out_free(&o);
}
