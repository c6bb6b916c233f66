/*
 * doctor_kernel.c - the kernel: old enough to lack something, built without it, or behind a filter
 * that hides it. Runs in the process that the user started.
 *
 * System calls are made with arguments that cannot do anything; any answer but ENOSYS says that
 * they are there. A container host's filter may answer so too, and is then named. One that answers
 * EPERM looks like what the kernel says to who has no rights, so they are made once more where there
 * are some: in the throw-away namespaces of doctor_tryout.c, by kernel_refused().
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>

#define FLOOR_MAJOR 5
#define FLOOR_MINOR 14
#define NO_FD	    (-1)

static bool is_filtered(struct doctor *d)
{
	return strstr(read_text(d, "/proc/self/status"), "\nSeccomp:\t2") != NULL;
}

static void check_version(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct host *h = &d->host;

	(void)c;
	if (h->kernel_major > FLOOR_MAJOR ||
	    (h->kernel_major == FLOOR_MAJOR && h->kernel_minor >= FLOOR_MINOR)) {
		say_ok(d, f, "Linux %u.%u", h->kernel_major, h->kernel_minor);
		return;
	}
	say_missing(d, f, "Linux %u.%u is too old: bryo needs %u.%u", h->kernel_major,
		    h->kernel_minor, FLOOR_MAJOR, FLOOR_MINOR);
	say_remedy(d, f, "boot a newer kernel: every distribution of 2022 or later has one");
}

/* A family of system calls: whether one of them ends with num, and their names. */
struct calls {
	const char *names;
	bool (*end)(int num);
	bool rights; /* the kernel itself says EPERM to who has none */
};

static bool ends(long rc, int num)
{
	return rc < 0 && errno == num;
}

static bool end_mount_api(int num)
{
	return ends(sys_fsopen(NULL, FSOPEN_CLOEXEC), num) ||
	       ends(sys_open_tree(NO_FD, "", OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), num) ||
	       ends(sys_move_mount(NO_FD, "", NO_FD, "",
				   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
		    num);
}

static bool end_mount_setattr(int num)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	return ends(sys_mount_setattr(NO_FD, "", AT_EMPTY_PATH, &attr), num);
}

static bool end_openat2(int num)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };

	return ends(sys_openat2(NO_FD, "", &how), num);
}

static bool end_clone3(int num)
{
	return ends(syscall(SYS_clone3, NULL, sizeof(struct clone_args)), num);
}

static bool end_pidfd(int num)
{
	return ends(sys_pidfd_open(-1, 0), num) ||
	       ends(sys_pidfd_send_signal(NO_FD, 0, NULL, 0), num);
}

static bool end_close_range(int num)
{
	return ends(sys_close_range(1, 0, 0), num);
}

static const struct calls all_calls[] = {
	{ "fsopen, open_tree and move_mount", end_mount_api, true },
	{ "mount_setattr, for read-only trees and mapped mounts", end_mount_setattr, true },
	{ "openat2", end_openat2, false },
	{ "clone3", end_clone3, false },
	{ "pidfd_open and pidfd_send_signal", end_pidfd, false },
	{ "close_range", end_close_range, false },
};

unsigned kernel_refused(void)
{
	unsigned refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(all_calls); i++)
		if (all_calls[i].rights && all_calls[i].end(EPERM))
			refused |= 1u << i;
	return refused;
}

static void check_calls(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct calls *calls = c->arg;
	bool refused = calls->rights ? d->tryout.refused & 1u << (calls - all_calls)
				     : calls->end(EPERM);

	if (!refused && !calls->end(ENOSYS)) {
		say_ok(d, f, "%s", calls->names);
		return;
	}
	if (refused || is_filtered(d)) {
		say_missing(d, f,
			    "%s: refused by a seccomp filter, most likely the outer container's",
			    calls->names);
		say_remedy(
			d, f,
			"docker and podman: --security-opt seccomp=PROFILE, with one that allows them");
		return;
	}
	say_missing(d, f, "%s: this kernel does not know them", calls->names);
	say_remedy(d, f, "boot Linux %u.%u or newer", FLOOR_MAJOR, FLOOR_MINOR);
}

static bool has_filesystem(struct doctor *d, const char *name)
{
	const char *at =
		strstr(read_text(d, "/proc/filesystems"), arena_printf(d->a, "\t%s\n", name));

	return at != NULL;
}

/* A module is loaded by the kernel when somebody asks for the file system, root or not. */
static void check_overlay(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (has_filesystem(d, "overlay") || (d->tryout.done && d->tryout.overlay == 0)) {
		say_ok(d, f, "overlay is there; layers work in user namespaces since 5.11");
		return;
	}
	say_degraded(
		d, f,
		"the kernel neither has overlay nor loads it when asked: layers need fuse-overlayfs");
	say_remedy(d, f,
		   "%smodprobe overlay && echo overlay | %stee /etc/modules-load.d/overlay.conf",
		   d->sudo, d->sudo);
}

static void check_seccomp(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	unsigned action = SECCOMP_RET_ERRNO;

	(void)c;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0) {
		say_missing(d, f, "the kernel has no system call filters");
		say_remedy(d, f, "boot a kernel with CONFIG_SECCOMP_FILTER=y");
		return;
	}
#ifdef HAVE_SECCOMP
	say_ok(d, f, "in the kernel and in bryo");
#else
	say_degraded(
		d, f,
		"the kernel has it, but bryo was built without: configs with a profile are refused");
	say_remedy(d, f, "build bryo where libseccomp's development files are");
#endif
}

const struct doctor_check doctor_kernel_checks[] = {
	{ "kernel.version", DOCTOR_ANY, true, check_version, NULL },
	{ "kernel.mount-api", DOCTOR_ANY, false, check_calls, &all_calls[0] },
	{ "kernel.mount-setattr", DOCTOR_ANY, false, check_calls, &all_calls[1] },
	{ "kernel.openat2", DOCTOR_ANY, false, check_calls, &all_calls[2] },
	{ "kernel.clone3", DOCTOR_ANY, false, check_calls, &all_calls[3] },
	{ "kernel.pidfd", DOCTOR_ANY, false, check_calls, &all_calls[4] },
	{ "kernel.close-range", DOCTOR_ANY, false, check_calls, &all_calls[5] },
	{ "kernel.seccomp", DOCTOR_SANDBOX | DOCTOR_PODMAN, false, check_seccomp, NULL },
	{ "kernel.overlay", DOCTOR_PODMAN, false, check_overlay, NULL },
	{ 0 },
};
