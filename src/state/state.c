/*
 * state.c - the state directory (state.h): where it is, claims, locks, removal. Runs in the runtime
 * only.
 *
 * Everything goes through directory descriptors: the root is checked once, on the descriptor
 * that is then used, so nobody can swap it afterwards. Directories and files get the sticky bit
 * at birth, because below /tmp systemd-tmpfiles ages whatever lacks it.
 *
 * Lock and removal: the lock is a flock of the directory itself, through a description of its
 * own, so it costs no file. A waiter that wins after a removal sees a link count of 0; on a file
 * system that keeps another count it finds no record, which is the same answer one call later.
 */
#include "state.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"
#include "feature/net/net.h"
#include "feature/sdnotify.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

#define ID_MAX_LEN   1024
#define DIR_MODE     01700
#define REMOVE_TRIES 8
#define CLAIM_TRIES  8

/* How strictly an existing root is judged; see the rules in state.h. */
enum root_trust { ROOT_NAMED, ROOT_DEFAULT };

static int open_dir_at(int dirfd, const char *name, int more)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | more);
}

/* Ours, and closed to others. On the descriptor, so that what was checked is what is used. */
static int check_root(int fd, const char *path, enum root_trust trust, struct err *err)
{
	mode_t forbidden = trust == ROOT_NAMED ? S_IWOTH : S_IRWXG | S_IRWXO;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "state directory '%s'", path);
	if (st.st_uid != geteuid()) {
		rc = err_set(err, EPERM, "state directory '%s' belongs to uid %u, not to uid %u",
			     path, st.st_uid, geteuid());
		return err_hint(err, rc,
				trust == ROOT_NAMED ? "name one of your own with --root"
						    : "remove it, or name another one with --root");
	}
	if (st.st_mode & forbidden) {
		rc = err_set(err, EPERM, "state directory '%s' has mode %04o, which lets others in",
			     path, st.st_mode & 07777);
		return err_hint(
			err, rc,
			"chmod %s '%s' if you trust what is in it, or name another one with --root",
			trust == ROOT_NAMED ? "o-w" : "0700", path);
	}
	if (trust == ROOT_DEFAULT && !(st.st_mode & S_ISVTX))
		(void)fchmod(fd, DIR_MODE); /* only protects from ageing */
	return 0;
}

/* mkdir -p of a root that was named; parents as the umask has them. path is restored. */
static int make_parents(char *path, struct err *err)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int rc;

		*p = '\0';
		rc = mkdir(path, 0777);
		if (rc < 0 && errno != EEXIST)
			return err_sys(err, "make directory '%s'", path);
		*p = '/';
	}
	return 0;
}

static int open_root(char *path, enum root_trust trust, bool create, struct err *err)
{
	int nofollow = trust == ROOT_DEFAULT ? O_NOFOLLOW : 0;
	auto_fd int fd = open_dir_at(AT_FDCWD, path, nofollow);
	int rc;

	if (fd < 0 && errno == ENOENT && create) {
		rc = trust == ROOT_NAMED ? make_parents(path, err) : 0;
		if (rc < 0)
			return rc;
		if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST)
			return err_sys(err, "make state directory '%s'", path);
		fd = open_dir_at(AT_FDCWD, path, nofollow);
	}
	if (fd < 0) {
		rc = err_sys(err, "open state directory '%s'", path);
		if (rc == -ELOOP || rc == -ENOTDIR)
			err_hint(err, rc,
				 "it must be a directory and not a link: remove it, "
				 "or name another one with --root");
		if (rc == -EACCES)
			err_hint(err, rc,
				 "it or a directory above it is closed to you: "
				 "name one of your own with --root");
		return rc;
	}
	rc = check_root(fd, path, trust, err);
	return rc < 0 ? rc : take_fd(&fd);
}

/* Is dir, which the login manager makes, fit to hold our directory? */
static bool is_private_dir(const char *dir)
{
	struct stat st;

	return dir && dir[0] == '/' && stat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & (S_IRWXG | S_IRWXO));
}

