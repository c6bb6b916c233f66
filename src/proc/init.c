/*
 * init.c - init's half of creation, a straight script whose steps line up with sync.h:
 *
 *	open what needs the caller's identity: rootfs, bind sources, devices	-> wait for mapped
 *	become root inside				-> [send rooted]; wait for placed
 *	time and cgroup namespace, loopback, names, rootfs [send layered, wait for served, send answered], mounts,
 *	devices									-> [send mounted,
 *	wait for hooked]; createContainer hooks, pivot, terminal, sysctls, masks	-> send ready
 *	wait for recorded
 *	wait for start on the start socket; startContainer hooks; [--init: pid1.h]; seal and exec
 *										-> send exec
 *
 * It is a copy of the runtime's memory and reads the plan there. It touches only its own
 * namespaces, the plan and its sockets. End of file on the pair means that the runtime is gone:
 * init then ends, and with it everything it made.
 */
#include "init.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/keyring.h"
#include "proc/root_serve.h"
#include "proc/pid1.h"
#include "proc/seal.h"
#include "proc/start.h"
#include "proc/sync.h"

#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#define RUNTIME "runtime"

static int open_sources(const struct plan *plan, struct err *err)
{
	int root = rootfs_source_inside(&plan->rootfs, err);
	int rc = root == -EAGAIN || root >= 0 ? 0 : root;

	if (rc == 0)
		rc = mount_sources_inside(&plan->mounts, err);
	if (rc == 0)
		rc = device_sources_inside(&plan->devices, err);
	if (rc == 0)
		rc = mask_source_inside(&plan->masks, err);
	if (rc == 0)
		rc = hooks_logs_inside(&plan->hooks, err);
	return rc < 0 ? rc : root;
}

/*
 * A change of uid clears the flag, and a non-dumpable process cannot be mapped, entered or helped
 * by an unprivileged runtime. Nobody else is in these namespaces yet, except where a pid
 * namespace was joined, or both this and the user namespace are shared: there init stays hidden
 * (CVE-2016-9962).
 */
