/*
 * record.c - record.json of a container (record.h): written by the runtime when facts change,
 * read by every later command. The two tables below are the format; whoever changes the meaning
 * of a member raises RECORD_FORMAT. Files carry the sticky bit, which keeps systemd-tmpfiles
 * from ageing the record of a long-lived container away where state lives below /tmp.
 */
#include "record.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <limits.h>

#define RECORD_NAME "record.json"
#define RECORD_MODE 01600

/* What is in the file but not in struct record as it is. */
struct record_file {
	uint32_t format, pid, runner;
	struct record r;
};

#define OFF(member) offsetof(struct record_file, member)

static const struct json_field format_fields[] = {
	{ .name = "format", .kind = JSON_AS_U32, .off = OFF(format), .required = true },
	{ .name = NULL },
};

/* A pid that is not one is 0, which is nobody. */
static int decode_pid(struct arena *a, const struct json *v, void *field, struct err *err)
{
	unsigned long long n = 0;

	(void)a;
	if (v->type != JSON_NUMBER || !str_to_u64(v->text, INT_MAX, &n))
		return json_err(v, err, "wants a process ID");
	*(pid_t *)field = (pid_t)n;
	return 0;
}

static const struct json_field helper_fields[] = {
	{ .name = "name", .kind = JSON_AS_STRING, .off = offsetof(struct record_helper, name), .required = true },
	{ .name = "pid", .kind = JSON_AS_CALL, .off = offsetof(struct record_helper, pid), .call = decode_pid },
	{ .name = "start", .kind = JSON_AS_U64, .off = offsetof(struct record_helper, start) },
	{ .name = NULL },
};

static const struct json_field record_fields[] = {
	{ .name = "id", .kind = JSON_AS_STRING, .off = OFF(r.id), .required = true },
	{ .name = "bundle", .kind = JSON_AS_STRING, .off = OFF(r.bundle), .required = true },
	{ .name = "rootfs", .kind = JSON_AS_STRING, .off = OFF(r.rootfs), .required = true },
	{ .name = "ociVersion",
	  .kind = JSON_AS_STRING,
	  .off = OFF(r.oci_version),
	  .required = true },
	{ .name = "created", .kind = JSON_AS_STRING, .off = OFF(r.created), .required = true },
	{ .name = "owner", .kind = JSON_AS_U32, .off = OFF(r.owner), .required = true },
	{ .name = "pid", .kind = JSON_AS_U32, .off = OFF(pid) },
	{ .name = "pidStart", .kind = JSON_AS_U64, .off = OFF(r.pid_start) },
	{ .name = "bootId", .kind = JSON_AS_STRING, .off = OFF(r.boot_id) },
	{ .name = "pidNamespace", .kind = JSON_AS_U64, .off = OFF(r.pid_namespace) },
	{ .name = "namespaces", .kind = JSON_AS_U32, .off = OFF(r.namespaces) },
	{ .name = "cgroup", .kind = JSON_AS_STRING, .off = OFF(r.cgroup) },
	{ .name = "cgroupIno", .kind = JSON_AS_U64, .off = OFF(r.cgroup_ino) },
	{ .name = "cgroupUnit", .kind = JSON_AS_STRING, .off = OFF(r.cgroup_unit) },
	{ .name = "cgroupUser", .kind = JSON_AS_BOOL, .off = OFF(r.cgroup_user) },
	{ .name = "cgroupBackend", .kind = JSON_AS_STRING, .off = OFF(r.cgroup_backend) },
	{ .name = "netBackend", .kind = JSON_AS_STRING, .off = OFF(r.net_backend) },
	{ .name = "rootfsBackend", .kind = JSON_AS_STRING, .off = OFF(r.rootfs_backend) },
	{ .name = "upper", .kind = JSON_AS_STRING, .off = OFF(r.upper) },
	{ .name = "upperThrownAway", .kind = JSON_AS_BOOL, .off = OFF(r.upper_thrown_away) },
	{ .name = "netSocket", .kind = JSON_AS_STRING, .off = OFF(r.net_socket) },
	{ .name = "helpers",
	  .kind = JSON_AS_LIST,
	  .off = OFF(r.helpers),
	  .table = helper_fields,
	  .size = sizeof(struct record_helper) },
	{ .name = "noNewKeyring", .kind = JSON_AS_BOOL, .off = OFF(r.no_new_keyring) },
	{ .name = "rdtClass", .kind = JSON_AS_STRING, .off = OFF(r.rdt_class) },
	{ .name = "rdtMonitor", .kind = JSON_AS_STRING, .off = OFF(r.rdt_monitor) },
	{ .name = "seccompNotify", .kind = JSON_AS_BOOL, .off = OFF(r.notify) },
	{ .name = "runner", .kind = JSON_AS_U32, .off = OFF(runner) },
	{ .name = "poststart", .kind = JSON_AS_BOOL, .off = OFF(r.poststart) },
	{ .name = "poststop", .kind = JSON_AS_BOOL, .off = OFF(r.poststop) },
	{ .name = "listenFiles", .kind = JSON_AS_MAP, .off = OFF(r.listen_files) },
	{ .name = "annotations", .kind = JSON_AS_MAP, .off = OFF(r.annotations) },
	{ .name = NULL },
};

