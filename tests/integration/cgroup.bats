#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# The container's cgroup whatever makes it: where it is, who is in it, pause and resume, kill and
# delete, exec. Limits, delegation and systemd are tested in the guests (tests/guest).

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup_file() { cgroup_view; }
teardown_file() { cgroup_view_end; }

setup() {
	cgroup_setup
	requires_backend
	args sleep 1000
}

teardown() { cgroup_teardown; }

@test "the process is in a cgroup of its own, which delete removes" {
	run_detached
	local path
	path=$(cgroup_of)
	[ -n "$path" ] && [ "$path" != null ]
	[ "$(file cgroup.procs)" = "$(bryo state "$ID" | jq .pid)" ]
	bryo delete --force "$ID"
	has_no_cgroup "$path"
}

@test "run in the foreground leaves no cgroup behind" {
	config '.linux.namespaces |= map(select(.type != "cgroup"))'
	args cat /proc/self/cgroup
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	local path
	path=$(sed -n 's/^0:://p' <<<"$output")
	[ -n "$path" ] && [ "$path" != / ]
	wait_for 10 has_no_cgroup "$path"
}

@test "a start that fails leaves no cgroup behind" {
	args no-such-program
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[ "$(seen find /sys/fs/cgroup -type d -name "*$ID*" | wc -l)" -eq 0 ]
}

@test "state and plan say which" {
	run bryo plan -b "$BUNDLE" "$ID"
	[[ "$output" =~ cgroup$'\n'"  "(cgroupfs|systemd)" " ]]
	run_detached
	[ "$(bryo plan --format json -b "$BUNDLE" "$ID" | jq -r .cgroup.backend)" = "$(backend_of)" ]
}

# ------------------------------------------------------------------------ pause and resume

@test "pause stops all processes, resume lets them go on; state says so" {
	args sh -c 'i=0; while :; do echo $i >/tmp/count; i=$((i+1)); sleep 0.01; done'
	config '.mounts += [{destination: "/tmp", type: "bind", source: "'"$T"'/count", options: ["bind"]}]'
	mkdir -m 777 "$T/count"
	run_detached
	wait_for 10 test -s "$T/count/count"
	bryo pause "$ID"
	[ "$(state_of)" = paused ]
	bryo list | grep -q "$ID .*paused"
	local before
	before=$(cat "$T/count/count")
	sleep 0.5
	[ "$(cat "$T/count/count")" = "$before" ]
	bryo resume "$ID"
	[ "$(state_of)" = running ]
	wait_for 10 changed "$before"
}

changed() { [ "$(cat "$T/count/count")" != "$1" ]; }

@test "pause of what is paused, and resume of what is not, are errors" {
	run_detached
	run bryo resume "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot resume container '$ID': it is not paused"* ]]
	bryo pause "$ID"
	run bryo pause "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot pause container '$ID': it is paused already"* ]]
	bryo kill "$ID" KILL
	wait_for_status stopped
	run bryo pause "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"it is not running"* ]]
}

@test "a created container can be paused, resumed and started, and deleted while it is paused" {
	create_container
	bryo pause "$ID"
	[ "$(state_of)" = paused ]
	bryo resume "$ID"
	[ "$(state_of)" = created ]
	bryo start "$ID"
	[ "$(state_of)" = running ]
	bryo delete --force "$ID"
	create_container
	bryo pause "$ID"
	BRYO_TIMEOUT=20 bryo delete --force "$ID"
}

# Row 69: what nobody thaws must still be killed, and deleted, in bounded time.
@test "a paused container can be killed" {
	run_detached
	bryo pause "$ID"
	bryo kill "$ID" KILL
	wait_for_status stopped
	bryo delete "$ID"
}

@test "a paused container is deleted by force only" {
	run_detached
	bryo pause "$ID"
	run bryo delete "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not stopped: paused"* ]]
	BRYO_TIMEOUT=20 bryo delete --force "$ID"
	run bryo state "$ID"
	[ "$status" -ne 0 ]
}

# ---------------------------------------------------------------------------------- exec

# covers: exec --cgroup exec --ignore-paused
@test "exec runs in the container's cgroup" {
	run_detached
	bryo exec -d "$ID" sleep 999
	[ "$(file cgroup.procs | wc -l)" -eq 2 ]
	[ "$(bryo ps --format json "$ID" | jq length)" -eq 2 ]
}

