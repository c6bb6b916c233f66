/*
 * context.c - bryo_ctx: state directory, host facts, notices; and opening a container by id. Runs
 * in the calling process only.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/spec_load.h"
#include "proc/selfexe.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifndef BRYO_VERSION
#define BRYO_VERSION "unknown"
#endif

/* The public struct is the internal one under another name: same layout, checked here. */
_Static_assert(sizeof(struct bryo_err) == sizeof(struct err), "struct bryo_err is struct err");
_Static_assert(offsetof(struct bryo_err, hint) == offsetof(struct err, hint), "hint");
_Static_assert(offsetof(struct bryo_err, text) == offsetof(struct err, text), "text");

struct err *err_of(struct bryo_err *err)
{
	return (struct err *)err;
}

const char *bryo_version(void)
{
	return BRYO_VERSION;
}

const char *bryo_err_format(const struct bryo_err *err, char *buf, size_t size)
{
	return err_format((const struct err *)err, buf, size);
}

int bryo_protect_self(char *const argv[], struct bryo_err *err)
{
	return selfexe_protect(argv, err_of(err));
}

int bryo_ctx_new(const struct bryo_ctx_options *o, bryo_ctx **ret, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct bryo_ctx *ctx = mem_alloc(sizeof(*ctx));
	int rc;

	ctx->rootfd = ctx->live.pidfd = ctx->live.pty = -1;
	ctx->live.c = (struct container)CONTAINER_INIT;
	ctx->live.notify = (struct sdnotify)SDNOTIFY_INIT;
	ctx->notice = o->notice;
	ctx->notify_socket = o->notify_socket ? mem_strdup(o->notify_socket) : NULL;
	ctx->notice_arg = o->notice_arg;
	ctx->cgroup_manager = o->cgroup_manager ? mem_strdup(o->cgroup_manager) : NULL;
	ctx->root_named = o->root;
	rc = host_probe(&ctx->arena, &ctx->host, err);
	if (rc == 0) {
		rc = state_root_open(o->root, &ctx->host, o->create_root, &ctx->root, err);
		ctx->rootfd = rc;
		if (rc == -ENOENT && !o->create_root)
			rc = 0; /* nothing was ever created there */
	}
	if (rc < 0) {
		bryo_ctx_free(ctx);
		return rc;
	}
	*ret = ctx;
	return 0;
}

void bryo_ctx_free(bryo_ctx *ctx)
{
	if (!ctx)
		return;
	wait_disarm(&ctx->live.waiter);
	sdnotify_close(&ctx->live.notify);
	container_close(&ctx->live.c);
	arena_free(&ctx->live.arena);
	fd_closep(&ctx->live.pidfd);
	fd_closep(&ctx->live.pty);
	fd_closep(&ctx->rootfd);
	free(ctx->live.id);
	free(ctx->root);
	free(ctx->notify_socket);
	free(ctx->cgroup_manager);
	arena_free(&ctx->arena);
	free(ctx);
}

const char *bryo_ctx_root(const bryo_ctx *ctx)
{
	return ctx->root;
}

void ctx_notes(const struct bryo_ctx *ctx, const struct notes *notes)
{
	for (size_t i = 0; i < notes->list.n; i++) {
		const struct note *n = &notes->list.v[i];
		auto_free char *text = NULL;

		if (n->kind != NOTE_WARNING || !ctx->notice)
			continue;
		text = mem_printf("%s: %s (%s)%s%s%s", n->field, n->what, n->why,
				  n->remedy ? " [" : "", n->remedy ? n->remedy : "",
				  n->remedy ? "]" : "");
		(void)ctx->notice(ctx->notice_arg, text);
	}
}

char *path_absolute(const char *path)
{
	char cwd[PATH_MAX];

	if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		return mem_strdup(path);
	return mem_printf("%s/%s", cwd, path);
}

/* '@' cannot be in a container id, so it is never taken for a container. */
#define SECCOMP_CACHE "@seccomp"

