/*
 * prepare.h - from a bundle and options to a plan: what bryo_create() and bryo_plan() have in common.
 * For the files of lib/ only.
 */
#ifndef BRYO_PREPARE_H
#define BRYO_PREPARE_H

#include "base/mem.h"
#include "feature/net/net_join.h"
#include "lib/context.h"
#include "lib/net_target.h"
#include "oci/spec.h"
#include "plan/plan.h"

/* Strings live in the arena, which prepared_end() frees unless it was moved away. */
struct prepared {
	struct arena arena;
	const char *bundle; /* absolute; NULL: it was not found */
	struct spec *spec;
	const char *config; /* the document, for the copy */
	size_t config_len;
	int seccomp_cache;	  /* directory, or -1 */
	const char *state_dir;	  /* absolute; where the container's directory will be */
	const char *notify_dir;	  /* host's side of /run/notify, or NULL */
	struct net_target target; /* whose network is joined; id NULL: none */
	struct plan plan;
};

#define PREPARED_INIT                                          \
	{                                                      \
		.seccomp_cache = -1, .target = NET_TARGET_INIT \
	}

/*
 * Reads the document, writes the options over its annotations, and plans. host: this one's, or
 * faked facts. dry: leaves no trace, no compiled filter either. After an error ret holds what was
 * read so far, plan.id NULL where there is no plan at all. [outside]
 */
int prepare(struct bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
	    struct host *host, bool dry, struct prepared *ret, struct err *err);
void prepared_end(struct prepared *p);
/* clone3 without exec: what another thread holds would stay locked in init. */
int prepare_check_threads(struct err *err);

#endif
