/*
 * doctor_distro.c - remedies in the words of this distribution: which package has a program, and
 * how a package or a sysctl is put there. Runs in the process that the user started.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *id;
	enum distro distro;
} ids[] = {
	{ "debian", DISTRO_DEBIAN },	   { "ubuntu", DISTRO_DEBIAN },
	{ "fedora", DISTRO_FEDORA },	   { "rhel", DISTRO_FEDORA },
	{ "centos", DISTRO_FEDORA },	   { "rocky", DISTRO_FEDORA },
	{ "almalinux", DISTRO_FEDORA },	   { "amzn", DISTRO_FEDORA },
	{ "suse", DISTRO_SUSE },	   { "opensuse", DISTRO_SUSE },
	{ "opensuse-leap", DISTRO_SUSE },  { "opensuse-tumbleweed", DISTRO_SUSE },
	{ "sles", DISTRO_SUSE },	   { "arch", DISTRO_ARCH },
	{ "manjaro", DISTRO_ARCH },	   { "alpine", DISTRO_ALPINE },
	{ "postmarketos", DISTRO_ALPINE },
};

static const char *const installers[] = {
	[DISTRO_DEBIAN] = "apt-get install", [DISTRO_FEDORA] = "dnf install",
	[DISTRO_SUSE] = "zypper install",    [DISTRO_ARCH] = "pacman -S",
	[DISTRO_ALPINE] = "apk add",
};

/* Debian, Fedora, SUSE, Arch, Alpine; the first one is the name of the project for the others. */
static const struct {
	const char *name, *of[DISTRO_ALPINE + 1];
} packages[] = {
	[PACKAGE_UIDMAP] = { "newuidmap and newgidmap (of shadow)",
			     { NULL, "uidmap", "shadow-utils", "shadow", "shadow",
			       "shadow-subids" } },
	[PACKAGE_GETSUBIDS] = { "getsubids (of shadow)",
				{ NULL, "uidmap", "shadow-utils-subid", "shadow", "shadow",
				  "shadow-subids" } },
	[PACKAGE_PASTA] = { "passt", { NULL } },
	[PACKAGE_SLIRP4NETNS] = { "slirp4netns", { NULL } },
	[PACKAGE_FUSE_OVERLAYFS] = { "fuse-overlayfs", { NULL } },
	[PACKAGE_CRIU] = { "criu", { NULL } },
	[PACKAGE_DBUS] = { "the D-Bus session bus of systemd users",
			   { NULL, "dbus-user-session", "dbus-daemon", "dbus-1", "dbus", "dbus" } },
};

/* The value of NAME=VALUE or NAME="VALUE"; NULL: there is no such line. */
static const char *value_of(struct arena *a, const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
		size_t n = strcspn(line, "\n");

		if (n <= len || strncmp(line, name, len) != 0 || line[len] != '=')
			continue;
		line += len + 1;
		n -= len + 1;
		if (n >= 2 && (*line == '"' || *line == '\'') && line[n - 1] == *line) {
			line++;
			n -= 2;
		}
		return arena_strndup(a, line, n);
	}
	return NULL;
}

static enum distro distro_by_id(const char *words)
{
	for (const char *w = words; w && *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		for (size_t i = 0; i < ARRAY_LEN(ids); i++)
			if (strlen(ids[i].id) == n && strncmp(ids[i].id, w, n) == 0)
				return ids[i].distro;
		w += n;
	}
	return DISTRO_OTHER;
}

enum distro distro_parse(struct arena *a, const char *os_release)
{
	enum distro d = distro_by_id(value_of(a, os_release, "ID"));

	return d != DISTRO_OTHER ? d : distro_by_id(value_of(a, os_release, "ID_LIKE"));
}

enum distro distro_probe(struct arena *a)
{
	struct doctor d = { .a = a };
	const char *text = read_text(&d, "/etc/os-release");

	return distro_parse(a, *text ? text : read_text(&d, "/usr/lib/os-release"));
}

const char *distro_install(struct doctor *d, enum package p)
{
	const char *name = packages[p].of[d->distro];

	if (d->distro == DISTRO_OTHER)
		return arena_printf(d->a, "install %s", packages[p].name);
	return arena_printf(d->a, "%s%s %s", d->sudo, installers[d->distro],
			    name ? name : packages[p].name);
}

const char *distro_sysctl(struct doctor *d, const char *name, const char *value)
{
	return arena_printf(
		d->a, "echo '%s = %s' | %stee -a /etc/sysctl.d/90-bryo.conf && %ssysctl -w %s='%s'",
		name, value, d->sudo, d->sudo, name, value);
}

const char *shell_word(const char *word, const char *what)
{
	if (!word || !*word || *word == '-')
		return what;
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/._+:@%,-", *p))
			return what;
	return word;
}
