#!/usr/bin/env bats
# mounts[]: every option of the specification, as mountinfo shows it from inside. How bind sources
# and targets are kept inside the root is in tests/security.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# add_mount JSON...: each one appended to mounts[]
add_mount() {
	local m

	for m in "$@"; do
		config ".mounts += [$m]"
	done
}

# tmpfs_with NAME OPTION..., bind_with NAME OPTION...: a mount on /m/NAME, the bind from $T/src
tmpfs_with() { add_with "$1" tmpfs tmpfs "${@:2}"; }
bind_with() { add_with "$1" bind "$T/src" bind "${@:2}"; }
add_with() {
	config '.mounts += [{destination: ("/m/" + $n), type: $t, source: $s, options: $ARGS.positional}]' \
		--arg n "$1" --arg t "$2" --arg s "$3" --args -- "${@:4}"
}

# look: runs the container; its mountinfo is in $T/info
look() {
	args cat /proc/self/mountinfo
	bryo run -b "$BUNDLE" "$ID" >"$T/info"
}

# words TARGET: attributes, super TARGET: options of the file system, peers TARGET: propagation;
# of the topmost mount there, with a comma at either end
words() { awk -v t="$1" '$5 == t { w = "," $6 "," } END { print w }' "$T/info"; }
super() { awk -v t="$1" '$5 == t { w = "," $NF "," } END { print w }' "$T/info"; }
peers() {
	awk -v t="$1" '$5 == t { w = ""; for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); w = w $i " " } }
		END { print w }' "$T/info"
}

has() { [[ $1 == *",$2,"* ]] || { echo "no '$2' in $1" >&2; return 1; }; }
lacks() { [[ $1 != *",$2,"* ]] || { echo "'$2' in $1" >&2; return 1; }; }

# each OPTION sets WORD, and the opposite clears it, alone and after it
pairs="ro:rw:ro nosuid:suid:nosuid nodev:dev:nodev noexec:exec:noexec nodiratime:diratime:nodiratime
	nosymfollow:symfollow:nosymfollow noatime:atime:noatime"

# refuses TEXT: run fails before the program, in one line with TEXT; nothing is left
refuses() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

# mounted_outside COMMAND...: in a mount namespace of its own that may mount; shared all over
mounted_outside() {
	unshare --user --map-root-user --mount --propagation shared -- "$@" 3>&-
}

# ----------------------------------------------------------------------------- attributes

# covers: option ro option rw option nosuid option suid option nodev option dev option noexec
# covers: option exec option nodiratime option diratime option nosymfollow option symfollow
@test "a file system gets each attribute, and loses it again by the opposite" {
	make_bundle
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		tmpfs_with "$on" "$on"
		tmpfs_with "$off" "$off"
		tmpfs_with "$on-$off" "$on" "$off"
		tmpfs_with "$off-$on" "$off" "$on"
	done
	look
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		has "$(words "/m/$on")" "$word"
		[[ $locked != *,$word,* ]] || continue
		lacks "$(words "/m/$off")" "$word"
		lacks "$(words "/m/$on-$off")" "$word"
		has "$(words "/m/$off-$on")" "$word"
	done
}

@test "a bind gets each attribute without its source having it" {
	local locked

	make_bundle
	mkdir "$T/src"
	# what the file system of the source has already is locked for who did not make the mount
	locked=",$(findmnt -no OPTIONS -T "$T"),"
	# how access times are kept may be changed only by who made the mount
	[ "$(id -u)" = 0 ] && in_initial_userns || pairs=$(tr ' \t' '\n\n' <<<"$pairs" | grep -v atime)
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		bind_with "$on" "$on"
		[[ $locked == *,$word,* ]] || bind_with "$on-$off" "$on" "$off"
	done
	bind_with plain
	look
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		has "$(words "/m/$on")" "$word"
		# what was locked on the way here stays (an outer container)
		[ "$(words "/m/$on-$off")" = "$(words /m/plain)" ]
	done
}

# covers: option noatime option atime option strictatime option nostrictatime option relatime
# covers: option norelatime option defaults
@test "the atime class: noatime, strictatime, relatime and their opposites" {
	make_bundle
	for o in noatime strictatime relatime norelatime nostrictatime atime defaults; do
		tmpfs_with "$o" "$o"
	done
	tmpfs_with last strictatime noatime relatime
	look
	has "$(words /m/noatime)" noatime
	for o in strictatime norelatime; do
		lacks "$(words "/m/$o")" relatime
		lacks "$(words "/m/$o")" noatime
	done
	for o in relatime nostrictatime atime defaults last; do
		has "$(words "/m/$o")" relatime
	done
}

