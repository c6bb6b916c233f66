/*
 * file.c - whole files by name below a directory descriptor (file.h). Used outside by every
 * layer that reads host facts or writes state, and inside for /proc files through a verified
 * procfs descriptor.
 */
#include "file.h"

#include "cleanup.h"
#include "fd.h"
#include "sys.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

static bool is_kernel_file(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	return fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
}

int file_read_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	size_t len;
	int rc;

	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "%s: is a directory", path);
	if (!S_ISREG(st.st_mode) && !is_kernel_file(fd))
		return err_set(err, EINVAL, "%s: is not a regular file", path);
	rc = fd_read_all(fd, max, ret, ret_len ? ret_len : &len, err);
	return rc < 0 ? err_in(err, rc, "%s", path) : 0;
}

int file_poke_at(int dirfd, const char *path, const char *text, struct err *err)
{
	auto_fd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	n = write(fd, text, len);
	if (n < 0)
		return err_sys(err, "write '%s'", path);
	if ((size_t)n != len)
		return err_set(err, EIO, "write '%s': took %zd of %zu bytes", path, n, len);
	return 0;
}

/* ".NAME.PID": unique among processes, and known to whoever cleans up (state.c). */
static void temporary_name(const char *name, char buf[300])
{
	(void)snprintf(buf, 300, ".%.200s.%d", name, (int)getpid());
}

int file_stage_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char tmp[300];
	auto_fd int fd = -1;
	int rc;

	temporary_name(name, tmp);
	fd = openat(dirfd, tmp, flags, mode);
	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, tmp, 0) == 0)
		fd = openat(dirfd, tmp, flags, mode);
	if (fd < 0)
		return err_sys(err, "write '%s'", name);
	rc = fd_write_all(fd, data, len, err);
	if (rc < 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return err_in(err, rc, "'%s'", name);
	}
	return 0;
}

/*
 * Replacing by rename makes ext4 write the new data to the disk at once (auto_da_alloc), which
 * is milliseconds; state does not outlive a reboot. An exchange is as atomic and does not.
 */
int file_commit_at(int dirfd, const char *name, struct err *err)
{
	char tmp[300];
	int rc;

	temporary_name(name, tmp);
	if (renameat2(dirfd, tmp, dirfd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST && renameat2(dirfd, tmp, dirfd, name, RENAME_EXCHANGE) == 0) {
		if (unlinkat(dirfd, tmp, 0) == 0 || errno != EISDIR)
			return 0;
		/* a directory is not what was meant, and goes back to where it was */
		(void)renameat2(dirfd, tmp, dirfd, name, RENAME_EXCHANGE);
	}
	/* file systems that know neither */
	if (renameat(dirfd, tmp, dirfd, name) == 0)
		return 0;
	rc = err_sys(err, "rename to '%s'", name);
	(void)unlinkat(dirfd, tmp, 0);
	return rc;
}

int file_replace_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err)
{
	int rc = file_stage_at(dirfd, name, data, len, mode, err);

	return rc < 0 ? rc : file_commit_at(dirfd, name, err);
}
