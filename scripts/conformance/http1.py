"""A caller of HTTP/1.1 on a raw socket, which reads answers strictly."""

import re
import socket
import ssl

from recorder import field
from suite import Dialled

STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)")


class Broken(Exception):
    """What came back is not a whole answer."""


class Answer:
    def __init__(self, status, fields):
        self.status, self.fields, self.body, self.trailers = status, fields, b"", []

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def __repr__(self):
        return f"<{self.status} {self.body[:120]!r}>"


class Caller(Dialled):
    """One connection."""

    def send(self, data):
        """A peer that closes early may already have said why, so what it does to the writing is no matter."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        got = self.socket.recv(1 << 16)
        if not got: raise Broken(f"the end of the connection after {self.buffer[:80]!r}")
        self.buffer += got

    def until(self, end):
        while end not in self.buffer: self.fill()
        text, _, self.buffer = self.buffer.partition(end)
        return text

    def exactly(self, count):
        while len(self.buffer) < count: self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self):
        lines = self.until(b"\r\n\r\n").split(b"\r\n")
        found = STATUS.fullmatch(lines[0])
        if not found: raise Broken(f"status line {lines[0][:80]!r}")
        return Answer(int(found[1]), [field(line) for line in lines[1:]])

    def answer(self, method="GET"):
        """The next answer that is final, whole."""
        answer = self.head()
        while answer.status < 200: answer = self.head()
        lengths, codings = answer.values(b"content-length"), answer.values(b"transfer-encoding")
        if len(lengths) > 1 or lengths and codings: raise Broken(f"framed twice: {lengths} {codings}")
        if method == "HEAD" or answer.status in (204, 304): return answer
        if codings:
            while size := int(self.until(b"\r\n"), 16):
                answer.body += self.exactly(size)
                if self.exactly(2) != b"\r\n": raise Broken("a chunk without its end")
            while line := self.until(b"\r\n"): answer.trailers.append(field(line))
        elif lengths:
            answer.body = self.exactly(int(lengths[0]))
        else:
            answer.body = self.rest()
        return answer

    def rest(self):
        """Everything up to the end of the connection; a reset is no end."""
        while got := self.socket.recv(1 << 16): self.buffer += got
        taken, self.buffer = self.buffer, b""
        return taken

    def is_closed(self, seconds=3):
        """Whether the peer ends the connection without another byte."""
        self.socket.settimeout(seconds)
        try:
            return not self.buffer and self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def is_quiet(self, seconds=0.15):
        """Whether nothing more comes for a moment; the end of the connection is quiet, too."""
        if self.buffer: return False
        self.socket.settimeout(seconds)
        try:
            self.buffer = self.socket.recv(1 << 16)
        except (TimeoutError, ssl.SSLWantReadError, ConnectionError):
            return True
        return not self.buffer


def head(line, *fields, host="penstock.test"):
    """A request's head from its line and fields, each without its end."""
    lines = [line, *([f"Host: {host}"] if host is not None else []), *fields, "", ""]
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
