#!/usr/bin/env bats
# mounts[]: what goes beyond the plain options, which are in mounts.bats: attributes of whole trees,
# tmpcopyup, ID maps, links, flags of the superblock, overlay, fuse, cgroup2, the ways to a /proc,
# and propagation as both sides see it.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# tmpfs_with NAME OPTION..., bind_with NAME OPTION...: a mount on /m/NAME, the bind from $T/src
tmpfs_with() { add_with "$1" tmpfs tmpfs "${@:2}"; }
bind_with() { add_with "$1" bind "$T/src" bind "${@:2}"; }
add_with() { # add_with NAME TYPE SOURCE OPTION...
	# shellcheck disable=SC2016
	config '.mounts += [{destination: ("/m/" + $n), type: $t, source: $s, options: $ARGS.positional}]' \
		--arg n "$1" --arg t "$2" --arg s "$3" --args -- "${@:4}"
}

# maps FS:HOST:COUNT...: the last mount's own uidMappings and gidMappings
maps() {
	# shellcheck disable=SC2016
	config '.mounts[-1] |= (.uidMappings = [$ARGS.positional[] | split(":") | map(tonumber) |
			{containerID: .[0], hostID: .[1], size: .[2]}] | .gidMappings = .uidMappings)' --args -- "$@"
}

inside() { # inside COMMAND...: runs it; $output is its stdout
	args "$@"
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { printf '%s\n' "$stderr" >&2; return 1; }
}

# refuses TEXT...: run ends before the program, in one line that has all of them
refuses() {
	local text

	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	for text in "$@"; do
		has_line "$text"
	done
	[ "$(grep -c . <<<"$output")" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

# words TARGET, super TARGET, peers TARGET: of the topmost mount there, from mountinfo in $output
words() { awk -v t="$1" '$5 == t { w = "," $6 "," } END { print w }' <<<"$output"; }
super() { awk -v t="$1" '$5 == t { w = "," $NF "," } END { print w }' <<<"$output"; }
peers() {
	awk -v t="$1" '$5 == t { w = ""; for (i = 7; $i != "-"; i++) w = w $i " " } END { print w }' <<<"$output"
}
has() { [[ $1 == *",$2,"* ]] || { echo "no '$2' in $1" >&2; return 1; }; }
lacks() { [[ $1 != *",$2,"* ]] || { echo "'$2' in $1" >&2; return 1; }; }

# host COMMAND...: a mount namespace where the caller may mount, all shared; $BRYO runs in it as on a host
host() {
	unshare --user --map-root-user --mount --propagation shared -- "$@" 3>&-
}

# many_ids COMMAND...: the same with the IDs 0 to 65535
many_ids() {
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		unshare --mount --propagation private -- "$@" 3>&-
	else
		unshare --user --map-root-user --map-auto --mount --propagation private -- "$@" 3>&-
	fi
}

requires_many_ids() { [ "$(id -u)" = 0 ] && in_initial_userns || requires subid; }

requires_kernel() { # requires_kernel 6.3 WHY
	[ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ] ||
		skip "needs Linux $1: $2; this is $(uname -r)"
}

first_sub() { awk -F: -v n="$(id -un)" -v i="$(id -u)" '$1 == n || $1 == i { print $2; exit }' "/etc/sub${1}id"; }

# without_user: the container has the caller's IDs
without_user() {
	config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
}

# ------------------------------------------------------------- attributes of whole trees

# covers: option rro option rrw option rnosuid option rsuid option rnodev option rdev
# covers: option rnoexec option rexec option rnodiratime option rdiratime option rnosymfollow
# covers: option rsymfollow option rnoatime option ratime option rrelatime option rnorelatime
# covers: option rstrictatime option rnostrictatime
@test "each recursive attribute is the whole tree's, and its opposite takes it away again" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	pairs="rro:rrw:ro rnosuid:rsuid:nosuid rnodev:rdev:nodev rnoexec:rexec:noexec
		rnodiratime:rdiratime:nodiratime rnosymfollow:rsymfollow:nosymfollow rnoatime:ratime:noatime
		rnorelatime:rrelatime:- rstrictatime:rnostrictatime:-"
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		bind_with "$on" rbind "$on"
		bind_with "$on-$off" rbind "$on" "$off"
		tmpfs_with "new-$on" "$on"
		tmpfs_with "re-$on"
		add_with "re-$on" none none remount "$on"
	done
	args cat /proc/self/mountinfo
	without_user # below another user namespace how access times are kept is fixed
	# shellcheck disable=SC2016
	run --separate-stderr host sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	for p in $pairs; do
		IFS=: read -r on off word <<<"$p"
		for m in "/m/$on" "/m/$on/sub" "/m/new-$on" "/m/re-$on"; do
			[ -n "$(words "$m")" ]
			if [ "$word" = - ]; then
				lacks "$(words "$m")" relatime
				lacks "$(words "$m")" noatime
			else
				has "$(words "$m")" "$word"
			fi
		done
		for m in "/m/$on-$off" "/m/$on-$off/sub"; do
			[ "$word" != - ] && lacks "$(words "$m")" "$word" || has "$(words "$m")" relatime
		done
	done
}

@test "a recursive attribute is there even for root of the container" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	add_with all bind "$T/src" rbind rro
	args sh -c 'touch /m/all/x /m/all/sub/x; true'
	# shellcheck disable=SC2016
	run host sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	has_line "/m/all/x: Read-only file system"
	has_line "/m/all/sub/x: Read-only file system"
}

# ------------------------------------------------------------------------------ tmpcopyup

