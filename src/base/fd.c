/*
 * fd.c - reading, writing and passing descriptors (fd.h). Runs in every process; nothing here
 * walks /proc/self/fd, which an image could have replaced (crun#110).
 */
#include "fd.h"

#include "cleanup.h"
#include "mem.h"
#include "sys.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	struct stat st;
	size_t cap = 4096, len = 0;
	auto_free char *buf = NULL;

	/* One byte more than a regular file's size, so that the end is seen by one short read. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		cap = (uint64_t)st.st_size > max ? max + 2 : (size_t)st.st_size + 2;
	buf = mem_realloc(NULL, cap);
	for (;;) {
		ssize_t n = read(fd, buf + len, cap - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_set(err, EFBIG, "larger than %zu bytes", max);
		if (len + 1 == cap) {
			cap *= 2;
			buf = mem_realloc(buf, cap);
		}
	}
	buf[len] = '\0';
	*ret_len = len;
	*ret = take_ptr(&buf);
	return 0;
}

int fd_write_all(int fd, const void *buf, size_t len, struct err *err)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_dup(int fd, int min, struct err *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, min);

	return copy >= 0 ? copy : err_sys(err, "duplicate descriptor %d", fd);
}

int fd_dup_onto(int fd, int target, struct err *err)
{
	if (fd == target)
		return fd_set_cloexec(fd, false, err);
	if (dup3(fd, target, 0) < 0)
		return err_sys(err, "make descriptor %d become %d", fd, target);
	return 0;
}

int fd_set_cloexec(int fd, bool on, struct err *err)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
		return err_sys(err, "descriptor %d", fd);
	return 0;
}

int fd_cloexec_from(unsigned first, struct err *err)
{
	if (sys_close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(err, "mark descriptors from %u as close-on-exec", first);
	return 0;
}

void fd_close_others(unsigned first, const int *keep, size_t n)
{
	for (;;) {
		unsigned next = ~0U;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= first && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > first)
			(void)sys_close_range(first, next == ~0U ? next : next - 1, 0);
		if (next == ~0U)
			return;
		first = next + 1;
	}
}

int fd_send(int sock, int fd, const char *text, struct err *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = strlen(text) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return err_sys(err, "send a descriptor");
	return 0;
}

int fd_recv(int sock, struct err *err)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	char text[4096];
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0)
		return err_sys(err, "receive a descriptor");
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return err_set(err, EPROTO, "the message brings no descriptor");
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int fd_connect_unix(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_fd int dir = -1;
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(err, "make a socket");
	if (strlen(path) < sizeof(addr.sun_path)) {
		memcpy(addr.sun_path, path, strlen(path) + 1);
	} else {
		dir = open(path, O_PATH | O_CLOEXEC);
		if (dir < 0)
			return err_sys(err, "open '%s'", path);
		(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d", dir);
	}
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, "connect to '%s'", path);
	return take_fd(&sock);
}
