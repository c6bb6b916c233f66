/*
 * sysctl.h - linux.sysctl and linux.timeOffsets: what is written to procfs by init.
 *
 * Only keys of a namespace that the container has for itself are accepted; all else would change
 * the host or be refused. Writes go through a procfs that init mounts for itself, detached, so
 * that nothing of the image or the config can stand in its way (CVE-2025-52881).
 *
 * The annotation org.bryo.userns=disabled is one more: user.max_user_namespaces of the container's
 * user namespace is 0, so that nobody inside makes another one, where he would have all
 * capabilities again and more of the kernel to attack. Only CAP_SYS_RESOURCE could raise it,
 * whatever is mounted on /proc/sys, so plan/check.c refuses a process that may have that.
 */
#ifndef BRYO_SYSCTL_H
#define BRYO_SYSCTL_H

#include "base/err.h"
#include "feature/idmap.h"
#include "feature/note.h"
#include "feature/ns.h"
#include "oci/spec.h"

#define USERNS_ANNOTATION "org.bryo.userns"

struct sysctl_one { const char *key, *path /* "sys/net/..." */, *value; };
struct sysctl_plan { struct sysctl_one *v; size_t n; };

int sysctl_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns, const struct idmap_plan *ids,
		struct notes *notes, struct sysctl_plan *ret, struct err *err);
int sysctl_inside(const struct sysctl_plan *plan, struct err *err);

struct time_offset { int64_t secs; uint32_t nanosecs; };
struct timens_plan {
	bool active;
	const char *offsets; /* text for timens_offsets, or NULL */
	struct time_offset monotonic, boottime;
};

int timens_plan(struct arena *a, const struct spec *spec, const struct ns_plan *ns, struct timens_plan *ret,
		struct err *err);
/* unshare, offsets, enter: before anybody is inside. Needs the outer /proc. [inside] */
int timens_inside(const struct timens_plan *plan, struct err *err);

#endif