# covers: option sync option async option dirsync option lazytime option nolazytime option silent
# covers: option loud option mand option nomand option noiversion
@test "sync, dirsync and lazytime are the file system's, async and the like leave it alone" {
	make_bundle
	for o in sync dirsync lazytime async nolazytime silent loud mand nomand noiversion; do
		tmpfs_with "$o" "$o"
	done
	look
	for o in sync dirsync lazytime; do
		has "$(super "/m/$o")" "$o"
	done
	for o in async nolazytime silent loud nomand noiversion; do
		lacks "$(super "/m/$o")" sync
		lacks "$(super "/m/$o")" lazytime
		lacks "$(super "/m/$o")" "$o"
	done
}

@test "what the attributes forbid is forbidden" {
	make_bundle
	mkdir "$T/src"
	cp "$BUNDLE/rootfs/bin/busybox" "$T/src/true"
	ln -s true "$T/src/link"
	for o in ro noexec nosymfollow rw; do
		bind_with "$o" "$o"
	done
	args sh -c 'touch /m/ro/x; touch /m/rw/x && echo written
		/m/noexec/true; /m/rw/true && echo executed
		cat /m/nosymfollow/link >/tmp/x; cat /m/rw/link >/dev/null && echo followed'
	config '.root.readonly = false'
	run bryo run -b "$BUNDLE" "$ID"
	has_line "/m/ro/x: Read-only file system"
	has_line "/m/noexec/true: Permission denied"
	has_line "/m/nosymfollow/link': Too many levels of symbolic links" ||
		has_line "Symbolic link loop" || has_line "nosymfollow/link: Too many"
	has_line written
	has_line executed
	has_line followed
}

# covers: mounts[].options
@test "data of the file system reaches it: size, mode, and the mode of the directory below" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/m/below" "$BUNDLE/rootfs/m/given"
	chmod 1733 "$BUNDLE/rootfs/m/below" "$BUNDLE/rootfs/m/given"
	tmpfs_with below
	tmpfs_with given mode=0710 size=64k nr_inodes=100
	args sh -c 'stat -c %a /m/below /m/given; grep " /m/given " /proc/self/mountinfo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 1733 ]
	[ "${lines[1]}" = 710 ]
	has_line size=64k
	has_line nr_inodes=100
}

@test "an option that the file system does not know is refused by name" {
	make_bundle
	tmpfs_with x nonsense=1
	refuses "mount '/m/x': option 'nonsense=1': "
}

@test "a value of more than 255 bytes reaches the file system, with every attribute" {
	make_bundle
	lower=$T/$(printf 'l%.0s' {1..150})
	mkdir -p "$lower/$(printf 'm%.0s' {1..150})"
	lower=$(echo "$lower"/m*)
	mkdir "$T/other"
	echo below >"$lower/file"
	add_with long overlay overlay "lowerdir=$lower:$T/other" userxattr \
		ro nosuid nodev noexec noatime nodiratime nosymfollow private
	look
	for w in ro nosuid nodev noexec noatime nodiratime nosymfollow; do
		has "$(words /m/long)" $w
	done
	args cat /m/long/file
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = below ]
}

# --------------------------------------------------------------------------- bind, rbind

# covers: mounts[].destination mounts[].source option bind
@test "a directory and a file are bound, and their places made" {
	make_bundle
	mkdir "$T/src"
	echo hello >"$T/src/file"
	bind_with new/dir
	add_with new/file none "$T/src/file" bind
	args cat /m/new/dir/file /m/new/file
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = "$(printf 'hello\nhello')" ]
	[ -d "$BUNDLE/rootfs/m/new/dir" ]
	[ -f "$BUNDLE/rootfs/m/new/file" ]
}

@test "a relative source starts at the bundle, a destination is clean and inside the root" {
	make_bundle
	mkdir "$BUNDLE/here"
	echo hello >"$BUNDLE/here/file"
	add_with ../../../m/./a/ bind here bind
	args cat /m/a/file
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = hello ]
}