static void stay_dumpable(const struct plan *plan)
{
	if (!(plan->ns.create & (CLONE_NEWPID | CLONE_NEWUSER)))
		return;
	for (size_t i = 0; i < plan->ns.n_joins; i++)
		if (plan->ns.joins[i].flag == CLONE_NEWPID)
			return;
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Default filters of engines allow everything that a container needs in them but this. */
static bool name_refused(const struct plan *plan)
{
	return !(plan->names_optional && errno == EPERM);
}

static int set_names(const struct plan *plan, struct err *err)
{
	const char *host = plan->hostname, *domain = plan->domainname;

	if (host && *host && sethostname(host, strlen(host)) < 0 && name_refused(plan))
		return err_sys(err, "set the hostname '%s'", host);
	if (domain && *domain && setdomainname(domain, strlen(domain)) < 0 && name_refused(plan))
		return err_sys(err, "set the domain name '%s'", domain);
	return 0;
}

static int enter_namespaces(const struct plan *plan, int cgroup, struct err *err)
{
	int rc = timens_inside(&plan->timens, err);

	if (rc < 0)
		return rc;
	if (plan->ns.cgroup && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(err, "make a cgroup namespace");
	rc = cgroup >= 0 ? cgroup_inside(&plan->cgroup, cgroup, err) : 0;
	if (rc < 0)
		return rc;
	if (plan->ns.create & CLONE_NEWNET)
		ns_loopback_inside();
	return set_names(plan, err);
}

/* A missing working directory is made as runc does; if that is impossible chdir will say so. */
static void make_cwd(const struct plan *plan, int rootfd)
{
	auto_fd int dir = path_mkdir_in(rootfd, plan->process.cwd, 0755, NULL);

	(void)dir;
}

static int set_up_mounts(const struct plan *plan, int source, int sock, struct err *err)
{
	const struct rootfs_server server = { root_serve_inside, root_answered_inside, &sock };
	auto_fd int rootfd = rootfs_attach_inside(&plan->rootfs, source, &server, err);
	int rc;

	if (rootfd < 0)
		return rootfd;
	rc = mount_inside(&plan->mounts, rootfd, err);
	if (rc == 0)
		rc = device_inside(&plan->devices, rootfd, err);
	if (rc < 0)
		return rc;
	make_cwd(plan, rootfd);
	return take_fd(&rootfd);
}

/* /dev/console is a clone of our own pty's slave; the target never goes through a link. */
static int bind_console(int rootfd, int slave, struct err *err)
{
	auto_fd int dev = path_open_in(rootfd, "/dev", O_PATH | O_DIRECTORY, err);
	auto_fd int made = -1, target = -1, tree = -1;
	struct stat st;

	if (dev < 0)
		return dev;
	made = openat(dev, "console", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0620);
	if (made < 0 && errno != EEXIST)
		return err_sys(err, "make '/dev/console'");
	target = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || fstat(target, &st) < 0)
		return err_sys(err, "open '/dev/console'");
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		return err_set(err, ENOTUNIQ, "'/dev/console' of the image is a link or a directory");
	tree = mount_clone(slave, false, 0, 0, err);
	return tree < 0 ? err_in(err, tree, "'/dev/console'") : mount_attach(tree, target, err);
}

/* Opens a pty in the container's devpts; *ret_slave stays, the master goes to the runtime. */
static int open_terminal(const struct plan *plan, int rootfd, int *ret_slave, struct err *err)
{
	auto_fd int ptmx = path_open_in(rootfd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, err);
	struct statfs fs;
	int rc;

	if (ptmx < 0)
		return err_hint(err, ptmx, "process.terminal needs a devpts mount on /dev/pts");
	if (fstatfs(ptmx, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, EINVAL, "'/dev/pts/ptmx' of the container is not in a devpts");
	rc = terminal_open_inside(ptmx, &plan->process.terminal, plan->process.user.uid, ret_slave, err);
	if (rc == 0)
		rc = bind_console(rootfd, *ret_slave, err);
	return rc < 0 ? rc : take_fd(&ptmx);
}

/* From mounted to ready: *ret_slave is the pty's slave or -1; the root is final afterwards. */
static int finish_root(const struct plan *plan, int rootfd, int *ret_master, int *ret_slave, struct err *err)
{
	char program[PATH_MAX];
	int rc = hooks_run(&plan->hooks, HOOK_CREATE_CONTAINER, "creating", getpid(), err);

	if (rc == 0)
		rc = rootfs_pivot_inside(&plan->rootfs, rootfd, err);
	if (rc == 0 && plan->process.terminal.wanted) {
		*ret_master = open_terminal(plan, rootfd, ret_slave, err);
		rc = *ret_master < 0 ? err_in(err, *ret_master, "terminal") : 0;
	}
	if (rc == 0)
		rc = sysctl_inside(&plan->sysctl, err);
	if (rc == 0)
		rc = mask_inside(&plan->masks, rootfd, err);
	if (rc == 0)
		rc = rootfs_finish_inside(&plan->rootfs, rootfd, err);
	if (rc < 0)
		return rc;
	if (plan->keyring)
		rc = keyring_inside(plan->id, plan->process.lsm.selinux, plan->ns.differ & CLONE_NEWUSER, err);
	if (rc < 0)
		return rc;
	/* What cannot run is told at create, as runc does; a hook may still bring the program. */
	if (plan->hooks.points[HOOK_START_CONTAINER].n || chdir(plan->process.cwd) < 0)
		return 0;
	rc = seal_find_program(&plan->process, program, sizeof(program), err);
	return rc < 0 || chdir("/") == 0 ? rc : err_sys(err, "return to the root");
}

/* Only where the runtime has hooks to run now: a round trip is two changes of process. */
static int wait_for_hooks(int sock, struct err *err)
{
	int rc = sync_send(sock, SYNC_MOUNTED, err);

	return rc < 0 ? rc : sync_expect(sock, SYNC_HOOKED, RUNTIME, NULL, err);
}

/* The runtime's lock is an open file description: a copy here would hold it as long as we live. */
static void close_others(const struct init_args *args)
{
	const struct mount_plan *m = &args->plan->mounts;
	const struct log_sink *log = log_get();
	const int own[] = { args->sock, args->listener, args->pid1, log->fd, log->mirror };
	const struct process_plan *p = &args->plan->process;
	size_t made = (size_t)listen_made(&p->listen), n = ARRAY_LEN(own);
	auto_free int *keep = mem_alloc(sizeof(own) + (m->n + made) * sizeof(int));

	memcpy(keep, own, sizeof(own));
	if (m->n)
		memcpy(keep + n, m->sources, m->n * sizeof(int)); /* ID-mapped trees */
	n += m->n;
	if (made)
		memcpy(keep + n, p->listen.fds, made * sizeof(int));
	/* those of --listen are not in their places yet: listen_place_inside() */
	fd_close_others((unsigned)(3 + p->preserve_fds) - (unsigned)made, keep, n + made);
}

/* What the first try has opened must not stay in what becomes the container. */
static int open_sources_again(const struct init_args *args, struct err *err)
{
	const struct mount_plan *m = &args->plan->mounts;

	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].map.active)
			m->sources[i] = -1;
	close_others(args);
	return open_sources(args->plan, err);
}

