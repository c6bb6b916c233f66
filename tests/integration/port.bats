#!/usr/bin/env bats
# Published ports: --publish at the start and `bryo port` while it runs. The server in the container is
# tests/lib/peer.c, which answers with the port that it was reached on; the client is socat.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/tool

setup() {
	bryo_setup
	requires userns cmd:socat cmd:python3 cmd:ss
	make_bundle
	add_tool peer
	config '.root.readonly = false'
}

teardown() {
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null || true
	bryo_teardown
}

# backend slirp4netns|pasta: skips where it cannot work here
backend() {
	BACKEND=$1
	requires "cmd:$1"
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "needs /dev/net/tun"
	[ "$1" != pasta ] && return
	[ "$(id -u)" != 0 ] || ! in_initial_userns || skip "needs user: pasta gives up root"
	[ -n "$(ip route show default)" ] || skip "needs a default route: pasta copies an interface's addresses"
}

# serve [OPTION...]: the container, with the network of backend()
serve() {
	run_detached "$ID" --net "$BACKEND" "$@"
	wait_for 5 grep -q '^ready' "$T/$ID.out"
}

ask() { timeout 5 socat -t 3 - "${2:-TCP4:127.0.0.1}:$1" </dev/null; }
ask_udp() { echo hello | timeout 5 socat -t 1 - "UDP4:$2:$1"; }
# answers PORT WORD: soon, because the first packet may go before the route is up
answers() { wait_for 5 eval "[ \"\$(ask $1)\" = $2 ]"; }
listener() { ss -Hltnu "sport = :$1"; }

# free_range N: the first of N free ports of the host
free_range() {
	python3 -c 'import socket, sys, random
for _ in range(100):
    first = random.randrange(20000, 30000)
    try:
        for p in range(first, first + int(sys.argv[1])):
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                s = socket.socket(socket.AF_INET, kind)
                s.bind(("", p))
                s.close()
        print(first)
        break
    except OSError:
        pass' "$1"
}

reached() { # over BACKEND: tcp, udp, a range, one address
	local first udp address=127.0.0.1

	first=$(free_range 6)
	# neither answers every UDP client on the host itself: bryo(1), "NETWORK"
	if [ "$BACKEND" = slirp4netns ]; then
		udp=53
		address=$(hostname -I | tr ' ' '\n' | grep -m1 '\.') || address=
	else
		udp=$((first + 1))
	fi
	args peer tcp:80 "udp:$udp" tcp:9000-9002
	config '.annotations["org.bryo.publish"] = "1:1"' # the option replaces it
	serve -p "127.0.0.1:$first:80" --publish "$((first + 1)):$udp/udp" \
		--publish "$((first + 2))-$((first + 4)):9000-9002/tcp"
	answers "$first" tcp:80
	[ -z "$address" ] ||
		wait_for 5 eval "[ \"\$(ask_udp $((first + 1)) $address)\" = udp:$udp ]"
	answers "$((first + 2))" tcp:9000
	answers "$((first + 4))" tcp:9002
	not ask "$((first + 5))"

	# the container's end is theirs
	bryo kill "$ID" KILL
	wait_for 5 eval "[ -z \"\$(listener $first)\$(listener $((first + 1)))\$(listener $((first + 4)))\" ]"
	bryo delete --force "$ID"
}

# covers: --publish
@test "slirp4netns: tcp, udp and a range of ports reach the container" {
	backend slirp4netns
	reached
}

@test "pasta: tcp, udp and a range of ports reach the container" {
	backend pasta
	reached
}

# covers: org.bryo.publish spec --publish
@test "the annotation means what the option means, and spec writes it" {
	local port

	backend slirp4netns
	port=$(free_port)
	make_bundle busybox --net slirp4netns -p "127.0.0.1:$port:80" --publish "$((port + 1)):81"
	[ "$(jq -r '.annotations["org.bryo.publish"]' "$BUNDLE/config.json")" = "127.0.0.1:$port:80,$((port + 1)):81" ]
	add_tool peer
	config '.annotations["org.bryo.publish"] |= split(",")[0]'
	args peer tcp:80
	run_detached
	answers "$port" tcp:80
}

