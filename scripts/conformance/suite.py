"""One line for each check, and a sum at the end; and the connection that callers of either HTTP have."""

import contextlib
import socket
import sys
import time
import traceback

MIB = 1 << 20

passed, failures = 0, []


class Dialled:
    """A connection to a local port, over TLS where there is a context for it."""

    def __init__(self, port, seconds=5, tls=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer: self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls: self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Skipped(Exception):
    """The check can't be made here; the message says why."""


@contextlib.contextmanager
def check(sentence, known=None):
    """Prints whether what the sentence says holds, and goes on. The value takes a remark for the line.

    `known` says why it does not hold as yet: then that is no failure, and the line begins with `known`.
    """
    global passed
    remark, began = [], time.monotonic()
    try:
        yield remark.append
    except Skipped as reason:
        print(f"skipped - {sentence}: {reason}", flush=True)
        return
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:400] or f"line {where.lineno} of {where.name}"
        if known:
            print(f"known - {sentence}: {known} ({text})", flush=True)
            return
        failures.append(sentence)
        print(f"failed - {sentence}: {type(error).__name__}: {text}", flush=True)
        return
    passed += 1
    took = time.monotonic() - began
    if took >= 2: remark.append(f"{took:.1f} s")
    print(f"ok - {sentence}" + (f" ({', '.join(remark)})" if remark else ""), flush=True)


def finish():
    """Ends the file; what failed is said again, since a long list is read from its end."""
    print(f"# {passed} ok, {len(failures)} failed", flush=True)
    for sentence in failures: print(f"#   failed: {sentence}", flush=True)
    sys.exit(1 if failures else 0)
