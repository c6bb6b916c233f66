/*
 * helper.h - a long-running program outside the container, as the feature that wants it describes
 * it: what to execute, how it says that it is ready, and who ends it. proc/helpers.h runs it.
 *
 * Descriptors it is started with, besides 0 to 2: HELPER_FD_INIT, init's pidfd, only without a
 * keeper; and HELPER_FD_READY where it reports by descriptor. Its working directory is the
 * container's state directory, so that a socket there has a short name whatever the path is.
 */
#ifndef BRYO_HELPER_H
#define BRYO_HELPER_H

#include <stdbool.h>

#define HELPER_FD_INIT	3
#define HELPER_FD_READY 4
#define HELPER_KEEPER	"bryo-keeper" /* its name in the record */

struct helper_desc {
	const char *name;	 /* in errors, and in the record */
	const char *path;	 /* absolute */
	const char *const *argv; /* NULL-terminated */
	const char *ready_fifo;	 /* a name in the state directory that it writes to; NULL: HELPER_FD_READY */
	const char *noise;	 /* lines that begin so are not worth telling, or NULL */
	const char *instead;	 /* an option that does without it, for the error that it is late */
	bool keeper;		 /* it does not notice the end of init: bryo-keeper ends it */
	int timeout_ms;		 /* to be ready */
};

#endif
