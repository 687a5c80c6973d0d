"""Plain users: curl and nghttp2's tools, over HTTP/2 with and without TLS, and Penstock as a forward proxy."""

import contextlib
import os
import re
import socket
import subprocess

from harness import SECRET, Certificate, directory, eventually, run
from http1 import Caller, head
from http2 import DATA, PREFACE, Connection, frame, rst, settings
from proxied import MIB, POLICY, passes, recorder, serves, start
from recorder import answer
from suite import check, finish

penstock = start(POLICY + f"""
  named:
    url: "http://127.0.0.1:{recorder.port}/root"
    hosts: [api.example.test]
    provider: openai
    limits: [{{in_flight: 100}}]
""")
certificate = Certificate("conformance")
secure = start(certificate=certificate)
authority = f"127.0.0.1:{penstock.port}"
recorder.on("/large", answer(b"a" * 4 * MIB))


def curl(*arguments, status=200, code=0):
    """The body; the status and curl's own code are checked. curl's certificate store is our authority."""
    done = subprocess.run( ["curl",
    "--silent",
    "--show-error",
    "--max-time",
    "20",
    "--cacert",
    certificate.authority,
    "--write-out",
    "\n%{http_version} %{http_code}",
    *map(str,
    arguments)],
    stdin=subprocess.DEVNULL,
    capture_output=True,
     timeout=30)
    body, _, last = done.stdout.decode(errors="replace").rpartition("\n")
    version, got = last.split()
    assert done.returncode == code, f"curl returned {done.returncode}: {done.stderr.decode()} {got} {body[:300]}"
    assert int(got) == status, (got, body[:300])
    curl.version = version
    return body


def connect():
    return socket.create_connection(("127.0.0.1", secure.port), timeout=5)


def seen():
    """The one request that the upstream got."""
    whole, unfinished, faults = recorder.take()
    assert len(whole) == 1 and not unfinished and not faults, (whole, unfinished, faults)
    return whole[0]


# HTTP/2 from curl.
with check("curl --http2-prior-knowledge: GET, POST and HEAD, on the same port as HTTP/1.1"):
    recorder.take()
    url = penstock.url
    assert curl("--http2-prior-knowledge", url + "/case?a=b") == "GET /case?a=b" and curl.version == "2"
    assert seen().target == b"/case?a=b"
    assert curl("--http2-prior-knowledge", "--data", "hello", url + "/case") == "POST /case"
    assert seen().body == b"hello"
    assert "HTTP/2 200" in curl("--http2-prior-knowledge", "--head", url + "/case")
    assert curl("--http1.1", url + "/case") == "GET /case" and curl.version == "1.1"
with check("curl --http2 without TLS asks for an upgrade: it is answered, in one version or the other") as remark:
    assert curl("--http2", penstock.url + "/case") == "GET /case"
    remark(f"HTTP/{curl.version}")
with check("curl --http2 with TLS gets HTTP/2 by ALPN, --http1.1 and --no-alpn get HTTP/1.1"):
    url = secure.url
    assert curl("--http2", url + "/case") == "GET /case" and curl.version == "2", curl.version
    assert curl("--http1.1", url + "/case") == "GET /case" and curl.version == "1.1"
    assert curl("--no-alpn", url + "/case") == "GET /case" and curl.version == "1.1"
