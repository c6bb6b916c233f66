/*
 * cgroup_manager.c - the service manager, asked through helpers/bryo-systemd: that program alone is
 * linked with libsystemd, dynamically, because bryo is a static program and a run without a
 * scope must not pay for D-Bus. Runs in the runtime; the program is the caller's and is started as
 * such. Its exit codes are in its header.
 */
#include "cgroup.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/libexec.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPER	    "bryo-systemd"
#define TIMEOUT_MS  60000
#define QUESTION_MS 5000
#define NO_BUS	    3
#define EXISTS	    4

static bool helper_find(struct arena *a, const char **ret, struct err *err)
{
	if (libexec_find(a, HELPER, ret, err) == 0)
		return true;
	(void)err_hint(
		err, -ENOENT,
		"it talks to systemd for bryo: `make install` brings it where libsystemd-dev was there "
		"to build with");
	return false;
}

static int no_bus(bool user_manager, struct err *err)
{
	if (!user_manager)
		return err_hint(err, -ENOTCONN,
				"is systemd this machine's init, and the system bus up?");
	return err_hint(
		err, -ENOTCONN,
		"a user manager with a bus is what makes scopes: install dbus-user-session, log in anew (or "
		"`systemctl --user start dbus`), and `loginctl enable-linger` for use without a login");
}

static int ask(bool user_manager, const char *const *words, size_t n, char *ret, size_t size,
	       struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct child c = CHILD_INIT;
	char **argv = arena_alloc(&a, (n + 3) * sizeof(*argv));
	int rc;

	if (!helper_find(&a, &c.path, err))
		return -ENOENT;
	argv[0] = HELPER;
	argv[1] = user_manager ? "--user" : "--system";
	memcpy(argv + 2, words, n * sizeof(*argv));
	c.argv = argv;
	c.capture = true;
	/* a question whose answer has a default is not waited for as long */
	c.timeout_ms = str_eq(words[0], "delegated") ? QUESTION_MS : TIMEOUT_MS;
	rc = child_run(&c, err);
	if (rc == 0 && ret)
		(void)snprintf(ret, size, "%s", c.output);
	if (rc == 0 || !WIFEXITED(c.status) || WEXITSTATUS(c.status) == 0)
		return rc;
	rc = err_set(err, WEXITSTATUS(c.status) == NO_BUS ? ENOTCONN : EIO, "%s", c.output);
	if (WEXITSTATUS(c.status) == EXISTS)
		return err_hint(
			err, rc,
			"a container of another state directory may have it: take another ID, or name the "
			"scope yourself, with linux.cgroupsPath slice:prefix:name");
	return WEXITSTATUS(c.status) == NO_BUS ? no_bus(user_manager, err) : rc;
}

bool manager_supported(void)
{
#ifdef HAVE_SYSTEMD
	auto_arena struct arena a = ARENA_INIT;
	const char *path;

	return helper_find(&a, &path, NULL);
#else
	return false;
#endif
}

#define DROPIN_DIR "/etc/systemd/system/user@.service.d"

const char *cgroup_delegate_remedy(struct arena *a, uint32_t uid)
{
	return arena_printf(a,
			    "sudo mkdir -p " DROPIN_DIR
			    " && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee " DROPIN_DIR
			    "/delegate.conf && sudo systemctl daemon-reload, then log out of all sessions and in "
			    "again, or sudo systemctl restart user@%u.service, which ends what runs there",
			    uid);
}

bool manager_delegates(bool user_manager, pid_t pid)
{
	char number[16], answer[1025]; /* as struct child has it */
	const char *words[] = { "delegated", number };

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	if (!manager_supported() ||
	    ask(user_manager, words, ARRAY_LEN(words), answer, sizeof(answer), NULL) < 0)
		return false;
	return strlen(answer) > 4 && str_eq(answer + strlen(answer) - 4, " yes");
}

int manager_attach(bool user_manager, const char *unit, const char *subgroup, pid_t pid,
		   struct err *err)
{
	char number[16];
	const char *words[] = { "attach", unit, subgroup, number };
	int rc;

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	rc = ask(user_manager, words, ARRAY_LEN(words), NULL, 0, err);
	return rc < 0 ? err_in(err, rc, "have systemd move process %d to %s", (int)pid, unit) : 0;
}

static int with_properties(bool user_manager, const char *const *head, size_t n_head,
			   const struct strv *properties, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	const char **words = arena_alloc(&a, (n_head + properties->n + 1) * sizeof(*words));

	memcpy(words, head, n_head * sizeof(*words));
	if (properties->n)
		memcpy(words + n_head, properties->v, properties->n * sizeof(*words));
	return ask(user_manager, words, n_head + properties->n, NULL, 0, err);
}

int manager_set(bool user_manager, const char *unit, const struct strv *properties, struct err *err)
{
	const char *head[] = { "set", unit };
	int rc = properties->n
			 ? with_properties(user_manager, head, ARRAY_LEN(head), properties, err)
			 : 0;

	return rc < 0 ? err_in(err, rc, "change the unit %s", unit) : 0;
}

int manager_start(const struct cgroup_plan *p, pid_t pid, struct err *err)
{
	char number[16];
	const char *head[] = { "start", p->unit, number };
	int rc;

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	rc = with_properties(p->user_manager, head, ARRAY_LEN(head), &p->properties, err);
	return rc < 0 ? err_in(err, rc, "start the scope %s", p->unit) : 0;
}
