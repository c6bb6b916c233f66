#!/usr/bin/env bats
# --listen: sockets that bryo binds on the host and hands to a program without any network, which
# is tests/lib/peer.c.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/tool

setup() {
	bryo_setup
	requires userns
	unset LISTEN_FDS LISTEN_PID LISTEN_FDNAMES
	make_bundle
	add_tool peer
	config '.root.readonly = false'
}

teardown() {
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null || true
	bryo_teardown
}

# ask ADDRESS: what the server there says. socat's words.
ask() { timeout 5 socat -t 3 - "$1" </dev/null; }
ask_udp() { echo hello | timeout 5 socat -t 1 - "UDP:$1"; }

ready() { wait_for 5 grep -q '^ready' "$T/$ID.out"; }

listeners() { # listeners PORT: of the host
	ss -Hltn "sport = :$1"
}

# covers: --listen
@test "a server without a network is reached from the host: tcp, udp and a unix socket" {
	requires cmd:socat cmd:python3 cmd:ss
	local tcp udp

	tcp=$(free_port)
	udp=$(free_port udp)
	args peer fd:3 fd:4 fd:5
	run_detached "$ID" --listen "tcp:127.0.0.1:$tcp" --listen "udp:127.0.0.1:$udp" --listen "unix:web.sock"
	ready
	run bryo exec "$ID" cat /proc/net/dev
	not grep -qE 'eth|tap' <<<"$output"
	[ "$(ask "TCP:127.0.0.1:$tcp")" = fd:3 ]
	[ "$(ask_udp "127.0.0.1:$udp")" = fd:4 ]
	[ "$(ask "UNIX:$T/web.sock")" = fd:5 ]
	[ "$(stat -c '%a %F' web.sock)" = "600 socket" ]

	# and nothing is left of it
	bryo delete --force "$ID"
	[ ! -e web.sock ]
	[ -z "$(listeners "$tcp")" ]
}

@test "a socket without an address takes IPv4 and IPv6" {
	requires cmd:socat cmd:python3
	local port

	port=$(free_port)
	args peer fd:3
	run_detached "$ID" --listen "tcp:$port"
	ready
	[ "$(ask "TCP4:127.0.0.1:$port")" = fd:3 ]
	[ ! -e /proc/net/if_inet6 ] || ! grep -q ' lo$' /proc/net/if_inet6 ||
		[ "$(ask "TCP6:[::1]:$port")" = fd:3 ]
}

@test "one address of IPv6" {
	requires cmd:socat cmd:python3 cmd:ss
	local port

	grep -q ' lo$' /proc/net/if_inet6 2>/dev/null || skip "needs IPv6 on lo"
	port=$(free_port)
	args peer fd:3
	run_detached "$ID" --listen "tcp:[::1]:$port"
	ready
	[ "$(ask "TCP6:[::1]:$port")" = fd:3 ]
	[[ $(listeners "$port") == *" [::1]:$port "* ]]
	not ask "TCP4:127.0.0.1:$port"
}

@test "a client that comes before the program waits for it" {
	requires cmd:socat
	args peer fd:3
	create_container "$ID" --listen unix:s
	ask "UNIX:$T/s" >answer 3>&- &
	sleep 0.3
	kill -0 $!
	[ ! -s answer ]
	bryo start "$ID"
	wait_for 5 grep -q fd:3 answer
}

@test "the program is told by LISTEN_FDS, LISTEN_PID and names" {
	# shellcheck disable=SC2016
	args sh -c 'env | grep LISTEN_ | sort'
	run bryo run -b "$BUNDLE" --listen unix:a --listen web=unix:b "$ID" </dev/null
	[ "$output" = "$(printf '%s\n' LISTEN_FDNAMES=unknown:web LISTEN_FDS=2 LISTEN_PID=1)" ]
	run bryo run -b "$BUNDLE" --listen unix:a "$ID" </dev/null
	[ "$output" = "$(printf '%s\n' LISTEN_FDS=1 LISTEN_PID=1)" ]
	[ ! -e a ]
}

@test "order: inherited sockets, those of --listen, preserved descriptors" {
	build_tool inspect
	cp "$TOOL" "$BUNDLE/rootfs/bin/"
	args sh -c 'inspect sockets 3 4 5; cat <&6; cat <&7; inspect sockets 8; ls /proc/self/fd | wc -l'
	echo six >six
	echo seven >seven
	# with a log file, so that a descriptor of bryo's own is in the way
	run env LISTEN_FDNAMES=mine "$TOOL" listen 1 "$BRYO" --root "$ROOT" --log "$T/log" --debug run --preserve-fds 2 \
		--listen unix:one --listen unix:two -b "$BUNDLE" "$ID" </dev/null 3>&- 4<six 5<seven
	[ "$output" = "$(printf '%s listens\n' 3 4 5; printf 'six\nseven\n8 Bad file descriptor\n9')" ] ||
		{ echo "$output" >&2; return 1; }
	not grep -q six log
	# as many as cover whatever descriptor is needed to the last, with a pid 1 of bryo's or without
	args sh -c 'inspect sockets 3 4 5 6 7 8 9 10 11 12 13 14 15 | grep -c listens; env | grep LISTEN_PID; echo me $$'
	for init in '' --init; do
		# shellcheck disable=SC2046,SC2086
		run bryo run $init $(printf -- '--listen unix:s%s ' {1..12}) -b "$BUNDLE" "$ID" </dev/null
		[ "${lines[0]}" = 12 ]
		[ "${lines[1]#LISTEN_PID=}" = "${lines[2]#me }" ]
	done
	# with a terminal or not the numbers are the same
	args sh -c 'inspect sockets 3 4; ls /proc/self/fd | wc -l'
	run script -qec "'$BRYO' --root '$ROOT' run -b '$BUNDLE' --listen unix:one '$ID'" /dev/null </dev/null
	[[ $output == *"3 listens"*"4 Bad file descriptor"* ]] || { echo "$output" >&2; return 1; }
}

