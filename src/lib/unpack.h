/*
 * unpack.h - a root file system through helpers/bryo-unpack: starting it where it can do no harm, and
 * what it says. For the files of lib/ only. [outside]
 */
#ifndef BRYO_UNPACK_H
#define BRYO_UNPACK_H

#include "lib/context.h"

enum unpack_how { UNPACK_TAR, UNPACK_LAYERS, UNPACK_COPY };

struct unpack_layer { int fd; const char *digest, *diff_id; };
struct unpack_layers { struct unpack_layer *v; size_t n; }; /* lowest first */

struct unpack_job {
	enum unpack_how how;
	int rootfs;		     /* the directory that is filled */
	int source;		     /* of UNPACK_TAR and UNPACK_COPY */
	struct unpack_layers layers; /* of UNPACK_LAYERS */
	bool squash;
	const char *user, *cwd;	     /* of an image, or NULL */
	const struct idmap_plan *ids;
	int signals;		     /* a signalfd that ends it */
	void (*progress)(void *arg, uint64_t files, uint64_t bytes); /* may be NULL */
	void *progress_arg;
	/* answers, in the arena */
	struct arena *arena;
	uint32_t uid, gid;
	struct { uint32_t *v; size_t n; } groups;
	uint64_t files, bytes;
};

/* -ENOENT: the helper is not installed. What was left out is told through the context's notice. */
int unpack_run(struct bryo_ctx *ctx, struct unpack_job *job, struct err *err);
/* Whether data is what digest says ("sha256:..." or "sha512:..."). -EBADMSG when it is not. */
int unpack_digest(const char *digest, const void *data, size_t len, struct err *err);

#endif
