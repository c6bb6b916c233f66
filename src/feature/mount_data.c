/*
 * mount_data.c - files whose content comes from a descriptor (theory in mount_data.h). Read in the
 * runtime, made in init.
 */
#include "mount_data.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define FILE_NAME "data"

static int parse_source(const char *source, int *ret, struct err *err)
{
	unsigned long long n;

	if (!source || !str_starts(source, "fd:") || !str_to_u64(source + 3, INT_MAX, &n)) {
		err_set(err, EINVAL, "source '%s' is not fd:N", source ? source : "");
		return err_hint(err, -EINVAL,
				"N is a descriptor that bryo was started with, such as fd:3");
	}
	*ret = (int)n;
	return 0;
}

static bool parse_mode(const char *text, unsigned *ret)
{
	size_t n = strspn(text, "01234567");

	if (!n || n > 5 || text[n])
		return false;
	*ret = (unsigned)strtoul(text, NULL, 8);
	return *ret <= 0777;
}

static int parse_word(const char *word, struct mount_data *d, struct err *err)
{
	const char *value = strchr(word, '=');
	unsigned long long id = 0;
	bool good = value && value[1];

	if (good && str_starts(word, "mode="))
		good = parse_mode(value + 1, &d->mode);
	else if (good && (str_starts(word, "uid=") || str_starts(word, "gid=")))
		good = str_to_u64(value + 1, UINT32_MAX - 1, &id);
	else
		return err_hint(err,
				err_set(err, EINVAL, "option '%s' is not known for type %s", word,
					MOUNT_DATA_TYPE),
				"mode=, uid=, gid= and attributes such as noexec are");
	if (!good)
		return err_set(err, EINVAL, "option '%s' wants %s", word,
			       word[0] == 'm' ? "an octal mode up to 777" : "a number");
	if (word[0] == 'u')
		d->uid = (uint32_t)id;
	else if (word[0] == 'g')
		d->gid = (uint32_t)id;
	return 0;
}

int mount_data_plan(struct arena *a, const struct spec_process *process, struct mount_op *op,
		    struct err *err)
{
	struct mount_data *d = arena_alloc(a, sizeof(*d));
	int rc = parse_source(op->source, &d->fd, err);

	d->mode = 0444;
	d->uid = process ? process->user.uid : UINT32_MAX;
	d->gid = process ? process->user.gid : UINT32_MAX;
	for (size_t i = 0; i < op->o.data.n && rc == 0; i++)
		rc = parse_word(op->o.data.v[i], d, err);
	if (rc == 0 && (op->o.sb_flags.n || op->o.sb_old || op->o.idmap || op->o.ridmap))
		rc = err_set(err, EINVAL, "type %s takes no %s", MOUNT_DATA_TYPE,
			     op->o.idmap || op->o.ridmap ? "ID map" : "flags of a file system");
	op->kind = MOUNT_DATA;
	op->content = d;
	op->o.set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	return rc;
}

/* What bryo has opened itself is close-on-exec, what it was started with cannot be. */
static int check_one(const struct mount_op *op, struct err *err)
{
	int flags = fcntl(op->content->fd, F_GETFD);

	if (flags >= 0 && !(flags & FD_CLOEXEC))
		return 0;
	err_set(err, EBADF, "source '%s': bryo was not started with such a descriptor", op->source);
	return err_hint(err, -EBADF, "in a shell: bryo ... %d<FILE", op->content->fd);
}

static int read_one(const struct mount_op *op, struct err *err)
{
	struct mount_data *d = op->content;
	int rc = check_one(op, err);

	if (rc < 0)
		return rc;
	rc = fd_read_all(d->fd, MOUNT_DATA_MAX, &d->text, &d->len, err);
	if (rc == -EFBIG)
		err_hint(err, rc, "bind a file instead: what is larger belongs on a disk");
	return rc < 0 ? err_in(err, rc, "source '%s'", op->source) : 0;
}

static int for_each(const struct mount_plan *plan,
		    int (*one)(const struct mount_op *op, struct err *err), struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int rc = plan->v[i].kind == MOUNT_DATA ? one(&plan->v[i], err) : 0;

		if (rc < 0)
			return err_in(err, rc, "mount '%s'", plan->v[i].target);
	}
	return 0;
}

int mount_data_check(const struct mount_plan *plan, struct err *err)
{
	return for_each(plan, check_one, err);
}

int mount_data_outside(const struct mount_plan *plan, struct err *err)
{
	return for_each(plan, read_one, err);
}

void mount_data_release(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct mount_data *d = plan->v[i].content;

		if (!d || !d->text)
			continue;
		explicit_bzero(d->text, d->len);
		free(d->text);
		d->text = NULL;
	}
}

/* The root of a new ramfs, detached. */
static int new_ramfs(struct err *err)
{
	auto_fd int fs = sys_fsopen("ramfs", FSOPEN_CLOEXEC);
	int tree;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make a ramfs");
	tree = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return tree >= 0 ? tree : err_sys(err, "mount a ramfs");
}

/* Mode last: a change of owner may clear bits of it. */
static int fill(int tree, const struct mount_data *d, struct err *err)
{
	auto_fd int fd = openat(tree, FILE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_sys(err, "make the file");
	rc = fd_write_all(fd, d->text, d->len, err);
	if (rc == 0 && (d->uid != UINT32_MAX || d->gid != UINT32_MAX) &&
	    fchown(fd, d->uid, d->gid) < 0)
		rc = err_sys(err, "give it to %u:%u", d->uid, d->gid);
	if (rc == 0 && fchmod(fd, d->mode) < 0)
		rc = err_sys(err, "set its mode");
	return rc;
}

/* A detached tree of the one file; its ramfs is attached over the root while it is cloned. */
static int clone_file(const struct mount_op *op, int tree, int rootfd, struct err *err)
{
	auto_fd int file = -1, clone = -1;
	char path[64];
	int rc = mount_attach(tree, rootfd, err);

	if (rc < 0)
		return rc;
	file = openat(tree, FILE_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	clone = file < 0 ? err_sys(err, "open the file")
			 : mount_clone(file, false, op->o.set, op->o.clr, err);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", tree);
	if (umount2(path, MNT_DETACH) < 0 && clone >= 0)
		return err_sys(err, "detach the ramfs");
	return clone < 0 ? clone : take_fd(&clone);
}

int mount_data_inside(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int target = mount_target(op, false, rootfd, err);
	auto_fd int tree = target < 0 ? target : new_ramfs(err);
	auto_fd int clone = -1;
	int rc = tree < 0 ? tree : fill(tree, op->content, err);

	if (rc < 0)
		return rc;
	clone = clone_file(op, tree, rootfd, err);
	return clone < 0 ? clone : mount_finish(op, clone, target, err);
}
