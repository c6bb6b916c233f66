#!/usr/bin/env bats
# The network of a container: --net and org.bryo.network. Traffic is real: see ../lib/network.bash.

load ../lib/bryo
load ../lib/network

# fake NAME SCRIPT: found in PATH before the real one
fake() {
	mkdir -p "$T/fake"
	printf '#!/bin/sh\n%s\n' "$2" >"$T/fake/$1"
	chmod 755 "$T/fake/$1"
	PATH=$T/fake:$PATH
}

setup() {
	bryo_setup
	make_bundle
}

# What takes ten seconds is done beside the other tests.
never_ready() {
	setup
	fake slirp4netns "echo still thinking >&2; echo \$\$ >'$T/pid'; exec sleep 60"
	bryo run -b "$BUNDLE" --net slirp4netns "$ID" || echo "status $?"
	echo "left: $(ps -o pid= -p "$(cat "$T/pid")")$(ls "$ROOT")"
	bryo_teardown
}

setup_file() {
	[ "$(id -u)" = 0 ] || (never_ready >"$BATS_FILE_TMPDIR/never" 2>&1 </dev/null 3>&- &)
}

# covers: --net org.bryo.network
@test "--net none adds a network namespace to a config without one, host takes it away" {
	config '.linux.namespaces |= map(select(.type != "network"))'
	args /bin/sh -c 'readlink /proc/self/ns/net'
	run bryo run -b "$BUNDLE" --net none "$ID"
	[ "$status" -eq 0 ]
	[ "$output" != "$(readlink /proc/self/ns/net)" ]
	config '.linux.namespaces += [{type: "network"}]'
	run bryo run -b "$BUNDLE" --net host "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
}

traffic() { # traffic BACKEND
	net_requires "$1"
	requires cmd:dnsmasq
	printf '%s\n' "nameserver 127.0.0.53" "search lan.test" "options timeout:3" >"$T/resolv.conf"
	args /bin/sh -c "wget -qO- http://$SERVER:8000/hello; cat /etc/resolv.conf
		nslookup here.test | grep Address | tail -1
		for gw in 10.0.2.2 198.51.100.1; do
			timeout 2 wget -qO- http://\$gw:8001/hello && echo 'the host is open'
		done
		for i in \$(seq 100); do wget -qO- http://$SERVER:8000/hello & done | grep -c hello; wait"
	run in_host "serve 8000; serve 8001 127.0.0.1; resolver 127.0.0.53; bryo run -b \"\$BUNDLE\" --net $1 \"\$ID\""
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = hello ]
	[[ $output == *"search lan.test"*"options timeout:3"* && $output != *127.0.0.53* ]]
	[[ $output == *203.0.113.99* && $output != *"the host is open"* ]]
	[ "${lines[-1]}" = 100 ]
}

@test "slirp4netns: out to a server but not to the host's loopback, 100 at once, and names from a resolver on the host's loopback" { traffic slirp4netns; }
@test "pasta: out to a server but not to the host's loopback, 100 at once, and names from a resolver on the host's loopback" { traffic pasta; }

# ipv6 BACKEND WORD
ipv6() {
	net_requires "$1"
	# slirp4netns advertises its router after a while
	args /bin/sh -c "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- 'http://[$SERVER6]:8000/hello' 2>/dev/null && break; sleep 0.5; done
		ip link | grep -v lo: | grep -o 'mtu [0-9]*'"
	run in_host "serve 8000; bryo run -b \"\$BUNDLE\" --net $2 \"\$ID\""
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = hello ]
	[ "${lines[1]}" = "mtu 1400" ]
}

@test "slirp4netns: IPv6 when asked for, and the MTU" { ipv6 slirp4netns slirp4netns:ipv6=true,mtu=1400; }
@test "pasta: IPv6 as the host has it, and the MTU" { ipv6 pasta pasta:mtu=1400; }

