/*
 * rlimit.h - process.rlimits and process.oomScoreAdj: what may be asked for is checked before
 * anything is created, because a hard limit cannot be raised without CAP_SYS_RESOURCE in the
 * initial user namespace. org.bryo.clamp=true lowers to what is allowed, with a warning.
 */
#ifndef BRYO_RLIMIT_H
#define BRYO_RLIMIT_H

#include "base/err.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rlimit_one { int resource; const char *name; uint64_t soft, hard; };
struct rlimit_plan {
	struct rlimit_one *v;
	size_t n;
	struct opt_i64 oom_score_adj;
};

int rlimit_plan(struct arena *a, const struct spec_process *p, bool clamp, const struct host *host,
		struct notes *notes, struct rlimit_plan *ret, struct err *err);
int rlimit_inside(const struct rlimit_plan *plan, struct err *err);
/* Writes oom_score_adj of pid, which must be dumpable: before it changes its uid. [outside], [joiner] */
int rlimit_oom_outside(const struct rlimit_plan *plan, pid_t pid, struct err *err);

#endif
