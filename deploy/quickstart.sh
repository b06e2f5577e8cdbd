#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/quickstart.sh [stop]: one image for two platforms, built by two workers on this machine at the same time and
# published under one tag. Everything is kept in build/quickstart (or QUICKSTART_DIR, absolute) and goes on running;
# again: what runs is used.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null || { echo "quickstart: run as root, or install sudo" >&2 && exit 1; }; exec sudo -- env QUICKSTART_DIR="${QUICKSTART_DIR:-}" "$0" "$@"; }
unset MAKEFLAGS MFLAGS MAKELEVEL
. deploy/daemons.sh

Q=${QUICKSTART_DIR:-$PWD/build/quickstart}
shown=${Q#"$PWD"/}
names="worker-2 worker-1 coordinator registry"
if [ "${1:-}" = stop ]; then
	for name in $names; do
		pid=$(daemon_pid $Q "$name") || continue
		daemon_stop $Q "$name" 30 && echo "stopped $name (pid $pid)" || echo "killed $name (pid $pid), it did not stop in 30 s"
	done
	exit 0
fi
[ $# = 0 ] || { echo "usage: deploy/quickstart.sh [stop]" >&2 && exit 2; }

as_owner() { # the checkout's files stay their owner's
	if [ -n "${SUDO_USER:-}" ]; then runuser -u "$SUDO_USER" -- "$@"; else "$@"; fi
}

as_owner mkdir -p build
mkdir -p $Q/log $Q/registry-data
chmod 700 $Q
began=$SECONDS
note() { printf '%s\n' "$*" >&2; }
failed() { # WHAT LOG
	note "quickstart: $1 failed. The end of $2:"
	tail -n 20 "$2" | sed 's/^/    /' >&2
	exit 1
}
# Runs a step with its output in a log, and prints one line for it.
phase() { # WORDS LOG COMMAND...
	local words=$1 log=$Q/log/$2 start=$SECONDS
	shift 2
	"$@" >"$log" 2>&1 || failed "$words" "$log"
	printf '%5d s  %s\n' $((SECONDS - start)) "$words"
}

# Ports are chosen once and kept while they are free or ours. Claims last until the services hold them.
claims=()
trap '[ ${#claims[@]} = 0 ] || rm -rf "${claims[@]}"' EXIT
keep_port() { # NAME DAEMON FROM: sets $port
	local file=$Q/$1.port
	if [ -s "$file" ] && port=$(cat "$file") && { daemon_pid $Q "$2" >/dev/null || port_is_free "$port"; }; then return; fi
	port=$(port_pick "$3")
	echo "$port" >"$file"
	claims+=("${TMPDIR:-/tmp}/manifold-port-$port")
}
# Starts what does not run, and again what runs from an older build.
keep_running() { # NAME BINARY READY-COMMAND -- COMMAND...
	local name=$1 binary=$2 is_ready=$3
	shift 4
	if daemon_pid $Q "$name" >/dev/null; then
		[ "$binary" -nt $Q/"$name".pid ] || return 0
		daemon_stop $Q "$name" 30 || :
	fi
	: >$Q/"$name".log
	daemon_start $Q "$name" "$@"
	daemon_wait $Q "$name" 30 $is_ready || failed "starting $name" $Q/"$name".log
}

start_registry() {
	keep_port registry registry 5000
	registry=127.0.0.1:$port
	daemon_pid $Q registry >/dev/null || registry_config "$port" "$Q/registry-data" >$Q/registry.yml
	keep_running registry /usr/bin/docker-registry registry_is_ready -- docker-registry serve $Q/registry.yml
}
registry_is_ready() { curl -fsS "http://$registry/v2/"; }

make_programs_and_base() {
	local make_log=$Q/log/make.log base_log=$Q/log/base.log start=$SECONDS base_pid
	deploy/base-image.sh "$registry" $base_arches >$Q/base 2>"$base_log" &
	base_pid=$!
	as_owner make -j"$(nproc)" >"$make_log" 2>&1 || { kill $base_pid 2>/dev/null || :; failed "compiling" "$make_log"; }
	printf '%5d s  programs in build/bin\n' $((SECONDS - start))
	wait $base_pid || failed "making the base image" "$base_log"
	printf '%5d s  base image %s\n' $((SECONDS - start)) "$(cat $Q/base)"
}

coordinator=build/bin/manifold-coordinator
create_token() { # FILE NAME SCOPES
	[ -s "$Q/$1" ] || (umask 077 && $coordinator --data-dir $Q/data --create-token "$2" --scope "$3" >"$Q/$1.new" && mv "$Q/$1.new" "$Q/$1")
}
start_coordinator() {
	keep_port front coordinator 7480
	front=$port
	keep_port workers coordinator $((front + 1)) # above it: nothing listens on the front yet
	workers=$port
	create_token token quickstart submit,read,admin
	create_token worker-token workers worker
	keep_running coordinator $coordinator coordinator_is_ready -- \
		$coordinator --data-dir $Q/data --listen 127.0.0.1:"$front" --worker-listen 127.0.0.1:"$workers"
	(
		umask 077 && rm -f $Q/env && exec >$Q/env
		echo "export MANIFOLD_URL=http://127.0.0.1:$front"
		echo "export MANIFOLD_TOKEN=$(cat $Q/token)"
		echo "export MANIFOLD_REGISTRY=$registry"
	)
	[ -z "${SUDO_USER:-}" ] || chown "$SUDO_USER" $Q $Q/env
	. $Q/env
}
coordinator_is_ready() { curl -fsS "http://127.0.0.1:$front/readyz"; }

worker_is_connected() { build/bin/manifold workers --json | jq -e --arg n "$worker" 'any(.workers[]; .name == $n and .connected)'; }
start_worker() { # NAME PLATFORM
	worker=$1
	keep_running "$1" build/bin/manifold-worker worker_is_connected -- \
		build/bin/manifold-worker --coordinator ws://127.0.0.1:"$workers" --token-file $Q/worker-token --name "$1" \
		--state-dir $Q/"$1" --platforms "$2" --slots 1 --isolation chroot
}
start_services() {
	start_coordinator
	start_worker worker-1 "$first"
	[ -z "$second" ] || start_worker worker-2 "$second"
}

# Two platforms that this CPU executes itself. The workers prove it again, each its own.
choose_platforms() {
	local has_all
	has_all() { local f; for f in "$@"; do grep -qwm 1 "$f" /proc/cpuinfo || return 1; done; }
	base_arches=$(dpkg --print-architecture)
	case "$(uname -m)" in
	x86_64)
		first=linux/amd64 second=
		if has_all avx avx2 bmi1 bmi2 f16c fma abm movbe xsave; then
			second=linux/amd64/v3
		elif has_all cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3; then
			second=linux/amd64/v2
		fi
		;;
	aarch64)
		first=linux/arm64 second=
		# setarch fails where the CPU has no 32-bit mode.
		! setarch linux32 true 2>/dev/null || { second=linux/arm/v7 && base_arches="arm64 armhf"; }
		;;
	*) note "quickstart: needs an x86-64 or arm64 machine, this is $(uname -m)" && exit 1 ;;
	esac
	platforms=$first${second:+,$second}
	[ -n "$second" ] || note "quickstart: this CPU executes $first alone, so one worker builds one platform"
}

