#!/usr/bin/env bats
# bryo sandbox: what the command in it can reach, what it cannot, and what the caller gets back.

# shellcheck disable=SC2016,SC2034 # programs for the sandbox are in single quotes

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	LISTENERS=()
	mkdir "$T/work"
	export HOME=$T/home
	cd "$T/work" || return
}

teardown() {
	[ ${#LISTENERS[@]} -eq 0 ] || kill "${LISTENERS[@]}" 2>/dev/null || true
	bryo_teardown
}

# A bryo without seccomp warns that there is no filter: then it is not asked for one.
box() {
	"$BRYO" --version | grep -q '+SECCOMP' || set -- --seccomp none "$@"
	bryo sandbox "$@" </dev/null
}

# listen ADDRESS: a unix socket that somebody listens on; @name is an abstract one
listen() {
	perl -MIO::Socket::UNIX -e '
		(my $a = shift) =~ s/^@/\0/;
		my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $a, Listen => 5) or die "$a: $!";
		sleep 60' "$1" >/dev/null 2>&1 3>&- &
	LISTENERS+=($!)
	wait_for 5 connect "$1"
}

CONNECT='(my $a = shift) =~ s/^@/\0/;
	exit(IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $a) ? 0 : 9)'
connect() { perl -MIO::Socket::UNIX -e "$CONNECT" "$1"; }

@test "the command has the caller's uid and gid" {
	run box -- sh -c 'id -u; id -g'

	[ "$status" -eq 0 ]
	[ "$output" = "$(id -u)"$'\n'"$(id -g)" ]
}

@test "the caller's id is mapped alone, so that no subordinate IDs are needed" {
	run box -- cat /proc/self/uid_map

	[ "$(tr -s ' ' <<<"$output")" = " $(id -u) $(id -u) 1" ]
}

@test "names of users and groups work" {
	getent passwd "$(id -u)" >/dev/null || skip "the caller has no name"

	run box -- sh -c 'id -un; getent passwd $(id -u)'

	[ "$status" -eq 0 ]
	[ "$output" = "$(id -un)"$'\n'"$(getent passwd "$(id -u)")" ]
}

@test "the command is process 1 of its own pid namespace" {
	run box -- sh -c 'echo $$'

	[ "$output" = 1 ]
}

@test "the current directory is at the same path, writable, and files keep their owner" {
	echo before >old

	run box -- sh -c 'pwd; cat old; echo new >new; echo changed >old'

	[ "$output" = "$T/work"$'\n'before ]
	[ "$(cat new old)" = new$'\n'changed ]
	[ "$(stat -c %u new)" = "$(id -u)" ]
}

@test "the host's system directories are read-only, and so is the root" {
	for path in /usr /etc /usr/bin /bin /lib /; do
		run box -- touch "$path/$ID"
		rm -f "$path/$ID" 2>/dev/null || true
		[ "$status" -eq 1 ]
		has_line "Read-only file system"
	done
}

@test "the home directory is there, empty, and forgets what is written" {
	echo secret >"$HOME/.netrc"

	run box -- sh -c 'ls -A "$HOME"; echo x >"$HOME/x" && cat "$HOME/x"'

	[ "$status" -eq 0 ]
	[ "$output" = x ]
	[ "$(ls -A "$HOME")" = .netrc ]
}

@test "a directory in the home is writable, and the rest of the home is not seen" {
	mkdir "$HOME/project"
	echo secret >"$HOME/.netrc"
	cd "$HOME/project"

	run box -- sh -c 'touch made; ls -A ..'

	[ "$status" -eq 0 ]
	[ "$output" = project ]
	[ -e made ]
}

