/* supervise.c - annotations to struct supervise_plan (supervise.h). [pure] */
#include "supervise.h"

#include "base/duration.h"
#include "base/str.h"
#include "base/sys.h"

#include <stdio.h>
#include <string.h>

#define GRACE_NS (UINT64_C(10) * 1000000000)

static int flag(const struct spec *spec, const char *name, bool *ret, struct err *err)
{
	const char *text = spec_annotation(spec, name);
	int rc;

	*ret = str_eq(text, "true");
	if (!text || *ret || str_eq(text, "false"))
		return 0;
	rc = err_set(err, EINVAL, "annotation %s: unknown value '%.40s'", name, text);
	return err_hint(err, rc, "true or false");
}

/* The first process of a namespace is who orphans go to, and whose end ends all others. */
static int check_init(const struct ns_plan *ns, struct err *err)
{
	int rc;

	if (ns->create & CLONE_NEWPID)
		return 0;
	rc = err_set(err, EINVAL,
		     "--init (annotation " INIT_ANNOTATION
		     ") needs a new pid namespace of the container's own");
	return err_hint(
		err, rc,
		"add {\"type\": \"pid\"} to linux.namespaces; with --proc bind there is none");
}

int supervise_timeout(const char *text, uint64_t *ret_timeout_ns, uint64_t *ret_grace_ns,
		      struct err *err)
{
	size_t len = strcspn(text, ",");
	int64_t limit = 0, grace = GRACE_NS;
	char first[64];
	int rc;

	(void)snprintf(first, sizeof(first), "%.*s", (int)len, text);
	rc = len < sizeof(first) ? duration_parse(first, &limit) : -EINVAL;
	if (rc == 0 && text[len])
		rc = duration_parse(text + len + 1, &grace);
	if (rc < 0 || limit <= 0 || grace < 0) {
		rc = err_set(err, EINVAL, "timeout '%.80s': not a duration", text);
		return err_hint(err, rc,
				"such as 90s, 5m or 1h30m, more than 0; the time between SIGTERM "
				"and SIGKILL may follow: 5m,30s");
	}
	*ret_timeout_ns = (uint64_t)limit;
	*ret_grace_ns = (uint64_t)grace;
	return 0;
}

int supervise_plan(const struct spec *spec, const struct ns_plan *ns, struct supervise_plan *ret,
		   struct err *err)
{
	const char *timeout = spec_annotation(spec, TIMEOUT_ANNOTATION);
	int rc = flag(spec, INIT_ANNOTATION, &ret->init, err);

	if (rc == 0 && ret->init)
		rc = check_init(ns, err);
	if (rc == 0)
		rc = flag(spec, DIE_ANNOTATION, &ret->die_with_parent, err);
	if (rc == 0 && timeout)
		rc = supervise_timeout(timeout, &ret->timeout_ns, &ret->grace_ns, err);
	return rc;
}

int supervise_detached(const struct supervise_plan *plan, struct err *err)
{
	const char *what = plan->die_with_parent ? "--die-with-parent (annotation " DIE_ANNOTATION
						   ")"
			   : plan->timeout_ns ? "--timeout (annotation " TIMEOUT_ANNOTATION ")"
					      : NULL;
	int rc;

	if (!what)
		return 0;
	rc = err_set(err, EINVAL, "%s is for a run in the foreground", what);
	return err_hint(err, rc,
			"of `create` and `run --detach` no process stays that could do it");
}
