#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154
# Podman with bryo as its runtime: as an ordinary user, and as root. What it needs:
#	- rootless/containers.conf.d/bryo.conf: errors as JSON, and --cgroups=disabled;
#	- an instance of its own needs no session: --cgroup-manager cgroupfs, --events-backend file,
#	  own directories; the network is none, because this is about the runtime.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load engines

setup_file() {
	local who

	world_start
	[ -n "$W" ] && command -v podman conmon >/dev/null || return 0
	for who in root ${BRYO_TEST_USER:+user}; do
		podman_of "$who" import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' "$W/image.tar" mini >"$W/import.log" 2>&1 ||
			{ cat "$W/import.log" >&2; return 1; }
	done
}

teardown_file() { world_end; }

setup() {
	bryo_setup
	requires root cmd:podman cmd:conmon cmd:expect
	N=(--network none)
}

teardown() {
	bryo_teardown
	[ -z "${WHO-}" ] || podman rm --all --force --time 0 >/dev/null 2>&1
}

podman_of() {
	local who=$1

	shift
	inside "$who" podman --root "$W/$who/graph" --runroot "$W/$who/runroot" --tmpdir "$W/$who/podman" \
		--network-config-dir "$W/$who/net" --runtime "$W/bin/bryo" --cgroup-manager cgroupfs \
		--events-backend file --storage-driver "$(cat "$W/driver")" --log-level error "$@"
}

podman() { podman_of "$WHO" "$@"; }

# terminal WORDS WORD...: podman WORD..., at a terminal at which WORDS are typed
terminal() {
	local words=$1

	shift
	export -f podman_of inside
	typed "$words" env WHO="$WHO" bash -c 'podman_of "$WHO" "$@"' bash "$@"
}

as_root() { WHO=root; }

as_ordinary() {
	requires_test_user
	WHO=user
}

# fails STATUS TEXT PODMAN-WORD...: what the user of Podman sees
fails() {
	local want=$1 text=$2

	shift 2
	status=0
	output=$(podman "$@" 2>&1) || status=$? # bats' run warns of 127
	[ "$status" -eq "$want" ] || { printf '%s: status %s\n%s\n' "$*" "$status" "$output" >&2; return 1; }
	has_line "$text"
	# Podman took the text apart: what is raw begins with our name
	not grep -q 'bryo: bryo:' <<<"$output"
}

# -------------------------------------------------------------- what both have to do

check_run() {
	run --separate-stderr podman run --rm "${N[@]}" "$@" mini sh -c 'id -u; pwd; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = "$(printf '0\n/')" ]
	[ -z "$stderr" ]
	run --separate-stderr podman run --rm -i "${N[@]}" "$@" mini sh -c 'cat; echo error >&2' <<<"some input"
	[ "$status" -eq 0 ]
	[ "$output" = "some input" ]
	[ "$stderr" = error ]
	[ -z "$(podman ps --all --quiet)" ]
}

check_options() {
	mkdir "$W/$WHO/data"
	echo kept >"$W/$WHO/data/file"
	chmod 755 "$W/$WHO/data"
	# nproc, because Podman's own is more than a root without CAP_SYS_RESOURCE may set
	N+=(--ulimit nofile=100:200 --ulimit nproc=999:999)
	run podman run --rm "${N[@]}" --init --read-only --tmpfs /t --hostname box --user 5:6 --cap-drop all \
		--security-opt no-new-privileges -v "$W/$WHO/data:/data:ro" mini sh -c '
		hostname; id -u; id -g; ulimit -n; cat /data/file; touch /t/new && echo tmpfs; touch /new || echo read-only
		grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; cat /proc/1/cmdline | tr "\0" " "'
	rm -rf "$W/$WHO/data"
	[ "$status" -eq 0 ]
	local line
	for line in box 5 6 100 kept tmpfs read-only $'CapBnd:\t0000000000000000' $'NoNewPrivs:\t1' $'Seccomp:\t2' \
		podman-init; do
		has_line "$line"
	done
}

check_terminal() {
	run terminal hello run --rm -it "${N[@]}" mini sh -c "$AT_TERMINAL"
	[ "$status" -eq 5 ]
	has_line /dev/pts/0
	has_line "33 99"
	has_line "got <hello>"
}

