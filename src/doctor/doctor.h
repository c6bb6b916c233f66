/*
 * doctor.h - what a host must have for people without root, examined: `bryo doctor`.
 *
 * A check is a row: a dotted name, the uses that it concerns, and a function that looks at one
 * thing and says ok, degraded or missing, why, and the command that changes it here. *Missing*
 * means that a use it concerns cannot work; *degraded* that it works with less: slower, without a
 * convenience, or only for some configs. Rows live in the file of their subject (doctor_kernel.c,
 * doctor_subids.c, ...), which ends with its table; doctor.c strings the tables together.
 *
 * How it knows:
 *  - facts of struct host, which the plan is made from: what doctor says of them is what a run
 *    will find. Rows that need nothing else are evaluated for --host FILE too, as `plan` does;
 *  - small files and system calls that read;
 *  - attempts, where only the kernel knows: one child in throw-away namespaces (doctor_tryout.c),
 *    which makes a proc and a sysfs there, one for the ID maps, one that mounts an overlay in the
 *    directory. Nothing is left behind. What works is never reported as missing because of a
 *    sysctl that does not apply to this caller, and what does not work is explained by the words
 *    that a failed run has (rootless/userns_explain.c and the like).
 *
 * Remedies are commands for the distribution of /etc/os-release (doctor_distro.c), with sudo in
 * front where they need root. Paths and names in them that a shell would read otherwise are
 * replaced by a word in capitals. All of this runs in the process that the user started.
 */
#ifndef BRYO_DOCTOR_H
#define BRYO_DOCTOR_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>

enum doctor_status { DOCTOR_OK, DOCTOR_DEGRADED, DOCTOR_MISSING };

/* What the host is to be used for. Rows without any concern `all` only. */
enum doctor_use { DOCTOR_SANDBOX = 1, DOCTOR_PODMAN = 2, DOCTOR_NETWORK = 4, DOCTOR_LIMITS = 8 };
#define DOCTOR_ALL (~0u)

struct doctor_request {
	unsigned uses;		/* checks that concern one of them; DOCTOR_ALL: every check */
	const char *path;	/* directory that will hold containers; NULL: the caller's home */
	const char *root;	/* --root of the command line, or NULL */
	const char *host_facts;	/* file with the facts of another machine, or NULL: this one */
};

struct finding {
	const char *name;
	unsigned uses;
	enum doctor_status status;
	const char *why, *remedy; /* remedy NULL: there is none, or nothing to do */
};

struct doctor_report {
	struct finding *v;
	size_t n;
	size_t counts[DOCTOR_MISSING + 1];
};

/* Fails only where nothing can be examined (no /proc, a facts file that is none). [outside] */
int doctor_examine(struct arena *a, const struct doctor_request *q, struct doctor_report *ret,
		   struct err *err);
/* [pure] */
const char *doctor_status_name(enum doctor_status s);
struct doctor_look { bool colour, utf8; unsigned columns; /* 0: do not fold */ };
void doctor_text(const struct doctor_report *r, const struct doctor_look *look, struct str *ret);
void doctor_json(const struct doctor_report *r, struct json_out *ret);

#endif