# covers: option tmpcopyup
@test "tmpcopyup: what the tmpfs hides is in it: files, links, FIFOs, modes, times, holes" {
	make_bundle
	up=$BUNDLE/rootfs/m/up
	mkdir -p "$up/dir/deep"
	echo content >"$up/file"
	printf 'a\0b' >"$up/dir/deep/binary"
	ln -s /etc/passwd "$up/link"
	ln -s ../../../../../../../../etc/shadow "$up/dir/out"
	mkfifo "$up/fifo"
	truncate -s 1G "$up/hole"
	printf end >>"$up/hole"
	chmod 4751 "$up/file"
	chmod 1733 "$up/dir"
	chmod 2710 "$up"
	touch -d '2001-02-03 04:05:06 UTC' "$up/file" "$up/dir"
	tmpfs_with up tmpcopyup size=512k
	inside sh -c 'cd /m/up && stat -c "%A %n" . file dir fifo link dir/out; stat -c %s file hole; cat file; wc -c <dir/deep/binary
		readlink link; readlink dir/out; tail -c 3 hole; echo; stat -c %Y file dir; find . -xdev | wc -l; du -s . | cut -f1'
	[ "$output" = "drwx--s--- .
-rwsr-x--x file
drwx-wx-wt dir
prw-r--r-- fifo
lrwxrwxrwx link
lrwxrwxrwx dir/out
8
1073741827
content
3
/etc/passwd
../../../../../../../../etc/shadow
end
981173106
981173106
9
12" ] || { printf '%s\n' "$output" >&2; false; }
}

@test "tmpcopyup: what is written goes to the copy; ro covers it; what is asked for the top stays" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/m/up" "$BUNDLE/rootfs/m/fixed"
	echo image >"$BUNDLE/rootfs/m/up/file"
	config '.root.readonly = true'
	tmpfs_with up tmpcopyup
	inside sh -c 'echo changed >/m/up/file && cat /m/up/file'
	[ "$output" = changed ]
	[ "$(cat "$BUNDLE/rootfs/m/up/file")" = image ]
	config '.mounts[-1].options += ["ro", "noexec"]'
	tmpfs_with fixed tmpcopyup mode=0701 rro
	inside sh -c 'cat /m/up/file; touch /m/up/new /m/fixed/new 2>&1; stat -c "top %a" /m/fixed; cat /proc/self/mountinfo'
	[[ $output == image* ]]
	has_line "/m/up/new: Read-only file system"
	has_line "/m/fixed/new: Read-only file system"
	has_line 'top 701'
	has "$(words /m/up)" ro
	has "$(words /m/up)" noexec
}

@test "tmpcopyup: a directory that is not there is made, empty" {
	make_bundle
	tmpfs_with new/one tmpcopyup
	inside ls -A /m/new/one
	[ "$output" = "" ]
}

@test "tmpcopyup: owners and extended attributes are kept" {
	make_bundle
	up=$BUNDLE/rootfs/m/up
	mkdir -p "$up"
	touch "$up/acl" "$up/plain" "$up/cap"
	command -v setfacl >/dev/null || skip "needs setfacl (Debian: acl)"
	setfacl -m "u:$(id -u):r" "$up/acl" || skip "needs ACLs on $T"
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		chown 7:8 "$up/plain"
		chown -h 7:8 "$up"
		setcap cap_net_raw=p "$up/cap" 2>/dev/null || true
	fi
	tmpfs_with up tmpcopyup
	inside stat -c '%u:%g %A %n' /m/up/plain /m/up
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		[ "${lines[0]}" = "7:8 -rw-r--r-- /m/up/plain" ]
		[ "${lines[1]}" = "7:8 drwxr-xr-x /m/up" ]
	else
		[ "${lines[0]}" = "0:0 -rw-r--r-- /m/up/plain" ]
	fi
	# the shell has no getfattr: the mount is looked at from outside
	args sleep 100
	run_detached
	root=/proc/$(bryo state "$ID" | jq .pid)/root
	getfacl -cnp "$root/m/up/acl" >"$T/acl" || skip "needs the right to look into the container"
	grep -q '^user:[0-9]*:r--' "$T/acl" || { cat "$T/acl" >&2; false; }
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		getcap "$root/m/up/cap" | grep -q cap_net_raw
	fi
}

@test "tmpcopyup: rights that belong to an owner without an ID do not pass to root" {
	requires root
	make_bundle
	up=$BUNDLE/rootfs/m/up
	mkdir -p "$up"
	cp "$BUNDLE/rootfs/bin/busybox" "$up/tool"
	chown 5000:5000 "$up/tool"
	chmod 6755 "$up/tool"
	config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	tmpfs_with up tmpcopyup
	inside stat -c '%u:%g %a' /m/up/tool
	[ "$output" = "0:0 755" ]
}

@test "tmpcopyup: a target that is a link stays in the root; links in it are not followed" {
	make_bundle
	mkdir "$T/secret"
	echo secret >"$T/secret/file"
	mkdir -p "$BUNDLE/rootfs/m" "$BUNDLE/rootfs/real"
	echo real >"$BUNDLE/rootfs/real/file"
	ln -s "$T/secret" "$BUNDLE/rootfs/real/dir"
	ln -s ../../../../../real "$BUNDLE/rootfs/m/up"
	tmpfs_with up tmpcopyup
	inside sh -c 'cat /real/file; readlink /real/dir; ls /real; grep -c " /real " /proc/self/mountinfo'
	[ "$output" = "real
$T/secret
dir
file
1" ]
}

@test "tmpcopyup: refused on /, for what is no tmpfs, and where it does not fit" {
	make_bundle
	cp "$BUNDLE/config.json" "$T/keep.json"
	config '.mounts += [{destination: "/", type: "tmpfs", source: "x", options: ["tmpcopyup"]}]'
	refuses "nothing can be mounted over the root"
	cp "$T/keep.json" "$BUNDLE/config.json"
	mkdir "$T/src"
	bind_with a tmpcopyup
	refuses "mounts[" "'/m/a'" "'tmpcopyup' is for a tmpfs only"
	cp "$T/keep.json" "$BUNDLE/config.json"
	add_with a ramfs ramfs tmpcopyup
	refuses "'tmpcopyup' is for a tmpfs only"
	cp "$T/keep.json" "$BUNDLE/config.json"
	mkdir -p "$BUNDLE/rootfs/m/up"
	head -c 300000 /dev/zero >"$BUNDLE/rootfs/m/up/big"
	tmpfs_with up tmpcopyup size=100k
	refuses "mount '/m/up': tmpcopyup: 'big': write: No space left on device" "size="
}

@test "tmpcopyup: depth is bounded" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/m/up/$(printf 'd/%.0s' {1..90})"
	tmpfs_with up tmpcopyup
	inside sh -c 'find /m/up | wc -l'
	[ "$output" -eq 91 ]
	mkdir -p "$BUNDLE/rootfs/m/up/$(printf 'd/%.0s' {1..120})"
	refuses "mount '/m/up'" "more than 100 directories deep"
}

