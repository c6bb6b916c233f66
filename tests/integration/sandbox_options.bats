#!/usr/bin/env bats
# bryo sandbox: options that shape what CMD finds, beyond reading and writing (sandbox.bats).

# shellcheck disable=SC2016,SC2034 # programs for the sandbox are in single quotes

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	mkdir "$T/work"
	export HOME=$T/home
	cd "$T/work" || return
}

teardown() {
	bryo_teardown
}

# A bryo without seccomp warns that there is no filter: then it is not asked for one.
box() {
	"$BRYO" --version | grep -q '+SECCOMP' || set -- --seccomp none "$@"
	bryo sandbox "$@" </dev/null
}

# spec OPTION...: the config.json of a sandbox, through jq
spec() {
	local filter=$1

	shift
	bryo sandbox --seccomp none --print-spec "$@" -- true | jq -c "$filter"
}

# covers: sandbox --print-spec
@test "--print-spec prints a config.json that run takes, and runs nothing" {
	box --seccomp none --print-spec -- touch made >"$T/config.json"

	[ ! -e made ]
	[ "$(jq -r '.process.args[0]' "$T/config.json")" = touch ]
	run bryo run --bundle "$T" --config "$T/config.json" "$ID" </dev/null
	[ "$status" -eq 0 ]
	[ -e made ]
}

# covers: sandbox --plan
@test "--plan prints the plan and runs nothing" {
	run box --plan --ro /var -- touch made

	[ "$status" -eq 0 ]
	[ ! -e made ]
	has_line "rbind   /var "
	has_line "args         touch made"
	run box --plan --bind-data 9:/run/x -- true
	[ "$status" -eq 125 ]
	has_line "x mounts[" # marked in what can be planned
	has_line "bryo was not started with such a descriptor"
}

# covers: sandbox --memory sandbox --cpus sandbox --pids
@test "limits become linux.resources, swap included" {
	[ "$(spec '.linux.resources' --memory 64m --cpus 1.5 --pids 20)" = \
		'{"memory":{"limit":67108864,"swap":67108864},"cpu":{"quota":150000,"period":100000},"pids":{"limit":20}}' ]
	[ "$(spec '.linux.resources.memory.limit' --memory 4096)" = 4096 ]
	[ "$(spec '.linux.resources.memory.limit' --memory 1GiB)" = 1073741824 ]
	[ "$(spec '.linux.resources.cpu.quota' --cpus .25)" = 25000 ]
	[ "$(spec '.linux.resources')" = null ]
}

@test "a limit is never dropped without a word" {
	run box --memory 64m --pids 20 --cpus 1 -- true
	if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || { [ "$status" -eq 0 ] && [ -n "$output" ]; }; then
		[ "$status" -eq 0 ]
		has_line "not applied: memory.limit, memory.swap, cpu.quota, pids.limit"
	elif [ "$status" -ne 0 ]; then # nowhere to put it
		has_line "memory"
	fi
}

@test "limits that are none are refused by name" {
	for wrong in "memory 0" "memory -1" "memory 1x" "cpus 0" "cpus 1,5" "cpus ." "cpus 0.001" "pids 0" "pids -1"; do
		# shellcheck disable=SC2086
		run box --${wrong% *} "${wrong#* }" -- true
		[ "$status" -eq 125 ]
		has_line "--${wrong% *} '${wrong#* }': wants "
	done
}

# covers: sandbox --tmpfs
@test "--tmpfs is empty, writable, of the size that was asked for, and gone afterwards" {
	mkdir cache
	touch cache/outside

	run box --tmpfs cache:size=64k,mode=0750 --tmpfs /srv/new -- sh -c '
		ls -A cache /srv/new; stat -c %a cache; head -c 65536 /dev/zero >cache/fits && echo fits
		echo x >/srv/new/x && echo too; head -c 1 /dev/zero >>cache/fits'

	[ "$status" -eq 1 ]
	[ "${lines[0]}" = /srv/new: ]
	[ "${lines[1]}" = cache: ]
	has_line 750
	has_line fits
	has_line too
	has_line "No space left on device"
	[ "$(ls -A cache)" = outside ]
}

@test "--tmpfs replaces the sandbox's own, and never lets a device or a set-user-ID bit count" {
	run box --tmpfs /tmp:size=1m,noexec -- grep -c ' /tmp ' /proc/self/mountinfo
	[ "$output" = 1 ]
	run box --tmpfs /tmp:size=1m,noexec -- grep ' /tmp ' /proc/self/mountinfo
	[[ "$output" == *nosuid,nodev,noexec*size=1024k* ]]
}

@test "--tmpfs on a file, or below what is the host's, is refused with what to do" {
	run box --tmpfs /etc/passwd -- true
	[ "$status" -eq 125 ]
	has_line "Not a directory [a directory can be mounted only on a directory"
	run box --tmpfs /etc/not-there -- true
	[ "$status" -eq 125 ]
	has_line "Read-only file system"
	has_line "in a sandbox take a path that is not below the host's, such as /run/NAME]"
}

