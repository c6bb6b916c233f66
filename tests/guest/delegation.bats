#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2024,SC2154
# Where a container's cgroup comes from, for an ordinary user on a machine with systemd: the user
# manager, a delegated cgroup, or nowhere; what is said where it comes from nowhere. Changes the
# machine (drop-ins, a user, a spy in the place of bryo-systemd), so it runs in throw-away guests only.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

DROP=/etc/systemd/system/user@.service.d
SPY=/tmp/bryo-systemd.calls

setup_file() {
	T=$(mktemp -d /tmp/bryo-file.XXXXXX)
	chmod 711 "$T"
	export SHARED=$T BUNDLE=$T/bundle HELPER="${BRYO%/bin/*}/libexec/bryo/bryo-systemd"
	is_guest || return 0
	make_bundle
	config '.root = {path: $dir, readonly: true}' --arg dir "$BUNDLE/rootfs"
	id bob >/dev/null 2>&1 || sudo useradd --no-create-home bob
	# what is asked of systemd is written down
	[ -e "$HELPER.real" ] || sudo mv "$HELPER" "$HELPER.real"
	printf '#!/bin/sh\necho "$@" >>%s\nexec %s "$@"\n' "$SPY" "$HELPER.real" >"$T/spy"
	sudo install -m 755 "$T/spy" "$HELPER"
	wait_for 30 manager_answers
}

teardown_file() {
	[ ! -e "$HELPER.real" ] || sudo mv "$HELPER.real" "$HELPER"
	remove_tree "$SHARED"
}

