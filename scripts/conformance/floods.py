"""Floods and bombs of HTTP/2, each bounded in time here; after each Penstock serves, in bounded memory.

And what looks like a flood and is none: callers that cancel in bulk must not be cut off.
"""

import contextlib
import time

from attack import MIB, attack, penstock, recorder, remains
from harness import eventually
from http2 import *
from suite import check, finish

# Seconds that a flood lasts.
LENGTH = 2


def flood(h2, data, reads=True, seconds=LENGTH):
    """Sends the same bytes until the peer ends the connection or the time is over; says how often and what came of it.

    Without `reads` nothing that the peer says is taken, so that its answers pile up where it lets them.
    """
    end, count = time.monotonic() + seconds, 0
    h2.socket.settimeout(0.2)
    rest = b""
    while time.monotonic() < end and not h2.is_closed and not h2.goaway:
        rest = rest or data() if callable(data) else rest or data
        try:
            sent = h2.socket.send(rest)
            rest = rest[sent:]
            count += 0 if rest else 1
        except TimeoutError:
            if not reads: break
        except OSError:
            h2.is_closed = True
            break
        if reads: h2.read(0)
        h2.socket.settimeout(0.2)
    if not reads: time.sleep(max(0, min(1, end - time.monotonic())))
    return f"{count} times, {h2.end()}"


def connect(*pairs, **options):
    return Connection(penstock.port, *pairs, **options)


GET = [(":method", "GET"), (":scheme", "http"), (":path", "/waits"), (":authority", "penstock.test")]


def many(wire, count, piece):
    """The bytes of `count` streams."""
    block = wire.block(GET)  # The second and later ones come from the table.
    out = [wire.headers(wire.next_stream(), block) + piece(wire.last)]
    for _ in range(count - 1):
        stream = wire.next_stream()
        out.append(wire.headers(stream, wire.block(GET)) + piece(stream))
    return b"".join(out)


# Streams opened and ended.
with attack("rapid reset, 10 000 streams (CVE-2023-44487)") as remark:
    connections = recorder.connections
    with connect() as wire:
        end = time.monotonic() + 2 * LENGTH
        for _ in range(100):
            if wire.is_closed or wire.goaway or time.monotonic() > end: break
            wire.send(many(wire, 100, rst))
            wire.read(0)
        with contextlib.suppress(Ended): wire.lives(10)
        remark(f"{(wire.last + 1) // 2} streams, {wire.end()}, {recorder.connections - connections} upstream")
for sentence, mistake in {
    "WINDOW_UPDATE of 0": lambda stream: window_update(stream, 0),
    "a window that overflows": lambda stream: window_update(stream, 2**31 - 1),
    "DATA after the end": lambda stream: frame(DATA, END_STREAM, stream, b"a"),
    "PRIORITY of a wrong length": lambda stream: frame(PRIORITY, 0, stream, b"abcd"),
    "HEADERS after the end": lambda stream: frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82"),
}.items():
    with attack(f"made you reset by {sentence}, 10 000 streams (CVE-2025-8671)") as remark:
        with connect() as wire:
            end = time.monotonic() + 2 * LENGTH
            for _ in range(100):
                if wire.is_closed or wire.goaway or time.monotonic() > end: break
                wire.send(many(wire, 100, mistake))
                wire.read(0)
            wire.read(0.5)
            remark(f"{(wire.last + 1) // 2} streams, {wire.end()}")
with attack("a rapid reset over 50 connections, 200 streams each") as remark:
    for _ in range(50):
        with connect() as wire:
            for _ in range(4):
                wire.send(many(wire, 50, rst))
with attack("malformed requests, 10 000 streams") as remark:
    with connect() as wire:
        bad = wire.block([*GET, ("X-Upper", "a")])
        wire.read(0.1)

        def hundred():
            return b"".join(wire.headers(wire.next_stream(), b"\x82\x86\x84\x00\x01A\x01b") for _ in range(100))

        remark(flood(wire, hundred))

# Header blocks.
for sentence, part in {"16 KiB each": frame(CONTINUATION, 0, 1, b"\x00\x01a" + b"\x7f\x80\x7f" + b"a" * 16_370),
                       "1 byte each": frame(CONTINUATION, 0, 1, b"\x82") * 1000,
                       "empty ones": frame(CONTINUATION, 0, 1, b"") * 1000}.items():
    with attack(f"CONTINUATION without end, {sentence} (CVE-2024-27316)") as remark:
        with connect() as wire:
            wire.send(frame(HEADERS, END_STREAM, 1, b"\x82"))
            remark(flood(wire, part))
with attack("HPACK bomb: 16 000 references to a field of 4 000 bytes in each of 50 requests") as remark:
    with connect() as wire:
        wire.send(wire.headers(1, wire.block([*GET[:2], (":path", "/case"), GET[3], ("x-a", "b" * 3900)])))
        wire.read(0.1)
        # The newest entry of the table has index 62.
        wire.last = 1
        for _ in range(50):
            wire.send(wire.headers(wire.next_stream(), b"\x82\x86\x84\x41\x01a" + b"\xbe" * 16_000))
        wire.read(0.5)
        remark(wire.end())
