/*
 * manager.c - what the systemd manager is asked over D-Bus (manager.h): the one user of sd-bus.
 *
 * A start is one round trip to connect and one to call. The match for JobRemoved is sent without
 * waiting: a bus handles what one connection sends in order, so the match is there before the
 * call that makes the signal. Subscribe() is not called: systemd sends a job's signals to the
 * client that asked for it, and to subscribe would make it send everybody's.
 */
#include "manager.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define OBJECT	"/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"
#define SPAWN	"org.freedesktop.DBus.Error.Spawn."
#define UNITS	OBJECT "/unit"

#define SECOND	 1000000ULL
#define CALL_US	 (25 * SECOND)
#define TOTAL_US (30 * SECOND)

#define auto_message __attribute__((cleanup(sd_bus_message_unrefp)))
#define auto_error   __attribute__((cleanup(sd_bus_error_free)))

int fail(struct call *c, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return status;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000;
}

/* ------------------------------------------------------------------------------- calls */

/*
 * Calls may start their receiver, which for systemd means: wait. Where the bus itself is started
 * by the first who connects, systemd comes to it a moment later, and the bus keeps the call until
 * then. A bus without systemd tries to start the placeholder, /bin/false, and says so at once.
 */

/* What an error means to the caller; @doing: "start", to the unit if there is one. */
static int judge(struct call *c, const sd_bus_error *e, int rc, const char *doing)
{
	static const struct {
		const char *name;
		int status;
	} known[] = {
		{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, NO_BUS },
		{ SD_BUS_ERROR_SERVICE_UNKNOWN, NO_BUS },
		{ "org.freedesktop.DBus.Error.TimedOut", NO_BUS }, /* the bus waited for it */
		{ SYSTEMD ".UnitExists", EXISTS },
		{ SYSTEMD ".NoSuchUnit", NO_UNIT },
		{ SYSTEMD ".NoUnitForPID", NO_UNIT },
		{ SD_BUS_ERROR_ACCESS_DENIED, DENIED },
		{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, DENIED },
	};
	const char *said = e->message ? e->message : strerror(-rc), *hint = "";
	int status = FAILED;
	char what[400];

	(void)snprintf(what, sizeof(what), c->unit ? "%s unit '%s'" : "%s", doing, c->unit);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (sd_bus_error_has_name(e, known[i].name))
			status = known[i].status;
	if (e->name && strncmp(e->name, SPAWN, strlen(SPAWN)) == 0)
		status = NO_BUS;
	if (!c->unit && sd_bus_error_get_errno(e) == ESRCH) /* a dead process is in none */
		status = NO_UNIT;
	if (sd_bus_error_has_name(e, "System.Error.ENXIO"))
		hint = " (a property has another type there)";
	return fail(c, status, "%s: %s%s", what, said, hint);
}

static int new_call(struct call *c, const char *member, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(c->bus, ret, SYSTEMD, OBJECT, MANAGER, member);
}

/* A call whose arguments are strings, up to a NULL. */
static int call_strings(struct call *c, sd_bus_error *e, sd_bus_message **reply, const char *member,
			const char *const *args)
{
	auto_message sd_bus_message *m = NULL;
	int rc = new_call(c, member, &m);

	for (; rc >= 0 && *args; args++)
		rc = sd_bus_message_append_basic(m, 's', *args);
	return rc < 0 ? rc : sd_bus_call(c->bus, m, 0, e, reply);
}

#define STRINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int append_value(sd_bus_message *m, const struct value *v)
{
	uint64_t n = v->negative ? -v->number : v->number;
	const char *sig = v->inner;
	int rc;

	switch (v->type) {
	case 'y':
		return sd_bus_message_append_basic(m, 'y', &(uint8_t){ (uint8_t)n });
	case 'n':
	case 'q':
		return sd_bus_message_append_basic(m, v->type, &(uint16_t){ (uint16_t)n });
	case 'i':
	case 'u':
		return sd_bus_message_append_basic(m, v->type, &(uint32_t){ (uint32_t)n });
	case 'x':
	case 't':
		return sd_bus_message_append_basic(m, v->type, &n);
	case 'b':
		return sd_bus_message_append_basic(m, 'b', &(int){ v->number != 0 });
	case 'd':
		return sd_bus_message_append_basic(m, 'd', &v->real);
	case 's':
		return sd_bus_message_append_basic(m, 's', v->text);
	}
	rc = sd_bus_message_open_container(m, v->type == 'a' ? 'a' : 'r', sig);
	for (const struct value *i = v->child; rc >= 0 && i; i = i->next)
		rc = append_value(m, i);
	return rc < 0 ? rc : sd_bus_message_close_container(m);
}

