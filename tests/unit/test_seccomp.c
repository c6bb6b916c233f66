/*
 * test_seccomp.c - the checks of linux.seccomp row by row, then real filters, each tried in a
 * forked child: what the kernel answers is the result, not what the instructions look like.
 */
#include "tap.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "feature/seccomp.h"
#include "oci/seccomp_default.h"
#include "oci/spec_load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define RULE(names, action) "{\"names\":[" names "],\"action\":\"" action "\"}"
#define PROFILE(def, rest)  "{\"defaultAction\":\"" def "\"" rest "}"
#define CALLS(rules)	    ",\"syscalls\":[" rules "]"
#define ALLOW_BUT(rules)    PROFILE("SCMP_ACT_ALLOW", CALLS(rules))
#define IF(names, ret, args)                                                     \
	"{\"names\":[" names "],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":" ret \
	",\"args\":[" args "]}"
#define ARG(i, v, op) "{\"index\":" i ",\"value\":" v ",\"op\":\"SCMP_CMP_" op "\"}"

static const struct spec_seccomp *parse(struct arena *a, const char *seccomp)
{
	char *text =
		arena_printf(a, "{\"ociVersion\":\"1.2.0\",\"linux\":{\"seccomp\":%s}}", seccomp);
	struct err err = ERR_INIT;
	struct spec *spec;
	char buf[ERR_TEXT];

	if (spec_parse(a, "test", text, strlen(text), &spec, &err) < 0) {
		printf("# %s\n", err_format(&err, buf, sizeof(buf)));
		return NULL;
	}
	return spec->linux_.seccomp;
}

static const struct {
	const char *what, *json, *error; /* NULL: none */
} checks[] = {
	{ "the smallest profile", PROFILE("SCMP_ACT_ALLOW", ""), NULL },
	{ "unknown default action", PROFILE("SCMP_ACT_MAYBE", ""),
	  "linux.seccomp.defaultAction: unknown action 'SCMP_ACT_MAYBE'" },
	{ "lower-case action", PROFILE("scmp_act_allow", ""), "unknown action 'scmp_act_allow'" },
	{ "unknown action of a rule", ALLOW_BUT(RULE("\"read\"", "SCMP_ACT_NO")),
	  "linux.seccomp.syscalls[0]: unknown action 'SCMP_ACT_NO'" },
	{ "notify as the default", PROFILE("SCMP_ACT_NOTIFY", ",\"listenerPath\":\"/x\""),
	  "cannot be the default" },
	{ "notify on sendmsg",
	  PROFILE("SCMP_ACT_ALLOW", CALLS(RULE("\"read\",\"sendmsg\"", "SCMP_ACT_NOTIFY"))),
	  "cannot be used for sendmsg" },
	{ "notify without a listener", ALLOW_BUT(RULE("\"read\"", "SCMP_ACT_NOTIFY")),
	  "without listenerPath" },
	{ "notify with a listener",
	  PROFILE("SCMP_ACT_ALLOW",
		  ",\"listenerPath\":\"/x\"" CALLS(RULE("\"read\"", "SCMP_ACT_NOTIFY"))),
	  NULL },
	{ "metadata without a listener", PROFILE("SCMP_ACT_ALLOW", ",\"listenerMetadata\":\"m\""),
	  "there is no listenerPath" },
	{ "errnoRet with allow",
	  ALLOW_BUT("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":1}"),
	  "errnoRet: SCMP_ACT_ALLOW returns no number" },
	{ "errnoRet with kill",
	  ALLOW_BUT("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1}"),
	  "returns no number" },
	{ "errnoRet too big",
	  ALLOW_BUT("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":4096}"),
	  "takes at most 4095" },
	{ "errnoRet of trace",
	  ALLOW_BUT("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535}"),
	  NULL },
	{ "errnoRet of trace too big",
	  ALLOW_BUT("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65536}"),
	  "takes at most 65535" },
	{ "defaultErrnoRet with allow", PROFILE("SCMP_ACT_ALLOW", ",\"defaultErrnoRet\":1"),
	  "linux.seccomp.defaultAction: errnoRet" },
	{ "unknown operator", ALLOW_BUT(IF("\"read\"", "1", ARG("0", "1", "LIKE"))),
	  "args[0]: unknown operator 'SCMP_CMP_LIKE'" },
	{ "argument 5", ALLOW_BUT(IF("\"read\"", "1", ARG("5", "1", "EQ"))), NULL },
	{ "argument 6", ALLOW_BUT(IF("\"read\"", "1", ARG("0", "1", "EQ") "," ARG("6", "1", "EQ"))),
	  "args[1].index 6" },
	{ "no names", ALLOW_BUT(RULE("", "SCMP_ACT_LOG")), "names is empty" },
	{ "unknown architecture",
	  PROFILE("SCMP_ACT_ALLOW", ",\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_VAX\"]"),
	  "linux.seccomp.architectures[1]: unknown architecture 'SCMP_ARCH_VAX'" },
	{ "unknown flag",
	  PROFILE("SCMP_ACT_ALLOW", ",\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]"),
	  "linux.seccomp.flags[0]: unknown flag" },
	{ "all flags",
	  PROFILE("SCMP_ACT_ALLOW",
		  ",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_LOG\","
		  "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"),
	  NULL },
};

