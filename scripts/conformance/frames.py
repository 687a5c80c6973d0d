"""HTTP/2 as a server, frame by frame (RFC 9113 §3 – §6, RFC 7541): what is asked of it in every state.

TARGET_PORT=8080 tries another server in its place, to see that the checks themselves are right.
"""

import os
import socket
import threading
import time

from http2 import *
from suite import Skipped, check, finish

if "TARGET_PORT" in os.environ:
    port, recorder, penstock = int(os.environ["TARGET_PORT"]), None, None
else:
    from proxied import recorder, serves, start

    penstock = start()
    port = penstock.port

    def hang(peer, request):
        peer.read_body(request)
        peer.fill()

    recorder.on("/hang", hang)


def connect(*pairs, **options):
    return Connection(port, *pairs, **options)


def connection_error(sentence, *codes):
    """A check of which the function sends one mistake; the connection must end."""
    def run(body):
        with check(f"{sentence}: the connection ends with {' or '.join(code_name(code) for code in codes)}") as remark:
            with connect() as h2:
                body(h2)
                remark(h2.connection_error(*codes))

    return run


def stream_error(sentence, *codes, known=None):
    """A check of which the function sends one mistake and returns its stream."""
    def run(body):
        with check(f"{sentence}: {' or '.join(code_name(code) for code in codes)} for the stream", known) as remark:
            with connect() as h2:
                remark(h2.stream_error(body(h2), *codes))

    return run


def fine(sentence):
    """A check of which the function sends what is allowed or is to be ignored; the connection must go on."""
    def run(body):
        with check(sentence):
            with connect() as h2:
                stream = body(h2)
                if stream: assert h2.answer(stream).status == 200, h2[stream]
                h2.lives()

    return run


def post(h2, path="/hang", *fields):
    return h2.request(path, *fields, method="POST", ends=False)


# Preface (§3.4).
with check("the server's first frame is SETTINGS, and it acknowledges ours"):
    with connect() as h2:
        h2.until(lambda: h2.acks == 1, what="the acknowledgement")
with check("the preface may come byte by byte"):
    with connect(greets=False) as h2:
        for byte in PREFACE + settings():
            h2.send(bytes([byte]))
            time.sleep(0.002)
        h2.until(lambda: h2.acks == 1)
        h2.lives()
with check("the preface, SETTINGS and a request may come in one write"):
    with connect(greets=False) as h2:
        block = h2.block([(":method", "GET"), (":scheme", "http"), (":path", "/case"), (":authority", "a")])
        h2.send(PREFACE + settings() + h2.headers(1, block))
        assert h2.answer(1).status == 200, h2[1]
with check("the preface, SETTINGS and a request with a head of 30 KiB may come in one write",
           "NIO takes heads of more than 16 KiB only after its SETTINGS were acknowledged"):
    with connect(greets=False) as h2:
        block = h2.block([(":method", "GET"), (":scheme", "http"), (":path", "/case"),
                         (":authority", "a"), ("x-a", "~" * 18_000)])
        h2.send(PREFACE + settings() + h2.headers(1, block))
        assert h2.answer(1).status in (200, 431), h2[1]
