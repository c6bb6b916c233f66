/* supervise.c - annotations to struct supervise_plan (supervise.h). [pure] */
#include "supervise.h"

#include "base/str.h"
#include "base/sys.h"

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

int supervise_plan(const struct spec *spec, const struct ns_plan *ns, struct supervise_plan *ret,
		   struct err *err)
{
	int rc = flag(spec, INIT_ANNOTATION, &ret->init, err);

	if (rc < 0 || !ret->init || (ns->create & CLONE_NEWPID))
		return rc;
	/* The first process of a namespace is who orphans go to, and whose end ends all others. */
	rc = err_set(err, EINVAL,
		     "--init (annotation " INIT_ANNOTATION
		     ") needs a new pid namespace of the container's own");
	return err_hint(
		err, rc,
		"add {\"type\": \"pid\"} to linux.namespaces; with --proc bind there is none");
}
