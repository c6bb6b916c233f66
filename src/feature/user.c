/*
 * user.c - the identity of the process (user.h). The same code serves run and exec.
 */
#include "user.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/passwd.h"
#include "base/path.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/caps.h"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>

#define PASSWD_MAX (1u << 20)

static int unmapped(const struct id_extents *map, const char *what, uint32_t id, struct err *err)
{
	auto_str struct str ranges = STR_INIT;

	for (size_t i = 0; i < map->n && i < 8; i++)
		str_addf(&ranges, "%s%u-%u", i ? ", " : "", map->v[i].inside,
			 map->v[i].inside + map->v[i].count - 1);
	err_set(err, EINVAL, "process.user: %s %u is not mapped in the container", what, id);
	return err_hint(err, -EINVAL,
			"mapped are %s; more need lines in linux.%sMappings or in /etc/sub%s",
			ranges.len ? ranges.p : "none", *what == 'u' ? "uid" : "gid",
			*what == 'u' ? "uid" : "gid");
}

static int check_mapped(const struct idmap_plan *ids, const struct spec_user *user, struct err *err)
{
	uint32_t out;

	if (!ids->known)
		return 0;
	if (!id_to_outside(&ids->uid, user->uid, &out))
		return unmapped(&ids->uid, "uid", user->uid, err);
	if (!id_to_outside(&ids->gid, user->gid, &out))
		return unmapped(&ids->gid, "gid", user->gid, err);
	for (size_t i = 0; i < user->additional_gids.n; i++)
		if (!id_to_outside(&ids->gid, user->additional_gids.v[i], &out))
			return unmapped(&ids->gid, "gid (additional)", user->additional_gids.v[i],
					err);
	return 0;
}

/* Engines list the primary group again, which gives the process nothing that it has not. */
static bool needs_groups(const struct spec_user *user)
{
	for (size_t i = 0; i < user->additional_gids.n; i++)
		if (user->additional_gids.v[i] != user->gid)
			return true;
	return false;
}

int user_plan(struct arena *a, const struct spec_user *user, const char *keep_groups,
	      const struct idmap_plan *ids, bool setgroups_denied, struct user_plan *ret,
	      struct err *err)
{
	int rc = check_mapped(ids, user, err);

	if (rc < 0)
		return rc;
	/* To setresuid and setresgid it means "leave as it is", which is root. */
	if (user->uid == UINT32_MAX || user->gid == UINT32_MAX)
		return err_set(err, EINVAL, "process.user: 4294967295 is no ID");
	if (user->umask.set && user->umask.v > 0777)
		return err_set(err, EINVAL, "process.user.umask: %u is more than 0777",
			       user->umask.v);
	ret->uid = user->uid;
	ret->gid = user->gid;
	ret->umask = user->umask.set ? user->umask.v : 0022;
	ret->keep_groups = keep_groups && !str_eq(keep_groups, "0");
	ret->set_groups = !ret->keep_groups && !setgroups_denied;
	if (needs_groups(user) && setgroups_denied && !ret->keep_groups) {
		err_set(err, EPERM,
			"process.user.additionalGids: setgroups is denied in this user namespace");
		return err_hint(
			err, -EPERM,
			"a map of one ID written without newgidmap denies it: map more IDs, "
			"or leave additionalGids out");
	}
	ret->unknown_map = !ids->known;
	ret->groups = arena_alloc(a, (user->additional_gids.n + 1) * sizeof(gid_t));
	for (size_t i = 0; i < user->additional_gids.n; i++)
		ret->groups[ret->n_groups++] = user->additional_gids.v[i];
	return 0;
}

int user_parse(const char *text, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err)
{
	char first[16];
	size_t len = strcspn(text, ":");
	const char *group = text[len] ? text + len + 1 : NULL;
	unsigned long long uid = 0, gid = 0;
	bool good = len > 0 && len < sizeof(first);

	if (good) {
		memcpy(first, text, len);
		first[len] = '\0';
		good = str_to_u64(first, UINT32_MAX - 1, &uid) &&
		       (!group || str_to_u64(group, UINT32_MAX - 1, &gid));
	}
	if (!good) {
		err_set(err, EINVAL, "user '%.40s' is not UID or UID:GID", text);
		return err_hint(err, -EINVAL,
				"decimal numbers below 4294967295; names are not looked up");
	}
	*ret_uid = (uint32_t)uid;
	if (group)
		*ret_gid = (uint32_t)gid;
	return 0;
}

int user_become_root_inside(const struct idmap_plan *ids, const struct user_plan *user,
			    struct err *err)
{
	uint32_t out;
	uid_t uid = id_to_outside(&ids->uid, 0, &out) ? 0 : user->uid;
	gid_t gid = id_to_outside(&ids->gid, 0, &out) ? 0 : user->gid;

	if (!ids->active || !ids->known)
		return 0;
	if (getgid() != gid && setresgid(gid, gid, gid) < 0)
		return err_sys(err, "become group %u of the container", gid);
	if (getuid() != uid && setresuid(uid, uid, uid) < 0)
		return err_sys(err, "become user %u of the container", uid);
	return 0;
}

/* With CAP_SETGID it is the user namespace that denies setgroups: nobody in it can drop a group. */
static int set_groups(const struct user_plan *plan, struct err *err)
{
	int rc;

	if (setgroups(plan->n_groups, plan->groups) == 0)
		return 0;
	rc = err_sys(err, "set the supplementary groups");
	if (rc != -EPERM || !plan->unknown_map || !(caps_own_effective() & (1ULL << CAP_SETGID)))
		return rc;
	return plan->n_groups
		       ? err_hint(
				 err, rc,
				 "the joined user namespace denies setgroups: leave additionalGids out")
		       : 0;
}

int user_inside(const struct user_plan *plan, struct err *err)
{
	int rc = plan->set_groups ? set_groups(plan, err) : 0;

	if (rc < 0)
		return rc;
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0)
		return err_sys(err, "become group %u", plan->gid);
	if (setresuid(plan->uid, plan->uid, plan->uid) < 0)
		return err_sys(err, "become user %u", plan->uid);
	return 0;
}

void user_home_inside(uid_t uid, char *buf, size_t size)
{
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int fd = root < 0 ? -1
				  : path_open_in(root, "/etc/passwd",
						 O_RDONLY | O_NONBLOCK | O_NOCTTY, NULL);
	auto_free char *text = NULL;
	struct passwd_entry pw;
	struct stat st;
	size_t len;
	bool known = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		     fd_read_all(fd, PASSWD_MAX, &text, &len, NULL) == 0 &&
		     passwd_parse(text, uid, &pw);

	(void)snprintf(buf, size, "%s", known && pw.home[0] == '/' ? pw.home : "/");
}