with check("ALPN chooses h2 before http/1.1, and ends what offers neither or goes on in HTTP/1.1") as remark:
    for offers, want in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")):
        context = certificate.context()
        context.set_alpn_protocols(offers)
        with context.wrap_socket(connect(), server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == want, (offers, tls.selected_alpn_protocol())
    context = certificate.context()
    context.set_alpn_protocols(["spdy/3"])
    try:
        with context.wrap_socket(connect(), server_hostname="localhost") as tls:
            remark(f"spdy/3: {tls.selected_alpn_protocol()}")
    except OSError as error:
        remark(f"spdy/3: {error}")
for chosen, data in {"http/1.1": PREFACE + settings() + b"\0\0\3\1\5\0\0\0\1\x82\x86\x84",
                     "h2": head("GET /hidden HTTP/1.1")}.items():
    with check(f"after ALPN chose {chosen} the other version is not served (RFC 7301, RFC 9113 §3.3)"):
        recorder.take()
        context = certificate.context()
        context.set_alpn_protocols([chosen])
        with Caller(secure.port, seconds=3, tls=context) as caller:
            caller.send(data)
            got = b""
            with contextlib.suppress(OSError):
                while part := caller.socket.recv(1 << 16): got += part
            assert b"GET /" not in got, got
        assert not recorder.take()[0]
with check("curl sends and gets 4 MiB over HTTP/2 with TLS"):
    file = directory / "4-MiB"
    file.write_bytes(os.urandom(4 * MIB))
    recorder.take()
    assert len(curl("--http2", secure.url + "/large")) == 4 * MIB
    recorder.take()
    curl("--http2", "--data-binary", f"@{file}", secure.url + "/case")
    assert seen().body == file.read_bytes()

# nghttp2's tools.
with check("nghttp: 20 requests on one connection, with TLS and without"):
    for url in (penstock.url, secure.url):
        text = run("nghttp", "--no-verify-peer", "--stat", "--null-out", *[f"{url}/{n}" for n in range(20)])
        assert len(re.findall(r" 200 +\d+ /\d+", text)) == 20, text[-2000:]
with check("nghttp: trailers, padding and priorities"):
    recorder.take()
    text = run("nghttp", "--verbose", "--padding=100", "--trailer=x-sum: 1", f"--data={__file__}", "--weight=10",
               f"{penstock.url}/case")
    assert ":status: 200" in text, text[-1500:]
    assert b"Plain users" in seen().body
with check("nghttp with windows of 10 bits gets 1 MiB whole"):
    recorder.on("/mib", answer(b"a" * MIB))
    assert len(run("nghttp", "--window-bits=10", "--connection-window-bits=10", f"{penstock.url}/mib")) == MIB
for name, options, url in [("HTTP/2", [], penstock.url), ("HTTP/2 with TLS", [],
                            secure.url), ("HTTP/1.1", ["--h1"], penstock.url)]:
    with check(f"h2load: 5 000 requests of {name} over 10 connections with 20 at a time all succeed") as remark:
        text = run("h2load", "-n5000", "-c10", *([] if options else ["-m20"]), *options, f"{url}/case")
        assert re.search(r"status codes: 5000 2xx", text), text
        if "TLS" in name: assert "Application protocol: h2\n" in text, text
        remark(re.search(r"finished in .*?, (\S+ req/s)", text)[1])
        recorder.take()

# Forward proxy (CONTRACT §3): curl's own variables and flags.
with check("curl -x http://penstock http://…: absolute-form finds the upstream by its host"):
    recorder.take()
    got = curl("-x", penstock.url, f"http://127.0.0.1:{recorder.port}/v1/x?y=z")
    request = seen()
    assert request.target == b"/v1/x?y=z" and got == "GET /v1/x?y=z", request
    assert request.values(b"host") == [b"127.0.0.1:%d" % recorder.port], request.raw
    assert not request.values(b"proxy-connection"), request.raw
with check("curl -x with a further name of an upstream goes to its url"):
    curl("-x", penstock.url, "http://api.example.test/v1/x")
    assert seen().values(b"host") == [b"127.0.0.1:%d" % recorder.port]
with check("curl -x with --proxy-user: the user is the tenant, and no credential goes on"):
    curl("-x", penstock.url, "--proxy-user", "acme:secret", "-H", f"Authorization: Bearer {SECRET}",
         "http://api.example.test/v1/x")
    assert not seen().values(b"proxy-authorization")
    eventually(lambda: penstock.metric("penstock_requests_total", tenant="acme") == 1, "a request of acme")
with check("a name that is no upstream: 403, and it is not dialled"):
    for url in ("http://other.test/", "http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/",
            "http://[::1]:1/", f"http://localhost:{penstock.admin_port}/status"):
        curl("-x", penstock.url, url, status=403)
    assert recorder.take() == ([], [], [])
with check("absolute-form with another Host: the target counts (RFC 9112 §3.2.2)"):
    request = passes(penstock, head("GET http://api.example.test/v1/x HTTP/1.1", host="other.test"))
    assert request.target.endswith(b"/v1/x"), request
    with Caller(penstock.port) as caller:
        caller.send(head("GET http://other.test/v1/x HTTP/1.1", host="api.example.test"))
        assert caller.answer().status == 403
with check("absolute-form of Penstock's own address is an ordinary request"):
    request = passes(penstock, head(f"GET http://{authority}/base/v1/x HTTP/1.1", host=authority))
    assert request.target == b"/v1/x", request
with check("OPTIONS of a URL without path goes on as * (RFC 9112 §3.2.4)") as remark:
    recorder.take()
    with Caller(penstock.port) as caller:
        caller.send(head(f"OPTIONS http://127.0.0.1:{recorder.port} HTTP/1.1", host="a"))
        remark(str(caller.answer().status))
    whole, _, _ = recorder.take()
    assert not whole or whole[0].target == b"*", whole
for target in ("http://user@api.example.test/", "http://user:pw@api.example.test/", "http:///v1", "http://",
        "http:/v1", "http://api.example.test:99999/", "http://api.example.test:x/", "ftp://api.example.test/",
        "//api.example.test", "http://api.example.test#a", "http://[::1/", "http://a b/",
        "http://api.example.test\\@other.test/", "http://other.test\\@api.example.test/",
        "http://api.example.test%2eother.test/"):
    with check(f"the target {target}: an error, or exactly the upstream that is meant") as remark:
        recorder.take()
        with Caller(penstock.port) as caller:
            caller.send(head(f"GET {target} HTTP/1.1", host="penstock.test"))
            got = caller.answer()
            remark(str(got.status))
        whole, unfinished, faults = recorder.take()
        assert not faults, faults
        assert got.status >= 400 and not whole or "api.example.test" in target and "other" not in target, (got, whole)
with check("curl -p -x: CONNECT to an upstream is a tunnel") as remark:
    recorder.take()
    got = curl("-p", "-x", penstock.url, f"http://127.0.0.1:{recorder.port}/through")
    assert got == "GET /through", got
    request = seen()
    assert request.values(b"host") == [b"127.0.0.1:%d" % recorder.port] and not request.values(b"via"), request.raw
with check("a tunnel holds one slot while it is open, for the tenant of --proxy-user, and frees it"):
    with Caller(penstock.port) as caller:
        caller.send(head(f"CONNECT 127.0.0.1:{recorder.port} HTTP/1.1", "Proxy-Authorization: Basic dHVubmVsOnB3",
                         host=f"127.0.0.1:{recorder.port}"))
        got = caller.head()
        assert got.status == 200 and not got.values(b"content-length") + got.values(b"transfer-encoding"), got.fields
        assert sum(penstock.upstream(name)["in_flight"] for name in ("recorder", "named")) == 1
        for n in range(3):
            caller.send(head(f"GET /{n} HTTP/1.1", host="penstock.test"))
            assert caller.answer().body == b"GET /%d" % n
    eventually(lambda: penstock.is_idle("recorder") and penstock.is_idle("named"), "the slot to be free")
    eventually(lambda: penstock.metric("penstock_requests_total", tenant="tunnel") == 1, "a request of the tenant")
    recorder.take()
with check("what comes with CONNECT, before its answer, goes into the tunnel once"):
    recorder.take()
    with Caller(penstock.port) as caller:
        caller.send(head(f"CONNECT 127.0.0.1:{recorder.port} HTTP/1.1", host="a") + head("GET /eager HTTP/1.1"))
        assert caller.head().status == 200 and caller.answer().body == b"GET /eager"
    assert seen().target == b"/eager"
with check("a tunnel carries 4 MiB both ways, and half closes"):
    with Caller(penstock.port) as caller:
        caller.send(head(f"CONNECT 127.0.0.1:{recorder.port} HTTP/1.1", host="a"))
        assert caller.head().status == 200
        caller.send(head("POST /large HTTP/1.1", f"Content-Length: {4 * MIB}") + b"b" * 4 * MIB)
        caller.finish_sending()
        assert len(caller.answer().body) == 4 * MIB
    assert len(seen().body) == 4 * MIB
for target in ("other.test:443", "127.0.0.1:1", "169.254.169.254:80", f"127.0.0.1:{penstock.admin_port}", "[::1]:22",
               f"localhost:{penstock.port}"):
    with check(f"CONNECT {target}: refused with 403 or 508, not dialled"):
        with Caller(penstock.port) as caller:
            caller.send(head(f"CONNECT {target} HTTP/1.1", host=target))
            assert caller.answer().status in (403, 508)
for target in ("api.example.test", "/v1", f"http://127.0.0.1:{recorder.port}/", f"user@127.0.0.1:{recorder.port}",
               f"127.0.0.1:{recorder.port}/x", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:", "*"):
    with check(f"CONNECT {target}: 400 or 403, and no tunnel"):
        with Caller(penstock.port) as caller:
            caller.send(head(f"CONNECT {target} HTTP/1.1", host="a"))
            got = caller.answer()
            assert got.status in (400, 403), got
with check("CONNECT over HTTP/2 is a tunnel on its stream, others go on beside it"):
    recorder.take()
    with Connection(penstock.port) as wire:
        stream = wire.next_stream()
        wire.send(wire.headers(stream, wire.block([(":method", "CONNECT"),
                  (":authority", f"127.0.0.1:{recorder.port}")]), ends=False))
        wire.until(lambda: wire[stream].fields or wire[stream].is_over)
        assert wire[stream].status == 200 and not wire[stream].is_over, wire[stream]
        wire.send(frame(DATA, 0, stream, head("GET /in-tunnel HTTP/1.1")))
        wire.until(lambda: b"GET /in-tunnel" in wire[stream].body)
        assert wire.answer(wire.request("/beside")).body == b"GET /beside"
        wire.send(rst(stream))
        wire.lives()
    eventually(lambda: penstock.is_idle("recorder") and penstock.is_idle("named"), "the slot to be free")
    recorder.take()
with check("CONNECT over HTTP/2 to anything else is refused"):
    with Connection(penstock.port) as wire:
        stream = wire.next_stream()
        wire.send(wire.headers(stream, wire.block(
            [(":method", "CONNECT"), (":authority", "other.test:443")]), ends=False))
        assert wire.answer(stream).status == 403, wire[stream]
with check("absolute-form over HTTP/2: :authority names the upstream"):
    recorder.take()
    with Connection(penstock.port) as wire:
        assert wire.answer(wire.request("/v1/x", authority="api.example.test")).status == 200
    assert seen().target.endswith(b"/v1/x")

# WebSocket (RFC 6455, RFC 8441).
ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
KEY = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]


def socket_echo(peer, request):
    assert [value.lower() for value in request.values(b"upgrade")] == [b"websocket"], request.raw
    request.is_complete = True
    peer.send(ACCEPT + b"early")
    while True:
        if not peer.buffer: peer.fill()
        data, peer.buffer = peer.buffer, b""
        peer.send(data)


recorder.on("/socket", socket_echo)
recorder.on("/no-socket", answer(b"no", status=b"426 Upgrade"))
with check("a WebSocket over HTTP/1.1 passes both ways, with what comes early, and holds one slot"):
    with Caller(penstock.port) as caller:
        caller.send(head("GET /socket HTTP/1.1", *KEY))
        got = caller.head()
        assert got.status == 101 and got.values(b"sec-websocket-accept"), got.fields
        assert caller.exactly(5) == b"early"
        assert penstock.upstream("recorder")["in_flight"] == 1
        for size in (1, 1000, 100_000):
            caller.send(b"x" * size)
            assert caller.exactly(size) == b"x" * size
    eventually(lambda: penstock.is_idle("recorder"), "the slot to be free")
with check("a WebSocket that the upstream declines gets the upstream's answer, and the connection stays HTTP"):
    with Caller(penstock.port) as caller:
        caller.send(head("GET /no-socket HTTP/1.1", *KEY))
        got = caller.answer()
        assert (got.status, got.body) == (426, b"no"), got
with check("a request hidden behind an upgrade that is declined is not passed on (upgrade smuggling)"):
    recorder.take()
    with Caller(penstock.port) as caller:
        caller.send(head("GET /no-socket HTTP/1.1", *KEY) + b"\x82\x85GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n")
        assert caller.answer().status == 426
    whole, _, faults = recorder.take()
    assert len(whole) == 1 and not faults, (whole, faults)
with check("an upgrade to something else is not passed on, the request is"):
    request = passes(penstock, head("GET /case HTTP/1.1", "Upgrade: h2c, foo", "Connection: Upgrade"))
    assert not request.values(b"upgrade"), request.raw
with check("a WebSocket over HTTP/2 (RFC 8441), where it is announced") as remark:
    with Connection(penstock.port) as wire:
        if not wire.settings.get(8):
            remark("not announced")
        else:
            stream = wire.next_stream()
            wire.send(wire.headers(stream, wire.block([
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/socket"),
                (":authority", "penstock.test"), ("sec-websocket-version", "13")]), ends=False))
            wire.until(lambda: wire[stream].fields or wire[stream].is_over)
            assert wire[stream].status == 200, wire[stream]
            wire.send(frame(DATA, 0, stream, b"hello"))
            wire.until(lambda: wire[stream].body.endswith(b"hello"))
with check("nothing is left"):
    eventually(lambda: penstock.is_idle("recorder") and penstock.is_idle("named"), "all slots to be free")
    serves(penstock)
finish()
