/*
 * terminal.c - the pty itself (terminal.h): opened and adopted by whoever runs inside (init, or
 * exec's child), sent to a console socket by the runtime. The copying is in relay.c.
 *
 * A pty is trusted only by descriptor: ptmx must be the character device 5:2 on a devpts, and
 * the slave is that master's own peer. No path below /dev is looked at, because an image may
 * have prepared it.
 */
#include "terminal.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

#define PTMX_MAJOR 5
#define PTMX_MINOR 2

static int check_ptmx(int ptmx, struct err *err)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(ptmx, &fs) < 0 || fstat(ptmx, &st) < 0)
		return err_sys(err, "ptmx");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, ENODEV, "ptmx is not on a devpts file system");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR))
		return err_set(err, ENODEV, "ptmx is not the pty multiplexer");
	return 0;
}

static int set_size(int fd, const struct terminal_plan *plan, struct err *err)
{
	struct winsize size = { .ws_row = plan->rows, .ws_col = plan->columns };

	if (plan->rows == 0 && plan->columns == 0)
		return 0;
	return ioctl(fd, TIOCSWINSZ, &size) < 0 ? err_sys(err, "set the terminal's size") : 0;
}

/* Only the owner: the tty group may not be mapped (runc#4679). */
static int set_owner(int slave, uid_t uid, struct err *err)
{
	struct stat st;

	if (fstat(slave, &st) < 0)
		return err_sys(err, "terminal");
	if (st.st_uid == uid)
		return 0;
	return fchown(slave, uid, (gid_t)-1) < 0 ? err_sys(err, "give the terminal to uid %u", uid)
						 : 0;
}

int terminal_open_inside(int ptmx, const struct terminal_plan *plan, uid_t uid, int *ret_slave,
			 struct err *err)
{
	auto_fd int slave = -1;
	int unlock = 0, rc;

	rc = check_ptmx(ptmx, err);
	if (rc < 0)
		return rc;
	if (ioctl(ptmx, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, "unlock the terminal");
	slave = ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, "open the terminal's slave");
	rc = set_size(slave, plan, err);
	if (rc == 0)
		rc = set_owner(slave, uid, err);
	if (rc < 0)
		return rc;
	*ret_slave = take_fd(&slave);
	return 0;
}

int terminal_stdio_inside(int slave, struct err *err)
{
	int rc = 0;

	for (int fd = 0; fd <= STDERR_FILENO && rc == 0; fd++)
		rc = fd_dup_onto(slave, fd, err);
	return rc < 0 ? err_in(err, rc, "terminal as standard input and output") : 0;
}

int terminal_adopt_inside(int slave, struct err *err)
{
	if (setsid() < 0 && getsid(0) != getpid())
		return err_sys(err, "start a session");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(err, "make it the controlling terminal");
	return terminal_stdio_inside(slave, err);
}

int terminal_send_outside(const char *path, int master, struct err *err)
{
	auto_fd int sock = fd_connect_unix(path, err);
	int rc = sock < 0 ? sock : fd_send(sock, master, "/dev/ptmx", err);

	return rc < 0 ? err_in(err, rc, "console socket") : 0;
}

void terminal_match(int master, bool copy_size)
{
	struct winsize size;
	struct termios t;

	if (copy_size &&
	    (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0))
		(void)ioctl(master, TIOCSWINSZ, &size);
	if (tcgetattr(master, &t) < 0)
		return;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp())
		t.c_oflag |= OPOST | ONLCR;
	else
		t.c_oflag &= ~(tcflag_t)ONLCR;
	(void)tcsetattr(master, TCSANOW, &t);
}