# Podman takes the log apart only where the error is all that is in it: no limits, no warning of one.
check_codes() {
	N+=(--cgroups=disabled)
	fails 127 "executable file not found in \$PATH" run --rm "${N[@]}" mini no-such-program
	fails 127 "no such file or directory" run --rm "${N[@]}" mini /no/such/program
	fails 126 "permission denied" run --rm "${N[@]}" mini /etc
	fails 126 "permission denied" run --rm "${N[@]}" mini /etc/passwd
	[ -z "$(podman ps --all --quiet)" ]
}

check_exec() {
	podman run --detach --name box "${N[@]}" mini sleep 1000
	run podman exec box sh -c 'id -u; exit 9'
	[ "$status" -eq 9 ]
	[ "$output" = 0 ]
	run podman exec --user 5:6 --workdir /tmp --env A=b box sh -c 'id -u; id -g; pwd; echo $A'
	[ "$output" = "$(printf '5\n6\n/tmp\nb')" ]
	run podman exec -i box cat <<<"some input"
	[ "$output" = "some input" ]
	run terminal hello exec -it box sh -c "$AT_TERMINAL"
	[ "$status" -eq 5 ]
	has_line "33 99"
	has_line "got <hello>"
	fails 127 "executable file not found in \$PATH" exec box no-such-program
	fails 126 "permission denied" exec box /etc
	podman exec --detach box sh -c 'echo detached >/tmp/it'
	wait_for 10 podman exec box grep -q detached /tmp/it
}

check_stop() {
	podman run --detach --name soft "${N[@]}" mini sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	podman run --detach --name hard "${N[@]}" mini sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for 10 eval 'podman logs soft | grep -q ready && podman logs hard | grep -q ready'
	podman stop --time 20 soft
	podman stop --time 1 hard 2>/dev/null
	[ "$(podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' soft hard)" = $'exited 3\nexited 137' ]
	podman start soft
	[ "$(podman inspect --format '{{.State.Status}}' soft)" = running ]
	podman kill --signal KILL soft
	[ "$(podman wait soft)" = 137 ]
	podman rm soft hard
	[ -z "$(podman ps --all --quiet)" ]
}

# What bryo has to say about the container must not be among what the container says.
check_logs() {
	podman run --detach --name box "${N[@]}" "$@" mini sh -c 'echo one; echo two >&2; echo three'
	podman wait box
	run --separate-stderr podman logs box
	[ "$output" = $'one\nthree' ]
	[ "$stderr" = two ]
}

check_build() {
	mkdir "$W/$WHO/context"
	echo copied >"$W/$WHO/context/file"
	cat >"$W/$WHO/context/Dockerfile" <<-'EOF'
		FROM localhost/mini
		ENV GREETING=hello
		RUN echo $GREETING >/made && id -u >>/made
		COPY file /file
		WORKDIR /work
		RUN pwd >>/made; cat /file >>/made
		CMD ["cat", "/made"]
	EOF
	chmod -R a+rX "$W/$WHO/context"
	podman build --network none --tag built "$W/$WHO/context"
	run podman run --rm "${N[@]}" built
	[ "$output" = $'hello\n0\n/work\ncopied' ]
	printf 'FROM localhost/mini\nRUN exit 3\n' >"$W/$WHO/context/Dockerfile"
	run podman build --network none "$W/$WHO/context"
	rm -rf "$W/$WHO/context"
	[ "$status" -ne 0 ]
	has_line "exit status 3"
}

# ---------------------------------------------------------------- as an ordinary user

@test "rootless podman run --rm: output, input, exit code" { as_ordinary && check_run; }
@test "rootless podman run with options" { as_ordinary && check_options; }
@test "rootless podman run -it" { as_ordinary && check_terminal; }
@test "rootless podman: 127 for a missing program, 126 for a directory" { as_ordinary && check_codes; }
@test "rootless podman exec" { as_ordinary && check_exec; }
@test "rootless podman stop, start, kill, wait, rm" { as_ordinary && check_stop; }
@test "rootless podman logs" { as_ordinary && check_logs; }
@test "rootless podman build" { as_ordinary && check_build; }

