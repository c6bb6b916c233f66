/*
 * test_subid.c - the parsers of rootless/subid.c: files, getsubids, nsswitch.conf. Results are
 * written "first:count,...".
 */
#include "rootless/rootless.h"
#include "rootless/subid.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *what, *text, *user;
	uint32_t uid;
	const char *want;
} files[] = {
	{ "one line", "alice:100000:65536\n", "alice", 1000, "100000:65536" },
	{ "no newline at the end", "alice:100000:65536", "alice", 1000, "100000:65536" },
	{ "numeric line", "1000:100000:65536\n", "alice", 1000, "100000:65536" },
	{ "numeric line of a user without a name", "1000:1:2\n", NULL, 1000, "1:2" },
	{ "name and numeric lines, in file order", "1000:300:5\nbob:1:1\nalice:100:5\n", "alice",
	  1000, "300:5,100:5" },
	{ "others' lines", "bob:100000:65536\n1001:5:5\n", "alice", 1000, "" },
	{ "a name that begins alike", "alice2:1:2\nalic:3:4\n", "alice", 1000, "" },
	{ "a uid that begins alike", "10000:1:2\n100:3:4\n", "alice", 1000, "" },
	{ "empty file", "", "alice", 1000, "" },
	{ "empty lines and comments", "\n#alice:1:2\n\nalice:3:4\n\n", "alice", 1000, "3:4" },
	{ "an empty owner is nobody", ":1:2\n", "", 1000, "" },
	{ "too few fields", "alice:1\nalice\nalice:\nalice:1:\n", "alice", 1000, "" },
	{ "too many fields", "alice:1:2:3\nalice:1:2:\n", "alice", 1000, "" },
	{ "no numbers", "alice:x:2\nalice:1:y\nalice:1x:2\nalice:1:2 \nalice: 1:2\n", "alice", 1000,
	  "" },
	{ "signs and hexadecimal", "alice:-1:2\nalice:+1:2\nalice:0x10:2\n", "alice", 1000, "" },
	{ "count 0", "alice:100:0\n", "alice", 1000, "" },
	{ "numbers over 32 bits",
	  "alice:4294967296:1\nalice:1:4294967296\nalice:99999999999999999999:1\n", "alice", 1,
	  "" },
	{ "ends at 2^32-2", "alice:4294967290:5\n", "alice", 1, "4294967290:5" },
	{ "reaches 2^32-1", "alice:4294967290:6\n", "alice", 1, "" },
	{ "wraps", "alice:4294967290:4294967290\n", "alice", 1, "" },
	{ "a bad line does not hide the next", "alice:x:y\nalice:7:8\n", "alice", 1000, "7:8" },
	{ "leading zeros", "alice:0000100:05\n", "alice", 1000, "100:5" },
};

static const struct {
	const char *what, *text, *want;
} outputs[] = {
	{ "getsubids: two ranges", "0: alice 100000 65536\n1: alice 300000 10\n",
	  "100000:65536,300000:10" },
	{ "getsubids: somebody else", "0: bob 100000 65536\n", "" },
	{ "getsubids: an error text", "Error fetching ranges\n", "" },
	{ "getsubids: extra words", "0: alice 1 2 3\n", "" },
	{ "getsubids: missing words", "0: alice 1\n0: alice\n0:\n\n", "" },
	{ "getsubids: no index", "alice alice 1 2\n", "" },
};

static const struct {
	const char *what, *text;
	bool want;
} switches[] = {
	{ "nsswitch: no subid line", "passwd: files sss\ngroup: files ldap\n", false },
	{ "nsswitch: files", "subid: files\n", false },
	{ "nsswitch: sss", "passwd: files\nsubid: sss\n", true },
	{ "nsswitch: files and more", "subid:\tfiles sss\n", true },
	{ "nsswitch: only in a comment", "#subid: sss\nsubid: files # sss\n", false },
	{ "nsswitch: empty line", "subid:\n", false },
	{ "nsswitch: indented", "  subid: sss", true },
	{ "nsswitch: a longer name", "subids: sss\n", false },
	{ "nsswitch: empty", "", false },
};

