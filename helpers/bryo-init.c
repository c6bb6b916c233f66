/*
 * bryo-init - pid 1 of a container with --init.
 *
 *	bryo-init PID GATE
 *
 * Started by the container's init (proc/pid1.c, which has the theory), as whose child PID, the
 * program, waits until the pipe GATE is closed. It reaps what ends, passes every signal on to the
 * program, and ends as that did: with its exit code, or 128+n after signal n. What is left in the
 * pid namespace then is ended by the kernel.
 *
 * The image is hostile, and this is a process in its reach: it holds no secret, no descriptor and
 * no memory but its own; it cannot be traced or looked at, nor its file be opened through
 * /proc/1/exe, by who lacks CAP_SYS_PTRACE in the container; and the filter leaves it nothing to do
 * but this. There is nobody to report an error to: where something fails it goes on with less.
 */
#include "base/sys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#else
#define ARCH 0 /* no filter */
#endif

#define LOAD(member)	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define WHERE(value, skip)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define RETURN(action)	    BPF_STMT(BPF_RET | BPF_K, action)

/* What the loop needs, and what is left to be done before it. */
static void set_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		UNLESS(ARCH, 8),
		LOAD(nr),
		WHERE(SYS_rt_sigtimedwait, 7),
		WHERE(SYS_wait4, 6),
		WHERE(SYS_kill, 5),
		WHERE(SYS_rt_sigqueueinfo, 4),
		WHERE(SYS_close, 3),
		WHERE(SYS_exit_group, 2),
		WHERE(SYS_restart_syscall, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (ARCH)
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* Ends with the program. */
static void reap(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = (pid_t)syscall(SYS_wait4, -1, &status, WNOHANG, NULL)) > 0)
		if (pid == program)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/*
 * Nobody else reaps: the number is the program's as long as we are here. What a terminal's driver
 * sent went to the whole process group, where the session is the caller's: the program has it.
 */
static void pass_on(pid_t program, siginfo_t *info)
{
	if (info->si_code == SI_KERNEL)
		return;
	if (info->si_code == SI_QUEUE)
		(void)syscall(SYS_rt_sigqueueinfo, program, info->si_signo, info);
	else
		(void)kill(program, info->si_signo);
}

int main(int argc, char *argv[])
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t all;
	pid_t program;

	if (argc != 3 || getpid() != 1)
		return 126;
	program = (pid_t)strtol(argv[1], NULL, 10);
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)sigaction(SIGCHLD, &plain, NULL);
	(void)prctl(PR_SET_NAME, argv[0], 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	set_filter();
	(void)close((int)strtol(argv[2], NULL, 10));
	for (;;) {
		siginfo_t info;
		int sig = (int)syscall(SYS_rt_sigtimedwait, &all, &info, NULL, 8);

		if (sig == SIGCHLD)
			reap(program);
		else if (sig > 0)
			pass_on(program, &info);
	}
}
