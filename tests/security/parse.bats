#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# Numbers, names and lengths in hostile forms: taken for exactly what they are, or refused before
# anything runs. Each test says which weakening of the source makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

setup() {
	bryo_setup
	insider_bundle
	# an image that would like to be asked
	printf '%s\n' 1000:x:0:0::/:/bin/sh 1:x:0:0::/:/bin/sh +1:x:0:0::/:/bin/sh 0x3e8:x:0:0::/:/bin/sh \
		4294967296:x:0:0::/:/bin/sh 2147483648:x:0:0::/:/bin/sh :x:0:0::/:/bin/sh >>"$BUNDLE/rootfs/etc/passwd"
	printf '%s\n' 1000:x:0: 2:x:0: >>"$BUNDLE/rootfs/etc/group"
}

start_sleeper() {
	args sleep 1000
	run_detached
}

# exec_refused OPTION VALUE: 255 (1 for what the command line alone tells), and the program did not run
exec_refused() {
	run bryo exec "$1" "$2" "$ID" /bin/insider report
	[[ $status -eq 255 || $status -eq 1 ]] && [[ $output != *"bounding "* && $output == *bryo:* ]] && return
	echo "exec $1 '$2': status $status: $output" >&2
	return 1
}

# run_refused: 1, one message, the program did not run
run_refused() {
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ] && [[ $output == *bryo:* && $output != *"bounding "* && $output != *"ended before"* ]] && [ ! -e "$ROOT/$ID" ] && return
	echo "status $status: $output" | cut -c1-500 >&2
	return 1
}

# fails if user_parse() takes strtoul, or looks names up (CVE-2016-3697, CVE-2026-30892, CVE-2026-46680)
@test "exec --user takes decimal numbers only" {
	local user

	start_sleeper
	for user in "" : 1: :2 1:2: 1:2:3 +1 -1 " 1" "1 " $'1\n' 0x3e8 0x1:0 1:0x1 1e3 1.0 root user root:root 1:root \
		4294967295 4294967296 1:4294967295 1:4294967296 18446744073709551616 99999999999999999999999999 ١ 1,2; do
		exec_refused --user "$user"
	done
}

