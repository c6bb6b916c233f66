#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# bryo gc: what killed runtimes leave is found and removed, and nothing else is.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup_file() { cgroup_view; }
teardown_file() { cgroup_view_end; }
setup() {
	bryo_setup
	# a map of one ID needs no set-user-ID helper, which would not work below strace
	make_bundle busybox --rootless
	args sleep 1000
}

# gc [OPTION...]: succeeds; its lines are in $output
gc() {
	run --separate-stderr bryo gc "$@"
	[ "$status" -eq 0 ] || { echo "gc: status $status: $output $stderr" >&2; return 1; }
}

# killed_at CALL:N VERB...: that system call of bryo is its last
killed_at() {
	local point=$1

	shift
	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	strace -o /dev/null -e trace="${point%:*}" -e inject="${point%:*}:signal=KILL:when=${point#*:}" \
		"$BRYO" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&- || true
}

no_process() { wait_for 5 eval "! pgrep -f '$ROOT'" || { pgrep -af "$ROOT" >&2; return 1; }; }

@test "where nothing was left there is nothing to say" {
	gc
	[ -z "$output" ]
	gc --format json
	[ "$(jq -c . <<<"$output")" = "[]" ]
}

# covers: gc --dry-run
@test "what a create killed at any phase leaves is found, and then removed" {
	requires cmd:strace
	local point n=0

	for point in mkdirat:1 flock:1 renameat:1 bind:1 clone3:1 sendmsg:1 sendmsg:2 recvmsg:1 renameat:2 recvmsg:2; do
		killed_at "$point" create -b "$BUNDLE" "$ID"
		[ -e "$ROOT/$ID" ] || continue # killed before it was there
		if [[ $(state_of 2>/dev/null) = @(stopped|created) ]]; then
			bryo delete --force "$ID" # its record was complete
			continue
		fi
		no_process
		n=$((n + 1))
		gc --dry-run
		[[ $output == "container $ID: its create was ended before "*": would be removed" ]] ||
			{ echo "killed at $point: $output" >&2; return 1; }
		[ -e "$ROOT/$ID" ]
		gc
		[[ $output == "container $ID: "*": removed" ]]
		[ -z "$(ls -A "$ROOT")" ]
		create_container
		bryo delete "$ID"
	done
	[ "$n" -ge 5 ]
}

@test "a container of another pid namespace, which seems to have ended, is not touched" {
	requires userns
	local inside=(unshare --user --map-root-user --pid --fork --mount-proc "$BRYO" --root "$ROOT")

	"${inside[@]}" list -q >/dev/null || skip "no new proc can be mounted here"
	bryo run -b "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null &
	wait_for_status running
	run "${inside[@]}" gc --stopped
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(state_of)" = running ]
	bryo kill "$ID" KILL
	ends_with 137
}

@test "a container that runs, one that is created and one that is stopped are not touched" {
	run_detached run
	create_container made
	create_container ended
	bryo kill ended KILL
	wait_for_status stopped ended
	gc
	[ -z "$output" ]
	[ "$(state_of run) $(state_of made) $(state_of ended)" = "running created stopped" ]
	bryo start made
	[ "$(state_of made)" = running ]
}

# covers: gc --stopped
@test "--stopped takes stopped containers, and no others" {
	run_detached run
	create_container ended
	bryo kill ended KILL
	wait_for_status stopped ended
	gc --stopped
	[ "$output" = "container ended: it is stopped: removed" ]
	[ "$(bryo list -q)" = run ]
}

@test "a create that is going on is not touched" {
	mkfifo "$T/go"
	config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo >$0.here; read x <$0", $go]}]}' \
		--arg go "$T/go"
	"$BRYO" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for 5 test -e "$T/go.here"
	gc --stopped
	[ -z "$output" ]
	echo >"$T/go"
	ends_with 0
	[ "$(state_of)" = created ]
}

@test "creates and gc side by side do not disturb each other" {
	local i

	args true
	for i in $(seq 40); do
		bryo create -b "$BUNDLE" "c$i" </dev/null >/dev/null 2>>"$T/failed" && bryo delete "c$i"
	done 2>>"$T/failed" &
	while kill -0 $! 2>/dev/null; do
		bryo gc >>"$T/found"
	done
	[ ! -s "$T/failed" ] || { cat "$T/failed" >&2; return 1; }
	[ ! -s "$T/found" ] || { cat "$T/found" >&2; return 1; }
}

