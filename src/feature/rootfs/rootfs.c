/*
 * rootfs.c - the root file system in plan and init (theory in rootfs.h).
 *
 * pivot_root(".", ".") stacks the old root on top of the new one, so no directory for it has to
 * exist in the image; it is detached only at the end, because what was opened from it (the
 * host's /dev/null for masks) can be cloned only while it is attached.
 */
#include "rootfs.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount.h"
#include "rootless/fuse_overlayfs.h"

#include <string.h>
#include <sys/mount.h>

static const struct {
	const char *name;
	unsigned long flag;
	bool rec;
} propagations[] = {
	{ "shared", MS_SHARED, false },		{ "rshared", MS_SHARED, true },
	{ "slave", MS_SLAVE, false },		{ "rslave", MS_SLAVE, true },
	{ "private", MS_PRIVATE, false },	{ "rprivate", MS_PRIVATE, true },
	{ "unbindable", MS_UNBINDABLE, false }, { "runbindable", MS_UNBINDABLE, true },
};

static const char *const kind_names[] = {
	[ROOTFS_PLAIN] = "plain",
	[ROOTFS_TMPFS] = "tmpfs",
	[ROOTFS_OVERLAY] = "overlay",
	[ROOTFS_FUSE_OVERLAYFS] = "fuse-overlayfs",
};

const char *rootfs_kind_name(enum rootfs_kind kind)
{
	return kind_names[kind];
}

static int plan_propagation(const char *name, struct rootfs_plan *ret, struct err *err)
{
	if (!name || !*name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (!str_eq(propagations[i].name, name))
			continue;
		ret->propagation = propagations[i].flag;
		ret->propagation_rec = propagations[i].rec;
		return 0;
	}
	err_set(err, EINVAL, "linux.rootfsPropagation: unknown value '%s'", name);
	return err_hint(err, -EINVAL,
			"shared, slave, private or unbindable, each also with r before it");
}

static int plan_path(struct arena *a, const struct rootfs_request *q, const char **ret,
		     struct err *err)
{
	const char *path = q->spec->root.present ? q->spec->root.path : NULL;

	if (!path || !*path) {
		err_set(err, EINVAL, "root.path is missing");
		return err_hint(err, -EINVAL, "name the directory of the root file system there");
	}
	*ret = path[0] == '/' ? path : arena_printf(a, "%s/%s", q->bundle, path);
	return 0;
}

/* Its parent is looked for by its last slash. */
static const char *plan_dir(struct arena *a, const char *bundle, const char *dir)
{
	char *path = dir[0] == '/' ? arena_strdup(a, dir) : arena_printf(a, "%s/%s", bundle, dir);

	for (size_t len = strlen(path); len > 1 && path[len - 1] == '/';)
		path[--len] = '\0';
	return path;
}

/* root.path is the lowest layer. */
static int plan_layers(struct arena *a, const struct rootfs_request *q,
		       const struct overlay_words *words, struct rootfs_plan *ret, struct err *err)
{
	struct overlay_plan *o = &ret->overlay;
	struct strv over = { 0 };
	const char *word;
	int rc = words->lower ? overlay_split(a, words->lower, q->bundle, &over, err) : 0;

	if (rc < 0)
		return err_in(err, rc, "annotation org.bryo.overlay.lower");
	if (over.n >= OVERLAY_LAYERS_MAX) {
		err_set(err, EINVAL, "%zu layers with root.path, and overlay takes %d", over.n + 1,
			OVERLAY_LAYERS_MAX);
		return err_hint(err, -EINVAL, "put some of them together");
	}
	o->lower.v = arena_alloc(a, (over.n + 2) * sizeof(char *));
	o->fds = arena_alloc(a, (over.n + 2) * sizeof(int));
	for (size_t i = 0; i < over.n; i++)
		o->lower.v[o->lower.n++] = over.v[i];
	o->lower.v[o->lower.n++] = ret->path;
	for (size_t i = 0; i < o->lower.n + 1; i++)
		o->fds[i] = -1;
	o->upper = words->upper ? UPPER_KEPT : words->ephemeral;
	ret->readonly |= o->upper == UPPER_NONE;
	if (words->upper)
		o->dir = plan_dir(a, q->bundle, words->upper);
	o->userxattr = q->userns;
	word = spec_annotation(q->spec, OVERLAY_IDMAP_ANNOTATION);
	rc = word ? overlay_idmap(a, word, q->ids, q->host, o, err) : 0;
	return rc < 0 ? err_in(err, rc, "annotation " OVERLAY_IDMAP_ANNOTATION) : 0;
}

