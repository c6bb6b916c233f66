#!/usr/bin/env bats
# Namespaces made, shared and joined by path; what depends on them: ID maps, names, time offsets.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() { bryo_setup; }
teardown() {
	local p

	for p in $PIDS; do
		kill -9 "$p" 2>/dev/null || true
	done
	bryo_teardown
}

LINKS="user pid net ipc uts cgroup time mnt"
PIDS=

inside() { # the program's own namespaces, "net net:[123]"
	args sh -c "for n in $LINKS; do echo \$n \$(readlink /proc/self/ns/\$n); done"
	bryo run -b "$BUNDLE" "$ID" >"$T/inside"
}
ns_of() { awk -v n="$1" '$1 == n { print $2 }' "$T/inside"; }
without() { config '.linux.namespaces |= map(select(.type != $t))' --arg t "$1"; }
with() { # with TYPE [PATH]
	without "$1"
	config '.linux.namespaces += [{type: $t} + if $p == "" then {} else {path: $p} end]' --arg t "$1" --arg p "${2-}"
}
single_map() { # single_map [CONTAINER ID]
	with user
	config '.linux.uidMappings = [{containerID: $c, hostID: $u, size: 1}]
		| .linux.gidMappings = [{containerID: $c, hostID: $g, size: 1}]
		| .process.user = {uid: $c, gid: $c}' \
		--argjson c "${1:-0}" --argjson u "$(id -u)" --argjson g "$(id -g)"
}

refuses() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

# holder OPTION...: a process with namespaces of its own, made by unshare; its pid is in $holder
holder() {
	# unshare --fork has its namespaces in the child
	unshare "$@" --fork sh -c 'echo ready; exec sleep 60' >"$T/ready" 3>&- &
	PIDS="$PIDS $!"
	local parent=$!
	wait_for 20 grep -q ready "$T/ready"
	holder=$(cat "/proc/$parent/task/$parent/children")
	holder=${holder%% *}
	PIDS="$holder $PIDS"
}

# --------------------------------------------------------------------------------- made

# covers: linux.namespaces[].type
@test "each namespace that is listed is the container's own" {
	make_bundle
	for t in pid network ipc uts mount cgroup time; do
		with $t
	done
	inside
	for n in pid net ipc uts mnt cgroup time; do
		[ -n "$(ns_of $n)" ]
		[ "$(ns_of $n)" != "$(readlink "/proc/self/ns/$n")" ] || { echo "$n is shared" >&2; return 1; }
	done
}

@test "each namespace that is not listed is the caller's" {
	make_bundle
	config 'del(.hostname)'
	for t in network uts cgroup time; do
		without $t
	done
	inside
	for n in net uts cgroup time; do
		[ "$(ns_of $n)" = "$(readlink "/proc/self/ns/$n")" ]
	done
}

@test "without a user namespace: root has none, an ordinary user gets one" {
	make_bundle
	without user
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	inside
	if [ "$(id -u)" = 0 ]; then
		[ "$(ns_of user)" = "$(readlink /proc/self/ns/user)" ]
	else
		[ "$(ns_of user)" != "$(readlink /proc/self/ns/user)" ]
	fi
}

@test "a new network namespace has a loopback that is up, and nothing else" {
	make_bundle
	with network
	args sh -c 'ls /sys/class/net; cat /proc/net/dev | wc -l; ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 || ip addr show lo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "${lines[0]}" = lo ]
	[ "${lines[1]}" = 3 ]
	[ -z "${lines[2]-}" ] || has_line UP,LOWER_UP
}

@test "the program of a new pid namespace is process 1" {
	make_bundle
	# shellcheck disable=SC2016
	args sh -c 'echo $$'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = 1 ]
}

@test "a new cgroup namespace begins at the container's own cgroup" {
	make_bundle
	with cgroup
	args grep '^0:' /proc/self/cgroup
	run bryo run -b "$BUNDLE" "$ID"
	[ -z "$output" ] || [ "$output" = 0::/ ]
}

