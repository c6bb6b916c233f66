/*
 * hooks.h - the six points of the runtime-spec and one runner.
 *
 *	prestart, createRuntime	runtime, its namespaces, after the mounts, before pivot_root
 *	createContainer		init, path of the host, before pivot_root
 *	startContainer		init, path of the container, during start, before exec
 *	poststart		runtime, after exec; a failure stops the container (1.3)
 *	poststop		runtime, after the container is gone; a failure is a warning
 *
 * The state document is rendered here around the two things that change, status and pid, so
 * init needs no JSON. It reaches the hook as a sealed memfd on stdin: a hook that never reads it
 * costs nothing and kills nobody. What a hook prints is in the error when it fails, or, with the
 * annotations run.oci.hooks.stdout and run.oci.hooks.stderr, at the end of those files of the host;
 * init opens them while it still sees the host.
 */
#ifndef BRYO_HOOKS_H
#define BRYO_HOOKS_H

#include "base/err.h"
#include "oci/spec.h"

#include <sys/types.h>

enum hook_point { HOOK_PRESTART, HOOK_CREATE_RUNTIME, HOOK_CREATE_CONTAINER, HOOK_START_CONTAINER, HOOK_POSTSTART,
		  HOOK_POSTSTOP, HOOK_POINTS };

struct hook { const char *path; char **argv, **envp; int timeout_ms; };
struct hooks_plan {
	struct { struct hook *v; size_t n; } points[HOOK_POINTS];
	const char *state_head, *state_tail; /* HEAD status MIDDLE pid TAIL */
	const char *bundle;
	const char *log[2];	/* files for stdout and stderr, absolute, or NULL */
	int *log_fd;		/* two descriptors: init's own, -1 elsewhere */
};

/* env: of the container's process, for hooks inside that name none (as runc). [pure] */
int hooks_plan(struct arena *a, const struct spec *spec, const char *id, const char *bundle, char **env,
	       struct hooks_plan *ret, struct err *err);
/* Opens the log files, in init, where hooks run inside. [inside] */
int hooks_logs_inside(const struct hooks_plan *plan, struct err *err);
const char *hook_point_name(enum hook_point point); /* "createRuntime" */
/* Whether the runtime has hooks to run between the mounts and pivot_root. [pure] */
bool hooks_in_runtime(const struct hooks_plan *plan);
/* Runs all of a point in order; stops at the first failure, but for poststop's. pid as the hook sees it. [any] */
int hooks_run(const struct hooks_plan *plan, enum hook_point point, const char *status, pid_t pid, struct err *err);

#endif
