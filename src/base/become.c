/* become.c - see become.h. */
#include "become.h"

#include "cleanup.h"
#include "fd.h"
#include "sys.h"

#include <sys/prctl.h>

static int arrange(const struct become *b, struct err *err)
{
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int rc;

	if (null < 0)
		return err_sys(err, "open /dev/null");
	rc = fd_dup_onto(b->out, 1, err);
	if (rc >= 0)
		rc = fd_dup_onto(b->out, 2, err);
	if (rc >= 0)
		rc = fd_dup_onto(null, 0, err);
	if (rc >= 0)
		rc = fd_cloexec_from(3, err);
	for (size_t i = 0; i < b->n_keep && rc >= 0; i++)
		rc = fd_set_cloexec(b->keep[i], false, err);
	return rc < 0 ? rc : 0;
}

int become_program(const struct become *b, struct err *err)
{
	sigset_t none;
	int rc = arrange(b, err);

	if (rc < 0)
		return err_in(err, rc, "start '%s'", b->path);
	(void)setsid();
	if (chdir("/") < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "start '%s'", b->path);
	sys_signals_default();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execve(b->path, b->argv, environ);
	return err_sys(err, "execute '%s'", b->path);
}
