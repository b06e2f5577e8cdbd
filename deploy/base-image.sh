#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/base-image.sh REGISTRY [ARCH...]: puts manifold-base, Debian's compiler and the libraries that Manifold needs, into a
# registry and prints its name; for more than one of Debian's architectures as an index. Does nothing when the
# registry has it for the same packages.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=$1
shift
. /etc/os-release
suite=$VERSION_CODENAME
native=$(dpkg --print-architecture)
[ $# -gt 0 ] || set -- "$native"

name=manifold-base
packages="base-files base-passwd bash dash coreutils findutils grep sed mawk tar gzip diffutils libc-bin $(deploy/packages.sh --list build)"
key=$(printf '%s\n' "$packages" | cat - "$0" deploy/debian-root.sh deploy/tar-to-oci.sh | sha256sum | cut -c 1-12)
case "$registry" in
127.0.0.1:* | localhost:*) api=http://$registry/v2/$name verify=false ;;
*) api=https://$registry/v2/$name verify=true ;;
esac
manifest_type=application/vnd.oci.image.manifest.v1+json
index_type=application/vnd.oci.image.index.v1+json
has() { curl -fsS -o /dev/null -I -H "Accept: $manifest_type, $index_type" "$api/manifests/$1" 2>/dev/null; }

mkdir -p build
tmp=$(mktemp -d "$PWD/build/base.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# What maintainer scripts would have left that a compilation needs.
finish_root() { # FOLDER
	local file
	ln -sf gcc "$1/usr/bin/cc"
	ln -sf mawk "$1/usr/bin/awk"
	for file in passwd group; do cp "$1/usr/share/base-passwd/$file.master" "$1/etc/$file"; done
	find "$1/usr/share/ca-certificates" -name '*.crt' | sort | xargs cat >"$1/etc/ssl/certs/ca-certificates.crt"
	mkdir -p "$1/tmp" "$1/var/tmp"
	chmod 1777 "$1/tmp" "$1/var/tmp"
}

make_image() { # ARCH TAG
	local work=$tmp/$1
	deploy/debian-root.sh "$1" "$work/root" $packages
	finish_root "$work/root"
	tar -c --sort=name --numeric-owner -C "$work/root" . >"$work/root.tar"
	rm -rf "$work/root"
	deploy/tar-to-oci.sh "$work/root.tar" "$1" "$work/layout" base
	skopeo copy -q --dest-tls-verify=$verify "oci:$work/layout:base" "docker://$registry/$name:$2"
	rm -rf "$work"
}

descriptor() { # TAG
	curl -fsS -H "Accept: $manifest_type" -o "$tmp/manifest" "$api/manifests/$1"
	config=$(jq -r .config.digest "$tmp/manifest")
	curl -fsS "$api/blobs/$config" | jq -c --arg type $manifest_type --arg digest "sha256:$(sha256sum <"$tmp/manifest" | cut -d ' ' -f 1)" \
		--argjson size "$(stat -c %s "$tmp/manifest")" '{mediaType: $type, digest: $digest, size: $size, platform: ({os, architecture, variant} | with_entries(select(.value)))}'
}

tags=()
for arch in "$@"; do
	tag=$suite-$arch-$key
	has "$tag" || make_image "$arch" "$tag" >&2
	tags+=("$tag")
done
if [ $# -gt 1 ]; then
	tag=$suite-$(echo "$*" | tr ' ' -)-$key
	has "$tag" || for part in "${tags[@]}"; do descriptor "$part"; done |
		jq -sc --arg type $index_type '{schemaVersion: 2, mediaType: $type, manifests: .}' |
		curl -fsS -X PUT -H "Content-Type: $index_type" --data-binary @- "$api/manifests/$tag" >&2
fi
echo "$registry/$name:$tag"