@test "a container that a killed run was to delete goes when it has ended, with --keep it stays" {
	for option in "" --keep; do
		# shellcheck disable=SC2086
		"$BRYO" --root "$ROOT" run $option -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
		wait_for_status running
		gc
		[ -z "$output" ]
		kill -KILL $!
		gc
		[ -z "$output" ]
		bryo kill "$ID" KILL
		wait_for_status stopped
		gc
		[ "$option" = --keep ] || [[ $output == "container $ID: it has ended, and so did the run"*removed ]]
	done
	[ -z "$output" ]
	bryo delete "$ID"
}

@test "a container that a killed run had made and not started goes with its process" {
	requires cmd:strace
	killed_at connect:1 run -b "$BUNDLE" "$ID"
	[ "$(state_of)" = created ]
	gc
	[ "$output" = "container $ID: the run that was to start it is gone: removed" ]
	[ ! -e "$ROOT/$ID" ]
	no_process
}

@test "a run that is still there deletes its container itself" {
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_status running
	kill -STOP $!
	bryo kill "$ID" KILL
	wait_for_status stopped
	gc
	[ -z "$output" ]
	kill -CONT $!
	ends_with 137
}

@test "the record of another boot goes" {
	create_container
	bryo kill "$ID" KILL
	wait_for_status stopped
	jq '.bootId = "00000000-0000-0000-0000-000000000000"' "$ROOT/$ID/record.json" >"$T/record"
	cat "$T/record" >"$ROOT/$ID/record.json"
	gc
	[ "$output" = "container $ID: it is of another boot: removed" ]
	[ ! -e "$ROOT/$ID" ]
}

# scratch DIR: the directory for the time being that is in it
scratch() { find "$1" -maxdepth 1 -name '.*.bryo-*'; }

@test "a bundle that was killed, in TMPDIR, goes, and one that is being made is not touched" {
	requires bundle userns
	mkfifo "$T/in"
	"$BRYO" --root "$ROOT" bundle - "$T/b" <"$T/in" >/dev/null 2>&1 3>&- &
	exec 4>"$T/in"
	wait_for 5 eval "[ -n \"\$(scratch '$T')\" ]"
	gc
	[ -z "$output" ]
	kill -KILL $!
	ends_with 137
	exec 4>&-
	dir=$(scratch "$T")
	gc -n
	[ "$output" = "directory $dir: who made it was ended before it was complete: would be removed" ]
	gc
	[ "$output" = "directory $dir: who made it was ended before it was complete: removed" ]
	[ ! -e "$dir" ]
}

@test "a file system that does not answer, under such a name, holds nobody up" {
	requires userns cmd:fuse-overlayfs
	[ -w /dev/fuse ] || skip "needs /dev/fuse"
	local how=-m

	[ "$(id -u)" = 0 ] || how=-rm
	mkdir -p "$ROOT" "$T/.x.bryo-01234567" "$T/bryo-upper-x"
	chmod 700 "$ROOT"
	cat >"$T/script" <<-'EOF'
		mkdir m; mount -t tmpfs none m; mkdir m/l m/u m/w
		for o in .x.bryo-01234567 bryo-upper-x; do
			fuse-overlayfs -f -o lowerdir=m/l,upperdir=m/u,workdir=m/w $o >/dev/null 2>&1 3>&- & p=$!
			n=0; until grep -q "/$o " /proc/self/mountinfo; do n=$((n + 1)); [ $n -lt 100 ] || exit 99; sleep 0.05; done
			kill -STOP $p
			timeout -s KILL 3 "$BRYO" --root "$1" gc -n || echo "$o: status $?"
			kill -KILL $p
			umount -l $o; rmdir $o
		done
	EOF
	cd "$T"
	run unshare "$how" sh "$T/script" "$ROOT"
	echo "$output"
	[ "$status" -ne 99 ] || skip "needs fuse-overlayfs that mounts here"
	[ -z "$output" ]
}

@test "what a killed plan left goes with gc, or with the next plan there; a signal leaves nothing" {
	requires cmd:strace
	mkdir "$T/up"
	killed_at clone3:1 plan -b "$BUNDLE" --upper "$T/new" "$ID"
	[ -n "$(scratch "$T")" ]
	gc
	[[ $output == "directory $T/.plan.bryo-"*": removed" ]]
	killed_at clone3:1 plan -b "$BUNDLE" --upper "$T/up" "$ID"
	[ -n "$(scratch "$T/up")" ]
	bryo plan -b "$BUNDLE" --upper "$T/up" "$ID" >/dev/null
	[ -z "$(ls -A "$T/up")" ]
	run strace -o /dev/null -e trace=clone3 -e inject=clone3:signal=TERM:when=1 \
		"$BRYO" --root "$ROOT" plan -b "$BUNDLE" --upper "$T/up" "$ID" </dev/null 3>&-
	[ "$status" -eq 143 ]
	[ -z "$(ls -A "$T/up")" ]
}

