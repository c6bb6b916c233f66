/*
 * test_cgroup_devices.c - feature/cgroup/devices.h three ways: expectations written by hand; random
 * rules, where an interpreter of the instructions here must agree with device_program_allows();
 * and, as root, the kernel's own verdict in a cgroup of ours.
 *
 * The cgroup hierarchy and a tmpfs with device nodes are mounted detached (fsmount), so that no
 * mount of the machine is touched. A janitor removes the cgroup however this program ends. Numbers
 * 60 and 61 are for local use (admin-guide/devices.txt): opening them is ENXIO where it is allowed.
 */
/* covers: linux.resources.devices linux.resources.devices[].* */
#include "tap.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "base/vec.h"
#include "feature/cgroup/devices.h"
#include "oci/spec_load.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define MUST(x) ((x) ? (void)0 : (perror("# " #x), exit(EXIT_FAILURE)))
#define R	BPF_DEVCG_ACC_READ
#define W	BPF_DEVCG_ACC_WRITE
#define M	BPF_DEVCG_ACC_MKNOD
#define BELOW	"below" /* a cgroup in ours */

/* "+ c 1:3 rw, - . *:* ." : allow or deny; '.' is an absent field. */
static struct spec_resources rules(struct arena *a, const char *text)
{
	VEC(struct spec_device_rule) v = VEC_INIT;
	struct spec_resources r = { .present = true };
	char sign, type[8], major[16], minor[16], access[8];
	int used;

	for (; sscanf(text, " %c %7s %15[^: ]:%15s %7[^, ]%n", &sign, type, major, minor, access,
		      &used) == 5;
	     text += strspn(text, ", ")) {
		struct spec_device_rule *d = vec_add(a, &v);

		text += used;
		d->allow = sign == '+';
		d->type = *type == '.' ? NULL : arena_strdup(a, *type == '"' ? "" : type);
		d->access = *access == '.' ? NULL : arena_strdup(a, *access == '"' ? "" : access);
		d->major = (struct opt_i64){ *major != '*', strtoll(major, NULL, 10) };
		d->minor = (struct opt_i64){ *minor != '*', strtoll(minor, NULL, 10) };
	}
	MUST(!*text);
	r.devices.v = v.v;
	r.devices.n = v.n;
	return r;
}

static uint64_t interpret_alu(int op, uint32_t x, uint32_t y)
{
	switch (op) {
	case BPF_MOV:
		return y;
	case BPF_XOR:
		return x ^ y;
	case BPF_OR:
		return x | y;
	case BPF_AND:
		return x & y;
	case BPF_RSH:
		return x >> y;
	default:
		exit(EXIT_FAILURE);
	}
}

/* Only what devices.c emits; anything else, and leaving the program, ends the test. */
static bool interpret(const struct device_program *p, char type, uint32_t major, uint32_t minor,
		      unsigned access)
{
	struct bpf_cgroup_dev_ctx ctx = { access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK
								      : BPF_DEVCG_DEV_CHAR),
					  major, minor };
	uint64_t reg[11] = { 0 };

	if (p->allows_all)
		return true;
	for (size_t pc = 0; pc < p->n; pc++) {
		const struct bpf_insn *i = &p->v[pc];
		uint64_t x = reg[i->dst_reg], y = BPF_SRC(i->code) == BPF_X
							  ? reg[i->src_reg]
							  : (uint64_t)(int64_t)i->imm;

		MUST(i->dst_reg < 11 && i->src_reg < 11);
		if (i->code == (BPF_LDX | BPF_W | BPF_MEM)) {
			MUST(i->src_reg == 1 && pc < 7 && i->off >= 0 &&
			     (size_t)i->off + 4 <= sizeof(ctx));
			reg[i->dst_reg] = *(const uint32_t *)((const char *)&ctx + i->off);
		} else if (BPF_CLASS(i->code) == BPF_ALU) {
			reg[i->dst_reg] = interpret_alu(BPF_OP(i->code), (uint32_t)x, (uint32_t)y);
		} else if (i->code == (BPF_JMP | BPF_EXIT)) {
			return reg[0] & 1; /* as the kernel reads it */
		} else {
			MUST(i->code == (BPF_JMP | BPF_JNE) || i->code == (BPF_JMP | BPF_JEQ));
			MUST(i->off > 0);
			pc += (x == y) == (BPF_OP(i->code) == BPF_JEQ) ? (size_t)i->off : 0;
		}
	}
	MUST(!"the program ends");
	return false;
}

static bool plan(struct arena *a, const struct spec_resources *r, struct device_program *p)
{
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	if (device_program_plan(a, r, p, &err) == 0)
		return true;
	printf("# %s\n", err_format(&err, text, sizeof(text)));
	return false;
}

