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
#include "base/path.h"
#include "out.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFF(member) offsetof(struct sandbox_args, member)

static const struct opt sandbox_opts[] = {
	{ "rw", 0, OPT_LIST, OFF(rw), "PATH", "let CMD read and write PATH" },
	{ "ro", 0, OPT_LIST, OFF(ro), "PATH", "let CMD read PATH" },
	{ "cwd", 0, OPT_STRING, OFF(cwd), "DIR", "work in DIR, not in the current directory" },
	{ "env", 'e', OPT_LIST, OFF(env), "K=V", "set an environment variable" },
	{ "keep-env", 0, OPT_LIST, OFF(keep_env), "NAME", "pass an environment variable on" },
	{ "seccomp", 0, OPT_STRING, OFF(seccomp), "FILE",
	  "system call filter: default, none, or a linux.seccomp object" },
	{ "idmap", 0, OPT_STRING, OFF(idmap), "single|subid|keep-id|START:HOST:SIZE,...",
	  "how the sandbox's IDs are mapped (default: your own alone)" },
	{ 0 },
};

/* The name that path has in the sandbox: as it was given, made absolute. */
static int sandbox_name(struct sandbox *s, const char *path, const char **ret, struct err *err)
{
	char here[PATH_MAX];
	char *name;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return err_sys(err, "current directory");
	name = path[0] == '/' ? arena_strdup(s->a, path) : arena_printf(s->a, "%s/%s", here, path);
	path_clean(name);
	*ret = name;
	return 0;
}

static int sandbox_add_binds(struct sandbox *s, const char *option, const struct strv *paths,
			     bool writable, union cli_err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct sandbox_bind b = { .writable = writable };
		int rc = sandbox_realpath(s, option, paths->v[i], &b.source, &err->own);

		/* ".." through a symbolic link is only right after resolving */
		if (rc == 0 && strstr(paths->v[i], ".."))
			b.path = b.source;
		else if (rc == 0)
			rc = sandbox_name(s, paths->v[i], &b.path, &err->own);
		if (rc < 0)
			return rc;
		if (str_eq(b.path, "/"))
			return cli_usage(s->cli, err, "%s /: the whole host is no sandbox", option);
		for (size_t j = 0; j < s->binds.n; j++)
			if (str_eq(s->binds.v[j].path, b.path) &&
			    s->binds.v[j].writable != writable)
				return cli_usage(s->cli, err,
						 "'%s' is given with --ro and with --rw",
						 paths->v[i]);
		*vec_add(s->a, &s->binds) = b;
	}
	return 0;
}

/* Parents first: what is mounted later would be hidden by them. */
static int bind_compare(const void *a, const void *b)
{
	return strcmp(((const struct sandbox_bind *)a)->path,
		      ((const struct sandbox_bind *)b)->path);
}

static void sandbox_publish_binds(struct sandbox *s)
{
	if (s->binds.n)
		qsort(s->binds.v, s->binds.n, sizeof(*s->binds.v), bind_compare);
	s->spec.binds.v = s->binds.v;
	s->spec.binds.n = s->binds.n;
}

static int sandbox_cwd(struct sandbox *s, struct err *err)
{
	const char *option = s->args->cwd ? "--cwd" : "working directory";
	const char *home = NULL, *refusal, *cwd;
	const struct sandbox_bind *named;
	struct stat st;
	int rc = sandbox_realpath(s, option, s->args->cwd ? s->args->cwd : ".", &cwd, err);

	if (rc < 0)
		return rc;
	if (stat(cwd, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "%s '%s': not a directory", option, cwd);
	s->spec.cwd = cwd;
	named = sandbox_bind_of(&s->spec, cwd);
	if (named && (named->writable || str_eq(named->path, cwd)))
		return 0;
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
	*vec_add(s->a, &s->binds) = (struct sandbox_bind){ cwd, cwd, true };
	sandbox_publish_binds(s);
	return 0;
}

static int sandbox_build(struct sandbox *s, union cli_err *err)
{
	int rc;

	s->spec.uid = geteuid();
	s->spec.gid = getegid();
	s->spec.idmap = s->args->idmap;
	sandbox_host(s);
	rc = sandbox_env(s, err);
	if (rc == 0)
		rc = sandbox_add_binds(s, "--ro", &s->args->ro, false, err);
	if (rc == 0)
		rc = sandbox_add_binds(s, "--rw", &s->args->rw, true, err);
	if (rc < 0)
		return rc;
	sandbox_publish_binds(s);
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

static int sandbox_run(const struct cli *cli, union cli_err *err)
{
	struct sandbox s = { .cli = cli, .args = cli->args, .a = cli->arena };
	struct bryo_create_options o = s.args->create;
	struct cli quick = *cli;
	auto_str struct str text = STR_INIT;
	auto_ctx bryo_ctx *ctx = NULL;
	char id[64];
	int rc = sandbox_build(&s, err);

	/* a scope is a conversation with systemd, and nothing here has to be limited or paused */
	if (!quick.cgroup_manager)
		quick.cgroup_manager = "disabled";
	if (rc == 0)
		rc = sandbox_id(id, sizeof(id), &err->own);
	if (rc == 0)
		rc = cli_open(&quick, true, &ctx, err);
	if (rc < 0)
		return rc;
	sandbox_spec_write(&s.spec, &text);
	o.size = sizeof(o);
	o.config_text = text.p;
	o.throw_away = true;
	rc = run_container(ctx, id, &o, false, err);
	if (rc >= 0 || !err->own.exec)
		return rc;
	/* as shells and env(1) have it: CMD's fault is told apart from ours, which is 125 */
	out_error(&err->lib);
	return rc == -ENOENT ? 127 : 126;
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
