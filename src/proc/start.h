/*
 * start.h - the start socket: both ends. A seqpacket socket named "start" in the container's state
 * directory; its existence means "created, not started". Reached through /proc/self/fd because
 * socket paths are limited to 108 bytes.
 */
#ifndef BRYO_START_H
#define BRYO_START_H

#include "base/err.h"

#include <sys/types.h>

#define START_SOCKET "start"

/* Binds and listens in the state directory; the descriptor is for init. [outside] */
int start_listen_outside(int dirfd, struct err *err);
/* Connects, removes the socket, says start, waits for exec and the end of file. -ENOENT: already
 * started. [outside] */
int start_outside(int dirfd, struct err *err);
/* Accepts until the owner comes, who must say start; returns that connection. Exits where he goes
 * without a word: the socket has lost its name, so nobody else will come. [inside] */
int start_wait_inside(int listener, uid_t owner);

#endif
