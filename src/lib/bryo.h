/*
 * bryo.h - libbryo: run OCI containers as whoever you are.
 *
 * The command line is the first client of this interface. A context names a state directory
 * and preferences; containers are named by id. Every function returns 0 (or a count) or a
 * negative errno, and then fills *err (which may be NULL); bryo_err_format() turns that into
 * lines for people, one per violation. The library never prints and never exits (but for
 * exhausted memory, which aborts), and restores what it changes in the calling process.
 * It creates only from a single-threaded process (clone3 without exec). Strings that are given
 * out are malloc'ed; free() them. Option structs begin with their own size, so they can grow.
 */
#ifndef BRYO_H
#define BRYO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BRYO_API __attribute__((visibility("default")))

typedef struct bryo_ctx bryo_ctx;

struct bryo_err {
	int num;	/* positive errno; 0: none */
	bool sys;
	bool exec;	/* the container's program could not be executed: ENOENT 127, else 126 */
	unsigned chain, used;
	char hint[512];
	char text[3072];
};

BRYO_API const char *bryo_version(void);
BRYO_API const char *bryo_err_format(const struct bryo_err *err, char *buf, size_t size);

struct bryo_ctx_options {
	size_t size;
	const char *root;	    /* state directory; NULL: by the rules of bryo(1), "FILES" */
	const char *cgroup_manager; /* NULL: choose; "cgroupfs", "systemd", "disabled" */
	bool create_root;	    /* make the state directory where it is missing */
	int (*notice)(void *arg, const char *text); /* warnings of a plan, one line each; may be NULL */
	void *notice_arg;
	/* The service manager's NOTIFY_SOCKET, or NULL: create gives the container one of its own, and
	 * start (detached: it returns after that) or wait pass READY on. */
	const char *notify_socket;
};

BRYO_API int bryo_ctx_new(const struct bryo_ctx_options *o, bryo_ctx **ret, struct bryo_err *err);
BRYO_API void bryo_ctx_free(bryo_ctx *ctx);
BRYO_API const char *bryo_ctx_root(const bryo_ctx *ctx); /* the state directory in use */

/*
 * Keeps the running program's file out of containers' reach for writing (CVE-2019-5736): where
 * owner and mode do not guarantee that already, re-executes it from a sealed memfd with the same
 * arguments and does not return. Call first thing in main, before anything that matters.
 */
BRYO_API int bryo_protect_self(char *const argv[], struct bryo_err *err);

struct bryo_words { /* a list of strings that are not copied */
	const char **v;
	size_t n;
};

struct bryo_create_options {
	size_t size;
	const char *bundle;	    /* NULL: "." */
	const char *config;	    /* file, relative to the caller's directory; NULL: BUNDLE/config.json */
	const char *config_text;    /* the document itself instead of a file; NULL: read the file */
	const char *console_socket; /* receives the pty master */
	const char *pidfd_socket;   /* receives a pidfd of init; the text with it is "pidfd" */
	const char *pid_file;	    /* decimal pid, no newline; atomic */
	int preserve_fds;	    /* descriptors 3 .. 3+N-1 go to the program, behind those of listen_fds */
	int listen_fds;		    /* so many sockets from 3 on, told by LISTEN_FDS (sd_listen_fds(3)) */
	const char *listen_names;   /* LISTEN_FDNAMES, or NULL */
	bool detach;		    /* nobody will bryo_wait(): a terminal then needs a console socket */
	bool no_pivot, no_new_keyring, no_subreaper;
	const char *host_facts;	    /* bryo_plan() only: a facts file instead of this machine */
	bool throw_away;	    /* the caller deletes it at its end: if it does not get to that, gc may */
	const char *idmap;	    /* instead of the config's mappings: bryo(1), --idmap; NULL: the config's */
	struct bryo_words publish;  /* instead of the annotation org.bryo.publish: bryo(1), --publish */
	struct bryo_words listen;   /* sockets to bind and pass behind those of listen_fds: bryo(1), --listen */
	const char *rootfs;	    /* instead of root.path; NULL: that one */
	const char *overlay, *upper; /* layers over it, and where changes are kept: bryo(1); NULL: as the config says */
	bool ephemeral;		    /* changes are thrown away */
	const char *net;	    /* the network: bryo(1), --net; NULL: as the config says */
	const char *proc;	    /* new, bind, none; NULL: the config's org.bryo.proc, or new */
	bool init;		    /* the program is the child of a pid 1 of ours */
	bool die_with_parent;	    /* not detached: the container ends when the calling process's parent does */
	const char *timeout;	    /* "DURATION[,GRACE]"; not detached */
};