@test "an unknown, doubled or relative namespace is refused by name" {
	make_bundle
	cp "$BUNDLE/config.json" "$T/keep.json"
	config '.linux.namespaces += [{type: "net"}]'
	refuses "unknown namespace type 'net'"
	cp "$T/keep.json" "$BUNDLE/config.json"
	config '.linux.namespaces += [{type: "pid"}]'
	refuses "'pid' is listed twice"
	cp "$T/keep.json" "$BUNDLE/config.json"
	with network some/where
	refuses "'some/where' is not absolute"
}

@test "a container without a mount namespace is refused" {
	make_bundle
	without mount
	refuses "there is no mount namespace"
}

# ------------------------------------------------------------------------------- joined

# covers: linux.namespaces[].path
@test "ipc, uts, net, cgroup, time and pid are joined by path" {
	[ "$(id -u)" = 0 ] || skip "needs root, if only of a user namespace: who made these namespaces"
	make_bundle
	holder --net --ipc --uts --cgroup --time --pid
	config 'del(.hostname)'
	for t in network:net ipc uts cgroup time pid; do
		with "${t%:*}" "/proc/$holder/ns/${t#*:}"
	done
	config '.mounts |= map(select(.type != "mqueue" and .type != "proc"))
		| .mounts = [{destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]}] + .mounts
		| del(.linux.maskedPaths, .linux.readonlyPaths)'
	inside
	for n in net ipc uts cgroup time pid; do
		[ -n "$(readlink "/proc/$holder/ns/$n")" ]
		# without a pid namespace of that procfs the links cannot be read: look from outside then
		[ "$(ns_of $n)" = "$(readlink "/proc/$holder/ns/$n")" ] || { echo "$n is not joined" >&2; cat "$T/inside" >&2; false; }
	done
}

@test "net, ipc and uts of another container are joined" {
	[ "$(id -u)" = 0 ] && in_initial_userns || skip "needs root: others join the user namespace too"
	make_bundle
	args sleep 60
	run_detached other
	pid=$(bryo state other | jq .pid)
	config 'del(.hostname)'
	for t in network:net ipc uts pid; do
		with "${t%:*}" "/proc/$pid/ns/${t#*:}"
	done
	inside
	for n in net ipc uts pid; do
		[ "$(ns_of $n)" = "$(readlink "/proc/$pid/ns/$n")" ]
	done
	[ "$(ns_of mnt)" != "$(readlink "/proc/$pid/ns/mnt")" ]
	# the other one's processes are seen, because its pid namespace is shared
	args ps
	run bryo run -b "$BUNDLE" "$ID"
	has_line "sleep 60"
	[ "$(state_of other)" = running ]
}

join_user_and_more() { # of the running container "other"
	local pid

	pid=$(bryo state other | jq .pid)
	for t in user network:net ipc uts; do
		with "${t%:*}" "/proc/$pid/ns/${t#*:}"
	done
	config 'del(.hostname, .linux.uidMappings, .linux.gidMappings)'
	inside
	for n in user net ipc uts; do
		[ "$(ns_of $n)" = "$(readlink "/proc/$pid/ns/$n")" ] || { echo "$n is not joined" >&2; return 1; }
	done
	[ "$(ns_of pid)" != "$(readlink "/proc/$pid/ns/pid")" ]
	args sh -c 'cat /proc/self/uid_map; id -u; hostname'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(grep -c . <<<"$output")" -ge 3 ]
	grep -v '[^0-9 ]' <<<"$output" >"$T/map"
	head -n -1 "$T/map" >"$T/map2"
	diff -w "$T/map2" "/proc/$pid/uid_map"
	[ "$(tail -n 1 "$T/map")" = 0 ]
	[ "${lines[-1]}" = theirs ]
}

@test "user and network of another container of one's own are joined: one mapped ID" {
	requires userns
	make_bundle
	single_map
	config '.hostname = "theirs"'
	args sleep 60
	run_detached other
	join_user_and_more
}

@test "user and network of another container of one's own are joined: subordinate IDs" {
	requires user subid
	make_bundle
	config '.hostname = "theirs"'
	args sleep 60
	run_detached other
	join_user_and_more
}

@test "a user namespace by path has its own map, and that of the config is not taken" {
	requires userns
	make_bundle
	single_map
	args sleep 60
	run_detached other
	with user "/proc/$(bryo state other | jq .pid)/ns/user"
	config '.linux.uidMappings = [{containerID: 0, hostID: 12345, size: 7}]'
	args cat /proc/self/uid_map
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(awk '{ print $1, $2, $3 }' <<<"${lines[-1]}")" = "0 $(id -u) 1" ]
}

