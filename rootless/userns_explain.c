/*
 * userns_explain.c - why a user namespace could not be made, or is powerless. Runs in the
 * runtime after such a failure, reads only.
 *
 * The kernel has one EPERM for half a dozen causes and an ENOSPC that has nothing to do with
 * disks. Each cause is one function that looks at the machine and either sets the hint or
 * passes; they are tried in the order in which the kernel would refuse. More than one can be
 * true, and the first refusal is the one that was met.
 */
#include "rootless.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "userns_explain.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEXT_MAX  65536
#define EXE_SHOWN 96 /* longest path that leaves room for the profile in a hint */
#define FEW	  16 /* a limit below this is worth naming */

struct scene {
	struct arena *a; /* of the texts below */
	int root;
	const char *exe;
	int num;
	struct userns_cause *ret;
};

/* The sentence first, then what to do about it. Both live in the scene's arena. */
static bool found(const struct scene *s, const char *why, const char *remedy)
{
	*s->ret = (struct userns_cause){ why, remedy };
	return true;
}

static bool read_text(const struct scene *s, const char *path, char *buf, size_t size)
{
	auto_fd int fd = openat(s->root, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	return true;
}

static int64_t read_number(const struct scene *s, const char *path)
{
	char text[32], *end;
	long long v;

	if (!read_text(s, path, text, sizeof(text)))
		return -1;
	v = strtoll(text, &end, 10);
	return end == text ? -1 : (int64_t)v;
}

static bool no_support(const struct scene *s)
{
	/* Without /proc nothing can be said. */
	if (faccessat(s->root, "proc/self/ns", F_OK, 0) < 0 ||
	    faccessat(s->root, "proc/self/ns/user", F_OK, 0) == 0)
		return false;
	return found(
		s, "this kernel has no user namespaces",
		"boot a kernel with CONFIG_USER_NS=y; only root can run containers on this one, "
		"without a user namespace");
}

static const char *const limit_names[] = { "user", "mnt", "pid",    "net",
					   "ipc",  "uts", "cgroup", "time" };

/* A limit that is zero or tiny is the answer; otherwise all are listed with their values. */
static bool limits(const struct scene *s)
{
	auto_str struct str all = STR_INIT, low = STR_INIT, set = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(limit_names); i++) {
		char path[64];
		int64_t v;

		(void)snprintf(path, sizeof(path), "proc/sys/user/max_%s_namespaces",
			       limit_names[i]);
		v = read_number(s, path);
		if (v < 0)
			continue;
		str_addf(&all, "%suser.max_%s_namespaces=%lld", all.len ? " " : "", limit_names[i],
			 (long long)v);
		if (v >= FEW)
			continue;
		str_addf(&low, "%suser.max_%s_namespaces=%lld", low.len ? " " : "", limit_names[i],
			 (long long)v);
		str_addf(&set, " user.max_%s_namespaces=63000", limit_names[i]);
	}
	if (low.len)
		return found(
			s, arena_printf(s->a, "namespaces are limited here: %s", low.p),
			arena_printf(s->a,
				     "sudo sysctl -w%s, and a file in /etc/sysctl.d to keep it",
				     set.p));
	if (s->num != ENOSPC && s->num != EUSERS)
		return false;
	return found(s,
		     arena_printf(s->a,
				  "a namespace limit, not a full disk: all of a limit are in use "
				  "here or further out (%s)",
				  all.len ? all.p : "no limits can be read"),
		     "or user namespaces are nested more than 32 deep");
}

static bool limits_if_counted(const struct scene *s)
{
	return (s->num == ENOSPC || s->num == EUSERS) && limits(s);
}

static bool debian_sysctl(const struct scene *s)
{
	if (read_number(s, "proc/sys/kernel/unprivileged_userns_clone") != 0)
		return false;
	return found(
		s,
		"kernel.unprivileged_userns_clone is 0, which forbids user namespaces to "
		"ordinary users",
		"sudo sysctl -w kernel.unprivileged_userns_clone=1, and a file in /etc/sysctl.d "
		"to keep it");
}

/*
 * A chroot that is not itself a mount point has no line for "/": mountinfo shows only what is
 * below the process's root. (One that is a mount point cannot be told from outside.)
 */
static bool root_is_mounted(const char *mountinfo)
{
	for (const char *line = mountinfo; line && *line;) {
		const char *field = line, *next = strchr(line, '\n');

		for (int i = 0; i < 4 && field; i++) {
			field = strchr(field, ' ');
			field = field ? field + 1 : NULL;
		}
		if (field && str_starts(field, "/ ") && (!next || field < next))
			return true;
		line = next ? next + 1 : NULL;
	}
	return false;
}

static bool chrooted(const struct scene *s)
{
	auto_free char *text = malloc(TEXT_MAX);

	if (!text || !read_text(s, "proc/self/mountinfo", text, TEXT_MAX) || !*text ||
	    root_is_mounted(text))
		return false;
	return found(s, "this process is in a chroot, where the kernel makes no user namespaces",
		     "enter the tree with pivot_root instead (bwrap, systemd-nspawn and unshare "
		     "--root do), or run outside it");
}

