/*
 * spec_sample.h - the documents that `bryo spec` writes and that `run` without a config.json
 * uses in memory.
 *
 * SAMPLE_ROOT      what `runc spec` writes (runtime-spec sample; inheritable and ambient empty).
 * SAMPLE_ROOTLESS  what `runc spec --rootless` writes: no network namespace, user namespace with
 *                  the identity map of the caller (0 -> euid, size 1), /sys bound read-only,
 *                  gid=/uid= options removed, no resources. Scripts extend it: keep it exactly.
 * SAMPLE_USER      bare `spec` of an ordinary user: own network namespace (loopback only),
 *                  sysfs, user namespace without mappings (= all IDs that the caller owns,
 *                  process.user <- caller, decided by the plan), no ambient capabilities.
 */
#ifndef BRYO_SPEC_SAMPLE_H
#define BRYO_SPEC_SAMPLE_H

#include "base/json.h"
#include "oci/idmap_style.h"
#include "oci/net_word.h"

enum spec_sample { SAMPLE_ROOT, SAMPLE_ROOTLESS, SAMPLE_USER };

struct spec_sample_options {
	enum spec_sample kind;
	uint32_t euid, egid; /* SAMPLE_ROOTLESS */
	bool cgroupns;	     /* host has cgroup v2: adds the cgroup namespace as runc does */
	bool terminal;
	bool readonly;		   /* root.readonly */
	const char *rootfs;	   /* NULL: "rootfs" */
	const char *hostname;	   /* NULL: "bryo" */
	struct strv args;	   /* empty: "sh" */
	const char *lower, *upper; /* annotations of overlay_word.h, or NULL */
	bool ephemeral;
	const char *idmap;	   /* the word for the mappings (idmap_style.h), or NULL */
	struct idmap_words mapped; /* the same, parsed: a list is written as mappings */
	const char *net;	   /* the word for the network (net_word.h), or NULL */
	const char *publish;	   /* ports in words, separated by commas, or NULL */
	struct net_words network;  /* the same, parsed */
};

/* The document, tab-indented with a final newline, as runc prints it. [pure] */
void spec_sample(const struct spec_sample_options *o, struct str *ret);

#endif
