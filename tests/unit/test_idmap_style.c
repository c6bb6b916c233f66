/* Words and lists for --idmap (oci/idmap_style.h). */
#include "oci/idmap_style.h"

#include "base/cleanup.h"
#include "tap.h"

static const struct {
	const char *text;
	int rc;
	enum idmap_style style;
	size_t uids, gids;
	struct spec_mapping last_uid;
} cases[] = {
	{ NULL, 0, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "single", 0, IDMAP_SINGLE, 0, 0, { 0 } },
	{ "subid", 0, IDMAP_SUBID, 0, 0, { 0 } },
	{ "keep-id", 0, IDMAP_KEEP_ID, 0, 0, { 0 } },
	{ "0:1000:1", 0, IDMAP_LIST, 1, 1, { 0, 1000, 1 } },
	{ "0:1000:1,1:100000:65536", 0, IDMAP_LIST, 2, 2, { 1, 100000, 65536 } },
	{ "u5:6:7,g8:9:10", 0, IDMAP_LIST, 1, 1, { 5, 6, 7 } },
	{ "g8:9:10", 0, IDMAP_LIST, 0, 1, { 0 } },
	{ "4294967295:4294967295:4294967295",
	  0,
	  IDMAP_LIST,
	  1,
	  1,
	  { UINT32_MAX, UINT32_MAX, UINT32_MAX } },
	{ "", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "Single", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "0:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "0:1:2:3", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "0:1:1,", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ ",0:1:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "0::1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "0: 1:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "-1:1:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "ug0:1:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
	{ "4294967296:1:1", -EINVAL, IDMAP_NOT_SAID, 0, 0, { 0 } },
};

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		struct idmap_words w;
		int rc = idmap_style_parse(&a, cases[i].text, &w, &err);
		const struct spec_mapping *want = &cases[i].last_uid, *got = NULL;

		if (rc == 0 && w.uid.n)
			got = &w.uid.v[w.uid.n - 1];
		ok(rc == cases[i].rc &&
			   (rc < 0 || (w.style == cases[i].style && w.uid.n == cases[i].uids &&
				       w.gid.n == cases[i].gids)) &&
			   (!got || (got->container_id == want->container_id &&
				     got->host_id == want->host_id && got->size == want->size)),
		   "idmap '%s'", cases[i].text ? cases[i].text : "(none)");
	}
}

static void test_spec(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct pair given[] = { { "x", "1" }, { IDMAP_ANNOTATION, "subid" } };
	struct spec_mapping m = { 0, 1000, 1 };
	struct spec spec = { .annotations = { given, 2 }, .linux_.uid_mappings = { &m, 1 } };
	struct err err = ERR_INIT;
	struct idmap_words w;

	ok(idmap_style_of(&a, &spec, &w, &err) == -EINVAL,
	   "annotation and mappings exclude each other");
	idmap_style_set(&a, &spec, "keep-id");
	ok(idmap_style_of(&a, &spec, &w, NULL) == 0 && w.style == IDMAP_KEEP_ID,
	   "what is set replaces both");
	ok(spec.annotations.n == 2 && spec_annotation(&spec, "x"), "other annotations stay");
}

int main(void)
{
	test_words();
	test_spec();
	return done();
}
