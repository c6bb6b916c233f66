/*
 * adapt_rules.h - a config.json that this caller can run, from one that need not be so; what
 * `bryo spec --from` writes.
 *
 * Theory. There is one set of rules, the plan's. The document is planned as `run` would plan it:
 *
 *  1. What the plan adapts by itself (a user namespace, the bind of /sys, devpts without its group)
 *     is written into the document, so that it says what happens.
 *  2. What the plan refuses is tried without: each field of a short list is taken out, or an
 *     annotation that permits less is put in, and where a refusal is gone then, it stays so, with
 *     the refusal's own words as the reason. What protects (seccomp, masked paths, no-new-privs)
 *     and what means something else without (a hostname) is not on that list: then the refusal is
 *     the answer.
 *  3. What the plan cannot know, because it looks at no path: namespaces that cannot be joined
 *     become new ones, hooks and devices that the host lacks are left out. Sources of mounts and
 *     the root file system are never left out: they are named, for the reader to replace.
 *
 * The adapted document has the plan of the original, less what was left out. Every change is a
 * note.
 */
#ifndef BRYO_ADAPT_RULES_H
#define BRYO_ADAPT_RULES_H

#include "base/json.h"
#include "plan/plan.h"

struct adapt_request {
	struct json *doc;	/* changed in place */
	const char *bundle;	/* absolute */
	const char *idmap;	/* instead of the document's mappings; may be NULL */
	struct host *host;
};

/* Reads the host (paths that the document names), changes nothing on it. */
int plan_adapt(struct arena *a, const struct adapt_request *q, struct notes *notes, struct err *err);

#endif
