/*
 * listen.c - socket activation (listen.h): what the program is told, and the last step in init,
 * which puts the descriptors in order. Those that were inherited are passed by not closing them
 * (proc/seal.c); those of --listen are made in listen_make.c.
 */
#include "listen.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PID_ENTRY 32	    /* bytes of "LISTEN_PID=" and any pid */
#define UNNAMED	  "unknown" /* sd_listen_fds_with_names(3) */

static int parse_words(struct arena *a, const struct strv *words, struct listen_plan *ret,
		       struct err *err)
{
	struct listen_socket *make;

	if (!words || !words->n)
		return 0;
	if (words->n > LISTEN_MAX)
		return err_set(err, E2BIG, "more than %d sockets to listen on", LISTEN_MAX);
	make = arena_alloc(a, words->n * sizeof(*make));
	ret->fds = arena_alloc(a, words->n * sizeof(*ret->fds));
	for (size_t i = 0; i < words->n; i++) {
		int rc = listen_parse(a, words->v[i], &make[i], err);

		ret->fds[i] = -1;
		for (size_t j = 0; rc == 0 && j < i; j++)
			if (make[i].kind == make[j].kind && make[i].port == make[j].port &&
			    str_eq(make[i].address, make[j].address) &&
			    str_eq(make[i].path, make[j].path))
				rc = err_set(err, EINVAL, "'%.120s' is given twice", words->v[i]);
		if (rc < 0)
			return err_in(err, rc, "--listen");
	}
	ret->make = make;
	ret->n += (int)words->n;
	return 0;
}

/* NULL where nobody gave any name. */
static const char *names_entry(struct arena *a, const struct listen_request *q,
			       const struct listen_plan *plan)
{
	auto_str struct str s = STR_INIT;
	bool named = q->names;

	for (int i = 0; i < listen_made(plan); i++)
		named |= plan->make[i].name != NULL;
	if (!named)
		return NULL;
	str_add(&s, "LISTEN_FDNAMES=");
	if (q->names)
		str_add(&s, q->names);
	for (int i = q->names ? plan->inherited : 0; i < plan->n; i++) {
		const char *name = i < plan->inherited ? NULL
						       : plan->make[i - plan->inherited].name;

		str_addf(&s, "%s%s", i ? ":" : "", name ? name : UNNAMED);
	}
	return arena_strdup(a, s.p);
}

int listen_plan(struct arena *a, const struct listen_request *q, struct strv *env,
		struct listen_plan *ret, struct err *err)
{
	const char **v, *names;
	int rc;

	*ret = (struct listen_plan){ .n = q->inherited, .inherited = q->inherited };
	rc = parse_words(a, q->words, ret, err);
	if (rc < 0 || !ret->n)
		return rc;
	v = arena_alloc(a, (env->n + 4) * sizeof(*v));
	if (env->n)
		memcpy(v, env->v, env->n * sizeof(*v));
	ret->pid = arena_alloc(a, PID_ENTRY);
	memcpy(ret->pid, "LISTEN_PID=1", sizeof("LISTEN_PID=1"));
	v[env->n++] = arena_printf(a, "LISTEN_FDS=%d", ret->n);
	v[env->n++] = ret->pid;
	names = names_entry(a, q, ret);
	if (names)
		v[env->n++] = names;
	env->v = v;
	return 0;
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

static int move_away(int *fd, int top, struct err *err)
{
	int copy;

	if (*fd < 3 || *fd >= top)
		return 0;
	copy = fd_dup(*fd, top, err);
	if (copy < 0)
		return copy;
	*fd = copy;
	return 0;
}

static int move_log(int top, struct err *err)
{
	struct log_sink log = *log_get();
	int rc = move_away(&log.fd, top, err);

	if (rc == 0)
		rc = move_away(&log.mirror, top, err);
	log_set(&log);
	return rc;
}

int listen_place_inside(const struct listen_plan *plan, int total, int *const *own, size_t n,
			struct err *err)
{
	int made = listen_made(plan), preserved = total - plan->n;
	int first = 3 + plan->inherited, rc = 0;

	if (!made)
		return 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = move_away(own[i], 3 + total, err);
	if (rc == 0)
		rc = move_log(3 + total, err);
	/* the last one first: each goes to where nobody is left */
	for (int i = preserved - 1; rc == 0 && i >= 0; i--)
		rc = fd_dup_onto(first + i, first + made + i, err);
	for (int i = 0; rc == 0 && i < made; i++)
		rc = fd_dup_onto(plan->fds[i], first + i, err);
	return rc < 0 ? err_in(err, rc, "sockets of --listen") : 0;
}

void listen_inside(const struct listen_plan *plan)
{
	if (plan->pid)
		(void)snprintf(plan->pid, PID_ENTRY, "LISTEN_PID=%d", (int)getpid());
}
