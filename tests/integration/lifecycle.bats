#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# create, start, state, list, ps, kill, delete and run as separate commands.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	make_bundle
	config '.root.readonly = false'
	args sleep 1000
}

# nothing_left [ID]: no process, no state; the processes of bryo itself name $ROOT
nothing_left() {
	wait_for 5 eval "! pgrep -f '$ROOT'" || { pgrep -af "$ROOT" >&2; return 1; }
	[ ! -e "$ROOT/${1:-$ID}" ]
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

# ------------------------------------------------------------------ create, start, state

@test "create leaves a container that is created, and its program not started" {
	args sh -c 'echo ran >/tmp/ran; sleep 1000'
	create_container
	[ "$(state_of)" = created ]
	[ "$(cat "/proc/$(pid_of)/comm")" != sh ]
	[ ! -e "$BUNDLE/rootfs/tmp/ran" ]

	bryo start "$ID"
	[ "$(state_of)" = running ]
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ran"
}

@test "what is started cannot be started again" {
	create_container
	bryo start "$ID"
	fails_with 1 "cannot start container '$ID'" start "$ID"
	bryo kill "$ID" KILL
	wait_for_status stopped
	fails_with 1 "cannot start container '$ID'" start "$ID"
}

@test "of two starts at the same time one wins and the other one says why not" {
	local first second=0

	create_container
	bryo start "$ID" 2>"$T/1" &
	first=$!
	bryo start "$ID" 2>"$T/2" || second=$?
	if wait $first; then first=0; else first=1; fi
	[ $((first + second)) -eq 1 ]
	grep -q "it is running, not created" "$T/1" "$T/2"
	[ "$(state_of)" = running ]
}

# covers: ociVersion
@test "state has the spec's keys and those of runc and crun" {
	config '.annotations = {"org.example.a": "b"}'
	create_container
	bryo state "$ID" >"$T/json"
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" '.id == $id and .bundle == $bundle and
		(.ociVersion | startswith("1.")) and .status == "created" and .pid > 0 and
		.rootfs == $bundle + "/rootfs" and .annotations == {"org.example.a": "b"} and
		(.created | test("^20..-..-..T..:..:..[.0-9]*Z$")) and has("owner")' "$T/json"
	kill -0 "$(jq .pid "$T/json")"
}

# covers: create --pid-file run --pid-file
@test "the pid file holds the pid and no newline" {
	create_container "$ID" --pid-file "$T/pid"
	[ "$(tr -d 0-9 <"$T/pid" | wc -c)" -eq 0 ]
	[ "$(cat "$T/pid")" = "$(pid_of)" ]
}

@test "a relative pid file is in the caller's directory, not in the bundle" {
	create_container "$ID" --pid-file here.pid
	[ -s "$T/here.pid" ]
	[ ! -e "$BUNDLE/here.pid" ]
}

@test "a pid file that cannot be written leaves nothing behind" {
	fails_with 1 "/nowhere/pid" create -b "$BUNDLE" --pid-file "$T/nowhere/pid" "$ID"
	nothing_left
}

@test "an id is given once" {
	create_container
	fails_with 1 "already exists" create -b "$BUNDLE" "$ID"
	fails_with 1 "already exists" run -b "$BUNDLE" "$ID"
	[ "$(state_of)" = created ]
}

@test "config.json may change or vanish after create" {
	args sleep 1010
	create_container
	config '.process.args = ["sleep", "1002"] | .process.env = ["CHANGED=1"]'
	bryo start "$ID"
	[ "$(tr '\0' ' ' <"/proc/$(pid_of)/cmdline")" = "sleep 1010 " ]
	rm "$BUNDLE/config.json"
	run bryo exec "$ID" env
	[ "$status" -eq 0 ]
	[[ $output != *CHANGED* ]]
	bryo kill "$ID" KILL
	wait_for_status stopped
	bryo delete "$ID"
	nothing_left
}

@test "start tells that the program is gone since create, and the container is stopped" {
	args /bin/prog
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/bin/prog"
	create_container
	rm "$BUNDLE/rootfs/bin/prog"
	fails_with 1 "no such file or directory" start "$ID"
	wait_for_status stopped
	bryo delete "$ID"
}

@test "create refuses a program that is not there, and leaves nothing" {
	args nothing-of-that-name
	fails_with 1 'executable file not found in $PATH' create -b "$BUNDLE" "$ID"
	nothing_left
}

@test "stdin, stdout and stderr of create are those of the program" {
	args sh -c 'cat; echo err >&2'
	echo hello | bryo create -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err"
	bryo start "$ID"
	wait_for_status stopped
	[ "$(cat "$T/out")" = hello ]
	[ "$(cat "$T/err")" = err ]
}

# ------------------------------------------------------------------------------- the end

@test "after its end a container is stopped and its pid 0" {
	args true
	create_container
	bryo start "$ID"
	wait_for_status stopped
	[ "$(pid_of)" = 0 ]
	bryo list -f json | jq -e '.[0].status == "stopped" and .[0].pid == 0'
	bryo delete "$ID"
	nothing_left
}

@test "a zombie is dead, although its parent does not reap it" {
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" --pid-file "$T/pid" "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_status running
	kill -STOP $!
	bryo kill "$ID" KILL
	wait_for 5 grep -q '^State:.Z' "/proc/$(cat "$T/pid")/status"
	[ "$(state_of)" = stopped ]
	fails_with 1 "not running" kill "$ID"
	bryo delete "$ID"
	kill -KILL $!
	nothing_left
}

# covers: delete --force
@test "delete refuses what runs; --force does it" {
	run_detached
	fails_with 1 "is not stopped: running" delete "$ID"
	[ "$(state_of)" = running ]
	bryo delete --force "$ID"
	nothing_left
}

@test "delete takes what is created, without --force" {
	create_container
	bryo delete "$ID"
	nothing_left
}

@test "an unknown id is exit code 1, but no error for delete --force" {
	for command in state start kill delete ps; do
		fails_with 1 "does not exist" "$command" nobody
	done
	fails_with 255 "does not exist" exec nobody true
	bryo delete --force nobody
}

@test "an id that is none is refused before anything is done" {
	for id in . .. a/b "a b" "" "$(printf 'a\nb')"; do
		fails_with 1 "id" create -b "$BUNDLE" "$id"
		fails_with 1 "id" delete --force "$id"
	done
	[ -z "$(ls -A "$ROOT")" ]
}

# -------------------------------------------------------------------------- list and ps

# covers: list --format list --quiet
@test "list is a table, JSON or ids" {
	create_container one
	run_detached two
	run bryo list
	[[ ${lines[0]} =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER$ ]]
	[[ ${lines[1]} =~ ^one\ +[1-9][0-9]*\ +created\ +$BUNDLE\ + ]]
	[[ ${lines[2]} =~ ^two\ +[1-9][0-9]*\ +running\ +$BUNDLE\ + ]]
	[ "$(bryo list -q)" = $'one\ntwo' ]
	bryo list --format json | jq -e --arg bundle "$BUNDLE" 'length == 2 and
		(.[0] | .id == "one" and .status == "created" and .pid > 0 and .bundle == $bundle)
		and (.[1] | .id == "two" and .status == "running")'
}

@test "no container is a heading, nothing, or an empty array" {
	[ "$(bryo list | wc -l)" -eq 1 ]
	[ -z "$(bryo list -q)" ]
	[ "$(bryo list -f json | jq -c .)" = "[]" ]
}

@test "list fails where a named root does not exist" {
	run "$BRYO" --root "$T/nowhere" list
	[ "$status" -eq 1 ]
	has_line "$T/nowhere"
	[ ! -e "$T/nowhere" ]
}

@test "a broken entry is a warning of list, not a failure" {
	create_container good
	mkdir -m 700 "$ROOT/bad"
	echo '{' >"$ROOT/bad/record.json"
	run --separate-stderr bryo list -q
	[ "$status" -eq 0 ]
	[ "$output" = good ]
	[[ $stderr == *bad* ]]
	bryo delete --force bad
	[ ! -e "$ROOT/bad" ]
}

@test "list works while fifty containers come and go" {
	args true
	for n in 1 2; do
		for i in $(seq 25); do
			bryo create -b "$BUNDLE" "c$n-$i" </dev/null >/dev/null 2>&1 &&
				bryo delete --force "c$n-$i" || echo "c$n-$i"
		done >"$T/failed.$n" &
	done
	while [ -n "$(jobs -pr)" ]; do
		run --separate-stderr bryo list -f json
		[ "$status" -eq 0 ]
		[ -z "$stderr" ] || { echo "$stderr" >&2; return 1; }
		jq -e 'type == "array"' <<<"$output" >/dev/null
	done
	[ ! -s "$T/failed.1" ] && [ ! -s "$T/failed.2" ]
	[ -z "$(bryo list -q)" ]
	nothing_left "c1-1"
}

@test "ps lists the container's processes and no others" {
	args sh -c 'sleep 1003 & sleep 1004; :'
	run_detached
	wait_for 5 eval '[ "$(bryo ps -f json $ID | jq length)" = 3 ]'
	for pid in $(bryo ps -f json "$ID" | jq .[]); do
		[ "$(readlink "/proc/$pid/ns/pid")" = "$(readlink "/proc/$(pid_of)/ns/pid")" ]
	done
	run bryo ps "$ID"
	[[ ${lines[0]} == *PID* ]]
	[ ${#lines[@]} -eq 4 ]
	has_line "sleep 1003"
}

# ---------------------------------------------------------------------------------- kill

@test "kill takes a name, a SIG name and a number, in any case; TERM is the default" {
	args sh -c 'for s in TERM USR1 USR2 HUP; do trap "echo $s >>/tmp/got" $s; done
		touch /tmp/ready; while :; do sleep 0.05; done'
	run_detached
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ready"
	for sig in TERM SIGUSR1 "$(kill -l USR2)" sighup hup "" USR1; do
		rm -f "$BUNDLE/rootfs/tmp/got"
		bryo kill "$ID" ${sig:+"$sig"}
		wait_for 5 test -s "$BUNDLE/rootfs/tmp/got"
		case ${sig:-TERM} in
		*[uU][sS][rR]1) [ "$(cat "$BUNDLE/rootfs/tmp/got")" = USR1 ] ;;
		[0-9]*) [ "$(cat "$BUNDLE/rootfs/tmp/got")" = USR2 ] ;;
		*[hH][uU][pP]) [ "$(cat "$BUNDLE/rootfs/tmp/got")" = HUP ] ;;
		*) [ "$(cat "$BUNDLE/rootfs/tmp/got")" = TERM ] ;;
		esac
	done
	bryo kill "$ID" 0
	fails_with 1 "unknown signal 'NONSENSE'" kill "$ID" NONSENSE
	fails_with 1 "unknown signal '400'" kill "$ID" 400
	[ "$(state_of)" = running ]
}

