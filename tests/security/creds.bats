#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# Who the program is: IDs, groups and capabilities are exactly those asked for, in run and exec
# alike. Each test says which weakening of the source makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

NONE=0000000000000000
NET_RAW=0000000000002000
DEFAULT=0000000020000420 # CAP_AUDIT_WRITE, CAP_KILL, CAP_NET_BIND_SERVICE

setup() {
	bryo_setup
	insider_bundle
	args /bin/insider report
}

report() { run bryo run -b "$BUNDLE" "$ID" && [ "$status" -eq 0 ]; }
report_exec() { run bryo exec "$@" "$ID" /bin/insider report && [ "$status" -eq 0 ]; }

start_sleeper() {
	args sleep 1000
	run_detached
}

# sets NAME=VALUE...: facts of the last report
sets() {
	local pair

	for pair in "$@"; do
		[ "$(fact "${pair%%=*}")" = "${pair#*=}" ] && continue
		echo "wanted $pair in:" "$output" >&2
		return 1
	done
}

# several IDs: root has them, a user needs subordinate ones
many_ids() { [ "$(id -u)" = 0 ] && in_initial_userns || requires subid; }

# fails if spec_sample.c lists inheritable, or caps_inside() takes permitted for it (CVE-2022-24769)
@test "the default spec: inheritable and ambient are empty, the others are what it says" {
	report
	sets inheritable=$NONE ambient=$NONE bounding=$DEFAULT permitted=$DEFAULT effective=$DEFAULT no-new-privs=1
	start_sleeper
	report_exec
	sets inheritable=$NONE ambient=$NONE bounding=$DEFAULT permitted=$DEFAULT effective=$DEFAULT no-new-privs=1
}

# fails if add_extra() in caps.c adds to inheritable (CVE-2022-29162, CVE-2022-27650, CVE-2025-27612)
@test "exec --cap changes bounding, permitted and effective, never inheritable" {
	local all=0000000020002420

	start_sleeper
	report_exec --cap CAP_NET_RAW
	sets inheritable=$NONE ambient=$NONE bounding=$all permitted=$all effective=$all
	report_exec
	sets bounding=$DEFAULT permitted=$DEFAULT
}

# fails if add_extra() takes ambient from the extra capability alone
@test "exec --cap is ambient only where the config has it inheritable" {
	many_ids
	config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities |=
		(.inheritable = ["CAP_NET_RAW"] | .bounding += ["CAP_NET_RAW"])'
	start_sleeper
	report_exec --cap CAP_NET_RAW
	sets inheritable=$NET_RAW ambient=$NET_RAW permitted=$NET_RAW effective=$NET_RAW
	report_exec --cap CAP_SYS_CHROOT
	sets inheritable=$NET_RAW ambient=$NONE permitted=$NONE effective=$NONE
}

# fails if caps_inside() raises permitted capabilities as ambient (CVE-2016-8867)
@test "a user other than root has no capabilities, unless they are ambient by config" {
	many_ids
	config '.process.user = {uid: 1000, gid: 1000}'
	report
	sets "uid=1000 1000 1000" "gid=1000 1000 1000" ambient=$NONE permitted=$NONE effective=$NONE inheritable=$NONE
	config '.process.capabilities |= (.ambient = ["CAP_KILL"] | .inheritable = ["CAP_KILL"])'
	report
	sets ambient=0000000000000020 permitted=0000000000000020 effective=0000000000000020
	config '.process.capabilities |= del(.ambient, .inheritable) | .process.user = {uid: 0, gid: 0}'
	start_sleeper
	report_exec --user 1000:1000
	sets "uid=1000 1000 1000" "gid=1000 1000 1000" ambient=$NONE permitted=$NONE effective=$NONE inheritable=$NONE
}

# fails if ambient is not limited to what is permitted and inheritable, in caps_plan()
@test "an ambient capability that is not permitted or not inheritable is not given" {
	many_ids
	config '.process.user = {uid: 1000, gid: 1000} |
		.process.capabilities |= (.ambient = ["CAP_KILL", "CAP_NET_RAW"] | .inheritable = ["CAP_NET_RAW"] |
			.bounding += ["CAP_NET_RAW"])'
	report
	sets ambient=$NONE permitted=$NONE effective=$NONE
}

# fails without setgroups() in user_inside(), or if gid is not set (CVE-2022-2989, CVE-2022-2990, CVE-2023-25173)
@test "the groups are exactly those of the config" {
	many_ids
	config '.process.user = {uid: 1000, gid: 1000, additionalGids: [5, 10]}'
	report
	sets "gid=1000 1000 1000" "groups=5 10"
	config '.process.user = {uid: 1000, gid: 1000}'
	report
	sets "gid=1000 1000 1000" groups=
	[ "$(grep -c '^groups$' <<<"$output")" -eq 1 ]
	config '.process.user = {uid: 0, gid: 0, additionalGids: [7]}'
	start_sleeper
	report_exec --user 1000:1000
	sets "gid=1000 1000 1000" "groups=7"
	report_exec --user 1000 -g 11
	sets "gid=0 0 0" "groups=11"
}