for sentence, data in {
    "a preface that breaks off into something else": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + settings(),
    "a preface with lines of HTTP/1.1": b"PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
    "a preface for HTTP/3": b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n" + settings(),
}.items():
    with check(f"{sentence}: the connection ends"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(data)
            got = b""
            try:
                while part := raw.recv(1 << 16): got += part
            except ConnectionError:
                pass
            assert b"200 OK" not in got, got
for sentence, first in {"PING": ping(), "HEADERS": frame(HEADERS, 5, 1, b"\x82\x86\x84"),
                        "WINDOW_UPDATE": window_update(0, 1), "SETTINGS with ACK": frame(SETTINGS, ACK)}.items():
    with check(f"{sentence} as the first frame: PROTOCOL_ERROR") as remark:
        with connect(greets=False) as h2:
            h2.send(PREFACE + first)
            remark(h2.connection_error(PROTOCOL_ERROR))

# Frames (§4).
for kind in (0x0b, 0x10, 0xbb, 0xff):
    @fine(f"frames of the unknown type {kind:#x} are ignored, on any stream")
    def _(h2, kind=kind):
        h2.send(frame(kind, 0xff, 0, b"x" * 100) + frame(kind, 0, 99, b"") + frame(kind, 0, 1, b"y"))
        return h2.request()
@fine("undefined flags and the reserved bit of a stream are ignored")
def _(h2):
    block = h2.block([(":method", "GET"), (":scheme", "http"), (":path", "/case"), (":authority", "a")])
    h2.send(frame(PING, 0xfe, 1 << 31, b"abcdefgh") + frame(HEADERS, 0x90 | END_HEADERS | END_STREAM, 1 | 1 << 31,
        block))
    h2.until(lambda: b"abcdefgh" in h2.pongs)
    return 1
@fine("a frame of exactly 16 384 bytes is taken")
def _(h2):
    stream = h2.request("/case", method="POST", ends=False)
    h2.send(frame(DATA, END_STREAM, stream, b"a" * 16_384))
    return stream
@stream_error("DATA of 16 385 bytes", FRAME_SIZE_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(frame(DATA, 0, stream, b"a" * max(16_385, h2.settings.get(MAX_FRAME, 16_384) + 1)))
    return stream
@connection_error("HEADERS of 16 385 bytes", FRAME_SIZE_ERROR)
def _(h2):
    h2.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82" * (h2.settings.get(MAX_FRAME, 16_384) + 1)))
@connection_error("SETTINGS of 16 386 bytes", FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM)
def _(h2): h2.send(settings(*[(99, 1)] * (h2.settings.get(MAX_FRAME, 16_384) // 6 + 1)))
@connection_error("a length of 16 MiB", FRAME_SIZE_ERROR)
def _(h2): h2.send(frame(PING, 0, 0, b"12345678", length=0xffffff))

# Header blocks (§4.3, RFC 7541).
for sentence, block in {
    "index 0": b"\x80",
    "an index beyond the tables": b"\xff\xff\x01",
    "a literal whose name has an index beyond the tables": b"\x7f\xff\x01\x01a",
    "a number without end": b"\xff" + b"\xff" * 20,
    "a string longer than the block": b"\x00\x7f\x05abc",
    "a block that ends within a number": b"\xff",
    "Huffman code with EOS": b"\x00\x85\xff\xff\xff\xff\xff\x01a",
    "Huffman code padded with zeros": b"\x00\x01a\x81\x00",
    "Huffman code padded with more than 7 bits": b"\x00\x01a\x82\x1f\xff",
    "a table larger than allowed": b"\x3f\xe2\x1f\x82",
    "a change of the table's size at the end": b"\x82\x86\x84\x20",
}.items():
    @connection_error(f"HPACK: {sentence}", COMPRESSION_ERROR)
    def _(h2, block=block): h2.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
@fine("HPACK: the table's size may change twice at the beginning of a block")
def _(h2):
    rest = h2.block([(":method", "GET"), (":scheme", "http"), (":path", "/case"), (":authority", "a")])
    h2.send(h2.headers(1, b"\x20\x3f\xe1\x1f" + rest))
    return 1

# Stream states (§5.1).
HEADERS_CODE = "NIO ends it with PROTOCOL_ERROR instead"
for sentence, mistake in {
    "DATA": frame(DATA, END_STREAM, 1, b"a"),
    "RST_STREAM": rst(1),
    "WINDOW_UPDATE": window_update(1, 100),
    "CONTINUATION": frame(CONTINUATION, END_HEADERS, 1, b"\x82"),
}.items():
    @connection_error(f"{sentence} on an idle stream", PROTOCOL_ERROR)
    def _(h2, mistake=mistake): h2.send(mistake)
@fine("PRIORITY on an idle stream is no matter")
def _(h2):
    h2.send(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"))
    return h2.request()
for sentence, mistake in {"DATA": lambda stream: frame(DATA, END_STREAM, stream, b"a"),
                          "HEADERS": lambda stream: frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82")}.items():
    @stream_error(f"{sentence} on a half-closed stream", STREAM_CLOSED,
                  known=HEADERS_CODE if sentence == "HEADERS" else None)
    def _(h2, mistake=mistake):
        stream = h2.request("/hang")
        h2.send(mistake(stream))
        return stream
    with check(f"{sentence} on a stream after our RST_STREAM: STREAM_CLOSED, or ignored",
               HEADERS_CODE if sentence == "HEADERS" else None) as remark:
        with connect() as h2:
            stream = post(h2)
            h2.send(rst(stream) + mistake(stream))
            remark(h2.ignored_or(stream, STREAM_CLOSED))
    with check(f"{sentence} on a stream that both have ended: STREAM_CLOSED, or ignored") as remark:
        with connect() as h2:
            stream = h2.request()
            assert h2.answer(stream).status == 200, h2[stream]
            del h2.streams[stream]
            h2.send(mistake(stream))
            remark(h2.ignored_or(stream, STREAM_CLOSED, PROTOCOL_ERROR))
@fine("WINDOW_UPDATE, PRIORITY and RST_STREAM on a closed stream are no matter")
def _(h2):
    stream = h2.request()
    h2.answer(stream)
    h2.send(window_update(stream, 1) + frame(PRIORITY, 0, stream, b"\0\0\0\0\x10") + rst(stream))
    return h2.request()
@connection_error("an even stream", PROTOCOL_ERROR)
def _(h2): h2.request(stream=2)
@connection_error("a stream below the last one", PROTOCOL_ERROR, STREAM_CLOSED)
def _(h2):
    h2.answer(h2.request(stream=5))
    h2.request(stream=3)
@fine("streams may be left out")
def _(h2):
    h2.answer(h2.request(stream=11))
    return h2.request(stream=2**31 - 1)
with check("more streams at a time than allowed: REFUSED_STREAM, PROTOCOL_ERROR or GOAWAY") as remark:
    with connect() as h2:
        most = h2.settings.get(MAX_CONCURRENT)
        assert most and most <= 10_000, f"SETTINGS_MAX_CONCURRENT_STREAMS is {most}"
        remark(f"{most} allowed")
        for _ in range(most + 1): h2.request("/hang", method="POST", ends=False)
        remark(h2.stream_error(h2.last, REFUSED_STREAM, PROTOCOL_ERROR, ENHANCE_YOUR_CALM))
for sentence, mistake in {
    "HEADERS": lambda block: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0\1\x10" + block),
    "PRIORITY": lambda block:
        frame(PRIORITY, 0, 1, b"\0\0\0\1\x10") + frame(HEADERS, END_HEADERS | END_STREAM, 1, block),
}.items():
    with check(f"{sentence} that makes a stream depend on itself: ignored, or PROTOCOL_ERROR") as remark:
        with connect() as h2:
            block = h2.block([(":method", "GET"), (":scheme", "http"), (":path", "/case"), (":authority", "a")])
            h2.send(mistake(block))
            remark(h2.ignored_or(1, PROTOCOL_ERROR))

# DATA (§6.1), HEADERS (§6.2), PRIORITY, RST_STREAM (§6.3, §6.4).
@connection_error("DATA on stream 0", PROTOCOL_ERROR)
def _(h2): h2.send(frame(DATA, 0, 0, b"a"))
@connection_error("HEADERS on stream 0", PROTOCOL_ERROR)
def _(h2): h2.send(frame(HEADERS, END_HEADERS, 0, b"\x82"))
@connection_error("PRIORITY on stream 0", PROTOCOL_ERROR)
def _(h2): h2.send(frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"))
@connection_error("RST_STREAM on stream 0", PROTOCOL_ERROR)
def _(h2): h2.send(rst(0))
@connection_error("PUSH_PROMISE", PROTOCOL_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(frame(PUSH_PROMISE, END_HEADERS, stream, b"\0\0\0\2\x82"))
for padding, length in ((5, 5), (255, 1), (1, 1)):
    @connection_error(f"DATA of {length} bytes with a padding of {padding}", PROTOCOL_ERROR)
    def _(h2, padding=padding, length=length):
        stream = post(h2)
        h2.send(frame(DATA, PADDED, stream, bytes([padding]) + b"a" * (length - 1)))
@connection_error("DATA with padding and no bytes", FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(frame(DATA, PADDED, stream, b""))
@connection_error("HEADERS with a padding as long as itself", PROTOCOL_ERROR)
def _(h2): h2.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x05\x82\x86\x84"))
@fine("padding is taken away from HEADERS and DATA")
def _(h2):
    block = h2.block([(":method", "POST"), (":scheme", "http"), (":path", "/case"), (":authority", "a")])
    h2.send(frame(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, 1, b"\x09" + b"\0\0\0\0\x10" + block + b"\0" * 9))
    h2.send(frame(DATA, PADDED, 1, b"\xff" + b"hello" + b"\0" * 255) + frame(DATA, END_STREAM | PADDED, 1, b"\0"))
    return 1
@stream_error("PRIORITY of 4 bytes", FRAME_SIZE_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(frame(PRIORITY, 0, stream, b"\0\0\0\0"))
    return stream
@connection_error("RST_STREAM of 3 bytes", FRAME_SIZE_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(frame(RST_STREAM, 0, stream, b"\0\0\0"))

# SETTINGS (§6.5).
for sentence, mistake, codes in [("SETTINGS with ACK and a payload", frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0"),
        [FRAME_SIZE_ERROR]), ("SETTINGS on a stream", frame(SETTINGS, 0, 1, b""), [PROTOCOL_ERROR]),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, b"\0\1\0\0\0"), [FRAME_SIZE_ERROR]), ("ENABLE_PUSH 2",
        settings((ENABLE_PUSH, 2)), [PROTOCOL_ERROR]), ("INITIAL_WINDOW_SIZE 2^31", settings((INITIAL_WINDOW, 2**31)),
        [FLOW_CONTROL_ERROR]), ("MAX_FRAME_SIZE 16 383", settings((MAX_FRAME, 16_383)), [PROTOCOL_ERROR]),
        ("MAX_FRAME_SIZE 2^24", settings((MAX_FRAME, 2**24)), [PROTOCOL_ERROR]), ]:
    @connection_error(sentence, *codes)
    def _(h2, mistake=mistake): h2.send(mistake)
@fine("unknown settings are ignored, and each SETTINGS is acknowledged")
def _(h2):
    h2.send(settings((0, 1), (0xff, 2**32 - 1), (0xf0f0, 0)) + settings())
    h2.until(lambda: h2.acks == 3)
    return h2.request()
@fine("a setting that stands several times counts as it stands last")
def _(h2):
    h2.send(settings((INITIAL_WINDOW, 0), (INITIAL_WINDOW, 1000)))
    return h2.request()
@fine("a header table of 0 bytes is kept to")
def _(h2):
    h2.send(settings((HEADER_TABLE_SIZE, 0)))
    h2.until(lambda: h2.acks == 2)
    h2.decoder.max_allowed_table_size = 0
    assert h2.answer(h2.request()).status == 200
    return h2.request()
with check("an acknowledgement that nobody waits for: ignored, or PROTOCOL_ERROR") as remark:
    with connect() as h2:
        h2.send(frame(SETTINGS, ACK))
        remark(h2.ignored_or(1, PROTOCOL_ERROR))

# PING, GOAWAY (§6.7, §6.8).
@fine("PING comes back with what it holds, and an acknowledgement does not")
def _(h2):
    h2.send(ping(b"\0\xff345678") + ping(b"notagain", ACK))
    h2.until(lambda: h2.pongs)
    h2.lives()
    assert b"notagain" not in h2.pongs
for sentence, mistake, code in [("PING on a stream", frame(PING, 0, 1, b"12345678"), PROTOCOL_ERROR),
        ("PING of 6 bytes", frame(PING, 0, 0, b"123456"), FRAME_SIZE_ERROR), ("GOAWAY on a stream", frame(GOAWAY, 0,
        1, bytes(8)), PROTOCOL_ERROR), ("GOAWAY of 7 bytes", frame(GOAWAY, 0, 0, bytes(7)), FRAME_SIZE_ERROR), ]:
    @connection_error(sentence, code)
    def _(h2, mistake=mistake): h2.send(mistake)
with check("after our GOAWAY what is under way ends in good order, then the connection closes"):
    with connect() as h2:
        stream = h2.request("/case", method="POST", ends=False)
        h2.send(frame(GOAWAY, 0, 0, bytes(8)) + frame(DATA, END_STREAM, stream, b"hello"))
        assert h2.answer(stream).status == 200, h2[stream]

# WINDOW_UPDATE (§6.9).
@connection_error("WINDOW_UPDATE of 0 for the connection", PROTOCOL_ERROR)
def _(h2): h2.send(window_update(0, 0))
@stream_error("WINDOW_UPDATE of 0 for a stream", PROTOCOL_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(window_update(stream, 0))
    return stream
@connection_error("WINDOW_UPDATE of 3 bytes", FRAME_SIZE_ERROR)
def _(h2): h2.send(frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"))
@connection_error("a window of the connection above 2^31 - 1", FLOW_CONTROL_ERROR)
def _(h2): h2.send(window_update(0, 2**31 - 1))
@stream_error("a window of a stream above 2^31 - 1", FLOW_CONTROL_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(window_update(stream, 2**31 - 1))
    return stream
@connection_error("INITIAL_WINDOW_SIZE that lifts a stream's window above 2^31 - 1", FLOW_CONTROL_ERROR)
def _(h2):
    stream = post(h2)
    h2.send(window_update(stream, 2**31 - 1 - 65_535) + settings((INITIAL_WINDOW, 65_536)))
with check("more DATA than the windows hold: FLOW_CONTROL_ERROR") as remark:
    if not recorder: raise Skipped("needs an upstream that does not read")
    stall = threading.Event()
    recorder.on("/stall", lambda peer, request: stall.wait(8) and None)
    with connect() as h2:
        stream = post(h2, "/stall")
        # Ignores all windows. What the proxy itself takes is a few MiB at most.
        try:
            for _ in range(4096):
                h2.send(frame(DATA, 0, stream, b"a" * 16_384))
                h2.read(0.0005)
                if h2.is_closed or h2[stream].is_over: break
        except TimeoutError:
            raise AssertionError("it stopped reading instead of saying so") from None
        remark(h2.stream_error(stream, FLOW_CONTROL_ERROR))
    stall.set()

# CONTINUATION (§6.10).
@fine("a header block may come in many CONTINUATION frames, also empty ones")
def _(h2):
    block = h2.block([(":method", "GET"), (":scheme", "http"),
                     (":path", "/case"), (":authority", "a"), ("x-a", "b" * 100)])
    h2.send(frame(HEADERS, END_STREAM, 1, block[:1]) + frame(CONTINUATION, 0, 1, b""))
    h2.send(b"".join(frame(CONTINUATION, 0, 1, block[at : at + 40]) for at in range(1, len(block), 40)))
    h2.send(frame(CONTINUATION, END_HEADERS, 1, b""))
    return 1
for sentence, between in {
    "DATA": frame(DATA, 0, 1, b"a"), "PRIORITY": frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), "PING": ping(),
    "SETTINGS": settings(), "an unknown frame": frame(0xbb, 0, 0, b""), "WINDOW_UPDATE": window_update(0, 1),
    "HEADERS of another stream": frame(HEADERS, 5, 3, b"\x82\x86\x84"), "RST_STREAM": rst(1),
    "CONTINUATION of another stream": frame(CONTINUATION, END_HEADERS, 3, b"\x84"),
}.items():
    @connection_error(f"{sentence} within a header block", PROTOCOL_ERROR)
    def _(h2, between=between):
        h2.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86") + between + frame(CONTINUATION, END_HEADERS, 1, b"\x84"))
@connection_error("CONTINUATION after the end of a header block", PROTOCOL_ERROR, STREAM_CLOSED)
def _(h2):
    stream = post(h2)
    h2.send(frame(CONTINUATION, END_HEADERS, stream, b"\x82"))
@connection_error("CONTINUATION on stream 0", PROTOCOL_ERROR)
def _(h2): h2.send(frame(HEADERS, END_STREAM, 1, b"\x82") + frame(CONTINUATION, END_HEADERS, 0, b"\x84"))

if penstock:
    with check("nothing is left, and a normal caller is served"):
        penstock.is_idle("recorder")
        serves(penstock)
finish()
