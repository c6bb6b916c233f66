/*
 * devices.h - linux.resources.devices as a BPF_PROG_TYPE_CGROUP_DEVICE program, which only real
 * root may attach. The rules are ordered (runtime-spec, "Allowed Device list"); the last one that
 * matches decides, for each of r, w and m by itself; an access is allowed when all that it asks
 * for is allowed. What no rule matches is denied.
 *
 * An empty or absent list is therefore "deny": so does runc, whose list once began with "allow"
 * (GHSA-g54h-m393-cpwq); crun attaches nothing then. As both do, and after the config's rules so
 * that no rule can take them away, these are allowed: null, zero, full, random, urandom, tty,
 * console, ptmx, pts, net/tun, and mknod of everything (not opening what was made).
 */
#ifndef BRYO_CGROUP_DEVICES_H
#define BRYO_CGROUP_DEVICES_H

#include "base/err.h"
#include "base/mem.h"
#include "oci/spec.h"

#include <linux/bpf.h>
#include <stdbool.h>

struct device_rule {		/* a checked rule */
	char type;		/* 'a', 'b', 'c' */
	bool allow;
	unsigned access;	/* BPF_DEVCG_ACC_* */
	int64_t major, minor;	/* -1: any */
};

#define DEVICE_RULES_MAX 4096 /* the verifier puts off at most 8192 branches, a rule leaves one */

struct device_program {
	struct bpf_insn *v;
	size_t n;
	bool allows_all;	/* the rules end up allowing everything: nothing to attach, v is NULL */
};

/*
 * -EINVAL for an unknown type, access letter, or numbers out of range, with the rule's index;
 * -E2BIG above DEVICE_RULES_MAX. A number of -1 is "any", as Docker writes it. [pure]
 */
int device_program_plan(struct arena *a, const struct spec_resources *r, struct device_program *ret, struct err *err);
/*
 * What the program says: for tests and for `plan` without BPF. type is 'b' or 'c'; rules that
 * device_program_plan() refuses allow nothing. [pure]
 */
bool device_program_allows(const struct spec_resources *r, char type, uint32_t major, uint32_t minor, unsigned access);
/*
 * Attaches to the cgroup directory, replacing what an earlier call of ours attached there in one
 * step (BPF_F_REPLACE), so that there is no moment without a filter. allows_all: removes ours.
 * Programs of others (systemd's DeviceAllow=) stay, and a device must pass them too.
 * -EPERM and -EACCES name what is missing; -ENOSYS is a kernel without it. [outside]
 */
int device_program_attach(int cgroupfd, const struct device_program *p, struct err *err);

#endif
