#!/usr/bin/env bats
# bryo plan: what create would do, for people and for programs, and no trace of it on the host.
# The same plans for other machines than this one are in tests/golden.

bats_require_minimum_version 1.5.0
load ../lib/bryo

plan() {
	run --separate-stderr bryo plan -b "$BUNDLE" "$@" "$ID"
	[ "$status" -eq 0 ] || { echo "$stderr" >&2; return 1; }
}
json() { plan --format json && jq . <<<"$output" >"$T/plan.json"; }
q() { jq -r "$@" "$T/plan.json"; }

rich() { # a bundle that uses every part of a plan
	requires seccomp
	make_bundle
	config '.hostname = "box" | .domainname = "example.test"
		| .process.args = ["sh", "-c", "true"] | .process.cwd = "/tmp" | .process.env = ["PATH=/bin", "TOKEN=hunter2"]
		| .process.user.umask = 63
		| .process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0}]
		| .process.capabilities = {bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: [], ambient: []}
		| .mounts += [{destination: "/data", type: "bind", source: "here", options: ["rbind", "ro", "nosuid", "rnoexec", "private"]},
			{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m", "noatime"]}]
		| .linux.namespaces |= map(select(.type != "network" and .type != "time")) + [{type: "time"}]
		| .linux.timeOffsets = {boottime: {secs: 7}}
		| .linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 5}]
		| .linux.sysctl = {"kernel.msgmax": "4321"}
		| .linux.maskedPaths = ["/proc/kcore"] | .linux.readonlyPaths = ["/proc/bus"]
		| .linux.rootfsPropagation = "private"
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO"}]}
		| .hooks = {poststart: [{path: "/bin/true"}], createContainer: [{path: "/bin/echo", args: ["echo", "x"]}]}'
	mkdir -p "$BUNDLE/here"
}

snapshot() { # what a plan could have touched
	find "$T" -path "$T/snapshot*" -prune -o -printf '%p %m %U:%G %s %T@ %C@\n' | sort
	cat /proc/self/mountinfo
}

@test "plan changes nothing on the host, even with an unused state directory" {
	rich
	rmdir "$ROOT"
	touch "$T/snapshot1" "$T/snapshot2"
	snapshot >"$T/snapshot1"
	for f in text json; do
		run --separate-stderr bryo plan -b "$BUNDLE" --format $f "$ID"
		[ "$status" -eq 0 ]
	done
	[ ! -e "$ROOT" ]
	snapshot >"$T/snapshot2"
	diff "$T/snapshot1" "$T/snapshot2"
	mkdir -m 700 "$ROOT"
	run bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	run find "$ROOT" -mindepth 1
	[ -z "$output" ]
}

@test "JSON has every part: namespaces, maps, mounts, devices, masks, credentials, filters" {
	rich
	json
	[ "$(q .id)" = "$ID" ]
	[ "$(q .bundle)" = "$BUNDLE" ]
	for n in pid mount ipc time; do
		[ "$(q ".namespaces.$n")" = new ]
	done
	[ "$(q .namespaces.network)" = shared ]
	[ "$(q '.root | "\(.kind) \(.path) \(.propagation) \(.pivot)"')" = "plain $BUNDLE/rootfs private true" ]
	[ "$(q '.mounts[] | select(.target == "/data") | "\(.action) \(.source) \(.attributes) \(.recursiveAttributes) \(.propagation)"')" = \
		"rbind $BUNDLE/here ro,nosuid noexec private" ]
	[ "$(q '.mounts[] | select(.target == "/t") | "\(.action) \(.type) \(.attributes) \(.data | join(","))"')" = "mount tmpfs noatime size=1m" ]
	[ "$(q '[.devices[].path] | index("/dev/null") != null')" = true ]
	[ "$(q '.devices[] | select(.path == "/dev/zero") | "\(.type) \(.major):\(.minor)"')" = "c 1:5" ]
	[ "$(q '.maskedPaths + .readonlyPaths | join(" ")')" = "/proc/kcore /proc/bus" ]
	[ "$(q '.hostname, .domainname' | tr '\n' ' ')" = "box example.test " ]
	[ "$(q '.sysctls | length')" -eq 1 ]
	[ "$(q .timeOffsets.boottime.secs)" = 7 ]
	[ "$(q '.process.args | join(" ")')" = "sh -c true" ]
	[ "$(q '.process | "\(.cwd) \(.terminal) \(.user.uid):\(.user.gid) \(.user.umask) \(.noNewPrivileges)"')" = "/tmp false 0:0 63 true" ]
	[ "$(q '.process.capabilities | "\(.bounding) \(.effective) \(.permitted) \(.inheritable) \(.ambient)"')" = \
		'["CAP_KILL"] ["CAP_KILL"] ["CAP_KILL"] [] []' ]
	[ "$(q '.process.rlimits[0].type')" = RLIMIT_CORE ]
	[ "$(q '.seccomp.defaultAction')" = SCMP_ACT_ALLOW ]
	[ "$(q '.hooks | "\(.createContainer[0]) \(.poststart[0])"')" = "/bin/echo /bin/true" ]
	[ "$(q '.cgroup.backend')" = none ]
	if [ "$(id -u)" != 0 ]; then
		[ "$(q '.idMap.uid[0] | "\(.containerID) \(.hostID)"')" = "0 $(id -u)" ]
		[ "$(q '.idMap.gid[0] | "\(.containerID) \(.hostID)"')" = "0 $(id -g)" ]
	fi
}

