#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""liar.py PORT TOKEN_FILE NAME PLATFORM DIGEST SIZE: a worker that is none. It says hello from schema/examples, accepts what it
is offered and reports success with that digest, whatever was asked. Nothing here is shared with the real worker, so it
also holds the wire as the schemas tell it against the coordinator."""
import base64, json, os, socket, struct, sys

port, token_file, name, platform, digest, size = sys.argv[1:7]
line = socket.create_connection(("127.0.0.1", int(port)))
stream = line.makefile("rb")


def handshake():
    token = open(token_file).read().strip()
    line.sendall((f"GET /v1/session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Protocol: manifold.v1\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
    status = stream.readline()
    assert b" 101 " in status, status
    while stream.readline() not in (b"\r\n", b""):
        pass


def send(opcode, payload):  # RFC 6455 5.2: a client's frames are masked
    mask = os.urandom(4)
    length = len(payload)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack(">H", length))
    line.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def say(kind, **members):
    send(1, json.dumps({"type": kind, **members}).encode())


def hear():
    while True:
        head = stream.read(2)
        if len(head) < 2:
            sys.exit(0)
        opcode, length = head[0] & 15, head[1] & 127
        if length == 126:
            length = struct.unpack(">H", stream.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", stream.read(8))[0]
        payload = stream.read(length)
        if opcode == 9:
            send(10, payload)
        elif opcode == 1:
            return json.loads(payload)
        elif opcode == 8:
            sys.exit(0)


def example(kind):
    message = json.load(open(f"schema/examples/{kind}.json"))
    message.pop("type")
    return message


handshake()
say("hello", **{**example("hello"), "name": name, "platforms": [platform], "held": [], "slots": 1})
while True:
    message = hear()
    if message["type"] != "offer":
        continue
    attempt = message["attempt"]
    say("accept", attempt=attempt)
    say("started", **{**example("started"), "attempt": attempt, "seq": 1})
    say("result", **{**example("result"), "attempt": attempt, "seq": 2, "digest": digest, "size_bytes": int(size),
                     "media_type": "application/vnd.oci.image.manifest.v1+json", "log_bytes": 0})
