/*
 * test_mount_opt.c - option strings to attribute sets, a row each.
 */
#include "feature/mount_opt.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#include <sys/mount.h>

#define A(x)  MOUNT_ATTR_##x
#define TIMES MOUNT_ATTR__ATIME

static const struct {
	const char *options; /* comma-separated */
	uint64_t set, clr, rec_set, rec_clr;
	const char *data, *sb;
} rows[] = {
	{ "", 0, 0, 0, 0, "", "" },
	{ "defaults", 0, 0, 0, 0, "", "" },
	{ "ro", A(RDONLY), 0, 0, 0, "", "" },
	{ "rw", 0, A(RDONLY), 0, 0, "", "" },
	{ "ro,rw", 0, A(RDONLY), 0, 0, "", "" },
	{ "rw,ro", A(RDONLY), 0, 0, 0, "", "" },
	{ "nosuid,nodev,noexec", A(NOSUID) | A(NODEV) | A(NOEXEC), 0, 0, 0, "", "" },
	{ "suid,dev,exec", 0, A(NOSUID) | A(NODEV) | A(NOEXEC), 0, 0, "", "" },
	{ "nodiratime", A(NODIRATIME), 0, 0, 0, "", "" },
	{ "diratime", 0, A(NODIRATIME), 0, 0, "", "" },
	{ "nosymfollow", A(NOSYMFOLLOW), 0, 0, 0, "", "" },
	{ "noatime", A(NOATIME), TIMES, 0, 0, "", "" },
	{ "noatime,strictatime", A(STRICTATIME), TIMES, 0, 0, "", "" },
	{ "strictatime,relatime", A(RELATIME), TIMES, 0, 0, "", "" },
	{ "strictatime,noatime", A(NOATIME), TIMES, 0, 0, "", "" },
	{ "atime", 0, TIMES, 0, 0, "", "" },
	{ "norelatime", A(STRICTATIME), TIMES, 0, 0, "", "" },
	{ "nostrictatime", A(RELATIME), TIMES, 0, 0, "", "" },
	{ "rro", 0, 0, A(RDONLY), 0, "", "" },
	{ "rrw", 0, 0, 0, A(RDONLY), "", "" },
	{ "ro,rrw", A(RDONLY), 0, 0, A(RDONLY), "", "" },
	{ "rnosuid,rnodev,rnoexec,rnosymfollow,rnodiratime", 0, 0,
	  A(NOSUID) | A(NODEV) | A(NOEXEC) | A(NOSYMFOLLOW) | A(NODIRATIME), 0, "", "" },
	{ "rnoatime", 0, 0, A(NOATIME), TIMES, "", "" },
	{ "rstrictatime,rrelatime", 0, 0, A(RELATIME), TIMES, "", "" },
	{ "sync,dirsync,lazytime", 0, 0, 0, 0, "", "sync dirsync lazytime " },
	{ "async,silent,loud,mand,nomand,noiversion,nolazytime", 0, 0, 0, 0, "", "" },
	{ "sync,async,mand,nomand,lazytime", 0, 0, 0, 0, "", "lazytime " },
	{ "rsync,sync,rdirsync,rmand", 0, 0, 0, 0, "", "sync dirsync mand " },
	{ "mode=755,size=64k,weird", 0, 0, 0, 0, "mode=755 size=64k weird ", "" },
	{ "ROX,r", 0, 0, 0, 0, "ROX r ", "" },
};

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

static void split(struct arena *a, const char *options, struct strv *ret)
{
	char *copy = arena_strdup(a, options);

	ret->v = arena_alloc(a, (strlen(options) + 1) * sizeof(char *));
	ret->n = 0;
	for (char *p = copy, *end; *p; p = end) {
		end = strchrnul(p, ',');
		if (*end)
			*end++ = '\0';
		ret->v[ret->n++] = p;
	}
}

static int parse(struct arena *a, const char *options, struct mount_opts *o, struct err *err)
{
	struct strv list;

	split(a, options, &list);
	return mount_opt_parse(a, &list, o, err);
}

static bool list_is(const struct strv *v, const char *want)
{
	auto_str struct str s = STR_INIT;

	str_add(&s, "");
	for (size_t i = 0; i < v->n; i++)
		str_addf(&s, "%s ", v->v[i]);
	return str_eq(s.p, want);
}