static int append_prop(sd_bus_message *m, const struct prop *p)
{
	char sig[VALUE_SIG];
	int rc = sd_bus_message_open_container(m, 'r', "sv");

	value_signature(p->value, sig);
	if (rc >= 0)
		rc = sd_bus_message_append_basic(m, 's', p->name);
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'v', sig);
	if (rc >= 0)
		rc = append_value(m, p->value);
	if (rc >= 0)
		rc = sd_bus_message_close_container(m);
	return rc < 0 ? rc : sd_bus_message_close_container(m);
}

/* The a(sv) of a call; the processes of a new scope come first. */
static int append_props(struct call *c, sd_bus_message *m)
{
	int rc = sd_bus_message_open_container(m, 'a', "(sv)");

	if (rc >= 0 && c->n_pids)
		rc = sd_bus_message_append(m, "(sv)", "PIDs", "au", 1, c->pids[0]);
	for (size_t i = 0; rc >= 0 && i < c->props.n; i++)
		rc = append_prop(m, &c->props.v[i]);
	return rc < 0 ? rc : sd_bus_message_close_container(m);
}

/* An older systemd names what it does not know; true if that was optional and is gone now. */
static bool drop_unknown(struct call *c, const sd_bus_error *e)
{
	char name[PROP_NAME];

	return e->message &&
	       sscanf(e->message, "Cannot set property %127[A-Za-z], or unknown", name) == 1 &&
	       props_drop_optional(&c->props, name);
}

/* -------------------------------------------------------------------------------- jobs */

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct job *job = userdata;
	const char *path, *unit, *result, *sender = sd_bus_message_get_sender(m);
	uint32_t id;

	(void)e;
	if (sd_bus_message_is_signal(m, MANAGER, "JobRemoved") <= 0 ||
	    sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	if (strcmp(path, job->path) == 0 && sender && strcmp(sender, job->manager) == 0)
		(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int on_match(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct job *job = userdata;

	(void)e;
	job->unseen = sd_bus_message_get_errno(m);
	return 0;
}

/*
 * Before the call that makes the job. The bus filters by unit, so that a mass start does not
 * wake everybody for each. sd-bus cannot have this match: it compares an argument only if those
 * before it are strings too, and it reads a backslash in a rule as an escape, which it is not.
 */
static int watch_jobs(struct call *c)
{
	char rule[512];
	int rc;

	if (c->watching)
		return 0;
	c->watching = true;
	(void)snprintf(rule, sizeof(rule),
		       "type='signal',sender='" SYSTEMD "',path='" OBJECT "',interface='" MANAGER
		       "',member='JobRemoved',arg2='%s'",
		       c->unit);
	rc = sd_bus_add_filter(c->bus, NULL, on_message, &c->job);
	if (rc < 0)
		return rc;
	return sd_bus_call_method_async(c->bus, NULL, "org.freedesktop.DBus",
					"/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
					on_match, &c->job, "s", rule);
}

/* The reply to the call that made it. Signals that came before wait in the queue. */
static int take_job(struct call *c, sd_bus_message *reply)
{
	const char *path, *sender = sd_bus_message_get_sender(reply);
	int rc = sd_bus_message_read(reply, "o", &path);

	if (rc < 0)
		return rc;
	if (!sender || strlen(path) >= sizeof(c->job.path) ||
	    strlen(sender) >= sizeof(c->job.manager))
		return -EBADMSG;
	memcpy(c->job.path, path, strlen(path) + 1);
	memcpy(c->job.manager, sender, strlen(sender) + 1);
	c->job.result[0] = '\0';
	return 0;
}

/* One step of the connection, or a wait for the next. Returns negative on failure or @until. */
static int step(struct call *c, uint64_t until)
{
	uint64_t now;
	int rc = sd_bus_process(c->bus, NULL);

	if (rc != 0)
		return rc;
	now = now_us();
	if (now >= until)
		return -ETIMEDOUT;
	rc = sd_bus_wait(c->bus, until - now);
	return rc == -EINTR ? 0 : rc;
}

/* A start that is late must not succeed behind the caller's back. */
static void cancel_job(struct call *c)
{
	(void)sd_bus_call_method_async(c->bus, NULL, SYSTEMD, c->job.path, SYSTEMD ".Job", "Cancel",
				       NULL, NULL, "");
	(void)sd_bus_flush(c->bus);
}

static int wait_job(struct call *c, const char *doing)
{
	int rc = 0;

	while (!c->job.result[0] && rc >= 0)
		rc = c->job.unseen ? -c->job.unseen : step(c, c->deadline);
	if (c->job.result[0])
		return strcmp(c->job.result, "done") == 0
			       ? 0
			       : fail(c, FAILED, "%s unit '%s': the job ended with '%s'", doing,
				      c->unit, c->job.result);
	if (rc != -ETIMEDOUT)
		return fail(c, FAILED, "%s unit '%s': wait for job %s: %s", doing, c->unit,
			    c->job.path, strerror(-rc));
	if (strcmp(doing, "start") == 0)
		cancel_job(c);
	return fail(c, FAILED, "%s unit '%s': job %s was not done within %llu s", doing, c->unit,
		    c->job.path, TOTAL_US / SECOND);
}

/* ---------------------------------------------------------------------------- commands */

/* @mode: replace, or fail, which leaves a start that is under way alone. */
static int stop_unit(struct call *c, const char *mode)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL, ignored = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *reply = NULL;
	int status, rc = watch_jobs(c);

	if (rc >= 0)
		rc = call_strings(c, &e, &reply, "StopUnit", STRINGS(c->unit, mode));
	if (sd_bus_error_has_name(&e, SYSTEMD ".NoSuchUnit"))
		return 0;
	if (rc >= 0)
		rc = take_job(c, reply);
	if (rc < 0)
		return judge(c, &e, rc, "stop");
	status = wait_job(c, "stop");
	if (status == 0) /* what is gone needs none */
		(void)call_strings(c, &ignored, NULL, "ResetFailedUnit", STRINGS(c->unit));
	return status;
}

/* Makes room for a scope by that name if what has it is an empty shell. */
static int remove_leftover(struct call *c)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *reply = NULL;
	int rc = call_strings(c, &e, &reply, "GetUnitProcesses", STRINGS(c->unit));

	if (sd_bus_error_has_name(&e, SYSTEMD ".NoSuchUnit"))
		return 0;
	if (rc >= 0)
		rc = sd_bus_message_enter_container(reply, 'a', "(sus)");
	if (rc >= 0)
		rc = sd_bus_message_at_end(reply, false);
	if (rc < 0)
		return judge(c, &e, rc, "list the processes of");
	if (rc == 0)
		return fail(c, EXISTS, "unit '%s' already exists and has processes", c->unit);
	return stop_unit(c, "fail");
}