#define DOCKER                                                                                        \
	"- . *:* rwm, + c 1:5 rwm, + c 1:3 rwm, + c 1:9 rwm, + c 1:8 rwm, + c 5:0 rwm, + c 5:1 rwm, " \
	"- c 10:229 rwm"

/* Accesses are asked for one by one: "b 8:0 rw". Those of the second column are allowed. */
static const struct {
	const char *what, *rules, *yes, *no;
} table[] = {
	{ "no rule", "",
	  "c 1:3 rwm, c 1:5 rw, c 1:7 w, c 1:8 r, c 1:9 r, c 5:0 rw, c 5:1 rw, c 5:2 rw, c 136:77 rw, "
	  "c 10:200 rw, b 8:0 m, c 60:1 m",
	  "c 1:11 r, c 10:229 r, b 1:3 r, b 8:0 r, c 60:1 rm, c 137:0 r, c 1:1 rwm, c 5:3 r" },
	{ "podman", "- . *:* rwm", "c 1:3 rw, c 136:0 rw, b 8:0 m",
	  "b 8:0 r, c 10:229 rw, b 8:0 rm" },
	{ "podman --device", "- . *:* rwm, + c 10:229 rwm", "c 10:229 rw, c 10:229 rwm",
	  "c 10:228 rw, b 10:229 r" },
	{ "podman --privileged", "+ . *:* rwm", "b 8:0 rwm, c 60:1 rw, c 10:229 r", "" },
	{ "docker", DOCKER, "c 1:3 rwm, c 5:1 rw, c 1:9 r, c 10:229 m",
	  "c 10:229 r, c 10:229 rwm, b 8:0 w" },
	{ "docker --device", DOCKER ", + c 10:229 rwm, + b 8:16 r",
	  "c 10:229 rw, b 8:16 r, b 8:16 rm", "b 8:16 w, b 8:16 rw, b 8:17 r" },
	{ "docker --device-cgroup-rule", DOCKER ", + c -1:-1 r, + b 8:-1 w", "c 60:1 r, b 8:3 w",
	  "c 60:1 w, b 9:0 w, b 8:3 r" },
	{ "example of the specification", "- . *:* rwm, + c 10:229 rw, + b 8:0 r",
	  "c 10:229 rw, b 8:0 r", "b 8:0 rw, b 8:1 r" },
	{ "a part of what is asked", "+ c 60:1 r", "c 60:1 r, c 60:1 rm",
	  "c 60:1 w, c 60:1 rw, c 60:1 rwm" },
	{ "two halves add up", "+ c 60:1 r, + c 60:1 w", "c 60:1 r, c 60:1 w, c 60:1 rw",
	  "c 60:2 r" },
	{ "halves of different width", "+ c *:* r, + c 60:1 w", "c 60:1 rw, c 61:1 r",
	  "c 61:1 rw, b 60:1 r" },
	{ "all but a half", "+ a *:* rwm, - c 60:1 w", "c 60:1 r, c 60:1 rm, b 60:1 rw, c 60:2 rw",
	  "c 60:1 w, c 60:1 rw" },
	{ "a hole in a range", "+ c *:* rwm, - c 60:1 rwm", "c 60:2 rw, c 61:1 rw, c 60:1 m",
	  "c 60:1 r, c 60:1 rw, b 60:2 r" },
	{ "a range over a hole", "- c 60:1 rwm, + c *:* rwm", "c 60:1 rw", "b 60:1 r" },
	{ "the last one wins", "+ c 60:1 rw, - c 60:1 rw, + c 60:1 r", "c 60:1 r",
	  "c 60:1 rw, c 60:1 w" },
	{ "the last one wins, denying", "+ c 60:1 rw, - c 60:1 w", "c 60:1 r", "c 60:1 rw" },
	{ "deny all forgets", "+ c 60:1 rw, + b *:* rw, - a *:* rwm, + c 60:2 r",
	  "c 60:2 r, c 1:3 rw", "c 60:1 r, b 8:0 r" },
	{ "allow all forgets", "- c 60:1 rw, + a *:* rwm, - c 60:2 w",
	  "c 60:1 rw, b 8:0 rw, c 60:2 r", "c 60:2 rw" },
	{ "allow all in two halves", "+ b *:* rwm, + c *:* rwm", "b 8:0 rw, c 60:1 rw", "" },
	{ "all of one type", "+ b *:* rwm", "b 8:0 rw, b 60:1 r", "c 60:1 r, c 8:0 r" },
	{ "only reading", "+ a *:* r", "b 8:0 r, c 60:1 rm", "b 8:0 w, c 60:1 rw" },
	{ "no more writing", "+ a *:* rwm, - a *:* w", "b 8:0 r, c 1:3 rw, c 60:1 rm",
	  "b 8:0 w, c 60:1 rw" },
	{ "type a with numbers is no reset", "- a *:* rwm, + a 60:1 rw", "b 60:1 rw, c 60:1 r",
	  "c 60:2 r, b 61:1 r" },
	{ "deny of type a with numbers", "+ a *:* rwm, - a 60:* rwm", "c 61:1 rw, b 8:0 r",
	  "b 60:1 r, c 60:9 w" },
	{ "a major", "+ c 60:* rw", "c 60:0 rw, c 60:9 r", "c 61:0 r, b 60:0 r" },
	{ "a minor of any major", "+ b *:1 r", "b 60:1 r, b 8:1 r",
	  "b 60:2 r, c 60:1 r, b 60:1 w" },
	{ "empty strings are absent", "+ \" 60:1 \"", "c 60:1 rw, b 60:1 rw", "c 60:2 r" },
	{ "an absent access is rwm", "+ c 60:1 .", "c 60:1 rw", "c 60:2 r" },
	{ "defaults cannot be denied", "+ a *:* rwm, - c 1:3 rwm, - c 136:* rw, - a *:* m",
	  "c 1:3 rw, c 136:1 rw, c 60:1 m", "" },
	{ "the largest number is a number", "+ c 4294967295:4294967295 r",
	  "c 4294967295:4294967295 r", "c 0:0 r, c 60:1 r" },
	{ "letters twice", "+ c 60:1 rrwr", "c 60:1 rw", "c 60:2 r" },
};

