"""What a proxy keeps, what it takes away and when it answers, in HTTP/1.1 (RFC 9110 §5, §7.6, §10.1.1, §15)."""

import threading
import time

from harness import eventually
from http1 import Broken, Caller, head
from proxied import nothing_is_left, passes, recorder, start
from recorder import answer
from suite import MIB, check, finish

penstock = start()


def ask(path="/case", *fields, method="GET", body=b"", version="HTTP/1.1"):
    """One request on a connection of its own, and its answer."""
    with Caller(penstock.port) as caller:
        caller.send(head(f"{method} {path} {version}", *fields) + body)
        return caller.answer(method)


# Values and names.
for name, text in {
    "Latin-1": bytes(range(0xa1, 0x100)),
    "bytes that are no UTF-8": b"a\x80\xff\xfe\xc3(b",
    "UTF-8": "grün 中文 🎈".encode(),
    "spaces within": b"a   b \t c",
    "punctuation": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}.items():
    known = None if name in ("UTF-8", "spaces within", "punctuation") else "NIO keeps values as UTF-8"
    with check(f"a value of {name} comes through byte for byte, to the upstream", known):
        got = passes(penstock, head("GET /case HTTP/1.1", b"X-A: " + text)).values(b"x-a")
        assert got == [text], got
    with check(f"a value of {name} comes through byte for byte, to the caller", known):
        recorder.on("/value", answer(b"x", b"X-A: " + text))
        assert ask("/value").values(b"x-a") == [text]

with check("whitespace around a value goes, an empty value stays"):
    got = passes(penstock, head("GET /case HTTP/1.1", b"X-A:\t  a b \t", b"X-B:", b"X-C:a"))
    assert [got.values(name) for name in (b"x-a", b"x-b", b"x-c")] == [[b"a b"], [b""], [b"a"]], got.raw
with check("names keep their case and equal names their order, to the upstream"):
    names = [b"X-aB: 1", b"x-AB: 2", b"X-Other: 3", b"X-AB: 4", b"!#$%&'*+-.^_`|~: 5"]
    got = passes(penstock, head("GET /case HTTP/1.1", *names)).fields
    got = [name + b": " + value for name, value in got if name.lower() != b"host"]
    assert got == names, got
with check("names keep their case and equal names their order, to the caller"):
    names = [b"X-aB: 1", b"Set-Cookie: a=b, c", b"x-AB: 2", b"Set-Cookie: d", b"X-Empty:", b"X-AB: 4"]
    recorder.on("/names", answer(b"x", *names))
    got = [name + b": " + value for name, value in ask("/names").fields]
    assert [field.rstrip() for field in got if field.rstrip() in names] == names, got
with check("what belongs to one hop goes no further, to the upstream"):
    got = passes(penstock, head(
        "GET /case HTTP/1.1", "Connection: close, X-Mine ,,x-also", "X-Mine: 1", "X-Also: 2", "Keep-Alive: a",
        "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk",
        "Proxy-Authorization: Basic YTpi", "X-Kept: 3"))
    assert {name.lower() for name, _ in got.fields} == {b"host", b"x-kept"}, got.raw
with check("what belongs to one hop goes no further, to the caller"):
    recorder.on("/hop", answer(
        b"x", b"Connection: X-Mine", b"X-Mine: 1", b"Keep-Alive: timeout=5", b"Proxy-Authenticate: Basic",
        b"Upgrade: h2c", b"Proxy-Connection: keep-alive", b"X-Kept: 3"))
    got = {name.lower() for name, _ in ask("/hop").fields}
    assert b"x-kept" in got and not got & {
        b"x-mine", b"keep-alive", b"upgrade", b"proxy-connection", b"proxy-authenticate"}, got
for trailer in ("Set-Cookie: a=b", "Content-Encoding: gzip", "Connection: X-A", "WWW-Authenticate: Basic",
                "Cache-Control: public", "Location: /x", "Retry-After: 1", "Keep-Alive: a"):
    with check(f"{trailer} in the trailers of an answer does not pass"):
        recorder.on("/trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%s\r\n\r\n"
                    % trailer.encode())
        got = ask("/trailers")
        assert got.body == b"hello" and not got.trailers, f"it passed: {got.trailers}"
