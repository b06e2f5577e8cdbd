#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/packages.sh SET...: installs what is missing of build, run, test, cross (Debian 12 or 13, as root or by sudo).
# --list prints the names instead.
set -euo pipefail

# What compiles the programs; the base image of deploy/base-image.sh holds the same.
build="gcc make pkg-config libc6-dev libevent-dev libwebsockets-dev libsqlite3-dev libjansson-dev libcurl4-openssl-dev
	libssl-dev libarchive-dev zlib1g-dev libzstd-dev libinih-dev libssh2-1-dev ca-certificates"
# What a worker and the quickstart run.
run="buildah runc skopeo docker-registry ca-certificates curl jq sqlite3 procps"
# buildah of Debian 13 makes no container without it, though it only recommends it.
[ "$(. /etc/os-release && echo "${VERSION_ID:-0}" | cut -d. -f1)" -lt 13 ] 2>/dev/null || run="$run netavark"
test="check strace jq curl sqlite3 python3-jsonschema universal-ctags clang libclang-rt-dev apache2-utils git"
# qemu-user and not qemu-user-static: the latter registers binfmt_misc handlers, and a host with
# one can prove nothing about its own CPU, so every worker on it would be refused.
cross="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"

list=
only_list=
for set in "$@"; do
	case "$set" in
	build | run | test | cross) list="$list ${!set}" ;;
	--list) only_list=1 ;;
	*) echo "packages.sh: unknown set '$set' (build, run, test, cross)" >&2 && exit 2 ;;
	esac
done
list=$(printf '%s\n' $list | sort -u)
[ -z "$only_list" ] || { echo $list && exit 0; }

missing=$(comm -23 <(echo "$list") <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u))
[ -n "$missing" ] || exit 0

. /etc/os-release
[ "${ID:-}" = debian ] || echo "packages.sh: made for Debian 12 and 13, this is ${PRETTY_NAME:-unknown}" >&2
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
[ -z "$sudo" ] || command -v sudo >/dev/null || { echo "packages.sh: run as root, or install sudo; missing:" $missing >&2 && exit 1; }

apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null; }
install() { apt --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install $missing; }

# The package's own registry service listens on every address; ours is started by hand, on loopback.
case " $(echo $missing) " in
*" docker-registry "*) [ ! -d /run/systemd/system ] || $sudo systemctl mask docker-registry.service ;;
esac
# The lists are fetched only when they are absent or name files that are gone.
install || { apt update && install; }
