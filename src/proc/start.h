/*
 * start.h - the start socket: both ends. A seqpacket socket named "start" in the container's state
 * directory; its existence means "created, not started". Reached through /proc/self/fd because
 * socket paths are limited to 108 bytes.
 */
#ifndef BRYO_START_H
#define BRYO_START_H

#include "base/err.h"
#include "feature/seccomp_notify.h"

#include <sys/types.h>

#define START_SOCKET "start"

/* Binds and listens in the state directory; the descriptor is for init. [outside] */
int start_listen_outside(int dirfd, struct err *err);
/* Connects, removes the socket, says start and follows. -ENOENT: already started. notify: NULL where
 * no filter notifies. [outside] */
int start_outside(int dirfd, const struct seccomp_notify *notify, struct err *err);
/* After start was said on sock: exec, the notify descriptor in its place, end of file. Also for
 * exec'd processes. */
int start_follow(int sock, const char *peer, const struct seccomp_notify *notify, struct err *err);
/* Accepts until the owner comes, who must say start; returns that connection. Exits where he goes
 * without a word: the socket has lost its name, so nobody else will come. [inside] */
int start_wait_inside(int listener, uid_t owner);

#endif