@test "pasta refuses what the host lacks, and auto goes on to slirp4netns" {
	net_requires pasta
	net_requires slirp4netns
	args /bin/sh -c "ip -o addr"
	NO_IPV6=1 run in_host 'bryo run -b "$BUNDLE" --net pasta:ipv6=true "$ID"'
	[ "$status" -ne 0 ]
	[[ $output == *"pasta has IPv6 only where the host has a default route for it"* ]]
	run in_host 'bryo run -b "$BUNDLE" --net auto "$ID"'
	[[ $status -eq 0 && $output == *" 198.51.100.2/24"* ]]
	NO_IPV6=1 run in_host 'ip route del default; bryo run -b "$BUNDLE" --net auto "$ID"'
	[[ $status -eq 0 && $output == *" 10.0.2.100/24"* ]]
	NO_IPV6=1 run in_host 'ip route del default; bryo run -b "$BUNDLE" --net pasta "$ID"'
	[[ $status -ne 0 && $output == *"pasta needs an interface with a default route"*"[slirp4netns works without one]"* ]]
}

# Run with `declare -f` in in_host: nobody but the script itself is left in its pid namespace.
helpers() { ps -eo stat=,comm= | awk '$1 !~ /^Z/ && $2 ~ /^(slirp4netns|passt|pasta|bryo-keeper)/'; }
no_helpers() { [ -z "$(helpers)" ]; }
two_helpers() { [ "$(helpers | wc -l)" -eq 2 ]; }

