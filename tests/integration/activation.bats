#!/usr/bin/env bats
# What a service manager hands over: listening sockets (LISTEN_FDS) and the readiness protocol
# (NOTIFY_SOCKET), for run, create and start, and exec. The manager is tests/lib/inspect.c.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	INSPECT=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/inspect
	if [ ! -x "$INSPECT" ] || ldd "$INSPECT" >/dev/null 2>&1; then
		INSPECT=$BATS_FILE_TMPDIR/inspect
		[ -x "$INSPECT" ] ||
			${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$INSPECT" "$BATS_TEST_DIRNAME/../lib/inspect.c"
	fi
	unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID LISTEN_FDNAMES
	make_bundle
	cp "$INSPECT" "$BUNDLE/rootfs/bin/inspect"
	config '.root.readonly = false'
	MANAGER=
}

teardown() {
	[ -z "$MANAGER" ] || kill "$MANAGER" 2>/dev/null || true
	bryo_teardown
}

# ------------------------------------------------------------------- socket activation

activated() { # activated N COMMAND...: bryo with that many sockets
	local n=$1

	shift
	run "$INSPECT" listen "$n" "$BRYO" --root "$ROOT" "$@" </dev/null 3>&-
}

# covers: LISTEN_FDS
@test "listening sockets come first, and the program is told" {
	# shellcheck disable=SC2016
	args sh -c 'env | grep LISTEN_ | sort; echo "me $$"; exec inspect sockets 3 4 5'
	LISTEN_FDNAMES=one:two activated 2 run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' LISTEN_FDNAMES=one:two LISTEN_FDS=2 LISTEN_PID=1 "me 1" "3 listens" "4 listens" \
		"5 Bad file descriptor")" ]
	# names that are not as many are left out
	LISTEN_FDNAMES=one activated 2 run -b "$BUNDLE" "$ID"
	[[ $output != *FDNAMES* && $output == *LISTEN_FDS=2* ]]
}

@test "what the config says about LISTEN_FDS does not count then, and else it does" {
	config '.process.env += ["LISTEN_FDS=9", "LISTEN_PID=9"]'
	args sh -c 'env | grep LISTEN_ | sort'
	activated 1 run -b "$BUNDLE" "$ID"
	[ "$output" = "$(printf 'LISTEN_FDS=1\nLISTEN_PID=1')" ]
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$output" = "$(printf 'LISTEN_FDS=9\nLISTEN_PID=9')" ]
}

# covers: --preserve-fds
@test "--preserve-fds counts from behind the listening sockets" {
	args sh -c 'inspect sockets 3 4; cat <&5; echo; cat <&6; inspect sockets 7'
	printf five >"$T/five"
	printf six >"$T/six"
	run "$INSPECT" listen 2 "$BRYO" --root "$ROOT" run --preserve-fds 2 -b "$BUNDLE" "$ID" </dev/null 3>&- 5<"$T/five" 6<"$T/six" 7<"$T/six"
	[ "$output" = "$(printf '3 listens\n4 listens\nfive\nsix7 Bad file descriptor')" ]
	run "$INSPECT" listen 1 "$BRYO" --root "$ROOT" run --preserve-fds 2 -b "$BUNDLE" "$ID" </dev/null 3>&- 4>&- 5>&-
	[ "$status" -eq 1 ]
	has_line "--preserve-fds 2: descriptor 4 is not open"
}

@test "sockets for another process are not ours" {
	args sh -c 'env | grep LISTEN_; exec inspect sockets 3'
	LISTEN_PID=1 activated 1 run -b "$BUNDLE" "$ID"
	[ "$output" = "3 Bad file descriptor" ]
	LISTEN_PID=x activated 1 run -b "$BUNDLE" "$ID"
	[ "$output" = "3 Bad file descriptor" ]
}

@test "sockets that were promised and are not there are an error" {
	args true
	# shellcheck disable=SC2016
	run sh -c 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"' sh "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&- 4>&-
	[ "$status" -eq 1 ]
	has_line "LISTEN_FDS=2: descriptor 3 is not open"
	[ -z "$(bryo list -q)" ]
}

@test "create keeps them for start, and exec gets none" {
	args sh -c 'inspect sockets 3; exec sleep 60'
	"$INSPECT" listen 1 "$BRYO" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&-
	bryo start "$ID"
	wait_for 5 grep -q "3 listens" "$T/out"
	activated 1 exec "$ID" sh -c 'env | grep LISTEN_; exec inspect sockets 3'
	[ "$output" = "3 Bad file descriptor" ]
}

@test "without a pid namespace LISTEN_PID is still the program's own" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	config '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: "/proc",
		options: ["rbind"]} else . end) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	# shellcheck disable=SC2016
	args sh -c 'echo "$LISTEN_PID = $$"; [ $LISTEN_PID = $$ ]'
	activated 1 run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { echo "$output" >&2; return 1; }
}

# ---------------------------------------------------------------------------- readiness

manager() { # manager [ADDRESS]: messages are in $T/manager
	export NOTIFY_SOCKET=${1:-$T/manager.sock}
	timeout 40 "$INSPECT" manager "$NOTIFY_SOCKET" 30 >"$T/manager" 2>&1 3>&- &
	MANAGER=$!
	wait_for 5 grep -qF "$NOTIFY_SOCKET" /proc/net/unix
}

