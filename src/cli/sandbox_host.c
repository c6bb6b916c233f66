/*
 * sandbox_host.c - what `bryo sandbox` takes over from the host (sandbox.h): its system
 * directories, who the caller is, a small environment, the way to a name server, the terminal's
 * size. Only looked at here; what is read-only is decided in oci/sandbox_spec.c.
 */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/passwd.h"
#include "base/path.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void sandbox_system(struct sandbox *s)
{
	struct stat st;

	for (const char *const *dir = sandbox_system_dirs(); *dir; dir++)
		if (lstat(*dir, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)))
			*vec_add(s->a, &s->system) = *dir;
	s->spec.system.v = s->system.v;
	s->spec.system.n = s->system.n;
}

/*
 * /etc/resolv.conf is often a symbolic link into /run, which the sandbox has empty: the file that
 * is meant is bound where the link points to.
 */
static void sandbox_resolv(struct sandbox *s)
{
	char link[PATH_MAX];
	ssize_t n = readlink("/etc/resolv.conf", link, sizeof(link) - 1);
	struct sandbox_mount b = { 0 };
	char *path;

	if (n <= 0)
		return;
	link[n] = '\0';
	path = link[0] == '/' ? arena_strdup(s->a, link) : arena_printf(s->a, "/etc/%s", link);
	path_clean(path);
	for (size_t i = 0; i < s->system.n; i++)
		if (sandbox_below(path, s->system.v[i]))
			return;
	if (sandbox_realpath(s, "resolv.conf", "/etc/resolv.conf", &b.source, NULL) < 0)
		return;
	b.path = path;
	*vec_add(s->a, &s->mounts) = b;
}

static void env_set(struct sandbox *s, const char *name, size_t len, const char *value)
{
	const char *text = arena_printf(s->a, "%.*s=%s", (int)len, name, value);

	for (size_t i = 0; i < s->env.n; i++)
		if (strncmp(s->env.v[i], text, len + 1) == 0) {
			s->env.v[i] = text;
			return;
		}
	*vec_add(s->a, &s->env) = text;
}

static void env_keep(struct sandbox *s, const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	if (!value || !*value)
		value = otherwise;
	if (value)
		env_set(s, name, strlen(name), value);
}

/* Name and home come from the environment where they can, which asks no name service. */
static void sandbox_person(struct sandbox *s)
{
	const char *home = getenv("HOME"), *user = getenv("USER");
	struct passwd_entry pw;
	char *clean;

	if (!home || home[0] != '/' || !user || !*user) {
		bool known = passwd_find(s->spec.uid, true, &pw);

		if (known && (!home || home[0] != '/'))
			home = pw.home;
		if (known && (!user || !*user))
			user = pw.name;
	}
	clean = arena_strdup(s->a, home && home[0] == '/' ? home : "/");
	path_clean(clean);
	s->spec.home = sandbox_home_wanted(&s->spec, clean) ? clean : NULL;
	env_set(s, "HOME", 4, str_eq(clean, "/") ? "/tmp" : clean);
	if (user)
		env_set(s, "USER", 4, user);
}

/* The caller's shell, where the sandbox has it. */
static const char *sandbox_shell(const struct sandbox *s)
{
	const char *shell = getenv("SHELL");

	for (size_t i = 0; shell && i < s->system.n; i++)
		if (sandbox_below(shell, s->system.v[i]) && access(shell, X_OK) == 0)
			return shell;
	return "/bin/sh";
}

static void sandbox_command(struct sandbox *s)
{
	const char **args = arena_alloc(s->a, (s->cli->n_words + 2) * sizeof(*args));

	s->spec.args.v = args;
	for (size_t i = 0; i < s->cli->n_words; i++)
		args[s->spec.args.n++] = s->cli->words[i];
	if (!s->spec.args.n && s->command.n)
		s->spec.args = s->command;
	else if (!s->spec.args.n)
		args[s->spec.args.n++] = sandbox_shell(s);
}

/* The size is in the document, so that a program which asks at once gets no 0 by 0. */
static void sandbox_terminal(struct sandbox *s)
{
	struct winsize size;

	s->spec.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (!s->spec.terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	s->spec.rows = size.ws_row;
	s->spec.columns = size.ws_col;
}

int sandbox_realpath(struct sandbox *s, const char *option, const char *path, const char **ret,
		     struct err *err)
{
	auto_free char *full = realpath(path, NULL);

	if (!full)
		return err_sys(err, "%s '%s'", option, path);
	*ret = arena_strdup(s->a, full);
	return 0;
}

int sandbox_env(struct sandbox *s, union cli_err *err)
{
	const struct sandbox_args *args = s->args;

	env_keep(s, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env_keep(s, "TERM", NULL);
	env_keep(s, "LANG", NULL);
	for (size_t i = 0; i < args->keep_env.n; i++)
		env_keep(s, args->keep_env.v[i], NULL);
	for (size_t i = 0; i < args->env.n; i++) {
		const char *eq = strchr(args->env.v[i], '=');

		if (!eq || eq == args->env.v[i])
			return cli_usage(s->cli, err,
					 "--env '%s' is not NAME=VALUE; --keep-env passes one on",
					 args->env.v[i]);
		env_set(s, args->env.v[i], (size_t)(eq - args->env.v[i]), eq + 1);
	}
	s->spec.env.v = s->env.v;
	s->spec.env.n = s->env.n;
	return 0;
}

void sandbox_host(struct sandbox *s)
{
	sandbox_terminal(s);
	sandbox_system(s);
	sandbox_person(s);
	sandbox_command(s);
	sandbox_resolv(s);
}