with check("a trailer of the upstream's own comes through or is dropped, and never to HTTP/1.0") as remark:
    recorder.on("/trailers",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
    remark("passed" if ask("/trailers").trailers else "dropped")
    assert ask("/trailers", version="HTTP/1.0").body == b"hello"
with check("Connection: close in the trailers of an answer does not spoil the next caller's request"):
    # NIO's parser takes it for the head's and then takes no further answer on that connection.
    recorder.on("/trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
                b"Connection: close\r\n\r\n")
    for _ in range(3):
        assert ask("/trailers").body == b"hello"
        got = ask("/next")
        assert got.body == b"GET /next", got
with check("an answer may have 100 fields and one of 40 KiB"):
    recorder.on("/large", answer(b"x", *[b"X-%d: 1" % n for n in range(100)], b"X-Large: " + b"a" * (40 << 10)))
    got = ask("/large")
    assert got.status == 200 and len(got.values(b"x-large")[0]) == 40 << 10 and got.values(b"x-99") == [b"1"], got
with check("a reason phrase other than the usual one changes nothing else"):
    recorder.on("/reason", answer(b"x", status=b"200 Everything's fine \xe4"))
    assert ask("/reason").body == b"x"
for status in (200, 201, 206, 299, 300, 399, 418, 499, 599):
    with check(f"status {status} comes through"):
        recorder.on("/status", answer(b"x", status=b"%d Some" % status))
        assert (ask("/status").status, ask("/status").body) == (status, b"x")

# Answers without a body.
for status in (204, 304):
    for length in (b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"):
        with check(f"{status} with {length.strip() or b'nothing'} has no body, and the connection goes on"):
            recorder.on("/none", b"HTTP/1.1 %d None\r\n%s\r\n" % (status, length))
            with Caller(penstock.port) as caller:
                for _ in range(2):
                    caller.send(head("GET /none HTTP/1.1"))
                    got = caller.answer()
                    assert got.status == status and not got.values(b"transfer-encoding"), got.fields
                    # RFC 9110 §8.6: none in a 204; in a 304 what a 200 would have had.
                    if status == 204: assert not got.values(b"content-length"), got.fields
                    if b"Length" in length and status == 304: assert got.values(b"content-length") == [b"5"]
                caller.send(head("GET /next HTTP/1.1"))
                assert caller.answer().body == b"GET /next"
with check("205 with a length of 0 comes through, and the connection goes on"):
    recorder.on("/205", answer(status=b"205 Reset"))
    with Caller(penstock.port) as caller:
        caller.send(head("GET /205 HTTP/1.1") + head("GET /next HTTP/1.1"))
        assert [caller.answer().status, caller.answer().body] == [205, b"GET /next"]
for name, fields in {"a length": b"Content-Length: 5\r\n", "chunks": b"Transfer-Encoding: chunked\r\n"}.items():
    with check(f"HEAD, answered with {name} and no body: the connection goes on"):
        recorder.on("/head", b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
        with Caller(penstock.port) as caller:
            for _ in range(2):
                caller.send(head("HEAD /head HTTP/1.1"))
                got = caller.answer("HEAD")
                assert got.status == 200 and got.values(b"content-length") == ([b"5"] if b"5" in fields else []), got
            caller.send(head("GET /next HTTP/1.1"))
            assert caller.answer().body == b"GET /next"

# 1xx (RFC 9110 §15.2).
with check("103 comes through before the answer, twice, with its fields"):
    recorder.on("/early", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + answer(b"x"))
    with Caller(penstock.port) as caller:
        caller.send(head("GET /early HTTP/1.1"))
        hints = [caller.head(), caller.head()]
        assert [(h.status, h.values(b"link")) for h in hints] == [(103, [b"</a>"])] * 2, hints
        assert not any(h.values(b"content-length") + h.values(b"transfer-encoding") for h in hints)
        assert caller.answer().body == b"x"
with check("103 does not reach an HTTP/1.0 caller"):
    with Caller(penstock.port) as caller:
        caller.send(head("GET /early HTTP/1.0"))
        assert caller.head().status == 200
with check("100 that nobody asked for does not reach the caller, or comes before the answer"):
    recorder.on("/100", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"x"))
    assert ask("/100").body == b"x"
with check("101 that nobody asked for is a bad answer (502)"):
    recorder.on("/101", lambda peer, request: peer.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGARBAGE\r\n"))
    assert ask("/101").status == 502

# Expect (RFC 9110 §10.1.1).
with check("Expect: 100-continue: 100, then the answer; it does not reach the upstream"):
    recorder.take()
    with Caller(penstock.port) as caller:
        caller.send(head("POST /expect HTTP/1.1", "Expect: 100-continue", "Content-Length: 5"))
        assert caller.head().status == 100
        caller.send(b"hello")
        assert caller.answer().body == b"POST /expect" and caller.is_quiet()
    [got], _, _ = recorder.take()
    assert got.body == b"hello" and not got.values(b"expect"), got.raw
with check("Expect, with the body sent at once: the answer comes and no 100 after it"):
    with Caller(penstock.port) as caller:
        caller.send(head("POST /expect HTTP/1.1", "Expect: 100-Continue", "Content-Length: 5") + b"hello")
        assert caller.answer().body == b"POST /expect" and caller.is_quiet()
with check("Expect without a body is no matter"):
    assert ask("/expect", "Expect: 100-continue").body == b"GET /expect"
with check("Expect from an HTTP/1.0 caller is ignored"):
    with Caller(penstock.port) as caller:
        caller.send(head("POST /expect HTTP/1.0", "Expect: 100-continue", "Content-Length: 5") + b"hello")
        assert caller.head().status == 200
with check("an expectation that nobody knows: 417, or ignored") as remark:
    remark(str(ask("/expect", "Expect: the-impossible").status))
with check("a refused request that expects gets its refusal and no 100"):
    with Caller(penstock.port) as caller:
        caller.send(head("POST /expect HTTP/1.1", "Expect: 100-continue", "Content-Length: 5x"))
        assert caller.head().status == 400

# Answers before the end of the request.
with check("an answer while the body is still sent reaches the caller at once"):
    def early(peer, request):
        peer.send(answer(b"too much", status=b"413 Large"))
        peer.read_body(request)
        return True

    recorder.on("/early-answer", early)
    with Caller(penstock.port) as caller:
        caller.send(head("POST /early-answer HTTP/1.1", "Content-Length: 1000000") + b"a" * 1000)
        got = caller.answer()
        assert (got.status, got.body) == (413, b"too much"), got
with check("an answer and the upstream's close within a body of 8 MiB reach the caller"):
    def early_close(peer, request):
        peer.exactly(100_000)
        peer.send(answer(b"too much", b"Connection: close", status=b"413 Large"))

    recorder.on("/early-close", early_close)
    for _ in range(5):
        with Caller(penstock.port) as caller:
            sending = threading.Thread(target=caller.send, daemon=True, args=(
                head("POST /early-close HTTP/1.1", f"Content-Length: {8 * MIB}") + b"a" * 8 * MIB,))
            sending.start()
            got = caller.answer()
            assert (got.status, got.body) == (413, b"too much"), got
# In chunks: a short body whose length is known is taken whole before anybody is asked.
with check("an answer may be given while the request goes on, both to their ends"):
    def both(peer, request):
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            assert peer.until(b"\r\n") == b"4\r\n"
            peer.send(b"4\r\n" + peer.exactly(6))
        peer.read_body(request)
        peer.send(b"0\r\n\r\n")
        return True

    recorder.on("/both", both)
    with Caller(penstock.port) as caller:
        caller.send(head("POST /both HTTP/1.1", "Transfer-Encoding: chunked") + b"4\r\n0000\r\n")
        assert caller.head().status == 200
        for n in range(5):
            assert caller.until(b"\r\n") == b"4" and caller.exactly(6) == b"%04d\r\n" % n
            caller.send(b"4\r\n%04d\r\n" % (n + 1) if n < 4 else b"0\r\n\r\n")
        assert caller.until(b"\r\n\r\n") == b"0" and caller.is_quiet()
        caller.send(head("GET /next HTTP/1.1"))
        assert caller.answer().body == b"GET /next"
recorder.take()

# Connections.
with check("Connection: close is kept to, and said"):
    with Caller(penstock.port) as caller:
        caller.send(head("GET /case HTTP/1.1", "Connection: close") + head("GET /hidden HTTP/1.1"))
        got = caller.answer()
        assert got.values(b"connection") == [b"close"] and caller.is_closed(), got.fields
with check("HTTP/1.0 is closed after its answer, with keep-alive it goes on"):
    with Caller(penstock.port) as caller:
        caller.send(head("GET /case HTTP/1.0"))
        assert caller.answer().body == b"GET /case" and caller.is_closed()
    with Caller(penstock.port) as caller:
        for _ in range(3):
            caller.send(head("GET /case HTTP/1.0", "Connection: Keep-Alive"))
            got = caller.answer()
            assert got.body == b"GET /case" and [v.lower() for v in got.values(b"connection")] == [b"keep-alive"], got
with check("a caller that closes its half after the request: its answer or a close, and its slot is free") as remark:
    def slow(peer, request):
        peer.read_body(request)
        time.sleep(0.3)
        peer.send(answer(b"late"))
        return True

    recorder.on("/slow", slow)
    with Caller(penstock.port) as caller:
        caller.send(head("GET /slow HTTP/1.1"))
        caller.finish_sending()
        try:
            got = caller.answer()
            assert got.body == b"late", got
            remark("answered")
        except (Broken, ConnectionError):
            remark("closed")
    eventually(lambda: penstock.is_idle("recorder"), "the slot to be free")
with check("a caller that goes away is gone upstream within a second"):
    gone = threading.Event()

    def hang(peer, request):
        peer.read_body(request)
        try:
            peer.fill()
        finally:
            gone.set()

    recorder.on("/hang", hang)
    caller = Caller(penstock.port)
    caller.send(head("GET /hang HTTP/1.1"))
    eventually(lambda: penstock.upstream("recorder")["in_flight"] == 1, "the request to be under way")
    caller.socket.close()
    assert gone.wait(1), "the upstream still has it"
with check("the prefix is taken off, and only where a segment ends"):
    for target, path in (("/base/v1/x?a=/base", b"/v1/x?a=/base"), ("/base", b"/"), ("/base?a", b"/?a"),
                         ("/baseless", b"/baseless"), ("/x/base/y", b"/x/base/y")):
        got = passes(penstock, head(f"GET {target} HTTP/1.1"))
        assert got.target == path, (target, got.target)
nothing_is_left(penstock)
finish()
