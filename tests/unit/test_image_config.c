/* What an image's configuration becomes in a config.json (oci/image_config.h). */
#include "oci/image_config.h"

#include "base/cleanup.h"
#include "base/json_edit.h"
#include "tap.h"

#define SAMPLE                                                                                 \
	"{\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],\"env\":[\"PATH=/x\"," \
	"\"TERM=xterm\"],\"cwd\":\"/\"},\"mounts\":[]}"
#define ROOTFS ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:1\"]}}"
#define PATHS  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define VOLUME(path)                                                                          \
	"{\"destination\":\"" path "\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[" \
	"\"nosuid\",\"nodev\",\"tmpcopyup\"]}"
#define OCI "\"org.opencontainers.image."

static const struct {
	const char *what, *config; /* without rootfs and the last bracket */
	const char *at, *want;	   /* a part of the result */
	size_t refused;
} cases[] = {
	{ "nothing said: the sample's program", "{\"config\":{}", "process.args", "[\"sh\"]", 0 },
	{ "no config at all", "{\"os\":\"linux\"", "process.args", "[\"sh\"]", 0 },
	{ "null counts as nothing",
	  "{\"config\":{\"Entrypoint\":null,\"Cmd\":[\"a\"],\"Volumes\":null}", "process.args",
	  "[\"a\"]", 0 },
	{ "Cmd follows Entrypoint",
	  "{\"config\":{\"Cmd\":[\"c\",\"\"],\"Entrypoint\":[\"a\",\"b\"]}", "process.args",
	  "[\"a\",\"b\",\"c\",\"\"]", 0 },
	{ "a PATH where the image has none", "{\"config\":{\"Env\":[\"A=1\",\"A=2\"]}",
	  "process.env", "[\"" PATHS "\",\"TERM=xterm\",\"A=1\",\"A=2\"]", 0 },
	{ "the image's PATH", "{\"config\":{\"Env\":[\"PATH=/bin\"]}", "process.env",
	  "[\"TERM=xterm\",\"PATH=/bin\"]", 0 },
	{ "the user that was found", "{\"config\":{\"User\":\"web\"}", "process.user",
	  "{\"uid\":33,\"gid\":34,\"additionalGids\":[35]}", 0 },
	{ "a relative directory is below the root", "{\"config\":{\"WorkingDir\":\"srv\"}",
	  "process.cwd", "\"/srv\"", 0 },
	{ "an empty directory is none", "{\"config\":{\"WorkingDir\":\"\"}", "process.cwd", "\"/\"",
	  0 },
	{ "volumes, but not the root",
	  "{\"config\":{\"Volumes\":{\"/b\":{},\"/\":{},\"a\":{},\"//c\":{}}}", "mounts",
	  "[" VOLUME("/b") "," VOLUME("/a") "," VOLUME("/c") "]", 0 },
	{ "what it is, as annotations",
	  "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\",\"author\":\"\",\"created\":\"c\"",
	  "annotations",
	  "{" OCI "os\":\"linux\"," OCI "architecture\":\"arm\"," OCI "variant\":\"v7\"," OCI
	  "created\":\"c\"}",
	  0 },
	{ "ports and the stop signal",
	  "{\"config\":{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"StopSignal\":\"SIGINT\"}",
	  "annotations", "{" OCI "stopSignal\":\"SIGINT\"," OCI "exposedPorts\":\"80/tcp,53/udp\"}",
	  0 },
	{ "a label outweighs what is implied",
	  "{\"os\":\"linux\",\"config\":{\"Labels\":{" OCI "os\":\"other\",\"\":\"x\",\"k\":\"\"}}",
	  "annotations", "{" OCI "os\":\"other\",\"k\":\"\"}", 0 },
	{ "labels that would steer the runtime",
	  "{\"config\":{\"Labels\":{\"org.bryo.network\":\"host\",\"run.oci.keep_original_groups\":\"1\","
	  "\"org.systemd.property.X\":\"1\",\"org.criu.config\":\"x\",\"org.bryox\":\"y\"}}",
	  "annotations", "{\"org.bryox\":\"y\"}", 4 },
};

static const struct {
	const char *what, *text;
} bad[] = {
	{ "no rootfs", "{\"config\":{}}" },
	{ "Env is no list", "{\"config\":{\"Env\":\"A=1\"}" ROOTFS },
	{ "a volume list", "{\"config\":{\"Volumes\":[\"/a\"]}" ROOTFS },
	{ "a label that is no string", "{\"config\":{\"Labels\":{\"a\":1}}" ROOTFS },
	{ "Cmd twice", "{\"config\":{\"Cmd\":[],\"Cmd\":[]}" ROOTFS },
	{ "a list", "[]" },
};

static void test_case(size_t i)
{
	static const uint32_t groups[] = { 35 };
	const struct image_user user = { 33, 34, { groups, 1 } };
	auto_arena struct arena a = ARENA_INIT;
	auto_json_out struct json_out out;
	const char *text = arena_printf(&a, "%s" ROOTFS, cases[i].config);
	struct image_config config;
	struct strv refused = { NULL, 0 };
	struct err err = ERR_INIT;
	struct json *doc = NULL;
	char why[512];

	json_out_init(&out, NULL);
	if (json_parse(&a, "sample", SAMPLE, strlen(SAMPLE), &doc, &err) < 0 ||
	    image_config_parse(&a, "image", text, strlen(text), &config, &err) < 0) {
		ok(false, "%s: %s", cases[i].what, err_format(&err, why, sizeof(why)));
		return;
	}
	image_config_apply(&a, &config, &user, doc, &refused);
	(void)json_out_tree(&out, NULL, json_at(doc, cases[i].at));
	ok_str(out.s.p, cases[i].want, cases[i].what);
	ok(refused.n == cases[i].refused, "%s: %zu labels refused", cases[i].what, refused.n);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		test_case(i);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image_config config;
		struct err err = ERR_INIT;

		ok(image_config_parse(&a, "image", bad[i].text, strlen(bad[i].text), &config,
				      &err) == -EINVAL &&
			   err.num == EINVAL,
		   "refused: %s", bad[i].what);
	}
	return done();
}
