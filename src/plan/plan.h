/*
 * plan.h - what will be done: every decision taken, nothing optional left. Built once from spec,
 * options and host facts without side effects, immutable afterwards, printable (dump.h). After
 * the fork nobody looks at the spec again. One member per feature.
 */
#ifndef BRYO_PLAN_H
#define BRYO_PLAN_H

#include "feature/cgroup/cgroup.h"
#include "feature/device.h"
#include "feature/hooks.h"
#include "feature/idmap.h"
#include "feature/mask.h"
#include "feature/mount.h"
#include "feature/net/net_join.h"
#include "feature/net/net.h"
#include "feature/netdev.h"
#include "feature/note.h"
#include "feature/rdt.h"
#include "feature/ns.h"
#include "feature/rootfs/rootfs.h"
#include "feature/supervise.h"
#include "feature/sysctl.h"
#include "plan/process.h"

struct plan {
	const char *id, *bundle /* absolute */, *oci_version;
	struct notes notes;
	struct ns_plan ns;
	struct idmap_plan idmap;
	struct cgroup_plan cgroup;
	struct rootfs_plan rootfs;
	struct mount_plan mounts;
	struct device_plan devices;
	struct mask_plan masks;
	struct sysctl_plan sysctl;
	struct timens_plan timens;
	struct netdev_plan netdevs;
	struct net_plan net;
	struct rdt_plan rdt;
	const char *hostname, *domainname;
	bool names_optional; /* an outer filter may forbid to set them */
	struct hooks_plan hooks;
	struct process_plan process;
	struct supervise_plan supervise;
	bool keyring;		/* join a new session keyring */
	bool partial;		/* namespaces or ID maps are refused: what needs them was not planned */
};

struct plan_request {
	const struct spec *spec;
	const char *id, *bundle;
	const char *state_dir;	/* absolute; where the container's directory will be */
	const struct net_target *net_target; /* whose network is joined, or NULL */
	const char *cgroup_manager; /* NULL: choose */
	bool no_pivot, no_new_keyring;
	int preserve_fds;
	struct listen_request listen;
	bool compile_seccomp;	/* false: `plan` on faked facts */
	int seccomp_cache;
};

/* Every violation is reported, one line each, and is a note as well; what could be planned is in
 * *ret then too, for printing only. host is filled further where a fact is needed. */
int plan_build(struct arena *a, const struct plan_request *q, struct host *host, struct plan *ret, struct err *err);
/* Rules between features, and fields that are not acted on. [pure] */
int plan_check(const struct spec *spec, const struct plan *plan, struct notes *notes, struct err *err);

#endif
