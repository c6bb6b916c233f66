#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2046,SC2154
# Containers as services of systemd: the unit of runc's README, Type=notify, and our template
# bryo@.service, for the managers of the system and of a user. Run in the guests.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup() {
	bryo_setup
	export XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	[ -n "${BRYO_IN_GUEST-}" ] || skip "needs a machine that is thrown away: it installs services"
	requires user systemd cgroup2 cmd:sudo
	make_bundle
	# as a program of process 1 should be: it ends at SIGTERM
	args sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done'
}

teardown() {
	local how

	for how in user system; do
		[ ! -e "$T/units.$how" ] || end_units "$how"
	done
	bryo_teardown
}

# ------------------------------------------------------------------------------- helpers

# for_root: a bundle for the system's manager has no user namespace
for_root() {
	config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
}

# ctl user|system WORD...: systemctl, not for ever
ctl() {
	local how=$1

	shift
	if [ "$how" = user ]; then
		timeout 60 systemctl --user --no-pager "$@" 3>&-
	else
		timeout 60 sudo systemctl --no-pager "$@" 3>&-
	fi
}

unit_dir() { [ "$1" = user ] && echo "$XDG_RUNTIME_DIR/systemd/user" || echo /run/systemd/system; }
as() { [ "$1" = user ] || echo sudo; }
state_dir() { [ "$1" = user ] && echo "$XDG_RUNTIME_DIR/bryo" || echo /run/bryo; }
run_dir() { [ "$1" = user ] && echo "$XDG_RUNTIME_DIR" || echo /run; }

# install_unit user|system NAME: from stdin
install_unit() {
	local dir

	dir=$(unit_dir "$1")
	$(as "$1") mkdir -p "$dir"
	$(as "$1") tee "$dir/$2" >/dev/null
	echo "$2" >>"$T/units.$1"
	ctl "$1" daemon-reload
}

end_units() {
	local unit

	while read -r unit; do
		ctl "$1" kill --signal KILL "$unit" || true
		ctl "$1" stop "$unit" || true
		ctl "$1" reset-failed "$unit" || true
		$(as "$1") rm -f "$(unit_dir "$1")/$unit"
	done <"$T/units.$1" 2>/dev/null
	$(as "$1") "$BRYO" delete --force "$ID" || true
	ctl "$1" daemon-reload
}

show() { ctl "$1" show --property "$3" --value "$2"; }
main_pid() { show "$1" "$2" MainPID; }
of_state() { timeout 20 $(as "$1") "$BRYO" state "$ID" 3>&- | jq -r "$2"; }

started() { # started user|system UNIT: or say why not
	ctl "$1" start "$2" && return
	ctl "$1" status "$2" || true
	$(as "$1") journalctl --no-pager -n 20 $([ "$1" = system ] || echo --user) || true
	return 1
}

# follows user|system UNIT: the manager knows the container's process, restarts it when it is
# killed, and a stop leaves nothing
follows() {
	local how=$1 unit=$2 first group

	first=$(main_pid "$how" "$unit")
	[ "$first" -gt 1 ]
	[ "$first" = "$(of_state "$how" .pid)" ]
	[ "$(of_state "$how" .status)" = running ]
	group=$(cut -d: -f3 "/proc/$first/cgroup")
	[ -d "/sys/fs/cgroup$group" ]

	$(as "$how") kill -KILL "$first"
	wait_for 30 restarted "$how" "$unit" "$first"
	[ "$(show "$how" "$unit" NRestarts)" = 1 ]
	[ "$(main_pid "$how" "$unit")" = "$(of_state "$how" .pid)" ]
	group=$(cut -d: -f3 "/proc/$(main_pid "$how" "$unit")/cgroup")

	wait_for 20 minds_term "$(main_pid "$how" "$unit")"
	ctl "$how" stop "$unit"
	[ "$(show "$how" "$unit" ActiveState)" = inactive ]
	leaves_nothing "$how" "$group"
}

# minds_term PID: its trap is set. A SIGTERM that comes before is nothing to a process 1, and stop then takes
# until the manager's patience is over.
minds_term() { (("0x$(sed -n 's/^SigCgt:\t//p' "/proc/$1/status")" & 0x4000)); }

restarted() {
	local pid

	pid=$(main_pid "$1" "$2")
	[ "$(show "$1" "$2" ActiveState)" = active ] && [ "$pid" -gt 1 ] && [ "$pid" != "$3" ]
}

leaves_nothing() { # leaves_nothing user|system CGROUP
	not $(as "$1") test -e "$(state_dir "$1")/$ID"
	not $(as "$1") test -e "$(run_dir "$1")/bryo-$ID.pid"
	wait_for 10 has_no_cgroup "$2"
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ]
}

# ---------------------------------------------------------------- the unit of runc's README