static void test_checks(void)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct notes notes = { .arena = &a };
		const struct spec_seccomp *spec = parse(&a, checks[i].json);
		struct err err = ERR_INIT;
		struct seccomp_plan plan;
		char buf[ERR_TEXT];
		int rc = spec ? seccomp_plan(&a, spec, -1, false, &notes, &plan, &err) : -1;

		if (!checks[i].error) {
			ok(rc == 0 && plan.active && !plan.filter, "check: %s", checks[i].what);
			continue;
		}
		err_format(&err, buf, sizeof(buf));
		if (!ok(rc == -EINVAL && strstr(buf, checks[i].error), "check: %s", checks[i].what))
			printf("# %d %s\n", rc, buf);
	}
}

static const struct {
	const char *what, *json;
	unsigned flags;
	bool notify;
} flag_rows[] = {
	{ "absent means speculation allowed", PROFILE("SCMP_ACT_ALLOW", ""), 4, false },
	{ "an empty list means none", PROFILE("SCMP_ACT_ALLOW", ",\"flags\":[]"), 0, false },
	{ "log", PROFILE("SCMP_ACT_ALLOW", ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]"), 2, false },
	{ "killable wait is dropped without a listener",
	  PROFILE("SCMP_ACT_ALLOW", ",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"), 0,
	  false },
	{ "killable wait with a listener",
	  PROFILE("SCMP_ACT_ALLOW",
		  ",\"listenerPath\":\"/x\",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]" CALLS(
			  RULE("\"umask\"", "SCMP_ACT_NOTIFY"))),
	  32 | 8, true },
	{ "tsync with a listener wants ESRCH",
	  PROFILE("SCMP_ACT_ALLOW",
		  ",\"listenerPath\":\"/x\",\"flags\":["
		  "\"SECCOMP_FILTER_FLAG_TSYNC\"]" CALLS(RULE("\"umask\"", "SCMP_ACT_NOTIFY"))),
	  1 | 8 | 16, true },
};

static void test_flags(void)
{
	for (size_t i = 0; i < ARRAY_LEN(flag_rows); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct notes notes = { .arena = &a };
		const struct spec_seccomp *spec = parse(&a, flag_rows[i].json);
		struct seccomp_plan plan = { 0 };

		(void)seccomp_plan(&a, spec, -1, false, &notes, &plan, NULL);
		if (!ok(plan.flags == flag_rows[i].flags && plan.notify == flag_rows[i].notify,
			"flags: %s", flag_rows[i].what))
			printf("# flags %u notify %d\n", plan.flags, plan.notify);
	}
}

/* A system call with arguments as they are, by the native ABI or (x86-64) the 32-bit one. */
struct call {
	bool compat;
	long nr;
	unsigned long arg[6];
};

static long call_make(const struct call *c)
{
	long rc;

#ifdef __x86_64__
	if (c->compat) {
		__asm__ volatile("int $0x80"
				 : "=a"(rc)
				 : "a"(c->nr), "b"(c->arg[0]), "c"(c->arg[1]), "d"(c->arg[2])
				 : "memory", "r8", "r9", "r10", "r11");
		return rc < 0 ? -rc : 0;
	}
#endif
	rc = syscall(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
	return rc < 0 ? errno : 0;
}

#define KILLED	   1000 /* by SIGSYS */
#define NOT_LOADED 255

/* What the call gives under the filter: 0, its errno, or KILLED. */
static int try(const struct seccomp_plan *plan, const struct call *c)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		long rc;

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_inside(plan, NULL) < 0)
			_exit(NOT_LOADED);
		rc = call_make(c);
		if ((c->nr == SYS_clone || c->nr == SYS_clone3) && getpid() != syscall(SYS_gettid))
			_exit(0);
		_exit((int)rc);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int compile(struct arena *a, const char *json, int dir, struct notes *notes,
		   struct seccomp_plan *ret)
{
	const struct spec_seccomp *spec = parse(a, json);
	struct err err = ERR_INIT;
	char buf[ERR_TEXT];
	int rc = spec ? seccomp_plan(a, spec, dir, true, notes, ret, &err) : -1;

	if (rc < 0)
		printf("# %s\n", err_format(&err, buf, sizeof(buf)));
	return rc;
}

static void expect(const char *what, const char *json, const struct call *c, int want)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	struct seccomp_plan plan;
	int got = compile(&a, json, -1, &notes, &plan) < 0 ? -1 : try(&plan, c);

	if (!ok(got == want, "%s", what))
		printf("#  got: %d\n# want: %d\n", got, want);
}

