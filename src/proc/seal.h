/*
 * seal.h - the last steps before exec, in order, and nothing else; the same for the container's
 * own process and for exec.
 *
 *	session and terminal; signals, umask, rlimits; scheduler, label; bounding set; [seccomp, if
 *	no-new-privileges is off: it needs CAP_SYS_ADMIN]; groups, gid, uid; working directory
 *	verified to be inside; capabilities; the program is looked up as the final user;
 *	no-new-privileges; descriptors; `exec` is sent; [seccomp otherwise]; execve.
 *
 * A filter may deny sendmsg: after it is loaded `failed` is best effort, and the exit status (127
 * not found, 126 otherwise) is all that is sure.
 */
#ifndef BRYO_SEAL_H
#define BRYO_SEAL_H

#include "base/err.h"
#include "plan/process.h"

/* Looks the program up as execvp would, with PATH of the container; only whether it is there.
 * Texts match what engines read: "executable file not found in $PATH", "no such file or
 * directory", "permission denied". *ret (PATH_MAX bytes) is what to execve. [inside] */
int seal_find_program(const struct process_plan *p, char *ret, size_t size, struct err *err);
/* slave: pty to adopt, or -1. gate: the program does not run before its end of file, or -1. Returns
 * only by _exit(). [inside] */
_Noreturn void seal_and_exec(const struct process_plan *p, int slave, int sock, int gate);

#endif
