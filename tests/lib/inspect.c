/*
 * inspect.c - what a process finds out about itself, one fact a line, and the other ends that
 * tests/integration/process3.bats and activation.bats need. Linked statically, because it is the
 * program of containers whose image has no library.
 *
 *	inspect				scheduler, I/O priority, affinity, personality, memory policy,
 *					session keyring
 *	inspect notify TEXT [FD]	sends TEXT to $NOTIFY_SOCKET
 *	inspect manager SOCKET SECONDS	the service manager: binds SOCKET ("@name": abstract), prints
 *					"TEXT descriptors N" of each message, and closes them
 *	inspect listen N COMMAND...	COMMAND with N listening sockets from descriptor 3 on and
 *					LISTEN_FDS, LISTEN_PID
 *	inspect sockets FD...		for each whether it listens
 *	inspect keys COMMAND...		COMMAND once the quota of keys is used up
 *	inspect no-keyctl ERRNO COMMAND...	COMMAND under a filter that refuses keyctl
 *	inspect session COMMAND...	COMMAND with a session keyring of its own
 *	inspect key NAME [PAYLOAD]	adds such a key to the session keyring; or looks it up
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int die(const char *what)
{
	perror(what);
	return 99;
}

static void show_scheduler(void)
{
	static const char *const names[] = { "OTHER", "FIFO", "RR",	 "BATCH",
					     "ISO",   "IDLE", "DEADLINE" };
	struct attributes a = { .size = sizeof(a) };
	long io = syscall(SYS_ioprio_get, 1, 0);

	(void)syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0);
	printf("scheduler %s nice %d priority %u flags %#llx\n",
	       a.policy < 7 ? names[a.policy] : "?", a.nice, a.priority,
	       (unsigned long long)a.flags);
	printf("deadline %llu %llu %llu\n", (unsigned long long)a.runtime,
	       (unsigned long long)a.deadline, (unsigned long long)a.period);
	printf("ioprio %ld %ld\n", io >> 13, io & 0x1fff);
}

static void show_cpus(void)
{
	unsigned long mask[16] = { 0 };
	long n = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);

	printf("cpus");
	for (long i = 0; i < n * 8; i++)
		if (mask[i / 64] >> i % 64 & 1)
			printf(" %ld", i);
	printf("\npersonality %#x\n", (unsigned)personality(0xffffffff));
}

static void show_memory(void)
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0) < 0)
		printf("mempolicy %s\n", strerror(errno));
	else
		printf("mempolicy %d flags %#x nodes %#lx\n", mode & 0xff, (unsigned)mode & ~0xffu,
		       nodes[0]);
}

static void show_keyring(void)
{
	char text[256] = "";

	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof(text), 0) <
	    0)
		(void)snprintf(text, sizeof(text), "none: %s", strerror(errno));
	printf("keyring %ld %s\n",
	       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), text);
}

static socklen_t address(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (len >= sizeof(ret->sun_path))
		exit(98);
	memcpy(ret->sun_path, name, len);
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int notify(const char *text, int fd)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *where = getenv("NOTIFY_SOCKET");
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)text, strlen(text) };
	struct sockaddr_un addr;
	struct msghdr m = { .msg_name = &addr, .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (!where)
		return die("no NOTIFY_SOCKET");
	m.msg_namelen = address(where, &addr);
	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, 0) < 0 ? die(where) : 0;
}

static int count_fds(struct msghdr *m)
{
	int n = 0, fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		for (size_t i = 0;
		     c->cmsg_type == SCM_RIGHTS && CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len;
		     i++, n++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			close(fd);
		}
	return n;
}

static int manager(const char *name, int seconds)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	struct pollfd p = { .fd = sock, .events = POLLIN };
	time_t end = time(NULL) + seconds;

	if (bind(sock, (struct sockaddr *)&addr, address(name, &addr)) < 0)
		return die(name);
	while (time(NULL) < end) {
		char text[4097], control[CMSG_SPACE(8 * sizeof(int))];
		struct iovec iov = { text, sizeof(text) - 1 };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t n;

		if (poll(&p, 1, 1000) <= 0)
			continue;
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
		if (n < 0)
			return die("recvmsg");
		text[n] = '\0';
		for (char *c = text; *c; c++)
			*c = *c == '\n' ? '|' : *c;
		/* printed before the descriptors go: that is what a barrier waits for */
		printf("%s\n", text);
		fflush(stdout);
		printf("descriptors %d\n", count_fds(&m));
		fflush(stdout);
	}
	return 0;
}

