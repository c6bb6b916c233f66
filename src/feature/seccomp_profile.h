/*
 * seccomp_profile.h - a checked linux.seccomp: names turned into the kernel's numbers, nothing
 * compiled yet. Between seccomp.c (libseccomp), seccomp_cache.c and the plan; nobody else
 * includes it.
 */
#ifndef BRYO_SECCOMP_PROFILE_H
#define BRYO_SECCOMP_PROFILE_H

#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "oci/spec.h"

struct profile_rule {
	uint32_t action; /* SECCOMP_RET_*, with its errno */
	bool same_index; /* two conditions look at one argument: each is a rule of its own */
	const struct spec_seccomp_rule *spec;
	const uint32_t *ops; /* one libseccomp operator per condition */
};

struct seccomp_profile {
	uint32_t default_action;
	bool permissive; /* default is allow, log or trace: no stub for newer syscalls */
	bool notify;
	unsigned flags;	   /* SECCOMP_FILTER_FLAG_* */
	struct strv archs; /* libseccomp's spelling: "x86_64" */
	struct {
		struct profile_rule *v;
		size_t n;
	} rules;
};

/* All checks that need no library. [pure] */
int seccomp_profile_check(struct arena *a, const struct spec_seccomp *spec,
			  struct seccomp_profile *ret, struct err *err);
/* Everything of the profile that decides which instructions come out, as bytes. [pure] */
void seccomp_profile_key(const struct seccomp_profile *p, struct str *ret);

/* The vocabularies of the specification, for `features`. [pure] */
enum seccomp_words {
	SECCOMP_WORDS_ACTIONS,
	SECCOMP_WORDS_OPS,
	SECCOMP_WORDS_ARCHS,
	SECCOMP_WORDS_FLAGS
};
const struct name *seccomp_words(enum seccomp_words which, size_t *ret_n);

#endif
