#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# root of config.json, and what the container's root can be instead.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# covers: root.path
@test "a relative root.path starts at the bundle, an absolute one is what it says" {
	make_bundle
	mkdir -p "$T/elsewhere"
	make_rootfs "$T/elsewhere/fs"
	touch "$T/elsewhere/fs/there" "$BUNDLE/rootfs/here"
	args ls /here
	bryo run -b "$BUNDLE" "$ID"
	config '.root.path = $p' --arg p "$T/elsewhere/fs"
	args ls /there
	bryo run -b "$BUNDLE" "$ID"
	config '.root.path = "../elsewhere/fs/."'
	bryo run -b "$BUNDLE" "$ID"
	config '.root.path = "none"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "$BUNDLE/none"
	has_line "No such file or directory"
}

# covers: org.bryo.rootfs
@test "org.bryo.rootfs=tmpfs is an empty root in which mounts make their places" {
	make_bundle
	config '.annotations["org.bryo.rootfs"] = "tmpfs" | .root.readonly = false
		| .mounts += [{destination: "/bin", type: "bind", source: ($b + "/rootfs/bin"), options: ["rbind", "ro"]}]' \
		--arg b "$BUNDLE"
	touch "$BUNDLE/rootfs/marker"
	args /bin/sh -c '[ ! -e /marker ] && echo x >/new && ls -A / | tr "\n" " "'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "bin dev new proc sys " ]
	[ ! -e "$BUNDLE/rootfs/new" ]
	config '.annotations["org.bryo.rootfs"] = "glass"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "org.bryo.rootfs: unknown value 'glass'"
}

# covers: process.commandLine
@test "process.commandLine belongs to Windows and changes nothing" {
	make_bundle
	args echo good
	config '.process.commandLine = "echo bad"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = good ]
}
