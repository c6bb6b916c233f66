/*
 * test_cgroup_stat.c - figures of a cgroup and their JSON (feature/cgroup/stat.h), and the watch for
 * OOM kills (feature/cgroup/oom.h), on directories that only look like cgroups: what the kernel
 * prints is taken from a 6.18 and a 5.10, and from its documentation.
 */
#include "base/cleanup.h"
#include "feature/cgroup/oom.h"
#include "feature/cgroup/stat.h"
#include "tap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_U64 "18446744073709551615"

static int top = -1; /* the directory of all fake trees */
static int trees;

struct file {
	const char *name, *text;
};

static void put(int dir, const char *name, const char *text)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
}

/* A cgroup with these files; every cgroup has cgroup.controllers. */
static int tree(const struct file *files)
{
	char name[16];
	int dir;

	(void)snprintf(name, sizeof(name), "%d", ++trees);
	if (mkdirat(top, name, 0755) < 0)
		abort();
	dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "cgroup.controllers", "\n");
	for (; files->name; files++)
		put(dir, files->name, files->text);
	return dir;
}

/* ------------------------------------------------------------------------------------------ JSON */

#define CPU_NONE "\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}}"
#define CPUSET_FLAGS                                                                            \
	"\"mem_hardwall\":0,\"mem_exclusive\":0,\"memory_migrate\":0,\"memory_spread_page\":0," \
	"\"memory_spread_slab\":0,\"memory_pressure\":0,\"sched_load_balance\":0,"              \
	"\"sched_relax_domain_level\":0"
#define CPUSET_NONE "\"cpuset\":{\"cpu_exclusive\":0," CPUSET_FLAGS "}"
#define KERNEL	    "\"kernel\":{\"limit\":0,\"failcnt\":0},\"kernelTCP\":{\"limit\":0,\"failcnt\":0}"
#define MEMORY_NONE                                                                                      \
	"\"memory\":{\"usage\":{\"limit\":0,\"failcnt\":0},\"swap\":{\"limit\":0,\"failcnt\":0}," KERNEL \
	"}"
#define END "\"intel_rdt\":{},\"network_interfaces\":null}"

#define CPU_PSI                                                     \
	"some avg10=1.71 avg60=0.50 avg300=12.00 total=230548833\n" \
	"full avg10=0.00 avg60=0.05 avg300=100.00 total=0\n"
#define PSI_JSON                                                                              \
	"\"psi\":{\"some\":{\"avg10\":1.71,\"avg60\":0.5,\"avg300\":12,\"total\":230548833}," \
	"\"full\":{\"avg10\":0,\"avg60\":0.05,\"avg300\":100,\"total\":0}}"

