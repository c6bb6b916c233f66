/*
 * status_fd.h - --status-fd of run and sandbox: what happens to the container as JSON lines, for
 * who would else have to poll.
 *
 *	{"pid":4711,"namespaces":{"user":4026532574,...}}	it is created
 *	{"ready":true}						the program was executed
 *	{"exit":137,"signal":9}					it has ended
 *	{"error":"..."}						or this, at any point before
 *
 * The reader may leave at any time: that is its business and no error.
 */
#ifndef BRYO_STATUS_FD_H
#define BRYO_STATUS_FD_H

#include "cmd.h"

/* n: as it was given, 0 for none. Nothing that is started inherits it. passed: so many descriptors
 * from 3 on are the program's. */
int status_fd_check(const struct cli *cli, int n, int passed, union cli_err *err);
/* fd 0: nobody wants to know. */
void status_fd_created(int fd, bryo_ctx *ctx, const char *id);
void status_fd_ready(int fd);
void status_fd_ended(int fd, int code, int sig);
void status_fd_failed(int fd, const struct bryo_err *err);

#endif
