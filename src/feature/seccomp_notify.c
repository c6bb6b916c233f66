/*
 * seccomp_notify.c - the notify descriptor to its agent (seccomp_notify.h). Runs in the runtime.
 */
#include "seccomp_notify.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "oci/state_doc.h"

const char *seccomp_listener(const struct spec *spec)
{
	const char *path = spec->linux_.seccomp ? spec->linux_.seccomp->listener_path : NULL;

	return path && *path ? path : spec_annotation(spec, "run.oci.seccomp.receiver");
}

static void document(const struct seccomp_notify *n, struct str *ret)
{
	auto_str struct str head = STR_INIT, tail = STR_INIT;

	str_add(ret, "{\"ociVersion\":");
	json_quote(ret, n->spec->oci_version);
	str_addf(ret, ",\"fds\":[\"seccompFd\"],\"pid\":%d", (int)n->pid);
	if (n->metadata) {
		str_add(ret, ",\"metadata\":");
		json_quote(ret, n->metadata);
	}
	str_add(ret, ",\"state\":");
	state_doc_parts(n->spec, n->id, n->bundle, &head, &tail);
	state_doc_join(ret, head.p, n->status, n->init, tail.p);
	str_add(ret, "}");
}

int seccomp_notify_outside(const struct seccomp_notify *n, int fd, struct err *err)
{
	auto_str struct str text = STR_INIT;
	auto_fd int sock = fd_connect_unix(n->path, err);
	int rc = sock < 0 ? sock : 0;

	if (rc == 0) {
		document(n, &text);
		rc = fd_send(sock, fd, text.p, err);
	}
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		err_hint(
			err, rc,
			"linux.seccomp.listenerPath: the seccomp agent must listen there before the container starts");
	return rc < 0 ? err_in(err, rc, "hand the seccomp notifications to '%s'", n->path) : 0;
}
