"""HTTP as curl and raw sockets speak it, well and badly, and large bodies both ways."""

import contextlib
import hashlib
import http.server
import json
import random
import re
import socket
import threading
import time

from harness import SECRET, Penstock, Simulator, check, directory, eventually, run

MIB = 1 << 20
CHAT = json.dumps(
    {"model": "gpt-4o-mini", "max_tokens": 4, "messages": [{"role": "user", "content": "Say something."}]})


class Mirror(http.server.BaseHTTPRequestHandler):
    """A provider that says what it has got, and gives as many bytes as it is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        count = int(self.path.rpartition("/")[2])
        self.send_response(200)
        self.send_header("Content-Length", str(count))
        self.end_headers()
        with contextlib.suppress(OSError):
            for chunk in noise(count): self.wfile.write(chunk)

    def do_POST(self):
        digest, count = hashlib.sha256(), 0
        for chunk in self.body():
            digest.update(chunk)
            count += len(chunk)
        body = json.dumps({
            "path": self.path, "headers": self.headers.items(), "bytes": count, "sha256": digest.hexdigest(),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        # Of this hop alone, so the caller must not see it.
        self.send_header("Connection", "x-hop")
        self.send_header("X-Hop", "1")
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        left = self.headers["Content-Length"]
        if left is not None:
            left = int(left)
            while left:
                chunk = self.rfile.read(min(left, 64 << 10))
                left -= len(chunk)
                yield chunk
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip(): pass

    def log_message(self, *_):
        pass


def noise(count):
    """The same bytes every time."""
    block = random.Random(1).randbytes(64 << 10)
    while count:
        part = block[:count]
        count -= len(part)
        yield part


def digest_of_noise(count):
    digest = hashlib.sha256()
    for chunk in noise(count): digest.update(chunk)
    return digest.hexdigest()


mirror = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
threading.Thread(target=mirror.serve_forever, daemon=True).start()
simulator = Simulator("--tokens-per-second", "100")
penstock = Penstock(f"""
upstreams:
  provider: {{url: "http://127.0.0.1:{simulator.port}", provider: openai, limits: [{{in_flight: 16}}]}}
  mirror: {{url: "http://127.0.0.1:{mirror.server_port}/base", provider: generic, limits: [{{in_flight: 16}}]}}