@test "exec in a paused container is refused; with --ignore-paused it waits" {
	run_detached
	bryo pause "$ID"
	run bryo exec "$ID" true
	[ "$status" -eq 255 ]
	[[ "$output" == *"it is paused"*"--ignore-paused"* ]]
	bryo exec --ignore-paused "$ID" sh -c 'exit 4' >"$T/out" 2>&1 &
	local job=$! rc=0
	sleep 0.5
	kill -0 $job
	bryo resume "$ID"
	wait $job || rc=$?
	[ $rc -eq 4 ]
}

@test "exec --cgroup: a cgroup below the container's, and no way out of it" {
	run_detached
	seen mkdir "/sys/fs/cgroup$(cgroup_of)/sub"
	bryo exec --cgroup sub -d "$ID" sleep 999
	[ "$(file sub/cgroup.procs | wc -l)" -eq 1 ]
	bryo exec --cgroup :/sub -d "$ID" sleep 999
	[ "$(file sub/cgroup.procs | wc -l)" -eq 2 ]
	for path in .. ../.. sub/../.. /../x; do
		run bryo exec --cgroup "$path" "$ID" true
		[ "$status" -eq 255 ]
		[[ "$output" == *"leads out of the container's cgroup"* ]]
	done
	run bryo exec --cgroup nowhere "$ID" true
	[ "$status" -eq 255 ]
	bryo delete --force "$ID"
}

# ---------------------------------------------------------------------------- who is in it

@test "without a pid namespace kill --all and delete find what left the session" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	args sh -c 'setsid sleep 998 & setsid sh -c "sleep 997 & sleep 996" & sleep 1000'
	run_detached
	wait_for 10 has_processes 4
	local path pids
	path=$(cgroup_of)
	pids=$(file cgroup.procs)
	bryo kill --all "$ID" KILL || true
	bryo kill "$ID" KILL || true
	wait_for_status stopped
	bryo delete "$ID"
	has_no_cgroup "$path"
	for pid in $pids; do
		wait_for 10 gone "$pid"
	done
}

has_processes() { [ "$(file cgroup.procs | wc -l)" -ge "$1" ]; }
gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "cgroups that the container made below its own go with it" {
	run_detached
	local path
	path=$(cgroup_of)
	seen mkdir -p "/sys/fs/cgroup$path/a/b/c"
	bryo delete --force "$ID"
	has_no_cgroup "$path"
}

@test "its mount of the cgroup namespace shows its own cgroup only, and may be written" {
	config '.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}] |
		.mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup",
		source: "cgroup", options: ["nosuid", "noexec", "nodev"]}]'
	args sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.kill; mkdir /sys/fs/cgroup/inner &&
		echo 0 >/sys/fs/cgroup/inner/cgroup.procs && cat /proc/self/cgroup'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	grep -q '^0::/$' <<<"$output"
	grep -q '^0::/inner$' <<<"$output"
	[ "$(seen find /sys/fs/cgroup -type d -name "*$ID*" | wc -l)" -eq 0 ] || wait_for 10 no_directory
}

no_directory() { [ "$(seen find /sys/fs/cgroup -type d -name "*$ID*" | wc -l)" -eq 0 ]; }

# covers: run.oci.delegate-cgroup
@test "run.oci.delegate-cgroup: the process starts in a cgroup below; a way out is refused" {
	config '.annotations["run.oci.delegate-cgroup"] = "inner" |
		.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]'
	args cat /proc/self/cgroup
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	grep -q '^0::/inner$' <<<"$output"
	for name in .. . a/b; do
		config '.annotations["run.oci.delegate-cgroup"] = "'$name'"'
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"is no name of a cgroup"* ]]
	done
}

@test "--cgroup-manager disabled: no cgroup, and pause says so; the rest works" {
	config '.linux.resources = {pids: {limit: 5}}'
	"$BRYO" --root "$ROOT" --cgroup-manager disabled run -d -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&-
	grep -q "not applied: pids.limit" "$T/out"
	[ "$(cgroup_of)" = null ]
	for command in pause resume; do
		run bryo $command "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"has no cgroup"* ]]
	done
	bryo exec "$ID" true
	[ "$(bryo ps --format json "$ID" | jq length)" -eq 1 ]
	bryo kill --all "$ID" KILL
	wait_for_status stopped
	bryo delete "$ID"
}

