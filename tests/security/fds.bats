#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# Descriptors: what the caller leaked is closed, no magic link leads to the host, and who enters a
# container cannot be looked into. Each test says which weakening of the source makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

setup() {
	bryo_setup
	insider_bundle
	R=$BUNDLE/rootfs
	args /bin/insider report
	mkdir "$T/host"
	cp "$INSIDER" "$T/host/prog"
}

# leaking COMMAND...: with descriptors of a host directory that are not close-on-exec
leaking() { "$@" 5<"$T/host" 6<"$T/host" 7<"$T/host" 8<"$T/host" 9<"$T/host" 20</ 100<"$T/host"; }

# start_sleeper: a running container to enter
start_sleeper() {
	args sleep 1000
	run_detached
}

only_stdio() {
	[ "$(grep -c '^fd ' <<<"$output")" -eq 3 ] || { echo "$output" >&2; return 1; }
	! grep '^fd [^012]\|directory' <<<"$output" >&2
}

# fails if both fd_close_others() in init_main() and fd_cloexec_from() in seal.c are left out
# (CVE-2024-21626); the first alone is caught by the tests of cwd below
@test "what the caller leaked is closed: run, create and start, exec" {
	run leaking bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	only_stdio
	leaking create_container
	bryo start "$ID"
	wait_for_status stopped
	output=$(cat "$T/$ID.out") only_stdio
	bryo delete "$ID"
	start_sleeper
	run leaking bryo exec "$ID" /bin/insider report
	[ "$status" -eq 0 ]
	only_stdio
}

# fails if the log is opened without O_CLOEXEC and fd_cloexec_from() is left out
@test "neither the log nor anything of bryo's own reaches the program" {
	run bryo --log "$T/log" --debug run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	output=$(grep '^fd ' <<<"$output") only_stdio
}

# fails if a descriptor above those asked for is passed on
@test "--preserve-fds passes exactly so many" {
	exec 4<"$T/host/prog"
	run leaking bryo run --preserve-fds 0 -b "$BUNDLE" "$ID"
	only_stdio
	run timeout 20 bash -c 'exec 3</dev/null 5</; exec "$@"' - "$BRYO" --root "$ROOT" run --preserve-fds 2 -b "$BUNDLE" "$ID"
	exec 4<&-
	[ "$status" -eq 0 ]
	[ "$(grep '^fd ' <<<"$output" | cut -d' ' -f2 | tr '\n' ' ')" = "0 1 2 3 4 " ]
}

# fails if descriptors are closed by walking /proc/self/fd (crun#110 under CVE-2019-16884)
@test "a fake /proc/self/fd of the image does not keep descriptors open" {
	config '.mounts |= map(select(.destination != "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	mkdir -p "$R/proc/self/fd"
	touch "$R"/proc/self/fd/{0,1,2}
	run leaking bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	only_stdio
}

