/* The client of slirp4netns' socket (rootless/slirp4netns_api.h), against a server of its own. */
#include "rootless/slirp4netns_api.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char dir[300]; /* longer than a socket address */
static int dirfd_;

/* Answers one connection after the other; what was asked goes to the file "asked", a line each. */
static pid_t serve(const char *const *replies)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/sock", dirfd_);
	(void)unlinkat(dirfd_, "sock", 0);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, 0) < 0)
		exit(99);
	pid = fork();
	if (pid) {
		close(sock);
		return pid;
	}
	int out = openat(dirfd_, "asked", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (; *replies; replies++) {
		int c = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
		char buf[4096];
		ssize_t n, all = 0;

		while ((n = read(c, buf + all, sizeof(buf) - (size_t)all)) > 0)
			all += n;
		if (write(out, buf, (size_t)all) != all || write(out, "\n", 1) != 1 ||
		    send(c, *replies, strlen(*replies), MSG_NOSIGNAL) < 0)
			_exit(1);
		close(c);
	}
	_exit(0);
}

static bool asked(pid_t server, const char *want)
{
	char buf[4096];
	int status, fd;
	ssize_t n;

	(void)waitpid(server, &status, 0);
	fd = openat(dirfd_, "asked", O_RDONLY | O_CLOEXEC);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	if (status == 0 && str_eq(buf, want))
		return true;
	printf("# asked: %s\n", buf);
	return false;
}

static bool says(const struct err *err, const char *text)
{
	char buf[4096];

	err_format(err, buf, sizeof(buf));
	if (strstr(buf, text))
		return true;
	printf("# says: %s\n", buf);
	return false;
}

#define ADD(proto, addr, host, guest)                                    \
	"{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"" proto \
	"\",\"host_addr\":\"" addr "\",\"host_port\":" host ",\"guest_port\":" guest "}}\n"
#define REMOVE(id) "{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":" id "}}\n"
#define LIST	   "{\"execute\":\"list_hostfwd\"}\n"

static const struct slirp_api *api(void)
{
	static struct slirp_api a;

	a = (struct slirp_api){ dirfd_, "sock" };
	return &a;
}

static void test_add(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct port p;
	pid_t server;

	(void)port_parse(&a, "192.0.2.1:65000:80/udp", &p, NULL);
	server = serve((const char *[]){ "{\"return\":{\"id\":7}}", NULL });
	ok(slirp_port_add(api(), &p, NULL) == 0, "a port is added");
	ok(asked(server, ADD("udp", "192.0.2.1", "65000", "80")), "with one request");

	(void)port_parse(&a, "65000-65002:80-82", &p, NULL);
	server = serve((const char *[]){ "{\"return\":{\"id\":1}}", "{\"return\":{\"id\":2}}",
					 "{\"error\":{\"desc\":\"bad request: no\"}}",
					 "{\"return\":{}}", "{\"return\":{}}", NULL });
	ok(slirp_port_add(api(), &p, &err) == -EIO &&
		   says(&err, "publish 65000-65002:80-82/tcp: slirp4netns: bad request: no"),
	   "its own words are in the error");
	ok(asked(server, ADD("tcp", "0.0.0.0", "65000", "80") ADD("tcp", "0.0.0.0", "65001", "81")
				 ADD("tcp", "0.0.0.0", "65002", "82") REMOVE("1") REMOVE("2")),
	   "and what was added is taken back");

	(void)port_parse(&a, "[::1]:1:1", &p, NULL);
	ok(slirp_port_add(api(), &p, &err) == -EOPNOTSUPP && says(&err, "IPv4") &&
		   says(&err, "--net pasta"),
	   "IPv6 is refused, and who can is named");
}