@test "/run, /tmp and /var/tmp are the sandbox's own" {
	touch "$T/outside"

	run box -- sh -c 'ls -A /run /var/tmp; ls -A /tmp | grep -c .; ls -A "$0"; for d in /run /tmp /var/tmp; do
		echo x >$d/written && cat $d/written; done' "$T"

	[ "$status" -eq 0 ]
	# of /tmp only the way to the current directory and to the home is there
	[ "$output" = "/run:

/var/tmp:
1
home
work
x
x
x" ]
	[ ! -e /tmp/written ]
}

@test "ssh-agent, the session bus and abstract sockets are out of reach" {
	requires cmd:perl
	export SSH_AUTH_SOCK=$T/agent DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
	listen "$SSH_AUTH_SOCK"
	listen "$XDG_RUNTIME_DIR/bus"
	listen "@bryo-$ID"

	for address in "$SSH_AUTH_SOCK" "$XDG_RUNTIME_DIR/bus" "@bryo-$ID"; do
		run box -- perl -MIO::Socket::UNIX -e "$CONNECT" "$address"
		[ "$status" -eq 9 ]
	done
	run box -- env
	[[ "$output" != *SSH_AUTH* && "$output" != *DBUS* && "$output" != *XDG_* ]]
}

@test "a socket in the current directory is within reach (so the test above can tell)" {
	requires cmd:perl
	listen "$T/work/socket"

	run box -- perl -MIO::Socket::UNIX -e "$CONNECT" "$T/work/socket"

	[ "$status" -eq 0 ]
}

@test "there is no network but a loopback of its own" {
	run box -- sed -n '3,$s/:.*//p' /proc/net/dev

	[ "${output// /}" = lo ]
	requires cmd:perl
	run box -- perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die "listen: $!";
		IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) or die "connect: $!";
		IO::Socket::INET->new(PeerAddr => "192.0.2.1", PeerPort => 9, Timeout => 2) and die "reached";
		print "$!\n"'
	[ "$status" -eq 0 ]
	[ "$output" = "Network is unreachable" ]
}

@test "a directory that nobody meant to open up is refused, with the remedy" {
	for dir in / /usr /etc /tmp /var "$HOME" "$T"; do
		cd "$dir"
		run box -- true
		[ "$status" -eq 125 ]
		[ "${#lines[@]}" -eq 1 ]
		has_line "working directory '$dir': it is "
		has_line "--rw "
	done
	has_line "above your home directory"
}

# covers: sandbox --rw sandbox --ro
@test "--rw opens it up all the same, and --ro shows it" {
	cd "$HOME"
	echo seen >file

	run box --ro . -- sh -c 'cat file; touch made'
	[ "$status" -eq 1 ]
	has_line seen
	has_line "Read-only file system"
	run box --rw . -- touch made
	[ "$status" -eq 0 ]
	[ -e made ]
}

# covers: sandbox --cwd
@test "--rw, --ro and --cwd name other paths, the deeper one decides" {
	mkdir -p "$T/data/private" "$T/place"
	echo text >"$T/data/file"

	run box --rw "$T/data" --ro "$T/data/private" --cwd "$T/place" -- sh -c '
		pwd; cat "$0/file"; touch "$0/made" here; touch "$0/private/made"; ls -A "$1"' "$T/data" "$T"

	has_line "$T/place"
	has_line text
	has_line "Read-only file system"
	[ -e "$T/data/made" ] && [ -e "$T/place/here" ] && [ ! -e "$T/data/private/made" ]
	[ ! -e "$T/work/here" ]
	[[ "$output" == *data$'\n'home$'\n'place ]]
}

@test "a path that is not there, or named both ways, is refused by name" {
	run box --ro "$T/missing" -- true
	[ "$status" -eq 125 ]
	has_line "--ro '$T/missing': No such file or directory"
	run box --ro "$T/run" --rw "$T/run" -- true
	[ "$status" -ne 0 ]
	has_line "'$T/run' is given with --ro and with --rw"
	run box --cwd "$T/missing" -- true
	[ "$status" -eq 125 ]
	has_line "--cwd '$T/missing'"
	run box --rw / -- true
	[ "$status" -ne 0 ]
	has_line "the whole host is no sandbox"
}

# covers: sandbox --env sandbox --keep-env
@test "the environment is PATH, HOME, USER, TERM, LANG and what was asked for" {
	requires seccomp
	run env -i PATH="$PATH" HOME="$HOME" USER=somebody TERM=vt100 LANG=C SECRET=1 KEPT=2 BRYO="$BRYO" ROOT="$ROOT" \
		"$BRYO" --root "$ROOT" sandbox --env A=b --env A=c=d --env USER=me --keep-env KEPT --keep-env NONE -- env

	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = "A=c=d
HOME=$HOME
KEPT=2
LANG=C
PATH=$PATH
TERM=vt100
USER=me" ]
	run box --env KEPT -- true
	[ "$status" -ne 0 ]
	has_line "--keep-env"
}

@test "the exit code is the command's" {
	run box -- true
	[ "$status" -eq 0 ]
	run box -- sh -c 'exit 3'
	[ "$status" -eq 3 ]
}

@test "a command of the current directory is found by its relative name" {
	mkdir bin
	printf '#!/bin/sh\necho it\n' >bin/it
	chmod +x bin/it

	run box -- bin/it

	[ "$status" -eq 0 ]
	[ "$output" = it ]
}