# inside_or_refused: the program's working directory is in the root, or it was not started
inside_or_refused() {
	[ "$status" -ne 0 ] || { [[ $(fact cwd) == /* ]] && return; }
	[ "$status" -ne 0 ] && ! grep -q '^uid' <<<"$output" && return
	echo "$output" >&2
	return 1
}

# fails without fd_close_others() and verify_cwd() (CVE-2024-21626)
@test "cwd=/proc/self/fd/N leads nowhere: run" {
	local n

	for n in {0..24} 100 1023; do
		config ".process.cwd = \"/proc/self/fd/$n\""
		run leaking bryo run -b "$BUNDLE" "$ID" </dev/null
		inside_or_refused
		[[ $status -ne 0 || $n -lt 30 ]]
	done
	for n in 5 7 20; do
		rm -f "$R/link"
		ln -s "/proc/self/fd/$n" "$R/link"
		config '.process.cwd = "/link"'
		run leaking bryo run -b "$BUNDLE" "$ID"
		inside_or_refused
		ln -sfn "/proc/self/fd/$n/../../.." "$R/link"
		run leaking bryo run -b "$BUNDLE" "$ID"
		inside_or_refused
	done
}

# fails without verify_cwd() in seal.c: standard input stays open, whatever it is
@test "cwd=/proc/self/fd/0 with a directory of the host on standard input is refused" {
	config '.process.cwd = "/proc/self/fd/0"'
	run bryo run -b "$BUNDLE" "$ID" <"$T/host"
	[ "$status" -ne 0 ]
	has_line "outside of the container"
	config '.process.cwd = "/"'
	start_sleeper
	run bryo exec --cwd /proc/self/fd/0 "$ID" /bin/insider report <"$T/host"
	[ "$status" -eq 255 ]
	has_line "outside of the container"
}

# fails without fd_close_others() and verify_cwd()
@test "cwd=/proc/self/fd/N leads nowhere: exec, also through a link of the image" {
	local n

	start_sleeper
	for n in {0..24} 100 1023; do
		run leaking bryo exec --cwd "/proc/self/fd/$n" "$ID" /bin/insider report </dev/null
		inside_or_refused
	done
	for n in 5 7 20; do
		rm -f "$R/link"
		ln -s "/proc/self/fd/$n" "$R/link"
		run leaking bryo exec --cwd /link "$ID" /bin/insider report
		inside_or_refused
	done
}

# fails without fd_close_others() in init_main() and in exec_main()
@test "a program named /proc/self/fd/N/prog is not the host's" {
	local n

	for n in {3..24} 100; do
		args "/proc/self/fd/$n/prog" report
		run leaking bryo run -b "$BUNDLE" "$ID"
		[ "$status" -ne 0 ]
		[[ $output != *bounding* ]]
		args "/proc/self/fd/$n/../host/prog" report
		run leaking bryo run -b "$BUNDLE" "$ID"
		[[ $status -ne 0 && $output != *bounding* ]]
	done
	start_sleeper
	for n in {3..24} 100; do
		run leaking bryo exec "$ID" "/proc/self/fd/$n/prog" report
		[[ $status -ne 0 && $output != *bounding* ]]
	done
}

# fails without PR_SET_DUMPABLE 0 before setns in join.c (CVE-2016-9962, CVE-2016-8659)
@test "who enters the container cannot be traced or looked into before it runs the program" {
	local i caps='["CAP_SYS_PTRACE","CAP_DAC_OVERRIDE","CAP_DAC_READ_SEARCH","CAP_SETUID","CAP_SETGID","CAP_SETPCAP","CAP_CHOWN","CAP_KILL","CAP_SYS_ADMIN"]'

	# root of the machine with these could do anything anyway: there it gets a user namespace
	! in_initial_userns || [ "$(id -u)" != 0 ] ||
		config '.linux.namespaces += [{type: "user"}] |
			.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
			.linux.gidMappings = .linux.uidMappings | .process.oomScoreAdj = null'
	config ".process.capabilities |= map_values($caps)"
	args /bin/insider spy 25
	chmod 777 "$R"
	cp "$R/bin/insider" "$R/bin/insider-payload"
	run_detached
	wait_for 5 grep -q spying "$T/$ID.out"
	for ((i = 0; i < 200; i++)); do
		bryo exec "$ID" /bin/insider-payload groups </dev/null >/dev/null 2>&1 || true
	done
	touch "$R/stop"
	wait_for_status stopped
	cat "$T/$ID.out" >&2
	[ "$(sed -n 's/saw \(.*\) processes/\1/p' "$T/$ID.out")" -ge 10 ]
	[ "$(grep -cE '^traced|^saw descriptor' "$T/$ID.out")" -eq 0 ]
}

# fails if stdio is re-opened through the image's /dev/null, or given to the user (CVE-2026-88265)
@test "files of the host on standard input and output keep owner and mode" {
	local before

	echo in >"$T/in"
	touch "$T/out"
	mkfifo "$T/pipe"
	chmod 600 "$T/in" "$T/out" "$T/pipe"
	before=$(stat -c '%n %u:%g %a' "$T/in" "$T/out" "$T/pipe" /dev/null)
	! has_subids && [ "$(id -u)" != 0 ] || config '.process.user = {uid: 1000, gid: 1000}'
	bryo run -b "$BUNDLE" "$ID" <"$T/in" >"$T/out" 2>&1
	[ -s "$T/out" ]
	bryo run -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bryo run -b "$BUNDLE" "$ID" <>"$T/pipe" >/dev/null 2>&1
	[ "$(stat -c '%n %u:%g %a' "$T/in" "$T/out" "$T/pipe" /dev/null)" = "$before" ]
}