readme_unit() { # readme_unit user|system [LINE...]
	local dir

	dir=$(run_dir "$1")
	shift
	cat <<-END
	[Unit]
	Description=Start My Container
	[Service]
	Type=forking
	ExecStart=$BRYO run -d --pid-file $dir/bryo-$ID.pid $ID
	ExecStopPost=$BRYO delete $ID
	WorkingDirectory=$BUNDLE
	PIDFile=$dir/bryo-$ID.pid
	Restart=on-failure
	TimeoutSec=50
	$(printf '%s\n' "$@")
	END
}

@test "the unit of runc's README, system manager" {
	for_root
	readme_unit system | install_unit system "$ID.service"
	started system "$ID.service"
	follows system "$ID.service"
}

@test "the unit of runc's README, user manager: with Delegate=yes" {
	readme_unit user Delegate=yes | install_unit user "$ID.service"
	started user "$ID.service"
	grep -q "/$ID.service/bryo-$ID\$" "/proc/$(main_pid user "$ID.service")/cgroup"
	follows user "$ID.service"
}

@test "a service without Delegate, bryo in the foreground: a scope of its own, and stop leaves nothing" {
	readme_unit user | sed '/^PIDFile=/d; s/^Type=.*/Type=exec/; s/^ExecStart=.*/ExecStart='"${BRYO//\//\\/} run $ID/" |
		install_unit user "$ID.service"
	started user "$ID.service"
	wait_for 30 eval '[ "$(of_state user .status)" = running ]'
	local pid group
	pid=$(of_state user .pid)
	group=$(cut -d: -f3 "/proc/$pid/cgroup")
	[[ "$group" == */bryo-$ID.scope* ]]
	wait_for 20 minds_term "$pid"
	ctl user stop "$ID.service"
	wait_for 10 test ! -d "/proc/$pid"
	leaves_nothing user "$group"
}

# ------------------------------------------------------------------------------ Type=notify

# notify_bundle LAST: the guest's own root, for its systemd-notify; LAST is done when $T/go is there
notify_bundle() {
	requires cmd:systemd-notify
	rm -rf "$BUNDLE/rootfs"
	config '.root = {path: "/", readonly: true} |
		.mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"]}]'
	args sh -c 'trap "exit 0" TERM; until [ -e "$1/go" ]; do sleep 0.2; done; '"$1"'
		while :; do sleep 0.2; done' sh "$T"
}

# ready_later user|system UNIT
ready_later() {
	ctl "$1" start --no-block "$2"
	wait_for 30 eval '[ "$(of_state '"$1"' .status)" = running ]' || { ctl "$1" status "$2"; false; }
	[ "$(show "$1" "$2" ActiveState)" = activating ]
	touch "$T/go"
	wait_for 30 eval '[ "$(show '"$1 $2"' ActiveState)" = active ]'
	follows "$1" "$2"
}

@test "Type=notify: active when the program in the container says so, and its process is the main one" {
	notify_bundle 'systemd-notify --ready --no-block'
	readme_unit user Delegate=yes | sed '/^PIDFile=/d; s/--pid-file [^ ]*//; s/^Type=.*/Type=notify/' |
		install_unit user "$ID.service"
	ready_later user "$ID.service"
}

@test "bryo@.service with a drop-in for Type=notify, system manager" {
	local dir place
	notify_bundle 'systemd-notify --ready --no-block'
	for_root
	template system
	place=$(place_bundle system)
	dir=$(unit_dir system)/bryo@$ID.service.d
	sudo mkdir -p "$dir"
	printf '[Service]\nType=notify\nKillMode=control-group\n' | sudo tee "$dir/notify.conf" >/dev/null
	ctl system daemon-reload
	ready_later system "bryo@$ID.service"
	sudo rm -rf "$place" "$dir"
}

@test "Type=notify: a program that says nothing is not active, and its end is the end of the start" {
	notify_bundle 'sleep 1; exit 3'
	touch "$T/go"
	readme_unit user Delegate=yes | sed '/^PIDFile=/d; /^Restart=/d; s/^Type=.*/Type=notify/' |
		install_unit user "$ID.service"
	run ctl user start "$ID.service"
	[ "$status" -ne 0 ]
	[ "$(show user "$ID.service" ActiveState)" = failed ]
	not test -e "$(state_dir user)/$ID"
}

# ----------------------------------------------------------------------------- bryo@.service

# The installed one, or made of the source as Makefile.am does.
template() { # template user|system
	local f bundles=/var/lib/bryo/bundles words=systemctl

	[ "$1" = system ] || { bundles=%h/.local/share/bryo/bundles && words='systemctl --user'; }
	for f in "/usr/local/lib/systemd/$1/bryo@.service" "/usr/lib/systemd/$1/bryo@.service"; do
		[ ! -e "$f" ] || return 0
	done
	for f in "$BRYO_BUILD" "$BATS_TEST_DIRNAME/../.." "$BATS_TEST_DIRNAME/../../.."; do
		f=$f/rootless/systemd/bryo@.service.in
		[ ! -e "$f" ] || break
	done
	[ -e "$f" ] || { skip "needs bryo@.service: neither installed nor beside the tests"; }
	sed -e "s,@bindir@,${BRYO%/*},g" -e "s,@bundles@,$bundles,g" -e "s,@systemctl@,$words,g" "$f" |
		install_unit "$1" bryo@.service
}

