/*
 * cmd_sandbox.c - `bryo sandbox`: gathers what the caller asked for and what the host has, has
 * oci/sandbox_spec.c write a config.json from it, and runs that as `run` would. Not a second
 * runtime: whatever is isolated here, any config.json can ask for.
 *
 * The one decision that is its own is what becomes writable. Standing in a directory is a weak
 * wish, so the obvious mistakes are refused: in $HOME a sandbox that can write ~/.bashrc is none.
 */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/json_edit.h"
#include "oci/net_word.h"
#include "oci/proc_word.h"
#include "out.h"
#include "status_fd.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFF(member)	   offsetof(struct sandbox_args, member)
#define OFF_CREATE(member) offsetof(struct sandbox_args, create.member)

static const struct opt sandbox_opts[] = {
	{ "profile", 0, OPT_LIST, OFF(profile), "NAME",
	  "options of $XDG_CONFIG_HOME/bryo/NAME.json, before those given here" },
	{ "rw", 0, OPT_LIST, OFF(rw), "PATH", "let CMD read and write PATH" },
	{ "ro", 0, OPT_LIST, OFF(ro), "PATH", "let CMD read PATH" },
	{ "overlay-home", 0, OPT_FLAG, OFF(overlay_home), NULL,
	  "show CMD the real home, and throw away what it writes there" },
	{ "tmpfs", 0, OPT_LIST, OFF(tmpfs), "PATH[:size=SIZE,mode=MODE,...]",
	  "a new empty file system in memory" },
	{ "bind-data", 0, OPT_LIST, OFF(bind_data), "SOURCE:PATH[:mode=MODE]",
	  "a read-only file in memory, from a descriptor N or from @FILE" },
	{ "cwd", 0, OPT_STRING, OFF(cwd), "DIR", "work in DIR, not in the current directory" },
	{ "env", 'e', OPT_LIST, OFF(env), "K=V", "set an environment variable" },
	{ "keep-env", 0, OPT_LIST, OFF(keep_env), "NAME", "pass an environment variable on" },
	{ "memory", 0, OPT_STRING, OFF(memory), "SIZE", "limit of memory; units k, m, g" },
	{ "cpus", 0, OPT_STRING, OFF(cpus), "N", "limit of CPU time, in CPUs, such as 1.5" },
	{ "pids", 0, OPT_STRING, OFF(pids), "N", "limit of processes and threads" },
	{ "net", 0, OPT_STRING, OFF(create.net), "none|host|auto|pasta|slirp4netns|join:ID",
	  "the network of CMD (default: none)" },
	{ "publish", 'p', OPT_LIST, OFF(create.publish),
	  "[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/udp]",
	  "forward a port of the host to the sandbox" },
	{ "listen", 0, OPT_LIST, OFF(create.listen), "[NAME=]tcp|udp:[IP:]PORT|unix:PATH",
	  "bind a socket here and pass it on" },
	{ "seccomp", 0, OPT_STRING, OFF(seccomp), "FILE",
	  "system call filter: default, none, or a linux.seccomp object" },
	{ "disable-userns", 0, OPT_FLAG, OFF(disable_userns), NULL,
	  "let CMD make no user namespaces" },
	{ "no-new-session", 0, OPT_FLAG, OFF(no_new_session), NULL,
	  "leave CMD in the session of the caller's terminal" },
	{ "new-session", 0, OPT_FLAG, OFF(new_session), NULL, NULL }, /* it is so by default */
	{ "idmap", 0, OPT_STRING, OFF(idmap), "single|subid|keep-id|START:HOST:SIZE,...",
	  "how the sandbox's IDs are mapped (default: your own alone)" },
	PROC_OPTS(OFF_CREATE),
	STATUS_FD_OPT(OFF(status_fd)),
	{ "plan", 0, OPT_FLAG, OFF(plan), NULL, "print what would be done, as 'bryo plan' does" },
	{ "print-spec", 0, OPT_FLAG, OFF(print_spec), NULL,
	  "print the config.json, and run nothing" },
	{ "list-profiles", 0, OPT_FLAG, OFF(list_profiles), NULL, "print the names of profiles" },
	{ 0 },
};

