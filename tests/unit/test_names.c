/* test_names.c - signals, errors and capabilities by name (base/names.h). */
#include "tap.h"

#include "base/cleanup.h"
#include "base/names.h"

#include <errno.h>
#include <signal.h>

static void test_signals(void)
{
	const struct {
		const char *name;
		int sig;
	} cases[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "sigterm", SIGTERM },
		{ "Term", SIGTERM },
		{ "15", 15 },
		{ "015", 15 },
		{ "1", 1 },
		{ "0", -1 },
		{ "-1", -1 },
		{ "+9", -1 },
		{ "9x", -1 },
		{ " 9", -1 },
		{ "0x9", -1 },
		{ "99999999999999999999", -1 },
		{ "65", 65 <= SIGRTMAX ? 65 : -1 },
		{ "", -1 },
		{ "SIG", -1 },
		{ "SIGSIGTERM", -1 },
		{ "KILL", SIGKILL },
		{ "POLL", SIGIO },
		{ "CLD", SIGCHLD },
		{ "IOT", SIGABRT },
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMIN", SIGRTMIN },
		{ "rtmin+3", SIGRTMIN + 3 },
		{ "SIGRTMAX-1", SIGRTMAX - 1 },
		{ "RTMAX", SIGRTMAX },
		{ "RTMIN+99", -1 },
		{ "RTMIN-1", -1 },
		{ "RTMAX+1", -1 },
		{ "RTMIN+", -1 },
		{ "RTMIN3", -1 },
		{ "NOPE", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ok(signal_from_name(cases[i].name) == cases[i].sig, "signal '%s' is %d (got %d)",
		   cases[i].name, cases[i].sig, signal_from_name(cases[i].name));
	ok_str(signal_name(SIGTERM), "SIGTERM", "15 is SIGTERM");
	ok_str(signal_name(SIGABRT), "SIGABRT", "the usual spelling wins");
	ok_str(signal_name(SIGRTMIN), "SIGRTMIN", "the first real-time signal");
	ok_str(signal_name(SIGRTMIN + 3), "SIGRTMIN+3", "a real-time signal");
	ok_str(signal_name(0), "unknown signal", "no name for 0");
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (strcmp(signal_name(sig), "unknown signal") != 0 &&
		    signal_from_name(signal_name(sig)) != sig)
			ok(false, "%d does not survive the round trip through '%s'", sig,
			   signal_name(sig));
}

static void test_errnos(void)
{
	ok_str(errno_name(ENOENT), "ENOENT", "ENOENT has its name");
	ok_str(errno_name(EAGAIN), "EAGAIN", "EAGAIN, not EWOULDBLOCK");
	ok_str(errno_name(EOPNOTSUPP), "EOPNOTSUPP", "EOPNOTSUPP, not ENOTSUP");
	ok(errno_name(0) == NULL && errno_name(99999) == NULL, "unknown numbers have none");
	ok(errno_from_name("EPERM") == EPERM, "EPERM by name");
	ok(errno_from_name("eperm") == -1 && errno_from_name("") == -1, "unknown names are -1");
}

static void test_caps(void)
{
	ok(capability_from_name("CAP_KILL") == 5 && capability_from_name("kill") == 5 &&
		   capability_from_name("cap_Kill") == 5,
	   "CAP_KILL in three spellings");
	ok(capability_from_name("CAP_CHOWN") == 0 &&
		   capability_from_name("CAP_CHECKPOINT_RESTORE") == 40,
	   "first and last");
	ok(capability_from_name("CAP_") == -1 && capability_from_name("") == -1 &&
		   capability_from_name("CAP_NOPE") == -1,
	   "unknown ones");
	ok(capability_name(41) == NULL && capability_name(-1) == NULL, "no name beyond the table");
	for (int cap = 0; cap <= 40; cap++)
		if (!capability_name(cap) || capability_from_name(capability_name(cap)) != cap)
			ok(false, "capability %d does not survive the round trip", cap);
}

int main(void)
{
	test_signals();
	test_errnos();
	test_caps();
	return done();
}
