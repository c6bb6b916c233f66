/*
 * keyring.c - a new session keyring (keyring.h). Runs in init and in the exec child.
 */
#include "keyring.h"

#include "base/log.h"
#include "base/sys.h"
#include "feature/lsm.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>

/* What the kernel gives a session keyring, and search for its owner: that is what joining asks. */
#define KEY_POSSESSOR_ALL   0x3f000000u
#define KEY_OWNER_LINK	    0x00100000u
#define KEY_OWNER_SEARCH    0x00080000u
#define KEY_OWNER_READ_VIEW 0x00030000u

static const char *meaning(int num)
{
	switch (num) {
	case EDQUOT:
		return "this is the key quota, not disk: /proc/sys/kernel/keys/maxkeys of a user, and "
		       "/proc/key-users shows how many there are";
	case EPERM:
	case EACCES:
		return "an outer filter of system calls may forbid it";
	case ENOSYS:
		return "this kernel is built without keys, or an outer filter hides them";
	}
	return "the kernel does not say why";
}

static void join(const char *id, bool own_users)
{
	char name[160];
	long ring;

	(void)snprintf(name, sizeof(name), "_ses.%.140s", id);
	ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0);
	if (ring < 0)
		log_line(LOG_LEVEL_WARNING,
			 "no new session keyring: %s (%s; the caller's is kept, which --no-new-keyring "
			 "does without a warning)",
			 strerror(errno), meaning(errno));
	else if (own_users)
		(void)syscall(SYS_keyctl, KEYCTL_SETPERM, ring,
			      KEY_POSSESSOR_ALL | KEY_OWNER_LINK | KEY_OWNER_SEARCH |
				      KEY_OWNER_READ_VIEW,
			      0, 0);
}

int keyring_inside(const char *id, const char *label, bool own_users, struct err *err)
{
	int rc = label ? lsm_key_label_inside(label, err) : 0;

	if (rc < 0)
		return rc;
	join(id, own_users);
	return label ? lsm_key_label_inside(NULL, err) : 0;
}
