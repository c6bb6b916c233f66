/*
 * seccomp_default.c - our own default profile, as data: what a program needs that has no
 * privilege in its container. [pure]
 *
 * It is a list of what is allowed, as container engines have it. The default is EPERM; what is
 * newer than the newest name below gets ENOSYS (feature/seccomp_compile.c), so that a libc from the
 * future falls back to what it did before. Names that only some machine or some libseccomp has
 * are skipped there.
 *
 * Left out on purpose, by what an attacker does with them:
 *	new views of the host	mount, umount2, pivot_root, the new mount API, chroot, setns,
 *				unshare, clone with a namespace flag, open_by_handle_at
 *	kernel attack surface	bpf, perf_event_open, userfaultfd, io_uring_*, keyctl and
 *				its kin (not namespaced), fanotify_init, lookup_dcookie, vm86
 *	the machine itself	reboot, kexec_*, *_module, swapon, acct, quotactl, syslog, iopl,
 *				ioperm, settimeofday, clock_settime, sethostname, vhangup
 *	other tenants' memory	move_pages, migrate_pages, mbind and the other NUMA policies
 * ptrace and process_vm_* are in: since 4.8 they cannot be used to get around a filter, and
 * debuggers are ordinary programs. clone3 is ENOSYS because its flags are behind a pointer.
 */
#include "seccomp_default.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

static const char allowed[] =
	"accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown "
	"chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
	"clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect "
	"copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
	"epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit "
	"exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir "
	"fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr "
	"file_getattr file_setattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 "
	"fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu "
	"getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups "
	"getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom "
	"getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname "
	"getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch "
	"inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents "
	"io_pgetevents io_pgetevents_time64 io_setup io_submit ioprio_get ioprio_set ipc kcmp "
	"kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 "
	"lgetxattr link linkat listen listxattr listxattrat llistxattr _llseek lremovexattr lseek "
	"lsetxattr lsm_get_self_attr lsm_list_modules lstat lstat64 madvise map_shadow_stack "
	"membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 "
	"mlockall mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive "
	"mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl "
	"msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep "
	"newfstatat _newselect open openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal "
	"pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 "
	"preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv "
	"process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read "
	"readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
	"remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall "
	"rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
	"rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
	"sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
	"sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
	"sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp "
	"select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 "
	"sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid "
	"setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid "
	"setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid "
	"setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl "
	"shmdt shmget shutdown sigaction sigaltstack signalfd signalfd4 sigpending sigprocmask "
	"sigreturn sigsuspend socketcall socketpair splice stat stat64 statfs statfs64 statx "
	"symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time "
	"timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
	"timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
	"timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat "
	"uprobe uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid "
	"waitpid write writev "
	/* one machine's own */
	"arch_prctl arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush get_tls "
	"riscv_flush_icache riscv_hwprobe s390_guarded_storage s390_runtime_instr s390_sthyi "
	"set_tls swapcontext sysmips";

#define NAMESPACES 0x7e020000u /* every CLONE_NEW* that clone() takes */
#define TIOCSTI	   0x5412u
#define AF_VSOCK   40

static void rule_begin(struct json_out *o, const char *names)
{
	json_out_object(o, NULL);
	json_out_array(o, "names");
	while (*names) {
		size_t n = strcspn(names, " ");
		char name[48];

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, names);
		json_out_str(o, NULL, name);
		names += n + strspn(names + n, " ");
	}
	json_out_end(o, ']');
}

static void rule_end(struct json_out *o, const char *action, unsigned num)
{
	json_out_str(o, "action", action);
	if (num)
		json_out_u64(o, "errnoRet", num);
	json_out_end(o, '}');
}

static void arg(struct json_out *o, unsigned index, const char *op, uint64_t value,
		uint64_t value_two)
{
	json_out_object(o, NULL);
	json_out_u64(o, "index", index);
	json_out_u64(o, "value", value);
	if (value_two)
		json_out_u64(o, "valueTwo", value_two);
	json_out_str(o, "op", op);
	json_out_end(o, '}');
}

/*
 * The kernel looks at 32 bits of an int and a filter compares 64, so "not equal" would let
 * 0x1_0000_5412 through (CVE-2019-10063), and there is no masked "not equal". What differs from
 * value in some bit is allowed.
 */
static void rule_differs(struct json_out *o, const char *name, unsigned index, uint32_t value)
{
	rule_begin(o, name);
	json_out_array(o, "args");
	for (unsigned bit = 0; bit < 32; bit++)
		arg(o, index, "SCMP_CMP_MASKED_EQ", 1u << bit, ~value & (1u << bit));
	json_out_end(o, ']');
	rule_end(o, "SCMP_ACT_ALLOW", 0);
}

static void rule_if(struct json_out *o, const char *name, unsigned index, const char *op,
		    uint64_t value)
{
	rule_begin(o, name);
	json_out_array(o, "args");
	arg(o, index, op, value, 0);
	json_out_end(o, ']');
	rule_end(o, "SCMP_ACT_ALLOW", 0);
}

/* The usual ones: Linux, 32-bit, the two with old uname, and asking which it is. */
static void rule_personality(struct json_out *o)
{
	static const uint32_t values[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };

	rule_begin(o, "personality");
	json_out_array(o, "args");
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		arg(o, 0, "SCMP_CMP_EQ", values[i], 0);
	json_out_end(o, ']');
	rule_end(o, "SCMP_ACT_ALLOW", 0);
}

static void architectures(struct json_out *o, const char *machine)
{
	static const struct {
		const char *machine, *arch;
	} second[] = {
		{ "x86_64", "SCMP_ARCH_X86" }, /* not x32: hardly a kernel has it */
		{ "aarch64", "SCMP_ARCH_ARM" },
		{ "s390x", "SCMP_ARCH_S390" },
	};

	json_out_array(o, "architectures");
	for (size_t i = 0; i < ARRAY_LEN(second); i++)
		if (str_eq(machine, second[i].machine))
			json_out_str(o, NULL, second[i].arch);
	json_out_end(o, ']');
}

void seccomp_default_out(struct json_out *o, const char *key, const char *machine)
{
	json_out_object(o, key);
	json_out_str(o, "defaultAction", "SCMP_ACT_ERRNO");
	json_out_u64(o, "defaultErrnoRet", EPERM);
	architectures(o, machine);
	json_out_array(o, "syscalls");
	rule_begin(o, allowed);
	rule_end(o, "SCMP_ACT_ALLOW", 0);
	/* CLONE_NEWTIME is not in the mask: in clone() its bit belongs to the exit signal */
	rule_if(o, "clone", str_starts(machine, "s390") ? 1 : 0, "SCMP_CMP_MASKED_EQ", NAMESPACES);
	/*
	 * vsock knows no namespaces and reaches the hypervisor; what comes after it is as rare. The
	 * 32-bit socketcall has its arguments behind a pointer and libseccomp lets its socket() in
	 * with this rule, so there it stays within reach, as with other engines.
	 */
	rule_if(o, "socket", 0, "SCMP_CMP_LT", AF_VSOCK);
	/* types into the caller's terminal (CVE-2017-5226) */
	rule_differs(o, "ioctl", 1, TIOCSTI);
	rule_personality(o);
	rule_begin(o, "clone3");
	rule_end(o, "SCMP_ACT_ERRNO", ENOSYS);
	json_out_end(o, ']');
	json_out_end(o, '}');
}
