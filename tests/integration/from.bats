#!/usr/bin/env bats
# `spec --from`: a config.json of anybody's becomes one that this caller can run. The documents are
# what engines really write: tests/golden/engines.

bats_require_minimum_version 1.5.0
load ../lib/bryo

ENGINES=$BATS_TEST_DIRNAME/../golden/engines

setup() {
	bryo_setup
	mkdir -p "$BUNDLE"
	make_rootfs "$BUNDLE/rootfs"
}

# from FILE [OPTION...]: $BUNDLE/config.json from it; what was said is in $T/said
from() {
	bryo spec --from "$1" --bundle "$BUNDLE" --file config.json "${@:2}" 2>"$T/said" ||
		{ local rc=$?; cat "$T/said" >&2; return $rc; }
}

# base [FILTER [JQ OPTION...]]: $T/base.json, a document of root's with changes
base() {
	local filter=${1:-.}

	shift || true
	jq "$filter" "$@" "$ENGINES/runc-spec.json" >"$T/base.json"
}

# ours: our root file system and our sources instead of those that do not exist here
ours() {
	mkdir -p "$T/volume"
	echo ours >"$T/source"
	# shellcheck disable=SC2016
	config '.root.path = "rootfs" | .process.terminal = false | .mounts |= map(
		if .source | strings | test("^/(srv|var/lib/containers|run/containers|run/user|home)/") then
			.source = if .destination | test("^/(data|dev/shm)$") then $volume else $file end
		else . end)' --arg volume "$T/volume" --arg file "$T/source"
}

said() { # said TEXT
	grep -qF -- "$1" "$T/said" || { cat "$T/said" >&2; return 1; }
}

quiet() { # quiet TEXT: it was not said
	! grep -F -- "$1" "$T/said" >&2
}

plan_of() { # plan_of FILE: without its notes and marks
	jq '.process.terminal = false' "$1" >"$T/plan.json"
	bryo plan --bundle "$BUNDLE" --config "$T/plan.json" --format json box | jq 'del(.notes, .marks)'
}

# Neither root of the machine nor of a user namespace.
requires_nobody() {
	requires user userns
	[ "$(id -u)" != 0 ] || skip "needs an ordinary user: the caller is root of a user namespace"
}

# Adapted and run, with a busybox in place of the engine's image.
engine() { # engine NAME
	requires userns
	! grep -q '"seccomp"' "$ENGINES/$1.json" || requires seccomp
	from "$ENGINES/$1.json"
	ours
	# shellcheck disable=SC2016
	args sh -c 'echo "$(id -u):$(id -g) $(cat /proc/1/comm)"; grep NoNewPrivs /proc/self/status'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { cat "$T/said"; echo "$output"; return 1; } >&2
}

@test "golden: runc spec" {
	engine runc-spec
	has_line "0:0 sh"
	grep -q 'NoNewPrivs:.1' <<<"$output"
}

@test "golden: runc spec --rootless" {
	engine runc-spec-rootless
	has_line "0:0 sh"
}

@test "golden: crun spec" {
	engine crun-spec
	has_line "0:0 sh"
}

@test "golden: crun spec --rootless" {
	requires user # to root a user namespace without mappings is refused, as runc has it
	engine crun-spec-rootless
	has_line "0:0 sh"
}

@test "golden: podman create, as root" {
	engine podman-root
	has_line "0:0 sh"
}

@test "golden: podman create, as root, with options" {
	requires subid
	engine podman-root-options
	has_line "1000:1000 sh"
}

@test "golden: podman create, as root, privileged" {
	engine podman-root-privileged
	has_line "0:0 sh"
}

@test "golden: podman create, as a user" {
	engine podman-rootless
	has_line "0:0 sh"
}

@test "golden: podman create, as a user, keep-id" {
	engine podman-rootless-keep-id
	has_line "1000:1000 sh"
}

@test "golden: podman create, as a user, on the host's network" {
	engine podman-rootless-host
	has_line "0:0 sh"
}

@test "golden: containerd" {
	engine ctr
	has_line "0:0 sh"
}

@test "golden: containerd, with options" {
	engine ctr-options
	has_line "0:0 sh"
}

@test "golden: containerd, privileged, on the host's network" {
	engine ctr-host
	has_line "0:0 sh"
}

# covers: spec --from
@test "what the caller can run already comes back byte for byte" {
	requires userns
	(cd "$BUNDLE" && "$BRYO" spec 3>&-)
	cp "$BUNDLE/config.json" "$T/own.json"
	from "$T/own.json"
	cmp "$T/own.json" "$BUNDLE/config.json"
}

@test "unknown members, their order and numbers are kept as they were written" {
	requires userns
	base '. + {"zebra": {"b": 1, "a": [true, null, "\u00e9\u0001"]}}'
	sed -i 's/"zebra"/"number": 1.50e3, "zebra"/' "$T/base.json"
	from "$T/base.json"
	grep -q '"number": 1.50e3' "$BUNDLE/config.json"
	[ "$(jq -c .zebra "$BUNDLE/config.json")" = "$(jq -c .zebra "$T/base.json")" ]
	diff <(jq -c keys_unsorted "$T/base.json") <(jq -c keys_unsorted "$BUNDLE/config.json")
}

