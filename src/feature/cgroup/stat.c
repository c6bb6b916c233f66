/*
 * stat.c - which files of a cgroup v2 directory become which figures (stat.h), in the runtime.
 * Keyed files are rows of a table, so that a figure is added by adding a row.
 *
 * Whether a file is missing because its controller is not enabled or because the whole cgroup
 * went away is not told by its errno: both are ENOENT on open and ENODEV on read. Hence a missing
 * file is nothing, and one that every cgroup has (cgroup.controllers) is asked for last.
 */
#include "stat.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "stat_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define USEC 1000u /* nanoseconds */

#define CPU(member)	offsetof(struct cgroup_stats, cpu.member)
#define MEMORY(member)	offsetof(struct cgroup_stats, memory.member)
#define IO(member)	offsetof(struct cgroup_io_device, member)
#define HUGETLB(member) offsetof(struct cgroup_hugetlb, member)
#define RDMA(member)	offsetof(struct cgroup_rdma, member)

static int read_cpu(const struct stat_dir *d, struct cgroup_stats *s)
{
	static const struct stat_row rows[] = {
		{ "usage_usec", CPU(usage), USEC },
		{ "user_usec", CPU(user), USEC },
		{ "system_usec", CPU(system), USEC },
		{ "nr_periods", CPU(periods), 0 },
		{ "nr_throttled", CPU(throttled), 0 },
		{ "throttled_usec", CPU(throttled_time), USEC },
		{ 0 },
	};
	int rc = stat_keyed(d, "cpu.stat", rows, s);

	s->cpu.present = rc > 0;
	return rc < 0 ? rc : stat_psi(d, "cpu.pressure", &s->cpu.psi);
}

static int key_order(const void *a, const void *b)
{
	return strcmp(((const struct cgroup_key *)a)->name, ((const struct cgroup_key *)b)->name);
}

static int read_memory_stat(const struct stat_dir *d, struct cgroup_stats *s)
{
	VEC(struct cgroup_key) keys = VEC_INIT;
	auto_free char *text = NULL;
	char *line, *rest;
	int rc = stat_text(d, "memory.stat", &text);

	if (rc <= 0)
		return rc;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		uint64_t value;

		if (!*line)
			continue;
		if (!stat_split(line, &value))
			return stat_bad(d, "memory.stat", line);
		*vec_add(d->arena, &keys) =
			(struct cgroup_key){ arena_strdup(d->arena, line), value };
	}
	if (keys.n)
		qsort(keys.v, keys.n, sizeof(*keys.v), key_order);
	s->memory.stat.v = keys.v;
	s->memory.stat.n = keys.n;
	return 1;
}

static int read_memory_files(const struct stat_dir *d, struct cgroup_stats *s)
{
	static const struct {
		const char *file;
		size_t off;
	} numbers[] = {
		{ "memory.max", MEMORY(max) },
		{ "memory.peak", MEMORY(peak) }, /* 5.19 */
		{ "memory.swap.max", MEMORY(swap_max) },
	};
	static const struct stat_row events[] = {
		{ "max", MEMORY(hits), 0 },
		{ "oom", MEMORY(oom), 0 },
		{ "oom_kill", MEMORY(oom_kill), 0 },
		{ 0 },
	};
	int rc = stat_number(d, "memory.swap.current", &s->memory.swap_current);

	s->memory.swap_present = rc > 0;
	for (size_t i = 0; i < ARRAY_LEN(numbers) && rc >= 0; i++)
		rc = stat_number(d, numbers[i].file, (uint64_t *)((char *)s + numbers[i].off));
	if (rc >= 0)
		rc = stat_keyed(d, "memory.events", events, s);
	return rc < 0 ? rc : read_memory_stat(d, s);
}

/* Pressure is measured without the controller too. */
static int read_memory(const struct stat_dir *d, struct cgroup_stats *s)
{
	int rc = stat_number(d, "memory.current", &s->memory.current);

	s->memory.present = rc > 0;
	if (rc > 0)
		rc = read_memory_files(d, s);
	return rc < 0 ? rc : stat_psi(d, "memory.pressure", &s->memory.psi);
}

