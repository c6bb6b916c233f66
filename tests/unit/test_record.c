/* test_record.c - record.json (state/record.h): what is saved is loaded, and what is not ours is refused. */
#include "tap.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/bryo-test-record-XXXXXX";

static const char *text_of(const struct err *err)
{
	static char buf[8192];

	return err_format(err, buf, sizeof(buf));
}

static bool same(const struct record *a, const struct record *b)
{
	if (a->annotations.n != b->annotations.n)
		return false;
	for (size_t i = 0; i < a->annotations.n; i++)
		if (!str_eq(a->annotations.v[i].name, b->annotations.v[i].name) ||
		    !str_eq(a->annotations.v[i].value, b->annotations.v[i].value))
			return false;
	return str_eq(a->id, b->id) && str_eq(a->bundle, b->bundle) &&
	       str_eq(a->rootfs, b->rootfs) && str_eq(a->oci_version, b->oci_version) &&
	       str_eq(a->created, b->created) && a->owner == b->owner && a->pid == b->pid &&
	       a->pid_start == b->pid_start && str_eq(a->boot_id, b->boot_id) &&
	       a->pid_namespace == b->pid_namespace && a->namespaces == b->namespaces &&
	       str_eq(a->cgroup, b->cgroup) && str_eq(a->cgroup_backend, b->cgroup_backend) &&
	       str_eq(a->net_backend, b->net_backend) &&
	       str_eq(a->rootfs_backend, b->rootfs_backend) &&
	       a->no_new_keyring == b->no_new_keyring;
}

static void test_round_trip(int dir)
{
	struct pair notes[] = { { "org.example.a", "1" },
				{ "quote\"\\", "line\nbreak \xc3\xa4" },
				{ "", "" } };
	const struct record cases[] = {
		{ .id = "box",
		  .bundle = "/b",
		  .rootfs = "/b/rootfs",
		  .oci_version = "1.3.0",
		  .created = "2026-01-01T00:00:00.000000001Z" },
		{ .id = "full",
		  .bundle = "/with \"quotes\"",
		  .rootfs = "/r",
		  .oci_version = "1.0.2-dev",
		  .created = "x",
		  .owner = UINT32_MAX,
		  .pid = 4194303,
		  .pid_start = UINT64_MAX,
		  .boot_id = "b",
		  .pid_namespace = 4026531836,
		  .namespaces = 0x7e020080,
		  .cgroup = "/user.slice",
		  .cgroup_backend = "systemd",
		  .net_backend = "pasta",
		  .rootfs_backend = "overlay",
		  .no_new_keyring = true,
		  .annotations = { .v = notes, .n = ARRAY_LEN(notes) } },
	};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct record got = { 0 };
		struct err err = ERR_INIT;

		ok(record_save(dir, &cases[i], &err) == 0, "save '%s' %s", cases[i].id,
		   text_of(&err));
		ok(record_load(&a, dir, &got, &err) == 0 && same(&cases[i], &got),
		   "load it again %s", text_of(&err));
	}
	ok(fstatat(dir, "record.json", &st, 0) == 0 && (st.st_mode & 07777) == 01600,
	   "private, and kept from ageing");
}

#define GOOD \
	"\"id\":\"x\",\"bundle\":\"/b\",\"rootfs\":\"/r\",\"ociVersion\":\"1\",\"created\":\"c\",\"owner\":0"

static void test_bad(int dir)
{
	static const struct {
		const char *what, *text;
		int rc;
		const char *error;
	} cases[] = {
		{ "the least there is", "{\"format\":1," GOOD "}", 0, "" },
		{ "unknown members are ignored", "{\"format\":1," GOOD ",\"new\":{\"a\":[1]}}", 0,
		  "" },
		{ "null is absent", "{\"format\":1," GOOD ",\"pid\":null,\"cgroup\":null}", 0, "" },
		{ "a newer format", "{\"format\":2,\"everything\":\"else\"}", -EPROTO,
		  "newer bryo (format 2" },
		{ "format 0", "{\"format\":0," GOOD "}", -EPROTO, "format 0" },
		{ "no format", "{" GOOD "}", -EPROTO, "format" },
		{ "empty", "", -EPROTO, "record.json" },
		{ "truncated", "{\"format\":1," GOOD, -EPROTO, "record.json" },
		{ "not an object", "[]", -EPROTO, "record.json" },
		{ "a member missing", "{\"format\":1,\"id\":\"x\"}", -EPROTO, "bundle" },
		{ "a wrong type", "{\"format\":1," GOOD ",\"pid\":\"1\"}", -EPROTO, "pid" },
		{ "a negative pid", "{\"format\":1," GOOD ",\"pid\":-1}", -EPROTO, "pid" },
		{ "a huge pid", "{\"format\":1," GOOD ",\"pid\":4294967295}", -EPROTO,
		  "out of range" },
		{ "a key twice", "{\"format\":1," GOOD ",\"pid\":1,\"pid\":2}", -EPROTO, "pid" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct record got = { .owner = 4711 };
		struct err err = ERR_INIT;
		int rc;

		ok(file_replace_at(dir, "record.json", cases[i].text, strlen(cases[i].text), 0600,
				   &err) == 0,
		   "write");
		rc = record_load(&a, dir, &got, &err);
		if (!ok(rc == cases[i].rc && (rc == 0 || err.num == -rc) &&
				strstr(text_of(&err), cases[i].error),
			"%s", cases[i].what))
			printf("# rc %d: %s\n", rc, text_of(&err));
		ok(rc == 0 || got.owner == 4711, "%s: output untouched", cases[i].what);
	}
}

static void test_missing(int dir)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_free char *big = calloc(1, 9 << 20);
	struct pair huge = { "a", big };
	struct record got, large = { .id = "x",
				     .bundle = "/b",
				     .rootfs = "/r",
				     .oci_version = "1",
				     .created = "c",
				     .annotations = { .v = &huge, .n = 1 } };
	struct err err = ERR_INIT;

	unlinkat(dir, "record.json", 0);
	ok(record_load(&a, dir, &got, &err) == -ENOENT, "no record: %s", text_of(&err));
	ok(mkdirat(dir, "record.json", 0700) == 0 && record_load(&a, dir, &got, &err) < 0,
	   "a directory: %s", text_of(&err));
	unlinkat(dir, "record.json", AT_REMOVEDIR);
	ok(mkfifoat(dir, "record.json", 0600) == 0 && record_load(&a, dir, &got, &err) < 0,
	   "a FIFO does not block: %s", text_of(&err));
	unlinkat(dir, "record.json", 0);
	memset(big, 'x', (9 << 20) - 1);
	err = (struct err)ERR_INIT;
	ok(record_save(dir, &large, &err) == -EFBIG && faccessat(dir, "record.json", F_OK, 0) < 0,
	   "what could not be read again is not written: %s", text_of(&err));
}

int main(void)
{
	int dir;

	if (!mkdtemp(scratch))
		return EXIT_FAILURE;
	dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_round_trip(dir);
	test_bad(dir);
	test_missing(dir);
	unlinkat(dir, "record.json", 0);
	close(dir);
	ok(rmdir(scratch) == 0, "nothing else was left in the directory");
	return done();
}
