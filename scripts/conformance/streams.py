"""Requests and answers over HTTP/2 (RFC 9113 §8, RFC 9110), what becomes of them in HTTP/1.1, and flow control.

The recorder proves that nothing which HTTP/2 can carry and HTTP/1.1 can't reaches the upstream.
"""

import hashlib
import random
import socket
import threading
import time

import h2.config
import h2.connection
import h2.events
from harness import eventually
from http2 import *
from proxied import MIB, recorder, resident, serves, start
from recorder import answer, trickles, waits
from suite import check, finish

penstock = start()
BASE = [(":method", "GET"), (":scheme", "http"), (":path", "/case"), (":authority", "penstock.test")]
POST = [(":method", "POST"), *BASE[1:]]


def connect(*pairs, **options):
    return Connection(penstock.port, *pairs, **options)


def without(fields, name):
    return [field for field in fields if field[0] != name]


def with_(fields, name, value):
    return [(key, value if key == name else old) for key, old in fields]


def idle():
    eventually(lambda: penstock.is_idle("recorder"), "the slots to be free", 5)


def slow(peer, request):
    peer.read_body(request)
    time.sleep(0.4)
    peer.send(answer(b"late"))
    return True


def sends(fields, body=None, trailers=None):
    """Sends a request as given on a new connection and returns the connection, its only stream is 1."""
    wire = connect()
    wire.last = 1
    wire.send(wire.headers(1, wire.block(fields), ends=body is None and trailers is None))
    if body is not None: wire.send(frame(DATA, 0 if trailers else END_STREAM, 1, body))
    if trailers: wire.send(wire.headers(1, wire.block(trailers)))
    return wire


def malformed(name, fields, body=None, trailers=None):
    """A request that is malformed (§8.1.1): an error, and nothing whole reaches the upstream."""
    with check(f"{name}: malformed") as remark:
        recorder.take()
        with sends(fields, body, trailers) as wire:
            # NIO takes an empty name for a mistake of HPACK.
            remark(wire.stream_error(1, PROTOCOL_ERROR, *([COMPRESSION_ERROR] if "''" in name else [])))
        serves(penstock)
        whole, _, faults = recorder.take()
        assert not faults, f"the upstream got what is not clean: {faults}"
        assert {request.target for request in whole} <= {b"/after"}, f"the upstream got {whole}"


def passes(fields, body=None, trailers=None):
    """A request that is well-formed; returns what the upstream got."""
    recorder.take()
    with sends(fields, body, trailers) as wire:
        got = wire.answer(1)
        assert got.status == 200 and got.is_ended, got
    whole, unfinished, faults = recorder.take()
    assert len(whole) == 1 and not unfinished and not faults, (whole, unfinished, faults)
    return whole[0]


with check("a malformed request is an error of its stream alone: others of its connection go on (§8.1.1)"):
    recorder.on("/slow", slow)
    with connect() as wire:
        other = wire.request("/slow")
        bad = wire.request("/case", ("connection", "close"))
        assert wire.stream_error(bad, PROTOCOL_ERROR)
        assert wire.answer(other).body == b"late"
        assert wire.answer(wire.request("/next")).body == b"GET /next"

# Pseudo-header fields (§8.3).
for pseudo in (":method", ":scheme", ":path"):
    malformed(f"no {pseudo}", without(BASE, pseudo))
for pseudo, value in BASE:
    malformed(f"{pseudo} twice", [*BASE, (pseudo, value)])
    malformed(f"an empty {pseudo}", with_(BASE, pseudo, "")) if pseudo in (":method", ":path") else None
    malformed(f"{pseudo} after a field", [*without(BASE, pseudo), ("x-a", "b"), (pseudo, value)])
malformed("an unknown pseudo-header field", [*BASE, (":version", "1")])
malformed("a pseudo-header field of answers", [(":status", "200"), *BASE])
malformed("a pseudo-header field in trailers", POST, b"hello", [(":path", "/hidden")])
malformed("a pseudo-header field in upper case", [(":Method", "GET"), *BASE[1:]])
malformed(":protocol without CONNECT", [*BASE, (":protocol", "websocket")])
for path in ("case", "?a", "/a b", "/a\r\nX-A: b", "/a\nb", "/a\tb", "/a\0b", "http://penstock.test/case", "*",
             "/case HTTP/1.1\r\nHost: a\r\n\r\nGET /hidden"):
    malformed(f":path {path!r}", with_(BASE, ":path", path))
