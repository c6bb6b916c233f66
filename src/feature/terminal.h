/*
 * terminal.h - pseudo terminals: made in the container's devpts by whoever runs inside, handed
 * to the runtime as the master descriptor, then relayed by the foreground runtime or passed to a
 * console socket.
 *
 * The slave is obtained by TIOCGPTPEER from a master whose file system was checked to be devpts,
 * so a fake /dev/pts/N cannot stand in (CVE-2025-52565).
 *
 * Who gets the master by a console socket gets the kernel's own modes, with ONLCR, as from runc and
 * crun: Docker's and Kubernetes' clients put their terminal in raw mode and need the "\r\n". A
 * foreground relay clears it as runc does: callers see plain line feeds. Only where it has the
 * caller's terminal on both ends does the pty keep it, and the caller's terminal processes no output
 * then: the same is seen, and the work is done by the program's process instead of the relay's.
 *
 * The relay copies between the caller's stdin/stdout and the master. It loses no byte when an
 * end is slow, closed or short-lived: output is drained to EIO/EOF of the master after the
 * program has ended; input that the terminal does not take is kept; a closed stdout discards
 * output but keeps draining, so that the program does not hang; end of file on stdin stops
 * input only. It only sleeps in poll. The caller's terminal is put in raw mode when stdin is
 * one, restored on every way out, and its size is followed (SIGWINCH).
 */
#ifndef BRYO_TERMINAL_H
#define BRYO_TERMINAL_H

#include "base/err.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct terminal_plan {
	bool wanted;
	uint16_t rows, columns; /* 0: take the caller's */
};

/*
 * Opens a new pty pair in the devpts that ptmx (an open descriptor of that devpts' ptmx, read
 * and write) belongs to; sets its size and owner uid (the group stays: an unmapped tty group
 * must not fail, runc#4679). [inside]
 */
int terminal_open_inside(int ptmx, const struct terminal_plan *plan, uid_t uid, int *ret_slave, struct err *err);
/* slave as 0, 1, 2. [inside] */
int terminal_stdio_inside(int slave, struct err *err);
/* setsid, controlling terminal, and slave as 0, 1, 2; a second time changes nothing. [inside] */
int terminal_adopt_inside(int slave, struct err *err);
/* Sends the master to the console socket at path; payload "/dev/ptmx". [outside] */
int terminal_send_outside(const char *path, int master, struct err *err);

/*
 * For a foreground relay, before the program starts, so that a fast one does not see 0x0: gives the pty
 * the caller's window size, if size says so, and the output processing described above. [outside]
 */
void terminal_match(int master, bool size);

#define RELAY_BUFFER 65536

struct relay_buffer { char *data; size_t start, len; };

/* An end on the caller's side. Never set to O_NONBLOCK itself: others may share it. */
struct relay_end {
	int fd;			/* -1: closed */
	bool owned;		/* our own non-blocking reopening of what the caller has */
	bool socket;		/* the flag goes with each call */
	bool wary;		/* could be neither: written in small pieces, and only when poll allows it */
};

struct relay {
	int master;		/* owned; -1 when given up */
	int hangup;		/* epoll on the master while no slave is open; -1: one is */
	struct relay_end in, out; /* the caller's 0 and 1 */
	int tty;		/* borrowed: the caller's terminal, for its size; -1: none */
	bool raw;		/* saved is valid and must be restored */
	struct termios saved;
	struct relay_buffer to_master, to_out;
	bool ended;		/* set by the owner: the program has ended, only drain */
	bool dry;		/* nothing more is read from the master */
	size_t drained;		/* bytes read since it ended */
	int lost;		/* errno by which output was lost (a full disk); 0: none, or the reader left */
};

/*
 * Takes over master. SIGPIPE must
 * be blocked or ignored from here to relay_end(); wait_arm() sees to that. [outside]
 */
int relay_begin(struct relay *r, int master, struct err *err);
/* Fills up to 3 pollfds (fd -1 where nothing is waited for); returns how many. Never busy. */
size_t relay_poll(const struct relay *r, struct pollfd p[3]);
/*
 * Moves bytes after poll. Returns 0, or 1 when no slave is open and all output is out. That is
 * no reason to stop while the program lives: it may open its terminal again. Once ended is set
 * it is to be called without waiting first, and 1 means drained.
 */
int relay_step(struct relay *r, const struct pollfd p[3], struct err *err);
void relay_resize(struct relay *r); /* on SIGWINCH */
void relay_resume(struct relay *r); /* on SIGCONT: raw mode again if the terminal is ours, and the size */
/* The program has ended: drain what the pty still holds (bounded by writers' progress), then
 * return. Processes that survive and keep the pty open do not hold us: stops once the pty is
 * empty. Blocks on a slow reader; who must see signals meanwhile sets ended and steps. */
void relay_drain(struct relay *r);
void relay_end(struct relay *r); /* restores the caller's terminal; closes; idempotent */

#endif
