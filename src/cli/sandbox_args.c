/*
 * sandbox_args.c - options of `bryo sandbox` that become parts of its spec (sandbox.h): limits, file
 * systems that are not the host's, the system call filter. Words are checked here, where the option
 * can be named; what they do is any config.json's to ask for.
 */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "bytes.h"
#include "oci/seccomp_default.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CPU_QUOTA_MIN 1000 /* microseconds; the kernel refuses less */
#define CPUS_MAX      8192 /* more than any machine has */
#define DATA_MODE     "mode="

/* "1.5" in microseconds of a period; what is behind the fifth decimal is less than one. */
static bool parse_cpus(const char *text, int64_t *ret)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	int64_t n = 0, unit = SANDBOX_CPU_PERIOD;

	if (whole > 4)
		return false;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (text[i] - '0');
	n *= unit;
	if (text[whole] == '.') {
		text += whole + 1;
		part = strspn(text, "0123456789");
		for (size_t i = 0; i < part; i++)
			n += (text[i] - '0') * (unit /= 10);
		text += part;
	} else {
		text += whole;
	}
	*ret = n;
	return !*text && whole + part && n >= CPU_QUOTA_MIN &&
	       n <= (int64_t)CPUS_MAX * SANDBOX_CPU_PERIOD;
}

int sandbox_limits(struct sandbox *s, union cli_err *err)
{
	const struct sandbox_args *args = s->args;
	struct sandbox_limits *l = &s->spec.limits;
	unsigned long long pids = 0;
	long long memory = 0;

	if (args->memory && (!bytes_parse(args->memory, &memory) || memory <= 0))
		return cli_usage(s->cli, err,
				 "--memory '%s': wants bytes, such as 268435456 or 256m",
				 args->memory);
	if (args->cpus && !parse_cpus(args->cpus, &l->cpu_quota))
		return cli_usage(s->cli, err,
				 "--cpus '%s': wants a number of CPUs from 0.01, such as 2 or 1.5",
				 args->cpus);
	if (args->pids && (!str_to_u64(args->pids, INT_MAX, &pids) || !pids))
		return cli_usage(s->cli, err, "--pids '%s': wants a number of processes from 1",
				 args->pids);
	l->memory = memory;
	l->pids = (int64_t)pids;
	return 0;
}

int sandbox_name(struct sandbox *s, const char *path, const char **ret, struct err *err)
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

int sandbox_add_mount(struct sandbox *s, const struct sandbox_mount *m, const char *option,
		      const char *value, union cli_err *err)
{
	if (str_eq(m->path, "/"))
		return cli_usage(s->cli, err,
				 m->kind == SANDBOX_BIND ? "%s '%s': the whole host is no sandbox"
							 : "%s '%s': that is the root itself",
				 option, value);
	for (size_t i = 0; i < s->mounts.n; i++) {
		struct sandbox_mount *other = &s->mounts.v[i];

		if (!str_eq(other->path, m->path))
			continue;
		if (other->kind == SANDBOX_BIND && m->kind == SANDBOX_BIND &&
		    other->writable != m->writable)
			return cli_usage(s->cli, err, "'%s' is given with --ro and with --rw",
					 value);
		if (other->kind != m->kind)
			return cli_usage(s->cli, err,
					 "'%s' is asked for in two ways, %s '%s' is one of them",
					 m->path, option, value);
		*other = *m;
		return 0;
	}
	*vec_add(s->a, &s->mounts) = *m;
	return 0;
}

/* Cuts text at the first c: the part before it, and behind it *text or NULL. */
static const char *cut(struct sandbox *s, const char **text, char c)
{
	const char *start = *text, *end = strchr(start, c);

	*text = end ? end + 1 : NULL;
	return end ? arena_strndup(s->a, start, (size_t)(end - start)) : start;
}

static bool is_octal(const char *text)
{
	size_t n = strspn(text, "01234567");

	return n && n <= 5 && !text[n];
}

/* One word of --tmpfs, as the kernel takes it; NULL: there is no such word. */
static const char *tmpfs_word(struct sandbox *s, const char *word)
{
	const char *value = strchr(word, '=');
	unsigned long long n;
	long long bytes;

	if (str_eq(word, "exec") || str_eq(word, "noexec") || str_eq(word, "ro"))
		return word;
	if (!value++)
		return NULL;
	if (str_starts(word, "size="))
		return bytes_parse(value, &bytes) && bytes > 0
			       ? arena_printf(s->a, "size=%lld", bytes)
			       : NULL;
	if (str_starts(word, "mode="))
		return is_octal(value) ? word : NULL;
	return str_starts(word, "nr_inodes=") && str_to_u64(value, INT_MAX, &n) ? word : NULL;
}

/* As root of the sandbox owns what it mounts, and CMD is somebody else where more IDs are mapped. */
static const char *owner(struct sandbox *s, const char *key, uint32_t id)
{
	return arena_printf(s->a, "%s=%u", key, id);
}

static int tmpfs_one(struct sandbox *s, const char *value, union cli_err *err)
{
	VEC(const char *) words = { 0 };
	struct sandbox_mount m = { .kind = SANDBOX_TMPFS, .writable = true };
	const char *rest = value, *path = cut(s, &rest, ':');
	int rc = sandbox_name(s, path, &m.path, &err->own);

	*vec_add(s->a, &words) = "nosuid";
	*vec_add(s->a, &words) = "nodev";
	*vec_add(s->a, &words) = "mode=755"; /* a later one counts */
	if (s->spec.idmap) {
		*vec_add(s->a, &words) = owner(s, "uid", s->spec.uid);
		*vec_add(s->a, &words) = owner(s, "gid", s->spec.gid);
	}
	while (rest && rc == 0) {
		const char *given = cut(s, &rest, ','), *word = tmpfs_word(s, given);

		if (!word)
			return cli_usage(s->cli, err,
					 "--tmpfs '%s': '%s' is not size=SIZE, mode=MODE, "
					 "nr_inodes=N, exec, noexec or ro",
					 value, given);
		*vec_add(s->a, &words) = word;
	}
	*vec_add(s->a, &words) = NULL;
	m.options = (struct strv){ words.v, words.n - 1 };
	return rc < 0 ? rc : sandbox_add_mount(s, &m, "--tmpfs", value, err);
}

