/*
 * device.c - device nodes and the links in /dev (theory in device.h). device_plan() is pure;
 * the rest runs in init.
 */
#include "device.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"
#include "feature/mount.h"

#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

static const struct {
	const char *path;
	uint32_t major, minor;
} defaults[] = {
	{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static const struct {
	const char *name, *to;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static int from_spec(struct arena *a, const struct spec_device *d, struct device *ret,
		     struct err *err)
{
	bool numbered = str_eq(d->type, "c") || str_eq(d->type, "b") || str_eq(d->type, "u");
	char *path;

	if (!d->path || d->path[0] != '/')
		return err_set(err, EINVAL, "path '%s' is not absolute", d->path ? d->path : "");
	if (!numbered && !str_eq(d->type, "p"))
		return err_hint(
			err,
			err_set(err, EINVAL, "unknown device type '%s'", d->type ? d->type : ""),
			"c, b, u or p");
	if (numbered && (!d->major.set || !d->minor.set || d->major.v < 0 || d->minor.v < 0 ||
			 d->major.v > UINT32_MAX || d->minor.v > UINT32_MAX))
		return err_set(err, EINVAL, "a device of type '%s' needs major and minor", d->type);
	path = arena_strdup(a, d->path);
	path_clean(path);
	*ret = (struct device){
		.path = path,
		.type = str_eq(d->type, "u") ? 'c' : d->type[0],
		.major = numbered ? (uint32_t)d->major.v : 0,
		.minor = numbered ? (uint32_t)d->minor.v : 0,
		.mode = d->file_mode.set ? d->file_mode.v & 07777 : 0666,
		.uid = d->uid.set ? d->uid.v : 0,
		.gid = d->gid.set ? d->gid.v : 0,
	};
	return 0;
}

int device_plan(struct arena *a, const struct spec *spec, bool dev_is_ours, bool userns,
		struct notes *notes, struct device_plan *ret, struct err *err)
{
	VEC(struct device) list = VEC_INIT;

	ret->in_userns = userns;
	ret->links = dev_is_ours;
	for (size_t i = 0; dev_is_ours && i < ARRAY_LEN(defaults); i++)
		*vec_add(a, &list) = (struct device){ defaults[i].path,
						      'c',
						      defaults[i].major,
						      defaults[i].minor,
						      0666,
						      0,
						      0,
						      userns };
	for (size_t i = 0; i < spec->linux_.devices.n; i++) {
		const struct spec_device *d = &spec->linux_.devices.v[i];
		struct device made = { 0 };
		bool known = false;
		int rc = from_spec(a, d, &made, err);

		if (rc < 0)
			return err_in(err, rc, "linux.devices[%zu]", i);
		made.bind = userns && made.type != 'p';
		for (size_t k = 0; k < list.n && !known; k++)
			if (str_eq(list.v[k].path, made.path)) {
				list.v[k] = made;
				known = true;
			}
		if (!known)
			*vec_add(a, &list) = made;
		if (made.bind && (d->file_mode.set || d->uid.set || d->gid.set))
			note_add(notes, NOTE_ADAPTED,
				 arena_printf(a, "linux.devices[%zu] '%s'", i, made.path),
				 "without root no device node can be made",
				 "bind of the host's node; its mode and owner stay the host's");
	}
	ret->v = list.v;
	ret->n = list.n;
	ret->sources = arena_alloc(a, (list.n + 1) * sizeof(int));
	for (size_t i = 0; i < list.n; i++)
		ret->sources[i] = -1;
	return 0;
}

static int check_node(const struct device *d, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at '%s'", d->path);
	if ((d->type == 'c' ? S_ISCHR(st.st_mode) : S_ISBLK(st.st_mode)) &&
	    major(st.st_rdev) == d->major && minor(st.st_rdev) == d->minor)
		return 0;
	err_set(err, EINVAL, "'%s' of the host is not the device %c %u:%u that was asked for",
		d->path, d->type, d->major, d->minor);
	return err_hint(
		err, -EINVAL,
		"without root only nodes that the host has under the same path can be given");
}

int device_sources_inside(const struct device_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct device *d = &plan->v[i];
		int rc;

		if (!d->bind)
			continue;
		plan->sources[i] = open(d->path, O_PATH | O_CLOEXEC);
		if (plan->sources[i] < 0) {
			rc = err_sys(err, "open the host's '%s'", d->path);
			return err_hint(
				err, rc,
				"without root the host's node is bound into the container, so it must exist there");
		}
		rc = check_node(d, plan->sources[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A place for a bind: a plain file, or whatever non-directory is there, never through a link. */
static int node_place(int parent, const char *name, struct err *err)
{
	auto_fd int made =
		openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct stat st;
	int fd;

	if (made < 0 && errno != EEXIST)
		return err_sys(err, "make the mount point");
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the mount point");
	if (fstat(fd, &st) == 0 && (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))) {
		(void)close(fd);
		return err_set(err, ENOTUNIQ, "there is a %s in the image",
			       S_ISDIR(st.st_mode) ? "directory" : "symbolic link");
	}
	return fd;
}

static int bind_node(int source, int parent, const char *name, struct err *err)
{
	auto_fd int target = node_place(parent, name, err);
	auto_fd int tree = -1;

	if (target < 0)
		return target;
	tree = mount_clone(source, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, err);
	return tree < 0 ? tree : mount_attach(tree, target, err);
}

static int make_node(const struct device *d, int parent, const char *name, struct err *err)
{
	mode_t type = d->type == 'c' ? S_IFCHR : d->type == 'b' ? S_IFBLK : S_IFIFO;
	char self[64];
	auto_fd int fd = -1;
	struct stat st;

	if (mknodat(parent, name, type | d->mode, makedev(d->major, d->minor)) < 0 &&
	    errno != EEXIST)
		return err_sys(err, "make the node");
	/* Checked and changed through one descriptor: by name, a swapped link would be followed. */
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "look at what is there");
	if ((st.st_mode & S_IFMT) != type ||
	    (type != S_IFIFO && st.st_rdev != makedev(d->major, d->minor)))
		return err_set(err, EEXIST, "something else is there already");
	if (fchownat(fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
		return err_sys(err, "set the owner");
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if ((st.st_mode & 07777) != d->mode && chmod(self, d->mode) < 0)
		return err_sys(err, "set the mode");
	return 0;
}

static int make_links(int rootfd, struct err *err)
{
	auto_fd int dev = -1;
	struct stat top;

	/* Even inside the root it could lead into a volume of the host's (CVE-2026-41579). */
	if (fstatat(rootfd, "dev", &top, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(top.st_mode))
		return err_set(
			err, ENOTDIR,
			"'/dev' of the root file system is a symbolic link, it must be a directory");
	dev = path_mkdir_in(rootfd, "/dev", 0755, err);
	if (dev < 0)
		return dev;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		bool ptmx = str_eq(links[i].name, "ptmx");
		struct stat st;

		/* An image's own ptmx would name the host's devpts: replaced, inside the root. */
		if (ptmx && fstatat(dev, "ptmx", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISDIR(st.st_mode))
			(void)unlinkat(dev, "ptmx", 0);
		if (symlinkat(links[i].to, dev, links[i].name) < 0 && errno != EEXIST &&
		    errno != EROFS)
			return err_sys(err, "make the link '/dev/%s'", links[i].name);
	}
	return 0;
}

/* Nearly all nodes are in /dev: the directory of the one before is kept. */
struct parent {
	const char *path; /* of a node in it */
	size_t len;	  /* of the directory's part */
	int fd;
};

static int parent_open(struct parent *p, const char *path, int rootfd, char *name, size_t size,
		       struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = (size_t)(slash - path);

	if (p->fd >= 0 && p->len == len && memcmp(p->path, path, len) == 0 && strlen(slash) <= size) {
		memcpy(name, slash + 1, strlen(slash));
		return 0;
	}
	fd_closep(&p->fd);
	p->fd = path_parent_in(rootfd, path, name, size, err);
	p->path = path;
	p->len = len;
	return p->fd < 0 ? p->fd : 0;
}

static int device_one(const struct device_plan *plan, size_t i, int rootfd, struct parent *p,
		      struct err *err)
{
	const struct device *d = &plan->v[i];
	char name[NAME_MAX + 1];
	int rc = parent_open(p, d->path, rootfd, name, sizeof(name), err);

	if (rc < 0)
		return rc;
	return d->bind ? bind_node(plan->sources[i], p->fd, name, err)
		       : make_node(d, p->fd, name, err);
}

int device_inside(const struct device_plan *plan, int rootfd, struct err *err)
{
	struct parent p = { .fd = -1 };
	mode_t mask = umask(0);
	int rc = 0;

	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		rc = device_one(plan, i, rootfd, &p, err);
		if (rc < 0)
			err_in(err, rc, "device '%s'", plan->v[i].path);
		fd_closep(&plan->sources[i]);
	}
	fd_closep(&p.fd);
	umask(mask);
	return rc < 0 || !plan->links ? rc : make_links(rootfd, err);
}
