#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# --timeout, --die-with-parent and --status-fd: what a foreground run does for its caller.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# how long the sleeps last by which processes are known: nobody else's do
S=$((100000 + $$))

# ------------------------------------------------------------------------------------- timeout

# covers: --timeout
@test "--timeout: SIGTERM and exit code 124, and what the program says to it is heard" {
	make_bundle
	args sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done'
	run bryo run -b "$BUNDLE" --timeout 300ms "$ID" </dev/null
	[ "$status" -eq 124 ]
	has_line up
	has_line bye
	has_line "container '$ID' was ended after 0.300 s (--timeout)"
	[[ $output != *SIGKILL* ]]
}

@test "--timeout: who is in time is not disturbed" {
	make_bundle
	args sh -c 'exit 7'
	run bryo run -b "$BUNDLE" --timeout 30s "$ID" </dev/null
	[ "$status" -eq 7 ]
	[ -z "$output" ]
}

@test "--timeout: SIGKILL after the grace, and with --init none is needed" {
	make_bundle
	args sleep 300
	run bryo run -b "$BUNDLE" --timeout 200ms,300ms "$ID" </dev/null
	[ "$status" -eq 124 ]
	has_line "by SIGKILL because SIGTERM did not"
	run bryo run -b "$BUNDLE" --timeout 200ms,30s --init "$ID" </dev/null
	[ "$status" -eq 124 ]
	[[ $output != *SIGKILL* ]]
	run bryo list --quiet
	[ -z "$output" ]
}

@test "--timeout: at a terminal too" {
	requires cmd:expect
	make_bundle
	config '.process.terminal = true'
	args sh -c 'echo at $(tty); exec sleep 300'
	echo 'set timeout 20; spawn -noecho {*}$argv; expect eof; exit [lindex [wait] 3]' >"$T/tty.exp"
	run timeout 30 expect "$T/tty.exp" "$BRYO" --root "$ROOT" run -b "$BUNDLE" --timeout 400ms,100ms "$ID" 3>&-
	[ "$status" -eq 124 ]
	has_line "at /dev/pts/0"
}

# covers: org.bryo.timeout
@test "org.bryo.timeout: as the option, which replaces it; durations, and detached ones, are refused" {
	make_bundle
	config '.annotations["org.bryo.timeout"] = "200ms,100ms"'
	args sleep 300
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 124 ]
	bryo plan -b "$BUNDLE" --format json | jq -e '.timeoutNs == 200000000 and .graceNs == 100000000'
	run bryo plan -b "$BUNDLE"
	has_line "timeout      SIGTERM after 200 ms, SIGKILL 100 ms later"
	for word in 0 -1s 5 '5s,' 5s,-1s soon 5s,5s,5s; do
		run bryo run -b "$BUNDLE" "--timeout=$word" "$ID"
		[ "$status" -eq 1 ]
		has_line "timeout '$word': not a duration"
	done
	run bryo run -d -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "--timeout (annotation org.bryo.timeout) is for a run in the foreground"
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	run bryo list --quiet
	[ -z "$output" ]
}

# ----------------------------------------------------------------------------- die with parent

# caller OPTION...: a shell that runs the container in the foreground, and its pid in $!
caller() {
	bash -c '"$@" & echo $! >"$0/bryo.pid"; wait' "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$@" "$ID" \
		</dev/null >"$T/out" 2>&1 3>&- &
	wait_for 10 grep -q up "$T/out"
}

# covers: --die-with-parent
@test "--die-with-parent: the container ends when the caller is killed, and nothing is left" {
	make_bundle
	args sh -c 'trap "" TERM; echo up; sleep '"$S"
	caller --die-with-parent
	kill -KILL $!
	wait_for 5 eval '! kill -0 $(cat "$T/bryo.pid")'
	not pgrep -u "$(id -u)" -f 'sleep '"$S"
	run bryo list --quiet
	[ -z "$output" ]
}

