#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing is told before it is on disk: strace sees the log's fdatasync return before the 202, the offer and the ack leave.
. "$(dirname "$0")/lib.sh"

context=$W/context
mkdir -p "$context"
printf 'FROM scratch\nCOPY Dockerfile /\n' >"$context/Dockerfile"

start_registry
# -D: the coordinator itself is our child, strace watches from the side.
start_coordinator_under strace -D -f -y -ttt -xx -s 70000 -o "$W/trace" \
	-e trace=fdatasync,pwrite64,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg
start_worker w1 "$native"
for n in 1 2 3; do
	claim "build $n succeeds under strace" "$manifold" build -q -t "$registry/app:$n" --platform "$native" "$context"
done
stop coordinator
python3 tests/e2e/told.py "$W/trace" >"$W/told"
while read -r verdict words; do
	if [ "$verdict" = pass: ]; then pass "$words"; else fail "$words"; fi
done <"$W/told"
finish
