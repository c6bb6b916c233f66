/*
 * deny.c - runs a command under a filter that refuses the system calls which make namespaces,
 * as an outer container's does: deny EPERM|ENOSYS COMMAND [ARG...]. The number is the errno of
 * clone3; unshare is always refused with EPERM. deny NAMES COMMAND [ARG...] refuses only to set the
 * names of the host, as those filters do for who was not given CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	bool names = argc > 1 && strcmp(argv[1], "NAMES") == 0;
	unsigned num = argc > 1 && strcmp(argv[1], "ENOSYS") == 0 ? ENOSYS : EPERM;
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, names ? SYS_sethostname : SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | num),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, names ? SYS_setdomainname : SYS_unshare, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(rules) / sizeof(rules[0]), rules };

	if (argc < 3) {
		fputs("usage: deny EPERM|ENOSYS|NAMES COMMAND [ARG...]\n", stderr);
		return 99;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
		perror("deny");
		return 99;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
