#!/usr/bin/env bats
# Refusals around state and life cycle: ids, state directories, a full disk, the wrong moment,
# terminals without a socket.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/errors

setup() { bryo_setup; }
teardown() { bryo_teardown; }

# ----------------------------------------------------------------------------------- ids

@test "an unknown id: every command that takes one says so, exec with 255" {
	for command in start state kill delete ps; do
		refused 1 bryo $command nobody
		says "'nobody'" "does not exist" "bryo list"
		lines_are 1
	done
	refused 255 bryo exec nobody true
	says "'nobody'" "does not exist"
}

@test "delete --force of an unknown id is no error" {
	bryo delete --force nobody
}

@test "ids that are refused, by create and by everything else" {
	make_bundle empty
	for id in '' . .. a/b ../up 'a b' 'ä' $'a\nb' "$(printf 'x%.0s' {1..1100})"; do
		refused 1 bryo run -b "$BUNDLE" "$id"
		says "container id"
		lines_are 1
		refused 1 bryo state "$id"
		says "container id"
	done
	[ -z "$(ls -A "$ROOT")" ]
}

@test "an id that is taken: says so, and the first container stays as it is" {
	make_bundle
	args sleep 100
	run_detached
	for verb in create run; do
		refused 1 bryo $verb -b "$BUNDLE" "$ID"
		says "'$ID'" "already exists" "delete"
	done
	[ "$(state_of)" = running ]
}

# ----------------------------------------------------------------------- the wrong moment

@test "start of a running container names its state" {
	make_bundle
	args sleep 100
	run_detached
	refused 1 bryo start "$ID"
	says "cannot start" "'$ID'" "running"
	[ "$(state_of)" = running ]
}

@test "start, kill and exec of a stopped container name its state" {
	make_bundle
	args true
	run_detached
	wait_for_status stopped
	refused 1 bryo start "$ID"
	says "cannot start" "'$ID'" "stopped"
	refused 1 bryo kill "$ID"
	says "'$ID'" "not running"
	refused 255 bryo exec "$ID" true
	says "'$ID'" "not running"
}

@test "delete of a running container says how to go on, and does nothing" {
	make_bundle
	args sleep 100
	run_detached
	refused 1 bryo delete "$ID"
	says "'$ID'" "not stopped" "kill" "--force"
	[ "$(state_of)" = running ]
}

@test "an unknown signal: what would be known" {
	make_bundle
	args sleep 100
	run_detached
	for sig in BOGUS SIGBOGUS 65 -1 1x; do
		refused 1 bryo kill "$ID" -- "$sig"
		says "signal" "'$sig'" "SIGTERM"
	done
	[ "$(state_of)" = running ]
}

@test "exec: program missing, cwd missing, bad user, bad process file: 255 and the reason" {
	make_bundle
	args sleep 100
	run_detached
	refused 255 bryo exec "$ID" no-such-program
	says "'no-such-program'" 'executable file not found in $PATH'
	refused 255 bryo exec "$ID" /bin/no-such-program
	says "no such file or directory"
	refused 255 bryo exec "$ID" /etc/passwd
	says "permission denied"
	refused 255 bryo exec --cwd /no/where "$ID" true
	says "'/no/where'" "No such file or directory" "--cwd"
	refused 255 bryo exec --user root "$ID" true
	says "'root'" "UID:GID"
	refused 255 bryo exec --process "$T/missing.json" "$ID"
	says "$T/missing.json" "No such file or directory"
	echo '{' >"$T/bad.json"
	refused 255 bryo exec --process "$T/bad.json" "$ID"
	says "bad.json:" "ends"
	[ "$(state_of)" = running ]
}

@test "exec as an ID that is not mapped names the ID and what is mapped" {
	requires user
	make_bundle
	args sleep 100
	run_detached
	refused 255 bryo exec --user 3000000000 "$ID" true
	says "3000000000" "not mapped" "mapped are 0-"
}

# ------------------------------------------------------------------------------ terminals

@test "row 73: a terminal with create, or detached, but no console socket: both ways out" {
	make_bundle
	config '.process.terminal = true'
	refused 1 bryo create -b "$BUNDLE" "$ID"
	says "tty" "--console-socket" "process.terminal"
	refused 1 bryo run --detach -b "$BUNDLE" "$ID"
	says "tty" "--console-socket" "process.terminal"
}

@test "row 73: a terminal in the foreground where there is none works, or says why" {
	make_bundle
	config '.process.terminal = true | .process.args = ["tty"]'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ]
	has_line /dev/pts/0
}

@test "a console socket for a container without a terminal" {
	make_bundle
	refused 1 bryo create --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	says "console socket" "process.terminal"
}