@test "kill works on what is created, and refuses what is stopped" {
	create_container
	bryo kill "$ID" KILL
	wait_for_status stopped
	fails_with 1 "container '$ID' is not running" kill "$ID" KILL
	fails_with 1 "container '$ID' is not running" kill "$ID" 0
	bryo kill --all "$ID" KILL
}

# covers: kill --all
@test "kill --all reaches every process, plain kill the first one" {
	args sh -c 'trap "echo init >>/tmp/got" TERM
		for i in 1 2 3; do
			sh -c "trap \"echo child >>/tmp/got; exit\" TERM; echo >>/tmp/ready; while :; do sleep 0.05; done" &
		done
		while :; do sleep 0.05; done'
	run_detached
	wait_for 5 eval '[ "$(wc -l <"$BUNDLE/rootfs/tmp/ready")" = 3 ]'
	bryo kill "$ID" TERM
	wait_for 5 grep -q init "$BUNDLE/rootfs/tmp/got"
	not grep -q child "$BUNDLE/rootfs/tmp/got"
	bryo kill --all "$ID" TERM
	wait_for 5 eval '[ "$(grep -c child "$BUNDLE/rootfs/tmp/got")" = 3 ]'
	[ "$(state_of)" = running ]
	bryo kill -a "$ID" KILL
	wait_for_status stopped
}