static const struct {
	const char *what;
	struct file files[16];
	const char *want;
} shapes[] = {
	{ "no controller at all is what runc prints for it",
	  { { 0 } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE
	  ",\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	/* as runc 1.1.5 printed it for such a cgroup, pressure apart, which it does not know */
	{ "a hybrid host's: only hugetlb, processes are counted one by one",
	  { { "cpu.stat", "usage_usec 8093\nuser_usec 8093\nsystem_usec 0\nnice_usec 0\n" },
	    { "cgroup.procs", "7\n8\n" },
	    { "hugetlb.2MB.current", "0\n" },
	    { "hugetlb.2MB.events", "max 0\n" },
	    { "hugetlb.2MB.max", "max\n" },
	    { "hugetlb.2MB.rsvd.current", "77\n" },
	    { "hugetlb.1GB.current", "0\n" },
	    { "hugetlb.1GB.events", "max 0\n" } },
	  "{\"cpu\":{\"usage\":{\"total\":8093000,\"kernel\":0,\"user\":8093000},\"throttling\":{}}," CPUSET_NONE
	  "," MEMORY_NONE ",\"pids\":{\"current\":2},\"blkio\":{},"
	  "\"hugetlb\":{\"1GB\":{\"failcnt\":0},\"2MB\":{\"failcnt\":0}}," END },
	{ "cpu: microseconds become nanoseconds, pressure is as it was measured",
	  { { "cpu.stat",
	      "usage_usec 5\nuser_usec 3\nsystem_usec 2\ncore_sched.force_idle_usec 0\n"
	      "nr_periods 10\nnr_throttled 4\nthrottled_usec 6\nnr_bursts 0\nburst_usec 0\n" },
	    { "cpu.pressure", CPU_PSI } },
	  "{\"cpu\":{\"usage\":{\"total\":5000,\"kernel\":2000,\"user\":3000},\"throttling\":{\"periods\":10,"
	  "\"throttledPeriods\":4,\"throttledTime\":6000}," PSI_JSON "}," CPUSET_NONE
	  "," MEMORY_NONE ",\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	{ "memory: swap is the sum, raw is sorted, failcnt and max are hits and peak",
	  { { "memory.current", "1000\n" },
	    { "memory.max", "4096\n" },
	    { "memory.peak", "2000\n" },
	    { "memory.swap.current", "24\n" },
	    { "memory.swap.max", "1024\n" },
	    { "memory.stat", "slab 5\nanon 300\nfile 700\n" },
	    { "memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n" },
	    { "memory.pressure", CPU_PSI } },
	  "{" CPU_NONE "," CPUSET_NONE ",\"memory\":{\"cache\":700,"
	  "\"usage\":{\"limit\":4096,\"usage\":1000,\"max\":2000,\"failcnt\":3},"
	  "\"swap\":{\"limit\":5120,\"usage\":1024,\"failcnt\":0}," KERNEL
	  ",\"raw\":{\"anon\":300,\"file\":700,\"slab\":5}," PSI_JSON
	  "},\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	{ "memory without limits: max is 2^64-1, in the sum as well",
	  { { "memory.current", "7\n" },
	    { "memory.max", "max\n" },
	    { "memory.swap.current", "1\n" },
	    { "memory.swap.max", "100\n" } },
	  "{" CPU_NONE "," CPUSET_NONE ",\"memory\":{\"usage\":{\"limit\":" MAX_U64
	  ",\"usage\":7,\"failcnt\":0},\"swap\":{\"limit\":" MAX_U64
	  ",\"usage\":8,\"failcnt\":0}," KERNEL "},\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	{ "memory without swap accounting: swap is the memory",
	  { { "memory.current", "7\n" }, { "memory.max", "9\n" } },
	  "{" CPU_NONE "," CPUSET_NONE
	  ",\"memory\":{\"usage\":{\"limit\":9,\"usage\":7,\"failcnt\":0},\"swap\":{\"limit\":9,"
	  "\"usage\":7,\"failcnt\":0}," KERNEL "},\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	{ "memory.stat alone is not a controller",
	  { { "memory.stat", "file 700\n" } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE
	  ",\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
	{ "pids: no limit is no key",
	  { { "pids.current", "4\n" }, { "pids.max", "max\n" }, { "cgroup.procs", "1\n" } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE
	  ",\"pids\":{\"current\":4},\"blkio\":{},\"hugetlb\":{}," END },
	{ "pids: a limit",
	  { { "pids.current", "4\n" }, { "pids.max", "100\n" } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE
	  ",\"pids\":{\"current\":4,\"limit\":100},\"blkio\":{},\"hugetlb\":{}," END },
	{ "io: two entries per device and table, zeros left out, discards apart",
	  { { "io.stat", "254:1 rbytes=69 wbytes=0 rios=2 wios=9 dbytes=5 dios=1\n"
			 "0:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n" },
	    { "io.pressure", CPU_PSI } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE ",\"pids\":{},"
	  "\"blkio\":{\"ioServiceBytesRecursive\":["
	  "{\"major\":254,\"minor\":1,\"op\":\"Read\",\"value\":69},"
	  "{\"major\":254,\"minor\":1,\"op\":\"Write\"},"
	  "{\"op\":\"Read\",\"value\":1},{\"op\":\"Write\",\"value\":2}],"
	  "\"ioServicedRecursive\":["
	  "{\"major\":254,\"minor\":1,\"op\":\"Read\",\"value\":2},"
	  "{\"major\":254,\"minor\":1,\"op\":\"Write\",\"value\":9},"
	  "{\"op\":\"Read\",\"value\":3},{\"op\":\"Write\",\"value\":4}]," PSI_JSON
	  "},\"hugetlb\":{}," END },
	{ "hugetlb: by size",
	  { { "hugetlb.64KB.current", "65536\n" },
	    { "hugetlb.64KB.max", "131072\n" },
	    { "hugetlb.64KB.events", "max 3\n" },
	    { "hugetlb.2MB.current", "0\n" } },
	  "{" CPU_NONE "," CPUSET_NONE "," MEMORY_NONE ",\"pids\":{},\"blkio\":{},"
	  "\"hugetlb\":{\"2MB\":{\"failcnt\":0},\"64KB\":{\"usage\":65536,\"failcnt\":3}}," END },
	{ "cpuset: ranges become numbers",
	  { { "cpuset.cpus.effective", "0-2,7\n" }, { "cpuset.mems.effective", "0\n" } },
	  "{" CPU_NONE
	  ",\"cpuset\":{\"cpus\":[0,1,2,7],\"cpu_exclusive\":0,\"mems\":[0]," CPUSET_FLAGS
	  "}," MEMORY_NONE ",\"pids\":{},\"blkio\":{},\"hugetlb\":{}," END },
};

static void test_shape(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_fd int dir = tree(shapes[i].files);
	auto_json_out struct json_out o;
	struct err err = ERR_INIT;
	struct cgroup_stats s;

	json_out_init(&o, NULL);
	if (cgroup_stats_read(&a, dir, &s, &err) == 0)
		cgroup_stats_json(&s, NULL, &o);
	else
		printf("# %s\n", err.text);
	ok_str(o.s.p, shapes[i].want, shapes[i].what);
}

/* --------------------------------------------------------------------------------------- garbage */

static const struct {
	const char *what, *file, *text;
	const char *error; /* NULL: it is read */
} garbage[] = {
	{ "a figure that is no number", "cpu.stat", "usage_usec x\n", "'usage_usec x'" },
	{ "a negative one", "cpu.stat", "usage_usec -1\n", "'usage_usec -1'" },
	{ "one without a figure", "cpu.stat", "usage_usec\n", "'usage_usec'" },
	{ "2^64", "cpu.stat", "nr_periods 18446744073709551616\n", "18446744073709551616" },
	{ "what is not wanted may be anything", "cpu.stat", "new_key\nother a b c\n\n", NULL },
	{ "an empty file", "cpu.stat", "", NULL },
	{ "a number with a tail", "memory.current", "12x\n", "memory.current: '12x'" },
	{ "an empty number", "pids.current", "\n", "pids.current: ''" },
	{ "a word that is not max", "pids.max", "maximal\n",
	  NULL }, /* not asked: no pids.current */
	{ "a line of memory.stat without number", "memory.stat", "anon\n", NULL }, /* likewise */
	{ "pressure in words", "io.pressure", "some avg10=high\n",
	  "io.pressure: 'some avg10=high'" },
	{ "pressure with one digit", "cpu.pressure", "some avg10=1.5\n", "avg10=1.5" },
	{ "pressure without value", "cpu.pressure", "full avg60\n", "avg60" },
	{ "pressure without total", "cpu.pressure", "full total=\n", "cpu.pressure" },
	{ "a new line of pressure", "cpu.pressure", "irq avg10=0.00\n", NULL },
	{ "a new average", "memory.pressure", "some avg5=0 avg10=0.00\n", NULL },
	{ "figures of no device", "io.stat", "rbytes=1\n", "io.stat: 'rbytes=1'" },
	{ "a device that is none", "io.stat", "sda rbytes=1\n", "'sda'" },
	{ "a device number with a tail", "io.stat", "8:0a rbytes=1\n", "'8:0a'" },
	{ "a figure of a device that is none", "io.stat", "8:0 rbytes=one\n", "io.stat" },
	{ "a new figure of a device", "io.stat", "8:0 cost.vrate=100.00 rbytes=1\n", NULL },
	{ "a list backwards", "cpuset.cpus.effective", "3-1\n", "'3-1'" },
	{ "a list in words", "cpuset.mems.effective", "all\n", "'all'" },
	{ "a list that is not ended", "cpuset.cpus.effective", "0-\n", "'0-'" },
	{ "a list with a CPU that is none", "cpuset.cpus.effective", "65536\n", "'65536'" },
	{ "an empty list", "cpuset.cpus.effective", "\n", NULL },
	{ "rdma in words", "rdma.current", "mlx5_0 hca_handle=many\n", "rdma.current: 'mlx5_0'" },
	{ "rdma without figures", "rdma.current", "mlx5_0\n", NULL },
	{ "populated in words", "cgroup.events", "populated yes\n", "'populated yes'" },
	{ "a size that is no number", "hugetlb.2MB.current", "much\n",
	  "hugetlb.2MB.current: 'much'" },
	{ "a file that only begins like one of hugetlb", "hugetlb.2MB", "much\n", NULL },
};

static void test_garbage(size_t i)
{
	const struct file files[] = { { garbage[i].file, garbage[i].text }, { 0 } };
	auto_arena struct arena a = ARENA_INIT;
	auto_fd int dir = tree(files);
	struct err err = ERR_INIT;
	struct cgroup_stats s = { .pids.current = 4711 };
	char text[ERR_TEXT] = "";
	int rc = cgroup_stats_read(&a, dir, &s, &err);
	bool good = garbage[i].error ? rc == -EPROTO && s.pids.current == 4711 : rc == 0;

	if (rc < 0)
		(void)err_format(&err, text, sizeof(text));
	if (garbage[i].error)
		good = good && strstr(text, garbage[i].error) && strstr(text, "is not understood");
	if (!ok(good, "garbage: %s", garbage[i].what))
		printf("# %d: %s\n", rc, text);
}

/* --------------------------------------------------------------------------------------- figures */

static int read_files(struct arena *a, const struct file *files, struct cgroup_stats *s)
{
	auto_fd int dir = tree(files);
	struct err err = ERR_INIT;
	int rc = cgroup_stats_read(a, dir, s, &err);

	if (rc < 0)
		printf("# %s\n", err.text);
	return rc;
}

static void test_figures(void)
{
	static const struct file full[] = {
		{ "cpu.stat", "usage_usec " MAX_U64 "\nnr_periods " MAX_U64 "\n" },
		{ "memory.current", MAX_U64 "\n" },
		{ "memory.max", "max\n" },
		{ "memory.swap.current", "3\n" },
		{ "memory.swap.max", "max\n" },
		{ "memory.events", "max 1\noom 5\noom_kill 4\n" },
		{ "pids.current", "2\n" },
		{ "pids.max", "0\n" },
		{ "hugetlb.2MB.current", "2097152\n" },
		{ "hugetlb.2MB.max", "max\n" },
		{ "hugetlb.2MB.events", "max 9\n" },
		{ "rdma.current", "mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_object=23\n" },
		{ "cgroup.events", "populated 1\nfrozen 1\n" },
		{ 0 },
	};
	static const struct file none[] = { { "memory.pressure", "" },
					    { "cgroup.events", "populated 0\n" },
					    { 0 } };
	/* of kernels that print a device without figures, and no newline behind it */
	static const struct file io[] = {
		{ "io.stat",
		  "7:1 7:0 8:16 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=30 dios=3\n8:0 \n"
		  "8:32 rbytes=" MAX_U64 "\n9:0" },
		{ 0 },
	};
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_stats s;

	ok(read_files(&a, full, &s) == 0 && s.cpu.usage == UINT64_MAX &&
		   s.cpu.periods == UINT64_MAX,
	   "huge numbers stay, and stop where they would overflow");
	ok(s.memory.present && s.memory.current == UINT64_MAX && s.memory.max == CGROUP_NO_LIMIT &&
		   s.memory.swap_present && s.memory.swap_current == 3 &&
		   s.memory.swap_max == CGROUP_NO_LIMIT,
	   "memory and swap");
	ok(s.memory.hits == 1 && s.memory.oom == 5 && s.memory.oom_kill == 4 && !s.memory.peak,
	   "events of memory; no peak");
	ok(s.pids.present && s.pids.current == 2 && s.pids.max == 0, "a limit of 0 is one");
	ok(s.hugetlb.n == 1 && s.hugetlb.v[0].current == 2097152 &&
		   s.hugetlb.v[0].max == CGROUP_NO_LIMIT && s.hugetlb.v[0].failures == 9,
	   "hugetlb");
	ok(s.rdma.present && s.rdma.n == 2 && !strcmp(s.rdma.v[0].device, "mlx4_0") &&
		   s.rdma.v[0].handles == 2 && s.rdma.v[0].objects == 2000 &&
		   !strcmp(s.rdma.v[1].device, "ocrdma1") && s.rdma.v[1].handles == 0 &&
		   s.rdma.v[1].objects == 23,
	   "rdma");
	ok(s.populated && s.frozen, "populated and frozen");
	ok(!s.io.present && !s.cpuset.present && !s.cpu.psi.present,
	   "what is missing is not present");

	ok(read_files(&a, none, &s) == 0 && !s.cpu.present && !s.memory.present &&
		   !s.pids.present && !s.rdma.present && !s.hugetlb.n && !s.memory.psi.present,
	   "nothing is present, and a file of pressure without lines is none");
	ok(s.memory.max == CGROUP_NO_LIMIT && s.pids.max == CGROUP_NO_LIMIT,
	   "and there is no limit");
	ok(!s.populated && !s.frozen, "an empty cgroup");

	ok(read_files(&a, io, &s) == 0 && s.io.present && s.io.n == 2 && s.io.v[0].major == 8 &&
		   s.io.v[0].minor == 16 && s.io.v[0].rbytes == 10 && s.io.v[0].wbytes == 20 &&
		   s.io.v[0].rios == 1 && s.io.v[0].wios == 2 && s.io.v[0].dbytes == 30 &&
		   s.io.v[0].dios == 3,
	   "io: each figure in its place");
	ok(s.io.n == 2 && s.io.v[1].minor == 32 && s.io.v[1].rbytes == UINT64_MAX,
	   "devices without figures are left out");
}

/* More than the reader's first buffer, and more keys than a vector begins with. */
static void test_long(void)
{
	auto_str struct str text = STR_INIT;
	struct file files[] = {
		{ "memory.current", "1\n" }, { "memory.max", "2\n" }, { "memory.stat", NULL }, { 0 }
	};
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_stats s;
	bool sorted = true;

	for (int i = 4999; i >= 0; i--)
		str_addf(&text, "a_rather_long_name_of_a_figure_%04d %d\n", i, i);
	files[2].text = text.p;
	ok(read_files(&a, files, &s) == 0 && s.memory.stat.n == 5000, "a memory.stat of %zu bytes",
	   text.len);
	for (size_t i = 0; i < s.memory.stat.n; i++)
		sorted &= s.memory.stat.v[i].value == i;
	ok(sorted && !strcmp(s.memory.stat.v[7].name, "a_rather_long_name_of_a_figure_0007"),
	   "comes sorted");

	str_free(&text);
	for (int i = 0; i < 40000; i++)
		str_addf(&text, "a_rather_long_name_of_a_figure_%05d 1\n", i);
	files[2].text = text.p;
	ok(read_files(&a, files, &s) == -EFBIG, "but not of any size");
}

static void test_gone(void)
{
	static const struct file files[] = { { "cpu.stat", "usage_usec 1\n" }, { 0 } };
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_stats s = { .pids.current = 4711 };
	auto_fd int dir = tree(files);
	struct err err = ERR_INIT;

	(void)unlinkat(dir, "cgroup.controllers", 0);
	ok(cgroup_stats_read(&a, dir, &s, &err) == -ENOENT && s.pids.current == 4711 &&
		   strstr(err.text, "gone"),
	   "a cgroup that went away is -ENOENT and touches nothing");
	ok(cgroup_stats_read(&a, dir, &s, NULL) == -ENOENT, "also where nobody asks why");
}

/* ------------------------------------------------------------------------------------------- OOM */

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_oom(void)
{
	static const struct file files[] = {
		{ "memory.events", "max 4\noom 1\noom_kill 1\n" },
		{ "cgroup.events", "populated 1\nfrozen 0\n" },
		{ 0 },
	};
	auto_cgroup_oom struct cgroup_oom w = CGROUP_OOM_INIT;
	auto_fd int dir = tree(files);
	struct err err = ERR_INIT;
	uint64_t kills = 99;

	ok(cgroup_oom_open(dir, &w, &err) == 0 && w.fd >= 0 && w.kills == 1 && !w.ended &&
		   !readable(w.fd),
	   "oom: nothing happened yet");
	ok(cgroup_oom_step(&w, &kills, &err) == 0 && kills == 0, "oom: asked without an event");
	put(dir, "memory.events", "max 5\noom 1\noom_kill 1\n");
	ok(readable(w.fd), "oom: a change wakes");
	ok(cgroup_oom_step(&w, &kills, &err) == 0 && kills == 0 && !readable(w.fd),
	   "oom: and was no kill");
	put(dir, "memory.events", "max 5\noom 2\noom_kill 3\n");
	put(dir, "memory.events", "max 5\noom 2\noom_kill 4\n");
	ok(readable(w.fd) && cgroup_oom_step(&w, &kills, &err) == 0 && kills == 3 && w.kills == 4 &&
		   !w.ended,
	   "oom: three kills");
	ok(!readable(w.fd) && cgroup_oom_step(&w, &kills, &err) == 0 && kills == 0,
	   "oom: are told once");
	put(dir, "cgroup.events", "populated 1\nfrozen 1\n");
	ok(readable(w.fd) && cgroup_oom_step(&w, &kills, &err) == 0 && !w.ended,
	   "oom: a freeze is no end");
	put(dir, "memory.events", "oom_kill 5\n");
	put(dir, "cgroup.events", "populated 0\nfrozen 0\n");
	ok(readable(w.fd) && cgroup_oom_step(&w, &kills, &err) == 0 && kills == 1 && w.ended,
	   "oom: the kill that empties it is told with the end");
	(void)unlinkat(dir, "memory.events", 0);
	ok(cgroup_oom_step(&w, &kills, &err) == 0 && kills == 0 && w.kills == 5,
	   "oom: a controller that is taken away is no kill");
	put(dir, "memory.events", "oom_kill many\n");
	ok(cgroup_oom_step(&w, &kills, &err) == -EPROTO, "oom: garbage");
}

static void test_oom_end(void)
{
	static const struct file files[] = { { "cgroup.events", "populated 1\n" }, { 0 } };
	static const struct file nothing[] = { { 0 } };
	struct cgroup_oom w = CGROUP_OOM_INIT, none = CGROUP_OOM_INIT;
	auto_fd int dir = tree(files), gone = tree(nothing);
	struct err err = ERR_INIT;
	uint64_t kills;
	int fd;

	ok(cgroup_oom_open(dir, &w, &err) == 0 && !w.ended, "oom: without the memory controller");
	(void)unlinkat(dir, "cgroup.events", 0);
	ok(readable(w.fd) && cgroup_oom_step(&w, &kills, &err) == 0 && kills == 0 && w.ended,
	   "oom: a removed cgroup has ended");
	fd = w.fd;
	cgroup_oom_close(&w);
	cgroup_oom_close(&w);
	ok(w.fd == -1 && fcntl(fd, F_GETFD) < 0, "oom: closed, once");
	ok(cgroup_oom_open(gone, &none, &err) == -ENOENT && none.fd == -1,
	   "oom: one that is gone already");
}

int main(void)
{
	char path[] = "/tmp/bryo-test-stat-XXXXXX", *argv[] = { "rm", "-rf", path, NULL };

	top = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		test_shape(i);
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++)
		test_garbage(i);
	test_figures();
	test_long();
	test_gone();
	test_oom();
	test_oom_end();
	(void)done();
	(void)fflush(stdout);
	execvp(argv[0], argv);
	return 1;
}