#define UMASK(v)                  \
	{                         \
		false, SYS_umask, \
		{                 \
			v         \
		}                 \
	}
#define UMASK_IF(args) ALLOW_BUT(IF("\"umask\"", "7", args))
/* sigaltstack: what a sanitizer calls on the way to _exit */
#define ALLOWED	       "\"sigaltstack\",\"exit\",\"exit_group\",\"statx\",\"getpid\",\"gettid\""
#define DENY_ALL       PROFILE("SCMP_ACT_ERRNO", CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW")))

static const struct {
	const char *what, *json;
	struct call call;
	int want;
} filters[] = {
	{ "allow", PROFILE("SCMP_ACT_ALLOW", ""), UMASK(0), 0 },
	{ "log", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_LOG")), UMASK(0), 0 },
	{ "errno without errnoRet is EPERM", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_ERRNO")),
	  UMASK(0), EPERM },
	{ "errnoRet", ALLOW_BUT(IF("\"umask\"", "42", "")), UMASK(0), 42 },
	{ "errnoRet 0 pretends success", ALLOW_BUT(IF("\"umask\"", "0", "")), UMASK(0), 0 },
	{ "trace without a tracer is ENOSYS", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_TRACE")),
	  UMASK(0), ENOSYS },
	{ "kill", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_KILL")), UMASK(0), KILLED },
	{ "kill thread", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_KILL_THREAD")), UMASK(0), KILLED },
	{ "kill process", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_KILL_PROCESS")), UMASK(0), KILLED },
	{ "trap", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_TRAP")), UMASK(0), KILLED },
	{ "the second name of a rule",
	  ALLOW_BUT(RULE("\"nothing_of_this_name\",\"umask\"", "SCMP_ACT_ERRNO")), UMASK(0),
	  EPERM },
	{ "a rule like the default is skipped",
	  ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_ALLOW") "," RULE("\"umask\"", "SCMP_ACT_ERRNO")),
	  UMASK(0), EPERM },
	{ "defaultErrnoRet",
	  PROFILE("SCMP_ACT_ERRNO",
		  ",\"defaultErrnoRet\":9" CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))),
	  UMASK(0), 9 },
	{ "an old call that is not named gives the default", DENY_ALL, UMASK(0), EPERM },
	{ "a call newer than the profile gives ENOSYS", DENY_ALL, { false, 4000, { 0 } }, ENOSYS },
	{ "also where the default kills",
	  PROFILE("SCMP_ACT_KILL_PROCESS", CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))),
	  { false, 4000, { 0 } },
	  ENOSYS },
	{ "a named call is allowed", DENY_ALL, { false, SYS_getpid, { 0 } }, 0 },
	{ "equal", UMASK_IF(ARG("0", "5", "EQ")), UMASK(5), 7 },
	{ "equal, other value", UMASK_IF(ARG("0", "5", "EQ")), UMASK(4), 0 },
	{ "not equal", UMASK_IF(ARG("0", "5", "NE")), UMASK(4), 7 },
	{ "not equal, same value", UMASK_IF(ARG("0", "5", "NE")), UMASK(5), 0 },
	{ "less", UMASK_IF(ARG("0", "5", "LT")), UMASK(4), 7 },
	{ "less, equal value", UMASK_IF(ARG("0", "5", "LT")), UMASK(5), 0 },
	{ "less or equal", UMASK_IF(ARG("0", "5", "LE")), UMASK(5), 7 },
	{ "less or equal, above", UMASK_IF(ARG("0", "5", "LE")), UMASK(6), 0 },
	{ "greater or equal", UMASK_IF(ARG("0", "5", "GE")), UMASK(5), 7 },
	{ "greater or equal, below", UMASK_IF(ARG("0", "5", "GE")), UMASK(4), 0 },
	{ "greater", UMASK_IF(ARG("0", "5", "GT")), UMASK(6), 7 },
	{ "greater, equal value", UMASK_IF(ARG("0", "5", "GT")), UMASK(5), 0 },
	{ "masked equal",
	  UMASK_IF("{\"index\":0,\"value\":6,\"valueTwo\":4,\"op\":\"SCMP_CMP_MASKED_EQ\"}"),
	  UMASK(0x1d), 7 },
	{ "masked equal, a masked bit differs",
	  UMASK_IF("{\"index\":0,\"value\":6,\"valueTwo\":4,\"op\":\"SCMP_CMP_MASKED_EQ\"}"),
	  UMASK(6), 0 },
	{ "two arguments are an and",
	  ALLOW_BUT(IF("\"umask\"", "7", ARG("0", "5", "EQ") "," ARG("1", "6", "EQ"))),
	  { false, SYS_umask, { 5, 6 } },
	  7 },
	{ "one of two arguments is not enough",
	  ALLOW_BUT(IF("\"umask\"", "7", ARG("0", "5", "EQ") "," ARG("1", "6", "EQ"))),
	  { false, SYS_umask, { 5, 7 } },
	  0 },
	{ "one argument twice is an or: first",
	  UMASK_IF(ARG("0", "5", "EQ") "," ARG("0", "6", "EQ")), UMASK(5), 7 },
	{ "one argument twice is an or: second",
	  UMASK_IF(ARG("0", "5", "EQ") "," ARG("0", "6", "EQ")), UMASK(6), 7 },
	{ "one argument twice is an or: neither",
	  UMASK_IF(ARG("0", "5", "EQ") "," ARG("0", "6", "EQ")), UMASK(7), 0 },
	{ "nine rules (a tree) deny the last",
	  ALLOW_BUT(RULE("\"umask\",\"chroot\",\"acct\",\"sync\",\"mount\",\"link\","
			 "\"ptrace\",\"times\",\"reboot\",\"syslog\"",
			 "SCMP_ACT_ERRNO")),
	  UMASK(0), EPERM },
