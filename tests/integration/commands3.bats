#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# Commands as runc and crun have them, beyond the plain lifecycle: pidfd sockets, --regex, log
# targets, mounts of a running container, completion, and the shape of what is printed.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup_file() {
	RECEIVER=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/receiver
	if [ ! -x "$RECEIVER" ]; then
		RECEIVER=$BATS_FILE_TMPDIR/receiver
		${CC:-cc} -D_GNU_SOURCE -O1 -o "$RECEIVER" "$BATS_TEST_DIRNAME/../lib/receiver.c"
	fi
	export RECEIVER
}

setup() {
	bryo_setup
	make_bundle
	args sleep 1000
	config '.root.readonly = false'
}

pid_of() { bryo state "$ID" | jq .pid; }

# listen KIND: $RECEIVER at $T/sock, its output in $T/got
listen() {
	timeout 20 "$RECEIVER" "$1" "$T/sock" >"$T/got" 3>&- &
	wait_for 5 test -S "$T/sock"
}

got() { wait_for 5 grep -q . "$T/got" && cat "$T/got"; }

# ------------------------------------------------------------------------------------- pidfd

# covers: create --pidfd-socket, run --pidfd-socket
@test "--pidfd-socket receives a pidfd of the first process, with the text that runc sends" {
	listen pidfd
	create_container "$ID" --pidfd-socket "$T/sock"
	[ "$(got)" = "pidfd $(pid_of)" ]
	bryo delete --force "$ID"
	rm "$T/sock"
	listen pidfd
	run_detached "$ID" --pidfd-socket "$T/sock"
	[ "$(got)" = "pidfd $(pid_of)" ]
}

# covers: run.oci.pidfd_receiver
@test "the annotation run.oci.pidfd_receiver does the same, and wants an absolute path" {
	config '.annotations["run.oci.pidfd_receiver"] = $p' --arg p "$T/sock"
	listen pidfd
	run_detached
	[ "$(got)" = "pidfd $(pid_of)" ]
	bryo delete --force "$ID"
	config '.annotations["run.oci.pidfd_receiver"] = "sock"'
	run bryo create -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "annotation run.oci.pidfd_receiver: 'sock' is not an absolute path"
	[ -z "$(bryo list -q)" ]
}

# covers: exec --pidfd-socket
@test "exec --pidfd-socket receives a pidfd of the new process" {
	run_detached
	listen pidfd
	bryo exec -d --pidfd-socket "$T/sock" --pid-file "$T/pid" "$ID" sleep 100 >/dev/null 2>&1
	[ "$(got)" = "pidfd $(cat "$T/pid")" ]
	[ "$(cat "$T/pid")" != "$(pid_of)" ]
}

@test "a pidfd socket where nobody listens is named, and nothing stays" {
	run bryo run -d -b "$BUNDLE" --pidfd-socket "$T/none" "$ID"
	[ "$status" -eq 1 ]
	has_line "pidfd socket: connect to '$T/none': No such file or directory"
	[ -z "$(bryo list -q)" ]
	run_detached
	run bryo exec --pidfd-socket "$T/none" "$ID" true
	[ "$status" -eq 255 ]
}

# ------------------------------------------------------------------------------ run, options

# covers: run --no-subreaper
@test "a foreground run adopts orphans where the container has no pid namespace, unless told not to" {
	requires userns
	config '.linux.namespaces |= map(select(.type != "pid"))
		| .mounts |= map(if .destination == "/proc"
			then {destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]} else . end)
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	args sh -c '(sleep 3 >/dev/null 2>&1 & echo $! >/tmp/p); sleep 0.2; read -r p </tmp/p
		[ "$(cut -d" " -f4 /proc/$p/stat)" = $PPID ] && echo adopted || echo left; kill $p'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$output" = adopted ]
	run --separate-stderr bryo run -b "$BUNDLE" --no-subreaper "$ID"
	[ "$output" = left ]
}

