/*
 * record.h - what is remembered about a container: facts only, in record.json of its state
 * directory. Status is derived (state.h), never stored. A format number lets a newer bryo
 * manage what an older one started: unknown members are ignored, a higher format than
 * RECORD_FORMAT is refused by name.
 *
 * Files of a container's directory (0700): record.json, config.json (0600, the document as it
 * was created; later commands use it, never the bundle's), start (socket; exists until the
 * container was started), notify (directory, mounted in the container; sdnotify.h), and those of
 * its network: resolv.conf, slirp.sock, pasta.sock, net.ready, ports (net.h).
 */
#ifndef BRYO_RECORD_H
#define BRYO_RECORD_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdint.h>
#include <sys/types.h>

#define RECORD_FORMAT 1

struct record_helper { /* a program that serves the container, or its keeper */
	const char *name;
	pid_t pid;
	uint64_t start; /* as pid_start */
};

struct record {
	const char *id;
	const char *bundle;	   /* absolute */
	const char *rootfs;	   /* absolute, as listed */
	const char *oci_version;
	const char *created;	   /* RFC 3339 with nanoseconds, UTC */
	uint32_t owner;		   /* uid of the creator */
	pid_t pid;		   /* init, in the creator's pid namespace; 0: not yet (creating) */
	uint64_t pid_start;	   /* /proc/PID/stat field 22, clock ticks */
	const char *boot_id;	   /* a pid of another boot is dead */
	uint64_t pid_namespace;	   /* of the creator: in another one nobody can tell; 0: not known */
	uint32_t namespaces;	   /* CLONE_NEW* that differ from the creator's: what exec joins */
	const char *cgroup;	   /* path below the cgroup2 mount, or NULL */
	uint64_t cgroup_ino;	   /* of its directory, in this boot: another one with its path is not it */
	const char *cgroup_unit;   /* the scope that holds it, or NULL */
	bool cgroup_user;	   /* of the user's manager */
	const char *cgroup_backend, *net_backend, *rootfs_backend;
	const char *upper;	   /* directory of its root file system's changes, or NULL */
	bool upper_thrown_away;	   /* delete removes it */
	struct { struct record_helper *v; size_t n; } helpers;
	const char *net_socket;	   /* of the network helper's interface, in this directory, or NULL */
	bool no_new_keyring;
	const char *rdt_class, *rdt_monitor; /* what delete removes of resctrl, or NULL */
	bool notify;		   /* its filter notifies: start needs the config's listenerPath */
	pid_t runner;		   /* who deletes it at its end, as `run` does, in the foreground; 0: nobody */
	bool poststart, poststop;  /* the config has such hooks: who asks need not parse it again */
	struct pairs annotations;
	struct pairs listen_files; /* unix sockets of --listen: path and device:inode:time */
};

/* Atomic replace of record.json in the container's directory. [outside] */
int record_save(int dirfd, const struct record *r, struct err *err);
/*
 * The same in two steps, for the hot path: stage writes the temporary file while init is busy,
 * commit renames it.
 */
int record_stage(int dirfd, const struct record *r, struct err *err);
int record_commit(int dirfd, struct err *err);
/* -ENOENT when there is none (a claim without a record), -EPROTO when it is not ours to read. */
int record_load(struct arena *a, int dirfd, struct record *ret, struct err *err);

#endif
