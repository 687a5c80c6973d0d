"""How the head of an HTTP/1.1 request may be written (RFC 9112 §2, §3, §5; RFC 9110 §5, §7.2, §9)."""

from http1 import head
from proxied import dropped, either, nothing_is_left, outcome, passes, recorder, refused, start
from suite import check, finish

penstock = start()


def get(*fields, host="penstock.test"):
    return head("GET /case HTTP/1.1", *fields, host=host)


def raw(line, rest=b"Host: penstock.test\r\n\r\n"):
    return line + b"\r\n" + rest


# Request lines.
for name, line in {
    "no version": b"GET /case",
    "HTTP/0.9 by name": b"GET /case HTTP/0.9",
    "HTTP/2.0": b"GET /case HTTP/2.0",
    "HTTP/3.0": b"GET /case HTTP/3.0",
    "HTTP/1": b"GET /case HTTP/1",
    "HTTP/1.10": b"GET /case HTTP/1.10",
    "HTTP/01.1": b"GET /case HTTP/01.1",
    "http/1.1 in lower case": b"GET /case http/1.1",
    "HTTPS/1.1": b"GET /case HTTPS/1.1",
    "two targets": b"GET /case /other HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "no method": b" /case HTTP/1.1",
    "a space before the method": b" GET /case HTTP/1.1",
    "a method with a parenthesis": b"G(T /case HTTP/1.1",
    "a method with a colon": b"GET: /case HTTP/1.1",
    "NUL in the method": b"GE\x00T /case HTTP/1.1",
    "NUL in the target": b"GET /ca\x00se HTTP/1.1",
    "CR in the target": b"GET /ca\rse HTTP/1.1",
    "CR instead of the line's end": b"GET /case HTTP/1.1\rHost: a\r\r",
    "LF in the target": b"GET /ca\nse HTTP/1.1",
    "ESC in the target": b"GET /ca\x1bse HTTP/1.1",
    "DEL in the target": b"GET /ca\x7fse HTTP/1.1",
    "a target that is no path": b"GET case HTTP/1.1",
    "a target that is a query": b"GET ?a=b HTTP/1.1",
    "a host and port with GET": b"GET penstock.test:80 HTTP/1.1",
    "another protocol's first bytes": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a PROXY line": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /case HTTP/1.1",
}.items():
    with check(f"{name}: refused"):
        refused(penstock, raw(line), statuses=(400, 501, 505))

for name, line in {
    "several spaces": b"GET  /case  HTTP/1.1",
    "tabs": b"GET\t/case\tHTTP/1.1",
    "a space after the version": b"GET /case HTTP/1.1 ",
    "HTTP/1.2": b"GET /case HTTP/1.2",
    "a fragment in the target": b"GET /case#part HTTP/1.1",
    "high bytes in the target": b"GET /case/\xc3\xa4 HTTP/1.1",
    "quotes and brackets in the target": b'GET /case?a=<"[{|}]"> HTTP/1.1',
    "a backslash in the target": b"GET /case\\..\\x HTTP/1.1",
    "an unknown method": b"BREW /case HTTP/1.1",
    "a method in lower case": b"get /case HTTP/1.1",
}.items():
    with check(f"{name}: refused, or one clean request") as remark:
        either(penstock, raw(line), remark)

for name, line in {"* with GET": b"GET * HTTP/1.1", "the method PRI": b"PRI /case HTTP/1.1"}.items():
    with check(f"{name}: an error or the end of the connection, nothing upstream"):
        dropped(penstock, raw(line))

for name, target in {
    "two slashes at the front": b"//case/x",
    "dots": b"/case/../../other",
    "dots, encoded": b"/case/%2e%2e/%2E%2e/other",
    "an encoded slash, NUL and space": b"/case%2F%00%20x",
    "a percent sign alone": b"/case/%zz",
    "a URL within the path": b"/case/http://other.test/",
    "a question mark alone": b"/case?",
    "two question marks": b"/case?a?b",
    "30 KiB": b"/case?" + b"a" * (30 << 10),
}.items():
    with check(f"a target with {name} comes through as it is"):
        got = passes(penstock, raw(b"GET %s HTTP/1.1" % target))
        assert got.target == target, got.target[:100]

for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "SEARCH", "QUERY", "REPORT"):
    with check(f"{method} comes through") as remark:
        got = passes(penstock, head(f"{method} /case HTTP/1.1", "Content-Length: 5") + b"hello")
        assert (got.method, got.body) == (method.encode(), b"hello"), got

with check("one empty line before the request line is ignored (RFC 9112 §2.2)"):
    passes(penstock, b"\r\n" + get())
with check("lines that end in a bare LF: refused, or one clean request") as remark:
    either(penstock, b"GET /case HTTP/1.1\nHost: penstock.test\n\n", remark)
with check("TRACE is refused, so that no credential comes back"):
    refused(penstock, head("TRACE /case HTTP/1.1"), statuses=(400, 403, 405, 501))
with check("OPTIONS *: answered here, or passed on as * and not as a path (RFC 9110 §9.3.7)") as remark:
    answers, _, whole, _ = outcome(penstock, head("OPTIONS * HTTP/1.1"))
    assert [request.target for request in whole] in ([], [b"*"]), f"the upstream got {whole}"
    remark(f"{answers[0].status}, {'passed' if whole else 'kept'}")
with check("OPTIONS with Max-Forwards: 0 goes no further (RFC 9110 §7.6.2)"):
    answers, _, whole, _ = outcome(penstock, head("OPTIONS /case HTTP/1.1", "Max-Forwards: 0"))
    assert not whole and len(answers) == 1, f"the upstream got {whole}"
