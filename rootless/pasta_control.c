/*
 * pasta_control.c - asks pasta for another port, or for one less (pasta_control.h). Runs in the process
 * of `bryo port`.
 */
#include "pasta_control.h"

#include "base/child.h"
#include "base/cleanup.h"

#include <poll.h>

#define PESTO_MS     5000
#define BIND_STEP_MS 20 /* pasta binds after it has let pesto go */
#define BIND_STEPS   100

static int run_pesto(struct arena *a, const struct pasta_control *c, const char *verb,
		     const struct port *p, struct child *pesto, struct err *err)
{
	char *argv[] = { (char *)"pesto",
			 (char *)verb,
			 (char *)(p->proto == PORT_UDP ? "-u" : "-t"),
			 (char *)port_pasta_word(a, p),
			 (char *)c->name,
			 NULL };

	*pesto = (struct child)CHILD_INIT;
	pesto->path = c->pesto;
	pesto->argv = argv;
	pesto->dirfd = c->dirfd;
	pesto->capture = true;
	pesto->timeout_ms = PESTO_MS;
	return child_run(pesto, err);
}

/* Somebody has each port now; that is pasta, because nobody had it a moment ago. */
static int is_bound(struct arena *a, const struct port *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct port one = *p;
		const struct ports list = { &one, 1 };

		one.host = (uint16_t)(p->host + i);
		one.guest = (uint16_t)(p->guest + i);
		one.count = 1;
		if (ports_try_outside(a, &list, false, NULL) == 0)
			return false;
	}
	return true;
}

int pasta_port_add(struct arena *a, const struct pasta_control *c, const struct port *p,
		   struct err *err)
{
	struct child pesto, undo;
	int rc = run_pesto(a, c, "--add", p, &pesto, err);

	if (rc < 0)
		return err_in(err, rc, "publish port %s", port_word(a, p));
	for (int i = 0; i < BIND_STEPS; i++) {
		if (is_bound(a, p))
			return 0;
		(void)poll(NULL, 0, BIND_STEP_MS);
	}
	(void)run_pesto(a, c, "--delete", p, &undo, NULL);
	return err_set(err, EADDRINUSE, "publish port %s: pasta could not bind it%s%s",
		       port_word(a, p), pesto.output[0] ? ": " : "", pesto.output);
}

int pasta_port_remove(struct arena *a, const struct pasta_control *c, const struct port *p,
		      struct err *err)
{
	struct child pesto;
	int rc = run_pesto(a, c, "--delete", p, &pesto, err);

	return rc < 0 ? err_in(err, rc, "remove port %s", port_word(a, p)) : 0;
}
