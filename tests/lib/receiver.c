/*
 * receiver.c - listening ends of what bryo sends, for the bats files.
 *
 *	receiver pidfd SOCKET		takes one descriptor, prints "TEXT PID": the text that came
 *					with it, and whose pidfd it is
 *	receiver datagrams SOCKET	prints every datagram, until none has come for a second
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The name appears when somebody listens, so that a script can wait for it. */
static int bind_at(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path) >=
	    (int)sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die(path);
	if (type == SOCK_STREAM && listen(sock, 1) < 0)
		die("listen");
	if (rename(addr.sun_path, path) < 0)
		die(path);
	return sock;
}

static void print_pid(int fd)
{
	char path[64], line[128];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (strncmp(line, "Pid:", 4) == 0)
			printf("%d\n", atoi(line + 4));
	if (info)
		fclose(info);
}

static void receive_pidfd(int listener)
{
	char text[4096] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int sock, fd;

	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0 || recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0)
		die("receive");
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS) {
		errno = EBADMSG;
		die("no descriptor");
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	printf("%s ", text);
	print_pid(fd);
}

static void receive_datagrams(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int patience = 10000;
	char text[8192];

	while (poll(&p, 1, patience) > 0) {
		ssize_t n = recv(sock, text, sizeof(text), 0);

		if (n < 0)
			die("receive");
		printf("%.*s\n", (int)n, text);
		patience = 1000;
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "pidfd") == 0) {
		receive_pidfd(bind_at(argv[2], SOCK_STREAM));
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "datagrams") == 0) {
		receive_datagrams(bind_at(argv[2], SOCK_DGRAM));
		return 0;
	}
	fprintf(stderr, "usage: receiver pidfd|datagrams SOCKET\n");
	return 2;
}
