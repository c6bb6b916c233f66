/*
 * process.c - spec and host facts to struct process_plan (process.h).
 */
#include "process.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "feature/seccomp_notify.h"

#include <string.h>

static uint32_t name_hash(const char *entry, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)entry[i]) * 16777619u;
	return h;
}

/* envp[0] stays free for HOME. Open addressing, because engines pass thousands of entries. */
static int plan_env(struct arena *a, const struct strv *env, struct process_plan *ret,
		    struct err *err)
{
	size_t slots = 16, n = 1;
	uint32_t *table;

	while (slots < env->n * 2 + 2)
		slots *= 2;
	table = arena_alloc(a, slots * sizeof(*table));
	ret->envp = arena_alloc(a, (env->n + 2) * sizeof(char *));
	ret->needs_home = true;
	for (size_t i = 0; i < env->n; i++) {
		const char *e = env->v[i], *eq = strchr(e, '=');
		size_t len = eq ? (size_t)(eq - e) : 0;
		uint32_t at;

		if (!len)
			return err_set(err, EINVAL, "process.env[%zu] is not NAME=VALUE", i);
		for (at = name_hash(e, len) & (slots - 1); table[at]; at = (at + 1) & (slots - 1))
			if (strncmp(ret->envp[table[at]], e, len + 1) == 0)
				break;
		if (!table[at])
			table[at] = (uint32_t)n++;
		ret->envp[table[at]] = (char *)e;
	}
	for (size_t i = 1; i < n; i++) {
		if (str_starts(ret->envp[i], "PATH="))
			ret->search = ret->envp[i] + 5;
		if (str_starts(ret->envp[i], "HOME=") && ret->envp[i][5])
			ret->needs_home = false;
		else if (str_eq(ret->envp[i], "HOME="))
			ret->envp[i--] = ret->envp[--n]; /* an empty one counts as none */
	}
	ret->envp[n] = NULL;
	return 0;
}

static int plan_basics(struct arena *a, const struct process_request *q, struct process_plan *ret,
		       struct err *err)
{
	const struct spec_process *p = q->process;
	struct strv env = p->env;
	int rc;

	if (!p->args.n || !p->args.v[0] || !*p->args.v[0])
		return err_hint(err, err_set(err, EINVAL, "process.args is empty"),
				"name the program to run");
	if (!p->cwd || p->cwd[0] != '/')
		return err_set(err, EINVAL, "process.cwd: '%s' is not absolute",
			       p->cwd ? p->cwd : "");
	ret->argv = arena_alloc(a, (p->args.n + 1) * sizeof(char *));
	for (size_t i = 0; i < p->args.n; i++)
		ret->argv[i] = (char *)p->args.v[i];
	ret->cwd = p->cwd;
	ret->no_new_privs = p->no_new_privileges;
	ret->terminal.wanted = p->terminal;
	if (p->terminal && p->console_size.present) {
		ret->terminal.rows = (uint16_t)p->console_size.height;
		ret->terminal.columns = (uint16_t)p->console_size.width;
	}
	rc = listen_plan(a, &q->listen, &env, &ret->listen, err);
	return rc < 0 ? rc : plan_env(a, &env, ret, err);
}

/* crun's annotations: another word for listenerPath, and unknown names as an error. */
static int plan_filter(struct arena *a, const struct process_request *q, struct notes *notes,
		       struct seccomp_plan *ret, struct err *err)
{
	struct spec_seccomp filter = *q->spec->linux_.seccomp;
	int rc;

	filter.listener_path = seccomp_listener(q->spec);
	rc = seccomp_plan(a, &filter, q->seccomp_cache, q->compile, notes, ret, err);
	if (rc < 0 || !ret->skipped ||
	    !spec_annotation(q->spec, "run.oci.seccomp_fail_unknown_syscall"))
		return rc;
	err_set(err, EINVAL, "linux.seccomp: this libseccomp does not know %s", ret->skipped);
	return err_hint(err, -EINVAL, "without the annotation run.oci.seccomp_fail_unknown_syscall "
				      "they are skipped");
}

int process_plan(struct arena *a, const struct process_request *q, const struct idmap_plan *ids,
		 const struct host *host, struct notes *notes, struct process_plan *ret,
		 struct err *err)
{
	const struct spec_process *p = q->process;
	const char *keep = spec_annotation(q->spec, "run.oci.keep_original_groups");
	bool clamp = str_eq(spec_annotation(q->spec, "org.bryo.clamp"), "true");
	const struct sched_request sched = { .process = p,
					     .linux_ = &q->spec->linux_,
					     .userns = q->userns };
	struct err all = ERR_INIT, one = ERR_INIT;

#define COLLECT(call)                         \
	do {                                  \
		one = (struct err)ERR_INIT;   \
		if ((call) < 0)               \
			err_also(&all, &one); \
	} while (0)
	COLLECT(plan_basics(a, q, ret, &one));
	COLLECT(sched_plan(a, &sched, host, notes, &ret->sched, &one));
	COLLECT(lsm_plan(p, host, &ret->lsm, &one));
	COLLECT(user_plan(a, &p->user, keep, ids, q->setgroups_denied, &ret->user, &one));
	caps_plan(a, &p->capabilities, q->extra_caps, notes, &ret->caps);
	COLLECT(rlimit_plan(a, p, clamp, host, notes, &ret->rlimits, &one));
	if (q->spec->linux_.seccomp)
		COLLECT(plan_filter(a, q, notes, &ret->seccomp, &one));
#undef COLLECT
	ret->preserve_fds = ret->listen.n + q->preserve_fds;
	if (!all.num)
		return 0;
	if (err)
		*err = all;
	return -all.num;
}
