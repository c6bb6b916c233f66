/*
 * seccomp_default.h - the system call profile that bryo brings along, as a linux.seccomp object.
 */
#ifndef BRYO_SECCOMP_DEFAULT_H
#define BRYO_SECCOMP_DEFAULT_H

#include "base/json.h"

/*
 * Writes it under key (NULL at the top). machine is what uname -m says: it decides which second
 * ABI is let in and where clone() has its flags. [pure]
 */
void seccomp_default_out(struct json_out *o, const char *key, const char *machine);

#endif
