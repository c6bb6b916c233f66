/*
 * sandbox_args.c - options of `bryo sandbox` that become parts of its spec (sandbox.h).
 */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/seccomp_default.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>

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
