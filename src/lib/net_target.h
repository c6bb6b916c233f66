/*
 * net_target.h - finding the container whose network is joined. For the files of lib/ only.
 */
#ifndef BRYO_NET_TARGET_H
#define BRYO_NET_TARGET_H

#include "context.h"
#include "feature/net/net_join.h"

#define NET_TARGET_INIT { .user = -1, .net = -1 }

/* Strings and maps in the arena; descriptors are the caller's, see net_target_close(). */
int net_target_find(const struct bryo_ctx *ctx, struct arena *a, const char *id, struct net_target *ret,
		    struct err *err);
void net_target_close(struct net_target *t);

#endif