static int named_root(const char *wanted, char **ret, struct err *err)
{
	char cwd[PATH_MAX];
	auto_free char *path = NULL;

	if (!wanted[0])
		return err_set(err, EINVAL, "the state directory's name is empty");
	if (wanted[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "state directory '%s': working directory", wanted);
	path = wanted[0] == '/' ? mem_strdup(wanted) : mem_printf("%s/%s", cwd, wanted);
	path_clean(path);
	if (strcmp(path, "/") == 0)
		return err_set(err, EINVAL, "state directory: '/' cannot be one");
	*ret = take_ptr(&path);
	return 0;
}

char *state_root_default(const struct host *host)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	uint32_t uid = host->uid;
	char run[40];

	/* root of a user namespace is as many people as there are such namespaces */
	(void)id_to_outside(&host->uid_map, host->uid, &uid);
	if (host->privileged)
		return mem_strdup("/run/bryo");
	if (is_private_dir(xdg))
		return mem_printf("%s/bryo", xdg);
	(void)snprintf(run, sizeof(run), "/run/user/%u", uid);
	if (is_private_dir(run))
		return mem_printf("%s/bryo", run);
	return mem_printf("/tmp/bryo-%u", uid);
}

int state_root_open(const char *wanted, const struct host *host, bool create, char **ret,
		    struct err *err)
{
	auto_free char *path = NULL;
	int fd;

	if (wanted) {
		int rc = named_root(wanted, &path, err);

		if (rc < 0)
			return rc;
	} else {
		path = state_root_default(host);
	}
	fd = open_root(path, wanted ? ROOT_NAMED : ROOT_DEFAULT, create, err);
	if (fd >= 0 || fd == -ENOENT)
		*ret = take_ptr(&path);
	return fd;
}

int state_id_check(const char *id, struct err *err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
	size_t len = strlen(id);

	if (len == 0)
		return err_set(err, EINVAL, "container id is empty");
	if (len > ID_MAX_LEN)
		return err_set(err, EINVAL, "container id is longer than %d bytes", ID_MAX_LEN);
	if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return err_set(err, EINVAL, "container id '%s' is not allowed", id);
	if (id[strspn(id, allowed)])
		return err_set(
			err, EINVAL,
			"container id '%s' has characters other than letters, digits and _+.-", id);
	return 0;
}

/* -ENOENT: it was removed between two of our steps. */
static int claim(int root, const char *id, int *ret_lock, struct err *err)
{
	auto_fd int dir = -1;
	int rc;

	if (mkdirat(root, id, DIR_MODE) < 0) {
		if (errno == EEXIST) {
			err_set(err, EEXIST, "container with id '%s' already exists", id);
			return err_hint(err, -EEXIST,
					"choose another id, or remove that one with bryo delete");
		}
		return err_sys(err, "make the state directory of '%s'", id);
	}
	dir = open_dir_at(root, id, O_NOFOLLOW);
	rc = dir < 0 ? err_sys(err, "open the state directory of '%s'", id)
		     : state_lock(dir, id, err);
	if (rc < 0) {
		if (rc !=
		    -ENOENT) /* else it was removed meanwhile, and may be somebody else's by now */
			(void)unlinkat(root, id, AT_REMOVEDIR);
		return rc;
	}
	*ret_lock = rc;
	return take_fd(&dir);
}

/* gc takes an unlocked claim for a dead one's: then there is nothing to give up but the try. */
int state_claim(int root, const char *id, int *ret_lock, struct err *err)
{
	int rc = state_id_check(id, err);

	for (int i = 0; rc >= 0 && i < CLAIM_TRIES; i++) {
		rc = claim(root, id, ret_lock, err);
		if (rc != -ENOENT)
			return rc;
		rc = 0;
	}
	return rc < 0 ? rc : -ENOENT;
}

/* A root that was named may be open to its group, whose members could put a directory here. */
static int check_owner(int dir, const char *id, struct err *err)
{
	auto_fd int fd = dir;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "state directory of '%s'", id);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM,
			       "state directory of '%s' belongs to uid %u, not to uid %u", id,
			       st.st_uid, geteuid());
	return take_fd(&fd);
}

int state_open(int root, const char *id, struct err *err)
{
	int fd, rc = state_id_check(id, err);

	if (rc < 0)
		return rc;
	fd = open_dir_at(root, id, O_NOFOLLOW);
	if (fd >= 0)
		return check_owner(fd, id, err);
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG)
		return err_set(err, ENOENT, "container '%s' does not exist", id);
	return err_sys(err, "open the state directory of '%s'", id);
}

