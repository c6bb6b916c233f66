#!/usr/bin/env bats
# --idmap and org.bryo.idmap: who the caller is inside, and which other IDs exist there.
# U and G are the caller's own IDs.

load ../lib/bryo

setup() {
	bryo_setup
	U=$(id -u) G=$(id -g)
}

# groups: how many supplementary groups the caller has, which nobody inside can name
groups_of() { awk '/^Groups:/ { print NF - 1 }' "$1"; }

# as_uid UID: what runs as that user and group in the container
as_uid() {
	# shellcheck disable=SC2016
	config '.process.user.uid = $n | .process.user.gid = $n' --argjson n "$1"
}

# shellcheck disable=SC2016
LOOK='echo "uid $(id -u) gid $(id -g)"; grep Groups /proc/self/status; sed "s/^ */uidmap /" /proc/self/uid_map; sed "s/^ */gidmap /" /proc/self/gid_map; touch /shm/x /tmp/x && stat -c "%n %u:%g" /shm/x /tmp/x'

# mapped KIND INSIDE OUTSIDE: a line of the map begins there
mapped() {
	awk -v kind="$1" -v inside="$2" -v outside="$3" \
		'$1 == kind && $2 <= inside && inside < $2 + $4 && $3 + inside - $2 == outside { found = 1 } END { exit !found }' \
		<<<"$output" && return
	printf 'no %s of %s to %s in:\n%s\n' "$1" "$2" "$3" "$output" >&2
	return 1
}

# looks UID GROUPS: what $LOOK printed is a container in which the caller is UID
looks() {
	has_line "uid $1 gid $1"
	has_line "/shm/x $1:$1"
	has_line "/tmp/x $1:$1"
	# files that the container makes belong to the caller
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/x")" = "$U:$G" ]
	rm -f "$BUNDLE/rootfs/tmp/x"
	mapped uidmap "$1" "$U"
	mapped gidmap "$1" "$G"
	[ "$2" = any ] || [ "$(groups_of - <<<"$output")" = "$2" ] ||
		{ printf 'not %s groups in:\n%s\n' "$2" "$output" >&2; return 1; }
}

# style WORD UID: run and exec, with and without the caller's groups
style() {
	local word=$1 uid=$2 keep groups id

	requires userns
	make_bundle
	as_uid "$uid"
	config '.root.readonly = false | .mounts += [{"destination": "/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]}]'
	for keep in 0 1; do
		id=$ID-$keep
		config ".annotations[\"run.oci.keep_original_groups\"] = \"$keep\""
		groups=any
		[ $keep = 0 ] || groups=$(groups_of /proc/self/status)
		args sh -c "$LOOK"
		run bryo run -b "$BUNDLE" --idmap "$word" "$id"
		[ "$status" -eq 0 ] || { echo "$output"; return 1; }
		looks "$uid" "$groups"
		args sleep 100
		run_detached "$id" --idmap "$word"
		run bryo exec "$id" sh -c "$LOOK"
		[ "$status" -eq 0 ] || { echo "$output"; return 1; }
		looks "$uid" "$groups"
		bryo delete --force "$id"
	done
}

# covers: --idmap run.oci.keep_original_groups
@test "single maps root to the caller, in run and exec, with and without the caller's groups" {
	style single 0
	[ "$(grep -c uidmap <<<"$output")" -eq 1 ]
}

# covers: --idmap
@test "single maps the user of the process, whoever that is, and no root" {
	style single 7
	[ "$(grep -c uidmap <<<"$output")" -eq 1 ]
}

# covers: --idmap
@test "subid maps root to the caller and what the caller owns behind it" {
	style subid 0
}

# covers: --idmap
@test "keep-id maps the caller to itself, and is whom the process runs as" {
	[ "$U" = "$G" ] || skip "needs a caller whose uid is its gid"
	style keep-id "$U"
}

# covers: --idmap
@test "keep-id with subordinate IDs has a root, who is not the caller" {
	requires subid user
	make_bundle
	config '.root.readonly = false'
	args sh -c 'id -u; grep . /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x'

	run bryo run -b "$BUNDLE" --idmap keep-id "$ID"

	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "$(stat -c %u "$BUNDLE/rootfs/tmp/x")" -ne "$U" ]
	awk -v u="$U" '$1 == u && $2 == u && $3 == 1 { found = 1 } END { exit !found }' <<<"$output"
}

# covers: --idmap
@test "a list maps as it says: one ID that is not root" {
	style "u5:$U:1,g5:$G:1" 5
}

# covers: --idmap
@test "a list can differ for users and groups" {
	requires userns
	make_bundle
	config '.process.user = {"uid": 5, "gid": 9}'
	args id

	run bryo run -b "$BUNDLE" --idmap "u5:$U:1,g9:$G:1" "$ID"

	[ "$status" -eq 0 ]
	has_line "uid=5"
	has_line "gid=9"
}

# covers: --idmap
@test "a list takes subordinate IDs" {
	local first

	requires subid user
	first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	[ "$first" = "$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subgid)" ] || skip "needs the same range in both files"
	make_bundle
	args grep . /proc/self/uid_map

	run bryo run -b "$BUNDLE" --idmap "0:$U:1,1000:$first:10" "$ID"

	[ "$status" -eq 0 ]
	[ "$(tr -s ' ' <<<"${lines[0]}")" = " 0 $U 1" ]
	[ "$(tr -s ' ' <<<"${lines[1]}")" = " 1000 $first 10" ]
}

