/*
 * sandbox.h - what the files of `bryo sandbox` share: its options, and a spec on its way.
 *
 *	cmd_sandbox.c		the option rows, what becomes writable, and the run
 *	sandbox_args.c		options that become parts of the spec: limits, file systems, filter
 *	sandbox_host.c		what the host has: system directories, person, environment, terminal
 *	sandbox_profile.c	options that come from a named file
 */
#ifndef BRYO_SANDBOX_H
#define BRYO_SANDBOX_H

#include "cmd.h"

#include "base/json.h"
#include "base/vec.h"
#include "oci/sandbox_spec.h"

struct sandbox_args {
	struct bryo_create_options create; /* options that any container has */
	struct strv profile;
	struct strv rw, ro, tmpfs, bind_data, env, keep_env;
	const char *cwd, *seccomp, *idmap;
	const char *memory, *cpus, *pids;
	bool overlay_home, new_session, no_new_session, disable_userns;
	bool plan, print_spec, list_profiles;
	int status_fd;
};

struct sandbox {
	const struct cli *cli;
	const struct sandbox_args *args;
	struct arena *a;
	struct sandbox_spec spec;
	VEC(struct sandbox_mount) mounts;
	VEC(const char *) env, system;
	struct strv command;		    /* of a profile: for want of words */
	VEC(const struct json *) patches;   /* "spec" of profiles, in order */
};

/* Reads args->profile, and fills args with what they say and the command line does not. */
int sandbox_profiles(struct sandbox *s, const struct opt *rows, struct sandbox_args *args,
		     struct err *err);
/* Applies what profiles say about config.json itself. */
void sandbox_patch(struct sandbox *s, struct json *doc);
/* Prints their names. */
int sandbox_profile_list(struct sandbox *s, struct err *err);
/* path with all links followed, in the arena; errors begin with option. */
int sandbox_realpath(struct sandbox *s, const char *option, const char *path, const char **ret,
		     struct err *err);
/* The name that path has in the sandbox: as it was given, made absolute. */
int sandbox_name(struct sandbox *s, const char *path, const char **ret, struct err *err);
/*
 * A mount that the caller named, by option and value. Of the same kind the later one at a path
 * counts (a profile is overruled by the command line), of two kinds neither.
 */
int sandbox_add_mount(struct sandbox *s, const struct sandbox_mount *m, const char *option,
		      const char *value, union cli_err *err);
/* --overlay-home, once the home is known. */
int sandbox_overlay_home(struct sandbox *s, union cli_err *err);
/* --memory, --cpus, --pids; --tmpfs; --bind-data. */
int sandbox_limits(struct sandbox *s, union cli_err *err);
int sandbox_tmpfs(struct sandbox *s, union cli_err *err);
int sandbox_data(struct sandbox *s, union cli_err *err);
/* Terminal, system directories, home and name of the caller, CMD, resolv.conf. */
void sandbox_host(struct sandbox *s);
int sandbox_env(struct sandbox *s, union cli_err *err);
int sandbox_seccomp(struct sandbox *s, struct err *err);

#endif
