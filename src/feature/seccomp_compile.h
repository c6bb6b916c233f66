/*
 * seccomp_compile.h - libseccomp, behind two functions. Private to seccomp.c.
 */
#ifndef BRYO_SECCOMP_COMPILE_H
#define BRYO_SECCOMP_COMPILE_H

#include "seccomp_cache.h"
#include "seccomp_profile.h"

/* Fills ret, in the arena. -ENOTSUP where there is no libseccomp. [outside] */
int seccomp_compile(struct arena *a, const struct seccomp_profile *p, struct seccomp_entry *ret,
		    struct err *err);
/* Adds the specification's architectures that the library knows; false where there is none. */
bool seccomp_compile_archs(struct json_out *o);

/* Identity of a library that is part of this program; NULL where it is a file. */
const char *seccomp_linked_library(void);

#endif