# covers: create --bundle create --config create --preserve-fds create --no-pivot create --no-subreaper
@test "create takes the options of run, before and after the ID" {
	args cat /proc/self/fd/3
	mv "$BUNDLE/config.json" "$T/other.json"
	echo passed >"$T/passed"
	timeout 20 "$BRYO" --root "$ROOT" create --config other.json --no-subreaper "$ID" --bundle "$BUNDLE" \
		--no-pivot --preserve-fds 1 </dev/null >"$T/out" 2>"$T/err" 3<"$T/passed"
	[ "$(state_of)" = created ]
	[ "$(bryo state "$ID" | jq -r .bundle)" = "$BUNDLE" ]
	bryo start "$ID"
	wait_for_status stopped
	[ "$(cat "$T/out")" = passed ]
}

# covers: plan --bundle plan --config plan --console-socket plan --pidfd-socket plan --pid-file
# covers: plan --preserve-fds plan --no-pivot plan --no-new-keyring plan --no-subreaper
@test "plan takes the options of create, and touches nothing that they name" {
	bryo plan -b "$BUNDLE" --format json "$ID" >"$T/plain"
	cp "$BUNDLE/config.json" "$T/c.json"
	bryo plan --bundle "$BUNDLE" --config "$T/c.json" --pid-file "$T/none" --preserve-fds 0 --no-subreaper \
		--format json "$ID" >"$T/same"
	cmp "$T/plain" "$T/same"
	[ ! -e "$T/none" ]
	run bryo plan -b "$BUNDLE" --console-socket "$T/none" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"there is no terminal to send"* ]]
	run bryo plan -b "$BUNDLE" --pidfd-socket "$T/none" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"$T/none"*"No such file"* ]]
	bryo plan -b "$BUNDLE" --no-pivot --no-new-keyring --format json "$ID" >"$T/other"
	not cmp -s "$T/plain" "$T/other"
}

# covers: exec --pid-file
@test "exec --pid-file has the host's number of the new process, and no newline" {
	run_detached
	bryo exec -d --pid-file pid "$ID" sleep 100 >/dev/null 2>&1
	[ "$(wc -l <pid)" -eq 0 ]
	[ "$(tr '\0' ' ' <"/proc/$(cat pid)/cmdline")" = "sleep 100 " ]
	[ "$(cat pid)" != "$(pid_of)" ]
}

@test "options are not abbreviated: no caller does, and a new option would change the meaning" {
	args true
	run bryo run --bund "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "unknown option '--bund'"
	run bryo delete --forc "$ID"
	[ "$status" -eq 1 ]
	bryo create -bundle "$BUNDLE" "$ID" >/dev/null 2>&1 # Go's spelling is none
}

# ------------------------------------------------------------------------------------- regex

# covers: kill --regex, delete --regex
@test "kill and delete --regex mean every container with a match; what fails is a warning" {
	run_detached a-1
	run_detached a-2
	run_detached b-1
	run bryo kill --regex '^a-[0-9]+$' KILL
	[ "$status" -eq 0 ]
	wait_for_status stopped a-1
	wait_for_status stopped a-2
	[ "$(state_of b-1)" = running ]

	run bryo kill -r '1$' 0
	[ "$status" -eq 0 ]
	has_line "warning: container 'a-1' is not running"
	not has_line b-1

	run bryo delete -r '.'
	[ "$status" -eq 0 ]
	has_line "warning:"
	has_line "b-1"
	[ "$(bryo list -q)" = b-1 ]
	bryo delete -f -r '^b|^none'
	[ -z "$(bryo list -q)" ]
}

@test "without --regex an ID is no pattern, and a bad pattern is refused" {
	run_detached a-1
	run bryo kill 'a-.' KILL
	[ "$status" -eq 1 ]
	[ "$(state_of a-1)" = running ]
	run bryo delete -f -r '('
	[ "$status" -eq 1 ]
	has_line "'(' is not a regular expression"
	[ "$(state_of a-1)" = running ]
}

# ----------------------------------------------------------------------------- what is printed

@test "state and list have the keys of runc and of crun" {
	config '.annotations = {"a.b": "c"}'
	run_detached
	bryo state "$ID" | jq -e '
		(["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "systemd-scope",
		  "owner", "annotations"] - keys) == []
		and (.pid | type) == "number" and .annotations == {"a.b": "c"} and .["systemd-scope"] == ""' >"$T/ok"
	bryo list -f json | jq -e --arg id "$ID" '
		length == 1 and .[0].id == $id
		and (["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner"]
			- (.[0] | keys)) == []' >"$T/ok"
}

