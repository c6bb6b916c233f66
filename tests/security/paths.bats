#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# Symbolic links of a hostile image: nothing of the host is opened, made, changed or removed
# through them. Each test says which weakening of the source makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

setup() {
	bryo_setup
	insider_bundle
	R=$BUNDLE/rootfs
	args true
	canary_make
}

# link PATH TARGET: in place of what the image has there
link() {
	rm -rf "${R:?}/$1"
	mkdir -p "$R/$(dirname "$1")"
	ln -s "$2" "$R/$1"
}

# add_mount JQ-OBJECT
add_mount() { config ".mounts += [$1]" --arg canary "$CANARY" --arg t "$T"; }

# fails without check_target() in mount.c (CVE-2019-19921, CVE-2025-54867, CVE-2026-41579)
@test "/proc, /sys and /dev as a symbolic link are refused" {
	local top to

	for top in proc sys dev; do
		for to in $(links_to "$CANARY") /etc nowhere; do
			rm -rf "${R:?}"/{proc,sys,dev}
			mkdir "$R"/{proc,sys,dev}
			link "$top" "$to"
			both_refused "'/$top' of the root file system must be a directory"
			[ "$(cd "$R/etc" && echo *)" = "group passwd" ]
		done
	done
	canary_same
}

# fails without the link check in make_links() of device.c
@test "/dev as a symbolic link is refused where nothing is mounted there" {
	local to

	without_mount /dev /dev/pts /dev/shm /dev/mqueue
	add_mount '{destination: "/vol", type: "bind", source: $canary, options: ["rbind"]}'
	for to in $(links_to "$CANARY") /vol; do
		link dev "$to"
		both_ways
		[ "$statuses" = "1 1" ]
		canary_same
	done
}

# fails without O_NOFOLLOW in node_place() of device.c, or if it opened the place by path (CVE-2015-3627)
@test "every well-known path of /dev may be a link to the host: none is followed" {
	local name to

	without_mount /dev /dev/pts /dev/shm /dev/mqueue
	for name in null zero full random urandom tty console ptmx fd stdin stdout stderr; do
		rm -rf "${R:?}/dev"
		for to in $(links_to "$CANARY/$name") "$CANARY/new"; do
			link "dev/$name" "$to"
			both_ways
			canary_same
		done
	done
}

# fails if bind_console() of init.c opens its target without O_NOFOLLOW (CVE-2026-88264, CVE-2025-52565)
@test "with a terminal, /dev/console, /dev/ptmx and /dev/pts as links are not followed" {
	local name to

	config '.process.terminal = true'
	for name in console ptmx; do
		without_mount /dev /dev/shm /dev/mqueue
		rm -rf "${R:?}/dev"
		mkdir -p "$R/dev/pts"
		for to in $(links_to "$CANARY/$name") "$CANARY/new"; do
			link "dev/$name" "$to"
			run bryo run -b "$BUNDLE" "$ID" </dev/null
			canary_same
		done
		[ "$name" != console ] || [ "$status" -ne 0 ]
	done
	# nor to another file of the image
	rm -rf "${R:?}/dev"
	mkdir -p "$R/dev/pts"
	link dev/console /etc/group
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 1 ]
	has_line "'/dev/console' of the image is a link"
	rm -rf "${R:?}/dev"
	for to in $(links_to "$CANARY/pts"); do
		link dev/pts "$to"
		run bryo run -b "$BUNDLE" "$ID" </dev/null
		canary_same
	done
}

# fails if path_parent_in() or path_mkdir_in() resolves without RESOLVE_IN_ROOT (CVE-2026-47766)
@test "the target of a device: links as last part, as parent, dangling, in a chain, in a loop" {
	local to i

	config '.linux.devices = [{path: "/x/y/node", type: "c", major: 1, minor: 3},
		{path: "/x/y/fifo", type: "p"}]'
	id -u | grep -qx 0 && in_initial_userns || config '.linux.devices[0].path = "/dev/null"'
	for to in $(links_to "$CANARY") "$CANARY/new"; do
		link x "$to"
		both_ways
		canary_same
		rm -rf "${R:?}/x" && mkdir -p "$R/x"
		link x/y "$to"
		both_ways
		canary_same
		rm -rf "${R:?}/x" && mkdir -p "$R/x/y"
		link x/y/fifo "$to/fifo"
		link x/y/node "$to/null"
		both_ways
		[ "$statuses" = "1 1" ]
		canary_same
	done
	rm -rf "${R:?}/x" && mkdir "$R/x"
	link x/y /x/z
	link x/z /x/y
	both_ways
	[ "$statuses" = "1 1" ]
	for ((i = 0; i < 41; i++)); do
		link "x/$i" "/x/$((i + 1))"
	done
	link x/41 "$CANARY"
	link x/y /x/0
	both_ways
	[ "$statuses" = "1 1" ]
	canary_same
}

