/*
 * stats_view.c - figures for people and for programs (stats_view.h). A column is a row of a table:
 * heading, least width, and what writes the cell. Least widths are what usual figures need, so
 * that a table that is redrawn does not jump. [pure]
 */
#include "stats_view.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

#define GAP    2
#define ID_MIN 4
#define NONE   "-"

/* An ID may be cut so far before a figure is left out: an engine's has 64 digits. */
#define ID_CUT 24

/* Three digits: 999B, 1.00KiB, 12.3MiB, 456GiB. */
static void put_bytes(struct str *s, uint64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t cents = 0;
	size_t unit = 0;

	for (; v >= 1000 && unit + 1 < ARRAY_LEN(units); unit++) {
		cents = v % 1024 * 100 / 1024;
		v /= 1024;
	}
	if (!unit || v >= 100)
		str_addf(s, "%" PRIu64 "%s", v, units[unit]);
	else if (v >= 10)
		str_addf(s, "%" PRIu64 ".%" PRIu64 "%s", v, cents / 10, units[unit]);
	else
		str_addf(s, "%" PRIu64 ".%02" PRIu64 "%s", v, cents, units[unit]);
}

static void put_percent(struct str *s, uint64_t cents)
{
	if (cents == BRYO_UNKNOWN)
		str_add(s, NONE);
	else
		str_addf(s, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
}

static void put_known_bytes(struct str *s, uint64_t v)
{
	if (v == BRYO_UNKNOWN)
		str_add(s, NONE);
	else
		put_bytes(s, v);
}

static void cell_id(const struct stats_row *r, struct str *s)
{
	str_add(s, r->id);
}

static void cell_cpu(const struct stats_row *r, struct str *s)
{
	put_percent(s, r->cpu);
}

static void cell_memory(const struct stats_row *r, struct str *s)
{
	put_known_bytes(s, r->s.memory);
}

static void cell_limit(const struct stats_row *r, struct str *s)
{
	put_known_bytes(s, r->s.memory_limit);
}

static void cell_share(const struct stats_row *r, struct str *s)
{
	uint64_t used = r->s.memory, limit = r->s.memory_limit, cents;

	if (used == BRYO_UNKNOWN || limit == BRYO_UNKNOWN || !limit ||
	    __builtin_mul_overflow(used, 10000, &cents))
		str_add(s, NONE);
	else
		put_percent(s, cents / limit);
}

static void cell_pids(const struct stats_row *r, struct str *s)
{
	if (r->s.pids == BRYO_UNKNOWN)
		str_add(s, NONE);
	else
		str_addf(s, "%" PRIu64, r->s.pids);
}

static void cell_read(const struct stats_row *r, struct str *s)
{
	put_known_bytes(s, r->s.io_read);
}

static void cell_write(const struct stats_row *r, struct str *s)
{
	put_known_bytes(s, r->s.io_write);
}

static void cell_psi_cpu(const struct stats_row *r, struct str *s)
{
	put_percent(s, r->s.cpu_psi.some);
}

static void cell_psi_memory(const struct stats_row *r, struct str *s)
{
	put_percent(s, r->s.memory_psi.some);
}

static void cell_psi_io(const struct stats_row *r, struct str *s)
{
	put_percent(s, r->s.io_psi.some);
}

/* In the order of the screen. drop: who goes first where there is no room; 0 stays. */
static const struct column {
	const char *heading;
	size_t width;
	int drop;
	void (*cell)(const struct stats_row *r, struct str *s);
} columns[] = {
	{ "ID", 12, 0, cell_id },	   { "CPU %", 6, 0, cell_cpu },
	{ "MEM", 7, 0, cell_memory },	   { "LIMIT", 7, 2, cell_limit },
	{ "MEM %", 6, 1, cell_share },	   { "PIDS", 4, 3, cell_pids },
	{ "READ", 7, 4, cell_read },	   { "WRITE", 7, 4, cell_write },
	{ "PSI CPU", 7, 5, cell_psi_cpu }, { "PSI MEM", 7, 5, cell_psi_memory },
	{ "PSI IO", 6, 5, cell_psi_io },
};

#define COLUMNS ARRAY_LEN(columns)
#define DROPS	5

struct layout {
	size_t width[COLUMNS]; /* 0: left out */
};

static size_t layout_total(const struct layout *l)
{
	size_t total = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		total += l->width[i] ? l->width[i] + (i ? GAP : 0) : 0;
	return total;
}

static void layout_fit(struct layout *l, size_t width)
{
	size_t total, id = l->width[0];

	if (id > ID_CUT)
		l->width[0] = ID_CUT;
	for (int drop = DROPS; drop > 0 && layout_total(l) > width; drop--)
		for (size_t i = 0; i < COLUMNS; i++)
			if (columns[i].drop == drop)
				l->width[i] = 0;
	total = layout_total(l);
	if (total > width) {
		size_t over = total - width;

		l->width[0] = l->width[0] > over + ID_MIN ? l->width[0] - over : ID_MIN;
	} else if (id > ID_CUT) {
		l->width[0] = id - ID_CUT < width - total ? id : ID_CUT + width - total;
	}
}

/* The last character of an ID that was cut is a '~', which no ID has. */
static void put_cell(struct str *s, size_t column, const char *text, const struct layout *l)
{
	size_t width = l->width[column];
	bool cut = column == 0 && strlen(text) > width;

	if (!width)
		return;
	if (cut)
		str_addf(s, "%.*s~", (int)width - 1, text);
	else if (column == 0)
		str_addf(s, "%-*s", (int)width, text);
	else
		str_addf(s, "%*s%*s", GAP, "", (int)width, text);
}

/* cells: COLUMNS by rows, the first row being the heading. */
static void put_table(char *const *cells, size_t rows, size_t width, struct str *ret)
{
	struct layout l = { { 0 } };

	for (size_t i = 0; i < COLUMNS * rows; i++) {
		size_t *w = &l.width[i % COLUMNS], len = strlen(cells[i]);

		if (*w < columns[i % COLUMNS].width)
			*w = columns[i % COLUMNS].width;
		if (*w < len)
			*w = len;
	}
	if (width)
		layout_fit(&l, width);
	for (size_t i = 0; i < COLUMNS * rows; i++) {
		put_cell(ret, i % COLUMNS, cells[i], &l);
		if (i % COLUMNS == COLUMNS - 1)
			str_addc(ret, '\n');
	}
}

void stats_table(const struct stats_row *rows, size_t n, size_t width, struct str *ret)
{
	auto_arena struct arena a = ARENA_INIT;
	char **cells = arena_alloc(&a, (n + 1) * COLUMNS * sizeof(*cells));

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = arena_strdup(&a, columns[i].heading);
	for (size_t i = COLUMNS; i < (n + 1) * COLUMNS; i++) {
		auto_str struct str s = STR_INIT;

		columns[i % COLUMNS].cell(&rows[i / COLUMNS - 1], &s);
		cells[i] = arena_strdup(&a, s.p);
	}
	put_table(cells, n + 1, width, ret);
}

struct bryo_stats stats_unknown(void)
{
	const uint64_t u = BRYO_UNKNOWN;

	return (struct bryo_stats){ u, u, u, u, u, u, u, u, u, u, { u, u }, { u, u }, { u, u } };
}

uint64_t stats_cpu(const struct bryo_stats *now, const struct bryo_stats *before)
{
	uint64_t used, t = now->time_ns - before->time_ns;

	if (now->cpu_ns == BRYO_UNKNOWN || before->cpu_ns == BRYO_UNKNOWN ||
	    now->time_ns <= before->time_ns || now->cpu_ns < before->cpu_ns)
		return BRYO_UNKNOWN;
	used = now->cpu_ns - before->cpu_ns;
	return __builtin_mul_overflow(used, 10000, &used) ? BRYO_UNKNOWN : used / t;
}

static void json_known(struct json_out *o, const char *key, uint64_t v)
{
	if (v == BRYO_UNKNOWN)
		json_out_null(o, key);
	else
		json_out_u64(o, key, v);
}

static void json_percent(struct json_out *o, const char *key, uint64_t cents)
{
	auto_str struct str s = STR_INIT;

	put_percent(&s, cents);
	json_out_raw(o, key, cents == BRYO_UNKNOWN ? "null" : s.p);
}

static void json_psi(struct json_out *o, const char *key, const struct bryo_psi *p)
{
	json_out_object(o, key);
	json_percent(o, "some", p->some);
	json_percent(o, "full", p->full);
	json_out_end(o, '}');
}

void stats_json(const struct stats_row *row, const char *time, struct json_out *ret)
{
	const struct bryo_stats *s = &row->s;

	json_out_object(ret, NULL);
	json_out_str(ret, "id", row->id);
	json_out_str(ret, "time", time);
	json_percent(ret, "cpuPercent", row->cpu);
	json_known(ret, "cpuNs", s->cpu_ns);
	json_known(ret, "memory", s->memory);
	json_known(ret, "memoryLimit", s->memory_limit);
	json_known(ret, "swap", s->swap);
	json_known(ret, "pids", s->pids);
	json_known(ret, "pidsLimit", s->pids_limit);
	json_known(ret, "ioRead", s->io_read);
	json_known(ret, "ioWrite", s->io_write);
	json_known(ret, "oomKills", s->oom_kills);
	json_out_object(ret, "psi");
	json_psi(ret, "cpu", &s->cpu_psi);
	json_psi(ret, "memory", &s->memory_psi);
	json_psi(ret, "io", &s->io_psi);
	json_out_end(ret, '}');
	json_out_end(ret, '}');
}
