/*
 * ns.h - which namespaces are made, joined or shared.
 *
 * All new namespaces are made by the one clone3, but two: the cgroup namespace is unshared by
 * init after it was placed, the time namespace by init before anybody is inside (offsets cannot
 * be written after clone3). Namespaces given by path are joined by a throw-away joiner (user
 * first, as it gives the rights over the others) which then clones init. A mount namespace by path
 * is joined last and then copied: bind sources are found in it, and pivot_root does not pull the
 * root from under those who live there.
 */
#ifndef BRYO_NS_H
#define BRYO_NS_H

#include "base/err.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ns_join { uint32_t flag; const char *path; int fd; /* opened already; 0: not */ };

struct ns_plan {
	uint32_t create;	/* CLONE_NEW* for clone3 */
	bool cgroup, time;	/* made later, by init */
	struct ns_join *joins;	/* user first */
	size_t n_joins;
	bool nested;		/* the new user namespace is made in the joined one */
	uint32_t differ;	/* every CLONE_NEW* in which the container is not where the runtime is */
};

/* Unknown or duplicate type, no mount namespace: refused by name. [pure] */
int ns_plan(struct arena *a, const struct spec *spec, const struct host *host, struct notes *notes,
	    struct ns_plan *ret, struct err *err);
/* "network" for CLONE_NEWNET; the i-th known flag, 0 at the end. */
const char *ns_name(uint32_t flag);
uint32_t ns_flag(size_t i);
/* Enters plan's namespaces by path, in order. Only in the joiner. */
int ns_join_inside(const struct ns_plan *plan, struct err *err);
/* Brings the loopback device up: a new network namespace has it down. Not being able to is not
 * an error (crun 1.23: RestrictAddressFamilies). [inside] */
void ns_loopback_inside(void);

#endif
