/*
 * test_state.c - the state directory (state/state.h): where it is, what is refused, claims, locks,
 * removal, and the status that follows from the facts. Works as any user; writes below /tmp only.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch[] = "/tmp/bryo-test-state-XXXXXX";

static void drop(char **p)
{
	free(*p);
	*p = NULL;
}

static const char *text_of(const struct err *err)
{
	static char buf[8192];

	return err_format(err, buf, sizeof(buf));
}

static int root_open(const char *wanted, bool create, char **path, struct err *err)
{
	const struct host host = { .uid = geteuid() };

	*err = (struct err)ERR_INIT;
	return state_root_open(wanted, &host, create, path, err);
}

static void test_named_roots(void)
{
	auto_free char *path = NULL;
	struct err err;
	struct stat st;
	int fd;

	fd = root_open("named/deep", false, &path, &err);
	ok(fd == -ENOENT && path, "a named root that is missing: %s", text_of(&err));
	drop(&path);
	fd = root_open("./named//x/../deep/", true, &path, &err);
	ok(fd >= 0 && str_starts(path, scratch) && strstr(path, "/named/deep") && path[0] == '/',
	   "is made, absolute and clean: %s", path);
	ok(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0700, "with mode 0700");
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec");
	close(fd);
	drop(&path);

	chmod("named/deep", 0755);
	fd = root_open("named/deep", false, &path, &err);
	ok(fd >= 0, "a named root may be readable by others");
	close(fd);
	drop(&path);
	chmod("named/deep", 0777);
	fd = root_open("named/deep", true, &path, &err);
	ok(fd == -EPERM && strstr(text_of(&err), "0777") && strstr(text_of(&err), "chmod o-w"),
	   "but not writable: %s", text_of(&err));
	ok(root_open("/", true, &path, &err) == -EINVAL, "'/' is refused");
	ok(root_open("/tmp/..//", true, &path, &err) == -EINVAL, "'/' in other words too");
	ok(root_open("", true, &path, &err) == -EINVAL, "the empty name is refused");
	close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ok(root_open("file", true, &path, &err) == -ENOTDIR, "a file is refused: %s",
	   text_of(&err));
	fd = root_open(geteuid() ? "/etc" : "/tmp", false, &path, &err);
	ok(fd == -EPERM, "somebody else's directory, or one for all, is refused: %s",
	   text_of(&err));
}

/* Root of the machine, not of a user namespace with one ID. */
static bool has_other_ids(void)
{
	bool good;

	if (geteuid() != 0 || mkdir("owned", 0700) < 0)
		return false;
	good = chown("owned", 12345, 12345) == 0;
	rmdir("owned");
	return good;
}

