#!/usr/bin/env bats
# SCMP_ACT_NOTIFY: the descriptor of the notifications reaches the agent behind listenerPath, for
# run, for create and start, and for exec, with and without no-new-privileges.

load ../lib/bryo

setup() {
	bryo_setup
	requires userns seccomp
	AGENT=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/agent
	if [ ! -x "$AGENT" ]; then
		AGENT=$BATS_FILE_TMPDIR/agent
		${CC:-cc} -D_GNU_SOURCE -O1 -o "$AGENT" "$BATS_TEST_DIRNAME/../lib/agent.c"
	fi
	make_bundle
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path, listenerMetadata: "meta \"1\"",
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}' --arg path "$T/agent.sock"
	config '.annotations = {"org.example.a": "b"} | .root.readonly = false'
	args sh -c 'mkdir /made; sleep 0.2'
}

agent() {
	timeout 30 "$AGENT" "$T/agent.sock" >"$T/agent.out" 2>&1 3>&- &
	AGENT_PID=$!
	wait_for 10 test -S "$T/agent.sock"
}

agent_ends() { wait_for 10 grep -q answered "$T/agent.out" && cat "$T/agent.out"; }

# covers: linux.seccomp.listenerPath linux.seccomp.listenerMetadata
@test "run: the agent gets the container process state and answers the call" {
	agent
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[[ "$output" == *"Invalid cross-device link"* ]]
	run agent_ends
	echo "$output"
	[ "${lines[1]}" = "answered 1" ]
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" '.fds == ["seccompFd"] and .metadata == "meta \"1\"" and .pid > 1
		and .pid == .state.pid and .state.id == $id and .state.status == "created" and .state.bundle == $bundle
		and .state.annotations["org.example.a"] == "b" and (.ociVersion | startswith("1.")) and .ociVersion == .state.ociVersion' \
		<<<"${lines[0]}"
}

@test "without no-new-privileges, as root: the filter is loaded early and still reaches the agent" {
	config '.process.noNewPrivileges = false'
	agent
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[[ "$output" == *"Invalid cross-device link"* ]]
	agent_ends | grep -x "answered 1"
}

@test "create and start are separate commands" {
	create_container
	agent
	bryo start "$ID"
	agent_ends | grep -x "answered 1"
}

@test "exec has a filter of its own, and the state says running" {
	config 'del(.linux.seccomp.syscalls)'
	args sleep 30
	config '.linux.seccomp.syscalls = [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]'
	agent
	run_detached
	mv "$T/agent.sock" "$T/gone"
	wait_for 10 test -s "$T/agent.out"
	kill "$AGENT_PID"
	agent
	run bryo exec "$ID" mkdir /made
	[ "$status" -ne 0 ]
	bryo kill "$ID" KILL
	run agent_ends
	jq -e '.state.status == "running" and .pid != .state.pid' <<<"${lines[0]}"
	[ "${lines[1]}" = "answered 1" ]
}

@test "nobody listens: the start fails, names the path, and nothing is left" {
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$T/agent.sock"* && "$output" == *"agent must listen"* ]]
	[ -z "$(bryo list -q)" ]
}

@test "NOTIFY on sendmsg is refused: the descriptor is handed over with it" {
	config '.linux.seccomp.syscalls[0].names = ["sendmsg"]'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"linux.seccomp.syscalls[0]"*"sendmsg"* ]]
}

# covers: run.oci.seccomp.receiver
@test "run.oci.seccomp.receiver names the agent where listenerPath does not" {
	config 'del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)
		| .annotations["run.oci.seccomp.receiver"] = $path' --arg path "$T/agent.sock"
	agent
	run bryo run -b "$BUNDLE" "$ID"
	[[ "$output" == *"Invalid cross-device link"* ]]
	agent_ends | grep -x "answered 1"
}

# covers: run.oci.seccomp_fail_unknown_syscall
@test "run.oci.seccomp_fail_unknown_syscall makes an unknown name an error" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call", "chroot"], action: "SCMP_ACT_ERRNO"}]}'
	args true
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	config '.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not know no_such_call"* ]]
}
