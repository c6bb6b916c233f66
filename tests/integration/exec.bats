#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# exec: one more process in a running container.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	make_bundle
	args sleep 1000
	config '.root.readonly = false'
}

pid_of() { bryo state "$ID" | jq .pid; }

# fails_with STATUS TEXT ARG...
fails_with() {
	local want=$1 text=$2

	shift 2
	run bryo "$@"
	[ "$status" -eq "$want" ] || { echo "bryo $*: status $status: $output" >&2; return 1; }
	has_line "$text"
}

# more IDs than one: root of the machine has them all
requires_ids() {
	[ "$(id -u)" = 0 ] && in_initial_userns || requires subid
}

# process FILTER: a process object in $T/process, from the config's own
process() { jq ".process | $1" "$BUNDLE/config.json" >"$T/process"; }

@test "the exit code is the program's, and 128+n for signal n" {
	run_detached
	run bryo exec "$ID" sh -c 'exit 3'
	[ "$status" -eq 3 ]
	run bryo exec "$ID" sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
	run bryo exec "$ID" true
	[ "$status" -eq 0 ]
}

@test "a set-up that fails is 255, with the words that engines look for" {
	run_detached
	touch "$BUNDLE/rootfs/etc/noexec"
	fails_with 255 'executable file not found in $PATH' exec "$ID" no-such-program
	fails_with 255 'no such file or directory' exec "$ID" /no/such/program
	fails_with 255 'permission denied' exec "$ID" /etc/noexec
	fails_with 255 'permission denied' exec "$ID" /etc
	fails_with 255 "working directory '/nowhere'" exec --cwd /nowhere "$ID" true
	fails_with 255 "/nowhere/pid" exec --pid-file "$T/nowhere/pid" "$ID" true
	fails_with 255 "does not exist" exec nobody true
	fails_with 255 "/nowhere" exec --process "$T/nowhere" "$ID"
	bryo kill "$ID" 0
}

@test "a stopped container refuses exec" {
	run_detached
	bryo kill "$ID" KILL
	wait_for_status stopped
	fails_with 255 "it is not running" exec "$ID" true
}

@test "a created container takes exec" {
	create_container
	run bryo exec "$ID" echo hello
	[ "$output" = hello ]
	[ "$(state_of)" = created ]
}

@test "the process is in all of the container's namespaces, and the container's child" {
	run_detached
	init=$(pid_of)
	bryo exec --detach --pid-file "$T/pid" "$ID" sleep 1001 </dev/null >/dev/null 2>&1
	pid=$(cat "$T/pid")
	[ "$(tr -d 0-9 <"$T/pid" | wc -c)" -eq 0 ]
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 1001 " ]
	for ns in user mnt pid ipc uts net cgroup time; do
		[ "$(readlink "/proc/$pid/ns/$ns")" = "$(readlink "/proc/$init/ns/$ns")" ]
	done
	[ "$(readlink "/proc/$pid/root")" = "$(readlink "/proc/$init/root")" ]
	bryo ps -f json "$ID" | jq -e --argjson pid "$pid" 'index($pid)'
	not pgrep -f "$ROOT"
	bryo delete --force "$ID"
	not pgrep -f "sleep 1001"
}

# covers: exec --preserve-fds
@test "stdin, stdout and stderr are the caller's" {
	run_detached
	echo hello | bryo exec "$ID" sh -c 'cat; echo err >&2' >"$T/out" 2>"$T/err"
	[ "$(cat "$T/out")" = hello ]
	[ "$(cat "$T/err")" = err ]
}

@test "options after the command are the command's" {
	run_detached
	run bryo exec "$ID" echo -t -d --user 1
	[ "$output" = "-t -d --user 1" ]
	run bryo exec "$ID" -- echo x
	[ "$output" = x ]
}

