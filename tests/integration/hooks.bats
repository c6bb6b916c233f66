#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# The six hook points of the runtime-spec.

bats_require_minimum_version 1.5.0
load ../lib/bryo

POINTS="prestart createRuntime createContainer startContainer poststart poststop"

setup() {
	bryo_setup
	make_bundle
	args sh -c 'echo program >>/log/all; sleep 1000'
	LOG=$BUNDLE/rootfs/log
	mkdir "$LOG"
	config '.root.readonly = false'
	# One script at one path in both worlds: the container's / has it too.
	cat >"$T/hook" <<-'EOF'
		#!/bin/sh
		log=$1; point=$2
		cat >"$log/$point.state"
		pwd >"$log/$point.cwd"
		env >"$log/$point.env"
		grep NSpid /proc/self/status >"$log/$point.pid" 2>/dev/null
		echo "$point" >>"$log/all"
	EOF
	chmod 755 "$T/hook"
	cp "$T/hook" "$BUNDLE/rootfs/hook"
}

# hook POINT COMMAND [ENV...]: adds one that runs COMMAND with sh
hook() {
	local point=$1 command=$2

	shift 2
	# shellcheck disable=SC2016
	config '.hooks[$p] += [{path: "/bin/sh", args: ["sh", "-c", $c], env: $ARGS.positional}]' \
		--arg p "$point" --arg c "$command" --args -- "$@"
}

log_hooks() {
	for point in "$@"; do
		if [ "$point" = startContainer ]; then
			hook "$point" "/hook /log $point" A=1
		else
			hook "$point" "'$T/hook' '$LOG' $point" A=1 PATH="$PATH"
		fi
	done
}

# says POINT JQ-CONDITION
says() {
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" "$2" "$LOG/$1.state" >/dev/null ||
		{ cat "$LOG/$1.state" >&2; return 1; }
}

nothing_left() {
	wait_for 5 eval "! pgrep -f '$ROOT'"
	[ ! -e "$ROOT/$ID" ]
}

# covers: hooks.prestart hooks.createRuntime hooks.createContainer hooks.startContainer
# covers: hooks.poststart hooks.poststop
@test "all six run, each at its time" {
	# shellcheck disable=SC2086
	log_hooks $POINTS
	create_container
	[ "$(tr '\n' ' ' <"$LOG/all")" = "prestart createRuntime createContainer " ]
	bryo start "$ID"
	wait_for 5 grep -q program "$LOG/all"
	[ "$(head -4 "$LOG/all" | tail -1)" = startContainer ]
	[ "$(tail -n +5 "$LOG/all" | sort | tr '\n' ' ')" = "poststart program " ]
	bryo delete --force "$ID"
	[ "$(tail -1 "$LOG/all")" = poststop ]
	[ "$(wc -l <"$LOG/all")" -eq 7 ]
	nothing_left
}

@test "run has them all too" {
	args sh -c 'echo program >>/log/all'
	# shellcheck disable=SC2086
	log_hooks $POINTS
	bryo run -b "$BUNDLE" "$ID"
	[ "$(wc -l <"$LOG/all")" -eq 7 ]
	[ "$(tail -1 "$LOG/all")" = poststop ]
}

@test "hooks of one point run in order, and the state is new for each" {
	for i in 1 2 3; do
		hook createRuntime "cat >'$LOG/$i.state'; echo $i >>'$LOG/all'" PATH="$PATH"
	done
	create_container
	[ "$(tr -d '\n' <"$LOG/all")" = 123 ]
	for i in 1 2 3; do
		says $i '.id == $id'
	done
}

@test "the state on stdin is right at each point" {
	# shellcheck disable=SC2086
	log_hooks $POINTS
	config '.annotations = {"a": "b"}'
	create_container "$ID" --pid-file "$T/pid"
	bryo start "$ID"
	bryo delete --force "$ID"
	pid=$(cat "$T/pid")
	for point in $POINTS; do
		says "$point" '.ociVersion != null and .id == $id and .bundle == $bundle and .annotations == {"a": "b"}'
	done
	for point in prestart createRuntime; do
		says $point ".status == \"creating\" and .pid == $pid"
	done
	says createContainer '.status == "creating" and .pid == 1'
	says startContainer '.status == "created" and .pid == 1'
	says poststart ".status == \"running\" and .pid == $pid"
	says poststop '.status == "stopped"'
}

