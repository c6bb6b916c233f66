/*
 * sandbox_spec.c - the document of `bryo sandbox` (sandbox_spec.h). [pure]
 *
 * What is out of reach is so because it is not there: /run, /tmp, /dev and the home directory
 * are new and empty, which takes the sockets of ssh-agent, D-Bus, X11 and Docker away; abstract
 * sockets go with the network namespace. /sys is left out: nothing ordinary needs it, and
 * mounting it costs as much as everything else.
 *
 * The caller's ID is mapped to itself alone, so that files keep their owner, no helper program
 * runs and no subordinate IDs are needed. Real root gets a user namespace as well: its root
 * inside has no power over the host, only root's files.
 */
#include "sandbox_spec.h"

#include "base/cleanup.h"
#include "oci/idmap_style.h"

#include <string.h>

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* /lib* before merged-/usr, and the stores of distributions that keep programs elsewhere. */
static const char *const system_dirs[] = { "/usr",    "/bin", "/sbin", "/lib", "/lib32", "/lib64",
					   "/libx32", "/etc", "/opt",  "/nix", "/gnu",	 NULL };

static void strings(struct json_out *o, const char *key, const char *const *list)
{
	json_out_array(o, key);
	for (; *list; list++)
		json_out_str(o, NULL, *list);
	json_out_end(o, ']');
}

static void mount(struct json_out *o, const char *path, const char *type, const char *source,
		  const char *const *options)
{
	json_out_object(o, NULL);
	json_out_str(o, "destination", path);
	json_out_str(o, "type", type);
	json_out_str(o, "source", source);
	strings(o, "options", options);
	json_out_end(o, '}');
}

/* Recursive attributes: a file system that the host has mounted below /usr is read-only too. */
static void mount_system(struct json_out *o, const char *path)
{
	mount(o, path, "bind", path, LIST("rbind", "copy-symlink", "rro", "rnosuid", "rnodev"));
}

static void mount_named(struct json_out *o, const struct sandbox_mount *m)
{
	if (m->kind == SANDBOX_TMPFS)
		mount(o, m->path, "tmpfs", "tmpfs", m->options.v);
	else if (m->kind == SANDBOX_OVERLAY)
		mount(o, m->path, "overlay", "overlay", m->options.v);
	else if (m->kind == SANDBOX_DATA)
		mount(o, m->path, "bryo-data", m->source, m->options.v);
	else if (m->writable)
		mount(o, m->path, "bind", m->source, LIST("rbind", "rnosuid", "rnodev"));
	else
		mount(o, m->path, "bind", m->source, LIST("rbind", "rro", "rnosuid", "rnodev"));
}

/* A new tmpfs, unless the caller has named something for that very place. */
static void mount_own(struct json_out *o, const struct sandbox_spec *s, const char *path,
		      const char *source, const char *const *options)
{
	for (size_t i = 0; i < s->mounts.n; i++)
		if (strcmp(s->mounts.v[i].path, path) == 0)
			return;
	mount(o, path, "tmpfs", source, options);
}

static void mounts(struct json_out *o, const struct sandbox_spec *s)
{
	json_out_array(o, "mounts");
	for (size_t i = 0; i < s->system.n; i++)
		mount_system(o, s->system.v[i]);
	mount(o, "/proc", "proc", "proc", LIST("nosuid", "noexec", "nodev"));
	mount(o, "/dev", "tmpfs", "tmpfs",
	      LIST("nosuid", "noexec", "strictatime", "mode=755", "size=64k"));
	mount(o, "/dev/pts", "devpts", "devpts",
	      LIST("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"));
	mount_own(o, s, "/dev/shm", "shm", LIST("nosuid", "nodev", "mode=1777"));
	mount_own(o, s, "/run", "tmpfs", LIST("nosuid", "nodev", "mode=755"));
	mount_own(o, s, "/tmp", "tmpfs", LIST("nosuid", "nodev", "mode=1777"));
	mount_own(o, s, "/var/tmp", "tmpfs", LIST("nosuid", "nodev", "mode=1777"));
	if (s->home)
		mount_own(o, s, s->home, "tmpfs", LIST("nosuid", "nodev", "mode=700"));
	for (size_t i = 0; i < s->mounts.n; i++)
		mount_named(o, &s->mounts.v[i]);
	json_out_end(o, ']');
}

static void process(struct json_out *o, const struct sandbox_spec *s)
{
	json_out_object(o, "process");
	json_out_bool(o, "terminal", s->terminal);
	if (s->terminal && s->rows) {
		json_out_object(o, "consoleSize");
		json_out_u64(o, "height", s->rows);
		json_out_u64(o, "width", s->columns);
		json_out_end(o, '}');
	}
	json_out_object(o, "user");
	json_out_u64(o, "uid", s->uid);
	json_out_u64(o, "gid", s->gid);
	json_out_end(o, '}');
	json_out_strv(o, "args", &s->args);
	json_out_strv(o, "env", &s->env);
	json_out_str(o, "cwd", s->cwd);
	json_out_object(o, "capabilities");
	json_out_end(o, '}');
	json_out_bool(o, "noNewPrivileges", true);
	json_out_end(o, '}');
}

static void mapping(struct json_out *o, const char *key, uint32_t id)
{
	json_out_array(o, key);
	json_out_object(o, NULL);
	json_out_u64(o, "containerID", id);
	json_out_u64(o, "hostID", id);
	json_out_u64(o, "size", 1);
	json_out_end(o, '}');
	json_out_end(o, ']');
}