# -------------------------------------------------------------------------------- ID maps

# covers: mounts[].uidMappings mounts[].gidMappings mounts[].uidMappings[].* mounts[].gidMappings[].*
@test "own mappings on a new file system: its IDs are shown as the container's" {
	requires_kernel 6.3 "a tmpfs can be ID-mapped since then"
	make_bundle
	tmpfs_with one
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		maps 0:5:1 1:0:1
		want=5:5
	else
		requires subid
		# hostID counts as the caller does
		u=$(id -u) g=$(id -g) su=$(first_sub u) sg=$(first_sub g)
		config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] |
			.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}, {containerID: 1, hostID: $su, size: 10}] |
			.linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}, {containerID: 1, hostID: $sg, size: 10}]' \
			--argjson u "$u" --argjson su "$su" --argjson g "$g" --argjson sg "$sg"
		maps "0:$su:1" "1:$u:1"
		# shellcheck disable=SC2016
		config '.mounts[-1].gidMappings |= [(.[0] | .hostID = $sg), (.[1] | .hostID = $g)]' --argjson g "$g" --argjson sg "$sg"
		want=1:1
	fi
	inside sh -c 'cat /proc/self/mountinfo; stat -c %u:%g /m/one; mkdir /m/one/x; stat -c %u:%g /m/one/x'
	has "$(words /m/one)" idmapped
	[ "$(tail -n 2 <<<"$output" | tr '\n' ' ')" = "$want 0:0 " ] || { printf '%s\n' "$output" >&2; false; }
}

# covers: option idmap option ridmap
@test "a bind with own mappings, with idmap and without: IDs are translated, below only with ridmap" {
	requires_many_ids
	requires_kernel 6.3 "a tmpfs can be ID-mapped since then"
	make_bundle
	mkdir "$T/src"
	add_with plain bind "$T/src" rbind
	add_with mapped bind "$T/src" rbind idmap
	maps 0:1000:1 5:1005:1
	add_with without bind "$T/src" rbind
	maps 0:1000:1 5:1005:1
	add_with tree bind "$T/src" rbind ridmap
	maps 0:1000:1 5:1005:1
	without_user
	args sh -c 'for m in plain mapped without tree; do stat -c "%u:%g %n" /m/$m /m/$m/five /m/$m/sub; done'
	# shellcheck disable=SC2016
	run --separate-stderr many_ids sh -c 'mount -t tmpfs x "$1" && mkdir "$1/sub" && mount -t tmpfs y "$1/sub" && touch "$1/five" &&
		chown 5:5 "$1/five" && shift && exec "$@"' sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$output" = "0:0 /m/plain
5:5 /m/plain/five
0:0 /m/plain/sub
1000:1000 /m/mapped
1005:1005 /m/mapped/five
0:0 /m/mapped/sub
1000:1000 /m/without
1005:1005 /m/without/five
0:0 /m/without/sub
1000:1000 /m/tree
1005:1005 /m/tree/five
1000:1000 /m/tree/sub" ] || { printf '%s\n' "$output" "$stderr" >&2; false; }
}

@test "idmap alone takes the container's own map: files of 0 are those of the container's root" {
	requires_many_ids
	requires_kernel 6.3 "a tmpfs can be ID-mapped since then"
	make_bundle
	mkdir "$T/src"
	bind_with plain
	bind_with mapped idmap
	add_with file bind "$T/src/five" bind idmap
	config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 500}] | .linux.gidMappings = .linux.uidMappings'
	args sh -c 'stat -c "%u %n" /m/plain /m/mapped /m/mapped/five /m/file; touch /m/mapped/new; stat -c "%u %n" /m/mapped/new'
	mkdir "$BUNDLE/rootfs/m" "$BUNDLE/rootfs/m/"{plain,mapped}
	touch "$BUNDLE/rootfs/m/file"
	# shellcheck disable=SC2016
	run --separate-stderr many_ids sh -c 's=$1; mount -t tmpfs x "$s" && touch "$s/five" && chown 5:5 "$s/five" && shift &&
		"$@" && stat -c "%u" "$s/new"' sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$output" = "65534 /m/plain
0 /m/mapped
5 /m/mapped/five
5 /m/file
0 /m/mapped/new
0" ] || { printf '%s\n' "$output" "$stderr" >&2; false; }
}

@test "as root a directory of the host: what container root writes is root's on the disk" {
	requires root
	case $(stat -f -c %T "$T") in
	ext2/ext3 | xfs | btrfs) ;;
	*) skip "needs $T on ext4, xfs or btrfs" ;;
	esac
	make_bundle
	mkdir -p "$T/src" "$BUNDLE/rootfs/m/a"
	config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	bind_with a idmap
	touch "$T/src/old"
	chown 7:8 "$T/src/old"
	inside sh -c 'touch /m/a/new && stat -c %u:%g /m/a /m/a/old /m/a/new'
	[ "$output" = "0:0
7:8
0:0" ]
	[ "$(stat -c %u:%g "$T/src/new")" = 0:0 ]
}