@test "a console socket that is missing, or a file: named" {
	make_bundle
	config '.process.terminal = true'
	refused 1 bryo create --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	says "console socket" "$T/sock" "No such file or directory"
	touch "$T/sock"
	refused 1 bryo create --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	says "console socket" "$T/sock"
}

@test "a terminal without devpts says what is needed" {
	make_bundle
	config '.process.terminal = true | .mounts |= map(select(.destination != "/dev/pts"))'
	refuses "terminal" "devpts" "/dev/pts"
}

@test "a pid file that cannot be written: named, and no container is left" {
	make_bundle
	args sleep 100
	refused 1 bryo create --pid-file "$T/no/such/pid" -b "$BUNDLE" "$ID"
	says "pid file" "$T/no/such/pid" "No such file or directory"
}

@test "a preserved descriptor that is not open is named" {
	make_bundle
	refused 1 bryo run --preserve-fds 9 -b "$BUNDLE" "$ID"
	says "--preserve-fds 9" "not open"
}

# ------------------------------------------------------------------------ state directory

@test "a state directory of somebody else" {
	local other=$T/other

	if [ "$(id -u)" != 0 ]; then
		other=/usr/share
	elif in_initial_userns; then
		mkdir "$other" && chown 12345 "$other"
	else
		other=/proc/sys
	fi
	make_bundle empty
	ROOT=$other refused 1 bryo run -b "$BUNDLE" "$ID"
	says "state directory" "'$other'" "belongs to uid" "--root"
	lines_are 1
}

@test "a state directory that is closed to the caller" {
	[ "$(id -u)" != 0 ] || skip "needs user: nothing is closed to root"
	make_bundle empty
	chmod 0 "$ROOT"
	refused 1 bryo run -b "$BUNDLE" "$ID"
	chmod 700 "$ROOT"
	says "open state directory '$ROOT'" "Permission denied" "--root"
	lines_are 1
}

@test "a state directory that anyone may write" {
	make_bundle empty
	chmod 777 "$ROOT"
	refuses "state directory" "'$ROOT'" "0777" "chmod o-w" "--root"
}

@test "a default state directory that others may enter, or that is a link, or a file" {
	! { [ "$(id -u)" = 0 ] && in_initial_userns; } || skip "needs user: root's default directory is the machine's"
	make_bundle empty
	mkdir -m 755 "$XDG_RUNTIME_DIR/bryo"
	refused 1 "$BRYO" run -b "$BUNDLE" "$ID"
	says "state directory" "$XDG_RUNTIME_DIR/bryo" "0755" "chmod 0700"
	rmdir "$XDG_RUNTIME_DIR/bryo"
	mkdir -m 700 "$T/elsewhere"
	ln -s "$T/elsewhere" "$XDG_RUNTIME_DIR/bryo"
	refused 1 "$BRYO" run -b "$BUNDLE" "$ID"
	says "state directory" "$XDG_RUNTIME_DIR/bryo" "remove it" "--root"
	[ -z "$(ls -A "$T/elsewhere")" ]
	rm "$XDG_RUNTIME_DIR/bryo"
	touch "$XDG_RUNTIME_DIR/bryo"
	refused 1 "$BRYO" run -b "$BUNDLE" "$ID"
	says "state directory" "$XDG_RUNTIME_DIR/bryo" "must be a directory"
}

@test "row 68: XDG_RUNTIME_DIR that is not private is not used" {
	! { [ "$(id -u)" = 0 ] && in_initial_userns; } || skip "needs user: root's default directory is the machine's"
	mkdir -m 700 "$XDG_RUNTIME_DIR/bryo" "$XDG_RUNTIME_DIR/bryo/seen"
	echo '{' >"$XDG_RUNTIME_DIR/bryo/seen/record.json"
	run "$BRYO" list
	has_line seen
	chmod 755 "$XDG_RUNTIME_DIR"
	run "$BRYO" list
	[[ $output != *seen* ]]
}

@test "a state directory that cannot be made is named; / cannot be one" {
	make_bundle empty
	touch "$T/file"
	ROOT=$T/file/below refused 1 bryo run -b "$BUNDLE" "$ID"
	says "directory" "$T/file" "ot a directory"
	ROOT=/ refused 1 bryo run -b "$BUNDLE" "$ID"
	says "state directory" "'/'"
	ROOT='' refused 1 bryo run -b "$BUNDLE" "$ID"
	says "state directory" "empty"
}