@test "--tmpfs with a word that it does not know, or on the root, is refused" {
	run box --tmpfs /x:size=lots -- true
	[ "$status" -eq 125 ]
	has_line "'size=lots' is not size=SIZE"
	run box --tmpfs /x:suid -- true
	[ "$status" -eq 125 ]
	run box --tmpfs / -- true
	[ "$status" -eq 125 ]
	run box --tmpfs "$T/work" --rw "$T/work" -- true
	[ "$status" -eq 125 ]
	has_line "in two ways"
}

@test "where more IDs are mapped, a tmpfs is CMD's all the same" {
	requires subid

	run box --idmap subid --tmpfs /srv/new -- sh -c 'echo x >/srv/new/x && stat -c %u /srv/new'

	[ "$status" -eq 0 ]
	[ "$output" = "$(id -u)" ]
}

# covers: sandbox --bind-data
@test "--bind-data makes a read-only file from a descriptor, with a mode, and no disk sees it" {
	run box --bind-data 5:/run/token:mode=0400 --bind-data 6:other -- sh -c '
		stat -c "%a %u" /run/token; cat /run/token other; stat -fc %T /run/token
		echo x 2>/dev/null >/run/token || echo refused' 5< <(echo secret) 6<<<more

	[ "$status" -eq 0 ]
	[ "$output" = "400 $(id -u)
secret
more
ramfs
refused" ]
}

@test "--bind-data @FILE is the file as it was, and standard input is a descriptor too" {
	echo before >file

	run box --bind-data @file:/etc/hostname -- sh -c 'echo after >file; cat /etc/hostname'
	[ "$output" = before ]
	run bryo sandbox --seccomp none --bind-data 0:/run/in -- cat /run/in /dev/stdin <<<text
	[ "$output" = text ]
}

@test "--bind-data: no descriptor of bryo's own, nothing endless, nothing that is not there" {
	for fd in 3 4 5 6 7 8 9 10; do
		run bash -c "'$BRYO' --root '$ROOT' sandbox --seccomp none --bind-data $fd:/run/x -- true \
			3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&- 10<&- </dev/null"
		[ "$status" -eq 125 ]
		has_line "mount '/run/x': source 'fd:$fd': bryo was not started with such a descriptor"
	done
	run box --bind-data @/dev/zero:/run/x -- true
	[ "$status" -eq 125 ]
	has_line "larger than"
	run box --bind-data @missing:/run/x -- true
	[ "$status" -eq 125 ]
	has_line "open 'missing': No such file or directory"
	run box --bind-data x:/run/x -- true
	[ "$status" -eq 125 ]
	has_line "'x' is neither a descriptor nor @FILE"
	run box --bind-data 5 -- true
	[ "$status" -eq 125 ]
	[ -z "$(find "$ROOT" -mindepth 1 -name 'sandbox-*' 2>/dev/null)" ]
}

@test "any config.json can ask for type bryo-data, and CMD gets the content, not the descriptor" {
	make_bundle
	config '.mounts += [{"destination": "/run/token", "type": "bryo-data", "source": "fd:7",
		"options": ["mode=0440", "noexec"]}] | .process.args = ["sh", "-c",
		"cat /run/token; [ ! -e /proc/self/fd/7 ] && echo closed"]'

	run bryo run --bundle "$BUNDLE" "$ID" 7<<<content
	[ "$status" -eq 0 ]
	[ "$output" = content$'\n'closed ]
	run bash -c '"$0" --root "$1" run --preserve-fds 5 --bundle "$2" "$3" 3<&0 4<&0 5<&0 6<&0 7<&0' \
		"$BRYO" "$ROOT" "$BUNDLE" "$ID" </dev/null
	[ "$status" -ne 0 ]
	has_line "the process would get descriptor 7 as well"
	config '.mounts[-1].options = ["size=3"]'
	run bryo run --bundle "$BUNDLE" "$ID" 7<<<content
	[ "$status" -ne 0 ]
	has_line "option 'size=3' is not known for type bryo-data"
	config '.mounts[-1].source = "/etc/passwd"'
	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "source '/etc/passwd' is not fd:N"
}

# The home on an overlay; where it lies is the machine's: a file system that the kernel stacks.
overlay_home() {
	requires userns-nested
	echo old >"$HOME/file"
	mkdir "$HOME/dir" "$HOME/project"
	echo key >"$HOME/dir/key"
	unshare --user --map-root-user --mount sh -c "mkdir $T/o $T/m && mount -t tmpfs none $T/o &&
		mkdir $T/o/u $T/o/w && mount -t overlay -o lowerdir=$HOME,upperdir=$T/o/u,workdir=$T/o/w,userxattr none $T/m" \
		2>/dev/null || skip "no overlay over $HOME here"
}