@test "changes on disk of a start that is slow are not taken, those of a killed one are" {
	requires cmd:strace
	local dir

	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	config '.root.readonly = false | .annotations = {"org.bryo.overlay.ephemeral": "disk"}'
	strace -o /dev/null -e trace=clone3 -e inject=clone3:delay_enter=30000000 \
		"$BRYO" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&- &
	wait_for 5 test -e "$ROOT/$ID/record.json"
	dir=$(jq -r .upper "$ROOT/$ID/record.json")
	wait_for 5 test -d "$dir"
	touch -d "1 hour ago" "$dir"
	gc
	[ -d "$dir" ]
	[ -z "$output" ]
	kill -KILL "$(pgrep -P $!)" $!
	ends_with 137
	rm -rf "${ROOT:?}/$ID"
	gc
	has_line "changes $dir: "
	[ ! -e "$dir" ]
}

@test "half-written files of a container go, and the container stays" {
	create_container
	touch "$ROOT/$ID/.record.json.99999999"
	gc
	[ "$output" = "file $ROOT/$ID/.record.json.99999999: who wrote it was ended before it was complete: removed" ]
	[ ! -e "$ROOT/$ID/.record.json.99999999" ]
	[ "$(state_of)" = created ]
}

@test "directories that bryo did not make, and records it cannot read, stay" {
	mkdir "$ROOT/own"
	mkdir -m 1700 "$ROOT/broken"
	echo '{' >"$ROOT/broken/record.json"
	gc
	[ -z "$output" ]
	[[ $stderr == *"container 'broken' is kept"* ]]
	[ -d "$ROOT/own" ] && [ -d "$ROOT/broken" ]
}

@test "what cannot be removed is told with its reason, and is exit code 1" {
	mkdir -m 1700 "$ROOT/claimed" "$ROOT/other"
	touch "$ROOT/claimed/mine"
	run bryo gc --dry-run
	[ "$status" -eq 0 ]
	run bryo gc --format json
	[ "$status" -eq 1 ]
	jq -e 'length == 2 and (.[0] | .what == "claimed" and (.removed | not) and (.problem | test("mine")))
		and (.[1] | .what == "other" and .removed)' <<<"$output"
	[ -e "$ROOT/claimed/mine" ] && [ ! -e "$ROOT/other" ]
	run bryo gc
	[ "$status" -eq 1 ]
	has_line "container claimed: its create was ended before it wrote anything down: not removed: "
}

# covers: gc --format
@test "JSON says what, why, and whether it is gone" {
	mkdir -m 1700 "$ROOT/claimed"
	gc -n -f json
	jq -e '. == [{kind: "container", what: "claimed", why: .[0].why, removed: false}]' <<<"$output"
	gc -f json
	jq -e '.[0].removed' <<<"$output"
}

@test "the cache of filters is brought down to its bound, and half-written entries go" {
	local i

	mkdir -m 700 "$ROOT/@seccomp"
	for i in $(seq 66); do echo >"$ROOT/@seccomp/$(printf '%016x' "$i")"; done
	echo >"$ROOT/@seccomp/.0000000000000001.99999999"
	gc -n
	[[ $output == "cache 3 compiled filters: "*": would be removed" ]]
	gc
	[[ $output == "cache 3 compiled filters: "*": removed" ]]
	[ "$(find "$ROOT/@seccomp" -name '0*' | wc -l)" -eq 64 ]
	rm "$ROOT/@seccomp/"0*1
	echo >"$ROOT/@seccomp/.0000000000000002.$$" # a writer that is alive
	gc
	[ -z "$output" ]
}

@test "a mount in the state of a dead container goes with it" {
	requires root
	requires cmd:unshare
	mkdir -m 1700 "$ROOT/claimed"
	mkdir "$ROOT/claimed/notify"
	run unshare --mount --propagation private sh -c 'mount -t tmpfs x "$1/claimed/notify" &&
		"$2" --root "$1" gc && ! grep -F "$1/claimed" /proc/self/mountinfo' sh "$ROOT" "$BRYO"
	[ "$status" -eq 0 ] || { echo "$output" >&2; return 1; }
	has_line "mount $ROOT/claimed/notify: "
	has_line "container claimed: "
	[ ! -e "$ROOT/claimed" ]
}

# ------------------------------------------------------------------------------ cgroups