told() { # told LINE...: exactly these messages
	printf '%s\n' "$@" >"$T/want"
	wait_for 5 cmp -s "$T/want" "$T/manager" || { diff "$T/want" "$T/manager" >&2; return 1; }
}

ready() { printf '%s\n' "READY=1|" "descriptors 0" "MAINPID=$1|" "descriptors 0" BARRIER=1 "descriptors 1"; }

# covers: NOTIFY_SOCKET
@test "run --detach returns when the program is ready, and READY, MAINPID and BARRIER are passed on" {
	manager
	# shellcheck disable=SC2016
	args sh -c 'echo "$NOTIFY_SOCKET"; sleep 0.5; inspect notify "STATUS=warming up
READY=1
STATUS=there"; inspect notify "STOPPING=1"; exec sleep 60'
	run_detached
	grep -q '^READY' "$T/manager"
	mapfile -t want < <(ready "$(bryo state "$ID" | jq .pid)")
	told "${want[@]}"
	grep -qx /run/notify/notify.sock "$T/$ID.out"
}

@test "the same for create and start, and an abstract address" {
	manager "@bryo-$ID"
	args sh -c 'inspect notify READY=1; exec sleep 60'
	create_container
	[ ! -s "$T/manager" ]
	bryo start "$ID"
	mapfile -t want < <(ready "$(bryo state "$ID" | jq .pid)")
	told "${want[@]}"
	run bryo delete --force "$ID"
	[ "$status" -eq 0 ]
	[ -z "$(ls -A "$ROOT")" ] || [ "$(ls -A "$ROOT")" = .cache ] || { ls -laR "$ROOT" >&2; return 1; }
}

@test "start waits, and lets others at the container meanwhile; it ends with the program" {
	manager
	args sleep 60
	create_container
	timeout 20 "$BRYO" --root "$ROOT" start "$ID" >"$T/start" 2>&1 3>&- &
	local start=$!
	wait_for_status running
	[ -d "/proc/$start" ]
	run timeout 5 "$BRYO" --root "$ROOT" delete --force "$ID" 3>&-
	[ "$status" -eq 0 ]
	wait "$start"
	[ ! -s "$T/manager" ]
}

@test "in the foreground the main process is bryo, and the program's end is the end" {
	manager
	# shellcheck disable=SC2016
	args sh -c 'inspect notify READY=1; for i in 1 2 3 4 5 6 7 8 9; do inspect notify "STATUS=$i"; done; exit 7'
	local status=0
	timeout --foreground 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&- || status=$?
	[ "$status" -eq 7 ]
	wait_for 5 grep -q BARRIER "$T/manager"
	[ "$(grep -c ^READY "$T/manager")" = 1 ]
	grep -q '^MAINPID=[0-9]*|$' "$T/manager"
	not grep -q STATUS "$T/manager"
	[ -z "$(bryo list -q)" ]
}

@test "the container cannot speak for us: other variables and descriptors stay out" {
	manager
	args sh -c 'inspect notify "MAINPID=1"; inspect notify "FDSTORE=1" 0; inspect notify "XREADY=1"
		inspect notify "READY=1
MAINPID=1" 0; exec sleep 60'
	run_detached
	mapfile -t want < <(ready "$(bryo state "$ID" | jq .pid)")
	told "${want[@]}"
}

@test "its directory is read-only in the container, and any user may send" {
	manager
	args sh -c 'touch /run/notify/x; rm -f /run/notify/notify.sock; grep " /run/notify " /proc/mounts; inspect notify READY=1'
	# somebody else than the owner, where the container has anybody else
	if { [ "$(id -u)" = 0 ] && in_initial_userns; } || has_subids; then
		config '.process.user = {uid: 1000, gid: 1000}'
	fi
	(umask 077 && bryo run -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1)
	grep -q "touch: /run/notify/x: Read-only" "$T/out"
	grep -q "rm: .*Read-only" "$T/out"
	grep -qE " /run/notify .* ro,nosuid,nodev,noexec" "$T/out"
	wait_for 5 grep -q ^READY "$T/manager"
}

@test "a manager that is not there is a warning" {
	export NOTIFY_SOCKET=$T/nobody.sock
	args echo good
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ]
	has_line good
	has_line "NOTIFY_SOCKET '$T/nobody.sock': No such file or directory"
	export NOTIFY_SOCKET=vsock:2:1
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ]
	has_line "is no address of a Unix socket"
}

@test "plan shows the mount; exec does not see the socket's variable; without NOTIFY_SOCKET there is nothing" {
	args sleep 60
	run env NOTIFY_SOCKET="$T/x" timeout 20 "$BRYO" --root "$ROOT" plan -b "$BUNDLE" "$ID" 3>&-
	[ "$status" -eq 0 ]
	has_line "/run/notify"
	run bryo plan -b "$BUNDLE" "$ID"
	[[ $output != */run/notify* ]]
	create_container
	bryo start "$ID"
	# shellcheck disable=SC2016
	run env NOTIFY_SOCKET="$T/x" timeout 20 "$BRYO" --root "$ROOT" exec "$ID" sh -c 'echo "[$NOTIFY_SOCKET]"' 3>&-
	[ "$output" = "[]" ]
	[ ! -e "$ROOT/$ID/notify" ]
}
