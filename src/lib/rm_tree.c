/*
 * rm_tree.c - bryo_rm_tree(): removes what an ordinary `rm -r` cannot, a tree whose files belong to
 * the caller's subordinate IDs. Runs in the calling process, and as root of a user namespace with
 * the caller's map; real root does it as it is.
 *
 * The directory is found once, by its parent's descriptor and its name, and judged by descriptor;
 * tree.h says how the rest is walked. It must be the caller's or belong to one of his IDs: a mistake
 * must cost nobody else anything, though the kernel would refuse most of it.
 */
#include "layers.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/tree.h"
#include "userns.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTS_MAX (4u << 20)

struct removal {
	int parent;
	char name[NAME_MAX + 1];
	struct stat st;
};

static int find(const char *dir, struct removal *r, struct err *err)
{
	auto_free char *path = mem_strdup(dir);
	auto_fd int fd = -1;
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	if (strlen(slash ? slash + 1 : path) > NAME_MAX) /* cut it would be another one's */
		return err_set(err, ENAMETOOLONG, "'%.200s...'", dir);
	(void)snprintf(r->name, sizeof(r->name), "%s", slash ? slash + 1 : path);
	if (!*r->name || str_eq(r->name, ".") || str_eq(r->name, ".."))
		return err_set(err, EINVAL, "refusing to remove '%s'", dir);
	if (slash)
		slash[slash == path ? 1 : 0] = '\0';
	r->parent = open(slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->parent < 0)
		return err_sys(err, "open '%s'", slash ? path : ".");
	fd = openat(r->parent, r->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &r->st) < 0)
		return err_sys(err, "'%s'", dir);
	if (!S_ISDIR(r->st.st_mode))
		return err_hint(err, err_set(err, ENOTDIR, "'%s' is not a directory", dir),
				"rm removes files and links");
	return 0;
}

static int refuse(const char *dir, const char *why, struct err *err)
{
	return err_set(err, EBUSY, "refusing to remove '%s', %s", dir, why);
}

