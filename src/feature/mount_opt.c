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
	const char *sb; /* SB: what fsconfig calls it; NULL: only mount(2) knows the flag */
} table[] = {
#define WORD_OF(f) WORD, 0, 0, offsetof(struct mount_opts, f), NULL
#define BOTH(name, no, flag)                                                          \
	{ name, ATTR, flag, 0, 0, NULL }, { no, ATTR, 0, flag, 0, NULL },             \
	{ "r" name, RATTR, flag, 0, 0, NULL }, { "r" no, RATTR, 0, flag, 0, NULL }
	{ "defaults", ATTR, 0, 0, 0, NULL },
	BOTH("ro", "rw", MOUNT_ATTR_RDONLY),
	BOTH("nosuid", "suid", MOUNT_ATTR_NOSUID),
	BOTH("nodev", "dev", MOUNT_ATTR_NODEV),
	BOTH("noexec", "exec", MOUNT_ATTR_NOEXEC),
	BOTH("nodiratime", "diratime", MOUNT_ATTR_NODIRATIME),
	BOTH("nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW),
#undef BOTH
	/* Leaving a class is going back to relatime, the kernel's default. */
#define ATIME(name, kind, value) { name, kind, value, MOUNT_ATTR__ATIME, 0, NULL }
	ATIME("relatime", ATTR, MOUNT_ATTR_RELATIME), ATIME("norelatime", ATTR, MOUNT_ATTR_STRICTATIME),
	ATIME("noatime", ATTR, MOUNT_ATTR_NOATIME), ATIME("atime", ATTR, MOUNT_ATTR_RELATIME),
	ATIME("strictatime", ATTR, MOUNT_ATTR_STRICTATIME), ATIME("nostrictatime", ATTR, MOUNT_ATTR_RELATIME),
	ATIME("rrelatime", RATTR, MOUNT_ATTR_RELATIME), ATIME("rnorelatime", RATTR, MOUNT_ATTR_STRICTATIME),
	ATIME("rnoatime", RATTR, MOUNT_ATTR_NOATIME), ATIME("ratime", RATTR, MOUNT_ATTR_RELATIME),
	ATIME("rstrictatime", RATTR, MOUNT_ATTR_STRICTATIME), ATIME("rnostrictatime", RATTR, MOUNT_ATTR_RELATIME),
#undef ATIME
#define PEERS(name, rname, flag) { name, PROP, flag, 0, 0, NULL }, { rname, PROP, flag, 0, 1, NULL }
	PEERS("shared", "rshared", MS_SHARED),
	PEERS("slave", "rslave", MS_SLAVE),
	PEERS("private", "rprivate", MS_PRIVATE),
	PEERS("unbindable", "runbindable", MS_UNBINDABLE),
#undef PEERS
	/*
	 * Flags of the superblock. fsconfig (asked on 6.1, 6.12 and 6.18) has no word for iversion and
	 * silent. There is no recursive form behind crun's names with an r.
	 */
#define ON(name, flag, sb)  { name, SB, flag, 0, 0, sb }
#define OFF(name, flag, sb) { name, SB, 0, flag, 0, sb }
	ON("sync", MS_SYNCHRONOUS, "sync"), OFF("async", MS_SYNCHRONOUS, "async"), ON("dirsync", MS_DIRSYNC, "dirsync"),
	ON("rsync", MS_SYNCHRONOUS, "sync"), OFF("rasync", MS_SYNCHRONOUS, "async"),
	ON("rdirsync", MS_DIRSYNC, "dirsync"),
	ON("lazytime", MS_LAZYTIME, "lazytime"), OFF("nolazytime", MS_LAZYTIME, "nolazytime"),
	ON("mand", MS_MANDLOCK, "mand"), OFF("nomand", MS_MANDLOCK, "nomand"), /* kept, without effect since 5.15 */
	ON("rmand", MS_MANDLOCK, "mand"), OFF("rnomand", MS_MANDLOCK, "nomand"),
	ON("iversion", MS_I_VERSION, NULL), OFF("noiversion", MS_I_VERSION, NULL),
	ON("silent", MS_SILENT, NULL), OFF("loud", MS_SILENT, NULL),
#undef ON
#undef OFF
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

static void strv_drop(struct strv *v, const char *word)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i], word) != 0)
			v->v[kept++] = v->v[i];
	v->n = kept;
}

/* The later option wins; sb_clear is for a remount, a new file system has nothing to clear. */
static void sb_apply(struct mount_opts *ret, const struct option *o)
{
	ret->sb_old = (ret->sb_old & ~(unsigned long)o->clr) | (o->sb ? 0 : (unsigned long)o->set);
	for (size_t i = 0; o->sb && i < ARRAY_LEN(table); i++) {
		const struct option *other = &table[i];

		if (other->kind != SB || !other->sb || !((other->set | other->clr) & (o->set | o->clr)))
			continue;
		strv_drop(other->set ? &ret->sb_flags : &ret->sb_clear, other->sb);
	}
	if (o->sb && o->set)
		ret->sb_flags.v[ret->sb_flags.n++] = o->sb;
	else if (o->sb)
		ret->sb_clear.v[ret->sb_clear.n++] = o->sb;
}

/* crun's form with a map: "idmap=uids=0-1000-1;gids=..." */
static bool inline_map(const char *name, struct mount_opts *ret)
{
	bool rec = str_starts(name, "ridmap=");

	if (!rec && !str_starts(name, "idmap="))
		return false;
	ret->idmap |= !rec;
	ret->ridmap |= rec;
	ret->idmap_text = strchr(name, '=') + 1;
	return true;
}

int mount_opt_parse(struct arena *a, const struct strv *options, struct mount_opts *ret, struct err *err)
{
	ret->data.v = arena_alloc(a, (options->n + 1) * sizeof(char *));
	ret->sb_flags.v = arena_alloc(a, (options->n + 1) * sizeof(char *));
	ret->sb_clear.v = arena_alloc(a, (options->n + 1) * sizeof(char *));
	for (size_t i = 0; i < options->n; i++) {
		const char *name = options->v[i];
		const struct option *o = find(name);

		if (!o && inline_map(name, ret))
			continue;
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
			sb_apply(ret, o);
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