static int sandbox_add_binds(struct sandbox *s, const char *option, const struct strv *paths,
			     bool writable, union cli_err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct sandbox_mount m = { .writable = writable };
		int rc = sandbox_realpath(s, option, paths->v[i], &m.source, &err->own);

		/* ".." through a symbolic link is only right after resolving */
		if (rc == 0 && strstr(paths->v[i], ".."))
			m.path = m.source;
		else if (rc == 0)
			rc = sandbox_name(s, paths->v[i], &m.path, &err->own);
		if (rc == 0)
			rc = sandbox_add_mount(s, &m, option, paths->v[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Parents first: what is mounted later would be hidden by them. */
static int mount_compare(const void *a, const void *b)
{
	return strcmp(((const struct sandbox_mount *)a)->path,
		      ((const struct sandbox_mount *)b)->path);
}

static void sandbox_publish_mounts(struct sandbox *s)
{
	if (s->mounts.n)
		qsort(s->mounts.v, s->mounts.n, sizeof(*s->mounts.v), mount_compare);
	s->spec.mounts.v = s->mounts.v;
	s->spec.mounts.n = s->mounts.n;
}

static int sandbox_cwd(struct sandbox *s, struct err *err)
{
	const char *option = s->args->cwd ? "--cwd" : "working directory";
	const char *home = NULL, *refusal, *cwd;
	const struct sandbox_mount *named;
	struct stat st;
	int rc = sandbox_realpath(s, option, s->args->cwd ? s->args->cwd : ".", &cwd, err);

	if (rc < 0)
		return rc;
	if (stat(cwd, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "%s '%s': not a directory", option, cwd);
	s->spec.cwd = cwd;
	named = sandbox_mount_of(&s->spec, cwd);
	if (named && (named->writable || str_eq(named->path, cwd)))
		return 0; /* of a home with an overlay only itself, not the project in it */
	if (s->spec.home && sandbox_realpath(s, "home", s->spec.home, &home, NULL) < 0)
		home = NULL;
	refusal = sandbox_refusal(cwd, home ? home : s->spec.home);
	if (refusal) {
		rc = err_set(err, EPERM, "%s '%s': it is %s, and CMD could write to it", option,
			     cwd, refusal);
		return err_hint(
			err, rc,
			"go to the directory that CMD works on, or say that you mean it: --rw %s",
			str_eq(cwd, "/") ? "PATH" : cwd);
	}
	*vec_add(s->a, &s->mounts) =
		(struct sandbox_mount){ .path = cwd, .source = cwd, .writable = true };
	sandbox_publish_mounts(s);
	return 0;
}

static int sandbox_build(struct sandbox *s, union cli_err *err)
{
	int rc;

	s->spec.uid = geteuid();
	s->spec.gid = getegid();
	s->spec.idmap = s->args->idmap;
	s->spec.no_userns = s->args->disable_userns;
	s->spec.keep_session = s->args->no_new_session && !s->args->new_session;
	sandbox_host(s);
	rc = sandbox_env(s, err);
	if (rc == 0)
		rc = sandbox_add_binds(s, "--ro", &s->args->ro, false, err);
	if (rc == 0)
		rc = sandbox_add_binds(s, "--rw", &s->args->rw, true, err);
	if (rc == 0)
		rc = sandbox_overlay_home(s, err);
	if (rc == 0)
		rc = sandbox_tmpfs(s, err);
	if (rc == 0)
		rc = sandbox_data(s, err);
	if (rc == 0)
		rc = sandbox_limits(s, err);
	if (rc < 0)
		return rc;
	sandbox_publish_mounts(s);
	rc = sandbox_cwd(s, &err->own);
	return rc == 0 ? sandbox_seccomp(s, &err->own) : rc;
}

static int sandbox_id(char *buf, size_t size, struct err *err)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "random bytes");
	(void)snprintf(buf, size, "sandbox-%d-%08x", (int)getpid(), random);
	return 0;
}

/* Options that bryo_create() writes over a config: in one that is printed they must be. */
static const struct {
	const char *annotation;
	size_t off; /* in struct bryo_create_options */
	enum { TEXT, FLAG, WORDS } kind;
} written[] = {
	{ NET_ANNOTATION, offsetof(struct bryo_create_options, net), TEXT },
	{ PUBLISH_ANNOTATION, offsetof(struct bryo_create_options, publish), WORDS },
	{ PROC_ANNOTATION, offsetof(struct bryo_create_options, proc), TEXT },
	{ "org.bryo.init", offsetof(struct bryo_create_options, init), FLAG },
	{ "org.bryo.dieWithParent", offsetof(struct bryo_create_options, die_with_parent), FLAG },
	{ "org.bryo.timeout", offsetof(struct bryo_create_options, timeout), TEXT },
};

static const char *join_words(struct sandbox *s, const struct strv *words)
{
	const char *text = NULL;

	for (size_t i = 0; i < words->n; i++)
		text = arena_printf(s->a, "%s%s%s", text ? text : "", text ? "," : "", words->v[i]);
	return text;
}

static void sandbox_annotate(struct sandbox *s, struct json *doc)
{
	struct json *notes = json_need(s->a, doc, "annotations", JSON_OBJECT);

	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		const void *field = (const char *)&s->args->create + written[i].off;
		const char *text = written[i].kind == FLAG ? (*(const bool *)field ? "true" : NULL)
				   : written[i].kind == WORDS ? join_words(s, field)
							      : *(const char *const *)field;

		if (text)
			(void)json_put_str(s->a, notes, written[i].annotation, text);
	}
}

/* The document with what profiles say about it; for --print-spec laid out as `spec` does. */
static int sandbox_document(struct sandbox *s, struct str *ret, bool *ret_limited, struct err *err)
{
	auto_json_out struct json_out o;
	auto_str struct str text = STR_INIT;
	const struct sandbox_limits *l = &s->spec.limits;
	struct json *doc;
	int rc;

	json_out_init(&o, s->args->print_spec ? "\t" : NULL);
	*ret_limited = l->memory || l->cpu_quota || l->pids;
	if (!s->patches.n && !s->args->print_spec) {
		sandbox_spec_write(&s->spec, ret);
		return 0;
	}
	sandbox_spec_write(&s->spec, &text);
	rc = json_parse(s->a, "config", text.p, text.len, &doc, err);
	if (rc < 0)
		return rc;
	if (s->args->print_spec)
		sandbox_annotate(s, doc);
	sandbox_patch(s, doc);
	*ret_limited |= json_at(doc, "linux.resources") != NULL;
	if (!json_out_tree(&o, NULL, doc))
		return err_set(err, EINVAL, "\"spec\" of a profile is nested too deeply");
	str_addn(ret, o.s.p, o.s.len);
	return 0;
}

static int sandbox_plan(const struct cli *cli, const struct bryo_create_options *o,
			union cli_err *err)
{
	auto_free char *text = NULL;
	auto_ctx bryo_ctx *ctx = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc < 0)
		return rc;
	rc = bryo_plan(ctx, "sandbox", o, false, &text, &err->lib);
	return plan_print(rc, text, true, err);
}