lifetimes() { # lifetimes BACKEND
	net_requires "$1"
	args sleep 300
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "[ ! -e \($t)/block ] || { touch \($t)/blocked; sleep 60; }"]}]' \
		--arg t "$T"
	run in_host "$(declare -f helpers no_helpers two_helpers)
		net='--net $1'
		init() { jq .pid \"\$ROOT/\$ID/record.json\"; }
		step() { echo \"step: \$*\"; }

		step detached, and SIGKILL of init
		run_detached \"\$ID\" \$net
		two_helpers
		kill -9 \"\$(init)\"
		wait_for 5 no_helpers
		bryo delete \"\$ID\"

		step created, and deleted by force
		create_container \"\$ID\" \$net
		two_helpers
		bryo delete --force \"\$ID\"
		wait_for 5 no_helpers

		step foreground, SIGKILL of the runtime, then of init
		(exec \"\$BRYO\" --root \"\$ROOT\" run -b \"\$BUNDLE\" \$net \"\$ID\") &
		wait_for 5 eval '[ \"\$(state_of)\" = running ]'
		two_helpers
		kill -9 \$!
		sleep 0.2
		two_helpers
		kill -9 \"\$(init)\"
		wait_for 5 no_helpers
		bryo delete \"\$ID\"

		step SIGKILL of the runtime before created
		touch \"\$T/block\"
		(exec \"\$BRYO\" --root \"\$ROOT\" create -b \"\$BUNDLE\" \$net \"\$ID\") &
		wait_for 5 test -e \"\$T/blocked\"
		two_helpers
		kill -9 \$!
		wait_for 5 no_helpers
		rm \"\$T/block\"
		bryo delete --force \"\$ID\"

		step a helper that lost its keeper ends with the container
		run_detached \"\$ID\" \$net
		jq '.helpers |= map(select(.name != \"bryo-keeper\"))' \"\$ROOT/\$ID/record.json\" >\"\$T/record\"
		[ \"\$(jq '.helpers | length' \"\$T/record\")\" -eq 1 ]
		pkill -9 -x bryo-keeper
		bryo delete --force \"\$ID\"
		wait_for 5 no_helpers"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "slirp4netns ends with the container, whoever is killed" { lifetimes slirp4netns; }
@test "pasta ends with the container, whoever is killed" { lifetimes pasta; }

@test "a helper that fails or ends early is told in its own words, and nothing is left" {
	net_requires slirp4netns
	fake slirp4netns 'echo "WARNING: Support for seccomp is experimental"; echo "no tap for you" >&2; exit 3'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"'slirp4netns' exited with status 3: no tap for you"* && $output != *WARNING* ]]
	fake slirp4netns 'kill -9 $$'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	[[ $status -eq 1 && $output == *"'slirp4netns' exited with status 137"* ]]
	fake slirp4netns 'exit 0'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	[[ $status -eq 1 && $output == *"'slirp4netns' ended before it was ready"* ]]
	fake slirp4netns 'head -c 100000 /dev/zero | tr "\0" x; echo no more >&2; exit 1'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	[[ $status -eq 1 && $output == *"exited with status 1: ...xxx"* ]]
	run bryo list -q
	[ -z "$output" ]
}

killed_meanwhile() { # killed_meanwhile BACKEND: the user of a run in the foreground is told
	local run helper

	net_requires "$1"
	args sleep 60
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" --net "$1" "$ID" >"$T/said" 2>&1 </dev/null 3>&- &
	run=$!
	wait_for_status running
	helper=$(jq --arg name "$1" '.helpers[] | select(.name == $name) | .pid' "$ROOT/$ID/record.json")
	kill -KILL "$helper"
	wait_for 5 eval "! grep -q '^State:.[^Z]' /proc/$helper/status"
	sleep 0.3 # until the run has seen it, which a container that ends meanwhile would hide
	bryo kill "$ID" KILL
	wait "$run" || [ $? -eq 137 ]
	grep -q "container '$ID' had lost its network: $1 ended before it" "$T/said"
	args true
	run bryo run -b "$BUNDLE" --net "$1" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "slirp4netns that is killed while its container runs is told" { killed_meanwhile slirp4netns; }
@test "pasta that is killed while its container runs is told" {
	[ -n "$(ip route show default)" ] || skip "needs a default route: pasta copies an interface's addresses"
	killed_meanwhile pasta
}

# see setup_file
@test "a helper that never gets ready is waited for ten seconds" {
	net_requires slirp4netns
	[ "$(id -u)" != 0 ] || skip "one way is enough: it takes ten seconds"
	wait_for 20 grep -q '^left' "$BATS_FILE_TMPDIR/never"
	cat "$BATS_FILE_TMPDIR/never"
	grep -q "'slirp4netns' was not ready within 10 s: still thinking .*or take --net pasta" "$BATS_FILE_TMPDIR/never"
	grep -qx "status 1" "$BATS_FILE_TMPDIR/never"
	grep -qx "left: " "$BATS_FILE_TMPDIR/never"
}

@test "a helper gets no descriptor but its own, and a session of its own" {
	net_requires slirp4netns
	fake slirp4netns 'ls -l /proc/self/fd | sed -n "s/.* \([0-9]* -> .*\)/\1/p" >'"$T"'/fds
		ps -o sid= -p $$ >'"$T"'/sid; readlink /proc/$$/cwd >>'"$T"'/fds; exit 1'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID" 9<"$T/bundle/config.json"
	cat "$T/fds"
	[ "$(tr -d ' ' <"$T/sid")" != "$(ps -o sid= -p $$ | tr -d ' ')" ]
	grep -q '^0 -> /dev/null' "$T/fds"
	grep -q '^4 -> pipe:' "$T/fds"
	[ "$(grep -c -e '->' "$T/fds")" -le 5 ] # 3 is the directory that ls reads
	[ "$(tail -1 "$T/fds")" = "$ROOT/$ID" ]
}

@test "hooks find the network as the program will" {
	net_requires slirp4netns
	args true
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "cat /proc/$(jq .pid)/net/dev >\($t)/dev"],
		env: ["PATH=/usr/bin:/bin"]}]' --arg t "$T"
	bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	grep tap0: "$T/dev"
}

resolv_is() { # resolv_is NAMESERVER: what the container sees
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"nameserver $1"* ]]
}