@test "a command that is not found is 127, one that cannot be executed 126" {
	echo text >plain
	printf '#!/nonexistent\n' >orphan
	chmod +x orphan

	run -127 box -- no-such-command
	[ "${#lines[@]}" -eq 1 ]
	has_line no-such-command
	run box -- ./plain
	[ "$status" -eq 126 ]
	[ "${#lines[@]}" -eq 1 ]
	run -127 box -- ./orphan
}

@test "options end where the command begins" {
	run box sh -c 'echo "$0 $1"' --rw -c

	[ "$output" = "--rw -c" ]
}

@test "without a command it is the caller's shell" {
	requires seccomp
	run bash -c "echo 'echo \$0' | SHELL=/bin/sh '$BRYO' --root '$ROOT' sandbox"
	[ "$output" = /bin/sh ]
	# a shell that the sandbox does not have
	cp /bin/sh "$HOME/mysh"
	run bash -c "echo 'echo \$0' | SHELL='$HOME/mysh' '$BRYO' --root '$ROOT' sandbox"
	[ "$output" = /bin/sh ]
}

@test "no capabilities, no new privileges, a filter" {
	requires seccomp
	run box -- grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status

	[ "$(grep -c '0000000000000000$' <<<"$output")" -eq 5 ]
	grep -q '^NoNewPrivs:.1$' <<<"$output"
	grep -q '^Seccomp:.2$' <<<"$output"
}

@test "the default filter denies what engines deny, --seccomp none does not" {
	requires seccomp
	run box -- unshare --user true
	[ "$status" -ne 0 ]
	has_line "Operation not permitted"
	run box -- mount -t tmpfs none /tmp
	[ "$status" -ne 0 ]
	requires userns-nested
	run box --seccomp none -- unshare --user true
	[ "$status" -eq 0 ]
}

# covers: sandbox --seccomp
@test "--seccomp takes a linux.seccomp object from a file" {
	requires seccomp
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >filter.json

	run box --seccomp filter.json -- mkdir x
	[ "$status" -eq 1 ]
	has_line "No space left on device"
	echo '["no object"]' >filter.json
	run box --seccomp filter.json -- true
	[ "$status" -eq 125 ]
	has_line "filter.json:1:1"
}

@test "ordinary programs work under the filter" {
	run box -- sh -c 'echo a | sort | grep a && sleep 0 && tar -cf x.tar --files-from /dev/null && date +%s >/dev/null'
	[ "$status" -eq 0 ]
	! command -v git || run box -- sh -c 'git init -q . && git add . && git status >/dev/null'
	[ "$status" -eq 0 ]
	! command -v python3 || run box -- python3 -c 'import subprocess, threading
t = threading.Thread(target=lambda: subprocess.run(["true"], check=True)); t.start(); t.join()'
	[ "$status" -eq 0 ]
	echo 'int main(void) { return 7; }' >seven.c
	command -v cc || skip "compilers: there is no cc"
	run box -- sh -c 'cc -o seven seven.c && ./seven'
	[ "$status" -eq 7 ]
}

@test "devices, shared memory and terminals are there, disks are not" {
	run box -- sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c && head -c 1 /dev/urandom | wc -c &&
		echo x >/dev/shm/x && [ -c /dev/tty ] && [ -c /dev/ptmx ] && [ -d /dev/pts ] && find /dev -type b'

	[ "$status" -eq 0 ]
	[ "$output" = 1$'\n'1 ]
}

@test "the host's kernel settings cannot be written, not even by root" {
	run box -- sh -c 'cat /proc/sys/kernel/domainname >/proc/sys/kernel/domainname'

	[ "$status" -ne 0 ]
	[[ "$output" == *"Read-only file system"* || "$output" == *"Permission denied"* ]]
	run box -- sh -c 'head -c 1 /proc/kcore | wc -c'
	[[ "$output" == *0 ]]
}

@test "its name is sandbox" {
	run box -- uname -n

	[ "$output" = sandbox ]
}

@test "resolv.conf is the host's" {
	[ -r /etc/resolv.conf ] || skip "this machine has none"

	run box -- cat /etc/resolv.conf

	[ "$status" -eq 0 ]
	[ "$output" = "$(cat /etc/resolv.conf)" ]
}

