/* Words of --publish (feature/net/port.h) and of --listen (feature/listen.h). */
#include "feature/listen.h"
#include "feature/net/port.h"

#include "base/cleanup.h"
#include "tap.h"

/* covers: org.bryo.publish */
static const struct {
	const char *word;
	const char *canonical; /* NULL: refused */
	const char *says;      /* in the error */
} words[] = {
	{ "8080:80", "8080:80/tcp", NULL },
	{ "8080:80/tcp", "8080:80/tcp", NULL },
	{ "53:53/udp", "53:53/udp", NULL },
	{ "1:65535", "1:65535/tcp", NULL },
	{ "65535:1", "65535:1/tcp", NULL },
	{ "127.0.0.1:5353:53/udp", "127.0.0.1:5353:53/udp", NULL },
	{ "0.0.0.0:80:80", "0.0.0.0:80:80/tcp", NULL },
	{ "[::1]:8080:80", "[::1]:8080:80/tcp", NULL },
	{ "[0:0::1]:8080:80", "[::1]:8080:80/tcp", NULL },
	{ "[::]:1-2:3-4", "[::]:1-2:3-4/tcp", NULL },
	{ "[FE80::A]:1:1", "[fe80::a]:1:1/tcp", NULL },
	{ "8000-8009:9000-9009", "8000-8009:9000-9009/tcp", NULL },
	{ "1-65535:1-65535", "1-65535:1-65535/tcp", NULL },
	{ "80-80:81", "80:81/tcp", NULL },
	{ "", NULL, "only one port" },
	{ "80", NULL, "only one port" },
	{ "80/tcp", NULL, "only one port" },
	{ ":80", NULL, "host's part" },
	{ "80:", NULL, "container's part" },
	{ "127.0.0.1::80", NULL, "host's part" },
	{ "127.0.0.1:80", NULL, "host's part" },
	{ "0:80", NULL, "host's part" },
	{ "80:0", NULL, "container's part" },
	{ "65536:80", NULL, "host's part" },
	{ "80:65536", NULL, "container's part" },
	{ "65535-65536:1-2", NULL, "host's part" },
	{ "2-1:2-1", NULL, "host's part" },
	{ "1-2:1", NULL, "not of one length" },
	{ "1:1-2", NULL, "not of one length" },
	{ "1-2-3:1-2-3", NULL, "host's part" },
	{ "-1:1", NULL, "host's part" },
	{ "+1:1", NULL, "host's part" },
	{ " 1:1", NULL, "host's part" },
	{ "1:1 ", NULL, "container's part" },
	{ "0x50:1", NULL, "host's part" },
	{ "a:1", NULL, "host's part" },
	{ "99999999999999999999:1", NULL, "host's part" },
	{ "::1:80:80", NULL, "brackets" },
	{ "1:2:3:4", NULL, "brackets" },
	{ "[::1]80:80", NULL, "brackets" },
	{ "[::1:80:80", NULL, "brackets" },
	{ "[127.0.0.1]:80:80", NULL, "no IPv6 address" },
	{ "[fe80::1%eth0]:80:80", NULL, "no IPv6 address" },
	{ "[]:80:80", NULL, "no IPv6 address" },
	{ "[::1]:80", NULL, "host's part" },
	{ "localhost:80:80", NULL, "no IPv4 address" },
	{ "127.1:80:80", NULL, "no IPv4 address" },
	{ "1.2.3.256:80:80", NULL, "no IPv4 address" },
	{ "80:80/sctp", NULL, "neither tcp nor udp" },
	{ "80:80/", NULL, "neither tcp nor udp" },
	{ "80:80/TCP", NULL, "neither tcp nor udp" },
	{ "80:80/tcp/udp", NULL, "container's part" },
};

