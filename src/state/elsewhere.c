/*
 * elsewhere.c - is a process of another pid namespace alive? (elsewhere.h) Runs in the runtime only.
 *
 * It is seen from the namespaces above its own, under another number. What is the same there is the
 * time of its start, and NSpid in /proc/PID/status has its numbers in all namespaces from that of
 * the mounted /proc down. Found, it is alive. Not found, it has ended only if everything is seen
 * from here: in the initial pid namespace. Of any other one the kernel tells nobody inside whether
 * it is above or beside the one where the container was created.
 */
#include "elsewhere.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "state/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INITIAL_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO of the kernel, since 3.8 */

bool record_is_elsewhere(const struct record *r)
{
	return r->pid_namespace && r->pid_namespace != state_pid_namespace();
}

/* hidepid= hides what is another user's, and process 1 is root's. */
static bool sees_all(void)
{
	return state_pid_namespace() == INITIAL_PID_NS &&
	       faccessat(AT_FDCWD, "/proc/1/status", R_OK, 0) == 0;
}

/* NSpid is followed by a line that begins with a letter. */
static bool has_number(pid_t pid, pid_t number)
{
	char path[40];
	auto_free char *text = NULL;
	unsigned long long n;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read_at(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return false;
	p = strstr(text, "\nNSpid:");
	if (!p)
		return false;
	p += strlen("\nNSpid:");
	while (str_next_u64(&p, INT_MAX, &n))
		if ((pid_t)n == number)
			return true;
	return false;
}

static bool is_init(const struct record *r, pid_t pid)
{
	struct err unread = ERR_INIT;
	uint64_t start;
	bool zombie;

	return state_pid_start(pid, &start, &zombie, &unread) == 0 && !zombie &&
	       start == r->pid_start && has_number(pid, r->pid);
}

pid_t record_find_elsewhere(const struct record *r)
{
	auto_dir DIR *d = opendir("/proc");
	unsigned long long pid;

	for (struct dirent *e; d && (e = readdir(d));)
		if (str_to_u64(e->d_name, INT_MAX, &pid) && is_init(r, (pid_t)pid))
			return (pid_t)pid;
	return d && sees_all() ? 0 : -EXDEV;
}