static unsigned bits(const char *access)
{
	return (strchr(access, 'r') ? R : 0) | (strchr(access, 'w') ? W : 0) |
	       (strchr(access, 'm') ? M : 0);
}

static void test_accesses(const char *what, const struct spec_resources *r,
			  const struct device_program *p, const char *list, bool want)
{
	char type, access[8];
	unsigned major, minor;
	int used;

	for (; sscanf(list, " %c %u:%u %7[rwm]%n", &type, &major, &minor, access, &used) == 4;
	     list += strspn(list, ", ")) {
		list += used;
		ok(device_program_allows(r, type, major, minor, bits(access)) == want &&
			   interpret(p, type, major, minor, bits(access)) == want,
		   "%s: %c %u:%u %s is %s", what, type, major, minor, access,
		   want ? "allowed" : "denied");
	}
	MUST(!*list);
}

static void test_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct spec_resources r = rules(&a, table[i].rules);
		struct device_program p;

		if (!ok(plan(&a, &r, &p), "%s", table[i].what))
			continue;
		test_accesses(table[i].what, &r, &p, table[i].yes, true);
		test_accesses(table[i].what, &r, &p, table[i].no, false);
		if (!*table[i].no)
			ok(p.allows_all && !p.v && !p.n, "%s: nothing to attach", table[i].what);
	}
}