int ctx_seccomp_cache_open(const struct bryo_ctx *ctx)
{
	return ctx->rootfd < 0 ? -1
			       : openat(ctx->rootfd, SECCOMP_CACHE,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int ctx_seccomp_cache(const struct bryo_ctx *ctx)
{
	int fd = ctx_seccomp_cache_open(ctx);

	if (fd < 0 && ctx->rootfd >= 0 && errno == ENOENT &&
	    mkdirat(ctx->rootfd, SECCOMP_CACHE, 0700) == 0)
		fd = ctx_seccomp_cache_open(ctx);
	return fd;
}

static bool is_paused(const struct record *r)
{
	auto_fd int fd = r->cgroup ? cgroup_open(r->cgroup, NULL) : -1;

	return fd >= 0 && cgroup_ino(fd) == r->cgroup_ino && cgroup_is_frozen(fd);
}

int container_cgroup_open(const struct container *c, struct err *err)
{
	int rc;

	if (c->record.cgroup) {
		auto_fd int fd = cgroup_open(c->record.cgroup, err);

		if (fd < 0 || cgroup_ino(fd) == c->record.cgroup_ino)
			return fd < 0 ? fd : take_fd(&fd);
		return err_set(err, ENOENT, "the cgroup of container '%s' is gone", c->record.id);
	}
	rc = err_set(err, EOPNOTSUPP, "container '%s' has no cgroup", c->record.id);
	return err_hint(err, rc, "it was started without one: bryo plan tells why");
}

int container_open(const struct bryo_ctx *ctx, const char *id, bool lock, struct container *ret,
		   struct err *err)
{
	int rc = state_id_check(id, err);

	if (rc < 0)
		return rc;
	if (ctx->rootfd < 0)
		return err_set(err, ENOENT, "container '%s' does not exist", id);
	ret->dirfd = state_open(ctx->rootfd, id, err);
	if (ret->dirfd == -ENOENT)
		return err_hint(err, -ENOENT,
				"bryo list shows those that do; each --root has its own");
	if (ret->dirfd < 0)
		return ret->dirfd;
	if (lock) {
		ret->lock = state_lock(ret->dirfd, id, err);
		if (ret->lock < 0)
			return ret->lock;
	}
	rc = record_load(&ret->arena, ret->dirfd, &ret->record, err);
	if (rc == 0)
		rc = state_status(ret->dirfd, &ret->record, &ret->status, &ret->pidfd, err);
	if (rc == 0 && ret->pidfd >= 0 && is_paused(&ret->record))
		ret->status = STATE_PAUSED;
	if (rc == -EXDEV)
		(void)err_hint(
			err, rc,
			"run bryo there, or on the host; if that namespace is gone: bryo delete --force %s",
			id);
	return rc < 0 ? err_in(err, rc, "container '%s'", id) : 0;
}

void container_close(struct container *c)
{
	fd_closep(&c->dirfd);
	fd_closep(&c->lock);
	fd_closep(&c->pidfd);
	arena_free(&c->arena);
}

struct container *ctx_live(struct bryo_ctx *ctx, const char *id)
{
	return ctx->live.c.dirfd >= 0 && str_eq(ctx->live.id, id) ? &ctx->live.c : NULL;
}

int container_spec(struct container *c, struct spec **ret, struct err *err)
{
	const char *text;
	size_t len;

	return spec_load(&c->arena, c->dirfd, "config.json", ret, &text, &len, err);
}

/* The container's map, read from the live init: what was asked for at creation need not be known. */
static int read_map(struct container *c, const char *name, struct id_extents *ret, struct err *err)
{
	char path[64];
	auto_free char *text = NULL;
	unsigned long long inside, outside, count;
	const char *p;
	size_t lines = 0;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)c->record.pid, name);
	rc = file_read_at(AT_FDCWD, path, 65536, &text, NULL, err);
	if (rc < 0)
		return rc;
	for (p = text; *p; p++)
		lines += *p == '\n';
	ret->v = arena_alloc(&c->arena, (lines + 1) * sizeof(*ret->v));
	p = text;
	while (ret->n < lines && str_next_u64(&p, UINT32_MAX, &inside) &&
	       str_next_u64(&p, UINT32_MAX, &outside) && str_next_u64(&p, UINT32_MAX, &count))
		ret->v[ret->n++] =
			(struct id_extent){ (uint32_t)inside, (uint32_t)outside, (uint32_t)count };
	return 0;
}

int container_maps(struct container *c, struct idmap_plan *ret, bool *ret_denied, struct err *err)
{
	char path[64];
	auto_free char *text = NULL;
	int rc = read_map(c, "uid_map", &ret->uid, err);

	if (rc == 0)
		rc = read_map(c, "gid_map", &ret->gid, err);
	if (rc < 0)
		return rc;
	ret->known = true;
	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)c->record.pid);
	*ret_denied = file_read_at(AT_FDCWD, path, 64, &text, NULL, NULL) == 0 &&
		      str_starts(text, "deny");
	return 0;
}

int pid_file_write(const char *path, pid_t pid, struct err *err)
{
	auto_free char *copy = mem_strdup(path);
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;
	auto_fd int dir = -1;
	char text[16];
	int rc;

	if (slash)
		*slash = '\0';
	dir = open(!slash ? "." : *copy ? copy : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "pid file '%s'", path);
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	rc = file_replace_at(dir, name, text, strlen(text), 0644, err);
	return rc < 0 ? err_in(err, rc, "pid file '%s'", path) : 0;
}

int pidfd_send(const char *path, int pidfd, struct err *err)
{
	auto_fd int sock = fd_connect_unix(path, err);
	int rc = sock < 0 ? sock : fd_send(sock, pidfd, "pidfd", err);

	return rc < 0 ? err_in(err, rc, "pidfd socket") : 0;
}

int preserve_fds_check(int first, int n, struct err *err)
{
	if (n < 0 || n > 10000)
		return err_set(err, EINVAL, "--preserve-fds %d: out of range", n);
	for (int fd = first; fd < first + n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || (flags & FD_CLOEXEC)) {
			err_set(err, EBADF, "--preserve-fds %d: descriptor %d is not open", n, fd);
			return err_hint(err, -EBADF,
					"descriptors %d to %d must be inherited from the caller",
					first, first + n - 1);
		}
	}
	return 0;
}
