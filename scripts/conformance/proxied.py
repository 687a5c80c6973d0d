"""Penstock before the recorder, and what a raw request may come to there."""

import pathlib
import re

from harness import Penstock, eventually
from http1 import Broken, Caller, head
from recorder import Recorder
from suite import MIB, check

recorder = Recorder()

# One attempt and no breaker: what the recorder gets is what one request became.
POLICY = f"""
upstreams:
  recorder:
    url: "http://127.0.0.1:{recorder.port}"
    prefix: /base
    default: true
    provider: generic
    limits: [{{in_flight: 4000}}]
    queue: {{max_requests: 4000, max_requests_per_tenant: 4000, timeout: 5s}}
    retry: {{attempts: 1}}
    breaker: off
    connections: {{max: 4000}}
    timeouts: {{first_byte: 4s, idle: 4s}}
"""


def start(policy=POLICY, **options):
    return Penstock(policy, "--log-level", "warning", **options)


def resident(penstock):
    """VmRSS in bytes."""
    status = pathlib.Path(f"/proc/{penstock.child.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def serves(penstock):
    """Asserts that a normal request on a new connection gets its own answer, and is all that the upstream sees."""
    with Caller(penstock.port) as caller:
        caller.send(head("GET /after HTTP/1.1"))
        got = caller.answer()
        assert (got.status, got.body) == (200, b"GET /after"), f"the next caller got {got}"


def nothing_is_left(penstock):
    """The last check of a file."""
    with check("nothing is left"):
        eventually(lambda: penstock.is_idle("recorder"), "all slots to be free")
        serves(penstock)


def outcome(penstock, raw, half_close=False, seconds=5):
    """Sends bytes; returns the answers, whether the connection was then closed, and what the upstream got."""
    recorder.take()
    answers, is_closed = [], False
    method = "HEAD" if raw.startswith(b"HEAD ") else "GET"
    with Caller(penstock.port, seconds) as caller:
        caller.send(raw)
        if half_close: caller.finish_sending()
        try:
            answers.append(caller.answer(method))
            while not caller.is_quiet(): answers.append(caller.answer(method))
            is_closed = caller.is_closed(0.05)
        except (Broken, ConnectionError):
            is_closed = True
    serves(penstock)
    whole, unfinished, faults = recorder.take()
    assert not faults, f"the upstream got what is not clean: {faults}"
    assert whole and whole[-1].target == b"/after", f"the upstream got {whole} {unfinished}"
    return answers, is_closed, whole[:-1], unfinished


def refused(penstock, raw, statuses=(400,), **options):
    """One refusal and the end of the connection; no whole request reaches the upstream."""
    answers, is_closed, whole, _ = outcome(penstock, raw, **options)
    assert not whole, f"the upstream got {whole} and the caller {answers}"
    assert [answer.status for answer in answers] in [[status] for status in statuses], f"the caller got {answers}"
    assert is_closed, f"the connection stays open after {answers}"


def dropped(penstock, raw, **options):
    """No whole request reaches the upstream; the caller gets an error or the end of the connection."""
    answers, is_closed, whole, _ = outcome(penstock, raw, **options)
    assert not whole, f"the upstream got {whole} and the caller {answers}"
    assert len(answers) <= 1 and all(answer.status >= 400 for answer in answers), f"the caller got {answers}"


def passes(penstock, raw, count=1, **options):
    """So many answers of the upstream to so many clean requests, which are returned."""
    answers, _, whole, unfinished = outcome(penstock, raw, **options)
    assert [answer.status for answer in answers] == [200] * count, f"the caller got {answers}, upstream {whole}"
    assert len(whole) == count and not unfinished, f"the upstream got {whole} {unfinished}"
    return whole if count != 1 else whole[0]


def either(penstock, raw, remark=lambda text: None, statuses=(400, 405, 408, 414, 417, 431, 501, 505), **options):
    """Refused, or exactly one clean request, which is returned."""
    answers, is_closed, whole, unfinished = outcome(penstock, raw, **options)
    if not whole:
        assert len(answers) == 1 and answers[0].status in statuses, f"the caller got {answers}"
        remark(f"refused with {answers[0].status}")
        return None
    assert len(whole) == 1 and not unfinished, f"the upstream got {whole} {unfinished}"
    assert [answer.status for answer in answers] == [200], f"the caller got {answers}, upstream {whole}"
    remark("passed")
    return whole[0]
