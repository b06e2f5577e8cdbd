#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""told.py TRACE: reads what strace saw of a coordinator (-f -y -ttt -xx -s 70000, with reads, writes, pwrite64 and
fdatasync) and holds every 202, offer and ack against the disk: after what it answers had come in, a frame of the
write-ahead log must have been written, then an fdatasync of the log begun, and returned before the answer left.
Prints one claim per kind."""
import collections
import json
import re
import sys

LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +(\d+\.\d+) (.*)$")
FD = re.compile(r"^\w+\((\d+)<([^>]*)>")
HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def bytes_of(pairs):
    return bytes.fromhex(pairs.replace("\\x", ""))


def calls(path):
    """(began, ended, text) of each system call, in the order they ended."""
    begun = {}
    for line in open(path, errors="replace"):
        if not (match := LINE.match(line)):
            continue
        thread, at, text = match[1], float(match[2]), match[3]
        if text.endswith("<unfinished ...>"):
            begun[thread] = (at, text[: -len("<unfinished ...>")])
        elif text.startswith("<... "):
            if thread in begun:
                began, head = begun.pop(thread)
                yield began, at, head + text.split("resumed>", 1)[1]
        else:
            yield at, at, text


def frames(data):
    """The whole WebSocket frames at the start of data: (opcode, payload), and how many bytes they are."""
    found, pos = [], 0
    while len(data) - pos >= 2:
        size, head = data[pos + 1] & 127, 2
        if size == 126:
            size, head = int.from_bytes(data[pos + 2 : pos + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[pos + 2 : pos + 10], "big"), 10
        mask = data[pos + head : pos + head + 4] if data[pos + 1] & 128 else b""
        head += len(mask)
        if len(data) - pos < head + size:
            break
        payload = data[pos + head : pos + head + size]
        if mask:
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        found.append((data[pos] & 15, payload))
        pos += head + size
    return found, pos


class Stream:
    """One direction of a connection: HTTP until its upgrade, then WebSocket messages."""

    def __init__(self):
        self.data, self.is_upgraded = b"", False

    def take(self, data):
        if not self.is_upgraded:
            head, _, rest = data.partition(b"\r\n\r\n")
            if b"upgrade: websocket" not in head.lower():
                return [data]
            data, self.is_upgraded = rest, True
        found, used = frames(self.data + data)
        self.data = (self.data + data)[used:]
        return [json.loads(payload) for opcode, payload in found if opcode == 1]


# The log's header is written and synced by itself when the log starts anew, whatever synchronous is: no frame.
OFFSET = re.compile(r", (\d+) *\) += +\d+$")
frame_writes = []  # when each had ended
syncs = []  # (began, ended) of the log's
asked = {}  # what came in, by key: when
told = []  # (kind, key, when that had come in, when the answer left)
streams = collections.defaultdict(Stream)
for began, ended, text in calls(sys.argv[1]):
    name, place = text.split("(", 1)[0], FD.match(text)
    if not place:
        continue
    file = bytes_of(place[2]) if place[2].startswith("\\x") else place[2].encode()
    if name == "pwrite64" and file.endswith(b"manifold.db-wal"):
        if (at := OFFSET.search(text)) and int(at[1]) > 0:
            frame_writes.append(ended)
    if name == "fdatasync" and file.endswith(b"manifold.db-wal"):
        syncs.append((began, ended))
    if not file.startswith((b"TCP", b"socket")):
        continue
    is_in = name in ("read", "readv", "recvfrom", "recvmsg")
    data = b"".join(bytes_of(part) for part in HEX.findall(text))
    for message in streams[place[1], place[2], is_in].take(data):
        if isinstance(message, bytes):
            if is_in and message.startswith(b"POST /v1/builds"):
                asked["submit", place[1]] = asked["submit"] = ended
            elif not is_in and message.startswith(b"HTTP/1.1 202"):
                told.append(("202", "submit", asked.get(("submit", place[1])), began))
        elif is_in and "seq" in message:
            asked[message["attempt"], message["seq"]] = ended
        elif message.get("type") == "ack":
            key = message["attempt"], message["seq"]
            told.append(("ack", key, asked.get(key), began))
        elif message.get("type") == "offer":
            told.append(("offer", message["attempt"], asked.get("submit"), began))


def is_on_disk(asked_at, left):
    """Was a frame written after asked_at, and synced before left?"""
    written = min((at for at in frame_writes if at >= asked_at), default=left)
    return any(written <= began and ended <= left for began, ended in syncs)


failed = 0
for kind in ("202", "offer", "ack"):
    mine = [(key, came, left) for what, key, came, left in told if what == kind]
    early = [key for key, came, left in mine if not came or not is_on_disk(came, left)]
    if mine and not early:
        print(f"pass: an fdatasync of the log returned before each {kind} left ({len(mine)})")
    else:
        failed += 1
        print(f"FAIL: {len(early)} of {len(mine)} {kind} left with no fdatasync of the log since what they answer came in: {early[:5]}")
sys.exit(1 if failed else 0)
