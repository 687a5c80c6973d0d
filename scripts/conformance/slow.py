"""What holds connections, streams and windows and gives nothing: slow heads, bodies and readers, idle connections."""

import contextlib
import socket
import subprocess
import threading
import time

from attack import MIB, attack, penstock, remains, resident
from harness import directory
from http2 import *
from suite import check, finish

port = penstock.port


def connect(*pairs, **options):
    return Connection(port, *pairs, **options)


def slowhttptest(*arguments):
    command = ["slowhttptest", *map(str, arguments), "-c", "500", "-r", "500", "-l", "6", "-p", "2"]
    done = subprocess.run(
        command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    text = done.stdout.decode(errors="replace")
    assert "YES" in text, text[-600:]


# Opened here and looked at in the end, so that nobody has to wait for them alone. Bounds in seconds: of a head that has
# begun, and of a connection on which no request is.
HALVES = {"half a preface": (PREFACE[:10], 15), "half a request line": (b"GET /ca", 15),
          "half a field": (b"GET /case HTTP/1.1\r\nHost: a\r\nX-A", 15), "nothing": (b"", 95),
          "a preface without SETTINGS": (PREFACE, 95),
          "half a header block": (PREFACE + settings() + frame(HEADERS, END_STREAM, 1, b"\x82"), 15),
          "half a frame": (PREFACE + settings() + frame(HEADERS, 5, 1, b"\x82\x86\x84", length=100), 15)}
lengths = {}


def hold(name, data):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=100) as raw:
        raw.sendall(data)
        with contextlib.suppress(OSError):
            while raw.recv(1 << 16): pass
    lengths[name] = time.monotonic() - began


def leave():
    """Takes nothing of a small answer, which is whole long before."""
    began = time.monotonic()
    with Connection(port, (INITIAL_WINDOW, 0), seconds=100) as wire:
        stream = wire.request("/case")
        wire.until(lambda: wire[stream].is_over, 100)
        lengths["an answer that is never taken"] = time.monotonic() - began


leaving = threading.Thread(target=leave, daemon=True)
leaving.start()
holding = {name: threading.Thread(target=hold, args=(name, data), daemon=True) for name, (data, _) in HALVES.items()}
for thread in holding.values(): thread.start()

URL = f"http://127.0.0.1:{port}"
with attack("slowhttptest: 500 slow heads"):
    slowhttptest("-H", "-i", 1, "-u", f"{URL}/case")
with attack("slowhttptest: 500 slow bodies", peak=128 * MIB):
    slowhttptest("-B", "-i", 1, "-s", 8192, "-u", f"{URL}/case")
with attack("slowhttptest: 500 slow readers", peak=256 * MIB):
    slowhttptest("-X", "-w", 10, "-y", 20, "-n", 1, "-z", 5, "-u", f"{URL}/noise")
with attack("2 000 idle connections, half of them HTTP/2") as remark:
    before = resident(penstock)
    with contextlib.ExitStack() as stack:
        for n in range(2000):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            if n % 2: raw.sendall(PREFACE + settings())
        time.sleep(0.5)
        remark(f"{(resident(penstock) - before) / 2000 / 1024:.1f} KiB each")
with attack("2 000 connections that come and go at once"):
    for n in range(2000):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()

# HTTP/2.
with attack("zero windows: 5 connections with 100 streams each take nothing of 1 MiB", peak=256 * MIB) as remark:
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            wire = stack.enter_context(connect((INITIAL_WINDOW, 0)))
            for _ in range(100): wire.request("/noise")
        time.sleep(2)
with attack("a connection that takes one byte at a time, on 100 streams") as remark:
    with connect((INITIAL_WINDOW, 1)) as wire:
        for _ in range(100): wire.request("/noise")
        wire.read(0.5)
        end = time.monotonic() + 2
        while time.monotonic() < end and not wire.is_closed: wire.read(0.1)
        remark(wire.end())
with attack("100 streams with begun bodies that never end, on 20 connections") as remark:
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            wire = stack.enter_context(connect())
            for _ in range(100):
                stream = wire.request("/waits", method="POST", ends=False)
                wire.send(frame(DATA, 0, stream, b"a" * 100))
        time.sleep(2)
with check("a header block that comes byte by byte is ended within 15 s"):
    with connect() as wire:
        wire.send(frame(HEADERS, END_STREAM, 1, b"\x82"))
        end = time.monotonic() + 15
        while not wire.is_closed:
            assert time.monotonic() < end, "it goes on"
            wire.send(frame(CONTINUATION, 0, 1, b"\x86"))
            wire.read(0.5)
with check("a small answer that no window is given for: its stream is reset within 65 s"):
    leaving.join(70)
    assert 55 < lengths.get("an answer that is never taken", 0) <= 65, lengths
for name, (_, most) in HALVES.items():
    with check(f"{name} and then nothing: the connection is ended within {most} s") as remark:
        holding[name].join(110)
        assert name in lengths, "it goes on"
        remark(f"{lengths[name]:.0f} s")
        assert lengths[name] <= most, f"after {lengths[name]:.0f} s"

remains()
finish()