@test "state and list have every key that the installed runc and crun print" {
	local runtime

	run_detached
	bryo state "$ID" | jq -S keys >"$T/ours"
	requires root
	for runtime in runc crun; do
		command -v $runtime >/dev/null || continue
		jq '.process.args = ["sleep", "5"]' "$BUNDLE/config.json" >"$T/c" && mv "$T/c" "$BUNDLE/config.json"
		timeout 20 $runtime --root "$T/peer" run -d -b "$BUNDLE" p </dev/null >/dev/null 2>&1 3>&- || continue
		timeout 20 $runtime --root "$T/peer" state p | jq -S keys >"$T/theirs"
		timeout 20 $runtime --root "$T/peer" delete -f p
		jq -ne --slurpfile a "$T/ours" --slurpfile b "$T/theirs" '$b[0] - $a[0] == []' ||
			{ cat "$T/ours" "$T/theirs" >&2; false; }
	done
}

# covers: ps --format
@test "ps prints the rows of ps, or an array of numbers" {
	run_detached
	[ "$(bryo ps -f json "$ID" | jq -c .)" = "[$(pid_of)]" ]
	run bryo ps "$ID"
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} == *PID* && ${lines[1]} == *"sleep 1000"* ]]
	run bryo ps "$ID" -o pid,comm
	[ "$(awk '{ print $1, $2 }' <<<"${lines[1]}")" = "$(pid_of) sleep" ]
}

@test "features has every member of the 1.3 schema, with its type" {
	bryo features >"$T/f"
	jq -e '
		def strings: type == "array" and all(.[]; type == "string") and (unique | length) == length;
		def on: type == "object" and (.enabled | type) == "boolean";
		keys == ["annotations", "hooks", "linux", "mountOptions", "ociVersionMax", "ociVersionMin",
			"potentiallyUnsafeConfigAnnotations"]
		and .ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0"
		and .hooks == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
		and (.mountOptions | strings) and (.mountOptions | length) > 55
		and (.potentiallyUnsafeConfigAnnotations | strings)
		and (.annotations | all(.[]; type == "string"))' "$T/f"
	jq -e '
		def strings: type == "array" and all(.[]; type == "string") and (unique | length) == length;
		def on: type == "object" and (.enabled | type) == "boolean";
		.linux | keys == ["apparmor", "capabilities", "cgroup", "intelRdt", "memoryPolicy", "mountExtensions",
			"namespaces", "netDevices", "seccomp", "selinux"]
		and (.namespaces | strings) and (.namespaces | sort)
			== ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]
		and (.capabilities | strings) and (.capabilities | contains(["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"]))
		and (.cgroup | keys == ["rdma", "systemd", "systemdUser", "v1", "v2"] and all(.[]; type == "boolean"))
		and (.apparmor | on) and (.selinux | on) and (.netDevices | on)
		and (.intelRdt | on and keys == ["enabled", "monitoring", "schemata"])
		and (.memoryPolicy | keys == ["flags", "modes"] and all(.[]; strings))
		and (.mountExtensions | keys == ["idmap"] and (.idmap | on))
		and (.seccomp | on) and (.seccomp | (.enabled | not) or
			([.actions, .operators, .archs, .knownFlags, .supportedFlags] | all(.[]; strings)))' "$T/f"
}

@test "features has the annotations that engines read, and warns of those that change what runs" {
	bryo features | jq -e '
		.annotations["org.opencontainers.runc.checkpoint.enabled"] == "false"
		and .annotations["run.oci.crun.checkpoint.enabled"] == "false"
		and (.annotations["org.bryo.version"] | length) > 0
		and (["org.bryo.", "org.systemd.property.", "run.oci."] - .potentiallyUnsafeConfigAnnotations) == []'
}

@test "checkpoint and restore are refused, also when only help is asked for" {
	local verb

	for verb in checkpoint restore; do
		run bryo $verb --help
		[ "$status" -eq 1 ]
		has_line "$verb is not supported"
		run bryo $verb --image-path "$T" "$ID"
		[ "$status" -eq 1 ]
		run bryo help $verb
		[ "$status" -eq 1 ]
	done
	run bryo --help
	not has_line checkpoint
}