#if __SIZEOF_LONG__ == 8
	{ "64 bits are compared", UMASK_IF(ARG("0", "4294967301", "EQ")), UMASK(0x100000005), 7 },
	{ "high bits count", UMASK_IF(ARG("0", "5", "EQ")), UMASK(0x100000005), 0 },
#endif
#ifdef __x86_64__
#define X86 ",\"architectures\":[\"SCMP_ARCH_X86\"]"
#define COMPAT(nr)        \
	{                 \
		true, nr, \
		{         \
			0 \
		}         \
	}
	{ "both ABIs: the second one is filtered",
	  PROFILE("SCMP_ACT_ALLOW", X86 CALLS(IF("\"umask\"", "7", ""))), COMPAT(60 /* umask */),
	  7 },
	{ "both ABIs: the native one is, too, though not listed",
	  PROFILE("SCMP_ACT_ALLOW", X86 CALLS(IF("\"umask\"", "7", ""))), UMASK(0), 7 },
	{ "both ABIs: numbers are not mixed up",
	  PROFILE("SCMP_ACT_ALLOW", X86 CALLS(IF("\"umask\"", "7", ""))), COMPAT(64 /* getppid */),
	  0 },
	{ "an ABI that is not listed is killed", ALLOW_BUT(RULE("\"umask\"", "SCMP_ACT_ERRNO")),
	  COMPAT(64), KILLED },
	{ "newer than the profile, second ABI",
	  PROFILE("SCMP_ACT_ERRNO", X86 CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))), COMPAT(4000),
	  ENOSYS },
	{ "not named, second ABI",
	  PROFILE("SCMP_ACT_ERRNO", X86 CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))), COMPAT(60),
	  EPERM },
	{ "x32 numbers are newer than everything",
	  DENY_ALL,
	  { false, 0x40000000 + SYS_umask, { 0 } },
	  ENOSYS },
	{ "x32 when listed",
	  PROFILE("SCMP_ACT_ERRNO",
		  ",\"architectures\":[\"SCMP_ARCH_X32\"]" CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))),
	  { false, 0x40000000 + SYS_umask, { 0 } },
	  EPERM },
	{ "newer than the profile, with x32 listed",
	  PROFILE("SCMP_ACT_ERRNO",
		  ",\"architectures\":[\"SCMP_ARCH_X32\"]" CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))),
	  { false, 4000, { 0 } },
	  ENOSYS },
	{ "newer than the profile, by x32",
	  PROFILE("SCMP_ACT_ERRNO",
		  ",\"architectures\":[\"SCMP_ARCH_X32\"]" CALLS(RULE(ALLOWED, "SCMP_ACT_ALLOW"))),
	  { false, 0x40000000 + 4000, { 0 } },
	  ENOSYS },