for method in ("GET /hidden HTTP/1.1\r\nHost: a\r\n\r\nGET", "G T", "GET\r\n", "G\0T", "G(T", "GET:"):
    malformed(f":method {method!r}", with_(BASE, ":method", method))
for authority in ("user@penstock.test", "user:pass@penstock.test", "a b", "a\r\nX-A: b", "a, b", "a/b", "a?b", "a:b",
                  "a\0"):
    malformed(f":authority {authority!r}", with_(BASE, ":authority", authority))
for scheme in ("http\r\nX-A: b", "http://other.test/?", "ht tp"):
    malformed(f":scheme {scheme!r}", with_(BASE, ":scheme", scheme))
malformed("neither :authority nor host", without(BASE, ":authority"))
malformed("an :authority and a differing host", [*BASE, ("host", "other.test")])
malformed("two hosts", [*without(BASE, ":authority"), ("host", "a"), ("host", "b")])
malformed("CONNECT with a :path", with_(BASE, ":method", "CONNECT"))
malformed("CONNECT without :authority", [(":method", "CONNECT")])

# Fields (§8.2).
for name in ("X-A", "x-A", "", "x a", "x:a", "x\ra", "x\na", "x\0a", "x\x7fa", "x(a", "x\xe4a", " x", "x ", "x-a\r\ny"):
    malformed(f"a field named {name!r}", [*BASE, (name.encode("latin-1"), b"b")])
for value in ("a\r\nX-B: c", "a\nb", "a\rb", "a\0b", "\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"):
    malformed(f"a field with the value {value!r}", [*BASE, ("x-a", value)])
for value in (" a", "a ", "\ta", "a\t"):
    with check(f"a field with the value {value!r}: malformed (§8.2.1), or trimmed") as remark:
        recorder.take()
        with sends([*BASE, ("x-a", value)]) as wire:
            wire.until(lambda: wire[1].is_over)
            remark(repr(wire[1]))
        whole, _, faults = recorder.take()
        assert not faults and all(request.values(b"x-a") == [b"a"] for request in whole), (whole, faults)
for field in (("connection", "close"), ("connection", "x-a"), ("keep-alive", "a"), ("proxy-connection", "keep-alive"),
              ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("upgrade", "h2c"),
              ("te", "gzip"), ("te", "trailers, gzip")):
    malformed(f"{field[0]}: {field[1]} belongs to one connection (§8.2.2)",
              [*POST, field], b"0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n")
with check("te: trailers is allowed, and goes no further"):
    assert not passes([*BASE, ("te", "trailers")]).values(b"te")
with check("several cookie fields become one (§8.2.3)"):
    got = passes([*BASE, ("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")]).values(b"cookie")
    assert got == [b"a=b; c=d; e=f"], got
with check("a host that equals :authority, and a host alone"):
    assert len(passes([*BASE, ("host", "penstock.test")]).values(b"host")) == 1
    assert len(passes([*without(BASE, ":authority"), ("host", "penstock.test")]).values(b"host")) == 1
with check("values and the order of equal names come through, bytes above 0x7f too") as remark:
    names = [(b"x-a", b"1"), (b"x-b", "grün".encode()), (b"x-a", b"2"), (b"x-empty", b""), (b"x-c", b"a  b")]
    got = [field for field in passes([*BASE, *names]).fields if field[0][:2] == b"x-"]
    assert got == names, got
with check("a value of Latin-1 comes through, or is refused", "NIO keeps values as UTF-8"):
    with sends([*BASE, (b"x-a", b"gr\xfcn")]) as wire:
        recorder.take()
        if wire.answer(1).status == 200:
            got = recorder.take()[0][-1].values(b"x-a")
            assert got == [b"gr\xfcn"], got
