"""Upstream answers that are broken: what the caller gets, and that nobody else gets any of it (RFC 9112 §4 – §8).

After each, other callers ask on new connections and must get answers of their own.
"""

import time

from harness import eventually
from http1 import Broken, Caller, head
from proxied import MIB, recorder, resident, start
from recorder import answer
from suite import check, finish

penstock = start()
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
# What an attacker who runs an upstream would like others to get.
FOREIGN = answer(b"FOREIGN", b"X-Foreign: 1")


def ask(method="GET", path="/case"):
    """The caller's view of a request: an answer, or Broken."""
    with Caller(penstock.port, 8) as caller:
        caller.send(head(f"{method} {path} HTTP/1.1"))
        try:
            got = caller.answer(method)
            assert caller.is_quiet(), f"more after {got}: {caller.buffer[:100]!r}"
            return got
        except (Broken, ConnectionError) as broken:
            return broken


def others():
    """Others on the same upstream get their own answers."""
    for n in range(4):
        got = ask(path=f"/other/{n}")
        assert isinstance(got, Broken) is False and got.body == b"GET /other/%d" % n, f"the next caller got {got!r}"


def prepare(data, closes=False):
    def script(peer, request):
        peer.read_body(request)
        peer.send(data)
        return not closes

    recorder.on("/case", script)


def case(name, data, closes=False, method="GET"):
    """Yields for the assertion on what the caller got."""
    prepare(data, closes)
    return ask(method)


