/*
 * selfexe.c - the sealed copy of the runtime (theory in selfexe.h). Runs first thing in the
 * runtime process, before a plan exists; so it decides from the file's owner and mode alone.
 *
 * MFD_EXEC is passed where the kernel knows it, because vm.memfd_noexec may forbid the default.
 */
#include "selfexe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/libexec.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/caps.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define OVERFLOW_ID 65534

/* Whether ID 65534 is really somebody here: then it does not mean "unmapped". */
static bool overflow_is_mapped(void)
{
	auto_free char *map = NULL;
	unsigned long long inside, outside, count;
	const char *p;

	if (file_read_at(AT_FDCWD, "/proc/self/uid_map", 65536, &map, NULL, NULL) < 0)
		return true;
	p = map;
	while (str_next_u64(&p, UINT32_MAX, &inside) && str_next_u64(&p, UINT32_MAX, &outside) &&
	       str_next_u64(&p, UINT32_MAX, &count))
		if (OVERFLOW_ID >= inside && OVERFLOW_ID - inside < count)
			return true;
	return false;
}

static bool is_out_of_reach(int exe)
{
	struct stat st;
	uid_t euid = geteuid();
	int seals = fcntl(exe, F_GET_SEALS);

	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	if (fstat(exe, &st) < 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	/* With capabilities of its own a caller may become uid 0 in a container, or map it. */
	if (st.st_uid == 0 && euid != 0 && !caps_own_effective())
		return true;
	return st.st_uid == OVERFLOW_ID && !overflow_is_mapped();
}

/*
 * Bytes that execve maps: up to the end of the last loaded segment. Symbols and debugging
 * information after it, often half of the file, need not be copied.
 */
static off_t loaded_size(int exe, off_t whole)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) seg[32];
	off_t end = 0;

	if (pread(exe, &head, sizeof(head), 0) != sizeof(head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_phentsize != sizeof(seg[0]) || head.e_phnum > ARRAY_LEN(seg) ||
	    pread(exe, seg, head.e_phnum * sizeof(seg[0]), (off_t)head.e_phoff) !=
		    (ssize_t)(head.e_phnum * sizeof(seg[0])))
		return whole;
	for (size_t i = 0; i < head.e_phnum; i++)
		if (seg[i].p_filesz && (off_t)(seg[i].p_offset + seg[i].p_filesz) > end)
			end = (off_t)(seg[i].p_offset + seg[i].p_filesz);
	return end > 0 && end < whole ? end : whole;
}

/* Named after the file: the helper programs are found beside it (base/libexec.h). */
static void copy_name(char *buf, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	size_t room = size - sizeof(LIBEXEC_COPY);

	(void)snprintf(buf, size, LIBEXEC_COPY "%.*s", n > 0 && (size_t)n <= room ? (int)n : 0, self);
}

static int sealed_copy(int exe, const char *name, struct err *err)
{
	auto_fd int copy = -1;
	struct stat st;
	off_t left;

	copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return err_sys(err, "make a memfd");
	if (fstat(exe, &st) < 0)
		return err_sys(err, "look at the file");
	/* Measured: faster than read and write, and than writing from a mapping. */
	for (left = loaded_size(exe, st.st_size); left > 0;) {
		ssize_t n = sendfile(copy, exe, NULL, (size_t)left);

		if (n < 0)
			return err_sys(err, "copy the file");
		if (n == 0)
			return err_set(err, EIO, "the file became shorter");
		left -= n;
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return err_sys(err, "seal the copy");
	return take_fd(&copy);
}

int selfexe_open_program(const char *path, const char *name, struct err *err)
{
	auto_fd int file = open(path, O_RDONLY | O_CLOEXEC);
	int copy;

	if (file < 0)
		return err_sys(err, "open '%s'", path);
	if (is_out_of_reach(file))
		return take_fd(&file);
	copy = sealed_copy(file, name, err);
	return copy < 0 ? err_in(err, copy, "'%s'", path) : copy;
}

bool selfexe_is_out_of_reach(void)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return exe >= 0 && is_out_of_reach(exe);
}

int selfexe_protect(char *const argv[], struct err *err)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_fd int copy = -1;
	char name[250]; /* memfd_create(2) takes 249 bytes */

	if (exe < 0)
		return err_hint(err, err_sys(err, "open our own file /proc/self/exe"), "/proc must be mounted");
	if (is_out_of_reach(exe))
		return 0;
	copy_name(name, sizeof(name));
	copy = sealed_copy(exe, name, err);
	if (copy >= 0) {
		fexecve(copy, argv, environ);
		return err_hint(err, err_sys(err, "execute the sealed copy of our own file"),
				"vm.memfd_noexec may forbid it: install bryo owned by root instead");
	}
	return copy;
}
