#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/bench/big-base.py ROOT_TAR ARCH LAYOUT: an OCI layout with one image, tagged 1, of ROOT_TAR and four layers of
files: about 1 GB unpacked, compressing about 3:1, the same bytes every time."""
import hashlib
import io
import json
import os
import random
import sys
import tarfile
import zlib
from concurrent.futures import ProcessPoolExecutor

LAYERS, LAYER_BYTES = 4, 250_000_000
BLOCK = 4096
BLOBS = "blobs/sha256"


class Gzip:
    """A sink for a tar: digests before and after compression, and the file."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.plain, self.packed, self.size = hashlib.sha256(), hashlib.sha256(), 0
        self.zip = zlib.compressobj(6, zlib.DEFLATED, 31)

    def _put(self, data):
        self.packed.update(data)
        self.size += len(data)
        self.file.write(data)

    def write(self, data):
        self.plain.update(data)
        self._put(self.zip.compress(data))
        return len(data)

    def close(self):
        self._put(self.zip.flush())
        self.file.close()


def data(rng, size):
    """A third of each block is random; the rest repeats it, as text and code do."""
    blocks = []
    for _ in range(size // BLOCK + 1):
        part = rng.randbytes(BLOCK * 31 // 100)
        blocks.append((part * 4)[:BLOCK])
    return b"".join(blocks)[:size]


def fill(tar, number):
    rng = random.Random(number)
    left, n = LAYER_BYTES, 0
    while left > 0:
        size = min(left, int(rng.lognormvariate(10, 1.4)) + 100)
        info = tarfile.TarInfo(f"data/{number}/{n % 97}/{n}")
        info.size, info.mode = size, 0o644
        tar.addfile(info, io.BytesIO(data(rng, size)))
        left, n = left - size, n + 1


def layer(layout, number, root_tar):
    path = f"{layout}/layer{number}"
    sink = Gzip(path)
    if number == 0:
        with open(root_tar, "rb") as root:
            while block := root.read(1 << 20):
                sink.write(block)
    else:
        with tarfile.open(fileobj=sink, mode="w|", bufsize=1 << 20) as tar:
            fill(tar, number)
    sink.close()
    os.rename(path, f"{layout}/{BLOBS}/{sink.packed.hexdigest()}")
    return sink.plain.hexdigest(), sink.packed.hexdigest(), sink.size


def keep(layout, document):
    text = json.dumps(document).encode()
    digest = hashlib.sha256(text).hexdigest()
    with open(f"{layout}/{BLOBS}/{digest}", "wb") as file:
        file.write(text)
    return {"digest": f"sha256:{digest}", "size": len(text)}


def main():
    root_tar, arch, layout = sys.argv[1:]
    os.makedirs(f"{layout}/{BLOBS}")
    with ProcessPoolExecutor(2) as pool:
        numbers = range(LAYERS + 1)
        layers = list(pool.map(layer, [layout] * len(numbers), numbers, [root_tar] * len(numbers)))
    config = keep(layout, {
        "architecture": arch, "os": "linux",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{plain}" for plain, _, _ in layers]},
        "history": [{"created_by": "big-base.py"} for _ in layers],
    })
    kind = "application/vnd.oci.image"
    manifest = keep(layout, {
        "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **config},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar+gzip", "digest": f"sha256:{packed}", "size": size}
                   for _, packed, size in layers],
    })
    entry = {"mediaType": f"{kind}.manifest.v1+json", **manifest, "annotations": {"org.opencontainers.image.ref.name": "1"}}
    with open(f"{layout}/index.json", "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, file)
    with open(f"{layout}/oci-layout", "w") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
    print(f"{layout}: {sum(size for _, _, size in layers)} bytes compressed")


main()
