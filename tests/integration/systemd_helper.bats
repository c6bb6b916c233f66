#!/usr/bin/env bats
# bryo-systemd, the program that asks systemd for scopes: how it reads properties, where it looks
# for a bus, and, where a manager answers, what it does there. Root of the machine asks the
# system's manager, everybody else their own.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	SD=${BRYO_SYSTEMD:-${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/helpers/bryo-systemd}
	[ -x "$SD" ] || skip "needs bryo-systemd: it was not built"
	PIDS=()
	SESSION_BUS=${DBUS_SESSION_BUS_ADDRESS-}
	unset DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS
	MODE=--user
	[ "$(id -u)" != 0 ] || ! in_initial_userns || MODE=--system
	UNIT=bryo-test-$ID.scope
}

teardown() {
	local p

	cd /
	for p in "${PIDS[@]}"; do
		kill -KILL "$p" 2>/dev/null || true
	done
	wait
	if [ -n "${HAS_MANAGER-}" ]; then
		systemctl $MODE stop "bryo-test-$ID*" 2>/dev/null || true
		systemctl $MODE reset-failed "bryo-test-$ID*" 2>/dev/null || true
	fi
	bryo_teardown
}

sd() { # as bryo calls it, and not for ever
	timeout -k 5 60 "$SD" "$@" 3>&-
}

refused() { # refused STATUS TEXT: $output is that one line
	[ "$status" -eq "$1" ] && [ "${#lines[@]}" -eq 1 ] && has_line "$2" && return
	printf 'status %s, wanted %s\n%s\n' "$status" "$1" "$output" >&2
	return 1
}

# -------------------------------------------------------------------------- properties

@test "properties with a type are read" {
	local in out

	while IFS=$'\t' read -r in out; do
		run sd check "$in"
		[ "$status" -eq 0 ] && [ "$output" = "$out" ] || { echo "$in: $output" >&2; return 1; }
	done <<-'END'
		MemoryMax=t:1048576	MemoryMax t 1048576
		MemoryMax=t:18446744073709551615	MemoryMax t 18446744073709551615
		A=u:4294967295	A u 4294967295
		A=i:-2147483648	A i -2147483648
		Delegate=b:true	Delegate b true
		A=b:false	A b false
		AllowedCPUs=ay:ff01	AllowedCPUs ay ff01
		A=ay:	A ay 
		Slice=s:user.slice	Slice s 'user.slice'
		A=s:	A s ''
		A=s:=:@'\	A s '=:@\'\\'
		A=as:a,b c,é	A as ['a', 'b c', 'é']
		A=as:a\,b,c\\,\d	A as ['a,b', 'c\\', 'd']
		A=as:	A as []
		A=as:a,	A as ['a', '']
		?A=t:1	?A t 1
		TimeoutStopSec=t:5	TimeoutStopSec t 5
	END
}

@test "properties in GVariant's notation are read" {
	local in out

	while IFS=$'\t' read -r in out; do
		run sd check "A=@$in"
		[ "$status" -eq 0 ] && [ "$output" = "A $out" ] || { echo "$in: $output" >&2; return 1; }
	done <<-'END'
		true	b true
		 false 	b false
		boolean true	b true
		5	i 5
		-2147483648	i -2147483648
		+7	i 7
		0x1F	i 31
		010	i 8
		byte 255	y 255
		int16 -32768	n -32768
		uint16 65535	q 65535
		int32 1	i 1
		uint32 4294967295	u 4294967295
		int64 -9223372036854775808	x -9223372036854775808
		uint64 18446744073709551615	t 18446744073709551615
		double 2	d 2
		1.5	d 1.5
		-.5e1	d -5
		'it\'s "so"'	s 'it\'s "so"'
		"a\tb\\\x"	s 'a\u0009b\\x'
		'\u00e9\U0001F600'	s 'é😀'
		string 'x'	s 'x'
		['a', "b"]	as ['a', 'b']
		[1,2]	ai [1, 2]
		[1, uint32 2]	au [1, 2]
		[1, 2.5]	ad [1, 2.5]
		@as []	as []
		@ay [1, 255]	ay 01ff
		[byte 1, 2]	ay 0102
		[[1], []]	aai [[1], []]
		[@au [], [1]]	aau [[], [1]]
		[('/dev/null', 'rw'), ('/dev/zero', 'r')]	a(ss) [('/dev/null', 'rw'), ('/dev/zero', 'r')]
		[('a', uint64 1), ('b', 2)]	a(st) [('a', 1), ('b', 2)]
		(1,)	(i) (1,)
		(true, 'a', [1.0])	(bsad) (true, 'a', [1])
		@a(si) []	a(si) []
		[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]	aaaaaaaaaaaaaaaai [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]
	END
}

