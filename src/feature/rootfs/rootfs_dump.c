/*
 * rootfs_dump.c - a layered root file system as `bryo plan` shows it (rootfs.h). Pure.
 */
#include "rootfs.h"

#include <string.h>

static const char *upper_word(enum overlay_upper upper)
{
	switch (upper) {
	case UPPER_KEPT:
		return "kept";
	case UPPER_MEMORY:
		return "memory";
	case UPPER_DISK:
		return "disk";
	case UPPER_NONE:
		break;
	}
	return "none";
}

static void text_changes(const struct overlay_plan *o, struct str *s)
{
	switch (o->upper) {
	case UPPER_KEPT:
		str_addf(s, "kept in %s\n", o->dir);
		return;
	case UPPER_MEMORY:
		str_add(s, "in memory, thrown away\n");
		return;
	case UPPER_DISK:
		str_add(s, "on disk, below $TMPDIR, /var/tmp or the bundle, thrown away\n");
		return;
	case UPPER_NONE:
		break;
	}
	str_add(s, "none: it cannot be written\n");
}

static void text_backends(const struct rootfs_plan *p, struct str *s)
{
	str_addf(s, "  backend  %s%s", rootfs_kind_name(p->kinds[0]),
		 p->n_kinds > 1 ? ", else fuse-overlayfs" : "");
	if (p->overlay.no_program)
		str_addf(s, "; no second choice: %s", p->overlay.no_program);
	str_addc(s, '\n');
	if (!p->tried.done)
		return;
	str_addf(s, "  tried    %s works", rootfs_kind_name(p->tried.kind));
	if (p->tried.why_not_first)
		str_addf(s, ", %s does not: %s", rootfs_kind_name(p->kinds[0]),
			 strerror(p->tried.why_not_first));
	str_addc(s, '\n');
}

void rootfs_dump_text(const struct rootfs_plan *p, struct str *s)
{
	const struct overlay_plan *o = &p->overlay;

	if (p->kinds[0] != ROOTFS_OVERLAY && p->kinds[0] != ROOTFS_FUSE_OVERLAYFS)
		return;
	for (size_t i = 0; i + 1 < o->lower.n; i++)
		str_addf(s, "  %-8s %s\n", i ? "" : "layers", o->lower.v[i]);
	str_add(s, "  changes  ");
	text_changes(o, s);
	if (o->uid_map)
		str_addf(s, "  owners   uid %s, gid %s (seen:shown:size)\n", o->uid_map,
			 o->gid_map);
	text_backends(p, s);
}

void rootfs_dump_json(const struct rootfs_plan *p, struct json_out *o)
{
	if (p->kinds[0] != ROOTFS_OVERLAY && p->kinds[0] != ROOTFS_FUSE_OVERLAYFS)
		return;
	json_out_object(o, "layers");
	json_out_array(o, "backends");
	for (size_t i = 0; i < p->n_kinds; i++)
		json_out_str(o, NULL, rootfs_kind_name(p->kinds[i]));
	json_out_end(o, ']');
	if (p->overlay.no_program)
		json_out_str(o, "noSecondBackend", p->overlay.no_program);
	if (p->tried.done) {
		json_out_str(o, "works", rootfs_kind_name(p->tried.kind));
		if (p->tried.why_not_first)
			json_out_str(o, "whyNotFirst", strerror(p->tried.why_not_first));
	}
	json_out_strv(o, "lower", &p->overlay.lower);
	json_out_str(o, "changes", upper_word(p->overlay.upper));
	if (p->overlay.dir)
		json_out_str(o, "upper", p->overlay.dir);
	if (p->overlay.uid_map) {
		json_out_str(o, "uidMapping", p->overlay.uid_map);
		json_out_str(o, "gidMapping", p->overlay.gid_map);
	}
	json_out_bool(o, "userxattr", p->overlay.userxattr);
	json_out_end(o, '}');
}
