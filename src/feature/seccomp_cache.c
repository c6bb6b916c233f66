/*
 * seccomp_cache.c - one file per compiled filter in a directory that the caller opened: a
 * header, the instructions, the library that compiled them, the names it skipped, the whole key.
 * Runs in the runtime, before the clone.
 *
 * A wrong filter is a hole, so nothing is believed: the file must be a regular one, ours and not
 * writable by others; its length must be what the header adds up to; the sum must fit; and the
 * key is compared byte by byte, because the name is only a hash of it. The library is known by
 * its file's identity: a version number would need the library loaded, which is half of what the
 * cache saves.
 */
#include "seccomp_cache.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "feature/seccomp_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>

#define ENTRY_MAX (1u << 20)
#define MAGIC	  "bryobpf2"

struct entry_head {
	char magic[8];
	uint32_t key_len, library_len, skipped_len, n;
	uint64_t dev, ino, size, mtime, mtime_ns; /* of the library */
	uint64_t sum;				  /* of what is between head and key */
};

#define HASH_INIT 0xcbf29ce484222325u

static uint64_t hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x100000001b3u;
	return h ^ h >> 32; /* high bytes must reach the low bits as well */
}

/* FNV-1a over 64-bit words: a profile has 8 KiB, and byte by byte that is felt in a run. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t word;

	h ^= len;
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = hash_word(h, word);
	}
	word = 0;
	memcpy(&word, p, len);
	return hash_word(h, word);
}

/* The library's file; all zero for one that is part of this program, whose name says its version. */
static bool head_library(struct entry_head *h, const char *path)
{
	struct stat st = { 0 };

	if (!str_eq(path, seccomp_linked_library()) && stat(path, &st) < 0)
		return false;
	h->dev = (uint64_t)st.st_dev;
	h->ino = (uint64_t)st.st_ino;
	h->size = (uint64_t)st.st_size;
	h->mtime = (uint64_t)st.st_mtim.tv_sec;
	h->mtime_ns = (uint64_t)st.st_mtim.tv_nsec;
	return true;
}

static bool library_same(const struct entry_head *h, const char *path)
{
	struct entry_head now = *h;

	return head_library(&now, path) && memcmp(&now, h, sizeof(now)) == 0;
}

/* Opens an entry and reads its head. Returns the descriptor, behind the head, or -1. */
static int entry_open(int dir, const char *name, struct entry_head *ret, size_t *ret_len)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return -1;
	if (st.st_size < (off_t)sizeof(*ret) || st.st_size > (off_t)ENTRY_MAX)
		return -1;
	if (read(fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return -1;
	*ret_len = (size_t)st.st_size;
	return take_fd(&fd);
}

static bool head_valid(const struct entry_head *h, size_t len)
{
	/* each length is bounded first, so that the sum cannot wrap */
	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 || !h->n || h->n > BPF_MAXINSNS)
		return false;
	if (h->key_len > len || h->library_len > len || h->skipped_len > len || !h->library_len ||
	    !h->skipped_len)
		return false;
	return len == sizeof(*h) + (size_t)h->key_len + h->library_len + h->skipped_len +
			      h->n * sizeof(struct sock_filter);
}

void seccomp_cache_name(const struct str *key, char ret[17])
{
	(void)snprintf(ret, 17, "%016llx", (unsigned long long)hash(HASH_INIT, key->p, key->len));
}

/* The sum of an entry: instructions, then the two texts. */
static uint64_t entry_sum(const struct sock_filter *filter, size_t n, const char *texts, size_t len)
{
	return hash(hash(HASH_INIT, filter, n * sizeof(*filter)), texts, len);
}