#endif
};

/* Arguments are such that even without the filter nothing would happen. */
static const struct {
	const char *what;
	struct call call;
	int want;
} defaults[] = {
	{ "mount", { false, SYS_mount, { 0 } }, EPERM },
	{ "umount2", { false, SYS_umount2, { 0 } }, EPERM },
	{ "pivot_root", { false, SYS_pivot_root, { 0 } }, EPERM },
	{ "chroot", { false, SYS_chroot, { 0 } }, EPERM },
	{ "fsopen", { false, SYS_fsopen, { 0 } }, EPERM },
	{ "open_tree", { false, SYS_open_tree, { -1, 0 } }, EPERM },
	{ "move_mount", { false, SYS_move_mount, { -1, 0, -1, 0 } }, EPERM },
	{ "mount_setattr", { false, SYS_mount_setattr, { -1, 0, 0, 0, 0 } }, EPERM },
	{ "unshare of a user namespace", { false, SYS_unshare, { CLONE_NEWUSER } }, EPERM },
	{ "setns", { false, SYS_setns, { -1, 0 } }, EPERM },
#ifndef __s390__
	{ "clone of a user namespace", { false, SYS_clone, { CLONE_NEWUSER | SIGCHLD } }, EPERM },
	{ "clone of a network namespace among other flags",
	  { false, SYS_clone, { CLONE_NEWNET | CLONE_FILES | SIGCHLD } },
	  EPERM },
	{ "clone for fork", { false, SYS_clone, { SIGCHLD } }, 0 },
#endif
	{ "clone3 makes the libc fall back", { false, SYS_clone3, { 0 } }, ENOSYS },
	{ "bpf", { false, SYS_bpf, { 99, 0, 0 } }, EPERM },
	{ "perf_event_open", { false, SYS_perf_event_open, { 0 } }, EPERM },
	{ "userfaultfd", { false, SYS_userfaultfd, { -1 } }, EPERM },
	{ "io_uring_setup", { false, SYS_io_uring_setup, { 0 } }, EPERM },
	{ "keyctl", { false, SYS_keyctl, { 99 } }, EPERM },
	{ "add_key", { false, SYS_add_key, { 0 } }, EPERM },
	{ "request_key", { false, SYS_request_key, { 0 } }, EPERM },
	{ "open_by_handle_at", { false, SYS_open_by_handle_at, { -1, 0, 0 } }, EPERM },
	{ "init_module", { false, SYS_init_module, { 0 } }, EPERM },
	{ "finit_module", { false, SYS_finit_module, { -1 } }, EPERM },
	{ "kexec_load", { false, SYS_kexec_load, { 0, 99999 } }, EPERM },
	{ "swapon", { false, SYS_swapon, { 0 } }, EPERM },
	{ "reboot", { false, SYS_reboot, { 0 } }, EPERM },
	{ "acct", { false, SYS_acct, { 1 } }, EPERM },
	{ "quotactl", { false, SYS_quotactl, { 0 } }, EPERM },
	{ "syslog", { false, SYS_syslog, { 99 } }, EPERM },
	{ "move_pages", { false, SYS_move_pages, { 0 } }, EPERM },
	{ "sethostname", { false, SYS_sethostname, { 0, -1 } }, EPERM },
	{ "ioctl TIOCSTI", { false, SYS_ioctl, { -1, 0x5412 } }, EPERM },
	{ "ioctl TCGETS", { false, SYS_ioctl, { -1, 0x5401 } }, EBADF },
	{ "a unix socket", { false, SYS_socket, { 1, 1, 0 } }, 0 },
	{ "a vsock socket", { false, SYS_socket, { 40, 1, 0 } }, EPERM },
	{ "personality of Linux", { false, SYS_personality, { 0 } }, 0 },
	{ "asking for the personality", { false, SYS_personality, { 0xffffffff } }, 0 },
	{ "another personality", { false, SYS_personality, { 0x0400000 } }, EPERM },
	{ "ptrace", { false, SYS_ptrace, { 0 } }, 0 },
	{ "getrandom", { false, SYS_getrandom, { 0, 0, 0 } }, 0 },
	{ "memfd_create", { false, SYS_memfd_create, { 0 } }, EFAULT },
	{ "a call from the future", { false, 4000, { 0 } }, ENOSYS },
#if __SIZEOF_LONG__ == 8
	{ "TIOCSTI with high bits", { false, SYS_ioctl, { -1, 0x100005412 } }, EPERM },
	{ "a sign-extended ioctl", { false, SYS_ioctl, { -1, 0xffffffff80045430 } }, EBADF },
	{ "a vsock socket with high bits", { false, SYS_socket, { 0x100000028, 1, 0 } }, EPERM },
#endif
#ifdef __x86_64__
	{ "mount by the 32-bit ABI", COMPAT(21), EPERM },
	{ "unshare by the 32-bit ABI", { true, 310, { CLONE_NEWUSER } }, EPERM },
	{ "TIOCSTI by the 32-bit ABI", { true, 54, { -1, 0x5412 } }, EPERM },
	{ "vsock by the 32-bit ABI", { true, 359, { 40, 1, 0 } }, EPERM },
	{ "socketcall", { true, 102, { 2, 0 } }, EFAULT },
	{ "getpid by the 32-bit ABI", COMPAT(20), 0 },
	{ "x32", { false, 0x40000000 + SYS_umask, { 0 } }, ENOSYS },
#endif
};