/* Only a path without characters that mean something to the shell or to AppArmor is printed. */
static bool plain_path(const char *path)
{
	if (!path || path[0] != '/' || strlen(path) > EXE_SHOWN)
		return false;
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("/._+-", *path))
			return false;
	return true;
}

static bool apparmor(const struct scene *s)
{
	static const char why[] = "kernel.apparmor_restrict_unprivileged_userns is 1, so a user "
				  "namespace has no rights unless a profile names the program";

	if (read_number(s, "proc/sys/kernel/apparmor_restrict_unprivileged_userns") != 1)
		return false;
	if (plain_path(s->exe))
		return found(s, why,
			     arena_printf(s->a,
					  "echo 'abi <abi/4.0>, profile bryo %s "
					  "flags=(unconfined) { userns, }' | sudo tee "
					  "/etc/apparmor.d/bryo && sudo apparmor_parser -r "
					  "/etc/apparmor.d/bryo",
					  s->exe));
	return found(
		s, why,
		"install a profile with 'flags=(unconfined) { userns, }' for the program's own "
		"path, and put bryo at a short plain one such as /usr/local/bin/bryo");
}

static bool outer_seccomp(const struct scene *s)
{
	char text[8192];
	const char *at;

	if (!read_text(s, "proc/self/status", text, sizeof(text)))
		return false;
	at = strstr(text, "\nSeccomp:");
	if (!at || strtol(at + strlen("\nSeccomp:"), NULL, 10) != 2)
		return false;
	return found(s,
		     "a seccomp filter is on this process, most likely the outer container's: it "
		     "must allow clone3, clone, unshare, setns, mount, umount2, pivot_root and the "
		     "new mount calls",
		     "docker and podman: --security-opt seccomp=PROFILE; a pod: hostUsers: false "
		     "with a profile of its own");
}

/* A namespace is made together with a process. */
static bool no_more_processes(const struct scene *s)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	if (s->num != EAGAIN)
		return false;
	(void)getrlimit(RLIMIT_NPROC, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		return found(s,
			     "no more processes: the pids limit of the cgroup or the kernel's "
			     "kernel.pid_max is reached",
			     "end some");
	return found(
		s,
		arena_printf(s->a,
			     "no more processes: the user may have %llu (ulimit -u), or the pids "
			     "limit of the cgroup is reached",
			     (unsigned long long)limit.rlim_cur),
		"end some, or raise it");
}

static bool too_old(const struct scene *s)
{
	return s->num == ENOSYS &&
	       found(s, "this kernel does not know clone3", "boot Linux 5.14 or newer");
}

static bool nothing_found(const struct scene *s)
{
	if (s->num != EPERM && s->num != EACCES)
		return false;
	return found(s,
		     "none of the known causes is present (limits, sysctls, AppArmor, chroot, "
		     "seccomp); another security module may forbid it",
		     "see the kernel log");
}

static bool (*const causes[])(const struct scene *) = {
	no_support, no_more_processes, limits_if_counted, debian_sysctl, chrooted,
	apparmor,   outer_seccomp,     too_old,		  limits,	 nothing_found,
};

/* What lets a namespace be made and then takes its rights away. */
static bool (*const powerless[])(const struct scene *) = { apparmor, outer_seccomp };

static bool (*const obstacles[])(const struct scene *) = {
	[USERNS_NO_SUPPORT] = no_support, [USERNS_LIMITS] = limits,
	[USERNS_SYSCTL] = debian_sysctl,  [USERNS_CHROOT] = chrooted,
	[USERNS_APPARMOR] = apparmor,	  [USERNS_SECCOMP] = outer_seccomp,
};

bool userns_obstacle(struct arena *a, int root, const char *exe, enum userns_obstacle which,
		     struct userns_cause *ret)
{
	const struct scene s = { .a = a, .root = root, .exe = exe, .ret = ret };

	return obstacles[which](&s);
}

bool userns_cause(struct arena *a, int root, const char *exe, int num, struct userns_cause *ret)
{
	const struct scene s = { a, root, exe, num, ret };

	for (size_t i = 0; num && i < ARRAY_LEN(causes); i++)
		if (causes[i](&s))
			return true;
	for (size_t i = 0; !num && i < ARRAY_LEN(powerless); i++)
		if (powerless[i](&s))
			return true;
	return false;
}

int userns_explain_at(int root, const char *exe, int num, int rc, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct userns_cause cause;

	if (err && userns_cause(&a, root, exe, num, &cause))
		(void)err_hint(err, rc, "%s; %s", cause.why, cause.remedy);
	return rc;
}

int userns_explain(struct host *host, int num, int rc, struct err *err)
{
	auto_fd int root = -1;
	char exe[PATH_MAX];
	ssize_t n;

	if (host && host->faked)
		return rc;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	return root < 0 ? rc : userns_explain_at(root, n > 0 ? exe : NULL, num, rc, err);
}
