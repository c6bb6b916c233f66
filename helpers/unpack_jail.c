/*
 * unpack_jail.c - what makes an unpacking harmless (bryo-unpack.c says when): its working directory
 * becomes the whole file system, and of root's rights those stay that writing files takes.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MEMORY (1ul << 30) /* the window of a compressor is the archive's choice */

static int read_map(const char *path, struct ids *ret, struct err *err)
{
	auto_free char *text = NULL;
	unsigned long long inside, outside, count;
	const char *p;
	int rc = file_read_at(AT_FDCWD, path, 65536, &text, NULL, err);

	if (rc < 0)
		return rc;
	for (p = text;
	     str_next_u64(&p, UINT32_MAX, &inside) && str_next_u64(&p, UINT32_MAX, &outside) &&
	     str_next_u64(&p, UINT32_MAX, &count);
	     p += *p == '\n') {
		ret->first = mem_realloc(ret->first, (ret->n + 1) * sizeof(*ret->first));
		ret->count = mem_realloc(ret->count, (ret->n + 1) * sizeof(*ret->count));
		ret->first[ret->n] = (uint32_t)inside;
		ret->count[ret->n++] = (uint32_t)count;
	}
	return 0;
}

int jail_ids(struct target *t, struct err *err)
{
	int rc = read_map("/proc/self/uid_map", &t->uid, err);

	return rc < 0 ? rc : read_map("/proc/self/gid_map", &t->gid, err);
}

static int change_root(struct err *err)
{
	auto_fd int tree = sys_open_tree(AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return err_sys(err, "clone the root file system");
	if (sys_move_mount(tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount the root file system");
	if (fchdir(tree) < 0 || sys_pivot_root(".", ".") < 0)
		return err_sys(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "detach the old root");
	return chdir("/") < 0 ? err_sys(err, "chdir to /") : 0;
}

static int drop_rights(struct err *err)
{
	static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
				    CAP_SETFCAP };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		caps[kept[i] / 32].permitted |= 1u << kept[i] % 32;
	caps[0].effective = caps[0].permitted;
	caps[1].effective = caps[1].permitted;
	return syscall(SYS_capset, &head, caps) < 0 ? err_sys(err, "drop capabilities") : 0;
}

int jail_enter(struct err *err)
{
	struct rlimit memory = { MEMORY, MEMORY };
	int rc = change_root(err);

	if (rc == 0)
		rc = drop_rights(err);
	if (rc == 0 && setrlimit(RLIMIT_AS, &memory) < 0)
		rc = err_sys(err, "limit the memory");
	return rc;
}