# covers: org.systemd.property
@test "a name in seconds becomes one in microseconds, as in runc" {
	local in out

	while IFS=$'\t' read -r in out; do
		run sd check "$in"
		[ "$status" -eq 0 ] && [ "$output" = "$out" ] || { echo "$in: $output" >&2; return 1; }
	done <<-'END'
		TimeoutStopSec=@5	TimeoutStopUSec t 5000000
		TimeoutStopSec=@byte 2	TimeoutStopUSec t 2000000
		TimeoutStopSec=@1.5	TimeoutStopUSec t 1500000
		TimeoutStopSec=@uint64 18446744073709	TimeoutStopUSec t 18446744073709000000
		RuntimeMaxUSec=@uint64 5	RuntimeMaxUSec t 5
		Sec=@5	Sec i 5
	END
	for in in "'5s'" -1 -0.5 'uint64 18446744073710' 1e300 true '[1]'; do
		run sd check "TimeoutStopSec=@$in"
		refused 2 "property TimeoutStopSec: '@$in', character 2: not a number of seconds"
	done
}

@test "malformed properties are refused with the place" {
	local in text

	while IFS=$'\t' read -r in text; do
		run sd check "$in"
		refused 2 "$text" || { echo "$in" >&2; return 1; }
	done <<-'END'
		A	'A' is not NAME=TYPE:VALUE or NAME=@TEXT
		=t:1	is not NAME=
		A1=t:1	is not NAME=
		A=	character 1: neither
		A=1	character 1: neither
		A=x:1	character 3: the type before it is none of t, u, i, b, s, ay, as
		A=t:18446744073709551616	character 3: the number is out of range
		A=t:-1	character 3: -1 is out of range for uint64
		A=u:4294967296	character 3: 4294967296 is out of range for uint32
		A=i:2147483648	character 3: 2147483648 is out of range for int32
		A=t:1x	character 4: a digit expected
		A=t:	character 3: a digit expected
		A=b:yes	character 3: true or false expected
		A=ay:ff0	character 6: two hexadecimal digits expected
		A=ay:fg	character 4: two hexadecimal digits expected
		A=@	character 2: a value expected
		A=@foo	character 2: 'foo' is no value
		A=@nan	character 2: 'nan' is no value
		A=@<1>	character 2: not a value
		A=@12ab	character 4: not part of a number
		A=@1-2	character 3: not part of a number
		A=@1e999	character 2: the number is out of range
		A=@3000000000	character 2: 3000000000 is out of range for int32
		A=@byte 256	character 7: 256 is out of range for byte
		A=@int16 -32769	character 8: -32769 is out of range for int16
		A=@string 5	character 9: not of the type 's'
		A=@[]	character 2: an empty array needs its type
		A=@[1,'a']	character 5: not of the type of the elements before it
		A=@[(1,2),(1,2,3)]	character 9: not of the type of the elements before it
		A=@[1,]	character 5: a value expected
		A=@[1 2]	character 5: ',' or ']' expected
		A=@[1	character 4: ',' or ']' expected
		A=@(1)	character 4: ',' expected
		A=@(1,2,)	character 7: a value expected
		A=@()	character 3: D-Bus has no empty structures
		A=@'abc	character 6: the string does not end
		A=@'a\	character 5: the string does not end
		A=@'a' x	character 6: nothing more expected
		A=@'\u12'	character 7: 4 hexadecimal digits expected
		A=@'\u0000'	character 4: no character has that number
		A=@'\ud800'	character 4: no character has that number
		A=@@as [1]	character 6: not of the type 'as'
		A=@@v 1	character 2: no type that is known here
		A=@[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]	character 18: nested more than 16 deep
	END
}

@test "sizes are bounded, and what is not text does not reach the terminal" {
	local many

	run sd check "A=s:$(head -c 65536 /dev/zero | tr '\0' x)"
	[ "$status" -eq 0 ]
	run sd check "A=s:$(head -c 65537 /dev/zero | tr '\0' x)"
	refused 2 "too long"
	run sd check "A=@($(seq -s, 300))"
	refused 2 "the type is too long"
	printf -v many 'A%.0s' {1..125}
	run sd check "$many=t:1"
	refused 2 "is not NAME="
	run sd check $'A=s:\xff'
	refused 2 "character 3: not UTF-8"
	run sd check $'A=x:\e[31m\n\xc2\x85\xff'
	refused 2 "'x:?[31m????', character 3"
}

@test "a property that is named twice has its last value" {
	run sd check A=t:1 B=b:true '?A=u:2'
	[ "$output" = $'?A u 2\nB b true' ]
}

@test "wrong usage is told" {
	local line

	while read -r line; do
		# shellcheck disable=SC2086
		run sd $line
		refused 2 "usage: bryo-systemd [--user|--system]" || { echo "$line" >&2; return 1; }
	done <<-'END'

		--bus ping
		nothing
		ping x
		start a.scope
		stop
		stop a.scope b.scope
		set a.scope
		attach a.scope /x
		delegated
		delegated 1 2
	END
	run sd start x 1
	refused 2 "'x' is not the name of a unit"
	run sd start "a'.scope" 1
	refused 2 "is not the name of a unit"
	run sd start a.service 1
	refused 2 "'a.service' is not the name of a scope"
	run sd start a.scope 1 PIDs=u:1
	refused 2 "property PIDs"
	for line in 0 -1 1x 2147483648 99999999999999999999; do
		run sd start a.scope "$line"
		refused 2 "'$line' is not a process ID"
	done
}

# --------------------------------------------------------------------------- the bus

dead_socket() {
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($ARGV[0])) or die' "$1"
}