bool seccomp_cache_load(struct arena *a, int dir, const struct str *key, struct seccomp_entry *ret)
{
	auto_fd int fd = -1;
	auto_free char *rest = NULL; /* the texts, then the key */
	struct sock_filter *filter;
	struct entry_head h;
	struct iovec iov[2];
	const char *skipped;
	size_t len, texts;
	char name[17];

	seccomp_cache_name(key, name);
	fd = entry_open(dir, name, &h, &len);
	if (fd < 0 || !head_valid(&h, len) || h.key_len != key->len)
		return false;
	len -= sizeof(h);
	filter = arena_alloc(a, h.n * sizeof(*filter));
	iov[0] = (struct iovec){ filter, h.n * sizeof(*filter) };
	texts = (size_t)h.library_len + h.skipped_len;
	rest = mem_alloc(texts + h.key_len);
	iov[1] = (struct iovec){ rest, texts + h.key_len };
	if (readv(fd, iov, 2) != (ssize_t)len || h.sum != entry_sum(filter, h.n, rest, texts) ||
	    memcmp(rest + texts, key->p, key->len) != 0)
		return false;
	skipped = rest + h.library_len;
	if (skipped[-1] || rest[texts - 1] || !library_same(&h, rest))
		return false;
	*ret = (struct seccomp_entry){ arena_strdup(a, rest), arena_strdup(a, skipped), filter,
				       (unsigned short)h.n };
	return true;
}

/* Removes the oldest file while there are too many; names of other shapes are ours as well
 * (what a crash left of a replace). Returns false when nothing more needs to go. */
static bool trim_one(int dir)
{
	auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct timespec oldest = { 0 };
	char victim[256] = "";
	struct dirent *e;
	struct stat st;
	size_t n = 0;

	if (!d)
		return false;
	(void)take_fd(&fd);
	while ((e = readdir(d))) {
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
			continue;
		n++;
		if (victim[0] &&
		    (st.st_mtim.tv_sec > oldest.tv_sec ||
		     (st.st_mtim.tv_sec == oldest.tv_sec && st.st_mtim.tv_nsec >= oldest.tv_nsec)))
			continue;
		oldest = st.st_mtim;
		(void)snprintf(victim, sizeof(victim), "%s", e->d_name);
	}
	return n > SECCOMP_CACHE_ENTRIES && unlinkat(dir, victim, 0) == 0;
}

/* ".NAME.PID" of file_replace_at(), and that process is no more. */
static bool is_abandoned(const char *name)
{
	const char *dot = strrchr(name, '.');
	unsigned long long pid;

	return name[0] == '.' && dot > name && str_to_u64(dot + 1, INT_MAX, &pid) && pid > 0 &&
	       kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

size_t seccomp_cache_stale(int dir, bool remove)
{
	auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t stale = 0, files = 0;
	struct dirent *e;

	if (!d)
		return 0;
	(void)take_fd(&fd);
	while ((e = readdir(d))) {
		if (is_abandoned(e->d_name))
			stale += !remove || unlinkat(dir, e->d_name, 0) == 0;
		else
			files += e->d_type == DT_REG;
	}
	if (files <= SECCOMP_CACHE_ENTRIES)
		return stale;
	while (remove && trim_one(dir))
		;
	return stale + files - SECCOMP_CACHE_ENTRIES;
}

void seccomp_cache_save(int dir, const struct str *key, const struct seccomp_entry *e)
{
	struct entry_head h = { .magic = MAGIC };
	auto_str struct str file = STR_INIT;
	struct err err = ERR_INIT;
	char name[17];

	if (!head_library(&h, e->library))
		return;
	h.key_len = (uint32_t)key->len;
	h.library_len = (uint32_t)strlen(e->library) + 1;
	h.skipped_len = (uint32_t)strlen(e->skipped) + 1;
	h.n = e->n;
	str_addn(&file, (const char *)&h, sizeof(h));
	str_addn(&file, (const char *)e->filter, e->n * sizeof(*e->filter));
	str_addn(&file, e->library, h.library_len);
	str_addn(&file, e->skipped, h.skipped_len);
	h.sum = entry_sum(e->filter, e->n, file.p + file.len - h.library_len - h.skipped_len,
			  (size_t)h.library_len + h.skipped_len);
	memcpy(file.p, &h, sizeof(h));
	str_addn(&file, key->p, key->len);
	if (file.len > ENTRY_MAX)
		return;
	seccomp_cache_name(key, name);
	if (file_replace_at(dir, name, file.p, file.len, 0600, &err) < 0) {
		char text[256];

		log_debug("seccomp cache: %s", err_format(&err, text, sizeof(text)));
		return;
	}
	while (trim_one(dir))
		;
}
