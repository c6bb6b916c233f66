/*
 * agent.c - a seccomp agent, for tests/integration/notify.bats.
 *
 *	agent SOCKET	listens on SOCKET, takes one notify descriptor, prints the document that came
 *			with it as one line, then answers every notification with EXDEV, an error that
 *			nobody else would give, until the filter is gone; prints how many there were
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int take(const char *path, char *text, size_t size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = text, .iov_len = size - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	int fd, conn, sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, 1) < 0)
		die(path);
	conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	n = conn < 0 ? -1 : recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0 || !CMSG_FIRSTHDR(&msg))
		die("receive");
	text[n] = '\0';
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

int main(int argc, char **argv)
{
	static char text[65536];
	struct seccomp_notif_resp resp;
	struct seccomp_notif req;
	unsigned answered = 0;
	struct pollfd p;

	if (argc != 2)
		return 2;
	p = (struct pollfd){ .fd = take(argv[1], text, sizeof(text)), .events = POLLIN };
	printf("%s\n", text);
	fflush(stdout);
	while (poll(&p, 1, 20000) > 0 && !(p.revents & (POLLHUP | POLLERR))) {
		memset(&req, 0, sizeof(req));
		if (ioctl(p.fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			continue;
		resp = (struct seccomp_notif_resp){ .id = req.id, .error = -EXDEV };
		if (ioctl(p.fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) == 0)
			answered++;
	}
	printf("answered %u\n", answered);
	return 0;
}
