#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/tar-to-oci.sh TAR ARCH LAYOUT TAG (ARCH in Debian's words): an OCI layout with one image of one layer, without an engine: importing a
# root file system into buildah's store and pushing it from there reads and writes it three times more.
set -euo pipefail
tar=$1 layout=$3 tag=$4
case $2 in
armhf) platform='"architecture":"arm","variant":"v7"' ;;
*) platform="\"architecture\":\"$2\"" ;;
esac

blobs=$layout/blobs/sha256
mkdir -p "$blobs"
pack="gzip -n -1"
! command -v pigz >/dev/null || pack="pigz -n -1"

sha256sum <"$tar" >"$layout/diff" &
diff=$!
$pack <"$tar" >"$layout/layer"
wait $diff
diff_id=$(cut -d ' ' -f 1 "$layout/diff")
rm "$layout/diff"

size() { stat -c %s "$1"; }
keep() { # FILE: moves it to its digest's name, prints that
	local digest
	digest=$(sha256sum <"$1" | cut -d ' ' -f 1)
	mv "$1" "$blobs/$digest"
	echo "$digest"
}
layer=$(keep "$layout/layer")
# buildah 1.28 refuses a base whose history does not tell of its layers.
printf '{%s,"os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["/bin/sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"tar-to-oci.sh"}]}' \
	"$platform" "$diff_id" >"$layout/config"
config=$(keep "$layout/config")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s}]}' \
	"$config" "$(size "$blobs/$config")" "$layer" "$(size "$blobs/$layer")" >"$layout/manifest"
manifest=$(keep "$layout/manifest")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
	"$manifest" "$(size "$blobs/$manifest")" "$tag" >"$layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