static const struct {
	const char *text;
	const char *says; /* NULL: understood */
} lists[] = {
	{ NULL, NULL },
	{ "", "only one port" },
	{ "80:80,81:80", NULL },
	{ "80:80,80:80/udp", NULL },
	{ "127.0.0.1:80:80,127.0.0.2:80:80", NULL },
	{ "127.0.0.1:80:80,[::1]:80:80", NULL },
	{ "0.0.0.0:80:80,[::]:80:80", NULL },
	{ "1-9:1-9,10-19:1-10", NULL },
	{ ",", "only one port" },
	{ "80:80,", "only one port" },
	{ "80:80,80:81", "'80:81/tcp' claims a port of the host that '80:80/tcp' has" },
	{ "80:80,127.0.0.1:80:80", "claims a port" },
	{ "80:80,[::1]:80:80", "claims a port" },
	{ "0.0.0.0:80:80,127.0.0.1:80:80", "claims a port" },
	{ "[::1]:80:80,[::]:80:80", "claims a port" },
	{ "[::1]:80:80,[0::1]:80:80", "claims a port" },
	{ "1-9:1-9,9-10:1-2", "claims a port" },
	{ "9-10:1-2,1-9:1-9", "claims a port" },
	{ "1-100:1-100,50:50", "claims a port" },
	{ "1-4096:1-4096", NULL },
	{ "1-4097:1-4097", "more than 4096" },
	{ "1-4096:1-4096,5000:1", "more than 4096" },
};

static bool says(const struct err *err, const char *text)
{
	char buf[4096];

	err_format(err, buf, sizeof(buf));
	return strstr(buf, text) && !strchr(buf, '\n');
}

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		struct port p;
		int rc = port_parse(&a, words[i].word, &p, &err);

		if (!words[i].canonical)
			ok(rc == -EINVAL && says(&err, words[i].says), "'%s' is refused: %s",
			   words[i].word, words[i].says);
		else
			ok(rc == 0 && str_eq(port_word(&a, &p), words[i].canonical), "'%s' is %s",
			   words[i].word, words[i].canonical);
	}
}

static void test_lists(void)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_str struct str many = STR_INIT;
	struct ports list;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct err err = ERR_INIT;
		int rc = ports_parse(&a, lists[i].text, &list, &err);

		ok(lists[i].says ? rc < 0 && says(&err, lists[i].says) : rc == 0, "list '%s'",
		   lists[i].text ? lists[i].text : "(none)");
	}
	for (int i = 0; i < PORT_WORDS_MAX; i++)
		str_addf(&many, "%s%d:80", i ? "," : "", 1000 + i);
	ok(ports_parse(&a, many.p, &list, NULL) == 0 && list.n == PORT_WORDS_MAX,
	   "as many words as may be");
	str_add(&many, ",999:80");
	ok(ports_parse(&a, many.p, &list, NULL) == -E2BIG, "and one more");
}

static const struct {
	const char *text, *options;
} pasta[] = {
	{ "", "-t none -u none" },
	{ "8080:80", "-t 8080:80 -u none" },
	{ "53:53/udp", "-t none -u 53:53" },
	{ "127.0.0.1:8000-8001:1-2,[::1]:53:53/udp,9:9",
	  "-t 127.0.0.1/8000-8001:1-2 -t 9:9 -u ::1/53:53" },
};

static void test_pasta(void)
{
	for (size_t i = 0; i < ARRAY_LEN(pasta); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_str struct str s = STR_INIT;
		struct ports list;
		struct strv v;

		(void)ports_parse(&a, pasta[i].text, &list, NULL);
		v = ports_pasta(&a, &list);
		for (size_t k = 0; k < v.n; k++)
			str_addf(&s, "%s%s", k ? " " : "", v.v[k]);
		ok(str_eq(s.p, pasta[i].options) && !v.v[v.n], "pasta: '%s'", pasta[i].text);
	}
}

static void test_low(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct ports list;

	(void)ports_parse(&a, "1024:1,1023:1/udp", &list, NULL);
	ok(ports_low(&list, 1024, &err) == -EACCES && says(&err, "port 1023/udp of the host") &&
		   says(&err, "ip_unprivileged_port_start=1023"),
	   "a low port is refused, with the sysctl");
	ok(ports_low(&list, 1023, NULL) == 0, "and not where the sysctl is lower");
}

