/*
 * mount_opt.h - option strings of mounts[] to attribute sets, one table.
 *
 * Every name of runtime-spec 1.3's table is known; whatever is not goes to the file system as
 * data, as runc and crun have it, except on a bind, which has no file system to tell: there an
 * unknown option is refused by name. [pure]
 */
#ifndef BRYO_MOUNT_OPT_H
#define BRYO_MOUNT_OPT_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct mount_opts {
	uint64_t set, clr;	   /* MOUNT_ATTR_* of this mount */
	uint64_t rec_set, rec_clr; /* of the whole tree */
	unsigned long propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0 */
	bool propagation_rec;
	bool bind, rbind, remount;
	bool tmpcopyup, copy_symlink, src_nofollow, dest_nofollow, idmap, ridmap;
	const char *idmap_text;	   /* what follows "idmap=", or NULL */
	struct strv sb_flags;	   /* "sync", "dirsync", "lazytime", "mand": flags of the superblock */
	struct strv sb_clear;	   /* "async", "nolazytime", "nomand": for a remount */
	unsigned long sb_old;	   /* MS_I_VERSION, MS_SILENT: flags that only mount(2) has */
	struct strv data;	   /* "mode=755": for the file system */
};

int mount_opt_parse(struct arena *a, const struct strv *options, struct mount_opts *ret, struct err *err);
/* "ro,nosuid" of an attribute set, for `plan` and errors; into buf. */
const char *mount_attr_text(uint64_t attr, char *buf, size_t size);
/* The i-th option name of the table, NULL at the end: for features and lints. */
const char *mount_opt_name(size_t i);

#endif
