/*
 * pasta_control.h - ports of a running pasta, through its control socket (pasta --conf-path, since
 * May 2026) and pesto(1), the client that comes with it. The protocol between the two is their own,
 * so pesto is run, and only one that lies beside the pasta that was started.
 *
 * pesto's exit status says whether a rule is in pasta's table, not whether the port could be bound:
 * that is asked of the kernel afterwards. What cannot be bound is taken out again, because pasta takes
 * no change any more while it is in.
 */
#ifndef BRYO_PASTA_CONTROL_H
#define BRYO_PASTA_CONTROL_H

#include "base/err.h"
#include "feature/net/port.h"

struct pasta_control {
	int dirfd;	   /* of the socket */
	const char *name;  /* of the socket in it */
	const char *pesto; /* absolute */
};

/* All ports of p, or none. [outside] */
int pasta_port_add(struct arena *a, const struct pasta_control *c, const struct port *p,
		   struct err *err);
/* p as it was added: pasta takes no part out of a range. */
int pasta_port_remove(struct arena *a, const struct pasta_control *c, const struct port *p,
		      struct err *err);

#endif
