#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two platforms of one image, built by two workers at the same time, under one tag; and what must not move a tag.
. "$(dirname "$0")/lib.sh"

start_registry
make_base
start_coordinator
start_worker w1 "$native"
start_worker w2 "$second"

context=$W/context
mkdir -p "$context"
echo hello >"$context/greeting"
cat >"$context/Dockerfile" <<'EOF'
ARG BASE
FROM ${BASE}
ARG TARGETPLATFORM
COPY greeting /greeting
RUN echo "built for $TARGETPLATFORM" | tee /platform; sleep 2
ENTRYPOINT ["/bin/cat", "/platform", "/greeting"]
EOF
image=$registry/team/app:1
inspect() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
has_tag() { curl -fsS -o /dev/null -I -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$registry/v2/$1/manifests/$2" 2>/dev/null; }
has_no_tag() { ! has_tag "$1" "$2"; }
status() { # EXPECTED COMMAND...: its output in $W/out and $W/err
	local want=$1 got=0
	shift
	"$@" >"$W/out" 2>"$W/err" || got=$?
	[ "$got" = "$want" ] || { echo "exit $got, expected $want" && tail -n 20 "$W/out" "$W/err" && return 1; }
}
said() { contains "$(cat "$W/out" "$W/err")" "$1"; }

claim "a build for two platforms succeeds" status 0 \
	"$manifold" build -t "$image" --platform "$native,$second" --build-arg BASE="$base" "$context"
claim "its log shows both platforms' lines, each with its platform in front" \
	sh -c "cat '$W/out' '$W/err' >'$W/both' && grep -F '[$native] built for $native' '$W/both' && grep -F '[$second] built for $second' '$W/both'"

index=$(inspect "$image")
claim "the tag is an OCI index" same "$(jq -r .mediaType <<<"$index")" application/vnd.oci.image.index.v1+json
platforms=$(jq -r '.manifests[].platform | [.os, .architecture, .variant] | map(select(.)) | join("/")' <<<"$index" | paste -sd ' ')
claim "with exactly the two platforms, the baseline first" same "$platforms" "$native $second"
claim "whose manifests differ" same "$(jq -r '.manifests[].digest' <<<"$index" | sort -u | wc -l)" 2
for platform in $native $second; do
	claim "$platform runs by chroot and was built as $platform" contains "$(deploy/run-image.sh "$image" "$platform" 2>&1)" "built for $platform"
done
claim "the registry has no other tag" same "$(curl -sS "http://$registry/v2/team/app/tags/list" | jq -c .tags)" '["1"]'

jobs=$(api "/v1/jobs?build=1" | jq -r '.jobs[].id')
claim "the build has two jobs" same "$(wc -w <<<$jobs)" 2
for job in $jobs; do api "/v1/jobs/$job"; done >"$W/jobs.json"
claim "on two workers" same "$(jq -r .worker "$W/jobs.json" | sort | paste -sd ' ')" "w1 w2"
claim "whose RUN intervals overlap" jq -se '[.[] | .steps[] | select(.name | test("sleep 2"))] | length == 2 and (map(.started_at) | max) < (map(.ended_at) | min)' "$W/jobs.json"
claim "the RUN took its 2 s" jq -se '[.[] | .steps[] | select(.name | test("sleep 2")) | [.started_at, .ended_at] | map(sub("\\.[0-9]+Z"; "Z") | fromdate) | .[1] - .[0] >= 1] | all' "$W/jobs.json"
claim "the native proof is kept with each attempt" jq -se 'all(.[]; .attempts[0].proof | length > 0)' "$W/jobs.json"
claim "the SQL view shows both jobs" contains "$(sqlite3 -readonly "$W/data/manifold.db" 'SELECT * FROM job_table')" "$second"

claim "manifold ps lists them" status 0 "$manifold" ps --all
claim "with their platforms" said "$second"
claim "manifold workers lists the workers" status 0 "$manifold" workers
claim "with their names" said w2
claim "manifold inspect shows the index" status 0 "$manifold" inspect "$image"
claim "with its digests" said "$(jq -r '.manifests[0].digest' <<<"$index" | cut -c 1-19)"
claim "manifold show tells of the build" status 0 "$manifold" show 1
claim "with its tag" said "$image"
claim "manifold logs prints the build's log" status 0 "$manifold" logs --platform "$native" 1
claim "byte for byte what is stored, but for the platform in front" \
	same "$(sed "s,^\[$native\] ,," "$W/out")" "$(api "/v1/jobs/$(api "/v1/jobs?build=1&platform=$native" | jq .jobs[0].id)/log")"

claim "the same build again succeeds" status 0 "$manifold" build -t "$registry/team/app:2" --platform "$native,$second" --build-arg BASE="$base" "$context"
claim "and is the same index" same "$(inspect "$registry/team/app:2")" "$index"

claim "--no-push succeeds" status 0 "$manifold" build --no-push -t "$registry/team/nowhere:1" --platform "$native" --build-arg BASE="$base" "$context"
claim "and pushes nothing" has_no_tag team/nowhere 1

sed -i 's/^RUN.*/RUN echo about to fail; echo the reason is here >\&2; exit 7/' "$context/Dockerfile"
claim "a failing RUN ends with 1" status 1 "$manifold" build -t "$registry/team/failing:1" --platform "$native,$second" --build-arg BASE="$base" "$context"
claim "says which step" contains "$(cat "$W/err")" "RUN echo about to fail"
claim "and how its log ended" contains "$(cat "$W/err")" "the reason is here"
claim "and moves no tag" has_no_tag team/failing 1

claim "an unknown flag ends with 2" status 2 "$manifold" build --no-such-flag "$context"
claim "a wrong token ends with 4" env MANIFOLD_TOKEN=wrong bash -c "'$manifold' build --no-push --platform '$native' '$context'; test \$? = 4"
claim "no coordinator ends with 3" env MANIFOLD_URL=http://127.0.0.1:1 bash -c "'$manifold' build --no-push --platform '$native' '$context'; test \$? = 3"

foreign=linux/arm64
[ "$arch" = amd64 ] || foreign=linux/amd64
printf 'FROM scratch\nCOPY greeting /\n' >"$context/Dockerfile"
"$manifold" build -t "$registry/team/foreign:1" --platform "$native,$foreign" "$context" >"$W/foreign.log" 2>&1 &
foreign_pid=$!
claim "a platform that no worker offers is named at once" await 10 grep -q "no connected worker offers $foreign" "$W/foreign.log"
native_is_done() { api "/v1/jobs?platform=$native&limit=1" | jq -e '.jobs[0].state == "succeeded"'; }
claim "while the other platform is built" await 30 native_is_done
claim "its job waits, and says for what" contains "$(api "/v1/jobs?platform=$foreign" | jq -r '.jobs[0] | .state + " " + .waiting_for')" "queued no connected worker offers $foreign"
claim "the tag has not moved" has_no_tag team/foreign 1
kill -INT $foreign_pid
wait $foreign_pid
claim "interrupted, the command ends with 130" same $? 130

for name in w1 w2 coordinator; do claim "$name stops cleanly" stop $name; done
finish
