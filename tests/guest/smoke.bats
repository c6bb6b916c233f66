#!/usr/bin/env bats
# What only a real machine shows: systemd is pid 1, cgroup v2 is the only hierarchy, the caller is
# an ordinary user in a login session, bryo is installed by root. Run in the guests by .ci/run.

load ../lib/bryo

@test "the guest is what these tests are for" {
	[ "$(cat /proc/1/comm)" = systemd ]
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	[ "$(id -u)" -ne 0 ]
	requires subid userns
	[ "$(stat -c %u "$BRYO")" -eq 0 ]
}

@test "a bundle with bare spec runs, with all IDs that the user owns" {
	make_bundle
	args sh -c 'id -u; wc -l </proc/self/uid_map; touch /tmp/f && chown 7:7 /tmp/f && stat -c %u:%g /tmp/f'
	config '.root.readonly = false
		| .process.capabilities[("bounding", "effective", "permitted")] += ["CAP_CHOWN"]'
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" -ge 2 ]
	[ "${lines[2]}" = 7:7 ]
	[ "$(stat -c %u "$BUNDLE/rootfs/tmp/f")" -ge 100000 ]
}

@test "a bundle as runc's README makes it, with the cgroup mount" {
	make_bundle busybox --rootless
	args sh -c 'ls /sys/fs/cgroup >/dev/null && echo seen'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line seen
}

@test "create, state, start, exec, kill, delete" {
	make_bundle
	args sleep 100
	create_container
	[ "$(state_of)" = created ]
	bryo start "$ID"
	[ "$(state_of)" = running ]
	run bryo exec "$ID" sh -c 'echo in $(cat /proc/1/comm); exit 3'
	[ "$status" -eq 3 ]
	has_line "in sleep"
	bryo kill "$ID" KILL
	wait_for_status stopped
	bryo delete "$ID"
	[ -z "$(bryo list --quiet)" ]
}

@test "the default state directory is the user's own" {
	make_bundle
	args true
	XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	run timeout 60 "$BRYO" run -b "$BUNDLE" --keep "$ID"
	[ "$status" -eq 0 ]
	[ -d "$SESSION_RUNTIME_DIR/bryo/$ID" ]
	"$BRYO" delete "$ID"
	[ ! -e "$SESSION_RUNTIME_DIR/bryo/$ID" ]
}

@test "sandbox: the host's /usr, the caller's ID, no network" {
	run bryo sandbox -- sh -c 'id -u; ls /usr/bin/env; grep -c : /proc/net/dev; ls /run'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$(id -u)" ]
	[ "${lines[1]}" = /usr/bin/env ]
	[ "${lines[2]}" = 1 ]
}

@test "doctor: this machine has what limits and a sandbox need" {
	local use

	export XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	for use in limits sandbox; do
		run "$BRYO" doctor --for $use
		echo "$output"
		[ "$status" -eq 0 ]
	done
	run "$BRYO" doctor --json
	for name in cgroup.version cgroup.place cgroup.kill cgroup.memory cgroup.pids session.runtime-dir \
		session.bus subids.uids subids.mapping self.protection; do
		jq -e --arg n $name '.checks[] | select(.name == $n) | .status == "ok"' <<<"$output"
	done
}
