/*
 * process.h - how a process of the container starts: the same plan and the same seal serve the
 * container's own process and exec, so that exec cannot have weaker rules.
 */
#ifndef BRYO_PROCESS_H
#define BRYO_PROCESS_H

#include "base/err.h"
#include "feature/caps.h"
#include "feature/idmap.h"
#include "feature/listen.h"
#include "feature/lsm.h"
#include "feature/note.h"
#include "feature/rlimit.h"
#include "feature/sched.h"
#include "feature/seccomp.h"
#include "feature/terminal.h"
#include "feature/user.h"
#include "host/host.h"
#include "oci/spec.h"

struct process_plan {
	char **argv, **envp; /* NULL-terminated; duplicates of env: the last one won */
	const char *search;  /* PATH of envp, or NULL */
	bool needs_home;     /* no HOME, or an empty one, in envp: slot 0 is kept free for it */
	const char *cwd;
	struct terminal_plan terminal;
	struct user_plan user;
	struct caps_plan caps;
	struct rlimit_plan rlimits;
	struct sched_plan sched;
	struct lsm_plan lsm;
	struct listen_plan listen;
	bool no_new_privs;
	bool die_with_parent; /* SIGKILL when who cloned it ends */
	bool keep_session; /* of the runtime's caller; for want of a terminal of its own */
	struct seccomp_plan seccomp;
	int preserve_fds; /* 3 .. 3+n-1 are the program's, those of listen among them */
	bool rehearsal;	  /* all but the execve, at once and without `start`: see lib/rehearse.c */
};

struct process_request {
	const struct spec *spec; /* annotations and seccomp come from here */
	const struct spec_process *process;
	char *const *extra_caps;
	int preserve_fds; /* behind those of listen */
	struct listen_request listen;
	int seccomp_cache;	  /* directory descriptor, or -1 */
	bool compile;
	bool setgroups_denied;
	bool userns; /* no capabilities in the initial user namespace */
};

/* Reports every violation at once. [pure] but for the seccomp cache */
int process_plan(struct arena *a, const struct process_request *q, const struct idmap_plan *ids,
		 const struct host *host, struct notes *notes, struct process_plan *ret,
		 struct err *err);

#endif