static void test_errors(void)
{
	static const struct {
		const char *rules, *want;
	} cases[] = {
		{ "+ c 1:1 r, + u 1:1 r",
		  "linux.resources.devices[1]: type: wants a, b or c, found 'u'" },
		{ "+ cb 1:1 r", "linux.resources.devices[0]: type: wants a, b or c, found 'cb'" },
		{ "+ c 1:1 rx",
		  "linux.resources.devices[0]: access: wants letters of rwm, found 'rx'" },
		{ "+ c -2:1 r", "linux.resources.devices[0]: major: -2 is not a device number" },
		{ "+ c 1:4294967296 r",
		  "linux.resources.devices[0]: minor: 4294967296 is not a device number" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct spec_resources r = rules(&a, cases[i].rules);
		struct device_program p = { .n = 77 };
		struct err err = ERR_INIT;
		char text[ERR_TEXT];
		int rc = device_program_plan(&a, &r, &p, &err);

		ok_str(err_format(&err, text, sizeof(text)), cases[i].want, cases[i].rules);
		ok(rc == -EINVAL && p.n == 77 && !device_program_allows(&r, 'c', 1, 3, R),
		   "%s: refused, the output untouched, nothing allowed", cases[i].rules);
	}
}

/* Rules of the same kind as long as is allowed; and what the planner leaves out. */
static struct spec_resources many(struct arena *a, size_t n)
{
	struct spec_resources r = { .present = true };

	r.devices.n = n;
	r.devices.v = arena_alloc(a, n * sizeof(*r.devices.v));
	for (size_t i = 0; i < n; i++)
		r.devices.v[i] = (struct spec_device_rule){ i % 3 != 0,
							    i % 5 ? "c" : "b",
							    i % 2 ? "r" : "w",
							    { true, 60 + (int64_t)i },
							    { true, (int64_t)(i % 7) } };
	return r;
}

static void test_sizes(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources most = many(&a, DEVICE_RULES_MAX),
			      more = many(&a, DEVICE_RULES_MAX + 1);
	struct spec_resources none = rules(&a, ""), docker = rules(&a, DOCKER);
	struct spec_resources reset =
		rules(&a, "+ c 9:9 r, - b 8:1 r, - . *:* rwm, - c 3:3 w, - b *:* r");
	struct device_program p, base;

	ok(device_program_plan(&a, &more, &p, NULL) == -E2BIG, "too many rules");
	ok(plan(&a, &most, &p) && p.n > DEVICE_RULES_MAX, "the most rules");
	printf("# %zu instructions\n", p.n);
	ok(plan(&a, &none, &base) && base.n < 128, "no rule");
	printf("# %zu instructions\n", base.n);
	ok(plan(&a, &reset, &p) && p.n == base.n,
	   "what a reset or the end decides alike is left out");
	ok(plan(&a, &docker, &p) && p.n == base.n, "what the defaults repeat is left out");
}

static unsigned random_below(unsigned n)
{
	static uint64_t state = 20261129;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static const char *one_of(const char *const *v, size_t n)
{
	return v[random_below((unsigned)n)];
}

static struct spec_resources random_rules(struct arena *a)
{
	static const char *const types[] = { "a", "b", "b", "c", "c", "c", NULL, "" };
	static const char *const accesses[] = { "r",  "w",   "m",   "rw", "rm",
						"wm", "rwm", "rwm", "",	  NULL };
	static const int64_t majors[] = { 1, 5, 60, 60, 61, -1 }, minors[] = { 1, 2, 3, 3, 11, -1 };
	struct spec_resources r = { .present = true };

	r.devices.n = random_below(12);
	r.devices.v = arena_alloc(a, (r.devices.n + 1) * sizeof(*r.devices.v));
	for (size_t i = 0; i < r.devices.n; i++) {
		bool all = random_below(4) == 0; /* resets are rare among random numbers */

		r.devices.v[i] = (struct spec_device_rule){
			.allow = random_below(2),
			.type = one_of(types, ARRAY_LEN(types)),
			.access = one_of(accesses, ARRAY_LEN(accesses)),
			.major = { !all && random_below(4),
				   majors[random_below(ARRAY_LEN(majors))] },
			.minor = { !all && random_below(4),
				   minors[random_below(ARRAY_LEN(minors))] },
		};
	}
	return r;
}

static bool agree(const struct spec_resources *r, const struct device_program *p)
{
	static const uint32_t majors[] = { 0, 1, 5, 60, 61, UINT32_MAX },
			      minors[] = { 0, 1, 2, 3, 11 };

	for (size_t i = 0; i < ARRAY_LEN(majors); i++)
		for (size_t k = 0; k < ARRAY_LEN(minors); k++)
			for (unsigned access = 0; access < 16; access++) {
				char type = access < 8 ? 'b' : 'c';

				if (device_program_allows(r, type, majors[i], minors[k],
							  access & 7) ==
				    interpret(p, type, majors[i], minors[k], access & 7))
					continue;
				printf("# %c %u:%u %#x\n", type, majors[i], minors[k], access & 7);
				return false;
			}
	return true;
}

static void test_random(void)
{
	unsigned wrong = 0, everything = 0;

	for (int i = 0; i < 4000; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct spec_resources r = random_rules(&a);
		struct device_program p;

		wrong += !plan(&a, &r, &p) || !agree(&r, &p);
		everything += p.allows_all;
	}
	ok(wrong == 0, "4000 random lists: the instructions agree with the rules (%u wrong)",
	   wrong);
	ok(everything > 20 && everything < 2000, "%u of them allow everything", everything);
}

static void test_engines(void)
{
	static const char *const names[] = { "ctr",
					     "ctr-options",
					     "ctr-host",
					     "podman-root",
					     "podman-root-options",
					     "podman-root-privileged",
					     "podman-rootless",
					     "runc-spec",
					     "crun-spec" };
	const char *top = getenv("BRYO_TOP");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_arena struct arena a = ARENA_INIT;
		const char *path = arena_printf(&a, "%s/tests/golden/engines/%s.json",
						top ? top : ".", names[i]),
			   *text;
		struct device_program p;
		struct spec *s;
		size_t len;
		bool privileged = strstr(names[i], "privileged") || strstr(names[i], "ctr-host");

		if (spec_load(&a, AT_FDCWD, path, &s, &text, &len, NULL) < 0) {
			tap_skip(names[i], "not found; BRYO_TOP names the source");
			continue;
		}
		ok(plan(&a, &s->linux_.resources, &p) && agree(&s->linux_.resources, &p) &&
			   p.allows_all == privileged && interpret(&p, 'c', 1, 3, R | W | M) &&
			   interpret(&p, 'b', 8, 0, R) == privileged &&
			   interpret(&p, 'c', 10, 229, R | W) ==
				   (privileged || strstr(names[i], "options")),
		   "as %s writes it", names[i]);
	}
}

/* The kernel. */

static const struct node {
	char type;
	unsigned major, minor;
} nodes[] = { { 'c', 1, 3 },  { 'c', 1, 5 },  { 'c', 1, 7 },  { 'c', 1, 11 },
	      { 'c', 5, 0 },  { 'c', 60, 1 }, { 'c', 60, 2 }, { 'c', 60, 3 },
	      { 'c', 61, 1 }, { 'b', 60, 1 }, { 'b', 60, 3 }, { 'b', 61, 2 } };
static const struct {
	unsigned access;
	int flags;
} modes[] = { { R, O_RDONLY }, { W, O_WRONLY }, { R | W, O_RDWR }, { M, -1 } };

struct box {
	int top, cgroup, dev; /* the hierarchy, our cgroup in it, the nodes */
	int alive;	      /* the janitor works when nobody holds it any more */
	char name[64];
};

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static bool may(const struct box *b, const struct node *n, int flags)
{
	mode_t mode = n->type == 'b' ? S_IFBLK | 0600 : S_IFCHR | 0600;
	char name[64];
	int rc;

	(void)snprintf(name, sizeof(name), flags < 0 ? "made" : "%c%u:%u", n->type, n->major,
		       n->minor);
	if (flags < 0) {
		rc = mknodat(b->dev, name, mode, makedev(n->major, n->minor));
		(void)unlinkat(b->dev, name, 0);
		return rc == 0;
	}
	rc = openat(b->dev, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (rc < 0)
		return errno != EPERM;
	close(rc);
	return true;
}

static int detached(const char *type)
{
	auto_fd int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static void write_at(int dir, const char *name, const char *text)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	(void)!write(fd, text, strlen(text));
}

/* Lives until nobody is there that could still need the cgroup. */
static void janitor(struct box *b, int gone)
{
	char c;

	(void)setsid();
	close(b->alive);
	(void)!read(gone, &c, 1);
	write_at(b->cgroup, "cgroup.kill", "1");
	(void)unlinkat(b->cgroup, BELOW, AT_REMOVEDIR);
	for (int i = 0; i < 200 && unlinkat(b->top, b->name, AT_REMOVEDIR) < 0 && errno == EBUSY;
	     i++)
		(void)usleep(10000);
	_exit(0);
}

static pid_t start_janitor(struct box *b)
{
	int pipes[2];
	pid_t pid;

	MUST(pipe2(pipes, O_CLOEXEC) == 0);
	b->alive = pipes[1];
	(void)fflush(stdout);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0)
		janitor(b, pipes[0]);
	close(pipes[0]);
	return pid;
}

/* Returns why there can be no test, or NULL. */
static const char *make_box(struct box *b, pid_t *ret_janitor)
{
	if (geteuid() != 0)
		return "not root";
	b->top = detached("cgroup2");
	b->dev = detached("tmpfs");
	if (b->top < 0 || b->dev < 0)
		return "cannot mount cgroup2 or tmpfs";
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%c%u:%u", nodes[i].type, nodes[i].major,
			       nodes[i].minor);
		if (mknodat(b->dev, name, nodes[i].type == 'b' ? S_IFBLK | 0600 : S_IFCHR | 0600,
			    makedev(nodes[i].major, nodes[i].minor)) < 0)
			return "cannot make device nodes";
		for (size_t m = 0; m < ARRAY_LEN(modes); m++)
			if (!may(b, &nodes[i], modes[m].flags))
				return "a cgroup above denies devices";
	}
	(void)snprintf(b->name, sizeof(b->name), "bryo-test-devices-%d", (int)getpid());
	if (mkdirat(b->top, b->name, 0755) < 0)
		return "cannot make a cgroup";
	b->cgroup = openat(b->top, b->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret_janitor = start_janitor(b);
	return NULL;
}

