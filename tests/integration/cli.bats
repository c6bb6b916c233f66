#!/usr/bin/env bats
# The command line by itself: whatever needs no container.

bats_require_minimum_version 1.5.0
load ../lib/bryo

COMMANDS="run sandbox create start exec kill delete state list ps features spec plan"

setup() { bryo_setup; }
teardown() { bryo_teardown; }

# fails_with STATUS TEXT ARG...: the exit code, TEXT on stderr, nothing on stdout
fails_with() {
	local want=$1 text=$2

	shift 2
	run --separate-stderr bryo "$@"
	if [ "$status" -ne "$want" ] || [ -n "$output" ] || [[ $stderr != *"$text"* ]]; then
		printf 'bryo %s: status %s\nstdout: %s\nstderr: %s\nwanted: %s\n' \
			"$*" "$status" "$output" "$stderr" "$text" >&2
		return 1
	fi
}

# --------------------------------------------------------------------- help and version

# covers: --version
@test "the first line of --version is 'bryo version X'" {
	run --separate-stderr "$BRYO" --version
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^bryo\ version\ [0-9]+\.[0-9]+ ]]
	[ -z "$stderr" ]
}

@test "--version names the runtime-spec and what was compiled in" {
	run "$BRYO" --version
	grep -qE '^spec: 1\.[0-9]+\.[0-9]+$' <<<"$output"
	grep -qE '^\+[A-Z]' <<<"$output"
}

@test "-v and -V are --version" {
	[ "$("$BRYO" -v)" = "$("$BRYO" --version)" ]
	[ "$("$BRYO" -V)" = "$("$BRYO" --version)" ]
}

@test "--help is on stdout and lists every command" {
	run --separate-stderr "$BRYO" --help
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for command in $COMMANDS; do
		grep -qE "^  $command +[a-z]" <<<"$output"
	done
}

@test "every command has --help, -h and help COMMAND" {
	for command in $COMMANDS; do
		run --separate-stderr "$BRYO" "$command" --help
		[ "$status" -eq 0 ]
		[[ ${lines[0]} == "usage: bryo $command"* ]]
		[ -z "$stderr" ]
		[ "$("$BRYO" "$command" -h)" = "$output" ]
		[ "$("$BRYO" help "$command")" = "$output" ]
		[ "$("$BRYO" h "$command")" = "$output" ]
	done
}

@test "help wins over arguments that are missing" {
	run "$BRYO" kill --all --help
	[ "$status" -eq 0 ]
	has_line "usage: bryo kill"
}

# ------------------------------------------------------------------------- usage errors

@test "no command is a usage error" {
	fails_with 1 "a command is missing"
	[[ $stderr == *"usage: bryo "* ]]
}

@test "an unknown command is named" {
	fails_with 1 "unknown command 'bogus'" bogus
	fails_with 1 "unknown command 'bogus'" help bogus
}

@test "an unknown command with --help fails, which is how Podman asks" {
	fails_with 1 "unknown command 'frobnicate'" frobnicate --help
}

@test "an unknown option is named, with the way to the help and the usage line" {
	fails_with 1 "unknown option '--bogus' [see 'bryo create --help']" create --bogus "$ID"
	[[ $stderr == *"usage: bryo create [OPTIONS] ID"* ]]
	[ "$(wc -l <<<"$stderr")" -eq 2 ]
	fails_with 1 "unknown option '--bogus' [see 'bryo --help']" --bogus list
}

@test "the value of an unknown option is not repeated" {
	fails_with 1 "unknown option '--token'" run --token=secret "$ID"
	[[ $stderr != *secret* ]]
}

@test "options after the ID are read" {
	fails_with 1 "unknown option '--bogus'" create "$ID" --bogus
	bryo delete "$ID" --force
}

@test "a missing ID is a usage error" {
	for command in run create start exec kill delete state ps; do
		fails_with 1 "$command: the container's ID is missing" "$command"
	done
}

@test "a superfluous argument is named" {
	fails_with 1 "unexpected argument 'b'" create a b
	fails_with 1 "unexpected argument 'x'" list x
	fails_with 1 "unexpected argument '2'" kill a 1 2
}

@test "a value that is missing or wrong is a usage error" {
	fails_with 1 "option '--bundle' needs a value: DIR" create "$ID" --bundle
	fails_with 1 "'xml' is not one of table|json" list --format xml
	fails_with 1 "'-1' is not a number" create --preserve-fds=-1 "$ID"
	fails_with 1 "'maybe' is neither true nor false" delete --force=maybe "$ID"
}

# covers: --log-level
@test "global options are checked" {
	fails_with 1 "'perhaps' is not one of true|false|auto" --rootless perhaps list
	fails_with 1 "'none' is not one of cgroupfs|systemd|disabled" --cgroup-manager none list
	fails_with 1 "'xml' is not one of text|json" --log-format=xml list
	fails_with 1 "'loud' is not one of" --log-level loud list
}

