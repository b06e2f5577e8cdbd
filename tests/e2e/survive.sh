#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 in the worst places: the coordinator in mid-RUN, the coordinator between index and tag, a worker in mid-RUN.
# Each build still ends right: no job that had finished runs again, one tag move, the log whole.
. "$(dirname "$0")/lib.sh"

start_registry
start_coordinator --lease 6s --restart-lease 6s --beat 1s --backoff 0
make_base
start_worker w1 "$native"
start_worker w2 "$second"

ctx=$W/ctx
mkdir -p "$ctx"
cat >"$ctx/Dockerfile" <<END
FROM $base
ARG ROUND
RUN echo "begin \$ROUND" && i=0 && while [ \$i -lt 50 ]; do echo "line \$i"; sleep 0.1; i=\$((i+1)); done && echo "end \$ROUND"
END

submit() { # ROUND TAG: prints the build's number
	"$manifold" build -d -t "$registry/$2" --platform "$native,$second" --build-arg "ROUND=$1" "$ctx" 2>"$W/submit.err" || die "submit: $(cat "$W/submit.err")"
}
job_states() { api "/v1/builds/$1" | jq -r '[.jobs[].state] | join(" ")'; }
both_run() { api "/v1/builds/$1" | jq -e '[.jobs[] | select(.state == "running" and (.step.name // "" | startswith("RUN")))] | length == 2'; }
is_final() { api "/v1/builds/$1" | jq -e '.state == "succeeded" or .state == "failed" or .state == "cancelled"'; }
state() { api "/v1/builds/$1" | jq -r .state; }
tag_count() { skopeo inspect --tls-verify=false --raw "docker://$registry/$1" | jq '.manifests | length'; }
log_is_whole() { # BUILD ROUND: every line of every job's last log, in order, once
	local id
	for id in $(api "/v1/builds/$1" | jq -r '.jobs[].id'); do
		same "$(api "/v1/jobs/$id/log" | grep -cE '^line [0-9]+$')" 50 &&
			same "$(api "/v1/jobs/$id/log" | grep -E '^line [0-9]+$' | sort -u | wc -l)" 50 &&
			same "$(api "/v1/jobs/$id/log" | grep -cx "end $2")" 1 || return 1
	done
}

# The coordinator, in mid-RUN.
b=$(submit coordinator app:coordinator)
await 30 both_run "$b" || die "the two RUNs did not run at once: $(job_states "$b")"
kill9 coordinator
start_coordinator --lease 6s --restart-lease 6s --beat 1s --backoff 0
await 60 is_final "$b" || fail "build $b did not end"
claim "killed in mid-RUN, the coordinator's build succeeds" same "$(state "$b")" succeeded
claim "both attempts went on: neither job ran twice" same "$(api "/v1/builds/$b" | jq -c '[.jobs[].attempt.number]')" '[1,1]'
claim "the index has the two platforms" same "$(tag_count app:coordinator)" 2
claim "both logs are whole across the restart" log_is_whole "$b" coordinator

# The worker, in mid-RUN; it is started again, as its service manager would.
b=$(submit worker app:worker)
await 30 both_run "$b" || die "the two RUNs did not run at once: $(job_states "$b")"
kill9 w2
start_worker w2 "$second"
await 60 is_final "$b" || fail "build $b did not end"
claim "killed in mid-RUN, the worker's build succeeds" same "$(state "$b")" succeeded
claim "only the lost job ran again" same "$(api "/v1/builds/$b" | jq -c '[.jobs[].attempt.number] | sort')" '[1,2]'
claim "the history says why" sh -c "$(printf '%q ' "$manifold") show $b | grep -q 'attempt.lost'"
claim "nothing of the lost attempt is mounted" sh -c "! grep -q ' $W/w2/.*/merged ' /proc/self/mounts"
claim "both logs are whole" log_is_whole "$b" worker

# The coordinator, between index and tag: a relay in front of the registry holds the tag's request.
new_port
gate=127.0.0.1:$port
touch "$W/held.hold"
begin gate python3 tests/e2e/gate.py "$port" "${registry#127.0.0.1:}" "PUT /v2/app/manifests/tag " "$W/held"
ready gate 10 sh -c "curl -sS http://$gate/v2/ >/dev/null"
b=$(registry=$gate submit tag app:tag)
await 60 test -e "$W/held" || die "the tag was never asked for: $(job_states "$b")"
claim "the index is there by digest while the tag is not" sh -c "curl -fsS -o /dev/null -H 'Accept: application/vnd.oci.image.index.v1+json' http://$registry/v2/app/manifests/$(api "/v1/builds/$b" | jq -r '.publishes[0].index_digest') && ! curl -fsS -o /dev/null http://$registry/v2/app/manifests/tag"
kill9 coordinator
restarted=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
rm "$W/held.hold"
start_coordinator --lease 6s --restart-lease 6s --beat 1s --backoff 0
await 60 is_final "$b" || fail "build $b did not end"
claim "killed between index and tag, the build succeeds" same "$(state "$b")" succeeded
claim "the tag is the build's index" same "$(skopeo inspect --tls-verify=false --raw "docker://$registry/app:tag" | sha256sum | cut -d' ' -f1)" "$(api "/v1/builds/$b" | jq -r '.index_digest | ltrimstr("sha256:")')"
claim "no job ran again" same "$(api "/v1/builds/$b" | jq -c '[.jobs[].attempt.number]')" '[1,1]'
claim "publish went on at its step: the index was over before, the tag's step begun before and ended after" \
	jq -e --arg at "$restarted" '.publishes[0].steps | map({key: .kind, value: .}) | from_entries | .index.ended_at < $at and .tag.started_at < $at and .tag.ended_at > $at' <(api "/v1/builds/$b")
finish
