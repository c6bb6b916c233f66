/*
 * listen_make.c - the sockets of --listen (theory of operation in listen.h): their words, and the
 * runtime's part, which binds them before the container exists and removes their files after it.
 */
#include "listen.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "feature/net/bind.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_LEN 255 /* of LISTEN_FDNAMES: systemd's limit */

static int refuse(const char *word, const char *why, struct err *err)
{
	int rc = err_set(err, EINVAL, "'%.120s': %s", word, why);

	return err_hint(err, rc,
			"[NAME=]tcp:[IP:]PORT, [NAME=]udp:[IP:]PORT or [NAME=]unix:PATH, such as "
			"tcp:8080, udp:127.0.0.1:5353, tcp:[::1]:8080 or web=unix:run/web.sock");
}

static bool good_name(const char *name, size_t len)
{
	if (!len || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == ':')
			return false;
	return true;
}

/* NULL, or why not. */
static const char *parse_inet(struct arena *a, const char *text, struct listen_socket *ret)
{
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	unsigned char raw[sizeof(struct in6_addr)];
	unsigned long long n;
	char *address;
	size_t len;

	if (!str_to_u64(port, UINT16_MAX, &n) || !n)
		return "no port from 1 to 65535 at its end";
	ret->port = (uint16_t)n;
	if (!colon)
		return NULL;
	len = (size_t)(colon - text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		address = arena_strndup(a, text + 1, len - 2);
		ret->address = address;
		return inet_pton(AF_INET6, address, raw) == 1 ? NULL
							      : "no IPv6 address in the brackets";
	}
	address = arena_strndup(a, text, len);
	ret->address = address;
	return inet_pton(AF_INET, address, raw) == 1 ? NULL : "no IPv4 address before the port";
}

static const char *parse_path(const char *path, struct listen_socket *ret)
{
	ret->path = path;
	if (!*path)
		return "the path is missing";
	if (path[0] == '@')
		return "abstract sockets have no owner and no mode; give a path (./@x for a file)";
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "a socket's path has at most 107 bytes; a relative one may be shorter";
	return NULL;
}

int listen_parse(struct arena *a, const char *word, struct listen_socket *ret, struct err *err)
{
	const char *rest = word, *why, *equals = strchr(word, '='), *colon = strchr(word, ':');

	*ret = (struct listen_socket){ .word = word };
	if (equals && colon && equals < colon) {
		if (!good_name(word, (size_t)(equals - word)))
			return refuse(word, "the name has 1 to 255 printable ASCII characters",
				      err);
		ret->name = arena_strndup(a, word, (size_t)(equals - word));
		rest = equals + 1;
	}
	if (str_starts(rest, "unix:")) {
		ret->kind = LISTEN_UNIX;
		why = parse_path(rest + 5, ret);
	} else if (str_starts(rest, "tcp:") || str_starts(rest, "udp:")) {
		ret->kind = rest[0] == 't' ? LISTEN_TCP : LISTEN_UDP;
		why = parse_inet(a, rest + 4, ret);
	} else {
		why = "it begins with neither tcp:, udp: nor unix:";
	}
	return why ? refuse(word, why, err) : 0;
}

/* Somebody was there first: 0 when it is a dead socket of ours. */
static int check_dead(const struct sockaddr_un *addr, struct err *err)
{
	auto_fd int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int rc;

	if (probe < 0 || lstat(addr->sun_path, &st) < 0)
		return err_sys(err, "look at '%s'", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, EEXIST, "'%s' exists and is no socket", addr->sun_path);
	if (connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno != ECONNREFUSED) {
		rc = err_set(err, EADDRINUSE, "somebody listens on '%s'", addr->sun_path);
		return err_hint(err, rc, "ss -xlp src %s may tell who", addr->sun_path);
	}
	if (st.st_uid == geteuid())
		return 0;
	rc = err_set(err, EEXIST, "'%s' is a dead socket of user %u", addr->sun_path,
		     (unsigned)st.st_uid);
	return err_hint(err, rc, "its owner may remove it");
}

static int clear_path(const struct sockaddr_un *addr, struct err *err)
{
	int rc = check_dead(addr, err);

	if (rc == 0 && unlink(addr->sun_path) < 0)
		rc = err_sys(err, "remove the dead socket '%s'", addr->sun_path);
	return rc;
}