# covers: exec --env exec --cwd
@test "--env adds and replaces, --cwd moves" {
	config '.process.env += ["OLD=1", "KEPT=1"]'
	run_detached
	run bryo exec -e NEW=2 --env OLD=3 --cwd /tmp "$ID" sh -c 'echo $OLD $KEPT $NEW $PWD; env | grep -c ^OLD='
	[ "${lines[0]}" = "3 1 2 /tmp" ]
	[ "${lines[1]}" = 1 ]
}

@test "HOME is what the container's passwd says, unless the environment has one" {
	requires_ids
	run_detached
	[ "$(bryo exec "$ID" sh -c 'echo $HOME')" = /root ]
	[ "$(bryo exec -u 1000 "$ID" sh -c 'echo $HOME')" = /tmp ]
	[ "$(bryo exec -u 4321 "$ID" sh -c 'echo $HOME')" = / ]
	[ "$(bryo exec -e HOME=/x "$ID" sh -c 'echo $HOME')" = /x ]
}

@test "HOME of root is filled in with a map of one ID too" {
	make_bundle busybox --rootless
	args sleep 1000
	run_detached
	[ "$(bryo exec "$ID" sh -c 'echo $HOME')" = /root ]
}

# covers: exec --user
@test "--user sets uid and gid; without a gid it is 0" {
	requires_ids
	run_detached
	[ "$(bryo exec -u 1000:1001 "$ID" sh -c 'id -u; id -g; id -G')" = $'1000\n1001\n1001' ]
	[ "$(bryo exec --user 1000 "$ID" sh -c 'id -u; id -g')" = $'1000\n0' ]
}

@test "an unprivileged user gets no effective capabilities" {
	requires_ids
	run_detached
	run bryo exec -u 1000 "$ID" grep CapEff /proc/self/status
	[[ $output =~ 0000000000000000 ]]
}

@test "--user that is no number, or is not mapped, is refused" {
	run_detached
	fails_with 255 "nobody" exec -u nobody "$ID" true
	fails_with 255 "-1" exec -u -1 "$ID" true
	fails_with 255 "0:x" exec -u 0:x "$ID" true
	fails_with 255 "4294967295" exec -u 4294967295 "$ID" true
	in_initial_userns && [ "$(id -u)" = 0 ] || fails_with 255 "4000000000" exec -u 4000000000 "$ID" true
}

# covers: exec --additional-gids
@test "--additional-gids adds groups" {
	requires_ids
	run_detached
	run bryo exec -g 10 --additional-gids 20 "$ID" id -G
	[ "$output" = "0 10 20" ]
}

# covers: exec --cap
@test "--cap adds a capability to the bounding set too" {
	config '.process.capabilities |= map_values([])'
	run_detached
	run bryo exec "$ID" grep -E 'Cap(Eff|Bnd)' /proc/self/status
	[[ ${lines[0]} == *0000000000000000 && ${lines[1]} == *0000000000000000 ]]
	run bryo exec --cap CAP_NET_RAW "$ID" grep -E 'Cap(Prm|Eff|Bnd|Inh)' /proc/self/status
	[[ ${lines[0]} == CapInh*0000000000000000 ]]
	for i in 1 2 3; do [[ ${lines[i]} == *0000000000002000 ]]; done
	# not an error, for runc and crun neither
	run bryo exec --cap CAP_NONSENSE "$ID" grep CapBnd /proc/self/status
	[ "$status" -eq 0 ]
	has_line "warning: --cap: 'CAP_NONSENSE' is left out"
	[[ ${lines[-1]} == CapBnd*0000000000000000 ]]
}

# covers: exec --no-new-privs
@test "--no-new-privs switches on, =false off, and the config's value is the default" {
	config '.process.noNewPrivileges = false'
	run_detached
	nnp() { bryo exec "$@" "$ID" grep NoNewPrivs /proc/self/status | tr -dc 01; }
	[ "$(nnp)" = 0 ]
	[ "$(nnp --no-new-privs)" = 1 ]
	bryo delete --force "$ID"
	config '.process.noNewPrivileges = true'
	run_detached
	[ "$(nnp)" = 1 ]
	[ "$(nnp --no-new-privs=false)" = 0 ]
}

