#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# What login sessions do to a container: exec and control from a second one, logout with and
# without linger, and that many runs, in a row, side by side or killed at any moment, leave
# nothing behind. Run in the guests.
#
# BRYO_RUNS, BRYO_KILLS: how many runs, in a row and killed. The default is what the slow guests do
# within their time; 200 and 30 are what this was accepted with.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup() {
	bryo_setup
	export XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	[ -n "${BRYO_IN_GUEST-}" ] || skip "needs a machine that is thrown away: it makes users and sessions"
	requires user systemd cgroup2 cmd:sudo
	make_bundle
	args sleep 1000
}

teardown() {
	[ -z "${SCOPE-}" ] || timeout 30 systemctl --user stop "$SCOPE" 2>/dev/null 3>&- || true
	bryo_teardown
}

# ------------------------------------------------------------------------------- helpers

# second COMMAND...: in another login session of the same user
second() {
	sudo timeout 90 systemd-run --quiet --uid="$(id -un)" -p PAMName=login --pipe --wait -- "$@" </dev/null 3>&-
}

second_bryo() { second "$BRYO" --root "$ROOT" "$@"; }

# in_scope COMMAND...: in a scope that was given to us to divide, $SCOPE
in_scope() {
	SCOPE=place-${ID#t}.scope # a name in which leftovers() does not see $ID
	timeout "${SCOPE_LIMIT:-60}" systemd-run --user --quiet --scope -p Delegate=yes --unit="$SCOPE" -- "$@" 3>&-
}

procs() { file cgroup.procs | wc -l; }

# what this file's containers may leave: units, cgroups, state, processes
leftovers() {
	systemctl --user list-units --all --plain --no-legend "bryo-$ID*" 3>&- | awk '{ print $1 }'
	find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null
	find "$ROOT" -mindepth 1 -maxdepth 1
	grep -lsxz "[t]${ID#t}-marker" /proc/[0-9]*/cmdline || true # not grep itself
}

nothing_left() {
	local left

	left=$(leftovers)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

# The kernel and systemd take a moment for what ended by itself.
leaves_nothing() {
	wait_for 20 nothing_left && return
	leftovers
	systemctl --user status "bryo-$ID*" 3>&- | cat
	find /sys/fs/cgroup -path "*$ID*" \( -name cgroup.procs -o -name cgroup.events \) -exec grep -H . {} +
	return 1
}

# ----------------------------------------------------------------------- a second session

@test "the second session is another one" {
	[ "$(second cat /proc/self/cgroup)" != "$(cat /proc/self/cgroup)" ]
	second cat /proc/self/cgroup | grep -q '/session-[^/]*\.scope$'
}

@test "exec from a second session: systemd puts the process into the container's cgroup" {
	run_detached
	[ "$(backend_of)" = systemd ]
	run second_bryo exec "$ID" sh -c 'echo in $(cat /proc/1/comm); exit 5'
	[ "$status" -eq 5 ]
	has_line "in sleep"
	second_bryo exec -d "$ID" sleep 999
	[ "$(procs)" -eq 2 ]
	[ "$(bryo ps --format json "$ID" | jq length)" -eq 2 ]
	# before its program runs, not after: it cannot tell that it was elsewhere
	config '.linux.namespaces |= map(select(.type != "cgroup"))'
	bryo delete --force "$ID"
	run_detached
	run second_bryo exec "$ID" cat /proc/self/cgroup
	[ "$output" = "0::$(cgroup_of)" ]
}

@test "exec from a shell that has no variables of a session, as cron and su give" {
	run_detached
	second env -i PATH="$PATH" "$BRYO" --root "$ROOT" exec -d "$ID" sleep 999
	[ "$(procs)" -eq 2 ]
}

# systemd moves nobody's processes but the caller's own, and such a container's root is another ID
@test "a container in which the caller is not root: a scope, and exec from a second session" {
	requires subid
	local path
	config '.process.user = {uid: 7, gid: 7}'
	run_detached
	[ "$(backend_of)" = systemd ]
	path=$(cgroup_of)
	second_bryo exec -d "$ID" sleep 999
	[ "$(procs)" -eq 2 ]
	second_bryo exec -d --user 0 "$ID" sleep 999
	[ "$(procs)" -eq 3 ]
	bryo delete --force "$ID"
	wait_for 10 has_no_cgroup "$path"
	leaves_nothing
}

@test "pause, resume, update, ps, kill and delete from a second session" {
	run_detached
	local path
	path=$(cgroup_of)
	second_bryo pause "$ID"
	[ "$(file cgroup.freeze)" = 1 ]
	[ "$(state_of)" = paused ]
	second_bryo resume "$ID"
	second_bryo update --pids-limit 30 "$ID"
	[ "$(file pids.max)" = 30 ]
	[ "$(second_bryo ps --format json "$ID" | jq length)" -eq 1 ]
	second_bryo kill "$ID" KILL
	wait_for_status stopped
	second_bryo delete "$ID"
	wait_for 10 has_no_cgroup "$path"
	leaves_nothing
}

@test "below a delegated scope exec from a second session is refused, with the way out; the rest works" {
	in_scope "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	[ "$(backend_of)" = cgroupfs ]
	[[ "$(cgroup_of)" == */"$SCOPE"/* ]]
	run second_bryo exec "$ID" true
	[ "$status" -eq 255 ]
	has_line "from another login session"
	has_line "systemd-run --user --scope"
	[ "$(procs)" -eq 1 ]
	second_bryo pause "$ID"
	[ "$(state_of)" = paused ]
	second_bryo resume "$ID"
	timeout 60 systemd-run --user --quiet --scope -- "$BRYO" --root "$ROOT" exec -d "$ID" sleep 999 </dev/null 3>&-
	[ "$(procs)" -eq 2 ]
	second_bryo delete --force "$ID"
	leaves_nothing
}

# What a session with KillUserProcesses=yes, a service or a CI job kills at its end is its whole cgroup.
@test "a network's programs are where bryo was called; in a scope of one's own they are with the container" {
	requires cmd:slirp4netns
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "needs /dev/net/tun"
	local pid all
	run_detached "$ID" --net slirp4netns
	[ "$(backend_of)" = systemd ]
	[ "$(helpers | wc -l)" -eq 2 ]
	for pid in $(helpers); do
		cmp "/proc/$pid/cgroup" /proc/self/cgroup
	done
	bryo delete --force "$ID"
	in_scope "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" --net slirp4netns "$ID" </dev/null >"$T/out" 2>&1
	all="$(helpers) $(bryo state "$ID" | jq .pid)"
	[ "$(wc -w <<<"$all")" -eq 3 ]
	for pid in $all; do
		grep -qE "/$SCOPE(/|$)" "/proc/$pid/cgroup"
	done
	[ "$(file cgroup.procs)" = "${all##* }" ] # they are not counted, limited or frozen with it
	# from outside of the scope the kernel refuses it
	timeout 60 systemd-run --user --quiet --scope -- "$BRYO" --root "$ROOT" exec "$ID" \
		test -e /sys/class/net/tap0 </dev/null 3>&-
	bryo kill "$ID" KILL
	for pid in $all; do
		wait_for 20 test ! -d "/proc/$pid"
	done
	bryo delete "$ID"
	leaves_nothing
}

helpers() { jq -r '.helpers[].pid' "$ROOT/$ID/record.json"; }

# -------------------------------------------------------------------------------- logout

other=bryo-bob

# login COMMAND...: a session of the other user that ends with the command
login() {
	sudo timeout 90 systemd-run --quiet --uid="$other" -p PAMName=login --pipe --wait --working-directory=/ -- "$@" \
		</dev/null 3>&-
}

# Its container ends at SIGTERM: one that does not is given 90 s by systemd.
other_user() {
	args sh -c 'trap "exit 0" TERM; while :; do sleep 0.5; done'
	id "$other" >/dev/null 2>&1 || sudo useradd --create-home --shell /bin/bash "$other" ||
		skip "needs another user: useradd did not make one"
	sudo cp -r --preserve=links "$BUNDLE" "/home/$other/$ID"
	sudo chown -R "$other:" "/home/$other/$ID"
}

# run_as_other: its container, detached; $PID and $GROUP
run_as_other() {
	login bash -c '"$1" run -d -b "$2" "$3" </dev/null >"$2/out" 2>&1' bash "$BRYO" "/home/$other/$ID" "$ID" ||
		{ sudo cat "/home/$other/$ID/out"; return 1; }
	PID=$(login "$BRYO" state "$ID" | jq .pid)
	GROUP=$(cut -d: -f3 "/proc/$PID/cgroup")
	[[ "$GROUP" == */bryo-$ID.scope/* ]]
}

sessions_of_other() { loginctl list-sessions --no-legend 3>&- | grep " $other " | grep -vc manager; }
logged_out() { [ "$(sessions_of_other)" = 0 ]; }
gone() { [ ! -d "/proc/$PID" ] && has_no_cgroup "$GROUP"; }

# systemd keeps the manager of a user who logged out for another 10 s (UserStopDelaySec=)
@test "without linger a detached container ends with the last session" {
	other_user
	sudo loginctl disable-linger "$other"
	run_as_other
	wait_for 30 logged_out
	wait_for 60 gone
	sudo rm -rf "/home/$other/$ID"
}

@test "with linger a detached container outlives the logout, and can be reached after the next login" {
	other_user
	sudo loginctl enable-linger "$other"
	run_as_other
	wait_for 30 logged_out
	sleep 13
	[ -d "/proc/$PID" ]
	[ "$(login "$BRYO" state "$ID" | jq -r .status)" = running ]
	[ "$(login "$BRYO" exec "$ID" cat /proc/1/comm)" = sh ]
	login "$BRYO" delete --force "$ID"
	gone
	sudo loginctl disable-linger "$other"
	sudo rm -rf "/home/$other/$ID"
}

# ------------------------------------------------------------------------------ many runs

@test "runs in a row leave no scope and no cgroup" {
	local i n=${BRYO_RUNS:-15}
	args sh -c true "$ID-marker"
	for ((i = 0; i < n; i++)); do
		bryo run -b "$BUNDLE" "$ID" || { echo "run $i: $?"; return 1; }
	done
	echo "# $n runs" >&3
	leaves_nothing
}

@test "runs side by side leave no scope and no cgroup" {
	local i round job failed=0
	args sh -c 'sleep 0.5; :' "$ID-marker"
	for ((round = 0; round < ${BRYO_ROUNDS:-1}; round++)); do
		local jobs=()
		for ((i = 0; i < 20; i++)); do
			timeout 80 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID-$i" </dev/null >"$T/out.$i" 2>&1 3>&- &
			jobs+=($!)
		done
		for job in "${jobs[@]}"; do
			wait "$job" || failed=$((failed + 1))
		done
	done
	cat "$T"/out.*
	[ "$failed" -eq 0 ]
	leaves_nothing
}

@test "an id that another state directory has: refused, and the other container goes on" {
	run_detached
	local path pid
	path=$(cgroup_of)
	pid=$(bryo state "$ID" | jq .pid)
	mkdir "$T/second"
	args true
	run timeout 60 "$BRYO" --root "$T/second" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "already exists"
	has_line "take another ID, or name the scope yourself"
	kill -0 "$pid"
	[ "$(state_of)" = running ]
	has_cgroup "$path"
}

# killed_runs PREFIX...: bryo, started by the words, gets SIGKILL after 0 to the time of a whole run.
# Afterwards in turn delete --force and a new start with the same id must work.
killed_runs() {
	local i n=${BRYO_KILLS:-10} begin whole job pause

	begin=${EPOCHREALTIME/./}
	run_detached
	bryo kill "$ID" KILL
	bryo delete --force "$ID"
	whole=$((${EPOCHREALTIME/./} - begin))
	for ((i = 0; i < n; i++)); do
		pause=$((whole * i / n))
		"$@" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >"$T/killed" 2>&1 3>&- &
		job=$!
		sleep "$((pause / 1000000)).$(printf %06d $((pause % 1000000)))"
		kill -KILL $job
		wait $job || true
		if ((i % 2)); then
			bryo delete --force "$ID" || { echo "round $i, $pause us: delete"; return 1; }
		elif ! run_detached; then
			# it may run: who starts anew removes it first, as bryo@.service does
			bryo delete --force "$ID" || { echo "round $i, $pause us: delete, then start"; return 1; }
			run_detached || { echo "round $i, $pause us: start"; leftovers; return 1; }
		fi
		bryo delete --force "$ID"
		leaves_nothing || { echo "round $i, $pause us of $whole"; return 1; }
	done
	echo "# $n rounds of 0 to $whole us" >&3
}

@test "bryo killed at any moment, with a scope: delete --force or a new start repair it" {
	args sh -c 'sleep 1000; :' "$ID-marker"
	killed_runs env
}

@test "bryo killed at any moment, below a delegated cgroup: delete --force or a new start repair it" {
	args sh -c 'sleep 1000; :' "$ID-marker"
	export T ROOT BUNDLE ID
	SCOPE_LIMIT=280 in_scope bash -c "source $BATS_TEST_DIRNAME/../lib/bryo.bash
		$(declare -f killed_runs leftovers nothing_left leaves_nothing)
		exec 3>&1
		killed_runs env" </dev/null
}
