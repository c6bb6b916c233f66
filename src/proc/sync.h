/*
 * sync.h - the conversation between the runtime and the container's init. Theory of operation.
 *
 * One SOCK_SEQPACKET pair, close-on-exec at birth; one packet is one message: header, bounded
 * payload, a bounded number of descriptors. Both sides are straight scripts (launch.c, init.c)
 * whose steps line up with this table:
 *
 *  runtime                                   init
 *  clone3 ---------------------------------> opens rootfs, bind sources, devices
 *  idmap_outside          -- mapped -------> becomes root inside
 *                         <-- rooted ------  (only where a helper has to wait for that)
 *  oom score, helpers     -- placed -------> time and cgroup namespace, mounts, devices
 *  fuse-overlayfs, maybe  <-- layered -----  (these only with a root file system of layers
 *                         -- served ------->  that such a program may serve: root_serve.h;
 *                         <-- answered ----   the last where one does)
 *  (waits)                <-- mounted -----  everything attached, not yet pivoted
 *  prestart, createRuntime hooks             (these two only if there are such hooks)
 *                         -- hooked -------> createContainer hooks, pivot, terminal, sysctls, masks
 *  helpers are ready                         (before the hooks, where there are such)
 *  record the pid         <-- ready + pty -  (waits)
 *                         -- recorded -----> blocks on the start socket
 *  start socket           -- start --------> startContainer hooks, seal
 *  (waits)                <-- exec --------  execve (where the filter notifies: notify + descriptor,
 *                                            before exec without no-new-privileges, else after it)
 *                         <-- end of file -  success, and only here
 *
 * Rules: every message has a name and sync_name() is in every diagnostic; sync_expect() is the
 * only receive, and an unexpected message is a protocol error, never skipped; `failed` may come
 * instead of any message, or of the final end of file, and carries the whole error chain; end of
 * file is an error everywhere except after `exec`; no naked integers; text from the other side is
 * bounded and terminated by the receiver. The pair is closed after `recorded`: until then init
 * dies with the runtime, because nobody else could find it. `start` and what follows travel on the
 * start socket: a listening socket in the container's state directory
 * (0700: that is its guard), inherited by init, which accepts the owner's uid only.
 * exec uses the same messages: start (the joiner's child may go on) and ready, exec, failed.
 */
#ifndef BRYO_SYNC_H
#define BRYO_SYNC_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum sync_msg {
	SYNC_MAPPED = 1, SYNC_PLACED, SYNC_MOUNTED, SYNC_HOOKED, SYNC_READY, SYNC_RECORDED, SYNC_START, SYNC_EXEC,
	SYNC_JOINED, SYNC_NOTIFY, SYNC_ROOTED, SYNC_LAYERED, SYNC_SERVED, SYNC_ANSWERED, SYNC_FAILED
};

#define SYNC_FDS 2
#define SYNC_PAYLOAD 64

struct sync_packet {
	enum sync_msg msg;
	size_t len;
	char payload[SYNC_PAYLOAD];
	int fds[SYNC_FDS];	/* -1 where none came; the receiver owns them */
};

const char *sync_name(enum sync_msg msg);
/* sock[0] is the runtime's, sock[1] the other side's. */
int sync_pair(int sock[2], struct err *err);
int sync_send(int sock, enum sync_msg msg, struct err *err);
/* With payload (may be NULL) and one descriptor (or -1). */
int sync_send_with(int sock, enum sync_msg msg, const void *payload, size_t len, int fd, struct err *err);
/* peer: who should have sent it, for the error: "container init". ret may be NULL: then any
 * descriptor that came is closed. */
int sync_expect(int sock, enum sync_msg want, const char *peer, struct sync_packet *ret, struct err *err);
/* Best effort: the other side may be gone. */
void sync_fail(int sock, const struct err *cause);
/* After `exec`: end of file is success, `failed` is not. */
int sync_expect_end(int sock, const char *peer, struct err *err);

#endif
