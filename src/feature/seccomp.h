/*
 * seccomp.h - linux.seccomp to a compiled BPF filter in the plan, and its loading.
 *
 * The filter is compiled in the runtime by libseccomp (the only file that includes it; found by
 * configure, loaded with dlopen on first use so that a run without a profile does not pay for
 * it), as a binary tree (SCMP_FLTATR_CTL_OPTIMIZE 2) because seccomp(2) itself then takes a
 * third of the time. Compiled programs are cached in a private, bounded directory keyed by every
 * input (profile, libseccomp version, native architecture); an entry holds its whole key, so a
 * hash collision cannot give a wrong filter.
 */
#ifndef BRYO_SECCOMP_H
#define BRYO_SECCOMP_H

#include "base/err.h"
#include "base/json.h"
#include "feature/note.h"
#include "oci/spec.h"

#include <linux/filter.h>
#include <stdbool.h>

struct seccomp_plan {
	bool active;
	unsigned short n; /* instructions */
	const struct sock_filter *filter;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2); 0 when absent in the config
					   means SPEC_ALLOW, as runc and crun have it */
	bool notify;	/* the profile has SCMP_ACT_NOTIFY */
	const char *listener_path, *listener_metadata;
	const char *default_action; /* for `plan`: as written */
	size_t n_rules;
	const char *skipped;		/* names that the library does not know, or NULL */
};

/*
 * Checks everything that can be checked without libseccomp first: unknown action, operator,
 * architecture, flag; errnoRet with an action that takes none; argument index > 5; NOTIFY as
 * default action or on write; listenerMetadata without listenerPath. Unknown syscall names are
 * skipped with one note (field "linux.seccomp"). cache_dir: directory descriptor of the cache, or
 * -1 for none. compile false (`plan` with a fake host, fuzzing): stops after the checks with
 * active true and filter NULL. Without libseccomp at build time: -ENOTSUP by name.
 */
int seccomp_plan(struct arena *a, const struct spec_seccomp *spec, int cache_dir, bool compile,
		 struct notes *notes, struct seccomp_plan *ret, struct err *err);
/*
 * Loads the filter into the calling thread; returns the notify descriptor, or 0 when there is
 * none. One system call and nothing else, because it may be the last thing that is allowed. [inside]
 */
int seccomp_inside(const struct seccomp_plan *plan, struct err *err);
/* Parts of `features`: {"enabled":..., "actions":[...], ...} as an object under key "seccomp". */
void seccomp_features(struct json_out *o);
/* Version of libseccomp as "2.5.4", or NULL. */
const char *seccomp_library_version(void);

#endif