@test "a namespace of another type, or one that is not there, is refused by name" {
	make_bundle
	with ipc /proc/self/ns/net
	refuses "join the ipc namespace '/proc/self/ns/net': Invalid argument"
	with ipc "$T/nothing"
	refuses "open the ipc namespace '$T/nothing': No such file or directory"
}

# covers: linux.namespaces.path
@test "a mount namespace by path: its mounts are sources, and it stays as it was" {
	requires userns
	local flags=--mount before

	[ "$(id -u)" = 0 ] && in_initial_userns || flags="--user --map-root-user --mount"
	mkdir "$T/only"
	# shellcheck disable=SC2086,SC2016
	unshare $flags sh -c 'mount -t tmpfs none "$1" && echo there >"$1/file" && touch "$1/ready" && exec sleep 30' \
		sh "$T/only" >/dev/null 2>&1 3>&- &
	PID=$!
	wait_for 10 eval "grep -q '$T/only' /proc/$PID/mountinfo && [ \"\$(cat /proc/$PID/comm)\" = sleep ]"
	make_bundle
	with mount "/proc/$PID/ns/mnt"
	[ "$flags" = --mount ] || with user "/proc/$PID/ns/user"
	config '.mounts += [{destination: "/only", type: "bind", source: $s, options: ["bind"]}]' --arg s "$T/only"
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	args cat /only/file
	before=$(cat "/proc/$PID/mountinfo")
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$(cat "/proc/$PID/mountinfo")" = "$before" ]
	kill "$PID"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = there ]
	[ ! -e "$T/only/file" ]
}

@test "nothing of a failed join is left, and what is joined stays as it was" {
	requires userns
	make_bundle
	single_map
	config '.hostname = "theirs"'
	args sleep 60
	run_detached other
	pid=$(bryo state other | jq .pid)
	with user "/proc/$pid/ns/user"
	with uts "/proc/$pid/ns/uts"
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	# the name is set in the joined namespace, as runc does it; a failure after that takes the container away
	args /nothing
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[ "$(bryo list -q)" = other ]
	[ "$(state_of other)" = running ]
}

# ------------------------------------------------------------------------------ ID maps

maps() { # "0 1000 1" of uid_map and gid_map, one line each
	args sh -c 'cat /proc/self/uid_map; echo; cat /proc/self/gid_map'
	bryo run -b "$BUNDLE" "$ID" | awk '{ $1 = $1 } 1'
}

@test "uidMappings and gidMappings of one ID: the caller's, root inside or not" {
	requires userns
	make_bundle
	for c in 0 1000 65533; do
		single_map $c
		[ "$(maps)" = "$(printf '%s 1\n\n%s 1' "$c $(id -u)" "$c $(id -g)")" ]
	done
	args cat /proc/self/setgroups
	run bryo run -b "$BUNDLE" "$ID"
	[ "$(id -u)" = 0 ] || [ "$output" = deny ]
}

@test "no mappings: all IDs that the caller owns" {
	requires user subid
	make_bundle
	with user
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	run maps
	[ "${lines[0]}" = "0 $(id -u) 1" ]
	[[ ${lines[1]} == "1 $first "* ]]
	args cat /proc/self/setgroups
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = allow ]
}

# covers: linux.uidMappings[].containerID linux.uidMappings[].hostID linux.uidMappings[].size
# covers: linux.gidMappings
@test "the config's own mappings over a subordinate range" {
	requires user subid
	make_bundle
	with user
	u=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	g=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subgid)
	config '.linux.uidMappings = [{containerID: 0, hostID: ($u + 10), size: 100}, {containerID: 1000, hostID: $own, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: ($g + 10), size: 200}]' \
		--argjson u "$u" --argjson g "$g" --argjson own "$(id -u)"
	chmod -R a+rX "$BUNDLE"
	[ "$(maps)" = "$(printf '0 %s 100\n1000 %s 1\n\n0 %s 200' $((u + 10)) "$(id -u)" $((g + 10)))" ]
	chmod 711 "$BUNDLE"
}

