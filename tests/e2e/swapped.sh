#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two workers that report each other's image: every digest is in the registry, but what is there is not what was asked, so
# the build is refused before a tag moves.
. "$(dirname "$0")/lib.sh"

start_registry
start_coordinator
make_base
start_worker w1 "$native"
start_worker w2 "$second"
mkdir "$W/ctx"
printf 'FROM %s\nARG TARGETPLATFORM\nRUN echo "$TARGETPLATFORM" >/built\n' "$base" >"$W/ctx/Dockerfile"
"$manifold" build -q -t "$registry/app:honest" --platform "$native,$second" "$W/ctx" >/dev/null 2>"$W/honest.err"
claim "honest workers publish" same $? 0
stop w1 && stop w2

entry() { # PLATFORM: "digest size" of the honest image
	"$manifold" inspect --json "$registry/app:honest" | jq -r --arg p "$1" '.manifests[] | select(.platform == $p) | "\(.digest) \(.size)"'
}
lie() { # NAME PLATFORM OF: a worker for PLATFORM that reports the image of OF
	begin "$1" python3 tests/e2e/liar.py "${workers_url##*:}" "$W/worker-token" "$1" "$2" $(entry "$3")
	await 20 worker_is_connected "$1" || fail "$1 is not connected"
}
lie l1 "$native" "$second"
lie l2 "$second" "$native"
"$manifold" build -t "$registry/app:swapped" --platform "$native,$second" "$W/ctx" >"$W/swapped.out" 2>"$W/swapped.err"
claim "swapped results end the build as not succeeded" sh -c "[ $? != 0 ]"
build=$(api /v1/builds | jq '.builds[0].id')
claim "both jobs had reported success" same "$(api "/v1/builds/$build" | jq -c '[.jobs[].state]')" '["succeeded","succeeded"]'
claim "the build failed" same "$(api "/v1/builds/$build" | jq -r .state)" failed
claim "the reason names the platform that was asked" contains "$(api "/v1/builds/$build" | jq -r .reason)" "$native"
claim "no index was put and no tag asked for" same "$(api "/v1/builds/$build" | jq '[.publishes[].steps[] | select(.kind != "verify" and .state == "done")] | length')" 0
claim "the registry has no such tag" sh -c "! skopeo inspect --raw --tls-verify=false docker://$registry/app:swapped"
stop l1 && stop l2
lie l1 "$native" "$native"
lie l2 "$second" "$second"
"$manifold" build -q -t "$registry/app:swapped" --platform "$native,$second" "$W/ctx" >/dev/null 2>"$W/right.err"
claim "the same two, each with its own image, publish" same $? 0
finish