@test "rootless podman --cgroups=disabled, which the drop-in allows" {
	as_ordinary
	check_run --cgroups=disabled
	check_logs --cgroups=disabled
}

# The image belongs to IDs below the user's namespace, and only the container's root may open it.
@test "rootless podman --userns keep-id" {
	as_ordinary
	run podman run --rm "${N[@]}" --userns keep-id mini sh -c 'id -u; touch /tmp/new && stat -c %u /tmp/new'
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' "$(id -u "$BRYO_TEST_USER")"{,})" ]
}

@test "rootless podman shares the host's network" {
	as_ordinary
	run podman run --rm --network host mini ip -o link
	[ "$status" -eq 0 ]
	has_line LOOPBACK
}

# The program of exec inherits the score from the joiner, which is not dumpable when others could set it.
@test "rootless podman pod: its containers share namespaces; exec has the container's OOM score" {
	as_ordinary
	podman pod create --name pod --network none --share ipc,net,uts,pid --infra-image localhost/mini \
		--infra-command "/bin/sleep 1000"
	podman run --detach --pod pod --name box --oom-score-adj 300 mini sleep 1001
	run podman run --rm --pod pod mini sh -c 'hostname; ps -o args'
	[ "$status" -eq 0 ]
	has_line pod
	has_line "sleep 1001"
	[ "$(podman exec box cat /proc/self/oom_score_adj)" = 300 ]
	podman pod stop --time 0 pod
	podman pod rm pod
	[ -z "$(podman ps --all --quiet)" ]
}

# --------------------------------------------------------------------------- as root

@test "root's podman run --rm: output, input, exit code" { as_root && check_run; }
@test "root's podman run with options" { as_root && check_options; }
@test "root's podman run -it" { as_root && check_terminal; }
@test "root's podman: 127 for a missing program, 126 for a directory" { as_root && check_codes; }
@test "root's podman exec" { as_root && check_exec; }
@test "root's podman stop, start, kill, wait, rm" { as_root && check_stop; }
@test "root's podman logs" { as_root && check_logs; }
@test "root's podman build" { as_root && check_build; }

@test "root's podman pause, unpause; remove a paused one" {
	as_root
	podman run --detach --name box "${N[@]}" mini sleep 1000
	podman pause box
	[ "$(podman inspect --format '{{.State.Status}}' box)" = paused ]
	run podman exec box true
	[ "$status" -ne 0 ]
	podman unpause box
	podman exec box true
	podman pause box
	podman rm --force --time 1 box
	[ -z "$(podman ps --all --quiet)" ]
}

@test "root's podman --uidmap: an image of other IDs" {
	as_root
	run podman run --rm "${N[@]}" --uidmap 0:300000:1000 --gidmap 0:300000:1000 mini \
		sh -c 'id -u; touch /tmp/new && stat -c %u /tmp/new; cat /proc/self/uid_map | tr -s " "'
	[ "$status" -eq 0 ]
	[ "$output" = $'0\n0\n 0 300000 1000' ]
}

@test "root's podman: a container in another's namespaces" {
	as_root
	podman run --detach --name box "${N[@]}" mini sleep 1000
	run podman run --rm --network container:box --ipc container:box --pid container:box mini ps
	[ "$status" -eq 0 ]
	has_line "sleep 1000"
}

# nested OPTION...: bryo sandbox in a container of Podman's defaults, in a directory of its own
nested() {
	status=0
	output=$(podman run --rm "${N[@]}" --volume "$W/bin:/opt/bryo:ro" --tmpfs /work --workdir /work mini \
		/opt/bryo/bryo sandbox "$@" 2>&1) || status=$?
}

