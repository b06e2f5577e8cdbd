#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/run-image.sh IMAGE PLATFORM [--keep DIR]: fetches one platform of an image, unpacks it and runs its entrypoint by
# chroot, so that what is shown was executed by this machine's own CPU. As root. With --keep it is unpacked into
# DIR and stays there.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 's/^# \(deploy.*\)/usage: \1/p' "$0" >&2 && exit 2; }
image=$1 platform=$2 keep=
[ "${3:-}" != --keep ] || keep=$4
case "$image" in
127.0.0.1:* | localhost:*) verify=false ;;
*) verify=true ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=${keep:-$tmp/root}
mkdir -p "$root"
digest=$(skopeo inspect --raw --tls-verify=$verify "docker://$image" | jq -r --arg want "$platform" \
	'[.manifests[]? | select(([.platform.os, .platform.architecture, .platform.variant] | map(select(.)) | join("/")) == $want)][0].digest // empty')
[ -n "$digest" ] || { echo "run-image.sh: $image has no $platform" >&2 && exit 1; }
skopeo copy -q --src-tls-verify=$verify "docker://${image%:*}@$digest" "dir:$tmp/image"

config=$tmp/image/$(jq -r '.config.digest | ltrimstr("sha256:")' "$tmp/image/manifest.json")
jq -r '.layers[].digest | ltrimstr("sha256:")' "$tmp/image/manifest.json" | while read -r layer; do
	tar -xf "$tmp/image/$layer" -C "$root"
done
[ -z "$keep" ] || exit 0
mapfile -t command < <(jq -r '(.config.Entrypoint // []) + (.config.Cmd // []) | .[]' "$config")
mapfile -t environment < <(jq -r '.config.Env // [] | .[]' "$config")
env -i "${environment[@]}" chroot "$root" "${command[@]}"
