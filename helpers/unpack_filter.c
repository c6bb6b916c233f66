/*
 * unpack_filter.c - system calls that writing files never needs, and that whoever took bryo-unpack
 * over would. Runs in bryo-unpack, last thing before the first byte of an archive.
 *
 * No program can be started and no code be mapped any more: that also ends every late look of a
 * library for a module, which in the jail would be the archive's. A list of what is refused, not of
 * what is allowed, so that a newer C library cannot break it; the jail is what holds without it.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#else
#define ARCH 0 /* none */
#endif

#define X32 0x40000000u

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW 4
#else
#define LOW 0
#endif

/* With protection as the third argument: refused where the memory could be executed. */
static const int maps[] = { SYS_mmap, SYS_mprotect, SYS_pkey_mprotect };

static const int never[] = {
	SYS_execve,
	SYS_execveat,
	SYS_clone,
	SYS_clone3,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	SYS_socket,
	SYS_socketpair,
	SYS_ptrace,
	SYS_personality, /* READ_IMPLIES_EXEC */
	SYS_shmat,	 /* SHM_EXEC */
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_unshare,
	SYS_setns,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_open_by_handle_at,
};

static struct sock_filter load(size_t offset)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter answer(uint32_t what)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what);
}

/* Goes on with the next instruction where it is equal, and past it where it is not. */
static struct sock_filter unless(uint32_t value)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
}

void filter_enter(void)
{
	struct sock_filter f[128];
	struct sock_fprog program = { .filter = f };
	unsigned short n = 0;

	if (!ARCH)
		return;
	f[n++] = load(offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	f[n++] = answer(SECCOMP_RET_KILL_PROCESS);
	f[n++] = load(offsetof(struct seccomp_data, nr));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
	f[n++] = answer(SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		f[n++] = unless((uint32_t)never[i]);
		f[n++] = answer(SECCOMP_RET_ERRNO | EPERM);
	}
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		/* not this call: past its four instructions */
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)maps[i],
						      0, 4);
		f[n++] = load(offsetof(struct seccomp_data, args[2]) + LOW);
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
		f[n++] = answer(SECCOMP_RET_ERRNO | EPERM);
		f[n++] = answer(SECCOMP_RET_ALLOW);
	}
	f[n++] = answer(SECCOMP_RET_ALLOW);
	program.len = n;
	/* a kernel without filters still has the jail */
	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