# covers: sandbox --publish
@test "a sandbox publishes ports, and needs no other word for the network" {
	local port

	backend slirp4netns
	port=$(free_port)
	build_tool peer
	mkdir work
	cd work
	timeout 20 "$BRYO" --root "$ROOT" sandbox -p "127.0.0.1:$port:8080" --ro "$TOOL" -- "$TOOL" tcp:8080 \
		</dev/null >"$T/$ID.out" 2>&1 3>&- &
	answers "$port" tcp:8080 || { cat "$T/$ID.out" >&2; return 1; }
	kill %1
	wait_for 5 eval "[ -z \"\$(listener $port)\" ]"
}

# slirp4netns listens with a queue of one (libslirp): not what a hundred clients at once are for
@test "pasta: 100 clients at once" {
	local port

	backend pasta
	port=$(free_port)
	args peer tcp:80
	serve -p "127.0.0.1:$port:80"
	answers "$port" tcp:80
	[ "$(timeout 20 python3 -c 'import socket, sys, threading
got = []
def ask():
    got.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10).recv(64))
clients = [threading.Thread(target=ask) for _ in range(100)]
for c in clients: c.start()
for c in clients: c.join()
print(got.count(b"tcp:80\n"))' "$port")" -eq 100 ]
}

@test "IPv6: pasta publishes on it, slirp4netns refuses it by name" {
	local port

	run bryo run -b "$BUNDLE" --net slirp4netns -p '[::1]:8080:80' "$ID" </dev/null
	[ "$status" -eq 1 ]
	has_line "port '[::1]:8080:80/tcp': slirp4netns publishes on IPv4 addresses only"
	has_line "--net pasta"
	[ -z "$(bryo list -q)" ]

	backend pasta
	grep -q ' lo$' /proc/net/if_inet6 2>/dev/null || skip "needs IPv6 on lo"
	port=$(free_port)
	# of a pasta without pesto; the other has words of its own
	if ! command -v pesto >/dev/null; then
		run bryo plan -b "$BUNDLE" --net pasta -p "127.0.0.1:$port:80" -p "[::1]:$port:80"
		[ "$status" -eq 1 ]
		has_line "port '[::1]:$port:80/tcp': pasta has a port of the host once, and '127.0.0.1:$port:80/tcp' has it"
	fi
	args peer tcp:80
	serve -p "[::1]:$port:80"
	wait_for 5 eval "[ \"\$(ask $port 'TCP6:[::1]')\" = tcp:80 ]"
	not ask "$port"
}

# ----------------------------------------------------------------------------- while it runs

# covers: port --format
@test "ports are added, listed and removed while it runs" {
	local first

	backend slirp4netns
	first=$(free_range 5)
	args peer tcp:80-84
	serve -p "127.0.0.1:$first:80"
	run bryo port list "$ID"
	[[ ${lines[0]} =~ ^ADDRESS\ +HOST\ +CONTAINER\ +PROTOCOL$ ]]
	[[ ${lines[1]} =~ ^127.0.0.1\ +$first\ +80\ +tcp$ ]]
	[ "${#lines[@]}" -eq 2 ]

	bryo port add "$ID" "$((first + 1))-$((first + 3)):81-83" "$((first + 4)):84/udp"
	answers "$((first + 1))" tcp:81
	answers "$((first + 3))" tcp:83
	run bryo port list --format json "$ID"
	[ "$(jq -c '.[1]' <<<"$output")" = "{\"spec\":\"0.0.0.0:$((first + 1))-$((first + 3)):81-83/tcp\",\"address\":\"0.0.0.0\",\"host\":$((first + 1)),\"container\":81,\"count\":3,\"protocol\":\"tcp\"}" ]
	[ "$(jq length <<<"$output")" -eq 3 ]

	# by its word, the middle of a range too
	bryo port remove "$ID" "$((first + 2)):82"
	not ask "$((first + 2))"
	answers "$((first + 3))" tcp:83
	[ "$(bryo port list -f json "$ID" | jq length)" -eq 4 ]
	run bryo port remove "$ID" "$((first + 2)):82"
	[ "$status" -eq 1 ]
	has_line "'$((first + 2)):82/tcp' is not published [bryo port list $ID shows what is]"

	# what is in use is refused, and the rest of its range is not there
	run bryo port add "$ID" "$((first + 2))-$((first + 3)):82-83"
	[ "$status" -eq 1 ]
	has_line "claims a port of the host that '0.0.0.0:$((first + 3)):83/tcp' has"
	[ -z "$(listener "$((first + 2))")" ]
	socat "TCP-LISTEN:$((first + 2)),bind=127.0.0.1" STDOUT >/dev/null 3>&- &
	wait_for 5 eval "[ -n \"\$(listener $((first + 2)))\" ]"
	run bryo port add "$ID" "$((first + 2)):82"
	[ "$status" -eq 1 ]
	has_line "bind 0.0.0.0:$((first + 2))/tcp: Address already in use"
	kill %1
	run bryo port add "$ID" '[::1]:8080:80'
	has_line "slirp4netns publishes on IPv4 addresses only"
	run bryo port add "$ID" 127.0.0.1:5353:53/udp
	has_line "port '127.0.0.1:5353:53/udp': slirp4netns does not answer UDP clients on the host's loopback"
}

