/* probe.h - the probes behind host_probe() and host_need_*(), private to this folder. */
#ifndef BRYO_PROBE_H
#define BRYO_PROBE_H

#include "host.h"

/* IDs, groups, capabilities, ID maps of the calling process. No NSS, no passwd. */
int probe_user(struct host *h, struct err *err);
/* The calling process has it effective. */
bool probe_cap(int cap);
/* Login name of h->uid: /etc/passwd, else NSS; stays NULL where nobody knows the uid. */
int probe_login(struct host *h, struct err *err);
/* The text form of /proc/PID/uid_map. [pure] */
int probe_map_parse(struct arena *a, const char *text, struct id_extents *ret, struct err *err);
/* Release, machine, no_new_privs. */
int probe_kernel(struct host *h, struct err *err);
void probe_limits(struct host *h);
void probe_lsm(struct host *h);
/* Programs that give a network, and what they need of the host. */
void probe_net(struct host *h);
int probe_cgroup(struct host *h, struct err *err);
void probe_manager(struct host *h);
/* Subordinate IDs and the two programs that can map them. */
int probe_subids(struct host *h, struct err *err);
/* fuse-overlayfs and /dev/fuse. */
void probe_layers(struct host *h);

#endif