# fails without setgroups() in user_inside(): root's own groups would stay
@test "root's supplementary groups do not come along" {
	requires root cmd:setpriv
	run setpriv --groups 4,24,27 timeout 20 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" 3>&-
	[ "$status" -eq 0 ]
	[ "$(grep -c '^groups$' <<<"$output")" -eq 1 ]
}

# fails if setgroups is left "allow" for a map that is written without newgidmap (CVE-2018-7169, CVE-2014-8989)
@test "with a single ID setgroups is denied, and a group's bar cannot be shed" {
	requires user
	insider_bundle --rootless
	args /bin/insider groups
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "setgroups Operation not permitted"
	args cat /proc/self/setgroups
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = deny ]
	args sleep 1000
	run_detached
	run bryo exec "$ID" /bin/insider groups
	has_line "setgroups Operation not permitted"
}

# the same, by what it is good for
@test "a file that the caller's group may not read stays unreadable inside" {
	requires_test_user
	local gid=54321 dir=$T/user

	mkdir -m 755 "$dir"
	cp -r "$BUNDLE" "$dir/bundle"
	chown -R "$BRYO_TEST_USER" "$dir"
	as_user jq . "$BUNDLE/config.json" >/dev/null
	(cd "$dir/bundle" && rm config.json && as_user "$BRYO" spec --rootless)
	BUNDLE=$dir/bundle
	config '.process.terminal = false | .mounts += [{destination: "/tmp", type: "bind", source: $d, options: ["rbind"]}]' --arg d "$dir"
	args cat /tmp/barred
	echo secret >"$dir/barred"
	chown "root:$gid" "$dir/barred"
	chmod 604 "$dir/barred"
	run setpriv --reuid "$BRYO_TEST_USER" --regid "$BRYO_TEST_USER" --groups $gid \
		timeout 20 "$BRYO" --root "$dir/state" run -b "$BUNDLE" "$ID" 3>&-
	[ "$status" -eq 1 ]
	has_line "Permission denied"
}

# fails without the check of UINT32_MAX in user_plan(): setresuid(-1) leaves root as it is. Where the
# map is known the ID is not in it; in a joined user namespace it is not known.
@test "the ID 2^32-1 is refused, it would mean root" {
	local who join

	if in_initial_userns && [ "$(id -u)" = 0 ]; then
		config '.linux.namespaces += [{type: "user"}] |
			.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	fi
	args sleep 1000
	run_detached "join$ID"
	join=/proc/$(bryo state "join$ID" | jq .pid)/ns/user
	args /bin/insider report
	for who in 'uid: 4294967295, gid: 0' 'uid: 0, gid: 4294967295'; do
		config ".process.user = {$who} | del(.linux.uidMappings, .linux.gidMappings) |
			.linux.namespaces |= map(select(.type != \"user\")) + [{type: \"user\", path: \"$join\"}]"
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		has_line "4294967295 is no ID"
	done
	config '.linux.namespaces |= map(select(.type != "user"))'
	for who in 'uid: 4294967295, gid: 0' 'uid: 0, gid: 4294967295' 'uid: 0, gid: 0, additionalGids: [4294967295]'; do
		config ".process.user = {$who}"
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ $output != *"bounding "* ]]
	done
}

# refuses_to_run TEXT FILE: as the ordinary user; nothing is made
refuses_to_run() {
	run as_user "$2" --root "$T/user/state" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "$1"
	[ ! -e "$T/user/state" ]
	run as_user "$2" --log "$T/user/log" --version
	[ "$status" -eq 1 ]
	[ ! -e "$T/user/log" ]
}

# fails without main_rights() in main.c (CVE-2020-5291, CVE-2026-41163)
@test "set-user-ID, set-group-ID and file capabilities are refused before anything is done" {
	requires_test_user
	[[ ",$(findmnt -no OPTIONS -T "$T")," != *,nosuid,* ]] || skip "needs a directory without nosuid"
	mkdir -m 777 "$T/user"
	cp "$BRYO" "$T/user/bryo"
	chown root:root "$T/user/bryo"
	chmod 4755 "$T/user/bryo"
	refuses_to_run "refusing to run set-user-ID" "$T/user/bryo"
	chmod 2755 "$T/user/bryo"
	refuses_to_run "refusing to run set-user-ID or set-group-ID" "$T/user/bryo"
	chmod 755 "$T/user/bryo"
	run as_user "$T/user/bryo" --version
	[ "$status" -eq 0 ]
	command -v setcap >/dev/null || skip "needs setcap for the rest"
	setcap cap_sys_admin+ep "$T/user/bryo"
	refuses_to_run "refusing to run with file capabilities" "$T/user/bryo"
	setcap cap_setuid+p "$T/user/bryo"
	refuses_to_run "refusing to run with file capabilities" "$T/user/bryo"
}

# ambient capabilities are the caller's own gift
@test "a caller with ambient capabilities is served" {
	requires root cmd:setpriv
	run setpriv --reuid 1 --regid 1 --clear-groups --inh-caps +net_raw --ambient-caps +net_raw "$BRYO" --version 3>&-
	[ "$status" -eq 0 ]
}
