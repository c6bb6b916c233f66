#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# Terminals: in the foreground on a real one (tmux, script), and through a console socket.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup_file() {
	CONSOLE=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/console
	if [ ! -x "$CONSOLE" ]; then
		CONSOLE=$BATS_FILE_TMPDIR/console
		${CC:-cc} -D_GNU_SOURCE -O1 -o "$CONSOLE" "$BATS_TEST_DIRNAME/../lib/console.c"
	fi
	export CONSOLE
}

setup() {
	bryo_setup
	make_bundle
	config '.process.terminal = true | .root.readonly = false'
}

teardown() {
	[ ! -S "$T/tmux" ] || tmux -S "$T/tmux" kill-server || true
	bryo_teardown
}

# on_tmux COMMAND: in a shell of a private tmux, 80x24
on_tmux() {
	requires cmd:tmux
	printf '%s\n' "$1" 'echo "outer: $?"' 'stty -a | grep -o " -*icanon\| -*echo "' 'exec sleep 100' >"$T/outer"
	TERM=xterm tmux -S "$T/tmux" -f /dev/null new-session -d -x 80 -y 24 "sh '$T/outer'" \; \
		set -g status off </dev/null 3>&-
}

keys() { tmux -S "$T/tmux" send-keys "$@"; }
screen() { tmux -S "$T/tmux" capture-pane -p; }

# sees TEXT: a line of the screen is TEXT, soon
sees() {
	wait_for 8 eval "screen | grep -qx -- '$1 *'" || { screen >&2; return 1; }
}