/* A child in the cgroup that answers each byte with its verdicts on all nodes. */
static pid_t start_prober(const struct box *b, int *ret_sock)
{
	int pair[2];
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	(void)fflush(stdout);
	pid = fork();
	MUST(pid >= 0);
	*ret_sock = pair[0];
	if (pid == 0) {
		bool verdicts[ARRAY_LEN(nodes)][ARRAY_LEN(modes)];
		char c;

		close(b->alive);
		close(pair[0]);
		write_at(b->cgroup, "cgroup.procs", "0");
		while (read(pair[1], &c, 1) == 1) {
			for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
				for (size_t m = 0; m < ARRAY_LEN(modes); m++)
					verdicts[i][m] = may(b, &nodes[i], modes[m].flags);
			(void)!write(pair[1], verdicts, sizeof(verdicts));
		}
		_exit(0);
	}
	close(pair[1]);
	return pid;
}

/* The number of differences between the kernel and the rules; NULL: everything is allowed. */
static unsigned compare(int prober, const struct spec_resources *r)
{
	bool verdicts[ARRAY_LEN(nodes)][ARRAY_LEN(modes)];
	unsigned wrong = 0;

	MUST(write(prober, "?", 1) == 1);
	MUST(read(prober, verdicts, sizeof(verdicts)) == (ssize_t)sizeof(verdicts));
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
			const struct node *n = &nodes[i];
			bool want = !r || device_program_allows(r, n->type, n->major, n->minor,
								modes[m].access);

			if (verdicts[i][m] == want)
				continue;
			printf("# %c %u:%u %#x: the kernel says %d\n", n->type, n->major, n->minor,
			       modes[m].access, verdicts[i][m]);
			wrong++;
		}
	return wrong;
}