/* Neither the directory we are in nor the home, nor what holds them, however they are spelled. */
static int check_place(const char *dir, const struct removal *r, struct err *err)
{
	auto_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int home =
		open(getenv("HOME") ? getenv("HOME") : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (here >= 0 && tree_is_above(&r->st, here))
		return refuse(dir, "which the working directory is in", err);
	if (home >= 0 && tree_is_above(&r->st, home))
		return refuse(dir, "which the home directory is in", err);
	return 0;
}

static int check_owner(const char *dir, const struct removal *r, const struct idmap_plan *ids,
		       struct err *err)
{
	uint32_t inside;

	if (id_to_inside(&ids->uid, r->st.st_uid, &inside))
		return 0;
	return err_hint(err,
			err_set(err, EPERM, "'%s' belongs to uid %u, which is not one of yours",
				dir, r->st.st_uid),
			"its owner can remove it, or root");
}

static bool holds(const struct removal *r, const char *path)
{
	auto_fd int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd >= 0 && tree_is_above(&r->st, fd);
}

static bool holds_layer(const struct removal *r, struct container *c)
{
	const struct pairs *words = &c->record.annotations;
	struct strv dirs = { 0 };

	for (size_t i = 0; i < words->n; i++)
		if (str_eq(words->v[i].name, OVERLAY_LOWER_ANNOTATION))
			(void)overlay_split(&c->arena, words->v[i].value, c->record.bundle, &dirs,
					    NULL);
	for (size_t i = 0; i < dirs.n; i++)
		if (holds(r, dirs.v[i]))
			return true;
	return false;
}

/* NULL: nothing. The changes are in a directory of the one that is named. */
static const char *what_is_used(const struct removal *r, struct container *c)
{
	const char *upper = c->record.upper;

	if (holds(r, c->record.rootfs))
		return "its root file system is there";
	if (holds(r, c->record.bundle))
		return "its bundle is there";
	if (upper && (holds(r, upper) || holds(r, arena_printf(&c->arena, "%s/upper", upper)) ||
		      holds(r, arena_printf(&c->arena, "%s/work", upper))))
		return "its changes go there";
	return holds_layer(r, c) ? "a layer of its root file system is there" : NULL;
}

static int check_container(const bryo_ctx *ctx, const char *id, const char *dir,
			   const struct removal *r, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	const char *what;

	if (container_open(ctx, id, false, &c, NULL) < 0 && c.status != STATE_UNKNOWN)
		return 0;
	if (c.status == STATE_STOPPED)
		return 0;
	what = what_is_used(r, &c);
	if (!what)
		return 0;
	err_set(err, EBUSY, "container '%s' %s running from '%s': %s", id,
		c.status == STATE_UNKNOWN ? "may be" : "is", dir, what);
	return err_hint(err, -EBUSY, "bryo delete --force %s", id);
}

/* No container may lose its files under it. A directory for changes says whose it is, whatever the
 * state directory of that. */
static int check_unused(const bryo_ctx *ctx, const char *dir, const struct removal *r,
			struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_fd int fd = openat(r->parent, r->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool inner = str_eq(r->name, "upper") || str_eq(r->name, "work");
	struct strv ids = { 0 };
	int rc = layers_check_unowned(&a, fd, dir, err);

	if (rc == 0 && inner)
		rc = layers_check_unowned(&a, r->parent, dir, err);
	if (rc == 0 && ctx->rootfd >= 0)
		(void)state_ids(&a, ctx->rootfd, &ids, NULL);
	for (size_t i = 0; i < ids.n && rc == 0; i++)
		rc = check_container(ctx, ids.v[i], dir, r, err);
	return rc;
}

/* The next mount point of *p, lines of mountinfo: the fifth word, in which bytes may be octal. */
static bool next_mount(const char **p, char ret[PATH_MAX])
{
	const char *word = *p;
	size_t n = 0;

	for (int i = 0; i < 4 && word; i++)
		word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL;
	if (!**p || !word)
		return false;
	for (; *word && *word != ' ' && n < PATH_MAX - 1; word++) {
		ret[n] = *word;
		if (*word == '\\' && word[1] && word[2] && word[3]) {
			ret[n] = (char)((word[1] - '0') << 6 | (word[2] - '0') << 3 |
					(word[3] - '0'));
			word += 3;
		}
		n++;
	}
	ret[n] = '\0';
	word = strchr(word, '\n');
	*p = word ? word + 1 : "";
	return true;
}

/* Before anything is gone; what another mount namespace has there shows only on the way. */
static int check_mounts(const char *dir, const struct removal *r, struct err *err)
{
	char link[40], path[PATH_MAX], mount[PATH_MAX];
	auto_fd int fd = openat(r->parent, r->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *text = NULL;
	size_t len;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 ||
	    file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAX, &text, NULL, NULL) < 0)
		return 0;
	path[n] = '\0';
	len = (size_t)n;
	for (const char *p = text; next_mount(&p, mount);) {
		if (strncmp(mount, path, len) != 0 || (mount[len] && mount[len] != '/'))
			continue;
		return err_hint(err,
				err_set(err, EBUSY, "'%s' is a mount point below '%s'", mount, dir),
				"unmount it first");
	}
	return 0;
}

static int remove_tree(bryo_ctx *ctx, const char *dir, struct removal *r, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct idmap_plan ids;
	int rc = find(dir, r, err);

	if (rc == 0)
		rc = check_place(dir, r, err);
	if (rc == 0)
		rc = check_mounts(dir, r, err);
	if (rc == 0)
		rc = check_unused(ctx, dir, r, err);
	if (rc < 0)
		return rc;
	if (!ctx->host.privileged)
		rc = userns_ids(&a, &ctx->host, NULL, &ids, err);
	if (rc == 0 && !ctx->host.privileged)
		rc = check_owner(dir, r, &ids, err);
	return rc < 0 ? rc : userns_remove(&ctx->host, r->parent, r->name, err);
}

int bryo_rm_tree(bryo_ctx *ctx, const char *dir, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct removal r = { .parent = -1 };
	int rc = remove_tree(ctx, dir, &r, err);

	fd_closep(&r.parent);
	return rc;
}
