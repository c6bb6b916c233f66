/*
 * lsm.h - labels of Linux security modules: process.apparmorProfile, process.selinuxLabel and
 * linux.mountLabel.
 *
 * A label that is asked for where the module is not active is refused: the specification says
 * "error", and a container that runs without the confinement its config names is the worst answer.
 * Applying a loaded profile needs no privilege, so nothing here depends on being root.
 *
 * The label takes effect at the next execve. AppArmor's is written to the module's own file,
 * attr/apparmor/exec, never to the shared attr/exec (which belongs to whatever module comes first);
 * SELinux has no directory of its own, attr/exec is its file. After writing, the file is read back:
 * a write that a module swallowed is an error and not a container without a label.
 */
#ifndef BRYO_LSM_H
#define BRYO_LSM_H

#include "base/err.h"
#include "feature/mount.h"
#include "feature/note.h"
#include "host/host.h"
#include "oci/spec.h"

struct lsm_plan {
	const char *apparmor, *selinux; /* NULL: none */
};

/* Whether there is a label, and so host_need_lsm() must come before the plan. [pure] */
bool lsm_wanted(const struct spec_process *p, const struct spec *spec);
int lsm_plan(const struct spec_process *p, const struct host *host, struct lsm_plan *ret,
	     struct err *err);
/* The mount label to every new file system of the plan that can carry one. */
int lsm_mounts_plan(struct arena *a, const struct spec *spec, const struct host *host,
		    struct mount_plan *mounts, struct err *err);
/* Adds an option to what mount(2) takes; a label with commas is quoted. [pure] */
void lsm_join_option(struct str *data, const char *option);
/* The label of a mounted file system whose type takes none as an option. [inside] */
int lsm_label_inside(int mount, const char *label, struct err *err);
/* No system call where there is no label. [inside] */
int lsm_inside(const struct lsm_plan *plan, struct err *err);
/* The label of keys that are made from here on, or NULL: the default again. [inside] */
int lsm_key_label_inside(const char *label, struct err *err);

/* The same on an attr directory that is already open: what the tests can reach. [inside] */
int lsm_apply_at(int attr, const struct lsm_plan *plan, struct err *err);

#endif