# ---------------------------------------------------------------------------------------- logs

# covers: --log, --log-format
@test "--log takes file:PATH, and JSON lines have level, msg and an RFC 3339 time" {
	run bryo --log "file:$T/log" --log-format json state none
	[ "$status" -eq 1 ]
	[ "$output" = "bryo: container 'none' does not exist [bryo list shows those that do; each --root has its own]" ]
	jq -es 'length == 1 and (.[0] | keys == ["level", "msg", "time"] and .level == "error"
		and (.msg | startswith("container")) and (.time | fromdateiso8601) > 1600000000)' "$T/log"
	bryo --log "$T/log" state none 2>/dev/null || true
	[ "$(wc -l <"$T/log")" -eq 2 ]
	grep -qE '^time="[0-9TZ:-]+" level=error msg="container' "$T/log"
}

# with_daemon SOCKET ARG...: bryo with somebody listening at SOCKET, in a mount namespace where
# /run and /dev are our own
with_daemon() {
	requires userns
	mkdir -p "$T/host-dev"
	unshare --mount --map-root-user bash -c '
		mount --rbind /dev "$T/host-dev" && mount -t tmpfs none /run && mount -t tmpfs none /dev || exit 99
		mkdir -p /run/systemd/journal && touch /dev/null && mount --bind "$T/host-dev/null" /dev/null || exit 99
		[ "$1" = none ] || "$RECEIVER" datagrams "$1" >"$T/got" &
		[ "$1" = none ] || until [ -S "$1" ]; do sleep 0.05; done
		shift
		timeout 20 "$BRYO" --root "$ROOT" "$@"
		echo "status $?"
		wait' - "$@" 3>&-
}

@test "--log journald:ID writes to the journal's own socket" {
	export T ROOT
	run with_daemon /run/systemd/journal/socket --log journald:abc state none
	has_line "status 1"
	has_line "bryo: container 'none' does not exist"
	grep -qx 'PRIORITY=3' "$T/got"
	grep -qx 'ID=abc' "$T/got"
	grep -qx 'SYSLOG_IDENTIFIER=bryo' "$T/got"
	grep -q "^MESSAGE=container 'none' does not exist" "$T/got"
}

@test "--log syslog:ID writes to /dev/log" {
	export T ROOT
	run with_daemon /dev/log --log syslog:abc state none
	has_line "status 1"
	grep -qE "^<11>abc\[[0-9]+\]: container 'none' does not exist" "$T/got"
}

@test "--log without a daemon, or without an identifier, says so" {
	export T ROOT
	run with_daemon none --log journald:abc list
	has_line "status 1"
	has_line "--log journald:abc: connect to '/run/systemd/journal/socket': No such file or directory"
	run bryo --log syslog: list
	[ "$status" -eq 1 ]
	has_line "--log syslog:: an identifier has to follow"
}

# -------------------------------------------------------------------------------------- mounts

# covers: mounts --source, mounts --target, mounts --type, mounts --options
@test "mounts add and remove, by options, in a running container" {
	mkdir src
	echo hello >src/file
	run_detached
	bryo mounts add "$ID" --source src --target /mnt/a/b --type bind --options ro,nosuid
	[ "$(bryo exec "$ID" cat /mnt/a/b/file)" = hello ]
	run bryo exec "$ID" touch /mnt/a/b/new
	[ "$status" -ne 0 ]
	has_line "Read-only file system"
	bryo exec "$ID" grep ' /mnt/a/b ' /proc/self/mountinfo | grep -q 'ro,nosuid'

	bryo mounts add -s src/file --target /etc/one "$ID"
	[ "$(bryo exec "$ID" cat /etc/one)" = hello ]
	echo more >>src/file
	[ "$(bryo exec "$ID" wc -l /etc/one)" = "2 /etc/one" ]

	bryo mounts add "$ID" -t tmpfs --target /mnt/t -o size=64k -o mode=700,noexec
	bryo exec "$ID" grep -E ' /mnt/t .*noexec.* tmpfs .*size=64k,mode=700' /proc/self/mountinfo

	bryo mounts remove "$ID" --target /mnt/a/b
	bryo mounts remove --target=/etc/one "$ID"
	bryo mounts remove "$ID" --target /mnt/t
	run bryo exec "$ID" grep -cE ' (/mnt/|/etc/one)' /proc/self/mountinfo
	[ "$output" = 0 ]
	[ -z "$(bryo exec "$ID" ls /mnt/a/b)" ]
}

