/*
 * caps.h - the five capability sets as bit masks, and their application. The only file behind it
 * includes libcap. A name that is unknown, or that the kernel does not have, is a warning (runtime-spec
 * 1.1 and later); nothing is ever added that was not asked for, least of all to the inheritable
 * set (CVE-2022-29162, CVE-2022-27650).
 */
#ifndef BRYO_CAPS_H
#define BRYO_CAPS_H

#include "base/err.h"
#include "feature/note.h"
#include "oci/spec.h"

#include <stdint.h>

struct caps_plan { uint64_t bounding, effective, permitted, inheritable, ambient; };

/* extra: names added to bounding, effective and permitted (and to ambient for those that are
 * inheritable), as `exec --cap`; may be NULL. [pure] */
void caps_plan(struct arena *a, const struct spec_caps *caps, char *const *extra, struct notes *notes,
	       struct caps_plan *ret);
/* Drops from the bounding set; needs CAP_SETPCAP, so before the identity changes. [inside] */
int caps_bounding_inside(const struct caps_plan *plan, struct err *err);
/* Permitted survives a change of uid / no longer. [inside] */
int caps_keep_inside(bool keep, struct err *err);
/* Final effective, permitted, inheritable and ambient sets. [inside] */
int caps_inside(const struct caps_plan *plan, struct err *err);
uint64_t caps_own_effective(void); /* of this process, for host facts */

#endif
