/*
 * rlimit.c - resource limits and the OOM score of the process (rlimit.h).
 */
#include "rlimit.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "feature/caps.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>

#define OWN_OOM_SCORE_ADJ "/proc/self/oom_score_adj"

static const struct {
	const char *name;
	int resource;
} types[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

static int find_type(const char *name, struct rlimit_one *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].name, name)) {
			ret->resource = types[i].resource;
			ret->name = types[i].name;
			return 0;
		}
	return err_hint(err, err_set(err, EINVAL, "unknown type '%.40s'", name ? name : ""),
			"names are as in getrlimit(2), such as RLIMIT_NOFILE");
}

/* Only CAP_SYS_RESOURCE of the initial user namespace raises a hard limit. */
static bool may_raise(const struct host *host)
{
	return !host->in_userns && (caps_own_effective() & (1ULL << CAP_SYS_RESOURCE));
}

static int check_raise(struct arena *a, struct rlimit_one *r, bool clamp, const struct host *host,
		       struct notes *notes, struct err *err)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)r->resource, &now) < 0 || r->hard <= now.rlim_max ||
	    may_raise(host))
		return 0;
	if (clamp) {
		note_add(notes, NOTE_WARNING, arena_printf(a, "process.rlimits %s", r->name),
			 "the caller's own hard limit is lower", "lowered from %llu to %llu",
			 (unsigned long long)r->hard, (unsigned long long)now.rlim_max);
		r->hard = now.rlim_max;
		r->soft = r->soft > r->hard ? r->hard : r->soft;
		return 0;
	}
	err_set(err, EPERM, "%s: hard limit %llu is more than the caller's own %llu", r->name,
		(unsigned long long)r->hard, (unsigned long long)now.rlim_max);
	return err_hint(
		err, -EPERM,
		"lower it in config.json, raise the caller's limit (limits.conf), or set "
		"the annotation org.bryo.clamp=true");
}

/*
 * The kernel lets go down to what was last set with CAP_SYS_RESOURCE, which nobody can read: a
 * containerd-shim raises its own value by one, and the configs that it brings want the old one. So
 * it is tried, for a moment, on ourselves.
 */
static bool may_go_down(int64_t want, const char *now)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)want);
	if (file_poke_at(AT_FDCWD, OWN_OOM_SCORE_ADJ, text, NULL) < 0)
		return false;
	(void)file_poke_at(AT_FDCWD, OWN_OOM_SCORE_ADJ, now, NULL);
	return true;
}

static int check_oom(const struct spec_process *p, bool clamp, const struct host *host,
		     struct notes *notes, struct rlimit_plan *ret, struct err *err)
{
	auto_free char *text = NULL;
	long now;

	ret->oom_score_adj = p->oom_score_adj;
	if (!p->oom_score_adj.set)
		return 0;
	if (p->oom_score_adj.v < -1000 || p->oom_score_adj.v > 1000)
		return err_set(err, EINVAL, "process.oomScoreAdj: %lld is not in -1000..1000",
			       (long long)p->oom_score_adj.v);
	if (host->faked || may_raise(host) ||
	    file_read_at(AT_FDCWD, OWN_OOM_SCORE_ADJ, 64, &text, NULL, NULL) < 0)
		return 0;
	now = strtol(text, NULL, 10);
	if (p->oom_score_adj.v >= now || may_go_down(p->oom_score_adj.v, text))
		return 0;
	if (clamp) {
		note_add(notes, NOTE_WARNING, "process.oomScoreAdj",
			 "the caller may not go below its own value", "raised from %lld to %ld",
			 (long long)p->oom_score_adj.v, now);
		ret->oom_score_adj.v = now;
		return 0;
	}
	err_set(err, EACCES, "process.oomScoreAdj: %lld is lower than the caller's own %ld",
		(long long)p->oom_score_adj.v, now);
	return err_hint(err, -EACCES,
			"raise it in config.json, or set the annotation org.bryo.clamp=true");
}

int rlimit_plan(struct arena *a, const struct spec_process *p, bool clamp, const struct host *host,
		struct notes *notes, struct rlimit_plan *ret, struct err *err)
{
	ret->v = arena_alloc(a, (p->rlimits.n + 1) * sizeof(*ret->v));
	for (size_t i = 0; i < p->rlimits.n; i++) {
		struct rlimit_one *r = &ret->v[i];
		int rc = find_type(p->rlimits.v[i].type, r, err);

		r->soft = p->rlimits.v[i].soft;
		r->hard = p->rlimits.v[i].hard;
		for (size_t k = 0; k < i && rc == 0; k++)
			if (ret->v[k].resource == r->resource)
				rc = err_set(err, EINVAL, "%s is listed twice", r->name);
		if (rc == 0 && r->soft > r->hard)
			rc = err_set(err, EINVAL, "%s: the soft limit is above the hard one",
				     r->name);
		if (rc == 0 && !host->faked)
			rc = check_raise(a, r, clamp, host, notes, err);
		if (rc < 0)
			return err_in(err, rc, "process.rlimits[%zu]", i);
		ret->n++;
	}
	return check_oom(p, clamp, host, notes, ret, err);
}

int rlimit_inside(const struct rlimit_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct rlimit_one *r = &plan->v[i];
		struct rlimit lim = { .rlim_cur = r->soft, .rlim_max = r->hard };

		if (setrlimit((__rlimit_resource_t)r->resource, &lim) < 0)
			return err_sys(err, "set %s to %llu:%llu", r->name,
				       (unsigned long long)r->soft, (unsigned long long)r->hard);
	}
	return 0;
}

int rlimit_oom_outside(const struct rlimit_plan *plan, pid_t pid, struct err *err)
{
	char path[64], text[32];
	int rc;

	if (!plan->oom_score_adj.set)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	(void)snprintf(text, sizeof(text), "%lld", (long long)plan->oom_score_adj.v);
	rc = file_poke_at(AT_FDCWD, path, text, err);
	return rc < 0 ? err_in(err, rc, "set process.oomScoreAdj to %s", text) : 0;
}
