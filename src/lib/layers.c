/*
 * layers.c - what the options for the root file system say over a config (feature/rootfs/rootfs.h).
 * Options and annotations mean the same; a relative path of an option starts from the caller's
 * directory, one of an annotation from the bundle. Runs in the calling process.
 */
#include "layers.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/scratch.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/tree.h"
#include "lib/userns.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define THROWN_AWAY "bryo-upper-"
#define ALONE_S	    60	    /* a start has written down whose it is by then */
#define OWNER	    "owner" /* in a directory of kept changes: "BOOT PIDNS PID START ID" */

static const char *absolute(struct arena *a, const char *path)
{
	char *full = path_absolute(path);
	const char *kept = arena_strdup(a, full);

	free(full);
	return kept;
}

static int set_layers(struct arena *a, struct spec *spec, const char *text, struct err *err)
{
	struct strv dirs;
	char cwd[PATH_MAX];
	int rc;

	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "the working directory");
	rc = overlay_split(a, text, cwd, &dirs, err);
	if (rc < 0)
		return err_in(err, rc, "--overlay");
	spec_annotation_set(a, spec, OVERLAY_LOWER_ANNOTATION, overlay_join(a, &dirs));
	return 0;
}

int layers_options(struct arena *a, struct spec *spec, const struct bryo_create_options *o,
		   struct err *err)
{
	int rc = o->overlay ? set_layers(a, spec, o->overlay, err) : 0;

	if (rc < 0)
		return rc;
	if (o->upper && o->ephemeral) {
		err_set(err, EINVAL, "--upper and --ephemeral exclude each other");
		return err_hint(err, -EINVAL, "changes are kept, or they are thrown away");
	}
	if (o->upper && !*o->upper)
		return err_set(err, EINVAL, "--upper: the name of the directory is empty");
	if (o->rootfs) {
		spec->root.path = absolute(a, o->rootfs);
		spec->root.present = true;
	}
	if (o->upper || o->ephemeral) {
		spec_annotation_set(a, spec, OVERLAY_UPPER_ANNOTATION,
				    o->upper ? absolute(a, o->upper) : "");
		spec_annotation_set(a, spec, OVERLAY_EPHEMERAL_ANNOTATION,
				    o->ephemeral ? "true" : "false");
	}
	return 0;
}

