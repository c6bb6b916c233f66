/*
 * deny.c - runs a command under a filter that refuses system calls, as an outer container's does:
 * deny EPERM|ENOSYS COMMAND [ARG...] refuses those that make namespaces; the number is the errno of
 * clone3, and unshare is always refused with EPERM. deny EPERM|ENOSYS=NAME COMMAND [ARG...] refuses
 * that call alone. deny NAMES COMMAND [ARG...] refuses only to set the names of the host, as those filters
 * do for who was not given CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "clone3", SYS_clone3 },	  { "openat2", SYS_openat2 },
	{ "fsopen", SYS_fsopen },	  { "mount_setattr", SYS_mount_setattr },
	{ "pidfd_open", SYS_pidfd_open }, { "close_range", SYS_close_range },
	{ "seccomp", SYS_seccomp },	  { "mount", SYS_mount },
};

/* The call that "ENOSYS=NAME" names, those of NAMES, or clone3 and unshare. */
static void choose(const char *word, unsigned *first, unsigned *second)
{
	const char *name = strchr(word, '=');

	*first = strcmp(word, "NAMES") == 0 ? SYS_sethostname : SYS_clone3;
	*second = strcmp(word, "NAMES") == 0 ? SYS_setdomainname : SYS_unshare;
	for (size_t i = 0; name && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(name + 1, calls[i].name) == 0)
			*first = *second = calls[i].nr;
}

int main(int argc, char **argv)
{
	unsigned num = argc > 1 && strncmp(argv[1], "ENOSYS", 6) == 0 ? ENOSYS : EPERM, first, second;

	if (argc < 3) {
		fputs("usage: deny EPERM|ENOSYS[=CALL]|NAMES COMMAND [ARG...]\n", stderr);
		return 99;
	}
	choose(argv[1], &first, &second);

	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | num),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(rules) / sizeof(rules[0]), rules };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
		perror("deny");
		return 99;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
