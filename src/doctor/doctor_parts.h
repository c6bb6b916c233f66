/* doctor_parts.h - what the checks share, private to this folder. */
#ifndef BRYO_DOCTOR_PARTS_H
#define BRYO_DOCTOR_PARTS_H

#include "doctor.h"
#include "host/host.h"

#include <stdint.h>
#include <sys/types.h>

#define DOCTOR_ANY (DOCTOR_SANDBOX | DOCTOR_PODMAN | DOCTOR_NETWORK | DOCTOR_LIMITS)
#define TEXT_MAX   (1u << 20)

enum distro { DISTRO_OTHER, DISTRO_DEBIAN, DISTRO_FEDORA, DISTRO_SUSE, DISTRO_ARCH, DISTRO_ALPINE };

/* What the throw-away namespaces could do: errno of each step, 0: it worked. */
struct tryout {
	bool done;
	int userns;	/* clone3 with a user namespace alone */
	int namespaces;	/* and with all the others */
	int rights;	/* the map and a first privileged step inside */
	int nested;	/* a user namespace in it */
	int proc, sysfs; /* new ones */
	int overlay;	/* whether the kernel has or loads it */
	unsigned refused; /* what a filter keeps from who has rights: kernel_refused() */
};

struct doctor {
	struct arena *a;
	struct host host;
	const struct doctor_request *request;
	enum distro distro;
	int root;	   /* "/" */
	const char *exe;   /* of this program, or NULL */
	const char *sudo;  /* in front of what needs root: "sudo ", or "" for root */
	const char *home, *path, *storage;
	bool path_silent, storage_silent; /* what they are on does not answer */
	struct tryout tryout;
};

/* A row. facts: struct host is all it looks at. arg: for functions that serve several rows. */
struct doctor_check {
	const char *name;
	unsigned uses;
	bool facts;
	void (*run)(struct doctor *d, const struct doctor_check *c, struct finding *f);
	const void *arg;
};

/* Each ends with a row whose name is NULL. */
extern const struct doctor_check doctor_kernel_checks[], doctor_userns_checks[], doctor_subid_checks[],
	doctor_helper_checks[], doctor_directory_checks[], doctor_cgroup_checks[], doctor_session_checks[],
	doctor_network_checks[], doctor_process_checks[], doctor_self_checks[];

/* The verdict, with its reason. A row that says nothing is ok. */
void say_ok(struct doctor *d, struct finding *f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void say_degraded(struct doctor *d, struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void say_missing(struct doctor *d, struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What to do about it: a command where there is one. */
void say_remedy(struct doctor *d, struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ------------------------------------------------------------- remedies: doctor_distro.c */

enum package {
	PACKAGE_UIDMAP, PACKAGE_PASTA, PACKAGE_SLIRP4NETNS, PACKAGE_FUSE_OVERLAYFS, PACKAGE_CRIU,
	PACKAGE_DBUS, PACKAGE_GETSUBIDS
};

/* [pure] of the text of /etc/os-release. */
enum distro distro_parse(struct arena *a, const char *os_release);
enum distro distro_probe(struct arena *a);
/* "sudo apt-get install uidmap" */
const char *distro_install(struct doctor *d, enum package p);
/* Sets a sysctl now and at the next boot. */
const char *distro_sysctl(struct doctor *d, const char *name, const char *value);
/* word as it can stand in a command, else what: "'" and spaces never reach a shell. [pure] */
const char *shell_word(const char *word, const char *what);

/* ------------------------------------------------------------------------------ looking */

/* What a file system's magic number means for containers, and its name. [pure] */
enum fs_kind { FS_LOCAL, FS_NETWORK, FS_FUSE, FS_OVERLAY, FS_PLAIN /* without owners */ };
enum fs_kind fs_classify(unsigned long magic, const char **ret_name);
/* Whether this machine was booted with it: without it there are no sessions. */
bool session_has_systemd(void);
/* Whether what the user starts outlives the last session. In doctor_session.c. */
bool session_lingers(struct doctor *d);
/* Named: without a name loginctl takes the user of the session, who after su is another. */
const char *session_linger_remedy(struct doctor *d);
void tryout_run(struct doctor *d);
/* System calls that end with EPERM, a bit each. Only a filter says so to the root of a namespace. */
unsigned kernel_refused(void);
/* Whether path can be looked at in time. A dead server or FUSE daemon holds who asks: a child does. */
bool tryout_answers(struct doctor *d, const char *path);
/* Asks its file system all that the checks ask. In doctor_directory.c. */
void directory_look(struct doctor *d, const char *path);
/* Has newuidmap and newgidmap write these maps to a namespace that ends at once. */
int tryout_map(struct doctor *d, const struct id_extents *uid, const struct id_extents *gid, struct err *err);
/* Text of a small file, "" where it cannot be read. In the arena. */
const char *read_text(struct doctor *d, const char *path);
/* First number of a file; -1: there is none. */
int64_t read_number(struct doctor *d, const char *path);

#endif
