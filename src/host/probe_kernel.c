/*
 * probe_kernel.c - the kernel: release, machine, and the sysctls that forbid user namespaces.
 * Runs in the runtime, reads only. The sysctls are read only on request: they explain
 * failures, and a launch that works does not look at them.
 */
#include "probe.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

/* -1 where the file does not exist or holds no number. */
static int64_t read_sysctl(const char *path)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32], *end;
	long long v;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	v = strtoll(text, &end, 10);
	return end == text ? -1 : (int64_t)v;
}

/* strtoul would touch the locale's pages first, which a launch needs for nothing else. */
static unsigned leading_number(const char **p)
{
	unsigned v = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		v = v * 10 + (unsigned)(**p - '0');
	return v;
}

int probe_kernel(struct host *h, struct err *err)
{
	struct utsname u;
	const char *p = u.release;

	if (uname(&u) < 0)
		return err_sys(err, "ask for the kernel release");
	h->kernel_major = leading_number(&p);
	if (p > u.release && *p++ == '.')
		h->kernel_minor = leading_number(&p);
	else
		return err_set(err, EPROTO, "kernel release '%s' does not start with two numbers",
			       u.release);
	h->machine = arena_strdup(h->arena, u.machine);
	h->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	return 0;
}

void probe_limits(struct host *h)
{
	h->max_user_namespaces = read_sysctl("/proc/sys/user/max_user_namespaces");
	h->unprivileged_userns_clone = read_sysctl("/proc/sys/kernel/unprivileged_userns_clone");
	h->apparmor_restrict_userns =
		read_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
}