# No answer at all can be read: 502, at once.
for name, (data, closes) in {
    "no byte and a close": (b"", True),
    "a close within the status line": (b"HTTP/1.1 20", True),
    "a close within the head": (OK + b"Content-Length: 5\r\n", True),
    "words": (b"HELLO WORLD\r\n\r\n", False),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00", True),
    "ICY": (b"ICY 200 OK\r\n\r\n", True),
    "a status of letters": (b"HTTP/1.1 abc OK\r\n\r\n", False),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", False),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", False),
    "status 000": (b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", False),
    "status 099": (b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", False),
    "HTTP/2.0": (b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    "HTTP/3": (b"HTTP/3 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    "frames of HTTP/2": (b"\0\0\0\4\0\0\0\0\0", True),
    "two differing lengths": (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", False),
    "a list of differing lengths": (OK + b"Content-Length: 5, 6\r\n\r\nhello!", False),
    "length -5": (OK + b"Content-Length: -5\r\n\r\nhello", False),
    "length +5": (OK + b"Content-Length: +5\r\n\r\nhello", False),
    "length 0x5": (OK + b"Content-Length: 0x5\r\n\r\nhello", False),
    "length 5;": (OK + b"Content-Length: 5;\r\n\r\nhello", False),
    "a length of 30 digits": (OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nhello", False),
    "a space before the colon": (OK + b"Content-Length : 5\r\n\r\nhello", False),
    "a field without a colon": (OK + b"Content-Length\r\n\r\nhello", False),
    "a field without a name": (OK + b": 5\r\n\r\nhello", False),
    "a space in a name": (OK + b"Content Length: 5\r\n\r\nhello", False),
    "NUL in a value": (OK + b"X-A: \0\r\nContent-Length: 5\r\n\r\nhello", False),
    "a bare CR in a value": (OK + b"X-A: a\rX-B: b\r\nContent-Length: 5\r\n\r\nhello", False),
    "a head of 300 KiB": (OK + (b"X-A: " + b"a" * 1000 + b"\r\n") * 300 + b"\r\n", False),
    "20 000 fields": (OK + b"X: a\r\n" * 20_000 + b"\r\n", False),
    "gzip, chunked": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
    "chunked, gzip": (OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
    "xchunked": (OK + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
}.items():
    with check(f"{name}: 502, and nobody else is concerned"):
        began = time.monotonic()
        got = case(name, data, closes)
        assert not isinstance(got, Exception) and got.status == 502, f"the caller got {got!r}"
        assert time.monotonic() - began < 3, "it took too long"
        others()

# The framing is doubtful: either refused, or read in one way, never twice.
for name, data in {
    "a length and chunks": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "the same length twice": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "folding": OK + b"X-A: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "bare LFs": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "no reason phrase and no space": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "a reason of 300 KiB": b"HTTP/1.1 200 " + b"a" * 300_000 + b"\r\nContent-Length: 5\r\n\r\nhello",
    "an empty line first": b"\r\n" + answer(b"hello"),
}.items():
    with check(f"{name}: 502, a break, or one clean answer") as remark:
        got = case(name, data, closes=True)
        if isinstance(got, Exception):
            remark("broke off")
        else:
            assert got.status == 502 or got.status == 200, got
            if got.status == 200 and b"hello" in got.body:
                assert got.body == b"hello" or not got.values(b"content-length"), got
            remark(f"{got.status}")
            assert not any(b"\r" in value or b"\n" in value for _, value in got.fields)
        others()

# The body breaks: it never looks whole.
for name, (data, closes) in {
    "a length too long": (OK + b"Content-Length: 10\r\n\r\nhello", True),
    "a chunk too long": (CHUNKED + b"A\r\nhello", True),
    "no last chunk": (CHUNKED + b"5\r\nhello\r\n", True),
    "a half last chunk": (CHUNKED + b"5\r\nhello\r\n0\r\n", True),
    "a chunk size of letters": (CHUNKED + b"5\r\nhello\r\nxyz\r\n", False),
    "a negative chunk size": (CHUNKED + b"5\r\nhello\r\n-1\r\n", False),
    "a chunk size above 2^64": (CHUNKED + b"5\r\nhello\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", False),
    "a chunk without its end": (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", False),
    "a chunk that ends in LF": (CHUNKED + b"5\r\nhello\n0\r\n\r\n", False),
    "a bare LF in an extension": (CHUNKED + b"5;\nhello\r\n0\r\n\r\n", False),
    "trailers without a colon": (CHUNKED + b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n", False),
}.items():
    with check(f"{name}: 502 or a break, never a whole answer"):
        got = case(name, data, closes)
        assert isinstance(got, Exception) or got.status == 502, f"the caller got {got!r}"
        others()

# More than an answer: the rest belongs to nobody.
for name, data in {
    "bytes after a length": answer(b"hello") + b"EXTRA",
    "a whole answer after a length": answer(b"hello") + FOREIGN,
    "a whole answer after the last chunk": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + FOREIGN,
    "an interim answer after the end": answer(b"hello") + b"HTTP/1.1 103 Early Hints\r\nX-Foreign: 1\r\n\r\n",
    "ten whole answers": answer(b"hello") + FOREIGN * 10,
}.items():
    with check(f"{name}: one answer, and the rest is nobody's"):
        got = case(name, data)
        assert not isinstance(got, Exception) and got.body == b"hello", got
        others()

for name, (method, data) in {
    "HEAD answered with a body": ("HEAD", FOREIGN),
    "HEAD answered with chunks": ("HEAD", CHUNKED + b"7\r\nFOREIGN\r\n0\r\n\r\n"),
    "204 with a body": ("GET", b"HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\nFOREIGN"),
    "204 with an answer as its body": ("GET", b"HTTP/1.1 204 None\r\n\r\n" + FOREIGN),
    "304 with an answer as its body": ("GET", b"HTTP/1.1 304 None\r\nContent-Length: 300\r\n\r\n" + FOREIGN),
    "205 with a body": ("GET", b"HTTP/1.1 205 Reset\r\nContent-Length: 7\r\n\r\nFOREIGN"),
}.items():
    with check(f"{name}: the body is nobody's next answer"):
        for _ in range(5):
            got = case(name, data, method=method)
            if name[:3] != "205": assert isinstance(got, Exception) or b"FOREIGN" not in got.body, got
            others()

with check("an answer on an idle connection, before anybody asks, is nobody's"):
    def unasked(peer, request):
        peer.read_body(request)
        peer.send(answer(b"hello"))
        time.sleep(0.1)
        peer.send(FOREIGN)
        return True

    recorder.on("/case", unasked)
    for _ in range(5):
        assert ask().body == b"hello"
        time.sleep(0.15)
        others()

with check("an answer without length and with keep-alive ends with the connection"):
    got = case("", OK + b"Connection: keep-alive\r\n\r\nhello", closes=True)
    assert got.body == b"hello", got
    others()

with check("a reset before the answer: 502; within it: a break"):
    def reset(peer, request, data=b""):
        peer.read_body(request)
        if data: peer.send(data)
        time.sleep(0.05)
        peer.reset()

    recorder.on("/case", reset)
    assert ask().status == 502
    recorder.on("/case", lambda peer, request: reset(peer, request, OK + b"Content-Length: 10\r\n\r\nhello"))
    assert isinstance(ask(), Exception)
    others()

with check("100 000 interim answers are bounded in memory, and end") as remark:
    before = resident(penstock)

    def interim(peer, request):
        peer.read_body(request)
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100_000)
        peer.send(answer(b"hello"))

    recorder.on("/case", interim)
    with Caller(penstock.port, 20) as caller:
        caller.send(head("GET /case HTTP/1.1"))
        # A caller that does not read: what it has not taken must not pile up here.
        time.sleep(2)
        grown = resident(penstock) - before
        try:
            remark(f"{caller.answer().status}")
        except (Broken, OSError) as error:
            remark(f"ended: {type(error).__name__}")
    remark(f"{grown / MIB:.0f} MiB more")
    assert grown < 24 * MIB, f"{grown / MIB:.1f} MiB more"
    others()

with check("a head that never ends: an error within the first byte's time"):
    def endless(peer, request):
        peer.read_body(request)
        peer.send(OK)
        for _ in range(100):
            peer.send(b"X: a\r\n")
            time.sleep(0.1)

    recorder.on("/case", endless)
    got = ask()
    assert not isinstance(got, Exception) and got.status in (502, 504), got

with check("an upstream that is silent within its body: the caller's answer breaks off"):
    def silent(peer, request):
        peer.read_body(request)
        peer.send(OK + b"Content-Length: 10\r\n\r\nhello")
        time.sleep(8)

    recorder.on("/case", silent)
    assert isinstance(ask(), Exception)

with check("nothing is left"):
    eventually(lambda: penstock.is_idle("recorder"), "all slots to be free")
    others()
finish()