no_own_bus() {
	# as the manager outside of our user namespace knows us
	OWN=/run/user/$(awk -v u="$(id -u)" 'u >= $1 && u < $1 + $3 { print $2 + u - $1; exit }' /proc/self/uid_map)/bus
	[ ! -e "$OWN" ] || skip "needs a caller without $OWN"
}

@test "without a bus, each place is named with its reason" {
	no_own_bus
	unset XDG_RUNTIME_DIR
	run sd --user ping
	[ "$status" -eq 3 ]
	[ "$output" = "no user bus: \$DBUS_SESSION_BUS_ADDRESS: not set; \$XDG_RUNTIME_DIR: not set; $OWN: No such file or directory" ]
	dead_socket "$T/dead"
	DBUS_SESSION_BUS_ADDRESS="unix:guid=1,path=$T/%64ead" XDG_RUNTIME_DIR=$T/run run sd --user start "$UNIT" $$
	[ "$status" -eq 3 ]
	[ "$output" = "no user bus: \$DBUS_SESSION_BUS_ADDRESS: $T/dead: Connection refused; \$XDG_RUNTIME_DIR: $T/run/bus: No such file or directory; $OWN: No such file or directory" ]
}

@test "a bus address is judged before it is used" {
	local address text

	no_own_bus
	touch "$T/file"
	ln -s "$T/dead" "$T/link"
	dead_socket "$T/dead"
	while IFS=$'\t' read -r address text; do
		DBUS_SESSION_BUS_ADDRESS=$address run sd --user ping
		refused 3 "no user bus: \$DBUS_SESSION_BUS_ADDRESS: $text; "
	done <<-END
		tcp:host=127.0.0.1,port=1	no unix:path= in 'tcp:host=127.0.0.1,port=1'
		unixexec:path=/bin/true	no unix:path= in 'unixexec:path=/bin/true'
		unix:abstract=/tmp/x	no unix:path= in 'unix:abstract=/tmp/x'
		tcp:port=1,path=$T/dead	no unix:path= in 'tcp:port=1,path=$T/dead'
		tcp:port=1;unix:path=$T/dead	$T/dead: Connection refused
		unix:path=$T/file	$T/file: not a socket
		unix:path=$T/link	$T/link: not a socket
	END
}