/* Returns a status, or -1 to try again. */
static int try_start(struct call *c, bool *removed)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *m = NULL, *reply = NULL;
	int status, rc = new_call(c, "StartTransientUnit", &m);

	if (rc >= 0)
		rc = sd_bus_message_append(m, "ss", c->unit, "fail");
	if (rc >= 0)
		rc = append_props(c, m);
	if (rc >= 0)
		rc = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (rc >= 0)
		rc = sd_bus_call(c->bus, m, 0, &e, &reply);
	if (rc >= 0)
		rc = take_job(c, reply);
	if (rc >= 0)
		return wait_job(c, "start");
	if (drop_unknown(c, &e))
		return -1;
	if (!sd_bus_error_has_name(&e, SYSTEMD ".UnitExists"))
		return judge(c, &e, rc, "start");
	if (*removed)
		return fail(c, EXISTS, "unit '%s' already exists and does not go away", c->unit);
	*removed = true;
	status = remove_leftover(c);
	return status == 0 ? -1 : status;
}

/* Zombies as well; unknown: false. */
static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&p, 1, 0) == 1;
}

/*
 * Whoever ends while systemd is being asked (bryo was killed, and its init goes with it) may be a zombie
 * when it is moved: the kernel moves none, but says that it did, and a scope that never had a process
 * is never told to be empty. Its maker is the one to stop it.
 */
static int check_start(struct call *c, int pidfd)
{
	if (!has_ended(pidfd))
		return 0;
	(void)remove_leftover(c);
	return fail(c, FAILED, "process %u has ended meanwhile", c->pids[0]);
}

int manager_start(struct call *c)
{
	int pidfd = c->n_pids == 1 ? (int)syscall(SYS_pidfd_open, (pid_t)c->pids[0], 0) : -1;
	bool removed = false;
	int status, rc = watch_jobs(c);

	if (rc < 0)
		status = fail(c, FAILED, "watch for jobs: %s", strerror(-rc));
	else
		do
			status = try_start(c, &removed);
		while (status < 0);
	if (status == 0)
		status = check_start(c, pidfd);
	if (pidfd >= 0)
		(void)close(pidfd);
	return status;
}

int manager_stop(struct call *c)
{
	return stop_unit(c, "replace");
}

