/*
 * doctor.c - examines the host (doctor.h): strings the tables of checks together, runs those that
 * concern what was asked for, and counts. Runs in the process that the user started; reads only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/passwd.h"
#include "base/vec.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct doctor_check *const tables[] = {
	doctor_kernel_checks,	 doctor_userns_checks, doctor_subid_checks,   doctor_helper_checks,
	doctor_directory_checks, doctor_cgroup_checks, doctor_session_checks, doctor_network_checks,
	doctor_process_checks,	 doctor_self_checks,
};

__attribute__((format(printf, 2, 0))) static const char *say(struct doctor *d, const char *fmt,
							     va_list ap)
{
	char text[2048];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	return arena_strdup(d->a, text);
}

#define SAY(status_)                      \
	do {                              \
		va_list ap;               \
		va_start(ap, fmt);        \
		f->status = (status_);    \
		f->why = say(d, fmt, ap); \
		va_end(ap);               \
	} while (0)

void say_ok(struct doctor *d, struct finding *f, const char *fmt, ...)
{
	SAY(DOCTOR_OK);
}

void say_degraded(struct doctor *d, struct finding *f, const char *fmt, ...)
{
	SAY(DOCTOR_DEGRADED);
}

void say_missing(struct doctor *d, struct finding *f, const char *fmt, ...)
{
	SAY(DOCTOR_MISSING);
}

void say_remedy(struct doctor *d, struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->remedy = say(d, fmt, ap);
	va_end(ap);
}

const char *read_text(struct doctor *d, const char *path)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL) < 0)
		return "";
	return arena_strdup(d->a, text);
}

int64_t read_number(struct doctor *d, const char *path)
{
	const char *text = read_text(d, path);
	unsigned long long v;

	return str_next_u64(&text, INT64_MAX, &v) ? (int64_t)v : -1;
}

static const char *own_exe(struct arena *a)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	return n > 0 ? arena_strndup(a, exe, (size_t)n) : NULL;
}

/* What a login would have; the environment says it first, as everywhere. */
static const char *own_home(struct doctor *d)
{
	const char *home = getenv("HOME");
	struct passwd_entry pw;

	if (home && home[0] == '/')
		return home;
	return passwd_find(d->host.uid, false, &pw) ? arena_strdup(d->a, pw.home) : "/";
}

static int prepare(struct doctor *d, const struct doctor_request *q, struct err *err)
{
	struct stat st;
	int rc;

	if (q->host_facts) {
		rc = host_load(d->a, q->host_facts, &d->host, err);
		d->distro = DISTRO_OTHER;
	} else {
		rc = host_probe(d->a, &d->host, err);
		d->distro = distro_probe(d->a);
	}
	if (rc < 0)
		return rc;
	d->sudo = d->host.uid == 0 ? "" : "sudo ";
	d->exe = own_exe(d->a);
	d->home = own_home(d);
	d->path = q->path ? q->path : d->home;
	d->storage = d->host.privileged
			     ? "/var/lib/containers/storage"
			     : arena_printf(d->a, "%s/.local/share/containers/storage", d->home);
	if (!d->host.faked) {
		d->path_silent = !tryout_answers(d, d->path);
		d->storage_silent = !tryout_answers(d, d->storage);
	}
	if (d->path_silent)
		return host_need_subids(&d->host, err);
	if (stat(d->path, &st) < 0)
		return err_sys(err, "directory '%s'", d->path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "'%s' is no directory", d->path);
	return host_need_subids(&d->host, err);
}

static void examine_table(struct doctor *d, const struct doctor_check *c, struct doctor_report *ret)
{
	for (; c->name; c++) {
		struct finding *f = &ret->v[ret->n];

		if (d->request->uses != DOCTOR_ALL && !(c->uses & d->request->uses))
			continue;
		if (d->host.faked && !c->facts)
			continue;
		*f = (struct finding){ .name = c->name, .uses = c->uses, .why = "" };
		c->run(d, c, f);
		ret->counts[f->status]++;
		ret->n++;
	}
}

int doctor_examine(struct arena *a, const struct doctor_request *q, struct doctor_report *ret,
		   struct err *err)
{
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct doctor d = { .a = a, .request = q, .root = root };
	size_t rows = 0;
	int rc;

	*ret = (struct doctor_report){ 0 };
	rc = prepare(&d, q, err);
	if (rc < 0)
		return rc;
	if (!d.host.faked)
		tryout_run(&d);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct doctor_check *c = tables[i]; c->name; c++)
			rows++;
	ret->v = arena_alloc(a, rows * sizeof(*ret->v));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		examine_table(&d, tables[i], ret);
	return 0;
}
