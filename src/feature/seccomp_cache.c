/*
 * seccomp_cache.c - one file per compiled filter in a directory that the caller opened: a
 * header, the whole key, the library that compiled it, the names it skipped, the instructions.
 * Runs in the runtime, before the clone.
 *
 * A wrong filter is a hole, so nothing is believed: the file must be a regular one, ours and not
 * writable by others; its length must be what the header adds up to; the payload's sum must fit;
 * and the key is compared byte by byte, because the name is only a hash of it. The library is
 * known by its file's identity: a version number would need the library loaded, which is half
 * of what the cache saves.
 */
#include "seccomp_cache.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "feature/seccomp_compile.h"

#include <fcntl.h>
#include <string.h>

#define ENTRY_MAX (1u << 20)
#define MAGIC	  "bryobpf1"

struct entry_head {
	char magic[8];
	uint32_t key_len, library_len, skipped_len, n;
	uint64_t dev, ino, size, mtime, mtime_ns; /* of the library */
	uint64_t sum;				  /* of everything behind the head */
};

/* FNV-1a over 64-bit words: a profile has 8 KiB, and byte by byte that is felt in a run. */
static uint64_t hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u ^ len;

	while (len) {
		uint64_t word = 0;
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, p, n);
		h = (h ^ word) * 0x100000001b3u;
		h ^= h >> 32; /* high bytes must reach the low bits as well */
		p += n;
		len -= n;
	}
	return h;
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

/* Returns the whole file in the arena, or NULL. */
static char *entry_read(struct arena *a, int dir, const char *name, size_t *ret_len)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return NULL;
	if (st.st_size < (off_t)sizeof(struct entry_head) || st.st_size > (off_t)ENTRY_MAX)
		return NULL;
	data = arena_alloc(a, (size_t)st.st_size + 1);
	if (read(fd, data, (size_t)st.st_size) != (ssize_t)st.st_size)
		return NULL;
	*ret_len = (size_t)st.st_size;
	return data;
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
	(void)snprintf(ret, 17, "%016llx", (unsigned long long)hash(key->p, key->len));
}

bool seccomp_cache_load(struct arena *a, int dir, const struct str *key, struct seccomp_entry *ret)
{
	const char *library, *skipped, *p;
	struct entry_head h;
	struct sock_filter *filter;
	char name[17];
	size_t len;

	seccomp_cache_name(key, name);
	p = entry_read(a, dir, name, &len);
	if (!p)
		return false;
	memcpy(&h, p, sizeof(h));
	if (!head_valid(&h, len) || h.key_len != key->len ||
	    h.sum != hash(p + sizeof(h), len - sizeof(h)))
		return false;
	p += sizeof(h);
	if (memcmp(p, key->p, key->len) != 0)
		return false;
	library = p + h.key_len;
	skipped = library + h.library_len;
	if (library[h.library_len - 1] || skipped[h.skipped_len - 1] || !library_same(&h, library))
		return false;
	filter = arena_alloc(a, h.n * sizeof(*filter)); /* in the file it may be unaligned */
	memcpy(filter, skipped + h.skipped_len, h.n * sizeof(*filter));
	*ret = (struct seccomp_entry){ library, skipped, filter, (unsigned short)h.n };
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
	str_addn(&file, key->p, key->len);
	str_addn(&file, e->library, h.library_len);
	str_addn(&file, e->skipped, h.skipped_len);
	str_addn(&file, (const char *)e->filter, e->n * sizeof(*e->filter));
	if (file.len > ENTRY_MAX)
		return;
	h.sum = hash(file.p + sizeof(h), file.len - sizeof(h));
	memcpy(file.p, &h, sizeof(h));
	seccomp_cache_name(key, name);
	if (file_replace_at(dir, name, file.p, file.len, 0600, &err) < 0) {
		char text[256];

		log_debug("seccomp cache: %s", err_format(&err, text, sizeof(text)));
		return;
	}
	while (trim_one(dir))
		;
}