# ----------------------------------------------------------------------------------- run

@test "run gives the program's exit code, 128+n for signal n, and leaves nothing" {
	args sh -c 'exit 7'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 7 ]
	args sleep 1000
	bryo run -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &
	wait_for_status running
	bryo kill "$ID" KILL
	ends_with 137
	nothing_left
}

# covers: run --bundle
@test "options are taken after the id too" {
	args sh -c 'exit 6'
	run bryo run "$ID" -b "$BUNDLE"
	[ "$status" -eq 6 ]
}

# covers: run --config
@test "run in the bundle needs no --bundle, and --config names another document" {
	args sh -c 'exit 5'
	cd "$BUNDLE"
	run bryo run "$ID"
	[ "$status" -eq 5 ]
	jq '.process.args[2] = "exit 4"' config.json >other.json
	run bryo run --config other.json "$ID"
	[ "$status" -eq 4 ]
}

@test "a failing run leaves nothing" {
	args nothing-of-that-name
	fails_with 1 'executable file not found in $PATH' run -b "$BUNDLE" "$ID"
	nothing_left
}

# covers: run --keep
@test "run --keep keeps the stopped container" {
	args sh -c 'exit 3'
	run bryo run --keep -b "$BUNDLE" "$ID"
	[ "$status" -eq 3 ]
	[ "$(state_of)" = stopped ]
	bryo delete "$ID"
	nothing_left
}

