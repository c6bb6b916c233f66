#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# --proc and org.bryo.proc: what /proc is in the container. The outer /proc is covered in part for
# the tests that say so, as in a container of Docker or Podman: the kernel then refuses a new one.
# What the annotation bind does alone is in mounts3.bats.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# how long the sleeps last by which processes are known: nobody else's do
S=$((100000 + $$))

# masked COMMAND...: in a pid namespace whose /proc is covered in part, mapped to one ID
masked() {
	mkdir -p "$T/mask"
	unshare -Urpfm --mount-proc sh -c 'mount --bind "$1" /proc/sys && mount --bind /dev/null /proc/keys &&
		shift && exec "$@"' sh "$T/mask" "$@" 3>&-
}

# nested_bundle: one that can run in there: the only ID is mapped
nested_bundle() {
	requires userns-nested
	make_bundle
	config 'del(.linux.maskedPaths, .linux.readonlyPaths, .linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}]'
}

# covers: --proc
@test "--proc new: the container's own processes, also where the config says otherwise" {
	make_bundle
	config '.annotations["org.bryo.proc"] = "none"'
	args sh -c 'echo $$; cat /proc/1/comm; true'
	run bryo run -b "$BUNDLE" --proc new "$ID"
	[ "$output" = "1
sh" ]
}

@test "--proc bind: the outer /proc and the outer pid namespace, and plan says what that shows" {
	make_bundle
	args sh -c '[ $$ != 1 ] && ls -d /proc/'"$$"' && readlink /proc/self/ns/pid'
	run --separate-stderr bryo run -b "$BUNDLE" --proc bind "$ID"
	[ "$output" = "/proc/$$
$(readlink /proc/self/ns/pid)" ]
	run bryo plan -b "$BUNDLE" --proc bind
	has_line "shares the outer pid namespace: all of its processes can be seen"
	bryo plan -b "$BUNDLE" --format json --proc bind | jq -e '.namespaces.pid == "shared"'
}

@test "--proc bind: what it leaves behind ends with it in the foreground" {
	make_bundle
	args sh -c '(sleep '"$S"'; sleep '"$S"') >/dev/null 2>&1 & (sleep '"$S"' & sleep '"$S"' &) >/dev/null 2>&1; echo'
	run --separate-stderr bryo run -b "$BUNDLE" --proc bind "$ID" </dev/null
	[ "$status" -eq 0 ]
	not pgrep -f -u "$(id -u)" 'sleep '"$S"
}

@test "--proc bind: what a poststart hook leaves behind is not the container's" {
	make_bundle
	args sleep 0.5
	# shellcheck disable=SC2016
	config '.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", $c]}]' --arg c \
		"(sleep 2; echo spared >$T/spared) >/dev/null 2>&1 &"
	run --separate-stderr bryo run -b "$BUNDLE" --proc bind "$ID" </dev/null
	[ "$status" -eq 0 ]
	wait_for 10 test -e "$T/spared"
}

@test "--proc bind: what was there before and loses its parent meanwhile is spared" {
	make_bundle
	args sleep 2
	sh -c '{ sleep 300 & echo $! >"$0/other"; sleep 1; } >/dev/null 2>&1 3>&- & sleep 0.1; exec "$@"' "$T" \
		"$BRYO" --root "$ROOT" run -b "$BUNDLE" --proc bind "$ID" </dev/null
	kill "$(cat "$T/other")"
}

@test "--proc bind: kill, exec and delete find the container's process" {
	make_bundle
	args sleep 300
	run_detached "$ID" --proc bind
	run bryo exec "$ID" sh -c '[ -d /proc/'"$$"' ] && echo seen'
	[ "$output" = seen ]
	bryo kill "$ID" KILL
	wait_for_status stopped
	bryo delete "$ID"
}

@test "--proc none: no /proc, nothing mounted below it, and exec works" {
	make_bundle
	config '.mounts += [{destination: "/proc/cpuinfo", type: "bind", source: "/dev/null", options: ["bind"]}]'
	args sh -c 'ls /proc | wc -l; grep -c . /etc/passwd; sleep 300'
	run bryo plan -b "$BUNDLE" --proc none
	has_line "mounts[0] '/proc': left out"
	has_line "'/proc/cpuinfo': left out"
	run_detached "$ID" --proc none
	wait_for 10 grep -qx 2 "$T/$ID.out"
	[ "$(head -1 "$T/$ID.out")" = 0 ]
	run bryo exec "$ID" sh -c 'ls -d /proc/1 || id -u'
	[ "${lines[-1]}" = 0 ]
	bryo delete --force "$ID"
}

@test "--proc none: a sysctl of the container's own namespaces is still set" {
	make_bundle
	config '.linux.sysctl = {"net.ipv4.ip_default_ttl": "77"}'
	args true
	bryo run -b "$BUNDLE" --proc none "$ID"
}

@test "--proc: no other words; and none for engines' annotation either" {
	make_bundle
	run bryo run -b "$BUNDLE" --proc old "$ID"
	[ "$status" -eq 1 ]
	has_line "option '--proc': 'old' is not one of new|bind|none"
	config '.annotations["org.bryo.proc"] = "old"'
	run bryo run -b "$BUNDLE" "$ID"
	has_line "annotation org.bryo.proc: unknown value 'old'"
}

@test "an outer /proc that is covered in part: the refusal names the option, and both words work" {
	nested_bundle
	args sh -c 'grep -c . /proc/version; ls /proc/sys | wc -l'
	run masked "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "mount '/proc'"
	has_line "/proc/sys, /proc/keys"
	has_line "--proc bind"
	has_line "--proc none"
	run masked "$BRYO" --root "$ROOT" run -b "$BUNDLE" --proc new "$ID"
	[ "$status" -eq 1 ]
	run --separate-stderr masked "$BRYO" --root "$ROOT" run -b "$BUNDLE" --proc bind "$ID"
	# what was covered stays covered
	[ "$output" = "1
0" ]
	args sh -c 'ls /proc | wc -l'
	run --separate-stderr masked "$BRYO" --root "$ROOT" run -b "$BUNDLE" --proc none "$ID"
	[ "$output" = 0 ]
}

@test "an outer /proc that is covered in part: exec into both kinds" {
	nested_bundle
	args sleep 300
	for word in bind none; do
		run --separate-stderr masked bash -c '"$1" --root "$2" run -d -b "$3" --proc "$4" "$5" </dev/null >/dev/null 2>&1 &&
			"$1" --root "$2" exec "$5" sh -c "id -u; ls /proc | grep -c version"
			"$1" --root "$2" delete --force "$5"' bash "$BRYO" "$ROOT" "$BUNDLE" $word "$ID$word"
		if [ $word = bind ]; then
			[ "$output" = "0
1" ]
		else
			[ "$output" = "0
0" ]
		fi
	done
}

# covers: sandbox --proc
@test "sandbox --proc: all three words, outside and where /proc is covered in part" {
	requires userns-nested
	mkdir "$T/work"
	cd "$T/work"
	run --separate-stderr bryo sandbox -- sh -c 'echo $$'
	[ "$output" = 1 ]
	run --separate-stderr bryo sandbox --proc none -- sh -c '[ ! -e /proc/self ] && echo gone'
	[ "$output" = gone ]
	run --separate-stderr masked "$BRYO" sandbox --proc bind -- sh -c 'grep -c . /proc/version; ls /proc/sys | wc -l'
	[ "$output" = "1
0" ]
	run masked "$BRYO" sandbox -- true
	[ "$status" -eq 125 ]
	has_line "--proc bind"
}