static int lock(int dirfd, const char *id, int how, struct err *err)
{
	auto_fd int fd = open_dir_at(dirfd, ".", 0);
	struct stat st;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ENOENT, "container '%s' does not exist", id);
	if (fd < 0)
		return err_sys(err, "open the state directory of '%s'", id);
	do
		rc = flock(fd, how);
	while (rc < 0 && errno == EINTR);
	if (rc < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "lock '%s'", id);
	if (st.st_nlink == 0)
		return err_set(err, ENOENT, "container '%s' does not exist", id);
	return take_fd(&fd);
}

int state_lock(int dirfd, const char *id, struct err *err)
{
	return lock(dirfd, id, LOCK_EX, err);
}

int state_trylock(int dirfd, const char *id, struct err *err)
{
	return lock(dirfd, id, LOCK_EX | LOCK_NB, err);
}

/* Temporary files are ".NAME.PID" (file_replace_at); a killed writer leaves one. */
static bool is_our_file(const char *name)
{
	static const char *const known[] = { "record.json", "config.json", STATE_START_NAME,
					     SDNOTIFY_DIR,  NET_RESOLV,	   NET_SOCKET,
					     NET_READY,	    NET_CONTROL,   NET_PORTS };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(name, known[i]) == 0 ||
		    (name[0] == '.' && str_starts(name + 1, known[i])))
			return true;
	return false;
}

bool state_is_claim(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) == 0 && (st.st_mode & 07777) == DIR_MODE;
}

void state_temporaries(struct arena *a, int dirfd, struct strv *ret)
{
	int copy = open_dir_at(dirfd, ".", 0);
	auto_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	VEC(const char *) names = VEC_INIT;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] == '.' && is_our_file(e->d_name))
			*vec_add(a, &names) = arena_strdup(a, e->d_name);
	*ret = (struct strv){ names.v, names.n };
}

/* What the short way in state_remove() has left; something that is not ours is refused by name. */
static int remove_rest(int dirfd, struct err *err)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int copy = open_dir_at(dirfd, ".", 0);

	if (copy < 0 || !(d = fdopendir(copy)))
		return errno == ENOENT ? 0 : err_sys(err, "open");
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (!is_our_file(e->d_name))
			return err_set(err, ENOTEMPTY, "holds '%s', which bryo did not make",
				       e->d_name);
		if (strcmp(e->d_name, SDNOTIFY_DIR) == 0)
			(void)unlinkat(dirfd, SDNOTIFY_SOCKET, 0);
		if (unlinkat(dirfd, e->d_name,
			     strcmp(e->d_name, SDNOTIFY_DIR) == 0 ? AT_REMOVEDIR : 0) < 0 &&
		    errno != ENOENT)
			return err_sys(err, "remove '%s'", e->d_name);
	}
	return 0;
}

int state_remove(int root, const char *id, struct err *err)
{
	auto_fd int dir = state_open(root, id, err);
	int rc;

	if (dir < 0)
		return dir;
	(void)unlinkat(dir, STATE_START_NAME, 0);
	(void)unlinkat(dir, "config.json", 0);
	(void)unlinkat(dir, "record.json", 0);
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (unlinkat(root, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
		rc = remove_rest(dir, err);
		if (rc < 0)
			return err_in(err, rc, "state directory of '%s'", id);
	}
	return err_sys(err, "remove the state directory of '%s'", id);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_container(int root, const struct dirent *e)
{
	struct stat st;

	if (state_id_check(e->d_name, NULL) < 0)
		return false;
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(root, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int state_ids(struct arena *a, int root, struct strv *ret, struct err *err)
{
	VEC(const char *) ids = VEC_INIT;
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int copy = open_dir_at(root, ".", 0);

	*ret = (struct strv){ 0 };
	if (copy < 0 && errno == ENOENT)
		return 0;
	if (copy < 0 || !(d = fdopendir(copy)))
		return err_sys(err, "list the state directory");
	while ((e = readdir(d)))
		if (is_container(root, e))
			*vec_add(a, &ids) = arena_strdup(a, e->d_name);
	if (ids.n)
		qsort(ids.v, ids.n, sizeof(*ids.v), compare_ids);
	*vec_add(a, &ids) = NULL;
	*ret = (struct strv){ .v = ids.v, .n = ids.n - 1 };
	return 0;
}
