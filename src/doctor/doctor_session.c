/*
 * doctor_session.c - what a login gives a user and su, cron and containers do not: a runtime
 * directory, a service manager with a bus, and both for longer than the login. Runs in the process
 * that the user started; asks nobody, looks at files only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool session_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static void check_runtime_dir(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	(void)c;
	if (d->host.privileged) {
		say_ok(d, f, "root does without");
	} else if (!dir || !*dir) {
		say_degraded(
			d, f,
			"XDG_RUNTIME_DIR is not set: su, cron and plain containers do not set it");
	} else if (dir[0] != '/' || stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		say_degraded(d, f, "XDG_RUNTIME_DIR=%s is no directory", dir);
	} else if (st.st_uid != d->host.uid) {
		say_degraded(d, f,
			     "XDG_RUNTIME_DIR=%s belongs to uid %u, not to you: it is not used",
			     dir, st.st_uid);
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		say_degraded(
			d, f,
			"XDG_RUNTIME_DIR=%s has mode %04o, which lets others in: it is not used",
			dir, st.st_mode & 07777);
		say_remedy(d, f, "chmod 700 %s", shell_word(dir, "\"$XDG_RUNTIME_DIR\""));
	} else {
		say_ok(d, f, "%s is yours alone", dir);
	}
	if (f->status != DOCTOR_DEGRADED || f->remedy)
		return;
	if (session_has_systemd())
		say_remedy(d, f,
			   "log in with a session (ssh, machinectl shell USER@), or %s and export "
			   "XDG_RUNTIME_DIR=/run/user/$(id -u)",
			   session_linger_remedy(d));
	else
		say_remedy(d, f, "export XDG_RUNTIME_DIR=$(mktemp -d)");
}

static void check_bus(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	struct host *h = &d->host;

	(void)c;
	host_need_manager(h);
	if (h->manager) {
		say_ok(d, f,
		       h->privileged ? "systemd makes scopes"
				     : "your service manager makes scopes");
		return;
	}
	say_degraded(d, f, "%s",
		     h->faked || h->privileged || session_has_systemd()
			     ? h->manager_why
			     : "systemd does not run here: no scopes");
	if (h->privileged || (!h->faked && !session_has_systemd()))
		return;
	say_remedy(d, f, "%s, then log in anew or systemctl --user start dbus; without a login: %s",
		   distro_install(d, PACKAGE_DBUS), session_linger_remedy(d));
}

/* By name, as loginctl writes it. */
bool session_lingers(struct doctor *d)
{
	return d->host.user && !strchr(d->host.user, '/') &&
	       access(arena_printf(d->a, "/var/lib/systemd/linger/%s", d->host.user), F_OK) == 0;
}

const char *session_linger_remedy(struct doctor *d)
{
	return arena_printf(d->a, "loginctl enable-linger %s", shell_word(d->host.user, "USER"));
}

static void check_linger(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	(void)c;
	if (d->host.privileged) {
		say_ok(d, f, "root's containers belong to no session");
	} else if (!session_has_systemd()) {
		say_ok(d, f, "no systemd that would end anything at a logout");
	} else if (session_lingers(d)) {
		say_ok(d, f, "what you start stays after the logout");
	} else {
		say_degraded(
			d, f,
			"your service manager ends with your last session, and containers with it");
		say_remedy(d, f, "%s", session_linger_remedy(d));
	}
}

/* The last assignment wins; drop-ins come after the file. */
static void last_value(const char *text, const char *name, bool *ret)
{
	size_t len = strlen(name);

	for (; *text; text = strchrnul(text, '\n'), text += *text == '\n') {
		const char *v = text + strspn(text, " \t");

		if (strncasecmp(v, name, len) != 0 || v[len] != '=')
			continue;
		v += len + 1;
		*ret = strncasecmp(v, "yes", 3) == 0 || strncasecmp(v, "true", 4) == 0 ||
		       strncasecmp(v, "on", 2) == 0 || *v == '1';
	}
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static void dropins(struct doctor *d, const char *dir, const char *name, bool *ret)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, by_name);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		if (len > 5 && str_eq(list[i]->d_name + len - 5, ".conf"))
			last_value(read_text(d, arena_printf(d->a, "%s/%s", dir, list[i]->d_name)),
				   name, ret);
		free(list[i]);
	}
	free(list);
}

static void check_kill(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	bool kills = false;

	(void)c;
	last_value(read_text(d, "/etc/systemd/logind.conf"), "KillUserProcesses", &kills);
	dropins(d, "/usr/lib/systemd/logind.conf.d", "KillUserProcesses", &kills);
	dropins(d, "/etc/systemd/logind.conf.d", "KillUserProcesses", &kills);
	if (!kills || d->host.privileged || session_lingers(d)) {
		say_ok(d, f,
		       kills ? "KillUserProcesses=yes, but you linger"
			     : "logind kills nothing at a logout");
		return;
	}
	say_degraded(
		d, f,
		"KillUserProcesses=yes in logind.conf: a container in a session's scope ends with it");
	say_remedy(d, f, "%s, and start it from systemd-run --user --scope",
		   session_linger_remedy(d));
}

const struct doctor_check doctor_session_checks[] = {
	{ "session.runtime-dir", DOCTOR_PODMAN, false, check_runtime_dir, NULL },
	{ "session.bus", DOCTOR_PODMAN | DOCTOR_LIMITS, true, check_bus, NULL },
	{ "session.linger", DOCTOR_PODMAN, false, check_linger, NULL },
	{ "session.kill-processes", DOCTOR_PODMAN, false, check_kill, NULL },
	{ 0 },
};
