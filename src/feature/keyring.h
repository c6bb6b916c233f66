/*
 * keyring.h - the session keyring. A process that keeps its caller's can read the keys in there,
 * whatever user namespace it is in; so the container's process and every exec get another one,
 * named "_ses.ID" as runc names it. Keyrings go with the last process that holds them: there is
 * nothing to undo.
 *
 * Names of keyrings belong to a user namespace. In one of the container's own exec joins the
 * container's keyring, as with runc. Without one the name could be joined from any container of
 * the same user, so there the keyring stays closed and each exec gets its own.
 */
#ifndef BRYO_KEYRING_H
#define BRYO_KEYRING_H

#include "base/err.h"

#include <stdbool.h>

/*
 * label: of SELinux, for the keyring, or NULL. own_users: the container has a user namespace of its
 * own. A kernel that refuses the keyring (quota, an outer filter, not built in) is a warning in the
 * log; only a label that cannot be set is an error. [inside]
 */
int keyring_inside(const char *id, const char *label, bool own_users, struct err *err);

#endif