@test "a path that is too long for a socket is told" {
	no_own_bus
	mkdir "$T/$(head -c 120 /dev/zero | tr '\0' x)"
	cd "$T"/xxx*
	dead_socket s
	DBUS_SESSION_BUS_ADDRESS=unix:path=$PWD/s run sd --user ping
	refused 3 "the path is too long for a socket"
}

@test "a socket of somebody else is not used" {
	dead_socket "$T/bus"
	if [ "$(id -u)" = 0 ]; then
		chown 1 "$T/bus" || skip "needs a second ID"
	else
		requires subid
		unshare --user --map-root-user --map-auto chown 1 "$T/bus"
	fi
	no_own_bus
	XDG_RUNTIME_DIR=$T run sd --user ping
	refused 3 "\$XDG_RUNTIME_DIR: $T/bus: owned by uid $(stat -c %u "$T/bus"), not $(id -u);"
}

@test "in a user namespace the bus is looked for under the ID outside" {
	requires userns
	unset XDG_RUNTIME_DIR
	if [ "$(id -u)" = 0 ]; then
		run unshare --user --map-user=7 "$SD" --user ping
	else
		run unshare --user --map-root-user "$SD" --user ping
	fi
	[ "$status" -eq 0 ] || has_line "; /run/user/$(id -u)/bus: "
}

@test "a bus without systemd is passed over" {
	requires cmd:dbus-daemon
	dbus-daemon --session --nofork --address="unix:path=$T/other" >/dev/null 2>&1 3>&- &
	PIDS+=($!)
	wait_for 10 [ -S "$T/other" ] || skip "needs dbus-daemon: it does not start for $(id -u)"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/other
	XDG_RUNTIME_DIR=${SESSION_RUNTIME_DIR:-$T} run sd --user stop "$UNIT"
	[ "$status" -eq 0 ] ||
		refused 3 "no user bus: \$DBUS_SESSION_BUS_ADDRESS: $T/other: stop unit '$UNIT': "
}

@test "a bus that does not speak ends the wait" {
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($ARGV[0])) &&
		listen(S, 5) or die; accept(C, S); close C; accept(C, S); sleep 100' "$T/bus" 3>&- &
	PIDS+=($!)
	wait_for 10 [ -S "$T/bus" ]
	no_own_bus
	XDG_RUNTIME_DIR=$T run sd --user ping
	refused 3 "$T/bus: greet the bus: "
	XDG_RUNTIME_DIR=$T run sd --user ping
	refused 3 "$T/bus: greet the bus: Connection timed out"
}

# It would put processes of its own namespace, which have the numbers of ours, into the scope.
@test "a bus of another pid namespace is passed over" {
	requires userns
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($ARGV[0])) &&
		listen(S, 5) or die; sleep 100' "$T/bus" 3>&- &
	PIDS+=($!)
	wait_for 10 [ -S "$T/bus" ]
	no_own_bus
	XDG_RUNTIME_DIR=$T run unshare --user --map-root-user --pid --fork --kill-child timeout -k 5 20 "$SD" --user ping
	refused 3 "$T/bus: its listener is in another pid namespace"
}

@test "only root asks the system's manager" {
	[ "$(id -u)" != 0 ] || skip "needs a caller who is not root"
	run sd --system ping
	refused 6 "only root"
	requires userns
	# root of a user namespace: the socket is not its own
	run unshare --user --map-root-user "$SD" --system ping
	refused 3 "no system bus: /run/dbus/system_bus_socket: "
}

# ------------------------------------------------------------------------- a manager

requires_manager() {
	[ $MODE = --system ] || export XDG_RUNTIME_DIR=${SESSION_RUNTIME_DIR:-$T/run}
	[ -z "$SESSION_BUS" ] || [ $MODE = --system ] || export DBUS_SESSION_BUS_ADDRESS=$SESSION_BUS
	run sd $MODE ping
	[ "$status" -eq 0 ] || skip "needs a systemd manager: $output"
	HAS_MANAGER=1
}

spawn() { # a process of ours; $PID
	sleep 1000 3>&- &
	PID=$!
	PIDS+=("$PID")
}

start() { run sd $MODE start "$UNIT" "$PID" "$@"; }
show() { systemctl $MODE show -P "$1" "${2:-$UNIT}"; }
unit_of() { sed 's,.*/,,' "/proc/$1/cgroup"; }
gone() { [ "$(show LoadState)" = not-found ]; }

