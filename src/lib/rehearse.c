/*
 * rehearse.c - a launch without consequences (rehearse.h), for `bryo plan`. Runs in the calling process.
 *
 * The trial is the launch itself, and init seals itself as for start but executes nothing: the same
 * code in the same namespaces finds what start would find, from newuidmap's answer to a program
 * that is not in the image. That leaves no trace because what would is taken out of the copy of the plan that is
 * launched:
 *	- changes of the root go to an overlay in memory over it, as with --ephemeral. Where the kernel
 *	  makes none, the root is read-only and a mount point that is missing stays unknown
 *	- so do binds in which something would be made
 *	- no cgroup, hook, network helper, device of the host's or resctrl class
 *	- namespaces that are joined are others': names and sysctls are left alone there. Where a mount
 *	  namespace is joined nothing is rehearsed but that: a child joins, and ends
 * With hooks, what is missing at the end may be what they bring, and so is a warning only.
 */
#include "rehearse.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "lib/layers.h"
#include "proc/launch.h"
#include "proc/start.h"
#include "rootless/rootless.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return str_starts(path, dir) && (path[len] == '/' || !path[len] || str_eq(dir, "/"));
}

/* Would something be made in what op binds? */
static bool is_written(const struct plan *plan, size_t op)
{
	const char *target = plan->mounts.v[op].target;

	if (is_below(plan->process.cwd, target) || str_eq(target, "/dev"))
		return true;
	for (size_t i = op + 1; i < plan->mounts.n; i++)
		if (is_below(plan->mounts.v[i].target, target))
			return true;
	for (size_t i = 0; i < plan->devices.n; i++)
		if (is_below(plan->devices.v[i].path, target))
			return true;
	return false;
}

static void protect_binds(struct arena *a, struct plan *plan)
{
	struct mount_op *v = arena_alloc(a, (plan->mounts.n + 1) * sizeof(*v));

	memcpy(v, plan->mounts.v, plan->mounts.n * sizeof(*v));
	plan->mounts.v = v;
	for (size_t i = 0; i < plan->mounts.n; i++)
		if (v[i].kind == MOUNT_BIND && is_written(plan, i)) {
			v[i].o.rec_set |= MOUNT_ATTR_RDONLY;
			v[i].o.rec_clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		}
}

/* Changes in memory, or none. Layers have a place of their own: layers_scratch(). */
static void shadow_root(struct arena *a, struct plan *plan, bool writable)
{
	struct rootfs_plan *r = &plan->rootfs;
	struct overlay_plan o = { .userxattr = plan->idmap.active, .passing = true };
	const char **lower = arena_alloc(a, 2 * sizeof(*lower));

	if (r->kinds[0] != ROOTFS_PLAIN)
		return;
	r->sealed = !writable;
	if (r->sealed)
		return;
	lower[0] = r->path;
	o.lower = (struct strv){ lower, 1 };
	o.upper = UPPER_MEMORY;
	o.fds = arena_alloc(a, 2 * sizeof(int));
	o.fds[0] = o.fds[1] = -1;
	r->kinds[0] = ROOTFS_OVERLAY;
	r->n_kinds = 1;
	r->overlay = o;
}

