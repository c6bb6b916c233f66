/*
 * test_doctor.c - what doctor decides without looking: which distribution a text of os-release is,
 * which words may stand in a command, and how a report is laid out.
 */
#include "doctor/doctor_parts.h"

#include "base/cleanup.h"
#include "tap.h"

static const struct {
	const char *what, *text;
	enum distro distro;
} releases[] = {
	{ "nothing", "", DISTRO_OTHER },
	{ "a bare ID", "NAME=x\nID=debian\n", DISTRO_DEBIAN },
	{ "quotes", "ID=\"rhel\"", DISTRO_FEDORA },
	{ "single quotes", "ID='arch'\n", DISTRO_ARCH },
	{ "ID comes before ID_LIKE", "ID_LIKE=debian\nID=fedora\n", DISTRO_FEDORA },
	{ "an unknown ID falls back on ID_LIKE, in its order",
	  "ID=linuxmint\nID_LIKE=\"ubuntu arch\"\n", DISTRO_DEBIAN },
	{ "unknown words before a known one", "ID=x\nID_LIKE=\"y suse opensuse\"\n", DISTRO_SUSE },
	{ "a longer word is another", "ID=debianish\nVERSION_ID=12\n", DISTRO_OTHER },
	{ "another name that ends so", "BUILD_ID=alpine\n", DISTRO_OTHER },
	{ "no newline at the end", "ID=alpine", DISTRO_ALPINE },
};

static const struct {
	const char *word, *want;
} words[] = {
	{ "alice", "alice" },	 { "/home/a-b_c.d/x+y@z", "/home/a-b_c.d/x+y@z" },
	{ "a b", "WHAT" },	 { "a'b", "WHAT" },
	{ "$(reboot)", "WHAT" }, { "a;b", "WHAT" },
	{ "-rf", "WHAT" },	 { "", "WHAT" },
	{ NULL, "WHAT" },	 { "\303\244", "WHAT" },
};

static const struct {
	unsigned long magic;
	enum fs_kind kind;
	const char *name;
} types[] = {
	{ 0x6969, FS_NETWORK, "NFS" },
	{ 0xff534d42, FS_NETWORK, "CIFS" },
	{ 0xfe534d42, FS_NETWORK, "SMB" },
	{ 0x0bd00bd0, FS_NETWORK, "Lustre" },
	{ 0x47504653, FS_NETWORK, "GPFS" },
	{ 0x65735546, FS_FUSE, "FUSE" },
	{ 0x794c7630, FS_OVERLAY, "overlay" },
	{ 0x4d44, FS_PLAIN, "FAT" },
	{ 0xef53, FS_LOCAL, "a local file system" },	 /* ext4 */
	{ 0x01021994, FS_LOCAL, "a local file system" }, /* tmpfs */
};

static struct finding lines[] = {
	{ "a.b", 0, DOCTOR_OK, "one two three four five six seven eight nine ten", NULL },
	{ "long.name", 0, DOCTOR_MISSING, "why", "do it with care" },
};

static void test_text(void)
{
	const struct doctor_report r = { lines, 2, { 1, 0, 1 } };
	auto_str struct str plain = STR_INIT, folded = STR_INIT, nothing = STR_INIT;

	doctor_text(&r, &(struct doctor_look){ false, false, 0 }, &plain);
	ok_str(plain.p,
	       "ok        a.b        one two three four five six seven eight nine ten\n"
	       "missing   long.name  why\n"
	       "          -> do it with care\n"
	       "\n1 ok, 0 degraded, 1 missing\n",
	       "words, one line a check, the remedy below");
	doctor_text(&r, &(struct doctor_look){ true, true, 40 }, &folded);
	ok_str(folded.p,
	       "\033[32m✓\033[0m  a.b        one two three four five\n"
	       "              six seven eight nine ten\n"
	       "\033[31m✗\033[0m  long.name  why\n"
	       "   → do it with care\n"
	       "\n1 ok, 0 degraded, 1 missing\n",
	       "marks, colours, and the reason folded to the terminal");
	doctor_text(&(struct doctor_report){ 0 }, &(struct doctor_look){ 0 }, &nothing);
	ok_str(nothing.p, "0 ok, 0 degraded, 0 missing\n", "no checks");
}

int main(void)
{
	auto_arena struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(releases); i++)
		ok(distro_parse(&a, releases[i].text) == releases[i].distro, "os-release: %s",
		   releases[i].what);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		ok_str(shell_word(words[i].word, "WHAT"), words[i].want,
		       words[i].word ? words[i].word : "NULL");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *name;

		ok(fs_classify(types[i].magic, &name) == types[i].kind &&
			   strcmp(name, types[i].name) == 0,
		   "file system 0x%lx: %s", types[i].magic, types[i].name);
	}
	test_text();
	return done();
}