ok() {
	[ "$status" -eq 0 ] && [ -z "$output" ] && return
	printf 'status %s\n%s\n' "$status" "$output" >&2
	return 1
}

@test "start makes a delegated scope of the process, stop removes it" {
	requires_manager
	spawn
	start Description=s:"a box" TasksMax=t:77 TimeoutStopSec=@7 "?AllowedCPUs=@@ay [1]"
	ok
	[ "$(unit_of "$PID")" = "$UNIT" ]
	[ "$(show ActiveState)" = active ]
	[ "$(show Delegate)" = yes ]
	[ "$(show DefaultDependencies)" = no ]
	[ "$(show CollectMode)" = inactive-or-failed ]
	[ "$(show Description)" = "a box" ]
	[ "$(show TasksMax)" = 77 ]
	[ "$(show TimeoutStopUSec)" = 7s ]
	run sd $MODE stop "$UNIT"
	ok
	gone
	not kill -0 "$PID"
	run sd $MODE stop "$UNIT"
	ok
}

@test "the caller's properties win over the defaults" {
	requires_manager
	spawn
	start CollectMode=s:inactive Delegate=b:false
	ok
	[ "$(show Delegate)" = no ]
	[ "$(show CollectMode)" = inactive ]
}

@test "set changes a running scope, and only that" {
	requires_manager
	spawn
	start
	run sd $MODE set "$UNIT" TasksMax=t:33 '?Nonsense=t:1'
	ok
	[ "$(show TasksMax)" = 33 ]
	run sd $MODE set "$UNIT" Nonsense=t:1
	refused 1 "set properties of unit '$UNIT': "
	has_line Nonsense
	run sd $MODE set "x$UNIT" TasksMax=t:33
	refused 5 "x$UNIT"
}

@test "attach moves processes below the scope" {
	local dir second

	requires_manager
	spawn
	start
	ok
	second=$PID
	spawn
	run sd $MODE attach "$UNIT" "" "$PID"
	ok
	[ "$(unit_of "$PID")" = "$UNIT" ]
	mkdir "/sys/fs/cgroup$(sed s/^0::// "/proc/$PID/cgroup")/box"
	run sd $MODE attach "$UNIT" /box "$PID" "$second"
	ok
	[[ $(cat "/proc/$PID/cgroup") == *"/$UNIT/box" ]]
	[[ $(cat "/proc/$second/cgroup") == *"/$UNIT/box" ]]
	run sd $MODE attach "x$UNIT" "" "$PID"
	refused 5 "x$UNIT"
}

@test "delegated tells the unit of a process" {
	local dead

	requires_manager
	spawn
	start
	ok
	run sd $MODE delegated "$PID"
	[ "$status" -eq 0 ]
	[ "$output" = "$UNIT yes" ]
	spawn
	UNIT=bryo-test-$ID-plain.scope
	start Delegate=b:false
	ok
	run sd $MODE delegated "$PID"
	[ "$output" = "$UNIT no" ]
	if [ $MODE = --user ]; then
		run sd $MODE delegated 1
		[ "$status" -eq 5 ]
	fi
	sleep 0 &
	dead=$!
	wait $dead
	run sd $MODE delegated "$dead"
	refused 5 "the process"
}

@test "a name that is in use is refused, and its scope left alone" {
	local first

	requires_manager
	spawn
	start
	ok
	first=$PID
	spawn
	start
	refused 4 "unit '$UNIT' already exists and has processes"
	kill -0 "$first"
	[ "$(unit_of "$first")" = "$UNIT" ]
	[ "$(unit_of "$PID")" != "$UNIT" ]
}

@test "an empty shell by that name is removed" {
	requires_manager
	spawn
	start CollectMode=s:inactive RuntimeMaxUSec=t:1000
	ok
	wait_for 10 eval '[ "$(show ActiveState)" = failed ]'
	spawn
	start
	ok
	[ "$(unit_of "$PID")" = "$UNIT" ]
	[ "$(show ActiveState)" = active ]
}

@test "a scope that a dead process left is no obstacle" {
	requires_manager
	for _ in 1 2 3; do
		spawn
		start
		ok
		kill -KILL "$PID"
		wait "$PID" || true
	done
}

