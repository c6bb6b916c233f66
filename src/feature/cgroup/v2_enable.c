/*
 * v2_enable.c - controllers are turned on from the top down, and what runs in a cgroup gets out of
 * the way for it (cgroups(7), "no internal processes"). Runs in the runtime.
 */
#include "v2.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"

#include <string.h>

#define TRIES 50

/* A word of a list that is separated by blanks. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ' || p[-1] == '\n') &&
		    (p[n] == ' ' || p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* Real-time threads keep the cpu controller out, and processes in the cgroup keep out all. */
static int explain_enable(const char *controller, const char *where, int rc, struct err *err)
{
	rc = err_in(err, rc, "enable the controller '%s' below '%s'", controller, where);
	if (rc == -EINVAL && str_eq(controller, "cpu"))
		return err_hint(
			err, rc,
			"threads with a real-time policy below it keep the kernel from that: chrt -p "
			"shows the policy of a process");
	if (rc == -EBUSY)
		return err_hint(
			err, rc,
			"a cgroup with processes of its own cannot have controllers below it");
	if (rc == -EACCES || rc == -EPERM || rc == -EROFS)
		return err_hint(
			err, rc,
			"the cgroup is not yours to divide: it needs Delegate=yes of its unit");
	return rc;
}

/* One at a time, and only what is needed: one that fails must not take the others with it. */
int v2_enable(int dirfd, const char *where, const struct strv *controllers, struct err *err)
{
	auto_free char *on = controllers->n ? v2_read(dirfd, "cgroup.subtree_control") : NULL;

	for (size_t i = 0; i < controllers->n; i++) {
		char text[64];
		int rc;

		if (on && has_word(on, controllers->v[i]))
			continue;
		(void)snprintf(text, sizeof(text), "+%s", controllers->v[i]);
		rc = file_poke_at(dirfd, "cgroup.subtree_control", text, err);
		if (rc < 0)
			return explain_enable(controllers->v[i], where, rc, err);
	}
	return 0;
}

/* A process may fork while it is moved, so until none is left. */
int v2_move_to_leaf(int dirfd, const char *where, struct err *err)
{
	auto_fd int leaf = -1;

	if (mkdirat(dirfd, HOST_CGROUP_LEAF, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the cgroup '%s/" HOST_CGROUP_LEAF "'", where);
	leaf = v2_open_below(dirfd, HOST_CGROUP_LEAF, err);
	if (leaf < 0)
		return leaf;
	for (int try = 0; try < TRIES; try++) {
		struct v2_pids pids = { 0 };
		auto_free pid_t *v = NULL;
		int rc = 0;

		v2_pids_of(dirfd, &pids);
		v = pids.v;
		if (!pids.n)
			return 0;
		for (size_t i = 0; i < pids.n; i++) {
			char number[16];

			(void)snprintf(number, sizeof(number), "%d", (int)v[i]);
			struct err why = ERR_INIT;

			rc = file_poke_at(leaf, "cgroup.procs", number, &why);
			if (rc == 0 || rc == -ESRCH)
				continue;
			if (err)
				*err = why;
			return err_in(err, rc, "move process %s to a leaf of '%s'", number, where);
		}
	}
	return err_set(err, EBUSY,
		       "the processes in '%s' multiply faster than they can be moved to a leaf",
		       where);
}

int cgroup_enable(const char *path, const struct strv *controllers, struct err *err)
{
	auto_fd int dir = v2_open_mount(err);

	for (const char *rest = path; dir >= 0 && controllers->n;) {
		auto_free char *name = NULL;
		size_t n;
		int rc;

		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (!n)
			return 0;
		name = mem_printf("%.*s", (int)n, rest);
		rest += n;
		for (size_t i = 0; i < controllers->n; i++) {
			const struct strv one = { &controllers->v[i], 1 };

			struct err why = ERR_INIT;

			rc = v2_enable(dir, path, &one, &why);
			/* of a user this is the delegated one: what is in it was ours to move at create */
			if (rc == -EBUSY && geteuid() != 0) {
				why = (struct err)ERR_INIT;
				rc = v2_move_to_leaf(dir, path, &why);
				if (rc == 0)
					rc = v2_enable(dir, path, &one, &why);
			}
			/* not there, or above what is ours: what counts is whether it is on below */
			if (rc == 0 || rc == -EACCES || rc == -EROFS || rc == -EPERM ||
			    rc == -ENOENT)
				continue;
			if (err)
				*err = why;
			return rc;
		}
		rc = v2_open_below(dir, name, err);
		fd_closep(&dir);
		dir = rc;
	}
	return dir < 0 ? dir : 0;
}

/*
 * What is there, best effort: who owns the cgroup can set limits below it only with these, and
 * statistics need them. Real-time threads or an ancestor may be in the way of one.
 */
void v2_enable_rest(int dirfd)
{
	auto_free char *have = v2_read(dirfd, "cgroup.controllers");
	auto_free char *on = v2_read(dirfd, "cgroup.subtree_control");

	for (const char *p = have; p && *p; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");
		char text[64];

		if (n < sizeof(text) - 1) {
			(void)snprintf(text, sizeof(text), "+%.*s", (int)n, p);
			if (!on || !has_word(on, text + 1))
				(void)file_poke_at(dirfd, "cgroup.subtree_control", text, NULL);
		}
		p += n;
	}
}

bool v2_enabled_all(int dirfd, const struct strv *controllers)
{
	auto_free char *on = v2_read(dirfd, "cgroup.subtree_control");

	for (size_t i = 0; i < controllers->n; i++)
		if (!on || !has_word(on, controllers->v[i]))
			return false;
	return true;
}
