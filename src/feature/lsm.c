/*
 * lsm.c - labels (theory in lsm.h). The plan half runs in the runtime; lsm_inside() in the process
 * that becomes the program, before any filter that might forbid it.
 */
#include "lsm.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/procfs.h"

#include <string.h>
#include <sys/xattr.h>

#define LABEL_MAX 4096

/* Asking for no confinement is granted where there is no module that could confine. */
#define UNCONFINED "unconfined"

static int refuse(const char *field, const char *label, const char *module, struct err *err)
{
	err_set(err, ENOTSUP, "%s: '%.80s' is asked for and %s is not active on this machine",
		field, label, module);
	return err_hint(err, -ENOTSUP, "take it out if the container may run without, or enable %s",
			module);
}

static int check_label(const char *field, const char *label, struct err *err)
{
	if (strlen(label) >= LABEL_MAX)
		return err_set(err, EINVAL, "%s is longer than %d bytes", field, LABEL_MAX - 1);
	for (const char *c = label; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return err_set(err, EINVAL, "%s holds a control character", field);
	return 0;
}

static const char *asked(const char *label)
{
	return label && *label ? label : NULL;
}

bool lsm_wanted(const struct spec_process *p, const struct spec *spec)
{
	return asked(p->apparmor_profile) || asked(p->selinux_label) ||
	       asked(spec->linux_.mount_label);
}

int lsm_plan(const struct spec_process *p, const struct host *host, struct lsm_plan *ret,
	     struct err *err)
{
	struct err one = ERR_INIT;
	int rc = 0;

	*ret = (struct lsm_plan){ asked(p->apparmor_profile), asked(p->selinux_label) };
	if (!ret->apparmor && !ret->selinux)
		return 0;
	if (ret->apparmor)
		rc = check_label("process.apparmorProfile", ret->apparmor, err);
	if (rc == 0 && ret->selinux)
		rc = check_label("process.selinuxLabel", ret->selinux, err);
	if (rc < 0)
		return rc;
	if (ret->apparmor && !host->apparmor) {
		if (str_eq(ret->apparmor, UNCONFINED))
			ret->apparmor = NULL;
		else
			rc = refuse("process.apparmorProfile", ret->apparmor, "AppArmor", err);
	}
	if (!ret->selinux || host->selinux)
		return rc;
	rc = refuse("process.selinuxLabel", ret->selinux, "SELinux", &one);
	if (!err)
		return rc;
	return err_also(err, &one);
}

/* The kernel labels procfs, sysfs and the cgroup tree itself. */
static bool takes_label(const struct mount_op *op)
{
	static const char *const without[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue" };

	if (op->kind != MOUNT_FS || !op->type)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		if (str_eq(op->type, without[i]))
			return false;
	return true;
}

static void add_data(struct arena *a, struct strv *data, const char *option)
{
	const char **v = arena_alloc(a, (data->n + 2) * sizeof(*v));

	if (data->n)
		memcpy(v, data->v, data->n * sizeof(*v));
	v[data->n++] = option;
	data->v = v;
}

/* crun's annotation; runc always means context. */
static int context_type(const struct spec *spec, const char **ret, struct err *err)
{
	static const char *const types[] = { "context", "fscontext", "defcontext", "rootcontext" };
	const char *want = spec_annotation(spec, "run.oci.mount_context_type");

	*ret = types[0];
	if (!want)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i], want)) {
			*ret = types[i];
			return 0;
		}
	err_set(err, EINVAL, "annotation run.oci.mount_context_type: unknown value '%.40s'", want);
	return err_hint(err, -EINVAL, "known are context, fscontext, defcontext, rootcontext");
}

int lsm_mounts_plan(struct arena *a, const struct spec *spec, const struct host *host,
		    struct mount_plan *mounts, struct err *err)
{
	const char *label = asked(spec->linux_.mount_label), *type = NULL;
	int rc;

	if (!label)
		return 0;
	rc = check_label("linux.mountLabel", label, err);
	if (rc == 0 && !host->selinux)
		rc = refuse("linux.mountLabel", label, "SELinux", err);
	if (rc == 0)
		rc = context_type(spec, &type, err);
	for (size_t i = 0; i < mounts->n && rc == 0; i++) {
		struct mount_op *op = &mounts->v[i];

		if (takes_label(op))
			add_data(a, &op->o.data, arena_printf(a, "%s=%s", type, label));
		else if (op->kind == MOUNT_FS && str_eq(op->type, "mqueue"))
			op->label = label;
	}
	return rc;
}

