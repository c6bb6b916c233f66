/*
 * spec_sample.c - the sample documents (spec_sample.h), written member by member in runc's
 * order so that a diff between the two runtimes' output shows only what is meant to differ.
 * Only the command line uses it; it asks the host nothing.
 */
#include "spec_sample.h"
#include "overlay_word.h"

#include "base/cleanup.h"

#define SAMPLE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LIST(...)   ((const char *const[]){ __VA_ARGS__, NULL })

struct sample_mount {
	const char *destination, *type, *source;
	const char *options[8];
};

static const struct sample_mount mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* Without a network namespace of its own a user may not mount sysfs, only bind it. */
static const struct sample_mount sys_bound = {
	"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
};

static void sample_strings(struct json_out *out, const char *key, const char *const *list)
{
	json_out_array(out, key);
	for (; *list; list++)
		json_out_str(out, NULL, *list);
	json_out_end(out, ']');
}

static void sample_capabilities(struct json_out *out)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	const char *const *caps = LIST("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE");

	json_out_object(out, "capabilities");
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		sample_strings(out, sets[i], caps);
	json_out_end(out, '}');
}

static void sample_rlimits(struct json_out *out)
{
	json_out_array(out, "rlimits");
	json_out_object(out, NULL);
	json_out_str(out, "type", "RLIMIT_NOFILE");
	json_out_u64(out, "hard", 1024);
	json_out_u64(out, "soft", 1024);
	json_out_end(out, '}');
	json_out_end(out, ']');
}

static void sample_process(struct json_out *out, const struct spec_sample_options *o)
{
	json_out_object(out, "process");
	json_out_bool(out, "terminal", o->terminal);
	json_out_object(out, "user");
	/* keep-id is asked for by who wants to be himself inside */
	json_out_u64(out, "uid", o->mapped.style == IDMAP_KEEP_ID ? o->euid : 0);
	json_out_u64(out, "gid", o->mapped.style == IDMAP_KEEP_ID ? o->egid : 0);
	json_out_end(out, '}');
	if (o->args.n)
		json_out_strv(out, "args", &o->args);
	else
		sample_strings(out, "args", LIST("sh"));
	sample_strings(out, "env", LIST(SAMPLE_PATH, "TERM=xterm"));
	json_out_str(out, "cwd", "/");
	sample_capabilities(out);
	sample_rlimits(out);
	json_out_bool(out, "noNewPrivileges", true);
	json_out_end(out, '}');
}

static void sample_mount(struct json_out *out, const struct sample_mount *m, bool own_ids)
{
	json_out_object(out, NULL);
	json_out_str(out, "destination", m->destination);
	json_out_str(out, "type", m->type);
	json_out_str(out, "source", m->source);
	if (m->options[0])
		json_out_array(out, "options");
	for (size_t i = 0; m->options[i]; i++)
		if (own_ids ||
		    !(str_starts(m->options[i], "gid=") || str_starts(m->options[i], "uid=")))
			json_out_str(out, NULL, m->options[i]);
	if (m->options[0])
		json_out_end(out, ']');
	json_out_end(out, '}');
}

static void sample_mounts(struct json_out *out, const struct spec_sample_options *o)
{
	json_out_array(out, "mounts");
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		bool bound = o->kind == SAMPLE_ROOTLESS && str_eq(mounts[i].destination, "/sys");

		sample_mount(out, bound ? &sys_bound : &mounts[i],
			     o->kind == SAMPLE_ROOT && o->mapped.style == IDMAP_NOT_SAID);
	}
	json_out_end(out, ']');
}

static void sample_mapping(struct json_out *out, const char *key, uint32_t host_id)
{
	json_out_array(out, key);
	json_out_object(out, NULL);
	json_out_u64(out, "containerID", 0);
	json_out_u64(out, "hostID", host_id);
	json_out_u64(out, "size", 1);
	json_out_end(out, '}');
	json_out_end(out, ']');
}

