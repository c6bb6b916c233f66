/*
 * test_lsm.c - labels on a fake attr directory, because machines with AppArmor and with SELinux are
 * not at hand: each file is a FIFO, and a child process plays the module behind it, which takes
 * what is written and then says what it has made of it. What a real module does with a label at
 * execve is not tested here.
 */
#include "feature/lsm.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "tap.h"

#include <string.h>
#include <sys/wait.h>

static char dir[] = "/tmp/bryo-lsm.XXXXXX";

/* This is the module: it lives for one label. */
static pid_t module(int attr, const char *file, const char *answer, size_t len, int report)
{
	pid_t pid = fork();
	char text[256];
	ssize_t n;
	int fd;

	if (pid)
		return pid;
	fd = openat(attr, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	close(fd);
	if (n > 0)
		n = write(report, text, (size_t)n);
	fd = openat(attr, file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && len)
		n = write(fd, answer, len);
	_exit(0);
}

/* covers: process.apparmorProfile, process.selinuxLabel */
static const struct {
	const char *what;
	struct lsm_plan plan;
	const char *file, *answer;
	size_t len;
	const char *wrote;
	int rc;
} rows[] = {
	{ "AppArmor takes it",
	  { "prof", NULL },
	  "apparmor/exec",
	  "prof (enforce)\n",
	  15,
	  "exec prof",
	  0 },
	{ "in complain mode",
	  { "prof", NULL },
	  "apparmor/exec",
	  "prof (complain)\n",
	  16,
	  "exec prof",
	  0 },
	{ "a name with blanks",
	  { "my prof", NULL },
	  "apparmor/exec",
	  "my prof (enforce)\n",
	  18,
	  "exec my prof",
	  0 },
	{ "unconfined",
	  { "unconfined", NULL },
	  "apparmor/exec",
	  "unconfined\n",
	  11,
	  "exec unconfined",
	  0 },
	{ "another profile",
	  { "prof", NULL },
	  "apparmor/exec",
	  "other (enforce)\n",
	  16,
	  "exec prof",
	  -EPROTO },
	{ "a longer name",
	  { "prof", NULL },
	  "apparmor/exec",
	  "prof2 (enforce)\n",
	  16,
	  "exec prof",
	  -EPROTO },
	{ "a child profile",
	  { "prof", NULL },
	  "apparmor/exec",
	  "prof//x (enforce)\n",
	  18,
	  "exec prof",
	  -EPROTO },
	{ "a write that was swallowed",
	  { "prof", NULL },
	  "apparmor/exec",
	  "",
	  0,
	  "exec prof",
	  -EPROTO },
	{ "SELinux takes it",
	  { NULL, "u:r:t:s0:c1,c2" },
	  "exec",
	  "u:r:t:s0:c1,c2",
	  15,
	  "u:r:t:s0:c1,c2",
	  0 },
	{ "another label", { NULL, "u:r:t:s0" }, "exec", "u:r:other:s0", 13, "u:r:t:s0", -EPROTO },
	{ "a wider label", { NULL, "u:r:t:s0" }, "exec", "u:r:t:s0:c1", 12, "u:r:t:s0", -EPROTO },
	{ "SELinux swallows it", { NULL, "u:r:t:s0" }, "exec", "", 0, "u:r:t:s0", -EPROTO },
};

static void test_row(int attr, size_t i)
{
	struct err err = ERR_INIT;
	char wrote[256] = "", text[512];
	int pair[2], rc;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return;
	pid = module(attr, rows[i].file, rows[i].answer, rows[i].len, pair[1]);
	close(pair[1]);
	rc = lsm_apply_at(attr, &rows[i].plan, &err);
	if (read(pair[0], wrote, sizeof(wrote) - 1) < 0)
		wrote[0] = '\0';
	close(pair[0]);
	(void)waitpid(pid, NULL, 0);
	ok(rc == rows[i].rc && strcmp(wrote, rows[i].wrote) == 0, "%s: %s", rows[i].what,
	   rc < 0 ? err_format(&err, text, sizeof(text)) : "done");
}

/* attr/exec belongs to whatever module comes first: a profile must not land there. */
static void test_no_directory(int attr)
{
	const struct lsm_plan plan = { "prof", NULL };
	struct err err = ERR_INIT;
	struct stat st;
	int rc;

	close(openat(attr, "exec", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	rc = lsm_apply_at(attr, &plan, &err);
	ok(rc == -ENOENT && fstatat(attr, "exec", &st, 0) == 0 && st.st_size == 0,
	   "without attr/apparmor a profile fails and attr/exec is left alone");
	(void)symlinkat("/tmp", attr, "apparmor");
	rc = lsm_apply_at(attr, &plan, &err);
	ok(rc == -EXDEV, "a link that leads out of attr is not followed");
	(void)unlinkat(attr, "apparmor", 0);
	(void)unlinkat(attr, "exec", 0);
}

static const struct {
	const char *what;
	const char *apparmor, *selinux;
	bool has_apparmor, has_selinux;
	size_t lines; /* of the error; 0: none */
	bool kept;
} plans[] = {
	{ "nothing asked for", NULL, NULL, false, false, 0, false },
	{ "empty", "", "", false, false, 0, false },
	{ "profile, active", "p", NULL, true, false, 0, true },
	{ "profile, not active", "p", NULL, false, true, 1, false },
	{ "label, not active", NULL, "l", true, false, 1, false },
	{ "both, none active", "p", "l", false, false, 2, false },
	{ "unconfined, not active", "unconfined", NULL, false, false, 0, false },
	{ "unconfined, active", "unconfined", NULL, true, false, 0, true },
	{ "a line break in the profile", "p\nx", NULL, true, false, 1, false },
};

static void test_plan(size_t i)
{
	const struct spec_process p = { .apparmor_profile = plans[i].apparmor,
					.selinux_label = plans[i].selinux };
	const struct host host = { .faked = true,
				   .apparmor = plans[i].has_apparmor,
				   .selinux = plans[i].has_selinux };
	struct lsm_plan got;
	struct err err = ERR_INIT;
	char text[1024];
	int rc = lsm_plan(&p, &host, &got, &err);
	size_t lines = rc < 0;

	for (const char *c = err_format(&err, text, sizeof(text)); *c; c++)
		lines += *c == '\n';
	ok(lines == plans[i].lines && (rc < 0 || !!(got.apparmor || got.selinux) == plans[i].kept),
	   "plan: %s", plans[i].what);
}

static void test_join(void)
{
	auto_str struct str s = STR_INIT;

	lsm_join_option(&s, "mode=755");
	lsm_join_option(&s, "context=u:o:t:s0:c1,c2");
	lsm_join_option(&s, "rootcontext=u:o:t:s0");
	lsm_join_option(&s, "lowerdir=/a,b");
	ok(str_eq(s.p, "mode=755,context=\"u:o:t:s0:c1,c2\",rootcontext=u:o:t:s0,lowerdir=/a,b"),
	   "only a label with commas is quoted");
}

int main(void)
{
	int attr = mkdtemp(dir) ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	alarm(60);
	if (attr < 0)
		return 99;
	test_no_directory(attr);
	if (mkdirat(attr, "apparmor", 0700) < 0 || mkfifoat(attr, "apparmor/exec", 0600) < 0 ||
	    mkfifoat(attr, "exec", 0600) < 0)
		return 99;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(attr, i);
	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		test_plan(i);
	test_join();
	(void)unlinkat(attr, "apparmor/exec", 0);
	(void)unlinkat(attr, "apparmor", AT_REMOVEDIR);
	(void)unlinkat(attr, "exec", 0);
	close(attr);
	(void)rmdir(dir);
	return done();
}