static void test_default(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	auto_json_out struct json_out o;
	struct seccomp_plan plan;
	struct utsname u;

	(void)uname(&u);
	json_out_init(&o, NULL);
	seccomp_default_out(&o, NULL, u.machine);
	if (!ok(compile(&a, o.s.p, -1, &notes, &plan) == 0, "default: compiles"))
		return;
	ok(plan.n > 100 && plan.n < 1400, "default: %u instructions", plan.n);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		int got = try(&plan, &defaults[i].call);

		if (!ok(got == defaults[i].want, "default: %s", defaults[i].what))
			printf("#  got: %d\n# want: %d\n", got, defaults[i].want);
	}
}

static void test_notes(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	struct seccomp_plan plan;

	ok(compile(&a, ALLOW_BUT(RULE("\"no_such_one\",\"umask\",\"nor_this\"", "SCMP_ACT_ERRNO")),
		   -1, &notes, &plan) == 0 &&
		   notes.list.n == 1,
	   "unknown names: one note");
	if (notes.list.n)
		ok_str(notes.list.v[0].what, "skipped no_such_one, nor_this",
		       "unknown names: it lists them");
	ok(plan.n_rules == 1 && !strcmp(plan.default_action, "SCMP_ACT_ALLOW"),
	   "the plan says what was asked");
}

