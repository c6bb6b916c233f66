/*
 * bus.c - where a message bus may listen, and connecting to it (bus.h).
 *
 * The sockets are looked at and connected to here and not in sd-bus, because it would try
 * transports that start programs, checks no owner, and does not say which address failed.
 *
 * In a user namespace the caller's ID is another one than outside. The owner of the socket and the
 * peer's credentials are translated by the kernel, so they compare with geteuid(); only the name of
 * /run/user/UID does not. Authentication sends no ID: since version 247 libsystemd leaves it to the
 * bus to read it from the socket.
 */
#include "bus.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_BUS "/run/dbus/system_bus_socket"
#define CONNECT_S  25 /* a listener whose queue is full lets connect() wait */

__attribute__((format(printf, 2, 3))) static int refuse(struct bus_place *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* The caller's ID as the parent user namespace has it. */
static unsigned outer_uid(void)
{
	unsigned inside, outside, count, me = geteuid();
	FILE *f = fopen("/proc/self/uid_map", "re");

	while (f && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		if (me - inside < count) {
			me = outside + (me - inside);
			break;
		}
	if (f)
		(void)fclose(f);
	return me;
}

static void set_path(struct bus_place *p, const char *dir, const char *name)
{
	size_t n = (size_t)snprintf(p->path, sizeof(p->path), "%s%s", dir, name);

	if (n < sizeof(p->path))
		return;
	p->path[0] = '\0';
	(void)refuse(p, "the path is too long");
}

/* A D-Bus address writes what is not harmless as %XX. */
static void unescape(char *p)
{
	char *out = p;

	for (; *p; p++) {
		char pair[] = { p[1], p[1] ? p[2] : '\0', '\0' };

		*out++ = *p;
		if (*p == '%' && isxdigit((unsigned char)pair[0]) &&
		    isxdigit((unsigned char)pair[1])) {
			out[-1] = (char)strtoul(pair, NULL, 16);
			p += 2;
		}
	}
	*out = '\0';
}

/* The first unix:path= of "TRANSPORT:KEY=VALUE,...;TRANSPORT:..." */
static void set_address(struct bus_place *p, const char *address)
{
	static const char want[] = "path=";
	const char *a = address, *end, *key;

	for (; *a; a = end + (*end == ';')) {
		end = strchrnul(a, ';');
		key = strncmp(a, "unix:", 5) == 0 ? a + 5 : end;
		while (key < end && strncmp(key, want, strlen(want)) != 0)
			key += strcspn(key, ",;") + 1;
		if (key >= end)
			continue;
		key += strlen(want);
		if (strcspn(key, ",;") >= sizeof(p->path)) {
			(void)refuse(p, "the path is too long");
			return;
		}
		*(char *)mempcpy(p->path, key, strcspn(key, ",;")) = '\0';
		unescape(p->path);
		return;
	}
	(void)refuse(p, "no unix:path= in '%.100s'", address);
}

static const char *env_get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static size_t system_places(struct bus_place *p)
{
	const char *address = env_get("DBUS_SYSTEM_BUS_ADDRESS");

	if (!address) {
		set_path(p, SYSTEM_BUS, "");
		return 1;
	}
	(void)snprintf(p->name, sizeof(p->name), "$DBUS_SYSTEM_BUS_ADDRESS");
	set_address(p, address);
	return 1;
}

size_t bus_places(bool system, struct bus_place places[BUS_PLACES])
{
	const char *address = env_get("DBUS_SESSION_BUS_ADDRESS"),
		   *dir = env_get("XDG_RUNTIME_DIR");
	char run[64];

	memset(places, 0, BUS_PLACES * sizeof(*places));
	if (system)
		return system_places(places);
	(void)snprintf(places[0].name, sizeof(places[0].name), "$DBUS_SESSION_BUS_ADDRESS");
	if (address)
		set_address(&places[0], address);
	else
		(void)refuse(&places[0], "not set");
	(void)snprintf(places[1].name, sizeof(places[1].name), "$XDG_RUNTIME_DIR");
	if (dir)
		set_path(&places[1], dir, "/bus");
	else
		(void)refuse(&places[1], "not set");
	(void)snprintf(run, sizeof(run), "/run/user/%u", outer_uid());
	set_path(&places[2], run, "/bus");
	return BUS_PLACES;
}

static int check_socket(struct bus_place *p)
{
	struct stat st;

	if (lstat(p->path, &st) < 0)
		return refuse(p, "%s", strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(p, "not a socket");
	if (st.st_uid != geteuid())
		return refuse(p, "owned by uid %u, not %u", st.st_uid, geteuid());
	return 0;
}

/* The file may have been exchanged since it was looked at. */
static int check_listener(struct bus_place *p, int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return refuse(p, "ask who listens: %s", strerror(errno));
	if (peer.uid != geteuid())
		return refuse(p, "its listener is uid %u, not %u", peer.uid, geteuid());
	/* whoever has no number here takes our numbers for those of other processes */
	if (peer.pid == 0)
		return refuse(p, "its listener is in another pid namespace");
	return 0;
}

int bus_connect(struct bus_place *p)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = CONNECT_S };
	int fd;

	if (check_socket(p) < 0)
		return -1;
	if (strlen(p->path) >= sizeof(addr.sun_path))
		return refuse(p, "the path is too long for a socket");
	memcpy(addr.sun_path, p->path, strlen(p->path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(p, "make a socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		(void)refuse(p, "%s", strerror(errno));
	else if (check_listener(p, fd) == 0)
		return fd;
	(void)close(fd);
	return -1;
}
