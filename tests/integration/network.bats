#!/usr/bin/env bats
# The network of a container: --net and org.bryo.network.

load ../lib/bryo

# covers: --net org.bryo.network
@test "--net none adds a network namespace to a config without one, host takes it away" {
	make_bundle
	config '.linux.namespaces |= map(select(.type != "network"))'
	args /bin/sh -c 'readlink /proc/self/ns/net'
	run bryo run -b "$BUNDLE" --net none "$ID"
	[ "$status" -eq 0 ]
	[ "$output" != "$(readlink /proc/self/ns/net)" ]
	config '.linux.namespaces += [{type: "network"}]'
	run bryo run -b "$BUNDLE" --net host "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
}
