#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# containerd's ctr with bryo as --runc-binary. What it needs: root, and a container whose cgroup is
# not the root (engines.bash). What it depends on in bryo: `create` with a terminal leaves nobody
# behind who holds its output, which the shim reads to its end; the last line of --log.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load engines

setup_file() {
	world_start
	[ -n "${W-}" ] && command -v containerd ctr >/dev/null || return 0
	mkdir "$W/containerd"
	cat >"$W/containerd.toml" <<-EOF
		version = 2
		root = "$W/containerd/root"
		state = "$W/containerd/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$W/containerd/sock"
	EOF
	oci_archive
	INSIDE_LIMIT=900 inside root containerd --config "$W/containerd.toml" </dev/null >"$W/containerd.log" 2>&1 3>&- &
	wait_for 20 ctr version
	ctr images import --snapshotter native "$W/image.oci"
}

teardown_file() { world_end; }

setup() {
	bryo_setup
	requires root cmd:containerd cmd:ctr cmd:expect
	RUN=(--runtime io.containerd.runc.v2 --runc-binary "$W/bin/bryo" --snapshotter native)
}

teardown() {
	local id

	for id in $(ctr tasks list --quiet); do
		ctr tasks delete --force "$id"
	done
	for id in $(ctr containers list --quiet); do
		ctr containers delete "$id"
	done
	bryo_teardown
}

ctr() { inside root ctr --address "$W/containerd/sock" "$@"; }

# blob FILE MEDIA-TYPE: moves FILE to where its digest says, prints its descriptor
blob() {
	local sum size

	sum=$(sha256sum <"$1")
	sum=${sum%% *}
	size=$(stat -c %s "$1")
	mv "$1" "$W/oci/blobs/sha256/$sum"
	jq -n --arg digest "sha256:$sum" --arg type "application/vnd.oci.image.$2" --argjson size "$size" \
		'{mediaType: $type, digest: $digest, size: $size}'
}

# $W/image.oci, as `podman save --format oci-archive` writes it
oci_archive() {
	local layer config manifest arch id

	arch=$(dpkg --print-architecture)
	mkdir -p "$W/oci/blobs/sha256"
	id=$(sha256sum <"$W/image.tar")
	layer=$(blob "$W/image.tar" layer.v1.tar)
	jq -n --arg arch "$arch" --arg id "sha256:${id%% *}" '{architecture: $arch, os: "linux",
		config: {Env: ["PATH=/bin"], Cmd: ["sh"]}, rootfs: {type: "layers", diff_ids: [$id]}}' >"$W/json"
	config=$(blob "$W/json" config.v1+json)
	jq -n --argjson c "$config" --argjson l "$layer" '{schemaVersion: 2, config: $c, layers: [$l]}' >"$W/json"
	manifest=$(blob "$W/json" manifest.v1+json)
	jq -n --argjson m "$manifest" '{schemaVersion: 2, manifests: [$m +
		{annotations: {"io.containerd.image.name": "localhost/mini:1"}}]}' >"$W/oci/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$W/oci/oci-layout"
	tar -C "$W/oci" -cf "$W/image.oci" .
}

status_of() { ctr tasks list | awk -v id="$1" '$1 == id { print $3 }'; }

@test "ctr run --rm: output, exit code, nothing of bryo's on the container's stderr" {
	run --separate-stderr ctr run --rm "${RUN[@]}" localhost/mini:1 "$ID" sh -c 'id -u; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = 0 ]
	[ -z "$stderr" ]
	[ -z "$(ctr containers list --quiet)" ]
	[ -z "$(inside root ls -A /run/containerd/runc/default)" ]
}

@test "ctr run -t: a terminal, its size, its input" {
	run typed hello "$W/bin/inside" root ctr --address "$W/containerd/sock" run -t --rm "${RUN[@]}" \
		localhost/mini:1 "$ID" sh -c "$AT_TERMINAL"
	[ "$status" -eq 5 ]
	has_line /dev/pts/0
	has_line "33 99"
	has_line "got <hello>"
}

@test "ctr run: a missing program and a directory are told in bryo's words" {
	run ctr run --rm "${RUN[@]}" localhost/mini:1 "$ID" no-such-program
	[ "$status" -eq 1 ]
	has_line "OCI runtime create failed: exec 'no-such-program': executable file not found in \$PATH"
	run ctr run --rm "${RUN[@]}" localhost/mini:1 "$ID" /etc
	[ "$status" -eq 1 ]
	has_line "OCI runtime create failed: exec '/etc': permission denied"
}

@test "ctr task exec: exit code, terminal, a missing program" {
	ctr run --detach "${RUN[@]}" localhost/mini:1 "$ID" sleep 1000
	[ "$(status_of "$ID")" = RUNNING ]
	run ctr tasks exec --exec-id one "$ID" sh -c 'id -u; exit 9'
	[ "$status" -eq 9 ]
	[ "$output" = 0 ]
	run typed hello "$W/bin/inside" root ctr --address "$W/containerd/sock" tasks exec -t --exec-id two "$ID" \
		sh -c "$AT_TERMINAL"
	[ "$status" -eq 5 ]
	has_line "33 99"
	has_line "got <hello>"
	run ctr tasks exec --exec-id three "$ID" no-such-program
	[ "$status" -eq 1 ]
	has_line "OCI runtime exec failed: exec 'no-such-program': executable file not found in \$PATH"
}

@test "ctr task pause, resume" {
	ctr run --detach "${RUN[@]}" localhost/mini:1 "$ID" sleep 1000
	ctr tasks pause "$ID"
	[ "$(status_of "$ID")" = PAUSED ]
	ctr tasks resume "$ID"
	[ "$(status_of "$ID")" = RUNNING ]
	ctr tasks exec --exec-id one "$ID" true
}

@test "ctr task kill and delete: a trapped signal, its exit code" {
	ctr run --detach "${RUN[@]}" localhost/mini:1 "$ID" \
		sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
	wait_for 10 eval 'ctr tasks ps "$ID" | grep -q "^[0-9]"'
	sleep 0.3
	ctr tasks kill --signal TERM "$ID"
	wait_for 10 eval '[ "$(status_of "$ID")" = STOPPED ]'
	run ctr tasks delete "$ID"
	has_line "exit code 3"
	ctr containers delete "$ID"
}

@test "ctr task kill --all and delete --force" {
	ctr run --detach "${RUN[@]}" localhost/mini:1 "$ID" sh -c 'sleep 1000 & sleep 1000'
	ctr tasks kill --all --signal KILL "$ID"
	wait_for 10 eval '[ "$(status_of "$ID")" = STOPPED ]'
	ctr tasks delete "$ID" || true
	[ -z "$(ctr tasks list --quiet)" ]
	ctr containers delete "$ID"
	ctr run --detach "${RUN[@]}" localhost/mini:1 "$ID-2" sleep 1000
	ctr tasks delete --force "$ID-2" || true
	[ -z "$(ctr tasks list --quiet)" ]
	[ -z "$(inside root ls -A /run/containerd/runc/default)" ]
}
