/*
 * child.h - describe, start and wait for a program: the only fork+exec for tools. The child's
 * descriptors are exactly those described; signals are reset; SIGCHLD of the caller is not
 * touched (the child is waited for by pidfd). [outside] except where a hook runs inside.
 */
#ifndef BRYO_CHILD_H
#define BRYO_CHILD_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
	/* filled by the caller */
	const char *path;	  /* absolute, or a name to be found in PATH */
	char *const *argv;
	char *const *envp;	  /* NULL: the caller's environment */
	int in, out, error;	  /* descriptors to become 0, 1, 2; -1: /dev/null */
	int pass;		  /* one descriptor that becomes 3; -1: none */
	int pass_more[2];	  /* become 4 and 5; -1: none; none without those before it */
	bool session;		  /* a session of its own: no signal of our terminal reaches it */
	bool capture;		  /* collect stdout and stderr, the last 4 KiB, into output */
	int dirfd;		  /* working directory; -1: the caller's */
	const void *input;	  /* written to stdin from a sealed memfd (in is ignored); NULL: none */
	size_t input_len;
	int timeout_ms;		  /* <= 0: none. After it the child is killed: -ETIMEDOUT */
	/* filled by child_start() */
	pid_t pid;
	int pidfd;
	int out_pipe;
	/* filled by child_wait() */
	int status;		  /* wait status */
	char output[1025];	  /* what it printed, when captured: one line, cleaned */
};

#define CHILD_INIT \
	{ .in = -1, .out = -1, .error = -1, .pass = -1, .pass_more = { -1, -1 }, .dirfd = -1, \
	  .pidfd = -1, .out_pipe = -1 }

/* Finds name in PATH as execvp would; absolute names are only checked. -ENOENT, -EACCES.
 * The caller frees *ret. path_env NULL: the process's PATH. */
int child_find(const char *name, const char *path_env, char **ret, struct err *err);
int child_start(struct child *c, struct err *err);
/* Reaps. An exit status other than 0 or a signal death is an error that carries the output. */
int child_wait(struct child *c, struct err *err);
int child_run(struct child *c, struct err *err); /* start, then wait */
/* What a program printed as one line for an error frame, cleaned; the end where it is too long. */
void child_words(const char *text, size_t len, char *out, size_t size);
/* Kills and reaps if still running; closes descriptors. Keeps errno. */
void child_release(struct child *c);

#endif