static void sample_list(struct json_out *out, const char *key, const struct spec_mappings *list)
{
	json_out_array(out, key);
	for (size_t i = 0; i < list->n; i++) {
		json_out_object(out, NULL);
		json_out_u64(out, "containerID", list->v[i].container_id);
		json_out_u64(out, "hostID", list->v[i].host_id);
		json_out_u64(out, "size", list->v[i].size);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
}

static void sample_resources(struct json_out *out)
{
	json_out_object(out, "resources");
	json_out_array(out, "devices");
	json_out_object(out, NULL);
	json_out_bool(out, "allow", false);
	json_out_str(out, "access", "rwm");
	json_out_end(out, '}');
	json_out_end(out, ']');
	json_out_end(out, '}');
}

static void sample_namespaces(struct json_out *out, const struct spec_sample_options *o)
{
	const struct {
		const char *type;
		bool wanted;
	} all[] = {
		{ "pid", true },
		{ "network", o->kind != SAMPLE_ROOTLESS && o->network.kind != NET_HOST &&
				     o->network.kind != NET_JOIN },
		{ "ipc", true },
		{ "uts", true },
		{ "mount", true },
		{ "cgroup", o->cgroupns },
		{ "user", o->kind != SAMPLE_ROOT || o->mapped.style != IDMAP_NOT_SAID },
	};

	json_out_array(out, "namespaces");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i].wanted)
			continue;
		json_out_object(out, NULL);
		json_out_str(out, "type", all[i].type);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
}

static void sample_linux(struct json_out *out, const struct spec_sample_options *o)
{
	json_out_object(out, "linux");
	if (o->kind == SAMPLE_ROOTLESS) {
		sample_mapping(out, "uidMappings", o->euid);
		sample_mapping(out, "gidMappings", o->egid);
	}
	if (o->mapped.style == IDMAP_LIST) {
		sample_list(out, "uidMappings", &o->mapped.uid);
		sample_list(out, "gidMappings", &o->mapped.gid);
	}
	if (o->kind == SAMPLE_ROOT)
		sample_resources(out);
	sample_namespaces(out, o);
	sample_strings(out, "maskedPaths",
		       LIST("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
			    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
			    "/proc/sched_debug", "/sys/firmware", "/proc/scsi"));
	sample_strings(
		out, "readonlyPaths",
		LIST("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
	json_out_end(out, '}');
}

static void sample_annotations(struct json_out *out, const struct spec_sample_options *o)
{
	bool idmap = o->mapped.style != IDMAP_NOT_SAID && o->mapped.style != IDMAP_LIST;

	if (!idmap && !o->net && !o->publish && !o->lower && !o->upper && !o->ephemeral)
		return;
	json_out_object(out, "annotations");
	if (idmap)
		json_out_str(out, IDMAP_ANNOTATION, o->idmap);
	if (o->net)
		json_out_str(out, NET_ANNOTATION, o->net);
	if (o->publish)
		json_out_str(out, PUBLISH_ANNOTATION, o->publish);
	if (o->lower)
		json_out_str(out, OVERLAY_LOWER_ANNOTATION, o->lower);
	if (o->upper)
		json_out_str(out, OVERLAY_UPPER_ANNOTATION, o->upper);
	if (o->ephemeral)
		json_out_str(out, OVERLAY_EPHEMERAL_ANNOTATION, "true");
	json_out_end(out, '}');
}

void spec_sample(const struct spec_sample_options *o, struct str *ret)
{
	auto_json_out struct json_out out;

	json_out_init(&out, "\t");
	json_out_object(&out, NULL);
	json_out_str(&out, "ociVersion", "1.3.0");
	sample_process(&out, o);
	json_out_object(&out, "root");
	json_out_str(&out, "path", o->rootfs ? o->rootfs : "rootfs");
	if (o->readonly)
		json_out_bool(&out, "readonly", true);
	json_out_end(&out, '}');
	json_out_str(&out, "hostname", o->hostname ? o->hostname : "bryo");
	sample_mounts(&out, o);
	sample_linux(&out, o);
	sample_annotations(&out, o);
	json_out_end(&out, '}');
	str_add(ret, out.s.p);
	str_addc(ret, '\n');
}