@test "a disk that is full when the state is written: says so, and leaves nothing" {
	requires userns
	make_bundle
	args true
	mkdir "$T/tiny"
	[ "$(id -u)" = 0 ] && enter=(unshare -m) || enter=(unshare -Urm)
	# shellcheck disable=SC2016 # expanded by the inner shell
	run "${enter[@]}" sh -c '
		mount -t tmpfs -o size=4k,mode=700 none "$1/tiny" && echo full >"$1/tiny/fill" || exit 99
		"$BRYO" --root "$1/tiny" run -b "$2" box 3>&-
		echo "status $?"
		ls -A "$1/tiny"' sh "$T" "$BUNDLE"
	has_line "No space left on device"
	has_line "state of container 'box'"
	has_line "status 1"
	[ "${lines[-1]}" = fill ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "a file system without room for a directory: says so" {
	requires userns
	make_bundle empty
	mkdir "$T/tiny"
	[ "$(id -u)" = 0 ] && enter=(unshare -m) || enter=(unshare -Urm)
	# shellcheck disable=SC2016
	run "${enter[@]}" sh -c '
		mount -t tmpfs -o nr_inodes=1,mode=700 none "$1/tiny" || exit 99
		"$BRYO" --root "$1/tiny" run -b "$2" box 3>&-
		echo "status $?"' sh "$T" "$BUNDLE"
	has_line "No space left on device"
	has_line "'box'"
	has_line "status 1"
}

@test "list, state and delete on broken entries: list never fails, the others say what is wrong" {
	make_bundle
	args sleep 100
	run_detached
	mkdir -m 700 "$ROOT/empty" "$ROOT/broken"
	echo '{' >"$ROOT/broken/record.json"
	run --separate-stderr bryo list --quiet
	[ "$status" -eq 0 ]
	[[ $output == *"$ID"* ]]
	run --separate-stderr bryo state broken
	[ "$status" -eq 1 ]
	says "'broken'" "record.json"
	bryo delete --force broken
	bryo delete --force empty
	[ "$(ls "$ROOT")" = "$ID" ]
}

# below COMMAND...: in a pid namespace below the caller's, from which the caller's is not seen
below() {
	timeout 20 unshare --user --map-root-user --pid --fork --kill-child --mount-proc "$@" 3>&-
}

requires_below() {
	requires userns
	below true 2>/dev/null || skip "no new proc can be mounted here"
}

@test "from another pid namespace a running container is not called stopped, and nothing touches it" {
	local command what="created in another pid namespace: nobody can tell from here whether it runs"

	requires_below
	make_bundle
	args sleep 100
	run_detached
	for command in state kill start ps delete; do
		run --separate-stderr below "$BRYO" --root "$ROOT" "$command" "$ID"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		says "'$ID'" "$what" "run bryo there" "bryo delete --force $ID"
		lines_are 1
	done
	run --separate-stderr below "$BRYO" --root "$ROOT" exec "$ID" true
	[ "$status" -eq 255 ]
	says "$what"

	run --separate-stderr below "$BRYO" --root "$ROOT" list --format json
	[ "$status" -eq 0 ]
	[ "$(jq -r '.[] | "\(.id) \(.status) \(.pid)"' <<<"$output")" = "$ID unknown 0" ]
	says "'$ID'" "$what"
	[ "$(state_of)" = running ]
}

@test "by force a container of a pid namespace that is gone is removed, and may be made anew" {
	requires_below
	make_bundle
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	args sleep 100
	below sh -c '"$BRYO" --root "$1" run -d -b "$2" "$3" </dev/null >/dev/null 2>&1' sh "$ROOT" "$BUNDLE" "$ID"
	run --separate-stderr below "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	says "already exists"
	run --separate-stderr below "$BRYO" --root "$ROOT" delete "$ID"
	[ "$status" -eq 1 ]
	says "nobody can tell"
	run --separate-stderr below "$BRYO" --root "$ROOT" delete --force "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	says "'$ID'" "created in another pid namespace: what may still run of it there was not ended"
	lines_are 1
	[ -z "$(ls -A "$ROOT")" ]
}

@test "a container of a pid namespace below is seen from above, and deleted when it has ended" {
	local pid

	requires_below
	make_bundle
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	args sleep 100
	mkfifo "$T/end"
	below sh -c '"$BRYO" --root "$1" run -d -b "$2" "$3" </dev/null && echo there && read x <"$4"' \
		sh "$ROOT" "$BUNDLE" "$ID" "$T/end" >"$T/out" 2>&1 &
	wait_for 10 grep there "$T/out" || { cat "$T/out" >&2; return 1; }
	refused 1 bryo delete --force "$ID"
	says "'$ID'" "created in another pid namespace, and runs: it is process" "end process"
	[[ $stderr =~ process\ ([0-9]+)\ here ]]
	pid=${BASH_REMATCH[1]}
	grep -q "^NSpid:.*[^0-9]$(jq .pid "$ROOT/$ID/record.json")[^0-9]" "/proc/$pid/status"
	run --separate-stderr bryo list
	[[ $output == *" unknown "* ]]

	kill -KILL "$pid"
	echo >"$T/end"
	ends_with 0
	# only the initial namespace sees everything
	if [ "$(readlink /proc/self/ns/pid)" = "pid:[4026531836]" ]; then
		[ "$(state_of)" = stopped ]
		run bryo gc
		[ -z "$output" ]
		bryo delete "$ID"
	else
		refused 1 bryo delete "$ID"
		says "nobody can tell" "bryo delete --force $ID"
		run --separate-stderr bryo delete --force "$ID"
		[ "$status" -eq 0 ]
		says "'$ID'" "created in another pid namespace: what may still run of it there was not ended"
	fi
	[ -z "$(ls -A "$ROOT")" ]
}

@test "row 63: a create that was killed can be deleted, and its id used again" {
	make_bundle
	args true
	mkfifo "$T/gate"
	config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "cat $T/gate"], "env": ["T=\($t)"]}]' --arg t "$T"
	"$BRYO" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&- &
	wait_for 10 test -e "$ROOT/$ID/record.json"
	sleep 0.3
	kill -9 $!
	wait || true
	timeout 2 sh -c ': >"$1"' sh "$T/gate" || true
	bryo delete --force "$ID"
	[ ! -e "$ROOT/$ID" ]
	config 'del(.hooks)'
	bryo run -b "$BUNDLE" "$ID"
}

