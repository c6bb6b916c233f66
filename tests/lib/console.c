/*
 * console.c - the other end of a terminal, for tests/integration/terminal.bats.
 *
 *	console receive SOCKET	listens on SOCKET as an engine does (conmon, containerd's shim),
 *				takes one pty master, prints the text that came with it on stderr,
 *				then copies: stdin to the terminal, the terminal to stdout, until
 *				it hangs up
 *	console hold SOCKET	the same, but reads nothing from the terminal for two seconds
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "console: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(addr.sun_path, path, strlen(path));
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, 1) < 0)
		die(path);
	return sock;
}

static int receive_master(int listener)
{
	char text[4096] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC), fd;

	if (sock < 0 || recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0)
		die("receive");
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS) {
		errno = EBADMSG;
		die("no descriptor");
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	fprintf(stderr, "%s\n", text);
	close(sock);
	return fd;
}

static void copy_all(int to, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(to, data, n);

		if (done < 0)
			die("write");
		data += done;
		n -= (size_t)done;
	}
}

static void relay(int master)
{
	struct pollfd p[] = { { .fd = master, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	char data[65536];

	for (;;) {
		ssize_t n;

		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[1].revents) {
			n = read(0, data, sizeof(data));
			if (n > 0)
				copy_all(master, data, (size_t)n);
			else
				p[1].fd = -1;
		}
		if (!p[0].revents)
			continue;
		n = read(master, data, sizeof(data));
		if (n <= 0)
			return;
		copy_all(1, data, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	int master;

	if (argc != 3 || (strcmp(argv[1], "receive") != 0 && strcmp(argv[1], "hold") != 0)) {
		fprintf(stderr, "usage: console receive|hold SOCKET\n");
		return 2;
	}
	master = receive_master(listen_at(argv[2]));
	if (argv[1][0] == 'h')
		sleep(2);
	relay(master);
	return 0;
}