/* tmpfs has no user.* attributes where this is needed; the others take no changes at all. */
static bool takes_changes(const char *dir)
{
	static const long bad[] = { TMPFS_MAGIC, RAMFS_MAGIC, NFS_SUPER_MAGIC,
				    OVERLAYFS_SUPER_MAGIC, FUSE_SUPER_MAGIC };
	struct statfs fs;

	if (access(dir, W_OK | X_OK) < 0 || statfs(dir, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if ((unsigned)fs.f_type == (unsigned)bad[i])
			return false;
	return true;
}

int layers_place(struct arena *a, const char *id, const char *bundle, struct overlay_plan *plan,
		 struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	const char *const dirs[] = { tmp && tmp[0] == '/' ? tmp : "/var/tmp", "/var/tmp", bundle };
	unsigned long long r;

	const char **ret = plan->upper == UPPER_DISK ? &plan->dir : &plan->spare;

	if (plan->upper != UPPER_DISK && !(plan->upper == UPPER_MEMORY && plan->program))
		return 0;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return err_sys(err, "getrandom");
	for (size_t i = 0; i < ARRAY_LEN(dirs) && !*ret; i++)
		if (takes_changes(dirs[i]))
			*ret = arena_printf(a, "%s/" THROWN_AWAY "%s-%016llx", dirs[i], id, r);
	if (!*ret && plan->upper == UPPER_MEMORY) /* only the second choice needs it */
		*ret = arena_printf(a, "%s/" THROWN_AWAY "%s-%016llx", dirs[0], id, r);
	if (*ret)
		return 0;
	err_set(err, EOPNOTSUPP,
		"no place on disk for changes that are thrown away: tried %s, /var/tmp and the bundle",
		dirs[0]);
	return err_hint(err, -EOPNOTSUPP, "set TMPDIR to a directory on a local file system");
}

static const char *pid_namespace(struct arena *a)
{
	return arena_printf(a, "%llu", (unsigned long long)state_pid_namespace());
}

/* What the text in OWNER says, or false: then it is nobody's. */
static bool parse_owner(struct arena *a, const char *text, const char **ret_ns, struct record *ret)
{
	char *word[5], *rest = arena_strdup(a, text);
	unsigned long long pid, start;

	rest[strcspn(rest, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		word[i] = strsep(&rest, " ");
		if (!word[i])
			return false;
	}
	if (!str_to_u64(word[2], INT_MAX, &pid) || !str_to_u64(word[3], UINT64_MAX, &start))
		return false;
	*ret_ns = word[1];
	*ret = (struct record){
		.boot_id = word[0], .pid = (pid_t)pid, .pid_start = start, .id = word[4]
	};
	return true;
}

static int refuse_used(const char *dir, const struct record *r, bool elsewhere, struct err *err)
{
	int rc = err_set(err, EBUSY,
			 "directory for changes '%s' belongs to container '%s', process %d%s", dir,
			 r->id, (int)r->pid, elsewhere ? " of another pid namespace" : "");

	return elsewhere ? err_hint(err, rc, "if that is gone, remove '%s/" OWNER "'", dir) : rc;
}

int layers_check_unowned(struct arena *a, int dirfd, const char *dir, struct err *err)
{
	auto_free char *text = NULL;
	struct err unread = ERR_INIT;
	struct record r;
	const char *ns;
	uint64_t start;
	bool zombie;

	if (file_read_at(dirfd, OWNER, 4096, &text, NULL, &unread) < 0 ||
	    !parse_owner(a, text, &ns, &r) || !str_eq(r.boot_id, state_boot_id(a)))
		return 0;
	if (!str_eq(ns, pid_namespace(a)))
		return refuse_used(dir, &r, true, err);
	if (state_pid_start(r.pid, &start, &zombie, &unread) < 0 || zombie || start != r.pid_start)
		return 0;
	return refuse_used(dir, &r, false, err);
}

static int check_owner(struct arena *a, int dirfd, const char *dir, struct err *err)
{
	int rc = layers_check_unowned(a, dirfd, dir, err);

	return rc == 0 ? 0
		       : err_hint(err, rc,
				  "two containers at once would damage it: give this one another --upper; "
				  "layers can be shared");
}

/* What is written there would be seen through the layer, too. */
static int check_place(const struct overlay_plan *plan, int dirfd, struct err *err)
{
	for (size_t i = 0; i < plan->lower.n; i++) {
		struct stat st;

		if (stat(plan->lower.v[i], &st) < 0 || !tree_is_above(&st, dirfd))
			continue;
		err_set(err, EINVAL, "directory for changes '%s' is in the layer '%s'", plan->dir,
			plan->lower.v[i]);
		return err_hint(err, -EINVAL, "choose one beside it");
	}
	return 0;
}

/* Made where it is missing; for the time of a start it is locked. */
static int hold_kept(struct arena *a, const struct overlay_plan *plan, int *ret_lock,
		     struct err *err)
{
	const char *dir = plan->dir;
	bool fresh = mkdir(dir, 0700) == 0;
	auto_fd int fd = -1;
	int rc;

	if (!fresh && errno != EEXIST)
		return err_sys(err, "make the directory for changes '%s'", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "directory for changes '%s'", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(err, EBUSY,
			       "directory for changes '%s' is being taken by another container",
			       dir);
	rc = check_place(plan, fd, err);
	if (rc < 0 && fresh)
		(void)rmdir(dir);
	if (rc == 0)
		rc = check_owner(a, fd, dir, err);
	if (rc == 0)
		*ret_lock = take_fd(&fd);
	return rc;
}

/* Locked until it says whose it is. Where there are no locks gc goes by its age. */
static int hold_thrown_away(const char *dir, int *ret_lock, struct err *err)
{
	if (mkdir(dir, 0700) < 0)
		return err_sys(err, "make the directory for changes '%s'", dir);
	*ret_lock = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_lock < 0)
		return err_sys(err, "directory for changes '%s'", dir);
	(void)flock(*ret_lock, LOCK_EX | LOCK_NB);
	return 0;
}

int layers_make_outside(struct arena *a, const struct overlay_plan *plan, int *ret_lock,
			struct err *err)
{
	if (plan->upper == UPPER_KEPT)
		return hold_kept(a, plan, ret_lock, err);
	return plan->upper == UPPER_DISK ? hold_thrown_away(plan->dir, ret_lock, err) : 0;
}

/* Of thrown-away changes, which fuse-overlayfs may not have needed; gc asks for their owner. */
static int open_thrown_away(const struct record *r)
{
	if (!r->upper || !r->upper_thrown_away)
		return -1;
	return open(r->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int layers_owned_outside(struct arena *a, int lock, const struct record *r, struct err *err)
{
	auto_fd int fd = lock < 0 ? open_thrown_away(r) : -1;
	const char *text;
	int rc;

	if (lock < 0 && fd < 0)
		return 0;
	text = arena_printf(a, "%s %s %d %llu %s\n", r->boot_id, pid_namespace(a), (int)r->pid,
			    (unsigned long long)r->pid_start, r->id);
	rc = file_replace_at(lock < 0 ? fd : lock, OWNER, text, strlen(text), 0600, err);
	return rc < 0 ? err_in(err, rc, "directory for changes '%s'", r->upper) : 0;
}

/* Only while it is ours: the next one may have it already. */
static void disown(struct container *c)
{
	auto_fd int fd = open(c->record.upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct err unread = ERR_INIT;
	struct record r;
	const char *ns;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
	    file_read_at(fd, OWNER, 4096, &text, NULL, &unread) < 0 ||
	    !parse_owner(&c->arena, text, &ns, &r))
		return;
	if (str_eq(r.id, c->record.id) && r.pid_start == c->record.pid_start)
		(void)unlinkat(fd, OWNER, 0);
}

/* The container's IDs may own what is in it. */
static int remove_tree(struct bryo_ctx *ctx, const char *dir, struct err *err)
{
	auto_free char *path = mem_strdup(dir);
	char *slash = strrchr(path, '/');
	auto_fd int parent = -1;
	int rc;

	*slash = '\0';
	parent = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || faccessat(parent, slash + 1, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "directory for changes '%s'", dir);
	rc = userns_remove(&ctx->host, parent, slash + 1, err);
	return rc < 0 ? err_in(err, rc, "remove the directory for changes '%s'", dir) : 0;
}

int layers_release_outside(struct bryo_ctx *ctx, struct container *c, struct err *err)
{
	if (!c->record.upper)
		return 0;
	if (c->record.upper_thrown_away)
		return remove_tree(ctx, c->record.upper, err);
	disown(c);
	return 0;
}

/* Of DIR where it is there, else of what it would be made in. */
static const char *scratch_place(struct arena *a, const char *dir)
{
	char *parent = arena_strdup(a, dir), *slash = strrchr(parent, '/');

	if (faccessat(AT_FDCWD, dir, F_OK, 0) == 0)
		return dir;
	slash[slash == parent] = '\0';
	return parent;
}

static void add_lower(struct arena *a, struct overlay_plan *o, const char *dir)
{
	const char **v = arena_alloc(a, (o->lower.n + 2) * sizeof(*v));

	memcpy(v + 1, o->lower.v, o->lower.n * sizeof(*v));
	v[0] = dir;
	o->lower = (struct strv){ v, o->lower.n + 1 };
}

/* What start would refuse about the directory as it is. */
static int check_kept(struct arena *a, const struct overlay_plan *plan, struct err *err)
{
	const char *place = scratch_place(a, plan->dir);
	auto_fd int fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_sys(err, "directory for changes '%s'", plan->dir);
	rc = check_place(plan, fd, err);
	return rc < 0 || place != plan->dir ? rc : check_owner(a, fd, plan->dir, err);
}

/* An end of the caller waits until it is removed. */
static int make_scratch(struct bryo_ctx *ctx, const char *place, struct layers_scratch *ret,
			struct err *err)
{
	auto_fd int parent = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];
	sigset_t ends;

	if (parent < 0)
		return err_sys(err, "open '%s'", place);
	userns_sweep(&ctx->host, parent);
	sys_signals_ending(&ends);
	(void)sigprocmask(SIG_BLOCK, &ends, &ret->old_mask);
	ret->lock = scratch_make(parent, "plan", name, err);
	if (ret->lock < 0) {
		(void)sigprocmask(SIG_SETMASK, &ret->old_mask, NULL);
		return ret->lock;
	}
	ret->dir = mem_printf("%s/%s", place, name);
	return 0;
}

int layers_scratch(struct bryo_ctx *ctx, struct arena *a, const char *bundle,
		   struct overlay_plan *o, struct layers_scratch *ret, struct err *err)
{
	const char *there = o->upper == UPPER_KEPT ? arena_printf(a, "%s/upper", o->dir) : NULL;
	int rc = o->upper == UPPER_KEPT ? check_kept(a, o, err)
					: layers_place(a, "plan", bundle, o, err);

	if (rc == 0 && o->dir) {
		rc = make_scratch(ctx, scratch_place(a, o->dir), ret, err);
		if (rc < 0)
			return err_in(err, rc, "directory for changes '%s'", o->dir);
		o->dir = ret->dir;
	} else if (rc == 0 && o->spare) { /* made only if it is needed */
		ret->dir = mem_strdup(o->spare);
	}
	if (there && faccessat(AT_FDCWD, there, F_OK, 0) == 0)
		add_lower(a, o, there);
	o->fds = arena_alloc(a, (o->lower.n + 2) * sizeof(int));
	for (size_t i = 0; i < o->lower.n + 2; i++)
		o->fds[i] = -1;
	return rc;
}

void layers_scratch_end(struct bryo_ctx *ctx, struct layers_scratch *s)
{
	if (s->dir)
		(void)remove_tree(ctx, s->dir, NULL);
	freep(&s->dir);
	s->dir = NULL;
	if (s->lock >= 0)
		(void)sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	fd_closep(&s->lock);
}

void layers_warn(const struct bryo_ctx *ctx, const struct overlay_plan *plan, int lock)
{
	auto_free char *text = NULL;
	struct stat st;

	if (plan->upper != UPPER_KEPT || !ctx->notice || fstat(lock, &st) < 0 ||
	    !(st.st_mode & (S_IXGRP | S_IXOTH)))
		return;
	text = mem_printf(
		"directory for changes '%s': others may enter it, and a set-user-ID program that the container "
		"makes there is yours [chmod 700 %s]",
		plan->dir, plan->dir);
	(void)ctx->notice(ctx->notice_arg, text);
}

void layers_notice(const struct bryo_ctx *ctx, const struct launched *l)
{
	auto_free char *text = NULL;

	if (!l->root.why_not_first || !ctx->notice)
		return;
	text = mem_printf("root file system: %s instead of the kernel's overlay (%s)",
			  rootfs_kind_name(l->root.kind), strerror(l->root.why_not_first));
	(void)ctx->notice(ctx->notice_arg, text);
}

/* ------------------------------------------------------------------------------------ gc */

/* Its container is not there any more, whatever its record would say: that may be gone, too. */
static bool is_lost(struct arena *a, const struct bryo_ctx *ctx, int dirfd, const char *name)
{
	auto_fd int fd = tree_open_below(dirfd, name);
	auto_free char *text = NULL;
	const char *ns, *boot = state_boot_id(a);
	struct err unread = ERR_INIT;
	struct record r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != ctx->host.uid || scratch_is_shared(fd))
		return false;
	if (file_read_at(fd, OWNER, 4096, &text, NULL, &unread) == 0 &&
	    parse_owner(a, text, &ns, &r))
		return *boot && *r.boot_id && !str_eq(r.boot_id, boot);
	/* a moment for who has not locked it yet, or what only fuse-overlayfs makes */
	return time(NULL) - st.st_mtime > ALONE_S &&
	       (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
}

static void find_lost(struct arena *a, const struct bryo_ctx *ctx, const char *place,
		      struct layers_lost *ret)
{
	auto_dir DIR *d = opendir(place);

	for (struct dirent *e; d && (e = readdir(d));)
		if (str_starts(e->d_name, THROWN_AWAY) && is_lost(a, ctx, dirfd(d), e->d_name))
			*vec_add(a, ret) = arena_printf(a, "%s/%s", place, e->d_name);
}

void layers_find_lost(struct arena *a, const struct bryo_ctx *ctx, struct layers_lost *ret)
{
	const char *tmp = getenv("TMPDIR");

	find_lost(a, ctx, "/var/tmp", ret);
	if (tmp && tmp[0] == '/' && !str_eq(tmp, "/var/tmp"))
		find_lost(a, ctx, tmp, ret);
}

int layers_remove_lost(struct bryo_ctx *ctx, const char *dir, struct err *err)
{
	return remove_tree(ctx, dir, err);
}
