/*
 * features.c - the runtime-spec's features document (1.3, features.md and features-linux.md): what
 * a config may ask for. Runs in the calling process and looks at nothing but this program: whether
 * this machine can do a thing is what `plan` is for.
 *
 * Every member of the schema is written, because a missing one means "unknown" to an engine, and
 * false is what it must see for what would be refused. Names come from the tables that parse them.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/names.h"
#include "base/str.h"
#include "feature/caps.h"
#include "feature/mount_opt.h"
#include "feature/ns.h"

static void list_of(struct json_out *o, const char *key, const char *const *names, size_t n)
{
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, names[i]);
	json_out_end(o, ']');
}

static void enabled(struct json_out *o, const char *key, bool on)
{
	json_out_object(o, key);
	json_out_bool(o, "enabled", on);
	json_out_end(o, '}');
}

static void features_cgroup(struct json_out *o)
{
	json_out_object(o, "cgroup");
	json_out_bool(o, "v1", false);
	json_out_bool(o, "v2", true);
	json_out_bool(o, "systemd", manager_supported());
	json_out_bool(o, "systemdUser", manager_supported());
	json_out_bool(o, "rdma", true);
	json_out_end(o, '}');
}

static void features_rdt(struct json_out *o)
{
	json_out_object(o, "intelRdt");
	json_out_bool(o, "enabled", true);
	json_out_bool(o, "schemata", true);
	json_out_bool(o, "monitoring", true);
	json_out_end(o, '}');
}

static void features_linux(struct json_out *o)
{
	json_out_object(o, "linux");
	json_out_array(o, "namespaces");
	for (size_t i = 0; ns_flag(i); i++)
		json_out_str(o, NULL, ns_name(ns_flag(i)));
	json_out_end(o, ']');
	json_out_array(o, "capabilities");
	for (int cap = 0; capability_name(cap); cap++)
		json_out_str(o, NULL, capability_name(cap));
	json_out_end(o, ']');
	features_cgroup(o);
	seccomp_features(o);
	enabled(o, "apparmor", true);
	enabled(o, "selinux", true);
	features_rdt(o);
	sched_features(o);
	json_out_object(o, "mountExtensions");
	enabled(o, "idmap", true);
	json_out_end(o, '}');
	enabled(o, "netDevices", true);
	json_out_end(o, '}');
}

/* Podman asks for the checkpoint names of both, containerd logs the versions. */
static void features_annotations(struct json_out *o)
{
	json_out_object(o, "annotations");
	json_out_str(o, "org.bryo.version", bryo_version());
#ifdef BRYO_COMMIT
	json_out_str(o, "org.bryo.commit", BRYO_COMMIT);
#endif
	json_out_str(o, "org.bryo.network", "none,host,auto,pasta,slirp4netns,join");
	json_out_str(o, "org.opencontainers.runc.checkpoint.enabled", "false");
	json_out_str(o, "run.oci.crun.checkpoint.enabled", "false");
	json_out_str(o, "run.oci.crun.wasm", "false");
	json_out_str(o, "org.bryo.proc.words", "new,bind,none");
	json_out_str(o, "org.bryo.supervise", "init,timeout,dieWithParent");
	if (seccomp_library_version())
		json_out_str(o, "io.github.seccomp.libseccomp.version", seccomp_library_version());
	json_out_end(o, '}');
}

int bryo_features(bryo_ctx *ctx, char **ret_json, struct bryo_err *err)
{
	static const char *const hooks[] = { "prestart",       "createRuntime", "createContainer",
					     "startContainer", "poststart",	"poststop" };
	static const char *const unsafe[] = { "org.bryo.", "org.systemd.property.", "run.oci." };
	struct json_out o;

	(void)ctx;
	(void)err;
	json_out_init(&o, "\t");
	json_out_object(&o, NULL);
	json_out_str(&o, "ociVersionMin", "1.0.0");
	json_out_str(&o, "ociVersionMax", "1.3.0");
	list_of(&o, "hooks", hooks, ARRAY_LEN(hooks));
	json_out_array(&o, "mountOptions");
	for (size_t i = 0; mount_opt_name(i); i++)
		json_out_str(&o, NULL, mount_opt_name(i));
	json_out_end(&o, ']');
	features_linux(&o);
	features_annotations(&o);
	list_of(&o, "potentiallyUnsafeConfigAnnotations", unsafe, ARRAY_LEN(unsafe));
	json_out_end(&o, '}');
	*ret_json = take_ptr(&o.s.p);
	json_out_free(&o);
	return 0;
}
