/*
 * host.h - what this machine offers, as facts. Filled once, read-only afterwards; loaded from
 * the probes or, in tests and `bryo plan --host FILE`, from a JSON file whose keys are the
 * member names below. The plan is a pure function of spec, options and this.
 *
 * Probing is lazy by group, because `run` must not pay for facts that it does not use:
 * host_probe() fills the cheap ones (getuid, uname, three small files); subordinate IDs, helper
 * programs and sysctls are probed by host_need_*() on first use, and are no-ops on a host that
 * was loaded from a file.
 */
#ifndef BRYO_HOST_H
#define BRYO_HOST_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct id_range { uint32_t first, count; };	      /* in the caller's own numbering */
struct id_ranges { struct id_range *v; size_t n; };
struct id_extent { uint32_t inside, outside, count; }; /* a line of uid_map */
struct id_extents { struct id_extent *v; size_t n; };

enum helper_state {
	HELPER_UNKNOWN, HELPER_OK, HELPER_MISSING, HELPER_NO_PRIVILEGE /* neither setuid nor file caps */,
	HELPER_NOSUID /* on a nosuid mount */, HELPER_NO_NEW_PRIVS /* our own NoNewPrivs is set */
};
/* The child of a delegated cgroup that bryo moves what it finds there into. */
#define HOST_CGROUP_LEAF "bryo@leaf" /* no id of a container has an @ */

struct helper { enum helper_state state; const char *path; };

struct host {
	struct arena *arena;	/* owns all strings */
	bool faked;		/* loaded from a file: never probe */

	/* host_probe() */
	uint32_t uid, gid;	/* effective */
	const char *user;	/* login name from passwd, or NULL */
	struct { uint32_t *v; size_t n; } groups;
	bool privileged;	/* euid 0 in the initial user namespace with CAP_SYS_ADMIN */
	bool in_userns;		/* not in the initial user namespace */
	bool has_sys_admin;	/* CAP_SYS_ADMIN effective in our user namespace */
	struct id_extents uid_map, gid_map; /* /proc/self/{uid,gid}_map */
	bool setgroups_denied;	/* /proc/self/setgroups says deny */
	unsigned kernel_major, kernel_minor;
	const char *machine;	/* uname -m */
	bool no_new_privs;

	/* host_need_cgroup(); the rest only where cgroup is HOST_CGROUP_V2, mounted on /sys/fs/cgroup */
	bool cgroup_probed;
	enum { HOST_CGROUP_NONE, HOST_CGROUP_V2, HOST_CGROUP_V1, HOST_CGROUP_HYBRID } cgroup;
	const char *cgroup_own;		/* our own cgroup, below the mount: "/user.slice/..." */
	bool cgroup_top;		/* what is mounted is the hierarchy's real root */
	bool cgroup_writable;		/* we may make children and move processes there */
	bool cgroup_delegated;		/* and it is ours to divide: cgroups(7), "Delegation"; see probe_cgroup.c */
	struct strv cgroup_controllers; /* of our own cgroup */
	struct strv root_controllers;	/* of the topmost cgroup that we see */

	/* host_need_manager(): the caller's service manager; real root has the system's */
	bool manager_probed;
	bool manager;			/* there is one to ask for a scope */
	const char *manager_why;	/* why there is none */
	const char *manager_cgroup;	/* below which it makes scopes; "" for root */
	struct strv manager_controllers; /* what it can hand on */

	/* host_need_subids(): ranges of /etc/subuid and /etc/subgid (or getsubids) of this caller */
	bool subids_probed;
	const char *subid_source; /* "/etc/subuid" or "getsubids" */
	struct id_ranges subuids, subgids;
	struct helper newuidmap, newgidmap;

	/* host_need_net_tools(): what can give a container a network */
	bool net_tools_probed;
	struct helper pasta, slirp4netns; /* ok, missing */
	const char *pesto;		  /* the client of that pasta, or NULL: it has none */
	bool net_tun;			  /* /dev/net/tun can be opened */
	bool net_route4, net_route6;	  /* there is a default route */
	uint32_t port_start;		  /* ports below it are not for the caller; 0: all are */
	const char *net_resolv;		  /* /etc/resolv.conf as it is, or NULL */

	/* host_need_limits(): -1 where the file does not exist */
	bool limits_probed;
	int64_t max_user_namespaces, unprivileged_userns_clone, apparmor_restrict_userns;

	/* host_need_layers() */
	bool layers_probed;
	const char *fuse_overlayfs; /* its path, or NULL */
	bool dev_fuse;		    /* we may read and write it */

	/* host_need_lsm() */
	bool lsm_probed;
	bool apparmor, selinux;	/* the module is active */
};

int host_probe(struct arena *a, struct host *ret, struct err *err);
int host_need_cgroup(struct host *h, struct err *err);
void host_need_manager(struct host *h);
int host_need_subids(struct host *h, struct err *err);	/* uses rootless/subid.c */
int host_need_limits(struct host *h, struct err *err);
void host_need_layers(struct host *h);
void host_need_lsm(struct host *h);
void host_need_net_tools(struct host *h);
/* The faked form, for golden tests and `plan --host`. Missing keys: an ordinary user (uid and
 * gid 1000, "alice", 100000:65536 for both, both helpers ok, kernel 6.1, cgroup v2). */
int host_load(struct arena *a, const char *path, struct host *ret, struct err *err);

/* ID arithmetic on maps. [pure] */
bool id_to_outside(const struct id_extents *map, uint32_t inside, uint32_t *ret);
bool id_to_inside(const struct id_extents *map, uint32_t outside, uint32_t *ret);

#endif
