/*
 * state.h - the state directory: where it is, who may claim an id, locks, what status follows
 * from the facts.
 *
 * Root directory rules (design.md): --root DIR, made absolute, "/" refused; else real root uses
 * /run/bryo; else $XDG_RUNTIME_DIR/bryo when XDG_RUNTIME_DIR is a directory owned by us and not
 * accessible by others; else /run/user/UID/bryo likewise; else /tmp/bryo-UID, 0700, owner, mode
 * and no-follow checked (CVE-2019-12439). UID is the one outside a user namespace: inside, all
 * are 0. Whatever exists must be a directory of ours with mode 0700 (group and others nothing),
 * except that a --root given by name is only checked for ownership and not being writable by
 * others. The sticky bit is set on the directories below XDG_RUNTIME_DIR and /tmp so that ageing
 * leaves them alone, as the XDG specification says.
 *
 * A container is claimed by mkdir of its directory (EEXIST: id taken). Locks are flock on
 * that directory: exclusive for create, start, kill-and-delete; released by the
 * kernel when the holder dies. ids: [A-Za-z0-9_+.-], 1..1024 bytes, not "." or "..".
 */
#ifndef BRYO_STATE_H
#define BRYO_STATE_H

#include "base/err.h"
#include "base/mem.h"
#include "host/host.h"
#include "state/record.h"

#include <stdbool.h>

/* A file of the container's directory: it has not been started yet. */
#define STATE_START_NAME "start"

enum state_status {
	STATE_CREATING,
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPED,
	STATE_UNKNOWN, /* nobody can tell from here: never taken for stopped */
};

/* Absolute path of the root by the rules above.
 * create: make it where missing (0700). *ret is malloc'ed. Returns an O_PATH-less directory
 * descriptor (owned by the caller), or -ENOENT where it is missing and create is false; *ret is set
 * then too. */
int state_root_open(const char *wanted, const struct host *host, bool create, char **ret,
		    struct err *err);

/* The path that it takes without a wanted one; malloc'ed. Reads only. */
char *state_root_default(const struct host *host);

int state_id_check(const char *id, struct err *err);
/* Claims id: directory and lock (held). -EEXIST: "container with id 'x' already exists". The
 * lock lives as long as *ret_lock is open. Returns the directory descriptor. */
int state_claim(int root, const char *id, int *ret_lock, struct err *err);
/* Opens an existing one. -ENOENT: "container 'x' does not exist". */
int state_open(int root, const char *id, struct err *err);
/* Exclusive lock; waits. The descriptor owns it. A directory that was deleted while we waited
 * is -ENOENT. */
int state_lock(int dirfd, const char *id, struct err *err);
/* The same without waiting: -EWOULDBLOCK where somebody holds it. */
int state_trylock(int dirfd, const char *id, struct err *err);
/* Whether the directory was made by state_claim(), and not by somebody else in a root of his own. */
bool state_is_claim(int dirfd);
/* Temporary files that writers which were killed have left; names, in the arena. The lock is held,
 * so nobody is writing. */
void state_temporaries(struct arena *a, int dirfd, struct strv *ret);
/* Removes the directory of id with what we know it holds. */
int state_remove(int root, const char *id, struct err *err);
/* Ids in the root, sorted, in the arena; the root may vanish. */
int state_ids(struct arena *a, int root, struct strv *ret, struct err *err);

/*
 * Derived status; whether it is paused its cgroup knows (lib/context.c). *ret_pidfd (may be NULL;
 * -1 unless alive) refers to init and was checked against the start time, so that a reused pid is
 * never signalled (crun#1200). A zombie is dead. -EXDEV: it was created in another pid namespace, and
 * either nobody can tell from here, or it is alive there; -EACCES: it is hidden in /proc. *ret is
 * STATE_UNKNOWN then.
 */
int state_status(int dirfd, const struct record *r, enum state_status *ret, int *ret_pidfd,
		 struct err *err);
/* Start time of pid in clock ticks, and whether it is a zombie. -ESRCH. */
int state_pid_start(pid_t pid, uint64_t *ret, bool *ret_zombie, struct err *err);
const char *state_boot_id(struct arena *a); /* "" where it cannot be read */
/* Inode of the caller's pid namespace, in which his numbers of processes count; 0: not known. */
uint64_t state_pid_namespace(void);

#endif