with check("OPTIONS with Max-Forwards: 5 goes on with 4"):
    got = passes(penstock, head("OPTIONS /case HTTP/1.1", "Max-Forwards: 5")).values(b"max-forwards")
    assert got == [b"4"], got

# Size.
with check("a request line of 100 KiB: refused with 414 or 431"):
    refused(penstock, raw(b"GET /" + b"a" * (100 << 10) + b" HTTP/1.1"), statuses=(414, 431))
with check("a method of 100 KiB: refused"):
    refused(penstock, raw(b"A" * (100 << 10) + b" /case HTTP/1.1"), statuses=(400, 414, 431, 501))
with check("a field name of 100 KiB: refused"):
    refused(penstock, get("A" * (100 << 10) + ": x"), statuses=(400, 431))
with check("a field of 100 KiB: refused with 431"):
    refused(penstock, get("X-Large: " + "a" * (100 << 10)), statuses=(431,))
with check("1000 fields: refused with 431"):
    refused(penstock, get(*[f"X-{n}: a" for n in range(1000)]), statuses=(431,))
with check("a million empty lines before a request are not waited through"):
    answers, is_closed, whole, _ = outcome(penstock, b"\r\n" * 1_000_000, seconds=15)
    assert is_closed and not whole, (answers, whole)
with check("100 fields, and one of 40 KiB, come through"):
    got = passes(penstock, get(*[f"X-{n}: {n}" for n in range(100)], "X-Large: " + "a" * (40 << 10)))
    assert [b"X-%d" % n for n in range(100)] == [name for name, _ in got.fields if name[:2] == b"X-"][:100]
    assert len(got.values(b"x-large")[0]) == 40 << 10

# Host (RFC 9112 §3.2: a server MUST answer 400 to none, to several and to an invalid one).
for name, request in {
    "no Host": get(host=None),
    "two differing Hosts": get("Host: other.test"),
    "two equal Hosts": get("Host: penstock.test"),
    "a list of Hosts": get(host="penstock.test, other.test"),
    "a Host with userinfo": get(host="user@penstock.test"),
    "a Host with userinfo and password": get(host="api.openai.com:443@penstock.test"),
    "a Host with a path": get(host="penstock.test/other"),
    "a Host with a query": get(host="penstock.test?other"),
    "a Host with a space": get(host="penstock.test other"),
    "a Host with a scheme": get(host="http://penstock.test"),
    "a Host with a port of letters": get(host="penstock.test:http"),
    "a Host with a port of 100 000": get(host="penstock.test:100000"),
    "a Host with two ports": get(host="penstock.test:80:80"),
    "a Host with an open bracket": get(host="[::1"),
    "a Host with quotes": get(host='"penstock.test"'),
    "a Host with a NUL": get(host=b"penstock\x00.test".decode()),
    "a Host with a space before the colon": get("Host : penstock.test", host=None),
    "a folded Host": get("Host: penstock.test\r\n .other", host=None),
}.items():
    with check(f"{name}: refused"):
        refused(penstock, request)
for host in ("penstock.test:8080", "penstock.test:", "[::1]:80", "127.0.0.1", "PENSTOCK.Test", "_a.test", ""):
    with check(f"Host {host!r}: passes, and the upstream gets its own"):
        assert passes(penstock, get(host=host)).values(b"host") == [b"127.0.0.1:%d" % recorder.port]
with check("HTTP/1.0 needs no Host"):
    passes(penstock, head("GET /case HTTP/1.0", host=None))

# Fields.
for name, field in {
    "a space before the colon": b"X-A : b",
    "a tab before the colon": b"X-A\t: b",
    "no colon": b"X-A",
    "no name": b": b",
    "a space within a name": b"X A: b",
    "a bracket in a name": b"X[A]: b",
    "a slash in a name": b"X/A: b",
    "a quote in a name": b'"X-A": b',
    "an at sign in a name": b"X@A: b",
    "NUL in a name": b"X\x00A: b",
    "ESC in a name": b"X\x1bA: b",
    "a high byte in a name": b"X\xe4A: b",
    "CR in a name": b"X\rA: b",
    "LF in a name": b"X\nA: b",
    "NUL in a value": b"X-A: b\x00c",
    "CR in a value": b"X-A: b\rc",
    "CR and a field in a value": b"X-A: b\rX-B: c",
    "CR at a value's end": b"X-A: b\r",
}.items():
    with check(f"{name}: refused"):
        refused(penstock, get(field))
for byte in (0x01, 0x08, 0x0b, 0x0c, 0x1b, 0x7f):
    with check(f"the control byte {byte:#04x} in a value: refused, or a space upstream (RFC 9110 §5.5)") as remark:
        if got := either(penstock, get(b"X-A: b%cc" % byte), remark): assert got.values(b"x-a") == [b"b c"]
for name, request in {
    "folding with a space": get(b"X-A: b\r\n c"),
    "folding with a tab": get(b"X-A: b\r\n\tc"),
    "folding of an empty value": get(b"X-A:\r\n c"),
}.items():
    with check(f"{name}: refused, or spaces upstream (RFC 9112 §5.2)") as remark:
        if got := either(penstock, request, remark): assert b"".join(got.values(b"x-a")[0].split()) in (b"bc", b"c")
with check("folding hides no field"):
    if got := either(penstock, get(b"X-A: b\r\n Content-Length: 5") + b"hello"):
        assert not got.values(b"content-length")
with check("whitespace before the first field: refused, or that line is dropped (RFC 9112 §2.2)") as remark:
    if got := either(penstock, raw(b"GET /case HTTP/1.1", b" X-A: b\r\nHost: a\r\n\r\n"), remark):
        assert not got.values(b"x-a"), got.raw

nothing_is_left(penstock)
finish()
