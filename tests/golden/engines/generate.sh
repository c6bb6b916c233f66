# shellcheck shell=bash
# Writes the *.json here anew; README.md says what they are. As root, in a scratch directory:
#	bash generate.sh SCRATCH
# Needs Debian's runc, crun, podman, containerd, busybox-static, jq; SCRATCH_USER (default: alice)
# is an ordinary user with subordinate IDs. Engines are given a runtime that keeps the config.json
# they pass, so nothing is really run; their storage is below SCRATCH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(realpath -m "$1")
user=${SCRATCH_USER:-alice}
uid=$(id -u "$user")

mkdir -p "$scratch"/{image/bin,kept,volume}
chmod 755 "$scratch"
chmod 1777 "$scratch/kept"
cp "$(command -v busybox)" "$scratch/image/bin/busybox"
for applet in sh sleep; do ln -sf busybox "$scratch/image/bin/$applet"; done
tar -C "$scratch/image" -cf "$scratch/image.tar" .
cat >"$scratch/runtime" <<END
#!/bin/sh
bundle= previous=
for word in "\$@"; do
	case \$previous in --bundle | -b) bundle=\$word ;; esac
	previous=\$word
done
[ -z "\$bundle" ] || cp "\$bundle/config.json" "$scratch/kept/\$\$.json"
[ "\$1" != --version ] || exec crun --version
[ "\$1" != features ] || exec crun features
exit 1
END
chmod 755 "$scratch/runtime"

# normal FILE: no path, ID, date, address or name of this machine
normal() {
	sed -E "s,$scratch/[a-z-]*volume,/srv/volume,g
		s,$scratch/root/graph,/var/lib/containers/storage,g
		s,$scratch/root/run,/run/containers/storage,g
		s,$scratch/user/graph,/home/user/.local/share/containers/storage,g
		s,$scratch/user/run,/run/user/1000/containers,g
		s/[0-9a-f]{64}/CONTAINER/g
		s/\"(HOSTNAME=)?[0-9a-f]{12}\"/\"\1container\"/g
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/2024-01-01T00:00:00Z/g
		s/\"(HOSTNAME=)?$(uname -n)\"/\"\1host\"/g" "$1" |
		jq --tab --argjson uid "$uid" '
			def person: if . == $uid then 1000 else . end;
			.process.user |= (.uid |= person | .gid |= person |
				if .additionalGids then .additionalGids |= map(person) else . end) |
			def start: if . == $uid then 1000 elif . == $uid + 1 then 1001 else . end;
			def size: if . == $uid then 1000 elif . == 65536 - $uid then 64536 else . end;
			def lines: map(.containerID |= start | .hostID |= start | .size |= size);
			if .linux.uidMappings then .linux.uidMappings |= lines | .linux.gidMappings |= lines else . end'
}

keep() { # keep NAME COMMAND...: what COMMAND made the runtime keep becomes NAME.json
	local name=$1 kept

	shift
	rm -f "$scratch"/kept/*.json
	"$@" >"$scratch/$name.log" 2>&1 || true # the runtime fails on purpose
	kept=$(find "$scratch/kept" -name '*.json' | head -n 1)
	[ -n "$kept" ] || { cat "$scratch/$name.log" >&2; exit 1; }
	normal "$kept" >"$here/$name.json"
}

spec() { # spec NAME PROGRAM [OPTION]
	local name=$1 dir=$scratch/spec-$1

	shift
	rm -rf "$dir"
	install -d -o "$user" "$dir"
	(cd "$dir" && setpriv --reuid "$user" --regid "$user" --init-groups "$1" spec "${@:2}")
	normal "$dir/config.json" >"$here/$name.json"
}

spec runc-spec runc
spec runc-spec-rootless runc --rootless
spec crun-spec crun
spec crun-spec-rootless crun --rootless

podman_of() { # podman_of root|user WORD...
	local base=$scratch/$1 who=()

	[ "$1" = root ] || who=(setpriv --reuid "$user" --regid "$user" --init-groups
		env HOME="$base" XDG_RUNTIME_DIR="$base/xdg")
	shift
	(cd "$base" && timeout 120 "${who[@]}" podman --root "$base/graph" --runroot "$base/run" --runtime "$scratch/runtime" \
		--cgroup-manager cgroupfs --events-backend none --storage-driver vfs "$@")
}

podman() { # podman NAME root|user OPTION...
	local name=$1 whose=$2

	shift 2
	podman_of "$whose" create --name "$name" "$@" >/dev/null
	keep "$name" podman_of "$whose" init "$name"
	podman_of "$whose" rm -f "$name" >/dev/null
}

mkdir -p "$scratch/root"
install -d -o "$user" -m 700 "$scratch/user" "$scratch/user/xdg"
for whose in root user; do podman_of $whose import "$scratch/image.tar" mini:1 >/dev/null 2>&1; done
podman podman-root root --net none -t mini:1 sh
podman podman-root-options root --net none --user 1000:1000 --group-add 20 --device /dev/fuse \
	-v "$scratch/volume:/data:ro" --tmpfs /run --memory 64m --pids-limit 100 --ulimit nofile=1024:2048 \
	--cap-add NET_ADMIN --sysctl net.ipv4.ping_group_range="0 1000" --oom-score-adj -500 mini:1 sh
podman podman-root-privileged root --net none --privileged mini:1 sh
podman podman-rootless user --net none -t mini:1 sh
podman podman-rootless-keep-id user --net none --userns keep-id mini:1 sh
podman podman-rootless-host user --net host mini:1 sh

cat >"$scratch/containerd.toml" <<END
version = 2
root = "$scratch/containerd/root"
state = "$scratch/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$scratch/containerd.sock"
END
containerd -c "$scratch/containerd.toml" >"$scratch/containerd.log" 2>&1 &
daemon=$!
trap 'kill $daemon' EXIT
ctr_() { timeout 60 ctr -a "$scratch/containerd.sock" "$@"; }
for _ in 1 2 3 4 5 6 7 8 9; do ctr_ version >/dev/null 2>&1 || sleep 1; done
podman_of root save --format oci-archive -o "$scratch/mini.oci" mini:1 >/dev/null 2>&1
ctr_ images import --snapshotter native "$scratch/mini.oci" >/dev/null
ctr() { # ctr NAME OPTION... -- COMMAND...
	local name=$1

	shift
	keep "$name" ctr_ run --runc-binary "$scratch/runtime" --snapshotter native "$@"
}
ctr ctr localhost/mini:1 ctr sh
ctr ctr-options --memory-limit 67108864 --mount "type=bind,src=$scratch/volume,dst=/data,options=rbind:ro" \
	--env A=B --cap-add CAP_NET_ADMIN --seccomp --device /dev/fuse localhost/mini:1 ctr-options sh
ctr ctr-host --net-host --privileged localhost/mini:1 ctr-host sh