@test "hooks run in the namespaces that the spec names" {
	# shellcheck disable=SC2086
	log_hooks $POINTS
	config '.hooks |= map_values(map(.args[2] += "; readlink /proc/self/ns/uts"))'
	for point in prestart createRuntime poststart poststop; do
		config ".hooks.${point}[0].args[2] += \" >'$LOG/$point.ns'\""
	done
	config ".hooks.createContainer[0].args[2] += \" >'$LOG/createContainer.ns'\""
	config '.hooks.startContainer[0].args[2] += " >/log/startContainer.ns"'
	create_container
	inside=$(readlink "/proc/$(bryo state "$ID" | jq .pid)/ns/uts")
	bryo start "$ID"
	bryo delete --force "$ID"
	for point in prestart createRuntime poststart poststop; do
		[ "$(cat "$LOG/$point.ns")" = "$(readlink /proc/self/ns/uts)" ]
	done
	[ "$(cat "$LOG/createContainer.ns")" = "$inside" ]
	[ "$(cat "$LOG/startContainer.ns")" = "$inside" ]
}

# covers: hooks.*[].env
@test "the environment is the hook's own, and empty where it names none" {
	export LEAK=1
	log_hooks createRuntime poststart
	create_container
	bryo start "$ID"
	for point in createRuntime poststart; do
		grep -qx A=1 "$LOG/$point.env"
		not grep -qE '^(LEAK|HOME|USER|LISTEN|_LIBCONTAINER)' "$LOG/$point.env"
	done
	bryo delete --force "$ID"
	config 'del(.hooks) | .hooks.createRuntime = [{path: $p}]' --arg p "$(command -v env)"
	config '.hooks.createRuntime += [{path: "/bin/sh", args: ["sh", "-c", "exit 1"]}]'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *LEAK* ]]
	has_line "hooks.createRuntime[1]"
}

@test "hooks of the runtime start in the bundle" {
	log_hooks prestart createRuntime poststart poststop
	create_container
	bryo start "$ID"
	bryo delete --force "$ID"
	for point in prestart createRuntime poststart poststop; do
		[ "$(cat "$LOG/$point.cwd")" = "$BUNDLE" ]
	done
}

# covers: hooks.*[].args hooks.*[].path
@test "args[0] is the hook's, and path is the program" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["myname", "-c", $c]}]' \
		--arg c "echo \$0 >'$LOG/all'"
	create_container
	[ "$(cat "$LOG/all")" = myname ]
}

@test "a hook that fails before the program ends creation: its output is in the error, nothing is left" {
	for point in prestart createRuntime createContainer; do
		config 'del(.hooks)'
		hook "$point" "echo the-reason; echo and-more >&2; exit 3"
		hook poststop "echo poststop-$point >>'$LOG/all'"
		run bryo create -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		has_line "hooks.${point}[0]"
		has_line "exited with status 3"
		has_line the-reason
		has_line and-more
		[ "$(tail -1 "$LOG/all")" = "poststop-$point" ]
		nothing_left
	done
}

@test "a startContainer hook that fails is an error of start, and the program never runs" {
	hook startContainer "echo the-reason; exit 3"
	create_container
	run bryo start "$ID"
	[ "$status" -eq 1 ]
	has_line "hooks.startContainer[0]"
	has_line the-reason
	wait_for_status stopped
	[ ! -e "$LOG/all" ]
	bryo delete "$ID"
}

@test "a poststart hook that fails stops and destroys the container" {
	hook poststart "echo the-reason; exit 3"
	hook poststop "echo poststop >>'$LOG/all'"
	create_container
	run bryo start "$ID"
	[ "$status" -eq 1 ]
	has_line "hooks.poststart[0]"
	has_line the-reason
	nothing_left
	[ "$(tail -1 "$LOG/all")" = poststop ]
}

@test "a poststop hook that fails is a warning, and the others still run" {
	hook poststop "echo the-reason; exit 3"
	hook poststop "echo second >>'$LOG/all'"
	config '.hooks.poststop += [{path: "/no/such/hook"}]'
	create_container
	run bryo delete "$ID"
	[ "$status" -eq 0 ]
	has_line the-reason
	has_line "hooks.poststop[2] '/no/such/hook'"
	nothing_left
	grep -q second "$LOG/all"
}

