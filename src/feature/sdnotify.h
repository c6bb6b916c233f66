/*
 * sdnotify.h - readiness (sd_notify(3)): a service manager gave us NOTIFY_SOCKET, and the program
 * in the container says READY=1. Theory of operation, which is runc's:
 *
 * The manager's own socket is not for a container: it would take MAINPID, stored descriptors and
 * extended timeouts from it. So `create` makes a directory "notify" in the container's state
 * directory and mounts it read-only at /run/notify, and NOTIFY_SOCKET in the container is
 * /run/notify/notify.sock. `start` binds that socket before the program runs and reads it; the
 * first READY= line is passed on, followed by MAINPID= (the container's process, or ourselves in
 * the foreground) and BARRIER=1. Everything else is dropped.
 *
 * The proxy lives in whoever called start: detached until READY was passed on and the manager has
 * taken it (the barrier: a sender that is gone cannot be told apart from a stranger), or until the
 * program ends; in the foreground it is one more descriptor of the wait loop.
 */
#ifndef BRYO_SDNOTIFY_H
#define BRYO_SDNOTIFY_H

#include "base/err.h"
#include "oci/spec.h"

#include <sys/types.h>

#define SDNOTIFY_DIR	"notify"
#define SDNOTIFY_SOCKET SDNOTIFY_DIR "/notify.sock"

struct sdnotify {
	int sock;    /* ours, which the container writes to; -1: none */
	int manager; /* connected */
	bool done;   /* READY was passed on: what comes now is only taken away */
};

#define SDNOTIFY_INIT                     \
	{                                 \
		.sock = -1, .manager = -1 \
	}

/* Mount and variable; dir is the absolute path of the directory. [pure] */
void sdnotify_spec(struct arena *a, struct spec *spec, const char *dir);
int sdnotify_mkdir_outside(int statefd, struct err *err);
/* manager: NOTIFY_SOCKET of the caller. 0 and no socket where create was not asked for one. */
int sdnotify_open(int statefd, const char *manager, struct sdnotify *ret, struct err *err);
void sdnotify_close(struct sdnotify *n);
/* Reads what is there. barrier: wait until the manager has taken it. */
void sdnotify_step(struct sdnotify *n, pid_t main_pid, bool barrier);
/* Until READY was passed on or the process of pidfd has ended. */
void sdnotify_wait(struct sdnotify *n, int pidfd, pid_t main_pid);

#define auto_sdnotify __attribute__((cleanup(sdnotify_close)))

#endif