/* ':' separates layers and '\\' escapes it. */
static const char *layer(struct sandbox *s, const char *path)
{
	auto_str struct str text = STR_INIT;

	str_add(&text, "lowerdir=");
	for (; *path; path++)
		str_addf(&text, "%s%c", *path == ':' || *path == '\\' ? "\\" : "", *path);
	return arena_strdup(s->a, text.p);
}

int sandbox_overlay_home(struct sandbox *s, union cli_err *err)
{
	struct sandbox_mount m = { .kind = SANDBOX_OVERLAY, .path = s->spec.home };
	const char **options;
	int rc;

	if (!s->args->overlay_home)
		return 0;
	if (!s->spec.home)
		return cli_usage(s->cli, err, "--overlay-home: there is no home directory to show");
	rc = sandbox_realpath(s, "--overlay-home", s->spec.home, &m.source, &err->own);
	if (rc < 0)
		return rc;
	options = arena_alloc(s->a, 5 * sizeof(*options));
	options[m.options.n++] = layer(s, m.source);
	options[m.options.n++] = "ephemeral";
	options[m.options.n++] = "nosuid";
	options[m.options.n++] = "nodev";
	m.options.v = options;
	return sandbox_add_mount(s, &m, "--overlay-home", s->spec.home, err);
}

int sandbox_tmpfs(struct sandbox *s, union cli_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < s->args->tmpfs.n && rc == 0; i++)
		rc = tmpfs_one(s, s->args->tmpfs.v[i], err);
	return rc;
}

/* @FILE is opened here and stays open: what is read is the file as it is now. */
static int data_source(struct sandbox *s, const char *text, const char *value, const char **ret,
		       union cli_err *err)
{
	unsigned long long n;
	int fd;

	if (text[0] == '@') {
		fd = open(text + 1, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return err_sys(&err->own, "--bind-data '%s': open '%s'", value, text + 1);
		*ret = arena_printf(s->a, "fd:%d", fd);
		return fd_set_cloexec(fd, false, &err->own); /* as if we had been started with it */
	}
	if (!str_to_u64(text, INT_MAX, &n))
		return cli_usage(s->cli, err,
				 "--bind-data '%s': '%s' is neither a descriptor nor @FILE", value,
				 text);
	*ret = arena_printf(s->a, "fd:%llu", n);
	return 0;
}

static int data_one(struct sandbox *s, const char *value, union cli_err *err)
{
	struct sandbox_mount m = { .kind = SANDBOX_DATA };
	const char *rest = value, *source = cut(s, &rest, ':');
	const char *path = rest ? cut(s, &rest, ':') : NULL;
	const char **options = arena_alloc(s->a, 2 * sizeof(*options));
	int rc;

	if (!path || !*path)
		return cli_usage(s->cli, err, "--bind-data '%s' is not FD:PATH or @FILE:PATH",
				 value);
	if (rest && !(str_starts(rest, DATA_MODE) && is_octal(rest + strlen(DATA_MODE))))
		return cli_usage(s->cli, err, "--bind-data '%s': '%s' is not mode=MODE", value,
				 rest);
	if (rest)
		options[m.options.n++] = rest;
	m.options.v = options;
	rc = data_source(s, source, value, &m.source, err);
	if (rc == 0)
		rc = sandbox_name(s, path, &m.path, &err->own);
	return rc < 0 ? rc : sandbox_add_mount(s, &m, "--bind-data", value, err);
}

int sandbox_data(struct sandbox *s, union cli_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < s->args->bind_data.n && rc == 0; i++)
		rc = data_one(s, s->args->bind_data.v[i], err);
	return rc;
}

#ifdef HAVE_SECCOMP
#define SANDBOX_FILTER "default"
#else
#define SANDBOX_FILTER "none"
#endif

int sandbox_seccomp(struct sandbox *s, struct err *err)
{
	const char *what = s->args->seccomp ? s->args->seccomp : SANDBOX_FILTER;
	auto_json_out struct json_out o;
	auto_free char *text = NULL;
	struct utsname u = { 0 };
	struct json *doc;
	size_t len;
	int rc;

	json_out_init(&o, NULL);
	if (!s->args->seccomp && str_eq(what, "none"))
		log_line(LOG_LEVEL_WARNING, "this bryo was built without seccomp: "
					    "the sandbox has no system call filter");
	if (str_eq(what, "none"))
		return 0;
	if (str_eq(what, "default")) {
		(void)uname(&u);
		seccomp_default_out(&o, NULL, u.machine);
		s->spec.seccomp = arena_strndup(s->a, o.s.p, o.s.len);
		return 0;
	}
	rc = file_read_at(AT_FDCWD, what, JSON_MAX, &text, &len, err);
	if (rc == 0)
		rc = json_parse(s->a, what, text, len, &doc, err);
	if (rc == 0 && doc->type != JSON_OBJECT)
		rc = json_err(doc, err, "wants a linux.seccomp object");
	if (rc < 0)
		return err_in(err, rc, "--seccomp");
	s->spec.seccomp = arena_strndup(s->a, text, len);
	return 0;
}
