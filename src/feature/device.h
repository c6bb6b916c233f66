/*
 * device.h - device nodes, the default ones and linux.devices, and the links in /dev.
 *
 * With the rights of a user namespace no node can be made: the host's node is bound instead,
 * after its type and major:minor were checked on the very descriptor that is then cloned
 * (CVE-2025-31133); only real root outside of user namespaces makes nodes. Nodes, links and
 * mount points are made relative to the rootfs descriptor and never through a link as last
 * component (CVE-2026-41579, -47766, -88264).
 */
#ifndef BRYO_DEVICE_H
#define BRYO_DEVICE_H

#include "base/err.h"
#include "feature/note.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct device {
	const char *path;	/* in the container, clean and absolute */
	char type;		/* 'c', 'b' or 'p' */
	uint32_t major, minor;
	mode_t mode;		/* permission bits */
	uint32_t uid, gid;
	bool bind;		/* of the host's node of the same path */
};

struct device_plan {
	struct device *v;
	size_t n;
	int *sources;		/* as in struct mount_plan */
	bool links;		/* fd, stdin, stdout, stderr, ptmx */
	bool in_userns;
};

int device_plan(struct arena *a, const struct spec *spec, bool dev_is_ours, bool userns, struct notes *notes,
		struct device_plan *ret, struct err *err);
int device_sources_inside(const struct device_plan *plan, struct err *err);
int device_inside(const struct device_plan *plan, int rootfd, struct err *err);

#endif
