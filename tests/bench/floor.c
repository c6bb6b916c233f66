/*
 * floor.c - the least that a rootless runtime can do, the yardstick of the bench.
 *
 * It does the kernel's share of `run` for the config that the bench writes, in the same order as
 * bryo and with the same calls, and nothing else: no JSON, no plan, no state, no cgroup, no
 * library, one process and one clone. What a runtime takes above this is its own.
 *
 *	floor ROOTFS CMD [ARG...]
 *
 * One ID is mapped, container 0 to the caller, by the container itself. FLOOR_SUBUID and
 * FLOOR_SUBGID name the first of 65536 subordinate IDs: then newuidmap and newgidmap, side by
 * side, write the larger map.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *source, *target, *type, *data;
	unsigned long flags;
} mounts[] = {
	{ "proc", "proc", "proc", NULL, 0 },
	{ "tmpfs", "dev", "tmpfs", "mode=755,size=65536k", MS_NOSUID | MS_STRICTATIME },
	{ "devpts", "dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620", MS_NOSUID | MS_NOEXEC },
	{ "shm", "dev/shm", "tmpfs", "mode=1777,size=65536k", MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "mqueue", "dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "/sys", "sys", NULL, NULL, MS_BIND | MS_REC },
};

static const char *const devices[] = { "null", "zero", "full", "tty", "random", "urandom" };

static const struct {
	const char *target, *name;
} links[] = {
	{ "/proc/self/fd", "dev/fd" },	     { "/proc/self/fd/0", "dev/stdin" },
	{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" },
	{ "pts/ptmx", "dev/ptmx" },
};

static const char *const readonly[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

static const char *const masked[] = {
	"proc/acpi",	    "proc/asound",	"proc/kcore",	    "proc/keys",
	"proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
	"sys/firmware",	    "proc/scsi",
};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

static void map_one(const char *path, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1\n", id);
	put(path, text);
}

static void map_by_helpers(pid_t pid)
{
	const char *tool[] = { "newuidmap", "newgidmap" };
	const char *first[] = { getenv("FLOOR_SUBUID"), getenv("FLOOR_SUBGID") };
	unsigned own[] = { getuid(), getgid() };
	pid_t child[2];
	int status;

	for (int i = 0; i < 2; i++) {
		char p[16], id[16];
		char *argv[] = { (char *)tool[i], p,	   "0", id, "1", "1", (char *)first[i],
				 "65536",	  NULL };

		snprintf(p, sizeof(p), "%d", pid);
		snprintf(id, sizeof(id), "%u", own[i]);
		if (posix_spawnp(&child[i], tool[i], NULL, NULL, argv, environ))
			errx(1, "%s", tool[i]);
	}
	for (int i = 0; i < 2; i++)
		if (waitpid(child[i], &status, 0) < 0 || status)
			errx(1, "%s failed", tool[i]);
}

static void mount_all(void)
{
	char host[64], dev[64];

	for (size_t i = 0; i < LEN(mounts); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].flags,
			  mounts[i].data) < 0)
			err(1, "mount %s", mounts[i].target);
	}
	mount(NULL, "sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	      NULL);
	for (size_t i = 0; i < LEN(devices); i++) {
		snprintf(host, sizeof(host), "/dev/%s", devices[i]);
		snprintf(dev, sizeof(dev), "dev/%s", devices[i]);
		close(open(dev, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
		if (mount(host, dev, NULL, MS_BIND, NULL) < 0)
			err(1, "bind %s", host);
	}
	for (size_t i = 0; i < LEN(links); i++)
		if (symlink(links[i].target, links[i].name) < 0)
			err(1, "%s", links[i].name);
}

static void cover_all(void)
{
	struct stat st;

	for (size_t i = 0; i < LEN(readonly); i++) {
		if (stat(readonly[i], &st) < 0)
			continue;
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0)
			err(1, "bind %s", readonly[i]);
		mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	}
	for (size_t i = 0; i < LEN(masked); i++) {
		if (stat(masked[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL);
		else
			mount("/dev/null", masked[i], NULL, MS_BIND, NULL);
	}
}

static void container(const char *rootfs, char **argv, unsigned uid, unsigned gid, const int go[2])
{
	struct rlimit files = { 1024, 1024 };
	char c;

	if (go[0] >= 0) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			errx(1, "no map");
		if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			err(1, "setresuid");
	} else {
		put("/proc/self/setgroups", "deny");
		map_one("/proc/self/uid_map", uid);
		map_one("/proc/self/gid_map", gid);
	}
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
	    mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(rootfs) < 0)
		err(1, "rootfs");
	mount_all();
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		err(1, "pivot_root");
	cover_all();
	sethostname("floor", 5);
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	execv(argv[0], argv);
	err(127, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWNET | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	unsigned uid = getuid(), gid = getgid();
	int go[2] = { -1, -1 }, status;
	pid_t pid;

	if (argc < 3)
		errx(2, "usage: floor ROOTFS CMD [ARG...]");
	if (getenv("FLOOR_SUBUID") && pipe2(go, O_CLOEXEC) < 0)
		err(1, "pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		err(1, "clone3");
	if (pid == 0)
		container(argv[1], argv + 2, uid, gid, go);
	if (go[1] >= 0) {
		map_by_helpers(pid);
		if (write(go[1], "g", 1) != 1)
			err(1, "go");
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