static int listen_for(int n, char **argv)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		int sock = socket(AF_UNIX, SOCK_STREAM, 0);
		struct sockaddr_un addr = { .sun_family = AF_UNIX };

		if (bind(sock, (struct sockaddr *)&addr, sizeof(sa_family_t)) < 0 ||
		    listen(sock, 1) < 0)
			return die("listen");
		if (sock != 3 + i && dup2(sock, 3 + i) < 0)
			return die("dup2");
		if (sock != 3 + i)
			close(sock);
	}
	(void)snprintf(text, sizeof(text), "%d", n);
	setenv("LISTEN_FDS", text, 1);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 0);
	execvp(argv[0], argv);
	return die(argv[0]);
}

static int sockets(char **argv)
{
	for (; *argv; argv++) {
		int on = 0;
		socklen_t len = sizeof(on);

		if (getsockopt(atoi(*argv), SOL_SOCKET, SO_ACCEPTCONN, &on, &len) < 0)
			printf("%s %s\n", *argv, strerror(errno));
		else
			printf("%s %s\n", *argv, on ? "listens" : "does not listen");
	}
	return 0;
}

static int use_up_keys(char **argv)
{
	char name[32];

	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "inspect", 0, 0, 0);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof(name), "inspect-%d", i);
		if (syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
			break;
	}
	if (errno != EDQUOT)
		return die("add_key");
	execvp(argv[0], argv);
	return die(argv[0]);
}

static int refuse_keyctl(const char *word, char **argv)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (strcmp(word, "ENOSYS") == 0 ? ENOSYS : EPERM)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(rules) / sizeof(rules[0]), rules };

	/* Without no-new-privs where that is allowed, so that newuidmap keeps its privilege. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0))
		return die("seccomp");
	execvp(argv[0], argv);
	return die(argv[0]);
}

static int key(const char *name, const char *payload)
{
	char text[256] = "";
	long id;

	if (payload)
		return syscall(SYS_add_key, "user", name, payload, strlen(payload),
			       KEY_SPEC_SESSION_KEYRING) < 0
			       ? die("add_key")
			       : 0;
	id = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
	if (id < 0 || syscall(SYS_keyctl, KEYCTL_READ, id, text, sizeof(text) - 1, 0) < 0)
		printf("%s: %s\n", name, strerror(errno));
	else
		printf("%s: %s\n", name, text);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 1) {
		show_scheduler();
		show_cpus();
		show_memory();
		show_keyring();
		return 0;
	}
	if (strcmp(verb, "notify") == 0 && argc > 2)
		return notify(argv[2], argc > 3 ? atoi(argv[3]) : -1);
	if (strcmp(verb, "manager") == 0 && argc == 4)
		return manager(argv[2], atoi(argv[3]));
	if (strcmp(verb, "listen") == 0 && argc > 3)
		return listen_for(atoi(argv[2]), argv + 3);
	if (strcmp(verb, "sockets") == 0)
		return sockets(argv + 2);
	if (strcmp(verb, "keys") == 0 && argc > 2)
		return use_up_keys(argv + 2);
	if (strcmp(verb, "session") == 0 && argc > 2) {
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "inspect", 0, 0, 0) < 0)
			return die("keyctl");
		execvp(argv[2], argv + 2);
		return die(argv[2]);
	}
	if (strcmp(verb, "no-keyctl") == 0 && argc > 3)
		return refuse_keyctl(argv[2], argv + 3);
	if (strcmp(verb, "key") == 0 && argc > 2)
		return key(argv[2], argc > 3 ? argv[3] : NULL);
	fputs("inspect: wrong arguments\n", stderr);
	return 98;
}