@test "a port that was added is free when delete returns" {
	local port helper

	backend slirp4netns
	port=$(free_port)
	args sleep 60
	run_detached "$ID" --net slirp4netns
	helper=$(jq '.helpers[] | select(.name == "slirp4netns") | .pid' "$ROOT/$ID/record.json")
	bryo port add "$ID" "$port:80"
	bryo delete --force "$ID"
	[ ! -e "/proc/$helper" ] || grep '^State:.Z' "/proc/$helper/status"
	[ -z "$(listener "$port")" ]
}

@test "pasta's ports are listed, and cannot be changed later without pesto" {
	local port

	backend pasta
	command -v pesto >/dev/null && skip "needs a pasta without pesto"
	port=$(free_port)
	args peer tcp:80
	serve -p "127.0.0.1:$port:80" -p "$(free_port udp):53/udp"
	run bryo port list -f json "$ID"
	[ "$(jq -r '.[0].spec' <<<"$output")" = "127.0.0.1:$port:80/tcp" ]
	[ "$(jq -r '.[1] | .address + .protocol' <<<"$output")" = udp ]
	run bryo port add "$ID" 8080:80
	[ "$status" -eq 1 ]
	has_line "container '$ID': pasta takes ports when it is started, not later"
	has_line "with --net slirp4netns, or a pasta that has pesto"
}

