/*
 * rootless.h - what exists only because there is no root, as the rest of the tree sees it.
 */
#ifndef BRYO_ROOTLESS_H
#define BRYO_ROOTLESS_H

#include "base/err.h"
#include "base/mem.h"
#include "host/host.h"

#include <sys/types.h>

/*
 * Subordinate ranges of a user from file (/etc/subuid or /etc/subgid): every line whose first
 * field is the login name or the decimal uid, in file order. A malformed line is skipped.
 * A missing file gives no ranges. [outside, reads only]
 */
int subid_ranges(struct arena *a, const char *file, const char *user, uint32_t uid, struct id_ranges *ret,
		 struct err *err);
#define SUBID_ENOUGH	 65536u	 /* what images of every distribution stay below */
#define SUBID_FIRST_FREE 100000u /* as useradd's SUB_UID_MIN */
/* First of count IDs, from there on, that nobody on this machine has: for a remedy. */
uint32_t subid_free(uint32_t count);
/* Whether nsswitch.conf's "subid:" line names something else than files. */
bool subid_needs_nss(const char *nsswitch);
/* Through the getsubids program ("-g" for groups). */
int subid_getsubids(struct arena *a, const char *user, bool groups, struct id_ranges *ret, struct err *err);

/* Facts about a helper program: where it is and whether it can work. [outside, reads only] */
void newidmap_probe(struct arena *a, const char *name, bool no_new_privs, struct helper *ret);
/* Starts newuidmap and newgidmap side by side for pid and waits for both. Their own words are
 * in the error. [outside] */
int newidmap_write(const char *newuidmap, const char *newgidmap, pid_t pid, const struct id_extents *uid,
		   const struct id_extents *gid, struct err *err);

/*
 * Explains why a user namespace could not be made (num: errno of clone3) or is powerless (num 0:
 * it was made, and the first privileged step in it is refused): fills the hint with the cause that was recognised
 * (limits, sysctl, AppArmor, chroot, outer seccomp, no kernel support) and its remedy.
 * Returns rc unchanged. [outside, reads only]
 */
int userns_explain(struct host *host, int num, int rc, struct err *err);

#endif
