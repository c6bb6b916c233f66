/*
 * pid1.h - --init: a pid 1 of ours in front of the program. Theory of operation.
 *
 * Images often have programs that are no init: they leave zombies, and a pid 1 without a handler
 * for SIGTERM is not ended by it. So the container's init, instead of becoming the program, clones
 * a child that does, and becomes helpers/bryo-init itself, which reaps, passes signals on, and ends
 * as the program does.
 *
 * Why it executes another program, although it need only go on running:
 *  - it is a copy of the runtime's memory, with the caller's environment, the config of the
 *    container and paths of the host. While `bryo exec` of an ordinary user shall work it must be
 *    dumpable, because without exec its memory belongs to the outer user namespace, over which
 *    nobody who is not root has the right to ptrace, which setns asks for; and dumpable it can be
 *    read by the container's root. After exec the memory belongs to the container's user namespace,
 *    so bryo-init can be non-dumpable and still be entered from outside. (CVE-2016-9962)
 *  - 180 KiB of memory that nobody needs any more.
 * Why it is not bryo itself, executed again: a user of libbryo is another program; bryo has twice the
 * size and most of its tables to relocate; and what is not there cannot be reached through
 * /proc/1/exe. Measured: 0.60 ms more for a run, 52 KiB of anonymous memory (an installed file's
 * pages are shared; a sealed copy has 0.7 MB of its own). Linked without PIE it is no faster.
 *
 * What is executed is a descriptor that the runtime opened (pid1_open_outside()): the installed
 * file where the container's IDs cannot write it, else a sealed copy in memory, by the same rule as
 * for the runtime itself (selfexe.h, CVE-2019-5736).
 *
 *	init					its child
 *	clone -------------------------------->	seal, as ever
 *	session, label, capabilities but KILL,
 *	user, no-new-privileges			waits on the gate
 *	closes all descriptors			.
 *	execveat(bryo-init): filter, hidden	.
 *	closes the gate ---------------------->	`exec` on the start socket, execve
 *
 * So nothing of the image runs before pid 1 has nothing left to be taken. It has the program's own
 * user and of the program's capabilities CAP_KILL alone, for a program that changes its user; a
 * filter of its own, which allows seven system calls, is stricter than any that a program can run
 * with. It has no descriptor at all: who waits for the end of the program's output waits for the
 * program only.
 */
#ifndef BRYO_PID1_H
#define BRYO_PID1_H

#include "base/err.h"
#include "plan/process.h"

/* The program of pid 1, to be executed; the caller owns it. [outside] */
int pid1_open_outside(struct err *err);
/* In place of seal_and_exec(), with the same meaning of slave and sock. [inside] */
_Noreturn void pid1_inside(const struct process_plan *p, int program, int slave, int sock);

#endif
