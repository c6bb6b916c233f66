/*
 * note.c - the list of what is done otherwise (note.h). Runs in the runtime while the plan is
 * built. Strings are copied: a note outlives whatever it was made from.
 *
 * A refusal is an error first, because create reports it; plan shows the same as a mark. So its
 * parts are taken from the line, whose form err.h and the features keep: a field of config.json
 * in front, the remedy last, in brackets.
 */
#include "note.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define FIELD_OTHER "config"

/* How fields begin; what begins otherwise is about the field of the second column. */
static const struct {
	const char *begin, *field;
} beginnings[] = {
	{ "process", NULL },
	{ "linux.", NULL },
	{ "mounts[", NULL },
	{ "root.", NULL },
	{ "hooks.", NULL },
	{ "annotation ", NULL },
	{ "hostname", NULL },
	{ "domainname", NULL },
	{ "--", NULL },
	{ "mount '", NULL },
	{ "root file system", "root.path" },
	{ "layer '", "annotation org.bryo.overlay.lower" },
	{ "directory for changes", "annotation org.bryo.overlay.upper" },
	{ "network '", "annotation org.bryo.network" },
	{ "pasta ", "annotation org.bryo.network" },
	{ "slirp4netns ", "annotation org.bryo.network" },
	{ "publish ", "annotation org.bryo.publish" },
	{ "ports cannot be published", "annotation org.bryo.publish" },
	{ "exec '", "process.args" },
	{ "working directory", "process.cwd" },
	{ "terminal", "process.terminal" },
	{ "newuidmap", "linux.uidMappings" },
	{ "newgidmap", "linux.gidMappings" },
	{ "make the container's namespaces", "linux.namespaces" },
	{ "open the ", "linux.namespaces" },
	{ "'/", "linux.devices" },
	{ "sysctl '", "linux.sysctl" },
	{ "load the seccomp filter", "linux.seccomp" },
	{ "set the hostname", "hostname" },
	{ "set the domain name", "domainname" },
	{ "container with id", "ID" },
	{ "container id", "ID" },
	{ "bundle '", "--bundle" },
};

/* Where the remedy's bracket opens, or NULL: the one that the last closes, behind a blank. */
static const char *remedy_of(const char *line, size_t len)
{
	size_t depth = 0;

	if (!len || line[len - 1] != ']')
		return NULL;
	for (const char *p = line + len - 1; p > line; p--) {
		depth += *p == ']';
		depth -= *p == '[';
		if (!depth)
			return p[-1] == ' ' ? p : NULL;
	}
	return NULL;
}

/* Behind the "config.json:12:8: " of what is wrong with the document itself. */
static const char *behind_position(const char *line)
{
	const char *p = strchr(line, ':');
	size_t n = p ? strspn(p + 1, "0123456789") : 0;

	if (!n || p[1 + n] != ':')
		return line;
	p += 2 + n;
	n = strspn(p, "0123456789");
	return n && str_starts(p + n, ": ") ? p + n + 2 : line;
}

/* The field that line begins with, up to a colon; *ret_rest is what it says about it. */
static const char *field_of(struct arena *a, const char *line, const char **ret_rest)
{
	const char *at = behind_position(line);
	bool whole = at != line; /* the position stays with the reason */

	*ret_rest = line;
	line = at;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		const char *colon = strstr(line, ": ");

		if (!str_starts(line, beginnings[i].begin))
			continue;
		if (beginnings[i].field)
			return beginnings[i].field;
		if (!colon) /* "process is missing" */
			return arena_strndup(a, line, strcspn(line, " "));
		*ret_rest = whole ? *ret_rest : colon + 2;
		return arena_strndup(a, line, (size_t)(colon - line));
	}
	return FIELD_OTHER;
}

static void refuse(struct notes *n, const char *line, size_t len)
{
	const char *remedy = remedy_of(line, len);
	size_t end = remedy ? (size_t)(remedy - line) - 1 : len;
	const char *text = arena_strndup(n->arena, line, end), *rest;
	const char *field = field_of(n->arena, text, &rest);

	*vec_add(n->arena, &n->list) = (struct note){
		.kind = NOTE_REFUSED,
		.field = field,
		.what = "",
		.why = rest,
		.remedy = remedy ? arena_strndup(n->arena, remedy + 1,
						 (size_t)(line + len - remedy) - 2)
				 : NULL,
	};
}

void note_refusals(struct notes *n, const struct err *err)
{
	char text[ERR_TEXT + sizeof(err->hint) + 256];

	(void)err_format(err, text, sizeof(text));
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");

		if (len)
			refuse(n, p, len);
		p += len + (p[len] == '\n');
	}
}

void note_remedy(struct notes *n, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!n || !n->list.n)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n->list.v[n->list.n - 1].remedy = arena_strdup(n->arena, text);
}

void note_add(struct notes *n, enum note_kind kind, const char *field, const char *why,
	      const char *what_fmt, ...)
{
	const char *remedy = remedy_of(why, strlen(why));
	char text[1024];
	va_list ap;

	if (!n)
		return;
	va_start(ap, what_fmt);
	(void)vsnprintf(text, sizeof(text), what_fmt, ap);
	va_end(ap);
	*vec_add(n->arena, &n->list) = (struct note){
		.kind = kind,
		.field = arena_strdup(n->arena, field),
		.what = arena_strdup(n->arena, text),
		.why = remedy ? arena_strndup(n->arena, why, (size_t)(remedy - why) - 1)
			      : arena_strdup(n->arena, why),
		.remedy = remedy ? arena_strndup(n->arena, remedy + 1, strlen(remedy) - 2) : NULL,
	};
}