# covers: --rootless --cgroup-manager --debug
@test "what callers of runc and crun give before the command is accepted" {
	for option in --rootless=true --rootless=false "--rootless auto" --cgroup-manager=disabled \
		--debug=false --systemd-cgroup=false -log-format=json; do
		# shellcheck disable=SC2086
		bryo $option list
	done
}

# covers: --systemd-cgroup
@test "--systemd-cgroup concerns only what makes a container" {
	bryo --systemd-cgroup list
}

# ------------------------------------------------------------------- commands without a container

@test "an unknown container is named by every command" {
	for command in start state "kill" "ps --format json" delete; do
		# shellcheck disable=SC2086
		fails_with 1 "$ID" $command "$ID"
	done
}

@test "an id that is none is refused" {
	for id in ../x . .. a/b 'a b' ''; do
		run --separate-stderr bryo state "$id"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
	done
}

@test "delete --force of an unknown container is success" {
	run bryo delete --force "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "exec: set-up failures exit 255, usage errors 1" {
	fails_with 255 "$ID" exec "$ID" true
	fails_with 1 "a command is missing" exec "$ID"
	fails_with 1 "unknown option '--bogus'" exec --bogus "$ID" true
	fails_with 1 "next to --process" exec --process p.json "$ID" true
	fails_with 1 "'x' is not a group ID" exec -g x "$ID" true
}

@test "exec: what follows the command is the command's" {
	fails_with 255 "$ID" exec -t "$ID" true --bogus -t -- -x
}

@test "kill: an unknown signal is named before the container is looked for" {
	fails_with 1 "unknown signal 'FOO'" kill "$ID" FOO
	fails_with 1 "unknown signal '65'" kill "$ID" 65
	fails_with 1 "unknown option '-9'" kill "$ID" -9
}

@test "kill: names, numbers and --all after the ID are understood" {
	for signal in KILL SIGKILL kill 9 0 RTMIN+1 SIGRTMAX-1; do
		fails_with 1 "$ID" kill "$ID" "$signal" --all
		[[ $stderr != *"unknown signal"* ]]
	done
}

@test "list: no containers is the heading, an empty array, nothing" {
	run bryo list
	[ "$status" -eq 0 ]
	[ "$output" = "ID          PID         STATUS      BUNDLE      CREATED     OWNER" ]
	[ "$(bryo list --format json)" = "[]" ]
	[ -z "$(bryo list -q)" ]
}

# covers: --root
@test "list: a named state directory must exist, and is not made" {
	ROOT=$T/none fails_with 1 "$T/none" list
	[ ! -e "$T/none" ]
}

@test "list: a default state directory that does not exist yet is an empty list" {
	[ "$(id -u)" -ne 0 ] || ! in_initial_userns || [ ! -e /run/bryo ] || skip "needs no /run/bryo"
	run "$BRYO" list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[ ! -e "$XDG_RUNTIME_DIR/bryo" ]
}

@test "features is valid JSON with the versions" {
	bryo features | jq -e '.ociVersionMin and .ociVersionMax'
}

@test "run: neither config.json nor --rootfs" {
	fails_with 1 "config.json" run "$ID"
	[[ $stderr == *"bryo spec"* ]]
	[ -z "$(ls -A "$ROOT")" ]
}

# covers: run --rootfs
@test "run: a command without --rootfs, or with a config.json, a rootfs that does not exist" {
	fails_with 1 "unexpected argument 'id' without --rootfs" run "$ID" -- id
	fails_with 1 "unexpected argument 'id' with a config.json" run --rootfs . -f c.json "$ID" -- id
	fails_with 1 "rootfs '$T/none': No such file or directory" run --rootfs "$T/none" "$ID"
	[ -z "$(ls -A "$ROOT")" ]
}

# covers: plan --rootfs plan --format
@test "plan --rootfs prints text, and JSON for programs" {
	mkdir rootfs
	[ -n "$(bryo plan --rootfs rootfs)" ]
	bryo plan --rootfs rootfs --format json "$ID" -- id -u | jq -e 'type == "object"'
	[ -z "$(ls -A "$ROOT")" ]
}

# ---------------------------------------------------------------------------------- spec

@test "spec writes a config.json, and does not overwrite one" {
	bryo spec
	jq -e '.process.args == ["sh"] and .root.path == "rootfs" and .process.terminal' config.json
	cp config.json before
	fails_with 1 "File config.json exists. Remove it first" spec
	cmp config.json before
}

@test "spec does not write through a dangling link" {
	ln -s "$T/elsewhere" config.json
	fails_with 1 "File config.json exists. Remove it first" spec
	[ ! -e "$T/elsewhere" ]
}

# covers: spec --bundle
@test "spec --bundle writes there" {
	mkdir sub
	bryo spec --bundle sub
	[ -s sub/config.json ]
	fails_with 1 "bundle 'none': No such file or directory" spec -b none
}

