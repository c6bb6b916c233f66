/*
 * cgroup.h - where the container's processes are counted, limited, frozen and found.
 *
 * Backends, chosen by cgroup_plan() in the order of design.md and named in `plan` and the record:
 *	systemd		a transient scope with Delegate=yes, made with init's pid by the manager that is
 *			asked through helpers/bryo-systemd; the container is in a cgroup below it, so
 *			that the manager never touches what the container does with its own
 *	cgroupfs	a directory below a delegated cgroup, or as real root anywhere; init is cloned
 *			into it (CLONE_INTO_CGROUP)
 *	none		no cgroup: what can be done without is done through the pid namespace
 * After creation the first two are the same: a cgroup v2 directory, by whose files everything is
 * done. That is why the operations below have no vtable: rows differ in making and ending only.
 *
 * No internal processes (cgroups(7)): before a controller is enabled in a cgroup that has
 * processes, all of them are moved to a leaf below it. Only what is ours to divide is touched.
 *
 * A path is absolute below the mount on /sys/fs/cgroup and free of "..".
 */
#ifndef BRYO_CGROUP_H
#define BRYO_CGROUP_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "feature/cgroup/devices.h"
#include "feature/cgroup/limits.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <sys/types.h>

#define CGROUP_MOUNT "/sys/fs/cgroup"

enum cgroup_backend { CGROUP_NONE, CGROUP_V2, CGROUP_SYSTEMD };

struct cgroup_plan {
	enum cgroup_backend backend;
	const char *why;	/* of the choice */
	/* cgroupfs */
	const char *base;	/* exists; what is below it is ours to make */
	const char *path;	/* of the container; NULL with systemd until it is placed */
	bool move_others;	/* base's processes go to a leaf before a controller is enabled there */
	/* systemd */
	const char *unit;	/* "bryo-ID.scope" */
	const char *subgroup;	/* of the scope, where the container is; "": the scope itself */
	bool user_manager;
	bool optional;		/* chosen by itself, and no limit asked for: none will do where nobody answers */
	struct strv properties;	/* NAME=SIGNATURE:VALUE, as bryo-systemd takes them */
	/* both */
	struct cgroup_limits limits;
	bool filter_devices;	/* real root only */
	struct device_program devices;
	bool chown;		/* runtime-spec, "Cgroup ownership" */
	uid_t owner, owner_inside; /* -1: cannot be told */
	const char *mark;	/* told apart from whatever else has that path: see cgroup_end(); set by the caller */
	const char *inner;	/* run.oci.delegate-cgroup: a child that init moves to, or NULL */
};

struct cgroup_request {
	const struct spec *spec;
	const char *id;
	const char *manager;	/* as --cgroup-manager: "cgroupfs", "systemd", "disabled"; NULL: choose */
};

const char *cgroup_backend_name(enum cgroup_backend b);
/*
 * Chooses, translates the limits, and finds what is missing before anything is made: -ENOTSUP
 * with all controllers and the drop-in that delegates them. Asks the host for facts.
 */
/* Whether a pids.limit of 0 means none: it is a limit since runtime-spec 1.3. [pure] */
bool cgroup_pids_zero_is_none(const char *oci_version);
int cgroup_plan(struct arena *a, const struct cgroup_request *q, struct host *host, struct notes *notes,
		struct cgroup_plan *ret, struct err *err);

/* In `bryo plan`, the text without its heading. [pure] */
void cgroup_dump_text(const struct cgroup_plan *p, struct str *ret);
void cgroup_dump_json(const struct cgroup_plan *p, struct json_out *ret);

/* ------------------------------------------------------------- making and ending [outside] */

/* cgroupfs: makes the cgroup with its limits. Returns its directory; -1 for the other backends. */
int cgroup_create_outside(const struct cgroup_plan *p, struct err *err);
/* cgroupfs: what can only be written with init in it. */
int cgroup_entered_outside(const struct cgroup_plan *p, int cgroupfd, struct err *err);
/* systemd: the scope with pid in it, the cgroup below, the limits. *ret_path in the arena. Returns the
 * directory; -1 for the other backends; -EAGAIN where nobody answered and it is optional. */
int cgroup_place_outside(struct arena *a, const struct cgroup_plan *p, pid_t pid, const char **ret_path,
			 struct err *err);
