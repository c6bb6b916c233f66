/*
 * context.h - what is behind the opaque bryo_ctx, for the files of lib/ only.
 */
#ifndef BRYO_CONTEXT_H
#define BRYO_CONTEXT_H

#include "base/err.h"
#include "feature/sdnotify.h"
#include "host/host.h"
#include "lib/bryo.h"
#include "plan/plan.h"
#include "proc/wait.h"
#include "state/state.h"

/* An existing container, opened: directory, record; the lock where asked for. */
struct container {
	int dirfd, lock;
	struct arena arena;
	struct record record;
	enum state_status status;
	int pidfd;		/* -1 unless alive */
};

#define CONTAINER_INIT { .dirfd = -1, .lock = -1, .pidfd = -1 }

/*
 * The container that this context created in the foreground: its facts stay in memory, so that
 * start, wait and delete need not read them back.
 */
struct live {
	char *id;
	struct container c;	/* dirfd -1: none */
	struct arena arena;	/* what c.record points into */
	pid_t pid;
	int pidfd, pty;
	struct waiter waiter;
	struct sdnotify notify;
};

struct bryo_ctx {
	char *root;
	int rootfd;		/* -1: the state directory does not exist */
	bool root_named;	/* it was given by name */
	struct arena arena;	/* of host */
	struct host host;
	int (*notice)(void *arg, const char *text);
	void *notice_arg;
	char *notify_socket;	/* NULL: none */
	char *cgroup_manager;	/* NULL: choose */
	struct live live;
};

struct err *err_of(struct bryo_err *err);
/* -ENOENT when there is no such container. With STATE_UNKNOWN it fails, and all but lock and pidfd is there. */
int container_open(const struct bryo_ctx *ctx, const char *id, bool lock, struct container *ret, struct err *err);
void container_close(struct container *c);
/* The live container of this context, if it has that id. */
struct container *ctx_live(struct bryo_ctx *ctx, const char *id);
/* spec of a container as it was created, from its kept config. */
int container_spec(struct container *c, struct spec **ret, struct err *err);
/* The maps of its user namespace, read from the live init: what was asked for at creation need not
 * be known. *ret_denied: setgroups is. */
int container_maps(struct container *c, struct idmap_plan *ret, bool *ret_denied, struct err *err);
void ctx_notes(const struct bryo_ctx *ctx, const struct notes *notes);
/* A relative path the caller gave, made absolute; malloc'ed. */
char *path_absolute(const char *path);
/* Undo of everything the record knows; the lock is held. Also the clean-up of a failed create. */
int container_remove(struct bryo_ctx *ctx, const char *id, struct container *c, struct err *err);
/* Its cgroup, and what is in it, by force where it has to be. */
int container_remove_cgroup(struct bryo_ctx *ctx, struct container *c, struct err *err);
/* SIGKILL and wait until init and with it its pid namespace is gone. */
int container_kill(struct container *c, struct err *err);
/* Directory of compiled filters below the root, or -1. */
int ctx_seccomp_cache(const struct bryo_ctx *ctx);
/* The same where there is one already. */
int ctx_seccomp_cache_open(const struct bryo_ctx *ctx);
/* What planning cannot know is tried, with no trace left: refusals become notes of the plan as well. */
int plan_try(struct bryo_ctx *ctx, struct plan *plan, const struct bryo_create_options *o,
	     const char *state_dir, struct err *err);
/* Writes pid as text, atomically. */
int pid_file_write(const char *path, pid_t pid, struct err *err);
/* Sends pidfd to the socket at path, with the text "pidfd" as runc does. */
int pidfd_send(const char *path, int pidfd, struct err *err);
/* Directory of its cgroup. -EOPNOTSUPP with the reason where it has none. */
int container_cgroup_open(const struct container *c, struct err *err);
/* n descriptors from first on must be open. */
int preserve_fds_check(int first, int n, struct err *err);

#define auto_container __attribute__((cleanup(container_close)))

#endif