@test "resolv.conf: over a link of the image, over a missing file, in a read-only root; not where one is mounted" {
	net_requires slirp4netns
	args cat /etc/resolv.conf
	resolv_is 10.0.2.3
	rm -f "$BUNDLE/rootfs/etc/resolv.conf"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$BUNDLE/rootfs/etc/resolv.conf"
	config '.root.readonly = true | .mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs"}]'
	resolv_is 10.0.2.3
	[ -L "$BUNDLE/rootfs/etc/resolv.conf" ]
	ln -sf /outside/resolv.conf "$BUNDLE/rootfs/etc/resolv.conf"
	resolv_is 10.0.2.3
	not test -e /outside
	echo nameserver 192.0.2.1 >"$T/mine"
	rm -f "$BUNDLE/rootfs/etc/resolv.conf"
	config '.mounts += [{destination: "/etc/resolv.conf", type: "bind", source: $f, options: ["bind", "ro"]}]' \
		--arg f "$T/mine"
	resolv_is 192.0.2.1
	[[ $output != *10.0.2.3* ]]
}

@test "resolv.conf is the container's to read, not to write" {
	net_requires slirp4netns
	config '.root.readonly = false'
	args /bin/sh -c 'echo x >/etc/mine; echo x >>/etc/resolv.conf || echo refused'
	run bryo run -b "$BUNDLE" --net slirp4netns "$ID"
	[[ $status -eq 0 && $output == *refused* ]]
	[ -e "$BUNDLE/rootfs/etc/mine" ]
}

@test "join: the network of another container, and of one that joined; what cannot be joined is named" {
	args sleep 300
	run_detached "$ID" --net none
	args readlink /proc/self/ns/net
	net=$(bryo exec "$ID" readlink /proc/self/ns/net)
	run bryo run -b "$BUNDLE" --net "join:$ID" "$ID-2"
	[[ $status -eq 0 && $output == "$net" ]]
	args sleep 300
	run_detached "$ID-2" --net "join:$ID"
	args /bin/sh -c 'readlink /proc/self/ns/net; cat /proc/self/uid_map'
	run bryo run -b "$BUNDLE" --net "join:$ID-2" "$ID-3"
	[[ $status -eq 0 && ${lines[0]} == "$net" ]]
	run bryo exec "$ID-2" readlink /proc/self/ns/net
	[[ $status -eq 0 && $output == "$net" ]]
	run bryo plan -b "$BUNDLE" --net "join:$ID" "$ID-3"
	[[ $status -eq 0 && $output == *"join $ID"* ]]
	bryo delete --force "$ID-2"

	run bryo run -b "$BUNDLE" --net "join:$ID-4" "$ID-3"
	[[ $status -eq 1 && $output == *"container '$ID-4' does not exist"* ]]
	bryo kill "$ID" KILL
	wait_for_status stopped
	run bryo run -b "$BUNDLE" --net "join:$ID" "$ID-3"
	[[ $status -eq 1 && $output == *"container '$ID' is not running"* ]]
	bryo delete "$ID"
	args sleep 300
	run_detached "$ID" --net host
	run bryo run -b "$BUNDLE" --net "join:$ID" "$ID-3"
	[[ $status -eq 1 && $output == *"container '$ID' has no network of its own to join [it runs in the host's: --net host is the same]"* ]]
}

# its root has all rights over the namespace nested below it: init must not be in its sight
@test "join: not together with a pid namespace by path" {
	requires user
	args sleep 300
	run_detached "$ID" --net none
	config '.linux.namespaces |= map(select(.type != "pid")) + [{"type": "pid", "path": $path}]' \
		--arg path "/proc/$(bryo state "$ID" | jq .pid)/ns/pid"
	config '.mounts |= map(select(.type != "proc"))'
	args true
	run bryo run -b "$BUNDLE" --net "join:$ID" "$ID-2"
	[[ $status -eq 1 && $output == *"could trace init while that sees the host's files"* ]]
}

