# shellcheck shell=bash disable=SC2154,SC2015
# A host of the test's own for network.bats: `load ../lib/network` behind ../lib/bryo.
#
#	in_host 'bryo run --net pasta -b "$BUNDLE" "$ID"'
#
# runs the script in network, mount and pid namespaces of its own (as root of a user namespace, where
# the caller is not root): ext0 has addresses and default routes, 203.0.113.7 and 2001:db8:2::7 are
# "somebody out there", whom a container reaches only through the helper. Resolvers, servers and
# state end with it.

SERVER=203.0.113.7
SERVER6=2001:db8:2::7

# net_requires BACKEND: or skips, aloud
net_requires() {
	requires "cmd:$1" cmd:ip cmd:ss cmd:python3
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] ||
		skip "needs /dev/net/tun that $(id -un) can open: chmod 666 /dev/net/tun"
	[ "$1" != pasta ] || [ "$(id -u)" != 0 ] || ! in_initial_userns ||
		skip "needs user: pasta gives up root before it enters the container"
	requires userns
}

host_up() {
	ip link set lo up
	ip link add ext0 type veth peer name ext1
	ip link set ext1 up
	ip addr add 198.51.100.2/24 dev ext0
	ip link set ext0 up
	ip route add default via 198.51.100.1
	ip addr add "$SERVER/32" dev lo
	if [ -z "${NO_IPV6-}" ]; then
		ip -6 addr add 2001:db8:1::2/64 dev ext0 nodad
		ip -6 route add default via 2001:db8:1::1
		ip -6 addr add "$SERVER6/128" dev lo nodad
	fi
	[ ! -e "$T/resolv.conf" ] || mount --bind "$T/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}

# serve PORT [ADDRESS]: a web server, on every address without one, that says hello and takes as many
# clients at once as a test has: busybox httpd resets some of 100
serve() {
	python3 -c 'import socket, sys
at = sys.argv[2]
s = socket.socket(socket.AF_INET6 if ":" in at else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((at, int(sys.argv[1])))
s.listen(256)
while True:
    c = s.accept()[0]
    try:
        c.recv(4096)
        c.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    except OSError:
        pass
    c.close()' "$1" "${2:-::}" >"$T/server.out" 2>&1 &
	wait_for 5 eval "ss -Hltn 'sport = :$1' | grep -q ."
}

# resolver ADDRESS: knows one name, here.test, which is 203.0.113.99
resolver() {
	dnsmasq --keep-in-foreground --no-hosts --no-resolv --no-ping --pid-file= --user= --group= --bind-interfaces \
		--listen-address="$1" --address=/here.test/203.0.113.99 >"$T/dnsmasq.out" 2>&1 &
	wait_for 5 eval "ss -Hlun 'sport = :53' | grep -q ."
}

# The functions of this file and of bryo.bash are there in the script.
in_host() {
	local how=(-r)

	{ [ "$(id -u)" != 0 ] || ! in_initial_userns; } || how=()
	{
		declare -f bryo wait_for create_container run_detached detached_ state_of config args \
			host_up serve resolver
		printf 'set -e\nhost_up\n%s\n' "$1"
	} >"$T/script"
	export T ROOT ID BUNDLE SERVER SERVER6
	timeout -k 5 "${LIMIT:-40}" unshare "${how[@]}" --net --mount --pid --fork --kill-child --mount-proc \
		bash "$T/script" 3>&- </dev/null
}
