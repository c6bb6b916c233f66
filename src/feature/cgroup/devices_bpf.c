/*
 * devices_bpf.c - a device program into the kernel and onto a cgroup, by bpf(2) itself.
 *
 * Ours are known by their name; a program is never pinned, so it goes with the cgroup. To load one
 * needs CAP_BPF and CAP_NET_ADMIN, and to open the one that is to be replaced CAP_SYS_ADMIN, all of
 * them in the initial user namespace. RLIMIT_MEMLOCK does not count programs since 5.11, which is
 * before our floor.
 *
 * Nothing locks a cgroup's list. Of several that are ours the last one stays, whoever attached it:
 * the kernel appends to the list and BPF_F_REPLACE keeps the place, so that nobody removes a
 * program but for one behind it. Two calls at once end with one program, never with none.
 */
#include "devices.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define OURS		 "bryo_devices" /* at most 15 characters (BPF_OBJ_NAME_LEN) */
#define LICENSE		 "Apache-2.0"	/* calls no helper, so none that is for the GPL alone */
#define PROGRAMS_MAX	 64		/* of one type on one cgroup (BPF_CGROUP_MAX_PROGS) */
#define TRIES		 64
#define USER_NS_INIT_INO 0xEFFFFFFDu /* the kernel's fixed number of the first user namespace */

struct ids {
	uint32_t v[PROGRAMS_MAX];
	uint32_t n;
};

/* Descriptors that it returns are close-on-exec. */
static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static bool in_first_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == USER_NS_INIT_INO;
}

/* Of a call whose errno says little by itself; reads errno. */
static int refused(struct err *err, const char *what)
{
	int rc = err_sys(err, "%s", what);

	switch (-rc) {
	case EPERM:
	case EACCES:
		if (!in_first_user_namespace())
			return err_hint(err, rc,
					"device rules need root outside of a user namespace");
		return err_hint(
			err, rc,
			"device rules need CAP_SYS_ADMIN, CAP_BPF and CAP_NET_ADMIN, and a security "
			"module, lockdown or seccomp may forbid bpf(2) all the same");
	case ENOSYS:
		return err_hint(err, rc,
				"the kernel lacks CONFIG_BPF_SYSCALL, or seccomp hides bpf(2)");
	case EBADF:
		return err_hint(err, rc, "that is not a directory of cgroup v2");
	default:
		return rc;
	}
}

/* What the verifier said last, before its statistics; "" when it said nothing. */
static const char *last_words(char *log)
{
	char *line = log, *stats = strstr(log, "\nprocessed ");

	if (stats)
		*stats = '\0';
	for (char *p = log; *p; p++)
		if (*p == '\n' && p[1] && p[1] != '\n')
			line = p + 1;
	return line;
}

/* The load once more for the verifier's reason: with a log it is several times slower. */
static int load_refused(union bpf_attr attr, int num, struct err *err)
{
	size_t size = 1 << 20;
	auto_free char *log = mem_alloc(size);
	auto_fd int fd = -1;
	int rc;

	attr.log_buf = pointer(log);
	attr.log_size = (uint32_t)size - 1;
	attr.log_level = 1;
	if (num != EPERM && num != ENOSYS)
		fd = sys_bpf(BPF_PROG_LOAD, &attr);
	errno = num;
	if (*log) {
		rc = err_sys(err, "load the device program");
		return err_hint(err, rc, "the kernel's verifier: %s", last_words(log));
	}
	if (num == EINVAL) /* no such type of program: the verifier was not asked */
		return err_set(err, ENOSYS,
			       "load the device program: the kernel lacks CONFIG_CGROUP_BPF");
	return refused(err, "load the device program");
}

static int load(const struct device_program *p, struct err *err)
{
	union bpf_attr attr;
	int fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = pointer(p->v);
	attr.insn_cnt = (uint32_t)p->n;
	attr.license = pointer(LICENSE);
	memcpy(attr.prog_name, OURS, sizeof(OURS));
	errno = EAGAIN; /* the verifier gives up when a signal is pending */
	for (int i = 0; i < TRIES && fd < 0 && errno == EAGAIN; i++)
		fd = sys_bpf(BPF_PROG_LOAD, &attr);
	return fd >= 0 ? fd : load_refused(attr, errno, err);
}

