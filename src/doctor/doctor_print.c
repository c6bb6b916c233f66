/*
 * doctor_print.c - the report as text for people and as JSON for programs. Pure.
 *
 * Text is one line a check, a remedy on a line of its own below it, and a count at the end. Marks
 * and colours say the same as the words would, and are left out where they cannot be shown.
 */
#include "doctor.h"

#include "base/cleanup.h"

#include <string.h>

static const char *const status_names[] = { "ok", "degraded", "missing" };
static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };
static const char *const marks_utf8[] = { "✓", "!", "✗" };

static const struct {
	unsigned use;
	const char *name;
} uses[] = {
	{ DOCTOR_SANDBOX, "sandbox" },
	{ DOCTOR_PODMAN, "podman" },
	{ DOCTOR_NETWORK, "network" },
	{ DOCTOR_LIMITS, "limits" },
};

const char *doctor_status_name(enum doctor_status s)
{
	return status_names[s];
}

static size_t name_width(const struct doctor_report *r)
{
	size_t width = 0;

	for (size_t i = 0; i < r->n; i++)
		if (strlen(r->v[i].name) > width)
			width = strlen(r->v[i].name);
	return width;
}

/* text in lines of at most columns, each but the first indented; a word is never cut. */
static void add_folded(struct str *s, const char *text, size_t indent, unsigned columns)
{
	size_t room = columns > indent + 20 ? columns - indent : 0, used = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (room && used && used + 1 + n > room) {
			str_addf(s, "\n%*s", (int)indent, "");
			used = 0;
		} else if (used) {
			str_addc(s, ' ');
			used++;
		}
		str_addn(s, text, n);
		used += n;
		text += n;
		text += strspn(text, " ");
	}
}

static void add_finding(const struct finding *f, const struct doctor_look *look, size_t width,
			struct str *s)
{
	const char *on = look->colour ? colours[f->status] : "",
		   *off = look->colour ? "\033[0m" : "";
	size_t mark = look->utf8 ? 1 : strlen("degraded");

	if (look->utf8)
		str_addf(s, "%s%s%s  ", on, marks_utf8[f->status], off);
	else
		str_addf(s, "%s%-8s%s  ", on, status_names[f->status], off);
	str_addf(s, "%-*s  ", (int)width, f->name);
	add_folded(s, f->why, mark + 2 + width + 2, look->columns);
	str_addc(s, '\n');
	/* whole, so that it can be copied */
	if (f->remedy)
		str_addf(s, "%*s%s %s\n", (int)(mark + 2), "", look->utf8 ? "→" : "->", f->remedy);
}

void doctor_text(const struct doctor_report *r, const struct doctor_look *look, struct str *ret)
{
	size_t width = name_width(r);

	for (size_t i = 0; i < r->n; i++)
		add_finding(&r->v[i], look, width, ret);
	str_addf(ret, "%s%zu ok, %zu degraded, %zu missing\n", r->n ? "\n" : "",
		 r->counts[DOCTOR_OK], r->counts[DOCTOR_DEGRADED], r->counts[DOCTOR_MISSING]);
}

void doctor_json(const struct doctor_report *r, struct json_out *ret)
{
	json_out_object(ret, NULL);
	json_out_array(ret, "checks");
	for (size_t i = 0; i < r->n; i++) {
		const struct finding *f = &r->v[i];

		json_out_object(ret, NULL);
		json_out_str(ret, "name", f->name);
		json_out_str(ret, "status", status_names[f->status]);
		json_out_str(ret, "why", f->why);
		json_out_str(ret, "remedy", f->remedy);
		json_out_array(ret, "for");
		for (size_t k = 0; k < ARRAY_LEN(uses); k++)
			if (f->uses & uses[k].use)
				json_out_str(ret, NULL, uses[k].name);
		json_out_end(ret, ']');
		json_out_end(ret, '}');
	}
	json_out_end(ret, ']');
	json_out_object(ret, "summary");
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		json_out_u64(ret, status_names[i], r->counts[i]);
	json_out_end(ret, '}');
	json_out_end(ret, '}');
}