static const struct {
	const char *word, *says; /* NULL: understood */
	const char *name, *address, *path;
	uint16_t port;
} sockets[] = {
	{ "tcp:80", NULL, NULL, NULL, NULL, 80 },
	{ "udp:127.0.0.1:53", NULL, NULL, "127.0.0.1", NULL, 53 },
	{ "tcp:[::1]:80", NULL, NULL, "::1", NULL, 80 },
	{ "web=tcp:80", NULL, "web", NULL, NULL, 80 },
	{ "unix:a", NULL, NULL, NULL, "a", 0 },
	{ "unix:/run/a=b:c", NULL, NULL, NULL, "/run/a=b:c", 0 },
	{ "x=unix:b", NULL, "x", NULL, "b", 0 },
	{ "tcp:0", "no port", NULL, NULL, NULL, 0 },
	{ "tcp:", "no port", NULL, NULL, NULL, 0 },
	{ "tcp:65536", "no port", NULL, NULL, NULL, 0 },
	{ "tcp::80", "no IPv4 address", NULL, NULL, NULL, 0 },
	{ "tcp:::1:80", "no IPv4 address", NULL, NULL, NULL, 0 },
	{ "tcp:localhost:80", "no IPv4 address", NULL, NULL, NULL, 0 },
	{ "tcp:[x]:80", "no IPv6 address", NULL, NULL, NULL, 0 },
	{ "unix:", "the path is missing", NULL, NULL, NULL, 0 },
	{ "unix:@x", "abstract", NULL, NULL, NULL, 0 },
	{ "=tcp:80", "the name", NULL, NULL, NULL, 0 },
	{ "a b=tcp:80", "the name", NULL, NULL, NULL, 0 },
	{ "sctp:80", "neither", NULL, NULL, NULL, 0 },
	{ "80", "neither", NULL, NULL, NULL, 0 },
	{ "", "neither", NULL, NULL, NULL, 0 },
};

static void test_sockets(void)
{
	char longest[200] = "unix:";
	struct listen_socket s;

	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		int rc = listen_parse(&a, sockets[i].word, &s, &err);

		ok(sockets[i].says ? rc == -EINVAL && says(&err, sockets[i].says)
				   : rc == 0 && s.port == sockets[i].port &&
					     str_eq(s.name, sockets[i].name) &&
					     str_eq(s.address, sockets[i].address) &&
					     str_eq(s.path, sockets[i].path),
		   "listen '%s'", sockets[i].word);
	}
	memset(longest + 5, 'x', 108);
	ok(listen_parse(NULL, longest, &s, NULL) == -EINVAL, "a path of 108 bytes is too long");
	longest[5 + 107] = '\0';
	ok(listen_parse(NULL, longest, &s, NULL) == 0, "one of 107 bytes is not");
}

/* FDS, names of the inherited, words -> the variables */
static const struct {
	int inherited;
	const char *names, *words[4], *env[4];
} activations[] = {
	{ 0, NULL, { NULL }, { NULL } },
	{ 2, "a:b", { NULL }, { "LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=a:b" } },
	{ 1, NULL, { "tcp:1" }, { "LISTEN_FDS=2", "LISTEN_PID=1" } },
	{ 1,
	  "a",
	  { "tcp:1", "w=tcp:2" },
	  { "LISTEN_FDS=3", "LISTEN_PID=1", "LISTEN_FDNAMES=a:unknown:w" } },
	{ 1, NULL, { "w=tcp:2" }, { "LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=unknown:w" } },
	{ 0,
	  NULL,
	  { "w=tcp:2", "udp:2" },
	  { "LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=w:unknown" } },
};

static void test_activation(void)
{
	for (size_t i = 0; i < ARRAY_LEN(activations); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct strv given = { .v = (const char **)activations[i].words }, env = { 0 };
		struct listen_request q = { activations[i].inherited, activations[i].names,
					    &given };
		struct listen_plan plan;
		bool same = true;
		size_t n = 0;

		while (given.v[given.n])
			given.n++;
		same &= listen_plan(&a, &q, &env, &plan, NULL) == 0;
		for (; activations[i].env[n]; n++)
			same &= n < env.n && str_eq(env.v[n], activations[i].env[n]);
		ok(same && env.n == n && plan.n == plan.inherited + (int)given.n, "activation %zu",
		   i);
	}
}

static void test_twice(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct strv given = { .v = (const char *[]){ "tcp:80", "x=tcp:80" }, .n = 2 }, env = { 0 };
	struct listen_request q = { .words = &given };
	struct listen_plan plan;
	struct err err = ERR_INIT;

	ok(listen_plan(&a, &q, &env, &plan, &err) == -EINVAL && says(&err, "given twice"),
	   "one socket twice is refused");
}

int main(void)
{
	test_words();
	test_lists();
	test_pasta();
	test_low();
	test_sockets();
	test_activation();
	test_twice();
	return done();
}