static int create(const struct init_args *args, int *ret_slave, struct err *err)
{
	const struct plan *plan = args->plan;
	auto_fd int master = -1, rootfd = -1;
	struct sync_packet placed = { .fds = { -1, -1 } };
	mode_t mask;
	bool late;
	int source, rc;

	stay_dumpable(plan);
	source = open_sources(plan, err);
	/* What the caller may not search, an image that belongs to the container's IDs, its root may. */
	late = source == -EACCES && plan->idmap.active && plan->idmap.known;
	rc = source == -EAGAIN || source >= 0 || late ? 0 : source;
	if (rc == 0)
		rc = sync_expect(args->sock, SYNC_MAPPED, RUNTIME, NULL, err);
	if (rc == 0)
		rc = user_become_root_inside(&plan->idmap, &plan->process.user, err);
	if (rc == 0 && late) {
		source = open_sources_again(args, err);
		rc = source == -EAGAIN || source >= 0 ? 0 : source;
	}
	stay_dumpable(plan);
	if (rc == 0 && plan->net.backend && !plan->net.early)
		rc = sync_send(args->sock, SYNC_ROOTED, err);
	if (rc == 0)
		rc = sync_expect(args->sock, SYNC_PLACED, RUNTIME, &placed, err);
	if (rc == 0)
		rc = enter_namespaces(plan, placed.fds[0], err);
	fd_closep(&placed.fds[0]);
	if (rc < 0)
		return rc;
	mask = umask(022); /* mount points that are made are the image's, not the caller's */
	rootfd = set_up_mounts(plan, source, args->sock, err);
	(void)umask(mask);
	fd_closep(&source);
	if (rootfd < 0)
		return rootfd;
	if (hooks_in_runtime(&plan->hooks))
		rc = wait_for_hooks(args->sock, err);
	if (rc == 0)
		rc = finish_root(plan, rootfd, &master, ret_slave, err);
	/* Engines read the output of `create` to its end: what waits for `start` must not hold it. The
	 * terminal is the session's that the program will lead. */
	if (rc == 0 && *ret_slave >= 0)
		rc = args->pid1 < 0 ? terminal_adopt_inside(*ret_slave, err) : terminal_stdio_inside(*ret_slave, err);
	return rc < 0 ? rc : sync_send_with(args->sock, SYNC_READY, NULL, 0, master, err);
}

/* The creator as this user namespace has him: asked of the kernel, as a joined one's map is unknown. */
static uid_t owner_of(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		_exit(126);
	return peer.uid;
}

void init_main(const struct init_args *args)
{
	struct err err = ERR_INIT;
	int slave = -1, start;
	uid_t owner;

	close_others(args);
	if (create(args, &slave, &err) < 0) {
		sync_fail(args->sock, &err);
		_exit(126);
	}
	if (args->plan->process.rehearsal)
		seal_and_exec(&args->plan->process, slave, args->sock, -1);
	/* After the change of user, which clears it; before: end of file on the socket says the same. */
	if (args->plan->process.die_with_parent)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Before the record names us, nobody could find us: then we end with the runtime. */
	if (sync_expect(args->sock, SYNC_RECORDED, RUNTIME, NULL, &err) < 0)
		_exit(126);
	owner = owner_of(args->sock);
	(void)close(args->sock);
	start = start_wait_inside(args->listener, owner);
	if (hooks_run(&args->plan->hooks, HOOK_START_CONTAINER, "created", getpid(), &err) < 0) {
		sync_fail(start, &err);
		_exit(126);
	}
	if (args->pid1 >= 0)
		pid1_inside(&args->plan->process, args->pid1, slave, start);
	seal_and_exec(&args->plan->process, slave, start, -1);
}