static void ok_ranges(const struct id_ranges *r, const char *want, const char *what)
{
	auto_str struct str s = STR_INIT;

	str_add(&s, "");
	for (size_t i = 0; i < r->n; i++)
		str_addf(&s, "%s%u:%u", i ? "," : "", r->v[i].first, r->v[i].count);
	ok_str(s.p, want, what);
}

/* In memory that ends where the text ends, so that the sanitizer sees a read past it. */
static char *exact(const char *text)
{
	size_t n = strlen(text);

	return memcpy(mem_alloc(n), text, n);
}

static void test_text(struct arena *a)
{
	struct id_ranges r;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *text = exact(files[i].text);

		subid_parse(a, text, strlen(files[i].text), files[i].user, files[i].uid, &r);
		ok_ranges(&r, files[i].want, files[i].what);
	}
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		auto_free char *text = exact(outputs[i].text);

		subid_parse_getsubids(a, text, strlen(outputs[i].text), "alice", &r);
		ok_ranges(&r, outputs[i].want, outputs[i].what);
	}
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		auto_free char *text = exact(switches[i].text);

		ok(subid_parse_nsswitch(text, strlen(switches[i].text)) == switches[i].want, "%s",
		   switches[i].what);
	}
}

static void put(const char *path, const char *text, mode_t mode)
{
	auto_file FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fchmod(fileno(f), mode) < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

/* Programs in a PATH of our own stand in for the real ones. */
static void test_programs(struct arena *a, const char *dir)
{
	char *path = arena_printf(a, "%s/getsubids", dir),
	     *helper = arena_printf(a, "%s/newuidmap", dir);
	struct err err = ERR_INIT;
	struct helper h;
	struct id_ranges r;

	(void)setenv("PATH", dir, 1);
	ok(subid_getsubids(a, "alice", false, &r, &err) < 0,
	   "getsubids that does not exist is an error");
	put(path, "#!/bin/sh\n[ \"$1\" = -g ] && echo '0: '$2' 7 8' || echo '0: '$1' 5 6'\n", 0755);
	ok(subid_getsubids(a, "alice", false, &r, &err) == 0, "getsubids is run");
	ok_ranges(&r, "5:6", "getsubids USER gives the uid ranges");
	ok(subid_getsubids(a, "alice", true, &r, &err) == 0, "getsubids -g is run");
	ok_ranges(&r, "7:8", "getsubids -g USER gives the gid ranges");
	put(path, "#!/bin/sh\nexit 1\n", 0755);
	ok(subid_getsubids(a, "alice", false, &r, &err) < 0, "getsubids that fails is an error");

	newidmap_probe(a, "newuidmap", false, &h);
	ok(h.state == HELPER_MISSING && !h.path, "a helper that is not in PATH is missing");
	put(helper, "", 0755);
	newidmap_probe(a, "newuidmap", false, &h);
	ok(h.state == HELPER_NO_PRIVILEGE && h.path && strcmp(h.path, helper) == 0,
	   "a plain helper has no privilege");
	put(helper, "", 04755);
	newidmap_probe(a, "newuidmap", false, &h);
	/* An ordinary user can make it setuid only to himself, which is no privilege. */
	ok(h.state == (geteuid() == 0 ? HELPER_OK : HELPER_NO_PRIVILEGE) ||
		   h.state == HELPER_NOSUID,
	   "setuid counts when the owner is root");
	newidmap_probe(a, "newuidmap", true, &h);
	ok(geteuid() != 0 || h.state == HELPER_NO_NEW_PRIVS || h.state == HELPER_NOSUID,
	   "NoNewPrivs is seen");
	(void)unlink(path);
	(void)unlink(helper);
}

static void test_write(struct arena *a, const char *dir)
{
	char *u = arena_printf(a, "%s/u", dir), *g = arena_printf(a, "%s/g", dir);
	struct id_extent two[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	const struct id_extents map = { two, 2 };
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	put(u, "#!/bin/sh\n[ \"$*\" = '77 0 1000 1 1 100000 65536' ]\n", 0755);
	put(g, "#!/bin/sh\n[ \"$*\" = '77 0 1000 1 1 100000 65536' ]\n", 0755);
	ok(newidmap_write(u, g, 77, &map, &map, &err) == 0,
	   "both helpers get pid and the whole map");
	put(u, "#!/bin/sh\necho 'uid words' >&2; exit 1\n", 0755);
	ok(newidmap_write(u, g, 77, &map, &map, &err) < 0 &&
		   strstr(err_format(&err, text, sizeof(text)), "uid words") &&
		   strstr(text, "0 1000 1"),
	   "newuidmap's words and the map are in the error");
	put(g, "#!/bin/sh\necho 'gid words' >&2; kill -9 $$\n", 0755);
	err = (struct err)ERR_INIT;
	ok(newidmap_write(u, g, 77, &map, &map, &err) < 0 &&
		   strstr(err_format(&err, text, sizeof(text)), "uid words") &&
		   strstr(text, "gid words"),
	   "the words of both are kept");
	put(u, "#!/bin/sh\n", 0755);
	err = (struct err)ERR_INIT;
	ok(newidmap_write(u, g, 77, &map, &map, &err) < 0 &&
		   strstr(err_format(&err, text, sizeof(text)), "gid words"),
	   "newgidmap alone can fail");
	(void)unlink(u);
	(void)unlink(g);
}

static void test_free(struct arena *a)
{
	static const struct {
		const char *what, *subuid, *subgid, *passwd;
		uint32_t count, first;
	} rows[] = {
		{ "nobody has any", "", "", "root:x:0:0::/:\n", 65536, 100000 },
		{ "behind the ranges of both files", "a:100000:65536\n", "b:165536:10\n", "", 65536,
		  165546 },
		{ "behind a range that begins later", "a:100005:5\n", "", "", 10, 100010 },
		{ "in a gap that is wide enough", "a:100010:5\n", "", "", 10, 100000 },
		{ "not over somebody's own ID", "", "", "root:x:0:0::/:\nx:x:165535:5::/:\n", 65536,
		  165536 },
		{ "a broken passwd names nobody", "", "", "x\n:::\nx:x:y\n", 1, 100000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ok(subid_free_in(a, rows[i].subuid, rows[i].subgid, rows[i].passwd,
				 rows[i].count) == rows[i].first,
		   "free IDs: %s", rows[i].what);
}

int main(void)
{
	char dir[] = "/tmp/bryo-test-subid.XXXXXX", file[64];
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct id_ranges r;

	test_text(&a);
	test_free(&a);
	if (!mkdtemp(dir)) {
		perror("mkdtemp");
		return EXIT_FAILURE;
	}
	(void)snprintf(file, sizeof(file), "%s/subuid", dir);
	ok(subid_ranges(&a, file, "alice", 1000, &r, &err) == 0 && r.n == 0 && err.num == 0,
	   "a missing file gives no ranges and no error");
	put(file, "alice:100000:65536\n", 0644);
	ok(subid_ranges(&a, file, "alice", 1000, &r, &err) == 0, "a file is read");
	ok_ranges(&r, "100000:65536", "its range is found");
	put(file, "subid: sss\n", 0644);
	ok(subid_needs_nss(file), "nsswitch.conf is read");
	ok(!subid_needs_nss("/nonexistent/nsswitch.conf"), "no nsswitch.conf means files");
	(void)unlink(file);
	test_programs(&a, dir);
	test_write(&a, dir);
	(void)rmdir(dir);
	return done();
}
