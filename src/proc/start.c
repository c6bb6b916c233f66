/*
 * start.c - both ends of the start socket (start.h). The guard is the 0700 directory it lives in;
 * init checks the peer's uid besides.
 */
#include "start.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "proc/sync.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static void address(int dirfd, struct sockaddr_un *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	(void)snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" START_SOCKET, dirfd);
}

int start_listen_outside(int dirfd, struct err *err)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;

	address(dirfd, &addr);
	if (sock < 0)
		return err_sys(err, "make the start socket");
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, "bind the start socket");
	if (listen(sock, 4) < 0)
		return err_sys(err, "listen on the start socket");
	return take_fd(&sock);
}

static int pass_notify(int sock, const char *peer, const struct seccomp_notify *notify, struct err *err)
{
	struct sync_packet p;
	auto_fd int fd = -1;
	int rc = sync_expect(sock, SYNC_NOTIFY, peer, &p, err);

	if (rc < 0)
		return rc;
	fd = p.fds[0];
	if (fd < 0)
		return err_set(err, EPROTO, "the %s sent no seccomp descriptor", peer);
	return seccomp_notify_outside(notify, fd, err);
}

int start_follow(int sock, const char *peer, const struct seccomp_notify *notify, struct err *err)
{
	int rc = notify && notify->early ? pass_notify(sock, peer, notify, err) : 0;

	if (rc == 0)
		rc = sync_expect(sock, SYNC_EXEC, peer, NULL, err);
	if (rc == 0 && notify && !notify->early)
		rc = pass_notify(sock, peer, notify, err);
	return rc < 0 ? rc : sync_expect_end(sock, peer, err);
}

int start_outside(int dirfd, const struct seccomp_notify *notify, struct err *err)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	int rc;

	address(dirfd, &addr);
	if (sock < 0)
		return err_sys(err, "make a socket");
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, "reach the container's init");
	/* First the name, then the word: killed in between, we leave a stopped container, never a
	 * running one that reads as created. */
	if (unlinkat(dirfd, START_SOCKET, 0) < 0)
		return err_sys(err, "remove the start socket");
	rc = sync_send(sock, SYNC_START, err);
	return rc < 0 ? rc : start_follow(sock, "container init", notify, err);
}

int start_wait_inside(int listener, uid_t owner)
{
	for (;;) {
		auto_fd int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct err ignored = ERR_INIT;
		struct ucred peer;
		socklen_t len = sizeof(peer);

		if (sock < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(126);
		if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
			continue;
		if (peer.uid != owner)
			continue;
		if (sync_expect(sock, SYNC_START, "runtime", NULL, &ignored) < 0)
			_exit(126);
		return take_fd(&sock);
	}
}
