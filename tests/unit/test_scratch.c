/* Directories with a temporary name (base/scratch.h): who has one, and who may take it. */
#include "base/scratch.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/bryo-scratch.XXXXXX";

static size_t found(int dir)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv names;

	scratch_find(&a, dir, &names);
	return names.n;
}

/* A mistake must leave the names of others alone. */
static void test_names(int dir)
{
	static const char *const others[] = { "x.bryo-01234567",   ".bryo-01234567",
					      ".x.bryo-0123456",   ".x.bryo-0123456g",
					      ".x.bryo-012345678", ".x.brio-01234567" };
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		bad += mkdirat(dir, others[i], 0700);
	ok(bad == 0 && found(dir) == 0, "names that are nearly one");
	(void)!(mkdirat(dir, ".x.bryo-01234567", 0700) + symlinkat(".", dir, ".y.bryo-01234567"));
	ok(found(dir) == 2, "names that look like one");
	ok(scratch_take(dir, ".y.bryo-01234567") == -1, "a link is none");
	ok(unlinkat(dir, ".y.bryo-01234567", 0) == 0, "remove it");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		(void)unlinkat(dir, others[i], AT_REMOVEDIR);
}

static void test_locks(int dir)
{
	char long_name[256], name[NAME_MAX + 1];
	struct err err = ERR_INIT;
	auto_fd int left = scratch_take(dir, ".x.bryo-01234567");
	int fd = scratch_make(dir, "of", name, &err), taken;

	ok(left >= 0, "what nobody has can be taken");
	ok(scratch_take(dir, ".x.bryo-01234567") == -1, "once");
	(void)unlinkat(dir, ".x.bryo-01234567", AT_REMOVEDIR);
	ok(fd >= 0 && str_starts(name, ".of.bryo-") && found(dir) == 1, "a new one");
	ok(scratch_take(dir, name) == -1, "is not to be taken");
	(void)close(fd);
	taken = scratch_take(dir, name);
	ok(taken >= 0, "until its maker is gone");
	(void)close(taken);
	(void)renameat(dir, name, dir, "final");
	ok(scratch_take(dir, name) == -1 && found(dir) == 0, "or has given it its name");
	(void)unlinkat(dir, "final", AT_REMOVEDIR);
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	fd = scratch_make(dir, long_name, name, &err);
	ok(fd >= 0 && found(dir) == 1, "of a name that is as long as they can be");
	(void)close(fd);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* Who can rename what is ours could have it removed. */
static void test_parents(int dir)
{
	static const mode_t refused[] = { 0777, 0775, 02770 }, taken[] = { 0755, 01777, 01775 };
	size_t good = 0;

	(void)mkdirat(dir, ".x.bryo-01234567", 0700);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		good += fchmod(dir, refused[i]) == 0 && scratch_take(dir, ".x.bryo-01234567") == -1;
	ok(good == ARRAY_LEN(refused), "others may have given it that name");
	good = 0;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		auto_fd int fd = fchmod(dir, taken[i]) < 0 ? -1 : scratch_take(dir, ".x.bryo-01234567");

		good += fd >= 0;
	}
	ok(good == ARRAY_LEN(taken), "only we may have");
	(void)unlinkat(dir, ".x.bryo-01234567", AT_REMOVEDIR);
}

int main(void)
{
	auto_fd int dir = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0)
		return 1;
	test_names(dir);
	test_locks(dir);
	test_parents(dir);
	ok(rmdir(top) == 0, "nothing is left");
	return done();
}