# so the option is what the test above is about
@test "without --die-with-parent the container outlives the caller" {
	make_bundle
	args sh -c 'echo up; exec sleep '"$S"
	caller
	kill -KILL $!
	sleep 0.3
	[ "$(state_of)" = running ]
	kill -KILL "$(cat "$T/bryo.pid")"
	sleep 0.2
	[ "$(state_of)" = running ]
}

@test "--die-with-parent: the container ends when bryo itself is killed" {
	make_bundle
	args sh -c 'echo up; sleep '"$S"'; sleep '"$S"
	for more in --no-pivot --init; do
		rm -f "$T/out"
		caller --die-with-parent $more
		kill -KILL "$(cat "$T/bryo.pid")"
		wait_for_status stopped
		wait_for 5 not pgrep -u "$(id -u)" -f 'sleep '"$S"
		bryo delete "$ID"
	done
}

@test "--die-with-parent --init: a program that takes the signal back does not stay" {
	python3 -c 'import ctypes' 2>/dev/null || skip "needs python3 with ctypes: it makes the system call"
	make_bundle
	# the host's, which a read-only bind of /usr brings
	config '.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]}] +
		[("/lib", "/lib64") | {destination: ., type: "bind", source: ., options: ["rbind", "ro"]}]'
	args /usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(1, 0); print("up", flush=True); time.sleep(348)'
	caller --die-with-parent --init
	kill -KILL "$(cat "$T/bryo.pid")"
	wait_for_status stopped
}

@test "--die-with-parent: another user in the container" {
	requires subid
	make_bundle
	config '.process.user = {uid: 1000, gid: 1000}'
	args sh -c 'echo up; sleep '"$S"'; sleep '"$S"
	for more in --no-pivot --init; do
		rm -f "$T/out"
		caller --die-with-parent $more
		kill -KILL "$(cat "$T/bryo.pid")"
		wait_for_status stopped
		bryo delete "$ID"
	done
}

@test "--die-with-parent: before the program runs" {
	make_bundle
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo up >/tmp/up; sleep 30"]}] | .root.readonly = false'
	args true
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" --die-with-parent "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for 10 test -e "$BUNDLE/rootfs/tmp/up"
	kill -KILL $!
	wait_for 5 not pgrep -u "$(id -u)" -f 'echo up >/tmp/up; sleep 30'
	wait_for_status stopped
}

# covers: org.bryo.dieWithParent
@test "org.bryo.dieWithParent: as the option; detached it is refused" {
	make_bundle
	config '.annotations["org.bryo.dieWithParent"] = "true"'
	args sh -c 'echo up; sleep '"$S"
	caller
	kill -KILL $!
	wait_for 5 eval '! kill -0 $(cat "$T/bryo.pid")'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "--die-with-parent (annotation org.bryo.dieWithParent) is for a run in the foreground"
	run bryo plan -b "$BUNDLE"
	has_line "ends with    the caller of bryo"
}

# covers: exec --timeout exec --die-with-parent
@test "exec --timeout and --die-with-parent: that process, and no other" {
	make_bundle
	args sleep 300
	run_detached
	run bryo exec --timeout 200ms "$ID" sleep 351
	[ "$status" -eq 124 ]
	run bryo exec -d --timeout 200ms "$ID" sleep 351
	[ "$status" -eq 255 ]
	has_line "is for a run in the foreground"
	bash -c '"$@" & echo $! >"$0/bryo.pid"; wait' "$T" "$BRYO" --root "$ROOT" exec --die-with-parent "$ID" \
		sh -c 'echo up; sleep '"$S" </dev/null >"$T/out" 2>&1 3>&- &
	wait_for 10 grep -q up "$T/out"
	kill -KILL $!
	wait_for 5 eval '! kill -0 $(cat "$T/bryo.pid")'
	"$BRYO" --root "$ROOT" exec --die-with-parent "$ID" sh -c 'echo up; exec sleep '"$S" </dev/null >"$T/out" 2>&1 3>&- &
	wait_for 10 grep -q up "$T/out"
	kill -KILL $!
	wait_for 5 not pgrep -u "$(id -u)" -f 'sleep '"$S"
	[ "$(state_of)" = running ]
}

