/*
 * fd.h - reading, writing and passing descriptors; the only caller of dup. Every descriptor
 * made here is close-on-exec. [any]
 */
#ifndef BRYO_FD_H
#define BRYO_FD_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads to the end of file. More than max bytes is -EFBIG. The text is NUL-terminated and
 * *ret_len does not count that; the caller frees *ret.
 */
int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len, struct err *err);
/* Writes all bytes, through short writes and EINTR. The frame says only "write". */
int fd_write_all(int fd, const void *buf, size_t len, struct err *err);
/* F_DUPFD_CLOEXEC at or above min. */
int fd_dup(int fd, int min, struct err *err);
/* dup3 over a fixed number: how an inherited (not close-on-exec) 0, 1 or 2 is made. */
int fd_dup_onto(int fd, int target, struct err *err);
int fd_set_cloexec(int fd, bool on, struct err *err);
/*
 * Marks every descriptor from first on as close-on-exec (they go at execve, which is when it
 * counts). Never walks /proc/self/fd (crun#110).
 */
int fd_cloexec_from(unsigned first, struct err *err);
/*
 * Closes every descriptor from first on but those in keep (n of them, any order, -1 is skipped).
 * What a cloned process inherited and must not hold: state directory, locks, the host's view.
 */
void fd_close_others(unsigned first, const int *keep, size_t n);
/* One message with one descriptor over a connected unix socket; text is the payload. */
int fd_send(int sock, int fd, const char *text, struct err *err);
/* Receives one descriptor (close-on-exec); -EPROTO when the message brings none. */
int fd_recv(int sock, struct err *err);
/* Connects a unix stream socket; paths over 107 bytes go through /proc/self/fd. */
int fd_connect_unix(const char *path, struct err *err);

#endif