""")


def curl(*arguments, path="/provider/v1/chat/completions", status=200):
    """The body; the status is checked."""
    text = run("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", 30, "--write-out", "\n%{http_code}",
               "--header", f"Authorization: Bearer {SECRET}", *arguments, penstock.url + path)
    body, _, code = text.rpartition("\n")
    assert int(code) == status, (code, body)
    return body


def send(data, until=b"", seconds=5):
    """Writes raw bytes and returns what comes back until the end of the connection or a certain text."""
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=seconds) as connection:
        with contextlib.suppress(ConnectionError): connection.sendall(data)
        got = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(64 << 10):
                got += chunk
                if until and until in got: break
        return got


def head(line, *fields):
    return "\r\n".join([line, "Host: penstock.test", *fields, "", ""]).encode()


with check("curl: a plain request, a stream and HEAD"):
    assert json.loads(curl("--data", CHAT))["choices"]
    streamed = curl("--no-buffer", "--data", CHAT.replace("{", '{"stream": true, ', 1))
    assert streamed.count("data: ") > 4 and streamed.rstrip().endswith("data: [DONE]"), streamed
    fields = curl("--head", path="/provider/v1/models")
    assert fields.startswith("HTTP/1.1 200") and "server-timing: penstock-queue" in fields.lower(), fields

with check("the provider gets the request as the caller made it, less identity and hop-by-hop fields"):
    answer = json.loads(curl(
        "--data", "hello", "--header", "X-Tenant-Id: acme", "--header", "X-Job-Id: 1", "--header", "X-Priority: low",
        "--header", "Connection: keep-alive, X-Private", "--header", "X-Private: 1", "--header", "TE: trailers",
        "--header", "Proxy-Authorization: Basic YTpi",
        "--header", "traceparent: 00-0af7651916cd43dd-b7ad6b7169203331-01",
        path="/mirror/some/path?with=query&and=%2F"))
    assert answer["path"] == "/base/some/path?with=query&and=%2F", answer
    fields = {name.lower(): value for name, value in answer["headers"]}
    assert fields["host"] == f"127.0.0.1:{mirror.server_port}", fields
    assert fields["authorization"] == f"Bearer {SECRET}" and fields["content-length"] == "5", fields
    assert fields["traceparent"].startswith("00-0af7"), fields
    unwanted = {"x-tenant-id", "x-job-id", "x-priority", "connection", "x-private", "te", "proxy-authorization", "via"}
    assert not unwanted & set(fields), fields
    got = curl("--include", "--data", "hello", path="/mirror/").lower()
    assert "x-hop" not in got and "\nvia: 1.1 penstock" in got, got

with check("404 for a path of no upstream when none is the default, in one line for a person"):
    body = json.loads(curl("--data", CHAT, path="/elsewhere/v1?key=hidden", status=404))
    assert "/elsewhere/v1" in json.dumps(body) and "hidden" not in json.dumps(body), body

with check("431 for 100 KiB of header fields"):
    for fields in (["X-Large: " + "x" * (100 << 10)], [f"X-{number}: {'x' * 1000}" for number in range(100)]):
        got = send(head("GET /provider/v1/models HTTP/1.1", *fields))
        assert got.startswith(b"HTTP/1.1 431 "), got[:200]

with check("400 and the end of the connection for what is no HTTP, or HTTP that hides something"):
    for bad in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 garbage\r\n\r\n",
        b"BREW /pot HTCPCP/1.0\r\n\r\n",
        b"GET /provider/v1/models HTTP/1.1\r\n\r\n",
        head("GET /provider/v1/models HTTP/1.1", "Host: another.test"),
        head("POST /provider/v1/chat/completions HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n",
        head("POST /provider/v1/chat/completions HTTP/1.1", "Content-Length: 5", "Content-Length: 6") + b"hello",
        head("POST /provider/v1/chat/completions HTTP/1.1", "Content-Length: -1"),
        head("POST /provider/v1/chat/completions HTTP/1.1", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        head("POST /provider/v1/chat/completions HTTP/1.1", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        head("GET /provider/v1/models HTTP/1.1", "X-Field : space"),
    ):
        got = send(bad)
        assert got.startswith(b"HTTP/1.1 400 "), (bad[:60], got[:200])
    assert simulator.counts["active"] == 0

with check("Expect: 100-continue is answered before a body of 1 MiB is sent"):
    large = directory / "large.json"
    large.write_text(CHAT.replace("Say something.", "x" * MIB))
    got = curl("--include", "--header", "Expect: 100-continue", "--data-binary", f"@{large}")
    assert got.startswith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), got[:200]

with check("a chunked request body"):
    assert json.loads(curl("--header", "Transfer-Encoding: chunked", "--data-binary", f"@{large}"))["choices"]
    answer = json.loads(curl("--header", "Transfer-Encoding: chunked", "--data-binary", f"@{large}", path="/mirror/"))
    assert answer["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest(), answer

with check("an HTTP/1.0 caller gets no chunks, and the end of the connection ends its stream"):
    assert json.loads(curl("--http1.0", "--data", CHAT))["choices"]
    body = CHAT.replace("{", '{"stream": true, ', 1)
    got = send(f"POST /provider/v1/chat/completions HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    fields, _, rest = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in fields.lower() and rest.startswith(b"data: "), got[:300]
    assert rest.rstrip().endswith(b"data: [DONE]"), rest[-100:]

with check("one connection carries many requests, one after the other and ahead of their answers"):
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=10) as connection:
        stream = connection.makefile("rwb")

        def answer():
            assert stream.readline().startswith(b"HTTP/1.1 200"), "no 200"
            length = 0
            while line := stream.readline().strip():
                if line.lower().startswith(b"content-length:"): length = int(line.split(b":")[1])
            return json.loads(stream.read(length))

        def ask(number):
            stream.write(head(f"POST /mirror/{number} HTTP/1.1", "Content-Length: 5") + b"hello")

        for number in range(3):
            ask(number)
            stream.flush()
            assert answer()["path"] == f"/base/{number}"
        for number in range(10): ask(number)
        stream.flush()
        assert [answer()["path"] for _ in range(10)] == [f"/base/{number}" for number in range(10)]

with check("an answer that the provider cuts never looks whole to curl"):
    for fault, codes in (("cut-body", (18, 56)), ("reset-after-head", (18, 56))):
        for body in (CHAT, CHAT.replace("{", '{"stream": true, ', 1)):
            for version in ("--http1.1", "--http1.0"):
                try:
                    got = curl(version, "--header", f"x-simulate: {fault}", "--data", body)
                    raise RuntimeError(f"{fault} {version}: it looked whole: {got}")
                except AssertionError as error:
                    found = re.match(r"curl returned (\d+)", str(error))
                    assert found and int(found[1]) in codes, error

with check("64 MiB go up and down as they are, in little memory"):
    file = directory / "noise"
    with open(file, "wb") as out:
        for chunk in noise(64 * MIB): out.write(chunk)
    before = penstock.peak_memory()
    answer = json.loads(curl("--data-binary", f"@{file}", "--header", "Expect:", path="/mirror/"))
    assert answer["bytes"] == 64 * MIB and answer["sha256"] == digest_of_noise(64 * MIB), answer
    answer = json.loads(curl("--header", "Transfer-Encoding: chunked", "--data-binary", f"@{file}", path="/mirror/"))
    assert answer["bytes"] == 64 * MIB and answer["sha256"] == digest_of_noise(64 * MIB), answer
    run("curl", "--silent", "--noproxy", "*", "--output", directory / "back", f"{penstock.url}/mirror/{64 * MIB}")
    assert (directory / "back").read_bytes() == file.read_bytes()
    grown = penstock.peak_memory() - before
    # Up to 4 MiB are kept for another attempt (`retry.max_body`), beside the buffers of two sockets.
    assert grown < 24 * MIB, f"{grown / MIB:.1f} MiB more"

with check("a caller that reads nothing holds the provider back instead of filling memory"):
    before = penstock.peak_memory()
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=10) as connection:
        connection.sendall(head(f"GET /mirror/{256 * MIB} HTTP/1.1"))
        eventually(lambda: penstock.upstream("mirror")["in_flight"] == 1, "the answer to begin")
        # Long enough for all of it to come over loopback, if anything took it.
        time.sleep(1)
        grown = penstock.peak_memory() - before
        assert grown < 24 * MIB, f"{grown / MIB:.1f} MiB more"
    eventually(lambda: penstock.is_idle("mirror"), "the slot to be free")

with check("nothing is left"):
    eventually(lambda: penstock.is_idle() and penstock.is_idle("mirror"), "all slots to be free")
    assert penstock.child.poll() is None
