/*
 * bench.c - times bryo side by side with the bare floor and with the runtimes that are installed.
 *
 * One round runs every subject of a group once, in turn and every second time in reverse, so that
 * a drift of the machine and what the one before left in the caches hit all alike. Printed per
 * subject: median, tenth and ninetieth percentile of the wall time, and the median over the rounds
 * of its time divided by the yardstick's, which is the group's first.
 * A subject is up to three commands in a row, timed together. A peer that is not installed or
 * cannot run here is skipped aloud. Everything is done below a private
 * directory in /tmp, the runtimes' state below one on a tmpfs.
 *
 * The program is static and small on purpose: a child's peak memory, as the kernel counts it,
 * begins with that of the process which started it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS_MAX 2000
#define ARGS_MAX 64
#define STEPS_MAX 3

/*
 * One contender. Commands are split at blanks, after the expansion of
 *	@D the private directory, @S that of the state, @i a fresh container id, @y bryo, @o a copy of it that is the
 *	caller's own, @c crun, @u runc, these four with their global options
 */
struct subject {
	const char *name;
	const char *step[STEPS_MAX];
	const char *before; /* once, untimed; the subject is skipped where it fails */
	const char *after;  /* once, untimed */
	double target;	    /* times the yardstick, 0: none */
	char why[160];	    /* skipped because */
	double ms[ROUNDS_MAX];
	long peak_kib;
};

struct group {
	const char *title;
	struct subject *s;
	size_t n;
	int percent; /* of the rounds asked for */
	bool subids, terminal;
};

static struct {
	char dir[64];
	char state[80]; /* private too, roots of the runtimes */
	char bryo[PATH_MAX], own[128];
	char subuid[16], subgid[16];
	char profile[32768]; /* "seccomp":{...}, of an engine's config; "": none */
	int rounds, warmup, serial;
	bool check, missed;
} bench = { .rounds = 50, .warmup = 3 };

static const char config_text[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[%s],"
	"\"env\":[\"PATH=/bin\"],\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"effective\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"permitted\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}],"
	"\"noNewPrivileges\":true,\"terminal\":%s},"
	"\"root\":{\"path\":\"%s/rootfs\",\"readonly\":true},\"hostname\":\"bench\",\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":"
	"[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":"
	"[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":"
	"[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\",\"options\":"
	"[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/sys\",\"type\":\"none\",\"source\":\"/sys\",\"options\":"
	"[\"rbind\",\"nosuid\",\"noexec\",\"nodev\",\"ro\"]}],"
	"\"linux\":{%s\"uidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}%s],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}%s],"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},"
	"{\"type\":\"user\"},{\"type\":\"network\"},{\"type\":\"cgroup\"}],"
	"\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
	"\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
	"\"/sys/firmware\",\"/proc/scsi\"],\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\","
	"\"/proc/sys\",\"/proc/sysrq-trigger\"]}}";

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* ------------------------------------------------------------------ running commands */

static const char *placeholder(char c, char *buf, size_t size)
{
	switch (c) {
	case 'D':
		snprintf(buf, size, "%s", bench.dir);
		break;
	case 'S':
		snprintf(buf, size, "%s", bench.state);
		break;
	case 'i':
		snprintf(buf, size, "b%d", bench.serial);
		break;
	case 'y':
		snprintf(buf, size, "%s --root %s/bryo", bench.bryo, bench.state);
		break;
	case 'o':
		snprintf(buf, size, "%s --root %s/bryo", bench.own, bench.state);
		break;
	case 'c':
		snprintf(buf, size, "crun --cgroup-manager=disabled --root %s/crun", bench.state);
		break;
	case 'u':
		snprintf(buf, size, "runc --root %s/runc", bench.state);
		break;
	default:
		errx(2, "placeholder @%c", c);
	}
	return buf;
}

