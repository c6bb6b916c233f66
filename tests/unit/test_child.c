/* test_child.c - programs: what they get, what is reported, and what is left behind (base/child.h). */
#include "tap.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char scratch[] = "/tmp/bryo-test-child-XXXXXX";

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void drop(char **p)
{
	free(*p);
	*p = NULL;
}

static const char *text_of(const struct err *err)
{
	static char buf[8192];

	return err_format(err, buf, sizeof(buf));
}

/* Runs a line of shell with output captured. */
static int shell(struct child *c, const char *line, struct err *err)
{
	char *argv[] = { "sh", "-c", (char *)line, NULL };

	c->path = "/bin/sh";
	c->argv = argv;
	c->capture = true;
	*err = (struct err)ERR_INIT;
	return child_run(c, err);
}

static void test_output(void)
{
	static const struct {
		const char *what, *line;
		int rc;
		const char *output, *error;
	} cases[] = {
		{ "output is collected", "echo hello", 0, "hello", "" },
		{ "stderr too", "echo oops >&2", 0, "oops", "" },
		{ "lines become one", "echo a; echo; printf '\\tb\\r\\n \\033[1m'", 0, "a b [1m",
		  "" },
		{ "nothing printed", ":", 0, "", "" },
		{ "an exit status is an error", "echo why; exit 3", -EIO, "why",
		  "'/bin/sh' exited with status 3: why" },
		{ "and without words", "exit 1", -EIO, "", "'/bin/sh' exited with status 1" },
		{ "a signal death is named", "kill -9 $$", -EIO, "",
		  "'/bin/sh' was killed by SIGKILL" },
		{ "stdin is /dev/null", "cat; echo end", 0, "end", "" },
		{ "only 0, 1, 2 are open", "ls /proc/self/fd | tr -d '\\n'", 0, "0123",
		  "" }, /* 3: ls itself */
		{ "no signal is blocked or ignored",
		  "grep -c '^Sig\\(Blk\\|Ign\\):.0000000000000000' /proc/self/status", 0, "2", "" },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct child c = CHILD_INIT;
		int rc = shell(&c, cases[i].line, &err);

		if (!ok(rc == cases[i].rc && strcmp(c.output, cases[i].output) == 0 &&
				strcmp(text_of(&err), cases[i].error) == 0,
			"%s", cases[i].what))
			printf("# rc %d, output '%s', error '%s'\n", rc, c.output, text_of(&err));
		ok(c.pidfd == -1 && c.out_pipe == -1, "%s: descriptors are closed", cases[i].what);
	}
}

static void test_flood(void)
{
	struct child c = CHILD_INIT;
	struct err err;
	int rc = shell(&c, "i=0; while [ $i -lt 20000 ]; do echo line$i; i=$((i+1)); done", &err);

	ok(rc == 0 && strlen(c.output) <= 1024 && strncmp(c.output, "...", 3) == 0,
	   "much output is bounded");
	ok(strlen(c.output) > 9 && strcmp(c.output + strlen(c.output) - 9, "line19999") == 0,
	   "and its end is kept");
}

static void test_background(void)
{
	struct child c = CHILD_INIT;
	struct err err;
	double start = now();
	int rc = shell(&c, "sleep 5 & echo started", &err);

	ok(rc == 0 && strcmp(c.output, "started") == 0 && now() - start < 2,
	   "a process left behind with the pipe does not hold us");
}

static void test_timeout(void)
{
	struct child c = CHILD_INIT;
	struct err err;
	double start = now();
	int rc;

	c.timeout_ms = 150;
	rc = shell(&c, "echo before; exec sleep 10", &err);
	ok(rc == -ETIMEDOUT && now() - start < 3, "a slow child is killed");
	ok_str(text_of(&err), "'/bin/sh' did not end within 150 ms and was killed: before",
	       "and reported");
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "and reaped");
}

static void test_input(void)
{
	size_t len = 3 << 20;
	auto_free char *big = malloc(len);
	struct child c = CHILD_INIT;
	struct err err;

	memset(big, 'x', len);
	c.input = "some text";
	c.input_len = 9;
	ok(shell(&c, "cat; echo .; cat", &err) == 0 && strcmp(c.output, "some text.") == 0,
	   "input arrives");
	c = (struct child)CHILD_INIT;
	c.input = big;
	c.input_len = len;
	ok(shell(&c, "wc -c", &err) == 0 && strcmp(c.output, "3145728") == 0, "much input arrives");
	c = (struct child)CHILD_INIT;
	c.input = big;
	c.input_len = len;
	ok(shell(&c, "exit 0", &err) == 0, "input that nobody reads does no harm");
	c = (struct child)CHILD_INIT;
	c.input = "abc";
	c.input_len = 3;
	ok(shell(&c, "echo y 2>/dev/null >&0 && echo written; cat", &err) == 0 &&
		   strstr(c.output, "abc"),
	   "input cannot be changed");
	c = (struct child)CHILD_INIT;
	c.input = "";
	ok(shell(&c, "wc -c", &err) == 0 && strcmp(c.output, "0") == 0, "empty input");
}