# covers: option idmap= option ridmap=
@test "crun's inline form: ranges of the host, and relative to the container with @" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 2000, size: 1}, {containerID: 1, hostID: 3000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings'
	bind_with abs 'idmap=uids=0-1-10#10-11-10;gids=0-100-10'
	bind_with rel 'ridmap=uids=@1-3-10;gids=@0-0-4#9-9-1'
	echo '{"uid": 0, "gid": 0, "privileged": true, "hasSysAdmin": true}' >"$T/host.json"
	run bryo plan --host "$T/host.json" --format json -b "$BUNDLE"
	[ "$status" -eq 0 ] || { echo "$output" >&2; false; }
	# 3 is in the line that begins with 1: 3002; a range that spans two lines is split
	[ "$(jq -c '.mounts[] | select(.idMap) | [.target, .idMap.recursive, ([.idMap.uid, .idMap.gid] | map(map([.containerID, .hostID, .size])))]' <<<"$output")" = \
		'["/m/abs",false,[[[0,1,10],[10,11,10]],[[0,100,10]]]]
["/m/rel",true,[[[1,3002,10]],[[0,2000,1],[1,3000,3],[9,9,1]]]]' ]
}

@test "crun's inline form is mounted" {
	requires_many_ids
	requires_kernel 6.3 "a tmpfs can be ID-mapped since then"
	make_bundle
	mkdir "$T/src"
	bind_with a 'idmap=uids=0-1000-1#5-1005-1;gids=0-7-6'
	without_user
	args stat -c '%u:%g' /m/a /m/a/five
	# shellcheck disable=SC2016
	run --separate-stderr many_ids sh -c 'mount -t tmpfs x "$1" && touch "$1/five" && chown 5:5 "$1/five" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$output" = "1000:7
1005:12" ] || { printf '%s\n' "$output" "$stderr" >&2; false; }
}

@test "ID maps that cannot be are refused, each by what is wrong" {
	make_bundle
	mkdir "$T/src"
	without_user
	[ "$(id -u)" = 0 ] || config '.linux.namespaces += [{type: "user"}]'
	cp "$BUNDLE/config.json" "$T/keep.json"
	while IFS='|' read -r option text; do
		bind_with a "$option"
		refuses "mounts[" "'/m/a'" "$text"
		cp "$T/keep.json" "$BUNDLE/config.json"
	done <<-'END'
		idmap=0-0-1|is not a map
		idmap=uids=0-1;gids=0-0-1|is not a map
		idmap=uids=0-1-x;gids=0-0-1|is not a map
		idmap=uids=0-0-1-1;gids=0-0-1|is not a map
		idmap=uids=0--1-1;gids=0-0-1|is not a map
		idmap=uids=0-0-1|no gid ranges
		idmap=gids=0-0-1|no uid ranges
		idmap=uids=0-0-0;gids=0-0-1|is empty
		idmap=uids=0-4294967295-2;gids=0-0-1|reaches past
		idmap=uids=0-0-5#4-10-1;gids=0-0-1|overlap
		ridmap=uids=0-0-5#10-4-1;gids=0-0-1|overlap
	END
	bind_with a idmap
	config '.mounts[-1].uidMappings = [{containerID: 0, hostID: 0, size: 1}]'
	refuses "no gid ranges" "needs both"
	cp "$T/keep.json" "$BUNDLE/config.json"
	tmpfs_with a
	add_with a none none remount idmap
	refuses "a mount that exists cannot be mapped"
	cp "$T/keep.json" "$BUNDLE/config.json"
	if [ "$(id -u)" = 0 ]; then
		bind_with a idmap
		refuses "neither a map nor a user namespace"
	else
		tmpfs_with a
		maps 0:4000000000:1
		refuses "host uid 4000000000 is not mapped in the container"
		cp "$T/keep.json" "$BUNDLE/config.json"
		bind_with a 'idmap=uids=@4000000000-0-1#@0-4000000000-1;gids=0-0-1'
		refuses "ID 4000000000 of the container is not mapped"
	fi
}

@test "a bind that only the host's root could ID-map: refused with type, kernel and reason" {
	requires user
	make_bundle
	mkdir "$T/src"
	bind_with a idmap
	type=$(stat -f -c %T "$T/src")
	refuses "mount '/m/a'" "ID-map the mount, a file system of type" "Operation not permitted" "in the user namespace of the caller"
	[[ $type != ext2/ext3 ]] || has_line "ext4 (possible since Linux 5.12)"
	run bryo plan -b "$BUNDLE"
	[ "$status" -ne 0 ]
	has_line "Operation not permitted"
}

@test "a file system that cannot be ID-mapped is named" {
	requires userns-nested
	make_bundle
	add_with a bind /proc rbind idmap
	maps 0:0:1
	without_user
	run host "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "a file system of type proc"
}

@test "a kernel that is too old for the file system: its minimum is named" {
	[ "$(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n 1)" != 6.3 ] ||
		skip "needs Linux before 6.3, which cannot ID-map a tmpfs: this is $(uname -r)"
	make_bundle
	tmpfs_with a
	maps "0:$(id -u):1"
	config '.mounts[-1].gidMappings[0].hostID = $g' --argjson g "$(id -g)"
	refuses "mount '/m/a'" "a file system of type tmpfs (possible since Linux 6.3)" "Invalid argument"
}

@test "a bare idmap on a new file system changes nothing, with a note" {
	make_bundle
	config '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}]'
	[ "$(id -u)" != 0 ] || config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	tmpfs_with a idmap
	run bryo plan -b "$BUNDLE"
	has_line "left out the option 'idmap'"
	inside stat -c %u /m/a
	[ "$output" = 0 ]
}

@test "the mapped tree of a bind is out of the host's propagation" {
	requires userns-nested
	requires_kernel 6.3 "a tmpfs can be ID-mapped since then"
	make_bundle
	mkdir "$T/src"
	bind_with a
	maps 0:0:1
	bind_with b rprivate
	maps 0:0:1
	without_user
	args cat /proc/self/mountinfo
	# shellcheck disable=SC2016
	run --separate-stderr host sh -c 'mount -t tmpfs x "$1" && shift && exec "$@"' \
		sh "$T/src" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[[ $(peers /m/a) == master:* ]] || { echo "$output$stderr" >&2; false; }
	[ "$(peers /m/b)" = "" ]
}

# ---------------------------------------------------------------------------------- links

# covers: option copy-symlink
@test "copy-symlink: the link is made again; the same one may be there; anything else is refused" {
	make_bundle
	ln -s /some/where "$T/link"
	mkdir "$BUNDLE/rootfs/m"
	add_with link bind "$T/link" bind copy-symlink
	inside readlink /m/link
	[ "$output" = /some/where ]
	inside readlink /m/link
	[ "$output" = /some/where ]
	ln -sfn /else/where "$BUNDLE/rootfs/m/link"
	refuses "mount '/m/link': something else than the link to '/some/where' is there already"
	[ "$(readlink "$BUNDLE/rootfs/m/link")" = /else/where ]
	ln -sfn /some/where/longer "$BUNDLE/rootfs/m/link"
	refuses "something else than the link"
	rm "$BUNDLE/rootfs/m/link"
	touch "$BUNDLE/rootfs/m/link"
	refuses "something else than the link"
	# what is no link is bound
	echo data >"$T/file"
	config '.mounts[-1].source = $s' --arg s "$T/file"
	inside cat /m/link
	[ "$output" = data ]
}

# covers: option src-nofollow
@test "src-nofollow: the link itself is mounted" {
	make_bundle
	ln -s /etc/passwd "$T/link"
	add_with link bind "$T/link" bind src-nofollow ro
	inside sh -c 'readlink /m/link; head -n 1 /m/link; cat /proc/self/mountinfo'
	[ "${lines[0]}" = /etc/passwd ]
	[ "${lines[1]}" = "$(head -n 1 "$BUNDLE/rootfs/etc/passwd")" ]
	has "$(words /m/link)" ro
	[ -f "$BUNDLE/rootfs/m/link" ] && [ ! -L "$BUNDLE/rootfs/m/link" ]
}

# covers: option dest-nofollow
@test "dest-nofollow: the link at the destination is covered, what it names is not" {
	make_bundle
	mkdir "$BUNDLE/rootfs/m"
	ln -s /etc/group "$BUNDLE/rootfs/m/link"
	ln -s /nowhere "$BUNDLE/rootfs/m/dangling"
	echo mounted >"$T/file"
	for n in link dangling new; do
		add_with $n bind "$T/file" bind dest-nofollow
	done
	tmpfs_with dir dest-nofollow
	inside sh -c 'cat /m/link /m/dangling /m/new; head -n 1 /etc/group; ls -d /nowhere /m/dir 2>/dev/null; cat /proc/self/mountinfo'
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "mounted mounted mounted" ]
	[ "${lines[3]}" = "$(head -n 1 "$BUNDLE/rootfs/etc/group")" ]
	[ "${lines[4]}" = /m/dir ]
	[ -n "$(words /m/link)" ]
	[ ! -e "$BUNDLE/rootfs/nowhere" ]
	# the directory above is followed, inside the root
	ln -s /etc "$BUNDLE/rootfs/m/etc"
	add_with etc/hosts bind "$T/file" bind dest-nofollow
	inside cat /etc/hosts
	[ "$output" = mounted ]
}

