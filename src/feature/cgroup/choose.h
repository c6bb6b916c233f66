/* choose.h - what choose.c and choose_limits.c share. */
#ifndef BRYO_CGROUP_CHOOSE_H
#define BRYO_CGROUP_CHOOSE_H

#include "cgroup.h"

enum policy { POLICY_DEFAULT, POLICY_REQUIRED, POLICY_BEST_EFFORT };

struct choice {
	struct arena *a;
	const struct cgroup_request *q;
	struct host *host;
	struct notes *notes;
	struct cgroup_plan *p;
	struct spec_resources r; /* as they are meant */
	const char *path;	 /* cgroupsPath, or NULL */
	bool scope_path;	 /* it is slice:prefix:name */
	enum policy policy;
	const char *asked;	 /* names of limits, "" for none */
	const struct strv *have; /* controllers where the cgroup would be */
};

/* Limits belong to v2 hosts: elsewhere root's memory, cpu and pids are on v1 or nowhere. [pure] */
bool choice_host_limits(const struct host *h);
/* Why there are none on such a host. [pure] */
const char *choice_host_words(const struct host *h);
/* One more property of the scope. [pure] */
void choice_add_property(struct choice *c, const char *text);
/* Translates the limits, and finds the controllers that are missing where the cgroup would be. */
int choice_limits(struct choice *c, struct err *err);

#endif
