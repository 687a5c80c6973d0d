"""Where one HTTP/1.1 request ends and the next begins: framing, chunks, trailers, pipelining (RFC 9112 §6, §7).

The recorder proves for each case that the upstream saw one clean request or nothing.
"""

from harness import eventually
from http1 import Broken, Caller, head
from proxied import MIB, dropped, either, outcome, passes, recorder, refused, resident, serves, start
from suite import check, finish

penstock = start()
HIDDEN = head("GET /hidden HTTP/1.1")


def post(*fields, body=b"hello", path="/case"):
    return head(f"POST {path} HTTP/1.1", *fields) + body


def chunked(body, *fields, path="/case"):
    return post("Transfer-Encoding: chunked", *fields, body=body, path=path)


# Framing fields that must be refused (RFC 9112 §6.1, §6.3), each with a request behind what one side might read.
for name, fields in {
    "CL.TE": ["Content-Length: 6", "Transfer-Encoding: chunked"],
    "TE.CL": ["Transfer-Encoding: chunked", "Content-Length: 6"],
    "CL.TE with length 0": ["Content-Length: 0", "Transfer-Encoding: chunked"],
    "TE.TE chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "TE.TE chunked and identity": ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "TE.TE identity and chunked": ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
    "TE.TE chunked and cow": ["Transfer-Encoding: chunked", "Transfer-Encoding: cow"],
    "TE list chunked, chunked": ["Transfer-Encoding: chunked, chunked"],
    "TE list gzip, chunked": ["Transfer-Encoding: gzip, chunked"],
    "TE list chunked, gzip": ["Transfer-Encoding: chunked, gzip"],
    "TE list chunked, identity": ["Transfer-Encoding: chunked, identity"],
    "TE identity": ["Transfer-Encoding: identity"],
    "TE xchunked": ["Transfer-Encoding: xchunked"],
    "TE chunkedx": ["Transfer-Encoding: chunkedx"],
    "TE in quotes": ['Transfer-Encoding: "chunked"'],
    "TE with a parameter": ["Transfer-Encoding: chunked;q=1"],
    "TE with a vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "TE with a form feed": [b"Transfer-Encoding: chunked\x0c"],
    "TE with NUL": [b"Transfer-Encoding: chunked\x00"],
    "TE with a no-break space": [b"Transfer-Encoding: \xa0chunked"],
    "TE with a space before the colon": ["Transfer-Encoding : chunked"],
    "TE with a tab before the colon": ["Transfer-Encoding\t: chunked"],
    "TE with a space before the colon, and CL": ["Content-Length: 6", "Transfer-Encoding : chunked"],
    "TE without a value, and CL": ["Content-Length: 6", "Transfer-Encoding:"],
    "TE after a bare CR in a value": [b"X-A: b\rTransfer-Encoding: chunked", b"Content-Length: 6"],
    "CL with a space before the colon": ["Content-Length : 6"],
    "two differing CL": ["Content-Length: 6", "Content-Length: 0"],
    "two differing CL, the other way round": ["Content-Length: 0", "Content-Length: 6"],
    "CL list 6, 0": ["Content-Length: 6, 0"],
    "CL +6": ["Content-Length: +6"],
    "CL -6": ["Content-Length: -6"],
    "CL 0x6": ["Content-Length: 0x6"],
    "CL 6 6": ["Content-Length: 6 6"],
    "CL 6;": ["Content-Length: 6;"],
    "CL 6.0": ["Content-Length: 6.0"],
    "CL 6e0": ["Content-Length: 6e0"],
    "CL 1_0": ["Content-Length: 1_0"],
    'CL "6"': ['Content-Length: "6"'],
    "CL of full-width digits": ["Content-Length: ６"],
    "CL with NUL": [b"Content-Length: 6\x00"],
    "CL with a vertical tab": [b"Content-Length: \x0b6"],
    "CL 2^64 + 6": ["Content-Length: 18446744073709551622"],
    "CL of 100 digits": ["Content-Length: " + "9" * 100],
}.items():
    with check(f"{name}: refused with 400 and the end of the connection"):
        # What a side would take that reads chunks, and one that reads six bytes.
        refused(penstock, post(*fields, body=b"0\r\n\r\nG" + HIDDEN), statuses=(400, 501))

with check("CL without a value: refused"):
    refused(penstock, post("Content-Length:", body=b""))

for name, fields in {
    "CL list 5, 5": ["Content-Length: 5, 5"],
    "the same CL twice": ["Content-Length: 5", "Content-Length: 5"],
    "CL 0005": ["Content-Length: 0005"],
    "a tab after a length": ["Content-Length: 5\t"],
}.items():
    with check(f"{name}: refused, or one clean request") as remark:
        if got := either(penstock, post(*fields), remark): assert got.body == b"hello", got