@test "row 64: a recorded pid that is now somebody else's is never signalled" {
	make_bundle
	args sleep 100
	run_detached
	sleep 0.1 # start times are counted in hundredths
	sleep 100 3>&- &
	victim=$!
	jq ".pid = $victim" "$ROOT/$ID/record.json" >"$T/record"
	bryo kill "$ID" KILL
	cat "$T/record" >"$ROOT/$ID/record.json"
	[ "$(state_of)" = stopped ]
	run bryo kill "$ID" KILL
	[ "$status" -eq 1 ]
	bryo delete --force "$ID"
	kill -0 "$victim"
	kill "$victim"
}

@test "row 66: delete of a process that does not die ends, with its pid, state and wchan" {
	requires cmd:strace
	make_bundle
	args sleep 100
	run_detached
	pid=$(jq .pid "$ROOT/$ID/record.json")
	# a signal that is said to be sent and is not: for the caller, a process stuck in the kernel
	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	run timeout 20 strace -o /dev/null -e trace=pidfd_send_signal \
		-e inject=pidfd_send_signal:retval=0 "$BRYO" --root "$ROOT" delete --force "$ID" 3>&-
	[ "$status" -eq 1 ]
	[[ "$output" =~ "process $pid did not end within 10 s of SIGKILL: state "[SRD]", wchan "[a-z0-9_?]+" [it may be stuck" ]]
	[ -e "$ROOT/$ID" ]
	bryo delete --force "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "row 65: without a pid namespace it is said that not all processes can be found" {
	requires root
	make_bundle
	args true
	config '.linux.namespaces |= map(select(.type != "pid"))'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	says "pid namespace" "cannot all be found"
}

@test "row 71: a caller that ignores SIGCHLD still gets the exit code" {
	make_bundle
	args sh -c 'exit 7'
	trap '' CHLD
	run bryo run -b "$BUNDLE" "$ID"
	trap - CHLD
	[ "$status" -eq 7 ]
}

@test "row 74: a terminal is given to the user although the tty group is not mapped" {
	make_bundle
	config '.process.terminal = true | .process.args = ["stat", "-c", "%u", "/dev/pts/0"]'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ]
	has_line 0
}

@test "row 77: hooks: a failing one names itself with its exit code and stderr, and stops the container" {
	make_bundle
	args true
	config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo the reason >&2; exit 3"]}]'
	refused 1 bryo run -b "$BUNDLE" "$ID"
	says "createRuntime" "/bin/sh" "3" "the reason"
	config '.hooks.createRuntime = [{"path": "/no/such/hook"}]'
	refused 1 bryo run -b "$BUNDLE" "$ID"
	says "createRuntime" "/no/such/hook" "No such file or directory"
	config '.hooks = {"createContainer": [{"path": "relative"}]}'
	refuses "createContainer" "relative" "absolute"
	config '.hooks = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1}]}'
	refused 1 bryo run -b "$BUNDLE" "$ID"
	says "createRuntime" "/bin/sleep" "1000 ms"
}