# covers: run --detach
@test "run --detach leaves the container and no process of bryo" {
	bryo run --detach -b "$BUNDLE" --pid-file "$T/pid" "$ID" </dev/null >"$T/out" 2>&1
	[ "$(tr -d 0-9 <"$T/pid" | wc -c)" -eq 0 ]
	[ "$(cat "$T/pid")" = "$(pid_of)" ]
	[ "$(tr '\0' ' ' <"/proc/$(cat "$T/pid")/cmdline")" = "sleep 1000 " ]
	not pgrep -f "$ROOT"
}

@test "run forwards signals" {
	args sh -c 'trap "exit 11" TERM; trap "exit 12" INT; trap "exit 13" USR1; trap "exit 14" HUP
		touch /tmp/ready; while :; do sleep 0.05; done'
	for pair in TERM:11 INT:12 USR1:13 HUP:14; do
		rm -f "$BUNDLE/rootfs/tmp/ready"
		# a background job of a shell ignores INT, and what is ignored stays so
		env --default-signal=INT "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&- &
		wait_for 5 test -e "$BUNDLE/rootfs/tmp/ready"
		kill -"${pair%:*}" $!
		ends_with "${pair#*:}"
	done
	nothing_left
}

@test "run works below a parent that ignores SIGCHLD, and the program gets its default" {
	args sh -c 'grep SigIgn /proc/self/status; exit 3'
	run sh -c 'trap "" CHLD PIPE; exec "$@"' sh "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 3 ]
	[[ $output =~ SigIgn:.0000000000000000 ]]
}

@test "signals that the caller blocks are not blocked in the program" {
	requires cmd:perl
	args grep SigBlk /proc/self/status
	run perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM, SIGCHLD)); exec @ARGV' \
		"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[[ $output =~ SigBlk:.0000000000000000 ]]
}

@test "orphans of the container end with it, and run reaps its own" {
	args sh -c '(sleep 1005 &) ; exit 2'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 2 ]
	not pgrep -f 'sleep 1005'
}

# ----------------------------------------------------------------- descriptors

# covers: run --preserve-fds
@test "--preserve-fds passes exactly those descriptors on" {
	args sh -c 'cat <&3; cat <&4; ls /proc/self/fd; [ -e /proc/self/fd/5 ] && echo five'
	echo three >"$T/three"
	echo four >"$T/four"
	run "$BRYO" --root "$ROOT" run -b "$BUNDLE" --preserve-fds 2 "$ID" 3<"$T/three" 4<"$T/four" 5<"$T/four"
	[ "${lines[0]}" = three ]
	[ "${lines[1]}" = four ]
	has_line 4
	not grep -qx five <<<"$output"
}