static bool apply(const struct box *b, const struct spec_resources *r)
{
	auto_arena struct arena a = ARENA_INIT;
	struct device_program p;
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	if (!plan(&a, r, &p))
		return false;
	if (device_program_attach(b->cgroup, &p, &err) == 0)
		return err.num == 0;
	printf("# %s\n", err_format(&err, text, sizeof(text)));
	return false;
}

/* How many programs of that name are on the cgroup; NULL: of any name. */
static int attached(const struct box *b, const char *name)
{
	uint32_t ids[64] = { 0 };
	union bpf_attr attr;
	int n = 0;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)b->cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = ARRAY_LEN(ids);
	MUST(sys_bpf(BPF_PROG_QUERY, &attr) == 0);
	if (!name)
		return (int)attr.query.prog_cnt;
	for (uint32_t i = 0, count = attr.query.prog_cnt; i < count; i++) {
		struct bpf_prog_info info;
		auto_fd int fd = -1;

		memset(&attr, 0, sizeof(attr));
		memset(&info, 0, sizeof(info));
		attr.prog_id = ids[i];
		fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		memset(&attr, 0, sizeof(attr));
		attr.info.bpf_fd = (uint32_t)fd;
		attr.info.info_len = sizeof(info);
		attr.info.info = (uint64_t)(uintptr_t)&info;
		n += sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && !strcmp(info.name, name);
	}
	return n;
}

/* A program that allows everything or nothing, put beside what is there. */
static void attach_other(const struct box *b, const char *name, uint32_t flags, bool verdict)
{
	struct bpf_insn v[] = { { .code = BPF_ALU | BPF_MOV | BPF_K, .imm = verdict },
				{ .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr;
	auto_fd int fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)v;
	attr.insn_cnt = ARRAY_LEN(v);
	attr.license = (uint64_t)(uintptr_t) "";
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	MUST(fd >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)b->cgroup;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = flags;
	MUST(sys_bpf(BPF_PROG_ATTACH, &attr) == 0);
}

static void test_verdicts(const struct box *b, int prober)
{
	unsigned wrong = 0, failed = 0;

	ok(compare(prober, NULL) == 0, "before, everything can be opened");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct spec_resources r = rules(&a, table[i].rules);

		ok(apply(b, &r) && compare(prober, &r) == 0, "kernel: %s", table[i].what);
	}
	for (int i = 0; i < 200; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct spec_resources r = random_rules(&a);

		failed += !apply(b, &r);
		wrong += compare(prober, &r);
	}
	ok(failed == 0 && wrong == 0,
	   "kernel: 200 random lists (%u not attached, %u wrong verdicts)", failed, wrong);
}

static void test_most(const struct box *b, int prober)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources r = many(&a, DEVICE_RULES_MAX);
	struct timespec from, to;
	bool good;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	good = apply(b, &r);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	ok(good && compare(prober, &r) == 0, "kernel: the most rules");
	printf("# %ld ms\n",
	       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
}

static void test_beside(const struct box *b, int prober)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources one = rules(&a, "+ c 60:1 r"), two = rules(&a, "+ c 60:2 r"),
			      all = rules(&a, "+ . *:* .");

	ok(apply(b, &all) && attached(b, NULL) == 0 && compare(prober, NULL) == 0,
	   "allow all: nothing is attached");
	ok(apply(b, &all), "allow all again");
	attach_other(b, "somebody", BPF_F_ALLOW_MULTI, true);
	ok(apply(b, &one) && attached(b, "bryo_devices") == 1 && attached(b, NULL) == 2,
	   "beside another's program");
	attach_other(b, "bryo_devices", BPF_F_ALLOW_MULTI, true);
	attach_other(b, "somebody_else", BPF_F_ALLOW_MULTI, true);
	attach_other(b, "bryo_devices", BPF_F_ALLOW_MULTI, true);
	ok(apply(b, &two) && attached(b, "bryo_devices") == 1 && attached(b, NULL) == 3,
	   "of three of ours one is left");
	ok(compare(prober, &two) == 0, "and it is the new one");
	attach_other(b, "bryo_devices", BPF_F_ALLOW_MULTI, true);
	ok(apply(b, &all) && attached(b, "bryo_devices") == 0 && attached(b, NULL) == 2,
	   "allow all removes ours only");
	ok(compare(prober, NULL) == 0, "and then everything can be opened");
}

