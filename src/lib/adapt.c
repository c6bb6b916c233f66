/*
 * adapt.c - bryo_adapt(): a config.json of anybody's as one that this caller can run. Reads the
 * document and the host, writes nothing. Runs in the calling process; the rules are the plan's
 * (plan/adapt_rules.h).
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json_edit.h"
#include "base/str.h"
#include "plan/adapt_rules.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

static int read_document(struct arena *a, const char *path, struct json **ret, struct err *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc = file_read_at(AT_FDCWD, path, JSON_MAX, &text, &len, err);

	if (rc == -ENOENT) {
		errno = ENOENT;
		return err_sys(err, "%s", path);
	}
	if (rc == -EFBIG)
		return err_set(err, EFBIG, "%s: bigger than %u MiB", path, JSON_MAX >> 20);
	return rc < 0 ? rc : json_parse(a, path, text, len, ret, err);
}

static void tell(const struct bryo_adapt_options *o, const struct notes *notes)
{
	for (size_t i = 0; i < notes->list.n && o->change; i++) {
		const struct note *n = &notes->list.v[i];
		auto_free char *text = mem_printf("%s: %s (%s)", n->field, n->what, n->why);

		(void)o->change(o->change_arg, text);
	}
}

int bryo_adapt(bryo_ctx *ctx, const struct bryo_adapt_options *o, char **ret_text, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_arena struct arena a = ARENA_INIT;
	auto_json_out struct json_out out;
	struct adapt_request q = { .idmap = o->idmap, .host = &ctx->host };
	struct notes notes = { .arena = &a };
	char real[PATH_MAX];
	int rc;

	json_out_init(&out, "\t");
	if (!realpath(o->bundle ? o->bundle : ".", real))
		return err_sys(err, "bundle '%s'", o->bundle ? o->bundle : ".");
	q.bundle = real;
	rc = read_document(&a, o->config, &q.doc, err);
	if (rc == 0)
		rc = plan_adapt(&a, &q, &notes, err);
	if (rc < 0)
		return rc;
	if (!json_out_tree(&out, NULL, q.doc))
		return err_set(err, E2BIG, "%s: nested too deeply to be written again", o->config);
	tell(o, &notes);
	str_addc(&out.s, '\n');
	*ret_text = take_ptr(&out.s.p);
	return 0;
}