# fails if user_parse() drops the number, or takes the image's word for it
@test "exec --user NUMBER is that number, whatever passwd of the image says" {
	[ "$(id -u)" = 0 ] && in_initial_userns || requires subid
	local user want

	start_sleeper
	for user in 0:0 1:1000 1000:1 1000 1 00001000 1:2; do
		run bryo exec --user "$user" "$ID" /bin/insider report
		[ "$status" -eq 0 ]
		want=$((10#${user%%:*}))
		[ "$(fact uid)" = "$want $want $want" ]
		[[ $user == *:* ]] && want=${user#*:} || want=0
		[ "$(fact gid)" = "$want $want $want" ]
	done
	for user in 2147483647 2147483648 4294967294; do
		run bryo exec --user "$user" "$ID" /bin/insider report
		[ "$status" -eq 255 ] || [ "$(fact uid)" = "$user $user $user" ]
	done
}

# fails if a number of config.json may be text, negative, broken or too large
@test "process.user in config.json takes unsigned numbers only" {
	local value

	args /bin/insider report
	for value in '"1000"' -1 1.5 4294967295 4294967296 18446744073709551616 '[0]' '{}' true; do
		config ".process.user = {uid: 0, gid: 0}"
		sed -i "0,/\"uid\": 0/s//\"uid\": $value/" "$BUNDLE/config.json"
		run_refused
		config ".process.user = {uid: 0, gid: 0}" 2>/dev/null
		sed -i "0,/\"gid\": 0/s//\"gid\": $value/" "$BUNDLE/config.json"
		run_refused
		config ".process.user = {uid: 0, gid: 0}" 2>/dev/null
	done
}

# fails if capability_from_name() takes numbers, lists or "all": what is no name gives nothing, and is told
@test "exec --cap takes names of capabilities only" {
	local cap before

	start_sleeper
	run bryo exec "$ID" /bin/insider report
	before=$(grep -E '^(inheritable|permitted|effective|bounding|ambient) ' <<<"$output")
	[ "$(wc -l <<<"$before")" -eq 5 ]
	for cap in "" CAP_ CAP_NOPE 13 0x2000 CAP_13 ALL all CAP_ALL "CAP_NET_RAW,CAP_SYS_ADMIN" "CAP_NET_RAW " CAP_NET_RAW+ep; do
		run --separate-stderr bryo exec --cap "$cap" "$ID" /bin/insider report
		[ "$status" -eq 0 ]
		[ "$(grep -E '^(inheritable|permitted|effective|bounding|ambient) ' <<<"$output")" = "$before" ]
		[ "$stderr" = "bryo: warning: --cap: '$cap' is left out (no such capability is known)" ]
	done
	run bryo exec --cap CAP_SYS_ADMIN "$ID" /bin/insider report
	[ "$(grep -E '^(inheritable|permitted|effective|bounding|ambient) ' <<<"$output")" != "$before" ]
}

# fails if exec_gids() takes strtoul
@test "exec --additional-gids takes decimal numbers only" {
	local gid

	start_sleeper
	for gid in "" -1 +1 0x1 "1 " 1: root 4294967295 4294967296 99999999999999999999; do
		exec_refused --additional-gids "$gid"
	done
}

# fails without state_id_check() (a path in an ID would name a directory elsewhere)
@test "an ID is a plain name, for every command" {
	local id verb

	args true
	mkdir "$T/elsewhere"
	touch "$T/elsewhere/record.json"
	for id in "" . .. ../elsewhere a/b /a a/ "a b" $'a\nb' 'a*' "$(printf 'x%.0s' {1..1025})" é; do
		for verb in run create; do
			run bryo $verb -b "$BUNDLE" -- "$id"
			[ "$status" -eq 1 ]
		done
		for verb in state start delete "delete --force"; do
			# shellcheck disable=SC2086
			run bryo $verb -- "$id"
			[ "$status" -eq 1 ]
		done
	done
	[ -e "$T/elsewhere/record.json" ]
	[ -z "$(ls "$ROOT")" ]
}

# fails if a length is held in 16 bits, or a buffer is not asked for its size (CVE-2021-43784)
@test "long values: a clean refusal, never a crash or a shorter value" {
	local n long

	for n in 65535 65536 70000; do
		long=$(printf 'x%.0s' $(seq "$n"))
		args /bin/insider report
		for edit in '.process.cwd = "/" + $l' '.hostname = $l' '.root.path = $l' '.process.args[0] = "/" + $l' \
			'.mounts += [{destination: ("/" + $l), type: "tmpfs", source: "tmpfs"}]' \
			'.linux.devices = [{path: ("/dev/" + $l), type: "c", major: 1, minor: 3}]' \
			'.linux.maskedPaths = ["/" + $l]' '.linux.sysctl = {("net." + $l): "1"}' \
			'.mounts += [{destination: "/tmp", type: "bind", source: ("/" + $l), options: ["bind"]}]' \
			'.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=" + $l]}]' \
			'.linux.namespaces += [{type: "time", path: ("/" + $l)}]'; do
			cp "$BUNDLE/config.json" "$T/config.json"
			echo "\"$long\"" >"$T/long"
			config '$long[0] as $l | '"$edit" --slurpfile long "$T/long"
			run_refused
			cp "$T/config.json" "$BUNDLE/config.json"
		done
		config '.process.args = ["sh", "-c", "echo ${#LONG}"] | .process.env += ["LONG=" + $long[0]]' --slurpfile long "$T/long"
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 0 ]
		[ "$output" = "$n" ]
		config '.process.env |= map(select(startswith("LONG=") | not))'
	done
}

# fails if text is cut at a NUL, so that another path is meant than was checked
@test "a NUL in a string is refused" {
	local edit

	args /bin/insider report
	for edit in '.process.cwd = "/\u0000"' '.process.args[0] = "/bin/insider\u0000x"' '.root.path = "rootfs\u0000"' \
		'.mounts += [{destination: "/tmp\u0000", type: "tmpfs", source: "tmpfs"}]' '.process.env += ["A=\u0000"]' \
		'.linux.maskedPaths = ["/proc\u0000"]'; do
		cp "$BUNDLE/config.json" "$T/config.json"
		config "$edit"
		run_refused
		cp "$T/config.json" "$BUNDLE/config.json"
	done
}

# fails without check_key() in sysctl.c: the write would change the whole host, or leave /proc/sys
@test "a sysctl names one of the container's own namespaces, and nothing else" {
	local key

	args /bin/insider report
	for key in kernel.core_pattern kernel/core_pattern net/../kernel/core_pattern net...kernel.core_pattern \
		/net/ipv4/ip_forward net//ipv4 ../net/x vm.swappiness "" . / net kernel.msgmaxx net.ipv4.ip_forward/../../x; do
		config '.linux.sysctl = {($k): "1"}' --arg k "$key"
		run_refused
	done
}

# fails without the checks of idmap_math.c (CVE-2018-18955)
@test "ID maps that overlap, or have IDs that are not the caller's, are refused" {
	local maps

	args /bin/insider report
	config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}]'
	for maps in '{containerID: 0, hostID: 200000, size: 10}, {containerID: 5, hostID: 300000, size: 10}' \
		'{containerID: 0, hostID: 200000, size: 10}, {containerID: 20, hostID: 200005, size: 10}' \
		'{containerID: 0, hostID: 200000, size: 0}' '{containerID: 4294967290, hostID: 200000, size: 10}' \
		'{containerID: 0, hostID: 4294967290, size: 10}' '{containerID: 0, hostID: 1, size: 4294967296}'; do
		config ".linux.uidMappings = [$maps] | .linux.gidMappings = [$maps]"
		run_refused
		run bryo plan -b "$BUNDLE" "$ID" # the kernel would refuse it as well, but later
		[ "$status" -eq 1 ]
	done
	[ "$(id -u)" != 0 ] || ! in_initial_userns || return 0
	for maps in '{containerID: 0, hostID: 0, size: 1}' '{containerID: 0, hostID: 1, size: 1}' \
		'{containerID: 0, hostID: 4000000000, size: 2}'; do
		[[ $(id -u) == 0 && $maps == *"hostID: 0,"* ]] && continue
		config ".linux.uidMappings = [$maps] | .linux.gidMappings = [$maps]"
		run_refused
		run bryo plan -b "$BUNDLE" "$ID" # the kernel would refuse it as well, but later
		[ "$status" -eq 1 ]
	done
}
