/*
 * seccomp_notify.h - SCMP_ACT_NOTIFY: the descriptor of a filter's notifications goes to the agent
 * behind linux.seccomp.listenerPath (runtime-spec, "The Container Process State").
 *
 * The process that loads the filter hands the descriptor to the runtime with sendmsg, right after
 * loading; so that one call cannot be notified (refused by name), any other can: the agent gets
 * the descriptor before the process needs an answer. Without no-new-privileges the filter is
 * loaded before the identity changes, thus before `exec` is said; with it, after.
 */
#ifndef BRYO_SECCOMP_NOTIFY_H
#define BRYO_SECCOMP_NOTIFY_H

#include "base/err.h"
#include "oci/spec.h"

#include <sys/types.h>

struct seccomp_notify {
	const char *path, *metadata;	/* metadata may be NULL */
	const struct spec *spec;
	const char *id, *bundle, *status;
	pid_t pid;			/* the process that has the filter */
	pid_t init;			/* of the container: in the state */
	bool early;			/* the descriptor comes before `exec` */
};

/* linux.seccomp.listenerPath, else the annotation run.oci.seccomp.receiver, else NULL. [pure] */
const char *seccomp_listener(const struct spec *spec);
/* Connects, sends one document with the descriptor, closes. [outside] */
int seccomp_notify_outside(const struct seccomp_notify *n, int fd, struct err *err);

#endif
