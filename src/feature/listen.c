/*
 * listen.c - socket activation (listen.h). The descriptors themselves are passed by not closing
 * them (proc/seal.c), so there is little to do but to say so.
 */
#include "listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PID_ENTRY 32 /* bytes of "LISTEN_PID=" and any pid */

void listen_plan(struct arena *a, int n, const char *names, struct strv *env,
		 struct listen_plan *ret)
{
	const char **v;

	*ret = (struct listen_plan){ .n = n };
	if (!n)
		return;
	v = arena_alloc(a, (env->n + 4) * sizeof(*v));
	if (env->n)
		memcpy(v, env->v, env->n * sizeof(*v));
	ret->pid = arena_alloc(a, PID_ENTRY);
	memcpy(ret->pid, "LISTEN_PID=1", sizeof("LISTEN_PID=1"));
	v[env->n++] = arena_printf(a, "LISTEN_FDS=%d", n);
	v[env->n++] = ret->pid;
	if (names)
		v[env->n++] = arena_printf(a, "LISTEN_FDNAMES=%s", names);
	env->v = v;
}

int listen_check(int n, struct err *err)
{
	if (n < 0 || n > 10000)
		return err_set(err, EINVAL, "LISTEN_FDS=%d: out of range", n);
	for (int fd = 3; fd < 3 + n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			continue;
		err_set(err, EBADF, "LISTEN_FDS=%d: descriptor %d is not open", n, fd);
		return err_hint(
			err, -EBADF,
			"whoever set LISTEN_FDS and LISTEN_PID must pass descriptors 3 to %d on",
			2 + n);
	}
	return 0;
}

void listen_inside(const struct listen_plan *plan)
{
	if (plan->pid)
		(void)snprintf(plan->pid, PID_ENTRY, "LISTEN_PID=%d", (int)getpid());
}