@test "text has the same parts" {
	rich
	plan
	for w in "container '$ID' from $BUNDLE" namespaces "root" "plain $BUNDLE/rootfs" "mounts, in this order" \
		"rbind   /data" "(all below: noexec)" "size=1m" devices /dev/zero masked /proc/kcore read-only /proc/bus \
		"kernel.msgmax" box example.test "sh -c true" "/tmp" "umask 077" CAP_KILL RLIMIT_CORE \
		"SCMP_ACT_ALLOW" "hook poststart" /bin/echo "boottime"; do
		has_line "$w"
	done
}

@test "no value of an environment variable is printed, nor its name's neighbour" {
	rich
	plan
	[[ $output != *hunter2* ]]
	json
	run ! grep hunter2 "$T/plan.json"
}

@test "each adaptation is there with its field and its reason" {
	requires userns
	[ "$(id -u)" != 0 ] || skip "needs user: root adapts nothing"
	make_bundle
	config '.linux.namespaces |= map(select(.type != "user" and .type != "network" and .type != "cgroup"))
		| del(.linux.uidMappings, .linux.gidMappings)
		| (.mounts[] | select(.type == "devpts") | .options) += ["gid=99999"]
		| .linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 384}]'
	json
	[ "$(q '[.notes[] | select(.kind == "adapted" or .kind == "warning") | select(.field == "" or .what == "" or .why == "" or .why == null)] | length')" = 0 ]
	for w in "added a user namespace" "the caller's $(id -u)" "read-only bind of the host's /sys" \
		"read-only bind of the host's /sys/fs/cgroup" "dropped the option 'gid=99999'" "mode and owner stay the host's"; do
		q '.notes[].what' | grep -qF "$w" || { echo "not there: $w" >&2; return 1; }
	done
	plan
	[ "$(grep -c '^      because ' <<<"$output")" -eq "$(q '.notes | length')" ]
}

@test "what cannot start is marked in what could be planned; the exit code and the errors are create's" {
	make_bundle
	config '.process.cwd = "relative" | .linux.maskedPaths = ["x"] | .linux.mountLabel = "x"'
	run --separate-stderr bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	grep -qx "refused, so the container would not start" <<<"$output"
	has_line "  x process.cwd: 'relative' is not absolute"
	planned=$stderr
	run --separate-stderr bryo plan -b "$BUNDLE" --format json "$ID"
	[ "$status" -eq 1 ]
	[ "$stderr" = "$planned" ]
	jq -e '[.marks[] | select(.kind == "refused" and .field != "" and .reason != "")] | length >= 2' <<<"$output"
	run --separate-stderr bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ "$stderr" = "$planned" ]
}

@test "a rootfs, a bind source or a device that is not there is found by the plan" {
	make_bundle
	cp "$BUNDLE/config.json" "$T/keep.json"
	config '.root.path = "nothing"'
	run --separate-stderr bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ $stderr == *"root file system '$BUNDLE/nothing'"* ]]
	cp "$T/keep.json" "$BUNDLE/config.json"
	config '.mounts += [{destination: "/m", source: "/nothing", options: ["bind"]}]'
	run --separate-stderr bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ $stderr == *"/nothing"* ]]
}

@test "mounts are in the order in which they are made, with their final attributes" {
	make_bundle
	config '.mounts = [{destination: "/proc", type: "proc", source: "proc"},
		{destination: "/a", type: "tmpfs", source: "t", options: ["ro", "rw", "nosuid", "suid", "nodev"]},
		{destination: "/a/../b/./", type: "tmpfs", source: "t", options: ["noatime", "strictatime"]}]'
	json
	[ "$(q '[.mounts[].target] | join(" ")')" = "/proc /a /b" ]
	[ "$(q '.mounts[1].attributes')" = nodev ]
	[ "$(q '.mounts[2].attributes')" = strictatime ]
}

@test "the plan says what is: attributes and maps are those of the container" {
	requires userns
	make_bundle
	config '.mounts += [{destination: "/t", type: "tmpfs", source: "t", options: ["ro", "nosuid", "noexec"]}]'
	json
	args sh -c 'cat /proc/self/uid_map; awk "\$5 == \"/t\" { print \$6 }" /proc/self/mountinfo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "${lines[-1]}" = "$(q '.mounts[] | select(.target == "/t") | .attributes'),relatime" ]
	if [ "$(q .idMap)" != null ]; then
		[ "$(head -n -1 <<<"$output" | awk '{ print $1, $2, $3 }')" = "$(q '.idMap.uid[] | "\(.containerID) \(.hostID) \(.size)"')" ]
	fi
}

# covers: plan --host
@test "a plan for another machine needs nothing of this one" {
	make_bundle
	echo '{"user": "bob", "uid": 1234, "gid": 1234, "subuids": [], "subgids": []}' >"$T/host.json"
	config 'del(.linux.uidMappings, .linux.gidMappings)
		| .linux.namespaces |= map(select(.type != "user")) | .process.user = {uid: 0, gid: 0}'
	plan --host "$T/host.json" --format json
	[ "$(jq -c '.idMap.uid' <<<"$output")" = '[{"containerID":0,"hostID":1234,"size":1}]' ]
	echo '{"user": 7}' >"$T/host.json"
	run bryo plan -b "$BUNDLE" --host "$T/host.json" "$ID"
	[ "$status" -eq 1 ]
	has_line "$T/host.json"
}
