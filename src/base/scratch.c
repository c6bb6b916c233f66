/*
 * scratch.c - directories with a temporary name (scratch.h). Runs in the calling process.
 *
 * Between mkdir and flock a directory looks as if it had been left; who finds it then takes it, and
 * its maker makes another one. The other way round, who gets the lock asks whether the name still
 * leads there: the directory may have been given its final one meanwhile.
 */
#include "scratch.h"

#include "cleanup.h"
#include "str.h"
#include "tree.h"
#include "vec.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MARK   ".bryo-"
#define DIGITS 8
#define TRIES  100

static bool is_there(int parent, const char *name, int fd)
{
	struct stat st, there;

	return fstat(fd, &st) == 0 && fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == there.st_dev && st.st_ino == there.st_ino;
}

/* A file system without locks will do: nobody else gets one there either. */
static bool lost_to_another(int parent, const char *name, int fd)
{
	if (fd < 0)
		return errno == ENOENT;
	return (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
	       !is_there(parent, name, fd);
}

/* Then the name says nothing: they may have given it to a directory of ours. The same where the
 * parent's owner has no ID here. */
static bool others_rename(int parent)
{
	struct stat st;

	if (fstat(parent, &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()))
		return true;
	return (st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX);
}

int scratch_make(int parent, const char *of, char ret_name[NAME_MAX + 1], struct err *err)
{
	for (int i = 0; i < TRIES; i++) {
		auto_fd int fd = -1;
		uint32_t number;

		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return err_sys(err, "get a random number");
		(void)snprintf(ret_name, NAME_MAX + 1, ".%.200s" MARK "%08x", of, number);
		if (mkdirat(parent, ret_name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return err_sys(err, "make the directory '%s'", ret_name);
		}
		fd = tree_open_below(parent, ret_name);
		if (lost_to_another(parent, ret_name, fd))
			continue;
		if (fd >= 0)
			return take_fd(&fd);
		(void)err_sys(err, "open '%s'", ret_name);
		(void)unlinkat(parent, ret_name, AT_REMOVEDIR);
		return err ? -err->num : -EIO;
	}
	return err_set(err, EEXIST, "make the directory '%s': no name is free", ret_name);
}

static bool is_scratch(const char *name)
{
	size_t len = strlen(name), tail = strlen(MARK) + DIGITS;

	return name[0] == '.' && len > tail + 1 && str_starts(name + len - tail, MARK) &&
	       strspn(name + len - DIGITS, "0123456789abcdef") == DIGITS;
}

void scratch_find(struct arena *a, int parent, struct strv *ret)
{
	/* a description of its own: its position is read from */
	auto_fd int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	VEC(const char *) names = VEC_INIT;

	if (d)
		(void)take_fd(&fd);
	for (struct dirent *e; d && (e = readdir(d));)
		if (is_scratch(e->d_name))
			*vec_add(a, &names) = arena_strdup(a, e->d_name);
	*ret = (struct strv){ names.v, names.n };
}

bool scratch_is_shared(int fd)
{
	/* CIFS, SMB2, Lustre, GPFS, GFS2, BeeGFS: not every linux/magic.h has them */
	static const uint32_t shared[] = { NFS_SUPER_MAGIC,   V9FS_MAGIC,      CEPH_SUPER_MAGIC,
					   OCFS2_SUPER_MAGIC, AFS_SUPER_MAGIC, FUSE_SUPER_MAGIC,
					   0xff534d42,	      0xfe534d42,      0x0bd00bd0,
					   0x47504653,	      0x01161970,      0x19830326 };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if ((uint32_t)fs.f_type == shared[i])
			return true;
	return false;
}

int scratch_take(int parent, const char *name)
{
	auto_fd int fd = tree_open_below(parent, name);
	struct stat st;

	if (fd < 0 || others_rename(parent))
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || scratch_is_shared(fd) ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_there(parent, name, fd))
		return -1;
	return take_fd(&fd);
}