# fails without RESOLVE_IN_ROOT in open_in() of path.c (CVE-2019-18837, CVE-2015-1335, GHSA-pxhw-h44j-8pfx)
@test "the target of a mount: links as last part and as parent end inside the root" {
	local to kind

	mkdir "$T/src"
	echo source >"$T/src/f"
	for kind in '{type: "tmpfs", source: "tmpfs"}' '{type: "bind", source: ($t + "/src"), options: ["rbind"]}' \
		'{type: "bind", source: ($t + "/src/f"), options: ["bind"]}'; do
		config '.mounts |= map(select(.destination | startswith("/m") | not))'
		add_mount "$kind + {destination: \"/m\"}"
		add_mount "$kind + {destination: \"/mm/dir/deep\"}"
		for to in $(links_to "$CANARY/dir") $(links_to "$CANARY/file") "$CANARY/new"; do
			link m "$to"
			rm -rf "${R:?}/mm"
			both_ways
			canary_same
			rm -rf "${R:?}/m"
			link mm "$to"
			both_ways
			canary_same
			rm -rf "${R:?}/mm"
			link mm/dir "$to"
			both_ways
			canary_same
		done
		rm -rf "${R:?}/m" "${R:?}/mm" "${R:?}/tmp"/*
	done
	# where the link leads to something in the root, the mount is there
	mkdir -p "$R/real"
	link m /real
	rm -rf "${R:?}/mm"
	args cat /real
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ] || [ "$output" = source ]
	canary_same
}

# fails without RESOLVE_IN_ROOT in open_in() of path.c
@test "chains of links to 40, and loops, are refused or stay inside" {
	local i

	add_mount '{destination: "/m/new", type: "tmpfs", source: "tmpfs"}'
	mkdir "$R/c"
	for ((i = 0; i < 41; i++)); do
		link "c/$i" "$((i + 1))"
	done
	link c/41 "$CANARY/dir"
	link m c/0
	both_ways
	[ "$statuses" = "1 1" ]
	link m c/10
	both_ways
	canary_same
	link m /n
	link n /m
	both_ways
	[ "$statuses" = "1 1" ]
	canary_same
}

# fails if path_touch_in() opens what is there for more than O_PATH (CVE-2024-45310)
@test "a FIFO as the target of a file does not block, and is not replaced" {
	mkfifo "$R/pipe"
	echo source >"$T/f"
	add_mount '{destination: "/pipe", type: "bind", source: ($t + "/f"), options: ["bind"]}'
	args cat /pipe
	# into a file: what hangs would keep the pipe of "run"
	BRYO_TIMEOUT=10 bryo run -b "$BUNDLE" "$ID" >"$T/out" 2>&1
	[ "$(cat "$T/out")" = source ]
	[ -p "$R/pipe" ]
}

# fails without RESOLVE_IN_ROOT in open_in() of path.c (CVE-2015-3629)
@test "a mount point that the container replaced by a link is not followed at the next start" {
	add_mount '{destination: "/data/m", type: "tmpfs", source: "tmpfs"}'
	both_ways
	[ "$statuses" = "0 0" ]
	link data "$CANARY"
	both_ways
	rm "$R/data"
	link data/m "$CANARY/dir"
	both_ways
	canary_same
}

# fails if make_cwd() of init.c joins names, or resolves without RESOLVE_IN_ROOT
@test "a working directory that is made does not follow a link out of the root" {
	local to

	config '.process.cwd = "/w/made/here"'
	for to in $(links_to "$CANARY") "$CANARY/new"; do
		link w "$to"
		both_ways
		canary_same
	done
}

# fails if user_home_inside() opens without O_NONBLOCK, or before the root is entered
@test "HOME comes from the image's own passwd, also when that is a link" {
	local to

	config '.process.env |= map(select(startswith("HOME=") | not))'
	# shellcheck disable=SC2016
	args sh -c 'echo $HOME'
	for to in $(links_to "$CANARY/passwd"); do
		link etc/passwd "$to"
		run bryo run -b "$BUNDLE" "$ID"
		[ "$output" = / ]
	done
	mkfifo "$R/etc/fifo"
	link etc/passwd /etc/fifo
	# into a file: what hangs would keep the pipe of "run"
	BRYO_TIMEOUT=10 bryo run -b "$BUNDLE" "$ID" >"$T/out" 2>&1
	[ "$(cat "$T/out")" = / ]
	canary_same
}

# fails if masks take the container's own /dev/null (CVE-2025-31133): mask_source_inside() after the pivot
@test "a mask is the null device, whatever the image has as /dev/null" {
	without_mount /dev /dev/pts /dev/shm /dev/mqueue
	config '.linux.maskedPaths = ["/secret"]'
	echo secret >"$R/secret"
	args sh -c 'cat /secret; echo x >/secret; stat -c "%F %t:%T" /secret'
	# a volume as /dev: nothing is made in it
	mkdir "$T/dev"
	add_mount '{destination: "/dev", type: "bind", source: ($t + "/dev"), options: ["rbind"]}'
	for kind in 'echo fake >' 'ln -s /secret' 'ln -s /dev/zero' true; do
		rm -f "$T/dev/null"
		eval "$kind \"$T/dev/null\""
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 0 ]
		[ "$output" = "character special file 1:3" ]
		[ "$(cat "$R/secret")" = secret ]
	done
	without_mount /dev
	rm -rf "${R:?}/dev"
	mkdir "$R/dev"
	echo fake >"$R/dev/null"
	run bryo run -b "$BUNDLE" "$ID"
	# root makes the node itself, and then something else in its place is refused
	if [ "$status" -eq 0 ]; then
		[ "$output" = "character special file 1:3" ]
	else
		has_line "something else is there already"
	fi
	[ "$(cat "$R/secret")" = secret ]
	link dev/null /secret
	run bryo run -b "$BUNDLE" "$ID"
	[[ $output != *secret$'\n'* ]]
	[ "$(cat "$R/secret")" = secret ]
	link dev/null "$CANARY/null"
	both_ways
	canary_same
}

# fails if sysctl_inside() writes below the visible /proc (CVE-2025-52881)
@test "what is written to /proc/sys cannot be redirected" {
	local fake=$R/proc/sys/net/ipv4

	config '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"} |
		.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	args cat /real/sys/net/ipv4/ip_unprivileged_port_start
	without_mount /proc
	add_mount '{destination: "/real", type: "proc", source: "proc"}'
	mkdir -p "$fake"
	echo fake >"$fake/ip_unprivileged_port_start"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = 77 ]
	[ "$(cat "$fake/ip_unprivileged_port_start")" = fake ]
	rm -rf "${R:?}/proc/sys"
	link proc/sys "$CANARY"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = 77 ]
	canary_same
	# a volume over the real one
	rm -rf "${R:?}/proc/sys"
	config '.mounts |= map(select(.destination != "/real")) + [
		{destination: "/proc", type: "proc", source: "proc"},
		{destination: "/real", type: "proc", source: "proc"},
		{destination: "/proc/sys/net", type: "bind", source: ($canary + "/dir"), options: ["rbind"]}]' \
		--arg canary "$CANARY"
	both_refused "nothing can be mounted inside /proc"
	canary_same
}

# fails without check_proc() in mount_plan.c (CVE-2019-16884, CVE-2015-3631)
@test "a volume is not taken for /proc" {
	mkdir -p "$T/fake/self/attr"
	without_mount /proc
	add_mount '{destination: "/proc", type: "bind", source: ($t + "/fake"), options: ["rbind"]}'
	both_refused "only a procfs can be mounted on /proc"
	config '.mounts[-1].destination = "/x/../proc/."'
	both_refused "only a procfs can be mounted on /proc"
}

# CVE-2015-3631, second half. Weakened: check_proc() looks at /proc itself only.
@test "a volume cannot stand in for something inside /proc, but lxcfs may cover its files" {
	echo fake >"$T/cpuinfo"
	mkdir -p "$T/attr"
	add_mount '{destination: "/proc/self/attr", type: "bind", source: ($t + "/attr"), options: ["bind"]}'
	both_refused "nothing can be mounted inside /proc"
	config '.mounts[-1].destination = "/proc/sys"'
	both_refused "nothing can be mounted inside /proc"
	config '.mounts[-1] = {destination: "/proc/cpuinfo", type: "bind", source: $s, options: ["bind", "ro"]}' --arg s "$T/cpuinfo"
	config '.process.args = ["cat", "/proc/cpuinfo"]'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = fake ]
}