with check("the upstream sees HTTP/1.1 with its own Host, and no :authority"):
    got = passes(BASE)
    assert got.raw.startswith(b"GET /case HTTP/1.1\r\n") and got.values(b"host") == [b"127.0.0.1:%d" % recorder.port]
with check("OPTIONS * is allowed, and does not become a path") as remark:
    recorder.take()
    with sends(with_(with_(BASE, ":method", "OPTIONS"), ":path", "*")) as wire:
        remark(repr(wire.answer(1)))
    assert all(request.target == b"*" for request in recorder.take()[0])

# Length of the body (§8.1.1).
for name, length, body, trailers in [("content-length 0 and a body", "0", b"hello", None),
        ("content-length too short", "4", b"hello", None), ("content-length too long", "6", b"hello", None),
        ("content-length without a body", "5", None, None), ("content-length too long, with trailers", "6", b"hello",
        [("x-sum", "1")]), ("content-length +5", "+5", b"hello", None), ("content-length 5, 5", "5, 6", b"hello",
        None), ("content-length 0x5", "0x5", b"hello", None), ("content-length -5", "-5", b"hello", None),
        ("content-length of 30 digits", "9" * 30, b"hello", None), ("an empty content-length", "", b"hello", None),
        ("content-length that hides a request", "0", b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n", None), ]:
    malformed(name, [*POST, ("content-length", length)], body, trailers)
malformed("two differing content-lengths", [*POST, ("content-length", "5"), ("content-length", "6")], b"hello")
with check("a body with its length, and one without, come through"):
    assert passes([*POST, ("content-length", "5")], b"hello").body == b"hello"
    assert passes(POST, b"hello").body == b"hello"
with check("a POST that ends with its head has no body and no chunks"):
    got = passes(POST)
    assert got.body == b"" and not got.is_chunked, got.raw
with check("a GET has neither a length nor chunks upstream"):
    got = passes(BASE)
    assert not got.values(b"content-length") and not got.values(b"transfer-encoding"), got.raw
with check("trailers: its own come through or are dropped, forbidden ones never pass") as remark:
    got = passes(POST, b"hello", [("x-sum", "1"), ("authorization", "Bearer t"), ("x-tenant-id", "o"), ("cookie", "a")])
    assert got.body == b"hello" and {name for name, _ in got.trailers} <= {b"x-sum"}, got.trailers
with check("content-length in trailers: an error, or lost") as remark:
    recorder.take()
    with sends(POST, b"hello", [("content-length", "5")]) as wire:
        if (got := wire.answer(1)).status == 200: assert not recorder.take()[0][-1].trailers
        remark(repr(got))
malformed("transfer-encoding in trailers", POST, b"hello", [("transfer-encoding", "chunked")])
with check("trailers that do not end their stream: malformed") as remark:
    with connect() as wire:
        stream = wire.request("/case", method="POST", ends=False)
        wire.send(wire.headers(stream, wire.block([("x-sum", "1")]), ends=False))
        remark(wire.stream_error(stream, PROTOCOL_ERROR))
with check("DATA after trailers: an error") as remark:
    with connect() as wire:
        stream = wire.request("/slow", method="POST", ends=False)
        wire.send(wire.headers(stream, wire.block([("x-sum", "1")])) + frame(DATA, END_STREAM, stream, b"GET /hidden"))
        remark(wire.stream_error(stream, STREAM_CLOSED, PROTOCOL_ERROR))

# Size.
with check("a target of 30 KiB, 90 fields and one of 30 KiB come through"):
    got = passes([*with_(BASE, ":path", "/" + "a" * (30 << 10)), *[(f"x-{n}", "1") for n in range(90)]])
    assert len(got.target) == (30 << 10) + 1 and got.values(b"x-89") == [b"1"]
    assert len(passes([*BASE, ("x-large", "a" * (30 << 10))]).values(b"x-large")[0]) == 30 << 10
for name, fields in {"100 KiB in one field": [("x-large", "a" * (100 << 10))],
                     "1000 fields": [(f"x-{n}", "a" * 100) for n in range(1000)]}.items():
    with check(f"{name}: 431 or an error, nothing upstream") as remark:
        recorder.take()
        with sends([*BASE, *fields]) as wire:
            remark(wire.stream_error(1, *range(1, len(CODES))))
        assert not recorder.take()[0]

# Answers.
with check("an answer has no fields of one connection, and names in lower case"):
    recorder.on("/hop", b"HTTP/1.1 200 OK\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: a\r\nUpgrade: h2c\r\n"
                b"Transfer-Encoding: chunked\r\nX-KEPT: Yes\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n"
                b"2\r\nok\r\n0\r\n\r\n")
    with connect() as wire:
        got = wire.answer(wire.request("/hop"))
        names = {name for name, _ in got.fields}
        assert not names & {b"connection", b"x-mine", b"keep-alive", b"upgrade", b"transfer-encoding"}, names
        assert all(name == name.lower() for name in names) and got.values(b"x-kept") == [b"Yes"], got.fields
        assert got.values(b"set-cookie") == [b"a=b", b"c=d"] and got.body == b"ok", got
with check("HEAD, 204 and 304 have no body and end"):
    recorder.on("/204", b"HTTP/1.1 204 None\r\n\r\n")
    recorder.on("/304", b"HTTP/1.1 304 None\r\nContent-Length: 5\r\n\r\n")
    recorder.on("/head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    with connect() as wire:
        for path, method, status in (("/204", "GET", 204), ("/304", "GET", 304), ("/head", "HEAD", 200)):
            got = wire.answer(wire.request(path, method=method))
            assert (got.status, got.body, got.reset) == (status, b"", None), got
with check("103 comes before the answer"):
    recorder.on("/103", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + answer(b"x"))
    with connect() as wire:
        got = wire.answer(wire.request("/103"))
        assert [dict(head)[b":status"] for head in got.interim] == [b"103", b"103"] and got.body == b"x", got
with check("Expect: 100-continue: 100, then the answer"):
    with connect() as wire:
        stream = wire.request("/case", ("expect", "100-continue"), method="POST", ends=False)
        wire.until(lambda: wire[stream].interim, what="100")
        wire.send(frame(DATA, END_STREAM, stream, b"hello"))
        assert wire.answer(stream).status == 200
with check("an upstream that breaks off: RST_STREAM for that stream alone, or 502 before the answer"):
    def cut(peer, request):
        peer.read_body(request)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")

    recorder.on("/cut", cut)
    recorder.on("/none", lambda peer, request: None)
    with connect() as wire:
        got = wire.answer(wire.request("/cut"))
        assert got.status == 200 and not got.is_ended and got.reset not in (None, NO_ERROR), got
        assert wire.answer(wire.request("/none")).status == 502
        assert wire.answer(wire.request()).status == 200
with check("an answer while the body is still sent comes whole, then RST_STREAM NO_ERROR or nothing") as remark:
    def early(peer, request):
        peer.send(answer(b"too much", b"Connection: close", status=b"413 Large"))

    recorder.on("/early", early)
    with connect() as wire:
        stream = wire.request("/early", method="POST", ends=False)
        wire.send(frame(DATA, 0, stream, b"a" * 1000))
        got = wire.answer(stream)
        assert (got.status, got.body, got.is_ended) == (413, b"too much", True), got
        wire.send(frame(DATA, END_STREAM, stream, b"a" * 1000))
        wire.read(0.1)
        remark("no reset" if got.reset is None else code_name(got.reset))
        assert got.reset in (None, NO_ERROR), got
        assert wire.answer(wire.request()).status == 200
with check("Penstock's own answers have their body and end, also while the request's body is still sent"):
    with connect() as wire:
        for fields in ([("content-length", "1000000")], []):
            stream = wire.request("/none", *fields, method="POST", ends=False)
            got = wire.answer(stream, 8)
            assert got.status >= 400 and got.is_ended and b"Penstock" in got.body, got
with check("100 requests at a time, each gets its own answer"):
    with connect() as wire:
        streams = [wire.request(f"/{n}") for n in range(100)]
        for n, stream in enumerate(streams): assert wire.answer(stream).body == b"GET /%d" % n, wire[stream]
with check("a slow answer does not hold up a quick one"):
    recorder.on("/slow", slow)
    with connect() as wire:
        first, second = wire.request("/slow"), wire.request("/quick")
        assert wire.answer(second).body == b"GET /quick" and not wire[first].is_over
        assert wire.answer(first).body == b"late"

# RST_STREAM in every phase: the slot is free, the upstream's connection ends or is reused whole.
recorder.on("/waits", waits)
recorder.on("/trickles", trickles)
for phase in ("with its head", "after a head with more to come", "within a body", "while it waits", "within the answer",
              "after the answer"):
    with check(f"RST_STREAM {phase}: the slot is free, other streams go on"):
        with connect() as wire:
            other = wire.request("/slow")
            if phase == "with its head":
                block = wire.block(with_(BASE, ":path", "/waits"))
                stream = wire.next_stream()
                wire.send(wire.headers(stream, block) + rst(stream))
            elif phase == "after a head with more to come":
                stream = wire.request("/waits", method="POST", ends=False)
                time.sleep(0.05)
                wire.send(rst(stream))
            elif phase == "within a body":
                stream = wire.request("/waits", method="POST", ends=False)
                wire.send(frame(DATA, 0, stream, b"a" * 5000))
                time.sleep(0.05)
                wire.send(frame(DATA, 0, stream, b"a" * 5000) + rst(stream))
            elif phase == "while it waits":
                stream = wire.request("/waits")
                eventually(lambda: penstock.upstream("recorder")["in_flight"] == 2, "both to be under way", 3)
                wire.send(rst(stream))
            elif phase == "within the answer":
                stream = wire.request("/trickles")
                wire.until(lambda: wire[stream].body)
                wire.send(rst(stream))
            else:
                stream = wire.request()
                wire.answer(stream)
                wire.send(rst(stream))
            assert wire.answer(other).body == b"late"
            idle()
            assert wire.answer(wire.request("/next")).body == b"GET /next"
with check("a connection that goes away frees all its slots"):
    wire = connect()
    for _ in range(20): wire.request("/waits")
    eventually(lambda: penstock.upstream("recorder")["in_flight"] == 20, "all to be under way", 3)
    wire.socket.close()
    idle()

# Flow control (§5.2, §6.9).
NOISE = random.Random(1).randbytes(4 * MIB)
recorder.on("/noise", answer(NOISE))
recorder.on("/small", answer(NOISE[:300]))
with check("windows of 1 byte: the answer comes byte by byte, whole"):
    with connect((INITIAL_WINDOW, 1)) as wire:
        stream = wire.request("/small")
        assert wire.answer(stream, 10).body == NOISE[:300]
        assert all(length <= 1 for kind, _, _, length in wire.frames if kind == DATA)
with check("a window of 0 holds the body back and not the head; then all comes"):
    with connect((INITIAL_WINDOW, 0)) as wire:
        stream = wire.request("/small")
        wire.until(lambda: wire[stream].fields, what="the head")
        wire.read(0.2)
        assert not wire[stream].body
        wire.send(window_update(stream, 300))
        assert wire.answer(stream).body == NOISE[:300]
with check("INITIAL_WINDOW_SIZE changes apply to open streams, also below zero"):
    with connect((INITIAL_WINDOW, 100)) as wire:
        wire.gives_back = False
        stream = wire.request("/noise")
        wire.until(lambda: len(wire[stream].body) == 100)
        wire.send(settings((INITIAL_WINDOW, 50)) + window_update(stream, 40))
        wire.until(lambda: wire.acks == 2)
        assert not wire.read(0.2) and len(wire[stream].body) == 100, "sent with a window below zero"
        wire.send(window_update(stream, 11))
        wire.until(lambda: len(wire[stream].body) == 101)
        wire.send(settings((INITIAL_WINDOW, 1050)))
        wire.until(lambda: len(wire[stream].body) == 1101)
        assert not wire.read(0.2) and len(wire[stream].body) == 1101, "sent more than the window"
with check("the window of the connection is kept to over all streams"):
    with connect((INITIAL_WINDOW, 2**31 - 1)) as wire:
        wire.gives_back = False
        streams = [wire.request("/noise") for _ in range(5)]
        wire.until(lambda: sum(len(wire[stream].body) for stream in streams) == 65_535)
        while wire.read(0.2): pass
        assert sum(len(wire[stream].body) for stream in streams) == 65_535, "sent more than the connection's window"
        wire.gives_back = True
        wire.send(window_update(0, 2**31 - 1 - 65_535))
        for stream in streams: assert wire.answer(stream, 20).body == NOISE
with check("frames are no longer than our MAX_FRAME_SIZE, whatever it is"):
    for most in (16_384, 2**24 - 1):
        with connect((MAX_FRAME, most), (INITIAL_WINDOW, 2**31 - 1)) as wire:
            wire.send(window_update(0, 2**31 - 1 - 65_535))
            assert wire.answer(wire.request("/noise"), 20).body == NOISE
            assert all(length <= most for *_, length in wire.frames)
with check("16 MiB go up within the windows, as they are"):
    digests = []

    def digest(peer, request):
        peer.read_body(request)
        digests.append(hashlib.sha256(request.body).digest())
        request.body = b""
        peer.send(answer(b"got"))
        return True

    recorder.on("/digest", digest)
    with connect() as wire:
        stream = wire.request("/digest", ("content-length", str(16 * MIB)), method="POST", ends=False)
        assert wire.upload(stream, NOISE * 4) == 16 * MIB
        assert wire.answer(stream).body == b"got" and digests == [hashlib.sha256(NOISE * 4).digest()]
with check("an upload to an upstream that does not read is held back in little memory"):
    before = resident(penstock)
    stop = threading.Event()

    def stall(peer, request):
        stop.wait(10)

    recorder.on("/stall", stall)
    with connect() as wire:
        streams = [wire.request("/stall", method="POST", ends=False) for _ in range(10)]
        sent, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            for stream in streams:
                room = min(wire.windows[0], wire.window(stream), 16_384)
                if room <= 0: continue
                wire.send(frame(DATA, 0, stream, b"a" * room))
                wire.windows[0] -= room
                wire.windows[stream] -= room
                sent += room
            wire.read(0.01)
        grown = resident(penstock) - before
        stop.set()
        assert sent < 128 * MIB, f"{sent / MIB:.0f} MiB were taken"
        assert grown < 48 * MIB, f"{grown / MIB:.0f} MiB more"
    idle()
with check("a caller that gives no windows holds the upstream back in little memory"):
    before = resident(penstock)
    with connect() as wire:
        wire.gives_back = False
        for _ in range(50): wire.request("/noise")
        wire.read(1)
        time.sleep(1)
        grown = resident(penstock) - before
        # 50 answers of 4 MiB; of each a few buffers may be here.
        assert grown < 64 * MIB, f"{grown / MIB:.0f} MiB more"
    idle()

with check("Python's h2 library, as a strict judge of what comes, sees no mistake in 20 streams both ways"):
    judge = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=10) as raw:
        judge.initiate_connection()
        left, got, ended = {}, {}, set()
        for n in range(20):
            stream = judge.get_next_available_stream_id()
            path = "/noise" if n % 2 else "/digest"
            left[stream], got[stream] = NOISE[: 100_000 * (n + 1)] if path == "/digest" else b"", b""
            judge.send_headers(stream, with_(with_(POST, ":path", path), ":authority", "localhost"),
                end_stream=not left[stream])
        while len(ended) < 20:
            for stream, rest in left.items():
                while rest and (room := min(judge.local_flow_control_window(stream), judge.max_outbound_frame_size)):
                    judge.send_data(stream, rest[:room], end_stream=len(rest) <= room)
                    rest = left[stream] = rest[room:]
            raw.sendall(judge.data_to_send())
            for event in judge.receive_data(raw.recv(1 << 18)):
                if isinstance(event, h2.events.DataReceived):
                    got[event.stream_id] += event.data
                    judge.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
        assert all(body == (b"got" if stream % 4 == 1 else NOISE) for stream, body in got.items())

with check("nothing is left"):
    idle()
    serves(penstock)
finish()