static void test_rows(struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mount_opts o = { 0 };
		struct err err = ERR_INIT;
		bool good = parse(a, rows[i].options, &o, &err) == 0 && o.set == rows[i].set &&
			    o.clr == rows[i].clr && o.rec_set == rows[i].rec_set &&
			    o.rec_clr == rows[i].rec_clr && list_is(&o.data, rows[i].data) &&
			    list_is(&o.sb_flags, rows[i].sb);

		if (!ok(good, "options '%s'", rows[i].options))
			printf("# set %llx clr %llx rec %llx %llx\n", (unsigned long long)o.set,
			       (unsigned long long)o.clr, (unsigned long long)o.rec_set,
			       (unsigned long long)o.rec_clr);
	}
}

static void test_words(struct arena *a)
{
	struct mount_opts o = { 0 };
	struct err err = ERR_INIT;
	char text[512];

	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		o = (struct mount_opts){ 0 };
		ok(parse(a, propagations[i].name, &o, &err) == 0 &&
			   o.propagation == propagations[i].flag &&
			   o.propagation_rec == propagations[i].rec,
		   "propagation '%s'", propagations[i].name);
	}
	o = (struct mount_opts){ 0 };
	ok(parse(a, "bind,remount,copy-symlink,idmap", &o, &err) == 0 && o.bind && o.remount &&
		   o.copy_symlink && o.idmap && !o.rbind && !o.ridmap && !o.tmpcopyup,
	   "words set their own flag and no other");
	o = (struct mount_opts){ 0 };
	ok(parse(a, "rbind,mode=1", &o, &err) == -EINVAL, "data of a bind is refused");
	ok(strstr(err_format(&err, text, sizeof(text)), "'mode=1'") != NULL, "by name");
	o = (struct mount_opts){ 0 };
	ok(parse(a, "bind,remount,size=1", &o, &err) == 0 && o.data.n == 1, "but not of a remount");
}

static void test_superblock(struct arena *a)
{
	struct mount_opts o = { 0 };
	struct err err = ERR_INIT;

	ok(parse(a, "sync,async,nolazytime,lazytime,nomand", &o, &err) == 0 && list_is(&o.sb_clear, "async nomand ") &&
		   list_is(&o.sb_flags, "lazytime "),
	   "the later of two opposites is set, or cleared");
	o = (struct mount_opts){ 0 };
	ok(parse(a, "iversion,silent", &o, &err) == 0 && o.sb_old == (MS_I_VERSION | MS_SILENT) && !o.sb_flags.n,
	   "iversion and silent are for mount(2)");
	o = (struct mount_opts){ 0 };
	ok(parse(a, "iversion,silent,loud,sync,noiversion", &o, &err) == 0 && o.sb_old == 0, "and can be taken back");
	o = (struct mount_opts){ 0 };
	ok(parse(a, "bind,ridmap=uids=0-0-1;gids=0-0-1", &o, &err) == 0 && o.ridmap && !o.idmap &&
		   str_eq(o.idmap_text, "uids=0-0-1;gids=0-0-1") && !o.data.n,
	   "a map in the option is no data");
}

/* Every name that `features` prints is taken by the parser, and not as data. */
static void test_names(struct arena *a)
{
	size_t n = 0, bad = 0;

	for (const char *name; (name = mount_opt_name(n)); n++) {
		struct mount_opts o = { 0 };

		if (parse(a, name, &o, NULL) < 0 || o.data.n)
			bad++;
	}
	ok(n > 60 && !bad, "all %zu names of the table are known", n);
}

static void test_text(void)
{
	char buf[128], small[8];

	ok_str(mount_attr_text(A(RDONLY) | A(NOSUID) | A(NODEV) | A(NOEXEC) | A(NOATIME) |
				       A(NODIRATIME) | A(NOSYMFOLLOW),
			       buf, sizeof(buf)),
	       "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow", "text of a set");
	ok_str(mount_attr_text(A(STRICTATIME), buf, sizeof(buf)), "strictatime",
	       "strictatime is not noatime");
	ok_str(mount_attr_text(0, buf, sizeof(buf)), "", "of the empty set");
	ok(strlen(mount_attr_text(A(RDONLY) | A(NOSUID) | A(NODEV), small, sizeof(small))) <
		   sizeof(small),
	   "a small buffer is terminated");
}

int main(void)
{
	auto_arena struct arena a = ARENA_INIT;

	test_rows(&a);
	test_words(&a);
	test_superblock(&a);
	test_names(&a);
	test_text();
	return done();
}
