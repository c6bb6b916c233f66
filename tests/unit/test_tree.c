/* Removal of directory trees (base/tree.h). */
#include "base/tree.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#define LEVELS 3000

static char top[] = "/tmp/bryo-tree.XXXXXX";

static bool is_there(int dir, const char *path)
{
	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void touch(int dir, const char *path)
{
	auto_fd int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		ok(false, "make %s: %s", path, strerror(errno));
}

static void test_links(int dir)
{
	struct err err = ERR_INIT;

	(void)!(mkdirat(dir, "keep", 0700) + mkdirat(dir, "x", 0700) + mkdirat(dir, "x/y", 0700));
	touch(dir, "keep/file");
	touch(dir, "x/y/file");
	(void)!(symlinkat("../keep", dir, "x/link") +
		symlinkat("../../keep/file", dir, "x/y/link"));
	(void)!(mkfifoat(dir, "x/fifo", 0600) + symlinkat("keep", dir, "link"));
	ok(tree_remove_at(dir, "x", &err) == 0 && !is_there(dir, "x"), "a tree with links");
	ok(tree_remove_at(dir, "link", &err) == 0 && !is_there(dir, "link"), "a link itself");
	ok(is_there(dir, "keep/file"), "what they lead to stays");
	ok(tree_remove_at(dir, "x", &err) == -ENOENT && err.num == ENOENT, "nothing there");
	ok(tree_remove_at(dir, "keep", NULL) == 0 && !is_there(dir, "keep"), "err may be NULL");
}

static void test_deep(int dir)
{
	int fd = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < LEVELS && fd >= 0; i++) {
		int next;

		(void)!mkdirat(fd, "d", 0700);
		next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_closep(&fd);
		fd = next;
	}
	ok(fd >= 0, "%d levels", LEVELS);
	fd_closep(&fd);
	ok(tree_remove_at(dir, "d", NULL) == 0 && !is_there(dir, "d"), "and none any more");
}

static void test_above(int dir)
{
	auto_fd int below = -1;
	struct stat st, other;

	(void)!(mkdirat(dir, "a", 0700) + mkdirat(dir, "a/b", 0700) + mkdirat(dir, "c", 0700));
	below = openat(dir, "a/b", O_PATH | O_CLOEXEC);
	(void)!(fstatat(dir, "a", &st, 0) + fstatat(dir, "c", &other, 0));
	ok(tree_is_above(&st, below), "a is above a/b");
	ok(!tree_is_above(&other, below), "c is not");
	(void)!fstatat(dir, "a/b", &st, 0);
	ok(tree_is_above(&st, below), "a/b is in itself");
	ok(!tree_is_above(&st, dir), "but not above what it is in");
}

/* The last one: it moves this process to another namespace. */
static void test_mount(int dir)
{
	struct err err = ERR_INIT;

	(void)!(mkdirat(dir, "m", 0700) + mkdirat(dir, "m/n", 0700) + mkdirat(dir, "other", 0700));
	touch(dir, "other/file");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || chdir(top) < 0 ||
	    mount("other", "m/n", NULL, MS_BIND, NULL) < 0) {
		tap_skip("a mount point stops it", "no user namespace");
		return;
	}
	ok(tree_remove_at(AT_FDCWD, "m", &err) < 0 && (err.num == EXDEV || err.num == EBUSY),
	   "a mount point stops it");
	ok(is_there(AT_FDCWD, "other/file"), "and nothing in it is gone");
	(void)!umount2("m/n", MNT_DETACH);
}

int main(void)
{
	auto_fd int dir = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	test_links(dir);
	test_deep(dir);
	test_above(dir);
	test_mount(dir);
	ok(chdir("/tmp") == 0 && tree_remove_at(AT_FDCWD, top + strlen("/tmp/"), NULL) == 0,
	   "clean up");
	return done();
}