struct report {
	unsigned long rounds, denied, opened, other_count;
};

/* In the cgroup: opens one node that is always allowed and one that never is. */
static pid_t start_watcher(const struct box *b, int *ret_sock)
{
	int pair[2];
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	(void)fflush(stdout);
	pid = fork();
	MUST(pid >= 0);
	*ret_sock = pair[0];
	if (pid == 0) {
		struct report report = { 0, 0, 0, 0 };
		int count = attached(b, NULL);
		char c;

		close(b->alive);
		close(pair[0]);
		write_at(b->cgroup, "cgroup.procs", "0");
		(void)!write(pair[1], "", 1);
		for (; recv(pair[1], &c, 1, MSG_DONTWAIT) < 0; report.rounds++) {
			report.denied += !may(b, &nodes[5], O_RDONLY);
			report.opened += may(b, &nodes[6], O_RDONLY);
			report.other_count += attached(b, NULL) != count;
		}
		(void)!write(pair[1], &report, sizeof(report));
		_exit(0);
	}
	close(pair[1]);
	MUST(read(pair[0], &(char){ 0 }, 1) == 1);
	return pid;
}

static struct report stop_watcher(pid_t pid, int sock)
{
	struct report report = { 0, 1, 1, 1 };

	(void)!write(sock, "", 1);
	(void)!read(sock, &report, sizeof(report));
	close(sock);
	(void)waitpid(pid, NULL, 0);
	return report;
}

static void test_replace(const struct box *b)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources one = rules(&a, "+ c 60:1 r"),
			      two = rules(&a, "+ a *:* r, - c 60:2 rw");
	struct report report;
	unsigned failed = !apply(b, &one);
	int sock;
	pid_t pid = start_watcher(b, &sock);

	for (int i = 0; i < 200; i++)
		failed += !apply(b, i % 2 ? &one : &two) || attached(b, "bryo_devices") != 1;
	report = stop_watcher(pid, sock);
	ok(failed == 0, "200 replacements, each leaves one program");
	ok(report.rounds > 200 && report.denied == 0 && report.opened == 0,
	   "no wrong verdict meanwhile (%lu and %lu of %lu)", report.denied, report.opened,
	   report.rounds);
	ok(report.other_count == 0, "and never two at once (%lu)", report.other_count);
}

/* Several calls at once, and programs that come from nowhere: never none, and one in the end. */
static void test_race(const struct box *b)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources one = rules(&a, "+ c 60:1 r"), all = rules(&a, "+ . *:* .");
	struct bpf_insn v[] = { { .code = BPF_ALU | BPF_MOV | BPF_K },
				{ .code = BPF_JMP | BPF_EXIT } };
	struct device_program nothing = { v, ARRAY_LEN(v), false }; /* is loaded sooner */
	struct report report;
	unsigned left = 0, failed = 0;
	int sock = -1;
	pid_t watcher = -1, pids[6];

	for (int round = 0; round < 20; round++) {
		if (round == 1)
			watcher = start_watcher(b, &sock);
		if (round == 0)
			failed += !apply(b, &all);
		(void)fflush(stdout);
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			pids[i] = fork();
			MUST(pids[i] >= 0);
			if (pids[i])
				continue;
			close(b->alive);
			if (i < 2 && round)
				attach_other(b, "bryo_devices", BPF_F_ALLOW_MULTI, false);
			for (int k = 0; k < (i % 2 ? 10 : 200); k++)
				if (i % 2 ? !apply(b, &one)
					  : device_program_attach(b->cgroup, &nothing, NULL) < 0)
					_exit(1);
			_exit(0);
		}
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			int status = -1;

			(void)waitpid(pids[i], &status, 0);
			failed += status != 0;
		}
		left += (unsigned)attached(b, "bryo_devices");
	}
	report = stop_watcher(watcher, sock);
	ok(failed == 0 && left == 20,
	   "six at once end with one program (%u failed, %u left in 20 rounds)", failed, left);
	ok(report.rounds > 200 && report.opened == 0, "never without one meanwhile (%lu of %lu)",
	   report.opened, report.rounds);
}

