/*
 * seal.c - from a process that may do everything in the container to the one that was asked for
 * (order and reasons in seal.h). Runs in init and in the exec child; never returns.
 */
#include "seal.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "proc/sync.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The kernel's words in lower case, because engines search for them. */
static int exec_error(const char *name, int num, struct err *err)
{
	const char *word = num == ENOENT ? "no such file or directory" : num == EACCES ? "permission denied" :
			   num == ENOTDIR ? "not a directory" : NULL;

	if (word)
		err_set(err, num, "exec '%s': %s", name, word);
	else
		err_set(err, num, "exec '%s': %s", name, strerror(num));
	err->exec = true;
	return -num;
}

static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* The line after "#!", or what a binary without its loader looks like. */
static void explain_interpreter(const char *path, struct err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[128] = "";

	if (fd >= 0 && read(fd, head, sizeof(head) - 1) > 2 && head[0] == '#' && head[1] == '!')
		err_hint(err, 0, "the file is there; its interpreter is missing in the container: '%.*s'",
			 (int)strcspn(head + 2, "\n"), head + 2);
	else
		err_hint(err, 0, "the file is there; the dynamic loader that it names (see file or readelf -l) is "
			 "missing in the container");
}

static void explain_exec(const char *path, int num, struct err *err)
{
	struct statvfs fs;
	struct stat st;

	if (num == ENOEXEC)
		err_hint(err, 0, "it is neither a binary for this machine nor a script that begins with #!");
	if ((num != EACCES && num != ENOENT) || stat(path, &st) < 0)
		return;
	if (num == ENOENT)
		explain_interpreter(path, err);
	else if (S_ISDIR(st.st_mode))
		err_hint(err, 0, "'%s' is a directory", path);
	else if (!S_ISREG(st.st_mode))
		err_hint(err, 0, "'%s' is not a regular file", path);
	else if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		err_hint(err, 0, "'%s' is on a file system that is mounted noexec", path);
	else
		err_hint(err, 0, "mode %04o and owner of '%s' do not let the container's user execute it: chmod a+x it "
			 "in the image", st.st_mode & 07777, path);
}

static bool name_in(const char *dir, const char *name, char *ret, size_t size)
{
	const char *end = strchrnul(dir, ':');
	int n = snprintf(ret, size, "%.*s/%s", (int)(end - dir), end > dir ? dir : ".", name);

	return n >= 0 && (size_t)n < size;
}

static int search_path(const struct process_plan *p, char *ret, size_t size, struct err *err)
{
	const char *search = p->search && *p->search ? p->search : DEFAULT_PATH;
	const char *denied = NULL;

	for (const char *dir = search, *end; *dir; dir = *end ? end + 1 : end) {
		int rc;

		end = strchrnul(dir, ':');
		if (!name_in(dir, p->argv[0], ret, size))
			continue;
		rc = check_program(ret);
		if (rc == 0)
			return 0;
		if (rc == -EACCES && !denied)
			denied = dir;
	}
	if (denied) {
		(void)name_in(denied, p->argv[0], ret, size);
		exec_error(p->argv[0], EACCES, err);
		explain_exec(ret, EACCES, err);
		return err_hint(err, -EACCES, "the container's user may not enter the directory of '%s'", ret);
	}
	err_set(err, ENOENT, "exec '%s': executable file not found in $PATH", p->argv[0]);
	err->exec = true;
	return err_hint(err, -ENOENT, "PATH of the container is %s", search);
}

int seal_find_program(const struct process_plan *p, char *ret, size_t size, struct err *err)
{
	int rc;

	if (!strchr(p->argv[0], '/'))
		return search_path(p, ret, size, err);
	if (strlen(p->argv[0]) >= size)
		return exec_error("(path)", ENAMETOOLONG, err);
	memcpy(ret, p->argv[0], strlen(p->argv[0]) + 1);
	rc = check_program(ret);
	if (rc == 0)
		return 0;
	exec_error(p->argv[0], -rc, err);
	explain_exec(ret, -rc, err);
	return rc;
}

/*
 * What the caller ignored (nohup, Python and its SIGPIPE) must not reach the program, nor our
 * blocked signals.
 */
