/*
 * selfexe.h - keeps the runtime's own file out of the container's reach for writing
 * (CVE-2019-5736). A process of ours that can be seen from inside shows its file as
 * /proc/PID/exe; whoever may write that file may replace the runtime.
 *
 * Where owner and mode guarantee that a container's IDs cannot write it (owned by root of the
 * host, no write for group or others, and so no ACL that grants it, and the caller is not that
 * root), nothing is done. Else the program is executed again from a sealed memfd.
 */
#ifndef BRYO_SELFEXE_H
#define BRYO_SELFEXE_H

#include "base/err.h"

#include <stdbool.h>

/* Returns 0 when there is nothing to do; does not return when it executes the copy. [outside] */
int selfexe_protect(char *const argv[], struct err *err);
/* A helper program that the container will see as somebody's /proc/PID/exe, under the same rule: the
 * file, or a sealed copy that is called name. To be executed; the caller owns it. [outside] */
int selfexe_open_program(const char *path, const char *name, struct err *err);
/* Whether that is so: false means a copy at each start. [any] */
bool selfexe_is_out_of_reach(void);

#endif
