/*
 * bus.h - where a message bus may listen, and connecting to it.
 */
#ifndef BRYO_BUS_H
#define BRYO_BUS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BUS_PLACES 3

struct bus_place {
	char name[40];	     /* for messages: the variable it comes from, or "" */
	char path[PATH_MAX]; /* of the socket; "" if there is none, then why says it */
	char why[256];
};

/* In the order in which they are to be tried. */
size_t bus_places(bool system, struct bus_place places[BUS_PLACES]);

/* A connection to the socket, which must be the caller's own; -1 and place->why. */
int bus_connect(struct bus_place *place);

#endif
