/*
 * test_user.c - user strings, and the planned identity against a map.
 */
#include "feature/user.h"

#include "base/cleanup.h"
#include "tap.h"

#define OLD 77u /* what an absent group leaves */

static const struct {
	const char *text;
	bool good;
	uint32_t uid, gid;
} strings[] = {
	{ "0", true, 0, OLD },
	{ "1000", true, 1000, OLD },
	{ "1000:1001", true, 1000, 1001 },
	{ "0:0", true, 0, 0 },
	{ "4294967294:4294967294", true, 4294967294u, 4294967294u },
	{ "4294967295", false, 0, 0 },
	{ "0:4294967295", false, 0, 0 },
	{ "4294967296", false, 0, 0 },
	{ "18446744073709551616", false, 0, 0 },
	{ "-1", false, 0, 0 },
	{ "+1", false, 0, 0 },
	{ " 1", false, 0, 0 },
	{ "1 ", false, 0, 0 },
	{ "0x10", false, 0, 0 },
	{ "", false, 0, 0 },
	{ ":", false, 0, 0 },
	{ ":5", false, 0, 0 },
	{ "5:", false, 0, 0 },
	{ "5:6:7", false, 0, 0 },
	{ "root", false, 0, 0 },
	{ "1000:users", false, 0, 0 },
	{ "00000000000000000000000000000001", false, 0, 0 },
};

static struct id_extent lines[] = { { 0, 1000, 1 }, { 1, 100000, 999 } };
static const struct idmap_plan two_lines = {
	.active = true, .known = true, .uid = { lines, 2 }, .gid = { lines, 2 }
};
static const struct idmap_plan unknown = { .known = false };

static uint32_t groups[] = { 5, 27 }, far_groups[] = { 5, 1000 };

static const struct {
	const char *what;
	const struct idmap_plan *ids;
	struct spec_user user;
	const char *keep;
	bool denied;
	const char *error;
	bool set_groups, keep_groups;
	unsigned umask;
} plans[] = {
	{ "root", &two_lines, { 0 }, NULL, false, NULL, true, false, 022 },
	{ "another, with groups",
	  &two_lines,
	  { .uid = 999, .gid = 999, .additional_gids = { groups, 2 } },
	  NULL,
	  false,
	  NULL,
	  true,
	  false,
	  022 },
	{ "umask",
	  &two_lines,
	  { .umask = { .set = true, .v = 0777 } },
	  NULL,
	  false,
	  NULL,
	  true,
	  false,
	  0777 },
	{ "umask 0",
	  &two_lines,
	  { .umask = { .set = true, .v = 0 } },
	  NULL,
	  false,
	  NULL,
	  true,
	  false,
	  0 },
	{ "umask too big",
	  &two_lines,
	  { .umask = { .set = true, .v = 01000 } },
	  NULL,
	  false,
	  "umask: 512",
	  0,
	  0,
	  0 },
	{ "uid not mapped",
	  &two_lines,
	  { .uid = 1000 },
	  NULL,
	  false,
	  "uid 1000 is not mapped",
	  0,
	  0,
	  0 },
	{ "gid not mapped",
	  &two_lines,
	  { .gid = 1000 },
	  NULL,
	  false,
	  "gid 1000 is not mapped",
	  0,
	  0,
	  0 },
	{ "additional gid not mapped",
	  &two_lines,
	  { .additional_gids = { far_groups, 2 } },
	  NULL,
	  false,
	  "gid (additional) 1000 is not mapped",
	  0,
	  0,
	  0 },
	{ "of an unknown map all is believed",
	  &unknown,
	  { .uid = 123456, .gid = 7 },
	  NULL,
	  false,
	  NULL,
	  true,
	  false,
	  022 },
	{ "setgroups denied: groups stay", &two_lines, { 0 }, NULL, true, NULL, false, false, 022 },
	{ "setgroups denied and groups asked for",
	  &two_lines,
	  { .additional_gids = { groups, 2 } },
	  NULL,
	  true,
	  "setgroups is denied",
	  0,
	  0,
	  0 },
	{ "kept on request", &two_lines, { 0 }, "1", false, NULL, false, true, 022 },
	{ "kept on request where denied",
	  &two_lines,
	  { .additional_gids = { groups, 2 } },
	  "1",
	  true,
	  NULL,
	  false,
	  true,
	  022 },
	{ "0 is no request", &two_lines, { 0 }, "0", false, NULL, true, false, 022 },
};

static void test_plan(size_t i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct user_plan plan = { 0 };
	struct err err = ERR_INIT;
	char text[1024];
	int rc = user_plan(&a, &plans[i].user, plans[i].keep, plans[i].ids, plans[i].denied, &plan,
			   &err);

	if (plans[i].error) {
		err_format(&err, text, sizeof(text));
		if (!ok(rc < 0 && strstr(text, plans[i].error), "plan: %s", plans[i].what))
			printf("#  got: %s\n", text);
		return;
	}
	ok(rc == 0 && plan.uid == plans[i].user.uid && plan.gid == plans[i].user.gid &&
		   plan.set_groups == plans[i].set_groups &&
		   plan.keep_groups == plans[i].keep_groups && plan.umask == plans[i].umask &&
		   plan.n_groups == plans[i].user.additional_gids.n &&
		   memcmp(plan.groups,
			  plans[i].user.additional_gids.v ? (void *)plans[i].user.additional_gids.v
							  : (void *)"",
			  plan.n_groups * sizeof(gid_t)) == 0,
	   "plan: %s", plans[i].what);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		uint32_t uid = OLD, gid = OLD;
		struct err err = ERR_INIT;
		int rc = user_parse(strings[i].text, &uid, &gid, &err);

		if (strings[i].good)
			ok(rc == 0 && uid == strings[i].uid && gid == strings[i].gid, "user '%s'",
			   strings[i].text);
		else
			ok(rc == -EINVAL && uid == OLD && gid == OLD, "no user: '%s'",
			   strings[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		test_plan(i);
	return done();
}
