/*
 * sandbox_spec.h - the config.json of `bryo sandbox`: options and facts about the host in, a
 * document out. The container that runs is the one that this document describes; nothing about
 * a sandbox is known anywhere else in the runtime.
 *
 * The root is a new tmpfs (org.bryo.rootfs=tmpfs) with the host's system directories bound
 * read-only, and what the caller names bound at its own path.
 */
#ifndef BRYO_SANDBOX_SPEC_H
#define BRYO_SANDBOX_SPEC_H

#include "base/json.h"

enum sandbox_kind {
	SANDBOX_BIND,
	SANDBOX_TMPFS,
	SANDBOX_OVERLAY, /* source, with changes that are thrown away */
	SANDBOX_DATA, /* a file with the content of descriptor fd:N (feature/mount_data.h) */
};

struct sandbox_mount {
	const char *path;   /* absolute and clean; where it is in the sandbox */
	const char *source; /* absolute; of SANDBOX_DATA "fd:N"; of SANDBOX_TMPFS NULL */
	bool writable;
	enum sandbox_kind kind;
	struct strv options; /* of all but SANDBOX_BIND */
};

/* 0: no limit. */
struct sandbox_limits {
	int64_t memory;	   /* bytes; swap is not used beyond it */
	int64_t cpu_quota; /* microseconds in SANDBOX_CPU_PERIOD */
	int64_t pids;
};

#define SANDBOX_CPU_PERIOD 100000

struct sandbox_spec {
	uint32_t uid, gid; /* the caller's, inside and outside */
	bool terminal;
	unsigned rows, columns; /* of the terminal; 0: unknown */
	const char *cwd;
	const char *home; /* an empty directory is made there; NULL: none */
	struct strv args, env;
	struct strv system; /* what the host has of sandbox_system_dirs() */
	struct {
		struct sandbox_mount *v;
		size_t n;
	} mounts;	     /* parents first */
	struct sandbox_limits limits;
	bool keep_session;   /* org.bryo.session=keep */
	bool no_userns;	     /* org.bryo.userns=disabled */
	const char *seccomp; /* a linux.seccomp object as text; NULL: no filter */
	const char *idmap;   /* instead of the caller's ID alone: idmap_style.h; or NULL */
};

/* Directories of the host that a sandbox sees, NULL-terminated. */
const char *const *sandbox_system_dirs(void);
/* One line, for bryo_create_options.config_text. [pure] */
void sandbox_spec_write(const struct sandbox_spec *s, struct str *ret);

/* Whether an empty directory can be made for home without hiding what the sandbox has. [pure] */
bool sandbox_home_wanted(const struct sandbox_spec *s, const char *home);
/* path is base or below it; both absolute and clean. [pure] */
bool sandbox_below(const char *path, const char *base);
/*
 * Why path must not become writable just because somebody stands in it: a text that completes
 * "it is ...", or NULL when it may. home may be NULL. [pure]
 */
const char *sandbox_refusal(const char *path, const char *home);
/* The mount that decides about path: the deepest one that it is in, or NULL. [pure] */
const struct sandbox_mount *sandbox_mount_of(const struct sandbox_spec *s, const char *path);

#endif