BRYO_API int bryo_create(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o, struct bryo_err *err);
BRYO_API int bryo_start(bryo_ctx *ctx, const char *id, struct bryo_err *err);
/*
 * Waits for a container that this context created: relays its terminal, forwards signals,
 * reaps. *ret_status is the exit code, or 128+n after signal n, or 124 when the time was up.
 * Where it has no pid namespace of its own, every child of the process that came after bryo_create()
 * and is not in the caller's mount namespace is taken for one of its orphans and ended, unless
 * no_subreaper was set.
 */
BRYO_API int bryo_wait(bryo_ctx *ctx, const char *id, int *ret_status, struct bryo_err *err);
/* Of the last one: the signal that the container's first process died of, or 0. */
BRYO_API int bryo_wait_signal(const bryo_ctx *ctx);
/* sig 0 only asks. all: every process of the container. -ESRCH when it does not run. */
BRYO_API int bryo_kill(bryo_ctx *ctx, const char *id, int sig, bool all, struct bryo_err *err);
/* force: kill first; an unknown id is then success. */
BRYO_API int bryo_delete(bryo_ctx *ctx, const char *id, bool force, struct bryo_err *err);

struct bryo_exec_options {
	size_t size;
	const char *process_file; /* a process object; everything up to cap is then ignored */
	char *const *args;	  /* NULL-terminated */
	char *const *env;	  /* K=V, appended; NULL-terminated or NULL */
	const char *cwd, *user;	  /* "UID[:GID]" */
	char *const *caps;	  /* names, added to bounding, effective and permitted; NULL-terminated or NULL */
	const uint32_t *additional_gids;
	size_t n_additional_gids;
	int no_new_privs;	  /* -1: as the container's process; 0, 1 */
	const char *apparmor;	  /* profile; NULL: the container's */
	const char *process_label; /* of SELinux; NULL: the container's */
	bool tty;
	bool detach;
	int preserve_fds;
	const char *console_socket, *pidfd_socket, *pid_file;
	const char *cgroup;	  /* "[CONTROLLER:]PATH" below the container's; NULL: that one */
	bool ignore_paused;	  /* the process waits for resume instead of an error */
	bool die_with_parent;	  /* as in bryo_create_options; this process only */
	const char *timeout;
};
/* Not detached: *ret_status as bryo_wait(). */
BRYO_API int bryo_exec(bryo_ctx *ctx, const char *id, const struct bryo_exec_options *o, int *ret_status,
		       struct bryo_err *err);

/* Stops and continues all processes of the container (cgroup.freeze). -EOPNOTSUPP without a cgroup. */
BRYO_API int bryo_pause(bryo_ctx *ctx, const char *id, struct bryo_err *err);
BRYO_API int bryo_resume(bryo_ctx *ctx, const char *id, struct bryo_err *err);

struct bryo_update_options {
	size_t size;
	const char *resources; /* a linux.resources object; what it leaves out stays; NULL: nothing */
	const char *name;      /* what errors call it; NULL: "resources" */
	const char *l3_cache_schema, *mem_bw_schema; /* of intelRdt; NULL: as it is */
};
/* Changes limits of a created, running or paused container. -1 and 0 lift, as in config.json. */
BRYO_API int bryo_update(bryo_ctx *ctx, const char *id, const struct bryo_update_options *o, struct bryo_err *err);

