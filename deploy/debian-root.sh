#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/debian-root.sh ARCH FOLDER PACKAGE...: a new root file system with these packages and all that they need, from this
# system's own mirror. The packages are unpacked and not configured: a fifth of the time that a bootstrap with
# maintainer scripts takes; and nothing runs in the new root, so another architecture needs no emulation either.
set -euo pipefail
arch=$1 folder=$2
shift 2
mkdir -p "$folder"
tmp=$(mktemp -d "$PWD/build/debs.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# As on a system that has nothing; package lists of another architecture are not left on this one.
mkdir -p "$tmp/debs/partial" "$tmp/lists/partial"
: >"$tmp/status"
apt=(apt-get -qq -y --no-install-recommends -o APT::Sandbox::User=root -o Debug::NoLocking=1
	-o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o "Dir::State::status=$tmp/status" -o "Dir::Cache::archives=$tmp/debs")
[ "$arch" = "$(dpkg --print-architecture)" ] || apt+=(-o "Dir::State::lists=$tmp/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
download() { "${apt[@]}" --download-only install "$@" </dev/null; }
update() { "${apt[@]}" update || echo "debian-root.sh: going on with the package lists that came"; }
{ download "$@" 2>/dev/null || { update && download "$@"; }; } >&2

mkdir -p "$folder"/usr/{bin,sbin,lib}
for dir in bin sbin lib; do ln -s usr/$dir "$folder/$dir"; done
[ "$arch" != amd64 ] || { mkdir "$folder/usr/lib64" && ln -s usr/lib64 "$folder/lib64"; }
for deb in "$tmp"/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb"; done |
	tar -xi --keep-directory-symlink -C "$folder" --exclude './usr/share/man/*' --exclude './usr/share/doc/*' --exclude './usr/share/locale/*'