# covers: org.bryo.idmap
@test "without any root mapped everything of the set-up works, a terminal too" {
	requires userns cmd:script
	make_bundle
	as_uid 33
	config '.annotations["org.bryo.idmap"] = "single" | .process.terminal = true |
		.linux.namespaces |= map(select(.type != "user"))'
	# shellcheck disable=SC2016
	args sh -c 'tty; hostname; id -u; echo x >/dev/null; ls -ln /dev/pts/0 /dev/mqueue | grep -c " 33 "; touch /dev/shm/x; cat /proc/1/comm; not=$(echo 1 >/proc/sys/kernel/hostname) 2>/dev/null || echo read-only'

	run script -qec "timeout --foreground -k 5 20 $BRYO --root $ROOT run -b $BUNDLE $ID" /dev/null </dev/null 3>&-

	[ "$status" -eq 0 ]
	has_line /dev/pts/0
	has_line 33
	has_line read-only
	not has_line nobody
}

# covers: org.bryo.idmap linux.uidMappings
@test "the annotation and mappings exclude each other, and --idmap replaces both" {
	requires userns
	make_bundle
	# shellcheck disable=SC2016
	config '.annotations["org.bryo.idmap"] = "single" |
		.linux.uidMappings = [{"containerID": 0, "hostID": $u, "size": 1}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": $g, "size": 1}]' --argjson u "$U" --argjson g "$G"
	args true

	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "org.bryo.idmap and linux.uidMappings or gidMappings exclude each other"

	run bryo run -b "$BUNDLE" --idmap single "$ID"
	[ "$status" -eq 0 ]
}

# covers: --idmap
@test "what is no list of IDs is refused by name" {
	make_bundle
	for word in keep 0:1 0:1:x 0:1:2:3 '0:1:1,' 4294967296:0:1 ''; do
		run bryo plan -b "$BUNDLE" --idmap "$word"
		[ "$status" -eq 1 ]
		has_line "is not START:HOST:SIZE"
	done
}

# covers: --idmap
@test "host IDs of others are refused in a list as in mappings" {
	requires user
	make_bundle

	run bryo run -b "$BUNDLE" --idmap "0:$U:1,1:4000000000:1" "$ID"

	[ "$status" -eq 1 ]
	has_line "4000000000"
}

# covers: --idmap process.user.uid
@test "a user of the process that has no mapping is refused naming what is mapped" {
	requires userns
	make_bundle
	as_uid 3

	run bryo run -b "$BUNDLE" --idmap "0:$U:1" "$ID"

	[ "$status" -eq 1 ]
	has_line "process.user: uid 3 is not mapped in the container"
	has_line "mapped are 0-0"
}

# covers: spec --idmap
@test "spec --idmap writes what it says into the document" {
	make_bundle busybox --idmap keep-id
	[ "$(jq -c '[.process.user.uid, .annotations["org.bryo.idmap"]]' "$BUNDLE/config.json")" = "[$U,\"keep-id\"]" ]
	jq -e '.linux.namespaces | any(.type == "user")' "$BUNDLE/config.json"

	make_bundle busybox --idmap "0:$U:1,g7:$G:1"
	[ "$(jq -c '[.linux.uidMappings, .linux.gidMappings[1].containerID]' "$BUNDLE/config.json")" = \
		"[[{\"containerID\":0,\"hostID\":$U,\"size\":1}],7]" ]

	run bryo spec -b "$T" --rootless --idmap single
	[ "$status" -eq 1 ]
	has_line "exclude each other"
}

# covers: --idmap
@test "run --rootfs --idmap keep-id runs as the caller" {
	requires userns
	make_rootfs "$BUNDLE/rootfs"

	run bryo run --rootfs "$BUNDLE/rootfs" --idmap keep-id "$ID" -- id

	[ "$status" -eq 0 ]
	has_line "uid=$U"
}

# covers: sandbox --idmap
@test "sandbox --idmap gives the sandbox more IDs than the caller's" {
	requires seccomp
	requires subid user
	mkdir work
	cd work || return

	run bryo sandbox -- cat /proc/self/uid_map
	[ "$status" -eq 0 ]
	[ "$(tr -s ' ' <<<"$output")" = " $U $U 1" ]

	run bryo sandbox --idmap keep-id -- sh -c 'id -u; cat /proc/self/uid_map'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$U" ]
	[ "${#lines[@]}" -gt 2 ]
}

# covers: process.user.additionalGids
@test "the primary group listed again as an additional one asks for nothing" {
	requires userns
	make_bundle
	args id
	config '.process.user.additionalGids = [0]'

	run bryo run -b "$BUNDLE" --idmap single "$ID"
	[ "$status" -eq 0 ]
	has_line "uid=0"

	config '.process.user.additionalGids = [0, 5]'
	run bryo run -b "$BUNDLE" --idmap single "$ID"
	[ "$status" -eq 1 ]
	has_line "process.user: gid (additional) 5 is not mapped"
}