/* Why fuse-overlayfs cannot be used here, or NULL. */
static const char *no_program(struct arena *a, struct host *host)
{
	host_need_layers(host);
	if (!host->fuse_overlayfs)
		return "fuse-overlayfs may be able to do it: it is not installed";
	if (!host->dev_fuse)
		return arena_printf(a, "%s may be able to do it, but you may not use /dev/fuse",
				    host->fuse_overlayfs);
	return NULL;
}

static int plan_backends(struct arena *a, struct host *host, const char *kind,
			 struct rootfs_plan *ret, struct err *err)
{
	struct overlay_plan *o = &ret->overlay;

	ret->n_kinds = 0;
	if (o->uid_map && str_eq(kind, "overlay")) {
		err_set(err, EINVAL,
			"annotation " OVERLAY_IDMAP_ANNOTATION
			": the kernel's overlay cannot map IDs");
		return err_hint(err, -EINVAL, "org.bryo.rootfs must be fuse-overlayfs or auto");
	}
	if (!str_eq(kind, "fuse-overlayfs") && !o->uid_map)
		ret->kinds[ret->n_kinds++] = ROOTFS_OVERLAY;
	if (str_eq(kind, "overlay"))
		return 0;
	o->no_program = no_program(a, host);
	o->program = host->fuse_overlayfs;
	if (!o->no_program)
		ret->kinds[ret->n_kinds++] = ROOTFS_FUSE_OVERLAYFS;
	if (ret->n_kinds && ret->kinds[0] == ROOTFS_FUSE_OVERLAYFS && o->upper == UPPER_MEMORY)
		o->upper = UPPER_DISK; /* it cannot see a tmpfs of the container's own */
	if (ret->n_kinds)
		return 0;
	err_set(err, ENOENT, "%s: fuse-overlayfs cannot be used here: %s",
		o->uid_map ? "annotation " OVERLAY_IDMAP_ANNOTATION : "annotation org.bryo.rootfs",
		host->fuse_overlayfs ? "no right to read and write /dev/fuse"
				     : "it is not installed");
	return err_hint(err, -ENOENT,
			"overlay, the kernel's, or auto; 'bryo doctor' tells what is missing");
}

static int plan_kind(struct arena *a, const struct rootfs_request *q, const char *kind,
		     struct rootfs_plan *ret, struct err *err)
{
	struct overlay_words words;
	int rc = overlay_words(q->spec, overlay_tmpfs_is_old(q->host), &words, err);
	bool layers;

	if (rc < 0)
		return rc;
	layers = kind ? !str_eq(kind, "tmpfs") && !str_eq(kind, "plain") : words.any;
	if (!layers && words.any) {
		err_set(err, EINVAL, "annotation org.bryo.rootfs: %s has no layers", kind);
		return err_hint(err, -EINVAL, "auto, overlay or fuse-overlayfs, or leave it out");
	}
	ret->kinds[0] = str_eq(kind, "tmpfs") ? ROOTFS_TMPFS : ROOTFS_PLAIN;
	ret->n_kinds = 1;
	if (!layers)
		return 0;
	rc = plan_layers(a, q, &words, ret, err);
	if (rc < 0 || (ret->overlay.upper == UPPER_NONE && ret->overlay.lower.n == 1 &&
		       !ret->overlay.uid_map))
		return rc;
	return plan_backends(a, q->host, kind, ret, err);
}