# covers: sandbox --overlay-home
@test "--overlay-home shows the real home, and forgets what is written there" {
	overlay_home
	cd "$HOME/project"

	TMPDIR=$T run box --overlay-home -- sh -c 'cat ../file ../dir/key; echo new >../file; cat ../file; echo x >../lost
		rm -r ../dir && mkdir ../dir && ls -A ../dir; echo x >made'

	[ "$status" -eq 0 ]
	[ "$output" = old$'\n'key$'\n'new ]
	[ "$(cat "$HOME/file" "$HOME/dir/key")" = old$'\n'key ]
	[ ! -e "$HOME/lost" ]
	[ -z "$(find "$T" -maxdepth 1 -name 'bryo-upper-*')" ] # before Linux 6.6 it is there meanwhile
	[ -e "$HOME/project/made" ] # the current directory is the real one
}

@test "with --overlay-home the home itself is a place to stand in" {
	overlay_home
	cd "$HOME"

	run box --overlay-home -- sh -c 'pwd; echo x >made && ls made'

	[ "$status" -eq 0 ]
	[ "$output" = "$HOME"$'\n'made ]
	[ ! -e made ]
}

@test "--overlay-home: what is mounted in the home is named, no home is told" {
	overlay_home

	run unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs none "$HOME/dir" && "$1" --root "$2" sandbox --seccomp none --overlay-home -- true' \
		sh "$BRYO" "$ROOT" </dev/null
	[ "$status" -eq 125 ]
	has_line "'$HOME/dir' is mounted in it"
	HOME=/ run box --overlay-home -- true
	[ "$status" -eq 125 ]
	has_line "there is no home directory"
	run box --overlay-home --ro "$HOME" -- true
	[ "$status" -eq 125 ]
	has_line "in two ways"
}

@test "any config.json can have an overlay that forgets" {
	overlay_home
	make_bundle
	config '.mounts += [{"destination": "/data", "type": "overlay", "source": "overlay",
		"options": ["lowerdir=" + $dir, "ephemeral"]}] |
		.process.args = ["sh", "-c", "cat /data/file; echo new >/data/file; cat /data/file"]' --arg dir "$HOME"

	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = old$'\n'new ]
	[ "$(cat "$HOME/file")" = old ]
	config '.mounts[-1].options += ["upperdir=/x"]'
	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "option 'upperdir=/x' does not go with 'ephemeral'"
}

# covers: sandbox --disable-userns org.bryo.userns
@test "--disable-userns lets nobody inside make a user namespace, and nobody take that back" {
	requires userns-nested
	run box --seccomp none -- unshare --user true
	[ "$status" -eq 0 ]

	run box --seccomp none --disable-userns -- sh -c 'unshare --user true; echo $?
		echo 9 2>/dev/null >/proc/sys/user/max_user_namespaces || echo refused; cat /proc/sys/user/max_user_namespaces'

	[ "$status" -eq 0 ]
	has_line "No space left on device"
	has_line refused
	[ "${lines[-1]}" = 0 ]
}

@test "org.bryo.userns=disabled holds against root with every other capability" {
	requires user userns-nested
	make_bundle
	config '(.process.capabilities[]) |= (. + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYS_RESOURCE"]) |
		.annotations["org.bryo.userns"] = "disabled"'

	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "the process may have CAP_SYS_RESOURCE"
	config '(.process.capabilities[]) |= (. - ["CAP_SYS_RESOURCE"]) | .process.args = ["sh", "-c",
		"mount -o remount,rw /proc/sys && echo 9 2>/dev/null >/proc/sys/user/max_user_namespaces || echo refused
		cat /proc/sys/user/max_user_namespaces; unshare -U true 2>/dev/null || echo none"]'
	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$output" = refused$'\n'0$'\n'none ]
	config '.annotations["org.bryo.userns"] = "off"'
	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "annotation org.bryo.userns: unknown value 'off'"
}

@test "org.bryo.userns=disabled needs a user namespace of the container's own" {
	make_bundle
	config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings) |
		.annotations["org.bryo.userns"] = "disabled"'
	requires root

	run bryo run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "needs a new user namespace of the container's own"
}

# type OPTION...: CMD tries to type into the terminal that is its standard input
type_into() {
	local option=$1

	requires cmd:script cmd:perl
	cat >type.pl <<-'END'
		my $c = "x";
		print ioctl(STDIN, 0x5412, $c) ? "typed\n" : "refused\n";
	END
	script -qec "'$BRYO' --root '$ROOT' sandbox --seccomp none $option -- perl type.pl | cat" /dev/null </dev/null
}

# covers: sandbox --no-new-session org.bryo.session
@test "CMD cannot type into the caller's terminal, unless it is left in the caller's session" {
	run type_into ""
	has_line refused
	run type_into --new-session
	has_line refused
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] || skip "the kernel lets nobody type"
	run type_into --no-new-session
	has_line typed
}