/* Processes of this cgroup alone; those of a threaded one cannot be read. */
static int count_procs(const struct stat_dir *d, uint64_t *ret)
{
	auto_free char *text = NULL;
	int rc = stat_text(d, "cgroup.procs", &text);

	for (const char *p = text; rc > 0 && *p; p++)
		*ret += *p == '\n';
	return rc;
}

static int read_pids(const struct stat_dir *d, struct cgroup_stats *s)
{
	int rc = stat_number(d, "pids.current", &s->pids.current);

	s->pids.present = rc > 0;
	s->pids.max = CGROUP_NO_LIMIT;
	if (rc == 0)
		return count_procs(d, &s->pids.current);
	return rc < 0 ? rc : stat_number(d, "pids.max", &s->pids.max);
}

/* "8:0" */
static bool parse_device(const char *word, struct cgroup_io_device *ret)
{
	unsigned long long major, minor;

	if (!str_next_u64(&word, UINT32_MAX, &major) || *word++ != ':' ||
	    !str_to_u64(word, UINT32_MAX, &minor))
		return false;
	*ret = (struct cgroup_io_device){ .major = major, .minor = minor };
	return true;
}

/*
 * By words, not by lines: some kernels print the name of a device without figures and without
 * a newline behind it. Such a device is left out.
 */
static int read_io_stat(const struct stat_dir *d, struct cgroup_stats *s)
{
	static const struct stat_row rows[] = {
		{ "rbytes", IO(rbytes), 0 },
		{ "wbytes", IO(wbytes), 0 },
		{ "dbytes", IO(dbytes), 0 },
		{ "rios", IO(rios), 0 },
		{ "wios", IO(wios), 0 },
		{ "dios", IO(dios), 0 },
		{ 0 },
	};
	VEC(struct cgroup_io_device) devices = VEC_INIT;
	struct cgroup_io_device next, *device = NULL;
	auto_free char *text = NULL;
	bool named = false; /* next is a device of which no figure was seen yet */
	char *word, *rest;
	int rc = stat_text(d, "io.stat", &text);

	if (rc <= 0)
		return rc;
	rest = text;
	while ((word = strsep(&rest, " \n"))) {
		bool pair = strchr(word, '=');

		if (!*word)
			continue;
		if (pair && named) {
			device = vec_add(d->arena, &devices);
			*device = next;
		}
		if (pair ? !device || !stat_pairs(word, rows, device) : !parse_device(word, &next))
			return stat_bad(d, "io.stat", word);
		named = !pair;
	}
	s->io.present = true;
	s->io.v = devices.v;
	s->io.n = devices.n;
	return 1;
}

static int read_io(const struct stat_dir *d, struct cgroup_stats *s)
{
	int rc = read_io_stat(d, s);

	return rc < 0 ? rc : stat_psi(d, "io.pressure", &s->io.psi);
}

static int hugetlb_order(const void *a, const void *b)
{
	return strcmp(((const struct cgroup_hugetlb *)a)->size,
		      ((const struct cgroup_hugetlb *)b)->size);
}

/* "2MB" of "hugetlb.2MB.current", which "hugetlb.2MB.rsvd.current" is not. */
static const char *hugetlb_size(struct arena *a, const char *file)
{
	const char *size = file + strlen("hugetlb.");
	size_t len;

	if (!str_starts(file, "hugetlb."))
		return NULL;
	len = strcspn(size, ".");
	return len && str_eq(size + len, ".current") ? arena_strndup(a, size, len) : NULL;
}

static int read_hugetlb_size(const struct stat_dir *d, struct cgroup_hugetlb *h)
{
	static const struct stat_row events[] = { { "max", HUGETLB(failures), 0 }, { 0 } };
	const char *file = arena_printf(d->arena, "hugetlb.%s.current", h->size);
	int rc = stat_number(d, file, &h->current);

	file = arena_printf(d->arena, "hugetlb.%s.max", h->size);
	if (rc >= 0)
		rc = stat_number(d, file, &h->max);
	file = arena_printf(d->arena, "hugetlb.%s.events", h->size);
	return rc < 0 ? rc : stat_keyed(d, file, events, h);
}

