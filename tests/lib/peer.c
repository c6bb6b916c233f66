/*
 * peer.c - a server for containers, whose image has no library: linked statically. It answers
 * on every socket that it is given, until SIGTERM (which a first process ignores otherwise), with a line that names it.
 *
 *	peer fd:N|tcp:PORT[-PORT]|udp:PORT[-PORT] ...
 *
 * A stream client gets "WORD\n" and the end of file, a datagram is answered by "WORD\n"; WORD is
 * as given, for a range with the one port. "ready" is printed once all listen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX 512

static struct pollfd fds[MAX];
static char names[MAX][32];
static int n;

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static void add(int fd, const char *kind, int number)
{
	if (n == MAX)
		exit(98);
	(void)snprintf(names[n], sizeof(names[n]), "%s:%d\n", kind, number);
	fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void bind_port(const char *kind, int type, int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&six, sizeof(six)) < 0) {
		if (fd >= 0)
			close(fd);
		fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&four, sizeof(four)) < 0)
			die("bind");
	}
	if (type == SOCK_STREAM && listen(fd, 128) < 0)
		die("listen");
	add(fd, kind, port);
}

static void open_word(const char *word)
{
	const char *colon = strchr(word, ':'), *dash = colon ? strchr(colon, '-') : NULL;
	int first = colon ? atoi(colon + 1) : 0, last = dash ? atoi(dash + 1) : first;

	if (!colon)
		exit(98);
	if (strncmp(word, "fd:", 3) == 0)
		add(first, "fd", first);
	else
		for (int port = first; port <= last; port++)
			if (word[0] == 't')
				bind_port("tcp", SOCK_STREAM, port);
			else
				bind_port("udp", SOCK_DGRAM, port);
}

static void answer(int i)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int type = 0, fd;
	socklen_t size = sizeof(type);
	char buf[256];

	if (getsockopt(fds[i].fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		die("getsockopt");
	if (type == SOCK_DGRAM) {
		if (recvfrom(fds[i].fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) >= 0)
			(void)sendto(fds[i].fd, names[i], strlen(names[i]), 0,
				     (struct sockaddr *)&from, len);
		return;
	}
	fd = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	(void)send(fd, names[i], strlen(names[i]), MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
}

static void end(int sig)
{
	(void)sig;
	_exit(0);
}

int main(int argc, char **argv)
{
	signal(SIGTERM, end);
	for (int i = 1; i < argc; i++)
		open_word(argv[i]);
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		if (poll(fds, (nfds_t)n, -1) < 0)
			die("poll");
		for (int i = 0; i < n; i++)
			if (fds[i].revents)
				answer(i);
	}
}