@test "sandbox hands sockets over as well" {
	requires cmd:socat
	build_tool peer
	mkdir work
	cd work
	timeout 20 "$BRYO" --root "$ROOT" sandbox --listen "unix:$T/s" --ro "$TOOL" -- "$TOOL" fd:3 </dev/null >"$T/$ID.out" 2>&1 3>&- &
	ready
	[ "$(ask "UNIX:$T/s")" = fd:3 ]
	kill %1
	wait_for 5 eval '[ ! -e "$T/s" ]'
}

@test "plan shows them, and binds nothing" {
	args true
	run bryo plan -b "$BUNDLE" --listen unix:s --listen "tcp:127.0.0.1:$(free_port)"
	[ "$status" -eq 0 ]
	has_line "3 to 4 are listening sockets"
	has_line "4 is bound to tcp:127.0.0.1:"
	[ ! -e s ]
}

# ------------------------------------------------------------------------- what can go wrong

failing() { # failing WORD TEXT...: run --listen WORD says these, and leaves nothing
	local word=$1

	shift
	run bryo run -b "$BUNDLE" --listen "$word" "$ID" </dev/null
	[ "$status" -eq 1 ] || { echo "status $status: $output" >&2; return 1; }
	while [ $# -gt 0 ]; do
		has_line "$1"
		shift
	done
	[ -z "$(bryo list -q)" ]
}

@test "a port in use, an address of nobody" {
	requires cmd:socat cmd:python3 cmd:ss
	local port

	port=$(free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1" STDOUT >/dev/null 3>&- &
	wait_for 5 eval '[ -n "$(listeners "$port")" ]'
	args true
	failing "tcp:127.0.0.1:$port" "--listen tcp:127.0.0.1:$port: bind 127.0.0.1:$port/tcp: Address already in use" \
		"ss -tlnp sport = :$port"
	run bryo plan -b "$BUNDLE" --listen "tcp:127.0.0.1:$port"
	[ "$status" -eq 1 ]
	has_line "Address already in use"
	kill %1
	failing tcp:192.0.2.77:8080 "bind 192.0.2.77:8080/tcp: Cannot assign requested address" "no such address"
}

@test "a port below 1024 names the sysctl" {
	requires user
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 79 ] || skip "needs a limit above port 79"
	args true
	failing tcp:79 "bind :79/tcp: Permission denied" net.ipv4.ip_unprivileged_port_start=79
}

@test "words that are wrong" {
	args true
	failing 8080 "--listen: '8080': it begins with neither tcp:, udp: nor unix:" "[NAME=]tcp:[IP:]PORT"
	failing tcp:localhost:80 "no IPv4 address"
	failing unix:@x "abstract sockets"
	failing "unix:$(printf '%0108d' 0)" "at most 107 bytes"
	failing unix:none/there "bind 'none/there': No such file or directory"
}

@test "a dead socket of ours is replaced; a living one, a file, another's are not" {
	requires cmd:socat
	socat "UNIX-LISTEN:$T/s,fork" STDOUT >/dev/null 3>&- &
	wait_for 5 test -S s
	args true
	failing unix:s "somebody listens on 's'"
	run bryo plan -b "$BUNDLE" --listen unix:s
	has_line "somebody listens on 's'"
	[ -S s ]
	kill -KILL %1
	wait %1 2>/dev/null || true
	[ -S s ]
	bryo run -b "$BUNDLE" --listen unix:s "$ID" </dev/null
	[ ! -e s ]
	echo precious >s
	failing unix:s "'s' exists and is no socket"
	[ "$(cat s)" = precious ]
	ln -sf nowhere s
	failing unix:s "exists and is no socket"
}

@test "delete leaves a socket alone that is somebody else's by now" {
	requires cmd:socat
	args sleep 60
	run_detached "$ID" --listen unix:s
	rm s
	socat "UNIX-LISTEN:$T/s" STDOUT >/dev/null 3>&- &
	wait_for 5 test -S s
	bryo delete --force "$ID"
	[ -S s ]
	kill %1
}

@test "a new socket with the number of a dead container's is left alone" {
	requires cmd:socat
	local number

	args sleep 60
	run_detached "$ID" --listen unix:s
	number=$(stat -c %i s)
	bryo kill "$ID" KILL
	wait_for_status stopped
	rm s
	socat "UNIX-LISTEN:$T/s" STDOUT >/dev/null 3>&- &
	wait_for 5 test -S s
	[ "$(stat -c %i s)" = "$number" ] || echo "# this file system gave it another number" >&3
	bryo delete "$ID"
	[ -S s ]
	kill %1
}

@test "a failed create removes the socket's file" {
	args /no/such/program
	failing unix:s "no such file or directory"
	[ ! -e s ]
	args sleep 60
	run_detached
	run bryo create -b "$BUNDLE" --listen unix:s "$ID" </dev/null
	[ "$status" -ne 0 ]
	[ ! -e s ]
}