static bool is_readonly(const char *path)
{
	struct statvfs fs;

	return path && statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* A filter may forbid the message as well, and to end: then the C library crashes on purpose. */
static int exit_of(const struct plan *plan, const struct launched *l, struct err *err)
{
	siginfo_t info = { 0 };

	if (!plan->process.seccomp.active ||
	    waitid(P_PIDFD, (id_t)l->pidfd, &info, WEXITED | WNOWAIT | __WALL) < 0 ||
	    info.si_status == 0)
		return 0;
	if (info.si_code != CLD_EXITED && info.si_status != SIGSYS && info.si_status != SIGSEGV)
		return 0;
	return err_set(err, EPERM, "linux.seccomp: it does not let the program be executed");
}

static void tell_backend(struct plan *plan, const struct launched *l)
{
	bool served = root_is_served(plan);

	plan->rootfs.tried.done = true;
	plan->rootfs.tried.kind = served ? l->root.kind : plan->rootfs.kinds[0];
	plan->rootfs.tried.why_not_first = served ? l->root.why_not_first : 0;
}

static int rehearse(struct bryo_ctx *ctx, struct plan *plan, bool writable, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct plan copy = *plan;
	struct launch_request q = { .plan = &copy, .host = &ctx->host, .arena = &a, .dirfd = -1 };
	struct launched l = LAUNCHED_INIT;
	struct layers_scratch scratch = LAYERS_SCRATCH_INIT;
	int rc;

	copy.cgroup = (struct cgroup_plan){ .backend = CGROUP_NONE,
					    .owner_inside = (uid_t)-1,
					    .owner = (uid_t)-1 };
	copy.hooks = (struct hooks_plan){ 0 };
	copy.rdt = (struct rdt_plan){ 0 };
	copy.netdevs.n = 0;
	copy.net.backend = NULL;
	copy.process.rehearsal = true;
	copy.process.listen = (struct listen_plan){ 0 };
	copy.process.preserve_fds = 0;
	if (copy.process.seccomp.notify)
		copy.process.seccomp = (struct seccomp_plan){ 0 };
	if (!(copy.ns.create & CLONE_NEWUTS))
		copy.hostname = copy.domainname = NULL;
	if (copy.ns.n_joins)
		copy.sysctl.n = 0;
	protect_binds(&a, &copy);
	shadow_root(&a, &copy, writable);
	rc = layers_scratch(ctx, &a, plan->bundle, &copy.rootfs.overlay, &scratch, err);
	if (rc == 0)
		rc = launch_outside(&q, &l, err);
	if (rc == 0)
		rc = start_follow(l.sock, "container init", NULL, err);
	if (rc == 0)
		rc = exit_of(&copy, &l, err);
	launched_end(&l);
	layers_scratch_end(ctx, &scratch);
	if (rc == 0 && plan->rootfs.overlay.lower.n)
		tell_backend(plan, &l);
	for (size_t i = 0; i < copy.mounts.n; i++)
		fd_closep(&copy.mounts.sources[i]);
	if ((rc == -EPERM || rc == -EACCES) && err->sys && (plan->ns.create & CLONE_NEWUSER) &&
	    !err->hint[0])
		rc = userns_explain(&ctx->host, 0, rc, err);
	return rc;
}

static bool says(const struct err *err, const char *words)
{
	char text[ERR_TEXT + 600];

	return strstr(err_format(err, text, sizeof(text)), words);
}

static bool may_be_rehearsed(const struct plan *plan)
{
	if (!(plan->ns.create & CLONE_NEWNS))
		return false;
	for (size_t i = 0; i < plan->ns.n_joins; i++)
		if (plan->ns.joins[i].flag == CLONE_NEWNS)
			return false;
	return true;
}

/* At least that, where nothing more can be tried. What a child joins, it leaves by ending. */
static int try_joins(const struct ns_plan *ns, struct err *err)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct err *why =
		mmap(NULL, sizeof(*why), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int rc;

	if (why == MAP_FAILED)
		return err_sys(err, "share memory");
	pid = sys_clone3(&args);
	if (pid == 0) {
		/* the root of a user namespace that is joined must not look into it */
		if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
			(void)ns_join_inside(ns, why);
		_exit(0);
	}
	rc = pid < 0 ? err_sys(err, "start a child that joins") : 0;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (why->num) {
		*err = *why;
		rc = -why->num;
	}
	(void)munmap(why, sizeof(*why));
	return rc;
}

static bool has_hooks(const struct hooks_plan *h)
{
	return hooks_in_runtime(h) || h->points[HOOK_CREATE_CONTAINER].n ||
	       h->points[HOOK_START_CONTAINER].n;
}

/* A failure is an error, unless it is only ours, or may be what a hook is there to prevent. */
int rehearse_launch(struct bryo_ctx *ctx, struct plan *plan, struct err *err)
{
	bool layers = plan->rootfs.overlay.lower.n; /* they are tried as they are */
	bool writable = !layers && !is_readonly(plan->rootfs.path);
	struct err why = ERR_INIT;
	char text[ERR_TEXT + 600];
	int rc;

	if (!may_be_rehearsed(plan))
		return try_joins(&plan->ns, err);
	rc = rehearse(ctx, plan, writable, &why);
	/* what an overlay changes it copies with its owner, which must have an ID inside */
	if (rc < 0 && writable && (rc == -EOVERFLOW || says(&why, "root file system '"))) {
		why = (struct err)ERR_INIT;
		rc = rehearse(ctx, plan, false, &why);
		if (rc == -EROFS)
			return 0;
	}
	if (rc == -EROFS && says(&why, "mount point") && !layers && !is_readonly(plan->rootfs.path))
		return 0;
	if (rc < 0 && has_hooks(&plan->hooks) && (why.exec || says(&why, "sysctl"))) {
		note_add(&plan->notes, NOTE_WARNING, why.exec ? "process.args" : "linux.sysctl",
			 "the hooks are not run by plan",
			 "would fail, unless a hook prevents it: %s",
			 err_format(&why, text, sizeof(text)));
		return 0;
	}
	if (rc < 0)
		*err = why;
	return rc;
}