@test "a resolv.conf that is a link into /run works" {
	requires seccomp
	requires userns-nested
	mkdir "$T/etc"
	cp -L /etc/passwd /etc/group "$T/etc/"
	ln -s ../run/resolved/stub.conf "$T/etc/resolv.conf"

	run unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs none /run && mkdir /run/resolved && echo nameserver 192.0.2.7 >/run/resolved/stub.conf &&
		touch /run/secret && mount --bind "$1/etc" /etc && "$2" --root "$3" sandbox -- sh -c "
			cat /etc/resolv.conf; ls -A /run"' sh "$T" "$BRYO" "$ROOT" </dev/null

	[ "$status" -eq 0 ]
	[ "$output" = "nameserver 192.0.2.7"$'\n'resolved ]
}

@test "a host whose /usr is not merged works" {
	requires seccomp
	requires userns-nested cmd:busybox cmd:pivot_root
	local host=$T/host dir

	mkdir -p "$host"/{bin,etc,usr,lib,lib64,proc,dev,tmp/work,old,bryo}
	cp "$(command -v busybox)" "$host/bin/sh"
	ln -s sh "$host/bin/readlink"
	ln -s sh "$host/bin/umount"

	run unshare --user --map-root-user --mount --pid --fork sh -c '
		cd "$1" && mount --bind . . && cd "$1" && mount --rbind /usr/lib lib &&
		{ [ ! -d /usr/lib64 ] || mount --rbind /usr/lib64 lib64; } && mount --rbind /dev dev &&
		mount -t proc proc proc && mount --bind "$2" bryo && mkdir tmp/state && chmod 700 tmp/state &&
		pivot_root . old && cd /tmp/work && umount -l /old &&
		exec "/bryo/$3" --root /tmp/state sandbox -- /bin/sh -c "
			readlink /bin || readlink /lib; echo \$?; cd /bin; echo *; : >/bin/new"' \
		sh "$host" "$(dirname "$BRYO")" "$(basename "$BRYO")" </dev/null

	[ "${lines[0]}" = 1 ]
	[ "${lines[1]}" = "readlink sh umount" ]
	has_line "Read-only file system"
}

@test "on a terminal the command gets one of its own" {
	requires cmd:script
	cat >on-a-terminal <<-END
		exec '$BRYO' --root '$ROOT' sandbox -- sh -c 'tty; stty size; test -t 0 && test -t 1 && echo yes'
	END

	run script -qec "stty rows 33 cols 77; sh on-a-terminal" /dev/null </dev/null

	has_line /dev/pts/0
	has_line "33 77"
	has_line yes
}

@test "nothing is left behind" {
	local before

	cat /proc/self/mountinfo >"$T/before"
	box -- sh -c 'sleep 100 & exit 0'
	run -127 box -- no-such-command
	cat /proc/self/mountinfo >"$T/after"

	cmp "$T/before" "$T/after"
	run bryo list --quiet
	[ -z "$output" ]
	[ -z "$(find "$ROOT" -mindepth 1 -name 'sandbox-*')" ]
	[ -z "$(ls -A "$T/work")" ]
}

# In a user namespace the caller's ranges are not to be had; root can be somebody who has none.
@test "a plain user without ranges of subordinate IDs, without newuidmap, needs nothing else" {
	local user=()

	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		user=(setpriv --reuid 47110 --regid 47110 --clear-groups)
		chown -R 47110:47110 "$T"
	fi
	mkdir "$T/tools"
	ln -s "$(command -v sh)" "$(command -v id)" "$(command -v cat)" "$T/tools/"

	run "${user[@]}" env PATH="$T/tools" HOME="$HOME" "$BRYO" --root "$ROOT" sandbox --seccomp none --env PATH=/usr/bin:/bin \
		--tmpfs /srv/x --bind-data 5:/run/token:mode=0400 --disable-userns -- sh -c '
		id -u; cat /run/token; echo x >made; echo x >/srv/x/made; cat made /srv/x/made' 5<<<secret </dev/null

	[ "$status" -eq 0 ]
	[ "$output" = "$("${user[@]}" id -u)"$'\nsecret\nx\nx' ]
	[ "$(stat -c %u made)" = "$("${user[@]}" id -u)" ]
}

# covers: org.bryo.hostname
@test "a name that an outer filter forbids to set is left, where the config does not insist" {
	local deny=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/deny

	run "$deny" NAMES "$BRYO" --root "$ROOT" sandbox --seccomp none -- uname -n </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = "$(uname -n)" ]
	bryo sandbox --seccomp none --print-spec -- uname -n | jq 'del(.annotations["org.bryo.hostname"])' >"$T/config.json"
	run "$deny" NAMES "$BRYO" --root "$ROOT" run --bundle "$T" "$ID" </dev/null
	[ "$status" -ne 0 ]
	has_line "set the hostname 'sandbox'"
}
