/*
 * plan.c - bryo_plan(): what bryo_create() would do, said instead of done: the same preparation,
 * then a rehearsal (plan_try.c) where the facts are this host's own. Runs in the calling process.
 */
#include "prepare.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "plan/dump.h"

/* The document or an option is refused: that is all there is to show. */
static void no_plan(struct prepared *prepared, const char *id, const struct bryo_create_options *o,
		    const struct err *err)
{
	struct plan *p = &prepared->plan;

	p->id = id;
	p->bundle = prepared->bundle ? prepared->bundle : o->bundle ? o->bundle : ".";
	p->partial = true;
	p->notes.arena = &prepared->arena;
	note_refusals(&p->notes, err);
}

int bryo_plan(bryo_ctx *ctx, const char *id, const struct bryo_create_options *o, bool json,
	      char **ret_text, struct bryo_err *e)
{
	__attribute__((cleanup(prepared_end))) struct prepared p = PREPARED_INIT;
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct host faked, *host = &ctx->host;
	auto_str struct str text = STR_INIT;
	int rc = 0;

	if (o->host_facts) {
		host = &faked;
		rc = host_load(&p.arena, o->host_facts, &faked, err);
	}
	if (rc == 0)
		rc = prepare(ctx, id, o, host, true, &p, err);
	if (rc == 0 && !host->faked)
		rc = prepare_check_threads(err);
	if (rc == 0 && !host->faked)
		rc = plan_try(ctx, &p.plan, o, p.state_dir, err);
	if (rc < 0 && !p.plan.id)
		no_plan(&p, id, o, err);
	if (json)
		plan_dump_json(&p.plan, &text);
	else
		plan_dump_text(&p.plan, &text);
	*ret_text = take_ptr(&text.p);
	return rc;
}
