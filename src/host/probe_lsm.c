/*
 * probe_lsm.c - which security modules are active: asked only where a config names a label. Runs
 * in the runtime, reads only. What the modules themselves publish is read, not the list in
 * securityfs, which a container host often does not mount.
 */
#include "probe.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <linux/magic.h>
#include <sys/vfs.h>

void probe_lsm(struct host *h)
{
	auto_fd int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	struct statfs fs;
	char yes = 'N';

	h->apparmor = fd >= 0 && read(fd, &yes, 1) == 1 && yes == 'Y';
	/* selinuxfs is mounted exactly where SELinux is on; libselinux asks the same. */
	h->selinux = statfs("/sys/fs/selinux", &fs) == 0 &&
		     (unsigned long)fs.f_type == SELINUX_MAGIC;
}