@test "root gives any mapping" {
	requires root
	make_bundle
	with user
	config '.linux.uidMappings = [{containerID: 0, hostID: 4000000, size: 5}, {containerID: 10, hostID: 5000000, size: 1000}]
		| .linux.gidMappings = [{containerID: 0, hostID: 6000000, size: 65536}]'
	chmod -R a+rX "$T"
	[ "$(maps)" = "$(printf '0 4000000 5\n10 5000000 1000\n\n0 6000000 65536')" ]
}

@test "mappings that overlap, are not owned, or have no namespace are refused by name" {
	make_bundle
	with user
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 2}, {containerID: 1, hostID: 5000, size: 2}]
		| .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}]'
	refuses_all "linux.uidMappings: [0] and [1] both hold container uid 1"
}

@test "mappings without a user namespace: refused for root, a user gets the namespace" {
	make_bundle
	single_map
	without user
	if [ "$(id -u)" = 0 ]; then
		refuses_all "no user namespace is enabled"
	else
		[ "$(maps)" = "$(printf '0 %s 1\n\n0 %s 1' "$(id -u)" "$(id -g)")" ]
	fi
}

refuses_all() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
}

@test "an ID that the caller does not own is refused, naming it" {
	requires user
	in_initial_userns || skip "needs the initial user namespace"
	make_bundle
	with user
	config '.linux.uidMappings = [{containerID: 0, hostID: 3999999999, size: 2}]
		| .linux.gidMappings = [{containerID: 0, hostID: 3999999999, size: 2}]'
	refuses_all 3999999999
}

# -------------------------------------------------------------------- names and the clock

# covers: hostname domainname
@test "hostname and domainname are set" {
	make_bundle
	with uts
	config '.hostname = "box-1" | .domainname = "example.test"'
	args sh -c 'hostname; cat /proc/sys/kernel/domainname'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = "$(printf 'box-1\nexample.test')" ]
	[ "$(cat /proc/sys/kernel/hostname)" != box-1 ]
}

@test "hostname and domainname without a uts namespace are refused" {
	make_bundle
	without uts
	config '.hostname = "box-1"'
	refuses "hostname needs a uts namespace"
	config 'del(.hostname) | .domainname = "example.test"'
	refuses "domainname needs a uts namespace"
	config '.hostname = "" | .domainname = ""'
	args echo good
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = good ]
}

# covers: linux.timeOffsets.monotonic linux.timeOffsets.boottime linux.timeOffsets.*.secs
# covers: linux.timeOffsets.*.nanosecs
@test "timeOffsets move the clocks" {
	make_bundle
	with time
	config '.linux.timeOffsets = {monotonic: {secs: 1000, nanosecs: 5}, boottime: {secs: 86400000}}'
	args sh -c 'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	grep -qE '^monotonic +1000 +5$' <<<"$output"
	grep -qE '^boottime +86400000 +0$' <<<"$output"
	[ "${lines[2]}" -ge 86400000 ]
}

@test "timeOffsets without a new time namespace, or impossible ones, are refused" {
	make_bundle
	config '.linux.timeOffsets = {monotonic: {secs: 1}}'
	refuses "linux.timeOffsets needs a new time namespace"
	with time /proc/self/ns/time
	refuses "linux.timeOffsets needs a new time namespace"
	with time
	config '.linux.timeOffsets = {boottime: {secs: -999999999}}'
	refuses "linux.timeOffsets: "
}

@test "ps and kill --all of a container in another's pid namespace leave the others alone" {
	requires userns
	make_bundle
	args sh -c 'sleep 1031 & wait'
	run_detached
	PID=$(bryo state "$ID" | jq .pid)
	with pid "/proc/$PID/ns/pid"
	in_initial_userns && [ "$(id -u)" = 0 ] || with user "/proc/$PID/ns/user"
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	args sh -c 'trap "exit 0" TERM; sleep 1032 & wait'
	run_detached "$ID-b"
	wait_for 10 eval "[ \$(bryo ps -f json $ID-b | jq length) = 2 ]"
	bryo kill --all "$ID-b" TERM
	wait_for_status stopped "$ID-b"
	[ "$(state_of)" = running ]
	[ "$(bryo ps -f json "$ID" | jq length)" -ge 2 ]
}