/* The sizes are the machine's, so they are taken from the names of the files. */
static int read_hugetlb(const struct stat_dir *d, struct cgroup_stats *s)
{
	VEC(struct cgroup_hugetlb) sizes = VEC_INIT;
	auto_fd int fd = openat(d->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!dir)
		return stat_is_missing(-errno) ? 0 : err_sys(d->err, "list the cgroup");
	(void)take_fd(&fd);
	while (rc >= 0 && (e = readdir(dir))) {
		const char *size = hugetlb_size(d->arena, e->d_name);
		struct cgroup_hugetlb *h;

		if (!size)
			continue;
		h = vec_add(d->arena, &sizes);
		h->size = size;
		rc = read_hugetlb_size(d, h);
	}
	if (sizes.n)
		qsort(sizes.v, sizes.n, sizeof(*sizes.v), hugetlb_order);
	s->hugetlb.v = sizes.v;
	s->hugetlb.n = sizes.n;
	return rc;
}

static int read_rdma(const struct stat_dir *d, struct cgroup_stats *s)
{
	static const struct stat_row rows[] = {
		{ "hca_handle", RDMA(handles), 0 },
		{ "hca_object", RDMA(objects), 0 },
		{ 0 },
	};
	VEC(struct cgroup_rdma) devices = VEC_INIT;
	auto_free char *text = NULL;
	char *line, *rest;
	int rc = stat_text(d, "rdma.current", &text);

	if (rc <= 0)
		return rc;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strsep(&line, " ");
		struct cgroup_rdma *device;

		if (!*name)
			continue;
		device = vec_add(d->arena, &devices);
		device->device = arena_strdup(d->arena, name);
		if (line && !stat_pairs(line, rows, device))
			return stat_bad(d, "rdma.current", name);
	}
	s->rdma.present = true;
	s->rdma.v = devices.v;
	s->rdma.n = devices.n;
	return 1;
}

static int read_cpuset(const struct stat_dir *d, struct cgroup_stats *s)
{
	int rc = stat_list(d, "cpuset.cpus.effective", &s->cpuset.cpus);

	s->cpuset.present = rc > 0;
	return rc < 0 ? rc : stat_list(d, "cpuset.mems.effective", &s->cpuset.mems);
}

static int read_events(const struct stat_dir *d, struct cgroup_stats *s)
{
	struct events {
		uint64_t populated, frozen;
	} e = { .populated = 1 };
	static const struct stat_row rows[] = {
		{ "populated", offsetof(struct events, populated), 0 },
		{ "frozen", offsetof(struct events, frozen), 0 },
		{ 0 },
	};
	int rc = stat_keyed(d, "cgroup.events", rows, &e);

	s->populated = e.populated;
	s->frozen = e.frozen;
	return rc;
}

int cgroup_stats_read(struct arena *a, int cgroupfd, struct cgroup_stats *ret, struct err *err)
{
	static int (*const groups[])(const struct stat_dir *d, struct cgroup_stats *s) = {
		read_cpu,     read_memory, read_pids,	read_io,
		read_hugetlb, read_rdma,   read_cpuset, read_events,
	};
	const struct stat_dir d = { .arena = a, .dirfd = cgroupfd, .err = err };
	struct cgroup_stats s = { .memory.max = CGROUP_NO_LIMIT };
	auto_free char *text = NULL;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups) && rc >= 0; i++)
		rc = groups[i](&d, &s);
	if (rc >= 0)
		rc = stat_text(&d, "cgroup.controllers", &text);
	if (rc == 0)
		return err_set(err, ENOENT, "the cgroup is gone");
	if (rc < 0)
		return err_in(err, rc, "read the cgroup");
	*ret = s;
	return 0;
}