is_guest() { [ -n "${BRYO_IN_GUEST-}" ] && [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; }

setup() {
	requires user
	requires_guest
	bryo_setup
	mkdir "$BUNDLE"
	cp "$SHARED/bundle/config.json" "$BUNDLE"
	args sleep 1000
	: >"$SPY"
	chmod 666 "$SPY"
	sudo install -d -o bob -m 700 "$T/bob"
}

teardown() {
	[ -z "${T-}" ] || [ ! -d "$T/bob" ] || sudo rm -rf "$T/bob"
	bryo_teardown
}

resources() { config '.linux.resources = '"$1"; }

# bob has no session and no user manager: as under su, cron, CI
as_bob() { sudo -u bob env TMPDIR=/tmp timeout 60 "$BRYO" --root "$T/bob" "$@" </dev/null 3>&-; }

# asked WORD: how often that was asked of systemd
asked() { grep -c "^--user $1" "$SPY" || true; }

nothing_made() {
	[ -z "$(bryo list --quiet)" ]
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
	no_unit "bryo-$ID.scope"
}

# ------------------------------------------------------------------------------- no user bus

@test "no user bus: a limit is an error that says what to do; nothing is made" {
	resources '{memory: {limit: 67108864}, pids: {limit: 20}}'
	run as_bob run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	has_line "memory.limit, pids.limit need a cgroup of your own"
	has_line "there is no user bus"
	has_line "loginctl enable-linger bob"
	has_line "dbus-user-session"
	has_line "systemd-run --user --scope -p Delegate=yes"
	[ "$(wc -l <<<"$output")" -eq 1 ]
	[ -z "$(as_bob list --quiet)" ]
	[ ! -s "$SPY" ]
	# by word, it is a refusal; and so it is by default. Best effort is a warning that names the limits.
	config '.annotations["org.bryo.limits"] = "required"'
	run as_bob run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "need a cgroup of your own"
	config '.annotations["org.bryo.limits"] = "best-effort"'
	args echo ran
	run as_bob run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "warning: linux.resources: not applied: memory.limit, pids.limit"
	has_line ran
}

@test "no user bus, no limits: runs without a cgroup, and says nothing about it" {
	run --separate-stderr as_bob plan -b "$BUNDLE" "$ID"
	has_line "none, because your own cgroup is not delegated to you, and there is no user bus"
	as_bob run -d -b "$BUNDLE" "$ID" >"$T/out" 2>&1
	not grep . "$T/out"
	[ "$(as_bob exec "$ID" echo in)" = in ]
	[ "$(as_bob ps --format json "$ID" | jq length)" -eq 1 ]
	run as_bob pause "$ID"
	[ "$status" -eq 1 ]
	has_line "has no cgroup"
	as_bob delete --force "$ID"
	[ ! -s "$SPY" ]
}

@test "a user never reaches the system bus, nor systemd's private socket" {
	run sudo timeout 60 strace -u bob -f -e trace=connect,execve -o "$T/strace" "$BRYO" --root "$T/bob" --systemd-cgroup \
		run -b "$BUNDLE" "$ID" </dev/null 3>&-
	[ "$status" -eq 1 ]
	has_line "systemd cgroups: there is no user bus"
	has_line "dbus-user-session"
	sudo cat "$T/strace" >"$T/calls"
	grep -q execve "$T/calls"
	not grep -E "system_bus_socket|systemd/private|AF_UNIX" "$T/calls"
	# and who has a bus uses that alone, found by uid where the environment is empty
	env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR strace -f -e trace=connect -o "$T/calls" "$HELPER.real" \
		--user delegated $$ >"$T/out" 2>&1 3>&- || [ $? -eq 5 ] # a session's scope is not of that manager
	grep -q "\"/run/user/$(id -u)/bus\"" "$T/calls"
	not grep -E "system_bus_socket|systemd/private" "$T/calls"
}

@test "a stale address in the environment is passed over for the bus that is there" {
	resources '{memory: {limit: 67108864}}'
	DBUS_SESSION_BUS_ADDRESS=unix:path=$T/no-bus run_detached
	[ "$(backend_of)" = systemd ]
	[ "$(file memory.max)" = 67108864 ]
}

# The bus is started by who first connects to it, and the manager comes to it a moment later.
@test "the first start after the bus was started waits for the manager" {
	local i

	resources '{memory: {limit: 67108864}}'
	for i in 1 2 3; do
		sctl stop dbus.service
		run_detached "$ID-$i"
	done
}

# ------------------------------------------------------------------------- a delegated cgroup

# delegated SCRIPT: what alice would type in a scope of her own, with the functions of these files
delegated() { in_scope -p Delegate=yes -- bash -c "$1"; }

in_scope() {
	export ROOT BUNDLE ID T BRYO_TIMEOUT VIEW=
	export -f bryo detached_ run_detached cgroup_of backend_of file seen wait_for
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR timeout 60 systemd-run --user --scope -q "${options[@]}" -- \
		env XDG_RUNTIME_DIR="$T/run" "$@" </dev/null 3>&-
}

@test "a delegated scope: two containers at once, the others go to a leaf, systemd is asked once a start at most" {
	resources '{memory: {limit: 67108864}, pids: {limit: 20}}'
	run delegated '
		set -eux
		own=$(sed s/0::// /proc/self/cgroup)
		sleep 300 >/dev/null 2>&1 &
		other=$!
		run_detached "$ID" & first=$!
		run_detached "$ID-b" & second=$!
		wait $first
		wait $second
		[ "$(backend_of "$ID") $(backend_of "$ID-b")" = "cgroupfs cgroupfs" ]
		[ "$(cgroup_of "$ID")" = "$own/bryo-$ID" ]
		[ "$(cgroup_of "$ID-b")" = "$own/bryo-$ID-b" ]
		[ "$(file memory.max "$ID") $(file memory.max "$ID-b")" = "67108864 67108864" ]
		[ -z "$(cat "/sys/fs/cgroup$own/cgroup.procs")" ]
		grep -qx "0::$own/bryo@leaf" /proc/self/cgroup
		grep -qx "0::$own/bryo@leaf" /proc/$other/cgroup
		# from the leaf: beside it, not below it
		run_detached "$ID-c"
		[ "$(cgroup_of "$ID-c")" = "$own/bryo-$ID-c" ]
		bryo update --memory 32m "$ID-c"
		[ "$(file memory.max "$ID-c")" = 33554432 ]
		for i in "$ID" "$ID-b" "$ID-c"; do bryo delete --force "$i"; done
		[ "$(cd /sys/fs/cgroup$own && echo */)" = bryo@leaf/ ]
		kill $other'
	echo "$output"
	[ "$status" -eq 0 ]
	# units of the user manager of systemd 252 and 257 have no user.delegate: one question is allowed
	cat "$SPY"
	[ "$(asked delegated)" -le 3 ]
	[ "$(grep -vc '^--user delegated ' "$SPY" || true)" -eq 0 ]
}

@test "where the kernel says that it is delegated, systemd is asked nothing" {
	cat >"$T/in" <<-'END'
		set -eux
		own=$(sed s/0::// /proc/self/cgroup)
		getfattr -n user.delegate /sys/fs/cgroup$own
		"$BRYO" --root "$ROOT" run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null
		grep -F "\"cgroup\":\"$own/bryo-$ID\"" "$ROOT/$ID/record.json"
		[ "$(cat "/sys/fs/cgroup$own/bryo-$ID/memory.max")" = 67108864 ]
		"$BRYO" --root "$ROOT" delete --force "$ID"
	END
	resources '{memory: {limit: 67108864}}'
	run sudo timeout 60 systemd-run -q --pipe --wait -p User="$(id -un)" -p Delegate=yes -E BRYO="$BRYO" -E ROOT="$ROOT" \
		-E BUNDLE="$BUNDLE" -E ID="$ID" -E XDG_RUNTIME_DIR="$T/run" bash "$T/in" </dev/null 3>&-
	echo "$output"
	[ "$status" -eq 0 ]
	not grep . "$SPY"
}

@test "a cgroup that may be written but was not delegated is left alone" {
	resources '{memory: {limit: 67108864}}'
	local script='
		set -eux
		own=$(sed s/0::// /proc/self/cgroup)
		[ -w "/sys/fs/cgroup$own/cgroup.procs" ] && [ -w "/sys/fs/cgroup$own" ]
		"$BRYO" --root "$ROOT" run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null
		grep -qx "0::$own" /proc/self/cgroup
		[ -z "$(find "/sys/fs/cgroup$own" -mindepth 1 -type d)" ]
		[ -z "$(cat "/sys/fs/cgroup$own/cgroup.subtree_control")" ]
		case $(jq -r .cgroup "$ROOT/$ID/record.json") in "$own"*) exit 1 ;; esac
		[ "$(jq -r .cgroupBackend "$ROOT/$ID/record.json")" = systemd ]
		"$BRYO" --root "$ROOT" delete --force "$ID"'
	run in_scope -p Description=undelegated -- bash -c "$script"
	echo "$output"
	[ "$status" -eq 0 ]
	run timeout 60 env XDG_RUNTIME_DIR="$SESSION_RUNTIME_DIR" systemd-run --user -q --pipe --wait -E BRYO="$BRYO" -E ROOT="$ROOT" \
		-E BUNDLE="$BUNDLE" -E ID="$ID" -E DBUS_SESSION_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS" bash -c "$script" \
		</dev/null 3>&-
	echo "$output"
	[ "$status" -eq 0 ]
}

# ------------------------------------------------------------------------------------ the scope

@test "annotations org.systemd.property reach the unit" {
	config '.annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 7000000",
		"org.systemd.property.CollectMode": "\"inactive\"", "org.systemd.property.MemoryHigh": "uint64 50331648"}'
	run_detached
	[ "$(property TimeoutStopUSec)" = 7s ]
	[ "$(property CollectMode)" = inactive ]
	[ "$(property MemoryHigh)" = 50331648 ]
	[ "$(property Description)" = "bryo container $ID" ]
	bryo delete --force "$ID"
	config '.annotations = {"org.systemd.property.TimeoutStopUSec": "true"}'
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	has_line propert
	nothing_made
}

@test "cgroupsPath slice:prefix:name, with a nested slice; subgroups by name and none" {
	local own

	own=/user.slice/user-$(id -u).slice/user@$(id -u).service
	config '.linux.cgroupsPath = "bryot-nest.slice:pre:'"$ID"'"'
	run_detached
	[ "$(cgroup_of)" = "$own/bryot.slice/bryot-nest.slice/pre-$ID.scope/container" ]
	bryo delete --force "$ID"
	config '.linux.cgroupsPath = "nest:pre:'"$ID"'"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "'nest' is not the name of a slice"
	config 'del(.linux.cgroupsPath) | .linux.resources = {memory: {limit: 67108864}} |
		.annotations["run.oci.systemd.subgroup"] = "name"'
	run_detached
	[[ "$(cgroup_of)" == "$own"/*"/bryo-$ID.scope/name" ]]
	[ "$(file memory.max)" = 67108864 ]
	bryo delete --force "$ID"
	config '.annotations["run.oci.systemd.subgroup"] = ""'
	run_detached
	[[ "$(cgroup_of)" == "$own"/*"/bryo-$ID.scope" ]]
	[ "$(file memory.max)" = 67108864 ]
	local path
	path=$(cgroup_of)
	bryo delete --force "$ID"
	has_no_cgroup "$path"
	wait_for 20 no_unit "bryo-$ID.scope"
}

@test "a unit that has the name already survives, and the error says so" {
	in_scope --unit "bryo-$ID.scope" -- sleep 300 >/dev/null 2>&1 &
	wait_for 10 sctl is-active "bryo-$ID.scope"
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	has_line "unit 'bryo-$ID.scope' already exists"
	[ "$(sctl is-active "bryo-$ID.scope")" = active ]
	kill -0 $!
	bryo delete --force "$ID" || true
	[ "$(sctl is-active "bryo-$ID.scope")" = active ]
	sctl stop "bryo-$ID.scope"
	wait || true
}

# ------------------------------------------------------------------------- what is delegated

# The last test: it restarts the user manager.
@test "missing controllers: all are listed before anything is made, and what the message says helps" {
	local own remedy

	own=/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service
	# without drop-ins, as Debian has it: memory, pids, and cpu since systemd 252
	mkdir "$T/saved"
	sudo find "$DROP" -name '*.conf' -exec mv -t "$T/saved" {} + 2>/dev/null || true
	sudo systemctl daemon-reload
	sudo systemctl restart "user@$(id -u)"
	wait_for 30 manager_answers
	echo "delegated: $(cat "$own/cgroup.controllers")"
	not grep -qE 'cpuset|io' "$own/cgroup.controllers"
	resources '{memory: {limit: 67108864}, cpu: {quota: 20000, period: 100000, cpus: "0"},
		blockIO: {weight: 200}}'
	: >"$SPY"
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	has_line "cpu.cpus, blockIO.weight: the controllers missing from what is delegated to you are: cpuset io"
	[ ! -s "$SPY" ]
	nothing_made
	remedy=$(sed -n 's/.*\[\(sudo mkdir.*daemon-reload\), then .*/\1/p' <<<"$output")
	[ -n "$remedy" ]
	# the same of a plan, and of an update
	run bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "cpuset io"
	config '.annotations["org.bryo.limits"] = "required"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "cpuset io"
	config '.annotations["org.bryo.limits"] = "best-effort"'
	bryo run -d -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	grep "warning: linux.resources: not applied: cpu.cpus, blockIO.weight" "$T/out"
	[ "$(file memory.max)" = 67108864 ]
	run bryo update --cpuset-cpus 0 --blkio-weight 200 "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	has_line "has not the controllers: cpuset io"
	bryo delete --force "$ID"

	# as printed, and "log out and in": with linger only the manager's restart is one
	config 'del(.annotations)'
	sh -c "$remedy"
	sudo systemctl restart "user@$(id -u)"
	wait_for 30 manager_answers
	grep -q cpuset "$own/cgroup.controllers"
	run_detached
	[ "$(file cpuset.cpus)" = 0 ]
	[ "$(file cpu.max)" = "20000 100000" ]
	[ "$(file io.weight)" = "default 1920" ] # 10..1000 to 1..10000
	bryo delete --force "$ID"
	sudo rm "$DROP/delegate.conf"
	sudo find "$T/saved" -name '*.conf' -exec mv -t "$DROP" {} +
	sudo systemctl daemon-reload
}