@test "mounts takes crun's file, from a name or standard input" {
	mkdir one two
	touch one/1 two/2
	jq -n --arg t "$T" '[{destination: "/m/1", type: "bind", source: ($t + "/one"), options: ["bind", "ro"]},
		{destination: "/m/2", type: "none", source: "two", options: ["rbind"]}]' >"$T/mounts"
	run_detached
	bryo mounts add "$ID" "$T/mounts"
	bryo exec "$ID" ls /m/1/1 /m/2/2
	bryo mounts remove "$ID" - <"$T/mounts"
	run bryo exec "$ID" ls /m/1 /m/2
	not has_line 2/2
}

@test "if one of several mounts fails, none is kept" {
	mkdir one
	jq -n --arg t "$T" '[{destination: "/m/1", source: ($t + "/one"), options: ["bind"]},
		{destination: "/etc/passwd/x", source: ($t + "/one"), options: ["bind"]}]' >"$T/mounts"
	run_detached
	run bryo mounts add "$ID" "$T/mounts"
	[ "$status" -eq 1 ]
	has_line "mount '/etc/passwd/x'"
	run bryo exec "$ID" grep -c ' /m/1 ' /proc/self/mountinfo
	[ "$output" = 0 ]
}

@test "targets of mounts are resolved inside the container, and links are not followed to remove" {
	mkdir outside src
	touch src/file
	run_detached
	bryo exec "$ID" ln -s "$T/outside" /evil
	bryo exec "$ID" ln -s ../../../../../.. /up
	bryo exec "$ID" ln -s /proc /link
	bryo mounts add "$ID" --source src --target /evil/x
	bryo mounts add "$ID" --source src --target "/up/$T/outside/y"
	[ -z "$(ls "$T/outside")" ]
	bryo exec "$ID" ls "$T/outside/x/file" "$T/outside/y/file"
	run bryo mounts remove "$ID" --target /link
	[ "$status" -eq 1 ]
	has_line "nothing is mounted there"
	bryo exec "$ID" ls /proc/self
}

@test "sources of mounts are opened with the caller's rights" {
	requires user
	requires_foreign_secret
	run_detached
	run bryo mounts add "$ID" --source /root/. --target /mnt
	[ "$status" -eq 1 ]
	has_line "open the source '/root/.': Permission denied"
}

requires_foreign_secret() { not test -x /root || skip "needs a /root that is closed"; }