static int bind_unix(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* the mode of the socket becomes the file's: there is no moment in which it is wider */
	if (sock < 0 || fchmod(sock, 0600) < 0)
		return err_sys(err, "make a socket");
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return take_fd(&sock);
	if (errno != EADDRINUSE)
		return err_sys(err, "bind '%s'", path);
	rc = clear_path(&addr, err);
	if (rc == 0 && bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		rc = err_sys(err, "bind '%s'", path);
	return rc < 0 ? rc : take_fd(&sock);
}

/*
 * What listen_undo() will look for. With the time, which nobody changes by the way: a file system
 * gives the number of a removed file to the next one.
 */
static void identity(const struct stat *st, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%u:%u:%llu:%lld.%09ld", major(st->st_dev), minor(st->st_dev),
		       (unsigned long long)st->st_ino, (long long)st->st_mtim.tv_sec,
		       st->st_mtim.tv_nsec);
}

static int note_file(struct arena *a, const char *path, struct pair *ret, struct err *err)
{
	char full[PATH_MAX], now[96];
	struct stat st;

	if (lstat(path, &st) < 0 || !realpath(path, full))
		return err_sys(err, "look at '%s'", path);
	ret->name = arena_strdup(a, full);
	identity(&st, now, sizeof(now));
	ret->value = arena_strdup(a, now);
	return 0;
}

static int open_one(const struct listen_socket *s, struct err *err)
{
	const struct bind_at at = {
		.udp = s->kind == LISTEN_UDP,
		.address = s->address,
		.port = s->port,
	};
	auto_fd int sock = s->kind == LISTEN_UNIX ? bind_unix(s->path, err) : bind_at(&at, err);

	if (sock < 0)
		return sock;
	if (s->kind == LISTEN_UDP || listen(sock, SOMAXCONN) == 0)
		return take_fd(&sock);
	/* two sockets may be bound to a port that nobody listens on yet */
	return err_sys(err, "listen on it");
}

int listen_open_outside(struct arena *a, const struct listen_plan *plan, int first,
			struct pairs *ret_files, struct err *err)
{
	int n = listen_made(plan), rc = 0;

	*ret_files = (struct pairs){ 0 };
	if (!n)
		return 0;
	ret_files->v = arena_alloc(a, (size_t)n * sizeof(*ret_files->v));
	for (int i = 0; rc == 0 && i < n; i++) {
		const struct listen_socket *s = &plan->make[i];
		auto_fd int sock = open_one(s, err);

		rc = sock < 0 ? sock : 0;
		if (rc == 0 && s->kind == LISTEN_UNIX)
			rc = note_file(a, s->path, &ret_files->v[ret_files->n++], err);
		if (rc == 0)
			rc = plan->fds[i] = fd_dup(sock, first, err);
		if (rc < 0)
			(void)err_in(err, rc, "--listen %s", s->word);
		else
			rc = 0;
	}
	if (rc < 0) {
		listen_close(plan);
		listen_undo(ret_files);
	}
	return rc;
}

static int try_unix(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_free char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');
	struct stat st;

	if (slash)
		slash[slash == dir] = '\0';
	if (faccessat(AT_FDCWD, slash ? dir : ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_sys(err, "bind '%s': its directory", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	return lstat(path, &st) == 0 ? check_dead(&addr, err) : 0;
}

int listen_try_outside(const struct listen_plan *plan, struct err *err)
{
	for (int i = 0; i < listen_made(plan); i++) {
		const struct listen_socket *s = &plan->make[i];
		auto_fd int sock = -1;
		int rc;

		if (s->kind == LISTEN_UNIX)
			rc = try_unix(s->path, err);
		else
			rc = sock = open_one(s, err);
		if (rc < 0)
			return err_in(err, rc, "--listen %s", s->word);
	}
	return 0;
}

void listen_close(const struct listen_plan *plan)
{
	for (int i = 0; i < listen_made(plan); i++)
		fd_closep(&plan->fds[i]);
}

void listen_undo(const struct pairs *files)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *name = files->v[i].name;
		char now[96];
		struct stat st;

		if (!name || lstat(name, &st) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		identity(&st, now, sizeof(now));
		if (str_eq(now, files->v[i].value))
			(void)unlink(name);
	}
}
