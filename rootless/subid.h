/* subid.h - the text forms behind subid.c, for its tests and its fuzzer. [pure] */
#ifndef BRYO_SUBID_H
#define BRYO_SUBID_H

#include "base/mem.h"
#include "host/host.h"

/* /etc/subuid: "name-or-uid:first:count". user may be NULL. Appends nothing for bad lines. */
void subid_parse(struct arena *a, const char *text, size_t len, const char *user, uint32_t uid,
		 struct id_ranges *ret);
/* All of them, with their owners. */
struct subid_line { const char *owner; struct id_range range; };
struct subid_lines { struct subid_line *v; size_t n; };
void subid_parse_lines(struct arena *a, const char *text, size_t len, struct subid_lines *ret);
bool subid_overlap(struct id_range x, struct id_range y);
/* First of count IDs from SUBID_FIRST_FREE on that none of the three texts names. */
uint32_t subid_free_in(struct arena *a, const char *subuid, const char *subgid, const char *passwd,
		       uint32_t count);
/* Output of getsubids: "0: alice 100000 65536". */
void subid_parse_getsubids(struct arena *a, const char *text, size_t len, const char *user,
			   struct id_ranges *ret);
/* nsswitch.conf: true when its "subid:" line names a source other than files. */
bool subid_parse_nsswitch(const char *text, size_t len);

#endif