static void test_notify(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes = { .arena = &a };
	struct seccomp_plan plan;
	int status = 0;
	pid_t pid;

	if (compile(&a,
		    PROFILE("SCMP_ACT_ALLOW",
			    ",\"listenerPath\":\"/x\"" CALLS(RULE("\"umask\"", "SCMP_ACT_NOTIFY"))),
		    -1, &notes, &plan) < 0) {
		ok(false, "notify: compiles");
		return;
	}
	pid = fork();
	if (pid == 0) {
		int fd;

		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fd = seccomp_inside(&plan, NULL);
		_exit(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) ? 0 : 1);
	}
	ok(waitpid(pid, &status, 0) == pid && status == 0,
	   "notify: gives a descriptor that is close-on-exec");
}

static int cache_dir(char *path)
{
	if (!mkdtemp(path))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static size_t cache_clean(int dir, bool remove)
{
	auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	(void)take_fd(&fd);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' &&
		    (!e->d_name[1] || (e->d_name[1] == '.' && !e->d_name[2])))
			continue;
		n++;
		if (remove)
			(void)unlinkat(dir, e->d_name, 0);
	}
	return n;
}

/* The only file's inode and its name; a miss writes a new file. */
static ino_t only_entry(int dir, char name[256])
{
	auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	ino_t ino = 0;

	(void)take_fd(&fd);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			ino = e->d_ino;
			(void)snprintf(name, 256, "%s", e->d_name);
		}
	return ino;
}

static void test_cached_plan(void)
{
	static const char one[] = ALLOW_BUT(RULE("\"no_such_one\",\"umask\"", "SCMP_ACT_ERRNO"));
	static const char two[] = ALLOW_BUT(IF("\"no_such_one\",\"umask\"", "9", ""));
	char path[] = "/tmp/bryo-test-seccomp-XXXXXX", name[256] = "";
	auto_fd int dir = cache_dir(path), fd = -1;
	auto_arena struct arena a = ARENA_INIT;
	struct notes notes[3] = { { .arena = &a }, { .arena = &a }, { .arena = &a } };
	struct seccomp_plan first, again, other;
	struct call umask_call = UMASK(0);
	ino_t ino;

	ok(compile(&a, one, dir, &notes[0], &first) == 0 && cache_clean(dir, false) == 1,
	   "cached: compiling saves");
	ino = only_entry(dir, name);
	ok(compile(&a, one, dir, &notes[1], &again) == 0 && only_entry(dir, name) == ino,
	   "cached: the second time hits");
	ok(again.n == first.n &&
		   !memcmp(again.filter, first.filter, first.n * sizeof(*first.filter)) &&
		   again.filter != first.filter,
	   "cached: the same instructions");
	ok(notes[1].list.n == 1 && !strcmp(notes[1].list.v[0].what, "skipped no_such_one"),
	   "cached: the same note");
	fd = openat(dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ok(write(fd, "rubbish", 7) == 7 && compile(&a, one, dir, &notes[1], &again) == 0 &&
		   again.n == first.n && only_entry(dir, name) != ino,
	   "cached: a damaged entry is compiled again");
	ok(compile(&a, two, dir, &notes[2], &other) == 0 && cache_clean(dir, false) == 2 &&
		   try(&other, &umask_call) == 9,
	   "cached: another errno is another entry");
	(void)cache_clean(dir, true);
	(void)rmdir(path);
}

static bool can_load(void)
{
	static const struct sock_filter allow_all[] = { { BPF_RET | BPF_K, 0, 0, 0x7fff0000 } };
	struct seccomp_plan plan = { .active = true, .n = 1, .filter = allow_all };
	struct call c = { false, SYS_getpid, { 0 } };

	return try(&plan, &c) == 0;
}

int main(void)
{
	test_checks();
	test_flags();
	if (!seccomp_library_version()) {
		tap_skip("filters", "bryo is built without libseccomp, or it is not installed");
		return done();
	}
	test_notes();
	test_cached_plan();
	if (!can_load()) {
		tap_skip("filters", "no seccomp filter can be loaded here");
		return done();
	}
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		expect(filters[i].what, filters[i].json, &filters[i].call, filters[i].want);
	test_notify();
	test_default();
	return done();
}