int rootfs_plan(struct arena *a, const struct rootfs_request *q, struct notes *notes,
		struct rootfs_plan *ret, struct err *err)
{
	static const char *const words[] = { "plain", "tmpfs", "auto", "overlay",
					     "fuse-overlayfs" };
	const char *kind = spec_annotation(q->spec, "org.bryo.rootfs");
	bool known = !kind;
	int rc;

	ret->readonly = q->spec->root.readonly;
	ret->no_pivot = q->no_pivot;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		known |= str_eq(kind, words[i]);
	if (!known) {
		err_set(err, EINVAL, "annotation org.bryo.rootfs: unknown value '%s'", kind);
		return err_hint(err, -EINVAL, "plain, tmpfs, overlay, fuse-overlayfs or auto");
	}
	ret->path = q->bundle;
	rc = str_eq(kind, "tmpfs") ? 0 : plan_path(a, q, &ret->path, err);
	if (rc == 0)
		rc = plan_kind(a, q, kind, ret, err);
	if (rc < 0)
		return rc;
	if (q->no_pivot)
		note_add(
			notes, NOTE_WARNING, "--no-pivot", "pivot_root was turned off",
			"the root is moved and changed with chroot: weaker, use it only on a ramdisk");
	return plan_propagation(q->spec->linux_.rootfs_propagation, ret, err);
}

int rootfs_source_inside(const struct rootfs_plan *plan, struct err *err)
{
	int fd, rc;

	if (plan->kinds[0] == ROOTFS_TMPFS)
		return -EAGAIN;
	if (plan->kinds[0] != ROOTFS_PLAIN)
		return overlay_sources_inside(&plan->overlay, err);
	fd = open(plan->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	rc = err_sys(err, "root file system '%s'", plan->path);
	if (rc == -ENOENT || rc == -ENOTDIR)
		err_hint(err, rc, "root.path of config.json must name a directory");
	if (rc == -EACCES)
		err_hint(err, rc, "you need search permission on every directory of that path");
	return rc;
}

static int new_tmpfs(struct err *err)
{
	auto_fd int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int tree;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make the root tmpfs");
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return tree >= 0 ? tree : err_sys(err, "mount the root tmpfs");
}

/* Where the tmpfs is attached: any directory of ours will do, it is hidden at once. */
static int tmpfs_place(struct err *err)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, "open '/'");
}

/* What a later backend may be able to do. */
static bool falls_through(int rc)
{
	return rc == -EINVAL || rc == -EPERM || rc == -EOPNOTSUPP || rc == -ENODEV;
}

/* The first request to a root that a program serves shows whether it does. */
static int check_served(int tree, struct err *err)
{
	struct stat st;

	if (fstat(tree, &st) < 0)
		return err_sys(err, "look at the root that fuse-overlayfs serves");
	return 0;
}

static int mount_served(const struct rootfs_plan *plan, const struct rootfs_server *server,
			int why_not, struct err *err)
{
	auto_fd int fuse = -1;
	auto_fd int tree = fuse_overlayfs_mount_inside(&plan->overlay, &fuse, err);
	int rc = tree;

	if (tree >= 0)
		rc = server->serve(server->arg, ROOTFS_FUSE_OVERLAYFS, why_not, fuse, err);
	fd_closep(&fuse); /* the program's alone: its end ends the connection */
	if (rc == 0)
		rc = check_served(tree, err);
	if (rc == 0)
		rc = server->answered(server->arg, err);
	return rc < 0 ? rc : take_fd(&tree);
}

static int mount_layers(const struct rootfs_plan *plan, const struct rootfs_server *server,
			struct err *err)
{
	struct err why = ERR_INIT, then = ERR_INIT;
	bool second = plan->n_kinds > 1;
	int tree, rc;