/* Expands and splits a command; the words live in buf. */
static void words(const char *cmd, char *buf, size_t size, char *argv[ARGS_MAX])
{
	size_t used = 0, n = 0;
	char text[PATH_MAX + 256], *save = NULL;

	for (; *cmd && used + sizeof(text) < size; cmd++) {
		if (*cmd == '@')
			used += snprintf(buf + used, size - used, "%s",
					 placeholder(*++cmd, text, sizeof(text)));
		else
			buf[used++] = *cmd;
	}
	buf[used] = '\0';
	for (char *w = strtok_r(buf, " ", &save); w && n < ARGS_MAX - 1; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
}

/* Reads what a command writes to its terminal, until its last end is closed. */
static void drain(int master)
{
	char buf[1 << 16];
	ssize_t n;

	do {
		n = read(master, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(master);
}

/*
 * Runs a command to its end, either with no input, output to null and messages to DIR/stderr, or
 * on a terminal of its own whose other end is read here.
 */
static int run_on(const char *cmd, bool terminal, long *peak_kib)
{
	char buf[4 * sizeof(bench.bryo)], log[128], *argv[ARGS_MAX];
	int master = terminal ? posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	struct rusage usage;
	int status, rc;
	pid_t pid;

	if (terminal && (master < 0 || unlockpt(master) < 0))
		err(1, "open a terminal");
	words(cmd, buf, sizeof(buf), argv);
	snprintf(log, sizeof(log), "%s/stderr", bench.dir);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, terminal ? POSIX_SPAWN_SETSID : 0);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, terminal ? ptsname(master) : "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&fa, 0, 1);
	if (terminal)
		posix_spawn_file_actions_adddup2(&fa, 0, 2);
	else
		posix_spawn_file_actions_addopen(&fa, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	rc = posix_spawnp(&pid, argv[0], &fa, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	if (rc) {
		close(master);
		return -rc;
	}
	if (terminal)
		drain(master);
	if (wait4(pid, &status, 0, &usage) < 0)
		err(1, "wait4");
	if (peak_kib && usage.ru_maxrss > *peak_kib)
		*peak_kib = usage.ru_maxrss;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *cmd)
{
	return run_on(cmd, false, NULL);
}

static void last_message(char *ret, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/stderr", bench.dir);
	f = fopen(path, "re");
	ret[0] = '\0';
	if (f && fgets(ret, (int)size, f))
		ret[strcspn(ret, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* One timed run of a subject; negative when it failed, and then it is out. */
static double once(struct subject *s, bool terminal)
{
	double start = now_ms();

	bench.serial++;
	for (size_t i = 0; i < STEPS_MAX && s->step[i]; i++) {
		int rc = run_on(s->step[i], terminal, &s->peak_kib);

		if (rc == 0)
			continue;
		if (rc < 0) {
			snprintf(s->why, sizeof(s->why), "%s", strerror(-rc));
		} else {
			char text[120];

			last_message(text, sizeof(text));
			snprintf(s->why, sizeof(s->why), "exit status %d: %s", rc, text);
		}
		return -1;
	}
	return now_ms() - start;
}

/* -------------------------------------------------------------------------- reporting */

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile(const double *v, int n, int percent)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return sorted[n * percent / 100];
}

static void report(const struct group *g, int rounds)
{
	const struct subject *base = &g->s[0];
	double ratio[ROUNDS_MAX];

	printf("\n%-34s %8s %8s %8s %8s  x %s\n", g->title, "median", "p10", "p90", "peak KiB", base->name);
	for (size_t k = 0; k < g->n; k++) {
		const struct subject *s = &g->s[k];

		if (s->why[0]) {
			printf("  %-32s skipped: %s\n", s->name, s->why);
			continue;
		}
		printf("  %-32s %8.2f %8.2f %8.2f %8ld", s->name, quantile(s->ms, rounds, 50),
		       quantile(s->ms, rounds, 10), quantile(s->ms, rounds, 90), s->peak_kib);
		if (!base->why[0]) {
			for (int i = 0; i < rounds; i++)
				ratio[i] = s->ms[i] / base->ms[i];
			printf("  %.2f", quantile(ratio, rounds, 50));
			if (s->target > 0) {
				bool good = quantile(ratio, rounds, 50) <= s->target;

				printf(" (target %.1f%s)", s->target, good ? "" : ", missed");
				bench.missed |= !good;
			}
		}
		putchar('\n');
	}
	fflush(stdout);
}

static void compare(struct group *g)
{
	int rounds = bench.rounds * g->percent / 100;

	if (rounds < 3)
		rounds = 3;
	if (g->subids && !bench.subuid[0]) {
		printf("\n%s: skipped: the caller has no 65536 subordinate IDs\n", g->title);
		return;
	}
	if (g->subids) {
		setenv("FLOOR_SUBUID", bench.subuid, 1);
		setenv("FLOOR_SUBGID", bench.subgid, 1);
	}
	for (size_t k = 0; k < g->n; k++)
		if (g->s[k].before && run(g->s[k].before) != 0)
			last_message(g->s[k].why, sizeof(g->s[k].why));
	for (int i = -bench.warmup; i < rounds; i++) {
		for (size_t j = 0; j < g->n; j++) {
			struct subject *s = &g->s[i & 1 ? g->n - 1 - j : j];
			double ms = s->why[0] ? -1 : once(s, g->terminal);

			if (i >= 0)
				s->ms[i] = ms;
		}
	}
	for (size_t k = 0; k < g->n; k++)
		if (g->s[k].after)
			(void)run(g->s[k].after);
	unsetenv("FLOOR_SUBUID");
	unsetenv("FLOOR_SUBGID");
	report(g, rounds);
}

/* ---------------------------------------------------------------------------- set-up */

static void copy(const char *from, const char *to)
{
	char buf[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n;

	if (in < 0 || out < 0)
		err(1, "copy %s to %s", from, to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			err(1, "%s", to);
	close(in);
	close(out);
}

static void make_bundle(const char *name, const char *args, bool many, bool terminal,
			const char *profile)
{
	char path[128], uids[64] = "", gids[64] = "";
	FILE *f;

	if (many) {
		snprintf(uids, sizeof(uids), ",{\"containerID\":1,\"hostID\":%s,\"size\":65536}", bench.subuid);
		snprintf(gids, sizeof(gids), ",{\"containerID\":1,\"hostID\":%s,\"size\":65536}", bench.subgid);
	}
	snprintf(path, sizeof(path), "%s/%s", bench.dir, name);
	if (mkdir(path, 0755) < 0)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "%s/%s/config.json", bench.dir, name);
	f = fopen(path, "we");
	if (!f)
		err(1, "%s", path);
	fprintf(f, config_text, args, terminal ? "true" : "false", bench.dir, profile,
		(unsigned)getuid(), uids,
		(unsigned)getgid(), gids);
	if (fclose(f) != 0)
		err(1, "%s", path);
}

/* Takes linux.seccomp out of a config.json, without its white space, as engines write it. */
static void read_profile(const char *path)
{
	static const char key[] = "\"seccomp\":";
	static char text[1 << 16];
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0, n = 0;
	const char *c = strstr(text, key);
	int depth = 0;

	if (f)
		fclose(f);
	if (!len || !c)
		return;
	for (; *c && n < sizeof(bench.profile) - 2; c++) {
		if (!strchr(" \t\n", *c))
			bench.profile[n++] = *c;
		depth += (*c == '{') - (*c == '}');
		if (*c == '}' && depth == 0)
			break;
	}
	/* cut off or unbalanced: none is better than half of one */
	if (*c != '}' || depth)
		n = 0;
	snprintf(bench.profile + n, sizeof(bench.profile) - n, "%s", n ? "," : "");
}

/* The first range of 65536 IDs that a file gives the caller, by name or number. */
static void find_subids(const char *path, char *ret, size_t size)
{
	char line[256], number[16], user[64] = "", *save = NULL;
	FILE *f = fopen(path, "re"), *passwd = fopen("/etc/passwd", "re");

	/* getpwuid() would want the shared C library of the name service in a static program */
	for (struct passwd *p; passwd && (p = fgetpwent(passwd)) != NULL;)
		if (p->pw_uid == getuid())
			snprintf(user, sizeof(user), "%s", p->pw_name);
	if (passwd)
		fclose(passwd);
	snprintf(number, sizeof(number), "%u", (unsigned)getuid());
	while (f && !ret[0] && fgets(line, sizeof(line), f)) {
		char *who = strtok_r(line, ":", &save);
		char *first = strtok_r(NULL, ":", &save);
		char *count = strtok_r(NULL, ":\n", &save);

		if (count && strtoul(count, NULL, 10) >= 65536 &&
		    (strcmp(who, number) == 0 || strcmp(who, user) == 0))
			snprintf(ret, size, "%s", first);
	}
	if (f)
		fclose(f);
}

static void make_tree(const char *here)
{
	static const char *const dirs[] = { "rootfs",	   "rootfs/bin", "rootfs/dev", "rootfs/etc",
					    "rootfs/proc", "rootfs/sys", "rootfs/tmp", "work" };
	static const char *const names[] = { "true", "pause", "spew" };
	char from[PATH_MAX + 16], to[128];

	for (size_t i = 0; i < LEN(dirs); i++) {
		snprintf(to, sizeof(to), "%s/%s", bench.dir, dirs[i]);
		if (mkdir(to, 0755) < 0)
			err(1, "%s", to);
	}
	/* State lives on a tmpfs, as below the XDG_RUNTIME_DIR of any login. */
	snprintf(bench.state, sizeof(bench.state), "/dev/shm/bryo-bench.XXXXXX");
	if (!mkdtemp(bench.state)) {
		snprintf(bench.state, sizeof(bench.state), "%s/run", bench.dir);
		if (mkdir(bench.state, 0700) < 0)
			err(1, "%s", bench.state);
	}
	if (setenv("XDG_RUNTIME_DIR", bench.state, 1) < 0)
		err(1, "setenv");
	for (size_t i = 0; i < LEN(names); i++) {
		/* /bin/true is busybox where there is one, as in any small image */
		bool box = i == 0 && access("/bin/busybox", X_OK) == 0;

		snprintf(from, sizeof(from), box ? "/bin/busybox" : "%s/payload", here);
		snprintf(to, sizeof(to), "%s/rootfs/bin/%s", bench.dir, names[i]);
		copy(from, to);
	}
	snprintf(from, sizeof(from), "%s/floor", here);
	snprintf(to, sizeof(to), "%s/floor", bench.dir);
	copy(from, to);
	snprintf(bench.own, sizeof(bench.own), "%s/bryo", bench.dir);
	copy(bench.bryo, bench.own);
}

static void prepare(const char *here)
{
	char work[128];

	snprintf(bench.dir, sizeof(bench.dir), "/tmp/bryo-bench.XXXXXX");
	/* not 0700: subordinate IDs must get through to the root file system */
	if (!mkdtemp(bench.dir) || chmod(bench.dir, 0711) < 0)
		err(1, "%s", bench.dir);
	make_tree(here);
	find_subids("/etc/subuid", bench.subuid, sizeof(bench.subuid));
	find_subids("/etc/subgid", bench.subgid, sizeof(bench.subgid));
	if (!bench.subgid[0])
		bench.subuid[0] = '\0';
	make_bundle("one", "\"/bin/true\"", false, false, "");
	read_profile(getenv("BENCH_PROFILE"));
	if (bench.profile[0])
		make_bundle("filter", "\"/bin/true\"", false, false, bench.profile);
	make_bundle("pause", "\"/bin/pause\"", false, false, "");
	make_bundle("spew", "\"/bin/spew\",\"100\"", false, true, "");
	if (bench.subuid[0])
		make_bundle("many", "\"/bin/true\"", true, false, "");
	snprintf(work, sizeof(work), "%s/work", bench.dir);
	if (chdir(work) < 0)
		err(1, "%s", work);
}

/* ---------------------------------------------------------------------------- groups */

static void compare_runs(void)
{
	static struct subject one[] = {
		{ .name = "floor", .step = { "@D/floor @D/rootfs /bin/true" } },
		{ .name = "bryo", .step = { "@y run -b @D/one @i" }, .target = 1.6 },
		{ .name = "bryo, a file of the caller's", .step = { "@o run -b @D/one @i" }, .target = 2.0 },
		{ .name = "crun", .step = { "@c run -b @D/one @i" } },
		{ .name = "runc", .step = { "@u run -b @D/one @i" } },
		{ .name = "bwrap",
		  .step = { "bwrap --unshare-all --bind @D/rootfs / --proc /proc --dev /dev "
			    "--ro-bind /sys /sys --uid 0 --gid 0 /bin/true" } },
	};
	static struct subject many[] = {
		{ .name = "floor", .step = { "@D/floor @D/rootfs /bin/true" } },
		{ .name = "bryo", .step = { "@y run -b @D/many @i" }, .target = 1.5 },
		{ .name = "crun", .step = { "@c run -b @D/many @i" } },
		{ .name = "runc", .step = { "@u run -b @D/many @i" } },
	};
	struct stat st;

	if (stat(bench.bryo, &st) == 0 && st.st_uid == getuid())
		one[1].target = 2.0;
	compare(&(struct group){ "run, one ID", one, LEN(one), 100, false, false });
	compare(&(struct group){ "run, 65537 IDs", many, LEN(many), 100, true, false });
}

static void compare_steps(void)
{
	static struct subject steps[] = {
		{ .name = "floor", .step = { "@D/floor @D/rootfs /bin/true" } },
		{ .name = "bryo",
		  .step = { "@y create -b @D/one @i", "@y start @i", "@y delete --force @i" },
		  .target = 2.5 },
		{ .name = "crun",
		  .step = { "@c create -b @D/one @i", "@c start @i", "@c delete --force @i" } },
		{ .name = "runc",
		  .step = { "@u create -b @D/one @i", "@u start @i", "@u delete --force @i" } },
	};
	static struct subject execs[] = {
		{ .name = "empty process", .step = { "@D/rootfs/bin/true" } },
		{ .name = "bryo",
		  .before = "@y run --detach -b @D/pause x",
		  .step = { "@y exec x /bin/true" },
		  .after = "@y delete --force x",
		  .target = 3.5 },
		{ .name = "crun",
		  .before = "@c run --detach -b @D/pause x",
		  .step = { "@c exec x /bin/true" },
		  .after = "@c delete --force x" },
		{ .name = "runc",
		  .before = "@u run --detach -b @D/pause x",
		  .step = { "@u exec x /bin/true" },
		  .after = "@u delete --force x" },
	};

	compare(&(struct group){ "create, start, delete --force", steps, LEN(steps), 100, false, false });
	compare(&(struct group){ "exec", execs, LEN(execs), 100, false, false });
}

/* What an engine's default profile costs, once its filter is cached. */
static void compare_filter(void)
{
	static struct subject filter[] = {
		{ .name = "bryo, no profile", .step = { "@y run -b @D/one @i" } },
		{ .name = "bryo", .step = { "@y run -b @D/filter @i" }, .target = 1.25 },
		{ .name = "crun", .step = { "@c run -b @D/filter @i" } },
	};

	if (bench.profile[0])
		compare(&(struct group){ "run, Podman's default profile", filter, LEN(filter), 100,
					 false, false });
	else
		printf("\nrun, Podman's default profile: skipped, BENCH_PROFILE names no config.json\n");
}

static void compare_sandbox(void)
{
	static struct subject sandbox[] = {
		{ .name = "bwrap",
		  .step = { "bwrap --unshare-all --ro-bind /usr /usr --ro-bind-try /bin /bin "
			    "--ro-bind-try /sbin /sbin --ro-bind-try /lib /lib --ro-bind-try /lib64 /lib64 "
			    "--ro-bind /etc /etc --proc /proc --dev /dev --tmpfs /tmp "
			    "--bind @D/work @D/work --chdir @D/work --hostname sandbox /bin/true" } },
		{ .name = "bryo", .step = { "@y sandbox -- /bin/true" }, .target = 2.0 },
	};

	compare(&(struct group){ "sandbox", sandbox, LEN(sandbox), 100, false, false });
}

static void compare_terminal(void)
{
	static struct subject spew[] = {
		{ .name = "crun", .step = { "@c run -b @D/spew @i" } },
		{ .name = "bryo", .step = { "@y run -b @D/spew @i" }, .target = 1.0 },
	};

	compare(&(struct group){ "run -t, 100 MB of text", spew, LEN(spew), 10, false, true });
}

/* Anonymous memory of a created container's init, which waits for start. */
static void weigh_init(const char *name, const char *create, const char *delete)
{
	char path[128], line[256], pid[16] = "";
	long kib = -1;
	FILE *f;

	if (run(create) == 0) {
		snprintf(path, sizeof(path), "%s/pid", bench.dir);
		f = fopen(path, "re");
		if (f && fgets(pid, sizeof(pid), f))
			pid[strcspn(pid, "\n")] = '\0';
		if (f)
			fclose(f);
		snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", pid);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			sscanf(line, "Anonymous: %ld", &kib);
		if (f)
			fclose(f);
	}
	(void)run(delete);
	if (kib < 0)
		printf("  %-32s skipped\n", name);
	else
		printf("  %-32s %8ld\n", name, kib);
}

static void clean(void)
{
	if (run("rm -rf @D @S") != 0)
		warnx("%s is left behind", bench.dir);
}

int main(int argc, char **argv)
{
	const char *bryo = getenv("BRYO");
	char here[PATH_MAX];
	struct utsname uts;
	int c;

	while ((c = getopt(argc, argv, "n:w:c")) != -1) {
		if (c == 'n')
			bench.rounds = (int)strtol(optarg, NULL, 10);
		else if (c == 'w')
			bench.warmup = (int)strtol(optarg, NULL, 10);
		else if (c == 'c')
			bench.check = true;
		else
			errx(2, "usage: [BRYO=FILE] bench [-c] [-n ROUNDS] [-w WARMUP]; -c fails on a missed target");
	}
	if (bench.rounds < 3 || bench.rounds > ROUNDS_MAX)
		errx(2, "rounds: 3 to %d", ROUNDS_MAX);
	if (!bryo || !realpath(bryo, bench.bryo))
		errx(2, "BRYO names no program");
	if (!realpath("/proc/self/exe", here))
		err(1, "/proc/self/exe");
	*strrchr(here, '/') = '\0';
	prepare(here);
	uname(&uts);
	printf("%s %s, %ld CPUs, uid %u, %d rounds, milliseconds\n", uts.sysname, uts.release,
	       sysconf(_SC_NPROCESSORS_ONLN), (unsigned)getuid(), bench.rounds);
	compare_runs();
	compare_steps();
	compare_filter();
	compare_sandbox();
	compare_terminal();
	printf("\nanonymous KiB of a waiting init (target 256)\n");
	weigh_init("bryo", "@y create -b @D/pause --pid-file @D/pid w", "@y delete --force w");
	weigh_init("crun", "@c create -b @D/pause --pid-file @D/pid w", "@c delete --force w");
	weigh_init("runc", "@u create -b @D/pause --pid-file @D/pid w", "@u delete --force w");
	clean();
	return bench.check && bench.missed;
}