# covers: sandbox --die-with-parent sandbox --timeout
@test "sandbox --timeout and --die-with-parent" {
	requires userns
	mkdir "$T/work"
	cd "$T/work"
	run bryo sandbox --timeout 200ms --init -- sleep 300
	[ "$status" -eq 124 ]
	run bryo sandbox --die-with-parent -- sh -c 'exit 3'
	[ "$status" -eq 3 ]
}

# ----------------------------------------------------------------------------------- status fd

# covers: run --status-fd
@test "--status-fd: pid and namespaces, ready, exit; the container does not get it" {
	make_bundle
	args sh -c 'readlink /proc/self/ns/pid; readlink /proc/self/ns/mnt; ls /proc/self/fd | tr "\n" " "; exit 5'
	run --separate-stderr bash -c '"$@" 77>"$0/status"' "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" \
		--status-fd 77 "$ID" </dev/null
	[ "$status" -eq 5 ]
	[[ ${lines[2]} == "0 1 2 "[0-9]" " ]]
	[ "$(wc -l <"$T/status")" -eq 3 ]
	[ "pid:[$(jq -r '.namespaces.pid // empty' "$T/status")]" = "${lines[0]}" ]
	[ "mnt:[$(jq -r '.namespaces.mnt // empty' "$T/status")]" = "${lines[1]}" ]
	jq -se '.[0].pid > 1 and .[1] == {"ready": true} and .[2] == {"exit": 5}' "$T/status"
}

@test "--status-fd: a signal, a time that was up, a program that is not there" {
	make_bundle
	args sh -c 'kill -USR1 $$; exit 9'
	bash -c '"$@" 7>"$0/status"' "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 7 --init "$ID" || true
	jq -se '.[2] == {"exit": 138}' "$T/status"
	args sleep 300
	bash -c '"$@" 7>"$0/status"' "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 7 \
		--timeout 100ms,0 "$ID" 2>/dev/null || true
	jq -se '.[2] == {"exit": 124, "signal": 9}' "$T/status"
	args /bin/none
	bash -c '"$@" 7>"$0/status"' "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 7 "$ID" 2>/dev/null || true
	jq -se '(. | length) == 1 and (.[0].error | contains("no such file or directory"))' "$T/status"
}

@test "--status-fd: a reader that has left, and one that is not there" {
	make_bundle
	args sh -c 'sleep 0.1; exit 6'
	run bash -c '"$@" 7> >(exec true); exit $?' bash "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 7 "$ID" </dev/null
	[ "$status" -eq 6 ]
	[ -z "$output" ]
	run bash -c 'exec "$@" 9>&-' bash "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 9 "$ID"
	[ "$status" -eq 1 ]
	has_line "--status-fd 9: Bad file descriptor [open it for bryo: 9>FILE in a shell]"
	run bash -c 'exec "$@" 9</dev/null' bash "$BRYO" --root "$ROOT" run -b "$BUNDLE" --status-fd 9 "$ID"
	[ "$status" -eq 1 ]
	has_line "--status-fd 9: it cannot be written to [open it for bryo: 9>FILE in a shell]"
	run bryo run -b "$BUNDLE" --status-fd 2 "$ID"
	has_line "--status-fd 2: the program's own is not for that"
	run bash -c 'exec "$@" 3</dev/null' bash "$BRYO" --root "$ROOT" run -b "$BUNDLE" --preserve-fds 1 --status-fd 3 "$ID"
	has_line "--status-fd 3: that descriptor is passed to the program"
}

# covers: sandbox --status-fd
@test "sandbox --status-fd, and a detached run: no exit line, and the descriptor is closed" {
	requires userns
	mkdir "$T/work"
	cd "$T/work"
	bash -c '"$@" 3>"$0/status"' "$T" "$BRYO" sandbox --status-fd 3 -- true
	jq -se '.[2] == {"exit": 0}' "$T/status"
	make_bundle
	args sleep 300
	timeout 20 bash -c '{ "$@" 7>&1 >/dev/null 2>&1; } | cat >"$0/status"' "$T" "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" \
		--status-fd 7 "$ID" </dev/null
	jq -se '(. | length) == 2 and .[1].ready' "$T/status"
}
