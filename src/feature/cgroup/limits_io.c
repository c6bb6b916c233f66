/*
 * limits_io.c - blockIO, hugepageLimits and rdma of linux.resources (limits.h). Pure; runs in the
 * runtime.
 *
 * A weight is for the scheduler that a device has: BFQ reads io.bfq.weight (1 to 1000, as v1),
 * blk-iocost reads io.weight (1 to 10000). A kernel may lack either, hence cgroup_write.instead.
 * Each device is a line, and each line a write: nested keys (cgroup-v2.rst, "Conventions").
 */
#include "limits_parts.h"

#include <string.h>

#define WEIGHT_MIN     10
#define WEIGHT_MAX     1000
#define WEIGHT_DEFAULT "100" /* of both files */
#define MAJOR_MAX      4095  /* linux/kdev_t.h: 12 and 20 bits */
#define MINOR_MAX      1048575
#define RDMA_NAME_MAX  63 /* IB_DEVICE_NAME_MAX with its NUL */

static bool device_ok(struct limits *l, const char *field, int64_t major, int64_t minor)
{
	if (major >= 0 && major <= MAJOR_MAX && minor >= 0 && minor <= MINOR_MAX)
		return true;
	limits_fail(l, EINVAL, field, "%lld:%lld is not the number of a device", (long long)major,
		    (long long)minor);
	return false;
}

static bool weight_ok(struct limits *l, const char *field, uint32_t weight)
{
	if (!weight || (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX))
		return true;
	limits_fail(l, EINVAL, field, "%u is not within %d to %d", weight, WEIGHT_MIN, WEIGHT_MAX);
	return false;
}

/* device is "" or "MAJ:MIN "; weight 0 goes back to the default. */
static void add_weight(struct limits *l, const char *field, const char *device, uint32_t weight)
{
	const char *lift = *device ? "default" : WEIGHT_DEFAULT;
	const char *bfq = arena_printf(l->a, "%s%s", device, lift), *io = bfq;
	struct cgroup_write *w;

	if (weight) {
		bfq = arena_printf(l->a, "%s%u", device, weight);
		io = arena_printf(l->a, "%s%u", device, 1 + (weight - WEIGHT_MIN) * 9999 / 990);
	}
	w = limits_add(l, l->mode->has_bfq ? "io.bfq.weight" : "io.weight", field,
		       l->mode->has_bfq ? bfq : io);
	w->instead = l->mode->has_bfq ? "io.weight" : "io.bfq.weight";
	w->instead_value = l->mode->has_bfq ? io : bfq;
}

static void add_device_weight(struct limits *l, const struct spec_weight_device *d, size_t i)
{
	const char *field = arena_printf(l->a, "blockIO.weightDevice[%zu]", i);
	bool leaf = d->leaf_weight.set && d->leaf_weight.v;

	if (!device_ok(l, field, d->major, d->minor))
		return;
	if (leaf)
		limits_fail(l, ENOTSUP, arena_printf(l->a, "%s.leafWeight", field),
			    "cgroup v2 has no weight against child cgroups");
	else if (!d->weight.set && !d->leaf_weight.set)
		limits_fail(l, EINVAL, field, "neither weight nor leafWeight is given");
	if (!d->weight.set || !weight_ok(l, field, d->weight.v))
		return;
	if (d->weight.v || l->mode->update)
		add_weight(
			l, field,
			arena_printf(l->a, "%lld:%lld ", (long long)d->major, (long long)d->minor),
			d->weight.v);
}

/* A rate of 0 is v1's way to have none; the kernel refuses it in io.max. */
static void add_throttles(struct limits *l, const char *name, const char *key,
			  const struct spec_throttles *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct spec_throttle_device *d = &t->v[i];
		const char *field = arena_printf(l->a, "blockIO.%s[%zu]", name, i);

		if (!device_ok(l, field, d->major, d->minor) || (!d->rate && !l->mode->update))
			continue;
		limits_add(l, "io.max", field,
			   arena_printf(l->a, "%lld:%lld %s=%s", (long long)d->major,
					(long long)d->minor, key,
					limits_text(l->a, d->rate ? d->rate : LIMITS_MAX)));
	}
}