# ------------------------------------------------------------------------- the path, as root

root_only() { [ "$(id -u)" = 0 ] && in_initial_userns || skip "needs root: an absolute cgroupsPath"; }

# covers: linux.cgroupsPath
@test "cgroupsPath: absolute below the mount, relative below bryo's own" {
	root_only
	config '.linux.cgroupsPath = "/bryo-test/'"$ID"'"'
	run_detached
	[ "$(cgroup_of)" = "/bryo-test/$ID" ]
	bryo delete --force "$ID"
	seen rmdir /sys/fs/cgroup/bryo-test
	config '.linux.cgroupsPath = "'"$ID"'/deep"'
	run_detached
	[ "$(cgroup_of)" = "/bryo/$ID/deep" ]
	bryo delete --force "$ID"
	seen rmdir "/sys/fs/cgroup/bryo/$ID"
}

@test "cgroupsPath: '..' and the root are refused" {
	root_only
	for path in /.. /a/../.. ../x / a/.. .; do
		config '.linux.cgroupsPath = "'"$path"'"'
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"linux.cgroupsPath"* ]]
	done
}

@test "an existing cgroup is used when it is empty, and refused with its pids when it is not" {
	root_only
	config '.linux.cgroupsPath = "/bryo-test-'"$ID"'"'
	local dir=/sys/fs/cgroup/bryo-test-$ID
	seen mkdir "$dir"
	sleep 1000 3>&- &
	seen sh -c 'echo $1 >$2/cgroup.procs' sh $! "$dir"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cgroup '/bryo-test-$ID' is not empty: processes $!"* ]]
	# it is not ours: it must be there still, and its process too
	kill -0 $!
	seen test -d "$dir"
	kill $!
	wait $! || true
	run_detached
	bryo delete --force "$ID"
	seen test ! -d "$dir"
}

# What a rw mount of its cgroup lets the container make.
@test "hidden and deep cgroups below the container's: ps sees what is in them, delete removes them" {
	run_detached
	local path deep
	path=$(cgroup_of)
	bryo exec -d "$ID" sleep 999
	seen mkdir "/sys/fs/cgroup$path/.x"
	seen sh -c 'echo $1 >$2/.x/cgroup.procs' sh "$(file cgroup.procs | tail -n 1)" "/sys/fs/cgroup$path"
	[ "$(bryo ps --format json "$ID" | jq length)" -eq 2 ]
	deep=$(printf 'd/%.0s' {1..90})
	seen mkdir -p "/sys/fs/cgroup$path/$deep"
	bryo delete --force "$ID"
	has_no_cgroup "$path"
}

@test "exec into a cgroup that the container froze itself is refused, not waited for" {
	run_detached
	local path
	path=$(cgroup_of)
	seen sh -c 'mkdir $1/x && echo $2 >$1/x/cgroup.procs && echo 1 >$1/x/cgroup.freeze' sh \
		"/sys/fs/cgroup$path" "$(bryo state "$ID" | jq .pid)"
	run timeout 10 "$BRYO" --root "$ROOT" exec "$ID" true
	[ "$status" -eq 255 ]
	[[ "$output" == *"is frozen"* ]]
	BRYO_TIMEOUT=20 bryo delete --force "$ID"
}

# Row 65: containerd kills so what init left in a shared pid namespace.
@test "kill --all KILL ends what init left behind, and is an error when nothing is left" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	args sh -c 'setsid sleep 998 & trap "exit 0" TERM; wait'
	run_detached
	wait_for 10 has_processes 2
	bryo kill "$ID" TERM
	wait_for_status stopped
	local pid
	pid=$(file cgroup.procs)
	[ -n "$pid" ]
	bryo kill --all "$ID" KILL
	wait_for 10 gone "$pid"
	bryo delete "$ID"
}

