/*
 * helpers.h - starting, recording and stopping the programs that serve a container from outside
 * (feature/helper.h). Each is a child of the runtime, or of bryo-keeper, which is one; has a session
 * of its own, no descriptor of ours but those it is told about, and its output in a memory file
 * that takes 16 KiB and then no more: nobody has to read it, and a container cannot make it grow.
 */
#ifndef BRYO_HELPERS_H
#define BRYO_HELPERS_H

#include "base/child.h"
#include "base/err.h"
#include "feature/helper.h"

#include <sys/types.h>

#define HELPERS_MAX 4

struct helper_run {
	const struct helper_desc *desc;
	struct child child;	/* the program, or its keeper */
	int ready;		/* becomes readable when it is ready; -1: it is */
	int report;		/* the keeper's, until the program's pid was read; or -1 */
	int words;		/* what it printed */
	int dirfd;		/* the caller's: of ready_fifo */
	pid_t pid, keeper;	/* keeper 0: none */
};

struct helper_runs {
	struct helper_run v[HELPERS_MAX];
	size_t n;
};

/*
 * Adds one to runs. pidfd: init's. statefd: its working directory, kept open by the caller until it
 * is ready. On failure nothing of it is left. [outside]
 */
int helper_start_outside(struct helper_runs *runs, const struct helper_desc *desc, int pidfd, int statefd,
			 struct err *err);
/* Learns the pids of those that have a keeper. [outside] */
int helpers_identify_outside(struct helper_runs *runs, struct err *err);
/* Until all are ready. One that ends first, or takes too long, is an error with its words. [outside] */
int helpers_ready_outside(struct helper_runs *runs, struct err *err);
/* They live on without us: closes descriptors. */
void helpers_leave(struct helper_runs *runs);
/* Kills and reaps; keeps errno. */
void helpers_end(struct helper_runs *runs);

#endif
