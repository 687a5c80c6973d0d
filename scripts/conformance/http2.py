"""A caller of HTTP/2 that works on frames, so that it can send what no library would (RFC 9113, RFC 7541)."""

import struct
import time
import warnings

import hpack
from suite import Dialled

warnings.filterwarnings("ignore", module="hpack")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT, INITIAL_WINDOW, MAX_FRAME, MAX_HEADER_LIST, _, ENABLE_CONNECT = range(
    1, 9)
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """A frame's bytes; `length` may lie."""
    length = len(payload) if length is None else length
    return struct.pack(">HBBBI", length >> 8, length & 0xff, kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(payload=b"12345678", flags=0):
    return frame(PING, flags, 0, payload)


def code_name(code):
    return CODES[code] if code < len(CODES) else hex(code)


class Ended(Exception):
    """The connection has ended, or GOAWAY with an error came; the message says which."""


class Stream:
    """What has come on one stream."""

    def __init__(self):
        self.interim, self.fields, self.body, self.trailers = [], None, bytearray(), None
        self.is_ended, self.reset = False, None

    @property
    def status(self):
        return int(dict(self.fields)[b":status"]) if self.fields else None

    def values(self, key):
        return [value for name, value in self.fields or [] if name == key]

    @property
    def is_over(self):
        return self.is_ended or self.reset is not None

    def __repr__(self):
        end = f"RST_STREAM {code_name(self.reset)}" if self.reset is not None else "ended" if self.is_ended else "open"
        return f"<{self.status} {bytes(self.body[:80])!r} {end}>"


class Connection(Dialled):
    """One connection. It acknowledges SETTINGS and PING and gives windows back, unless it is told not to."""

    def __init__(self, port, *pairs, tls=None, preface=PREFACE, greets=True, seconds=5, receive_buffer=None):
        super().__init__(port, seconds, tls, receive_buffer)
        if tls: assert self.socket.selected_alpn_protocol() == "h2", self.socket.selected_alpn_protocol()
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.streams, self.frames, self.settings = {}, [], {}
        self.pongs, self.acks, self.goaway, self.is_closed = [], 0, None, False
        self.gives_back, self.answers_pings, self.last = True, True, -1
        # What may be sent: (stream → bytes); stream 0 is the connection.
        self.windows = {0: 65_535}
        if greets:
            self.send(preface + settings(*pairs))
            self.until(lambda: self.settings_came)

    settings_came = False

    def send(self, data):
        try:
            self.socket.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            pass  # What the peer said before it closed is still to be read.

    # MARK: Requests

    def next_stream(self):
        self.last += 2
        return self.last

    def block(self, fields):
        return self.encoder.encode(fields)

    def request(self, path="/case", *fields, method="GET", ends=True, stream=None, authority="penstock.test"):
        """Sends a request's head and returns its stream."""
        stream = stream or self.next_stream()
        block = self.block([(":method", method), (":scheme", "http"),
                           (":path", path), (":authority", authority), *fields])
        self.send(self.headers(stream, block, ends))
        return stream

    def headers(self, stream, block, ends=True):
        """A header block in as many frames as it needs."""
        parts = [block[at : at + 16_384] for at in range(0, len(block), 16_384)] or [b""]
        out = b""
        for n, part in enumerate(parts):
            flags = (END_HEADERS if n == len(parts) - 1 else 0) | (END_STREAM if ends and n == 0 else 0)
            out += frame(CONTINUATION if n else HEADERS, flags, stream, part)
        return out

    def upload(self, stream, body, seconds=20):
        """Sends a body as the peer's windows allow."""
        end = time.monotonic() + seconds
        at = 0
        while at < len(body):
            room = min(self.windows[0], self.window(stream), 16_384, len(body) - at)
            if room <= 0:
                assert time.monotonic() < end, f"no window after {at} bytes"
                self.read(1)
                if self[stream].is_over: return at
                continue
            self.send(frame(DATA, END_STREAM if at + room == len(body) else 0, stream, body[at : at + room]))
            self.windows[0] -= room
            self.windows[stream] = self.window(stream) - room
            at += room
        return at

    def window(self, stream):
        return self.windows.setdefault(stream, self.settings.get(INITIAL_WINDOW, 65_535))

    # MARK: What comes

    def __getitem__(self, stream):
        return self.streams.setdefault(stream, Stream())

    def read(self, seconds):
        """Takes what comes within a time; False where nothing does or the connection is over."""
        if self.is_closed: return False
        self.socket.settimeout(max(0.001, seconds))
        try:
            got = self.socket.recv(1 << 18)
        except TimeoutError:
            return False
        except OSError:
            got = b""
        finally:
            self.socket.settimeout(5)
        if not got:
            self.is_closed = True
            return False
        self.buffer += got
        while len(self.buffer) >= 9:
            high, low, kind, flags, stream = struct.unpack(">HBBBI", self.buffer[:9])
            length = high << 8 | low
            if len(self.buffer) < 9 + length: break
            payload, self.buffer = self.buffer[9 : 9 + length], self.buffer[9 + length :]
            self.take(kind, flags, stream, payload)
        return True

    def take(self, kind, flags, stream, payload):
        if len(self.frames) < 100_000: self.frames.append((kind, flags, stream, len(payload)))
        if not self.settings_came: assert kind == SETTINGS and not flags & ACK, f"the first frame is {kind}"
        match kind:
            case 0:
                self[stream].body += payload
                if flags & END_STREAM: self[stream].is_ended = True
                if self.gives_back and payload:
                    back = window_update(0, len(payload))
                    if not flags & END_STREAM: back += window_update(stream, len(payload))
                    self.send(back)
            case 1 | 9:
                if kind == HEADERS: self.begun, self.ends_with_it = b"", flags & END_STREAM
                self.begun += payload
                if not flags & END_HEADERS: return
                fields = [(bytes(name), bytes(value)) for name, value in self.decoder.decode(self.begun, raw=True)]
                self.heads(self[stream], fields)
                if self.ends_with_it: self[stream].is_ended = True
            case 3: self[stream].reset = struct.unpack(">I", payload)[0]
            case 4 if flags & ACK: self.acks += 1
            case 4:
                before = self.settings.get(INITIAL_WINDOW, 65_535)
                for at in range(0, len(payload), 6):
                    key, value = struct.unpack(">HI", payload[at : at + 6])
                    self.settings[key] = value
                grown = self.settings.get(INITIAL_WINDOW, 65_535) - before
                for number in self.windows:
                    if number: self.windows[number] += grown
                self.settings_came = True
                self.send(frame(SETTINGS, ACK))
            case 6 if flags & ACK: self.pongs.append(payload)
            case 6:
                if self.answers_pings: self.send(ping(payload, ACK))
            case 7: self.goaway = struct.unpack(">II", payload[:8])
            case 8:
                self.windows[stream] = self.window(stream) + struct.unpack(">I", payload)[0]

    def heads(self, stream, fields):
        if stream.fields is not None:
            stream.trailers = fields
        elif dict(fields)[b":status"][:1] == b"1":
            stream.interim.append(fields)
        else:
            stream.fields = fields

    def until(self, condition, seconds=5, what="what was waited for"):
        end = time.monotonic() + seconds
        while not condition():
            if self.is_closed: raise Ended(self.end())
            left = end - time.monotonic()
            assert left > 0, f"waited {seconds} s in vain for {what}; streams {dict(list(self.streams.items())[:3])}"
            self.read(left)

    def end(self):
        if self.goaway: return f"GOAWAY {code_name(self.goaway[1])}"
        return "closed" if self.is_closed else "open"

    def answer(self, stream, seconds=5):
        """The whole answer on a stream, or its reset."""
        self.until(lambda: self[stream].is_over, seconds, f"the end of stream {stream}")
        return self[stream]

    def lives(self, seconds=3):
        """Asserts that the connection still serves: a PING comes back."""
        self.pongs.clear()
        self.send(ping(b"penstock"))
        self.until(lambda: b"penstock" in self.pongs, seconds, "the answer to a PING")

    # MARK: What a mistake came to

    def connection_error(self, *codes, seconds=4):
        """Asserts GOAWAY with one of the codes, or just the end of the connection; says which."""
        end = time.monotonic() + seconds
        while not self.is_closed and time.monotonic() < end: self.read(end - time.monotonic())
        assert self.goaway or self.is_closed, f"the connection goes on: {self.streams}"
        if self.goaway:
            assert self.goaway[1] in codes, f"{self.end()} instead of {[code_name(code) for code in codes]}"
            assert self.is_closed, f"{self.end()}, but the connection stays open"
        return self.end() if self.goaway else "closed without GOAWAY"

    def stream_error(self, stream, *codes, seconds=4):
        """Asserts RST_STREAM with one of the codes, an answer of 4xx or 5xx, or GOAWAY; says which."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.is_closed or self[stream].is_over or self.goaway):
            self.read(end - time.monotonic())
        found = self[stream]
        if found.reset is not None:
            assert found.reset in codes or found.status and found.status >= 400, \
                f"{found!r} instead of {[code_name(code) for code in codes]}"
            return f"RST_STREAM {code_name(found.reset)}"
        if found.is_ended:
            assert found.status >= 400, f"it was answered: {found!r}"
            return str(found.status)
        return self.connection_error(*codes, seconds=1)

    def ignored_or(self, stream, *codes, seconds=0.5):
        """Like stream_error, where it may also do nothing."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(end - time.monotonic()): pass
        if self.goaway or self.is_closed or self[stream].reset is not None: return self.stream_error(stream, *codes)
        self.lives()
        return "ignored"