static void test_default_roots(void)
{
	auto_free char *path = NULL, *run = NULL, *want = NULL;
	struct err err;
	struct stat st;
	int fd;

	ok(asprintf(&run, "%s/run", scratch) > 0 && mkdir(run, 0700) == 0 &&
		   asprintf(&want, "%s/bryo", run) > 0,
	   "prepare");
	setenv("XDG_RUNTIME_DIR", run, 1);
	ok(root_open(NULL, false, &path, &err) == -ENOENT, "XDG_RUNTIME_DIR/bryo is missing");
	drop(&path);
	fd = root_open(NULL, true, &path, &err);
	ok(fd >= 0 && strcmp(path, want) == 0, "it is made there");
	ok(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 01700, "private, and kept from ageing");
	close(fd);
	drop(&path);

	chmod(want, 0700);
	fd = root_open(NULL, false, &path, &err);
	ok(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 01700,
	   "the sticky bit is restored");
	close(fd);
	drop(&path);
	chmod(want, 0777);
	ok(root_open(NULL, true, &path, &err) == -EPERM && strstr(text_of(&err), "--root"),
	   "mode 0777 is refused: %s", text_of(&err));
	chmod(want, 0750);
	ok(root_open(NULL, true, &path, &err) == -EPERM, "mode 0750 is refused");
	rmdir(want);
	ok(symlink("/tmp", want) == 0 && root_open(NULL, true, &path, &err) < 0,
	   "a symbolic link is refused: %s", text_of(&err));
	unlink(want);
	ok(symlink("elsewhere", want) == 0 && root_open(NULL, true, &path, &err) < 0 &&
		   access("run/elsewhere", F_OK) < 0,
	   "so is a dangling one, and nothing is made");
	unlink(want);
	close(open(want, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ok(root_open(NULL, true, &path, &err) == -ENOTDIR, "and a file");
	unlink(want);
	if (has_other_ids()) {
		ok(mkdir(want, 0700) == 0 && chown(want, 12345, 12345) == 0 &&
			   root_open(NULL, true, &path, &err) == -EPERM,
		   "somebody else's directory is refused: %s", text_of(&err));
		rmdir(want);
	} else {
		tap_skip("somebody else's directory is refused", "needs root");
	}

	chmod(run, 0755); /* no longer private, so the next rule holds */
	fd = root_open(NULL, false, &path, &err);
	/* where it looks next may be somebody else's: root of another user namespace has that name, too */
	ok(fd < 0 ? !strstr(text_of(&err), scratch) : !str_starts(path, scratch),
	   "a public XDG_RUNTIME_DIR is passed over");
	fd_closep(&fd);
	drop(&path);
	chmod(run, 0700);
	setenv("XDG_RUNTIME_DIR", "run", 1);
	fd = root_open(NULL, false, &path, &err);
	ok(fd < 0 || strcmp(path, "run/bryo") != 0, "a relative one too");
	fd_closep(&fd);
}

/*
 * The last resort, with a uid of its own that has no /run/user: by root only, because it takes
 * another uid. The child prints nothing; its exit status says what happened.
 */
static int tmp_root_as(uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		auto_free char *path = NULL;
		struct err err;
		int fd;

		unsetenv("XDG_RUNTIME_DIR");
		if (setresuid(uid, uid, uid) < 0)
			_exit(99);
		fd = root_open(NULL, true, &path, &err);
		_exit(fd < 0 ? -fd : strncmp(path, "/tmp/bryo-", 10) == 0 ? 0 : 98);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Two users in `unshare -r` are not one. */
static void test_outer_uid(void)
{
	struct id_extent map = { 0, 3987654, 1 };
	const struct host host = { .uid_map = { &map, 1 } };
	auto_free char *path = NULL;

	unsetenv("XDG_RUNTIME_DIR");
	path = state_root_default(&host);
	ok(str_eq(path, "/tmp/bryo-3987654"), "root of a user namespace is its maker: %s", path);
}

static void test_tmp_root(void)
{
	const uid_t uid = 3987654;
	const char *dir = "/tmp/bryo-3987654";
	struct stat st;

	if (!has_other_ids()) {
		tap_skip("the directory below /tmp", "needs root");
		return;
	}
	ok(tmp_root_as(uid) == 0 && lstat(dir, &st) == 0 && (st.st_mode & 07777) == 01700 &&
		   st.st_uid == uid,
	   "below /tmp: made, private, sticky");
	ok(tmp_root_as(uid) == 0, "and found again");
	chmod(dir, 0777);
	ok(tmp_root_as(uid) == EPERM, "with mode 0777: refused");
	rmdir(dir);
	ok(mkdir(dir, 0700) == 0 && tmp_root_as(uid) == EACCES,
	   "made by root: refused (it cannot even be opened)");
	chmod(dir, 0755);
	ok(tmp_root_as(uid) == EPERM, "made by root and readable: refused");
	rmdir(dir);
	ok(mkdir("mine", 0700) == 0 && chown("mine", uid, uid) == 0 && chmod(scratch, 0711) == 0,
	   "prepare");
	char target[100];
	(void)snprintf(target, sizeof(target), "%s/mine", scratch);
	ok(symlink(target, dir) == 0 && tmp_root_as(uid) != 0,
	   "a symbolic link to a good one: refused");
	unlink(dir);
	rmdir("mine");
}

static void test_ids(int root)
{
	static const struct {
		const char *id;
		int rc;
	} cases[] = {
		{ "a", 0 },	    { "A-b_c.d+9", 0 }, { "...", 0 },
		{ "-x", 0 },	    { "", -EINVAL },	{ ".", -EINVAL },
		{ "..", -EINVAL },  { "a/b", -EINVAL }, { "../x", -EINVAL },
		{ "a b", -EINVAL }, { "a\n", -EINVAL }, { "\xc3\xa4", -EINVAL },
		{ "a:b", -EINVAL },
	};
	char long_id[1026];
	int lock = -1;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ok(state_id_check(cases[i].id, NULL) == cases[i].rc, "id '%s'",
		   i == 10 ? "a<newline>" : cases[i].id);
	memset(long_id, 'x', sizeof(long_id));
	long_id[1025] = '\0';
	ok(state_id_check(long_id, NULL) == -EINVAL, "1025 bytes are too many");
	long_id[1024] = '\0';
	ok(state_id_check(long_id, NULL) == 0, "1024 are not");
	ok(state_claim(root, long_id, &lock, &err) == -ENAMETOOLONG, "but no directory: %.60s...",
	   text_of(&err));
	ok(state_open(root, "../..", NULL) == -EINVAL &&
		   state_claim(root, "..", &lock, NULL) == -EINVAL &&
		   state_remove(root, "a/..", NULL) == -EINVAL,
	   "every way in checks the id");
}

static void test_claim(int root)
{
	struct err err = ERR_INIT;
	struct stat st;
	int lock = -1, lock2 = -1, dir, dir2;

	dir = state_claim(root, "box", &lock, &err);
	ok(dir >= 0 && lock >= 0, "claim: %s", text_of(&err));
	ok(fstat(dir, &st) == 0 && (st.st_mode & 07777) == 01700, "the directory is private");
	ok(fcntl(dir, F_GETFD) == FD_CLOEXEC && fcntl(lock, F_GETFD) == FD_CLOEXEC,
	   "both close-on-exec");
	ok(state_claim(root, "box", &lock2, &err) == -EEXIST, "a second claim");
	ok(str_starts(text_of(&err), "container with id 'box' already exists"), "its text: %s",
	   text_of(&err));
	dir2 = state_open(root, "box", &err);
	ok(dir2 >= 0, "open it");
	close(dir2);
	err = (struct err)ERR_INIT;
	ok(state_open(root, "nobox", &err) == -ENOENT, "open another");
	ok_str(text_of(&err), "container 'nobox' does not exist", "its text");
	ok(state_remove(root, "nobox", &err) == -ENOENT, "remove another");

	close(openat(dir, "config.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(dir, ".record.json.4711", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(dir, "precious", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	err = (struct err)ERR_INIT;
	ok(state_remove(root, "box", &err) == -ENOTEMPTY && strstr(text_of(&err), "precious") &&
		   faccessat(dir, "precious", F_OK, 0) == 0,
	   "what is not ours is not removed: %s", text_of(&err));
	unlinkat(dir, "precious", 0);
	ok(state_remove(root, "box", &err) == 0 && faccessat(root, "box", F_OK, 0) < 0,
	   "all that is ours is, with a killed writer's file");
	close(lock);
	ok(state_lock(dir, "box", &err) == -ENOENT, "a removed one cannot be locked");
	close(dir);
	ok(symlinkat("/tmp", root, "evil") == 0 && state_open(root, "evil", NULL) == -ENOENT,
	   "a symbolic link is no container");
	unlinkat(root, "evil", 0);
}

/* A waiter for the lock must find out that the container went away meanwhile. */
static void test_lock(int root)
{
	struct err err = ERR_INIT;
	int lock = -1, status = -1, dir = state_claim(root, "locked", &lock, &err);
	pid_t pid = fork();

	if (pid == 0) {
		int mine = state_open(root, "locked", NULL);

		close(lock); /* our copy would hold it */
		lock = state_lock(mine, "locked", NULL);
		_exit(lock < 0 ? -lock : 0);
	}
	usleep(100000);
	ok(waitpid(pid, &status, WNOHANG) == 0, "a second locker waits");
	state_remove(root, "locked", &err);
	close(lock);
	close(dir);
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == ENOENT,
	   "and is told that the container is gone");

	dir = state_claim(root, "locked", &lock, &err);
	pid = fork();
	if (pid == 0) {
		int mine = state_open(root, "locked", NULL);

		close(lock);
		lock = state_lock(mine, "locked", NULL);
		_exit(lock < 0 ? -lock : 0);
	}
	usleep(50000);
	close(lock);
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	   "otherwise it gets the lock");
	close(dir);
	state_remove(root, "locked", &err);
}

/* Claims and removals of one id by several processes: each claim is won by exactly one. */
static void test_race(int root)
{
	enum { WORKERS = 4, ROUNDS = 200 };
	int bad = 0;

	for (int w = 0; w < WORKERS; w++) {
		pid_t pid = fork();

		if (pid != 0)
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			struct err err = ERR_INIT;
			int lock = -1, dir = state_claim(root, "race", &lock, &err);

			if (dir == -EEXIST) {
				int other = state_open(root, "race", NULL);

				lock = other < 0 ? other : state_lock(other, "race", &err);
				if (lock < 0 && lock != -ENOENT)
					_exit(2);
				fd_closep(&lock);
				fd_closep(&other);
				continue;
			}
			if (dir == -ENOENT)
				continue; /* removed before it was locked; see below */
			if (dir < 0)
				_exit(3);
			close(openat(dir, "record.json", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
				     0600));
			if (state_remove(root, "race", &err) < 0)
				_exit(4);
			close(lock);
			close(dir);
		}
		_exit(0);
	}
	for (int w = 0; w < WORKERS; w++) {
		int status = 0;

		wait(&status);
		if (status)
			bad = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
	}
	ok(bad == 0, "claims and removals at once (%d)", bad);
	ok(faccessat(root, "race", F_OK, 0) < 0, "leave nothing");
}

static void test_list(int root)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv ids;
	struct err err = ERR_INIT;
	int lock;
	static const char *const names[] = { "b", "a", "c" };

	ok(state_ids(&a, root, &ids, &err) == 0 && ids.n == 0 && ids.v && !ids.v[0],
	   "no containers");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		close(state_claim(root, names[i], &lock, &err));
		close(lock);
	}
	close(openat(root, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	mkdirat(root, "not an id", 0700);
	ok(state_ids(&a, root, &ids, &err) == 0 && ids.n == 3 && !ids.v[3] &&
		   strcmp(ids.v[0], "a") == 0 && strcmp(ids.v[1], "b") == 0 &&
		   strcmp(ids.v[2], "c") == 0,
	   "sorted, and only what can be one");
	unlinkat(root, "file", 0);
	unlinkat(root, "not an id", AT_REMOVEDIR);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		state_remove(root, names[i], &err);

	mkdir("gone", 0700);
	lock = open("gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rmdir("gone");
	ok(state_ids(&a, lock, &ids, &err) == 0 && ids.n == 0, "a root that vanished holds none");
	close(lock);
}

static void expect(int dir, const struct record *r, enum state_status want, bool want_pidfd,
		   const char *what)
{
	enum state_status got = 99;
	struct err err = ERR_INIT;
	int pidfd = 99, rc = state_status(dir, r, &got, &pidfd, &err);

	if (!ok(rc == 0 && got == want && (pidfd >= 0) == want_pidfd && err.num == 0, "%s", what))
		printf("# rc %d status %d pidfd %d %s\n", rc, got, pidfd, text_of(&err));
	fd_closep(&pidfd);
}

static void test_status(int root)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct record r = { .id = "box" };
	bool zombie = true;
	uint64_t start = 0;
	int lock = -1, dir = state_claim(root, "box", &lock, &err), pipefd[2];
	pid_t pid;

	expect(dir, &r, STATE_CREATING, false, "no pid yet: creating");
	ok(pipe2(pipefd, O_CLOEXEC) == 0, "prepare");
	pid = fork();
	if (pid == 0) {
		char c;

		close(pipefd[1]);
		(void)!read(pipefd[0], &c, 1);
		_exit(0);
	}
	ok(state_pid_start(pid, &start, &zombie, &err) == 0 && start > 0 && !zombie, "start time");
	r.pid = pid;
	r.pid_start = start;
	r.boot_id = state_boot_id(&a);
	ok(strlen(r.boot_id) == 36, "boot id");
	expect(dir, &r, STATE_RUNNING, true, "alive, no start socket: running");
	close(openat(dir, "start", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect(dir, &r, STATE_CREATED, true, "alive, with a start socket: created");
	r.pid_start++;
	expect(dir, &r, STATE_STOPPED, false, "another start time: the pid was reused");
	r.pid_start--;
	r.boot_id = "00000000-0000-0000-0000-000000000000";
	expect(dir, &r, STATE_STOPPED, false, "another boot: stopped");
	r.boot_id = "";
	expect(dir, &r, STATE_CREATED, true, "no boot id known: judged by the rest");
	close(pipefd[1]);
	usleep(100000);
	ok(state_pid_start(pid, &start, &zombie, &err) == 0 && zombie, "a zombie is seen");
	expect(dir, &r, STATE_STOPPED, false, "and is dead");
	waitpid(pid, NULL, 0);
	expect(dir, &r, STATE_STOPPED, false, "reaped: dead");
	ok(state_pid_start(pid, &start, &zombie, &err) == -ESRCH &&
		   state_pid_start(0, &start, &zombie, &err) == -ESRCH &&
		   state_pid_start(-1, &start, &zombie, &err) == -ESRCH,
	   "no such process");
	r.pid = -1;
	expect(dir, &r, STATE_CREATING, false, "a negative pid is never asked for");
	state_remove(root, "box", &err);
	close(dir);
	close(lock);
	close(pipefd[0]);
}

/* The process name may hold spaces and parentheses. */
static void test_odd_name(void)
{
	char *argv[] = { "x", NULL };
	struct err err = ERR_INIT;
	bool zombie = true;
	uint64_t start = 0, own = 0;
	pid_t pid;

	ok(symlink("/bin/cat", ") Z 1 (") == 0, "prepare");
	int pipefd[2];
	ok(pipe(pipefd) == 0, "prepare");
	pid = fork();
	if (pid == 0) {
		dup2(pipefd[0], 0);
		close(pipefd[1]);
		execv(") Z 1 (", argv);
		_exit(1);
	}
	close(pipefd[0]);
	usleep(100000);
	ok(state_pid_start(pid, &start, &zombie, &err) == 0 && !zombie &&
		   state_pid_start(getpid(), &own, &zombie, &err) == 0 && start >= own &&
		   start < own + 10000,
	   "an odd process name does not mislead");
	close(pipefd[1]);
	waitpid(pid, NULL, 0);
	unlink(") Z 1 (");
}

int main(void)
{
	auto_free char *path = NULL;
	struct err err;
	int root;

	if (!mkdtemp(scratch) || chdir(scratch) < 0)
		return EXIT_FAILURE;
	umask(022);
	test_named_roots();
	test_default_roots();
	test_outer_uid();
	test_tmp_root();
	root = root_open("root", true, &path, &err);
	ok(root >= 0, "a root to work in");
	test_ids(root);
	test_claim(root);
	test_lock(root);
	test_race(root);
	test_list(root);
	test_status(root);
	test_odd_name();
	close(root);
	if (rmdir("root") < 0)
		ok(false, "the root is empty at the end");
	(void)!system("rm -rf named run file");
	if (chdir("/") == 0)
		rmdir(scratch);
	return done();
}
