/*
 * test_seccomp_cache.c - the cache of compiled filters believes nothing: a damaged, foreign or
 * mistaken entry is a miss. A wrong hit would be a container with somebody else's filter.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "feature/seccomp_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static int cache_dir(char *path)
{
	if (!mkdtemp(path))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static size_t cache_clean(int dir, bool remove)
{
	auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	(void)take_fd(&fd);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' &&
		    (!e->d_name[1] || (e->d_name[1] == '.' && !e->d_name[2])))
			continue;
		n++;
		if (remove)
			(void)unlinkat(dir, e->d_name, 0);
	}
	return n;
}

static const struct sock_filter allow_all[] = { { BPF_RET | BPF_K, 0, 0, 0x7fff0000 } };

static struct str key_of(const char *text)
{
	struct str key = STR_INIT;

	str_add(&key, text);
	return key;
}

static bool hit(int dir, const struct str *key)
{
	auto_arena struct arena a = ARENA_INIT;
	struct seccomp_entry e = { 0 };

	return seccomp_cache_load(&a, dir, key, &e) && e.n == 1 && !strcmp(e.skipped, "x, y") &&
	       !memcmp(e.filter, allow_all, sizeof(allow_all));
}

static void save(int dir, const struct str *key, const char *library)
{
	struct seccomp_entry e = { library, "x, y", allow_all, 1 };

	seccomp_cache_save(dir, key, &e);
}

/* Every byte of an entry, changed, must make it a miss: -1 all did, else which did not. */
static long flip_each(int dir, const char *name, const struct str *key)
{
	auto_fd int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	unsigned char byte;
	long at = 0;

	for (; pread(fd, &byte, 1, at) == 1; at++) {
		unsigned char other = byte ^ 0x10;
		bool believed;

		(void)!pwrite(fd, &other, 1, at);
		believed = hit(dir, key);
		(void)!pwrite(fd, &byte, 1, at);
		if (believed)
			return at;
	}
	return -1;
}

static void test_cache_damage(int dir, const char *library)
{
	auto_str struct str key = key_of("the profile of one"),
			    other = key_of("the profile of two");
	char name[17], other_name[17];
	struct stat st;
	long at;

	seccomp_cache_name(&key, name);
	seccomp_cache_name(&other, other_name);
	ok(!hit(dir, &key), "cache: empty is a miss");
	save(dir, &key, library);
	ok(hit(dir, &key), "cache: what was saved is found");
	ok(fstatat(dir, name, &st, 0) == 0 && (st.st_mode & 07777) == 0600,
	   "cache: entries are private");
	at = flip_each(dir, name, &key);
	if (!ok(at < 0, "cache: a change of any byte is a miss"))
		printf("# byte %ld\n", at);
	ok(hit(dir, &key), "cache: (still good)");

	(void)renameat(dir, name, dir, other_name);
	ok(!hit(dir, &other), "cache: the right name with another key is a miss");
	(void)symlinkat(other_name, dir, name);
	ok(!hit(dir, &key), "cache: a symbolic link is a miss");
	(void)unlinkat(dir, name, 0);
	(void)renameat(dir, other_name, dir, name);
	(void)fchmodat(dir, name, 0602, 0);
	ok(!hit(dir, &key), "cache: writable by others is a miss");
	(void)fchmodat(dir, name, 0620, 0);
	ok(!hit(dir, &key), "cache: writable by the group is a miss");
	(void)fchmodat(dir, name, 0600, 0);
	ok(hit(dir, &key), "cache: (good again)");
	if (geteuid() == 0 && fchownat(dir, name, 1, -1, 0) == 0)
		ok(!hit(dir, &key), "cache: somebody else's is a miss");
	else
		tap_skip("cache: somebody else's is a miss", "cannot change the owner");
	(void)unlinkat(dir, name, 0);
	ok(mkfifoat(dir, name, 0600) == 0 && !hit(dir, &key),
	   "cache: a FIFO is a miss and does not block");
	(void)unlinkat(dir, name, 0);
	save(dir, &key, library);
	at = openat(dir, name, O_WRONLY | O_APPEND | O_CLOEXEC);
	ok(write((int)at, "", 1) == 1 && !hit(dir, &key), "cache: a byte too many is a miss");
	ok(fstat((int)at, &st) == 0 && ftruncate((int)at, st.st_size - 9) == 0 && !hit(dir, &key),
	   "cache: a short one is a miss");
	close((int)at);
}

static void test_cache_library(int dir, int libdir, const char *library)
{
	auto_str struct str key = key_of("library");
	struct timespec old[2] = { { 5, 0 }, { 5, 0 } };

	save(dir, &key, library);
	ok(hit(dir, &key), "cache: the library is the same");
	(void)utimensat(libdir, "lib", old, 0);
	ok(!hit(dir, &key), "cache: a changed library is a miss");
	save(dir, &key, library);
	ok(hit(dir, &key), "cache: a saved entry replaces it");
	(void)unlinkat(libdir, "lib", 0);
	ok(!hit(dir, &key), "cache: a library that is gone is a miss");
}

static void test_cache_bound(int dir, const char *library)
{
	struct timespec old[2] = { { 5, 0 }, { 5, 0 } };
	auto_str struct str first = key_of("entry 0"), second = key_of("entry 1");
	char name[17];

	(void)cache_clean(dir, true);
	for (int i = 0; i < SECCOMP_CACHE_ENTRIES; i++) {
		auto_str struct str key = STR_INIT;

		str_addf(&key, "entry %d", i);
		save(dir, &key, library);
	}
	ok(cache_clean(dir, false) == SECCOMP_CACHE_ENTRIES && hit(dir, &first),
	   "cache: takes %d entries", SECCOMP_CACHE_ENTRIES);
	seccomp_cache_name(&second, name);
	(void)utimensat(dir, name, old, 0);
	for (int i = 0; i < 1; i++) {
		auto_str struct str key = key_of("one more");

		save(dir, &key, library);
		ok(hit(dir, &key), "cache: the newest is kept");
	}
	ok(cache_clean(dir, false) == SECCOMP_CACHE_ENTRIES, "cache: one too many removes one");
	ok(!hit(dir, &second) && hit(dir, &first), "cache: the oldest went");
}

static void test_cache(void)
{
	char path[] = "/tmp/bryo-test-seccomp-XXXXXX", libpath[] = "/tmp/bryo-test-seccomp-XXXXXX";
	auto_fd int dir = cache_dir(path), libdir = cache_dir(libpath);
	auto_free char *library = mem_printf("%s/lib", libpath);

	if (dir < 0 || libdir < 0) {
		tap_skip("cache", "no directory can be made in /tmp");
		return;
	}
	close(openat(libdir, "lib", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	test_cache_damage(dir, library);
	test_cache_bound(dir, library);
	test_cache_library(dir, libdir, library);
	(void)cache_clean(dir, true);
	(void)rmdir(path);
	(void)cache_clean(libdir, true);
	(void)rmdir(libpath);
}

int main(void)
{
	test_cache();
	return done();
}