@test "the adapted document has the plan of the original" {
	local name

	requires_nobody
	requires seccomp
	for name in runc-spec crun-spec ctr ctr-host podman-rootless-host; do
		jq 'del(.linux.devices, .process.rlimits) | .root.path = "rootfs" |
			.mounts |= map(select(.source | test("^/(srv|home|run)/") | not))' "$ENGINES/$name.json" >"$T/base.json"
		from "$T/base.json"
		not cmp -s "$T/base.json" "$BUNDLE/config.json"
		plan_of "$T/base.json" >"$T/plan.before"
		plan_of "$BUNDLE/config.json" >"$T/plan.after"
		grep -q '"namespaces"' "$T/plan.after"
		diff "$T/plan.before" "$T/plan.after"
	done
}

@test "what run adapts is written down, with the reason" {
	requires_nobody
	base '.linux.namespaces |= map(select(.type != "network"))'
	from "$T/base.json"
	said "linux.namespaces: added a user namespace (the caller is not root)"
	said "recursive read-only bind of the host's /sys instead of a new sysfs (a new sysfs needs a network namespace of the container's own)"
	[ "$(jq -c '.mounts[] | select(.destination == "/sys") | [.type, .source, .options[0], (.options | any(. == "rro"))]' "$BUNDLE/config.json")" = \
		'["bind","/sys","rbind",true]' ]
	jq -e '.linux.namespaces | any(.type == "user")' "$BUNDLE/config.json"
}

# covers: option gid
@test "the tty group of devpts goes where it is not mapped" {
	requires_nobody
	base
	from "$T/base.json" --idmap single
	said "dropped the option 'gid=5'"
	[ "$(jq -c '[.mounts[].options[]? | select(startswith("gid="))]' "$BUNDLE/config.json")" = '[]' ]
	[ "$(jq -r '.annotations["org.bryo.idmap"]' "$BUNDLE/config.json")" = single ]
}

# covers: org.bryo.clamp process.rlimits process.oomScoreAdj
@test "limits beyond the caller's are clamped by annotation" {
	requires_nobody
	ulimit -Hn 4096
	base '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 9999}] | .process.oomScoreAdj = -900'
	from "$T/base.json"
	said "annotations.org.bryo.clamp: added: limits are lowered to what the caller may set (process.rlimits[0]: RLIMIT_NOFILE: hard limit 9999 is more than the caller's own 4096)"
	said "lowered from 9999 to 4096"
	said "process.oomScoreAdj: raised from -900"
	[ "$(jq -c '[.annotations, .process.rlimits[0].hard]' "$BUNDLE/config.json")" = '[{"org.bryo.clamp":"true"},9999]' ]
	base
	from "$T/base.json"
	jq -e 'has("annotations") | not' "$BUNDLE/config.json"
}

# covers: process.user.additionalGids
@test "of additional groups those go that are not mapped" {
	requires user subid
	base '.process.user.additionalGids = [5, 4000000000, 7, 4000000001]'
	from "$T/base.json"
	said "process.user.additionalGids[1]: left out"
	[ "$(jq -c .process.user.additionalGids "$BUNDLE/config.json")" = '[5,7]' ]
	said "process.user.additionalGids[3]: left out"
	from "$T/base.json" --idmap single
	[ "$(jq -c .process.user.additionalGids "$BUNDLE/config.json")" = '[]' ]
}

# covers: linux.uidMappings linux.gidMappings
@test "mappings of somebody else's IDs become the caller's own" {
	requires_nobody
	base '.linux.namespaces += [{"type": "user"}] | .linux |= (
		.uidMappings = [{"containerID": 0, "hostID": 4000000000, "size": 10}] | .gidMappings = .uidMappings)'
	from "$T/base.json"
	said "linux.uidMappings: left out, with gidMappings: the caller's own IDs are mapped (linux.uidMappings: host uid 4000000000 does not belong to"
	[ "$(jq -c '.linux | [.uidMappings, .gidMappings]' "$BUNDLE/config.json")" = '[null,null]' ]
}

# covers: linux.namespaces.path
@test "namespaces that cannot be joined become new ones" {
	requires_nobody
	base '.linux.namespaces |= map(if .type == "network" then .path = "/run/netns/no-such" elif .type == "ipc" then .path = "/proc/self/ns/ipc" else . end)'
	from "$T/base.json"
	said "a new network namespace instead of the one by path ('/run/netns/no-such': No such file or directory)"
	said "a new ipc namespace instead of the one by path ('/proc/self/ns/ipc': only root may join it)"
	[ "$(jq -c '[.linux.namespaces[] | select(.path)]' "$BUNDLE/config.json")" = '[]' ]
	[ "$(jq -c '[.linux.namespaces[].type]' "$BUNDLE/config.json")" = '["pid","network","ipc","uts","mount","user"]' ]
}

