/*
 * probe_cgroup.c - which cgroup hierarchy this host has, whether our own cgroup is ours to
 * divide, and whether there is a service manager that makes one for us. Runs in the runtime,
 * reads only; no D-Bus here: whether the manager answers shows when it is asked.
 *
 * A directory that we can write is not delegated: systemd takes back at its next reload what a
 * service that was not given Delegate= wrote. Delegated is what carries the xattr user.delegate
 * (services and scopes of systemd 251 and newer), and the root of a cgroup namespace, which a
 * container engine made for us alone. A unit of an older systemd can only be asked for, see
 * feature/cgroup/systemd.c. Below a delegated cgroup bryo keeps the processes that it found there in
 * a leaf (CGROUP_LEAF, feature/cgroup/v2.c): who starts in it means its parent.
 */
#include "probe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define TEXT_MAX    65536

static bool is_type(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* Path after "0::" of /proc/self/cgroup; NULL on a host without the v2 line. */
static const char *own_path(struct arena *a)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", TEXT_MAX, &text, NULL, NULL) < 0)
		return NULL;
	for (const char *line = text; *line; line += strspn(line, "\n")) {
		size_t n = strcspn(line, "\n");

		if (str_starts(line, "0::/"))
			return arena_strndup(a, line + 3, n - 3);
		line += n;
	}
	return NULL;
}

static struct strv read_words(struct arena *a, const char *path)
{
	VEC(const char *) names = VEC_INIT;
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL) < 0)
		return (struct strv){ NULL, 0 };
	for (const char *word = text + strspn(text, " \n"); *word; word += strspn(word, " \n")) {
		size_t n = strcspn(word, " \n");

		*vec_add(a, &names) = arena_strndup(a, word, n);
		word += n;
	}
	*vec_add(a, &names) = NULL;
	return (struct strv){ names.v, names.n - 1 };
}

static bool is_marked(const char *path)
{
	char value[8];
	ssize_t n = getxattr(path, "user.delegate", value, sizeof(value));

	return n == 1 && value[0] == '1';
}

/* Anybody may set the attribute on what is his: root believes it only of root's. */
static bool has_xattr(const char *path, bool privileged)
{
	struct stat st;

	if (privileged && (stat(path, &st) < 0 || st.st_uid != 0))
		return false;
	return is_marked(path);
}

/* The leaf's processes were ours to move, so its parent is what was delegated. */
static void leave_leaf(struct host *h)
{
	const char *slash = strrchr(h->cgroup_own, '/');

	if (!str_eq(slash, "/" HOST_CGROUP_LEAF))
		return;
	h->cgroup_own = slash == h->cgroup_own ? "/"
					       : arena_strndup(h->arena, h->cgroup_own,
							       (size_t)(slash - h->cgroup_own));
}

static void probe_own(struct host *h)
{
	const char *dir, *p;

	h->cgroup_own = own_path(h->arena);
	/* "/..": our cgroup is outside of what this cgroup namespace shows */
	if (!h->cgroup_own || str_starts(h->cgroup_own, "/..")) {
		h->cgroup_own = NULL;
		return;
	}
	leave_leaf(h);
	dir = arena_printf(h->arena, CGROUP_ROOT "%s",
			   str_eq(h->cgroup_own, "/") ? "" : h->cgroup_own);
	p = arena_printf(h->arena, "%s/cgroup.procs", dir);
	h->cgroup_writable = access(dir, W_OK) == 0 && access(p, W_OK) == 0;
	h->cgroup_top = access(CGROUP_ROOT "/cgroup.type", F_OK) < 0;
	h->cgroup_delegated =
		h->cgroup_writable &&
		((str_eq(h->cgroup_own, "/") && !h->cgroup_top) || has_xattr(dir, h->privileged));
	h->cgroup_controllers =
		read_words(h->arena, arena_printf(h->arena, "%s/cgroup.controllers", dir));
	h->root_controllers = read_words(h->arena, CGROUP_ROOT "/cgroup.controllers");
}

int probe_cgroup(struct host *h, struct err *err)
{
	(void)err;
	if (is_type(CGROUP_ROOT, CGROUP2_SUPER_MAGIC)) {
		h->cgroup = HOST_CGROUP_V2;
		probe_own(h);
	} else if (is_type(CGROUP_ROOT "/unified", CGROUP2_SUPER_MAGIC)) {
		h->cgroup = HOST_CGROUP_HYBRID;
	} else if (is_type(CGROUP_ROOT "/memory", CGROUP_SUPER_MAGIC) ||
		   is_type(CGROUP_ROOT "/cpu", CGROUP_SUPER_MAGIC) ||
		   is_type(CGROUP_ROOT "/pids", CGROUP_SUPER_MAGIC)) {
		h->cgroup = HOST_CGROUP_V1;
	} else {
		h->cgroup = HOST_CGROUP_NONE;
	}
	return 0;
}

/* A bus is a socket of ours; a name in DBUS_SESSION_BUS_ADDRESS may be of any transport. */
static bool bus_at(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

static bool has_user_bus(struct host *h, uint32_t uid)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"),
		   *runtime = getenv("XDG_RUNTIME_DIR");
	const char *path;

	if (address && str_starts(address, "unix:path=")) {
		path = address + strlen("unix:path=");
		path = arena_strndup(h->arena, path, strcspn(path, ",;"));
		if (bus_at(path))
			return true;
	}
	if (runtime && *runtime && bus_at(arena_printf(h->arena, "%s/bus", runtime)))
		return true;
	return bus_at(arena_printf(h->arena, "/run/user/%u/bus", uid));
}

/* Below user.slice in every layout of systemd; our own cgroup says it where we are below it. */
static const char *manager_cgroup(struct host *h, uint32_t uid)
{
	const char *name = arena_printf(h->arena, "/user@%u.service", uid);
	const char *at = h->cgroup_own ? strstr(h->cgroup_own, name) : NULL;

	if (at && (at[strlen(name)] == '/' || !at[strlen(name)]))
		return arena_strndup(h->arena, h->cgroup_own,
				     (size_t)(at - h->cgroup_own) + strlen(name));
	return arena_printf(h->arena, "/user.slice/user-%u.slice%s", uid, name);
}

void probe_manager(struct host *h)
{
	uint32_t uid =
		h->uid; /* as the manager knows us: an engine may run us in its user namespace */

	(void)id_to_outside(&h->uid_map, h->uid, &uid);
	if (h->privileged) {
		h->manager = access("/run/systemd/system", F_OK) == 0;
		h->manager_why = h->manager ? NULL : "systemd does not run here";
		h->manager_cgroup = "";
		h->manager_controllers = h->root_controllers;
		return;
	}
	/* as sd_booted(3): a bus alone has no manager behind it */
	h->manager = access("/run/systemd/system", F_OK) == 0 && has_user_bus(h, uid);
	h->manager_cgroup = manager_cgroup(h, uid);
	if (!h->manager) {
		h->manager_why =
			arena_printf(h->arena,
				     "there is no user bus: neither DBUS_SESSION_BUS_ADDRESS "
				     "nor $XDG_RUNTIME_DIR/bus nor /run/user/%u/bus "
				     "is a socket of yours",
				     uid);
		return;
	}
	h->manager_controllers = read_words(
		h->arena,
		arena_printf(h->arena, CGROUP_ROOT "%s/cgroup.controllers", h->manager_cgroup));
}