/* Returns a status, or -1 to try again. */
static int try_set(struct call *c)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *m = NULL;
	int rc = new_call(c, "SetUnitProperties", &m);

	if (rc >= 0)
		rc = sd_bus_message_append(m, "sb", c->unit, true);
	if (rc >= 0)
		rc = append_props(c, m);
	if (rc >= 0)
		rc = sd_bus_call(c->bus, m, 0, &e, NULL);
	if (rc >= 0)
		return 0;
	return drop_unknown(c, &e) ? -1 : judge(c, &e, rc, "set properties of");
}

int manager_set(struct call *c)
{
	int status;

	do
		status = try_set(c);
	while (status < 0);
	return status;
}

int manager_attach(struct call *c)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *m = NULL;
	int rc = new_call(c, "AttachProcessesToUnit", &m);

	if (rc >= 0)
		rc = sd_bus_message_append(m, "ss", c->unit, c->subcgroup);
	if (rc >= 0)
		rc = sd_bus_message_append_array(m, 'u', c->pids, c->n_pids * sizeof(c->pids[0]));
	if (rc >= 0)
		rc = sd_bus_call(c->bus, m, 0, &e, NULL);
	return rc >= 0 ? 0 : judge(c, &e, rc, "attach processes to");
}

/* Only scopes and services of the kinds that delegate have the property. */
static int get_delegate(struct call *c, const char *path, const char *unit, sd_bus_error *e)
{
	const char *dot = strrchr(unit, '.');
	bool scope = dot && strcmp(dot, ".scope") == 0;
	int yes = 0, rc;

	if (!scope && !(dot && strcmp(dot, ".service") == 0))
		return 0;
	rc = sd_bus_get_property_trivial(c->bus, SYSTEMD, path,
					 scope ? SYSTEMD ".Scope" : SYSTEMD ".Service", "Delegate",
					 e, 'b', &yes);
	return rc < 0 ? rc : yes;
}

int manager_delegated(struct call *c)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *m = NULL, *reply = NULL;
	const char *path;
	char *unit = NULL;
	int rc = new_call(c, "GetUnitByPID", &m);

	if (rc >= 0)
		rc = sd_bus_message_append_basic(m, 'u', &c->pids[0]);
	if (rc >= 0)
		rc = sd_bus_call(c->bus, m, 0, &e, &reply);
	if (rc >= 0)
		rc = sd_bus_message_read_basic(reply, 'o', &path);
	if (rc >= 0)
		rc = sd_bus_path_decode(path, UNITS, &unit);
	if (rc >= 0)
		rc = unit ? get_delegate(c, path, unit, &e) : -EBADMSG;
	if (rc >= 0)
		(void)printf("%s %s\n", unit, rc ? "yes" : "no");
	free(unit);
	return rc >= 0 ? 0 : judge(c, &e, rc, "ask for the unit of the process");
}

int manager_ping(struct call *c)
{
	auto_error sd_bus_error e = SD_BUS_ERROR_NULL;
	auto_message sd_bus_message *m = NULL;
	int rc = sd_bus_message_new_method_call(c->bus, &m, SYSTEMD, OBJECT,
						"org.freedesktop.DBus.Peer", "Ping");

	if (rc >= 0)
		rc = sd_bus_call(c->bus, m, 0, &e, NULL);
	if (rc >= 0)
		return 0;
	(void)judge(c, &e, rc, "ping");
	return NO_BUS;
}

/* -------------------------------------------------------------------------- connection */

int manager_open(struct call *c, int fd)
{
	uint64_t until = now_us() + CALL_US;
	int rc = sd_bus_new(&c->bus);

	c->watching = false;
	if (rc >= 0)
		rc = sd_bus_set_fd(c->bus, fd, fd);
	if (rc < 0) {
		(void)close(fd);
		return fail(c, FAILED, "set up a bus connection: %s", strerror(-rc));
	}
	rc = sd_bus_set_bus_client(c->bus, true);
	if (rc >= 0)
		rc = sd_bus_set_method_call_timeout(c->bus, CALL_US);
	if (rc >= 0)
		rc = sd_bus_start(c->bus);
	while (rc >= 0 && sd_bus_is_ready(c->bus) == 0)
		rc = step(c, until);
	if (rc >= 0)
		rc = sd_bus_is_ready(c->bus);
	if (rc <= 0)
		return fail(c, NO_BUS, "greet the bus: %s", strerror(rc < 0 ? -rc : EPIPE));
	c->deadline = now_us() + TOTAL_US;
	return 0;
}

void manager_close(struct call *c)
{
	c->bus = sd_bus_close_unref(c->bus);
}