static void test_refused(const struct box *b)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources r = rules(&a, "+ c 60:1 r");
	auto_fd int slash = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;
	struct device_program p, bad;
	struct box below = *b;
	struct bpf_insn nothing[] = { { .code = BPF_JMP | BPF_EXIT } };
	char text[ERR_TEXT];
	int rc;

	MUST(plan(&a, &r, &p));
	rc = device_program_attach(slash, &p, &err);
	ok(rc == -EBADF && strstr(err.hint, "cgroup v2"), "not a cgroup: %s",
	   err_format(&err, text, sizeof(text)));
	err = (struct err)ERR_INIT;
	bad = (struct device_program){ nothing, 1, false };
	rc = device_program_attach(b->cgroup, &bad, &err);
	ok(rc == -EACCES && strstr(err.hint, "verifier: R0 !read_ok"), "a bad program: %s",
	   err_format(&err, text, sizeof(text)));
	MUST(mkdirat(b->cgroup, BELOW, 0755) == 0);
	below.cgroup = openat(b->cgroup, BELOW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	attach_other(&below, "exclusive", 0, true);
	err = (struct err)ERR_INIT;
	rc = device_program_attach(below.cgroup, &p, &err);
	ok(rc == -EPERM && strstr(err.hint, "BPF_F_ALLOW_MULTI"), "beside an exclusive one: %s",
	   err_format(&err, text, sizeof(text)));
	close(below.cgroup);
}

static void test_kernel(void)
{
	struct box b = { -1, -1, -1, -1, "" };
	pid_t clean = -1, prober;
	const char *why = make_box(&b, &clean);
	int sock;

	if (why) {
		tap_skip("the kernel's verdicts", why);
		return;
	}
	prober = start_prober(&b, &sock);
	test_verdicts(&b, sock);
	test_most(&b, sock);
	test_beside(&b, sock);
	close(sock);
	(void)waitpid(prober, NULL, 0);
	test_replace(&b);
	test_race(&b);
	test_refused(&b);
	close(b.alive);
	(void)waitpid(clean, NULL, 0);
	ok(faccessat(b.top, b.name, F_OK, 0) < 0, "the cgroup is gone");
}

static void answer_bpf_with(unsigned num)
{
	struct sock_filter v[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | num),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_LEN(v), v };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		_exit(2);
}

/* Hosts that cannot do it; each is a child, seccomp plays the kernel. */
static const struct host_case {
	const char *what;
	bool userns;
	unsigned num; /* what bpf(2) gives; 0: the kernel's own answer to an ordinary user */
	int rc, all;  /* with rules, and allowing everything */
	const char *want;
} hosts[] = {
	{ "an ordinary user", false, 0, -EPERM, -EPERM, "CAP_SYS_ADMIN" },
	{ "in a user namespace", true, 0, -EPERM, -EPERM, "user namespace" },
	{ "a security module", false, EACCES, -EACCES, -EACCES, "security module" },
	{ "no bpf(2)", false, ENOSYS, -ENOSYS, 0, "CONFIG_BPF_SYSCALL" },
	{ "no such program", false, EINVAL, -ENOSYS, 0, "CONFIG_CGROUP_BPF" },
};

static void be_host(const struct host_case *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct spec_resources r = rules(&a, ""), all = rules(&a, "+ . *:* .");
	struct err err = ERR_INIT;
	struct device_program p, p_all;
	char text[ERR_TEXT];
	int rc;

	if (!c->num && geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		_exit(2);
	if (c->userns && unshare(CLONE_NEWUSER) < 0)
		_exit(2);
	MUST(plan(&a, &r, &p) && plan(&a, &all, &p_all));
	if (c->num)
		answer_bpf_with(c->num);
	rc = device_program_attach(-1, &p, &err);
	(void)err_format(&err, text, sizeof(text));
	printf("# %s\n", text);
	(void)fflush(stdout);
	_exit(rc != c->rc || !strstr(text, c->want) ||
	      device_program_attach(-1, &p_all, NULL) != c->all);
}

/* There the namespace is the better story than who else may have said no. */
static bool in_userns(void)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	char line[128] = "";
	bool all;

	all = f && fgets(line, sizeof(line), f) && strstr(line, "4294967295");
	if (f)
		fclose(f);
	return !all;
}

static void test_hosts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		int status = -1;
		pid_t pid;

		if (hosts[i].num == EACCES && in_userns()) {
			tap_skip(hosts[i].what, "in a user namespace");
			continue;
		}
		(void)fflush(stdout);
		pid = fork();
		MUST(pid >= 0);
		if (pid == 0)
			be_host(&hosts[i]);
		(void)waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			tap_skip(hosts[i].what, "cannot become that");
		else
			ok(status == 0, "told what is missing: %s", hosts[i].what);
	}
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	test_table();
	test_errors();
	test_sizes();
	test_random();
	test_engines();
	test_hosts();
	test_kernel();
	return done();
}