@test "root: a stopped container's delete leaves the one that has its cgroup's path by now" {
	root_only
	config '.linux.cgroupsPath = "/bryo-test-'"$ID"'"'
	run_detached "$ID-a"
	bryo kill "$ID-a" KILL
	wait_for_status stopped "$ID-a"
	run_detached "$ID-b"
	bryo delete "$ID-a"
	[ "$(state_of "$ID-b")" = running ]
	bryo delete --force "$ID-b"
	seen test ! -d "/sys/fs/cgroup/bryo-test-$ID"
}

@test "root: below a frozen cgroup is no place, and what a lost container left empty is" {
	root_only
	local dir=/sys/fs/cgroup/bryo-test-$ID
	config '.linux.cgroupsPath = "/bryo-test-'"$ID"'/c"'
	seen sh -c 'mkdir -p $1/c/left/over && echo 1 >$1/cgroup.freeze' sh "$dir"
	run timeout 10 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"is frozen"* ]]
	seen sh -c 'echo 0 >$1/cgroup.freeze; mkdir -p $1/c/left/over' sh "$dir"
	run_detached
	bryo delete --force "$ID"
	seen rmdir "$dir"
}

@test "root: exec into a container whose user namespace owns its cgroup" {
	root_only
	config '.linux.namespaces |= map(select(.type != "cgroup" and .type != "user")) + [{type: "cgroup"}, {type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 300000, size: 1000}] | .linux.gidMappings = .linux.uidMappings |
		.mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup",
		source: "cgroup", options: ["nosuid", "noexec", "nodev"]}]'
	chmod -R a+rX "$BUNDLE"
	run_detached
	[ "$(seen stat -c %u "/sys/fs/cgroup$(cgroup_of)")" = 300000 ]
	[ "$(seen stat -c %u "/sys/fs/cgroup$(cgroup_of)/cgroup.procs")" = 300000 ]
	bryo exec "$ID" true
	bryo exec -d "$ID" sleep 999
	[ "$(file cgroup.procs | wc -l)" -eq 2 ]
	bryo delete --force "$ID"
}

# Row 43. A view of its own: what is read-only stays so for the namespace's other tests.
@test "root: a read-only hierarchy: runs without a cgroup, and a limit is an error" {
	root_only
	config 'del(.linux.resources)'
	args true
	# shellcheck disable=SC2154
	run seen unshare --mount --propagation private bash -c 'mount -o remount,bind,ro /sys/fs/cgroup && "$@"' sh \
		"$REAL" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	config '.linux.resources = {hugepageLimits: [{pageSize: "2MB", limit: 0}]}'
	run seen unshare --mount --propagation private bash -c 'mount -o remount,bind,ro /sys/fs/cgroup && "$@"' sh \
		"$REAL" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot be enforced without a cgroup: /sys/fs/cgroup cannot be written"* ]]
}

# Row 43: `disabled` does not even look.
@test "--cgroup-manager disabled does not probe" {
	requires cmd:strace
	args true
	strace -f -o "$T/trace" "$BRYO" --root "$ROOT" --cgroup-manager disabled run --idmap single -b "$BUNDLE" "$ID"
	not grep -E '(statfs|open|openat|access|faccessat2?)\(.*("/sys/fs/cgroup[/"]|/proc/self/cgroup)' "$T/trace"
}

sandbox_cgroups() { seen find /sys/fs/cgroup -type d -name '*sandbox-*' | wc -l; }

@test "a sandbox has a cgroup only on request" {
	local word hold="touch $T/up; while [ -e $T/up ]; do sleep 0.1; done"
	timeout 60 "$BRYO" --root "$ROOT" sandbox --rw "$T" -- sh -c "$hold" </dev/null >"$T/out" 2>&1 3>&- &
	wait_for 20 test -e "$T/up"
	[ "$(sandbox_cgroups)" -eq 0 ]
	rm "$T/up"
	wait $!
	word=$(bryo plan --format json -b "$BUNDLE" x | jq -r .cgroup.backend)
	timeout 60 "$BRYO" --root "$ROOT" --cgroup-manager "$word" sandbox --rw "$T" -- sh -c "$hold" \
		</dev/null >"$T/out" 2>&1 3>&- &
	wait_for 20 test -e "$T/up"
	[ "$(sandbox_cgroups)" -ge 1 ]
	rm "$T/up"
	wait $!
}