# with_pesto: in front of the PATH, where none of the pastas that we test on has it: a pasta that knows
# --conf-path, and a pesto that says what it was told, and holds the port unless $T/deaf is there
with_pesto() {
	mkdir "$T/new"
	cat >"$T/new/pasta" <<-END
		#!/bin/bash
		args=()
		while [ \$# -gt 0 ]; do
			if [ "\$1" = --conf-path ]; then echo "\$2" >"$T/conf"; shift; else args+=("\$1"); fi
			shift
		done
		exec $(command -v pasta) "\${args[@]}"
	END
	cat >"$T/new/pesto" <<-END
		#!/bin/bash
		echo "\$* in \$PWD" >>"$T/told"
		port=\${3##*/} port=\${port%%:*}
		[ ! -e "$T/deaf" ] || { echo "Listen failed for \$3"; exit 0; }
		if [ "\$1" = --add ]; then
			socat "TCP-LISTEN:\${port%%-*},bind=127.0.0.1" STDOUT >/dev/null 2>&1 </dev/null &
			echo \$! >"$T/holder"
			until [ -n "\$(ss -Hltn "sport = :\$port")" ]; do :; done
		else
			kill "\$(cat "$T/holder")"
		fi
	END
	chmod 755 "$T/new/"*
	PATH=$T/new:$PATH
}

@test "pasta with pesto: ports are added, listed and removed while it runs" {
	local first

	backend pasta
	with_pesto
	first=$(free_range 2)
	args peer tcp:80
	serve -p "127.0.0.1:$first:80"
	[ "$(cat "$T/conf")" = pasta.sock ]
	bryo port add "$ID" "127.0.0.1:$((first + 1)):81"
	[ "$(cat "$T/told")" = "--add -t 127.0.0.1/$((first + 1)):81 pasta.sock in $ROOT/$ID" ]
	[ "$(bryo port list -f json "$ID" | jq -r '.[].spec' | xargs)" = \
		"127.0.0.1:$first:80/tcp 127.0.0.1:$((first + 1)):81/tcp" ]
	run bryo port add "$ID" "127.0.0.1:$((first + 1)):82"
	[ "$status" -eq 1 ]
	has_line "claims a port of the host that '127.0.0.1:$((first + 1)):81/tcp' has"
	bryo port remove "$ID" "127.0.0.1:$((first + 1)):81"
	[ "$(bryo port list -f json "$ID" | jq length)" -eq 1 ]
	run bryo port remove "$ID" "127.0.0.1:$((first + 1)):81"
	[ "$status" -eq 1 ]
	has_line "is not published [bryo port list $ID shows what is]"

	# its exit status does not say that pasta could not bind the port
	: >"$T/deaf"
	run bryo port add "$ID" "127.0.0.1:$((first + 1)):81"
	[ "$status" -eq 1 ]
	has_line "pasta could not bind it: Listen failed for 127.0.0.1/$((first + 1)):81"
	[ "$(tail -n 1 "$T/told")" = "--delete -t 127.0.0.1/$((first + 1)):81 pasta.sock in $ROOT/$ID" ]
	[ "$(bryo port list -f json "$ID" | jq length)" -eq 1 ]
	bryo delete --force "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "containers without such a network say why" {
	args sleep 60
	run_detached "$ID" --net none
	run bryo port add "$ID" 8080:80
	[ "$status" -eq 1 ]
	has_line "container '$ID' has no network that ports could be published of"
	has_line "--listen"
	run bryo port list "$ID"
	[ "$status" -eq 1 ]
	run bryo port add nobody 8080:80
	has_line "container 'nobody' does not exist"
	bryo kill "$ID" KILL
	wait_for_status stopped
	run bryo port add "$ID" 8080:80
	has_line "container '$ID' is not running"
	run bryo port list "$ID"
	has_line "container '$ID' is not running"
	bryo delete "$ID"

	config '.annotations["org.bryo.network"] = "host"'
	config 'del(.linux.sysctl) | .mounts |= map(select(.type != "sysfs"))'
	run_detached "$ID"
	run bryo port add "$ID" 8080:80
	has_line "container '$ID' has the host's network: its ports are the host's"
}

# ------------------------------------------------------------------------- what can go wrong

killed_helper() { # killed_helper BACKEND: who asks for ports is told
	local port helper

	backend "$1"
	port=$(free_port)
	args sleep 60
	run_detached "$ID" --net "$1" -p "$port:80"
	helper=$(jq --arg name "$1" '.helpers[] | select(.name == $name) | .pid' "$ROOT/$ID/record.json")
	kill -KILL "$helper"
	wait_for 5 eval "[ ! -e /proc/$helper ] || grep '^State:.Z' /proc/$helper/status"
	for words in "list $ID" "add $ID $port:81" "remove $ID $port:80"; do
		# shellcheck disable=SC2086
		run bryo port $words
		[ "$status" -eq 1 ]
		has_line "container '$ID': its $1 has ended, and the network with it [it cannot be had back: bryo delete --force $ID"
	done
	bryo delete --force "$ID"
	[ -z "$(ls "$ROOT")" ]
}

@test "slirp4netns that was killed: bryo port says so" { killed_helper slirp4netns; }
@test "pasta that was killed: bryo port says so" { killed_helper pasta; }

# pasta is not dumpable, so that /proc hides it from its own user there
@test "pasta that /proc hides (hidepid=) is not said to have ended" {
	requires_test_user
	requires cmd:pasta
	local port

	port=$(free_port)
	args sleep 60
	chmod 755 "$T"
	mkdir "$T/state2"
	chown "$BRYO_TEST_USER" "$T/state2"
	export T BUNDLE ID port
	run unshare -m bash -c '
		mount -t proc -o hidepid=2 proc /proc || exit 99
		'"$(declare -f as_user)"'
		as_user "$BRYO" --root "$T/state2" run -d -b "$BUNDLE" --net pasta -p "127.0.0.1:$port:80" "$ID" </dev/null >/dev/null
		as_user "$BRYO" --root "$T/state2" port list "$ID"; rc=$?
		as_user "$BRYO" --root "$T/state2" delete --force "$ID"
		exit $rc'
	[ "$status" -ne 99 ] || skip "needs a /proc that can be mounted"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"127.0.0.1 "*"$port "*"80 "*tcp* ]]
}