	if (plan->kinds[0] == ROOTFS_FUSE_OVERLAYFS)
		return mount_served(plan, server, 0, err);
	tree = overlay_mount_inside(&plan->overlay, &why);
	if (tree >= 0 && second) {
		rc = server->serve(server->arg, ROOTFS_OVERLAY, 0, -1, err);
		if (rc < 0)
			fd_closep(&tree);
		return rc < 0 ? rc : tree;
	}
	if (tree >= 0)
		return tree;
	if (!second || !falls_through(tree)) {
		if (plan->overlay.no_program && falls_through(tree))
			err_hint(&why, tree, "%s", plan->overlay.no_program);
		*err = why;
		return tree;
	}
	rc = mount_served(plan, server, why.num, &then);
	if (rc >= 0)
		return rc;
	*err = then;
	(void)err_also(err, &why);
	return rc;
}

int rootfs_attach_inside(const struct rootfs_plan *plan, int source,
			 const struct rootfs_server *server, struct err *err)
{
	auto_fd int place = -1, tree = -1;
	int rc;

	/*
	 * Nothing of ours may propagate to the host; what the host mounts later may reach us
	 * only where the config wants a slave or shared root.
	 */
	if (mount(NULL, "/", NULL,
		  MS_REC | (plan->propagation == MS_PRIVATE ? MS_PRIVATE : MS_SLAVE), NULL) < 0)
		return err_sys(err, "take the mounts out of the host's propagation");
	switch (plan->kinds[0]) {
	case ROOTFS_TMPFS:
		place = tmpfs_place(err);
		tree = place < 0 ? place : new_tmpfs(err);
		break;
	case ROOTFS_PLAIN:
		tree = mount_clone(source, true, plan->sealed ? MOUNT_ATTR_RDONLY : 0, 0, err);
		break;
	default:
		tree = mount_layers(plan, server, err);
		overlay_close_inside(&plan->overlay);
	}
	if (tree < 0)
		return err_in(err, tree, "root file system '%s'", plan->path);
	rc = mount_attach(tree, place >= 0 ? place : source, err);
	return rc < 0 ? err_in(err, rc, "root file system '%s'", plan->path) : take_fd(&tree);
}

/* For a root that pivot_root cannot leave (a ramdisk): move over "/" and chroot. */
static int move_root(int rootfd, struct err *err)
{
	if (fchdir(rootfd) < 0)
		return err_sys(err, "enter the root");
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return err_sys(err, "move the root");
	if (chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, "chroot");
	return 0;
}

int rootfs_pivot_inside(const struct rootfs_plan *plan, int rootfd, struct err *err)
{
	auto_fd int old = -1;

	if (plan->no_pivot)
		return move_root(rootfd, err);
	old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return err_sys(err, "open the old root");
	if (fchdir(rootfd) < 0)
		return err_sys(err, "enter the new root");
	if (sys_pivot_root(".", ".") < 0) {
		err_sys(err, "pivot_root");
		return err_hint(
			err, -EINVAL,
			"the host's root is a ramdisk, which cannot be pivoted away: --no-pivot");
	}
	if (fchdir(old) < 0)
		return err_sys(err, "return to the old root");
	return 0;
}

int rootfs_finish_inside(const struct rootfs_plan *plan, int rootfd, struct err *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr prop = { .propagation = plan->propagation };

	if (!plan->no_pivot && umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "detach the old root");
	if (fchdir(rootfd) < 0)
		return err_sys(err, "enter the root");
	if (plan->propagation &&
	    sys_mount_setattr(rootfd, "",
			      AT_EMPTY_PATH | (plan->propagation_rec ? AT_RECURSIVE : 0),
			      &prop) < 0)
		return err_sys(err, "propagation of the root");
	if (plan->readonly && sys_mount_setattr(rootfd, "", AT_EMPTY_PATH, &ro) < 0)
		return err_sys(err, "make the root read-only");
	return 0;
}
