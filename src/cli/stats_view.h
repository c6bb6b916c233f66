/*
 * stats_view.h - how `bryo stats` shows figures: a table that fits a width, and a JSON object.
 * [pure]
 */
#ifndef BRYO_STATS_VIEW_H
#define BRYO_STATS_VIEW_H

#include "base/json.h"
#include "base/str.h"
#include "lib/bryo.h"

#include <stddef.h>
#include <stdint.h>

struct stats_row {
	const char *id;
	struct bryo_stats s;
	uint64_t cpu; /* 1/100 percent of one CPU since the sample before, or BRYO_UNKNOWN */
};

/* Everything unknown: a container without a cgroup. */
struct bryo_stats stats_unknown(void);
/* now and before are of one container. BRYO_UNKNOWN where no percentage follows from them. */
uint64_t stats_cpu(const struct bryo_stats *now, const struct bryo_stats *before);
/*
 * A heading and n lines. Columns that width has no room for are left out, the least important ones
 * first; the ID, CPU and memory stay, and then IDs are cut. width 0: as wide as it gets.
 */
void stats_table(const struct stats_row *rows, size_t n, size_t width, struct str *ret);
/* time: RFC 3339. Figures that are unknown are null, as are limits that are not set. */
void stats_json(const struct stats_row *row, const char *time, struct json_out *ret);

#endif