# on_script ARG...: bryo on a terminal of script(1), whose exit code is the command's
on_script() {
	requires cmd:script
	run script -qec "$(printf '%q ' timeout --foreground -k 5 30 "$BRYO" --root "$ROOT" "$@")" /dev/null </dev/null 3>&-
	output=${output//$'\r'/}
	output=${output//$'^D\b\b'/}
}

# receive [VERB]: starts the receiver of the console socket $T/sock; what it gets is in $T/got
receive() {
	"$CONSOLE" "${1:-receive}" "$T/sock" </dev/null >"$T/got" 2>"$T/name" 3>&- &
	RECEIVER=$!
	wait_for 5 test -S "$T/sock"
}

# received: $T/got without the "\r" of each line
received() { tr -d '\r' <"$T/got"; }

# ------------------------------------------------------------------- on a real terminal

@test "an interactive shell: size, Ctrl-C, job control, resizing, exit code" {
	args sh
	on_tmux "'$BRYO' --root '$ROOT' run -b '$BUNDLE' '$ID'"
	wait_for_status running
	keys 'PS1=ready:; tty; stty size' Enter
	sees /dev/pts/0
	sees "24 80"
	keys 'sleep 1012' Enter
	wait_for 5 pgrep -f "^sleep 1012"
	keys C-c
	wait_for 5 eval "! pgrep -f '^sleep 1012'"
	keys 'echo code $?' Enter
	sees "code 130"
	keys 'sleep 1013' Enter
	wait_for 5 pgrep -f "^sleep 1013"
	keys C-z
	wait_for 5 eval 'grep -q "^State:.T" "/proc/$(pgrep -f "^sleep 1013")/status"'
	keys 'fg' Enter
	wait_for 5 eval 'grep -q "^State:.S" "/proc/$(pgrep -f "^sleep 1013")/status"'
	keys C-c
	tmux -S "$T/tmux" resize-window -x 101 -y 31
	keys 'stty size' Enter
	sees "31 101"
	keys 'exit 7' Enter
	sees "outer: 7"
	sees " icanon"
	sees " echo"
	[ ! -e "$ROOT/$ID" ]
}

# covers: sandbox --init
@test "--init: Ctrl-C ends a program that has no handler for it" {
	mkdir "$T/work"
	on_tmux "cd '$T/work' && '$BRYO' --root '$ROOT' sandbox --init -- sh -c 'echo ready; exec sleep 100'"
	sees ready
	keys C-c
	sees "\^Couter: 130"
	sees " icanon"
}

# covers: exec --tty process.terminal
@test "exec --tty is interactive as well" {
	config '.process.terminal = false'
	args sleep 1000
	run_detached
	on_tmux "'$BRYO' --root '$ROOT' exec -t '$ID' sh"
	keys 'PS1=ready:; tty; stty size' Enter
	sees /dev/pts/0
	sees "24 80"
	tmux -S "$T/tmux" resize-window -x 90 -y 20
	keys 'stty size' Enter
	sees "20 90"
	keys 'exit 9' Enter
	sees "outer: 9"
	sees " icanon"
}

@test "the exit code comes through script(1) too, and there is a controlling terminal" {
	args sh -c 'tty; echo to-tty >/dev/tty; echo to-console >/dev/console; exit 7'
	on_script run -b "$BUNDLE" "$ID"
	[ "$status" -eq 7 ]
	has_line /dev/pts/0
	has_line to-tty
	has_line to-console
}

@test "without --tty exec on a terminal hands that terminal over" {
	config '.process.terminal = false'
	args sleep 1000
	run_detached
	on_script exec "$ID" sh -c '[ -t 0 ] && [ -t 1 ] && echo yes; exit 4'
	[ "$status" -eq 4 ]
	has_line yes
}

@test "the caller's terminal has its mode back afterwards" {
	requires cmd:script
	args true
	run script -qec "stty -g; '$BRYO' --root '$ROOT' run -b '$BUNDLE' '$ID'; stty -g" /dev/null </dev/null 3>&-
	modes=$(grep -o '[0-9a-f]*:[0-9a-f:]*' <<<"$output" | sort -u | wc -l)
	[ "$modes" -eq 1 ]
}

@test "the terminal belongs to the process's user" {
	{ [ "$(id -u)" = 0 ] && in_initial_userns; } || requires subid
	args sh -c 'stat -c %u:%a $(tty); id -u; echo x >/dev/tty'
	config '.process.user = {uid: 1000, gid: 1000} | .process.consoleSize = {height: 33, width: 44}'
	on_script run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "1000:620"
	has_line "1000"
}

# covers: process.consoleSize.height process.consoleSize.width
@test "consoleSize wins over the caller's size" {
	args stty size
	config '.process.consoleSize = {height: 33, width: 44}'
	on_script run -b "$BUNDLE" "$ID"
	has_line "33 44"
}

# ----------------------------------------------------------------- the ends of the relay

@test "a burst of 1 MiB is complete, also for a slow reader, and without carriage returns" {
	args sh -c 'i=0; while [ $i -lt 16384 ]; do printf "%063d\n" $i; i=$((i+1)); done; echo -n end'
	bryo run -b "$BUNDLE" "$ID" </dev/null >"$T/burst"
	[ "$(wc -c <"$T/burst")" -eq $((1048576 + 3)) ]
	[ "$(tail -c 3 "$T/burst")" = end ]
	bryo run -b "$BUNDLE" "$ID" </dev/null | { sleep 1; cat; } >"$T/slow"
	cmp "$T/burst" "$T/slow"
}

@test "the program's last words are not lost, thirty times" {
	args sh -c 'echo -n last-words'
	for i in $(seq 30); do
		[ "$(bryo run -b "$BUNDLE" "$ID" </dev/null)" = last-words ] || { echo "round $i" >&2; return 1; }
	done
}

@test "what comes on stdin reaches the program; end of file does not end it" {
	args sh -c 'stty -echo; echo ready; read a; echo "got $a"; sleep 0.3; exit 5'
	run bryo run -b "$BUNDLE" "$ID" <<<"hello"
	[ "$status" -eq 5 ]
	has_line "got hello"
}

@test "stdin may be closed" {
	args sh -c 'echo fine; exit 3'
	# not `run bryo ... <&-`: the pipe of bats' $(...) would become descriptor 0, and bryo its reader
	closed() { bryo "$@" <&-; }
	run closed run -b "$BUNDLE" "$ID"
	[ "$status" -eq 3 ]
	has_line fine
}

@test "stdout may be closed, or its reader gone: the exit code is still the program's" {
	args sh -c 'i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 3'
	rc=0
	bryo run -b "$BUNDLE" "$ID" </dev/null >&- || rc=$?
	[ "$rc" -eq 3 ]
	rc=$(set +o pipefail; { bryo run -b "$BUNDLE" "$ID" </dev/null; echo $? >&2; } 2>&1 >/dev/full | tail -1)
	[ "$rc" != 0 ]
	{ rc=0; bryo run -b "$BUNDLE" "$ID" </dev/null || rc=$?; echo $rc >"$T/rc"; } | true
	[ "$(cat "$T/rc")" -eq 3 ]
}

# cpu_of PID: clock ticks
cpu_of() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

idle() { # idle COMMAND: while it sleeps, the relay uses no CPU
	args sh -c "$1"
	# stdin is a pipe that stays open, stdout one that is read
	sleep 6 | "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" 3>&- | cat >/dev/null &
	wait_for_status running
	sleep 0.5
	pid=$(pgrep -f "^$BRYO --root $ROOT run")
	before=$(cpu_of "$pid")
	sleep 1.5
	[ $(($(cpu_of "$pid") - before)) -le 1 ]
	bryo kill "$ID" KILL
}

@test "an idle terminal costs no CPU" { idle 'echo hello; exec sleep 1014'; }

@test "nor does one that the program has closed" { idle 'exec sleep 1015 </dev/null >/dev/null 2>&1'; }

@test "nor does one whose caller closed stdin" {
	args sleep 1016
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >/dev/null 3>&- &
	pid=$!
	wait_for_status running
	sleep 0.5
	before=$(cpu_of $pid)
	sleep 1
	[ $(($(cpu_of $pid) - before)) -le 1 ]
	bryo kill "$ID" KILL
}

@test "run with a terminal forwards signals" {
	args sh -c 'trap "exit 11" TERM; echo ready; while :; do sleep 0.05; done'
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >"$T/out" 3>&- &
	wait_for 5 grep -q ready "$T/out"
	kill -TERM $!
	ends_with 11
}

# -------------------------------------------------------------------- the console socket

# covers: create --console-socket
@test "create gives the terminal to the console socket" {
	args sh -c 'tty; printf "a\nb\n"; exit 0'
	receive
	create_container "$ID" --console-socket "$T/sock"
	bryo start "$ID"
	wait $RECEIVER
	[ "$(cat "$T/name")" = /dev/ptmx ]
	# as from runc: clients of engines put their terminal in raw mode
	[ "$(od -An -c "$T/got" | tr -d ' \n')" = '/dev/pts/0\r\na\r\nb\r\n' ]
}

# covers: create --console-socket
@test "create with a terminal leaves nobody behind who holds its output" {
	args true
	receive
	# containerd's shim reads it to its end before it goes on
	run timeout 5 bash -c '"$@" 2>&1 | cat' - "$BRYO" --root "$ROOT" create --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(state_of)" = created ]
	bryo start "$ID"
	wait $RECEIVER
}

# covers: run --console-socket
@test "what the receiver writes is the program's input" {
	args sh -c 'stty -echo; echo ready; read a; echo "got $a"'
	mkfifo "$T/in"
	"$CONSOLE" receive "$T/sock" <"$T/in" >"$T/got" 2>/dev/null 3>&- &
	RECEIVER=$!
	exec 9>"$T/in"
	wait_for 5 test -S "$T/sock"
	bryo run -d --console-socket "$T/sock" -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 9>&-
	wait_for 5 grep -q ready "$T/got"
	echo hello >&9
	wait $RECEIVER
	exec 9>&-
	received | grep -qx "got hello"
}

@test "a receiver that reads late gets everything" {
	args sh -c 'i=0; while [ $i -lt 4096 ]; do printf "%063d\n" $i; i=$((i+1)); done'
	receive hold
	create_container "$ID" --console-socket "$T/sock"
	bryo start "$ID"
	wait $RECEIVER
	[ "$(received | wc -c)" -eq 262144 ]
}

# covers: exec --detach exec --console-socket
@test "exec --tty --detach gives its terminal to the console socket" {
	config '.process.terminal = false'
	args sleep 1000
	run_detached
	receive
	bryo exec -t -d --console-socket "$T/sock" --pid-file "$T/pid" "$ID" sh -c 'tty; stty size; echo x >/dev/tty' \
		</dev/null >/dev/null 2>&1
	wait $RECEIVER
	received | grep -qx /dev/pts/0
	received | grep -qx x
	[ -s "$T/pid" ]
}

@test "the terminal flag of a process file counts" {
	config '.process.terminal = false'
	args sleep 1000
	run_detached
	jq '.process | .terminal = true | .args = ["stty", "size"] | .consoleSize = {height: 11, width: 22}' \
		"$BUNDLE/config.json" >"$T/process"
	receive
	bryo exec -d --process "$T/process" --console-socket "$T/sock" "$ID" </dev/null >/dev/null 2>&1
	wait $RECEIVER
	received | grep -qx "11 22"
}

@test "a long path of the console socket works" {
	long=$T/$(printf 'd%.0s' $(seq 120))
	mkdir "$long"
	args echo hello
	(cd "$long" && exec "$CONSOLE" receive sock </dev/null >"$T/got" 2>/dev/null 3>&-) &
	RECEIVER=$!
	wait_for 5 test -S "$long/sock"
	create_container "$ID" --console-socket "$long/sock"
	bryo start "$ID"
	wait $RECEIVER
	[ "$(received)" = hello ]
}

@test "a terminal without a receiver, and a receiver without a terminal, are refused" {
	args sleep 1000
	for how in "create" "run --detach"; do
		# shellcheck disable=SC2086
		run bryo $how -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		has_line "cannot allocate tty if bryo will detach without setting console socket"
		[ ! -e "$ROOT/$ID" ]
	done
	run bryo run --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "cannot use console socket if bryo will not detach or allocate tty"
	run bryo create --console-socket "$T/nobody" -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "$T/nobody"
	[ ! -e "$ROOT/$ID" ]
	config '.process.terminal = false'
	run bryo create --console-socket "$T/sock" -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "cannot use console socket if bryo will not detach or allocate tty"
	run_detached
	run bryo exec -t -d "$ID" true
	[ "$status" -eq 255 ]
	has_line "cannot allocate tty if bryo will detach without setting console socket"
}

@test "a terminal without a devpts is refused, and says what is missing" {
	args true
	config '.mounts |= map(select(.destination != "/dev/pts"))'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 1 ]
	has_line "terminal"
	has_line "devpts"
	[ ! -e "$ROOT/$ID" ]
}

@test "a terminal at which nobody sits: no stdin, no stdout, no stderr" {
	args sh -c 'echo hello; exit 6'
	rc=0
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" <&- >&- 2>&- 3>&- || rc=$?
	[ "$rc" -eq 6 ]
}