with_cgroup() {
	cgroup_teardown
	cgroup_setup
	requires_backend
	make_bundle busybox
	args sleep 1000
	create_container
	[ "$(backend_of)" = cgroupfs ] || skip "needs a cgroup that bryo makes itself"
	CG=$(cgroup_of)
}

@test "a cgroup whose state is gone goes with the processes in it" {
	with_cgroup
	local pid

	pid=$(bryo state "$ID" | jq .pid)
	bryo start "$ID"
	rm -rf "${ROOT:?}/$ID"
	gc -n
	[ "$output" = "cgroup $CG: its container's state is gone, and processes are left in it: would be removed" ]
	gc
	[ "$output" = "cgroup $CG: its container's state is gone, and processes are left in it: removed" ]
	has_no_cgroup "$CG"
	wait_for 5 not grep -q '^State:.[^Z]' "/proc/$pid/status"
	gc
	[ -z "$output" ]
}

@test "where a record cannot be read no cgroup is taken for lost" {
	with_cgroup
	jq '.format = 99' "$ROOT/$ID/record.json" >"$T/record"
	cp "$ROOT/$ID/record.json" "$T/good"
	cat "$T/record" >"$ROOT/$ID/record.json"
	gc
	[ -z "$output" ]
	[[ $stderr == *"container '$ID' is kept"*"newer bryo"* ]]
	has_cgroup "$CG"
	cat "$T/good" >"$ROOT/$ID/record.json"
	[ "$(state_of)" = created ]
}

@test "a create killed with its cgroup made leaves none after gc" {
	with_cgroup
	bryo delete --force "$ID"
	requires cmd:strace
	seen strace -f -o /dev/null -e trace=clone3 -e inject=clone3:signal=KILL:when=1 \
		"$REAL" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- || true
	has_cgroup "$CG"
	gc
	[[ $output == "container $ID: its create was ended before the container was there: removed" ]]
	has_no_cgroup "$CG"
}

@test "cgroups of another state directory, and what containers write there, are not ours to take" {
	requires cmd:setfattr
	with_cgroup
	mkdir -m 700 "$T/other"
	run --separate-stderr "$BRYO" --root "$T/other" gc
	[ "$status" -eq 0 ] && [ -z "$output" ]
	[ "$(state_of)" = created ]
	# an empty one may go when it is old
	seen mkdir "/sys/fs/cgroup$CG-old" "/sys/fs/cgroup$CG-new" "/sys/fs/cgroup$CG/below"
	seen setfattr -n user.bryo -v "2020-01-01T00:00:00.0Z 1 /nowhere" "/sys/fs/cgroup$CG-old"
	seen setfattr -n user.bryo -v "$(date -u +%FT%TZ) 1 /nowhere" "/sys/fs/cgroup$CG-new"
	seen setfattr -n user.bryo -v "2020-01-01T00:00:00.0Z 1 /nowhere" "/sys/fs/cgroup$CG/below"
	gc
	seen rmdir "/sys/fs/cgroup$CG-new"
	[[ $output == "cgroup $CG-old: it is of another state directory, and empty: removed" ]]
	has_cgroup "$CG/below"
}

@test "a helper that did not notice its container's end is ended" {
	requires cmd:slirp4netns
	local pids

	[ -c /dev/net/tun ] || skip "needs /dev/net/tun"
	run_detached "$ID" --net slirp4netns || skip "needs slirp4netns to work here: $(cat "$T/$ID.err")"
	pids=$(jq -r '.helpers[].pid' "$ROOT/$ID/record.json")
	[ -n "$pids" ]
	# shellcheck disable=SC2086
	kill -STOP $pids
	bryo kill "$ID" KILL
	wait_for_status stopped
	gc -n
	has_line "process slirp4netns "
	has_line ": its container '$ID' has ended: would be removed"
	gc
	[ "$(grep -c "^process .*: its container '$ID' has ended: removed$" <<<"$output")" -eq "$(wc -w <<<"$pids")" ]
	for pid in $pids; do
		wait_for 5 eval "! grep -q '^State:.[^ZX]' /proc/$pid/status"
	done
	[ "$(state_of)" = stopped ]
	gc
	[ -z "$output" ]
}

@test "a state directory that was named must be there, the default one need not" {
	run "$BRYO" --root "$T/nowhere" gc
	[ "$status" -eq 1 ]
	has_line "$T/nowhere"
	[ "$(id -u)" = 0 ] && in_initial_userns || {
		run "$BRYO" gc
		[ "$status" -eq 0 ]
		[ ! -e "$T/run/bryo" ]
	}
}
