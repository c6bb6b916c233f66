/*
 * bryo-systemd.c - asks systemd for a container's scope.
 *
 * A program of its own because libsystemd costs half a millisecond to load and cannot be in a
 * static program; bryo runs it only where a systemd cgroup is wanted. The answer is the exit
 * status (enum status), one line on stderr where that is not 0, and stdout for a question.
 */
#include "bus.h"
#include "manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_repeated(const struct bus_place *places, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (places[i].path[0] && strcmp(places[k].path, places[i].path) == 0)
			return true;
	return false;
}

/*
 * A bus on which there is no systemd is passed over: dbus-run-session and remote desktops make
 * such ones and leave their address in the environment.
 */
static int on_a_bus(struct call *c, bool system, int (*run)(struct call *c))
{
	struct bus_place places[BUS_PLACES];
	size_t n = bus_places(system, places);
	char tried[sizeof(c->why)] = "", *end = tried;

	for (size_t i = 0; i < n; i++) {
		struct bus_place *p = &places[i];
		int status, fd;

		if (is_repeated(places, i))
			continue;
		fd = p->path[0] ? bus_connect(p) : -1;
		status = fd < 0 ? fail(c, NO_BUS, "%s", p->why) : manager_open(c, fd);
		if (status == 0)
			status = run(c);
		manager_close(c);
		if (status != NO_BUS)
			return status;
		(void)snprintf(end, sizeof(tried) - (size_t)(end - tried), "%s%s%s%s: %s",
			       i ? "; " : "", p->name, *p->name && *p->path ? ": " : "", p->path,
			       c->why);
		end += strlen(end);
	}
	return fail(c, NO_BUS, "no %s bus: %s", system ? "system" : "user", tried);
}

/* ------------------------------------------------------------------------ command line */

static const struct command {
	const char *name, *usage;
	int (*run)(struct call *c); /* NULL: needs no bus */
	bool unit, subcgroup;
	size_t max_pids;
	int min_args, max_args;
} commands[] = {
	{ "start", "UNIT PID PROPERTY...", manager_start, true, false, 1, 2, INT_MAX },
	{ "stop", "UNIT", manager_stop, true, false, 0, 1, 1 },
	{ "set", "UNIT PROPERTY...", manager_set, true, false, 0, 2, INT_MAX },
	{ "attach", "UNIT SUBCGROUP PID...", manager_attach, true, true, PIDS_MAX, 3, PIDS_MAX },
	{ "delegated", "PID", manager_delegated, false, false, 1, 1, 1 },
	{ "ping", "", manager_ping, false, false, 0, 0, 0 },
	{ "check", "PROPERTY...", NULL, false, false, 0, 0, INT_MAX },
};

static int usage(const struct command *cmd)
{
	if (cmd) {
		(void)fprintf(stderr, "usage: bryo-systemd [--user|--system] %s %s\n", cmd->name,
			      cmd->usage);
		return USAGE;
	}
	(void)fputs("usage: bryo-systemd [--user|--system]", stderr);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		(void)fprintf(stderr, "%c%s", i ? '|' : ' ', commands[i].name);
	(void)fputs(" ARGUMENT...\n", stderr);
	return USAGE;
}

static bool read_pid(const char *arg, uint32_t *ret)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	*ret = (uint32_t)n;
	return *arg >= '1' && *arg <= '9' && !*end && n <= INT_MAX;
}

/* systemd's own rule; more than the match rule for jobs needs. */
static bool is_unit_name(const char *name)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789:-_.\\@";
	const char *dot = strrchr(name, '.');

	return strlen(name) < 256 && dot && dot > name && dot[1] && !name[strspn(name, bytes)];
}

static int read_unit(struct call *c, const struct command *cmd, const char *name)
{
	const char *dot = strrchr(name, '.');

	c->unit = name;
	if (!is_unit_name(name))
		return fail(c, USAGE, "'%.300s' is not the name of a unit", name);
	if (cmd->run == manager_start && strcmp(dot, ".scope") != 0)
		return fail(c, USAGE, "'%s' is not the name of a scope", name);
	return 0;
}

/* What a scope gets unless the caller says otherwise. */
static int add_defaults(struct call *c)
{
	static const char *const defaults[] = {
		"Delegate=b:true",
		"DefaultDependencies=b:false",
		"?CollectMode=s:inactive-or-failed",
	};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!props_add(&c->props, defaults[i], c->why, sizeof(c->why)))
			return USAGE;
	return 0;
}

static int read_props(struct call *c, char **args)
{
	for (; *args; args++) {
		if (!props_add(&c->props, *args, c->why, sizeof(c->why)))
			return USAGE;
		if (strcmp(c->props.v[c->props.n - 1].name, "PIDs") == 0)
			return fail(c, USAGE, "property PIDs: it is not for the caller to set");
	}
	return 0;
}

/* Everything behind the command's name. */
static int read_args(struct call *c, const struct command *cmd, char **args)
{
	int status = 0;

	if (cmd->unit)
		status = read_unit(c, cmd, *args++);
	if (cmd->subcgroup)
		c->subcgroup = *args++;
	for (; status == 0 && *args && c->n_pids < cmd->max_pids; args++)
		if (!read_pid(*args, &c->pids[c->n_pids++]))
			return fail(c, USAGE, "'%.100s' is not a process ID", *args);
	if (status == 0 && cmd->run == manager_start)
		status = add_defaults(c);
	return status ? status : read_props(c, args);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (name && strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* One line, whatever systemd or a property put into it: controls and bad UTF-8 become '?'. */
static void print_reason(char *why)
{
	for (char *p = why; *p;) {
		size_t n = utf8_len(p);
		unsigned char c = (unsigned char)(n == 2 && *p == '\xc2' ? p[1] & 0x7f : *p);

		if (n == 0 || c < 0x20 || c == 0x7f)
			n = 1, *p = '?';
		p += n;
	}
	(void)fprintf(stderr, "%s\n", why);
}

static int run_command(struct call *c, const struct command *cmd, int bus, char **args)
{
	int status = read_args(c, cmd, args);

	if (status)
		return status;
	if (!cmd->run) {
		props_print(stdout, &c->props);
		return 0;
	}
	if (bus == 's' && geteuid() != 0)
		return fail(c, DENIED, "only root may ask the system's manager");
	return on_a_bus(c, bus == 's', cmd->run);
}

int main(int argc, char **argv)
{
	static struct call c;
	const struct command *cmd;
	int status, bus = geteuid() == 0 ? 's' : 'u';

	for (argv++, argc--; *argv && strncmp(*argv, "--", 2) == 0; argv++, argc--) {
		if (strcmp(*argv, "--user") != 0 && strcmp(*argv, "--system") != 0)
			return usage(NULL);
		bus = (*argv)[2];
	}
	cmd = find_command(*argv);
	if (!cmd || --argc < cmd->min_args || argc > cmd->max_args)
		return usage(cmd);
	status = run_command(&c, cmd, bus, argv + 1);
	if (status == 0 && fflush(stdout) != 0)
		status = fail(&c, FAILED, "write the answer: %s", strerror(errno));
	if (status)
		print_reason(c.why);
	props_free(&c.props);
	return status;
}