static void make_file(const char *path, mode_t mode, const char *text)
{
	FILE *f = fopen(path, "we");

	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void test_exec_errors(void)
{
	static const struct {
		const char *what, *path;
		int rc;
		const char *error;
	} cases[] = {
		{ "missing", "/nonexistent/x", -ENOENT,
		  "'/nonexistent/x': No such file or directory" },
		{ "not in PATH", "bryo-no-such-program", -ENOENT,
		  "'bryo-no-such-program': executable file not found in $PATH" },
		{ "empty name", "", -ENOENT, "'': executable file not found in $PATH" },
		{ "not executable", "./plain", -EACCES, "'./plain': Permission denied" },
		{ "a directory", "/tmp", -EACCES, "'/tmp': Permission denied" },
		{ "no program", "./noformat", -ENOEXEC,
		  "start './noformat': execute it: Exec format error" },
		{ "interpreter missing", "./nointerp", -ENOENT,
		  "start './nointerp': execute it: No such file or directory [the interpreter in its first line "
		  "or the loader it asks for is missing]" },
	};

	make_file("plain", 0644, "x");
	make_file("noformat", 0755, "\x01\x02\x03");
	make_file("nointerp", 0755, "#!/nonexistent/sh\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *argv[] = { "x", NULL };
		struct child c = CHILD_INIT;
		struct err err = ERR_INIT;
		int rc;

		c.path = cases[i].path;
		c.argv = argv;
		c.capture = true;
		rc = child_start(&c, &err);
		ok(rc == cases[i].rc, "%s: %d", cases[i].what, rc);
		ok_str(text_of(&err), cases[i].error, cases[i].what);
		ok(c.pidfd == -1 && c.out_pipe == -1 && waitpid(-1, NULL, WNOHANG) == -1,
		   "%s: nothing is left", cases[i].what);
	}
}

static void test_find(void)
{
	auto_free char *got = NULL, *env = NULL;
	struct err err = ERR_INIT;

	mkdir("a", 0700);
	mkdir("b", 0700);
	make_file("a/tool", 0644, "");
	make_file("b/tool", 0755, "");
	ok(asprintf(&env, "/nonexistent:%s/a:%s/b", scratch, scratch) > 0 &&
		   child_find("tool", env, &got, &err) == 0 && strstr(got, "/b/tool"),
	   "the first that can be executed is taken");
	drop(&got);
	ok(child_find("tool", "a", &got, &err) == -EACCES, "found but not executable");
	ok(child_find("tool", "", &got, &err) == -ENOENT, "an empty PATH is the working directory");
	ok(child_find("sh", NULL, &got, &err) == 0 && got[0] == '/', "NULL is the process's PATH");
	drop(&got);
	ok(chdir("b") == 0 && child_find("tool", "/nonexistent:", &got, &err) == 0 &&
		   strcmp(got, "tool") == 0,
	   "an empty last component is the working directory");
	ok(chdir("..") == 0, "back");
}

static bool holds(int fd, const char *text)
{
	char buf[100] = "";

	return pread(fd, buf, sizeof(buf) - 1, 0) > 0 && strcmp(buf, text) == 0;
}

/* Every source sits on a number that another one must become. */
static void test_descriptors(void)
{
	char *argv[] = { "sh", "-c",
			 "echo out; echo err >&2; echo three >&3; read a; [ \"$a\" = input ]",
			 NULL };
	int files[4], saved[4], rc;
	struct child c = CHILD_INIT;
	struct err err = ERR_INIT;

	fflush(stdout);
	for (int i = 0; i < 4; i++) {
		files[i] = fcntl(memfd_create("f", MFD_CLOEXEC), F_DUPFD_CLOEXEC, 20);
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 30);
	}
	(void)!pwrite(files[3], "input\n", 6, 0);
	for (int i = 0; i < 4; i++)
		dup2(files[i], i);
	c.path = "/bin/sh";
	c.argv = argv;
	c.in = 3;
	c.out = 2;
	c.error = 1;
	c.pass = 0;
	rc = child_run(&c, &err);
	for (int i = 0; i < 4; i++) {
		if (saved[i] >= 0)
			dup2(saved[i], i);
		else
			close(i);
		close(saved[i]);
	}
	ok(rc == 0, "a child with crossed descriptors: %s", text_of(&err));
	ok(holds(files[2], "out\n") && holds(files[1], "err\n") && holds(files[0], "three\n"),
	   "each went where it should");
	for (int i = 0; i < 4; i++)
		close(files[i]);
}

