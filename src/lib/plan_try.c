/*
 * plan_try.c - plan_try(): what planning cannot know, because it looks at facts about the host and
 * this needs to be tried. First everything that can be asked one by one, so that all that is
 * missing is told at once; then, where nothing is, the launch itself (rehearse.h). Runs in the
 * calling process, and leaves no trace.
 */
#include "rehearse.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "feature/listen.h"
#include "feature/mount_data.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void also(struct err *all, struct err *one, int rc)
{
	if (rc < 0)
		err_also(all, one);
	*one = (struct err)ERR_INIT;
}

/* Root inside may search what the caller may not: the rehearsal tells. */
static int unless_late(const struct plan *plan, int rc)
{
	return rc == -EACCES && plan->idmap.active && plan->idmap.known ? 0 : rc;
}

/* Root inside may write what belongs to IDs of its map, anything else as the caller may; or, where
 * the caller is root, which it is not any more, as nobody special. */
static bool inside_may_write(const struct idmap_plan *ids, int dir)
{
	struct stat st;
	uint32_t id;

	if (!ids->known || fstat(dir, &st) < 0)
		return true;
	if (ids->active && id_to_inside(&ids->uid, st.st_uid, &id) &&
	    id_to_inside(&ids->gid, st.st_gid, &id))
		return true;
	if (ids->active && geteuid() == 0)
		return st.st_mode & S_IWOTH;
	return faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/*
 * Mount points that are missing at the top of a root where they cannot be made: what the rehearsal
 * lays over it has a top directory of its own, all others are checked by the kernel.
 */
static void try_points(const struct plan *plan, int root, struct err *all)
{
	if (root < 0 || inside_may_write(&plan->idmap, root))
		return;
	for (size_t i = 0; i < plan->mounts.n; i++) {
		const struct mount_op *op = &plan->mounts.v[i];
		auto_free char *top = mem_strdup(op->target + 1);
		struct err one = ERR_INIT;

		*strchrnul(top, '/') = '\0';
		if (!*top || op->lenient || op->kind == MOUNT_REMOUNT ||
		    faccessat(root, top, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		errno = EACCES;
		err_sys(&one, "mount '%s': make directory '/%s' in the rootfs", op->target, top);
		also(all, &one, err_hint(&one, -EACCES, MOUNT_POINT_REMEDY));
	}
}

static void try_sources(struct plan *plan, const char *state_dir, struct err *all)
{
	struct err one = ERR_INIT;
	struct rootfs_plan sources = plan->rootfs;
	auto_fd int root = -1;

	sources.overlay.dir = NULL; /* start makes it; the rehearsal has one of its own */
	root = rootfs_source_inside(&sources, &one);

	also(all, &one, root == -EAGAIN || root >= 0 ? 0 : unless_late(plan, root));
	if (plan->rootfs.kinds[0] == ROOTFS_PLAIN)
		try_points(plan, root, all);
	overlay_close_inside(&sources.overlay);
	for (size_t i = 0; i < plan->mounts.n; i++) {
		struct mount_op *op = &plan->mounts.v[i];
		auto_fd int fd = -1;
		int rc;

		if (op->kind != MOUNT_BIND)
			continue;
		op->optional |= op->source &&
				str_starts(op->source, state_dir); /* create makes it */
		rc = fd = mount_open_source(op, &one);
		if (rc == -ENOENT && op->optional)
			rc = 0;
		else if (rc < 0)
			(void)err_in(&one, rc, "mounts[%zu] '%s'", op->index, op->target);
		also(all, &one, rc < 0 ? unless_late(plan, rc) : 0);
	}
	also(all, &one, mount_data_check(&plan->mounts, &one));
	also(all, &one, device_sources_inside(&plan->devices, &one));
	for (size_t i = 0; i < plan->devices.n; i++)
		fd_closep(&plan->devices.sources[i]);
}

/* The file is written beside its place and renamed, so its directory is what counts. */
static int try_pid_file(const char *path, struct err *err)
{
	auto_free char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "pid file '%s': it is a directory", path);
	if (slash)
		slash[slash == dir] = '\0';
	if (faccessat(AT_FDCWD, slash ? dir : ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_hint(err, err_sys(err, "--pid-file '%s': its directory", path),
				"name a file in a directory that is there and yours");
	return 0;
}

static int try_id(const struct bryo_ctx *ctx, const char *id, struct err *err)
{
	if (ctx->rootfd < 0 || faccessat(ctx->rootfd, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	err_set(err, EEXIST, "container with id '%s' already exists", id);
	return err_hint(err, -EEXIST, "choose another id, or remove that one with bryo delete");
}

/* Somebody who receives; to connect would be to take his turn. */
static int try_socket(const char *option, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, "%s '%s'", option, path);
	return S_ISSOCK(st.st_mode)
		       ? 0
		       : err_set(err, ENOTSOCK, "%s '%s' is not a socket", option, path);
}

/* Who gives a socket means create or run --detach. */
static int try_console(const struct plan *plan, const char *path, struct err *err)
{
	if (!plan->process.terminal.wanted)
		return err_hint(
			err, err_set(err, EINVAL, "--console-socket: there is no terminal to send"),
			"leave it out, or set process.terminal to true");
	return try_socket("--console-socket", path, err);
}

/* A hook may be what starts the agent. */
static int try_agent(const struct plan *plan, struct err *err)
{
	const struct seccomp_plan *s = &plan->process.seccomp;
	int rc;

	if (!s->notify || !s->listener_path || hooks_in_runtime(&plan->hooks))
		return 0;
	rc = try_socket("linux.seccomp.listenerPath", s->listener_path, err);
	return rc < 0 ? err_hint(err, rc,
				 "the seccomp agent must listen there before the container starts")
		      : 0;
}

/* Only those points whose failure ends create or start, and whose programs are the host's. */
static void try_hooks(const struct hooks_plan *hooks, struct err *all)
{
	static const enum hook_point points[] = { HOOK_PRESTART, HOOK_CREATE_RUNTIME,
						  HOOK_CREATE_CONTAINER, HOOK_POSTSTART };

	for (size_t p = 0; p < ARRAY_LEN(points); p++)
		for (size_t i = 0; i < hooks->points[points[p]].n; i++) {
			const char *path = hooks->points[points[p]].v[i].path;
			struct err one = ERR_INIT;

			if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
				also(all, &one,
				     err_sys(&one, "hooks.%s[%zu] '%s'", hook_point_name(points[p]),
					     i, path));
		}
}

/* Init knows targets; a field is the entry of mounts[]. */
static void name_fields(struct arena *a, const struct mount_plan *mounts, struct notes *notes)
{
	for (size_t i = 0; i < notes->list.n; i++) {
		struct note *n = &notes->list.v[i];

		if (n->kind != NOTE_REFUSED || !str_starts(n->field, "mount '"))
			continue;
		for (size_t k = 0; k < mounts->n; k++) {
			const char *target = mounts->v[k].target;
			size_t len = strlen(target);

			if (strncmp(n->field + 7, target, len) == 0 && n->field[7 + len] == '\'')
				n->field = arena_printf(a, "mounts[%zu] '%s'", mounts->v[k].index,
							target);
		}
	}
}

int plan_try(struct bryo_ctx *ctx, struct plan *plan, const struct bryo_create_options *o,
	     const char *state_dir, struct err *err)
{
	struct err all = ERR_INIT, one = ERR_INIT;

	also(&all, &one, try_id(ctx, plan->id, &one));
	if (o->pid_file)
		also(&all, &one, try_pid_file(o->pid_file, &one));
	if (o->console_socket)
		also(&all, &one, try_console(plan, o->console_socket, &one));
	if (o->pidfd_socket)
		also(&all, &one, try_socket("--pidfd-socket", o->pidfd_socket, &one));
	also(&all, &one, try_agent(plan, &one));
	also(&all, &one, netdev_try_outside(&plan->netdevs, &one));
	try_sources(plan, state_dir, &all);
	try_hooks(&plan->hooks, &all);
	also(&all, &one, net_publish_try(plan->notes.arena, &plan->net, &one));
	also(&all, &one, listen_try_outside(&plan->process.listen, &one));
	if (!all.num)
		also(&all, &one, rehearse_launch(ctx, plan, &one));
	if (!all.num)
		return 0;
	note_refusals(&plan->notes, &all);
	name_fields(plan->notes.arena, &plan->mounts, &plan->notes);
	*err = all;
	return -all.num;
}