# covers: mounts[].type
@test "type bind without the option is a bind, and so is the option without a type" {
	make_bundle
	mkdir "$T/src"
	echo hello >"$T/src/file"
	add_mount "{destination: \"/a\", type: \"bind\", source: \"$T/src\"}" \
		"{destination: \"/b\", source: \"$T/src\", options: [\"bind\"]}"
	args cat /a/file /b/file
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = "$(printf 'hello\nhello')" ]
}

@test "a relative destination is taken from the root, with a warning" {
	make_bundle
	add_mount '{destination: "m/rel", type: "tmpfs", source: "tmpfs"}'
	args grep -c " /m/rel " /proc/self/mountinfo
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "the destination is relative"
	[ "${lines[-1]}" = 1 ]
}

@test "mounts are made in order, one over the other" {
	make_bundle
	mkdir "$T/src"
	touch "$T/src/from-bind"
	tmpfs_with a
	add_with a/b bind "$T/src" bind
	tmpfs_with c
	add_with c bind "$T/src" bind
	bind_with d
	tmpfs_with d
	args ls -A /m/a /m/a/b /m/c /m/d
	run bryo run -b "$BUNDLE" "$ID"
	[ "$(tr '\n' ' ' <<<"$output")" = "/m/a: b  /m/a/b: from-bind  /m/c: from-bind  /m/d: " ]
}

# covers: option rbind
@test "rbind takes the mounts below, and its attributes are the top's alone" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	add_with plain bind "$T/src" rbind
	add_with top bind "$T/src" rbind ro noexec
	args cat /proc/self/mountinfo
	# shellcheck disable=SC2016
	mounted_outside sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/info"
	has "$(words /m/plain/sub)" rw
	has "$(words /m/top)" ro
	has "$(words /m/top)" noexec
	has "$(words /m/top/sub)" rw
	lacks "$(words /m/top/sub)" noexec
}

# covers: option rro option rrw option rnosuid option rnodev option rnoexec option rexec
# covers: option rnosymfollow option rnoatime option rnodiratime
@test "rro, rnosuid, rnodev, rnoexec, rnoatime and rnosymfollow are the whole tree's" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	add_with all bind "$T/src" rbind rro rnosuid rnodev rnoexec rnosymfollow
	add_with none bind "$T/src" rbind rro rrw rnoexec rexec
	add_with new tmpfs tmpfs rro rnoatime rnodiratime
	args cat /proc/self/mountinfo
	# shellcheck disable=SC2016
	mounted_outside sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/info"
	for m in /m/all /m/all/sub; do
		for w in ro nosuid nodev noexec nosymfollow; do
			has "$(words $m)" $w
		done
	done
	for m in /m/none /m/none/sub; do
		has "$(words $m)" rw
		lacks "$(words $m)" noexec
	done
	for w in ro noatime nodiratime; do
		has "$(words /m/new)" $w
	done
}

@test "bind leaves out the mounts below for root, and is refused for who may not see beneath them" {
	make_bundle
	add_mount '{destination: "/m", type: "bind", source: "/dev", options: ["bind"]}'
	grep -q ' /dev/pts ' /proc/self/mountinfo || skip "needs a mount below /dev"
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		look
		[ "$(words /m/pts)" = "" ]
		has "$(words /m)" rw
	else
		refuses "mounts below '/dev' may not be left out"
		has_line /dev/pts
		has_line 'use "rbind"'
	fi
}

@test "a locked attribute stays, and clearing it is refused by name" {
	requires userns-nested
	[ "$(id -u)" = 0 ] && skip "needs user: below a namespace made by another"
	make_bundle
	src=$(awk '$6 ~ /nosuid/ && $6 ~ /nodev/ { print $5 }' /proc/self/mountinfo | while read -r d; do
		[ -d "$d" ] && [ -x "$d" ] && ! grep -q " $d/" /proc/self/mountinfo && echo "$d" && break
	done)
	[ -n "$src" ] || skip "needs a mount of the host that is nosuid and nodev"
	add_mount "{destination: \"/m\", type: \"bind\", source: \"$src\", options: [\"rbind\", \"ro\"]}"
	look
	has "$(words /m)" nosuid
	has "$(words /m)" nodev
	config '.mounts[-1].options = ["rbind", "suid"]'
	refuses "asks to clear that"
	config '.mounts[-1].options = ["rbind", "noatime"]'
	refuses "how the source keeps access times was fixed by someone with more rights"
}