phase "packages" packages.log deploy/packages.sh build run
choose_platforms
start_registry
make_programs_and_base
start=$SECONDS
start_services
printf '%5d s  coordinator on %s, workers for %s\n' $((SECONDS - start)) "$MANIFOLD_URL" "$platforms"

image=$registry/manifold:quickstart
base=$(cat $Q/base)
echo
echo "\$ manifold build -f deploy/docker/Dockerfile --build-arg BASE=$base -t $image --platform $platforms ."
start=$SECONDS
build/bin/manifold build -f deploy/docker/Dockerfile --build-arg BASE="$base" -t "$image" --platform "$platforms" . || {
	rc=$?
	note "quickstart: the build ended with $rc; logs of the services: $shown/*.log"
	exit $rc
}
printf '%5d s  built and published\n' $((SECONDS - start))

echo
echo "\$ manifold inspect $image"
build/bin/manifold inspect "$image"
echo
echo "\$ manifold ps --all --last 10"
build/bin/manifold ps --all --last 10
cat <<EOF

Everything goes on running; 'make quickstart-stop' ends it. Total $((SECONDS - began)) s.

  . $shown/env; PATH=\$PWD/build/bin:\$PATH     then: manifold ps | workers | logs | show | inspect | build
  skopeo inspect --raw --tls-verify=false docker://$image
EOF
for platform in ${platforms//,/ }; do echo "  deploy/run-image.sh $image $platform     runs that image, by chroot, as root"; done
cat <<EOF

An ARM host joins through SSH, which needs no port open on either side. There, in a checkout of this commit:

  deploy/packages.sh build run && make
and from here (the tunnel must stay):
  deploy/base-image.sh $registry amd64 arm64       prints the BASE for both, nothing is emulated
  scp $shown/worker-token ARM-HOST:
  ssh -R $front:127.0.0.1:$front -R $workers:127.0.0.1:$workers -R ${registry#*:}:$registry ARM-HOST
  sudo build/bin/manifold-worker --coordinator ws://127.0.0.1:$workers --token-file ~/worker-token --name arm-1 --state-dir /var/lib/manifold-worker
then add --platform $first,linux/arm64 to a build.
EOF