static void reset_signals(void)
{
	sigset_t none;

	sys_signals_default();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* getcwd says "(unreachable)/..." for a directory outside of our root (CVE-2024-21626). */
static int verify_cwd(struct err *err)
{
	char buf[PATH_MAX];
	long n = syscall(SYS_getcwd, buf, sizeof(buf));

	if (n < 0)
		return err_sys(err, "the working directory");
	if (buf[0] != '/')
		return err_set(err, EPERM, "the working directory is outside of the container");
	return 0;
}

/*
 * Entered twice: with capabilities, because engines use directories that only root may enter,
 * and again as the final user, which is what counts on network file systems; where that is
 * refused the first one stays.
 */
static int enter_cwd(const struct process_plan *p, bool again, struct err *err)
{
	int rc = 0;

	if (chdir(p->cwd) < 0 && !(again && errno == EACCES)) {
		rc = err_sys(err, "working directory '%s'", p->cwd);
		return err_hint(err, rc, "process.cwd (or --cwd) must be a directory of the container that "
				"the user may enter");
	}
	rc = verify_cwd(err);
	return rc < 0 ? err_in(err, rc, "'%s'", p->cwd) : 0;
}

/* The notify descriptor goes out at once: what comes next may already need the agent's answer. */
static int load_seccomp(const struct process_plan *p, int sock, struct err *err)
{
	auto_fd int notify = -1;
	int rc = p->seccomp.active ? seccomp_inside(&p->seccomp, err) : 0;

	if (rc > 0) {
		notify = rc;
		rc = sync_send_with(sock, SYNC_NOTIFY, NULL, 0, notify, err);
	}
	return rc < 0 ? err_in(err, rc, "load the seccomp filter") : 0;
}

static int change_identity(const struct process_plan *p, struct err *err)
{
	int rc = caps_keep_inside(true, err);

	if (rc == 0)
		rc = user_inside(&p->user, err);
	return rc < 0 ? rc : caps_keep_inside(false, err);
}

static int seal(const struct process_plan *p, int slave, int sock, char *program, size_t size, struct err *err)
{
	bool entered = enter_cwd(p, false, NULL) == 0;
	int rc = rlimit_inside(&p->rlimits, err);

	reset_signals();
	if (rc == 0 && slave >= 0)
		rc = terminal_adopt_inside(slave, err);
	else if (rc == 0 && !p->keep_session)
		(void)setsid(); /* or TIOCSTI could type into the caller's terminal */
	umask(p->user.umask);
	if (rc == 0)
		rc = sched_inside(&p->sched, err);
	if (rc == 0)
		rc = lsm_inside(&p->lsm, err);
	if (rc == 0)
		rc = caps_bounding_inside(&p->caps, err);
	if (rc == 0 && !p->no_new_privs)
		rc = load_seccomp(p, sock, err);
	if (rc == 0)
		rc = change_identity(p, err);
	if (rc == 0)
		rc = enter_cwd(p, entered, err);
	if (rc == 0)
		rc = caps_inside(&p->caps, err);
	if (rc == 0)
		rc = seal_find_program(p, program, size, err);
	if (rc == 0 && p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = err_sys(err, "set no-new-privileges");
	if (rc == 0)
		rc = fd_cloexec_from((unsigned)(3 + p->preserve_fds), err);
	return rc;
}

/* What execve would say to what the file begins with; unknown formats may be binfmt_misc's. */
static int check_format(const char *program, struct err *err)
{
	auto_fd int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[PATH_MAX] = "", *name = head + 2;

	if (fd < 0 || read(fd, head, sizeof(head) - 1) < 3 || head[0] != '#' || head[1] != '!')
		return 0; /* one may execute what one may not read */
	name += strspn(name, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	if (!*name || faccessat(AT_FDCWD, name, X_OK, AT_EACCESS) == 0)
		return 0;
	exec_error(program, errno, err);
	explain_exec(program, err->num, err);
	return -err->num;
}

/* In place of the program: nothing is executed. A filter that forbids execve says so to any. */
static int pretend_exec(const struct process_plan *p, char *const *env, struct err *err)
{
	(void)execve("", p->argv, env);
	return errno == ENOENT ? 0 : exec_error(p->argv[0], errno, err);
}

/* Slot 0 of envp is HOME where the config gave none, else skipped. */
static char **final_env(const struct process_plan *p, char *home, size_t size)
{
	if (!p->needs_home)
		return p->envp + 1;
	memcpy(home, "HOME=", 5);
	user_home_inside(p->user.uid, home + 5, size - 5);
	p->envp[0] = home;
	return p->envp;
}

static void wait_for_gate(int gate)
{
	char none;

	while (gate >= 0 && read(gate, &none, 1) < 0 && errno == EINTR)
		continue;
}

void seal_and_exec(const struct process_plan *p, int slave, int sock, int gate)
{
	char program[PATH_MAX], home[PATH_MAX + 5];
	char **env = final_env(p, home, sizeof(home));
	int *const own[] = { &sock, &slave, &gate };
	struct err err = ERR_INIT;
	int rc;

	listen_inside(&p->listen);
	rc = listen_place_inside(&p->listen, p->preserve_fds, own, ARRAY_LEN(own), &err);
	if (rc == 0)
		rc = seal(p, slave, sock, program, sizeof(program), &err);
	if (rc == 0 && p->rehearsal)
		rc = check_format(program, &err);
	/* After the change of user, which clears it; who has ended before does not take the message. */
	if (rc == 0 && p->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		rc = err_sys(&err, "die with the parent");
	wait_for_gate(gate);
	if (rc == 0)
		rc = sync_send(sock, SYNC_EXEC, &err);
	if (rc == 0 && p->no_new_privs)
		rc = load_seccomp(p, sock, &err);
	if (rc == 0 && p->rehearsal) {
		rc = pretend_exec(p, env, &err);
		if (rc == 0)
			_exit(0);
	}
	if (rc == 0) {
		execve(program, p->argv, env);
		exec_error(p->argv[0], errno, &err);
		explain_exec(program, err.num, &err);
	}
	sync_fail(sock, &err);
	_exit(err.exec && err.num == ENOENT ? 127 : 126);
}