with check("Transfer-Encoding in HTTP/1.0: refused (RFC 9112 §6.1)"):
    refused(penstock, head("POST /case HTTP/1.0", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + HIDDEN)

for name, fields in {
    "Transfer_Encoding is no framing": ["Transfer_Encoding: chunked", "Content-Length: 5"],
    "X-Transfer-Encoding is no framing": ["X-Transfer-Encoding: chunked", "Content-Length: 5"],
    "whitespace around a length": ["Content-Length: \t 5 "],
    "Connection can't name the length away": ["Content-Length: 5", "Connection: content-length"],
    "Connection can't name the host away": ["Content-Length: 5", "Connection: host"],
}.items():
    with check(f"{name}: one clean request with its body"):
        assert passes(penstock, post(*fields)).body == b"hello"

with check("Connection can't name the transfer coding away: one clean request with its body"):
    got = passes(penstock, chunked(b"5\r\nhello\r\n0\r\n\r\n", "Connection: transfer-encoding"))
    assert got.body == b"hello", got
with check("Transfer-Encoding is known in any case of letters"):
    assert passes(penstock, post("tRANSFER-eNCODING: ChUnKeD", body=b"5\r\nhello\r\n0\r\n\r\n")).body == b"hello"
with check("a GET with a body: one clean request with its body"):
    assert passes(penstock, head("GET /case HTTP/1.1", "Content-Length: 5") + b"hello").body == b"hello"
with check("a POST without a length has no body"):
    assert passes(penstock, post(body=b"")).body == b""
with check("what follows a length is the next request"):
    first, second = passes(penstock, post("Content-Length: 5") + head("GET /next HTTP/1.1"), count=2)
    assert (first.body, second.target) == (b"hello", b"/next")
with check("a body that ends before its length never looks whole upstream"):
    dropped(penstock, post("Content-Length: 10"), half_close=True)
for number in (2**63 - 1, 2**63, 2**64 - 1):
    with check(f"a length of {number} never looks whole upstream"):
        dropped(penstock, post(f"Content-Length: {number}"), half_close=True)
    with check(f"a chunk of {number} never looks whole upstream"):
        dropped(penstock, chunked(b"%x\r\nhello\r\n0\r\n\r\n" % number), half_close=True)
with check("a chunked body that ends before its last chunk never looks whole upstream"):
    dropped(penstock, chunked(b"5\r\nhello\r\n"), half_close=True)
with check("a chunked body that ends before its last line never looks whole upstream"):
    dropped(penstock, chunked(b"5\r\nhello\r\n0\r\n"), half_close=True)

# Chunks (RFC 9112 §7.1).
for name, body in {
    "one chunk": b"5\r\nhello\r\n0\r\n\r\n",
    "chunks of one byte": b"".join(b"1\r\n%c\r\n" % byte for byte in b"hello") + b"0\r\n\r\n",
    "an extension": b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
    "an extension in quotes": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    "several zeros at the end": b"5\r\nhello\r\n000\r\n\r\n",
    "an upper-case size": b"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
}.items():
    with check(f"{name}: passes, and the next request too"):
        first, second = passes(penstock, chunked(body) + head("GET /next HTTP/1.1"), count=2)
        assert first.body.startswith(b"hello") and second.target == b"/next"

for name, body in {
    "whitespace before an extension": b"5 ;a=b\r\nhello\r\n0\r\n\r\n",
    "whitespace after a size": b"5 \r\nhello\r\n0\r\n\r\n",
    "leading zeros": b"0" * 14 + b"5\r\nhello\r\n0\r\n\r\n",
    "an extension of 4 KiB": b"5;" + b"a" * 4096 + b"\r\nhello\r\n0\r\n\r\n",
    "a quoted CR LF in an extension": b'5;a="\r\nhello\r\n0\r\n\r\n',
}.items():
    with check(f"{name}: refused, or one clean request") as remark:
        if got := either(penstock, chunked(body), remark): assert got.body.startswith(b"hello"), got

for name, body in {
    "size 0x5": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size +5": b"+5\r\nhello\r\n0\r\n\r\n",
    "size -5": b"-5\r\nhello\r\n0\r\n\r\n",
    "a space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "an underscore in the size": b"0_5\r\nhello\r\n0\r\n\r\n",
    "a size that is no number": b"g\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "an extension without a size": b";a=b\r\nhello\r\n0\r\n\r\n",
    "size 2^64": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "size 2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size 2^32 + 5 in 20 digits": b"F0000000000000000005\r\nhello\r\n0\r\n\r\n",
    "a bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "a bare LF after an extension": b"5;a\nhello\r\n0\r\n\r\n",
    "a bare LF within an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a bare CR within an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in an extension": b"5;a\x00b\r\nhello\r\n0\r\n\r\n",
    "data longer than its size": b"5\r\nhelloX\r\n0\r\n\r\n",
    "data shorter than its size": b"5\r\nhell\r\n0\r\n\r\n",
    "no line end after data": b"5\r\nhello0\r\n\r\n",
    "a bare LF after data": b"5\r\nhello\n0\r\n\r\n",
    "a bare CR after data": b"5\r\nhello\r0\r\n\r\n",
    "two bytes instead of the line end": b"5\r\nhelloXX0\r\n\r\n",
    "a bare LF after the last chunk": b"5\r\nhello\r\n0\n\r\n",
    "a bare LF at the very end": b"5\r\nhello\r\n0\r\n\n",
}.items():
    with check(f"{name}: refused"):
        refused(penstock, chunked(body + HIDDEN))

with check("a chunk hidden in an extension that ends in a bare LF is not a request (TERM.EXT)"):
    refused(penstock, chunked(b"2;\nxx\r\n4d\r\n0\r\n\r\n" + HIDDEN + b"\r\n0\r\n\r\n"))

with check("16 MiB of chunk extensions are refused, or taken without a growth of memory") as remark:
    before = resident(penstock)
    with Caller(penstock.port) as caller:
        caller.send(head("POST /case HTTP/1.1", "Transfer-Encoding: chunked") + b"1;")
        for _ in range(256):
            caller.send(b"a" * (64 << 10))
        caller.send(b"\r\nx\r\n0\r\n\r\n")
        try:
            remark(f"answered {caller.answer().status}")
        except (Broken, OSError) as error:
            remark(f"ended: {error}")
    assert resident(penstock) - before < 8 * MIB, f"{(resident(penstock) - before) / MIB:.1f} MiB more"
    serves(penstock)

with check("10 000 chunks of one byte with an extension of 60 bytes each are refused, or pass") as remark:
    body = (b"1;" + b"a" * 60 + b"\r\nx\r\n") * 10_000 + b"0\r\n\r\n"
    if got := either(penstock, chunked(body), remark): assert len(got.body) == 10_000

# Trailers (RFC 9110 §6.5.1): what frames, routes, authenticates or describes content is not to be believed there.
for trailer in ("Content-Length: 5", "Transfer-Encoding: chunked", "Host: other.test", "Authorization: Bearer t",
                "Proxy-Authorization: Basic YTpi", "Connection: close", "Keep-Alive: a", "Trailer: x", "TE: trailers",
                "Content-Type: text/x", "Content-Encoding: gzip", "Content-Range: bytes 0-1/2", "X-Tenant-Id: other",
                "Upgrade: h2c", "Cookie: a=b", "Expect: 100-continue", "Max-Forwards: 0", "Cache-Control: no-store"):
    with check(f"{trailer} in trailers does not pass; the request is refused or loses it") as remark:
        if got := either(penstock, chunked(f"5\r\nhello\r\n0\r\n{trailer}\r\n\r\n".encode()), remark):
            assert not got.trailers, f"it passed: {got.trailers}"
with check("a trailer of the caller's own passes or is dropped") as remark:
    got = passes(penstock, chunked(b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n", "Trailer: X-Checksum"))
    remark("passed" if got.trailers else "dropped")
for name, trailer in {
    "a space before the colon": b"X-A : b\r\n",
    "no colon": b"X-A\r\n",
    "a bare LF": b"X-A: b\nX-B: c\r\n",
    "a NUL": b"X-A: \x00\r\n",
    "folding": b"X-A: b\r\n c\r\n",
    "another request": b"GET /hidden HTTP/1.1\r\nHost: a\r\n",
}.items():
    with check(f"trailers with {name}: refused, or one clean request") as remark:
        either(penstock, chunked(b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n"), remark)
with check("trailers of 1 MiB are refused"):
    refused(penstock, chunked(b"0\r\n" + (b"X-A: " + b"a" * 1000 + b"\r\n") * 1000 + b"\r\n"), statuses=(400, 431))

# Pipelining (RFC 9112 §9.3.2) and connections.
with check("100 pipelined requests are answered in order, each once"):
    recorder.take()
    with Caller(penstock.port) as caller:
        caller.send(b"".join(
            head(f"POST /{n} HTTP/1.1", "Content-Length: 2") + b"%02d" % n if n % 2 else head(f"GET /{n} HTTP/1.1")
            for n in range(100)))
        got = [caller.answer().body for _ in range(100)]
        assert got == [b"%s /%d" % (b"POST" if n % 2 else b"GET", n) for n in range(100)], got
        assert caller.is_quiet()
    whole, unfinished, faults = recorder.take()
    assert [request.target for request in whole] == [b"/%d" % n for n in range(100)], whole
    assert [request.body for request in whole] == [b"%02d" % n if n % 2 else b"" for n in range(100)]
    assert not unfinished and not faults

with check("what comes after a refused request on its connection is not looked at"):
    answers, is_closed, whole, unfinished = outcome(penstock, post("Content-Length: x") + HIDDEN * 10)
    assert [a.status for a in answers] == [400] and is_closed and not whole and not unfinished, (answers, whole)

with check("200 requests on one connection use one connection upstream"):
    recorder.take()
    before = recorder.connections
    with Caller(penstock.port) as caller:
        for n in range(200):
            caller.send(head(f"GET /{n} HTTP/1.1"))
            assert caller.answer().body == b"GET /%d" % n
    assert recorder.connections - before <= 1, recorder.connections - before
    assert len({request.connection for request in recorder.take()[0]}) == 1

with check("nothing is left"):
    eventually(lambda: penstock.is_idle("recorder"), "all slots to be free")
finish()