# covers: exec --process
@test "--process FILE is the whole process" {
	config '.process.env += ["OF_CONFIG=1"]'
	run_detached
	process '.args = ["sh", "-c", "echo $A $OF_CONFIG; pwd; exit 9"] | .env = ["A=1", "PATH=/bin"] | .cwd = "/tmp"'
	run bryo exec --process "$T/process" "$ID"
	[ "$status" -eq 9 ]
	[ "${lines[0]}" = 1 ]
	[ "${lines[1]}" = /tmp ]
	fails_with 1 "unexpected argument" exec --process "$T/process" "$ID" true
}

@test "a process file that is wrong is refused with the field" {
	run_detached
	process '.args = []'
	fails_with 255 "args" exec -p "$T/process" "$ID"
	process '.cwd = "relative"'
	fails_with 255 "cwd" exec -p "$T/process" "$ID"
	process '.args = 3'
	fails_with 255 "args" exec -p "$T/process" "$ID"
	echo '{' >"$T/process"
	fails_with 255 "$T/process" exec -p "$T/process" "$ID"
}

# covers: exec --preserve-fds
@test "--preserve-fds passes descriptors on, and refuses one that is not open" {
	run_detached
	echo three >"$T/three"
	run "$BRYO" --root "$ROOT" exec --preserve-fds 1 "$ID" sh -c 'cat <&3; [ ! -e /proc/self/fd/4 ] && echo none' \
		3<"$T/three" 4<"$T/three"
	[ "$output" = $'three\nnone' ]
	run "$BRYO" --root "$ROOT" exec --preserve-fds 2 "$ID" true 3<"$T/three" 4<&-
	[ "$status" -eq 255 ]
	has_line "descriptor 4 is not open"
}

@test "no descriptor of the runtime or of the caller is open in the process" {
	run_detached
	run "$BRYO" --root "$ROOT" exec "$ID" ls /proc/self/fd 3<"$BUNDLE/config.json" 7</
	# 0, 1, 2 and the directory that ls reads
	[ "$(echo $output)" = "0 1 2 3" ]
}

@test "exec forwards signals" {
	run_detached
	"$BRYO" --root "$ROOT" exec "$ID" sh -c 'trap "exit 11" TERM; touch /tmp/ready; while :; do sleep 0.05; done' \
		</dev/null 3>&- &
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ready"
	kill -TERM $!
	ends_with 11
}

@test "exec ends when the container is killed" {
	run_detached
	"$BRYO" --root "$ROOT" exec "$ID" sleep 1002 </dev/null >/dev/null 2>&1 3>&- &
	wait_for 5 pgrep -f "^sleep 1002"
	bryo kill "$ID" KILL
	ends_with 137
}

@test "exec in a container that is ending says so" {
	local job pid

	run_detached
	pid=$(bryo state "$ID" | jq .pid)
	"$BRYO" --root "$ROOT" exec "$ID" sh -c 'touch /tmp/ready; exec sleep 100' </dev/null >/dev/null 2>&1 3>&- &
	job=$!
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ready"
	# while that one is not reaped, the pid namespace and its first process do not end
	kill -STOP $job
	bryo kill "$ID" KILL
	wait_for 5 eval "! grep -q . /proc/$pid/cmdline"
	sleep 0.1
	run bryo exec "$ID" true
	kill -CONT $job
	[ "$status" -eq 255 ]
	has_line "[the container is ending]"
	ends_with 137
	wait_for_status stopped
}

@test "exec has the container's rlimits, umask and oom score" {
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}] | .process.user.umask = 63'
	run_detached
	run bryo exec "$ID" sh -c 'ulimit -n; ulimit -Hn; umask'
	[ "$output" = $'77\n99\n0077' ]
}

@test "many execs at the same time" {
	run_detached
	for i in $(seq 10); do
		bryo exec "$ID" sh -c "exit $i" </dev/null &
		pids[i]=$!
	done
	for i in $(seq 10); do
		rc=0
		wait "${pids[i]}" || rc=$?
		[ "$rc" -eq "$i" ]
	done
}