# place_bundle user|system: where the template looks for it
place_bundle() {
	local to=/var/lib/bryo/bundles

	[ "$1" = system ] || to=$HOME/.local/share/bryo/bundles
	echo "bryo@$ID.service" >>"$T/units.$1"
	$(as "$1") mkdir -p "$to"
	$(as "$1") cp -r --preserve=links "$BUNDLE" "$to/$ID"
	echo "$to/$ID"
}

# A record as a machine that went down without a word leaves it: its pid is somebody else's now.
leave_stale() { # leave_stale user|system
	local dir pid

	dir=$(state_dir "$1")/$ID
	timeout 40 $(as "$1") "$BRYO" run -d -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&-
	pid=$(of_state "$1" .pid)
	$(as "$1") cp -r "$dir" "$T/stale"
	timeout 40 $(as "$1") "$BRYO" delete --force "$ID" 3>&-
	$(as "$1") cp -r "$T/stale" "$dir"
	sleep 1000 3>&- &
	echo $! >"$T/stranger"
	$(as "$1") cat "$T/stale/record.json" |
		jq --argjson pid "$(cat "$T/stranger")" '.pid = $pid | .bootId = "00000000-0000-0000-0000-000000000000"' >"$T/record"
	not cmp -s "$T/record" <($(as "$1") cat "$T/stale/record.json")
	$(as "$1") cp "$T/record" "$dir/record.json"
	$(as "$1") rm -rf "$T/stale"
}

template_works() { # template_works user|system
	local how=$1 unit=bryo@$ID.service place

	template "$how"
	place=$(place_bundle "$how")
	leave_stale "$how"
	timeout 30 systemd-analyze --man=no $([ "$how" = system ] || echo --user) verify "$unit" 2>&1 | grep -F "bryo@" >"$T/verify" || true
	[ ! -s "$T/verify" ] || { cat "$T/verify"; false; }
	started "$how" "$unit"
	kill -0 "$(cat "$T/stranger")"
	kill "$(cat "$T/stranger")"
	follows "$how" "$unit"
	$(as "$how") rm -rf "$place"
}

@test "bryo@.service, user manager: takes over what a reboot left, is restarted, stop leaves nothing" {
	template_works user
}

@test "bryo@.service, system manager: takes over what a reboot left, is restarted, stop leaves nothing" {
	for_root
	template_works system
}

@test "bryo@.service with limits: those of config.json and of the unit hold, also after a restart" {
	local unit=bryo@$ID.service pid group
	config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}'
	template user
	place_bundle user
	mkdir -p "$(unit_dir user)/$unit.d"
	printf '[Service]\nMemoryMax=100M\n' >"$(unit_dir user)/$unit.d/limit.conf"
	ctl user daemon-reload
	started user "$unit"
	pid=$(main_pid user "$unit")
	group=/sys/fs/cgroup$(cut -d: -f3 "/proc/$pid/cgroup")
	[[ "$group" == */$unit/* ]]
	[ "$(cat "$group/memory.max")" = 67108864 ]
	[ "$(cat "${group%/*}/memory.max")" = 104857600 ]
	kill -KILL "$pid"
	wait_for 30 restarted user "$unit" "$pid" ||
		{ ctl user status "$unit"; journalctl --user --no-pager -n 20; false; }
	[ "$(cat "$group/memory.max")" = 67108864 ]
	wait_for 20 minds_term "$(main_pid user "$unit")"
	ctl user stop "$unit"
	leaves_nothing user "${group#/sys/fs/cgroup}"
	rm -rf "$HOME/.local/share/bryo/bundles/$ID" "$(unit_dir user)/$unit.d"
}

@test "bryo@.service: children that left the session end with stop, and a bundle that is not there is no failure" {
	local unit=bryo@$ID.service pid
	template user
	started user "$unit"
	[ "$(show user "$unit" ConditionResult)" = no ]
	config '.linux.namespaces |= map(select(.type != "pid"))'
	args sh -c 'trap "" TERM; setsid sh -c "trap \"\" TERM; sleep 900; :" & while :; do sleep 0.2; done'
	place_bundle user
	started user "$unit"
	pid=$(main_pid user "$unit")
	wait_for 20 eval '[ "$(wc -l <"/sys/fs/cgroup$(cut -d: -f3 /proc/'"$pid"'/cgroup)/cgroup.procs")" -ge 3 ]'
	local group pids
	group=$(cut -d: -f3 "/proc/$pid/cgroup")
	pids=$(cat "/sys/fs/cgroup$group/cgroup.procs")
	ctl user stop "$unit"
	leaves_nothing user "$group"
	for pid in $pids; do
		[ ! -d "/proc/$pid" ]
	done
	rm -rf "$HOME/.local/share/bryo/bundles/$ID"
}