@test "--preserve-fds of a descriptor that is not open is an error that names it" {
	run "$BRYO" --root "$ROOT" run -b "$BUNDLE" --preserve-fds 2 "$ID" 3</dev/null 4>&-
	[ "$status" -eq 1 ]
	has_line "descriptor 4 is not open"
	nothing_left
}

# ------------------------------------------------------------------ a runtime that is killed

# kill_at STRIDE VERB...: runs bryo VERB..., killed at every STRIDEth of its system calls after the
# claim; checks that delete --force leaves nothing each time
kill_at() {
	local stride=$1 first i=0 name n

	shift
	strace -o "$T/trace" true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	strace -o "$T/trace" "$BRYO" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&-
	bryo delete --force "$ID"
	first=$(grep -nE "(mkdirat|connect)\(" "$T/trace" | tail -1 | cut -d: -f1)
	[ -n "$first" ]
	grep -oE '^[a-z0-9_]+\(' "$T/trace" | tr -d '(' | awk -v first="$first" -v stride="$stride" \
		'{ n[$1]++ } NR >= first && NR % stride == 0 && $1 != "exit_group" { print $1, n[$1] }' >"$T/points"
	[ "$(wc -l <"$T/points")" -ge 3 ]
	while read -r name n; do
		strace -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$n" \
			"$BRYO" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&- || true
		bryo list >/dev/null
		bryo delete --force "$ID"
		nothing_left || { echo "killed at $name, call $n" >&2; return 1; }
		i=$((i + 1))
	done <"$T/points"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "a runtime killed at any point of create leaves nothing that delete --force does not remove" {
	requires cmd:strace
	# a map of one ID needs no set-user-ID helper, which would not work below strace
	make_bundle busybox --rootless
	args sleep 1000
	kill_at 3 create -b "$BUNDLE" "$ID"
}

@test "the same as an ordinary user with all of its IDs" {
	requires_test_user
	requires cmd:strace
	chmod 755 "$T" && mkdir -m 755 "$T/user"
	chown -R "$BRYO_TEST_USER" "$T/user"
	as_user sh -c 'cd "$1" && cp -r "$2" rootfs && "$BRYO" spec' sh "$T/user" "$BUNDLE/rootfs"
	jq '.process.args = ["sleep", "1000"] | .process.terminal = false' "$T/user/config.json" >"$T/config"
	cp "$T/config" "$T/user/config.json"
	for point in clone3:1 sendmsg:1 sendmsg:2 recvmsg:1 recvmsg:2 renameat:2 renameat:3; do
		strace -u "$BRYO_TEST_USER" -o /dev/null -e trace="${point%:*}" \
			-e inject="${point%:*}:signal=KILL:when=${point#*:}" \
			"$BRYO" --root "$T/user/state" create -b "$T/user" "$ID" </dev/null >/dev/null 2>&1 3>&- || true
		as_user "$BRYO" --root "$T/user/state" delete --force "$ID"
		wait_for 5 eval "! pgrep -f '$T/user/state'"
		[ ! -e "$T/user/state/$ID" ]
	done
}

@test "a runtime killed during start never leaves a running container that reads as created" {
	requires cmd:strace
	make_bundle busybox --rootless
	args sleep 1006
	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	for point in connect:1 unlinkat:1 sendmsg:1 recvmsg:1 recvmsg:2 exit_group:1; do
		create_container
		strace -o /dev/null -e trace="${point%:*}" -e inject="${point%:*}:signal=KILL:when=${point#*:}" \
			"$BRYO" --root "$ROOT" start "$ID" 2>/dev/null 3>&- || true
		sleep 0.1
		case $(state_of) in
		created) not pgrep -f "sleep 1006" ;;
		running) pgrep -f "sleep 1006" ;;
		stopped) ;;
		*) false ;;
		esac
		bryo delete --force "$ID"
		nothing_left
	done
}

@test "killing the foreground run leaves a container that delete --force removes" {
	args sleep 1007
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_status running
	kill -KILL $!
	[ "$(state_of)" = running ]
	bryo delete --force "$ID"
	nothing_left
	not pgrep -f "sleep 1007"
}
