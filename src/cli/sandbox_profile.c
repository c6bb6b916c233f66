/*
 * sandbox_profile.c - `bryo sandbox --profile NAME`: options from $XDG_CONFIG_HOME/bryo/NAME.json
 * (sandbox.h).
 *
 * A profile is the option rows over again: each member of its object is named as an option is and
 * goes through the option's own parser, so that whatever the command line knows a profile knows,
 * and an unknown key is an error with its place. Two keys are more: "command", and "spec", a patch
 * of the config.json that comes out at the end. What a profile says counts as if it stood before
 * the command line: lists are joined, of single values the last one counts.
 *
 * A profile decides what a hostile program may do, so it is read only where nobody but the caller
 * and root can have written it.
 */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json_edit.h"
#include "base/passwd.h"
#include "out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".json"

static int profile_dir(struct sandbox *s, const char **ret, struct err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct passwd_entry pw;

	if (config && config[0] == '/') {
		*ret = arena_printf(s->a, "%s/bryo", config);
		return 0;
	}
	if ((!home || home[0] != '/') && passwd_find(geteuid(), true, &pw))
		home = pw.home;
	if (!home || home[0] != '/')
		return err_set(err, ENOENT, "there is no home directory to look for profiles in");
	*ret = arena_printf(s->a, "%s/.config/bryo", arena_strdup(s->a, home));
	return 0;
}

/* what: how the error calls it. */
static int check_owner(int fd, const char *what, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s '%s'", what, path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_set(err, EPERM, "%s '%s' belongs to uid %u", what, path, st.st_uid);
		return err_hint(err, -EPERM,
				"only root and you yourself may say what a sandbox allows");
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(err, EPERM, "%s '%s' can be written by others (mode %04o)", what, path,
			st.st_mode & 07777);
		return err_hint(err, -EPERM, "chmod go-w '%s'", path);
	}
	return 0;
}

