/*
 * sync.c - named messages over a seqpacket socket (theory in sync.h). Used by the runtime, init,
 * the joiner and the exec child; allocates nothing.
 */
#include "sync.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/socket.h>

struct wire {
	int msg;
	unsigned len;
	union {
		char payload[SYNC_PAYLOAD];
		struct err cause;
	};
};

static const char *const names[] = {
	[SYNC_MAPPED] = "mapped", [SYNC_PLACED] = "placed", [SYNC_MOUNTED] = "mounted",
	[SYNC_HOOKED] = "hooked", [SYNC_READY] = "ready",   [SYNC_RECORDED] = "recorded",
	[SYNC_START] = "start",	  [SYNC_EXEC] = "exec",	    [SYNC_JOINED] = "joined",
	[SYNC_NOTIFY] = "notify", [SYNC_ROOTED] = "rooted", [SYNC_LAYERED] = "layered",
	[SYNC_SERVED] = "served", [SYNC_ANSWERED] = "answered", [SYNC_FAILED] = "failed",
};

const char *sync_name(enum sync_msg msg)
{
	return msg > 0 && (size_t)msg < ARRAY_LEN(names) && names[msg] ? names[msg]
								       : "an unknown message";
}

int sync_pair(int sock[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_sys(err, "make the sync socket");
	return 0;
}

static int send_wire(int sock, const struct wire *w, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (void *)w, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int sync_send_with(int sock, enum sync_msg msg, const void *payload, size_t len, int fd,
		   struct err *err)
{
	struct wire w;

	if (len > SYNC_PAYLOAD)
		return err_set(err, EMSGSIZE, "send '%s'", sync_name(msg));
	w.msg = (int)msg;
	w.len = (unsigned)len;
	if (len)
		memcpy(w.payload, payload, len);
	if (send_wire(sock, &w, offsetof(struct wire, payload) + len, fd) < 0)
		return err_sys(err, "send '%s'", sync_name(msg));
	return 0;
}

int sync_send(int sock, enum sync_msg msg, struct err *err)
{
	return sync_send_with(sock, msg, NULL, 0, -1, err);
}

void sync_fail(int sock, const struct err *cause)
{
	struct wire w = { .msg = SYNC_FAILED, .len = sizeof(w.cause) };

	w.cause = *cause;
	(void)send_wire(sock, &w, sizeof(w), -1);
}

/* One packet. Returns its length, 0 at end of file, negative errno. Descriptors go to fds. */
static ssize_t recv_wire(int sock, struct wire *w, int fds[SYNC_FDS])
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * SYNC_FDS)];
	} control;
	struct iovec iov = { .iov_base = w, .iov_len = sizeof(*w) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	for (int i = 0; i < SYNC_FDS; i++)
		fds[i] = -1;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n;
}

static void take_cause(struct wire *w, size_t n, struct err *err)
{
	struct err *c = &w->cause;

	if (n < sizeof(*w) || w->len != sizeof(*c) || c->num <= 0 || c->used > sizeof(c->text) ||
	    c->chain > c->used) {
		err_set(err, EPROTO, "malformed 'failed' message");
		return;
	}
	/* The bytes came from the other side: a bool that is neither 0 nor 1 is undefined. */
	*(unsigned char *)&c->sys &= 1;
	*(unsigned char *)&c->exec &= 1;
	c->text[sizeof(c->text) - 1] = '\0';
	c->hint[sizeof(c->hint) - 1] = '\0';
	*err = *c;
}

static int check_wire(struct wire *w, ssize_t n, enum sync_msg want, const char *peer,
		      struct err *err)
{
	if (n < 0) {
		errno = (int)-n;
		return err_sys(err, "wait for '%s' from the %s", sync_name(want), peer);
	}
	if (n == 0)
		return err_set(err, EPIPE, "the %s ended before '%s'", peer, sync_name(want));
	if (n < (ssize_t)offsetof(struct wire, payload))
		return err_set(err, EPROTO, "short message from the %s", peer);
	if (w->msg == SYNC_FAILED) {
		take_cause(w, (size_t)n, err);
		return -err->num;
	}
	if (w->msg != (int)want || w->len > SYNC_PAYLOAD ||
	    (size_t)n != offsetof(struct wire, payload) + w->len)
		return err_set(err, EPROTO, "got '%s' from the %s while waiting for '%s'",
			       sync_name((enum sync_msg)w->msg), peer, sync_name(want));
	return 0;
}

int sync_expect(int sock, enum sync_msg want, const char *peer, struct sync_packet *ret,
		struct err *err)
{
	struct wire w;
	int fds[SYNC_FDS];
	ssize_t n = recv_wire(sock, &w, fds);
	int rc = check_wire(&w, n, want, peer, err);

	if (rc == 0 && ret) {
		ret->msg = want;
		ret->len = w.len;
		memcpy(ret->payload, w.payload, w.len);
		memcpy(ret->fds, fds, sizeof(fds));
		return 0;
	}
	for (int i = 0; i < SYNC_FDS; i++)
		fd_closep(&fds[i]);
	return rc;
}

int sync_expect_end(int sock, const char *peer, struct err *err)
{
	struct wire w;
	int fds[SYNC_FDS];
	ssize_t n = recv_wire(sock, &w, fds);

	for (int i = 0; i < SYNC_FDS; i++)
		fd_closep(&fds[i]);
	if (n == 0)
		return 0;
	if (n < 0) {
		errno = (int)-n;
		return err_sys(err, "wait for the end of the set-up of the %s", peer);
	}
	if (n >= (ssize_t)offsetof(struct wire, payload) && w.msg == SYNC_FAILED) {
		take_cause(&w, (size_t)n, err);
		return -err->num;
	}
	return err_set(err, EPROTO, "got '%s' from the %s instead of the end",
		       sync_name((enum sync_msg)w.msg), peer);
}