enum bryo_status {
	BRYO_CREATING,
	BRYO_CREATED,
	BRYO_RUNNING,
	BRYO_PAUSED,
	BRYO_STOPPED,
	BRYO_STATUS_UNKNOWN, /* nobody can tell from here; in lists only, bryo_state() fails */
};
BRYO_API const char *bryo_status_name(enum bryo_status s);

struct bryo_entry { /* one container, as list and state show it */
	char *id, *bundle, *rootfs, *created /* RFC 3339, UTC */, *owner, *oci_version;
	char *annotations; /* a JSON object, or NULL */
	char *systemd_scope; /* unit that holds the container; "": none */
	pid_t pid;	     /* 0 when stopped or unknown */
	enum bryo_status status;
};
BRYO_API int bryo_state(bryo_ctx *ctx, const char *id, struct bryo_entry *ret, struct bryo_err *err);
/* Sorted by id. A broken entry is reported through the notice callback and skipped, one whose status
 * is unknown is reported; one that vanishes meanwhile is skipped. */
BRYO_API int bryo_list(bryo_ctx *ctx, struct bryo_entry **ret, size_t *ret_n, struct bryo_err *err);
BRYO_API void bryo_entries_free(struct bryo_entry *entries, size_t n); /* the array of bryo_list() */
BRYO_API void bryo_entry_release(struct bryo_entry *e);			/* the members of one */
/*
 * Mounts in a running container. mounts_json: an array as in config.json; sources are seen from the
 * caller's directory, destinations inside the container. remove: only the destinations count, and
 * what is mounted there topmost goes.
 */
BRYO_API int bryo_mounts(bryo_ctx *ctx, const char *id, bool remove, const char *mounts_json, struct bryo_err *err);
struct bryo_port { /* one published port, or a range */
	char spec[128];	   /* as --publish has it */
	char address[64];  /* of the host; "": every one */
	uint16_t host, container, count; /* the first of each range, and how many */
	bool udp;
};
/*
 * Published ports of a running container. spec: [IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/tcp|/udp].
 * -EOPNOTSUPP where its network does not let itself be changed; a range is changed wholly or not at
 * all. list: free() *ret.
 */
BRYO_API int bryo_port_add(bryo_ctx *ctx, const char *id, const char *spec, struct bryo_err *err);
BRYO_API int bryo_port_remove(bryo_ctx *ctx, const char *id, const char *spec, struct bryo_err *err);
BRYO_API int bryo_port_list(bryo_ctx *ctx, const char *id, struct bryo_port **ret, size_t *ret_n, struct bryo_err *err);
BRYO_API int bryo_ps(bryo_ctx *ctx, const char *id, pid_t **ret, size_t *ret_n, struct bryo_err *err);

/*
 * The headline figures of a container's cgroup. What is not counted (a controller that is not
 * enabled, a kernel without pressure stall information) is BRYO_UNKNOWN, and so is a limit that
 * is not set.
 */
#define BRYO_UNKNOWN UINT64_MAX

struct bryo_psi { /* share of the last 10 s in which some or all of it waited, 1/100 percent */
	uint64_t some, full;
};

struct bryo_stats {
	uint64_t time_ns; /* CLOCK_MONOTONIC of the reading: two of them and cpu_ns make a percentage */
	uint64_t cpu_ns;  /* user and system time of all its processes, also of those that ended */
	uint64_t memory, memory_limit, swap; /* bytes; memory includes the page cache */
	uint64_t pids, pids_limit;
	uint64_t io_read, io_write; /* bytes, all devices */
	uint64_t oom_kills;
	struct bryo_psi cpu_psi, memory_psi, io_psi;
};
/* -ESRCH when it does not run, -EOPNOTSUPP when it has no cgroup. */
BRYO_API int bryo_stats(bryo_ctx *ctx, const char *id, struct bryo_stats *ret, struct bryo_err *err);