void lsm_join_option(struct str *data, const char *option)
{
	const char *eq = strchr(option, '=');
	size_t name = eq ? (size_t)(eq - option) : 0;
	bool is_label = name >= 7 && memcmp(eq - 7, "context", 7) == 0;
	bool quote = is_label && strchr(eq, ',');

	if (data->len)
		str_addc(data, ',');
	if (quote)
		str_addf(data, "%.*s=\"%s\"", (int)name, option, eq + 1);
	else
		str_add(data, option);
}

int lsm_label_inside(int mount, const char *label, struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	if (setxattr(path, "security.selinux", label, strlen(label), 0) < 0)
		return err_sys(err, "label '%.80s'", label);
	return 0;
}

/* "name (mode)" of AppArmor, "label\0" of SELinux. */
static bool is_label(const char *got, const char *want)
{
	size_t n = strlen(want);

	if (strncmp(got, want, n) != 0)
		return false;
	return !got[n] || got[n] == '\n' || (got[n] == ' ' && got[n + 1] == '(');
}

static int verify(int attr, const char *file, const char *label, struct err *err)
{
	char got[LABEL_MAX + 64];
	auto_fd int fd = procfs_open_at(attr, file, O_RDONLY, err);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got) - 1);

	if (n < 0)
		return fd < 0 ? fd : err_sys(err, "read it back");
	got[n] = '\0';
	if (is_label(got, label))
		return 0;
	got[strcspn(got, "\n")] = '\0';
	return err_set(err, EPROTO, "the module took '%.80s' and says '%.80s'", label, got);
}

static int write_label(int attr, const char *file, const char *prefix, const char *label,
		       struct err *err)
{
	char text[LABEL_MAX + 8];
	int n = snprintf(text, sizeof(text), "%s%s", prefix, label);
	auto_fd int fd = procfs_open_at(attr, file, O_WRONLY, err);

	if (fd < 0)
		return fd;
	/* One write is one label. */
	if (write(fd, text, (size_t)n) != n)
		return err_sys(err, "write '%.80s'", text);
	return 0;
}

static int apply_apparmor(int attr, const char *profile, struct err *err)
{
	int rc = write_label(attr, "apparmor/exec", "exec ", profile, err);

	if (rc == -ENOENT)
		err_hint(err, rc,
			 "the profile is not loaded: root loads it with apparmor_parser -r FILE");
	else if (rc == -EPERM || rc == -EACCES)
		err_hint(err, rc,
			 "the caller's own profile (aa-status) does not let it change to this one");
	if (rc == 0)
		rc = verify(attr, "apparmor/exec", profile, err);
	return rc < 0 ? err_in(err, rc, "process.apparmorProfile '%.80s'", profile) : 0;
}

static int apply_selinux(int attr, const char *label, struct err *err)
{
	int rc = write_label(attr, "exec", "", label, err);

	if (rc == -EINVAL)
		err_hint(err, rc, "the loaded policy does not know this label");
	else if (rc == -EACCES || rc == -EPERM)
		err_hint(
			err, rc,
			"the policy does not let the caller's domain set labels (ausearch -m avc)");
	if (rc == 0)
		rc = verify(attr, "exec", label, err);
	return rc < 0 ? err_in(err, rc, "process.selinuxLabel '%.80s'", label) : 0;
}

int lsm_apply_at(int attr, const struct lsm_plan *plan, struct err *err)
{
	int rc = 0;

	if (plan->selinux)
		rc = apply_selinux(attr, plan->selinux, err);
	if (rc == 0 && plan->apparmor)
		rc = apply_apparmor(attr, plan->apparmor, err);
	return rc;
}

static int open_attr(struct err *err)
{
	auto_fd int proc = procfs_open_inside(err);
	int fd;

	if (proc < 0)
		return err_in(err, proc, "labels");
	fd = procfs_open_at(proc, "thread-self/attr", O_PATH | O_DIRECTORY, err);
	return fd < 0 ? err_in(err, fd, "'/proc/thread-self/attr'") : fd;
}

int lsm_inside(const struct lsm_plan *plan, struct err *err)
{
	auto_fd int attr = -1;

	if (!plan->apparmor && !plan->selinux)
		return 0;
	attr = open_attr(err);
	return attr < 0 ? attr : lsm_apply_at(attr, plan, err);
}

int lsm_key_label_inside(const char *label, struct err *err)
{
	auto_fd int attr = open_attr(err);
	int rc = attr < 0 ? attr : write_label(attr, "keycreate", "", label ? label : "", err);

	return rc < 0 ? err_in(err, rc, "label of the session keyring") : 0;
}