static void limit(struct json_out *o, const char *object, const char *key, int64_t value,
		  const char *key2, int64_t value2)
{
	if (!value)
		return;
	json_out_object(o, object);
	json_out_i64(o, key, value);
	if (key2)
		json_out_i64(o, key2, value2);
	json_out_end(o, '}');
}

/* Swap as much as memory: of swap beyond it nothing, so that a limit is one. */
static void limits(struct json_out *o, const struct sandbox_limits *l)
{
	if (!l->memory && !l->cpu_quota && !l->pids)
		return;
	json_out_object(o, "resources");
	limit(o, "memory", "limit", l->memory, "swap", l->memory);
	limit(o, "cpu", "quota", l->cpu_quota, "period", SANDBOX_CPU_PERIOD);
	limit(o, "pids", "limit", l->pids, NULL, 0);
	json_out_end(o, '}');
}

static void linux_part(struct json_out *o, const struct sandbox_spec *s)
{
	json_out_object(o, "linux");
	if (!s->idmap) {
		mapping(o, "uidMappings", s->uid);
		mapping(o, "gidMappings", s->gid);
	}
	json_out_array(o, "namespaces");
	for (const char *const *type =
		     LIST("user", "mount", "pid", "network", "ipc", "uts", "cgroup");
	     *type; type++) {
		json_out_object(o, NULL);
		json_out_str(o, "type", *type);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
	/* root's files in /proc are root's inside as well when the caller is root */
	strings(o, "maskedPaths",
		LIST("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
		     "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		     "/proc/sched_debug", "/proc/scsi"));
	strings(o, "readonlyPaths",
		LIST("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
	limits(o, &s->limits);
	if (s->seccomp)
		json_out_raw(o, "seccomp", s->seccomp);
	json_out_end(o, '}');
}

const char *const *sandbox_system_dirs(void)
{
	return system_dirs;
}

void sandbox_spec_write(const struct sandbox_spec *s, struct str *ret)
{
	auto_json_out struct json_out o;

	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "ociVersion", "1.3.0");
	process(&o, s);
	json_out_object(&o, "root");
	json_out_str(&o, "path",
		     "rootfs"); /* required; there is no such directory, nor need there be */
	json_out_bool(&o, "readonly", true);
	json_out_end(&o, '}');
	json_out_str(&o, "hostname", "sandbox");
	mounts(&o, s);
	linux_part(&o, s);
	json_out_object(&o, "annotations");
	json_out_str(&o, "org.bryo.rootfs", "tmpfs");
	json_out_str(&o, "org.bryo.hostname", "best-effort");
	if (s->keep_session)
		json_out_str(&o, "org.bryo.session", "keep");
	if (s->no_userns)
		json_out_str(&o, "org.bryo.userns", "disabled");
	if (s->idmap)
		json_out_str(&o, IDMAP_ANNOTATION, s->idmap);
	json_out_end(&o, '}');
	json_out_end(&o, '}');
	str_addn(ret, o.s.p, o.s.len);
}

bool sandbox_below(const char *path, const char *base)
{
	size_t n = strlen(base);

	if (n == 1)
		return true; /* "/" */
	return strncmp(path, base, n) == 0 && (path[n] == '/' || !path[n]);
}

bool sandbox_home_wanted(const struct sandbox_spec *s, const char *home)
{
	static const char *const own[] = { "/proc", "/dev", "/run", "/tmp", "/var/tmp", NULL };

	for (size_t i = 0; i < s->system.n; i++)
		if (sandbox_below(home, s->system.v[i]) || sandbox_below(s->system.v[i], home))
			return false;
	for (size_t i = 0; own[i]; i++)
		if (sandbox_below(own[i], home))
			return false;
	return !sandbox_below(home, "/proc") && !sandbox_below(home, "/dev");
}

const char *sandbox_refusal(const char *path, const char *home)
{
	/* with everything below them, and those that only hold other people's directories */
	static const char *const trees[] = { "/bin",   "/boot",	 "/dev",    "/etc",  "/lib",
					     "/lib32", "/lib64", "/libx32", "/proc", "/run",
					     "/sbin",  "/sys",	 "/usr",    NULL };
	static const char *const tops[] = { "/home",	  "/media",   "/mnt",	  "/opt",
					    "/root",	  "/srv",     "/tmp",	  "/var",
					    "/var/cache", "/var/lib", "/var/log", "/var/spool",
					    "/var/tmp",	  NULL };

	if (strcmp(path, "/") == 0)
		return "the root of the host";
	if (home && strcmp(path, home) == 0)
		return "your home directory";
	if (home && sandbox_below(home, path))
		return "above your home directory";
	for (size_t i = 0; trees[i]; i++)
		if (sandbox_below(path, trees[i]))
			return "a system directory";
	for (size_t i = 0; tops[i]; i++)
		if (strcmp(path, tops[i]) == 0)
			return "a system directory";
	return NULL;
}

const struct sandbox_mount *sandbox_mount_of(const struct sandbox_spec *s, const char *path)
{
	const struct sandbox_mount *best = NULL;

	for (size_t i = 0; i < s->mounts.n; i++) {
		const struct sandbox_mount *m = &s->mounts.v[i];

		if (sandbox_below(path, m->path) && (!best || strlen(m->path) > strlen(best->path)))
			best = m;
	}
	return best;
}