/*
 * Kills what is in it, waits, removes it and what is below; a missing one is success, and so is another
 * one in its place. ino: of its directory; 0 where creation may not have got so far, then it is told
 * by mark, which cgroup_plan had. keep: it is a scope's own, which ends by itself when it is empty
 * (CollectMode) but misses that when it is gone. -EACCES: what is below belongs to another ID of the
 * container. -EBUSY after a bounded time, naming processes.
 */
int cgroup_end(const char *path, uint64_t ino, const char *mark, bool keep, struct err *err);
/*
 * The mark: when the container was created, as its record has it, and whose state directory that is
 * in. Where the mount namespace is another one by now, the same path may mean another directory.
 */
const char *cgroup_mark(struct arena *a, const char *created, const char *root);
struct cgroup_found {
	const char *path, *mark;
	uint64_t ino;
	bool populated;
};
struct cgroups { struct cgroup_found *v; size_t n, cap; };
/* All marked cgroups directly below one that belongs to owner. Errors as cgroup_open(). */
int cgroup_find(struct arena *a, uid_t owner, struct cgroups *ret, struct err *err);
/* The scope that an ended cgroup was in, which systemd could not remove while that was there. Best
 * effort: it gets a moment to have tried. */
void cgroup_end_scope(const char *path);
/* SIGKILL to all that is in it, in one step (5.14). */
int cgroup_kill(int cgroupfd, struct err *err);
bool cgroup_is_populated(int cgroupfd);
/* 0 where it cannot be told. */
uint64_t cgroup_ino(int cgroupfd);

/* ------------------------------------------------------------------- in init [inside] */

/* Gives the directory to the process's user, and moves to the inner one. cgroupfd: the container's. */
int cgroup_inside(const struct cgroup_plan *p, int cgroupfd, struct err *err);

/* ------------------------------------------------------------ a cgroup that exists [any] */

/* O_RDONLY directory of a path; no links are followed. -ENOENT, -EOPNOTSUPP where /sys/fs/cgroup is no cgroup2. */
int cgroup_open(const char *path, struct err *err);
/* Writes the limits in order; skips what is optional and missing. Names field, file and reason. */
int cgroup_apply(int cgroupfd, const struct cgroup_limits *l, struct err *err);
/* Waits until it is so, up to ten seconds; then undoes and -ETIMEDOUT naming who does not freeze. */
int cgroup_freeze(int cgroupfd, bool frozen, struct err *err);
bool cgroup_is_frozen(int cgroupfd);
/* Pids of the cgroup and all below, ascending, malloc'ed; those that the caller's pid namespace does
 * not show are left out. */
int cgroup_pids(int cgroupfd, pid_t **ret, size_t *ret_n, struct err *err);
/* Path of the cgroup that pid is in, in the arena; NULL where it cannot be told. */
const char *cgroup_of(struct arena *a, pid_t pid);
/* path/sub; sub as --cgroup of exec has it, "[CONTROLLER:]PATH": NULL with -EINVAL where it leaves. [pure] */
const char *cgroup_below(struct arena *a, const char *path, const char *sub, struct err *err);
/* Turns the controllers on from the top down to the parent of path, where they are off. */
int cgroup_enable(const char *path, const struct strv *controllers, struct err *err);
/* First line of a file, without the newline, in the arena; "" where it cannot be read. */
const char *cgroup_read(struct arena *a, int cgroupfd, const char *file);

/* ------------------------------------------------------------------ the service manager */

/* Whether the unit that pid is in was given Delegate=yes. False where nobody can be asked. */
bool manager_delegates(bool user_manager, pid_t pid);
/* What delegates all controllers to users' managers, uid's for one, as commands. In the arena. [pure] */
const char *cgroup_delegate_remedy(struct arena *a, uint32_t uid);
/* Moves pid to the unit's cgroup: what we may not do ourselves from another session. */
int manager_attach(bool user_manager, const char *unit, const char *subgroup, pid_t pid, struct err *err);
int manager_set(bool user_manager, const char *unit, const struct strv *properties, struct err *err);
int manager_start(const struct cgroup_plan *p, pid_t pid, struct err *err);
/* False in a build without libsystemd, or where the helper program is not installed. */
bool manager_supported(void);

#endif
