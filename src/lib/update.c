/*
 * update.c - limits of a container that is there, and its freezing. Runs in the calling process.
 *
 * The cgroup's own files say what is in force, so nothing has to be remembered; where the container
 * is in a scope its properties are set too, because systemd writes them again when it likes.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/spec_load.h"

#include <string.h>

static int open_alive(struct bryo_ctx *ctx, const char *id, const char *what, struct container *c,
		      struct err *err)
{
	int rc = container_open(ctx, id, true, c, err);

	if (rc == 0 && (c->status == STATE_CREATING || c->status == STATE_STOPPED))
		rc = err_set(err, EINVAL, "cannot %s container '%s': it is not running", what, id);
	return rc;
}

/* Both are refused where there is nothing to do, as runc does: a caller that is wrong should know. */
static int freeze(struct bryo_ctx *ctx, const char *id, bool frozen, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	const char *what = frozen ? "pause" : "resume";
	auto_fd int cgroup = -1;
	int rc = open_alive(ctx, id, what, &c, err);

	if (rc < 0)
		return rc;
	cgroup = container_cgroup_open(&c, err);
	if (cgroup < 0)
		return err_in(err, cgroup, "cannot %s container '%s'", what, id);
	if (frozen && c.status == STATE_PAUSED)
		return err_set(err, EINVAL, "cannot pause container '%s': it is paused already",
			       id);
	if (!frozen && c.status != STATE_PAUSED)
		return err_set(err, EINVAL, "cannot resume container '%s': it is not paused", id);
	rc = cgroup_freeze(cgroup, frozen, err);
	return rc < 0 ? err_in(err, rc, "%s container '%s'", what, id) : 0;
}

int bryo_pause(bryo_ctx *ctx, const char *id, struct bryo_err *e)
{
	struct err local = ERR_INIT;

	return freeze(ctx, id, true, e ? err_of(e) : &local);
}

int bryo_resume(bryo_ctx *ctx, const char *id, struct bryo_err *e)
{
	struct err local = ERR_INIT;

	return freeze(ctx, id, false, e ? err_of(e) : &local);
}

static bool lists(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* A controller that no limit needed before is off until now. */
static int have_controllers(struct container *c, int cgroup, const struct cgroup_limits *l,
			    struct err *err)
{
	auto_str struct str missing = STR_INIT;
	int rc = cgroup_enable(c->record.cgroup, &l->controllers, err);
	const char *on = cgroup_read(&c->arena, cgroup, "cgroup.controllers");

	for (size_t i = 0; i < l->controllers.n && rc == 0; i++)
		if (!lists(on, l->controllers.v[i]))
			str_addf(&missing, "%s%s", missing.len ? " " : "", l->controllers.v[i]);
	if (rc < 0 || !missing.len)
		return rc;
	err_set(err, ENOTSUP, "the container's cgroup has not the controllers: %s", missing.p);
	return err_hint(
		err, -ENOTSUP,
		"they are not delegated to you: bryo plan of a config with such a limit tells how");
}

static int set_properties(struct container *c, const struct cgroup_limits *l, struct err *err)
{
	struct strv words = { arena_alloc(&c->arena, (l->properties.n + 1) * sizeof(char *)), 0 };

	if (!c->record.cgroup_unit)
		return 0;
	for (size_t i = 0; i < l->properties.n; i++)
		words.v[words.n++] = arena_printf(&c->arena, "%s=%s", l->properties.v[i].name,
						  l->properties.v[i].value);
	return manager_set(c->record.cgroup_user, c->record.cgroup_unit, &words, err);
}

static int apply(struct bryo_ctx *ctx, struct container *c, const struct spec_resources *r,
		 struct err *err)
{
	auto_fd int cgroup = container_cgroup_open(c, err);
	struct device_program devices;
	struct cgroup_limits limits = { 0 };
	struct cgroup_limits_mode mode = { .update = true };
	int rc;

	if (cgroup < 0)
		return cgroup;
	mode.cpu_max = cgroup_read(&c->arena, cgroup, "cpu.max");
	mode.memory_max = cgroup_read(&c->arena, cgroup, "memory.max");
	mode.swap_max = cgroup_read(&c->arena, cgroup, "memory.swap.max");
	mode.has_bfq = *cgroup_read(&c->arena, cgroup, "io.bfq.weight") != '\0';
	rc = cgroup_limits_plan(&c->arena, r, &mode, &limits, err);
	if (rc == 0)
		rc = have_controllers(c, cgroup, &limits, err);
	if (rc == 0)
		rc = cgroup_apply(cgroup, &limits, err);
	if (rc == 0)
		rc = set_properties(c, &limits, err);
	if (rc < 0 || !r->devices.n)
		return rc;
	if (!ctx->host.privileged)
		return 0; /* as create: nobody but root can have them enforced */
	rc = device_program_plan(&c->arena, r, &devices, err);
	return rc == 0 ? device_program_attach(cgroup, &devices, err) : rc;
}

/* The class that its config names; without one it is named after the container (rdt.h). */
static int update_rdt(struct container *c, const struct bryo_update_options *o, struct err *err)
{
	const struct spec_intel_rdt *rdt;
	struct spec *spec;
	int rc;

	if (!o->l3_cache_schema && !o->mem_bw_schema)
		return 0;
	rc = container_spec(c, &spec, err);
	if (rc < 0)
		return rc;
	rdt = spec->linux_.intel_rdt;
	if (!rdt)
		return err_hint(
			err,
			err_set(err, EINVAL, "Intel RDT: the container has no class to change"),
			"only a container whose config.json has linux.intelRdt has one");
	return rdt_update(rdt->clos_id && *rdt->clos_id ? rdt->clos_id : c->record.id,
			  o->l3_cache_schema, o->mem_bw_schema, err);
}

int bryo_update(bryo_ctx *ctx, const char *id, const struct bryo_update_options *o,
		struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_container struct container c = CONTAINER_INIT;
	struct spec_resources *r = NULL;
	int rc = open_alive(ctx, id, "update", &c, err);

	if (rc == 0 && o->resources)
		rc = spec_parse_resources(&c.arena, o->name ? o->name : "resources", o->resources,
					  strlen(o->resources), &r, err);
	/* as at its creation */
	if (rc == 0 && r && r->pids.limit.set && !r->pids.limit.v &&
	    cgroup_pids_zero_is_none(c.record.oci_version))
		r->pids.limit.v = -1;
	if (rc == 0 && r)
		rc = apply(ctx, &c, r, err);
	if (rc == 0)
		rc = update_rdt(&c, o, err);
	return rc < 0 ? err_in(err, rc, "update container '%s'", id) : 0;
}