static void test_environment(void)
{
	char *env[] = { "ONLY=this", NULL };
	auto_fd int dir = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct child c = CHILD_INIT;
	struct err err;

	c.envp = env;
	c.dirfd = dir;
	ok(shell(&c, "echo $ONLY-$HOME; /bin/pwd", &err) == 0 &&
		   strcmp(c.output, "this- /usr") == 0,
	   "environment and directory as described (%s)", c.output);
}

static void test_release(void)
{
	char *argv[] = { "sleep", "30", NULL };
	struct child c = CHILD_INIT;
	struct err err = ERR_INIT;
	sigset_t before = { 0 }, after = { 0 }; /* the C library fills only what the kernel has */

	sigprocmask(SIG_BLOCK, NULL, &before);
	c.path = "sleep";
	c.argv = argv;
	ok(child_start(&c, &err) == 0 && kill(c.pid, 0) == 0, "a child that goes on");
	sigprocmask(SIG_BLOCK, NULL, &after);
	ok(memcmp(&before, &after, sizeof(before)) == 0, "the caller's signal mask is as before");
	errno = 77;
	child_release(&c);
	ok(errno == 77 && kill(c.pid, 0) < 0 && c.pidfd == -1,
	   "release kills and reaps it, and keeps errno");
	child_release(&c);
	ok(true, "release twice");
}

static void test_two(void)
{
	char *argv[] = { "sh", "-c", "echo first; exit 4", NULL },
	     *argv2[] = { "sh", "-c", "echo second", NULL };
	struct child a = CHILD_INIT, b = CHILD_INIT;
	struct err err = ERR_INIT;

	a.path = b.path = "/bin/sh";
	a.argv = argv;
	b.argv = argv2;
	a.capture = b.capture = true;
	ok(child_start(&a, &err) == 0 && child_start(&b, &err) == 0, "two side by side");
	ok(child_wait(&b, &err) == 0 && strcmp(b.output, "second") == 0,
	   "the second is waited for first");
	ok(child_wait(&a, &err) == -EIO && strcmp(a.output, "first") == 0 &&
		   WEXITSTATUS(a.status) == 4,
	   "then the first");
}

/* The numbers that the program's descriptors get may be those of others here. */
static void test_more(void)
{
	char *argv[] = { "sh", "-c",
			 "cat <&3; cat <&4; cat <&5; pwd; [ -e /proc/self/fd/6 ] && echo leak; "
			 "read -r a b c d e sid f </proc/self/stat; [ $sid = $$ ] || echo $sid $$",
			 NULL };
	auto_fd int dir = -1;
	auto_fd int one = -1;
	auto_fd int two = -1;
	auto_fd int three = -1;
	struct child c = CHILD_INIT;
	struct err err = ERR_INIT;

	if (system("echo one >one; echo two >two; echo three >three; mkdir dir") != 0)
		exit(EXIT_FAILURE);
	dir = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	three = open("three", O_RDONLY | O_CLOEXEC);
	two = open("two", O_RDONLY | O_CLOEXEC);
	one = open("one", O_RDONLY | O_CLOEXEC);
	c.path = "/bin/sh";
	c.argv = argv;
	c.capture = c.session = true;
	c.pass = one;
	c.pass_more[0] = two;
	c.pass_more[1] = three;
	c.dirfd = dir;
	ok(child_run(&c, &err) == 0 && str_starts(c.output, "one two three ") &&
		   strstr(c.output, "/dir") && !strstr(c.output, "leak"),
	   "three descriptors, a directory and a session: %s", c.output);
	if (system("rm -rf one two three dir") != 0)
		exit(EXIT_FAILURE);
}

int main(void)
{
	if (!mkdtemp(scratch) || chdir(scratch) < 0)
		return EXIT_FAILURE;
	signal(SIGUSR2, SIG_IGN);
	test_output();
	test_flood();
	test_background();
	test_timeout();
	test_input();
	test_exec_errors();
	test_find();
	test_descriptors();
	test_environment();
	test_release();
	test_two();
	test_more();
	if (system("rm -rf plain noformat nointerp a b") == 0 && chdir("/") == 0)
		rmdir(scratch);
	return done();
}
