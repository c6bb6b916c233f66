/*
 * test_path.c - names inside a root: whatever an image's links say, the result is in it.
 */
#include "base/path.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "tap.h"

#include <limits.h>
#include <unistd.h>

static char top[] = "/tmp/bryo-path.XXXXXX";
static int root; /* top/root; beside it is top/outside, which nothing may touch */

static const struct {
	const char *in, *want;
} cleaned[] = {
	{ "/", "/" },
	{ "//", "/" },
	{ "/.", "/" },
	{ "/..", "/" },
	{ "/a", "/a" },
	{ "/a/", "/a" },
	{ "//a//b//", "/a/b" },
	{ "/a/./b/.", "/a/b" },
	{ "/a/../b", "/b" },
	{ "/../../a", "/a" },
	{ "/a/b/../../..", "/" },
	{ "/a/...", "/a/..." },
	{ "/..a/b", "/..a/b" },
	{ "/a./b", "/a./b" },
	{ "/.a", "/.a" },
};

static bool exists(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool same(int fd, const char *path)
{
	struct stat a, b;
	bool good = fd >= 0 && fstat(fd, &a) == 0 && fstatat(root, path, &b, 0) == 0 &&
		    a.st_ino == b.st_ino && a.st_dev == b.st_dev;

	if (fd >= 0)
		(void)close(fd);
	return good;
}

static void set_up(void)
{
	auto_fd int dir = -1;

	if (!mkdtemp(top) || (dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    mkdirat(dir, "root", 0755) < 0 || mkdirat(dir, "outside", 0755) < 0)
		exit(99);
	root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(root, "dir", 0755);
	(void)symlinkat("/dir", root, "absolute");
	(void)symlinkat("../../../../dir", root, "up");
	(void)symlinkat("../outside", root, "out");
	(void)symlinkat("/outside", root, "out2");
	(void)symlinkat("/new/deep/dir", root, "dangling");
	(void)symlinkat("dir/newfile", root, "dangling-file");
	(void)symlinkat("loop2", root, "loop1");
	(void)symlinkat("loop1", root, "loop2");
	(void)symlinkat("/proc/self/root", root, "magic");
	(void)close(openat(root, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	(void)mkfifoat(root, "fifo", 0600);
}

static void test_clean(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cleaned); i++) {
		char buf[64];

		(void)snprintf(buf, sizeof(buf), "%s", cleaned[i].in);
		path_clean(buf);
		ok_str(buf, cleaned[i].want, cleaned[i].in);
	}
}

static void test_open(void)
{
	struct err err = ERR_INIT;

	ok(same(path_open_in(root, "/dir", O_PATH, &err), "dir") &&
		   same(path_open_in(root, "dir", O_PATH, &err), "dir"),
	   "with a slash in front and without");
	ok(same(path_open_in(root, "/absolute", O_PATH, &err), "dir") &&
		   same(path_open_in(root, "/up", O_PATH, &err), "dir"),
	   "links stay inside");
	ok(same(path_open_in(root, "/../../dir", O_PATH, &err), "dir"), "dots stay inside");
	ok(same(path_open_in(root, "", O_PATH, &err), ".") &&
		   same(path_open_in(root, "/", O_PATH, &err), "."),
	   "the root itself");
	ok(path_open_in(root, "/out", O_PATH, &err) == -ENOENT &&
		   path_open_in(root, "/../outside", O_PATH, &err) == -ENOENT,
	   "what is outside is not there");
	ok(path_open_in(root, "/loop1", O_PATH, &err) == -ELOOP, "a loop ends");
	ok(path_open_in(root, "/file/x", O_PATH, &err) == -ENOTDIR, "a file is no directory");
}

static void test_mkdir(void)
{
	struct err err = ERR_INIT;
	int old = (int)umask(022);

	ok(same(path_mkdir_in(root, "/a/b/c", 0755, &err), "a/b/c"),
	   "missing directories are made");
	ok(same(path_mkdir_in(root, "/a/b/c", 0755, &err), "a/b/c"), "and found the second time");
	ok(same(path_mkdir_in(root, "/absolute/new", 0755, &err), "dir/new"),
	   "below a link, inside");
	ok(same(path_mkdir_in(root, "/a/../../../x", 0755, &err), "x"), "dots stay inside");
	ok(same(path_mkdir_in(root, "/dangling/more", 0755, &err), "new/deep/dir/more"),
	   "a link to nothing is followed inside");
	ok(same(path_mkdir_in(root, "/out/made", 0755, &err), "outside/made") ||
		   !exists("out/made"),
	   "outside is another name inside");
	ok(path_mkdir_in(root, "/loop1/x", 0755, &err) < 0, "a loop is an error");
	ok(path_mkdir_in(root, "/file", 0755, &err) == -ENOTDIR &&
		   path_mkdir_in(root, "/file/x", 0755, &err) == -ENOTDIR,
	   "a file in the way is an error");
	(void)umask((mode_t)old);
}

static void test_touch(void)
{
	struct err err = ERR_INIT;
	struct stat st;

	ok(same(path_touch_in(root, "/t/u/file", &err), "t/u/file") &&
		   fstatat(root, "t/u/file", &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_size == 0,
	   "a missing file is made, and its directories");
	ok(same(path_touch_in(root, "/file", &err), "file"), "an existing one is opened");
	ok(same(path_touch_in(root, "/fifo", &err), "fifo"), "a FIFO does not block");
	ok(same(path_touch_in(root, "/dangling-file", &err), "dir/newfile"),
	   "a link to nothing is followed inside");
	ok(path_touch_in(root, "/dir", &err) == -EISDIR, "a directory is an error");
	ok(path_touch_in(root, "/loop1", &err) < 0, "a loop is an error");
}

static void test_parent(void)
{
	struct err err = ERR_INIT;
	char name[NAME_MAX + 1], tiny[3];
	static const char *const none[] = { "", "/", ".", "/..", "/a/../.." };

	ok(same(path_parent_in(root, "/p/q/last", name, sizeof(name), &err), "p/q") &&
		   strcmp(name, "last") == 0,
	   "the parent is made, the name is not");
	ok(!exists("p/q/last"), "not even as a file");
	ok(same(path_parent_in(root, "/absolute", name, sizeof(name), &err), ".") &&
		   strcmp(name, "absolute") == 0,
	   "the last part is not followed");
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		ok(path_parent_in(root, none[i], name, sizeof(name), &err) == -EINVAL,
		   "no entry: '%s'", none[i]);
	ok(path_parent_in(root, "/abc", tiny, sizeof(tiny), &err) == -ENAMETOOLONG,
	   "a name that does not fit");
}

static void test_long(void)
{
	struct err err = ERR_INIT;
	char path[PATH_MAX + 100];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ok(path_mkdir_in(root, path, 0755, &err) == -ENAMETOOLONG &&
		   path_touch_in(root, path, &err) == -ENAMETOOLONG,
	   "a path that is too long");
}

int main(void)
{
	char command[64];
	auto_fd int dir = -1;

	set_up();
	test_clean();
	test_open();
	test_mkdir();
	test_touch();
	test_parent();
	test_long();
	dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ok(unlinkat(dir, "outside", AT_REMOVEDIR) == 0,
	   "the directory outside is as empty as before");
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command) == 0 ? done() : 99;
}