failing() { # failing PORT TEXT...: run -p PORT over BACKEND says these, and leaves nothing
	local port=$1

	shift
	run bryo run -b "$BUNDLE" --net "$BACKEND" -p "$port" "$ID" </dev/null
	[ "$status" -eq 1 ] || { echo "status $status: $output" >&2; return 1; }
	while [ $# -gt 0 ]; do
		has_line "$1"
		shift
	done
	[ -z "$(bryo list -q)" ]
}

in_use() {
	local port

	backend "$1"
	port=$(free_port)
	args true
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork" STDOUT >/dev/null 3>&- &
	wait_for 5 eval "[ -n \"\$(listener $port)\" ]"
	failing "$port:80" "publish $port:80/tcp: bind " ":$port/tcp: Address already in use" "ss -tlnp sport = :$port"
	failing "127.0.0.1:$((port - 1))-$port:80-81" "Address already in use"
	run bryo plan -b "$BUNDLE" --net "$BACKEND" -p "$port:80"
	[ "$status" -eq 1 ]
	has_line "Address already in use"
	kill %1
	[ -z "$(listener "$((port - 1))")" ]
	failing 192.0.2.77:8080:80 "bind 192.0.2.77:8080/tcp: Cannot assign requested address" "no such address"
}

@test "slirp4netns: a port in use, an address of nobody" { in_use slirp4netns; }
@test "pasta: a port in use, an address of nobody" { in_use pasta; }

@test "a port below the limit is refused before anything starts" {
	requires user
	backend slirp4netns
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ] || skip "needs a limit above port 80"
	args true
	failing 80:80 "80/tcp" "ports below" "sysctl -w net.ipv4.ip_unprivileged_port_start=80"
	run bryo plan -b "$BUNDLE" --net slirp4netns -p 80:80
	[ "$status" -eq 1 ]
	has_line net.ipv4.ip_unprivileged_port_start=80
}

@test "words that are wrong, and ports claimed twice" {
	BACKEND=slirp4netns
	args true
	failing 8080 "--publish" "port '8080': only one port" "[IP:]HOST[-HOST2]:CONTAINER"
	failing "" "port '': only one port" # a variable of a script that was not set
	run "$BRYO" spec --publish ""
	[ "$status" -eq 1 ]
	has_line "--publish: port '': only one port"
	failing ::1:80:80 "an IPv6 address stands in brackets"
	run bryo run -b "$BUNDLE" --net slirp4netns -p 8080-8089:80-89 -p 127.0.0.1:8085:1 "$ID" </dev/null
	[ "$status" -eq 1 ]
	has_line "port '127.0.0.1:8085:1/tcp' claims a port of the host that '8080-8089:80-89/tcp' has"
	run bryo run -b "$BUNDLE" --net slirp4netns -p 127.0.0.1:8080-8089:80-89 --listen tcp:8085 "$ID" </dev/null
	[ "$status" -eq 1 ]
	has_line "--listen tcp:8085 and --publish 127.0.0.1:8080-8089:80-89/tcp claim one port of the host"
	for net in none host; do
		run bryo run -b "$BUNDLE" --net $net -p 8080:80 "$ID" </dev/null
		[ "$status" -eq 1 ]
		has_line "ports cannot be published with the network '$net'"
	done
}

@test "plan shows published ports" {
	backend slirp4netns
	args true
	run bryo plan -b "$BUNDLE" --net slirp4netns -p 8080:80 -p 0.0.0.0:5353:53/udp
	[ "$status" -eq 0 ]
	has_line "8080:80/tcp"
	has_line "0.0.0.0:5353:53/udp"
	[ "$(bryo plan --format json -b "$BUNDLE" --net slirp4netns -p 8080:80 | jq -r '.network.publish[0]')" = 8080:80/tcp ]
}

# -------------------------------------------------------------------------------- many at once

@test "containers with published ports at once, and nothing of them left" {
	local first i n=${BRYO_TEST_PORTS:-8}

	backend slirp4netns
	first=$(free_range "$n")
	args peer tcp:80
	for ((i = 0; i < n; i++)); do
		run_detached "$ID-$i" --net slirp4netns -p "127.0.0.1:$((first + i)):80" 3>&- &
	done
	wait
	for ((i = 0; i < n; i++)); do
		answers "$((first + i))" tcp:80
	done
	[ "$(bryo list -q | wc -l)" -eq "$n" ]
	for ((i = 0; i < n; i++)); do
		bryo delete --force "$ID-$i" 3>&- &
	done
	wait
	[ -z "$(bryo list -q)" ]
	for ((i = 0; i < n; i++)); do
		[ -z "$(listener "$((first + i))")" ]
	done
	not pgrep -f "$T/state"
}