@test "a process that is gone fails, and leaves no unit" {
	requires_manager
	sleep 0 &
	PID=$!
	wait $PID
	start
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	has_line "start unit '$UNIT': "
	wait_for 5 gone
}

@test "a property that systemd does not know is named, or dropped if it may be" {
	requires_manager
	spawn
	start '?NoneSuch=t:1' Nonsense=t:1
	refused 1 "start unit '$UNIT': "
	has_line Nonsense
	gone
	start '?NoneSuch=t:1' '?Nonsense=@[(1, 2)]' TasksMax=t:44
	ok
	[ "$(show TasksMax)" = 44 ]
}

@test "a value of the wrong type is refused" {
	requires_manager
	spawn
	start TasksMax=s:x
	refused 1 "start unit '$UNIT': "
	has_line "(a property has another type there)"
	gone
}

# The kernel says that it moved a zombie, and does not: a scope that never had a process stays for ever.
@test "start of a process that ends meanwhile: an error, and no scope is left" {
	local zombie

	requires_manager
	perl -e 'my $p = fork // die; exit 0 unless $p; $| = 1; print "$p\n"; sleep 100' >"$T/zombie" 3>&- &
	PIDS+=($!)
	wait_for 10 test -s "$T/zombie"
	zombie=$(cat "$T/zombie")
	wait_for 10 grep -q '^State:.Z' "/proc/$zombie/status"
	run sd $MODE start "$UNIT" "$zombie"
	[ "$status" -ne 0 ]
	[ -z "$(systemctl $MODE list-units --all --plain --no-legend "$UNIT")" ]
}

@test "twenty starts in a row leave no unit behind" {
	local i base=$UNIT

	requires_manager
	for i in {1..20}; do
		UNIT=${base%.scope}-$i.scope
		spawn
		start RuntimeMaxUSec=t:$((i % 2 ? 1000 : 1000000000)) # every other one ends as failed
		((i % 2)) && [ "$status" -ne 0 ] && has_line "process $PID has ended meanwhile" && continue
		ok
		kill -KILL "$PID" || true
	done
	wait
	wait_for 10 eval '[ -z "$(systemctl $MODE list-units --all --no-legend "bryo-test-$ID*")" ]'
}

@test "starts at the same time do not disturb each other" {
	local i jobs=() base=$UNIT

	requires_manager
	for i in {1..8}; do
		spawn
		sd $MODE start "${base%.scope}-$i.scope" "$PID" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i"
	done
	for i in {1..8}; do
		[ "$(show ActiveState "${base%.scope}-$i.scope")" = active ]
	done
}

@test "a name with an escape is followed as well" {
	requires_manager
	UNIT="bryo-test-$ID\\x2da.scope"
	spawn
	start
	ok
	run sd $MODE stop "$UNIT"
	ok
}

@test "the bus of a user namespace's owner is the user's own" {
	requires userns
	[ $MODE = --user ] || skip "needs a caller who is not root"
	requires_manager
	spawn
	unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
	run unshare --user --map-root-user "$SD" --user start "$UNIT" "$PID" 3>&-
	ok
	export XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	[ "$(unit_of "$PID")" = "$UNIT" ]
}

@test "a job that does not end is given up and taken back" {
	requires_manager
	systemd-run $MODE --quiet --no-block --unit "bryo-test-$ID-slow" -p Type=oneshot sleep 100 3>&-
	spawn
	start "After=as:bryo-test-$ID-slow.service"
	refused 1 "start unit '$UNIT': job /org/freedesktop/systemd1/job/"
	has_line "was not done within 30 s"
	[ "$(unit_of "$PID")" != "$UNIT" ]
	wait_for 5 gone
}

@test "a job that is cancelled is a failure with its result" {
	requires_manager
	systemd-run $MODE --quiet --no-block --unit "bryo-test-$ID-slow" -p Type=oneshot sleep 100 3>&-
	spawn
	sd $MODE start "$UNIT" "$PID" "After=as:bryo-test-$ID-slow.service" 2>"$T/err" &
	wait_for 10 eval 'systemctl $MODE list-jobs --no-legend | grep -q "$UNIT"'
	systemctl $MODE cancel
	ends_with 1
	[ "$(cat "$T/err")" = "start unit '$UNIT': the job ended with 'canceled'" ]
}