struct bryo_events_options {
	size_t size;
	uint64_t interval_ns; /* between two lines of figures; 0: 5 s */
	bool once;	      /* one line of figures at once, and no events */
};
/*
 * Calls line with one JSON object, without a newline, for the figures after each interval, as
 * runc's events have them: {"type":"stats","id":ID,"data":{...}}; and {"type":"oom","id":ID} when
 * the kernel killed for want of memory, once for kills that are told together. Returns 0 when the
 * container has ended. A negative value from line ends it and is returned; *err is then line's
 * business. o may be NULL. Errors as bryo_stats().
 */
BRYO_API int bryo_events(bryo_ctx *ctx, const char *id, const struct bryo_events_options *o,
			 int (*line)(void *arg, const char *json), void *arg, struct bryo_err *err);

BRYO_API int bryo_features(bryo_ctx *ctx, char **ret_json, struct bryo_err *err);
/*
 * What create would do with these options; changes nothing. json: for programs, else text. What would
 * not start is an error as of create, and *ret_text then has what could be planned, with the refusals
 * as marks.
 */
BRYO_API int bryo_plan(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o, bool json,
		       char **ret_text, struct bryo_err *err);

struct bryo_garbage {
	const char *kind;    /* "container", "cgroup", "mount", "file", "cache", "process", "changes" */
	const char *what;    /* id, path or number */
	const char *why;     /* it is garbage */
	bool removed;
	const char *problem; /* why it could not be removed, or NULL */
};
struct bryo_gc_options {
	size_t size;
	bool dry_run; /* only find */
	bool stopped; /* delete stopped containers too, which their creators may still want */
	int (*found)(void *arg, const struct bryo_garbage *g); /* for each thing; not 0 ends it */
	void *arg;
};
/*
 * Finds what killed runtimes have left of containers below the context's state directory, and
 * removes it. What somebody is at work on is left alone. Returns how much could not be removed.
 */
BRYO_API int bryo_gc(bryo_ctx *ctx, const struct bryo_gc_options *o, struct bryo_err *err);

struct bryo_adapt_options {
	size_t size;
	const char *config; /* the document, a file; anybody's */
	const char *bundle; /* where the result will be; NULL: "." */
	const char *idmap;  /* as in bryo_create_options */
	int (*change)(void *arg, const char *text); /* each change and its reason, one line each; may be NULL */
	void *change_arg;
};
/*
 * A config.json that this caller can run, from one made for somebody else (runc, Podman as root,
 * containerd). *ret_text is the new document, tab-indented; what the caller can run already comes
 * back as it is. Writes nothing.
 */
BRYO_API int bryo_adapt(bryo_ctx *ctx, const struct bryo_adapt_options *o, char **ret_text, struct bryo_err *err);

struct bryo_bundle_options {
	size_t size;
	const char *source; /* a tar, "-", a directory, DIR:TAG, oci:DIR[:TAG], oci-archive:FILE[:TAG] */
	const char *dir;    /* made; may exist where it is empty */
	const char *idmap;  /* as in bryo_create_options; NULL: all IDs of the caller */
	bool squash;	    /* owners that are not mapped become root */
	void (*progress)(void *arg, uint64_t files, uint64_t bytes); /* now and then; may be NULL */
	void *progress_arg;
};
/*
 * A bundle: the source as DIR/rootfs, with its owners as the caller's IDs, and a config.json for it.
 * Signals that end a program are held back meanwhile and end this: -EINTR. A failure leaves nothing.
 */
BRYO_API int bryo_bundle(bryo_ctx *ctx, const struct bryo_bundle_options *o, struct bryo_err *err);
/* Removes a tree, whichever of the caller's IDs own what is in it. */
BRYO_API int bryo_rm_tree(bryo_ctx *ctx, const char *dir, struct bryo_err *err);

#ifdef __cplusplus
}
#endif
#endif
