/*
 * elsewhere.h - containers that were created in another pid namespace than the caller's: their
 * recorded numbers of processes do not count here.
 */
#ifndef BRYO_ELSEWHERE_H
#define BRYO_ELSEWHERE_H

#include "state/record.h"

#include <stdbool.h>

/* Also where the caller's own pid namespace is not known. */
bool record_is_elsewhere(const struct record *r);
/* The number that its init has here; 0: it has ended; -EXDEV: nobody can tell from here. */
pid_t record_find_elsewhere(const struct record *r);

#endif
