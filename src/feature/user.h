/*
 * user.h - uid, gid, supplementary groups and umask of the process, and the one parser of user
 * strings ("UID[:GID]", decimal only: never a name lookup, CVE-2016-3697, CVE-2026-30892).
 */
#ifndef BRYO_USER_H
#define BRYO_USER_H

#include "base/err.h"
#include "feature/idmap.h"
#include "feature/note.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct user_plan {
	uid_t uid;		/* inside */
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	bool set_groups;	/* setgroups(2) to exactly groups; false: denied, or kept on request */
	bool keep_groups;	/* run.oci.keep_original_groups */
	bool unknown_map;	/* a user namespace joined by path: whether setgroups is denied shows only inside */
	mode_t umask;
};

/* Unmapped IDs are refused naming the mapped ranges. setgroups_denied: of the container's user
 * namespace. [pure] */
int user_plan(struct arena *a, const struct spec_user *user, const char *keep_groups, const struct idmap_plan *ids,
	      bool setgroups_denied, struct user_plan *ret, struct err *err);
/* "UID" or "UID:GID"; without a group *ret_gid is untouched. IDs up to 2^32-2. [pure] */
int user_parse(const char *text, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err);
/* Root inside, as far as ID 0 is mapped, for the set-up; keeps all capabilities. [inside] */
int user_become_root_inside(const struct idmap_plan *ids, const struct user_plan *user, struct err *err);
/* setgroups, setresgid, setresuid; capabilities survive (caller has set keepcaps). [inside] */
int user_inside(const struct user_plan *plan, struct err *err);
/* Home directory of uid in the container's /etc/passwd, or "/"; into buf. [inside] */
void user_home_inside(uid_t uid, char *buf, size_t size);

#endif
