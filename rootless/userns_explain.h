/* userns_explain.h - the explanations below any root directory, so that tests can fake one, and one
 * by one, as `bryo doctor` lists them. */
#ifndef BRYO_USERNS_EXPLAIN_H
#define BRYO_USERNS_EXPLAIN_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

struct userns_cause { const char *why, *remedy; }; /* in the arena, or constant */

/* What forbids user namespaces, or takes their rights away, before anybody tries. */
enum userns_obstacle {
	USERNS_NO_SUPPORT, USERNS_LIMITS, USERNS_SYSCTL, USERNS_CHROOT, USERNS_APPARMOR, USERNS_SECCOMP
};

/*
 * As userns_explain(); files are looked up relative to root (the directory that holds "proc"),
 * exe is what an AppArmor profile must name. NULL: unknown. [reads only]
 */
int userns_explain_at(int root, const char *exe, int num, int rc, struct err *err);
/* The same in two parts; false where nothing is known. */
bool userns_cause(struct arena *a, int root, const char *exe, int num, struct userns_cause *ret);
/* Whether that one obstacle is there. Reads only, and it may be one that does not stop this caller. */
bool userns_obstacle(struct arena *a, int root, const char *exe, enum userns_obstacle which,
		     struct userns_cause *ret);

#endif