# covers: spec --file
@test "spec --file overwrites, relative to the bundle, and - prints" {
	mkdir sub
	echo old >sub/other.json
	bryo spec -b sub -f other.json
	jq -e .ociVersion sub/other.json
	[ ! -e sub/config.json ]
	bryo spec --file - | cmp - sub/other.json
}

@test "spec leaves no half a file behind" {
	# shellcheck disable=SC2016
	run bash -c 'trap "" XFSZ; ulimit -f 0; exec "$@"' -- "$BRYO" spec
	[ "$status" -eq 1 ]
	has_line "'config.json': write: File too large"
	[ ! -e config.json ]
}

# covers: spec --rootless
@test "spec --rootless is runc's: the caller's identity map, no network namespace, /sys bound" {
	bryo spec --rootless
	jq -e --argjson u "$(id -u)" --argjson g "$(id -g)" '
		.linux.uidMappings == [{containerID: 0, hostID: $u, size: 1}] and
		.linux.gidMappings == [{containerID: 0, hostID: $g, size: 1}] and
		([.linux.namespaces[].type] | index("user") != null and index("network") == null) and
		(.mounts[] | select(.destination == "/sys") | .type == "none" and (.options | index("rbind") != null))' \
		config.json
}

@test "spec of an ordinary user: own network, all of the caller's IDs" {
	requires user
	bryo spec
	jq -e '([.linux.namespaces[].type] | index("user") != null and index("network") != null) and
		(.linux.uidMappings // [] | length) == 0' config.json
}

@test "spec of root is runc's: no user namespace" {
	requires root
	bryo spec
	jq -e '[.linux.namespaces[].type] | index("user") == null and index("network") != null' config.json
}

# ----------------------------------------------------------------------------------- log

@test "an error is one line on stderr that begins with the program's name" {
	fails_with 1 "$ID" state "$ID"
	[[ $stderr == "bryo: "* ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "--log-format json without a log file is JSON on stderr" {
	run --separate-stderr bryo --log-format json state "$ID"
	[ "$status" -eq 1 ]
	jq -e --arg id "$ID" '.level == "error" and (.msg | contains($id)) and
		(.time | fromdateiso8601 > 0)' <<<"$stderr"
}

# covers: --log --log-format
@test "--log FILE in JSON has the error, which stderr repeats plainly" {
	run --separate-stderr bryo --log log --log-format=json state "$ID"
	[ "$status" -eq 1 ]
	[ "$stderr" = "bryo: $(tail -n 1 log | jq -r .msg)" ]
	[ "$(tail -n 1 log | jq -r .level)" = error ]
}

# covers: --log
@test "with --log FILE a warning is in the file alone: stderr is the container's" {
	make_bundle
	args true
	config '.process.capabilities.bounding += ["CAP_FROM_THE_FUTURE"]'
	run --separate-stderr bryo --log log --log-format json run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	grep '"level":"warning"' log | grep -q CAP_FROM_THE_FUTURE
}

@test "--log FILE in text is written as runc writes it" {
	run bryo --log=log state "$ID"
	[ "$status" -eq 1 ]
	grep -qE '^time="[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z" level=error msg=".*'"$ID" log
}

@test "usage errors reach the log file too" {
	run bryo --log log --log-format json create --bogus
	[ "$status" -eq 1 ]
	jq -e '.msg | contains("--bogus")' log
}

@test "--log appends, and makes the file readable" {
	run bryo --log log state "$ID"
	run bryo --log log state "$ID"
	[ "$(grep -c level=error log)" -eq 2 ]
	[ "$(stat -c %a log)" = 644 ]
}

@test "a log file that cannot be opened is an error of its own" {
	fails_with 1 "open the log file '$T/none/log'" --log "$T/none/log" list
}

@test "a hostile argument does not reach the terminal as control characters" {
	run --separate-stderr bryo state $'x\e[31m\ny'
	[ "$status" -eq 1 ]
	[[ $stderr != *$'\e'* ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

# --------------------------------------------------------------------------- descriptors

@test "an answer that cannot be written is an error" {
	for command in list features --help "spec -f -" --version; do
		# shellcheck disable=SC2016,SC2086
		run bash -c '"$@" >/dev/full' -- "$BRYO" --root "$ROOT" $command
		[ "$status" -eq 1 ]
		has_line "standard output"
	done
}

@test "closed standard descriptors are not mistaken for files" {
	# shellcheck disable=SC2016
	bash -c '"$@" <&- >&- 2>&-' -- "$BRYO" --root "$ROOT" --log log list
	# shellcheck disable=SC2016
	run bash -c '"$@" <&- >&- 2>&-' -- "$BRYO" --root "$ROOT" --log log --log-format json state "$ID"
	[ "$status" -eq 1 ]
	[ "$(wc -l <log)" -eq 1 ]
}