static void write_helpers(struct json_out *o, const struct record *r)
{
	if (!r->helpers.n)
		return;
	json_out_array(o, "helpers");
	for (size_t i = 0; i < r->helpers.n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "name", r->helpers.v[i].name);
		json_out_i64(o, "pid", r->helpers.v[i].pid);
		json_out_u64(o, "start", r->helpers.v[i].start);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
}

static void record_write(struct json_out *o, const struct record *r)
{
	json_out_object(o, NULL);
	json_out_u64(o, "format", RECORD_FORMAT);
	json_out_str(o, "id", r->id);
	json_out_str(o, "bundle", r->bundle);
	json_out_str(o, "rootfs", r->rootfs);
	json_out_str(o, "ociVersion", r->oci_version);
	json_out_str(o, "created", r->created);
	json_out_u64(o, "owner", r->owner);
	json_out_i64(o, "pid", r->pid);
	json_out_u64(o, "pidStart", r->pid_start);
	json_out_str(o, "bootId", r->boot_id);
	json_out_u64(o, "pidNamespace", r->pid_namespace);
	json_out_u64(o, "namespaces", r->namespaces);
	json_out_str(o, "cgroup", r->cgroup);
	json_out_u64(o, "cgroupIno", r->cgroup_ino);
	json_out_str(o, "cgroupUnit", r->cgroup_unit);
	json_out_bool(o, "cgroupUser", r->cgroup_user);
	json_out_str(o, "cgroupBackend", r->cgroup_backend);
	json_out_str(o, "netBackend", r->net_backend);
	json_out_str(o, "rootfsBackend", r->rootfs_backend);
	if (r->upper) {
		json_out_str(o, "upper", r->upper);
		json_out_bool(o, "upperThrownAway", r->upper_thrown_away);
	}
	if (r->net_socket)
		json_out_str(o, "netSocket", r->net_socket);
	write_helpers(o, r);
	json_out_bool(o, "noNewKeyring", r->no_new_keyring);
	if (r->rdt_class)
		json_out_str(o, "rdtClass", r->rdt_class);
	if (r->rdt_monitor)
		json_out_str(o, "rdtMonitor", r->rdt_monitor);
	json_out_bool(o, "seccompNotify", r->notify);
	if (r->runner)
		json_out_i64(o, "runner", r->runner);
	json_out_bool(o, "poststart", r->poststart);
	json_out_bool(o, "poststop", r->poststop);
	if (r->listen_files.n)
		json_out_map(o, "listenFiles", &r->listen_files);
	json_out_map(o, "annotations", &r->annotations);
	json_out_end(o, '}');
}

static int record_parse(struct arena *a, const char *text, size_t len, struct record *ret,
			struct err *err)
{
	struct record_file f = { 0 };
	struct json *doc;
	int rc = json_parse(a, RECORD_NAME, text, len, &doc, err);

	if (rc < 0)
		return rc;
	rc = json_decode(a, doc, format_fields, &f, err);
	if (rc < 0)
		return rc;
	if (f.format == 0)
		return err_set(err, EPROTO, "%s: format 0 is unknown", RECORD_NAME);
	if (f.format > RECORD_FORMAT)
		return err_set(err, EPROTO,
			       "%s: written by a newer bryo (format %u, this one reads up to %d)",
			       RECORD_NAME, f.format, RECORD_FORMAT);
	rc = json_decode(a, doc, record_fields, &f, err);
	if (rc < 0)
		return rc;
	if (f.pid > INT_MAX || f.runner > INT_MAX)
		return err_set(err, EPROTO, "%s: pid %u is out of range", RECORD_NAME,
			       f.pid > INT_MAX ? f.pid : f.runner);
	*ret = f.r;
	ret->pid = (pid_t)f.pid;
	ret->runner = (pid_t)f.runner;
	return 0;
}

int record_stage(int dirfd, const struct record *r, struct err *err)
{
	auto_json_out struct json_out o;

	json_out_init(&o, NULL);
	record_write(&o, r);
	if (o.s.len > JSON_MAX) /* annotations, escaped: it could never be read again */
		return err_set(err, EFBIG, "'%s': larger than %u bytes", RECORD_NAME, JSON_MAX);
	return file_stage_at(dirfd, RECORD_NAME, o.s.p, o.s.len, RECORD_MODE, err);
}

int record_commit(int dirfd, struct err *err)
{
	return file_commit_at(dirfd, RECORD_NAME, err);
}

int record_save(int dirfd, const struct record *r, struct err *err)
{
	int rc = record_stage(dirfd, r, err);

	return rc < 0 ? rc : record_commit(dirfd, err);
}

int record_load(struct arena *a, int dirfd, struct record *ret, struct err *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc;

	rc = file_read_at(dirfd, RECORD_NAME, JSON_MAX, &text, &len, err);

	if (rc < 0)
		return rc;
	if (record_parse(a, text, len, ret, err) == 0)
		return 0;
	if (err) /* one code for whatever is wrong with the content; the frames keep the reason */
		err->num = EPROTO;
	return -EPROTO;
}
