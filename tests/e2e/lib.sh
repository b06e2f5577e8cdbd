# SPDX-License-Identifier: Apache-2.0
# For end-to-end scripts (bash): a world of their own (registry, coordinator, workers, in a new folder, on free ports),
# claims that are counted, and an end that leaves nothing behind. Sourced first:
#
#	. "$(dirname "$0")/lib.sh"
#	start_registry; start_coordinator; start_worker w1 linux/amd64
#	claim "one thing holds" test ...
#	finish
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
TOP=$PWD
. deploy/daemons.sh

BIN=${BIN:-$TOP/build/bin}
manifold=$BIN/manifold
W=$(mktemp -d "${TMPDIR:-/var/tmp}/manifold-e2e.XXXXXX")
daemons=()
passed=0
failed=0
case "$(uname -m)" in
x86_64) arch=amd64 native=linux/amd64 second=linux/amd64/v2 ;;
aarch64) arch=arm64 native=linux/arm64 second=linux/arm/v7 ;;
*) echo "e2e: no native platforms known for $(uname -m)" >&2 && exit 2 ;;
esac

pass() { passed=$((passed + 1)) && echo "pass: $*"; }
fail() { failed=$((failed + 1)) && echo "FAIL: $*"; }
claim() { # WORDS COMMAND...: passes when the command succeeds; on failure its output is shown
	local words=$1 out
	shift
	if out=$("$@" 2>&1); then pass "$words"; else fail "$words ($*)" && printf '%s\n' "$out" | tail -n 20; fi
}
same() { [ "$1" = "$2" ] || { echo "got '$1', expected '$2'" && false; }; }
contains() { case "$1" in *"$2"*) ;; *) printf "no '%s' in:\n%s\n" "$2" "$1" && false ;; esac; }
lacks() { case "$1" in *"$2"*) printf "'%s' in:\n%s\n" "$2" "$1" && false ;; esac; }
die() { echo "e2e: $*" >&2 && exit 1; }

# Waits for a command to succeed: await SECONDS COMMAND...
await() {
	local tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

clean() {
	local rc=$? name
	trap - EXIT INT TERM
	! declare -F at_exit >/dev/null || at_exit >/dev/null 2>&1
	for name in "${daemons[@]}"; do daemon_stop "$W" "$name" 15 || echo "e2e: $name had to be killed"; done
	[ -z "${KEEP:-}" ] || { echo "e2e: kept $W" && exit $rc; }
	[ "$failed" = 0 ] && [ $rc = 0 ] || find "$W" -maxdepth 2 -name "*.log" ! -name registry.log -exec tail -v -n 30 {} +
	# What a worker killed in mid-build has left mounted.
	awk -v w="$W/" 'index($2, w) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r m; do umount -l "$m"; done
	rm -rf "$W" "${claimed_ports[@]}"
	exit $rc
}
claimed_ports=()
trap clean EXIT
trap 'exit 130' INT TERM

finish() { # the closing line, and the exit status
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit $?
}

new_port() { # sets $port
	port=$(port_pick $((20000 + (RANDOM + $$) % 10000))) || die "no free port"
	claimed_ports+=("${TMPDIR:-/tmp}/manifold-port-$port")
}
begin() { # NAME COMMAND...
	daemon_start "$W" "$@"
	case " ${daemons[*]:-} " in *" $1 "*) ;; *) daemons=("$1" "${daemons[@]}") ;; esac
}
ready() { # NAME SECONDS COMMAND...
	daemon_wait "$W" "$@" || { tail -n 30 "$W/$1.log" && die "$1 did not become ready"; }
}
http_ok() { curl -fsS -o /dev/null "$@"; }

start_registry() { # [--auth]: sets $registry, and with --auth asks for tester:secret
	local htpasswd=
	new_port
	registry=127.0.0.1:$port
	mkdir -p "$W/registry"
	if [ "${1:-}" = --auth ]; then
		htpasswd=$W/htpasswd
		htpasswd -Bbn tester secret >"$htpasswd"
	fi
	registry_config "$port" "$W/registry" "$htpasswd" >"$W/registry.yml"
	begin registry docker-registry serve "$W/registry.yml"
	ready registry 20 sh -c "curl -sS http://$registry/v2/ >/dev/null"
}

# Sets $url, $workers_url, MANIFOLD_URL and MANIFOLD_TOKEN; again: the same ports and data.
start_coordinator() { # [FLAG...]
	watcher=() && start_coordinator_with "$@"
}
start_coordinator_under() { # WATCHER...: the command line that runs it, such as strace's
	watcher=("$@") && start_coordinator_with
}
start_coordinator_with() {
	if [ -z "${url:-}" ]; then
		new_port && url=http://127.0.0.1:$port
		new_port && workers_url=ws://127.0.0.1:$port
		MANIFOLD_TOKEN=$("$BIN/manifold-coordinator" --data-dir "$W/data" --create-token e2e --scope submit,read,admin) || die "no token"
		(umask 077 && "$BIN/manifold-coordinator" --data-dir "$W/data" --create-token workers --scope worker >"$W/worker-token") || die "no worker token"
		export MANIFOLD_URL=$url MANIFOLD_TOKEN
	fi
	begin coordinator "${watcher[@]}" "$BIN/manifold-coordinator" --data-dir "$W/data" --listen "${url#http://}" --worker-listen "${workers_url#ws://}" "$@"
	ready coordinator 20 http_ok "$url/readyz"
}

start_worker() { # NAME PLATFORMS [FLAG...]; returns when the coordinator lists it as connected
	local name=$1 platforms=$2
	shift 2
	begin "$name" "$BIN/manifold-worker" --coordinator "$workers_url" --token-file "$W/worker-token" --name "$name" \
		--state-dir "$W/$name" --platforms "$platforms" --slots 1 --isolation chroot "$@"
	ready "$name" 20 worker_is_connected "$name"
}
worker_is_connected() { api /v1/workers | jq -e --arg n "$1" 'any(.workers[]; .name == $n and .connected)'; }

stop() { daemon_stop "$W" "$1"; }
kill9() { daemon_kill "$W" "$1"; }

api() { # PATH [CURL ARGUMENT...]
	local path=$1
	shift
	curl -sS -H "Authorization: Bearer $MANIFOLD_TOKEN" "$@" "$url$path"
}

# A base image of busybox alone, built once a machine and pushed to $registry as base:1.
make_base() {
	local cache=$TOP/build/e2e/base
	mkdir -p "$cache"
	(
		flock 9
		[ ! -f "$cache/layout/index.json" ] || exit 0
		rm -rf "$cache/root" "$cache/new" "$cache/layout"
		"$TOP/deploy/debian-root.sh" "$arch" "$cache/root" busybox-static || exit 1
		cd "$cache" || exit 1
		mkdir -p root/{tmp,etc,proc,sys,dev,root,var/tmp}
		for applet in $(root/bin/busybox --list); do [ -e "root/bin/$applet" ] || ln -s busybox "root/bin/$applet"; done
		chmod 1777 root/tmp root/var/tmp
		echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
		tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C root . >root.tar
		"$TOP/deploy/tar-to-oci.sh" root.tar "$arch" "$cache/new" 1 && mv "$cache/new" "$cache/layout"
	) 9>"$cache/lock" >&2 || die "no base image"
	base=$registry/base:1
	skopeo copy -q --dest-tls-verify=false ${1:+--dest-creds "$1"} "oci:$cache/layout:1" "docker://$base" || die "base image not pushed"
}
