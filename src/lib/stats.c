/*
 * stats.c - what a container uses, once and as a stream: stats and events. Runs in the calling
 * process, only reads, and holds no lock. The stream sleeps in one ppoll on three things: the
 * next interval, the cgroup's OOM watch and init's pidfd.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "feature/cgroup/oom.h"
#include "feature/cgroup/stat.h"

#include <poll.h>
#include <time.h>

#define SECOND		 UINT64_C(1000000000)
#define INTERVAL_DEFAULT (5 * SECOND)

/* A container whose figures can be read. */
struct subject {
	const char *id;
	struct container c;
	int cgroupfd;
};

struct stream {
	const struct subject *s;
	struct cgroup_oom oom;
	int (*line)(void *arg, const char *json);
	void *arg;
	bool stopped; /* by line */
	struct err *err;
};

static uint64_t now_ns(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static int not_running(const char *id, struct err *err)
{
	return err_set(err, ESRCH, "container '%s' is not running", id);
}

static int subject_open(const bryo_ctx *ctx, const char *id, struct subject *ret, struct err *err)
{
	int rc = container_open(ctx, id, false, &ret->c, err);

	if (rc < 0)
		return rc;
	ret->id = id;
	if (ret->c.pidfd < 0)
		return not_running(id, err);
	ret->cgroupfd = container_cgroup_open(&ret->c, err);
	return ret->cgroupfd < 0 ? ret->cgroupfd : 0;
}

static void subject_close(struct subject *s)
{
	container_close(&s->c);
	fd_closep(&s->cgroupfd);
}

#define auto_subject __attribute__((cleanup(subject_close)))
#define SUBJECT_INIT                                \
	{                                           \
		.c = CONTAINER_INIT, .cgroupfd = -1 \
	}

static uint64_t known(bool present, uint64_t value)
{
	return present ? value : BRYO_UNKNOWN;
}

static struct bryo_psi psi_of(const struct cgroup_psi *p)
{
	return (struct bryo_psi){ known(p->present, p->some.avg10),
				  known(p->present, p->full.avg10) };
}

static void headline(const struct cgroup_stats *s, struct bryo_stats *ret)
{
	bool swap = s->memory.present && s->memory.swap_present;

	*ret = (struct bryo_stats){
		.time_ns = now_ns(),
		.cpu_ns = known(s->cpu.present, s->cpu.usage),
		.memory = known(s->memory.present, s->memory.current),
		.memory_limit = s->memory.max, /* CGROUP_NO_LIMIT is BRYO_UNKNOWN */
		.swap = known(swap, s->memory.swap_current),
		.pids = s->pids.current,
		.pids_limit = s->pids.max,
		.io_read = known(s->io.present, 0),
		.io_write = known(s->io.present, 0),
		.oom_kills = known(s->memory.present, s->memory.oom_kill),
		.cpu_psi = psi_of(&s->cpu.psi),
		.memory_psi = psi_of(&s->memory.psi),
		.io_psi = psi_of(&s->io.psi),
	};
	for (size_t i = 0; i < s->io.n; i++) {
		ret->io_read += s->io.v[i].rbytes;
		ret->io_write += s->io.v[i].wbytes;
	}
}

int bryo_stats(bryo_ctx *ctx, const char *id, struct bryo_stats *ret, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_subject struct subject s = SUBJECT_INIT;
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_stats stats;
	int rc = subject_open(ctx, id, &s, err);

	if (rc == 0)
		rc = cgroup_stats_read(&a, s.cgroupfd, &stats, err);
	if (rc == -ENOENT && s.cgroupfd >= 0)
		return not_running(id, err); /* it ended meanwhile */
	if (rc < 0)
		return s.cgroupfd < 0 ? rc : err_in(err, rc, "container '%s'", id);
	headline(&stats, ret);
	return 0;
}

/* stats NULL: of an OOM kill. */
static int put_line(struct stream *t, const struct cgroup_stats *stats)
{
	auto_json_out struct json_out o;
	int rc;

	json_out_init(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "type", stats ? "stats" : "oom");
	json_out_str(&o, "id", t->s->id);
	if (stats)
		cgroup_stats_json(stats, "data", &o);
	json_out_end(&o, '}');
	rc = t->line(t->arg, o.s.p);
	t->stopped = rc < 0;
	return rc < 0 ? rc : 0;
}

/* -ENOENT: the cgroup is gone. */
static int put_stats(struct stream *t)
{
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_stats stats;
	int rc = cgroup_stats_read(&a, t->s->cgroupfd, &stats, t->err);

	return rc < 0 ? rc : put_line(t, &stats);
}

static int put_kills(struct stream *t)
{
	uint64_t kills;
	int rc = cgroup_oom_step(&t->oom, &kills, t->err);

	return rc < 0 || !kills ? rc : put_line(t, NULL);
}

/* Sleeps until the deadline or an event. 1: init has ended. */
static int stream_sleep(const struct stream *t, uint64_t deadline)
{
	struct pollfd p[] = { { .fd = t->s->c.pidfd, .events = POLLIN },
			      { .fd = t->oom.fd, .events = POLLIN } };
	uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / SECOND),
			       .tv_nsec = (long)(left % SECOND) };

	if (ppoll(p, ARRAY_LEN(p), &ts, NULL) < 0)
		return errno == EINTR ? 0 : err_sys(t->err, "poll");
	return p[0].revents != 0;
}

/* Lines come in the rhythm of the start; those that were slept through are left out. */
static int stream_loop(struct stream *t, uint64_t interval)
{
	uint64_t deadline = now_ns() + interval;

	for (;;) {
		int ended = stream_sleep(t, deadline), rc;

		if (ended < 0)
			return ended;
		/* also when init ended: it may be the one that was killed */
		rc = put_kills(t);
		if (rc < 0 || ended || t->oom.ended)
			return rc;
		if (now_ns() < deadline)
			continue;
		rc = put_stats(t);
		if (rc < 0)
			return rc;
		deadline += ((now_ns() - deadline) / interval + 1) * interval;
	}
}

static uint64_t interval_of(const struct bryo_events_options *o)
{
	if (!o || !o->interval_ns)
		return INTERVAL_DEFAULT;
	return o->interval_ns < INT64_MAX ? o->interval_ns : INT64_MAX;
}

int bryo_events(bryo_ctx *ctx, const char *id, const struct bryo_events_options *o,
		int (*line)(void *arg, const char *json), void *arg, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	auto_subject struct subject s = SUBJECT_INIT;
	struct stream t = { .s = &s, .oom = CGROUP_OOM_INIT, .line = line, .arg = arg, .err = err };
	int rc = subject_open(ctx, id, &s, err);

	if (rc < 0)
		return rc;
	if (o && o->once) {
		rc = put_stats(&t);
		return rc == -ENOENT && !t.stopped ? not_running(id, err) : rc;
	}
	rc = cgroup_oom_open(s.cgroupfd, &t.oom, err);
	if (rc == 0)
		rc = stream_loop(&t, interval_of(o));
	cgroup_oom_close(&t.oom);
	return rc == -ENOENT && !t.stopped ? 0 : rc;
}
