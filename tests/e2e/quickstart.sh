#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The quickstart as a person runs it: its image is for this CPU's two platforms, each runs and names its own instruction
# set; again it is quick and starts what died; its end ends what it started and nothing else.
. "$(dirname "$0")/lib.sh"
export QUICKSTART_DIR=$W/quickstart
at_exit() { deploy/quickstart.sh stop; }

quickstart() { deploy/quickstart.sh >"$W/out" 2>&1 || { tail -n 30 "$W/out" && return 1; }; }
pid_of() { daemon_pid "$QUICKSTART_DIR" "$1"; }
claim "it succeeds where nothing of it was" quickstart
[ -f "$QUICKSTART_DIR/env" ] || finish
. "$QUICKSTART_DIR/env"
image=$MANIFOLD_REGISTRY/manifold:quickstart
index=$(skopeo inspect --raw --tls-verify=false "docker://$image")
platforms=$(jq -r '.manifests[].platform | [.os, .architecture, .variant] | map(select(.)) | join("/")' <<<"$index")
claim "the tag is an OCI index" same "$(jq -r .mediaType <<<"$index")" application/vnd.oci.image.index.v1+json
claim "its first platform is $native" same "$(head -n 1 <<<"$platforms")" "$native"

count=0
for platform in $platforms; do
	case "$platform" in
	linux/amd64) level=x86-64 ;;
	linux/amd64/*) level=x86-64-${platform##*/} ;;
	linux/arm64) level=armv8-a ;;
	linux/arm/v7) level=armv7-a ;;
	esac
	claim "the image for $platform runs by chroot and says $level" same "$(deploy/run-image.sh "$image" "$platform" | grep -oE '\(.*\)$')" "($level)"
	count=$((count + 1))
done
layers() { for digest in $(jq -r '.manifests[].digest' <<<"$index"); do skopeo inspect --raw --tls-verify=false "docker://${image%:*}@$digest" | jq -r '.layers[].digest'; done; }
claim "their layers differ" same "$(layers | sort -u | wc -l)" "$(layers | wc -l)"
claim "env is for its owner only" same "$(stat -c %a "$QUICKSTART_DIR/env")" 600
claim "manifold ps shows a job for each platform" same "$("$manifold" ps --all --json | jq '.jobs | length')" "$count"

before="$(pid_of registry) $(pid_of coordinator)"
daemon_kill "$QUICKSTART_DIR" worker-1
start=$SECONDS
claim "again it succeeds, with a worker that had died" quickstart
claim "in less than a minute" test $((SECONDS - start)) -lt 60
claim "what ran goes on running" same "$(pid_of registry) $(pid_of coordinator)" "$before"

ours=$(for name in registry coordinator worker-1 worker-2; do pid_of $name; done)
sleep 1000 &
bystander=$!
echo "$bystander 1" >"$QUICKSTART_DIR/worker-2.pid.was" # a pid that is somebody else's now
mv "$QUICKSTART_DIR/worker-2.pid" "$W/worker-2.pid" && cp "$QUICKSTART_DIR/worker-2.pid.was" "$QUICKSTART_DIR/worker-2.pid"
claim "stop succeeds" deploy/quickstart.sh stop
claim "what has only the number of ours is left alone" kill -0 $bystander
kill $bystander
mv "$W/worker-2.pid" "$QUICKSTART_DIR/worker-2.pid"
claim "stop ends the rest" deploy/quickstart.sh stop
all_have_ended() { # PID...: one that has ended may wait for a parent that does not ask, as in some containers
	local pid
	for pid in "$@"; do
		case "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)" in Z* | X* | "") ;; *) ps -fp "$pid" && return 1 ;; esac
	done
}
claim "nothing of it runs any more" all_have_ended $ours
finish