for sentence, field in {"fields of no length": b"\x8f", "fields of no name": b"\x00\x00\x00",
                        "cookies of one byte": b"\x60\x01a"}.items():
    with attack(f"16 000 {sentence} in each of 50 requests") as remark:
        with connect() as wire:
            for _ in range(50):
                block = b"\x82\x86\x84\x01\x01a" + field * (16_000 // len(field))
                wire.send(wire.headers(wire.next_stream(), block))
            wire.read(0.5)
            remark(wire.end())
with attack("8 000 changes of the table's size in each of 200 requests") as remark:
    with connect() as wire:
        for _ in range(200):
            wire.send(wire.headers(wire.next_stream(), b"\x20\x3f\xe1\x1f" * 4000 + b"\x82\x86\x84\x41\x01a"))
        wire.read(0.5)
        remark(wire.end())

# Frames that cost the sender nothing.
for sentence, data in {
    "PING": ping() * 1000, "SETTINGS": settings() * 1000,
    "SETTINGS with 100 values": settings(*[(INITIAL_WINDOW, 65_535)] * 100) * 20,
    "SETTINGS that change the table's size":
        (settings((HEADER_TABLE_SIZE, 0)) + settings((HEADER_TABLE_SIZE, 4096))) * 500,
    "WINDOW_UPDATE of 1 for the connection": window_update(0, 1) * 1000,
    "PRIORITY": b"".join(frame(PRIORITY, 0, n * 2 + 1, b"\0\0\0\0\x10") for n in range(1000)),
    "unknown frames": frame(0xbb, 0, 0, b"x" * 100) * 100,
    "acknowledgements of nothing": (frame(SETTINGS, ACK) + ping(flags=ACK)) * 500,
    "GOAWAY": frame(GOAWAY, 0, 0, bytes(8)) * 1000,
}.items():
    for reads in (True, False):
        with attack(f"a flood of {sentence}{'' if reads else ', and nothing read'}") as remark:
            with connect(receive_buffer=None if reads else 4096) as wire:
                remark(flood(wire, data, reads))
for sentence, data in {
    "empty DATA": frame(DATA, 0, 1, b"") * 1000,
    "DATA with padding only": frame(DATA, PADDED, 1, b"\0") * 1000,
    "WINDOW_UPDATE of 1 for a stream": window_update(1, 1) * 1000,
    "PRIORITY of one stream": frame(PRIORITY, 0, 1, b"\0\0\0\0\x10") * 1000,
}.items():
    with attack(f"a flood of {sentence} on an open stream") as remark:
        with connect() as wire:
            wire.request("/waits", method="POST", ends=False)
            remark(flood(wire, data))
with attack("a flood of RST_STREAM on a closed stream") as remark:
    with connect() as wire:
        wire.answer(wire.request("/case"))
        remark(flood(wire, rst(1) * 1000))

# No abuse.
with check("1 000 streams, their answers begun, then cancelled: the connection goes on"):
    with connect() as wire:
        at_a_time = min(100, wire.settings.get(MAX_CONCURRENT, 100))
        for _ in range(1000 // at_a_time):
            streams = [wire.request("/trickles") for _ in range(at_a_time)]
            for stream in streams: wire.until(lambda: wire[stream].body or wire[stream].is_over)
            assert not [s for s in streams if wire[s].is_over], f"not answered: {wire[streams[0]]}"
            wire.send(b"".join(map(rst, streams)))
            wire.lives()
        assert wire.answer(wire.request("/case")).status == 200
    eventually(lambda: penstock.is_idle("recorder"), "all slots to be free")
with check("300 cancels in a second, three seconds long: the connection goes on"):
    with connect() as wire:
        for _ in range(3):
            began = time.monotonic()
            for _ in range(30):
                streams = [wire.request("/waits") for _ in range(10)]
                wire.read(0.002)
                wire.send(b"".join(map(rst, streams)))
            wire.lives()
            time.sleep(max(0, began + 1 - time.monotonic()))
        assert wire.answer(wire.request("/case")).status == 200
with check("100 callers' requests cancelled at the same moment, while they wait for answers: the connection goes on"):
    with connect() as wire:
        for _ in range(5):
            streams = [wire.request("/waits") for _ in range(min(100, wire.settings.get(MAX_CONCURRENT, 100)))]
            eventually(lambda: penstock.upstream("recorder")["in_flight"] >= len(streams), "all to be under way")
            wire.send(b"".join(map(rst, streams)))
            eventually(lambda: penstock.is_idle("recorder"), "all slots to be free")
        assert wire.answer(wire.request("/case")).status == 200
with check("5 000 requests, one after the other, on one connection"):
    with connect() as wire:
        for _ in range(100):
            for stream in [wire.request("/case") for _ in range(50)]:
                assert wire.answer(stream).status == 200, wire[stream]
with check("a body of 20 000 frames of one byte, and an answer taken by 16 000 WINDOW_UPDATEs of 64 bytes"):
    with connect((INITIAL_WINDOW, 65_535)) as wire:
        stream = wire.request("/case", method="POST", ends=False)
        wire.send(frame(DATA, 0, stream, b"a") * 20_000 + frame(DATA, END_STREAM, stream, b"a"))
        assert wire.answer(stream, 15).status == 200, wire[stream]
        wire.gives_back = False
        stream = wire.request("/noise")
        taken = 0
        while not wire[stream].is_over:
            wire.until(lambda: len(wire[stream].body) > taken or wire[stream].is_over, 10)
            new = len(wire[stream].body) - taken
            taken += new
            wire.send((window_update(0, 64) + window_update(stream, 64)) * (new // 64 + 1))
        assert taken == MIB and wire[stream].is_ended, wire[stream].reset
with check("PING every 10 ms for two seconds is a caller's good right"):
    with connect() as wire:
        for _ in range(200):
            wire.lives()
            time.sleep(0.01)

remains()
finish()
