/*
 * sdnotify.c - the proxy between the container's NOTIFY_SOCKET and the service manager's (theory in
 * sdnotify.h). Runs in the runtime. What the container sends is untrusted: bounded, of one kind, and
 * descriptors that come along are closed by the kernel, because none are asked for.
 */
#include "sdnotify.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MESSAGE_MAX  4096
#define BARRIER_MS   30000
#define IN_CONTAINER "/run/notify"

void sdnotify_spec(struct arena *a, struct spec *spec, const char *dir)
{
	static const char *const options[] = { "bind", "nosuid", "noexec", "nodev", "ro", NULL };
	struct spec_mount *mounts = arena_alloc(a, (spec->mounts.n + 1) * sizeof(*mounts));
	struct strv *env = &spec->process.env;
	const char **v = arena_alloc(a, (env->n + 2) * sizeof(*v));
	struct spec_mount *m = &mounts[spec->mounts.n];

	if (spec->mounts.n)
		memcpy(mounts, spec->mounts.v, spec->mounts.n * sizeof(*mounts));
	*m = (struct spec_mount){ .destination = IN_CONTAINER,
				  .type = "bind",
				  .source = arena_strdup(a, dir) };
	m->options.v = arena_alloc(a, sizeof(options));
	memcpy(m->options.v, options, sizeof(options));
	m->options.n = ARRAY_LEN(options) - 1;
	spec->mounts.v = mounts;
	spec->mounts.n++;
	if (env->n)
		memcpy(v, env->v, env->n * sizeof(*v));
	v[env->n++] = "NOTIFY_SOCKET=" IN_CONTAINER "/notify.sock";
	env->v = v;
}

int sdnotify_mkdir_outside(int statefd, struct err *err)
{
	/* Whatever user the program runs as has to pass. The directory above is 0700. */
	if (mkdirat(statefd, SDNOTIFY_DIR, 0755) < 0 ||
	    fchmodat(statefd, SDNOTIFY_DIR, 0755, 0) < 0)
		return err_sys(err, "make the directory of the notify socket");
	return 0;
}

static int connect_manager(const char *address, struct err *err)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(address);

	if (sock < 0)
		return err_sys(err, "make a socket");
	if ((address[0] != '/' && address[0] != '@') || len < 2 || len >= sizeof(addr.sun_path))
		return err_hint(
			err,
			err_set(err, EINVAL,
				"NOTIFY_SOCKET '%.120s' is no address of a Unix socket", address),
			"it is an absolute path, or begins with @, and is shorter than 108 bytes");
	memcpy(addr.sun_path, address, len);
	if (address[0] == '@')
		addr.sun_path[0] = '\0';
	if (connect(sock, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return err_hint(
			err, err_sys(err, "NOTIFY_SOCKET '%s'", address),
			"unset NOTIFY_SOCKET if no service manager waits for this container");
	return take_fd(&sock);
}

static int bind_ours(int statefd, struct err *err)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" SDNOTIFY_SOCKET,
		       statefd);
	if (sock < 0)
		return err_sys(err, "make a socket");
	(void)unlinkat(statefd, SDNOTIFY_SOCKET, 0);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, "bind the notify socket");
	if (fchmodat(statefd, SDNOTIFY_SOCKET, 0777, 0) < 0)
		return err_sys(err, "open the notify socket to the container");
	return take_fd(&sock);
}

int sdnotify_open(int statefd, const char *manager, struct sdnotify *ret, struct err *err)
{
	if (faccessat(statefd, SDNOTIFY_DIR, F_OK, 0) < 0)
		return 0;
	ret->manager = connect_manager(manager, err);
	if (ret->manager < 0)
		return ret->manager;
	ret->sock = bind_ours(statefd, err);
	return ret->sock < 0 ? ret->sock : 0;
}

void sdnotify_close(struct sdnotify *n)
{
	fd_closep(&n->sock);
	fd_closep(&n->manager);
}

static bool tell(const struct sdnotify *n, const char *text)
{
	ssize_t rc = send(n->manager, text, strlen(text), MSG_NOSIGNAL);

	if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "the service manager does not take '%.*s': %s",
			 (int)strcspn(text, "\n"), text, strerror(errno));
	return rc >= 0;
}

/* The manager closes the descriptor once it has handled all that came before. */
static void send_barrier(const struct sdnotify *n, bool wait)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	auto_fd int mine = ends[0];
	auto_fd int theirs = ends[1];
	struct pollfd p = { .fd = mine };

	if (fd_send(n->manager, theirs, "BARRIER=1", NULL) < 0)
		return;
	fd_closep(&theirs);
	if (wait && poll(&p, 1, BARRIER_MS) == 0)
		log_line(LOG_LEVEL_WARNING, "the service manager did not take READY=1 within %d s",
			 BARRIER_MS / 1000);
}

static void pass_on(struct sdnotify *n, const char *line, pid_t main_pid, bool barrier)
{
	char text[MESSAGE_MAX + 2];

	n->done = true;
	(void)snprintf(text, sizeof(text), "%.*s\n", (int)strcspn(line, "\n"), line);
	if (!tell(n, text))
		return;
	(void)snprintf(text, sizeof(text), "MAINPID=%d\n", (int)main_pid);
	if (tell(n, text))
		send_barrier(n, barrier);
}

/* The line that says READY, or NULL. */
static const char *find_ready(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (str_starts(line, "READY="))
			return line;
	return NULL;
}

void sdnotify_step(struct sdnotify *n, pid_t main_pid, bool barrier)
{
	char text[MESSAGE_MAX + 1];
	ssize_t len;

	/* Not for ever: a container that floods the socket must not starve the caller's loop. */
	for (int i = 0; i < 16; i++) {
		const char *ready;

		len = recv(n->sock, text, MESSAGE_MAX, MSG_DONTWAIT);
		if (len < 0)
			return;
		text[len] = '\0';
		ready = n->done ? NULL : find_ready(text);
		if (ready)
			pass_on(n, ready, main_pid, barrier);
	}
}

void sdnotify_wait(struct sdnotify *n, int pidfd, pid_t main_pid)
{
	struct pollfd p[] = { { .fd = n->sock, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN } };

	while (!n->done) {
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			sdnotify_step(n, main_pid, true);
		else if (p[1].revents)
			return;
	}
}
