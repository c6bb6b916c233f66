/*
 * insider.c - what a hostile program in a container can see and try. It runs as the container's
 * program (statically linked, copied into the image) for the files in tests/security, and prints
 * one fact a line for them to compare. It decides nothing itself.
 *
 *	insider report			identity, capabilities, descriptors, working directory
 *	insider exe [FIFO]		opens the executable of whoever is not this program, waits
 *					until that one has ended, then tries to write to it
 *	insider spy SECONDS		tries to trace every other process, and to see its descriptors
 *	insider tty			tries to type into the terminal on standard input
 *	insider groups			tries to shed the supplementary groups
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *outcome(bool good)
{
	return good ? "done" : strerror(errno);
}

static void report_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg, groups[256];
	int n = getgroups(256, groups);

	(void)getresuid(&r, &e, &s);
	(void)getresgid(&rg, &eg, &sg);
	printf("uid %u %u %u\ngid %u %u %u\ngroups", r, e, s, rg, eg, sg);
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

static void report_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	uint64_t ambient = 0, bounding = 0;

	(void)syscall(SYS_capget, &head, d);
	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= 1ULL << cap;
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bounding |= 1ULL << cap;
	}
	printf("inheritable %08x%08x\npermitted %08x%08x\neffective %08x%08x\n", d[1].inheritable, d[0].inheritable,
	       d[1].permitted, d[0].permitted, d[1].effective, d[0].effective);
	printf("bounding %016llx\nambient %016llx\nno-new-privs %d\n", (unsigned long long)bounding,
	       (unsigned long long)ambient, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* By number, not through /proc/self/fd, which an image may have faked. */
static void report_fds(void)
{
	char path[64], to[PATH_MAX];
	struct stat st;

	for (int fd = 0; fd < 4096; fd++) {
		ssize_t n;

		if (fcntl(fd, F_GETFD) < 0 || fstat(fd, &st) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		printf("fd %d %s%s\n", fd, S_ISDIR(st.st_mode) ? "directory " : "", to);
	}
}

static int report(void)
{
	char cwd[PATH_MAX];
	long n = syscall(SYS_getcwd, cwd, sizeof(cwd));

	report_ids();
	report_caps();
	report_fds();
	printf("cwd %s\nsession %d %d\n", n < 0 ? strerror(errno) : cwd, getpid(), getsid(0));
	return 0;
}

static bool same_file(const char *path, const struct stat *own)
{
	struct stat st;

	return stat(path, &st) < 0 || (st.st_dev == own->st_dev && st.st_ino == own->st_ino);
}

/* A handle of the executable of a process that does not run this program, which must be waited for. */
static int find_other(char *ret_path, size_t size)
{
	struct stat own;
	int fd;

	if (stat("/proc/self/exe", &own) < 0)
		return -1;
	for (int tries = 0; tries < 1000; tries++, usleep(10000)) {
		for (int pid = 1; pid < 64; pid++) {
			(void)snprintf(ret_path, size, "/proc/%d/exe", pid);
			if (pid == getpid() || same_file(ret_path, &own))
				continue;
			fd = open(ret_path, O_PATH);
			if (fd >= 0)
				return fd;
		}
	}
	return -1;
}

static void try_write(const char *when, const char *path)
{
	int fd = open(path, O_RDWR);
	bool good = fd >= 0 && pwrite(fd, "X", 1, 0) == 1;

	printf("%s: write %s\n", when, outcome(good));
	printf("%s: truncate %s\n", when, outcome(truncate(path, 0) == 0));
	if (fd >= 0)
		(void)close(fd);
}

static int try_exe(const char *fifo)
{
	char path[64], handle[64], link[PATH_MAX] = "";
	int fd = find_other(path, sizeof(path)), in;

	if (fd < 0) {
		printf("nobody\n");
		return 1;
	}
	(void)snprintf(handle, sizeof(handle), "/proc/self/fd/%d", fd);
	if (readlink(handle, link, sizeof(link) - 1) < 0)
		perror("readlink");
	printf("found %s\n", link);
	in = open(handle, O_RDONLY);
	printf("seals %#x\n", in < 0 ? 0 : (unsigned)fcntl(in, F_GET_SEALS) + 0U);
	(void)close(in);
	try_write("running", handle);
	fflush(stdout);
	if (fifo && strcmp(fifo, "-") == 0) /* it ends when we do */
		return 0;
	in = fifo ? open(fifo, O_RDONLY) : -1;
	if (in >= 0)
		(void)close(in);
	for (int i = 0; i < 500 && access(path, F_OK) == 0; i++)
		usleep(10000);
	usleep(100000);
	try_write("ended", handle);
	return 0;
}

static bool is_payload(int pid)
{
	char path[64], name[32] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0)
		return true; /* gone */
	(void)close(fd);
	return strncmp(name, "insider", 7) == 0;
}

/* Stopped, it cannot change its name meanwhile. True when it is the program already. */
static bool try_trace(int pid)
{
	bool payload;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return false;
	(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	(void)waitpid(pid, &status, __WALL);
	payload = is_payload(pid);
	if (!payload)
		printf("traced %d\n", pid);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return payload;
}

static void try_fds(int pid)
{
	char path[64], to[PATH_MAX];
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);

		if (n > 0 && atoi(e->d_name) > 2)
			printf("saw descriptor %s of %d: %.*s\n", e->d_name, pid, (int)n, to);
	}
	if (d)
		(void)closedir(d);
}

static int spy(int seconds)
{
	time_t end = time(NULL) + seconds;
	static bool known[65536];
	unsigned seen = 0;

	printf("spying\n");
	fflush(stdout);
	while (time(NULL) < end && access("/stop", F_OK) < 0) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		while (d && (e = readdir(d))) {
			int pid = atoi(e->d_name);

			if (pid <= 1 || pid == getpid() || known[pid % 65536])
				continue;
			try_fds(pid);
			known[pid % 65536] = try_trace(pid);
			seen += known[pid % 65536];
		}
		if (d)
			(void)closedir(d);
	}
	printf("saw %u processes\n", seen);
	return 0;
}

static int tty(void)
{
	printf("terminal %d\n", isatty(0));
	printf("type %s\n", outcome(ioctl(0, TIOCSTI, "X") == 0));
	printf("steal %s\n", outcome(ioctl(0, TIOCSCTTY, 1) == 0));
	printf("open %s\n", outcome(open("/dev/tty", O_RDWR) >= 0));
	return 0;
}

static int groups(void)
{
	gid_t none[1] = { 0 };

	printf("setgroups %s\n", outcome(setgroups(0, none) == 0));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "report") == 0)
		return report();
	if (strcmp(what, "exe") == 0)
		return try_exe(argv[2]);
	if (strcmp(what, "spy") == 0 && argc > 2)
		return spy(atoi(argv[2]));
	if (strcmp(what, "tty") == 0)
		return tty();
	if (strcmp(what, "groups") == 0)
		return groups();
	(void)fprintf(stderr, "usage: insider report | exe [FIFO|-] | spy SECONDS | tty | groups\n");
	return 2;
}
