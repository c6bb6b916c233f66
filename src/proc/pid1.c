/*
 * pid1.c - from init to bryo-init and the program (theory in pid1.h). pid1_open_outside() runs in
 * the runtime, the rest in init and its child.
 */
#include "pid1.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/libexec.h"
#include "base/sys.h"
#include "proc/seal.h"
#include "proc/selfexe.h"
#include "proc/sync.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>

#define PROGRAM "bryo-init"

int pid1_open_outside(struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *path;
	int rc = libexec_find(&a, PROGRAM, &path, err);

	if (rc < 0)
		return err_hint(err, rc, "it is what --init runs: `make install` brings it");
	return selfexe_open_program(path, PROGRAM, err);
}

static int drop(const struct process_plan *p, struct err *err)
{
	uint64_t kill = p->caps.permitted & (1ULL << CAP_KILL);
	const struct caps_plan caps = { kill, kill, kill, kill, kill };
	int rc;

	if (!p->keep_session)
		(void)setsid();
	rc = lsm_inside(&p->lsm, err);
	if (rc == 0)
		rc = caps_bounding_inside(&caps, err);
	if (rc == 0)
		rc = caps_keep_inside(true, err);
	if (rc == 0)
		rc = user_inside(&p->user, err);
	if (rc == 0)
		rc = caps_keep_inside(false, err);
	if (rc == 0)
		rc = caps_inside(&caps, err);
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = err_sys(err, "set no-new-privileges");
	if (rc == 0 && p->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		rc = err_sys(err, "die with the parent");
	return rc;
}

/* This is the container's first process: bryo-init from here on. */
static int become(const struct process_plan *p, int program, pid_t child, int gate, int sock,
		  struct err *err)
{
	const int keep[] = { program, gate, sock };
	char pid[16], fd[16];
	char *argv[] = { (char *)PROGRAM, pid, fd, NULL }, *envp[] = { NULL };
	int rc = drop(p, err);

	if (rc < 0)
		return rc;
	(void)snprintf(pid, sizeof(pid), "%d", (int)child);
	(void)snprintf(fd, sizeof(fd), "%d", gate);
	fd_close_others(0, keep, ARRAY_LEN(keep));
	rc = fd_set_cloexec(gate, false, err);
	if (rc < 0)
		return rc;
	(void)syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	return err_sys(err, "execute " PROGRAM);
}

static int split(const struct process_plan *p, int program, int slave, int sock, struct err *err)
{
	struct clone_args clone = { .exit_signal = SIGCHLD };
	sigset_t all;
	int gate[2], above, rc;
	pid_t child;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	/* out of the way of what the program gets */
	above = fd_dup(gate[0], 3 + p->preserve_fds, err);
	if (above < 0)
		return above;
	(void)close(gate[0]);
	/* what comes meanwhile is passed on by bryo-init; the seal of the program unblocks its own */
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	child = sys_clone3(&clone);
	if (child == 0) {
		(void)close(gate[1]);
		seal_and_exec(p, slave, sock, above);
	}
	if (child < 0) {
		rc = err_sys(err, "make the process of the program");
		return rc == -EAGAIN ? err_hint(err, rc,
						"with --init a limit of processes must allow two")
				     : rc;
	}
	return become(p, program, child, gate[1], sock, err);
}

void pid1_inside(const struct process_plan *p, int program, int slave, int sock)
{
	struct err err = ERR_INIT;

	if (split(p, program, slave, sock, &err) < 0)
		sync_fail(sock, &err);
	_exit(126);
}
