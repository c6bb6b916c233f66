/*
 * test_explain.c - why a user namespace was refused: fake /proc trees in a temporary directory
 * against the words that the user gets.
 */
#include "rootless/userns_explain.h"

#include "base/cleanup.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const dirs[] = { "proc",	"proc/self",	 "proc/self/ns",
				    "proc/sys", "proc/sys/user", "proc/sys/kernel" };

#define CLONE_FILE    "proc/sys/kernel/unprivileged_userns_clone"
#define APPARMOR_FILE "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define USER_FILE     "proc/sys/user/max_user_namespaces"
#define NET_FILE      "proc/sys/user/max_net_namespaces"
#define MOUNTS	      "22 1 254:0 / / rw - ext4 /dev/vda rw\n23 22 0:5 / /proc rw - proc proc rw\n"
#define JAIL	      "23 22 0:5 / /proc rw - proc proc rw\n24 22 0:6 / /dev rw - tmpfs / / rw\n"

static const struct {
	const char *what;
	int num;
	struct {
		const char *path, *text;
	} files[4]; /* besides ns/user, mountinfo, status */
	bool no_support;
	const char *exe;
	const char *want, *want2, *never;
} cases[] = {
	{ "ENOSPC with a limit of 0 names it",
	  ENOSPC,
	  { { USER_FILE, "0\n" }, { NET_FILE, "500\n" } },
	  .want = "user.max_user_namespaces=0",
	  .want2 = "sysctl -w",
	  .never = "max_net" },
	{ "EUSERS is the same",
	  EUSERS,
	  { { NET_FILE, "0\n" }, { USER_FILE, "500\n" } },
	  .want = "user.max_net_namespaces=0",
	  .never = "max_user_namespaces=500" },
	{ "ENOSPC with all limits high prints them and the depth",
	  ENOSPC,
	  { { USER_FILE, "63000\n" }, { NET_FILE, "500\n" } },
	  .want = "user.max_user_namespaces=63000",
	  .want2 = "32 deep" },
	{ "ENOSPC without any limit file", ENOSPC, .want = "no limits can be read" },
	{ "a small limit counts",
	  ENOSPC,
	  { { USER_FILE, "3\n" } },
	  .want = "limited here: user.max_user_namespaces=3" },
	{ "EPERM with a limit of 0, when nothing else is found",
	  EPERM,
	  { { USER_FILE, "0\n" } },
	  .want = "user.max_user_namespaces=0" },
	{ "unprivileged_userns_clone=0",
	  EPERM,
	  { { CLONE_FILE, "0\n" } },
	  .want = "kernel.unprivileged_userns_clone is 0",
	  .want2 = "sysctl -w kernel.unprivileged_userns_clone=1" },
	{ "unprivileged_userns_clone=1 is not it",
	  EPERM,
	  { { CLONE_FILE, "1\n" } },
	  .want = "none of the known causes" },
	{ "AppArmor with the profile for this path",
	  EACCES,
	  { { APPARMOR_FILE, "1\n" } },
	  .exe = "/home/alice/.local/bin/bryo",
	  .want = "profile bryo /home/alice/.local/bin/bryo flags=(unconfined) { userns, }",
	  .want2 = "apparmor_parser -r /etc/apparmor.d/bryo" },
	{ "AppArmor never prints a path that a shell would read otherwise",
	  EPERM,
	  { { APPARMOR_FILE, "1\n" } },
	  .exe = "/tmp/a';rm -rf x;'/bryo",
	  .want = "apparmor_restrict_unprivileged_userns is 1",
	  .never = "rm -rf" },
	{ "AppArmor with an unknown path",
	  EPERM,
	  { { APPARMOR_FILE, "1\n" } },
	  .want = "apparmor_restrict_unprivileged_userns is 1" },
	{ "AppArmor off", EPERM, { { APPARMOR_FILE, "0\n" } }, .want = "none of the known causes" },
	{ "kernel without user namespaces", EINVAL, .no_support = true, .want = "CONFIG_USER_NS" },
	{ "chroot", EPERM, { { "proc/self/mountinfo", JAIL } }, .want = "in a chroot" },
	{ "no chroot", EPERM, .want = "none of the known causes", .never = "chroot, where" },
	{ "outer seccomp filter",
	  EPERM,
	  { { "proc/self/status", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n" } },
	  .want = "seccomp filter",
	  .want2 = "clone3, clone, unshare, setns, mount" },
	{ "no filter",
	  EPERM,
	  { { "proc/self/status", "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t2\n" } },
	  .want = "none of the known causes" },
	{ "ENOSYS under a filter is the filter",
	  ENOSYS,
	  { { "proc/self/status", "Name:\tx\nSeccomp:\t2\n" } },
	  .want = "seccomp filter" },
	{ "ENOSYS without a filter is an old kernel", ENOSYS, .want = "5.14" },
	{ "the sysctl comes before AppArmor and seccomp",
	  EPERM,
	  { { CLONE_FILE, "0\n" },
	    { APPARMOR_FILE, "1\n" },
	    { "proc/self/status", "x\nSeccomp:\t2\n" } },
	  .want = "unprivileged_userns_clone is 0",
	  .never = "apparmor" },
	{ "ENOSPC is never blamed on a sysctl",
	  ENOSPC,
	  { { CLONE_FILE, "0\n" }, { USER_FILE, "9000\n" } },
	  .want = "a namespace limit, not a full disk" },
};

static void put(int root, const char *path, const char *text)
{
	auto_fd int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void clear(int root)
{
	static const char *const files[] = {
		CLONE_FILE,	    APPARMOR_FILE,	USER_FILE, NET_FILE, "proc/self/mountinfo",
		"proc/self/status", "proc/self/ns/user"
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlinkat(root, files[i], 0);
}

static void run_case(int root, size_t i)
{
	struct err err = ERR_INIT;
	bool good;
	int rc;

	clear(root);
	put(root, "proc/self/mountinfo", MOUNTS);
	put(root, "proc/self/status", "Name:\tx\nSeccomp:\t0\n");
	if (!cases[i].no_support)
		put(root, "proc/self/ns/user", "");
	for (size_t j = 0; j < ARRAY_LEN(cases[i].files) && cases[i].files[j].path; j++)
		put(root, cases[i].files[j].path, cases[i].files[j].text);
	errno = cases[i].num;
	rc = err_sys(&err, "clone");
	good = userns_explain_at(root, cases[i].exe, cases[i].num, rc, &err) == -cases[i].num &&
	       strstr(err.hint, cases[i].want) &&
	       (!cases[i].want2 || strstr(err.hint, cases[i].want2)) &&
	       (!cases[i].never || !strstr(err.hint, cases[i].never));
	if (!ok(good, "%s", cases[i].what))
		printf("# %s\n", err.hint);
}

int main(void)
{
	char dir[] = "/tmp/bryo-test-explain.XXXXXX";
	auto_fd int root = -1;
	struct err err = ERR_INIT;

	if (!mkdtemp(dir) || (root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
		perror("temporary directory");
		return EXIT_FAILURE;
	}
	ok(userns_explain_at(root, NULL, EPERM, -EPERM, &err) == -EPERM &&
		   strstr(err.hint, "none of the known"),
	   "an empty tree is no cause of anything");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		(void)mkdirat(root, dirs[i], 0755);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(root, i);
	ok(userns_explain_at(root, NULL, EPERM, -EPERM, NULL) == -EPERM,
	   "without an error value nothing happens");
	clear(root);
	for (size_t i = ARRAY_LEN(dirs); i > 0; i--)
		(void)unlinkat(root, dirs[i - 1], AT_REMOVEDIR);
	(void)rmdir(dir);
	return done();
}