@test "dest-nofollow: a directory cannot cover a link; not for proc, sysfs and devpts" {
	make_bundle
	mkdir "$BUNDLE/rootfs/m" "$T/src"
	ln -s /etc "$BUNDLE/rootfs/m/a"
	cp "$BUNDLE/config.json" "$T/keep.json"
	bind_with a dest-nofollow
	refuses "mount '/m/a': the mount point is a symbolic link: Not a directory" ||
		refuses "mount '/m/a': the mount point is a symbolic link"
	cp "$T/keep.json" "$BUNDLE/config.json"
	tmpfs_with a dest-nofollow
	refuses "the mount point is a symbolic link"
	for t in proc sysfs devpts; do
		cp "$T/keep.json" "$BUNDLE/config.json"
		add_with b $t $t dest-nofollow
		refuses "option 'dest-nofollow' is not for type $t"
	done
	cp "$T/keep.json" "$BUNDLE/config.json"
	tmpfs_with b
	add_with b none none remount src-nofollow
	refuses "option 'src-nofollow' is for binds only"
}

# ------------------------------------------------------------------- flags of the superblock

# covers: option sync option async option dirsync option rsync option rasync option rdirsync
# covers: option lazytime option nolazytime option mand option nomand option rmand option rnomand
# covers: option iversion option noiversion option silent option loud
@test "each flag reaches a new file system, also those that only mount(2) knows; the later one wins" {
	make_bundle
	for o in sync dirsync lazytime mand; do
		tmpfs_with $o $o
	done
	for o in rsync rdirsync rmand; do
		tmpfs_with $o $o
	done
	for o in async rasync nolazytime nomand rnomand noiversion loud; do
		tmpfs_with $o $o
	done
	tmpfs_with off sync async lazytime nolazytime mand nomand iversion noiversion silent loud
	tmpfs_with on async sync nolazytime lazytime
	tmpfs_with old iversion silent ro nosuid nodev noexec noatime sync size=64k
	inside cat /proc/self/mountinfo
	for o in sync dirsync lazytime mand; do
		has "$(super "/m/$o")" $o
	done
	for o in rsync rdirsync rmand; do
		has "$(super "/m/$o")" ${o#r}
	done
	for m in async rasync nolazytime nomand rnomand noiversion loud off; do
		for w in sync lazytime mand; do
			lacks "$(super "/m/$m")" $w
		done
	done
	has "$(super /m/on)" sync
	has "$(super /m/on)" lazytime
	for w in ro nosuid nodev noexec noatime; do
		has "$(words /m/old)" $w
	done
	has "$(super /m/old)" sync
	has "$(super /m/old)" size=64k
	[ "$(grep -c ' /m/old ' <<<"$output")" -eq 1 ]
}

@test "iversion and silent are in the call that has them" {
	requires cmd:strace
	make_bundle
	tmpfs_with a iversion
	tmpfs_with b silent
	tmpfs_with c
	args true
	run strace -f -o "$T/trace" -e trace=mount "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || skip "needs a set-up without helper programs: under strace they have no rights"
	grep -qE 'mount\(.*"tmpfs", MS_I_VERSION' "$T/trace"
	grep -qE 'mount\(.*"tmpfs", (MS_SILENT|0x8000)' "$T/trace"
	[ "$(grep -c '"tmpfs", ' "$T/trace")" -eq 2 ]
}

@test "a remount takes the flags of the superblock away; a bind cannot, and says so" {
	make_bundle
	tmpfs_with a sync lazytime
	add_with a none none remount async nolazytime ro
	tmpfs_with b
	add_with b none none remount iversion lazytime
	inside cat /proc/self/mountinfo
	lacks "$(super /m/a)" sync
	lacks "$(super /m/a)" lazytime
	has "$(words /m/a)" ro
	has "$(super /m/b)" lazytime
	[[ $stderr == *"left out the option 'iversion'"* ]]
	mkdir "$T/src"
	bind_with c lazytime iversion mand
	run bryo plan -b "$BUNDLE"
	for o in lazytime iversion mand; do
		has_line "left out the option '$o'"
	done
}

# --------------------------------------------------------------------------- overlay, fuse

@test "overlay: rootless it gets userxattr, and works: files are shown, deleted, replaced" {
	make_bundle
	mkdir "$T/lower" "$T/upper" "$T/work" "$T/lower/dir"
	echo low >"$T/lower/file"
	touch "$T/lower/gone" "$T/lower/dir/x"
	# the directories must be the container root's to write
	add_with o overlay overlay "lowerdir=$T/lower" "upperdir=$T/upper" "workdir=$T/work"
	inside sh -c 'cat /m/o/file; rm /m/o/gone; rm -r /m/o/dir; mkdir /m/o/dir; echo up >/m/o/file; ls /m/o /m/o/dir; cat /proc/self/mountinfo'
	[ "${lines[0]}" = low ]
	[ "$(sed -n '2,5p' <<<"$output" | tr '\n' ' ')" = "/m/o: dir file  " ]
	[ "$(cat "$T/upper/file")" = up ]
	[ -e "$T/lower/gone" ]
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		lacks "$(super /m/o)" userxattr
	else
		has "$(super /m/o)" userxattr
		run bryo plan -b "$BUNDLE"
		has_line "added the option 'userxattr'"
	fi
}

@test "overlay: what needs trusted attributes is refused by name where there are none" {
	[ "$(id -u)" = 0 ] && in_initial_userns && skip "needs user: root has trusted attributes"
	make_bundle
	mkdir "$T/lower"
	for o in metacopy=on redirect_dir=on verity=require; do
		add_with o overlay overlay "lowerdir=$T/lower:$T/lower" $o
		refuses "option '$o' needs trusted.* attributes"
		config 'del(.mounts[-1])'
	done
}

@test "overlay: more layers than a page holds are refused with the number, not cut off" {
	make_bundle
	mkdir -p "$T/$(printf 'l%.0s' {1..200})"
	layers=$(for i in {1..30}; do printf '%s:' "$T/$(printf 'l%.0s' {1..200})"; done)
	add_with o overlay overlay "lowerdir=${layers%:}" userxattr
	refuses "mount '/m/o'" "bytes, the kernel takes less than a page"
}

@test "fuse: a descriptor that was opened in another user namespace is refused with the reason" {
	[ -c /dev/fuse ] && [ -w /dev/fuse ] || skip "needs /dev/fuse"
	make_bundle
	add_with f fuse none fd=3 rootmode=40000 user_id=0 group_id=0
	args true
	if [ "$(id -u)" = 0 ]; then
		without_user
		run timeout 20 bash -c 'exec 3<>/dev/fuse; exec "$@"' sh "$BRYO" --root "$ROOT" run --preserve-fds 1 -b "$BUNDLE" "$ID"
		[ "$status" -eq 0 ]
	else
		run timeout 20 bash -c 'exec 3<>/dev/fuse; exec "$@"' sh "$BRYO" --root "$ROOT" run --preserve-fds 1 -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		has_line "opened in the user namespace of the container"
	fi
}

# ------------------------------------------------------------------------------- cgroup2

@test "cgroup2: where the kernel refuses one, a read-only bind, and where there is none, an empty tmpfs" {
	requires userns-nested
	make_bundle
	without_user
	config '.mounts |= map(select(.type != "cgroup" and .type != "cgroup2" and (.destination | startswith("/sys") | not))) |
		.mounts += [{destination: "/cg", type: "cgroup2", source: "cgroup", options: ["nosuid", "noexec", "nodev"]}] |
		.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "user"}, {type: "cgroup", path: "/proc/self/ns/cgroup"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	args sh -c 'cat /proc/self/mountinfo; ls -A /cg; touch /cg/x 2>&1; true'
	# a cgroup namespace that belongs to the outer user namespace: no cgroup2 for the container
	# shellcheck disable=SC2016
	script='cat >"$1/script" <<-END
		sed -i "s,/proc/[a-z0-9]*/ns/cgroup,/proc/$$/ns/cgroup," "$2/config.json"
		exec unshare --cgroup "$BRYO" --root "$3" run -b "$2" box
		END
		exec sh "$1/script"'
	run host sh -c "$script" sh "$T" "$BUNDLE" "$ROOT"
	[ "$status" -eq 0 ] || { echo "$output" >&2; false; }
	[ -n "$(words /cg)" ] || { echo "$output" >&2; false; }
	has "$(words /cg)" ro
	for w in nosuid noexec nodev; do
		has "$(words /cg)" $w
	done
	has_line "/cg/x: Read-only file system"
	# nothing to bind either
	# shellcheck disable=SC2016
	run host sh -c "mount -t tmpfs none /sys; $script" sh "$T" "$BUNDLE" "$ROOT"
	[ "$status" -eq 0 ]
	has "$(words /cg)" ro
	grep -q ' /cg .* - tmpfs tmpfs ' <<<"$output"
	[ "$(tail -n 1 <<<"$output")" = "touch: /cg/x: Read-only file system" ]
	[[ $(tail -n 2 <<<"$output" | head -n 1) == *" - "* ]] || [ "$(tail -n 2 <<<"$output" | head -n 1)" = "" ]
}

@test "cgroup2: an option that it does not know is an error, not a reason to fall back" {
	make_bundle
	config '.mounts += [{destination: "/cg", type: "cgroup2", source: "cgroup", options: ["nonsense"]}]'
	config '.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]'
	refuses "mount '/cg'" "nonsense"
}

# ----------------------------------------------------------------------------------- proc

# covers: org.bryo.proc
@test "org.bryo.proc=bind: the outer /proc on request, and only then" {
	make_bundle
	config '.annotations["org.bryo.proc"] = "bind"'
	run bryo plan -b "$BUNDLE"
	has_line "recursive bind of the outer /proc instead of a new procfs"
	inside sh -c 'cat /proc/self/mountinfo; ls -d /proc/'"$$"
	has_line "/proc/$$"
	for w in nosuid noexec nodev; do
		has "$(words /proc)" $w
	done
	config 'del(.annotations)'
	run bryo plan -b "$BUNDLE"
	[[ $output != *"outer /proc"* ]]
	config '.annotations["org.bryo.proc"] = "some"'
	refuses "annotation org.bryo.proc: unknown value 'some'" "new, bind or none"
}

@test "org.bryo.proc=bind is the way out that a refused proc names" {
	requires userns-nested
	make_bundle
	without_user
	config '.linux.namespaces += [{type: "user"}] | del(.linux.maskedPaths, .linux.readonlyPaths) |
		.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	args sh -c 'grep -c . /proc/version; ls /proc/sys | wc -l'
	mkdir "$T/mask"
	# shellcheck disable=SC2016
	masked='mount --bind "$1" /proc/sys && mount --bind /dev/null /proc/keys && shift && exec "$@"'
	run unshare -Urpfm --mount-proc sh -c "$masked" sh "$T/mask" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "mount '/proc'"
	has_line "/proc/sys, /proc/keys"
	has_line 'annotation "org.bryo.proc": "bind"'
	config '.annotations["org.bryo.proc"] = "bind"'
	run --separate-stderr unshare -Urpfm --mount-proc sh -c "$masked" sh "$T/mask" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	# what was covered stays covered
	[ "$output" = "1
0" ]
}

@test "without a pid namespace of its own a rootless container has the outer /proc" {
	[ "$(id -u)" = 0 ] && skip "needs user: root mounts a new one"
	make_bundle
	config '.linux.namespaces |= map(select(.type != "pid"))'
	run bryo plan -b "$BUNDLE"
	has_line "the container shares the pid namespace"
	inside sh -c 'ls -d /proc/'"$$"'; readlink /proc/self/ns/pid'
	[ "$output" = "/proc/$$
$(readlink /proc/self/ns/pid)" ]
}

@test "a /proc that is mounted with options: hidepid, subset; masks and sysctls as ever" {
	make_bundle
	config '.linux.sysctl = {"kernel.msgmax": "4321"} | .linux.maskedPaths = ["/proc/keys", "/proc/acpi"] | .linux.readonlyPaths = ["/proc/sys"]'
	for o in hidepid=2 hidepid=invisible subset=pid gid=0; do
		config '(.mounts[] | select(.type == "proc")).options = ["nosuid", "noexec", "nodev", $o]' --arg o "$o"
		inside sh -c 'cat /proc/self/mountinfo; ls -d /proc/1 /proc/sys/kernel /proc/keys 2>/dev/null; true'
		case $o in
		subset=pid)
			has "$(super /proc)" subset=pid
			[[ $output != */proc/sys/kernel* ]]
			;;
		hidepid*)
			has "$(super /proc)" hidepid=invisible || has "$(super /proc)" hidepid=2
			has_line /proc/sys/kernel
			;;
		esac
		has_line /proc/1
	done
	config '(.mounts[] | select(.type == "proc")).options = ["hidepid=2"]'
	inside cat /proc/sys/kernel/msgmax
	[ "$output" = 4321 ]
	config '(.mounts[] | select(.type == "proc")).options = ["nonsense=1"]'
	refuses "mount '/proc': option 'nonsense=1'"
}

@test "the outer /proc is mounted with hidepid: containers are made, entered and removed" {
	requires userns-nested
	make_bundle
	without_user
	args sleep 50
	# shellcheck disable=SC2016
	run unshare -Urpfm sh -c 'mount -t proc -o hidepid=2 proc /proc || exit 99
		"$BRYO" --root "$1" run -d -b "$2" box </dev/null >/dev/null 2>&1 && "$BRYO" --root "$1" exec box echo entered &&
		"$BRYO" --root "$1" delete -f box' sh "$ROOT" "$BUNDLE"
	[ "$status" -ne 99 ] || skip "needs a complete /proc"
	[ "$output" = entered ]
	[ "$status" -eq 0 ]
}

# Who joins is non-dumpable until init has cloned itself away: its start is not seen there.
@test "the outer /proc is mounted with hidepid: a container that joins a user namespace is made" {
	requires userns-nested cmd:strace cmd:python3
	make_bundle
	without_user
	args true
	cat >"$T/script" <<-'EOF'
		unshare --user --map-root-user sleep 20 >/dev/null 2>&1 &
		n=0; until grep -q sleep /proc/$!/comm; do n=$((n + 1)); [ $n -lt 100 ] || exit 98; sleep 0.05; done
		jq --arg p /proc/$!/ns/user '.linux.namespaces |= map(select(.type != "user")) + [{type: "user", path: $p}]' \
			"$2/config.json" >"$2/joining.json"
		timeout 20 strace -f -o /dev/null -e trace=prctl -e inject=prctl:delay_enter=50000 \
			"$BRYO" --root "$1" run -b "$2" -f "$2/joining.json" box </dev/null
		rc=$?; kill $!; exit $rc
	EOF
	# not root there: it would see all, and mount(8) is for root
	# shellcheck disable=SC2016
	run unshare -Upfm --map-user=1000 --map-group=1000 --keep-caps sh -c '
		python3 -c "import ctypes; exit(ctypes.CDLL(None).mount(b\"p\", b\"/proc\", b\"proc\", 0, b\"hidepid=2\") and 99)" || exit 99
		exec setpriv --ambient-caps -all --inh-caps -all --bounding-set -all sh "$0" "$@"' "$T/script" "$ROOT" "$BUNDLE"
	[ "$status" -ne 99 ] || skip "needs a complete /proc"
	echo "$output"
	[ "$status" -eq 0 ]
}

# ---------------------------------------------------------------------------- propagation

@test "what the host mounts later is seen in slave and shared binds, not in private ones" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	for o in rslave rshared rprivate runbindable slave private; do
		add_with $o bind "$T/src" rbind $o
	done
	add_with none bind "$T/src" rbind
	args sleep 100
	# shellcheck disable=SC2016
	run --separate-stderr host bash -c '
		cd /; b="$BRYO --root $3"
		mount -t tmpfs top "$1" && mkdir "$1/late"
		$b run -d -b "$2" box </dev/null >/dev/null 2>&1 || exit 1
		mount -t tmpfs late "$1/late" && touch "$1/late/here"
		for m in rslave rshared rprivate runbindable slave private none; do
			$b exec box test -e /m/$m/late/here && echo "$m sees"
		done
		awk -v t="$1" "\$5 == t { print \"HOST\", \$7 }" /proc/self/mountinfo
		$b exec box cat /proc/self/mountinfo
		$b delete -f box' sh "$T/src" "$BUNDLE" "$ROOT"
	[ "$(grep ' sees$' <<<"$output" | tr '\n' ' ')" = "rslave sees rshared sees slave sees none sees " ] ||
		{ printf '%s\n' "$output" "$stderr" >&2; false; }
	# the same peer group, by number
	group=$(awk '/^HOST/ { sub("shared:", "", $2); print $2 }' <<<"$output")
	[ -n "$group" ]
	[[ "$(peers /m/rslave) " == *"master:$group "* ]]
	[[ "$(peers /m/rshared) " == *"shared:"*"master:$group "* ]]
	[ "$(peers /m/rprivate)" = "" ]
	[ "$(peers /m/runbindable)" = "unbindable " ]
}

