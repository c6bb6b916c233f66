/*
 * hooks.c - hooks (hooks.h). Runs in the runtime, and for the two container points in init.
 */
#include "hooks.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "oci/state_doc.h"

#include <fcntl.h>
#include <limits.h>

static const char *const names[HOOK_POINTS] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

const char *hook_point_name(enum hook_point point)
{
	return names[point];
}

static char **argv_of(struct arena *a, const struct spec_hook *h)
{
	size_t n = h->args.n ? h->args.n : 1;
	char **argv = arena_alloc(a, (n + 1) * sizeof(char *));

	argv[0] = arena_strdup(a, h->path);
	for (size_t i = 0; i < h->args.n; i++)
		argv[i] = arena_strdup(a, h->args.v[i]);
	return argv;
}

static char **envp_of(struct arena *a, const struct strv *env)
{
	char **envp = arena_alloc(a, (env->n + 1) * sizeof(char *));

	for (size_t i = 0; i < env->n; i++)
		envp[i] = arena_strdup(a, env->v[i]);
	return envp;
}

static int plan_list(struct arena *a, const struct spec_hook_list *list, enum hook_point point,
		     char **env, struct hooks_plan *ret, struct err *err)
{
	struct hook *v = arena_alloc(a, (list->n + 1) * sizeof(*v));

	for (size_t i = 0; i < list->n; i++) {
		const struct spec_hook *h = &list->v[i];
		bool inside = point == HOOK_CREATE_CONTAINER || point == HOOK_START_CONTAINER;

		if (!h->path || h->path[0] != '/')
			return err_set(err, EINVAL, "hooks.%s[%zu].path: '%s' is not absolute",
				       names[point], i, h->path ? h->path : "");
		if (h->timeout.set && (h->timeout.v <= 0 || h->timeout.v > INT_MAX / 1000))
			return err_set(err, EINVAL,
				       "hooks.%s[%zu].timeout: must be more than 0 seconds",
				       names[point], i);
		v[i].path = h->path;
		v[i].argv = argv_of(a, h);
		v[i].envp = inside && !h->env.n ? env : envp_of(a, &h->env);
		v[i].timeout_ms = h->timeout.set ? (int)h->timeout.v * 1000 : 0;
	}
	ret->points[point].v = v;
	ret->points[point].n = list->n;
	return 0;
}

static void render_state(struct arena *a, const struct spec *spec, const char *id,
			 const char *bundle, struct hooks_plan *ret)
{
	auto_str struct str head = STR_INIT, tail = STR_INIT;

	state_doc_parts(spec, id, bundle, &head, &tail);
	ret->state_head = arena_strdup(a, head.p);
	ret->state_tail = arena_strdup(a, tail.p);
}

static int plan_logs(struct arena *a, const struct spec *spec, struct hooks_plan *ret,
		     struct err *err)
{
	static const char *const keys[] = { "run.oci.hooks.stdout", "run.oci.hooks.stderr" };

	ret->log_fd = arena_alloc(a, sizeof(int) * ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		ret->log[i] = spec_annotation(spec, keys[i]);
		ret->log_fd[i] = -1;
		if (ret->log[i] && ret->log[i][0] != '/')
			return err_set(err, EINVAL, "annotation %s: '%s' is not an absolute path",
				       keys[i], ret->log[i]);
	}
	return 0;
}

static int open_log(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

	return fd >= 0 ? fd : err_sys(err, "log of the hooks '%s'", path);
}

int hooks_logs_inside(const struct hooks_plan *plan, struct err *err)
{
	bool any = plan->points[HOOK_CREATE_CONTAINER].n || plan->points[HOOK_START_CONTAINER].n;

	for (int i = 0; i < 2 && any; i++) {
		if (!plan->log[i])
			continue;
		plan->log_fd[i] = open_log(plan->log[i], err);
		if (plan->log_fd[i] < 0)
			return plan->log_fd[i];
	}
	return 0;
}

int hooks_plan(struct arena *a, const struct spec *spec, const char *id, const char *bundle,
	       char **env, struct hooks_plan *ret, struct err *err)
{
	const struct spec_hook_list *lists[HOOK_POINTS] = {
		&spec->hooks.prestart,	       &spec->hooks.create_runtime,
		&spec->hooks.create_container, &spec->hooks.start_container,
		&spec->hooks.poststart,	       &spec->hooks.poststop,
	};
	bool any = false;
	int rc_logs;

	ret->bundle = bundle;
	rc_logs = plan_logs(a, spec, ret, err);
	if (rc_logs < 0)
		return rc_logs;
	for (int p = 0; p < HOOK_POINTS; p++) {
		int rc = plan_list(a, lists[p], (enum hook_point)p, env, ret, err);

		if (rc < 0)
			return rc;
		any |= lists[p]->n > 0;
	}
	if (any)
		render_state(a, spec, id, bundle, ret);
	return 0;
}

bool hooks_in_runtime(const struct hooks_plan *plan)
{
	return plan->points[HOOK_PRESTART].n || plan->points[HOOK_CREATE_RUNTIME].n;
}

static int run_one(const struct hooks_plan *plan, const struct hook *h, const struct str *state,
		   bool inside, struct err *err)
{
	auto_fd int dir = inside ? -1 : open(plan->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int out = -1, error = -1;
	struct child c = CHILD_INIT;
	int rc;

	if (!inside && plan->log[0] && (out = open_log(plan->log[0], err)) < 0)
		return out;
	if (!inside && plan->log[1] && (error = open_log(plan->log[1], err)) < 0)
		return error;
	c.path = h->path;
	c.argv = h->argv;
	c.envp = h->envp;
	c.capture = !plan->log[0] && !plan->log[1];
	c.out = inside ? plan->log_fd[0] : out;
	c.error = inside ? plan->log_fd[1] : error;
	c.dirfd = dir;
	c.input = state->p;
	c.input_len = state->len;
	c.timeout_ms = h->timeout_ms;
	rc = child_run(&c, err);
	child_release(&c);
	return rc;
}

int hooks_run(const struct hooks_plan *plan, enum hook_point point, const char *status, pid_t pid,
	      struct err *err)
{
	auto_str struct str state = STR_INIT;
	struct err all = ERR_INIT;
	bool inside = point == HOOK_CREATE_CONTAINER || point == HOOK_START_CONTAINER;

	if (!plan->points[point].n)
		return 0;
	state_doc_join(&state, plan->state_head, status, pid, plan->state_tail);
	for (size_t i = 0; i < plan->points[point].n; i++) {
		struct err one = ERR_INIT;
		int rc = run_one(plan, &plan->points[point].v[i], &state, inside, &one);

		if (rc == 0)
			continue;
		err_in(&one, rc, "hooks.%s[%zu] '%s'", names[point], i,
		       plan->points[point].v[i].path);
		err_also(&all, &one);
		if (point != HOOK_POSTSTOP)
			break;
	}
	if (all.num && err)
		*err = all;
	return -all.num;
}