# covers: hooks.prestart
@test "hooks whose program is not here are left out, others stay" {
	requires userns
	base '.hooks.prestart = [{"path": "/no/such/hook"}, {"path": "/bin/sh"}]'
	from "$T/base.json"
	said "hooks.prestart[0]: left out ('/no/such/hook': No such file or directory)"
	[ "$(jq -c '[.hooks.prestart[].path]' "$BUNDLE/config.json")" = '["/bin/sh"]' ]
}

# covers: linux.devices
@test "devices are bound where the host has them, and left out where not" {
	requires_nobody
	base '.linux.devices = [{"path": "/dev/no-such", "type": "c", "major": 10, "minor": 1},
		{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438},
		{"path": "/dev/zero", "type": "c", "major": 1, "minor": 99}]'
	from "$T/base.json"
	said "linux.devices '/dev/no-such': left out (open the host's '/dev/no-such': No such file or directory)"
	said "linux.devices '/dev/zero': left out ('/dev/zero' of the host is not the device c 1:99 that was asked for)"
	said "'/dev/null': bind of the host's node"
	[ "$(jq -c '[.linux.devices[].path]' "$BUNDLE/config.json")" = '["/dev/null"]' ]
}

# covers: linux.netDevices
@test "what only root can have is left out in the words of the refusal" {
	requires_nobody
	base '.linux.netDevices = {"eth7": {"name": "eth0"}}'
	from "$T/base.json"
	said "linux.netDevices: left out (linux.netDevices"
	jq -e '.linux | has("netDevices") | not' "$BUNDLE/config.json"
}

# covers: linux.sysctl
@test "the range of groups that may ping is fitted to those that are mapped" {
	requires_nobody
	base '.linux.sysctl["net.ipv4.ping_group_range"] = "0 2147483647"'
	from "$T/base.json" --idmap single
	said "'0 0' instead of '0 2147483647'"
	config '.root.path = "rootfs" | .process.terminal = false'
	args cat /proc/sys/net/ipv4/ping_group_range
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "0	0"
}

@test "a refusal that stays is not solved by another one" {
	requires userns
	# shellcheck disable=SC2016
	base '.hostname = "x" | .linux.namespaces |= (map(select(.type != "uts")) + [{"type": "user"}]) | .linux |= (
		.uidMappings = [{"containerID": 0, "hostID": $u, "size": 1}] | .gidMappings = [{"containerID": 0, "hostID": $g, "size": 1}])' \
		--argjson u "$(id -u)" --argjson g "$(id -g)"
	run -1 bryo spec --from "$T/base.json" --file -
	has_line "hostname needs a uts namespace"
}

@test "what means something else without is never left out" {
	local filter

	requires userns
	for filter in '.linux.namespaces |= map(select(.type != "uts"))' \
		'.linux.seccomp = {"defaultAction": "SCMP_ACT_NO_SUCH"}' \
		'.linux.sysctl["kernel.panic"] = "1"' \
		'.linux.maskedPaths += ["relative"]' '.mounts[0].type = "none"' '.process.args = []'; do
		base "$filter"
		rm -f "$BUNDLE/config.json"
		run bryo spec --from "$T/base.json" --bundle "$BUNDLE"
		[ "$status" -eq 1 ] || { echo "$filter: $output"; return 1; }
		[ ! -e "$BUNDLE/config.json" ]
	done
}

@test "sources that are not here are kept and named" {
	requires userns
	base '.root.path = "/no/such/root" | .mounts += [{"destination": "/data", "type": "bind", "source": "/no/such/data", "options": ["rbind"]}]'
	from "$T/base.json"
	said "root.path: kept, and must be replaced before the container can start"
	said "mounts[7]: kept, and must be replaced before the container can start (mount '/data': open the source '/no/such/data': No such file or directory)"
	[ "$(jq -r '.root.path + " " + .mounts[7].source' "$BUNDLE/config.json")" = "/no/such/root /no/such/data" ]
}

# covers: spec --from --file --bundle
@test "spec --from writes where spec does, and never over a file by itself" {
	requires userns
	base
	run -0 --separate-stderr bryo spec --from "$T/base.json" --file -
	jq -e .ociVersion <<<"$output"
	bryo spec --from "$T/base.json" --bundle "$BUNDLE" 2>/dev/null
	jq -e .ociVersion "$BUNDLE/config.json"
	run -1 bryo spec --from "$T/base.json" --bundle "$BUNDLE"
	has_line "exists. Remove it first"
	run -1 bryo spec --from "$T/no-such.json" --file -
	has_line "no-such.json: No such file or directory"
	echo '{' >"$T/broken.json"
	run -1 bryo spec --from "$T/broken.json" --file -
	has_line "broken.json:"
	run -1 bryo spec --from "$T/base.json" --rootless
	has_line "exclude each other"
}

@test "run of the original adapts as spec --from does" {
	requires_nobody
	base '.root.path = "rootfs" | .process.terminal = false | .process.args = ["cat", "/proc/self/uid_map"]'
	cp "$T/base.json" "$BUNDLE/config.json"
	run -0 bryo run -b "$BUNDLE" "$ID"
	grep -qE "^ +0 +$(id -u) +1$" <<<"$output"
}
