/*
 * fuzz_record.c - record.json from anybody's hand: it is loaded or refused, never worse; and what
 * was loaded is the same after it was saved and loaded again.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "state/record.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir_path[] = "/tmp/bryo-fuzz-record-XXXXXX";
static int dir = -1;

static void clean_up(void)
{
	(void)unlinkat(dir, "record.json", 0);
	(void)rmdir(dir_path);
}

static void set_up(void)
{
	if (!mkdtemp(dir_path))
		abort();
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || atexit(clean_up) != 0)
		abort();
}

static void write_record(const uint8_t *data, size_t size)
{
	auto_fd int fd = openat(dir, "record.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	struct record one = { 0 }, two = { 0 };
	struct err err = ERR_INIT;
	int rc;

	if (dir < 0)
		set_up();
	write_record(data, size);
	rc = record_load(&a, dir, &one, &err);
	if (rc < 0) {
		if (rc != -EPROTO || err.num != EPROTO)
			abort();
		return 0;
	}
	if (one.pid < 0 || record_save(dir, &one, &err) < 0 || record_load(&a, dir, &two, &err) < 0)
		abort();
	if (!str_eq(one.id, two.id) || !str_eq(one.cgroup, two.cgroup) || one.pid != two.pid ||
	    one.pid_start != two.pid_start || one.annotations.n != two.annotations.n)
		abort();
	return 0;
}
