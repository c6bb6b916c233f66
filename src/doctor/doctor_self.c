/*
 * doctor_self.c - is bryo itself well installed: its own file, which containers must not be able to
 * write (proc/selfexe.h says what it does where they could). Runs in the process that the user
 * started; reads only.
 */
#include "doctor_parts.h"

#include "base/cleanup.h"
#include "proc/selfexe.h"

#include <string.h>
#include <sys/stat.h>

static void check_protection(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	int64_t noexec = read_number(d, "/proc/sys/vm/memfd_noexec");

	(void)c;
	if (selfexe_is_out_of_reach()) {
		say_ok(d, f, "no container can write %s: nothing to do at a start", d->exe);
	} else if (noexec > 1) {
		say_missing(
			d, f,
			"%s could be written from a container, so bryo executes a sealed copy of itself, and "
			"vm.memfd_noexec=%lld forbids that",
			d->exe, (long long)noexec);
		say_remedy(
			d, f,
			"%sinstall -m 755 %s /usr/local/bin/bryo, and use that one as an ordinary user",
			d->sudo, shell_word(d->exe, "bryo"));
	} else if (d->host.uid == 0) {
		say_ok(d, f, "for root a sealed copy of itself is executed at each start (0.6 ms)");
	} else {
		say_degraded(
			d, f,
			"%s could be written from a container: a sealed copy of it is executed at each start "
			"(0.6 ms)",
			d->exe);
		say_remedy(d, f, "%sinstall -m 755 %s /usr/local/bin/bryo", d->sudo,
			   shell_word(d->exe, "bryo"));
	}
}

/* Somebody else who can replace the program can be everybody who starts it. */
static void check_owner(struct doctor *d, const struct doctor_check *c, struct finding *f)
{
	struct stat st;

	(void)c;
	if (!d->exe || stat("/proc/self/exe", &st) < 0) {
		say_degraded(d, f, "the program's own file cannot be seen");
		return;
	}
	if (st.st_mode & S_IWOTH || (st.st_mode & S_IWGRP && st.st_gid != 0)) {
		say_degraded(d, f, "%s can be written by others than its owner (mode %04o)", d->exe,
			     st.st_mode & 07777);
		say_remedy(d, f, "%schmod go-w %s", d->sudo, shell_word(d->exe, "bryo"));
		return;
	}
	say_ok(d, f, "%s belongs to uid %u", d->exe, st.st_uid);
}

const struct doctor_check doctor_self_checks[] = {
	{ "self.file", DOCTOR_SANDBOX | DOCTOR_PODMAN, false, check_owner, NULL },
	{ "self.protection", DOCTOR_SANDBOX | DOCTOR_PODMAN, false, check_protection, NULL },
	{ 0 },
};