@test "what is mounted in the container does not reach the host through a shared source" {
	requires root
	mkdir -p src/sub
	export T ROOT BUNDLE ID
	run unshare --mount bash -c '
		mount --bind "$T/src" "$T/src" && mount --make-shared "$T/src" || exit 99
		b() { timeout 20 "$BRYO" --root "$ROOT" "$@"; }
		b run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &&
		b mounts add "$ID" --source "$T/src" --target /mnt &&
		b exec --cap CAP_SYS_ADMIN "$ID" mount -t tmpfs none /mnt/sub &&
		b exec "$ID" grep -c " /mnt/sub " /proc/self/mountinfo
		grep -c " $T/src/sub " /proc/self/mountinfo
		b delete -f "$ID"' 3>&-
	[ "$output" = "1
0" ]
}

@test "mounts: what cannot be done is named" {
	fails() { # fails TEXT ARG...
		local text=$1

		shift
		run bryo mounts "$@"
		[ "$status" -eq 1 ] || { echo "mounts $*: status $status" >&2; return 1; }
		has_line "$text"
	}
	fails "container '$ID' does not exist" add "$ID" --source / --target /x
	run_detached
	fails "'move' is neither add nor remove" move "$ID" --target /x
	fails "--target is missing" add "$ID" --source /
	fails "FILE and options exclude each other" add "$ID" file --target /x
	fails "mount '/x': open the source '$T/none': No such file or directory" add "$ID" --source none --target /x
	fails "mount '/x': a procfs can only be mounted while the container is created" add "$ID" -t proc --target /x
	fails "only a procfs can be mounted on /proc" add "$ID" -s / --target /proc
	fails "a bind mount needs a source" add "$ID" --target /x
	fails "mount '/bin': nothing is mounted there" remove "$ID" --target /bin
	echo '{"a": 1}' >"$T/m"
	fails "wants an array of mounts, found an object" add "$ID" "$T/m"
	echo '[{"type": "tmpfs"}]' >"$T/m"
	fails "the field 'destination' is missing" add "$ID" "$T/m"
	bryo kill "$ID" KILL
	wait_for_status stopped
	fails "it is not running" add "$ID" --source / --target /x
}

# ---------------------------------------------------------------------------------- completion

# complete WORD...: what bash offers for the last word
complete() {
	bash --norc -c 'source <("$1" completion bash) && shift && COMP_WORDS=("$@") &&
		COMP_CWORD=$(($# - 1)) && _bryo && printf "%s\n" "${COMPREPLY[@]}"' - "$BRYO" "$@" 3>&-
}

@test "completion bash: commands, options, choices, files and IDs" {
	[ "$(complete bryo sta)" = "$(printf 'start\nstate\nstats')" ]
	[ "$(complete bryo --log-f)" = --log-format ]
	[ "$(complete bryo --log-format '')" = "$(printf 'text\njson')" ]
	[ "$(complete bryo --log-format = j)" = json ]
	[ "$(complete bryo --log-format json create --pidfd)" = --pidfd-socket ]
	[ "$(complete bryo list -f t)" = table ]
	[ "$(complete bryo completion z)" = zsh ]
	[ "$(complete bryo mounts r)" = remove ]
	mkdir "$T/a-dir"
	touch "$T/a-file"
	[ "$(complete bryo create -b "$T/a-")" = "$T/a-dir" ]
	[ "$(complete bryo create -f "$T/a-" | sort)" = "$(printf '%s\n' "$T/a-dir" "$T/a-file")" ]
	create_container one
	create_container two
	[ "$(complete "$BRYO" --root "$ROOT" kill '')" = "$(printf 'one\ntwo')" ]
	[ "$(complete "$BRYO" --root = "$ROOT" mounts add t)" = two ]
	[ -z "$(complete "$BRYO" --root "$ROOT" kill one '')" ]
}

@test "completion bash offers exactly the options of --help" {
	local command

	for command in run create exec kill delete list ps spec plan mounts sandbox; do
		diff <(complete bryo $command - | sort) \
			<(bryo help $command | awk '/^Options/ { on = 1; next } on && match($0, /--[a-z-]+/) &&
				$1 ~ /^-/ { print substr($0, RSTART, RLENGTH) }' | sort)
	done
}

@test "completion fish: commands, options and choices" {
	requires cmd:fish
	bryo completion fish >"$T/fish"
	offers() { HOME=$T fish --no-config -c "source $T/fish; complete -C '$1'" 3>&- | cut -f1 | sort; }
	[ "$(offers 'bryo sta')" = "$(printf 'start\nstate\nstats')" ]
	[ "$(offers 'bryo create --pidfd')" = --pidfd-socket ]
	[ "$(offers 'bryo list --format ')" = "$(printf 'json\ntable')" ]
	[ "$(offers 'bryo mounts r')" = remove ]
}

@test "completion zsh is a script that zsh takes, with every command and option" {
	local command option

	bryo completion zsh >"$T/zsh"
	[ "$(head -n 1 "$T/zsh")" = "#compdef bryo" ]
	for command in run create exec mounts completion; do
		grep -q "^[[:space:]]$command) _arguments" "$T/zsh"
		for option in $(bryo help $command | awk '/^Options/ { on = 1; next } on && match($0, /--[a-z-]+/) &&
			$1 ~ /^-/ { print substr($0, RSTART, RLENGTH) }'); do
			grep -qe "${option}[=[}]" "$T/zsh" || { echo "$command $option" >&2; false; }
		done
	done
	requires cmd:zsh
	zsh -f -c 'autoload -U compinit && compinit -u -D && source "$1" && [[ $_comps[bryo] == _bryo ]]' - "$T/zsh"
}

@test "completion of another shell is refused" {
	run bryo completion tcsh
	[ "$status" -eq 1 ]
	has_line "'tcsh' is not one of bash, zsh, fish"
}
