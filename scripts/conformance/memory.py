"""What holds memory and gives nothing, with little of it allowed: heads, bodies and readers that stop half way.

Bounded by guard.max_memory and not by luck, and others are served again in seconds while the attackers stay.
"""

import contextlib
import os
import resource
import socket
import threading
import time

from harness import eventually
from http2 import *
from proxied import POLICY, recorder, resident, serves, start
from recorder import answer
from suite import MIB, check, finish

# What is allowed, what may come on top of it between two looks, and how long others may be refused, in seconds.
BOUND, MARGIN, PATIENCE = 128 * MIB, 32 * MIB, 20

limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
recorder.on("/small", answer(os.urandom(60_000)))
recorder.on("/large", answer(os.urandom(MIB)))


@contextlib.contextmanager
def pressed(sentence):
    """A check with a Penstock of its own; the value makes connections that stay until the others were served."""
    with check(sentence) as remark, contextlib.ExitStack() as stack:
        penstock = start(POLICY + f"\nguard: {{max_memory: {BOUND // MIB}MiB}}\n")
        stack.callback(penstock.stop)
        serves(penstock)
        peak, stopped = [resident(penstock)], threading.Event()

        def sample():
            while not stopped.wait(0.02): peak[0] = max(peak[0], resident(penstock))

        def dial(data):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", penstock.port), timeout=5))
            with contextlib.suppress(OSError): raw.sendall(data)

        watch = threading.Thread(target=sample)
        watch.start()
        try:
            yield dial, lambda *pairs: stack.enter_context(Connection(penstock.port, *pairs))
            began = time.monotonic()
            eventually(lambda: is_served(penstock), "others to be served", PATIENCE)
            remark(f"{peak[0] / MIB:.0f} MiB at most, others refused for {time.monotonic() - began:.1f} s")
        finally:
            stopped.set()
            watch.join()
        assert penstock.child.poll() is None, "penstock ended"
        assert peak[0] <= BOUND + MARGIN, f"{peak[0] / MIB:.0f} MiB"
        eventually(lambda: penstock.is_idle("recorder"), "all slots to be free", PATIENCE)


def is_served(penstock):
    with contextlib.suppress(AssertionError, OSError):
        serves(penstock)
        return True


HEAD = b"GET /case HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 900) for n in range(60))
with pressed("2 000 heads of 60 KiB that do not end") as (dial, _):
    for _ in range(2000): dial(HEAD)
BODY = b"POST /case HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + b"a" * 59_000
with pressed("2 000 bodies that lack their last KiB") as (dial, _):
    for _ in range(2000): dial(BODY)
BLOCK = frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84\x00\x01a\x7f\x80\x7e" + b"b" * 16_000) + \
    frame(CONTINUATION, 0, 1, b"c" * 16_000) * 2
with pressed("1 500 header blocks that do not end") as (_, connect):
    with contextlib.suppress(Ended):
        for _ in range(1500): connect().send(BLOCK)
for path in ("/small", "/large"):
    with pressed(f"1 500 answers{path} that no window is given for") as (_, connect):
        with contextlib.suppress(Ended):
            for _ in range(15):
                wire = connect((INITIAL_WINDOW, 0))
                for _ in range(100): wire.request(path)
finish()