@test "what is mounted inside reaches no bind of the host, whatever its propagation" {
	requires userns-nested
	make_bundle
	mkdir "$T/src"
	for o in rslave rshared rprivate; do
		add_with $o bind "$T/src" rbind $o
	done
	config '.process.capabilities |= with_entries(.value += ["CAP_SYS_ADMIN"]) | del(.linux.seccomp)'
	args sh -c 'for m in rslave rshared rprivate; do mount -t tmpfs in /m/$m/late && touch /m/$m/late/in-$m && echo $m; done'
	# shellcheck disable=SC2016
	run --separate-stderr host bash -c '
		mount -t tmpfs top "$1" && mkdir "$1/late"
		"$BRYO" --root "$3" run -b "$2" box; ls -A "$1/late"; grep -c " $1/late " /proc/self/mountinfo' sh "$T/src" "$BUNDLE" "$ROOT"
	[ "$output" = "rslave
rshared
rprivate
0" ] || { printf '%s\n' "$output" "$stderr" >&2; false; }
}

@test "a private mount stays private below a shared one" {
	make_bundle
	mkdir -p "$T/src/in" "$T/other"
	bind_with s shared
	add_with s/in bind "$T/other" bind private
	tmpfs_with s/fs private
	inside cat /proc/self/mountinfo
	[[ $(peers /m/s) == shared:* ]]
	[ "$(peers /m/s/in)" = "" ]
	[ "$(peers /m/s/fs)" = "" ]
}

@test "rootfsPropagation: what the host mounts in the root file system later is seen where it is a slave" {
	requires userns-nested
	make_bundle
	mkdir "$BUNDLE/rootfs/late"
	args sleep 100
	for p in rslave rshared slave rprivate; do
		config '.linux.rootfsPropagation = $p' --arg p $p
		# shellcheck disable=SC2016
		run host bash -c '
			b="$BRYO --root $2"
			$b run -d -b "$1" box </dev/null >/dev/null 2>&1 || exit 1
			mount -t tmpfs late "$1/rootfs/late" && touch "$1/rootfs/late/here"
			$b exec box ls /late
			$b delete -f box' sh "$BUNDLE" "$ROOT"
		[ "$status" -eq 0 ]
		case $p in
		rprivate) [ "$output" = "" ] ;;
		*) [ "$output" = here ] ;;
		esac || { echo "$p: $output" >&2; false; }
	done
}

# ------------------------------------------------------------------------------- features

@test "features lists every option, and ID-mapped mounts" {
	run --separate-stderr bryo features
	jq -e '.linux.mountExtensions.idmap.enabled == true' <<<"$output"
	for o in tmpcopyup idmap ridmap copy-symlink src-nofollow dest-nofollow rro rnosymfollow lazytime iversion silent loud mand; do
		jq -e --arg o $o '.mountOptions | index($o)' <<<"$output"
	done
	[ "$(jq '.mountOptions | length == (unique | length)' <<<"$output")" = true ]
}
