/*
 * cmd_doctor.c - `bryo doctor`: examines the host and says what is missing, for what, and what to
 * do about it. Looks, tries in throw-away namespaces, and changes nothing.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "doctor/doctor.h"
#include "out.h"

#include <string.h>
#include <sys/ioctl.h>

#define EXIT_MISSING 1
#define EXIT_TROUBLE 2 /* nothing was examined */

struct doctor_args {
	bool json, strict;
	const char *use, *path, *host;
};

#define OFF(member) offsetof(struct doctor_args, member)

static const struct opt doctor_opts[] = {
	{ "for", 0, OPT_CHOICE, OFF(use), "podman|sandbox|network|limits|all",
	  "only what that needs (default: all)" },
	{ "path", 0, OPT_STRING, OFF(path), "DIR",
	  "directory for containers (default: your home)" },
	{ "strict", 0, OPT_FLAG, OFF(strict), NULL, "fail where something is degraded, too" },
	{ "json", 0, OPT_FLAG, OFF(json), NULL, "print a JSON document" },
	{ "host", 0, OPT_STRING, OFF(host), "FILE",
	  "facts of another machine, JSON, as plan takes them" },
	{ 0 },
};

static unsigned use_of(const char *name)
{
	if (str_eq(name, "podman"))
		return DOCTOR_PODMAN;
	if (str_eq(name, "sandbox"))
		return DOCTOR_SANDBOX;
	if (str_eq(name, "network"))
		return DOCTOR_NETWORK;
	return str_eq(name, "limits") ? DOCTOR_LIMITS : DOCTOR_ALL;
}

/* The order in which setlocale(3) asks; "en_GB.UTF-8", "C.utf8". */
static bool locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

/* Plain unless a person looks at it: scripts get words. */
static struct doctor_look look_of_stdout(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	struct doctor_look look = { false, false, 0 };
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return look;
	look.utf8 = locale_is_utf8();
	look.colour = !(none && *none) && term && !str_eq(term, "dumb");
	look.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	return look;
}

static int print(const struct doctor_report *r, bool json, union cli_err *err)
{
	struct doctor_look look = look_of_stdout();
	auto_json_out struct json_out out = { 0 };
	auto_str struct str text = STR_INIT;

	if (json) {
		json_out_init(&out, "  ");
		doctor_json(r, &out);
		return out_text(out.s.p, &err->own);
	}
	doctor_text(r, &look, &text);
	return out_text(text.p, &err->own);
}

static int doctor_run(const struct cli *cli, union cli_err *err)
{
	const struct doctor_args *args = cli->args;
	const struct doctor_request q = {
		.uses = use_of(args->use),
		.path = args->path,
		.root = cli->root,
		.host_facts = args->host,
	};
	struct doctor_report r;
	int rc = doctor_examine(cli->arena, &q, &r, &err->own);

	if (rc == 0)
		rc = print(&r, args->json, err);
	if (rc < 0)
		return rc;
	return r.counts[DOCTOR_MISSING] || (args->strict && r.counts[DOCTOR_DEGRADED])
		       ? EXIT_MISSING
		       : 0;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "examine this host, and say what to change",
	.synopsis = "[OPTIONS]",
	.about =
		"Checks what containers without root need here: kernel, user namespaces, subordinate\n"
		"IDs, helper programs, file systems, cgroups, session, network. Leaves nothing behind.\n"
		"Exits 0 when nothing is missing, 1 when something is, 2 when it could not look.",
	.opts = doctor_opts,
	.args_size = sizeof(struct doctor_args),
	.fail_status = EXIT_TROUBLE,
	.misuse_status = EXIT_TROUBLE,
	.run = doctor_run,
};
