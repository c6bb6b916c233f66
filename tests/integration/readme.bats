#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# runc's README, walked through with the name changed. The commands are its own.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	mkdir -p "$T/bin" "$T/mycontainer"
	ln -s "$BRYO" "$T/bin/bryo"
	export PATH=$T/bin:$PATH
	cd "$T/mycontainer" || return
	# the README exports an image of docker here
	mkdir rootfs
	make_rootfs rootfs
}

# walk: runs the commands on stdin. Root's default state directory is the machine's /run/bryo, so
# root gets a /run of its own.
walk() {
	cat >"$T/walk"
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		timeout -k 5 60 unshare --mount sh -c 'mount -t tmpfs none /run && exec sh -e "$1"' sh "$T/walk" 3>&-
	else
		timeout -k 5 60 sh -e "$T/walk" 3>&-
	fi
}

sleep_5() {
	jq '.process.terminal = false | .process.args = ["sleep", "5"]' config.json >config.new
	mv config.new config.json
}

# shell COMMAND: types into the shell that COMMAND gives at its terminal, at the prompt
shell() {
	requires cmd:expect
	echo "expect -f '$BATS_TEST_DIRNAME/../lib/typed.exp' '# ' 'echo I am \$(id -u) at \$(pwd); exit 7' $1" | walk
}

@test "the unmodified spec gives sh, and its exit code" {
	bryo spec
	jq -e '.process.args == ["sh"] and .process.terminal' config.json
	run shell "bryo run mycontainerid"
	[ "$status" -eq 7 ]
	has_line "I am 0 at /"
}

@test "create, list, start, list, delete with sleep 5" {
	bryo spec
	sleep_5
	run walk <<-EOF
		bryo create mycontainerid </dev/null >/dev/null 2>&1
		# view the container is created and in the "created" state
		bryo list
		# start the process inside the container
		bryo start mycontainerid
		bryo list
		# after 5 seconds view that the container has exited and is now in the stopped state
		sleep 5.5
		bryo list
		# now delete the container
		bryo delete mycontainerid
		bryo list
	EOF
	[ "$status" -eq 0 ]
	[[ ${lines[1]} =~ ^mycontainerid\ +[1-9][0-9]*\ +created\ +$PWD ]]
	[[ ${lines[3]} =~ ^mycontainerid\ +[1-9][0-9]*\ +running\ +$PWD ]]
	[[ ${lines[5]} =~ ^mycontainerid\ +0\ +stopped\ +$PWD ]]
	[[ ${lines[6]} == ID* ]]
	[ ${#lines[@]} -eq 7 ]
}

@test "rootless containers: spec --rootless and --root DIR" {
	bryo spec --rootless
	jq -e '[.linux.namespaces[].type] | index("user") and (index("network") | not)' config.json
	run shell "bryo --root $T/state run mycontainerid"
	[ "$status" -eq 7 ]
	has_line "I am 0 at /"
	[ -z "$(ls -A "$T/state")" ]
}

@test "the five lines of bryo's own way: a root file system and nothing else" {
	run walk <<<"bryo run --rootfs ./rootfs box -- id -u"
	[ "$status" -eq 0 ]
	[ "$output" = 0 ]
	[ ! -e config.json ]
}
