/*
 * status_fd.c - the lines of --status-fd (status_fd.h). Runs in the process that the user started,
 * and knows the container as anybody could: by the library and /proc.
 */
#include "status_fd.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

/* One write for one line. A reader that has left must not end us: SIGPIPE is taken back. */
static void put(int fd, struct json_out *o)
{
	static const struct timespec now = { 0 };
	sigset_t pipe, before;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &pipe, &before);
	str_addc(&o->s, '\n');
	(void)fd_write_all(fd, o->s.p, o->s.len, NULL);
	if (!sigismember(&before, SIGPIPE))
		(void)sigtimedwait(&pipe, NULL, &now);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static void put_namespaces(struct json_out *o, pid_t pid)
{
	static const char *const names[] = { "user", "pid", "mnt",    "net",
					     "ipc",  "uts", "cgroup", "time" };
	char path[64];
	struct stat st;

	json_out_object(o, "namespaces");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
		if (stat(path, &st) == 0)
			json_out_u64(o, names[i], st.st_ino);
	}
	json_out_end(o, '}');
}

int status_fd_check(const struct cli *cli, int n, int passed, union cli_err *err)
{
	int flags;

	if (!n)
		return 0;
	if (n < 3)
		return cli_usage(cli, err, "--status-fd %d: the program's own is not for that", n);
	if (n < 3 + passed)
		return cli_usage(cli, err,
				 "--status-fd %d: that descriptor is passed to the program", n);
	flags = fcntl(n, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		int rc = flags < 0 ? err_sys(&err->own, "--status-fd %d", n)
				   : err_set(&err->own, EBADF,
					     "--status-fd %d: it cannot be written to", n);

		return err_hint(&err->own, rc, "open it for bryo: %d>FILE in a shell", n);
	}
	return fd_set_cloexec(n, true, &err->own);
}

void status_fd_created(int fd, bryo_ctx *ctx, const char *id)
{
	auto_json_out struct json_out o = { 0 };
	struct bryo_entry e = { 0 };

	if (!fd || bryo_state(ctx, id, &e, NULL) < 0)
		return;
	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_i64(&o, "pid", e.pid);
	put_namespaces(&o, e.pid);
	json_out_end(&o, '}');
	put(fd, &o);
	bryo_entry_release(&e);
}

void status_fd_ready(int fd)
{
	auto_json_out struct json_out o = { 0 };

	if (!fd)
		return;
	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_bool(&o, "ready", true);
	json_out_end(&o, '}');
	put(fd, &o);
}

void status_fd_ended(int fd, int code, int sig)
{
	auto_json_out struct json_out o = { 0 };

	if (!fd)
		return;
	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_i64(&o, "exit", code);
	if (sig)
		json_out_i64(&o, "signal", sig);
	json_out_end(&o, '}');
	put(fd, &o);
}

void status_fd_failed(int fd, const struct bryo_err *err)
{
	auto_json_out struct json_out o = { 0 };
	char text[4096];

	if (!fd)
		return;
	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "error", bryo_err_format(err, text, sizeof(text)));
	json_out_end(&o, '}');
	put(fd, &o);
}