# covers: option copy-symlink
@test "copy-symlink makes the link again instead of mounting what it names" {
	make_bundle
	ln -s /some/where "$T/link"
	add_mount "{destination: \"/m/link\", type: \"bind\", source: \"$T/link\", options: [\"copy-symlink\"]}"
	args readlink /m/link
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = /some/where ]
}

# ------------------------------------------------------------------------------- remount

# covers: option remount
@test "remount changes the attributes of what is mounted, with and without bind" {
	make_bundle
	mkdir "$T/src"
	tmpfs_with a
	add_with a none none remount ro nosuid
	bind_with b
	add_with b none none remount bind ro noexec
	tmpfs_with c ro noexec
	add_with c none none remount rw
	look
	has "$(words /m/a)" ro
	has "$(words /m/a)" nosuid
	has "$(words /m/b)" ro
	has "$(words /m/b)" noexec
	has "$(words /m/c)" rw
	has "$(words /m/c)" noexec
	[ "$(grep -c ' /m/a ' "$T/info")" -eq 1 ]
}

@test "remount gives options to the file system" {
	make_bundle
	tmpfs_with a size=64k
	add_with a tmpfs tmpfs remount sync size=128k
	look
	has "$(super /m/a)" sync
	has "$(super /m/a)" size=128k
}

@test "a remount of what is not there, and data for a bind, are refused by name" {
	make_bundle
	mkdir "$T/src"
	add_with nothing none none remount ro
	refuses "mount '/m/nothing': "
	bind_with a
	config 'del(.mounts[-2])'
	add_with a none none remount bind size=1
	refuses "'size=1' is not known for a bind mount"
}

# --------------------------------------------------------------------------- propagation

# covers: option shared option rshared option slave option rslave option private option rprivate
# covers: option unbindable option runbindable
@test "shared, slave, private and unbindable, recursively with r" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	for o in shared rshared slave rslave private rprivate unbindable runbindable; do
		add_with $o bind "$T/src" rbind $o
	done
	add_with fs tmpfs tmpfs shared
	args cat /proc/self/mountinfo
	# shellcheck disable=SC2016
	mounted_outside sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/info"
	[[ $(peers /m/shared) == "shared "* ]]
	[[ $(peers /m/rshared/sub) == "shared "* ]]
	[[ $(peers /m/slave) == "master "* ]]
	[[ $(peers /m/rslave/sub) == "master "* ]]
	[ "$(peers /m/private)" = "" ]
	[ "$(peers /m/rprivate)" = "" ]
	[ "$(peers /m/rprivate/sub)" = "" ]
	[ "$(peers /m/unbindable)" = "unbindable " ]
	[ "$(peers /m/runbindable/sub)" = "unbindable " ]
	# without r the mounts below are left as they were
	[[ $(peers /m/private/sub) == "master "* ]]
	[[ $(peers /m/unbindable/sub) == "master "* ]]
	[[ $(peers /m/slave/sub) == "master "* ]]
	[ "$(peers /m/fs)" = "shared " ]
}

# covers: linux.rootfsPropagation
@test "rootfsPropagation: the root's own peers" {
	requires userns-nested
	make_bundle
	args cat /proc/self/mountinfo
	for p in "" slave rslave private rprivate unbindable runbindable shared rshared; do
		config '.linux.rootfsPropagation = $p' --arg p "$p"
		mounted_outside "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/info"
		case $p in
		"" | *slave) [ "$(peers /)" = "master " ] ;;
		*private) [ "$(peers /)" = "" ] ;;
		*unbindable) [ "$(peers /)" = "unbindable " ] ;;
		*shared) [[ $(peers /) == "shared "* ]] ;;
		esac || { echo "rootfsPropagation '$p': '$(peers /)'" >&2; return 1; }
	done
}

@test "rootfsPropagation: an unknown word is refused by name" {
	make_bundle
	config '.linux.rootfsPropagation = "sometimes"'
	refuses "linux.rootfsPropagation: unknown value 'sometimes'"
}

@test "nothing that a container mounts reaches the host, even where all is shared" {
	requires userns-nested
	make_bundle
	tmpfs_with a rshared
	config '.linux.rootfsPropagation = "rshared"'
	args true
	# shellcheck disable=SC2016
	mounted_outside sh -c 'cat /proc/self/mountinfo >"$1/before"; t=$1; shift; "$@"; cat /proc/self/mountinfo >"$t/after"' \
		sh "$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ -s "$T/before" ]
	diff "$T/before" "$T/after"
}