static void test_reason(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	auto_fd int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err = ERR_INIT;
	struct port p = { .count = 1, .guest = 80 };
	pid_t server;

	if (bind(taken, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(taken, 1) < 0 ||
	    getsockname(taken, (struct sockaddr *)&addr, &len) < 0)
		exit(99);
	p.host = ntohs(addr.sin_port);
	server = serve(
		(const char *[]){ "{\"error\":{\"desc\":\"slirp_add_hostfwd failed\"}}", NULL });
	ok(slirp_port_add(api(), &p, &err) == -EADDRINUSE && says(&err, "Address already in use"),
	   "what it cannot say is asked of the kernel");
	(void)waitpid(server, NULL, 0);
}

#define TWO                                                                               \
	"[{\"id\":1,\"proto\":\"tcp\",\"host_addr\":\"0.0.0.0\",\"host_port\":80,"        \
	"\"guest_addr\":\"10.0.2.100\",\"guest_port\":8080},{\"id\":2,\"proto\":\"udp\"," \
	"\"host_addr\":\"127.0.0.1\",\"host_port\":53,\"guest_addr\":\"10.0.2.100\","     \
	"\"guest_port\":53}]"

static void test_list(void)
{
	static const char *const forms[] = { "{\"return\":{\"entries\":" TWO "}}",
					     "{\"entries\":" TWO "}" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct slirp_forwards list;
		pid_t server = serve((const char *[]){ forms[i], NULL });

		ok(slirp_port_list(&a, api(), &list, NULL) == 0 && list.n == 2 &&
			   list.v[1].id == 2 &&
			   str_eq(port_word(&a, &list.v[0].port), "0.0.0.0:80:8080/tcp") &&
			   str_eq(port_word(&a, &list.v[1].port), "127.0.0.1:53:53/udp"),
		   "a list, form %zu", i);
		ok(asked(server, LIST), "and the request for it");
	}
}

static void test_remove(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct port p;
	pid_t server;

	(void)port_parse(&a, "127.0.0.1:53:53/udp", &p, NULL);
	server = serve((const char *[]){ "{\"entries\":" TWO "}", "{\"return\":{}}", NULL });
	ok(slirp_port_remove(&a, api(), &p, NULL) == 0, "a port is removed");
	ok(asked(server, LIST REMOVE("2")), "by its number");
	(void)port_parse(&a, "80-81:8080-8081", &p, NULL);
	server = serve((const char *[]){ "{\"entries\":" TWO "}", NULL });
	ok(slirp_port_remove(&a, api(), &p, &err) == -ENOENT && says(&err, "is not published"),
	   "half a range is not there");
	ok(asked(server, LIST), "and nothing is removed");
}

static const struct {
	const char *reply, *says;
} bad[] = {
	{ "", "reply" },
	{ "x", "reply" },
	{ "[]", "reply" },
	{ "{\"entries\":[{}]}", "id" },
	{ "{\"entries\":3}", "entries" },
	{ "{\"error\":{\"desc\":\"no\\nreally\"}}", "no?really" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct slirp_forwards list;
		struct err err = ERR_INIT;
		pid_t server = serve((const char *[]){ bad[i].reply, NULL });

		ok(slirp_port_list(&a, api(), &list, &err) < 0 &&
			   says(&err, "list ports: slirp4netns") && says(&err, bad[i].says),
		   "bad reply '%s'", bad[i].reply);
		(void)waitpid(server, NULL, 0);
	}
}

static void test_gone(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct slirp_forwards list;
	struct err err = ERR_INIT;

	ok(slirp_port_list(&a, api(), &list, &err) == -ESRCH && says(&err, "does not run"),
	   "a dead socket");
	(void)unlinkat(dirfd_, "sock", 0);
	ok(slirp_port_list(&a, api(), &list, NULL) == -ESRCH, "and none at all");
}

int main(void)
{
	char top[] = "/tmp/bryo-slirp.XXXXXX";

	if (!mkdtemp(top))
		return 99;
	(void)snprintf(dir, sizeof(dir), "%s/%0200d", top, 0);
	if (mkdir(dir, 0700) < 0)
		return 99;
	dirfd_ = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	test_add();
	test_reason();
	test_list();
	test_remove();
	test_bad();
	test_gone();
	(void)unlinkat(dirfd_, "asked", 0);
	(void)rmdir(dir);
	(void)rmdir(top);
	return done();
}
