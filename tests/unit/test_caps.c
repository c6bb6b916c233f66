/*
 * test_caps.c - names of five sets to masks: nothing that was not asked for is ever in them.
 */
#include "feature/caps.h"

#include "base/cleanup.h"
#include "tap.h"

#define CHOWN	(1ULL << 0)
#define KILL	(1ULL << 5)
#define RAW	(1ULL << 13)
#define RESTORE (1ULL << 40)

#define LIST(...)                                                                \
	{                                                                        \
		(const char *[]){ __VA_ARGS__ },                                 \
			sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

static const struct {
	const char *what;
	struct spec_caps caps;
	const char *extra[3];
	uint64_t bounding, effective, permitted, inheritable, ambient;
	size_t notes;
} rows[] = {
	{ .what = "nothing asked, nothing given" },
	{ .what = "each set by itself",
	  .caps = { .bounding = LIST("CAP_CHOWN", "CAP_KILL"),
		    .permitted = LIST("CAP_KILL"),
		    .inheritable = LIST("CAP_NET_RAW") },
	  .bounding = CHOWN | KILL,
	  .permitted = KILL,
	  .inheritable = RAW },
	{ .what = "effective is a part of permitted",
	  .caps = { .effective = LIST("CAP_KILL", "CAP_CHOWN"), .permitted = LIST("CAP_KILL") },
	  .effective = KILL,
	  .permitted = KILL,
	  .notes = 1 },
	{ .what = "ambient is a part of permitted and of inheritable",
	  .caps = { .permitted = LIST("CAP_KILL", "CAP_CHOWN"),
		    .inheritable = LIST("CAP_KILL", "CAP_NET_RAW"),
		    .ambient = LIST("CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW") },
	  .permitted = KILL | CHOWN,
	  .inheritable = KILL | RAW,
	  .ambient = KILL,
	  .notes = 2 },
	{ .what = "the last one, and any case",
	  .caps = { .bounding = LIST("CAP_CHECKPOINT_RESTORE", "cap_kill") },
	  .bounding = RESTORE | KILL },
	{ .what = "unknown names, and names without CAP_, are left out and told",
	  .caps = { .bounding = LIST("CAP_TELEPORT", "KILL", "", "CAP_CHOWN") },
	  .bounding = CHOWN,
	  .notes = 3 },
	{ .what = "extra ones are bounding, effective and permitted",
	  .extra = { "CAP_KILL" },
	  .bounding = KILL,
	  .effective = KILL,
	  .permitted = KILL },
	{ .what = "extra ones are ambient only where inheritable",
	  .caps = { .inheritable = LIST("CAP_CHOWN") },
	  .extra = { "chown", "CAP_KILL" },
	  .bounding = KILL | CHOWN,
	  .effective = KILL | CHOWN,
	  .permitted = KILL | CHOWN,
	  .inheritable = CHOWN,
	  .ambient = CHOWN },
	{ .what = "an unknown extra one is left out and told",
	  .extra = { "CAP_TELEPORT", "CAP_KILL" },
	  .bounding = KILL,
	  .effective = KILL,
	  .permitted = KILL,
	  .notes = 1 },
	{ .what = "a number is no name", .extra = { "5" }, .notes = 1 },
	{ .what = "with something behind it neither", .extra = { "CAP_KILL;" }, .notes = 1 },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct notes notes = { .arena = &a };
		struct caps_plan p = { 0 };

		caps_plan(&a, &rows[i].caps, (char *const *)rows[i].extra, &notes, &p);
		ok(p.bounding == rows[i].bounding && p.effective == rows[i].effective &&
			   p.permitted == rows[i].permitted &&
			   p.inheritable == rows[i].inheritable && p.ambient == rows[i].ambient &&
			   notes.list.n == rows[i].notes,
		   "%s", rows[i].what);
	}
	return done();
}
