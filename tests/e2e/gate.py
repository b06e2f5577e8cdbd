#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gate.py LISTEN_PORT TARGET_PORT TEXT FLAG: a loopback TCP relay that holds, for as long as the file FLAG.hold exists,
whatever a client sends from the first bytes TEXT on, and makes the file FLAG when that happens. For killing a program
exactly between two of its requests."""
import os, socket, sys, threading, time

listen, target, text, flag = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]


def relay(source, sink, is_watched):
    try:
        while data := source.recv(65536):
            if is_watched and text in data and os.path.exists(flag + ".hold"):
                open(flag, "w").close()
                while os.path.exists(flag + ".hold"):
                    time.sleep(0.02)
                break  # what was held is never sent: its sender is dead by now
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


server = socket.create_server(("127.0.0.1", listen), backlog=64)
while True:
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    upstream = socket.create_connection(("127.0.0.1", target))
    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=relay, args=(client, upstream, True), daemon=True).start()
    threading.Thread(target=relay, args=(upstream, client, False), daemon=True).start()
