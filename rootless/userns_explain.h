/* userns_explain.h - the explanation below any root directory, so that tests can fake one. */
#ifndef BRYO_USERNS_EXPLAIN_H
#define BRYO_USERNS_EXPLAIN_H

#include "base/err.h"

/*
 * As userns_explain(); files are looked up relative to root (the directory that holds "proc"),
 * exe is what an AppArmor profile must name. NULL: unknown. [reads only]
 */
int userns_explain_at(int root, const char *exe, int num, int rc, struct err *err);

#endif