# ---------------------------------------------------------------------------------- root

# covers: root.readonly
@test "root.readonly: the root is read-only, what is mounted on it is not" {
	make_bundle
	tmpfs_with a
	for ro in true false; do
		config ".root.readonly = $ro"
		args sh -c 'touch /m/a/x; touch /x && echo written'
		run bryo run -b "$BUNDLE" "$ID"
		if [ $ro = true ]; then
			[ "$output" = "touch: /x: Read-only file system" ]
			[ ! -e "$BUNDLE/rootfs/x" ]
		else
			[ "$output" = written ]
		fi
	done
}

# -------------------------------------------------------------- rootless substitutes

@test "sysfs without a network namespace of its own: a user gets a read-only bind of /sys" {
	make_bundle
	config '.linux.namespaces |= map(select(.type != "network"))'
	look
	awk '$5 == "/sys" { print $9 }' "$T/info" | grep -qx sysfs ||
		awk '$5 == "/sys"' "$T/info" | grep -q -- '- sysfs '
	has "$(words /sys)" ro
	if [ "$(id -u)" != 0 ] || ! in_initial_userns; then
		awk '$5 ~ "^/sys/" { print $6 }' "$T/info" >"$T/below"
		run ! grep -v '^ro' "$T/below"
		has "$(words /sys)" nosuid
	fi
}

@test "/sys/fs/cgroup is never writable without a cgroup namespace" {
	make_bundle
	config '.linux.namespaces |= map(select(.type != "cgroup"))
		| (.mounts[] | select(.type == "cgroup") | .options) = ["nosuid", "noexec", "nodev"]'
	look
	awk '$5 ~ "^/sys/fs/cgroup" { print $6 }' "$T/info" >"$T/groups"
	[ -s "$T/groups" ]
	run ! grep -v '^ro' "$T/groups"
}

@test "devpts with a tty group that is not mapped works without it" {
	requires userns
	[ "$(id -u)" = 0 ] && in_initial_userns && skip "needs user: root maps the group"
	make_bundle
	config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]
		| (.mounts[] | select(.type == "devpts") | .options) += ["gid=5"]' \
		--argjson u "$(id -u)" --argjson g "$(id -g)"
	look
	lacks "$(super /dev/pts)" gid=5
	# no other file system's group is dropped in silence
	tmpfs_with a gid=5
	refuses "option 'gid=5': that group is not mapped in the container"
}

# ------------------------------------------------------------------------------- refusals

@test "a source that does not exist, or cannot be reached, is named" {
	make_bundle
	add_with a bind "$T/nothing" bind
	refuses "mount '/m/a': open the source '$T/nothing': No such file or directory"
}

@test "a bind without a source, a mount without a type, a mount on the root" {
	make_bundle
	for row in '{destination: "/m", options: ["bind"]}|needs a source' \
		'{destination: "/m"}|neither a file system type nor' \
		'{destination: "/m", type: "none", source: "x"}|neither a file system type nor' \
		'{destination: "/", type: "tmpfs", source: "x"}|nothing can be mounted over the root' \
		'{destination: "/m", type: "nosuchfs", source: "x"}|file system type '\''nosuchfs'\' \
		'{destination: "/proc", type: "tmpfs", source: "x"}|only a procfs can be mounted on /proc' \
		'{destination: "/m", type: "bind", source: "/", options: ["bind", "nonsense"]}|'\''nonsense'\'' is not known for a bind'; do
		cp "$BUNDLE/config.json" "$T/keep.json"
		add_mount "${row%%|*}"
		refuses "${row#*|}"
		cp "$T/keep.json" "$BUNDLE/config.json"
	done
}

@test "every mount that cannot be planned is named, one line each" {
	make_bundle
	add_mount '{destination: "/one"}' '{destination: "/two", options: ["bind"]}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
	has_line "'/one'"
	has_line "'/two'"
}

@test "an option of the superblock that a bind cannot have is not dropped in silence" {
	make_bundle
	mkdir "$T/src"
	bind_with a sync
	args true
	run bryo run -b "$BUNDLE" "$ID"
	has_line "'sync'"
}