static int sandbox_execute(const struct cli *cli, const struct bryo_create_options *o,
			   int status_fd, union cli_err *err)
{
	const struct run_options run = { .status_fd = status_fd };
	auto_ctx bryo_ctx *ctx = NULL;
	char id[64];
	int rc = sandbox_id(id, sizeof(id), &err->own);

	if (rc == 0)
		rc = cli_open(cli, true, &ctx, err);
	if (rc < 0)
		return rc;
	rc = run_container(ctx, id, o, &run, err);
	if (rc >= 0 || !err->own.exec)
		return rc;
	/* as shells and env(1) have it: CMD's fault is told apart from ours, which is 125 */
	out_error(&err->lib);
	return rc == -ENOENT ? 127 : 126;
}

static int sandbox_run(const struct cli *cli, union cli_err *err)
{
	struct sandbox_args args = *(const struct sandbox_args *)cli->args;
	struct sandbox s = { .cli = cli, .args = &args, .a = cli->arena };
	auto_str struct str text = STR_INIT;
	struct bryo_create_options o;
	struct cli quick = *cli;
	bool limited = false;
	int rc;

	if (args.list_profiles)
		return sandbox_profile_list(&s, &err->own);
	rc = sandbox_profiles(&s, sandbox_opts, &args, &err->own);
	if (rc == 0)
		rc = status_fd_check(cli, args.status_fd, 0, err);
	if (rc == 0)
		rc = sandbox_build(&s, err);
	if (rc == 0)
		rc = sandbox_document(&s, &text, &limited, &err->own);
	if (rc < 0)
		return rc;
	if (args.print_spec)
		return out_text(text.p, &err->own);
	/* a scope is a conversation with systemd: only where something is to be limited */
	if (!quick.cgroup_manager && !limited)
		quick.cgroup_manager = "disabled";
	o = args.create;
	o.size = sizeof(o);
	o.config_text = text.p;
	o.throw_away = true;
	return args.plan ? sandbox_plan(&quick, &o, err)
			 : sandbox_execute(&quick, &o, args.status_fd, err);
}

const struct command cmd_sandbox = {
	.name = "sandbox",
	.summary = "run one command on the host's own system, read-only and isolated",
	.synopsis = "[OPTIONS] [--] [CMD [ARG...]]",
	.about =
		"Runs CMD (default: your shell) in a container that is gone afterwards. It sees\n"
		"the host's /usr and /etc read-only, an empty home directory, a /tmp and /run of\n"
		"its own and no network; it may write to the current directory only. No image, no\n"
		"root. The exit code is CMD's; 127: CMD was not found, 126: it cannot be executed,\n"
		"125: trouble of bryo's own.",
	.opts = sandbox_opts,
	.args_size = sizeof(struct sandbox_args),
	.stop_at = 1,
	.max_words = (size_t)-1,
	.protect = true,
	.fail_status = 125,
	.misuse_status = 125,
	.run = sandbox_run,
};
