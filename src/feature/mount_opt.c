/*
 * mount_opt.c - the table of mount options (mount_opt.h). Pure.
 *
 * The atime class is one two-bit field of the kernel, not flags: setting any of it clears the
 * whole field first (MOUNT_ATTR__ATIME).
 */
#include "mount_opt.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"

#include <string.h>
#include <sys/mount.h>

enum kind { ATTR, RATTR, PROP, SB, WORD };

static const struct option {
	const char *name;
	enum kind kind;
	uint64_t set, clr;
	size_t word; /* WORD: offset of the bool; PROP: recursive */
} table[] = {
#define WORD_OF(f) WORD, 0, 0, offsetof(struct mount_opts, f)
#define BOTH(name, no, flag)                                                          \
	{ name, ATTR, flag, 0, 0 }, { no, ATTR, 0, flag, 0 },                         \
	{ "r" name, RATTR, flag, 0, 0 }, { "r" no, RATTR, 0, flag, 0 }
	{ "defaults", ATTR, 0, 0, 0 },
	BOTH("ro", "rw", MOUNT_ATTR_RDONLY),
	BOTH("nosuid", "suid", MOUNT_ATTR_NOSUID),
	BOTH("nodev", "dev", MOUNT_ATTR_NODEV),
	BOTH("noexec", "exec", MOUNT_ATTR_NOEXEC),
	BOTH("nodiratime", "diratime", MOUNT_ATTR_NODIRATIME),
	BOTH("nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW),
#undef BOTH
	/* Leaving a class is going back to relatime, the kernel's default. */
#define ATIME(name, kind, value) { name, kind, value, MOUNT_ATTR__ATIME, 0 }
	ATIME("relatime", ATTR, MOUNT_ATTR_RELATIME), ATIME("norelatime", ATTR, MOUNT_ATTR_STRICTATIME),
	ATIME("noatime", ATTR, MOUNT_ATTR_NOATIME), ATIME("atime", ATTR, MOUNT_ATTR_RELATIME),
	ATIME("strictatime", ATTR, MOUNT_ATTR_STRICTATIME), ATIME("nostrictatime", ATTR, MOUNT_ATTR_RELATIME),
	ATIME("rrelatime", RATTR, MOUNT_ATTR_RELATIME), ATIME("rnorelatime", RATTR, MOUNT_ATTR_STRICTATIME),
	ATIME("rnoatime", RATTR, MOUNT_ATTR_NOATIME), ATIME("ratime", RATTR, MOUNT_ATTR_RELATIME),
	ATIME("rstrictatime", RATTR, MOUNT_ATTR_STRICTATIME), ATIME("rnostrictatime", RATTR, MOUNT_ATTR_RELATIME),
#undef ATIME
	{ "shared", PROP, MS_SHARED, 0, 0 }, { "rshared", PROP, MS_SHARED, 0, 1 },
	{ "slave", PROP, MS_SLAVE, 0, 0 }, { "rslave", PROP, MS_SLAVE, 0, 1 },
	{ "private", PROP, MS_PRIVATE, 0, 0 }, { "rprivate", PROP, MS_PRIVATE, 0, 1 },
	{ "unbindable", PROP, MS_UNBINDABLE, 0, 0 }, { "runbindable", PROP, MS_UNBINDABLE, 0, 1 },
	/* Flags of the superblock; the opposites are what a new one has anyway. */
	{ "sync", SB, 1, 0, 0 }, { "async", SB, 0, 0, 0 }, { "dirsync", SB, 1, 0, 0 },
	{ "lazytime", SB, 1, 0, 0 }, { "nolazytime", SB, 0, 0, 0 },
	{ "mand", SB, 0, 0, 0 }, { "nomand", SB, 0, 0, 0 }, /* nothing behind it since 5.15 */
	{ "iversion", SB, 1, 0, 0 }, { "noiversion", SB, 0, 0, 0 },
	{ "silent", SB, 0, 0, 0 }, { "loud", SB, 0, 0, 0 }, /* kernel log noise: fsopen has its own channel */
	{ "bind", WORD_OF(bind) }, { "rbind", WORD_OF(rbind) }, { "remount", WORD_OF(remount) },
	{ "tmpcopyup", WORD_OF(tmpcopyup) }, { "copy-symlink", WORD_OF(copy_symlink) },
	{ "src-nofollow", WORD_OF(src_nofollow) }, { "dest-nofollow", WORD_OF(dest_nofollow) },
	{ "idmap", WORD_OF(idmap) }, { "ridmap", WORD_OF(ridmap) },
#undef WORD_OF
};

const char *mount_opt_name(size_t i)
{
	return i < ARRAY_LEN(table) ? table[i].name : NULL;
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* The later option wins, as in mount(8). */
static void attr_apply(uint64_t *set, uint64_t *clr, const struct option *o)
{
	if (o->clr & MOUNT_ATTR__ATIME)
		*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	*set = (*set & ~o->clr) | o->set;
	*clr = (*clr & ~o->set) | o->clr;
}

int mount_opt_parse(struct arena *a, const struct strv *options, struct mount_opts *ret, struct err *err)
{
	ret->data.v = arena_alloc(a, (options->n + 1) * sizeof(char *));
	ret->sb_flags.v = arena_alloc(a, (options->n + 1) * sizeof(char *));
	for (size_t i = 0; i < options->n; i++) {
		const char *name = options->v[i];
		const struct option *o = find(name);

		if (!o) {
			ret->data.v[ret->data.n++] = name;
			continue;
		}
		switch (o->kind) {
		case ATTR:
			attr_apply(&ret->set, &ret->clr, o);
			break;
		case RATTR:
			attr_apply(&ret->rec_set, &ret->rec_clr, o);
			break;
		case PROP:
			ret->propagation = (unsigned long)o->set;
			ret->propagation_rec = o->word;
			break;
		case SB:
			if (o->set)
				ret->sb_flags.v[ret->sb_flags.n++] = name;
			break;
		case WORD:
			*(bool *)((char *)ret + o->word) = true;
			break;
		}
	}
	if ((ret->bind || ret->rbind) && !ret->remount && ret->data.n > 0) {
		err_set(err, EINVAL, "options: '%s' is not known for a bind mount", ret->data.v[0]);
		return err_hint(err, -EINVAL, "a bind mount has no file system to give it to");
	}
	return 0;
}

const char *mount_attr_text(uint64_t attr, char *buf, size_t size)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} words[] = {
		{ "ro", MOUNT_ATTR_RDONLY },	   { "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },	   { "noexec", MOUNT_ATTR_NOEXEC },
		{ "noatime", MOUNT_ATTR_NOATIME }, { "strictatime", MOUNT_ATTR_STRICTATIME },
		{ "nodiratime", MOUNT_ATTR_NODIRATIME }, { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
	};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		int n;

		if ((attr & words[i].bits) != words[i].bits)
			continue;
		n = snprintf(buf + used, size - used, "%s%s", used ? "," : "", words[i].name);
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return buf;
}