/* -ENOENT: it has gone meanwhile, which is no error here. */
static int open_program(uint32_t id, struct err *err)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : refused(err, "open an attached device program");
}

/* 1: named as ours are. */
static int is_ours(uint32_t id, struct err *err)
{
	auto_fd int fd = open_program(id, err);
	struct bpf_prog_info info;
	union bpf_attr attr;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = pointer(&info);
	if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		return refused(err, "look at an attached device program");
	return strncmp(info.name, OURS, sizeof(info.name)) == 0;
}

/* Ours on this cgroup itself, in the kernel's order. */
static int find_ours(int cgroupfd, struct ids *ret, struct err *err)
{
	struct ids all = { .n = 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroupfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = pointer(all.v);
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attr) < 0)
		return refused(err, "list the cgroup's device programs");
	ret->n = 0;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < PROGRAMS_MAX; i++) {
		int rc = is_ours(all.v[i], err);

		if (rc < 0)
			return rc;
		if (rc > 0)
			ret->v[ret->n++] = all.v[i];
	}
	return 0;
}

static int attach_refused(struct err *err)
{
	int rc = -errno;

	if (rc != -EPERM) /* the privilege was enough for the load */
		return refused(err, "attach the device program");
	rc = err_sys(err, "attach the device program");
	return err_hint(err, rc,
			"a program on this cgroup or above it does not allow others beside it "
			"(BPF_F_ALLOW_MULTI)");
}

/* In the place of the last one of ours. -ENOENT: somebody was faster, look again. */
static int attach(int cgroupfd, int program, const struct ids *ours, struct err *err)
{
	auto_fd int old = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroupfd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (ours->n) {
		old = open_program(ours->v[ours->n - 1], err);
		if (old < 0)
			return old;
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (sys_bpf(BPF_PROG_ATTACH, &attr) == 0)
		return 0;
	return errno == ENOENT && ours->n ? -ENOENT : attach_refused(err);
}

/* All of them but the last `keep`. */
static int detach(int cgroupfd, const struct ids *ours, uint32_t keep, struct err *err)
{
	for (uint32_t i = 0; i + keep < ours->n; i++) {
		auto_fd int fd = open_program(ours->v[i], err);
		union bpf_attr attr;

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		memset(&attr, 0, sizeof(attr));
		attr.target_fd = (uint32_t)cgroupfd;
		attr.attach_bpf_fd = (uint32_t)fd;
		attr.attach_type = BPF_CGROUP_DEVICE;
		if (sys_bpf(BPF_PROG_DETACH, &attr) < 0 && errno != ENOENT)
			return refused(err, "detach a device program");
	}
	return 0;
}

static int remove_ours(int cgroupfd, struct err *err)
{
	struct err why = ERR_INIT;
	struct ids ours;
	int rc = find_ours(cgroupfd, &ours, &why);

	if (rc == -ENOSYS || rc == -EINVAL)
		return 0; /* a kernel without them has none */
	if (rc == 0)
		return detach(cgroupfd, &ours, 0, err);
	if (err)
		*err = why;
	return rc;
}

int device_program_attach(int cgroupfd, const struct device_program *p, struct err *err)
{
	auto_fd int program = -1;
	struct ids ours;
	int rc = -ENOENT;

	if (p->allows_all)
		return remove_ours(cgroupfd, err);
	program = load(p, err);
	if (program < 0)
		return program;
	for (int i = 0; i < TRIES && rc == -ENOENT; i++) {
		rc = find_ours(cgroupfd, &ours, err);
		if (rc == 0)
			rc = attach(cgroupfd, program, &ours, err);
	}
	if (rc == -ENOENT)
		return err_set(err, EBUSY, "attach the device program: others keep replacing it");
	if (rc == 0)
		rc = find_ours(cgroupfd, &ours, err);
	return rc < 0 ? rc : detach(cgroupfd, &ours, 1, err);
}