@test "an ordinary user's bryo sandbox, as a CI job in a container of Podman's defaults" {
	as_ordinary
	nested -- true
	[ "$status" -eq 125 ]
	has_line "the outer /proc is covered in part"
	has_line "--proc bind"
	has_line "--proc none"
	nested --proc bind --tmpfs /srv/x --bind-data @/etc/passwd:/run/data --overlay-home -- sh -c '
		id -u; echo x >made && echo x >/srv/x/made && [ -s /run/data ] && [ -d /proc/self ] && ls
		echo x 2>/dev/null >/etc/made || echo read-only; exit 7'
	[ "$status" -eq 7 ]
	[[ "$output" == *$'0\nmade\nread-only' ]]
	has_line "(--proc bind shares the outer pid namespace and there is no cgroup) [--proc none, "
	nested --proc none -- sh -c 'ls -d /proc /work; exit 8'
	[ "$status" -eq 8 ]
	has_line "/proc: No such file or directory"
	nested --proc bind --disable-userns -- true
	[ "$status" -eq 125 ]
	has_line "the outer container covers /proc/sys"
}

# The host's slirp4netns is in the container, with the libraries that it needs.
@test "an ordinary user's bryo sandbox in a container of Podman's defaults has a network where it has the device" {
	as_ordinary
	requires cmd:slirp4netns
	[ -c /dev/net/tun ] && [ -d /usr/lib64 ] || skip "needs /dev/net/tun, and /lib64 in /usr"
	N+=(--volume /usr:/usr:ro --volume /usr/lib:/lib:ro --volume /usr/lib64:/lib64:ro --env PATH=/bin:/usr/bin)
	nested --proc none --net slirp4netns -- true
	[ "$status" -eq 125 ]
	has_line "slirp4netns cannot open /dev/net/tun"
	has_line "have its engine give it with --device /dev/net/tun, or share that container's network, --net host"
	nested --proc none --net host -- ip -o link
	[ "$status" -eq 0 ]
	has_line LOOPBACK
	run podman run --rm "${N[@]}" --device /dev/net/tun --volume "$W/bin:/opt/bryo:ro" --tmpfs /work --workdir /work \
		mini sh -c '
		/opt/bryo/bryo sandbox --proc none --net slirp4netns -p 8080:8080 -- nc -l -p 8080 -e echo hello &
		for i in $(seq 50); do nc 127.0.0.1 8080 </dev/null 2>/dev/null | grep hello && exit; sleep 0.1; done'
	[ "$status" -eq 0 ]
	has_line hello
}

# A config of few wishes: Podman's filter denies sethostname, and its masks a new sysfs as well.
@test "an ordinary user's bryo run and exec in a container of Podman's defaults: both words of --proc" {
	as_ordinary
	run podman run --rm "${N[@]}" --volume "$W/bin:/opt/bryo:ro" --tmpfs /work --workdir /work mini sh -c '
		mkdir -p rootfs/bin rootfs/proc && cp /bin/busybox rootfs/bin/ && rootfs/bin/busybox --install rootfs/bin
		mkdir -m 700 state
		bryo() { /opt/bryo/bryo --root /work/state "$@"; }
		runs() { # runs COMMAND: what the container runs
			echo "{\"ociVersion\": \"1.3.0\", \"process\": {\"args\": [\"sh\", \"-c\", \"$1\"], \"cwd\": \"/\",
				\"env\": [\"PATH=/bin\"]}, \"root\": {\"path\": \"rootfs\"}, \"linux\": {\"namespaces\": [{\"type\": \"pid\"},
				{\"type\": \"mount\"}, {\"type\": \"user\"}]}, \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\"}]}" >config.json
		}
		runs "exec sleep 1000"
		bryo run new
		for word in bind none; do
			bryo run --detach --proc $word c$word </dev/null >log 2>&1 || { cat log; exit 9; }
			bryo exec c$word sh -c "echo $word \$(id -u) \$(ls /proc | grep -c self)"
			bryo kill c$word KILL; bryo delete --force c$word
		done
		bryo run --proc none --init --timeout 300ms end </dev/null; echo "end $?"
		runs "(sleep 977; sleep 977) >/dev/null 2>&1 & echo started"
		bryo run --proc bind left </dev/null 2>/dev/null
		echo "left $(ps -o comm | grep -c sleep)"
		bryo run --proc bind --init no'
	[ "$status" -eq 1 ]
	has_line "covered in part, and a new one would show what is hidden: /proc/"
	has_line "bind it: --proc bind"
	has_line "bind 0 2"
	has_line "none 0 0"
	has_line "started"
	has_line "left 0"
	has_line "end 124"
	has_line "with --proc bind there is none"
}