@test "a hook that is missing, or has no absolute path, is refused by name" {
	config '.hooks.createRuntime = [{path: "/no/such/hook"}]'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "hooks.createRuntime[0] '/no/such/hook'"
	nothing_left
	config '.hooks.createRuntime = [{path: "hook"}]'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "hooks.createRuntime[0].path"
	nothing_left
}

# covers: hooks.*[].timeout
@test "a timeout ends the hook and the creation" {
	hook createRuntime "echo before; exec sleep 1008"
	config '.hooks.createRuntime[0] += {timeout: 1, env: ["PATH=/bin:/usr/bin"]}'
	SECONDS=0
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ $SECONDS -le 4 ]
	has_line "hooks.createRuntime[0]"
	has_line before
	not pgrep -f "sleep 1008"
	nothing_left
	config '.hooks.createRuntime[0].timeout = 0'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "timeout"
}

@test "a timeout in the container ends the hook there too" {
	hook startContainer "exec sleep 1009"
	config '.hooks.startContainer[0].timeout = 1'
	create_container
	SECONDS=0
	run bryo start "$ID"
	[ "$status" -eq 1 ]
	[ $SECONDS -le 4 ]
	has_line "hooks.startContainer[0]"
	not pgrep -f "sleep 1009"
}

@test "a hook that never reads its state, of 4 MiB, hurts nobody" {
	head -c 3900000 /dev/zero | tr '\0' x >"$T/big"
	config '.annotations = {"big": $big}' --rawfile big "$T/big"
	for point in $POINTS; do
		hook "$point" true
	done
	hook createRuntime "wc -c >'$LOG/size'" PATH="$PATH"
	args true
	bryo run -b "$BUNDLE" "$ID"
	[ "$(cat "$LOG/size")" -gt 3900000 ]
}

@test "a hook that leaves a process behind with its output open does not hold creation up" {
	hook createRuntime "sleep 10 & echo \$! >'$LOG/pid'; exit 0" PATH="$PATH"
	SECONDS=0
	create_container
	[ $SECONDS -lt 5 ]
	kill "$(cat "$LOG/pid")"
}

@test "hooks get no descriptor of the runtime, and default signals" {
	hook createRuntime "ls /proc/self/fd >'$LOG/fds'; grep -E 'Sig(Ign|Blk)' /proc/self/status >'$LOG/sig'" PATH="$PATH"
	hook startContainer "ls /proc/self/fd >/log/fds2"
	args true
	bryo run -b "$BUNDLE" "$ID"
	[ "$(tr '\n' ' ' <"$LOG/fds")" = "0 1 2 3 " ]
	[ "$(tr '\n' ' ' <"$LOG/fds2")" = "0 1 2 3 " ]
	not grep -qE '[1-9a-f]' <(sed 's/.*://' "$LOG/sig")
}

@test "a hook may ask for the state, and sees creating" {
	hook createRuntime "'$BRYO' --root '$ROOT' state '$ID' >'$LOG/seen'"
	create_container
	[ "$(jq -r .status "$LOG/seen")" = creating ]
}

@test "createContainer sees the container's mounts, and the program what it adds" {
	requires userns
	hook createContainer "mount -t tmpfs none '$LOG' && echo here >'$LOG/made'" PATH="$PATH"
	args sh -c 'cat /log/made'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = here ]
	[ ! -e "$LOG/made" ]
}

# covers: run.oci.hooks.stdout run.oci.hooks.stderr
@test "the output of hooks goes to the files that annotations name, also from inside" {
	config '.annotations = {"run.oci.hooks.stdout": $o, "run.oci.hooks.stderr": $e}' --arg o "$T/hooks.out" --arg e "$T/hooks.err"
	echo before >"$T/hooks.out"
	hook createRuntime 'echo outside; echo trouble >&2'
	hook startContainer 'echo inside'
	args true
	bryo run -b "$BUNDLE" "$ID"
	[ "$(cat "$T/hooks.out")" = "before
outside
inside" ]
	[ "$(cat "$T/hooks.err")" = trouble ]
	config '.annotations["run.oci.hooks.stdout"] = "relative"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"annotation run.oci.hooks.stdout"*"not an absolute path"* ]]
}