@test "join: not of a container that has the host's /proc" {
	requires user
	cp "$BUNDLE/config.json" "$T/plain.json"
	config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/proc", "options": ["rbind", "ro"]}]'
	args sleep 300
	run_detached "$ID" --net none
	cp "$T/plain.json" "$BUNDLE/config.json"
	args true
	run bryo run -b "$BUNDLE" --net "join:$ID" "$ID-2"
	[[ $status -eq 1 && $output == *"sees the processes of the host, the one that would join it too"* ]]
}

@test "sandbox: a network on request, with names" {
	net_requires slirp4netns
	requires cmd:dnsmasq
	echo "nameserver 127.0.0.1" >"$T/resolv.conf"
	mkdir "$T/work"
	run in_host "serve 8000; resolver 127.0.0.1; cd \"\$T/work\"
		bryo sandbox --net slirp4netns sh -c 'cat /etc/resolv.conf; busybox wget -qO- http://$SERVER:8000/hello
			busybox nslookup here.test || true'"
	echo "$output"
	[[ $status -eq 0 && $output == *"nameserver 10.0.2.3"*hello*203.0.113.99* ]]
	run in_host "serve 8000; cd \"\$T/work\"; bryo sandbox busybox wget -qO- http://$SERVER:8000/hello"
	[ "$status" -ne 0 ]
}

# covers: spec --net
@test "spec --net writes the annotation, and the namespace that it means" {
	(cd "$BUNDLE" && "$BRYO" spec -f net.json --net pasta:mtu=1400)
	[ "$(jq -r '.annotations["org.bryo.network"]' "$BUNDLE/net.json")" = pasta:mtu=1400 ]
	(cd "$BUNDLE" && "$BRYO" spec -f net.json --net host)
	[ "$(jq '[.linux.namespaces[] | select(.type == "network")] | length' "$BUNDLE/net.json")" = 0 ]
	run "$BRYO" spec -f - --net nowhere
	[[ $status -ne 0 && $output == *"network 'nowhere': there is no such network [none, host, auto, pasta, slirp4netns or join:ID]"* ]]
}

@test "the record names the backend, the helpers and the socket; list and state are as ever" {
	net_requires slirp4netns
	args sleep 300
	run_detached "$ID" --net slirp4netns
	r=$ROOT/$ID/record.json
	[ "$(jq -r '.netBackend + " " + .netSocket' "$r")" = "slirp4netns slirp.sock" ]
	[ "$(jq -r '[.helpers[].name] | join(" ")' "$r")" = "slirp4netns bryo-keeper" ]
	[ -S "$ROOT/$ID/slirp.sock" ]
	[ "$(stat -c %u "$ROOT/$ID/slirp.sock")" = "$(id -u)" ]
	not test -e "$ROOT/$ID/net.ready"
	[ "$(state_of)" = running ]
}

@test "auto without a user namespace of the container's own, and what excludes a word" {
	net_requires slirp4netns
	[ "$(id -u)" = 0 ] || skip "needs root, if of a user namespace only"
	config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	args ip -o addr
	run in_host 'bryo run -b "$BUNDLE" --net auto "$ID"'
	echo "$output"
	[[ $status -eq 0 && $output == *" 10.0.2.100/24"* ]]
	run in_host 'bryo run -b "$BUNDLE" --net pasta "$ID"'
	[[ $status -ne 0 && $output == *"pasta "* ]]
}

@test "a word for the network and a network namespace given by path exclude each other" {
	config '(.linux.namespaces[] | select(.type == "network")) += {path: "/proc/self/ns/net"}'
	run bryo run -b "$BUNDLE" --net none "$ID"
	[[ $status -eq 1 && $output == *"a network namespace given by path exclude each other"* ]]
}

@test "features names the networks" {
	[ "$("$BRYO" features | jq -r '.annotations["org.bryo.network"]')" = none,host,auto,pasta,slirp4netns,join ]
}
