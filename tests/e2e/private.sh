#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A registry that asks for a password: the base image is pulled, the images pushed and the tag moved with the coordinator's
# credentials, which the workers ask for; the password reaches neither logs, database, command lines nor the disk.
. "$(dirname "$0")/lib.sh"

start_registry --auth
make_base tester:secret
printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$registry" "$(printf tester:secret | base64)" >"$W/auth.json"
start_coordinator --registry-auth "$W/auth.json"
start_worker w1 "$native"
start_worker w2 "$second"

mkdir "$W/ctx"
cat >"$W/ctx/Dockerfile" <<END
FROM $base
ARG TARGETPLATFORM
RUN echo "\$TARGETPLATFORM" >/built && sleep 2
RUN echo "the password is: secret"
END
"$manifold" build -t "$registry/team/app:1" --platform "$native,$second" "$W/ctx" >"$W/build.out" 2>"$W/build.err" &
build=$!
runs() { api /v1/jobs | jq -e '[.jobs[] | select(.state == "running" and (.step.name // "" | startswith("RUN")))] | length == 2'; }
await 30 runs || fail "the two jobs did not run at once"
secret_in_ps() { # of the programs of this world and what they started; this script itself knows the password
	local file
	for file in /proc/[0-9]*/cmdline; do
		tr '\0' ' ' 2>/dev/null <"$file" | grep -v -e grep -e private.sh | grep -F "$W"
	done | grep -F -e tester:secret -e "$(printf tester:secret | base64)"
}
claim "while it runs, no command line holds the password" same "$(secret_in_ps)" ""
wait $build
claim "a build from and to a private registry succeeds" same $? 0
claim "its index has the two platforms" same "$(skopeo inspect --raw --tls-verify=false --creds tester:secret "docker://$registry/team/app:1" | jq '.manifests | length')" 2
claim "without the password the registry refuses" sh -c "! skopeo inspect --raw --tls-verify=false 'docker://$registry/team/app:1'"
claim "what a RUN prints of it is struck out" contains "$(cat "$W/build.err")" "the password is: ***"
claim "it is in no log of ours" sh -c "! grep -rlE 'password is: secret|$(printf tester:secret | base64)' '$W'/*.log '$W/build.err' '$W/data/logs'"
claim "nor in the database" sh -c "! sqlite3 '$W/data/manifold.db' .dump | grep -E 'tester:secret|$(printf tester:secret | base64)'"
claim "nor on the workers' disks" sh -c "! grep -rl '$(printf tester:secret | base64)' '$W/w1' '$W/w2' --exclude-dir=root"
claim "nor left in memory's file system" sh -c "! ls /run/manifold-*.auth"

printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$registry" "$(printf tester:wrong | base64)" >"$W/auth.json"
stop coordinator
start_coordinator --registry-auth "$W/auth.json"
await 20 worker_is_connected w1 && await 20 worker_is_connected w2
sed -i 's/sleep 2/true/' "$W/ctx/Dockerfile"
"$manifold" build -t "$registry/team/app:2" --platform "$native" "$W/ctx" >"$W/build.out" 2>"$W/build.err"
claim "with a wrong password the build is refused, exit status 4" same $? 4
claim "and the error names the registry" contains "$(cat "$W/build.err")" "$registry"
claim "and no tag is there" sh -c "! skopeo inspect --raw --tls-verify=false --creds tester:secret 'docker://$registry/team/app:2'"
finish
