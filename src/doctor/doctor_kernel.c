/*
 * doctor_kernel.c - the kernel: old enough to lack something, built without it, or behind a filter
 * that hides it. Runs in the process that the user started.
 *
 * System calls are made with arguments that cannot do anything; any answer but ENOSYS says that
 * they are there. A container host's filter may answer so too, and is then named.
 */
#include "doctor_parts.h"

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

/* A family of system calls: whether each is there, and their names. */
struct calls {
	const char *names;
	bool (*absent)(void);
};

static bool gone(long rc)
{
	return rc < 0 && errno == ENOSYS;
}

static bool no_mount_api(void)
{
	return gone(sys_fsopen(NULL, FSOPEN_CLOEXEC)) ||
	       gone(sys_open_tree(NO_FD, "", OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)) ||
	       gone(sys_move_mount(NO_FD, "", NO_FD, "",
				   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static bool no_mount_setattr(void)
{
	struct mount_attr attr = { 0 };

	return gone(sys_mount_setattr(NO_FD, "", AT_EMPTY_PATH, &attr));
}

static bool no_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };

	return gone(sys_openat2(NO_FD, "", &how));
}

static bool no_clone3(void)
{
	return gone(syscall(SYS_clone3, NULL, sizeof(struct clone_args)));
}

static bool no_pidfd(void)
{
	return gone(sys_pidfd_open(-1, 0)) || gone(sys_pidfd_send_signal(NO_FD, 0, NULL, 0));
}

static bool no_close_range(void)
{
	return gone(sys_close_range(1, 0, 0));
}

static const struct calls
	mount_api = { "fsopen, open_tree and move_mount", no_mount_api },
	mount_setattr_call = { "mount_setattr, for read-only trees and mapped mounts",
			       no_mount_setattr },
	openat2_call = { "openat2", no_openat2 }, clone3_call = { "clone3", no_clone3 },
	pidfd = { "pidfd_open and pidfd_send_signal", no_pidfd },
	close_range_call = { "close_range", no_close_range };

static void check_calls(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const struct calls *calls = c->arg;

	if (!calls->absent()) {
		say_ok(d, f, "%s", calls->names);
		return;
	}
	if (is_filtered(d)) {
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

/* A module is loaded by the kernel when it is mounted, but only for real root. */
static void check_overlay(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (has_filesystem(d, "overlay")) {
		say_ok(d, f, "overlay is there; layers work in user namespaces since 5.11");
		return;
	}
	say_degraded(
		d, f,
		"overlay is not loaded, and only root can have it loaded: layers need fuse-overlayfs");
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
	{ "kernel.mount-api", DOCTOR_ANY, false, check_calls, &mount_api },
	{ "kernel.mount-setattr", DOCTOR_ANY, false, check_calls, &mount_setattr_call },
	{ "kernel.openat2", DOCTOR_ANY, false, check_calls, &openat2_call },
	{ "kernel.clone3", DOCTOR_ANY, false, check_calls, &clone3_call },
	{ "kernel.pidfd", DOCTOR_ANY, false, check_calls, &pidfd },
	{ "kernel.close-range", DOCTOR_ANY, false, check_calls, &close_range_call },
	{ "kernel.seccomp", DOCTOR_SANDBOX | DOCTOR_PODMAN, false, check_seccomp, NULL },
	{ "kernel.overlay", DOCTOR_PODMAN, false, check_overlay, NULL },
	{ 0 },
};