void limits_block_io(struct limits *l)
{
	const __typeof__(l->r->block_io) *io = &l->r->block_io;

	if (io->weight.set && weight_ok(l, "blockIO.weight", io->weight.v) &&
	    (io->weight.v || l->mode->update))
		add_weight(l, "blockIO.weight", "", io->weight.v);
	for (size_t i = 0; i < io->weight_device.n; i++)
		add_device_weight(l, &io->weight_device.v[i], i);
	add_throttles(l, "throttleReadBpsDevice", "rbps", &io->throttle_read_bps_device);
	add_throttles(l, "throttleWriteBpsDevice", "wbps", &io->throttle_write_bps_device);
	add_throttles(l, "throttleReadIOPSDevice", "riops", &io->throttle_read_iops_device);
	add_throttles(l, "throttleWriteIOPSDevice", "wiops", &io->throttle_write_iops_device);
}

/* "<size><unit-prefix>B", as in the names of the control files: 64KB, 2MB, 1GB. */
static bool page_size_ok(const char *size)
{
	size_t n = strspn(size, "0123456789");

	return n >= 1 && n <= 4 && size[0] != '0' && size[n] && strchr("KMG", size[n]) &&
	       str_eq(size + n + 1, "B");
}

/* Reservations where the kernel accounts them, and usage (config-linux.md, "Huge page limits"). */
void limits_hugetlb(struct limits *l)
{
	for (size_t i = 0; i < l->r->hugepage_limits.n; i++) {
		const struct spec_hugepage *h = &l->r->hugepage_limits.v[i];
		const char *field = arena_printf(l->a, "hugepageLimits[%zu]", i), *value;

		if (!page_size_ok(h->page_size)) {
			limits_fail(l, EINVAL, field,
				    "'%.40s' is not a page size such as 64KB, 2MB or 1GB",
				    h->page_size);
			continue;
		}
		value = limits_text(l->a, h->limit);
		limits_add(l, arena_printf(l->a, "hugetlb.%s.max", h->page_size), field, value);
		limits_add(l, arena_printf(l->a, "hugetlb.%s.rsvd.max", h->page_size), field, value)
			->optional = true;
	}
}

static bool rdma_name_ok(const char *name)
{
	size_t n = 0;

	while (name[n] > ' ' && name[n] < 0x7f && n <= RDMA_NAME_MAX)
		n++;
	return n && !name[n] && n <= RDMA_NAME_MAX;
}

/* The kernel reads an int, and its largest is "max". */
static const char *rdma_text(struct arena *a, uint32_t v)
{
	return limits_text(a, v >= INT32_MAX ? LIMITS_MAX : v);
}

void limits_rdma(struct limits *l)
{
	for (size_t i = 0; i < l->r->rdma.n; i++) {
		const struct spec_rdma *d = &l->r->rdma.v[i];
		const char *field = arena_printf(l->a, "rdma.%.80s", d->name);
		auto_str struct str s = STR_INIT;

		if (!rdma_name_ok(d->name)) {
			limits_fail(l, EINVAL, field, "this is not the name of a device");
			continue;
		}
		if (!d->hca_handles.set && !d->hca_objects.set) {
			limits_fail(l, EINVAL, field, "neither hcaHandles nor hcaObjects is given");
			continue;
		}
		str_add(&s, d->name);
		if (d->hca_handles.set)
			str_addf(&s, " hca_handle=%s", rdma_text(l->a, d->hca_handles.v));
		if (d->hca_objects.set)
			str_addf(&s, " hca_object=%s", rdma_text(l->a, d->hca_objects.v));
		limits_add(l, "rdma.max", field, arena_strdup(l->a, s.p));
	}
}
