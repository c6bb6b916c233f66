/*
 * mount_layers.c - overlay mounts that forget (theory in mount_layers.h). Planned purely, made in
 * init.
 */
#include "mount_layers.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/rootfs/overlay.h"
#include "mount_explain.h"

#define WORD  "ephemeral"
#define LOWER "lowerdir="

bool mount_layers_wanted(const struct mount_op *op)
{
	for (size_t i = 0; i < op->o.data.n; i++)
		if (str_eq(op->o.data.v[i], WORD))
			return true;
	return false;
}

static int take_word(struct arena *a, const char *base, const char *word, struct overlay_plan *p,
		     struct err *err)
{
	if (str_eq(word, WORD) || str_eq(word, "userxattr"))
		return 0;
	if (str_starts(word, LOWER))
		return overlay_split(a, word + sizeof(LOWER) - 1, base, &p->lower, err);
	err_set(err, EINVAL, "option '%s' does not go with '" WORD "'", word);
	return err_hint(err, -EINVAL, "lowerdir= and attributes such as nosuid do");
}

int mount_layers_plan(struct arena *a, const char *base, bool userns, const struct host *host,
		      struct mount_op *op, struct err *err)
{
	struct overlay_plan *p = arena_alloc(a, sizeof(*p));
	int rc = 0;

	for (size_t i = 0; i < op->o.data.n && rc == 0; i++)
		rc = take_word(a, base, op->o.data.v[i], p, err);
	if (rc < 0)
		return rc;
	if (!p->lower.n)
		return err_set(err, EINVAL, "an overlay needs the option lowerdir=DIR[:DIR...]");
	if (p->lower.n > OVERLAY_LAYERS_MAX)
		return err_set(err, EINVAL, "%zu layers, and overlay takes %d", p->lower.n,
			       OVERLAY_LAYERS_MAX);
	p->upper = overlay_tmpfs_is_old(host) ? UPPER_DISK : UPPER_MEMORY;
	p->userxattr = userns;
	p->fds = arena_alloc(a, (p->lower.n + 1) * sizeof(int));
	for (size_t i = 0; i < p->lower.n + 1; i++)
		p->fds[i] = -1;
	op->kind = MOUNT_LAYERS;
	op->layers = p;
	return 0;
}

struct overlay_plan *mount_layers_on_disk(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].kind == MOUNT_LAYERS && plan->v[i].layers->upper == UPPER_DISK)
			return plan->v[i].layers;
	return NULL;
}

/* Overlay shows a directory without what is mounted in it, and the kernel lets nobody look there. */
static void explain(const struct overlay_plan *p, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv below = { NULL, 0 };

	for (size_t i = 0; i < p->lower.n && !below.n; i++)
		mount_points_below(&a, p->lower.v[i], &below);
	if (!below.n)
		return;
	err->hint[0] = '\0';
	err_hint(
		err, 0,
		"'%s' is mounted in it (%zu in all), and an overlay may not leave out what somebody with "
		"more rights has mounted: unmount it, or bind what is needed instead",
		below.v[0], below.n);
}

int mount_layers_inside(const struct mount_op *op, int rootfd, struct err *err)
{
	auto_fd int target = mount_target(op, true, rootfd, err);
	auto_fd int tree = target < 0 ? target : overlay_mount_inside(op->layers, err);
	int rc;

	overlay_close_inside(op->layers);
	if (tree == -EINVAL)
		explain(op->layers, err);
	if (tree < 0)
		return tree;
	rc = mount_set_attr(tree, 0, op->o.set, op->o.clr, err);
	if (rc == 0)
		rc = mount_set_attr(tree, AT_RECURSIVE, op->o.rec_set, op->o.rec_clr, err);
	return rc < 0 ? rc : mount_finish(op, tree, target, err);
}
