"""An upstream on a raw socket: keeps the exact bytes of each request and answers with prepared bytes.

It reads strictly. What is not one clean request after the other is noted in `faults`, so that a request hidden in
another one can't go unseen.
"""

import contextlib
import re
import socket
import threading

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.1")


class Fault(Exception):
    """What came is not HTTP/1.1 as a proxy must send it."""


class Gone(Exception):
    """The connection ended within a message."""


class Request:
    """One request as it came."""

    def __init__(self, connection, head):
        self.connection = connection
        self.raw = head
        self.body, self.trailers, self.is_complete = b"", [], False
        lines = head[:-4].split(b"\r\n")
        found = LINE.fullmatch(lines[0])
        if not found: raise Fault(f"request line {lines[0][:100]!r}")
        self.method, self.target = found[1], found[2]
        self.fields = [field(line) for line in lines[1:]]
        if len(self.values(b"host")) != 1: raise Fault(f"Host {self.values(b'host')}")
        lengths, codings = self.values(b"content-length"), self.values(b"transfer-encoding")
        if len(lengths) + len(codings) > 1: raise Fault(f"framed twice: {lengths} {codings}")
        if lengths and not re.fullmatch(rb"[0-9]{1,20}", lengths[0]): raise Fault(f"length {lengths[0]!r}")
        if codings and codings[0].lower() != b"chunked": raise Fault(f"coding {codings[0]!r}")
        self.length = int(lengths[0]) if lengths else 0
        self.is_chunked = bool(codings)

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def __repr__(self):
        return f"<{self.raw.splitlines()[0][:80]!r} body {len(self.body)}{'' if self.is_complete else ' unfinished'}>"


def field(line):
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value): raise Fault(f"field {line[:100]!r}")
    return name, value


class Peer:
    """One connection from Penstock."""

    def __init__(self, number, connection):
        self.number, self.socket, self.buffer = number, connection, b""
        connection.settimeout(20)

    def fill(self):
        try:
            got = self.socket.recv(1 << 16)
        except OSError:
            got = b""
        if not got: raise Gone
        self.buffer += got

    def until(self, end):
        while end not in self.buffer:
            if len(self.buffer) > 4 << 20: raise Fault("a line without end")
            self.fill()
        text, _, self.buffer = self.buffer.partition(end)
        return text + end

    def exactly(self, count):
        while len(self.buffer) < count: self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_body(self, request):
        """The rest of a request, strictly."""
        if request.is_chunked:
            while True:
                size = self.until(b"\r\n")[:-2]
                if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size): raise Fault(f"chunk size {size[:60]!r}")
                if int(size, 16) == 0: break
                request.body += self.exactly(int(size, 16))
                if self.exactly(2) != b"\r\n": raise Fault("chunk without its end")
            while (line := self.until(b"\r\n")[:-2]): request.trailers.append(field(line))
        else:
            request.body += self.exactly(request.length)
        request.is_complete = True

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        """Ends the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


def answer(body=b"", *fields, status=b"200 OK"):
    """The bytes of a plain answer."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields, b"", b""]
    return b"\r\n".join(head) + body


def waits(peer, request):
    """Never answers."""
    peer.read_body(request)
    peer.fill()


def trickles(peer, request):
    """Begins an answer and leaves it at that."""
    peer.read_body(request)
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello")
    peer.fill()


class Recorder:
    """The upstream; scripts are found by the path of the target."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests, self.faults, self.scripts, self.connections = [], [], {}, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, path, script):
        """`script` is the answer's bytes, or what to do with the connection and a request of which the head has come.

        A function that returns True goes on with the connection; bytes always do.
        """
        self.scripts[path.encode()] = script

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.serve, args=(Peer(number, connection),), daemon=True).start()

    def serve(self, peer):
        try:
            while self.one(peer): pass
        except Fault as fault:
            self.faults.append(str(fault))
        except AssertionError as error:
            self.faults.append(f"not as it should be: {error}")
        except (Gone, OSError):
            if b"\r\n" in peer.buffer: self.faults.append(f"left over: {peer.buffer[:100]!r}")
        finally:
            with contextlib.suppress(OSError): peer.socket.close()

    def one(self, peer):
        request = Request(peer.number, peer.until(b"\r\n\r\n"))
        with self.lock: self.requests.append(request)
        script = self.scripts.get(request.target.partition(b"?")[0])
        if callable(script): return script(peer, request)
        peer.read_body(request)
        peer.send(script or answer(request.method + b" " + request.target))
        return True

    def take(self):
        """What has come since the last call: whole requests, unfinished ones, faults."""
        with self.lock:
            requests, self.requests = self.requests, []
            faults, self.faults = self.faults, []
        whole = [request for request in requests if request.is_complete]
        return whole, [request for request in requests if not request.is_complete], faults
