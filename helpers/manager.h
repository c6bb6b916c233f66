/*
 * manager.h - what the systemd manager is asked over D-Bus.
 *
 * All return an exit status: 0, or one of enum status, and then c->why says why.
 */
#ifndef BRYO_MANAGER_H
#define BRYO_MANAGER_H

#include "property.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIDS_MAX 4096

enum status { FAILED = 1, USAGE, NO_BUS, EXISTS, NO_UNIT, DENIED };

struct job {
	char path[128];
	char manager[64]; /* who may say that it is done */
	char result[32];  /* "" until then */
	int unseen;	  /* errno: the bus will not tell */
};

struct call {
	const char *unit, *subcgroup; /* NULL where the command has none */
	uint32_t pids[PIDS_MAX];
	size_t n_pids;
	struct props props; /* those that systemd did not know are gone afterwards */
	struct sd_bus *bus;
	bool watching;
	struct job job;
	uint64_t deadline;
	char why[2048];
};

/* Writes c->why and returns @status. */
int fail(struct call *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int manager_open(struct call *c, int fd); /* a connected socket, which it takes over */
void manager_close(struct call *c);

int manager_start(struct call *c);
int manager_stop(struct call *c);
int manager_set(struct call *c);
int manager_attach(struct call *c);
int manager_delegated(struct call *c); /* prints the answer */
int manager_ping(struct call *c);

#endif
