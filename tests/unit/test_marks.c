/*
 * test_marks.c - marks of a plan: refusals taken from errors, their order, text and JSON, and the
 * signs beside the lines of a plan.
 */
#include "plan/marks.h"

#include "base/cleanup.h"
#include "tap.h"

#include <string.h>

/* Lines of an error and what becomes of them. */
static const struct {
	const char *line, *hint, *field, *why, *remedy;
} rows[] = {
	{ "process.cwd: 'x' is not absolute", "", "process.cwd", "'x' is not absolute", NULL },
	{ "process is missing", "", "process", "process is missing", NULL },
	{ "mounts[3] '/a': no such source", "make it", "mounts[3] '/a'", "no such source",
	  "make it" },
	{ "linux.x: bad", "options [\"rbind\"] (a [b] c)", "linux.x", "bad",
	  "options [\"rbind\"] (a [b] c)" },
	{ "newuidmap is not installed", "apt-get install uidmap", "linux.uidMappings",
	  "newuidmap is not installed", "apt-get install uidmap" },
	{ "exec 'x': executable file not found in $PATH", "", "process.args",
	  "exec 'x': executable file not found in $PATH", NULL },
	{ "config.json:12:8: process.user.uid: wants a number", "", "process.user.uid",
	  "config.json:12:8: process.user.uid: wants a number", NULL },
	{ "'/dev/zero' of the host is not the device c 1:3 that was asked for", "", "linux.devices",
	  "'/dev/zero' of the host is not the device c 1:3 that was asked for", NULL },
	{ "container with id 'x' already exists", "choose another", "ID",
	  "container with id 'x' already exists", "choose another" },
	{ "something else: broke", "", "config", "something else: broke", NULL },
	{ "annotation org.bryo.limits: unknown value 'x'", "", "annotation org.bryo.limits",
	  "unknown value 'x'", NULL },
	{ "hostname needs a [uts] namespace]", "", "hostname", "hostname needs a [uts] namespace]",
	  NULL },
	{ "--pid-file '/x': its directory", "", "--pid-file '/x'", "its directory", NULL },
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void test_row(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	struct err err = ERR_INIT;
	const struct note *n;

	err_set(&err, EINVAL, "%s", rows[i].line);
	if (*rows[i].hint)
		err_hint(&err, 0, "%s", rows[i].hint);
	note_refusals(&notes, &err);
	n = notes.list.v;
	if (!ok(notes.list.n == 1 && n->kind == NOTE_REFUSED && same(n->field, rows[i].field) &&
			same(n->why, rows[i].why) && same(n->remedy, rows[i].remedy),
		"refusal: %s", rows[i].line) &&
	    n)
		printf("#  %s | %s | %s\n", n->field, n->why, n->remedy ? n->remedy : "-");
}

static void test_several(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	struct err all = ERR_INIT, one = ERR_INIT;

	err_set(&one, EINVAL, "root.path is missing");
	err_hint(&one, 0, "name it");
	err_also(&all, &one);
	one = (struct err)ERR_INIT;
	err_set(&one, EINVAL, "process.args is empty");
	err_also(&all, &one);
	one = (struct err)ERR_INIT;
	err_set(&one, EINVAL, "linux.sysctl x: no");
	err_hint(&one, 0, "leave it out");
	err_also(&all, &one);
	note_refusals(&notes, &all);
	ok(notes.list.n == 3 && same(notes.list.v[0].field, "root.path") &&
		   same(notes.list.v[0].remedy, "name it") && !notes.list.v[1].remedy &&
		   same(notes.list.v[2].remedy, "leave it out"),
	   "each line of an error is a refusal with its own remedy");
}

static void fill(struct notes *notes)
{
	struct err err = ERR_INIT;

	note_add(notes, NOTE_ADAPTED, "mounts[1] '/sys'", "no network namespace", "bound");
	note_add(notes, NOTE_WARNING, "linux.resources", "v1 host [boot with v2]",
		 "not applied: %s", "m");
	note_add(notes, NOTE_ADAPTED, "linux.resources.pids", "old", "none");
	note_remedy(notes, "raise %d", 7);
	err_set(&err, EINVAL, "process.cwd: bad");
	note_refusals(notes, &err);
}

static void test_text(void)
{
	static const char want[] = "refused, so the container would not start\n"
				   "  x process.cwd: bad\n"
				   "degraded, and is less than was asked for\n"
				   "  ! linux.resources: not applied: m\n"
				   "      because v1 host\n"
				   "      remedy: boot with v2\n"
				   "adapted, and means the same\n"
				   "  ~ mounts[1] '/sys': bound\n"
				   "      because no network namespace\n"
				   "  ~ linux.resources.pids: none\n"
				   "      because old\n"
				   "      remedy: raise 7\n";
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	auto_str struct str text = STR_INIT;

	marks_text(&notes, &text);
	ok(text.len == 0, "no mark is no text");
	fill(&notes);
	marks_text(&notes, &text);
	if (!ok(same(text.p, want), "refused first, then degraded, then adapted"))
		printf("%s", text.p);
}

static void test_json(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	auto_json_out struct json_out o;

	fill(&notes);
	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	marks_json(&notes, &o);
	json_out_end(&o, '}');
	if (!ok(strstr(o.s.p,
		       "{\"marks\":[{\"field\":\"process.cwd\",\"kind\":\"refused\",\"reason\":\"bad\","
		       "\"remedy\":null},{\"field\":\"linux.resources\",\"kind\":\"degraded\","
		       "\"what\":\"not applied: m\",\"reason\":\"v1 host\",\"remedy\":\"boot with v2\"}"),
		"JSON has field, kind, reason and remedy"))
		printf("# %s\n", o.s.p);
}

static void test_signs(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };

	ok(mark_of(&notes, "process") == ' ', "no mark, no sign");
	fill(&notes);
	ok(mark_of(&notes, "mounts[1]") == '~' && mark_of(&notes, "mounts[10]") == ' ' &&
		   mark_of(&notes, "mounts") == '~',
	   "a sign is for whole words");
	ok(mark_of(&notes, "linux.resources") == '!' && mark_of(&notes, "linux") == '!' &&
		   mark_of(&notes, "process") == 'x',
	   "the gravest one counts");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(i);
	test_several();
	test_text();
	test_json();
	test_signs();
	return done();
}