static int open_checked(int dir, const char *name, const char *what, const char *path, int flags,
			struct err *err)
{
	auto_fd int fd = openat(dir, name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_sys(err, "%s '%s'", what, path);
	if (!(flags & O_DIRECTORY) && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return err_set(err, EINVAL, "%s '%s' is not a regular file", what, path);
	rc = check_owner(fd, what, path, err);
	return rc < 0 ? rc : take_fd(&fd);
}

static int read_profile(struct sandbox *s, const char *name, struct json **ret, struct err *err)
{
	auto_fd int dir = -1, fd = -1;
	auto_free char *text = NULL;
	const char *where, *path, *file;
	size_t len;
	int rc;

	if (!*name || name[0] == '.' || strchr(name, '/')) {
		err_set(err, EINVAL, "profile '%s': that is not a name", name);
		return err_hint(err, -EINVAL, "NAME stands for $XDG_CONFIG_HOME/bryo/NAME" SUFFIX);
	}
	rc = profile_dir(s, &where, err);
	if (rc < 0)
		return rc;
	file = arena_printf(s->a, "%s" SUFFIX, name);
	path = arena_printf(s->a, "%s/%s", where, file);
	dir = open_checked(AT_FDCWD, where, "directory", where, O_DIRECTORY, err);
	if (dir == -ENOENT)
		err_hint(err, dir, "NAME stands for %s", path);
	if (dir < 0)
		return err_in(err, dir, "profile '%s'", name);
	fd = open_checked(dir, file, "profile", path, 0, err);
	if (fd == -ENOENT)
		err_hint(err, fd, "see bryo sandbox --list-profiles");
	rc = fd < 0 ? fd : fd_read_all(fd, JSON_MAX, &text, &len, err);
	if (rc == 0)
		rc = json_parse(s->a, path, text, len, ret, err);
	if (rc == 0 && (*ret)->type != JSON_OBJECT)
		rc = json_err_wants(*ret, "an object", err);
	return rc;
}

/* What a shell would do for the command line. */
static const char *expand_home(struct sandbox *s, const char *text)
{
	const char *home = getenv("HOME");

	if (!str_starts(text, "~/") || !home || home[0] != '/')
		return text;
	return arena_printf(s->a, "%s%s", home, text + 1);
}

/* One value through the parser of its option; what that says gets the place in the file. */
static int take_value(struct sandbox *s, const struct opt *row, const struct json *v,
		      const char *prefix, struct sandbox_args *args, struct err *err)
{
	const char *text = v->type == JSON_BOOL ? (v->boolean ? "true" : "false") : v->text;
	char *words[2] = { NULL, NULL }, said[ERR_TEXT];
	struct opt_result res;
	struct err local = ERR_INIT;

	if (v->type != JSON_BOOL && v->type != JSON_NUMBER && v->type != JSON_STRING)
		return json_err_wants(v, "a string, a number, true or false", err);
	words[0] = arena_printf(s->a, "--%s=%s%s", row->name, prefix, expand_home(s, text));
	if (opt_parse(s->a, row, 0, words, args, &res, &local) == 0)
		return 0;
	return json_err(v, err, "%s", err_format(&local, said, sizeof(said)));
}

static int take_member(struct sandbox *s, const struct opt *row, const struct json *v,
		       struct sandbox_args *args, struct err *err)
{
	bool map = v->type == JSON_OBJECT && str_eq(row->name, "env");
	bool list = v->type == JSON_ARRAY && row->kind == OPT_LIST;
	int rc = 0;

	if (!map && !list)
		return take_value(s, row, v, "", args, err);
	for (const struct json *c = v->child; c && rc == 0; c = c->next)
		rc = take_value(s, row, c, map ? arena_printf(s->a, "%s=", c->key) : "", args, err);
	return rc;
}

static int take_command(struct sandbox *s, const struct json *v, struct err *err)
{
	const char **words = arena_alloc(s->a, (v->n + 1) * sizeof(*words));

	if (v->type != JSON_ARRAY || !v->n)
		return json_err_wants(v, "an array of strings", err);
	s->command = (struct strv){ words, 0 };
	for (const struct json *c = v->child; c; c = c->next) {
		if (c->type != JSON_STRING)
			return json_err_wants(c, "a string", err);
		words[s->command.n++] = c->text;
	}
	return 0;
}

static const struct opt *row_of(const struct opt *rows, const char *name)
{
	for (; rows->name; rows++)
		if (str_eq(rows->name, name))
			return rows;
	return NULL;
}

static int take_profile(struct sandbox *s, const struct opt *rows, const struct json *doc,
			struct sandbox_args *args, struct err *err)
{
	for (struct json *v = doc->child; v; v = v->next) {
		const struct opt *row = row_of(rows, v->key);
		int rc;

		if (str_eq(v->key, "spec")) {
			if (v->type != JSON_OBJECT)
				return json_err_wants(v, "an object, as config.json is one", err);
			*vec_add(s->a, &s->patches) = v;
			continue;
		}
		if (str_eq(v->key, "command"))
			rc = take_command(s, v, err);
		else if (row && row->off != offsetof(struct sandbox_args, profile))
			rc = take_member(s, row, v, args, err);
		else
			return err_hint(err, json_err(v, err, "there is no such option"),
					"keys are the long options of bryo sandbox without dashes, "
					"\"command\" and \"spec\"");
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sandbox_profiles(struct sandbox *s, const struct opt *rows, struct sandbox_args *args,
		     struct err *err)
{
	const struct strv names = args->profile;
	struct sandbox_args said = { .profile = { NULL, 0 } };

	for (size_t i = 0; i < names.n; i++) {
		struct json *doc;
		int rc = read_profile(s, names.v[i], &doc, err);

		if (rc == 0)
			rc = take_profile(s, rows, doc, &said, err);
		if (rc < 0)
			return rc;
	}
	if (names.n)
		opt_merge(s->a, rows, &said, args);
	return 0;
}

void sandbox_patch(struct sandbox *s, struct json *doc)
{
	for (size_t i = 0; i < s->patches.n; i++)
		json_merge(s->a, doc, s->patches.v[i]);
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int sandbox_profile_list(struct sandbox *s, struct err *err)
{
	VEC(const char *) names = VEC_INIT;
	auto_str struct str text = STR_INIT;
	auto_dir DIR *dir = NULL;
	const char *where;
	int rc = profile_dir(s, &where, err);

	if (rc < 0)
		return rc;
	dir = opendir(where);
	if (!dir && errno != ENOENT)
		return err_sys(err, "directory '%s'", where);
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		size_t len = strlen(e->d_name), end = strlen(SUFFIX);

		if (e->d_name[0] != '.' && len > end && str_eq(e->d_name + len - end, SUFFIX))
			*vec_add(s->a, &names) = arena_strndup(s->a, e->d_name, len - end);
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), name_compare);
	for (size_t i = 0; i < names.n; i++)
		str_addf(&text, "%s\n", names.v[i]);
	return text.len ? out_text(text.p, err) : 0;
}
