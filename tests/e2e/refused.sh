#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A host that could emulate is refused, with the command that mends it, and gets no job. The handler is registered in a user
# namespace of its own (Linux 6.7 and later have one binfmt_misc each), so that no other worker on this machine sees it; on
# an older kernel the script says so and claims nothing of it.
. "$(dirname "$0")/lib.sh"

start_registry
start_coordinator
make_base

# Mounts an own binfmt_misc, registers aarch64 (another ELF class than ours everywhere but on arm64: there x86-64) with an
# interpreter, then becomes the worker.
cat >"$W/emulating" <<'END'
#!/bin/sh
set -e
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
case "$(uname -m)" in
aarch64) machine='\x3e' name=qemu-x86_64 ;;
*) machine='\xb7' name=qemu-aarch64 ;;
esac
printf '%s' ":$name:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00$machine\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/bin/true:" >/proc/sys/fs/binfmt_misc/register
exec "$@"
END
chmod +x "$W/emulating"
emulating() { unshare --user --map-root-user --mount "$W/emulating" "$@"; }

if ! emulating true 2>"$W/emulating.err"; then
	echo "refused: this kernel has no binfmt_misc of a user namespace's own: $(cat "$W/emulating.err")"
	die "the refusal cannot be shown here"
fi

begin liar unshare --user --map-root-user --mount "$W/emulating" "$BIN/manifold-worker" --coordinator "$workers_url" \
	--token-file "$W/worker-token" --name liar --state-dir "$W/liar" --slots 1
is_refused() { api /v1/workers | jq -e 'any(.workers[]; .name == "liar" and (.refused_because // "") != "")'; }
await 20 is_refused || { cat "$W/liar.log" && fail "the worker is not listed as refused"; }
refused=$(api /v1/workers | jq -r '.workers[] | select(.name == "liar") | .refused_because')
remedy=$(api /v1/workers | jq -r '.workers[] | select(.name == "liar") | .remedy')
claim "a host with a foreign handler is refused" is_refused
claim "the reason names the handler" contains "$refused" qemu-
claim "the remedy is the command that removes it" contains "$remedy" /proc/sys/fs/binfmt_misc/qemu-
claim "the worker says both itself" sh -c "grep -q qemu- '$W/liar.log' && grep -q /proc/sys/fs/binfmt_misc/ '$W/liar.log'"
claim "manifold workers shows them" sh -c "'$manifold' workers | grep liar | grep -q binfmt_misc"

mkdir "$W/ctx" && printf 'FROM %s\nRUN echo built\n' "$base" >"$W/ctx/Dockerfile"
b=$("$manifold" build -d --no-push --platform "$native" "$W/ctx" 2>/dev/null)
waits() { api "/v1/builds/$b" | jq -r '.jobs[0].waiting_for'; }
claim "a build that only it offers waits, and says why" contains "$(waits)" liar
claim "the remedy is a command that works" sh -c "nsenter --user --mount --preserve-credentials -t $(daemon_pid "$W" liar) sh -c '$remedy'"
start_worker w1 "$native"
succeeded() { api "/v1/builds/$b" | jq -e '.state == "succeeded"'; }
await 60 succeeded
claim "the native worker builds it" succeeded
claim "the refused one never had an attempt" same "$(api "/v1/jobs/$(api "/v1/builds/$b" | jq '.jobs[0].id')" | jq -r '[.attempts[].worker] | join(" ")')" w1
finish
